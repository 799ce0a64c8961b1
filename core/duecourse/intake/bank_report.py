"""What an import of a bank file did, in figures that add up to the file's own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from duecourse.intake.problems import Problem
from duecourse.intake.transactions import StatementEnd, Transaction
from duecourse.money.amounts import format_minor

Fate = Literal[
    "posted",
    "reversed",
    "unmatched",
    "unmatched_returns",
    "unchanged",
    "unchanged_returns",
    "rejected",
    "debits",
    "pending",
    "empty",
]


class Tally(msgspec.Struct):
    """How many, and their sums by currency."""

    count: int = 0
    minor: dict[str, int] = msgspec.field(default_factory=dict)

    def add(self, currency: str, minor: int) -> None:
        self.count += 1
        self.minor[currency] = self.minor.get(currency, 0) + minor

    def __str__(self) -> str:
        sums = (f"{format_minor(minor, name)} {name}" for name, minor in sorted(self.minor.items()))
        return " ".join((str(self.count), *([f"({', '.join(sums)})"] if self.count else [])))


class BankReport(msgspec.Struct, kw_only=True):
    """Every transaction read has one fate. `rules` says by what the new ones were matched.

    Rejected entries are in the errors file with line and reason; so is what changed since an
    earlier file. `refused` is why the file as a whole could not be read.
    """

    errors_path: Path
    statements: int = 0
    versions: tuple[str, ...] = ()
    fates: dict[Fate, Tally] = msgspec.field(default_factory=dict)
    credits_read: Tally = msgspec.field(default_factory=Tally)
    rules: dict[str, int] = msgspec.field(default_factory=dict)
    reasons: dict[str, int] = msgspec.field(default_factory=dict)
    warnings: dict[str, int] = msgspec.field(default_factory=dict)
    changed: int = 0
    problems: int = 0
    refused: tuple[Problem, ...] = ()
    seconds: float = 0.0

    def fate(self, name: Fate) -> Tally:
        return self.fates.setdefault(name, Tally())

    def end(self, name: Fate, each: Transaction) -> None:
        self.fate(name).add(each.currency, each.amount_minor)

    def warn(self, words: str) -> None:
        self.warnings[words] = self.warnings.get(words, 0) + 1

    def count(self, into: Literal["rules", "reasons"], name: str) -> None:
        counts: dict[str, int] = getattr(self, into)
        counts[name] = counts.get(name, 0) + 1

    @property
    def changes(self) -> int:
        return self.fate("posted").count + self.fate("reversed").count


def differences(end: StatementEnd, *, whole: bool) -> list[str]:
    """Where a statement does not add up to what it says of itself."""
    found = []
    shown: Mapping[str, int | None] = {
        "opening balance and entries": (
            None if end.opening_minor is None else end.opening_minor + end.booked_minor
        ),
        "credit entries": end.credit_minor,
    }
    said = {
        "opening balance and entries": end.closing_minor,
        "credit entries": end.said_credit_minor,
    }
    for name, minor in shown.items():
        other = said[name]
        if whole and minor is not None and other is not None and minor != other:
            found.append(
                f"{name} add up to {format_minor(minor, end.currency)} {end.currency}, and the"
                f" statement says {format_minor(other, end.currency)}: a difference of"
                f" {format_minor(minor - other, end.currency)}"
            )
    if whole and end.said_credit_count not in (None, end.credit_count):
        found.append(
            f"{end.credit_count} credit entries are in it, and the statement says"
            f" {end.said_credit_count}"
        )
    return found
