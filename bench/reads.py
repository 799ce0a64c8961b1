"""Reading: rebuilding a case, replaying the log, catching up as a follower; each beside its limit.

python -m bench.reads DSN ACTION LENGTH SECONDS
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import cycle
from typing import Final
from uuid import UUID

import msgspec
import psycopg
from psycopg import pq, sql

from bench import children, seeds
from bench.children import output_of
from bench.closed_loop import Report, peak_mb, report, run_threads, wait_for_start
from bench.contender import Contender, Sample
from bench.engine import OurEngine
from bench.servers import Server
from duecourse.case.events import EVENT_CLASSES, Event
from duecourse.case.evolve import evolve
from duecourse.case.state import Case
from duecourse.store.database import Connection
from duecourse.store.log import Recorded

LENGTHS: Final = (10, 100, 1000)
_CASES: Final = {10: 2_000, 100: 500, 1000: 50}
"""How many cases there are of each length: 120,000 events."""
_MIXED: Final = 100
_MIXED_CASES: Final = 50
_COPIES: Final = 5
_COUNTS: Final = """
CREATE TABLE bench_counts (case_id uuid PRIMARY KEY, events bigint NOT NULL);
GRANT SELECT, INSERT, UPDATE ON bench_counts TO duecourse_app;
"""
# What a replay reads, so that both carry the same.
_COPY: Final = (
    r"\copy (SELECT originator_id, originator_version, topic, state, notification_id"
    r" FROM case_events ORDER BY notification_id) TO /dev/null (FORMAT binary)"
)


def contenders(server: Server) -> Iterator[Contender]:
    lengths = [length for length, count in _CASES.items() for _ in range(count)]
    seeds.histories(server, "reads", lengths)
    server.execute(sql.SQL(_COUNTS), "reads")
    for length in LENGTHS:
        for action in ("limit", "load"):
            yield Contender(
                key=f"rebuild {length} {action}",
                part="reads",
                run=partial(_child, server, "reads", action, length),
                quick=length == _MIXED,
            )
    yield from _mixed(server)
    yield Contender(key="psql copy", part="reads", run=partial(_copy, server))
    yield Contender(
        key="replay",
        part="reads",
        run=partial(_child, server, "reads", "replay", 0),
    )
    yield Contender(key="follower", part="reads", run=partial(_follower, server))


def _mixed(server: Server) -> Iterator[Contender]:
    """Cases with a real life, and so with sealed texts."""
    seeds.open_cases(server, "mixed", 1)
    seeds.live(server.dsn("mixed"), _MIXED_CASES, _MIXED, "real")
    for action in ("limit", "load"):
        yield Contender(
            key=f"rebuild real {action}",
            part="reads",
            run=partial(_child, server, "mixed", action, 0),
            quick=False,
        )


def _child(server: Server, database: str, action: str, length: int, seconds: float) -> Sample:
    command = children.module("bench.reads", server.dsn(database), action, length, seconds)
    return children.run([command], seconds)


def _copy(server: Server, _seconds: float) -> Sample:
    """The whole log through psql, some times; psql takes the time of each itself."""
    command = [*server.program("psql", "reads"), "-X", "-q", "-c", r"\timing on"]
    said = output_of([*command, *(["-c", _COPY] * _COPIES)], 60)
    times = [float(each.split()[0]) for each in said.split("Time:")[1:]]
    assert len(times) == _COPIES, said
    with psycopg.connect(server.dsn("reads")) as connection:
        row = connection.execute("SELECT count(*) FROM case_events").fetchone()
    assert row is not None
    return Sample(per_second=1000 * _COPIES * row[0] / sum(times))


def _follower(server: Server, seconds: float) -> Sample:
    reset = "TRUNCATE bench_counts; DELETE FROM followers WHERE name = 'bench-counts'"
    server.execute(sql.SQL(reset), "reads")
    return _child(server, "reads", "follow", 0, seconds)


# --- in the child ------------------------------------------------------------------------------


class Counts:
    """A follower that counts the events of each case."""

    name = "bench-counts"

    def apply(self, connection: Connection, batch: Sequence[Recorded]) -> None:
        counts: dict[UUID, int] = {}
        for each in batch:
            counts[each.case_id] = counts.get(each.case_id, 0) + 1
        connection.execute(
            "INSERT INTO bench_counts AS known SELECT * FROM unnest(%s::uuid[], %s::bigint[])"
            " ON CONFLICT (case_id) DO UPDATE SET events = known.events + excluded.events",
            (list(counts), list(counts.values())),
        )


class Bare:
    """The limit of a rebuild: one prepared SELECT in binary, msgspec, and the same fold."""

    def __init__(self, dsn: str) -> None:
        self._connection = psycopg.connect(dsn, autocommit=True)
        self._server = self._connection.pgconn
        query = (
            b"SELECT topic, state FROM case_events WHERE originator_id = $1"
            b" ORDER BY originator_version"
        )
        self._server.prepare(b"case", query)
        self._decode: dict[bytes, Callable[[bytes], Event]] = {
            cls.__name__.encode(): msgspec.json.Decoder(cls).decode for cls in EVENT_CLASSES
        }

    def load(self, case_id: UUID) -> Case:
        rows = self._server.exec_prepared(b"case", [case_id.bytes], [1], 1)
        assert rows.status == pq.ExecStatus.TUPLES_OK, rows.error_message
        case: Case | None = None
        for number in range(rows.ntuples):
            topic, state = rows.get_value(number, 0), rows.get_value(number, 1)
            assert topic is not None
            assert state is not None
            case = evolve(case, self._decode[topic](state))
        assert case is not None
        return case


def _rebuild(load: Callable[[UUID], object], ids: Sequence[UUID], seconds: float) -> Report:
    rounds = cycle(ids)
    wait_for_start()
    return run_threads(lambda _: load(next(rounds)), 1, seconds)


def _cases_of(dsn: str, length: int) -> list[UUID]:
    """The cases of that many events; all of them for 0."""
    query = (
        "SELECT originator_id FROM case_events GROUP BY originator_id"
        " HAVING count(*) = %s OR (%s = 0 AND count(*) > 2) ORDER BY originator_id"
    )
    with psycopg.connect(dsn) as connection:
        return [row[0] for row in connection.execute(query, (length, length)).fetchall()]


def _replay(ours: OurEngine, seconds: float) -> Report:
    """Pages from the beginning, and again from the beginning, until the time is over."""
    wait_for_start()
    return _timed(_replayed(ours), seconds)


def _replayed(ours: OurEngine) -> Iterator[int]:
    """Every event and whose it is, as a fold takes them."""
    while True:
        yield from (len(page.events) for page in ours.engine.log.pages())


def _follow(ours: OurEngine, seconds: float) -> Report:
    runner = ours.runner([Counts()])
    wait_for_start()
    result = _timed(iter(runner.run_once, 0), seconds)
    runner.close()
    return result


def _timed(steps: Iterator[int], seconds: float) -> Report:
    """Take steps for that long; how many events they came to in a second."""
    began = time.perf_counter()
    events = 0
    for each in steps:
        events += each
        if time.perf_counter() - began > seconds:
            break
    return {"per_second": events / (time.perf_counter() - began), "peak_mb": peak_mb()}


def _measure(asked: argparse.Namespace) -> Report:
    if asked.action == "limit":
        return _rebuild(Bare(asked.dsn).load, _cases_of(asked.dsn, asked.length), asked.seconds)
    with OurEngine(asked.dsn, kept_cases=0) as ours:
        match asked.action:
            case "load":
                return _rebuild(ours.load, _cases_of(asked.dsn, asked.length), asked.seconds)
            case "replay":
                return _replay(ours, asked.seconds)
            case _:
                return _follow(ours, asked.seconds)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("dsn")
    parser.add_argument("action", choices=["limit", "load", "replay", "follow"])
    parser.add_argument("length", type=int)
    parser.add_argument("seconds", type=float)
    report(_measure(parser.parse_args()))


if __name__ == "__main__":
    main()
