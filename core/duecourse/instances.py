"""Making the channels and filing adapters that the settings name, each inside its own boundary."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

import msgspec

from duecourse.bounded import Bounded
from duecourse.case.words import MANUAL_CHANNELS
from duecourse.case.words import Channel as ChannelName
from duecourse.catalogue import Catalogue, Offer, Package, PluginStatus, offered_names
from duecourse.channels import Channel, Config
from duecourse.contract import RESERVED, Plugin, check_capabilities, written
from duecourse.filing import FilingAdapter
from duecourse.guarded import Guarded
from duecourse.isolation import IsolatedChannel
from duecourse.loading import Role
from duecourse.redaction import ANYTHING, contained, explain, secrets_of
from duecourse.settings import ChannelLimits, ChannelOptions, Table, convert

MEDIA: Final = frozenset({"sms", "email", "letter"})

Made = Guarded | FilingAdapter[Any]


def make_channels(
    catalogue: Catalogue, tables: Mapping[str, Table]
) -> Iterator[tuple[str, Guarded, ChannelLimits]]:
    """Yield what the tables `[channels.NAME]` name, each held to its limits."""
    for instance, table in tables.items():
        line = _line(catalogue, "channel", instance, table)
        try:
            offer = _offer(catalogue, "channel", table)
            options = _options(instance, table)
            isolated = options.isolated
            if isolated is None:
                isolated = not offer.package.is_bundled
            line = msgspec.structs.replace(line, isolated=isolated)
            made = _make_channel(offer, instance, table, options.limits, isolated=isolated)
        except ANYTHING as error:
            catalogue.note(line, state="broken", reason=explain(error))
            continue
        catalogue.note(line)
        yield instance, made, options.limits


def make_filings(
    catalogue: Catalogue, tables: Mapping[str, Table]
) -> Iterator[tuple[str, FilingAdapter[Any]]]:
    """Yield what the tables `[filings.NAME]` name."""
    for instance, table in tables.items():
        line = _line(catalogue, "filing", instance, table)
        try:
            offer = _offer(catalogue, "filing", table)
            config = _config(offer.plugin, "filing", instance, table)
            made = _construct(offer.plugin, config, f"[filings.{instance}]")
            if not isinstance(made, FilingAdapter):
                raise TypeError("its class makes something else than itself")
        except ANYTHING as error:
            catalogue.note(line, state="broken", reason=explain(error))
            continue
        catalogue.note(line)
        yield instance, made


def _line(catalogue: Catalogue, role: Role, instance: str, table: Table) -> PluginStatus:
    use = str(table.get("use", "?"))
    offer = catalogue.offers.get((role, use))
    version = offer.package.version if offer else ""
    return PluginStatus(name=use, kind=role, state="loaded", instance=instance, version=version)


def _offer(catalogue: Catalogue, role: Role, table: Table) -> Offer:
    offer = catalogue.offers.get((role, str(table.get("use", "?"))))
    if offer is None:
        known = ", ".join(offered_names(catalogue.offers, role)) or "none"
        raise ValueError(f"`use` must name an installed {role}; there are: {known}")
    return offer


def _options(instance: str, table: Table) -> ChannelOptions:
    """What the core itself is told of a channel, beside the plugin's own settings."""
    own = {key: table[key] for key in RESERVED["channel"] if key in table and key != "use"}
    return convert(own, ChannelOptions, where=f"[channels.{instance}]")


def _config(plugin: Plugin, role: Role, instance: str, table: Table) -> Config:
    settings = {key: value for key, value in table.items() if key not in RESERVED[role]}
    return convert(settings, plugin.config_class, where=f"[{role}s.{instance}]")


def _make_channel(
    offer: Offer, instance: str, table: Table, limits: ChannelLimits, *, isolated: bool
) -> Guarded:
    assert issubclass(offer.plugin, Channel), "it was offered as a channel"
    _check_name(instance)
    config = _config(offer.plugin, "channel", instance, table)
    where = f"[channels.{instance}]"
    made = (
        _isolate(offer.plugin, config, offer.package, limits, where)
        if isolated
        else _bound(offer.plugin, config, limits, where)
    )
    try:
        _check_medium(instance, made.capabilities.medium)
    except ValueError:
        with suppress(*ANYTHING):
            made.close()
        raise
    return made


def _isolate(
    plugin: type[Channel[Any]], config: Config, package: Package, limits: ChannelLimits, where: str
) -> IsolatedChannel:
    """It is constructed over there: here it could do anything."""
    try:
        return IsolatedChannel(plugin, config, package.source, limits)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _bound(
    plugin: type[Channel[Any]], config: Config, limits: ChannelLimits, where: str
) -> Bounded:
    made = _construct(plugin, config, where)
    if not isinstance(made, Channel):
        raise TypeError("its class makes something else than itself")
    promised = check_capabilities(made.capabilities, written(made))
    return Bounded(made, promised, limits)


def _construct(plugin: Plugin, config: Config, where: str) -> object:
    try:
        with contained():
            return plugin(config)
    except ANYTHING as error:
        raise ValueError(f"{where}: {explain(error, tuple(secrets_of(config)))}") from None


def _check_name(instance: str) -> None:
    msgspec.convert(instance, ChannelName)
    if instance in MANUAL_CHANNELS:
        raise ValueError(f"{instance} is done by people; no plugin makes it")


def _check_medium(instance: str, medium: str) -> None:
    """A channel is named as cases name it, so its name has to be right for what it does."""
    if instance in MEDIA and instance != medium:
        raise ValueError(f"a channel called {instance} needs a plugin for {instance}, not {medium}")
