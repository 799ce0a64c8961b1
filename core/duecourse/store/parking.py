"""Cases that a follower could not follow, and when each is tried again."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

import msgspec

from duecourse.store.database import Connection

FIRST_PAUSE: Final = 5.0
LONGEST_PAUSE: Final = 3600.0

_PARK: Final = """
INSERT INTO parked (follower, case_id, position, version, error, next_try_at)
SELECT %s, case_id, position, version, error, clock_timestamp() + make_interval(secs => %s)
  FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[], %s::text[])
    AS failed (case_id, position, version, error)
"""
_AGAIN: Final = """
UPDATE parked
   SET position = %s, version = %s, error = %s, attempts = attempts + 1,
       next_try_at = clock_timestamp()
                   + make_interval(secs => least(%s * 2.0 ^ least(attempts, 30), %s))
 WHERE follower = %s AND case_id = %s
"""
_SELECT: Final[LiteralString] = """
SELECT case_id, position, version, error, attempts, parked_at, next_try_at
  FROM parked WHERE follower = %s"""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """The first event of a case that could not be read or applied, and why."""

    case_id: UUID
    position: int
    version: int
    error: str


class Parked(msgspec.Struct, frozen=True):
    case_id: UUID
    position: int
    version: int
    error: str
    attempts: int
    parked_at: datetime
    next_try_at: datetime


def park(connection: Connection, follower: str, failures: Collection[Failure]) -> None:
    """Set these cases aside. The caller holds their part and moves it past their events."""
    connection.execute(
        _PARK,
        (
            follower,
            FIRST_PAUSE,
            [each.case_id for each in failures],
            [each.position for each in failures],
            [each.version for each in failures],
            [each.error for each in failures],
        ),
    )


def among(connection: Connection, follower: str, case_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the cases that are parked."""
    query = "SELECT case_id FROM parked WHERE follower = %s AND case_id = ANY(%s)"
    return {row[0] for row in connection.execute(query, (follower, list(case_ids)))}


def find(connection: Connection, follower: str, case_id: UUID) -> Parked | None:
    query = _SELECT + " AND case_id = %s"
    row = connection.execute(query, (follower, case_id)).fetchone()
    return Parked(*row) if row else None


def all_of(connection: Connection, follower: str) -> list[Parked]:
    """Every parked case, the one that waits longest first."""
    query = _SELECT + " ORDER BY position"
    return [Parked(*row) for row in connection.execute(query, (follower,)).fetchall()]


def with_due(connection: Connection, followers: Sequence[str]) -> set[str]:
    """Those of the followers that have a case to try again."""
    query = (
        "SELECT DISTINCT follower FROM parked"
        " WHERE follower = ANY(%s) AND next_try_at <= clock_timestamp()"
    )
    return {row[0] for row in connection.execute(query, (list(followers),))}


def due(connection: Connection, follower: str, limit: int) -> list[UUID]:
    query = (
        "SELECT case_id FROM parked WHERE follower = %s AND next_try_at <= clock_timestamp()"
        " ORDER BY next_try_at LIMIT %s"
    )
    return [row[0] for row in connection.execute(query, (follower, limit))]


def waiting(connection: Connection, parked: Parked, until: int) -> list[tuple[int, str]]:
    """Version and topic of each event that waits behind a parked case, in order."""
    return connection.execute(
        "SELECT originator_version, topic FROM case_events WHERE originator_id = %s"
        " AND originator_version >= %s AND notification_id <= %s ORDER BY originator_version",
        (parked.case_id, parked.version, until),
    ).fetchall()


def again(connection: Connection, follower: str, failure: Failure) -> None:
    """It failed once more: wait twice as long as before, an hour at most."""
    connection.execute(
        _AGAIN,
        (
            failure.position,
            failure.version,
            failure.error,
            FIRST_PAUSE,
            LONGEST_PAUSE,
            follower,
            failure.case_id,
        ),
    )


def release(connection: Connection, follower: str, case_id: UUID) -> None:
    connection.execute(
        "DELETE FROM parked WHERE follower = %s AND case_id = %s", (follower, case_id)
    )


def release_all(connection: Connection, follower: str) -> None:
    connection.execute("DELETE FROM parked WHERE follower = %s", (follower,))
