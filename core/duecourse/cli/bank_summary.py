"""The summary of a bank import, in lines whose figures add up."""

from collections.abc import Iterator
from typing import Final

from duecourse.intake.bank_report import BankReport, Fate
from duecourse.intake.matching import SURE

_FATES: Final[tuple[tuple[Fate, str], ...]] = (
    ("posted", "posted"),
    ("unmatched", "unmatched"),
    ("unchanged", "unchanged"),
    ("reversed", "reversed"),
    ("unmatched_returns", "unmatched returns"),
    ("unchanged_returns", "unchanged returns"),
    ("debits", "debits, ignored"),
    ("pending", "not booked yet"),
    ("empty", "of nothing"),
)


def bank_lines(report: BankReport) -> Iterator[str]:
    """Credits read = posted + unmatched + unchanged, in number and in money."""
    yield _line("statements", f"{report.statements} ({', '.join(report.versions)})")
    yield _line("credits read", str(report.credits_read))
    for fate, words in _FATES:
        tally = report.fate(fate)
        if tally.count or fate in {"posted", "unmatched", "unchanged"}:
            yield _line(words, str(tally))
    yield _line("rejected", str(report.fate("rejected").count))
    for rule, count in sorted(report.rules.items()):
        yield _line("  matched by", f"{count}: {rule.replace('_', ' ')}{_how_sure(rule)}")
    for reason, count in sorted(report.reasons.items()):
        yield _line("  waits because", f"{count}: {reason}")
    yield _line("changes", str(report.changes))
    if report.changed:
        yield _line("differ from before", str(report.changed))
    for warning, count in sorted(report.warnings.items()):
        yield _line("warning", f"{count}: {warning}")
    if report.problems:
        yield _line("problems", f"{report.problems}, each with its fix: {report.errors_path}")
    yield _line("seconds", f"{report.seconds:.1f}")


def _how_sure(rule: str) -> str:
    sure = {str(name): how for name, how in SURE.items()}.get(rule)
    return f" ({sure})" if sure else ""


def _line(name: str, value: str) -> str:
    return f"{name:<20}{value}"
