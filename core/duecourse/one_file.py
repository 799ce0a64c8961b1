"""Plugins that are one file each, in the folder that the setting `plugin_folder` names.

Which files there are is told here; `loading` runs them.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from duecourse.case.words import Name

MOST_FILES: Final = 100


class OneFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file called like a plugin. It is not to be loaded where there is a `problem`."""

    name: str
    path: Path
    problem: str = ""


def files_in(folder: Path) -> Iterator[OneFile]:
    """Yield what is called `*.py` there, by name; not what begins with `_` or `.`.

    Raises ValueError when the folder cannot be read, or holds more than can be meant.
    """
    try:
        found = [
            path
            for path in islice(folder.iterdir(), 100 * MOST_FILES)
            if path.suffix == ".py" and not path.name.startswith(("_", "."))
        ]
    except OSError as error:
        raise ValueError(
            f"{folder} cannot be read: {error.strerror}; correct the setting `plugin_folder`"
        ) from None
    if len(found) > MOST_FILES:
        raise ValueError(f"{folder} holds more than {MOST_FILES} plugins; make packages of them")
    for path in sorted(found):
        yield OneFile(name=path.stem, path=path.absolute(), problem=_problem(path, folder))


def _problem(path: Path, folder: Path) -> str:
    """Say why a file is not to be loaded. A link is followed only where it stays in the folder."""
    try:
        msgspec.convert(path.stem, Name)
    except msgspec.ValidationError:
        return "its name must be a short code such as pigeon.py"
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # links in a circle
        return "it is not a file"
    if not inside:
        return "it is a link that leads out of the folder; put the file itself there"
    return "" if path.is_file() else "it is not a file"
