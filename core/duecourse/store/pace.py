"""How fast a channel may go, counted over all workers on the clock of the server."""

from typing import Final

import msgspec

from duecourse.store.database import Connection, Database

# Two workers that ask at once must not both be given the last place.
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 6))"
_FORGET: Final = """
DELETE FROM channel_grants WHERE channel = %s AND at <= clock_timestamp() - make_interval(secs => %s)
"""
_COUNT: Final = """
SELECT coalesce(sum(granted), 0)::integer,
       coalesce(extract(epoch FROM min(at) - clock_timestamp()), 0)::float8
  FROM channel_grants WHERE channel = %s
"""
_GRANT: Final = "INSERT INTO channel_grants VALUES (%s, clock_timestamp(), %s)"


class Grant(msgspec.Struct, frozen=True):
    """`messages` may go now; the next ones in `seconds`."""

    messages: int
    seconds: float


class Pace:
    """At most so many messages in any so many seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ask(self, channel: str, wanted: int, messages: int, seconds: float) -> Grant:
        """Take up to `wanted` of the `messages` that are allowed in any `seconds`."""

        def take(connection: Connection) -> Grant:
            with connection.transaction():
                connection.execute(_LOCK, (channel,))
                connection.execute(_FORGET, (channel, seconds))
                used, oldest = connection.execute(_COUNT, (channel,)).fetchone() or (0, 0.0)
                free = max(0, min(wanted, messages - used))
                if free:
                    connection.execute(_GRANT, (channel, free))
                return Grant(free, max(0.0, oldest + seconds))

        return self._database.run(take)
