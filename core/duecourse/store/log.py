"""Reading the log: by case, by position, by command id."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar, cast
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import pq

from duecourse.case.context import Actor
from duecourse.case.events import Event
from duecourse.case.words import Role
from duecourse.store import wire
from duecourse.store.database import Database, Statement
from duecourse.store.errors import HistoryBroken
from duecourse.store.mapper import Mapper
from duecourse.store.sealing import key_ids
from duecourse.store.vault import Vault

V = TypeVar("V")

MAX_READ: Final = 10_000
PAGE: Final = 5_000
MOST_KNOWN: Final = 200_000
_LATEST: Final = 2**63 - 1
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)

# The first four columns are what a state is folded from.
_FOLDED: Final = b"SELECT e.originator_id, e.originator_version, e.topic, e.state"
_WHOLE: Final = (
    _FOLDED
    + b", e.notification_id, e.recorded_at, e.actor_id, e.actor_role, e.command_id, e.causation"
)
_META: Final = (1, 4, 5, 6, 7, 8, 9)
_FROM: Final = b" FROM case_events e"

_AFTER: Final = Statement(
    b"log_after",
    _WHOLE + _FROM + b" WHERE e.notification_id > $1 ORDER BY e.notification_id LIMIT $2",
    (wire.INT8, wire.INT8),
)
_PAGE_AFTER: Final = Statement(
    b"log_page",
    _FOLDED
    + b", e.notification_id"
    + _FROM
    + b" WHERE e.notification_id > $1 ORDER BY e.notification_id LIMIT $2",
    (wire.INT8, wire.INT8),
)
_BOUND: Final = Statement(
    b"log_bound",
    b"SELECT max(notification_id) FROM (SELECT notification_id FROM case_events"
    b" WHERE notification_id > $1 ORDER BY notification_id LIMIT $2) AS page",
    (wire.INT8, wire.INT8),
)
_OF_PART: Final = Statement(
    b"log_of_part",
    _WHOLE + _FROM + b" WHERE e.notification_id > $1 AND e.notification_id <= $2"
    b" AND (uuid_hash(e.originator_id) & 2147483647) % $3 = $4 ORDER BY e.notification_id",
    (wire.INT8, wire.INT8, wire.INT8, wire.INT8),
)
_HISTORY: Final = Statement(
    b"log_history",
    _WHOLE
    + _FROM
    + b" WHERE e.originator_id = $1 AND e.originator_version <= $2 ORDER BY e.originator_version",
    (wire.UUID, wire.INT8),
)
_TAIL: Final = Statement(
    b"log_tail",
    _FOLDED
    + _FROM
    + b" WHERE e.originator_id = $1 AND e.originator_version > $2 ORDER BY e.originator_version",
    (wire.UUID, wire.INT8),
)
_TAILS: Final = Statement(
    b"log_tails",
    _FOLDED + b" FROM unnest($1, $2) AS known (case_id, version) JOIN case_events e"
    b" ON e.originator_id = known.case_id AND e.originator_version > known.version"
    b" ORDER BY e.originator_id, e.originator_version",
    (wire.UUID_ARRAY, wire.INT8_ARRAY),
)
# A command's events stand together in its case, and the first has the fingerprint.
_OF_COMMANDS: Final = Statement(
    b"log_of_commands",
    _WHOLE + b" FROM unnest($1) AS asked (command_id) JOIN case_events f"
    b" ON f.command_id = asked.command_id AND f.fingerprint IS NOT NULL JOIN case_events e"
    b" ON e.originator_id = f.originator_id AND e.originator_version >= f.originator_version"
    b" AND e.command_id = f.command_id ORDER BY e.originator_id, e.originator_version",
    (wire.UUID_ARRAY,),
)
_ANSWERED: Final = Statement(
    b"log_answered",
    b"SELECT command_id, fingerprint FROM case_events"
    b" WHERE command_id = ANY($1) AND fingerprint IS NOT NULL",
    (wire.UUID_ARRAY,),
)
_EXISTS: Final = Statement(
    b"log_exists", b"SELECT true FROM case_events WHERE originator_id = $1 LIMIT 1", (wire.UUID,)
)
_LAST: Final = Statement(
    b"log_last", b"SELECT coalesce(max(notification_id), 0) FROM case_events", ()
)


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """An event as the log has it. `position` orders all events of all cases."""

    case_id: UUID
    version: int
    position: int
    recorded_at: datetime
    actor: Actor
    command_id: UUID | None
    causation: str
    event: Event


class Page(msgspec.Struct, frozen=True):
    """Events in the order of the log, with the cases they are of; `last` is a position."""

    case_ids: list[UUID]
    events: list[Event]
    last: int


class EventLog:
    """Raises UnknownTopic, SealBroken, StateUnreadable or HistoryBroken where it cannot be trusted."""

    def __init__(self, database: Database, vault: Vault, mapper: Mapper | None = None) -> None:
        self.database = database
        self.vault = vault
        self.mapper = mapper or Mapper(vault)
        self._plain: dict[bytes, type[Event] | None] = {}

    # --- by position ---------------------------------------------------------------------------

    def read(self, after: int, limit: int = 1000) -> list[Recorded]:
        """Up to `limit` events beyond the position `after`, in order and without a gap."""
        return self._recorded(self._fetch(_AFTER, after, min(limit, MAX_READ)))

    def read_part(
        self, after: int, limit: int, part: int, parts: int
    ) -> tuple[int, list[Recorded]]:
        """Of the next `limit` events beyond `after` those of the cases in one part of `parts`.

        With the position up to which the log was looked through; `after` itself at the end.
        """
        bound = self._fetch(_BOUND, after, min(limit, MAX_READ)).get_value(0, 0)
        if bound is None:
            return after, []
        until = int.from_bytes(bound)
        return until, self._recorded(self._fetch(_OF_PART, after, until, parts, part))

    def pages(self, after: int = 0) -> Iterator[Page]:
        """All events beyond `after`, for folding. The next page is fetched while one is in use."""
        known: dict[bytes, UUID] = {}
        with ThreadPoolExecutor(1, "duecourse-pages") as ahead:
            coming = ahead.submit(self._fetch, _PAGE_AFTER, after, PAGE)
            while (rows := coming.result()).ntuples:
                last = _number(rows, rows.ntuples - 1, 4)
                coming = ahead.submit(self._fetch, _PAGE_AFTER, last, PAGE)
                yield Page(_case_ids(rows, known), self._events(rows), last)
                if len(known) > MOST_KNOWN:
                    known.clear()

    def last_position(self) -> int:
        """The position of the newest event; 0 for an empty log."""
        return _number(self.database.fetch(_LAST), 0, 0)

    # --- by case -------------------------------------------------------------------------------

    def history(self, case_id: UUID, until_version: int | None = None) -> list[Recorded]:
        until = _LATEST if until_version is None else until_version
        rows = self.database.fetch(_HISTORY, case_id.bytes, until.to_bytes(8))
        if rows.ntuples:
            _check_whole(case_id, 0, rows.ntuples, _number(rows, rows.ntuples - 1, 1))
        return self._recorded(rows)

    def tails(self, known: Mapping[UUID, int]) -> dict[UUID, list[Event]]:
        """For each case, its events beyond the version known of it; in one read."""
        if len(known) == 1:
            ((case_id, version),) = known.items()
            rows = self.database.fetch(_TAIL, case_id.bytes, version.to_bytes(8))
            if not rows.ntuples:
                return {}
            _check_whole(case_id, version, rows.ntuples, _number(rows, rows.ntuples - 1, 1))
            return {case_id: self._events(rows)}
        asked = wire.uuid_array([case_id.bytes for case_id in known])
        rows = self.database.fetch(_TAILS, asked, wire.int8_array([*known.values()]))
        case_ids = _case_ids(rows)
        found = _grouped(zip(case_ids, self._events(rows), strict=True))
        last = {case_id: row for row, case_id in enumerate(case_ids)}
        for case_id, events in found.items():
            _check_whole(case_id, known[case_id], len(events), _number(rows, last[case_id], 1))
        return found

    def exists(self, case_id: UUID) -> bool:
        return self.database.fetch(_EXISTS, case_id.bytes).ntuples > 0

    # --- by command ----------------------------------------------------------------------------

    def answered(self, command_ids: Sequence[UUID]) -> dict[UUID, bytes]:
        """The fingerprints of those of the commands that have been recorded."""
        rows = self.database.fetch(_ANSWERED, wire.uuid_array([each.bytes for each in command_ids]))
        return {
            UUID(bytes=_bytes(rows, row, 0)): _bytes(rows, row, 1) for row in range(rows.ntuples)
        }

    def of_commands(self, command_ids: Sequence[UUID]) -> dict[UUID, list[Recorded]]:
        """The events that each command made."""
        asked = wire.uuid_array([each.bytes for each in command_ids])
        recorded = self._recorded(self.database.fetch(_OF_COMMANDS, asked))
        return _grouped((cast(UUID, each.command_id), each) for each in recorded)

    # --- from rows -----------------------------------------------------------------------------

    def _fetch(self, statement: Statement, *numbers: int) -> pq.abc.PGresult:
        return self.database.fetch(statement, *[number.to_bytes(8) for number in numbers])

    def _events(self, rows: pq.abc.PGresult) -> list[Event]:
        """The events of rows that begin as _FOLDED says."""
        count, get = rows.ntuples, rows.get_value
        topics = cast("list[bytes]", [get(row, 2) for row in range(count)])
        kinds = {topic: self._plain_class(topic) for topic in set(topics)}
        if None not in kinds.values():
            return self._plain_events(rows, range(count), [kinds[topic] for topic in topics])
        plain = [row for row, topic in enumerate(topics) if kinds[topic] is not None]
        sealed = [row for row, topic in enumerate(topics) if kinds[topic] is None]
        opened = iter(self._plain_events(rows, plain, [kinds[topics[row]] for row in plain]))
        unsealed = iter(self._unsealed(rows, sealed))
        return [next(unsealed if kinds[topic] is None else opened) for topic in topics]

    def _plain_class(self, topic: bytes) -> type[Event] | None:
        if topic not in self._plain:
            self._plain[topic] = self.mapper.plain_class(topic)
        return self._plain[topic]

    def _plain_events(
        self, rows: pq.abc.PGresult, which: Sequence[int], kinds: Sequence[type[Event] | None]
    ) -> list[Event]:
        """Those with nothing sealed, all in one go: a call for each costs more than its work."""
        get = rows.get_value
        try:
            events = self.mapper.open_plain(cast("list[bytes]", [get(row, 3) for row in which]))
        except msgspec.MsgspecError:
            events = []
        if list(map(type, events)) == kinds:
            return events
        # One of them is not what its topic says. The mapper says which.
        return [self._open(rows, row, {}) for row in which]

    def _unsealed(self, rows: pq.abc.PGresult, which: Sequence[int]) -> list[Event]:
        """Those that need keys, which are fetched together."""
        wanted: set[int] = set()
        for row in which:
            wanted |= key_ids(_bytes(rows, row, 3))
        keys = self.vault.keys(wanted) if wanted else {}
        return [self._open(rows, row, keys) for row in which]

    def _open(self, rows: pq.abc.PGresult, row: int, keys: Mapping[int, AESGCM]) -> Event:
        case_id, topic = UUID(bytes=_bytes(rows, row, 0)), _bytes(rows, row, 2).decode()
        return self.mapper.open(case_id, _number(rows, row, 1), topic, _bytes(rows, row, 3), keys)

    def _recorded(self, rows: pq.abc.PGresult) -> list[Recorded]:
        """Of rows as _WHOLE has them. Column by column, as a call for each value costs the most."""
        count, get = rows.ntuples, rows.get_value
        columns = [cast("list[bytes]", [get(row, at) for row in range(count)]) for at in _META]
        versions, positions, moments, actors, roles, commands, causations = columns
        texts = {each: each.decode() for each in {*actors, *roles, *causations}}
        people = {
            (actor, role): Actor(texts[actor], cast(Role, texts[role]))
            for actor, role in set(zip(actors, roles, strict=True))
        }
        ids = {each: UUID(bytes=each) for each in filter(None, set(commands))}
        number = int.from_bytes
        return [
            Recorded(
                case_id=case_id,
                version=number(version),
                position=number(position),
                recorded_at=_EPOCH + timedelta(microseconds=number(moment, signed=True)),
                actor=people[actor, role],
                command_id=ids.get(command_id),
                causation=texts[causation],
                event=event,
            )
            for case_id, event, version, position, moment, actor, role, command_id, causation in zip(
                _case_ids(rows), self._events(rows), versions, positions, moments, actors, roles,
                commands, causations, strict=True,
            )
        ]  # fmt: skip


def _check_whole(case_id: UUID, known: int, count: int, last: int) -> None:
    """No event between the version that is known and the last one may be missing."""
    if last - known != count:
        raise HistoryBroken(
            f"case {case_id}: of its events {known + 1} to {last} only {count} are in the log;"
            " compare it with a backup"
        )


def _bytes(rows: pq.abc.PGresult, row: int, column: int) -> bytes:
    value = rows.get_value(row, column)
    assert value is not None, "the column is NOT NULL"
    return value


def _number(rows: pq.abc.PGresult, row: int, column: int) -> int:
    return int.from_bytes(_bytes(rows, row, column), signed=True)


def _case_ids(rows: pq.abc.PGresult, known: dict[bytes, UUID] | None = None) -> list[UUID]:
    """Of the first column; the same case is the same object, as far as it is `known`."""
    get = rows.get_value
    ids = cast("list[bytes]", [get(row, 0) for row in range(rows.ntuples)])
    known = {} if known is None else known
    for new in set(ids) - known.keys():
        known[new] = UUID(bytes=new)
    return [known[each] for each in ids]


def _grouped(pairs: Iterable[tuple[UUID, V]]) -> dict[UUID, list[V]]:
    groups: dict[UUID, list[V]] = {}
    for name, each in pairs:
        groups.setdefault(name, []).append(each)
    return groups
