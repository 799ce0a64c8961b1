"""What must hold of a log whatever died: checked from outside, in SQL and in what callers noted."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
import psycopg
from lives import ASKED_CONTACTS, UNCERTAIN, Ack, Sent

LOG = """
SELECT notification_id, originator_id, originator_version, command_id, fingerprint IS NOT NULL
  FROM case_events ORDER BY notification_id
"""
# One statement, so that what a dead session still commits comes before all of it or after.
NOT_SEEN_ONCE = """
SELECT count(*) FROM case_events e
  JOIN followers f ON f.name = 'tally' AND f.part = part_of_case(e.originator_id, f.parts)
  LEFT JOIN (SELECT position, count(*) AS times FROM seen GROUP BY position) s
    ON s.position = e.notification_id
 WHERE coalesce(s.times, 0) <> (e.notification_id <= f.position)::int
"""
SEEN_OF_NOTHING = """
SELECT count(*) FROM seen s LEFT JOIN case_events e ON e.notification_id = s.position
   AND e.originator_id = s.case_id AND e.originator_version = s.version
 WHERE e.topic IS NULL
"""


class Row(msgspec.Struct, frozen=True):
    position: int
    case_id: UUID
    version: int
    command_id: UUID
    is_first: bool


def log_of(connection: psycopg.Connection[tuple[Any, ...]]) -> list[Row]:
    return [Row(*row) for row in connection.execute(LOG)]


def check_log(rows: Sequence[Row]) -> dict[UUID, list[Row]]:
    """No holes, and each command once and whole. Returns the rows of each command."""
    versions: dict[UUID, int] = defaultdict(int)
    commands: dict[UUID, list[Row]] = defaultdict(list)
    for row in rows:
        versions[row.case_id] += 1
        assert row.version == versions[row.case_id], f"a hole or a swap in a case: {row}"
        commands[row.command_id].append(row)
    for command_id, many in commands.items():
        first = many[0]
        assert [row.is_first for row in many] == [True] + [False] * (len(many) - 1), (
            f"the command {command_id} has two effects: {many}"
        )
        expected = [
            (first.position + n, first.case_id, first.version + n) for n in range(len(many))
        ]
        assert [(row.position, row.case_id, row.version) for row in many] == expected
    return commands


def check_acknowledged(commands: dict[UUID, list[Row]], acks: Iterable[Ack]) -> list[Ack]:
    """Whoever was told something was told the truth. Returns what was lost."""
    lost = []
    for ack in acks:
        rows = commands.get(ack.command_id)
        if rows is None:
            lost.append(ack)
            continue
        told = (ack.version, ack.position, ack.events)
        assert told == (rows[-1].version, rows[-1].position, len(rows)), f"{ack} but {rows}"
    return lost


def check_followed(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    """The tally has counted each event up to its position once, and nothing else."""
    for query in (NOT_SEEN_ONCE, SEEN_OF_NOTHING):
        assert connection.execute(query.encode()).fetchone() == (0,)
    assert connection.execute("SELECT count(*) FROM parked").fetchone() == (0,)


def check_sent(sent: Sequence[Sent]) -> None:
    """Nothing left before the log said so, nor with another text; nothing blindly twice."""
    texts: dict[str, set[str]] = defaultdict(set)
    calls: dict[tuple[str, str], int] = defaultdict(int)
    for each in sent:
        assert each.begun, f"{each} left without a trace in the log"
        texts[each.key].add(each.text)
        calls[each.by, each.key] += 1
    assert {len(each) for each in texts.values()} <= {1}
    assert all(times == 1 for (by, _), times in calls.items() if by in {"letter", "email"})


def comparable(summary: dict[str, Any], cases: dict[str, UUID]) -> dict[str, Any]:
    """A summary without what may come out in more than one way after a crash.

    That is also the order in which a worker does what is due at one moment.
    """
    return {
        name: sorted(_certain(found) if cases.get(name) in UNCERTAIN else found, key=str)
        for name, found in summary.items()
    }


CERTAIN: Final = ("CaseOpened", "DebtPlaced", "ContactPermitted", "ContactDispatching")
OUTCOMES: Final = {"ContactAccepted", "ContactUnknown", "ContactRejected"}


def _certain(events: Sequence[Any]) -> list[Any]:
    """What was asked for. What the schedule adds depends on what became of it."""
    asked = {None, *map(str, ASKED_CONTACTS)}
    events = [event for event in events if event[1].get("contact_id") in asked]
    outcomes = [kind for kind, _ in events if kind in OUTCOMES]
    return [bool(outcomes), *(event for event in events if event[0] in CERTAIN)]
