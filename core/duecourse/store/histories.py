"""Whole histories, case by case, for asking what would have been. Reads only, and opens no seal.

Personal texts stay sealed: each is read as whatever stands in the log, or as ERASED.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final, LiteralString
from uuid import UUID

import msgspec
import psycopg
from psycopg import IsolationLevel

from duecourse.case.events import Event
from duecourse.store.database import Connection, is_lost
from duecourse.store.errors import DatabaseUnavailable, StateUnreadable, UnknownTopic
from duecourse.store.log import EventLog
from duecourse.store.sealing import key_ids

PAGE: Final = 5_000

# The id as bytes: most rows are of the same case as the one before.
_ROWS: Final = (
    "SELECT uuid_send(originator_id), topic, state, originator_version FROM case_events"
    " ORDER BY originator_id, originator_version"
)
_COUNT: Final = "SELECT count(*) FROM case_events"
_LAST: Final = "SELECT coalesce(max(notification_id), 0) FROM case_events"

Row = tuple[bytes, str, bytes, int]
Unreadable = UnknownTopic | StateUnreadable
Progress = Callable[[int, int], None]
"""Is told how many events have been read, and how many there are to read."""


class Page(msgspec.Struct, frozen=True):
    """Events in the order of their cases, with the case of each, or why one cannot be read."""

    case_ids: list[UUID]
    events: Sequence[Event | Unreadable]


class Histories:
    """The log as it was when opened, in one transaction that may not write."""

    def __init__(self, connection: Connection, log: EventLog) -> None:
        self._connection = connection
        self._mapper = log.mapper
        self._vault = log.vault
        self.position = _number(connection, _LAST)

    def read(self, progress: Progress | None = None) -> Iterator[Page]:
        """All of it, case by case; the next page is fetched while one is in use."""
        total = 0 if progress is None else _number(self._connection, _COUNT)
        done, case_id = 0, UUID(int=0)
        for rows in self._pages():
            ids: list[UUID] = []
            for row in rows:
                if row[0] != case_id.bytes:
                    case_id = UUID(bytes=row[0])
                ids.append(case_id)
            yield Page(ids, self._events(rows))
            done += len(rows)
            if progress is not None:
                progress(done, total)

    def _pages(self) -> Iterator[list[Row]]:
        with (
            self._connection.cursor("histories", binary=True) as cursor,
            ThreadPoolExecutor(1, "duecourse-histories") as ahead,
        ):
            cursor.execute(_ROWS)
            coming = ahead.submit(cursor.fetchmany, PAGE)
            while rows := coming.result():
                coming = ahead.submit(cursor.fetchmany, PAGE)
                yield rows

    def _events(self, rows: Sequence[Row]) -> Sequence[Event | Unreadable]:
        """Decoded all in one go where that can be done: a call for each costs more than its work."""
        topics = [topic for _, topic, _, _ in rows]
        classes = {topic: self._mapper.class_of(topic) for topic in set(topics)}
        kinds = [classes[topic] for topic in topics]
        try:
            events = self._mapper.open_plain([state for _, _, state, _ in rows])
        except msgspec.MsgspecError:
            events = []
        if list(map(type, events)) == kinds:
            return events
        if len(rows) == 1:
            return [self._event(rows[0])]
        half = len(rows) // 2
        return [*self._events(rows[:half]), *self._events(rows[half:])]

    def _event(self, row: Row) -> Event | Unreadable:
        """One that needs more: of an old form, with long sealed texts, or broken."""
        case_bytes, topic, state, version = row
        old = self._mapper.class_of(topic) is None
        keys = self._vault.keys(key_ids(state)) if old else {}
        try:
            return self._mapper.open(UUID(bytes=case_bytes), version, topic, state, keys)
        except (UnknownTopic, StateUnreadable) as unreadable:
            return unreadable


@contextmanager
def histories_of(log: EventLog) -> Iterator[Histories]:
    """The log as it is now, whatever is written meanwhile. Raises DatabaseUnavailable."""
    with log.database.connect() as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        try:
            with connection.transaction():
                # To put a large log in order may take longer than any other query may.
                connection.execute("SET LOCAL statement_timeout = 0")
                yield Histories(connection, log)
        except psycopg.Error as error:
            if is_lost(error):
                raise DatabaseUnavailable("the database went away; run it again") from error
            raise


def _number(connection: Connection, query: LiteralString) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None, "an aggregate always has a row"
    return int(row[0])
