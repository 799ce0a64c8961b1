"""The one statement that writes to the log."""

from collections.abc import Sequence
from typing import Final, Literal, NoReturn
from uuid import UUID

import msgspec
import psycopg
from psycopg import pq

from duecourse.case.context import Actor
from duecourse.store import wire
from duecourse.store.database import Connection

Mode = Literal["auto", "locked", "early"]
"""When the lock that orders writers is released: see append_events in 0003_group_commit.sql."""

_MODES: Final[dict[Mode, bytes]] = {
    "auto": (0).to_bytes(4),
    "locked": (1).to_bytes(4),
    "early": (2).to_bytes(4),
}
_NAME: Final = b"append_events"
_CALL: Final = b"SELECT * FROM append_events($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)"
_TYPES: Final = [
    wire.INT4,
    wire.INT4_ARRAY, wire.INT8_ARRAY, wire.TEXT_ARRAY, wire.BYTEA_ARRAY,
    wire.UUID_ARRAY, wire.UUID_ARRAY, wire.INT8_ARRAY, wire.BYTEA_ARRAY,
    wire.TEXT_ARRAY, wire.TEXT_ARRAY, wire.TEXT_ARRAY,
]  # fmt: skip
_BINARY: Final = [pq.Format.BINARY] * len(_TYPES)


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One command with its events, sealed and encoded: (topic, state) from `first_version` on."""

    command_id: UUID
    case_id: UUID
    first_version: int
    fingerprint: bytes
    actor: Actor
    causation: str
    events: tuple[tuple[str, bytes], ...]


class Verdict(msgspec.Struct, frozen=True):
    """`position` is that of the last event if appended. Those before it have the ones before it."""

    outcome: Literal["appended", "duplicate", "conflict"]
    position: int | None = None


class Written(msgspec.Struct, frozen=True):
    """A verdict per entry. Unless `on_disk`, none may be told before the log was flushed."""

    on_disk: bool
    verdicts: list[Verdict]


_CONFLICT: Final = Verdict("conflict")
_DUPLICATE: Final = Verdict("duplicate")


def append(connection: Connection, entries: Sequence[Entry], mode: Mode = "auto") -> Written:
    """Write a batch in one round trip and one transaction; say of each entry what became of it.

    At most one entry per case, and each command id at most once. Safe to repeat when the answer
    was lost: what was written the first time is then a duplicate.
    """
    parameters = parameters_of(entries, mode)
    pgconn = connection.pgconn
    return written(pgconn.exec_params(_CALL, parameters, _TYPES, _BINARY, pq.Format.BINARY))


def prepare(connection: Connection) -> None:
    """Once per session, before `send`."""
    result = connection.pgconn.prepare(_NAME, _CALL, _TYPES)
    if result.status != pq.ExecStatus.COMMAND_OK:
        _raise(result)


def send(connection: Connection, entries: Sequence[Entry], mode: Mode) -> None:
    """Begin to write on a non-blocking connection; `written` reads what comes back."""
    parameters = parameters_of(entries, mode)
    connection.pgconn.send_query_prepared(_NAME, parameters, _BINARY, pq.Format.BINARY)


def parameters_of(entries: Sequence[Entry], mode: Mode) -> list[bytes]:
    numbers: list[int] = []
    versions: list[int] = []
    topics: list[str] = []
    states: list[bytes] = []
    for number, entry in enumerate(entries, start=1):
        for version, (topic, state) in enumerate(entry.events, start=entry.first_version):
            numbers.append(number)
            versions.append(version)
            topics.append(topic)
            states.append(state)
    return [
        _MODES[mode],
        wire.int4_array(numbers),
        wire.int8_array(versions),
        wire.text_array(topics),
        wire.bytea_array(states),
        wire.uuid_array([entry.command_id.bytes for entry in entries]),
        wire.uuid_array([entry.case_id.bytes for entry in entries]),
        wire.int8_array([entry.first_version for entry in entries]),
        wire.bytea_array([entry.fingerprint for entry in entries]),
        wire.text_array([entry.actor.id for entry in entries]),
        wire.text_array([entry.actor.role for entry in entries]),
        wire.text_array([entry.causation for entry in entries]),
    ]


def written(result: pq.abc.PGresult) -> Written:
    """What the server answered. Raises the psycopg error it stands for."""
    if result.status != pq.ExecStatus.TUPLES_OK:
        _raise(result)
    on_disk, verdicts = result.get_value(0, 0), result.get_value(0, 1)
    assert verdicts is not None, "a batch has entries"
    return Written(on_disk == b"\x01", [_verdict(each) for each in wire.int8_values(verdicts)])


def _verdict(number: int) -> Verdict:
    if number > 0:
        return Verdict("appended", number)
    return _CONFLICT if number == 0 else _DUPLICATE


def _raise(result: pq.abc.PGresult) -> NoReturn:
    raise psycopg.errors.error_from_result(result)
