"""Followers see every event once, in order, and each at its own pace."""

import logging
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest

from duecourse.case import commands as c
from duecourse.store.database import Connection, Database
from duecourse.store.engine import Engine, Recorded, Request
from duecourse.store.follower import Follower, Runner

Asking = Callable[..., Request]
Opening = Callable[..., c.OpenCase]


class Counter:
    """Writes down each position it is given, in a table of the test's own."""

    def __init__(self, name: str = "counter") -> None:
        self.name = f"{name}-{uuid.uuid4()}"
        self.largest = 0
        self.fault: Exception | None = None

    def apply(self, connection: Connection, batch: Sequence[Recorded]) -> None:
        self.largest = max(self.largest, len(batch))
        for each in batch:
            connection.execute(
                "INSERT INTO seen (follower, position) VALUES (%s, %s)", (self.name, each.position)
            )
        if self.fault is not None:
            raise self.fault


@pytest.fixture(scope="module", autouse=True)
def _table_of_the_test(migrated_dsn: str) -> None:
    with psycopg.connect(migrated_dsn) as owner:
        owner.execute(
            "CREATE TABLE seen (follower text, position bigint,"
            " place bigint GENERATED ALWAYS AS IDENTITY)"
        )
        owner.execute("GRANT SELECT, INSERT ON seen TO duecourse_app")


@pytest.fixture
def seen(database: Database) -> Callable[[Follower], list[int]]:
    def positions(follower: Follower) -> list[int]:
        query = "SELECT position FROM seen WHERE follower = %s ORDER BY place"
        with database.connection() as connection:
            return [row[0] for row in connection.execute(query, (follower.name,)).fetchall()]

    return positions


@pytest.fixture
def runner_of(database: Database, engine: Engine) -> Iterator[Callable[..., Runner]]:
    made: list[Runner] = []

    def make(*followers: Follower, batch: int = 1_000) -> Runner:
        made.append(Runner(database, engine, followers, batch=batch))
        return made[-1]

    yield make
    for runner in made:
        runner.close()


@pytest.fixture
def some_events(engine: Engine, asking: Asking, opening: Opening) -> list[int]:
    """The positions of everything in the log: at least 40 events."""
    engine.execute_batch([asking(opening()) for _ in range(20)])
    return [each.position for each in engine.read_log(0, 10_000)]


def test_a_new_follower_sees_everything_from_the_first_event_on(
    runner_of: Callable[..., Runner],
    some_events: list[int],
    seen: Callable[[Follower], list[int]],
) -> None:
    counter = Counter()
    runner = runner_of(counter)
    assert runner.lag() == {counter.name: some_events[-1]}
    assert runner.catch_up() == len(some_events)
    assert seen(counter) == some_events
    assert runner.lag() == {counter.name: 0}
    assert runner.run_once() == 0


def test_batches_are_no_larger_than_asked(
    runner_of: Callable[..., Runner], some_events: list[int], seen: Callable[[Follower], list[int]]
) -> None:
    counter = Counter()
    runner_of(counter, batch=7).catch_up()
    assert counter.largest == 7
    assert seen(counter) == some_events


def test_a_follower_goes_on_where_it_stopped(
    runner_of: Callable[..., Runner], engine: Engine, asking: Asking, opening: Opening
) -> None:
    counter = Counter()
    runner_of(counter).catch_up()
    engine.execute(asking(opening()))
    assert runner_of(counter).catch_up() == 2
    assert runner_of(counter).catch_up() == 0


def test_a_batch_that_fails_leaves_nothing_and_is_tried_again(
    runner_of: Callable[..., Runner],
    some_events: list[int],
    seen: Callable[[Follower], list[int]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    counter, healthy = Counter(), Counter("healthy")
    counter.fault = ValueError("words about Fictional Person")
    runner = runner_of(counter, healthy)
    runner.catch_up()
    assert (seen(counter), seen(healthy)) == ([], some_events)
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert vars(record)["follower"] == counter.name
    assert "Fictional Person" not in caplog.text + str(vars(record))
    counter.fault = None
    runner._trouble[counter.name].not_before = 0
    runner.catch_up()
    assert seen(counter) == some_events


def test_a_failing_follower_is_left_alone_longer_and_longer(
    runner_of: Callable[..., Runner], some_events: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    counter = Counter()
    counter.fault = ValueError()
    runner = runner_of(counter)
    for _ in range(9):
        runner.run_once()
        runner.run_once()
        runner._trouble[counter.name].not_before = 0
    pauses = [vars(record)["retry_in_seconds"] for record in caplog.records]
    assert pauses == [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30]


def test_two_workers_never_apply_an_event_twice(
    runner_of: Callable[..., Runner], some_events: list[int], seen: Callable[[Follower], list[int]]
) -> None:
    counter = Counter()
    runners = [runner_of(counter, batch=2) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        done = sum(pool.map(Runner.catch_up, runners))
    assert done == len(some_events)
    assert seen(counter) == some_events


def test_a_position_taken_by_another_worker_meanwhile_is_left_alone(
    runner_of: Callable[..., Runner],
    some_events: list[int],
    seen: Callable[[Follower], list[int]],
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counter = Counter()
    late, rival = runner_of(counter), runner_of(counter)
    read = late._log.read

    def read_then_lose(after: int, limit: int = 1000) -> list[Recorded]:
        batch = read(after, limit)
        monkeypatch.undo()
        rival.catch_up()
        return batch

    monkeypatch.setattr(late._log, "read", read_then_lose)
    assert late.run_once() == 0
    assert seen(counter) == some_events


def test_a_waiting_runner_is_woken_by_a_write(
    runner_of: Callable[..., Runner],
    engine: Engine,
    asking: Asking,
    opening: Opening,
) -> None:
    runner = runner_of(Counter())
    runner.wait(0.01)
    woken = threading.Event()

    def wait() -> None:
        runner.wait(600)
        woken.set()

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    engine.execute(asking(opening()))
    assert woken.wait(30)


def test_a_runner_survives_the_loss_of_all_its_connections(
    runner_of: Callable[..., Runner],
    some_events: list[int],
    migrated_dsn: str,
    seen: Callable[[Follower], list[int]],
) -> None:
    counter = Counter()
    runner = runner_of(counter, batch=5)
    runner.wait(0.01)
    runner.run_once()
    with psycopg.connect(migrated_dsn, autocommit=True) as administrator:
        administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'duecourse-tests'"
        )
    runner.wait(0.01)
    runner._trouble[counter.name].not_before = 0
    runner.catch_up()
    runner.wait(0.01)
    assert runner._listener is not None, "it listens again"
    assert not runner._listener.closed
    assert seen(counter) == some_events


def test_run_follows_until_it_is_told_to_stop(
    runner_of: Callable[..., Runner], engine: Engine, asking: Asking, opening: Opening
) -> None:
    arrived, stop = threading.Event(), threading.Event()

    class Telling(Counter):
        def apply(self, connection: Connection, batch: Sequence[Recorded]) -> None:
            super().apply(connection, batch)
            if any(each.case_id == awaited for each in batch):
                arrived.set()

    request = asking(opening())
    awaited: UUID = request.case_id
    running = threading.Thread(target=runner_of(Telling()).run, args=(stop,))
    running.start()
    engine.execute(request)
    assert arrived.wait(30)
    stop.set()
    running.join(30)
    assert not running.is_alive()


def test_two_followers_of_one_name_are_refused(runner_of: Callable[..., Runner]) -> None:
    counter = Counter()
    with pytest.raises(ValueError, match="same name"):
        runner_of(counter, counter)
