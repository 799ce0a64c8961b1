"""Connections to PostgreSQL: limits on everything, and a way back after a loss."""

import os
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, LiteralString, Self, TypeVar

import msgspec
import psycopg
from psycopg import errors as pg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from duecourse.store.errors import DatabaseUnavailable, SchemaMismatch, UnsafeSetting

Connection = psycopg.Connection[TupleRow]
T = TypeVar("T")

APP_ROLE: Final = "duecourse_app"
LOG_LOCK: Final = 4922500610731041
"""The advisory lock that puts writers in order; `append_events` (0005_missed_events.sql) takes it too."""
CHANNEL: Final[LiteralString] = "case_events"

# A cut cable is noticed within about a minute; the DSN may say otherwise.
_CONNECT_DEFAULTS: Final = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
_PAUSES: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
# The server ended the session or is not ready for one, or broke a deadlock at our cost (40P01):
# the same work may be tried again.
_LOST_STATES: Final = frozenset({"57P01", "57P02", "57P03", "57P05", "25006", "25P03", "40P01"})

# One round trip; works behind a session pooler, which drops start-up options.
_CONFIGURE: Final = (
    "SELECT set_config('role', %s, false), set_config('statement_timeout', %s, false),"
    " set_config('lock_timeout', %s, false),"
    " set_config('idle_in_transaction_session_timeout', %s, false),"
    " set_config('timezone', 'UTC', false)"
)


class Statement(msgspec.Struct, frozen=True):
    """A query of the hot path: prepared once per session, its parameters and rows in binary.

    `types` are the parameters' OIDs (wire.py).
    """

    name: bytes
    query: bytes
    types: tuple[int, ...]


def connect_parameters(dsn: str, application_name: str) -> dict[str, Any]:
    """The DSN's parameters with the time limits it does not set itself."""
    try:
        parts = conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        # Without libpq's words: they quote the address, and with it the password.
        raise DatabaseUnavailable(
            "the database's address (DATABASE_URL) is not a connection string;"
            " write it like postgresql://user@host/name"
        ) from None
    given = {key: value for key, value in parts.items() if value is not None}
    return {"application_name": application_name, **_CONNECT_DEFAULTS, **given}


def configure(connection: psycopg.Connection[Any], statement_timeout: float = 30.0) -> None:
    """Give up the login's rights for those of the application, and set the limits in seconds."""
    connection.autocommit = True
    limits = [f"{int(each * 1000)}ms" for each in (statement_timeout, 10.0, 30.0)]
    try:
        connection.execute(_CONFIGURE, (APP_ROLE, *limits))
    except (pg.InvalidParameterValue, pg.UndefinedObject) as missing:
        raise SchemaMismatch(
            f"the database has no role {APP_ROLE}; run `duecourse migrate` first"
        ) from missing
    except pg.InsufficientPrivilege as refused:
        raise SchemaMismatch(
            f"the login may not act as {APP_ROLE}; an administrator must run:"
            f' GRANT {APP_ROLE} TO "{connection.info.user}"'
        ) from refused


def refuse_unsafe_settings() -> None:
    """Raise UnsafeSetting if the environment asks for the library's event-losing insert."""
    asked = os.environ.get("POSTGRES_ENABLE_DB_FUNCTIONS", "").strip().lower()
    if asked not in ("", "0", "n", "no", "f", "false", "off"):
        raise UnsafeSetting(
            "POSTGRES_ENABLE_DB_FUNCTIONS is set: that insert takes no lock, so readers of the log"
            " miss events. Unset it."
        )


def is_lost(error: BaseException) -> bool:
    """Tell whether `error` means that the connection is gone, not that the work is wrong."""
    if isinstance(error, PoolTimeout | DatabaseUnavailable):
        return True
    if isinstance(error, PoolClosed) or not isinstance(error, psycopg.Error):
        return False
    state = error.sqlstate
    if state is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return state in _LOST_STATES or state.startswith("08")


def failure(result: pq.abc.PGresult) -> psycopg.Error:
    """The error that a result stands for. One without a state is libpq's: the connection is gone."""
    error = psycopg.errors.error_from_result(result)
    return error if error.sqlstate else psycopg.OperationalError(str(error))


