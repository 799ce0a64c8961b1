"""A reader that tails the log misses nothing and sees everything in order, whoever writes."""

import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from itertools import cycle, islice
from random import Random
from typing import Any

import psycopg
import pytest
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow

from duecourse.case.context import SYSTEM
from duecourse.store.append import Entry, Mode, append
from duecourse.store.database import Database, configure
from duecourse.store.recorder import Datastore, Recorder

LONG = bool(os.environ.get("DUECOURSE_LONG"))
WRITERS, COMMANDS, EVENTS_EACH = 16, 6, 8
EVENTS = 1_000_000 if LONG else 50_000
COMMITS = -(-EVENTS // (WRITERS * COMMANDS * EVENTS_EACH))

Write = Callable[[], Sequence[int]]
"""Write some events, pause, commit, and return their positions."""
NewWriter = Callable[[Random], AbstractContextManager[Write]]


def _pause(random: Random) -> None:
    time.sleep(random.random() / 500)


def _entry() -> Entry:
    return Entry(
        command_id=uuid.uuid4(),
        case_id=uuid.uuid4(),
        first_version=1,
        fingerprint=b"f",
        actor=SYSTEM,
        causation="",
        events=(("Test", b"{}"),) * EVENTS_EACH,
    )


def _ours(dsn: str, mode: Mode) -> NewWriter:
    @contextmanager
    def writer(random: Random) -> Iterator[Write]:
        with psycopg.connect(dsn) as connection:
            configure(connection)

            def write() -> Sequence[int]:
                with connection.transaction():
                    entries = [_entry() for _ in range(COMMANDS)]
                    verdicts = append(connection, entries, mode).verdicts
                    _pause(random)
                positions = [each.position for each in verdicts if each.position is not None]
                assert len(positions) == COMMANDS
                return range(positions[-1] - COMMANDS * EVENTS_EACH + 1, positions[-1] + 1)

            yield write

    return writer


class _Pausing(Recorder):
    """The recorder of the library over our table."""

    random: Random

    def _fetch_ids_after_insert_events(self, *args: Any, **kwargs: Any) -> Sequence[int] | None:
        positions = super()._fetch_ids_after_insert_events(*args, **kwargs)
        _pause(self.random)
        return positions


def _librarys(dsn: str) -> NewWriter:
    @contextmanager
    def writer(random: Random) -> Iterator[Write]:
        with Datastore(dsn, pool_size=1) as datastore:
            recorder = _Pausing(datastore)
            recorder.random = random

            def write() -> Sequence[int]:
                cases = [uuid.uuid4() for _ in range(COMMANDS)]
                positions = recorder.insert_events(
                    [
                        StoredEvent(case_id, version, "Test", b"{}")
                        for case_id in cases
                        for version in range(1, EVENTS_EACH + 1)
                    ]
                )
                assert positions is not None
                return positions

            yield write

    return writer


class Reader:
    """Tails a table: remembers how far it has seen, and asks for what is beyond."""

    def __init__(self, dsn: str, table: str = "case_events") -> None:
        self._connection = psycopg.connect(dsn, autocommit=True)
        self._query = (
            f"SELECT notification_id FROM {table} WHERE notification_id > %s"
            " ORDER BY notification_id LIMIT 5000"
        )
        self.seen: list[int] = []

    def read(self) -> int:
        after = self.seen[-1] if self.seen else 0
        found = self._connection.execute(self._query.encode(), (after,)).fetchall()
        self.seen += [position for (position,) in found]
        return len(found)

    def tail(self, done: threading.Event) -> None:
        """Until nothing more comes once `done` is set."""
        while True:
            last_look = done.is_set()
            if not self.read() and last_look:
                return

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def new_reader() -> Iterator[Callable[..., Reader]]:
    made: list[Reader] = []

    def make(*args: str) -> Reader:
        made.append(Reader(*args))
        return made[-1]

    yield make
    for reader in made:
        reader.close()


def _write_all(new_writer: NewWriter, seed: int, written: list[int]) -> None:
    with new_writer(Random(seed)) as write:
        for _ in range(COMMITS):
            written.extend(write())


def test_a_tailing_reader_misses_nothing_and_sees_everything_in_order(
    migrated_dsn: str, database: Database, new_reader: Callable[..., Reader]
) -> None:
    """Sixteen writers that pause between writing and committing, in every way there is to write."""
    kinds = [
        _ours(migrated_dsn, "locked"),
        _ours(migrated_dsn, "early"),
        _ours(migrated_dsn, "auto"),
        _librarys(migrated_dsn),
    ]
    reader, done, written = new_reader(migrated_dsn), threading.Event(), list[int]()
    with ThreadPoolExecutor(WRITERS + 1) as pool:
        reading = pool.submit(reader.tail, done)
        try:
            writing = [
                pool.submit(_write_all, kind, seed, written)
                for seed, kind in enumerate(islice(cycle(kinds), WRITERS))
            ]
            for each in writing:
                each.result()
        finally:
            done.set()
        reading.result()
    assert len(written) >= EVENTS
    assert reader.seen == sorted(written)


# --- the insert of the library that we refuse ---------------------------------------------------


class _Stock(PostgresDatastore):
    """The library's own; once `paused`, each transaction waits for `go_on` before it commits."""

    def __init__(self, dsn: str, *, db_functions: bool) -> None:
        given = conninfo_to_dict(dsn)
        super().__init__(
            dbname=str(given.get("dbname") or ""),
            host=str(given.get("host") or ""),
            port=str(given.get("port") or 5432),
            user=str(given.get("user") or ""),
            password=str(given.get("password") or ""),
            # What POSTGRES_ENABLE_DB_FUNCTIONS sets.
            enable_db_functions=db_functions,
        )
        self.paused = False
        self.has_inserted, self.go_on = threading.Event(), threading.Event()

    @contextmanager
    def get_connection(self) -> Iterator[psycopg.Connection[DictRow]]:
        with super().get_connection() as connection:
            if not self.paused:
                yield connection
                return
            with connection.transaction():
                yield connection
                self.has_inserted.set()
                assert self.go_on.wait(10)


@contextmanager
def _stock_writer(dsn: str, *, db_functions: bool) -> Iterator[tuple[_Stock, Write]]:
    with _Stock(dsn, db_functions=db_functions) as datastore:
        recorder = PostgresApplicationRecorder(datastore)
        recorder.create_table()

        def write() -> Sequence[int]:
            positions = recorder.insert_events([StoredEvent(uuid.uuid4(), 1, "Test", b"{}")])
            assert positions is not None
            return positions

        yield datastore, write


@pytest.mark.parametrize(("db_functions", "seen"), [(False, [1, 2]), (True, [2])])
def test_the_same_reader_misses_what_the_librarys_functions_insert(
    fresh_dsn: str,
    new_reader: Callable[..., Reader],
    db_functions: bool,  # noqa: FBT001
    seen: list[int],
) -> None:
    waits_for_a_lock = b"SELECT FROM pg_locks WHERE NOT granted"
    with (
        _stock_writer(fresh_dsn, db_functions=db_functions) as (slow, write_slowly),
        _stock_writer(fresh_dsn, db_functions=db_functions) as (_, write),
        psycopg.connect(fresh_dsn, autocommit=True) as observer,
        ThreadPoolExecutor(2) as pool,
    ):
        reader = new_reader(fresh_dsn, "stored_events")
        slow.paused = True
        slowly = pool.submit(write_slowly)
        assert slow.has_inserted.wait(10)
        quickly = pool.submit(write)
        while not quickly.done() and observer.execute(waits_for_a_lock).fetchone() is None:
            time.sleep(0.01)
        reader.read()
        slow.go_on.set()
        assert [*slowly.result(), *quickly.result()] == [1, 2]
        reader.read()
    assert reader.seen == seen
