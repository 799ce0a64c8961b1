"""What the plugins at hand offer, found without letting a bad one harm anything but itself.

pluggy only registers. Each plugin is loaded and asked inside a boundary of its own, and whatever
goes wrong there becomes a line in the listing. Rule packs are the exception: one that is missing
could permit what it forbids, so without it there is no rule book.
"""

from collections.abc import Collection, Iterable, Iterator
from importlib.metadata import EntryPoint
from importlib.resources.abc import Traversable
from itertools import islice
from pathlib import Path
from typing import Any, Final, Literal, Self

import msgspec

from duecourse.contract import Plugin, check_class
from duecourse.isolation_trial import find_deadly
from duecourse.loading import Loaded, Role, Source, ask, load
from duecourse.one_file import files_in
from duecourse.redaction import ANYTHING, contained, explain, printable
from duecourse.rules.pack import MAX_PACKS, PackError, load_pack, load_rulebook

MOST_NAME: Final = 100


class PluginStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `duecourse plugins list`.

    `name` is the plugin's own, or a rule pack's; `instance` the name under which the settings use
    it, and `isolated` whether that one runs in a process of its own. A package, or a plugin that
    is one file, has a line of its own only when it could not be used or offers nothing.
    """

    name: str
    kind: Literal["package", "channel", "filing", "rules"]
    state: Literal["loaded", "broken", "not configured", "not allowed"]
    instance: str = ""
    reason: str = ""
    version: str = ""
    isolated: bool = False


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """An installed plugin, or one that is a file. It is not to be loaded with a `problem`."""

    source: Source
    owner: str = ""
    version: str = ""
    problem: str = ""

    @property
    def name(self) -> str:
        return self.source.name

    @property
    def is_bundled(self) -> bool:
        return self.owner == "duecourse"

    @classmethod
    def of(cls, found: EntryPoint) -> Self:
        return cls(
            source=Source(name=found.name, value=found.value),
            owner=found.dist.name if found.dist else "",
            version=found.dist.version if found.dist else "",
        )


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A class that a package brought, checked against the contract."""

    plugin: Plugin
    package: Package


