"""A server that goes away and comes back: followers recover by themselves and lose nothing."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from uuid import UUID

import psycopg
import pytest
from counter import Counter
from outage import Road
from waiting import until

from duecourse.store.database import Database
from duecourse.store.engine import Engine
from duecourse.store.follower import Follower
from duecourse.store.runner import Runner

SECONDS = 30.0 if os.environ.get("DUECOURSE_LONG") else 2.0


@pytest.fixture
def road(migrated_dsn: str) -> Iterator[Road]:
    with closing(Road(migrated_dsn)) as made:
        yield made


@contextmanager
def at_work(runner: Runner) -> Iterator[None]:
    stop = threading.Event()
    running = threading.Thread(target=runner.run, args=(stop,), daemon=True)
    running.start()
    try:
        yield
    finally:
        stop.set()
        running.join(10)
    assert not running.is_alive()


def test_an_outage_is_waited_out_and_what_came_meanwhile_is_followed(
    road: Road,
    new_engine: Callable[..., Engine],
    open_cases: Callable[[int], list[UUID]],
    engine: Engine,
    seen: Callable[[Follower], list[int]],
) -> None:
    counter = Counter()
    # Not patient, so that it is the runner that waits for the server.
    with Database(road.dsn, patience=0.5, application_name="duecourse-far") as far:
        runner = Runner(far, new_engine(far), [counter], batch=10)
        with at_work(runner):
            open_cases(20)
            until(lambda: len(seen(counter)) >= 40)
            until(lambda: runner._listener.is_listening)
            road.shut()
            open_cases(5)
            time.sleep(SECONDS)
            open_cases(5)
            everything = [each.position for each in engine.read_log(0, 10_000)]
            assert len(seen(counter)) < len(everything)
            road.reopen()
            # Pauses double, so nobody waits much longer than the outage itself took.
            until(lambda: seen(counter) == everything, SECONDS + 10)
            until(lambda: runner._listener.is_listening)


def test_a_listener_that_was_killed_listens_again(
    runner_of: Callable[..., Runner], migrated_dsn: str
) -> None:
    runner = runner_of(Counter())
    runner.wait(0.01)
    with psycopg.connect(migrated_dsn, autocommit=True) as administrator:
        administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE query LIKE 'LISTEN%' AND datname = current_database()"
        )
    begin = time.monotonic()
    runner.wait(0.3)
    assert time.monotonic() - begin >= 0.3, "the loss is no hint, and no busy loop"
    assert not runner._listener.is_listening
    until(lambda: (runner.wait(0.05), runner._listener.is_listening)[1], 10)
