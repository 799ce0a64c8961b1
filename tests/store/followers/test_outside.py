"""What has effects outside starts at now, and is told only what a crash cannot take back."""

from collections.abc import Callable, Sequence
from uuid import UUID

import pytest
from counter import Counter

from duecourse.store import runner as runner_module
from duecourse.store.database import Connection, Database
from duecourse.store.engine import Recorded
from duecourse.store.follower import Follower
from duecourse.store.runner import Runner

NewRunner = Callable[..., Runner]
OpenCases = Callable[[int], list[UUID]]
Seen = Callable[[Follower], list[int]]


def test_it_starts_at_the_end_of_the_log(
    runner_of: NewRunner, some_events: list[int], open_cases: OpenCases, seen: Seen
) -> None:
    counter = Counter(outside=True)
    runner = runner_of(counter)
    assert runner.lag()[0].events == 0
    assert runner.catch_up() == 0
    open_cases(2)
    assert runner.catch_up() == 4
    assert min(seen(counter)) > some_events[-1]


def test_it_runs_on_history_only_when_told_to(
    runner_of: NewRunner, some_events: list[int], seen: Seen
) -> None:
    told = Counter(outside=True)
    runner_of(told, from_start=[told.name]).catch_up()
    assert seen(told) == some_events
    later = Counter(outside=True)
    runner = runner_of(later)
    runner.catch_up()
    runner.restart(later.name)
    runner.catch_up()
    assert seen(later) == some_events


class Witness(Counter):
    """Looks, at the moment of its effect, how far the write-ahead log is on disk."""

    def __init__(self) -> None:
        super().__init__(outside=True)
        self.flushed: list[str] = []

    def apply(self, connection: Connection, batch: Sequence[Recorded]) -> None:
        row = connection.execute("SELECT pg_current_wal_flush_lsn()::text").fetchone()
        assert row is not None
        self.flushed.append(row[0])


def is_reached(database: Database, flushed: str, written: str) -> bool:
    query = "SELECT %s::pg_lsn >= %s::pg_lsn"
    row = database.run(lambda it: it.execute(query, (flushed, written)).fetchone())
    return row == (True,)


def all_were_durable(
    runner_of: NewRunner, open_cases: OpenCases, database: Database, times: int = 20
) -> bool:
    """Whether each batch was on disk before it was given. The test server commits asynchronously."""
    witness = Witness()
    runner = runner_of(witness)
    runner.catch_up()
    durable = True
    for _ in range(times):
        open_cases(1)
        row = database.run(lambda it: it.execute("SELECT pg_current_wal_insert_lsn()").fetchone())
        assert row is not None
        runner.run_once()
        durable &= is_reached(database, witness.flushed[-1], row[0])
    assert len(witness.flushed) == times
    return durable


def test_it_is_given_only_what_is_on_disk(
    runner_of: NewRunner, open_cases: OpenCases, database: Database
) -> None:
    assert all_were_durable(runner_of, open_cases, database)


def test_without_the_flush_it_would_be_given_more(
    runner_of: NewRunner,
    open_cases: OpenCases,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    setting = database.run(lambda it: it.execute("SHOW synchronous_commit").fetchone())
    if setting != ("off",):
        pytest.skip("this server commits synchronously")
    monkeypatch.setattr(runner_module, "flush", lambda _: None)
    assert not all_were_durable(runner_of, open_cases, database)


def test_after_a_failure_an_event_is_given_once_more_and_not_again_and_again(
    runner_of: NewRunner, open_cases: OpenCases
) -> None:
    counter = Counter(outside=True)
    runner = runner_of(counter)
    runner.catch_up()
    cases = open_cases(16)
    counter.fail_at(cases[9])
    runner.catch_up()
    times = [sum(each.case_id == case for each in counter.given) for case in cases]
    assert max(times) <= 4, "two events, each given twice"
    assert [each.case_id for each in runner.parked(counter.name)] == [cases[9]]