class Catalogue:
    """The classes that packages offer; every trouble goes to `listing`."""

    def __init__(self, allow: Collection[str] | None) -> None:
        self.listing: list[PluginStatus] = []
        self.packs = load_rulebook()
        self.missing: list[str] = []
        self.offers: dict[tuple[Role, str], Offer] = {}
        self._allow = allow
        self._names: set[str] = set()

    def add_installed(self, found: Iterable[EntryPoint]) -> None:
        """Add the bundled ones first: an outsider cannot take the name of one of these."""
        packages = [Package.of(each) for each in found]
        self._add_all(sorted(packages, key=lambda it: (not it.is_bundled, it.owner, it.name)))

    def add_folder(self, folder: Path) -> None:
        """Add the plugins that are one file each, after the installed ones."""
        try:
            files = list(files_in(folder))
        except ValueError as error:
            line = PluginStatus(name="plugin_folder", kind="package", state="broken")
            self._miss(line, line, str(error))
            return
        packages = []
        for file in files:
            problem = file.problem
            if file.name in self._names:
                problem = f"there is an installed plugin called {file.name}; rename the file"
            source = Source(name=printable(file.name, MOST_NAME), file=str(file.path))
            packages.append(Package(source=source, problem=problem))
        self._add_all(packages)

    def note_absent(self) -> None:
        """What the settings name has to be there: it could bring rules."""
        for name in sorted(set(self._allow or ()) - self._names):
            line = PluginStatus(name=name, kind="package", state="broken")
            self._miss(line, line, "the setting `plugins` names it, and it is not installed")

    def note_unused(self) -> None:
        used = {(line.kind, line.name) for line in self.listing}
        for (role, name), offer in self.offers.items():
            if (role, name) not in used:
                version = offer.package.version
                self.note(
                    PluginStatus(name=name, kind=role, state="not configured", version=version)
                )

    def note(self, line: PluginStatus, **changes: str) -> None:
        self.listing.append(msgspec.structs.replace(line, **changes))

    def _add_all(self, packages: Iterable[Package]) -> None:
        """Add them in this order; those of others once a process was seen to survive it."""
        packages = list(packages)
        deadly = find_deadly([each.source for each in packages if self._is_to_be_tried(each)])
        for package in packages:
            self._add(package, deadly.get(package.source, ""))

    def _is_to_be_tried(self, package: Package) -> bool:
        return not package.is_bundled and not package.problem and self._allows(package)

    def _allows(self, package: Package) -> bool:
        return self._allow is None or package.name in self._allow

    def _add(self, package: Package, fate: str) -> None:
        """Add what a package offers; not if `fate` is how a process ended that loaded it."""
        self._names.add(package.name)
        line = PluginStatus(
            name=package.name, kind="package", state="loaded", version=package.version
        )
        if not self._allows(package):
            self.note(line, state="not allowed", reason="the setting `plugins` does not name it")
            return
        try:
            with contained():
                loaded = _load(package, fate)
        except ANYTHING as error:
            reason = explain(error)
            self.note(line, state="broken", reason=reason)
            if not package.is_bundled:
                self.missing.append(
                    f"plugin {package.name}: it does not load, so its rule packs are not known:"
                    f" {reason}"
                )
            return
        brings_packs = self._add_packs(loaded, line)
        try:
            with contained():
                offered = list(ask(loaded))
        except ANYTHING as error:
            self.note(line, state="broken", reason=explain(error))
            return
        if not offered and not brings_packs:
            nothing = "it offers no channel, no filing and no rule pack (is @hookimpl missing?)"
            self.note(line, reason=nothing)
        for role, plugin in offered:
            self._add_class(role, plugin, package)

    def _add_packs(self, loaded: Loaded, package: PluginStatus) -> bool:
        """Load the rule packs of a package. Returns whether it brings any, good or bad."""
        try:
            with contained():
                files = _ask_for_packs(loaded)
        except ANYTHING as error:
            self._miss(package, package, explain(error))
            return True
        for file in files:
            line = PluginStatus(name="?", kind="rules", state="loaded", version=package.version)
            try:
                with contained():
                    pack = load_pack(_checked_file(file))
                line = msgspec.structs.replace(line, name=pack.name)
                if pack.layer == "core":
                    raise PackError(f'pack {pack.name}: `layer` must be "law" or "house"')
                self.packs = self.packs.with_packs([pack])
            except ANYTHING as error:
                named = _name_of(file) if line.name == "?" else line.name
                self._miss(package, msgspec.structs.replace(line, name=named), explain(error))
                continue
            self.note(line, reason=f"from {package.name}")
        return bool(files)

    def _miss(self, package: PluginStatus, line: PluginStatus, reason: str) -> None:
        """A pack is not there: say so in the listing, and keep everybody from judging without."""
        self.note(line, state="broken", reason=f"plugin {package.name}: {reason}")
        self.missing.append(f"plugin {package.name}: {reason}")

    def _add_class(self, role: Role, plugin: object, package: Package) -> None:
        name = _name_of(plugin)
        try:
            with contained():
                offer = Offer(plugin=check_class(role, plugin), package=package)
            if (role, name) in self.offers:
                raise TypeError(f"another package already brings a {role} called {name}")
        except ANYTHING as error:
            line = PluginStatus(name=name, kind=role, state="broken", version=package.version)
            self.note(line, reason=explain(error))
            return
        self.offers[role, name] = offer


def _load(package: Package, fate: str) -> Loaded:
    if package.problem:
        raise ValueError(package.problem)
    if fate:
        raise ValueError(
            f"tried in a process of its own, it failed: {fate};"
            " what is done at import must neither end the process nor wait"
        )
    loaded = load(package.source)
    # Without its channel a plugin is seen not to work; without its rules it would not be.
    if (
        callable(getattr(loaded.plugin, "rule_packs", None))
        and not loaded.hooks.rule_packs.get_hookimpls()
    ):
        raise TypeError("`rule_packs` has no @hookimpl")
    return loaded


def _ask_for_packs(loaded: Loaded) -> list[object]:
    """The files that one package says are rule packs; whether they are is not looked at here."""
    files: list[object] = []
    for implementation in loaded.hooks.rule_packs.get_hookimpls():
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


def _name_of(brought: object) -> str:
    """What to call it in the listing, whatever it is."""
    try:
        with contained():
            name = getattr(brought, "name", None) or getattr(brought, "__name__", None)
            return printable(str(name or "?"), MOST_NAME)
    except ANYTHING:
        return "?"


def offered_names(offers: Iterable[tuple[Role, str]], role: Role) -> Iterator[str]:
    return (name for of, name in sorted(offers) if of == role)
