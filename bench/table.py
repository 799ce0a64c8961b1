"""What came of it: one table of ratios, one of rates, and the same as JSON."""

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from bench.contender import Sample
from bench.servers import Disk
from bench.targets import ALSO, MUST_BE_SEEN, Round, Row

Place = tuple[Disk, str]
_SMALL: Final = 10


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """`ratio` is the median of the rounds, between `low` and `high`; null if it was not measured.

    `rounds` says how many there were, `target_is` what the target is: "at least" or "at most".
    """

    name: str
    ratio: float | None
    target: float
    met: bool | None
    low: float | None
    high: float | None
    target_is: str
    rounds: int


class _Line(msgspec.Struct, frozen=True):
    row: Row
    values: list[float]

    @property
    def median(self) -> float | None:
        return statistics.median(self.values) if self.values else None


def results(rounds: Sequence[Round]) -> list[Result]:
    """One for each target, in the issue's order."""
    return [_result(line) for line in _lines(MUST_BE_SEEN, rounds)]


def _lines(rows: Sequence[Row], rounds: Sequence[Round]) -> list[_Line]:
    return [
        _Line(row, [value for each in rounds if (value := row.value(each)) is not None])
        for row in rows
    ]


def _result(line: _Line) -> Result:
    row, median = line.row, line.median
    assert row.target is not None
    return Result(
        name=row.name,
        ratio=None if median is None else round(median, 4),
        target=row.target,
        met=None if median is None else row.met(median),
        low=round(min(line.values), 4) if line.values else None,
        high=round(max(line.values), 4) if line.values else None,
        target_is="at most" if row.at_most else "at least",
        rounds=len(line.values),
    )


def report(
    rounds: Sequence[Round], troubles: Mapping[Place, str], notes: Sequence[str], machine: str
) -> str:
    """The tables in Markdown. `troubles` says of each contender why it was not measured."""
    parts = ["# Benchmark", machine, *notes]
    parts.append(_ratios("Targets", _lines(MUST_BE_SEEN, rounds), empty=True))
    parts.append(_ratios("Also", _lines(ALSO, rounds), empty=False))
    parts.append(_rates(rounds))
    if troubles:
        lines = [f"- {disk} disk, {key}: {why}" for (disk, key), why in troubles.items()]
        parts.append("\n".join(["## Not measured", "", *lines]))
    return "\n\n".join(parts) + "\n"


def _ratios(title: str, lines: Sequence[_Line], *, empty: bool) -> str:
    """`empty`: show rows that nothing is known of, too."""
    table = [
        f"## {title}",
        "",
        "| ratio | median | low | high | target | |",
        "|---|--:|--:|--:|--:|---|",
    ]
    table += [_ratio_line(line) for line in lines if line.values or empty]
    return "\n".join(table)


def _ratio_line(line: _Line) -> str:
    row, median = line.row, line.median
    bound = "≤" if row.at_most else "≥"
    target = "" if row.target is None else f"{bound} {row.target:g}"
    if median is None:
        return f"| {row.name} | - | - | - | {target} | not measured |"
    verdict = {True: "met", False: "missed", None: ""}[row.met(median)]
    numbers = " | ".join(_number(each) for each in (median, min(line.values), max(line.values)))
    return f"| {row.name} | {numbers} | {target} | {verdict} |"


def _number(value: float) -> str:
    return f"{value:.2f}" if value < _SMALL else f"{value:,.0f}"


def _rates(rounds: Sequence[Round]) -> str:
    head = "| disk | contender | per second | low | high | p50 ms | p99 ms | peak MB |"
    table = ["## Rates", "", head, "|---|---|--:|--:|--:|--:|--:|--:|"]
    places = dict.fromkeys(place for each in rounds for place in each)
    for place in places:
        samples = [each[place] for each in rounds if place in each]
        table.append(f"| {place[0]} | {place[1]} | {_sample(samples)} |")
    return "\n".join(table)


def _sample(samples: Sequence[Sample]) -> str:
    rates = [each.per_second for each in samples]
    shown = [f"{value:,.0f}" for value in (statistics.median(rates), min(rates), max(rates))]
    for name, digits in (("p50_ms", 2), ("p99_ms", 2), ("peak_mb", 0)):
        known = [value for each in samples if (value := getattr(each, name)) is not None]
        shown.append(f"{statistics.median(known):,.{digits}f}" if known else "")
    return " | ".join(shown)


def machine_line(postgres: str, command: str) -> str:
    """On what, when and how this was measured."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{cores} cores ({platform.machine()}), {memory:.0f} GiB, {platform.system()}"
        f" {platform.release()}, Python {platform.python_version()}, PostgreSQL {postgres},"
        f" {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, `{command}`"
    )


def write_latest(path: Path, found: Sequence[Result]) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
