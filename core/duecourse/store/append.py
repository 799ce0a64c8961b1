"""The one statement that writes to the log."""

from collections.abc import Iterator, Sequence
from typing import Final, Literal
from uuid import UUID

import msgspec
from psycopg import pq

from duecourse.case.context import Actor
from duecourse.store import wire
from duecourse.store.database import Connection, failure

Mode = Literal["auto", "locked", "early"]
"""When the lock that orders writers is released: see append_events in 0005_missed_events.sql."""

_MODES: Final[dict[Mode, bytes]] = {
    "auto": (0).to_bytes(4),
    "locked": (1).to_bytes(4),
    "early": (2).to_bytes(4),
}
_NAME: Final = b"append_events"
_TYPES: Final = [
    wire.INT4,
    wire.UUID_ARRAY, wire.UUID_ARRAY, wire.INT8_ARRAY,
    wire.INT4_ARRAY, wire.UUID_ARRAY, wire.INT8_ARRAY, wire.TEXT_ARRAY, wire.BYTEA_ARRAY,
    wire.UUID_ARRAY, wire.BYTEA_ARRAY, wire.TEXT_ARRAY, wire.TEXT_ARRAY, wire.TEXT_ARRAY,
]  # fmt: skip
_CALL: Final = b"SELECT * FROM append_events($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14)"
_BINARY: Final = [pq.Format.BINARY] * len(_TYPES)


class Entry(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One command with its events, sealed and encoded: (topic, state) from `first_version` on.

    The fingerprint is not empty: it is what marks the first event of a command.
    """

    command_id: UUID
    case_id: UUID
    first_version: int
    fingerprint: bytes
    actor: Actor
    causation: str
    events: tuple[tuple[str, bytes], ...]


class MissedEvent(msgspec.Struct, frozen=True, gc=False):
    """An event as it is stored, which whoever made the entry did not know of."""

    version: int
    topic: str
    state: bytes


class Verdict(msgspec.Struct, frozen=True):
    """`position` is that of the last event if appended. Those before it have the ones before it.

    `missed`, if there was a conflict: all events of the case from the entry's first version on.
    None at all, if they were too many, or there are none as the case is not that far yet.
    """

    outcome: Literal["appended", "duplicate", "conflict"]
    position: int | None = None
    missed: tuple[MissedEvent, ...] = ()


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
    result = pgconn.exec_params(_CALL, parameters, _TYPES, _BINARY, pq.Format.BINARY)
    return written(result, entries)


def prepare(connection: Connection) -> None:
    """Once per session, before `send`."""
    result = connection.pgconn.prepare(_NAME, _CALL, _TYPES)
    if result.status != pq.ExecStatus.COMMAND_OK:
        raise failure(result)


def send(connection: Connection, entries: Sequence[Entry], mode: Mode) -> None:
    """Begin to write on a non-blocking connection; `written` reads what comes back."""
    parameters = parameters_of(entries, mode)
    connection.pgconn.send_query_prepared(_NAME, parameters, _BINARY, pq.Format.BINARY)


def parameters_of(entries: Sequence[Entry], mode: Mode) -> list[bytes]:
    case_ids = [entry.case_id.bytes for entry in entries]
    command_ids = [entry.command_id.bytes for entry in entries]
    return [
        _MODES[mode],
        wire.uuid_array(command_ids),
        wire.uuid_array(case_ids),
        wire.int8_array([entry.first_version for entry in entries]),
        *_rows(entries, case_ids, command_ids),
    ]


def _rows(
    entries: Sequence[Entry], case_ids: Sequence[bytes], command_ids: Sequence[bytes]
) -> Iterator[bytes]:
    """The columns of the rows to be written."""
    counts = [len(entry.events) for entry in entries]
    numbers = [number for number, count in enumerate(counts, 1) for _ in range(count)]
    yield wire.int4_array(numbers)
    yield wire.uuid_array([case_ids[number - 1] for number in numbers])
    yield wire.int8_array(
        [entry.first_version + n for entry in entries for n in range(len(entry.events))]
    )
    yield wire.text_array([topic for entry in entries for topic, _ in entry.events])
    yield wire.bytea_array([state for entry in entries for _, state in entry.events])
    yield wire.uuid_array([command_ids[number - 1] for number in numbers])
    yield wire.bytea_array(
        [b"" if n else entry.fingerprint for entry in entries for n in range(len(entry.events))]
    )
    yield wire.text_array([entries[number - 1].actor.id for number in numbers])
    yield wire.text_array([entries[number - 1].actor.role for number in numbers])
    yield wire.text_array([entries[number - 1].causation for number in numbers])


def written(result: pq.abc.PGresult, entries: Sequence[Entry]) -> Written:
    """What the server answered. Raises the psycopg error it stands for."""
    if result.status != pq.ExecStatus.TUPLES_OK:
        raise failure(result)
    on_disk, first, verdicts, *missed = (result.get_value(0, column) for column in range(7))
    codes = wire.int4_values(verdicts) if verdicts is not None else [_APPENDED] * len(entries)
    position = int.from_bytes(first) - 1 if first is not None else 0
    answers: list[Verdict] = []
    for code, entry in zip(codes, entries, strict=True):
        if code == _APPENDED:
            position += len(entry.events)
            answers.append(Verdict("appended", position))
        else:
            answers.append(_CONFLICT if code == 0 else _DUPLICATE)
    for number, events in _missed(missed).items():
        answers[number - 1] = Verdict("conflict", missed=tuple(events))
    return Written(on_disk == b"\x01", answers)


_APPENDED: Final = 1


def _missed(columns: Sequence[bytes | None]) -> dict[int, list[MissedEvent]]:
    """The missed events by the number of the entry, from the last columns of the answer."""
    missed: dict[int, list[MissedEvent]] = {}
    arrays = [wire.values(column) for column in columns if column is not None]
    for number, version, topic, state in zip(*arrays, strict=True):
        event = MissedEvent(int.from_bytes(version), topic.decode(), state)
        missed.setdefault(int.from_bytes(number), []).append(event)
    return missed
