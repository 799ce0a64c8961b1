"""Finding plugins, and keeping a bad one from harming anything but itself.

pluggy only registers. Each package is loaded, asked and configured inside a boundary of its
own, and whatever goes wrong there becomes a line in the listing. Rule packs are the exception:
one that is missing could permit what it forbids, so without it there is no rule book.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from importlib.metadata import EntryPoint, entry_points
from importlib.resources.abc import Traversable
from itertools import islice
from typing import Any, Final, Literal, Self

import msgspec
import pluggy

from duecourse import hookspecs
from duecourse.case.words import MANUAL_CHANNELS
from duecourse.case.words import Channel as ChannelName
from duecourse.case.words import Name as CodeName
from duecourse.channels import CONTRACT, Capabilities, Channel, Config, Secret
from duecourse.filing import FilingAdapter
from duecourse.rules.pack import MAX_PACKS, PackError, RuleBook, load_pack, load_rulebook
from duecourse.settings import Table, convert

GROUP: Final = "duecourse"
MOST_REASON: Final = 300
MEDIA: Final = frozenset({"sms", "email", "letter"})
# A plugin that calls sys.exit must not end the program it is loaded into.
ANYTHING: Final = (Exception, SystemExit)

Plugin = type[Channel[Any]] | type[FilingAdapter[Any]]
Made = Channel[Any] | FilingAdapter[Any]
Role = Literal["channel", "filing"]
Tables = Mapping[str, Mapping[str, Table]]


class PluginStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `duecourse plugins list`.

    `name` is the plugin's own, or a rule pack's; `instance` the name under which the settings use
    it. A package has a line of its own only when it could not be used or offers nothing.
    """

    name: str
    kind: Literal["package", "channel", "filing", "rules"]
    state: Literal["loaded", "broken", "not configured", "not allowed"]
    instance: str = ""
    reason: str = ""
    version: str = ""


class Plugins(msgspec.Struct, frozen=True, kw_only=True):
    """The channels and filing adapters at hand, by the names that the settings give them.

    `packs` are the rules of contact that loaded, and `missing` says what plugins could not bring:
    whoever judges by them takes `rulebook()`.
    """

    channels: Mapping[str, Channel[Any]]
    filings: Mapping[str, FilingAdapter[Any]]
    listing: tuple[PluginStatus, ...]
    packs: RuleBook
    missing: tuple[str, ...] = ()

    @classmethod
    def discover(
        cls,
        config: Tables,
        allow: Collection[str] | None = None,
        packages: Iterable[EntryPoint] | None = None,
    ) -> Self:
        """Load what is installed and construct what `config` names; a plugin's error is listed.

        `config` holds the tables `channels` and `filings`. `allow` holds entry-point names;
        None allows all. `packages` stands in for the installed entry points.
        """
        listing: list[PluginStatus] = []
        catalogue = _Catalogue(listing)
        found = sorted(
            entry_points(group=GROUP) if packages is None else packages, key=_bundled_first
        )
        for package in found:
            catalogue.add(package, allow)
        for name in sorted(set(allow or ()) - {package.name for package in found}):
            catalogue.note_absent(name)
        channels = dict(catalogue.instances("channel", config.get("channels", {})))
        filings = dict(catalogue.instances("filing", config.get("filings", {})))
        catalogue.note_unused()
        return cls(
            channels={key: made for key, made in channels.items() if isinstance(made, Channel)},
            filings={key: made for key, made in filings.items() if isinstance(made, FilingAdapter)},
            listing=tuple(listing),
            packs=catalogue.packs,
            missing=tuple(catalogue.missing),
        )

    def rulebook(self) -> RuleBook:
        """The packaged rule packs together with those of plugins.

        Raises PackError when a plugin's pack is missing, or may be.
        """
        if not self.missing:
            return self.packs
        others = f" (and {len(self.missing) - 1} more)" if len(self.missing) > 1 else ""
        raise PackError(
            f"{self.missing[0]}{others}; nobody is contacted without it: mend it, or leave the"
            " plugin out with the setting `plugins`"
        )

    def close(self) -> None:
        """Let every channel go of its connections; one that fails does not keep the others."""
        for channel in self.channels.values():
            with suppress(*ANYTHING):
                channel.close()


