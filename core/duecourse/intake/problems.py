"""What is wrong with a row: where, what, and what to do about it."""

import csv
import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

LONGEST_SHOWN: Final = 80
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


class Refused(ValueError):
    """A value is not what its column asks for. Neither text repeats a personal value."""

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.fix = fix


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing wrong. `line` counts the lines of the file from 1; line 0 is the file itself."""

    line: int
    field: str
    problem: str
    fix: str
    value: str = ""


def shape(value: str) -> str:
    """Show what a personal value looks like without showing it: `Li 42` becomes `xx 99`."""
    return shown("".join(_mask(character) for character in value[: LONGEST_SHOWN + 1]))


def _mask(character: str) -> str:
    if character.isdigit():
        # A full-width digit stays one: that is what is wrong with it.
        return "9" if character.isascii() else "\uff19"
    return "x" if unicodedata.category(character)[0] in "LM" else character


def shown(value: str) -> str:
    """Write a value on one line, cut to a readable length, with nothing invisible in it."""
    cut = value if len(value) <= LONGEST_SHOWN else value[:LONGEST_SHOWN] + "..."
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in cut)


class ErrorsFile:
    """The operator's list of problems as CSV. Readable by its owner only; begun anew each time."""

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        # The mode above is for a new file only; this one may be left from another import.
        path.chmod(0o600)
        self._stream = os.fdopen(descriptor, "w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._stream)
        self._writer.writerow(("line", "field", "value", "problem", "fix"))
        self.count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()

    def write_all(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            cells = (problem.field, problem.value, problem.problem, problem.fix)
            self._writer.writerow((problem.line, *map(_harmless, cells)))
            self.count += 1


def _harmless(cell: str) -> str:
    # A spreadsheet runs a cell that starts like a formula.
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell
