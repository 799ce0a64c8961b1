"""Followers see every event once, in order, and each at its own pace."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import psycopg
import pytest
from counter import Counter

from duecourse.case import commands as c
from duecourse.store import positions
from duecourse.store.database import Connection, Database
from duecourse.store.engine import Engine, Recorded, Request
from duecourse.store.follower import Follower, NotNow
from duecourse.store.runner import Runner

Asking = Callable[..., Request]
Opening = Callable[..., c.OpenCase]
NewRunner = Callable[..., Runner]
Seen = Callable[[Follower], list[int]]


def test_a_new_follower_sees_everything_from_the_first_event_on(
    runner_of: NewRunner, some_events: list[int], seen: Seen
) -> None:
    counter = Counter()
    runner = runner_of(counter)
    assert runner.catch_up() == len(some_events)
    assert seen(counter) == some_events
    assert runner.run_once() == 0


def test_batches_are_no_larger_than_asked(
    runner_of: NewRunner, some_events: list[int], seen: Seen
) -> None:
    counter = Counter()
    runner_of(counter, batch=7).catch_up()
    assert counter.largest == 7
    assert seen(counter) == some_events


def test_a_follower_goes_on_where_it_stopped(
    runner_of: NewRunner, open_cases: Callable[[int], list[UUID]]
) -> None:
    counter = Counter()
    runner_of(counter).catch_up()
    open_cases(1)
    assert runner_of(counter).catch_up() == 2
    assert runner_of(counter).catch_up() == 0


def test_lag_is_told_in_events_and_in_seconds(
    runner_of: NewRunner, some_events: list[int], open_cases: Callable[[int], list[UUID]]
) -> None:
    counter = Counter()
    runner = runner_of(counter)
    (new,) = runner.lag()
    assert (new.name, new.part, new.parts, new.position) == (counter.name, 0, 1, 0)
    assert new.events == len(some_events)
    runner.catch_up()
    (level,) = runner.lag()
    assert (level.position, level.events, level.seconds) == (some_events[-1], 0, 0.0)
    open_cases(1)
    time.sleep(0.2)
    open_cases(1)
    (behind,) = runner.lag()
    assert behind.events == 4
    assert 0.2 <= behind.seconds < 20


def test_lag_does_not_count_positions_that_were_never_used(
    runner_of: NewRunner, open_cases: Callable[[int], list[UUID]], migrated_dsn: str
) -> None:
    runner = runner_of(Counter())
    runner.catch_up()
    with psycopg.connect(migrated_dsn) as owner:
        owner.execute("SELECT nextval(pg_get_serial_sequence('case_events', 'notification_id'))")
    open_cases(1)
    assert runner.lag()[0].events == 2


def test_far_behind_lag_is_estimated(
    runner_of: NewRunner, some_events: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("duecourse.store.lag.EXACT_UP_TO", 10)
    (lag,) = runner_of(Counter()).lag()
    assert lag.events == some_events[-1]


def test_a_crash_between_rows_and_position_leaves_neither(
    runner_of: NewRunner, some_events: list[int], seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    class PowerCut(BaseException):
        """What no handler catches: the process is gone."""

    def crash(*_: object) -> None:
        raise PowerCut

    counter = Counter()
    monkeypatch.setattr(positions, "move", crash)
    with pytest.raises(PowerCut):
        runner_of(counter).run_once()
    assert counter.given, "it had been applied"
    assert seen(counter) == []
    monkeypatch.undo()
    runner_of(counter).catch_up()
    assert seen(counter) == some_events


def test_a_follower_that_cannot_work_at_all_is_tried_again_and_parks_nothing(
    runner_of: NewRunner,
    some_events: list[int],
    seen: Seen,
    caplog: pytest.LogCaptureFixture,
) -> None:
    counter, healthy = Counter(), Counter("healthy")
    counter.fault = lambda _: NotNow("words about Fictional Person")
    runner = runner_of(counter, healthy)
    runner.catch_up()
    assert (seen(counter), seen(healthy)) == ([], some_events)
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert vars(record)["follower"] == counter.name
    assert "Fictional Person" not in caplog.text + str(vars(record))
    lag = runner.lag()[0]
    assert (lag.parked, lag.last_error.partition(" ")[0]) == (0, "NotNow")
    counter.mend()
    runner._trouble[counter.name].succeeded()
    runner.catch_up()
    assert seen(counter) == some_events
    assert runner.lag()[0].last_error == ""


def test_a_table_that_is_missing_is_no_fault_of_an_event(
    runner_of: NewRunner, some_events: list[int]
) -> None:
    class Lost(Counter):
        def apply(self, connection: Connection, batch: Sequence[Recorded]) -> None:
            connection.execute("INSERT INTO no_such_table VALUES (1)")

    lost = Lost()
    runner = runner_of(lost)
    runner.catch_up()
    assert runner.parked(lost.name) == []
    assert runner.lag()[0].last_error.startswith("UndefinedTable")


def test_a_failing_follower_is_left_alone_longer_and_longer(
    runner_of: NewRunner, some_events: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    counter = Counter()
    counter.fault = lambda _: NotNow()
    runner = runner_of(counter)
    for _ in range(9):
        runner.run_once()
        runner.run_once()
        runner._trouble[counter.name]._not_before = 0
    pauses = [vars(record)["retry_in_seconds"] for record in caplog.records]
    assert pauses == [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30]


def test_two_workers_never_apply_an_event_twice(
    runner_of: NewRunner, some_events: list[int], seen: Seen
) -> None:
    counter = Counter()
    runners = [runner_of(counter, batch=2) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        done = sum(pool.map(Runner.catch_up, runners))
    assert done == len(some_events)
    assert seen(counter) == some_events


def test_what_another_worker_is_at_is_left_to_it(
    runner_of: NewRunner, some_events: list[int], seen: Seen, database: Database
) -> None:
    counter = Counter()
    runner_of(counter, batch=5).run_once()
    with database.connection() as other, other.transaction():
        assert positions.take(other, counter.name, 0) is not None
        assert runner_of(counter).run_once() == 0
    assert runner_of(counter).run_once() == len(some_events) - 5


def test_a_waiting_runner_is_woken_by_a_write(
    runner_of: NewRunner, open_cases: Callable[[int], list[UUID]]
) -> None:
    runner = runner_of(Counter())
    runner.wait(0.01)
    woken = threading.Event()

    def wait() -> None:
        runner.wait(600)
        woken.set()

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    open_cases(1)
    assert woken.wait(30)


def test_without_any_hint_a_runner_looks_again_by_itself(
    runner_of: NewRunner,
    open_cases: Callable[[int], list[UUID]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arrived, stop = threading.Event(), threading.Event()
    counter = Counter()
    runner = runner_of(counter)
    runner.catch_up()
    counter.fault = lambda _: arrived.set()
    monkeypatch.setattr(runner._listener, "wait", stop.wait)
    running = threading.Thread(target=runner.run, args=(stop,))
    running.start()
    open_cases(1)
    came = arrived.wait(5)
    stop.set()
    running.join(30)
    assert came


def test_a_runner_survives_the_loss_of_all_its_connections(
    runner_of: NewRunner, some_events: list[int], migrated_dsn: str, seen: Seen
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
    ends = time.monotonic() + 30
    while len(seen(counter)) < len(some_events) and time.monotonic() < ends:
        runner.run_once()
        runner.wait(0.05)
    assert seen(counter) == some_events
    assert runner._listener.is_listening, "it listens again"


def test_run_follows_until_it_is_told_to_stop(
    runner_of: NewRunner, engine: Engine, asking: Asking, opening: Opening
) -> None:
    arrived, stop = threading.Event(), threading.Event()
    request = asking(opening())
    awaited: UUID = request.case_id

    def tell(each: Recorded) -> None:
        if each.case_id == awaited:
            arrived.set()

    telling = Counter()
    telling.fault = tell
    running = threading.Thread(target=runner_of(telling).run, args=(stop,))
    running.start()
    engine.execute_sync(request)
    came = arrived.wait(30)
    stop.set()
    assert came
    running.join(30)
    assert not running.is_alive()


def test_two_followers_of_one_name_are_refused(runner_of: NewRunner) -> None:
    counter = Counter()
    with pytest.raises(ValueError, match="same name"):
        runner_of(counter, counter)
