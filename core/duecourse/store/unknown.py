"""The queue of unknown outcomes as rows: written by the projector, read a page at a time."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from duecourse.store.database import Connection, Database
from duecourse.views.unknown import UnknownContact

MAX_PAGE: Final = 200
Place = tuple[datetime, UUID, UUID]
"""Of a row in the queue: since when, of which case, which contact."""

_COLUMNS: Final = UnknownContact.__struct_fields__
_SETTLED: Final = """
DELETE FROM unknown_contacts AS u
 WHERE u.case_id = ANY(%(touched)s)
   AND NOT EXISTS (
       SELECT FROM unnest(%(cases)s::uuid[], %(contacts)s::uuid[]) AS left_over(case_id, contact_id)
        WHERE left_over.case_id = u.case_id AND left_over.contact_id = u.contact_id)
"""
_UPSERT: Final = """
INSERT INTO unknown_contacts (case_id, contact_id, channel, plugin, since)
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (case_id, contact_id) DO UPDATE
   SET channel = EXCLUDED.channel, plugin = EXCLUDED.plugin, since = EXCLUDED.since
"""
_PAGE: Final = """
SELECT case_id, contact_id, channel, plugin, since FROM unknown_contacts
 WHERE (%(since)s::timestamptz IS NULL
        OR (since, case_id, contact_id)
           > (%(since)s::timestamptz, %(case_id)s::uuid, %(contact_id)s::uuid))
   AND (%(channel)s::text IS NULL OR channel = %(channel)s::text)
 ORDER BY since, case_id, contact_id
 LIMIT %(limit)s
"""


class UnknownContacts:
    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self, limit: int, after: Place | None = None, channel: str | None = None
    ) -> list[UnknownContact]:
        """Up to `limit` rows beyond the place `after`, those that wait longest first."""
        if not 1 <= limit <= MAX_PAGE:
            raise ValueError(f"limit must be from 1 to {MAX_PAGE}")
        since, case_id, contact_id = after or (None, None, None)
        asked = {
            "since": since,
            "case_id": case_id,
            "contact_id": contact_id,
            "channel": channel,
            "limit": limit,
        }
        rows = self._database.run(lambda connection: connection.execute(_PAGE, asked).fetchall())
        return [UnknownContact(**dict(zip(_COLUMNS, row, strict=True))) for row in rows]


def replace_rows(connection: Connection, unknown: Mapping[UUID, Sequence[UnknownContact]]) -> None:
    """Make the rows of these cases be exactly `unknown`; the caller commits."""
    rows = [each for many in unknown.values() for each in many]
    left = {
        "touched": list(unknown),
        "cases": [each.case_id for each in rows],
        "contacts": [each.contact_id for each in rows],
    }
    connection.execute(_SETTLED, left)
    if not rows:
        return
    values = [
        (each.case_id, each.contact_id, each.channel, each.plugin, each.since) for each in rows
    ]
    with connection.cursor() as cursor:
        cursor.executemany(_UPSERT, values)
