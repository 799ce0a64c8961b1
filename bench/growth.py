"""What a large log costs: appends, and what each writes ahead, beside those to a small one."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import Final

import psycopg
from msgspec.structs import replace

from bench import ours, seeds
from bench.contender import Contender, Sample
from bench.servers import Server

_CLIENTS: Final = 512
_NAMES: Final = {1_000_000: "1 M", 10_000_000: "10 M"}


def contenders(server: Server, *, big: bool) -> Iterator[Contender]:
    seeds.open_cases(server, "growth_0")
    yield Contender(key="append at 0", part="growth", run=partial(_append, server, "growth_0"))
    for events in (1_000_000, *([10_000_000] if big else [])):
        name = seeds.grown(server, f"growth_{events}", events)
        yield Contender(
            key=f"append at {_NAMES[events]}",
            part="growth",
            # Not copied for each run: some ten thousand events more make no difference to it.
            run=partial(_append, server, name, copied=False),
        )


def _append(server: Server, name: str, seconds: float, *, copied: bool = True) -> Sample:
    with ExitStack() as stack:
        database = stack.enter_context(server.fresh(name)) if copied else name
        dsn = server.dsn(database)
        server.checkpoint()
        events, wal = _counters(dsn)
        sample = ours.run_on(dsn, "toy", _CLIENTS, seconds)
        events_after, wal_after = _counters(dsn)
    return replace(sample, wal_bytes=(wal_after - wal) / max(1, events_after - events))


def _counters(dsn: str) -> tuple[int, int]:
    """How many events have been written, and how many bytes ahead."""
    query = (
        "SELECT coalesce(max(notification_id), 0),"
        " pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint FROM case_events"
    )
    with psycopg.connect(dsn) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])
