"""What is measured: a contender with a name, and what came of one run."""

from collections.abc import Callable, Sequence

import msgspec


class Skipped(Exception):
    """This cannot be measured here; the message says why."""


class Failed(Exception):
    """This should have worked; the message says what went wrong."""


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """Rates are per second, of commands, rows or events; `peak_mb` is of our process, not PostgreSQL's."""

    per_second: float
    p50_ms: float | None = None
    p99_ms: float | None = None
    peak_mb: float | None = None
    wal_bytes: float | None = None
    """WAL per event."""


class Contender(msgspec.Struct, frozen=True, kw_only=True):
    """`quick`: it is part of the quick table too."""

    key: str
    part: str
    run: Callable[[float], Sample]
    quick: bool = True


def together(samples: Sequence[Sample]) -> Sample:
    """Several processes as one contender."""
    if len(samples) == 1:
        return samples[0]
    return Sample(
        per_second=sum(each.per_second for each in samples),
        p50_ms=max((each.p50_ms or 0.0 for each in samples), default=None),
        p99_ms=max((each.p99_ms or 0.0 for each in samples), default=None),
        peak_mb=sum(each.peak_mb or 0.0 for each in samples),
    )
