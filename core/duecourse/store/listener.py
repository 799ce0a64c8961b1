"""Waiting for the log to grow. The hint may be lost at any time, so whoever waits also polls."""

import logging
import time
from typing import Final

import psycopg

from duecourse.store.backoff import Backoff
from duecourse.store.database import CHANNEL, Connection, Database
from duecourse.store.errors import StoreError, origin

LONGEST_PAUSE: Final = 5.0

logger = logging.getLogger(__name__)


class Listener:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection: Connection | None = None
        self._backoff = Backoff(longest=LONGEST_PAUSE)

    @property
    def is_listening(self) -> bool:
        return self._connection is not None and not self._connection.closed

    def wait(self, timeout: float) -> None:
        """Return when something was written, or after `timeout` seconds."""
        ends = time.monotonic() + timeout
        try:
            if self._connection is None and self._backoff.is_over:
                self._connection = self._database.connect()
                self._connection.execute(f"LISTEN {CHANNEL}")
                self._backoff.succeeded()
            if self._connection is not None:
                for _ in self._connection.notifies(timeout=timeout, stop_after=1):
                    return
        except (psycopg.OperationalError, StoreError) as lost:
            pause = self._backoff.failed()
            logger.warning(
                "listener lost", extra={"error": origin(lost), "retry_in_seconds": pause}
            )
            self.close()
        time.sleep(max(0.0, ends - time.monotonic()))

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
