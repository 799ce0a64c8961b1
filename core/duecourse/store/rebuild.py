"""Building a follower's tables anew beside the live ones, comparing the two, and switching."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final, LiteralString
from uuid import UUID

import msgspec
import psycopg
from psycopg import errors as pg
from psycopg import sql
from psycopg.rows import TupleRow

from duecourse.store import parking, positions
from duecourse.store.batches import apply_around, read_page
from duecourse.store.database import APP_ROLE, Connection, Database, connect_parameters
from duecourse.store.errors import DatabaseUnavailable, StoreError
from duecourse.store.follower import BATCH, Follower, traits_of
from duecourse.store.log import EventLog
from duecourse.store.parking import Failure
from duecourse.store.runner import Runner

SHOWN: Final = 5
_LOCK: Final = 49225007
"""With the hash of a schema's name: held while somebody rebuilds into it."""

Progress = Callable[[int, int], None]
"""Is told how far along the log the replay is, and where it will end."""

_COLUMNS: Final = """
SELECT a.attname, i.indexrelid IS NOT NULL
  FROM pg_attribute a
  LEFT JOIN pg_index i
    ON i.indrelid = a.attrelid AND i.indisprimary AND a.attnum = ANY(i.indkey)
 WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped
   AND a.attgenerated = '' AND a.attname <> ALL(%s)
 ORDER BY a.attnum
"""
# A case that has moved on is not compared: one side may have been made from its newer state.
_DIFFERENCES: Final[LiteralString] = """
SELECT count(*) FILTER (WHERE live.{key} IS NULL), count(*) FILTER (WHERE made.{key} IS NULL),
       count(*), coalesce((array_agg({named} ORDER BY {named}))[1:%(shown)s], '{{}}')
  FROM {live} AS live FULL JOIN {made} AS made ON {same_key}
 WHERE ROW({live_row}) IS DISTINCT FROM ROW({made_row}) AND {settled}
"""
_SETTLED: Final[LiteralString] = """
NOT EXISTS (SELECT FROM case_events e WHERE e.notification_id > %(position)s
               AND e.originator_id = coalesce(live.case_id, made.case_id))
"""
_DELETE: Final[LiteralString] = """
DELETE FROM {live} AS live
 WHERE NOT EXISTS (SELECT FROM {made} AS made WHERE {same_key}
                      AND ROW({live_row}) IS NOT DISTINCT FROM ROW({made_row}))
"""
_INSERT: Final[LiteralString] = """
INSERT INTO {live} ({columns}) SELECT {made_row} FROM {made} AS made
 WHERE NOT EXISTS (SELECT FROM {live} AS live WHERE {same_key})
"""


