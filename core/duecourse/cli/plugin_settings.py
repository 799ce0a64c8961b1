"""What the command line says of plugins: which one, and `--set key=value`."""

import sys
import tomllib
from collections.abc import Sequence
from contextlib import redirect_stdout
from importlib.metadata import entry_points
from typing import Any, Final

import msgspec
import rich_click as click

from duecourse.catalogue import Catalogue, offered_names
from duecourse.channels import Channel, Config, Secret
from duecourse.contract import Plugin
from duecourse.loading import GROUP, Role
from duecourse.settings import Settings, Table

MEDIA: Final = ("sms", "email", "letter")
ROLES: Final[tuple[Role, ...]] = ("channel", "filing")


def catalogue_of(settings: Settings) -> Catalogue:
    """What is installed, and what is in the folder of the settings. Nothing is constructed."""
    catalogue = Catalogue(settings.plugins)
    # What a plugin prints must not get between the lines of `--json`.
    with redirect_stdout(sys.stderr):
        catalogue.add_installed(entry_points(group=GROUP))
        if settings.plugin_folder is not None:
            catalogue.add_folder(settings.plugin_folder)
    return catalogue


def channel_called(name: str, use: str, catalogue: Catalogue) -> type[Channel[Any]]:
    """The class whose own name is `use`; errors speak of `name`."""
    offer = catalogue.offers.get(("channel", use))
    if offer is not None and issubclass(offer.plugin, Channel):
        return offer.plugin
    raise _no_such("channel", name, use, catalogue)


def plugin_called(role: Role | None, name: str, use: str, catalogue: Catalogue) -> Plugin:
    """As `channel_called`, of this role; of either one when it is None."""
    for each in (role,) if role else ROLES:
        offer = catalogue.offers.get((each, use))
        if offer is not None:
            return offer.plugin
    raise _no_such(role, name, use, catalogue)


def _no_such(role: Role | None, name: str, use: str, catalogue: Catalogue) -> click.ClickException:
    reasons = [line.reason for line in catalogue.listing if line.reason and line.name == use]
    if reasons:
        return click.ClickException(f"{name} cannot be used; {reasons[0]}")
    roles = (role,) if role else ROLES
    known = ", ".join(each for one in roles for each in offered_names(catalogue.offers, one))
    what = f"{role} plugin" if role else "plugin"
    return click.ClickException(f"no {what} is called {use}; there are: {known or 'none'}")


def own_plugins(own: Sequence[str], changes: Sequence[str]) -> dict[str, tuple[str, Table]]:
    """`sms=sms-foo` and `sms.key=value`, as medium, plugin and settings."""
    if not (own or changes):
        return {}
    catalogue = catalogue_of(Settings())
    kinds: dict[str, type[Channel[Any]]] = {}
    for each in own:
        medium, use = split("--channel", each)
        if medium not in MEDIA:
            raise click.UsageError(f"--channel {each}: the demo sends {', '.join(MEDIA)}")
        kinds[medium] = channel_called(use, use, catalogue)
    tables: dict[str, Table] = {medium: {} for medium in kinds}
    for each in changes:
        where, text = split("--set", each)
        medium, _, key = where.partition(".")
        if medium not in kinds or not key:
            raise click.UsageError(f"--set {where}: is written MEDIUM.KEY=VALUE, after --channel")
        config = kinds[medium].config_class
        value = typed(config, key, text)
        is_secret = isinstance(value, str) and _holds_secret(_fields(config)[key])
        tables[medium][key] = Secret(value) if is_secret else value
    return {medium: (kind.name, tables[medium]) for medium, kind in kinds.items()}


def split(option: str, given: str) -> tuple[str, str]:
    """`key=value` in its two parts."""
    key, equals, value = given.partition("=")
    if not (key.strip() and equals):
        raise click.UsageError(f"{option} {key}: is written with an equals sign, key=value")
    return key.strip(), value


def typed(kind: type[Config], key: str, text: str) -> Any:  # noqa: ANN401 - whatever the setting is
    """The value as the settings file would hold it: text where the setting is text, else TOML."""
    fields = _fields(kind)
    if key not in fields:
        known = ", ".join(fields) or "none"
        raise click.UsageError(f"--set {key}: there is no such setting; there are: {known}")
    if _is_text(fields[key]) and not text.startswith("{"):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        raise click.UsageError(f"--set {key}: write the value as in a TOML file") from None


def _fields(kind: type[Config]) -> dict[str, msgspec.inspect.Type]:
    described = msgspec.inspect.type_info(kind)
    assert isinstance(described, msgspec.inspect.StructType), "a Config is a struct"
    return {field.encode_name: field.type for field in described.fields}


def _is_text(kind: msgspec.inspect.Type) -> bool:
    match kind:
        case msgspec.inspect.StrType() | msgspec.inspect.LiteralType():
            return True
        case msgspec.inspect.UnionType(types=types):
            return any(map(_is_text, types))
        case _:
            return _holds_secret(kind)


def _holds_secret(kind: msgspec.inspect.Type) -> bool:
    match kind:
        case msgspec.inspect.CustomType(cls=cls):
            return cls is Secret
        case msgspec.inspect.UnionType(types=types):
            return any(map(_holds_secret, types))
        case _:
            return False
