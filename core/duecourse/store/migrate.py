"""Numbered SQL files, each applied once, in order, under a lock."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import files
from typing import Any, Final

import psycopg
from psycopg import errors as pg
from psycopg.rows import TupleRow
from psycopg.sql import SQL, Identifier

from duecourse.store import rights
from duecourse.store.database import APP_ROLE, connect_parameters
from duecourse.store.errors import DatabaseUnavailable, SchemaMismatch

MINIMUM_SERVER: Final = 150000
_LOCK: Final = 4922500610731042
_NAME: Final = re.compile(r"[0-9]{4}_[a-z0-9_]+\.sql")
_ROLE_ATTEMPTS: Final = 5
_MOST_NAMED: Final = 3
RIGHTS: Final = f"the rights of {APP_ROLE}"
"""What `migrate` says that it applied where a restored dump had lost them."""

_TABLE: Final = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name text PRIMARY KEY,
    checksum bytea NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
)"""


def shipped() -> dict[str, bytes]:
    """The migrations that come with this code, by file name, in order."""
    folder = files("duecourse.store") / "migrations"
    found = {
        each.name: each.read_bytes() for each in folder.iterdir() if _NAME.fullmatch(each.name)
    }
    return dict(sorted(found.items()))


def migrate(dsn: str, scripts: Mapping[str, bytes] | None = None) -> list[str]:
    """Apply what is missing and return the names of the files applied, then perhaps RIGHTS.

    Raises SchemaMismatch if an applied file was changed since, if the database is newer than
    this code, or if the login lacks a right.
    """
    scripts = shipped() if scripts is None else scripts
    with _connect(dsn) as connection, _rights_told(connection):
        _check_server(connection)
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        # After the lock, as waiting for another migration is no reason to give up.
        connection.execute("SET lock_timeout = '10s'")
        _ensure_role(connection)
        connection.execute(_TABLE)
        connection.execute(
            SQL("GRANT SELECT ON schema_migrations TO {}").format(Identifier(APP_ROLE))
        )
        missing = _missing(connection, scripts)
        for name in missing:
            _apply(connection, name, scripts[name])
        return missing + _mend_rights(connection, scripts)


def pending(dsn: str, scripts: Mapping[str, bytes] | None = None) -> list[str]:
    """The files that `migrate` would apply. Raises SchemaMismatch as `migrate` does."""
    scripts = shipped() if scripts is None else scripts
    with _connect(dsn) as connection, _rights_told(connection):
        _check_server(connection)
        return _missing(connection, scripts)


def require_current(dsn: str) -> None:
    """Raise SchemaMismatch unless every migration of this code has been applied, grants and all."""
    scripts = shipped()
    with _connect(dsn) as connection, _rights_told(connection):
        _check_server(connection)
        if missing := _missing(connection, scripts):
            raise SchemaMismatch(
                f"the database lacks {', '.join(missing)}; run `duecourse migrate`"
            )
        lost = rights.lost(connection, scripts)
    if lost:
        raise SchemaMismatch(
            f"the role {APP_ROLE} lacks rights on {_some(lost)}, as after a restore without them;"
            " run `duecourse migrate`"
        )


def _connect(dsn: str) -> psycopg.Connection[TupleRow]:
    parameters: dict[str, Any] = connect_parameters(dsn, "duecourse-migrate")
    try:
        # Notices such as "table exists, skipping" are not for the operator.
        options = f"{parameters.pop('options', '')} -c client_min_messages=warning"
        return psycopg.connect(**parameters, options=options, autocommit=True)
    except psycopg.OperationalError as refused:
        raise DatabaseUnavailable(f"cannot connect: {refused}") from refused


def _check_server(connection: psycopg.Connection[TupleRow]) -> None:
    version = connection.info.server_version
    if version < MINIMUM_SERVER:
        raise SchemaMismatch(
            f"PostgreSQL {version // 10000} is too old; Duecourse needs {MINIMUM_SERVER // 10000}"
        )


def _missing(connection: psycopg.Connection[TupleRow], scripts: Mapping[str, bytes]) -> list[str]:
    known = connection.execute("SELECT to_regclass('schema_migrations')").fetchone()
    if known is None or known[0] is None:
        return list(scripts)
    rows = connection.execute("SELECT name, checksum FROM schema_migrations").fetchall()
    applied: dict[str, bytes] = {name: bytes(checksum) for name, checksum in rows}
    if newer := sorted(applied.keys() - scripts.keys()):
        raise SchemaMismatch(
            f"the database is newer than this code: it has {', '.join(newer)}; upgrade Duecourse"
        )
    for name, checksum in applied.items():
        if hashlib.sha256(scripts[name]).digest() != checksum:
            raise SchemaMismatch(
                f"{name} was changed after it was applied; restore it and put the change in a new"
                " file"
            )
    return [name for name in scripts if name not in applied]


def _apply(connection: psycopg.Connection[TupleRow], name: str, script: bytes) -> None:
    with connection.transaction():
        connection.execute(script)
        connection.execute(
            "INSERT INTO schema_migrations (name, checksum) VALUES (%s, %s)",
            (name, hashlib.sha256(script).digest()),
        )


def _mend_rights(
    connection: psycopg.Connection[TupleRow], scripts: Mapping[str, bytes]
) -> list[str]:
    if not rights.lost(connection, scripts):
        return []
    rights.give_again(connection, scripts)
    # Whoever owns nothing here only gets a warning.
    if rights.lost(connection, scripts):
        raise pg.InsufficientPrivilege
    return [RIGHTS]


@contextmanager
def _rights_told(connection: psycopg.Connection[TupleRow]) -> Iterator[None]:
    """The tables are somebody else's, as after a restore by another login: say what to do."""
    try:
        yield
    except pg.InsufficientPrivilege as refused:
        user = connection.info.user
        raise SchemaMismatch(
            f'the login "{user}" lacks rights on the tables of this database; run `duecourse'
            " migrate` as their owner, or restore them as its own: pg_restore --no-owner"
            f' --role="{user}"'
        ) from refused


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMED])
    more = len(names) - _MOST_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


# Roles belong to the cluster, so a migration of another database may be doing this too.
_RACES: Final = (pg.DuplicateObject, pg.UniqueViolation, pg.InternalError_)


def _ensure_role(connection: psycopg.Connection[TupleRow]) -> None:
    """Make the application role if it is missing, and see that the login may act as it."""
    role = Identifier(APP_ROLE)
    for attempt in range(_ROLE_ATTEMPTS):
        try:
            if not _role_exists(connection):
                connection.execute(SQL("CREATE ROLE {} NOLOGIN").format(role))
            if not _may_act(connection):
                connection.execute(SQL("GRANT {} TO CURRENT_USER").format(role))
        except _RACES:
            if attempt == _ROLE_ATTEMPTS - 1:
                raise
        except pg.InsufficientPrivilege as refused:
            raise SchemaMismatch(
                f'the login "{connection.info.user}" may not make or act as the role {APP_ROLE};'
                f" an administrator must run: CREATE ROLE {APP_ROLE} NOLOGIN;"
                f' GRANT {APP_ROLE} TO "{connection.info.user}"'
            ) from refused
        else:
            return


def _role_exists(connection: psycopg.Connection[TupleRow]) -> bool:
    row = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (APP_ROLE,)).fetchone()
    return row is not None


def _may_act(connection: psycopg.Connection[TupleRow]) -> bool:
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(SQL("SET LOCAL ROLE {}").format(Identifier(APP_ROLE)))
    except pg.InsufficientPrivilege:
        return False
    return True