class CannotRebuild(StoreError):
    """This follower cannot be built anew, or not now; the message says why."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """How a live table differs from what a replay makes of the log.

    `missing` rows are not in the live table, `surplus` rows are only there, `changed` rows say
    something else; `keys` are the first few of all these. `rows` is how many the replay made.
    """

    table: str
    rows: int
    missing: int
    surplus: int
    changed: int
    keys: tuple[str, ...]

    @property
    def total(self) -> int:
        return self.missing + self.surplus + self.changed


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """`position` is where both were compared; `failures` are cases that could not be replayed."""

    position: int
    tables: tuple[Difference, ...]
    failures: tuple[Failure, ...]
    switched: bool


class Rebuild:
    """Replays the log into tables of its own, with the live ones served and followed meanwhile."""

    def __init__(
        self,
        database: Database,
        log: EventLog,
        runner: Runner,
        follower: Follower,
        *,
        batch: int = BATCH,
    ) -> None:
        traits = traits_of(follower)
        if traits.outside:
            raise CannotRebuild(f"{follower.name} has effects elsewhere; they are not repeated")
        if not traits.tables:
            raise CannotRebuild(f"{follower.name} does not say what tables it writes")
        self._database = database
        self._log = log
        self._runner = runner
        self._follower = follower
        self._tables = traits.tables
        self._batch = batch
        self._schema = f"rebuild_{follower.name}"[:63]
        self._failures: dict[UUID, Failure] = {}

    def run(self, *, switch: bool = False, progress: Progress = lambda _at, _end: None) -> Rebuilt:
        """Replay, then compare at one position, and with `switch` make the live rows the same.

        Nothing is switched while a case cannot be replayed. Raises CannotRebuild.
        """
        with self._owner() as owner, self._database.connect() as connection:
            self._make_tables(owner)
            try:
                at = self._follow(connection, progress)
                self._analyze(owner)
                with connection.transaction():
                    return self._finish(connection, at, switch=switch)
            finally:
                self._drop(owner)

    def _follow(self, connection: Connection, progress: Progress) -> int:
        """Replay up to where the live follower is, which goes on meanwhile."""
        at = 0
        while at < (end := self._reached(connection)):
            with connection.transaction():
                at = self._replay(connection, at, end)
            progress(at, end)
        return at

    def _reached(self, connection: Connection) -> int:
        slots = positions.slots_of(connection, [self._follower.name])
        return min((slot.position for slot in slots.get(self._follower.name, [])), default=0)

    def _finish(self, connection: Connection, at: int, *, switch: bool) -> Rebuilt:
        """The follower stands still for this; its tables go on being read."""
        connection.execute("SET LOCAL statement_timeout = 0")
        connection.execute("SET LOCAL lock_timeout = '60s'")
        position = self._runner.stand_still(connection, self._follower.name)
        while at < position:
            at = self._replay(connection, at, position)
        found = tuple(self._difference(connection, table, position) for table in self._tables)
        switched = switch and not self._failures
        if switched:
            for table in self._tables:
                self._switch(connection, table)
            # What had been set aside is part of what was switched to.
            parking.release_all(connection, self._follower.name)
        return Rebuilt(
            position=position,
            tables=found,
            failures=tuple(self._failures.values()),
            switched=switched,
        )

    def _replay(self, connection: Connection, at: int, until: int) -> int:
        page = read_page(self._log, at, self._batch).until(until)
        events = [each for each in page.events if each.case_id not in self._failures]
        with connection.transaction():
            # Only the follower's own tables are shadowed; whatever else it reads is the real one.
            path = sql.SQL("SET LOCAL search_path = {}, public")
            connection.execute(path.format(sql.Identifier(self._schema)))
            failed = apply_around(self._follower, connection, events)
            connection.execute("SET LOCAL search_path = public")
        self._failures = {**page.failures, **failed, **self._failures}
        return page.bound if page.bound > at else until

    # --- tables --------------------------------------------------------------------------------

    @contextmanager
    def _owner(self) -> Iterator[psycopg.Connection[TupleRow]]:
        """The login itself, as for `migrate`: the application may make no tables."""
        parameters = connect_parameters(self._database.dsn, "duecourse-rebuild")
        options = f"{parameters.pop('options', '')} -c client_min_messages=warning"
        try:
            owner = psycopg.connect(**parameters, options=options, autocommit=True)
        except psycopg.OperationalError as refused:
            raise DatabaseUnavailable(f"cannot connect: {refused}") from refused
        with owner:
            locked = owner.execute(
                "SELECT pg_try_advisory_lock(%s, hashtext(%s))", (_LOCK, self._schema)
            ).fetchone()
            if locked is None or not locked[0]:
                raise CannotRebuild(f"{self._follower.name} is being rebuilt already")
            try:
                yield owner
            finally:
                if not owner.closed:
                    # At once; the server would do it a moment after we have left.
                    owner.execute("SELECT pg_advisory_unlock_all()")

    def _make_tables(self, owner: psycopg.Connection[TupleRow]) -> None:
        schema, role = sql.Identifier(self._schema), sql.Identifier(APP_ROLE)
        self._drop(owner)
        try:
            owner.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
        except pg.InsufficientPrivilege as refused:
            raise CannotRebuild(
                "the login may not make a schema; an administrator must run:"
                f' GRANT CREATE ON DATABASE "{owner.info.dbname}" TO "{owner.info.user}"'
            ) from refused
        owner.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, role))
        for table in self._tables:
            # Without a log of their own: after a crash the rebuild begins again anyway.
            make = sql.SQL("CREATE UNLOGGED TABLE {} (LIKE {} INCLUDING ALL)")
            owner.execute(make.format(self._made(table), _live(table)))
            owner.execute(sql.SQL("GRANT ALL ON {} TO {}").format(self._made(table), role))

    def _analyze(self, owner: psycopg.Connection[TupleRow]) -> None:
        for table in self._tables:
            owner.execute(sql.SQL("ANALYZE {}").format(self._made(table)))

    def _drop(self, owner: psycopg.Connection[TupleRow]) -> None:
        drop = sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE")
        owner.execute(drop.format(sql.Identifier(self._schema)))

    def _made(self, table: str) -> sql.Identifier:
        return sql.Identifier(self._schema, table)

    def _difference(self, connection: Connection, table: str, position: int) -> Difference:
        query = self._statement(connection, _DIFFERENCES, table)
        asked = {"position": position, "shown": SHOWN}
        row = connection.execute(query, asked).fetchone()
        count = sql.SQL("SELECT count(*) FROM {}").format(self._made(table))
        rows = connection.execute(count).fetchone()
        assert row is not None, "an aggregate always has a row"
        assert rows is not None, "an aggregate always has a row"
        missing, surplus, differing, keys = row
        return Difference(
            table=table,
            rows=rows[0],
            missing=missing,
            surplus=surplus,
            changed=differing - missing - surplus,
            keys=tuple(keys),
        )

    def _switch(self, connection: Connection, table: str) -> None:
        """Make the live rows the same as those made; rows that are right are not touched."""
        connection.execute(self._statement(connection, _DELETE, table))
        connection.execute(self._statement(connection, _INSERT, table))

    def _statement(self, connection: Connection, text: LiteralString, table: str) -> sql.Composed:
        found = connection.execute(
            _COLUMNS, (f'public."{table}"', list(self._tables[table]))
        ).fetchall()
        columns = [name for name, _ in found]
        key = [name for name, is_key in found if is_key]
        if not key:
            raise CannotRebuild(f"the table {table} has no primary key to compare rows by")
        settled: LiteralString = _SETTLED if "case_id" in columns else "true"
        return sql.SQL(text).format(
            live=_live(table),
            made=self._made(table),
            key=sql.Identifier(key[0]),
            named=sql.SQL("concat_ws(' ', {})").format(_each("coalesce(live.{0}, made.{0})", key)),
            same_key=_each("live.{0} = made.{0}", key, " AND "),
            live_row=_each("live.{0}", columns),
            made_row=_each("made.{0}", columns),
            columns=_each("{0}", columns),
            settled=sql.SQL(settled),
        )


def _live(table: str) -> sql.Identifier:
    return sql.Identifier("public", table)


def _each(text: LiteralString, names: Sequence[str], between: LiteralString = ", ") -> sql.Composed:
    return sql.SQL(between).join(sql.SQL(text).format(sql.Identifier(name)) for name in names)
