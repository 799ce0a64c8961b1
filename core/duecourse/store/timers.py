"""The timers of all cases as rows: derived from events, claimed by workers, rebuilt by replay.

A worker may be too slow for its lease, and another then claims the timer. Each claim has a number
of its own, and only the newest counts: the slow one can neither delete nor release what is no
longer its own. What the timer stands for takes effect once in any case, by its command id.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID, uuid4

import msgspec

from duecourse.case.timers import Timer
from duecourse.store.database import Connection, Database

_REPLACE: Final = """
WITH wanted AS MATERIALIZED (
    SELECT case_id, key, due_at, lane FROM jsonb_populate_recordset(NULL::timers, %(rows)s)
), gone AS (
    DELETE FROM timers AS t
     WHERE t.case_id = ANY(%(touched)s)
       AND NOT EXISTS (
           SELECT FROM wanted AS w WHERE w.case_id = t.case_id AND w.key = t.key)
)
INSERT INTO timers (case_id, key, due_at, lane)
SELECT case_id, key, due_at, lane FROM wanted
ON CONFLICT (case_id, key) DO UPDATE
   SET due_at = EXCLUDED.due_at, lane = EXCLUDED.lane, lease_until = NULL, claim = NULL
 WHERE (timers.due_at, timers.lane) <> (EXCLUDED.due_at, EXCLUDED.lane)
"""
_CLAIM: Final = """
WITH due AS (
    SELECT case_id, key FROM timers
     WHERE due_at <= %(now)s
       AND (lease_until IS NULL OR lease_until < clock_timestamp())
       {which}
     ORDER BY due_at, case_id, key
     LIMIT %(limit)s
       FOR UPDATE SKIP LOCKED)
UPDATE timers AS t
   SET lease_until = clock_timestamp() + make_interval(secs => %(lease)s), claim = %(claim)s
  FROM due
 WHERE t.case_id = due.case_id AND t.key = due.key
