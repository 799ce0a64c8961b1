"""How channels name our contacts, and what they said that fits none."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from duecourse.store.database import Connection, Database

_UPSERT: Final = """
INSERT INTO contact_references (channel, reference, case_id, contact_id)
SELECT * FROM unnest(%s::text[], %s::text[], %s::uuid[], %s::uuid[])
ON CONFLICT (channel, reference)
DO UPDATE SET case_id = EXCLUDED.case_id, contact_id = EXCLUDED.contact_id
"""
_FIND: Final = """
SELECT channel, reference, case_id, contact_id FROM contact_references
 WHERE channel = %s AND reference = ANY(%s)
"""
_NOTE: Final = """
INSERT INTO unmatched_signals (channel, kind, signal_id, reference) VALUES (%s, %s, %s, %s)
ON CONFLICT DO NOTHING
"""
_UNMATCHED: Final = """
SELECT channel, kind, signal_id, reference, received_at FROM unmatched_signals
 WHERE %(channel)s = '' OR channel = %(channel)s
 ORDER BY received_at DESC, channel, kind, signal_id, reference LIMIT %(limit)s
"""


class ContactReference(msgspec.Struct, frozen=True, kw_only=True):
    """`reference` is our key or the channel's own; `channel` is the name that cases use."""

    channel: str
    reference: str
    case_id: UUID
    contact_id: UUID


class UnmatchedSignal(msgspec.Struct, frozen=True):
    """By the names that its channel knows it by; what it said was not kept, as it has no case."""

    channel: str
    kind: str
    signal_id: str
    reference: str
    received_at: datetime


class References:
    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, channel: str, reference: str) -> ContactReference | None:
        return self.find_many(channel, [reference]).get(reference)

    def find_many(self, channel: str, references: Collection[str]) -> dict[str, ContactReference]:
        """Those that are known, by their reference."""
        if not references:
            return {}
        rows = self._database.run(
            lambda connection: connection.execute(_FIND, (channel, list(references))).fetchall()
        )
        found = (
            ContactReference(channel=row[0], reference=row[1], case_id=row[2], contact_id=row[3])
            for row in rows
        )
        return {each.reference: each for each in found}

    def note_unmatched(self, channel: str, kind: str, signal_id: str, reference: str) -> None:
        """Keep for a person to look at; once, however often it comes."""
        values = (channel, kind, signal_id, reference)
        self._database.run(lambda connection: connection.execute(_NOTE, values))

    def unmatched(self, channel: str = "", limit: int = 200) -> list[UnmatchedSignal]:
        """What fitted no contact, of one channel or of all, the newest first."""
        asked = {"channel": channel, "limit": limit}
        rows = self._database.run(
            lambda connection: connection.execute(_UNMATCHED, asked).fetchall()
        )
        return [UnmatchedSignal(*row) for row in rows]


def replace_rows(connection: Connection, rows: Sequence[ContactReference]) -> None:
    """Write these references; the caller commits."""
    if not rows:
        return
    # One statement writes no row twice; of two with one name the later counts.
    named = {(row.channel, row.reference): row for row in rows}.values()
    connection.execute(
        _UPSERT,
        (
            [row.channel for row in named],
            [row.reference for row in named],
            [row.case_id for row in named],
            [row.contact_id for row in named],
        ),
    )
