"""How far each part of each follower has come: its row, which is also the lock on its work."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from duecourse.store.database import Connection

_NAMES_LOCK: Final = 49225006
"""With the hash of a follower's name: the advisory lock under which its rows are made."""


class Slot(msgspec.Struct, frozen=True):
    """One part of a follower; everything of it up to `position` was applied, or is parked."""

    part: int
    parts: int
    position: int


def slots_of(connection: Connection, names: Sequence[str]) -> dict[str, list[Slot]]:
    """As they are now, without a lock. Followers never seen are absent."""
    query = "SELECT name, part, parts, position FROM followers WHERE name = ANY(%s) ORDER BY part"
    found: dict[str, list[Slot]] = {}
    for name, *slot in connection.execute(query, (list(names),)).fetchall():
        found.setdefault(name, []).append(Slot(*slot))
    return found


def end_of_log(connection: Connection) -> int:
    """The position of the newest event; 0 for an empty log."""
    row = connection.execute("SELECT max(notification_id) FROM case_events").fetchone()
    return int(row[0]) if row and row[0] else 0


def take(connection: Connection, name: str, part: int) -> Slot | None:
    """Lock one part until the end of the transaction; None if another worker has it."""
    row = connection.execute(
        "SELECT part, parts, position FROM followers WHERE name = %s AND part = %s"
        " FOR UPDATE SKIP LOCKED",
        (name, part),
    ).fetchone()
    return Slot(*row) if row else None


def take_part_of(connection: Connection, name: str, case_id: UUID) -> Slot | None:
    """Lock the part that a case is in; None if another worker has it."""
    row = connection.execute(
        "SELECT part, parts, position FROM followers"
        " WHERE name = %s AND part = part_of_case(%s, parts) FOR UPDATE SKIP LOCKED",
        (name, case_id),
    ).fetchone()
    return Slot(*row) if row else None


def take_all(connection: Connection, name: str) -> list[Slot]:
    """Lock the follower as a whole, waiting for those who are at work on it."""
    connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_NAMES_LOCK, name))
    rows = connection.execute(
        "SELECT part, parts, position FROM followers WHERE name = %s ORDER BY part FOR UPDATE",
        (name,),
    ).fetchall()
    return [Slot(*row) for row in rows]


def move(connection: Connection, name: str, part: int, position: int) -> None:
    connection.execute(
        "UPDATE followers SET position = %s, moved_at = clock_timestamp(), last_error = ''"
        " WHERE name = %s AND part = %s",
        (position, name, part),
    )


def note_error(connection: Connection, name: str, part: int, error: str) -> None:
    connection.execute(
        "UPDATE followers SET last_error = %s WHERE name = %s AND part = %s", (error, name, part)
    )


def cut(connection: Connection, name: str, parts: int, position: int) -> None:
    """Make the follower have so many parts, all at `position`. The caller holds all its rows."""
    connection.execute("DELETE FROM followers WHERE name = %s", (name,))
    connection.execute(
        "INSERT INTO followers (name, part, parts, position)"
        " SELECT %s, part, %s, %s FROM generate_series(0, %s - 1) AS part",
        (name, parts, position, parts),
    )
