"""What must be seen, and how each ratio is made of two measurements of one round."""

from collections.abc import Mapping
from typing import Final

import msgspec

from bench.contender import Sample
from bench.servers import Disk

Round = Mapping[tuple[Disk, str], Sample]
"""What one round measured, by disk and key of the contender."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """`over` divided by the best of `under`, or by a rate of `each` per second.

    With neither of them: the WAL per event of `over`.

    A row without a target informs. `at_most`: less is better.
    """

    name: str
    over: str
    under: tuple[str, ...] = ()
    each: float | None = None
    target: float | None = None
    at_most: bool = False
    disk: Disk = "model"

    def value(self, measured: Round) -> float | None:
        """The ratio of one round; None where something it needs is missing."""
        over = measured.get((self.disk, self.over))
        if over is None:
            return None
        if self.each is not None:
            return over.per_second / self.each
        if not self.under:
            return over.wal_bytes
        under = [measured.get((self.disk, key)) for key in self.under]
        rates = [each.per_second for each in under if each is not None]
        if len(rates) < len(self.under) or not all(rates):
            return None
        return over.per_second / max(rates)

    def met(self, ratio: float) -> bool | None:
        if self.target is None:
            return None
        return ratio <= self.target if self.at_most else ratio >= self.target


_STOCK: Final = ("stock 1", "stock 8", "stock 32")

MUST_BE_SEEN: Final = (
    Row(
        name="durable commands at 32 clients / pgbench single-row INSERT at 32",
        over="ours toy 32", under=("pgbench 32",), target=0.9,
    ),
    Row(
        name="durable commands at 512 clients / pgbench 100-row INSERT",
        over="ours toy 512", under=("pgbench 1 x100 rows",), target=0.9,
    ),
    Row(
        name="commands at 32 clients / stock eventsourcing at 32",
        over="ours toy 32", under=("stock 32",), target=20.0,
    ),
    Row(
        name="commands at 512 clients / stock eventsourcing at its best",
        over="ours toy 512", under=_STOCK, target=75.0,
    ),
    Row(
        name="commands at 32 clients / Django with simple-history, 2 processes x 16",
        over="ours toy 32", under=("django 2x16",), target=10.0,
    ),
    Row(
        name="real case commands / toy payload, 512 clients",
        over="ours real 512", under=("ours toy 512",), target=0.5,
    ),
    Row(
        name="HTTP command / Litestar echo on the same server, 32 connections",
        over="http command 32", under=("http echo 32",), target=0.8,
    ),
    Row(
        name="HTTP command / Litestar echo on the same server, 256 connections",
        over="http command 256", under=("http echo 256",), target=0.8,
    ),
    Row(
        name="throughput at 10 % conflicts / at 0 %, 128 clients",
        over="ours conflicts 10%", under=("ours conflicts 0%",), target=0.95,
    ),
    Row(
        name="time to rebuild 100 events / SELECT + decode + fold",
        over="rebuild 100 limit", under=("rebuild 100 load",), target=1.15, at_most=True,
    ),
    Row(
        name="replay of the log / psql binary copy",
        over="replay", under=("psql copy",), target=0.6,
    ),
    Row(
        name="follower catch-up / stock runner",
        over="follower", under=("stock follower",), target=200.0,
    ),
    Row(
        name="batched append at 1 M stored events / at none",
        over="append at 1 M", under=("append at 0",), target=0.95,
    ),
    Row(
        name="WAL bytes per event at 1 M stored events",
        over="append at 1 M", target=500.0, at_most=True,
    ),
    Row(
        name="back-tested contact decisions for each second of one core / 20,000",
        over="backtest", each=20_000.0, target=1.0,
    ),
    Row(
        name="messages sent by one worker through an instant channel in a second / 1,000",
        over="dispatch", each=1_000.0, target=1.0,
    ),
    Row(
        name="payments of a bank's file imported and allocated on one core / 100,000 a minute",
        over="bank import", each=100_000 / 60, target=1.0,
    ),
)  # fmt: skip

ALSO: Final = (
    Row(
        name="payments of a bank's file on one core until the views know of them / 100,000 a minute",
        over="bank import followed", each=100_000 / 60,
    ),
    Row(name="statements of a case of 1,000 events in a second", over="statement", each=1.0),
    Row(name="1 client / pgbench at 1", over="ours toy 1", under=("pgbench 1",)),
    Row(name="8 clients / pgbench at 8", over="ours toy 8", under=("pgbench 8",)),
    Row(
        name="512 clients / pgbench 100-row INSERT at its best",
        over="ours toy 512", under=("pgbench 1 x100 rows", "pgbench 2 x100 rows"),
    ),
    Row(
        name="32 clients / Emmett at 32",
        over="ours toy 32", under=("emmett 32",),
    ),
    Row(
        name="32 clients / Django with simple-history, 1 process x 32",
        over="ours toy 32", under=("django 1x32",),
    ),
    Row(
        name="512 clients in 2 processes / in 1",
        over="ours toy 512 in 2 processes", under=("ours toy 512",),
    ),
    Row(
        name="128 clients in 2 processes / in 1",
        over="ours toy 128 in 2 processes", under=("ours toy 128",),
    ),
    Row(
        name="real 512 clients in 2 processes / in 1",
        over="ours real 512 in 2 processes", under=("ours real 512",),
    ),
    Row(
        name="real case commands / toy payload, 32 clients",
        over="ours real 32", under=("ours toy 32",),
    ),
    Row(
        name="real case commands at 32 clients / Django with simple-history, 2 processes x 16",
        over="ours real 32", under=("django 2x16",),
    ),
    Row(
        name="throughput at 10 % conflicts / with 10 % half a millisecond late, 128 clients",
        over="ours conflicts 10%", under=("ours late 10%",),
    ),
    Row(
        name="throughput with 10 % half a millisecond late / at 0 %, 128 clients",
        over="ours late 10%", under=("ours conflicts 0%",),
    ),
    Row(
        name="throughput with 10 % meant for a past version / with none, 128 clients",
        over="ours moved 10%", under=("ours conflicts 0%",),
    ),
    Row(
        name="time to rebuild 10 events / SELECT + decode + fold",
        over="rebuild 10 limit", under=("rebuild 10 load",), at_most=True,
    ),
    Row(
        name="time to rebuild 1000 events / SELECT + decode + fold",
        over="rebuild 1000 limit", under=("rebuild 1000 load",), at_most=True,
    ),
    Row(
        name="time to rebuild a real case, unsealed / SELECT + decode + fold, left sealed",
        over="rebuild real limit", under=("rebuild real load",), at_most=True,
    ),
    Row(
        name="batched append at 10 M stored events / at none",
        over="append at 10 M", under=("append at 0",),
    ),
    Row(name="WAL bytes per event at none", over="append at 0", at_most=True),
    Row(name="WAL bytes per event at 10 M stored events", over="append at 10 M", at_most=True),
    Row(
        name="real disk: 32 clients / pgbench single-row INSERT at 32",
        over="ours toy 32", under=("pgbench 32",), disk="real",
    ),
    Row(
        name="real disk: 512 clients / pgbench 100-row INSERT",
        over="ours toy 512", under=("pgbench 1 x100 rows",), disk="real",
    ),
    Row(
        name="real disk: 32 clients / stock eventsourcing at 32",
        over="ours toy 32", under=("stock 32",), disk="real",
    ),
    Row(
        name="real disk: 512 clients / stock eventsourcing at its best",
        over="ours toy 512", under=_STOCK, disk="real",
    ),
    Row(
        name="real disk: 32 clients / Django with simple-history, 2 processes x 16",
        over="ours toy 32", under=("django 2x16",), disk="real",
    ),
    Row(
        name="real disk: 32 clients / Emmett at 32",
        over="ours toy 32", under=("emmett 32",), disk="real",
    ),
)  # fmt: skip
