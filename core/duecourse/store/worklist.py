"""The worklist as rows: written by the projector, read a page at a time."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import msgspec

from duecourse.case.words import HoldKind, Stage
from duecourse.store.database import Connection, Database
from duecourse.views.attention import Attention
from duecourse.views.worklist import WorklistRow

MAX_PAGE: Final = 200
_COLUMNS: Final = WorklistRow.__struct_fields__

_UPSERT: Final = """
INSERT INTO worklist (case_id, creditor, stage, opened_at, updated_at, currency,
                      outstanding_minor, oldest_due_on, holds, plan, next_step, next_step_at,
                      attention)
SELECT case_id, creditor, stage, opened_at, updated_at, currency,
       outstanding_minor, oldest_due_on, holds, plan, next_step, next_step_at,
       attention
  FROM jsonb_populate_recordset(NULL::worklist, %s)
ON CONFLICT (case_id) DO UPDATE SET
    creditor = EXCLUDED.creditor, stage = EXCLUDED.stage, opened_at = EXCLUDED.opened_at,
    updated_at = EXCLUDED.updated_at, currency = EXCLUDED.currency,
    outstanding_minor = EXCLUDED.outstanding_minor, oldest_due_on = EXCLUDED.oldest_due_on,
    holds = EXCLUDED.holds, plan = EXCLUDED.plan, next_step = EXCLUDED.next_step,
    next_step_at = EXCLUDED.next_step_at, attention = EXCLUDED.attention
"""
_PAGE: Final = """
SELECT case_id, creditor, stage, opened_at, updated_at, currency, outstanding_minor,
       oldest_due_on, holds, plan, next_step, next_step_at, attention
  FROM worklist
 WHERE (%(after)s::uuid IS NULL OR case_id > %(after)s::uuid)
   AND (%(stage)s::text IS NULL OR stage = %(stage)s::text)
   AND (%(creditor)s::text IS NULL OR creditor = %(creditor)s::text)
   AND (%(attention)s::text IS NULL OR attention @> ARRAY[%(attention)s::text])
   AND (%(hold)s::text IS NULL OR holds @> ARRAY[%(hold)s::text])
 ORDER BY case_id
 LIMIT %(limit)s
"""


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """None leaves that filter out; the others must all hold."""

    stage: Stage | None = None
    creditor: str | None = None
    attention: Attention | None = None
    hold: HoldKind | None = None


class Worklist:
    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, filters: Filters, limit: int, after: UUID | None = None) -> list[WorklistRow]:
        """Up to `limit` rows beyond the case `after`, by case id."""
        if not 1 <= limit <= MAX_PAGE:
            raise ValueError(f"limit must be from 1 to {MAX_PAGE}")
        wanted = {**msgspec.structs.asdict(filters), "after": after, "limit": limit}
        rows = self._database.run(lambda connection: connection.execute(_PAGE, wanted).fetchall())
        return [_row(row) for row in rows]


def replace_rows(connection: Connection, rows: Sequence[WorklistRow]) -> None:
    """Make the rows of these cases be exactly `rows`; the caller commits."""
    if not rows:
        return
    # In one statement: rows one by one cost a worker more than anything else that it does.
    connection.execute(_UPSERT, (msgspec.json.encode(rows).decode(),))


def _row(row: tuple[Any, ...]) -> WorklistRow:
    return msgspec.convert(dict(zip(_COLUMNS, row, strict=True)), WorklistRow)
