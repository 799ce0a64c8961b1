"""Channels that rest because they could not take messages, shared by all workers.

Rests are on the clock of the server. Each that began or ended is kept for good: a channel belongs
to no case, so these are not events of one (see docs/adr/0011).
"""

from datetime import datetime
from typing import Final, Literal

import msgspec

from duecourse.store.database import Connection, Database

LONGEST: Final = 3600.0
MOST_REASON: Final = 300
_READ: Final = """
SELECT times, until, reason, extract(epoch FROM until - clock_timestamp())::float8
  FROM channel_rests WHERE channel = %s
"""
_SUSPEND: Final = """
INSERT INTO channel_rests AS r (channel, times, until, reason)
VALUES (%(channel)s, 1, clock_timestamp() + make_interval(secs => %(first)s), %(reason)s)
ON CONFLICT (channel) DO UPDATE
   SET times = r.times + 1, reason = EXCLUDED.reason,
       until = clock_timestamp() + make_interval(
           secs => least(%(longest)s, %(first)s * 2.0 ^ least(r.times, 30)))
 WHERE r.until <= clock_timestamp()
RETURNING until
"""
_RESUME: Final = "DELETE FROM channel_rests WHERE channel = %s RETURNING channel"
_NOTE: Final = """
INSERT INTO channel_events (channel, kind, until, reason, actor) VALUES (%s, %s, %s, %s, %s)
"""
_EVENTS: Final = """
SELECT at, channel, kind, until, reason, actor FROM channel_events
 WHERE %(channel)s = '' OR channel = %(channel)s ORDER BY id DESC LIMIT %(limit)s
"""


class Rest(msgspec.Struct, frozen=True):
    """`seconds` are left of it; none or fewer means that the channel may be tried again."""

    times: int
    until: datetime
    reason: str
    seconds: float


class ChannelEvent(msgspec.Struct, frozen=True):
    at: datetime
    channel: str
    kind: Literal["ChannelSuspended", "ChannelResumed"]
    until: datetime | None
    reason: str
    actor: str


class Rests:
    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, channel: str) -> Rest | None:
        row = self._database.run(
            lambda connection: connection.execute(_READ, (channel,)).fetchone()
        )
        return None if row is None else Rest(*row)

    def suspend(self, channel: str, seconds: float, reason: str) -> None:
        """Let a channel rest, each time in a row for twice as long; it may rest already."""
        told = {
            "channel": channel,
            "first": seconds,
            "longest": LONGEST,
            "reason": reason[:MOST_REASON],
        }

        def write(connection: Connection) -> None:
            with connection.transaction():
                row = connection.execute(_SUSPEND, told).fetchone()
                if row is not None:
                    note = (channel, "ChannelSuspended", row[0], told["reason"], "system")
                    connection.execute(_NOTE, note)

        self._database.run(write)

    def resume(self, channel: str, reason: str, actor: str = "system") -> bool:
        """End a rest. Returns whether there was one."""

        def write(connection: Connection) -> bool:
            with connection.transaction():
                if connection.execute(_RESUME, (channel,)).fetchone() is None:
                    return False
                note = (channel, "ChannelResumed", None, reason[:MOST_REASON], actor)
                connection.execute(_NOTE, note)
                return True

        return self._database.run(write)

    def events(self, channel: str = "", limit: int = 100) -> list[ChannelEvent]:
        """What became of a channel, or of all, the newest first."""
        rows = self._database.run(
            lambda connection: connection.execute(
                _EVENTS, {"channel": channel, "limit": limit}
            ).fetchall()
        )
        return [ChannelEvent(*row) for row in rows]
