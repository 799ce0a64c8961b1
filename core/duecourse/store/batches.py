"""Reading and applying a batch around the few events that cannot be read or applied."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final, LiteralString
from uuid import UUID

import msgspec
import psycopg

from duecourse.store.database import Connection, is_lost
from duecourse.store.errors import (
    OF_A_CASE,
    StoreError,
    origin,
)
from duecourse.store.follower import Follower, traits_of
from duecourse.store.log import EventLog, Recorded
from duecourse.store.parking import Failure

Failures = Mapping[UUID, Failure]

# Data exceptions, constraints, a value too large for an index, an exception raised by a trigger, a
# statement that took too long.
_OF_THE_DATA: Final = ("22", "23", "54", "P0", "57014")

_HEADS: Final[LiteralString] = """
SELECT originator_id, originator_version, notification_id,
       part_of_case(originator_id, %s) = %s
  FROM case_events WHERE notification_id > %s ORDER BY notification_id LIMIT %s
"""
_HEADS_OF_CASE: Final[LiteralString] = (
    "SELECT originator_id, originator_version, notification_id, true FROM case_events"
    " WHERE originator_id = %s AND originator_version >= %s AND notification_id <= %s"
    " ORDER BY originator_version"
)


class Head(msgspec.Struct, frozen=True):
    """An event's place in the log, without what it says."""

    case_id: UUID
    version: int
    position: int
    wanted: bool


class Page(msgspec.Struct, frozen=True):
    """What there is of one part of the log beyond a position, up to `bound`.

    Of a case in `failures` it has the events before the one that cannot be read.
    """

    bound: int
    events: Sequence[Recorded]
    failures: Failures

    def until(self, position: int) -> "Page":
        """Only what is not beyond `position`."""
        if self.bound <= position:
            return self
        events = [each for each in self.events if each.position <= position]
        failures = {key: each for key, each in self.failures.items() if each.position <= position}
        return Page(position, events, failures)


def is_of_a_case(error: Exception) -> bool:
    """Tell whether an event may be to blame, rather than the server, its tables or the peer."""
    if is_lost(error) or isinstance(error, MemoryError):
        return False
    if isinstance(error, StoreError):
        return isinstance(error, OF_A_CASE)
    if isinstance(error, psycopg.Error):
        return error.sqlstate is None or error.sqlstate.startswith(_OF_THE_DATA)
    return True


def read_page(log: EventLog, after: int, limit: int, part: int = 0, parts: int = 1) -> Page:
    """The next events of a part. One that cannot be read harms its own case only."""
    try:
        if parts > 1:
            bound, events = log.read_part(after, limit, part, parts)
        else:
            events = log.read(after, limit)
            bound = events[-1].position if events else after
    except Exception as error:
        if not is_of_a_case(error):
            raise
        heads = _heads(log, _HEADS, (parts, part, after, limit))
        return _page(_read_halves(log, heads), heads[-1].position if heads else after)
    return Page(bound, events, {})


def read_case(log: EventLog, case_id: UUID, version: int, until: int) -> Page:
    """The events of one case from `version` on, as far as the position `until`."""
    try:
        history = log.history(case_id)
    except Exception as error:
        if not is_of_a_case(error):
            raise
        heads = _heads(log, _HEADS_OF_CASE, (case_id, version, until))
        return _page(_read_singly(log, heads), until)
    waiting = [each for each in history if each.version >= version and each.position <= until]
    return Page(until, waiting, {})


def _heads(log: EventLog, query: LiteralString, parameters: Sequence[object]) -> list[Head]:
    rows: list[tuple[Any, ...]] = log.database.run(
        lambda connection: connection.execute(query, parameters).fetchall()
    )
    return [Head(*row) for row in rows]


def _page(read: Iterable[Recorded | Failure], bound: int) -> Page:
    """A case's events end where one of them failed."""
    events: list[Recorded] = []
    failures: dict[UUID, Failure] = {}
    for each in read:
        if isinstance(each, Failure):
            failures.setdefault(each.case_id, each)
        elif each.case_id not in failures:
            events.append(each)
    return Page(bound, events, failures)


def _read_singly(log: EventLog, heads: Sequence[Head]) -> Iterator[Recorded | Failure]:
    for head in heads:
        try:
            yield from log.read(head.position - 1, 1)
        except Exception as error:
            if not is_of_a_case(error):
                raise
            yield _failure(head, error)


def _read_halves(log: EventLog, heads: Sequence[Head]) -> Iterator[Recorded | Failure]:
    """The wanted events of an unbroken stretch of the log, in as few reads as can be."""
    wanted = {each.position for each in heads if each.wanted}
    if not wanted:
        return
    if len(heads) == 1:
        yield from _read_singly(log, heads)
        return
    try:
        found = log.read(heads[0].position - 1, len(heads))
    except Exception as error:
        if not is_of_a_case(error):
            raise
        middle = len(heads) // 2
        yield from _read_halves(log, heads[:middle])
        yield from _read_halves(log, heads[middle:])
    else:
        yield from (each for each in found if each.position in wanted)


def apply_around(
    follower: Follower, connection: Connection, events: Sequence[Recorded]
) -> Failures:
    """Apply what can be applied; say at which event each of the other cases failed.

    Those cases stay as they were before that event. Raises what no event is to blame for.
    """
    if not events:
        return {}
    error = _attempt(follower, connection, events)
    if error is None:
        return {}
    cases: dict[UUID, list[Recorded]] = {}
    for each in events:
        cases.setdefault(each.case_id, []).append(each)
    streams = list(cases.values())
    if traits_of(follower).outside:
        # Case by case at once: what has effects elsewhere is given no event a third time.
        failed = [_apply_case(follower, connection, stream) for stream in streams]
    else:
        failed = list(_apply_halves(follower, connection, streams))
    return {each.case_id: each for each in failed if each is not None}


def _apply_halves(
    follower: Follower, connection: Connection, streams: Sequence[Sequence[Recorded]]
) -> Iterator[Failure | None]:
    """Cases that failed together: find out which of them fail by themselves."""
    if len(streams) == 1:
        yield _apply_case(follower, connection, streams[0])
        return
    middle = len(streams) // 2
    for half in (streams[:middle], streams[middle:]):
        together = sorted(chain.from_iterable(half), key=lambda each: each.position)
        if _attempt(follower, connection, together) is not None:
            yield from _apply_halves(follower, connection, half)


def _apply_case(
    follower: Follower, connection: Connection, stream: Sequence[Recorded]
) -> Failure | None:
    """Event by event, up to the guilty one."""
    for each in stream:
        error = _attempt(follower, connection, [each])
        if error is not None:
            return _failure(Head(each.case_id, each.version, each.position, wanted=True), error)
    return None


def _attempt(
    follower: Follower, connection: Connection, events: Sequence[Recorded]
) -> Exception | None:
    """Apply all or nothing. Raises what no event is to blame for."""
    try:
        with connection.transaction():
            follower.apply(connection, events)
    except Exception as error:
        if connection.closed or not is_of_a_case(error):
            raise
        return error
    return None


def _failure(head: Head, error: Exception) -> Failure:
    return Failure(
        case_id=head.case_id, position=head.position, version=head.version, error=origin(error)
    )
