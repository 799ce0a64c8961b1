"""Databases as our contenders find them: migrated, with open cases and a past."""

import asyncio
from collections.abc import Sequence
from itertools import islice
from typing import Final
from uuid import UUID

import msgspec
import psycopg

from bench.engine import OurEngine
from bench.payloads import TOY_EVENT, Payload, asks, opening
from bench.servers import Server
from duecourse.chance import new_id
from duecourse.store.migrate import migrate

OPEN_CASES: Final = 4_096
_AT_ONCE: Final = 500
_FIRST_FREE: Final = 3
"""A case opens with two events: CaseOpened and DebtPlaced."""

# The positions of the cases are interleaved, as they are when many are worked on at once.
_PAST: Final = """
INSERT INTO case_events (originator_id, originator_version, topic, state,
                         actor_id, actor_role, command_id, causation)
SELECT c.id, v, 'DebtorMoved', %(state)s, 'collector-1', 'collector', %(command)s, 'bench'
  FROM unnest(%(ids)s::uuid[], %(lengths)s::bigint[]) AS c (id, length),
       generate_series(%(first)s, c.length) AS v
 ORDER BY v::float / c.length, c.id
"""
# Ids rise with time, as UUIDv7 do: each case came a little after the one before, ten events each.
_GROWN: Final = """
INSERT INTO case_events (originator_id, originator_version, topic, state,
                         actor_id, actor_role, command_id, causation {column})
SELECT (lpad(to_hex(1700000000000 + n / 10), 12, '0') || '70008000'
        || lpad(to_hex(n / 10), 12, '0'))::uuid,
       1 + n %% 10, 'DebtorMoved', %(state)s, 'collector-1', 'collector',
       (lpad(to_hex(1700000000000 + n / 10), 12, '0') || '70009000'
        || lpad(to_hex(n), 12, '0'))::uuid,
       'bench' {value}
  FROM generate_series(0, %(events)s - 1) AS n
"""
# Where the commands have a table of their own.
_GROWN_COMMANDS: Final = """
INSERT INTO commands (command_id, case_id, first_version, last_version, fingerprint)
SELECT command_id, originator_id, originator_version, originator_version, %(fingerprint)s
  FROM case_events WHERE causation = 'bench' ORDER BY notification_id
"""


def open_cases(server: Server, name: str, count: int = OPEN_CASES) -> str:
    """A new database with that many cases just opened."""
    server.create(name)
    dsn = server.dsn(name)
    migrate(dsn)
    _open(dsn, [new_id() for _ in range(count)])
    _settle(dsn)
    return name


def grown(server: Server, name: str, events: int) -> str:
    """A database with a past of so many events of ten to a case; the open cases are the newest."""
    server.create(name)
    dsn = server.dsn(name)
    migrate(dsn)
    given = {"events": events, "state": _state(), "fingerprint": bytes(32)}
    with psycopg.connect(dsn, autocommit=True) as connection:
        apart = connection.execute("SELECT FROM pg_tables WHERE tablename = 'commands'").fetchone()
        if apart is not None:
            connection.execute(_GROWN.format(column="", value="").encode(), given)
            connection.execute(_GROWN_COMMANDS.encode(), given)
        else:
            with_it = {"column": ", fingerprint", "value": ", %(fingerprint)s"}
            connection.execute(_GROWN.format(**with_it).encode(), given)
    _open(dsn, [new_id() for _ in range(OPEN_CASES)])
    _settle(dsn)
    return name


def histories(server: Server, name: str, lengths: Sequence[int]) -> list[UUID]:
    """A new database with cases of so many toy events each; their ids, in that order."""
    server.create(name)
    dsn = server.dsn(name)
    migrate(dsn)
    ids = [new_id() for _ in lengths]
    _open(dsn, ids)
    given = {
        "ids": ids,
        "lengths": list(lengths),
        "first": _FIRST_FREE,
        "state": _state(),
        "command": new_id(),
    }
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(_PAST.encode(), given)
    _settle(dsn)
    return ids


def live(dsn: str, count: int, commands: int, payload: Payload) -> list[UUID]:
    """Open cases in a database and let so many commands happen to each."""
    ids = [new_id() for _ in range(count)]
    _open(dsn, ids)

    async def run() -> None:
        with OurEngine(dsn, payload) as ours:
            lives = [islice(asks(payload), commands) for _ in ids]
            for step in zip(*lives, strict=True):
                await asyncio.gather(*map(ours.ask, ids, step))

    asyncio.run(run())
    return ids


def case_ids(dsn: str) -> list[UUID]:
    """The open cases of a database, in no telling order."""
    query = (
        "SELECT originator_id FROM case_events WHERE topic = 'CaseOpened' ORDER BY originator_id"
    )
    with psycopg.connect(dsn) as connection:
        return [row[0] for row in connection.execute(query).fetchall()]


def _open(dsn: str, ids: Sequence[UUID]) -> None:
    async def run() -> None:
        with OurEngine(dsn) as ours:
            for start in range(0, len(ids), _AT_ONCE):
                some = ids[start : start + _AT_ONCE]
                await asyncio.gather(*(ours.ask(case_id, opening()) for case_id in some))

    asyncio.run(run())


def _state() -> bytes:
    return msgspec.json.encode(TOY_EVENT)


def _settle(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