class Database:
    """A pool of connections that act as the application role, in autocommit."""

    def __init__(
        self,
        dsn: str,
        *,
        min_size: int = 1,
        max_size: int = 10,
        statement_timeout: float = 30.0,
        patience: float = 30.0,
        application_name: str = "duecourse",
    ) -> None:
        """Connect once to report a bad address or schema plainly, then open the pool.

        `statement_timeout` and `patience` (how long `run` goes on trying) are in seconds.
        """
        refuse_unsafe_settings()
        self.dsn = dsn
        self.patience = patience
        self.epoch = 0
        """Another number whenever a connection was made.

        The server may have died before, and what was read and was not on its disk with it.
        """
        self._statement_timeout = statement_timeout
        self._parameters = connect_parameters(dsn, application_name)
        self.connect().close()
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            kwargs=self._parameters,
            min_size=min_size,
            max_size=max_size,
            open=False,
            configure=self._configure,
            timeout=10.0,
            # Its pauses double; this soon it begins anew, so as not to sleep on when the server is
            # back.
            reconnect_timeout=5.0,
            name=application_name,
        )
        self._pool.open()
        self.is_closed = False
        self._to_close: list[Callable[[], None]] = []
        self._prepared: weakref.WeakKeyDictionary[Connection, set[bytes]] = (
            weakref.WeakKeyDictionary()
        )

    def close_first(self, close: Callable[[], None]) -> None:
        """Call `close` before the connections are closed: for what has threads of its own here."""
        self._to_close.append(close)

    def _configure(self, connection: Connection) -> None:
        configure(connection, self._statement_timeout)
        self.epoch += 1

    def connect(self) -> Connection:
        """Open a connection outside the pool, to listen on or to be the one writer's."""
        try:
            connection = psycopg.connect(**self._parameters)
        except psycopg.OperationalError as refused:
            # libpq's own words name the host and the reason, never the password.
            raise DatabaseUnavailable(f"cannot connect: {refused}") from refused
        try:
            self._configure(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def connection(self, timeout: float | None = None) -> Iterator[Connection]:
        """Borrow a connection, waiting up to `timeout` seconds for one; 10 by default."""
        with self._pool.connection(timeout) as connection:
            yield connection

    def run(self, work: Callable[[Connection], T]) -> T:
        """Do `work`, again on a new connection if the one it had was lost.

        `work` must be safe to repeat: it may have been carried out and only its answer lost.
        """
        deadline = time.monotonic() + self.patience
        pauses = iter(_PAUSES)
        while True:
            try:
                # At least a moment, or a busy pool would look like a lost server.
                with self.connection(max(0.1, deadline - time.monotonic())) as connection:
                    return work(connection)
            except (psycopg.Error, DatabaseUnavailable) as error:
                if not is_lost(error):
                    raise
                pause = next(pauses, _PAUSES[-1])
                if time.monotonic() + pause > deadline:
                    raise DatabaseUnavailable("the database went away; try again") from error
            time.sleep(pause)
            self._pool.check()

    def fetch(self, statement: Statement, *parameters: bytes) -> pq.abc.PGresult:
        """The rows of a statement that reads, without what makes psycopg's own way convenient."""
        return self.run(lambda connection: self._fetch(connection, statement, parameters))

    def _fetch(
        self, connection: Connection, statement: Statement, parameters: Sequence[bytes]
    ) -> pq.abc.PGresult:
        prepared = self._prepared.setdefault(connection, set())
        if statement.name not in prepared:
            _prepare(connection, statement)
            prepared.add(statement.name)
        result = _execute(connection, statement, parameters)
        if _state(result) == _NO_SUCH_STATEMENT:
            # psycopg lets go of everything prepared in a session after a ROLLBACK there.
            prepared.clear()
            _prepare(connection, statement)
            prepared.add(statement.name)
            result = _execute(connection, statement, parameters)
        if result.status != pq.ExecStatus.TUPLES_OK:
            raise failure(result)
        return result

    def close(self) -> None:
        self.is_closed = True
        while self._to_close:
            self._to_close.pop()()
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_NO_SUCH_STATEMENT: Final = b"26000"


def _prepare(connection: Connection, statement: Statement) -> None:
    made = connection.pgconn.prepare(statement.name, statement.query, statement.types)
    if made.status != pq.ExecStatus.COMMAND_OK:
        raise failure(made)


def _execute(
    connection: Connection, statement: Statement, parameters: Sequence[bytes]
) -> pq.abc.PGresult:
    binary = [pq.Format.BINARY] * len(parameters)
    return connection.pgconn.exec_prepared(statement.name, parameters, binary, pq.Format.BINARY)


def _state(result: pq.abc.PGresult) -> bytes | None:
    return result.error_field(pq.DiagnosticField.SQLSTATE)