class _Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A class that a package brought, checked against the contract."""

    plugin: Plugin
    version: str


class _Catalogue:
    """The classes that packages offer; every trouble goes to `listing`."""

    def __init__(self, listing: list[PluginStatus]) -> None:
        self.packs = load_rulebook()
        self.missing: list[str] = []
        self._listing = listing
        self._offers: dict[tuple[Role, str], _Offer] = {}

    def add(self, package: EntryPoint, allow: Collection[str] | None) -> None:
        line = PluginStatus(
            name=package.name, kind="package", state="loaded", version=_version(package)
        )
        if allow is not None and package.name not in allow:
            self._note(line, state="not allowed", reason="the setting `plugins` does not name it")
            return
        try:
            hooks = _register(package)
        except ANYTHING as error:
            self._note(line, state="broken", reason=_explain(error))
            if not _is_bundled(package):
                self.missing.append(
                    f"plugin {package.name}: it does not load, so its rule packs are not known:"
                    f" {_explain(error)}"
                )
            return
        brings_packs = self._add_packs(hooks, line)
        try:
            offered = list(_ask(hooks))
        except ANYTHING as error:
            self._note(line, state="broken", reason=_explain(error))
            return
        if not offered and not brings_packs:
            nothing = "it offers no channel, no filing and no rule pack (is @hookimpl missing?)"
            self._note(line, reason=nothing)
        for role, plugin in offered:
            self._add_class(role, plugin, line.version)

    def _add_packs(self, hooks: pluggy.HookRelay, package: PluginStatus) -> bool:
        """Load the rule packs of a package. Returns whether it brings any, good or bad."""
        try:
            files = _ask_for_packs(hooks)
        except ANYTHING as error:
            self._miss(package, package, _explain(error))
            return True
        for file in files:
            line = PluginStatus(name="?", kind="rules", state="loaded", version=package.version)
            try:
                pack = load_pack(_checked_file(file))
                line = msgspec.structs.replace(line, name=pack.name)
                if pack.layer == "core":
                    raise PackError(f'pack {pack.name}: `layer` must be "law" or "house"')
                self.packs = self.packs.with_packs([pack])
            except ANYTHING as error:
                named = str(getattr(file, "name", "?")) if line.name == "?" else line.name
                self._miss(package, msgspec.structs.replace(line, name=named), _explain(error))
                continue
            self._note(line, reason=f"from {package.name}")
        return bool(files)

    def _miss(self, package: PluginStatus, line: PluginStatus, reason: str) -> None:
        """A pack is not there: say so in the listing, and keep everybody from judging without."""
        self._note(line, state="broken", reason=f"plugin {package.name}: {reason}")
        self.missing.append(f"plugin {package.name}: {reason}")

    def note_absent(self, name: str) -> None:
        line = PluginStatus(name=name, kind="package", state="broken")
        self._miss(line, line, "the setting `plugins` names it, and it is not installed")

    def _add_class(self, role: Role, plugin: object, version: str) -> None:
        name = str(getattr(plugin, "name", None) or getattr(plugin, "__name__", "?"))
        try:
            offer = _Offer(plugin=_checked(role, plugin), version=version)
            if (role, name) in self._offers:
                raise TypeError(f"another package already brings a {role} called {name}")
        except ANYTHING as error:
            line = PluginStatus(name=name, kind=role, state="broken", version=version)
            self._note(line, reason=_explain(error))
            return
        self._offers[role, name] = offer

    def instances(self, role: Role, tables: Mapping[str, Table]) -> Iterator[tuple[str, Made]]:
        """Construct what the settings name, each in its own boundary."""
        for instance, table in tables.items():
            use = str(table.get("use", "?"))
            offer = self._offers.get((role, use))
            line = PluginStatus(
                name=use,
                kind=role,
                state="loaded",
                instance=instance,
                version=offer.version if offer else "",
            )
            try:
                if offer is None:
                    raise ValueError(self._unknown(role))
                made = _construct(offer.plugin, f"[{role}s.{instance}]", table)
                _check_instance(instance, made)
            except ANYTHING as error:
                self._note(line, state="broken", reason=_explain(error))
                continue
            self._note(line)
            yield instance, made

    def _unknown(self, role: Role) -> str:
        known = ", ".join(sorted(name for of, name in self._offers if of == role)) or "none"
        return f"`use` must name an installed {role}; there are: {known}"

    def note_unused(self) -> None:
        used = {(line.kind, line.name) for line in self._listing}
        for (role, name), offer in self._offers.items():
            if (role, name) not in used:
                line = PluginStatus(
                    name=name, kind=role, state="not configured", version=offer.version
                )
                self._note(line)

    def _note(self, line: PluginStatus, **changes: str) -> None:
        self._listing.append(msgspec.structs.replace(line, **changes))


def _bundled_first(package: EntryPoint) -> tuple[bool, str, str]:
    """Order the packages so that an outsider cannot take the name of a bundled plugin."""
    return not _is_bundled(package), _owner(package), package.name


def _is_bundled(package: EntryPoint) -> bool:
    return _owner(package) == "duecourse"


def _owner(package: EntryPoint) -> str:
    return package.dist.name if package.dist else ""


def _version(package: EntryPoint) -> str:
    return package.dist.version if package.dist else ""


def _register(package: EntryPoint) -> pluggy.HookRelay:
    """Load one package. It gets a manager of its own, so that it meets no other."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    plugin = package.load()
    manager.register(plugin, name=package.name)
    manager.check_pending()
    # Without its channel a plugin is seen not to work; without its rules it would not be.
    if (
        callable(getattr(plugin, "rule_packs", None))
        and not manager.hook.rule_packs.get_hookimpls()
    ):
        raise TypeError("`rule_packs` has no @hookimpl")
    return manager.hook


