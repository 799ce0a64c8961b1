"""What is in the log stays as it is, and in the order in which it became visible."""

import uuid
from collections.abc import Callable
from uuid import UUID

import psycopg
import pytest
from psycopg import errors as pg

from duecourse.case import commands as c
from duecourse.case.context import SYSTEM
from duecourse.store.append import Entry, append
from duecourse.store.database import Connection, Database
from duecourse.store.engine import Engine, Request
from duecourse.store.errors import HistoryBroken

REFUSED_TO_THE_APPLICATION = [
    "UPDATE case_events SET topic = 'x'",
    "DELETE FROM case_events",
    "TRUNCATE case_events",
    "UPDATE case_events SET fingerprint = NULL",
    "DELETE FROM subject_keys",
    "UPDATE settings SET value = ''",
    "ALTER TABLE case_events DISABLE TRIGGER ALL",
    "ALTER TABLE case_events DISABLE TRIGGER case_events_append_only",
    "DROP TRIGGER case_events_append_only ON case_events",
    "DROP TABLE case_events",
    "SET session_replication_role = replica",
    "ALTER TABLE case_events ADD COLUMN x int",
    "CREATE TABLE mine (x int)",
    "COPY (SELECT 1) TO PROGRAM 'cat'",
    "SELECT setval('case_events_notification_id_seq', 1)",
    "SELECT nextval('case_events_notification_id_seq')",
    (
        "INSERT INTO case_events (originator_id, originator_version, topic, state, recorded_at)"
        " VALUES (gen_random_uuid(), 1, 'x', '', now())"
    ),
    (
        "INSERT INTO case_events (originator_id, originator_version, topic, state, notification_id)"
        " OVERRIDING SYSTEM VALUE VALUES (gen_random_uuid(), 1, 'x', '', 1)"
    ),
    "DELETE FROM schema_migrations",
]


@pytest.mark.parametrize("statement", REFUSED_TO_THE_APPLICATION)
def test_the_application_may_only_add(database: Database, opened: UUID, statement: str) -> None:
    with database.connection() as connection, pytest.raises(pg.InsufficientPrivilege):
        connection.execute(statement.encode())


@pytest.mark.parametrize("table", ["case_events"])
@pytest.mark.parametrize("change", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}"])
@pytest.mark.parametrize("mode", ["origin", "replica"])
def test_the_owner_is_refused_too_even_as_a_replica(
    migrated_dsn: str, opened: UUID, table: str, change: str, mode: str
) -> None:
    statement = change.replace("SET {} = {}", "SET recorded_at = now()").format(table)
    with psycopg.connect(migrated_dsn) as owner:
        owner.execute(f"SET session_replication_role = {mode}".encode())
        with pytest.raises(pg.RestrictViolation, match="append-only"):
            owner.execute(statement.encode())


@pytest.mark.parametrize("version", [1, 2])
def test_an_event_that_somebody_took_out_is_missed(
    migrated_dsn: str,
    new_engine: Callable[[], Engine],
    engine: Engine,
    asking: Callable[..., Request],
    opened: UUID,
    opening: Callable[..., c.OpenCase],
    paying: Callable[..., c.RecordPayment],
    version: int,
) -> None:
    """Only an administrator can, who ends the triggers first. What is left is no case any more."""
    engine.execute_sync(asking(paying("pay-1"), opened))
    other = engine.execute_sync(asking(opening())).case_id
    with psycopg.connect(migrated_dsn) as owner:
        owner.execute("ALTER TABLE case_events DISABLE TRIGGER ALL")
        taken = "DELETE FROM case_events WHERE originator_id = %s AND originator_version = %s"
        owner.execute(taken, (opened, version))
        owner.execute("ALTER TABLE case_events ENABLE TRIGGER ALL")
    fresh = new_engine()
    with pytest.raises(HistoryBroken, match=f"case {opened}: of its events 1 to 3 only 2"):
        fresh.load(opened)
    with pytest.raises(HistoryBroken):
        fresh.log.history(opened)
    with pytest.raises(HistoryBroken):
        fresh.log.tails({opened: 0, other: 0})
    fresh.load(other)


def test_every_connection_of_the_application_has_its_limits(database: Database) -> None:
    names = ("role", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    with database.connection() as connection:
        values = [_one(connection, f"SHOW {name}") for name in names]
    assert values == ["duecourse_app", "30s", "10s", "30s"]


def _one(connection: Connection, query: str) -> object:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def _entry(case_id: UUID, first: int = 1, events: int = 1, command: UUID | None = None) -> Entry:
    return Entry(
        command_id=command or uuid.uuid4(),
        case_id=case_id,
        first_version=first,
        fingerprint=b"f",
        actor=SYSTEM,
        causation="",
        events=(("Test", b"{}"),) * events,
    )


def test_a_batch_answers_each_command_without_harm_to_the_others(database: Database) -> None:
    known, contested = uuid.uuid4(), uuid.uuid4()
    with database.connection() as connection:
        append(connection, [_entry(contested, 1, 2, known)])
        batch = [
            _entry(uuid.uuid4(), 1, 3),
            _entry(contested, 2),
            _entry(uuid.uuid4(), 1, 1, known),
            _entry(uuid.uuid4(), 2),
            _entry(uuid.uuid4(), 1, 2),
        ]
        verdicts = append(connection, batch).verdicts
    assert [each.outcome for each in verdicts] == [
        "appended",
        "conflict",
        "duplicate",
        "conflict",
        "appended",
    ]
    first, last = verdicts[0].position, verdicts[-1].position
    assert first is not None
    assert last == first + 2


def test_a_version_that_would_leave_a_hole_is_a_conflict(database: Database) -> None:
    case_id = uuid.uuid4()
    with database.connection() as connection:
        append(connection, [_entry(case_id, 1)])
        verdicts = [
            append(connection, [_entry(case_id, version)]).verdicts[0] for version in (1, 3, 2)
        ]
    assert [each.outcome for each in verdicts] == ["conflict", "conflict", "appended"]


def test_a_second_writer_waits_for_the_commit_of_the_first(database: Database) -> None:
    with database.connection() as first, database.connection() as second:
        second.execute("SET lock_timeout = '50ms'")
        with first.transaction():
            append(first, [_entry(uuid.uuid4())])
            with pytest.raises(pg.LockNotAvailable):
                append(second, [_entry(uuid.uuid4())])
        second.execute("SET lock_timeout = '10s'")
        assert append(second, [_entry(uuid.uuid4())]).verdicts[0].outcome == "appended"


def test_recorded_moments_follow_the_positions(
    engine: Engine, database: Database, opened: UUID, asking: Callable[..., object]
) -> None:
    with database.connection() as connection:
        rows = connection.execute(
            "SELECT recorded_at FROM case_events ORDER BY notification_id"
        ).fetchall()
    assert rows == sorted(rows)
