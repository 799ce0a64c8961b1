"""How far each channel has been asked what is new, and who is asking now.

A row is leased on the clock of the server, so that one worker asks at a time. Each claim has a
number of its own, and only the newest counts: one who was too slow cannot set the cursor back.
"""

from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

import msgspec

from duecourse.store.database import Database

_CLAIM: Final = """
INSERT INTO polls AS p (channel, lease_until, claim)
VALUES (%(channel)s, clock_timestamp() + make_interval(secs => %(lease)s), %(claim)s)
ON CONFLICT (channel) DO UPDATE
   SET lease_until = EXCLUDED.lease_until, claim = EXCLUDED.claim
 WHERE (p.due_at IS NULL OR p.due_at <= %(now)s)
   AND (p.lease_until IS NULL OR p.lease_until < clock_timestamp())
RETURNING cursor, failures, held_since
"""
_DONE: Final = """
UPDATE polls
   SET cursor = coalesce(%(cursor)s, cursor), due_at = %(due_at)s, polled_at = %(at)s,
       failures = %(failures)s, held_since = %(held_since)s, lease_until = NULL, claim = NULL
 WHERE channel = %(channel)s AND claim = %(claim)s
RETURNING channel
"""
_DUE: Final = "SELECT due_at FROM polls WHERE channel = %s"


class PollClaim(msgspec.Struct, frozen=True, kw_only=True):
    """The right to ask a channel once. `failures` were in a row before.

    `held_since`: what it brings since then cannot be recorded yet, so it is asked for it again.
    """

    channel: str
    claim: UUID
    cursor: bytes
    failures: int
    held_since: datetime | None


class PollTable:
    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, channel: str, now: datetime, lease_seconds: float) -> PollClaim | None:
        """Take the turn of asking a channel; None while it is not due, or another one asks.

        `now` is the clock of the business, the lease is on that of the server.
        """
        claim = uuid4()
        asked = {"channel": channel, "now": now, "lease": lease_seconds, "claim": claim}
        row = self._database.run(lambda connection: connection.execute(_CLAIM, asked).fetchone())
        if row is None:
            return None
        return PollClaim(
            channel=channel, claim=claim, cursor=row[0], failures=row[1], held_since=row[2]
        )

    def due_at(self, channel: str) -> datetime | None:
        """When it may be asked again; None for at once."""
        row = self._database.run(lambda connection: connection.execute(_DUE, (channel,)).fetchone())
        found: datetime | None = row[0] if row else None
        return found

    def done(
        self,
        claimed: PollClaim,
        *,
        at: datetime,
        due_at: datetime,
        cursor: bytes | None = None,
        failures: int = 0,
        held_since: datetime | None = None,
    ) -> bool:
        """Give the turn back. Without a `cursor` the old one stays.

        False: another worker has taken over meanwhile, and nothing was written.
        """
        told = {
            "channel": claimed.channel,
            "claim": claimed.claim,
            "cursor": cursor,
            "due_at": due_at,
            "at": at,
            "failures": failures,
            "held_since": held_since,
        }
        row = self._database.run(lambda connection: connection.execute(_DONE, told).fetchone())
        return row is not None
