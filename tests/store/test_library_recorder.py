"""The library's own tests of a recorder, run against ours with the rights of the application."""

import contextlib
import importlib
import io
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from eventsourcing.persistence import ProgrammingError, StoredEvent

from duecourse.case.context import Actor
from duecourse.store.database import LOG_LOCK, Database
from duecourse.store.errors import UnsafeSetting
from duecourse.store.migrate import migrate
from duecourse.store.recorder import Datastore, Recorder

# The library's tests import a cipher that wants pycryptodome, which we do not have. They never
# use it on a recorder; the same class of the library over `cryptography` stands in for it.
sys.modules.setdefault(
    "eventsourcing.cipher", importlib.import_module("eventsourcing.cryptography")
)
shipped = importlib.import_module("eventsourcing.tests.persistence")


class OverOurTable:
    """A recorder over an empty log for each test."""

    datastore: Datastore

    @pytest.fixture(autouse=True)
    def _empty_log(self, fresh_dsn: str) -> Iterator[None]:
        migrate(fresh_dsn)
        self.datastore = Datastore(fresh_dsn)
        # The library's tests print their timings.
        with contextlib.redirect_stdout(io.StringIO()):
            yield
        self.datastore.close()

    def new_originator_id(self) -> UUID:
        return uuid.uuid4()

    def create_recorder(self) -> Recorder:
        return Recorder(self.datastore)


class TestApplicationRecorder(OverOurTable, shipped.ApplicationRecorderTestCase):
    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


class TestPositionsDoNotInterleave(OverOurTable, shipped.NonInterleavingNotificationIDsBaseCase):
    pass


@pytest.fixture
def datastore(migrated_dsn: str) -> Iterator[Datastore]:
    with Datastore(migrated_dsn) as opened:
        yield opened


def test_an_event_carries_who_and_why(datastore: Datastore, database: Database) -> None:
    command, case = uuid.uuid4(), uuid.uuid4()
    Recorder(datastore).insert_events(
        [StoredEvent(case, 1, "Test", b"{}")],
        actor=Actor("collector-1", "collector"),
        command_id=command,
        causation="by hand",
    )
    with database.connection() as connection:
        row = connection.execute(
            "SELECT actor_id, actor_role, command_id, causation FROM case_events"
            " WHERE originator_id = %s",
            (case,),
        ).fetchone()
    assert row == ("collector-1", "collector", command, "by hand")


def test_it_waits_its_turn_behind_another_writer(datastore: Datastore, database: Database) -> None:
    waiting = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    event = StoredEvent(uuid.uuid4(), 1, "Test", b"{}")
    with ThreadPoolExecutor(1) as pool, database.connection() as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(%s)", (LOG_LOCK,))
        inserting = pool.submit(Recorder(datastore).insert_events, [event])
        while other.execute(waiting).fetchone() is None:
            assert not inserting.done()


def test_the_insert_that_loses_events_is_refused(
    datastore: Datastore, migrated_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    datastore.enable_db_functions = True
    with pytest.raises(ProgrammingError, match="loses events"):
        Recorder(datastore)
    monkeypatch.setenv("POSTGRES_ENABLE_DB_FUNCTIONS", "y")
    with pytest.raises(UnsafeSetting, match="Unset it"):
        Database(migrated_dsn)


def test_another_table_is_refused(datastore: Datastore) -> None:
    with pytest.raises(ProgrammingError, match="case_events"):
        Recorder(datastore, events_table_name="other_events")
