"""Loading one plugin, from an installed package or from a file, and asking what it offers.

The program does it to learn what there is, and the process of an isolated channel does it again.
What does not come with Duecourse is tried out in another process before both.
"""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import EntryPoint
from importlib.util import module_from_spec, spec_from_file_location
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal

import msgspec
import pluggy

from duecourse import hookspecs

GROUP: Final = "duecourse"
MOST_FILE_BYTES: Final = 1_000_000
MOST_CLASSES: Final = 100

Role = Literal["channel", "filing"]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where a plugin is: `value` as an entry point has it, or the path of a `file`."""

    name: str
    value: str = ""
    file: str = ""


class Loaded(msgspec.Struct, frozen=True):
    """A plugin with its hooks; in a manager of its own, so that it meets no other."""

    plugin: object
    hooks: pluggy.HookRelay


def load(source: Source) -> Loaded:
    """Import the plugin. Raises whatever it raises, and OSError or ValueError on a bad file."""
    plugin: object
    if source.file:
        plugin = load_file(source.name, Path(source.file))
    else:
        plugin = EntryPoint(name=source.name, value=source.value, group=GROUP).load()
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin, name=source.name)
    manager.check_pending()
    return Loaded(plugin, manager.hook)


def ask(loaded: Loaded) -> Iterator[tuple[Role, object]]:
    """The classes that a plugin says it brings; whether they are any is not looked at here."""
    hooks: tuple[tuple[Role, pluggy.HookCaller], ...] = (
        ("channel", loaded.hooks.channels),
        ("filing", loaded.hooks.filings),
    )
    for role, hook in hooks:
        for implementation in hook.get_hookimpls():
            offered: Any = implementation.function()
            for count, plugin in enumerate(islice(offered, MOST_CLASSES + 1)):
                if count == MOST_CLASSES:
                    raise ValueError(f"`{role}s` returned more than {MOST_CLASSES} classes")
                yield role, plugin


def try_out(source: Source) -> None:
    """Load the plugin and ask all that it will be asked. Returns, if it lets anything return.

    What it raises is not told: that is found out, and told, where it is loaded to be used.
    """
    with suppress(BaseException):
        hooks = load(source).hooks
        for hook in (hooks.rule_packs, hooks.channels, hooks.filings):
            for implementation in hook.get_hookimpls():
                with suppress(BaseException):
                    offered: Any = implementation.function()
                    list(islice(offered, MOST_CLASSES))


def load_file(name: str, path: Path) -> ModuleType:
    """Run a plugin that is one file. What it says at import is read once and kept nowhere."""
    source = _read(path)
    module_name = f"duecourse_one_file_{name}"
    spec = spec_from_file_location(module_name, path)
    assert spec is not None, "it ends in .py"
    module = module_from_spec(spec)
    # Compiled here and not by its loader: that would write a cache beside the operator's file,
    # and could later believe the cache.
    code = compile(source, str(path), "exec", dont_inherit=True)
    sys.modules[module_name] = module
    try:
        exec(code, module.__dict__)  # noqa: S102 - the operator put it there to be run
    except BaseException:
        del sys.modules[module_name]
        raise
    return module


def _read(path: Path) -> bytes:
    """Read a plain file, never waiting for one that is not: a pipe would block the start."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise ValueError("it is not a file")
        source = stream.read(MOST_FILE_BYTES + 1)
    if len(source) > MOST_FILE_BYTES:
        raise ValueError(f"it is larger than {MOST_FILE_BYTES} bytes; make a package of it")
    return source
