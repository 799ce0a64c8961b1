"""The library's view of the log: its recorder over our table, for its own tools and tests."""

from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import UUID

import psycopg
from eventsourcing.persistence import ProgrammingError, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg import Cursor
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow

from duecourse.case.context import SYSTEM, Actor
from duecourse.store.database import CHANNEL, LOG_LOCK, configure, refuse_unsafe_settings

EVENTS_TABLE: Final = CHANNEL

_INSERT: Final = """
INSERT INTO case_events (originator_id, originator_version, topic, state,
                         actor_id, actor_role, command_id, causation)
SELECT v.*, %s, %s, %s, %s
  FROM unnest(%s::uuid[], %s::bigint[], %s::text[], %s::bytea[]) AS v
RETURNING notification_id
"""


class Datastore(PostgresDatastore):
    """The library's pool, with our limits and the rights of the application only."""

    def __init__(self, dsn: str, *, pool_size: int = 5, max_overflow: int = 10) -> None:
        given = conninfo_to_dict(dsn)
        super().__init__(
            dbname=str(given.get("dbname") or ""),
            host=str(given.get("host") or ""),
            port=str(given.get("port") or 5432),
            user=str(given.get("user") or ""),
            password=str(given.get("password") or ""),
            pool_size=pool_size,
            max_overflow=max_overflow,
        )

    def after_connect_func(self) -> Callable[[psycopg.Connection[Any]], None]:
        return configure


class Recorder(PostgresApplicationRecorder):
    """Writers take turns by an advisory lock, which a role that may only INSERT can take too."""

    def __init__(
        self, datastore: PostgresDatastore, *, events_table_name: str = EVENTS_TABLE
    ) -> None:
        refuse_unsafe_settings()
        if datastore.enable_db_functions:
            raise ProgrammingError(
                "enable_db_functions loses events: its insert takes no lock, so readers pass over"
                " what commits late. Leave it off."
            )
        if events_table_name != EVENTS_TABLE:
            raise ProgrammingError(f"the events are in {EVENTS_TABLE}, not {events_table_name}")
        super().__init__(datastore, events_table_name=events_table_name)

    def create_table(self) -> None:
        """Nothing: the tables are made by `duecourse migrate`, which the application may not."""

    def _lock_table(self, curs: Cursor[DictRow]) -> None:
        curs.execute("SELECT pg_advisory_xact_lock(%s)", (LOG_LOCK,), prepare=True)

    def _insert_stored_events(
        self,
        curs: Cursor[DictRow],
        stored_events: Sequence[StoredEvent],
        *,
        actor: Actor = SYSTEM,
        command_id: UUID | None = None,
        causation: str = "",
        **_: object,
    ) -> None:
        self._lock_table(curs)
        self._notify_channel(curs)
        parameters = (
            actor.id,
            actor.role,
            command_id,
            causation,
            [each.originator_id for each in stored_events],
            [each.originator_version for each in stored_events],
            [each.topic for each in stored_events],
            [each.state for each in stored_events],
        )
        curs.execute(_INSERT, parameters, prepare=True)
