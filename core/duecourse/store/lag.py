"""How far followers are behind, for operators and alarms."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, LiteralString

import msgspec

from duecourse.store.database import Connection
from duecourse.store.follower import Follower, traits_of
from duecourse.store.positions import Slot, end_of_log, slots_of

EXACT_UP_TO: Final = 100_000

_WAITING: Final[LiteralString] = """
SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(recorded_at)), 0)::float8
  FROM (SELECT recorded_at FROM case_events
         WHERE notification_id > %(position)s
           AND part_of_case(originator_id, %(parts)s) = %(part)s
         ORDER BY notification_id LIMIT %(most)s) AS waiting
"""
_PARKED: Final[LiteralString] = """
SELECT count(*), coalesce(extract(epoch FROM clock_timestamp() - min(e.recorded_at)), 0)::float8,
       coalesce((array_agg(p.error ORDER BY p.parked_at DESC))[1], '')
  FROM parked p JOIN case_events e ON e.notification_id = p.position
 WHERE p.follower = %(name)s AND part_of_case(p.case_id, %(parts)s) = %(part)s
"""
_ERROR: Final = "SELECT last_error FROM followers WHERE name = %s AND part = %s"
_IS_DUE: Final = "SELECT EXISTS (SELECT FROM timers WHERE due_at <= %s)"


class Lag(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a follower. `seconds` is the age of the oldest event not applied.

    Events of parked cases are not in `events` and `seconds`; the oldest of them has waited for
    `parked_seconds`. More than 100,000 events are an estimate.
    """

    name: str
    part: int
    parts: int
    position: int
    events: int
    seconds: float
    parked: int
    parked_seconds: float
    last_error: str


def lag_of(connection: Connection, followers: Sequence[Follower]) -> list[Lag]:
    known = slots_of(connection, [each.name for each in followers])
    last = end_of_log(connection)
    found: list[Lag] = []
    for follower in followers:
        traits = traits_of(follower)
        # One never seen has everything before it, or nothing if it will start at the end.
        start = last if traits.outside else 0
        new = [Slot(part, traits.parts, start) for part in range(traits.parts)]
        slots = known.get(follower.name, new)
        found.extend(_lag(connection, follower.name, slot, last) for slot in slots)
    return found


def is_quiet(connection: Connection, followers: Sequence[Follower], now: datetime) -> bool:
    """Tell whether every event is followed and no timer is due at `now`.

    Both at one moment: asked one after the other, a timer that a follower hands over in between
    is in neither answer.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        if any(each.events for each in lag_of(connection, followers)):
            return False
        (is_due,) = connection.execute(_IS_DUE, (now,)).fetchone() or (False,)
        return not is_due


def _lag(connection: Connection, name: str, slot: Slot, last: int) -> Lag:
    asked = {"name": name, **msgspec.structs.asdict(slot), "most": EXACT_UP_TO + 1}
    events, seconds = _one(connection, _WAITING, asked)
    if events > EXACT_UP_TO:
        events = max(events, (last - slot.position) // slot.parts)
    parked, parked_seconds, parked_error = _one(connection, _PARKED, asked)
    row = connection.execute(_ERROR, (name, slot.part)).fetchone()
    return Lag(
        name=name,
        part=slot.part,
        parts=slot.parts,
        position=slot.position,
        events=events,
        seconds=max(0.0, seconds),
        parked=parked,
        parked_seconds=max(0.0, parked_seconds),
        last_error=(row[0] if row else "") or parked_error,
    )


def _one(
    connection: Connection, query: LiteralString, asked: Mapping[str, object]
) -> tuple[Any, ...]:
    row = connection.execute(query, asked).fetchone()
    assert row is not None, "an aggregate always has a row"
    return row
