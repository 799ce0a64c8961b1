"""How channels name our contacts, and what they said that fits none."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec

from duecourse.store.database import Connection, Database

_UPSERT: Final = """
INSERT INTO contact_references (channel, reference, case_id, contact_id)
VALUES (%s, %s, %s, %s)
ON CONFLICT (channel, reference)
DO UPDATE SET case_id = EXCLUDED.case_id, contact_id = EXCLUDED.contact_id
"""
_FIND: Final = (
    "SELECT case_id, contact_id FROM contact_references WHERE channel = %s AND reference = %s"
)
_NOTE: Final = (
    "INSERT INTO unmatched_signals (channel, signal_id, reference) VALUES (%s, %s, %s)"
    " ON CONFLICT DO NOTHING"
)


class ContactReference(msgspec.Struct, frozen=True, kw_only=True):
    """`reference` is our key or the channel's own; `channel` is the name that cases use."""

    channel: str
    reference: str
    case_id: UUID
    contact_id: UUID


class References:
    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, channel: str, reference: str) -> ContactReference | None:
        row = self._database.run(
            lambda connection: connection.execute(_FIND, (channel, reference)).fetchone()
        )
        if row is None:
            return None
        return ContactReference(
            channel=channel, reference=reference, case_id=row[0], contact_id=row[1]
        )

    def note_unmatched(self, channel: str, signal_id: str, reference: str) -> None:
        """Keep for a person to look at; once, however often it comes."""
        self._database.run(
            lambda connection: connection.execute(_NOTE, (channel, signal_id, reference))
        )


def replace_rows(connection: Connection, rows: Sequence[ContactReference]) -> None:
    """Write these references; the caller commits."""
    if not rows:
        return
    values = [(row.channel, row.reference, row.case_id, row.contact_id) for row in rows]
    with connection.cursor() as cursor:
        cursor.executemany(_UPSERT, values)
