"""The one statement that writes to the log."""

from collections.abc import Sequence
from typing import Final, Literal
from uuid import UUID

import msgspec

from duecourse.case.context import Actor
from duecourse.store.database import Connection

_APPEND: Final = """
SELECT outcome, positions FROM append_events(
    %s::integer[], %s::bigint[], %s::text[], %s::bytea[],
    %s::uuid[], %s::uuid[], %s::bigint[], %s::bytea[], %s::text[], %s::text[], %s::text[])
"""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One command with its events, sealed and encoded: (topic, state) from `first_version` on."""

    command_id: UUID
    case_id: UUID
    first_version: int
    fingerprint: bytes
    actor: Actor
    causation: str
    events: tuple[tuple[str, bytes], ...]


class Verdict(msgspec.Struct, frozen=True):
    """`positions` has one position per event if appended, and is empty otherwise."""

    outcome: Literal["appended", "duplicate", "conflict"]
    positions: tuple[int, ...] = ()


def append(connection: Connection, entries: Sequence[Entry]) -> list[Verdict]:
    """Write a batch in one round trip and one transaction; say of each entry what became of it.

    At most one entry per case, and each command id at most once. Safe to repeat when the answer
    was lost: what was written the first time is then a duplicate.
    """
    events = [
        (number, entry.first_version + offset, topic, state)
        for number, entry in enumerate(entries, start=1)
        for offset, (topic, state) in enumerate(entry.events)
    ]
    parameters = (
        [each[0] for each in events],
        [each[1] for each in events],
        [each[2] for each in events],
        [each[3] for each in events],
        [entry.command_id for entry in entries],
        [entry.case_id for entry in entries],
        [entry.first_version for entry in entries],
        [entry.fingerprint for entry in entries],
        [entry.actor.id for entry in entries],
        [entry.actor.role for entry in entries],
        [entry.causation for entry in entries],
    )
    rows = connection.execute(_APPEND, parameters, prepare=True).fetchall()
    return [Verdict(outcome, tuple(positions or ())) for outcome, positions in rows]