RETURNING t.case_id, t.key, t.due_at, t.lane
"""
_ANY_LANE: Final = _CLAIM.replace("{which}", "")
_BEGUN: Final = "SELECT case_id FROM timers WHERE lane = %s AND lease_until IS NOT NULL LIMIT %s"
_UNTRIED: Final = _CLAIM.replace("{which}", "AND lane = %(lane)s AND lease_until IS NULL")
_ONE_LANE: Final = _CLAIM.replace("{which}", "AND lane = %(lane)s")
_OTHER_LANES: Final = _CLAIM.replace("{which}", "AND lane <> ALL(%(lanes)s)")


class DueTimer(msgspec.Struct, frozen=True):
    case_id: UUID
    timer: Timer
    claim: UUID


class Timers:
    def __init__(self, database: Database) -> None:
        self._database = database

    def replace(self, connection: Connection, timers: Mapping[UUID, Sequence[Timer]]) -> None:
        """Make the rows of these cases be exactly `timers`; a lease on an unchanged row stays."""
        rows = [
            {"case_id": case_id, "key": each.key, "due_at": each.due_at, "lane": each.lane}
            for case_id, many in timers.items()
            for each in many
        ]
        connection.execute(
            _REPLACE, {"touched": list(timers), "rows": msgspec.json.encode(rows).decode()}
        )

    def claim(
        self, now: datetime, limit: int, lease_seconds: float, lane: str | None = None
    ) -> list[DueTimer]:
        """Take up to `limit` due timers that nobody else is working on, the oldest first.

        Of one lane, or of all. `now` is the clock of the business; the lease runs on the clock of
        the server.
        """
        if lane is None:
            return self._claim(_ANY_LANE, now, limit, lease_seconds, [])
        return self._claim(_ONE_LANE, now, limit, lease_seconds, [lane])

    def claim_untried(self, now: datetime, lease_seconds: float, lane: str) -> list[DueTimer]:
        """As `claim`, one of a lane that nobody has worked on yet."""
        return self._claim(_UNTRIED, now, 1, lease_seconds, [lane])

    def claim_strays(
        self, now: datetime, limit: int, lease_seconds: float, lanes: Collection[str]
    ) -> list[DueTimer]:
        """As `claim`, from all lanes but these."""
        return self._claim(_OTHER_LANES, now, limit, lease_seconds, list(lanes))

    def _claim(
        self,
        which: LiteralString,
        now: datetime,
        limit: int,
        lease_seconds: float,
        lanes: Sequence[str],
    ) -> list[DueTimer]:
        claim = uuid4()
        told = {
            "now": now,
            "limit": limit,
            "lease": lease_seconds,
            "claim": claim,
            "lanes": lanes,
            "lane": lanes[0] if lanes else "",
        }
        rows = self._database.run(lambda connection: connection.execute(which, told).fetchall())
        due = [
            DueTimer(case_id, Timer(key, due_at, lane), claim)
            for case_id, key, due_at, lane in rows
        ]
        return sorted(due, key=lambda each: (each.timer.due_at, each.case_id, each.timer.key))

    def begun(self, lane: str, limit: int) -> list[UUID]:
        """The case of each of up to `limit` timers of a lane that somebody has worked on."""
        rows = self._database.run(
            lambda connection: connection.execute(_BEGUN, (lane, limit)).fetchall()
        )
        return [case_id for (case_id,) in rows]

    def done(self, fired: Sequence[DueTimer]) -> None:
        """Forget timers whose command took effect.

        One that was moved meanwhile, or claimed by another worker, stays.
        """
        self._database.run(
            lambda connection: connection.execute(
                """
                DELETE FROM timers AS t
                 USING unnest(%s::uuid[], %s::text[], %s::timestamptz[], %s::uuid[])
                    AS f(case_id, key, due_at, claim)
                 WHERE t.case_id = f.case_id AND t.key = f.key
                   AND t.due_at = f.due_at AND t.claim = f.claim
                """,
                (
                    [each.case_id for each in fired],
                    [each.timer.key for each in fired],
                    [each.timer.due_at for each in fired],
                    [each.claim for each in fired],
                ),
            )
        )

    def lease(self, claimed: Sequence[DueTimer], seconds: float) -> list[DueTimer]:
        """Let nobody claim these for so long from now: to go on with them, or to let them rest.

        Returns those that are still ours to go on with; the others were claimed by another
        worker, moved, or are no longer due to anybody.
        """
        rows = self._database.run(
            lambda connection: connection.execute(
                """
                UPDATE timers AS t
                   SET lease_until = clock_timestamp() + make_interval(secs => %s)
                  FROM unnest(%s::uuid[], %s::text[], %s::uuid[]) AS f(case_id, key, claim)
                 WHERE t.case_id = f.case_id AND t.key = f.key AND t.claim = f.claim
                RETURNING t.case_id, t.key
                """,
                (
                    seconds,
                    [each.case_id for each in claimed],
                    [each.timer.key for each in claimed],
                    [each.claim for each in claimed],
                ),
            ).fetchall()
        )
        ours = set(rows)
        return [each for each in claimed if (each.case_id, each.timer.key) in ours]

    def next_due(self) -> datetime | None:
        """When the earliest timer is due, whether claimed or not."""
        row = self._database.run(
            lambda connection: connection.execute("SELECT min(due_at) FROM timers").fetchone()
        )
        found: datetime | None = row[0] if row else None
        return found

    def due_by_lane(self, now: datetime) -> dict[str, int]:
        """How many timers are due in each lane, claimed or not."""
        rows = self._database.run(
            lambda connection: connection.execute(
                "SELECT lane, count(*) FROM timers WHERE due_at <= %s GROUP BY lane", (now,)
            ).fetchall()
        )
        return dict(rows)

    def unclaimed(self, until: datetime, resting: Collection[str] = ()) -> int:
        """How many timers were due by `until` and are with nobody, but for these lanes."""
        row = self._database.run(
            lambda connection: connection.execute(
                """
                SELECT count(*) FROM timers
                 WHERE due_at <= %s AND (lease_until IS NULL OR lease_until < clock_timestamp())
                   AND lane <> ALL(%s)
                """,
                (until, list(resting)),
            ).fetchone()
        )
        return int(row[0]) if row else 0
