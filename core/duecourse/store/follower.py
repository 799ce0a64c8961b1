"""What follows the log: named readers, each with a position of its own in the database."""

import logging
import threading
import time
from collections.abc import Sequence
from typing import Final, Protocol

import msgspec
import psycopg

from duecourse.store.database import CHANNEL, Connection, Database
from duecourse.store.engine import Engine
from duecourse.store.errors import StoreError, origin
from duecourse.store.log import Recorded

BATCH: Final = 1_000
_FIRST_PAUSE: Final = 0.25
_LONGEST_PAUSE: Final = 30.0

logger = logging.getLogger(__name__)


class Follower(Protocol):
    """Keeps something in the database in step with the log.

    `apply` writes through the connection it is given; what it writes and its new position are
    committed together, so every event counts once. It must have no effect elsewhere.
    """

    @property
    def name(self) -> str: ...

    def apply(self, connection: Connection, batch: Sequence[Recorded]) -> None: ...


class _Trouble(msgspec.Struct):
    """How often a follower has failed in a row, and when to try it again (monotonic seconds)."""

    failures: int = 0
    not_before: float = 0.0


class Runner:
    """Brings followers up to date, batch by batch. Several runners may share the work."""

    def __init__(
        self,
        database: Database,
        engine: Engine,
        followers: Sequence[Follower],
        *,
        batch: int = BATCH,
    ) -> None:
        names = [follower.name for follower in followers]
        if len(set(names)) != len(names):
            raise ValueError(f"two followers have the same name: {sorted(names)}")
        self._database = database
        self._log = engine.log
        self._followers = tuple(followers)
        self._batch = batch
        self._trouble = {name: _Trouble() for name in names}
        self._listener: Connection | None = None

    def run(self, stop: threading.Event, poll: float = 0.25) -> None:
        """Follow until `stop` is set; after a quiet moment look again every `poll` seconds."""
        try:
            while not stop.is_set():
                if self.run_once() == 0:
                    self.wait(poll)
        finally:
            self.close()

    def run_once(self) -> int:
        """Give every follower its next batch; return how many events were applied in all.

        A follower that fails is logged and left alone for a while; the others go on.
        """
        return sum(self._advance(follower) for follower in self._followers)

    def catch_up(self) -> int:
        """Go on until every follower that works has reached the end of the log."""
        total = 0
        while True:
            done = self.run_once()
            total += done
            if done == 0 and not self._behind():
                return total
            if done == 0:
                # Another worker has the follower; let it finish.
                self.wait(0.05)

    def lag(self) -> dict[str, int]:
        """How many positions each follower is behind the end of the log."""
        last = self._log.last_position()
        return {each.name: last - self._position(each.name) for each in self._followers}

    def wait(self, timeout: float) -> None:
        """Return when something was written, or after `timeout` seconds: the hint may be lost."""
        ends = time.monotonic() + timeout
        try:
            if self._listener is None:
                self._listener = self._database.connect()
                self._listener.execute(f"LISTEN {CHANNEL}")
            for _ in self._listener.notifies(timeout=timeout, stop_after=1):
                return
        except (psycopg.OperationalError, StoreError) as lost:
            logger.warning("listener lost", extra={"error": origin(lost)})
            self.close()
            time.sleep(max(0.0, ends - time.monotonic()))

    def close(self) -> None:
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _behind(self) -> bool:
        working = {name for name, trouble in self._trouble.items() if trouble.failures == 0}
        return any(lag > 0 for name, lag in self.lag().items() if name in working)

    def _advance(self, follower: Follower) -> int:
        trouble = self._trouble[follower.name]
        if time.monotonic() < trouble.not_before:
            return 0
        try:
            done = self._next_batch(follower)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other followers go on
            trouble.failures += 1
            pause = min(_FIRST_PAUSE * 2 ** (trouble.failures - 1), _LONGEST_PAUSE)
            trouble.not_before = time.monotonic() + pause
            logger.error(  # noqa: TRY400 - a traceback may quote a person's data
                "follower failed",
                extra={
                    "follower": follower.name,
                    "failures": trouble.failures,
                    "retry_in_seconds": pause,
                    "error": origin(error),
                },
            )
            return 0
        trouble.failures = 0
        return done

    def _next_batch(self, follower: Follower) -> int:
        """Read outside the transaction, then apply if nobody else has meanwhile."""
        position = self._position(follower.name)
        batch = self._log.read(position, self._batch)
        if not batch:
            return 0
        with self._database.connection() as connection, connection.transaction():
            if not _take(connection, follower.name, position):
                return 0
            follower.apply(connection, batch)
            connection.execute(
                "UPDATE followers SET position = %s, moved_at = clock_timestamp() WHERE name = %s",
                (batch[-1].position, follower.name),
            )
        return len(batch)

    def _position(self, name: str) -> int:
        """Where the follower is; a new one starts before the first event."""
        return self._database.run(lambda connection: _read_position(connection, name))


def _read_position(connection: Connection, name: str) -> int:
    query = "SELECT position FROM followers WHERE name = %s"
    row = connection.execute(query, (name,)).fetchone()
    return int(row[0]) if row else 0


def _take(connection: Connection, name: str, position: int) -> bool:
    """Lock the follower's row; False if another worker has it, or has moved it on."""
    connection.execute("INSERT INTO followers (name) VALUES (%s) ON CONFLICT DO NOTHING", (name,))
    row = connection.execute(
        "SELECT position FROM followers WHERE name = %s FOR UPDATE SKIP LOCKED", (name,)
    ).fetchone()
    return row is not None and row[0] == position
