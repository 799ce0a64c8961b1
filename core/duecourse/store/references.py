"""How channels name our contacts, and what they said that fits none."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final
from uuid import UUID

import msgspec

from duecourse.store.database import Connection, Database

_UPSERT: Final = """
INSERT INTO contact_references (channel, reference, case_id, contact_id, since)
SELECT channel, reference, case_id, contact_id, since
  FROM jsonb_populate_recordset(NULL::contact_references, %s)
ON CONFLICT (channel, reference, contact_id) DO UPDATE SET since = EXCLUDED.since
"""
_FIND: Final = """
SELECT found.channel, found.reference, found.case_id, found.contact_id, found.since
  FROM unnest(%(references)s::text[]) AS asked(reference)
 CROSS JOIN LATERAL (
       SELECT * FROM contact_references AS known
        WHERE known.channel = %(channel)s AND known.reference = asked.reference
        ORDER BY known.since DESC LIMIT %(limit)s) AS found
 ORDER BY found.reference, found.since DESC, found.contact_id
"""
_NOTE: Final = """
INSERT INTO unmatched_signals (channel, kind, signal_id, reference) VALUES (%s, %s, %s, %s)
ON CONFLICT DO NOTHING
"""
_UNMATCHED: Final = """
SELECT channel, kind, signal_id, reference, received_at FROM unmatched_signals
 WHERE (%(channel)s = '' OR channel = %(channel)s) AND (%(kind)s = '' OR kind = %(kind)s)
 ORDER BY received_at DESC, channel, kind, signal_id, reference LIMIT %(limit)s
"""


APART: Final = timedelta(days=30)
"""Receipts come within days. A channel that counts from one again does so after longer than this."""
MOST_NAMESAKES: Final = 50


class ContactReference(msgspec.Struct, frozen=True, kw_only=True):
    """`reference` is our key or the channel's own; `channel` is the name that cases use.

    `since` is when the contact got it.
    """

    channel: str
    reference: str
    case_id: UUID
    contact_id: UUID
    since: datetime


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

    def find_many(
        self, channel: str, references: Collection[str]
    ) -> dict[str, tuple[ContactReference, ...]]:
        """Those that are known, by their reference: of contacts that got the same one the last.

        Where some got it within APART of each other they are all meant, up to MOST_NAMESAKES, as
        nobody can tell which one is.
        """
        if not references:
            return {}
        asked = {"channel": channel, "references": list(references), "limit": MOST_NAMESAKES}
        rows = self._database.run(lambda connection: connection.execute(_FIND, asked).fetchall())
        named = (
            ContactReference(
                channel=row[0], reference=row[1], case_id=row[2], contact_id=row[3], since=row[4]
            )
            for row in rows
        )
        return {name: tuple(_meant(same)) for name, same in groupby(named, lambda x: x.reference)}

    def note_unmatched(self, channel: str, kind: str, signal_id: str, reference: str) -> None:
        """Keep for a person to look at; once, however often it comes."""
        values = (channel, kind, signal_id, reference)
        self._database.run(lambda connection: connection.execute(_NOTE, values))

    def unmatched(
        self, channel: str = "", limit: int = 200, kind: str = ""
    ) -> list[UnmatchedSignal]:
        """What fitted no contact, of one channel and kind or of all, the newest first."""
        asked = {"channel": channel, "limit": limit, "kind": kind}
        rows = self._database.run(
            lambda connection: connection.execute(_UNMATCHED, asked).fetchall()
        )
        return [UnmatchedSignal(*row) for row in rows]


def _meant(newest_first: Iterable[ContactReference]) -> Iterator[ContactReference]:
    """The newest, and those before it as far as none was the only one for so long."""
    last: datetime | None = None
    for each in newest_first:
        if last is not None and last - each.since >= APART:
            return
        yield each
        last = each.since


def replace_rows(connection: Connection, rows: Sequence[ContactReference]) -> None:
    """Write these references; the caller commits."""
    if not rows:
        return
    # One statement writes no row twice.
    named = {(row.channel, row.reference, row.contact_id): row for row in rows}
    connection.execute(_UPSERT, (msgspec.json.encode(list(named.values())).decode(),))
