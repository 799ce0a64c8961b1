"""The connections on which a process appends to the log, without waiting for the server."""

import selectors
from collections.abc import Sequence
from typing import Final

from psycopg import pq

from duecourse.store import append
from duecourse.store.append import Entry, Mode, Written
from duecourse.store.database import Connection, Database, failure

WRITERS_LOCK: Final = 4922500610731043
"""Held shared by every writer for as long as it is connected; see 0005_missed_events.sql."""

_FLUSH: Final = b"SELECT flush_log()"


class Writer:
    """At most one batch and one flush are under way.

    The outcome of a batch that is not `on_disk` may be told to nobody before a flush that began
    after it has ended. Any method may raise the psycopg error of a lost connection; then `close`.
    """

    def __init__(self, database: Database, selector: selectors.BaseSelector, mode: Mode) -> None:
        self._database = database
        self._selector = selector
        self._mode = mode
        self._appending: _Session | None = None
        self._flushing: _Session | None = None

    @property
    def is_connected(self) -> bool:
        return self._appending is not None

    @property
    def is_flushing(self) -> bool:
        return self._flushing is not None and self._flushing.is_busy

    def connect(self) -> None:
        appending, flushing = self._database.connect(), self._database.connect()
        try:
            appending.execute("SELECT pg_advisory_lock_shared(%s)", (WRITERS_LOCK,))
            append.prepare(appending)
        except BaseException:
            appending.close()
            flushing.close()
            raise
        self._appending = _Session(appending, self._selector)
        self._flushing = _Session(flushing, self._selector)

    def append(self, entries: Sequence[Entry]) -> None:
        """Begin to write a batch."""
        assert self._appending is not None, "connect first"
        append.send(self._appending.connection, entries, self._mode)
        self._appending.begin()

    def flush(self) -> None:
        """Begin to put on disk all that was written so far."""
        assert self._flushing is not None, "connect first"
        self._flushing.connection.pgconn.send_query(_FLUSH)
        self._flushing.begin()

    def written(self, entries: Sequence[Entry]) -> Written | None:
        """What came of the batch, once it is known. Raises the error that refused it."""
        result = self._appending.result() if self._appending else None
        return None if result is None else append.written(result, entries)

    def has_flushed(self) -> bool:
        """Tell whether the flush that was under way has just ended."""
        result = self._flushing.result() if self._flushing else None
        if result is not None and result.status != pq.ExecStatus.TUPLES_OK:
            raise failure(result)
        return result is not None

    def close(self) -> None:
        for session in (self._appending, self._flushing):
            if session is not None:
                session.close()
        self._appending = self._flushing = None


class _Session:
    """A connection in libpq's non-blocking mode, watched by the selector."""

    def __init__(self, connection: Connection, selector: selectors.BaseSelector) -> None:
        self.connection = connection
        self.is_busy = False
        self._selector = selector
        self._socket = connection.pgconn.socket
        self._arrived: pq.abc.PGresult | None = None
        connection.pgconn.nonblocking = 1
        selector.register(self._socket, selectors.EVENT_READ)

    def begin(self) -> None:
        """A query was handed to libpq."""
        self.is_busy = True
        self._push()

    def result(self) -> pq.abc.PGresult | None:
        """The result of the query under way, once it is here in full.

        Also takes in what comes by itself: notices, and the end of the connection.
        """
        pgconn = self.connection.pgconn
        if self.is_busy:
            self._push()
        pgconn.consume_input()
        while self.is_busy and not pgconn.is_busy():
            result = pgconn.get_result()
            if result is None:
                self.is_busy = False
            else:
                self._arrived = self._arrived or result
        if self.is_busy:
            return None
        arrived, self._arrived = self._arrived, None
        return arrived

    def _push(self) -> None:
        """Hand the bytes to the system; what does not fit waits until the socket takes more."""
        rest = self.connection.pgconn.flush()
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if rest else 0)
        if self._selector.get_key(self._socket).events != wanted:
            self._selector.modify(self._socket, wanted)

    def close(self) -> None:
        self._selector.unregister(self._socket)
        self.connection.close()