def _ask(hooks: pluggy.HookRelay) -> Iterator[tuple[Role, object]]:
    """The classes that one package offers."""
    for role, hook in (("channel", hooks.channels), ("filing", hooks.filings)):
        for implementation in hook.get_hookimpls():
            offered: Any = implementation.function()
            for plugin in offered:
                yield ("channel" if role == "channel" else "filing"), plugin


def _ask_for_packs(hooks: pluggy.HookRelay) -> list[object]:
    """The files that one package says are rule packs; whether they are is not looked at here."""
    files: list[object] = []
    for implementation in hooks.rule_packs.get_hookimpls():
        offered: Any = implementation.function()
        files += islice(offered, MAX_PACKS + 1)
    if len(files) > MAX_PACKS:
        raise ValueError(f"`rule_packs` returned more than {MAX_PACKS} files")
    return files


def _checked_file(file: object) -> Traversable:
    if not isinstance(file, Traversable):
        raise TypeError(
            f"`rule_packs` must return files, as `importlib.resources.files` gives them, not {file!r}"
        )
    return file


def _checked(role: Role, plugin: object) -> Plugin:
    """Return `plugin` when it keeps the contract; raises TypeError saying what is missing."""
    base: Plugin = Channel if role == "channel" else FilingAdapter
    if not (isinstance(plugin, type) and issubclass(plugin, base)):
        raise TypeError(f"the hook must return subclasses of {base.__name__}, not {plugin!r}")
    try:
        msgspec.convert(getattr(plugin, "name", None), CodeName)
    except msgspec.ValidationError as error:
        raise TypeError(f"`name` must be a short code such as sms-http: {error}") from None
    if plugin.contract != CONTRACT:
        raise TypeError(f"it is written for contract {plugin.contract}; this is {CONTRACT}")
    config_class = getattr(plugin, "config_class", None)
    if not (isinstance(config_class, type) and issubclass(config_class, Config)):
        raise TypeError("`config_class` must be a subclass of Config")
    if issubclass(plugin, Channel):
        _check_channel(plugin)
    return plugin


def _check_channel(plugin: type[Channel[Any]]) -> None:
    if not isinstance(getattr(plugin, "capabilities", None), Capabilities):
        raise TypeError("`capabilities` must be a Capabilities")
    if plugin.send is Channel.send:
        raise TypeError("`send` is not written")
    if plugin.capabilities.guarantee == "queryable" and plugin.find is Channel.find:
        raise TypeError("a queryable channel must write `find`")
    if plugin.capabilities.receipts == "webhook" and plugin.receive is Channel.receive:
        raise TypeError("a channel with webhook receipts must write `receive`")


def _construct(plugin: Plugin, where: str, table: Table) -> Made:
    settings = {key: value for key, value in table.items() if key != "use"}
    config = convert(settings, plugin.config_class, where=where)
    try:
        return plugin(config)
    except ANYTHING as error:
        raise ValueError(f"{where}: {_redact(_explain(error), config)}") from None


def _check_instance(instance: str, made: Made) -> None:
    """A channel is named as cases name it, so its name has to be right for what it does."""
    if not isinstance(made, Channel):
        return
    msgspec.convert(instance, ChannelName)
    medium = made.capabilities.medium
    if instance in MANUAL_CHANNELS:
        raise ValueError(f"{instance} is done by people; no plugin makes it")
    if instance in MEDIA and instance != medium:
        raise ValueError(f"a channel called {instance} needs a plugin for {instance}, not {medium}")


def _redact(text: str, value: object) -> str:
    """Take every secret in `value` out of `text`: a constructor may have quoted one."""
    match value:
        case Secret():
            return text.replace(value.reveal(), "***")
        case msgspec.Struct():
            parts: Iterable[object] = msgspec.structs.asdict(value).values()
        case tuple() | list():
            parts = value
        case dict():
            parts = value.values()
        case _:
            return text
    for part in parts:
        text = _redact(text, part)
    return text


def _explain(error: BaseException) -> str:
    """One printable line that says what went wrong."""
    if isinstance(error, ModuleNotFoundError):
        return f"it needs the module {error.name}, which is not installed (see its extras)"
    said = " ".join(str(error).split())
    if not (said and isinstance(error, ValueError)):
        said = f"{type(error).__name__}: {said}".rstrip(": ")
    return "".join(each for each in said if each.isprintable())[:MOST_REASON]
