"""Reading the log: by case, by position, by command id."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

import msgspec

from duecourse.case.context import Actor
from duecourse.case.events import Event
from duecourse.case.words import Role
from duecourse.store.database import Database
from duecourse.store.mapper import Mapper
from duecourse.store.sealing import key_ids
from duecourse.store.vault import Vault

MAX_READ: Final = 10_000

_SELECT: Final = """
SELECT e.originator_id, e.originator_version, e.topic, e.state, e.notification_id, e.recorded_at,
       e.actor_id, e.actor_role, e.command_id, e.causation
  FROM case_events e
"""
_AFTER: Final = _SELECT + " WHERE e.notification_id > %s ORDER BY e.notification_id LIMIT %s"
_BOUND: Final = """
SELECT max(notification_id) FROM (
    SELECT notification_id FROM case_events
     WHERE notification_id > %s ORDER BY notification_id LIMIT %s) AS page
"""
_OF_PART: Final = (
    _SELECT
    + """
 WHERE e.notification_id > %s AND e.notification_id <= %s
   AND (uuid_hash(e.originator_id) & 2147483647) %% %s = %s
 ORDER BY e.notification_id
"""
)
_HISTORY: Final = (
    _SELECT
    + " WHERE e.originator_id = %s AND e.originator_version <= %s ORDER BY e.originator_version"
)
_TAILS: Final = (
    _SELECT
    + """
  JOIN unnest(%s::uuid[], %s::bigint[]) AS known (case_id, version)
    ON e.originator_id = known.case_id AND e.originator_version > known.version
 ORDER BY e.originator_id, e.originator_version
"""
)
# A command's events stand together in its case, and the first has the fingerprint.
_OF_COMMANDS: Final = (
    _SELECT
    + """
  JOIN case_events f ON f.originator_id = e.originator_id
   AND f.originator_version <= e.originator_version AND f.command_id = e.command_id
 WHERE f.command_id = ANY(%s::uuid[]) AND f.fingerprint IS NOT NULL
 ORDER BY e.originator_id, e.originator_version
"""
)
_ANSWERED: Final = """
SELECT command_id, fingerprint FROM case_events
 WHERE command_id = ANY(%s::uuid[]) AND fingerprint IS NOT NULL
"""
_LATEST: Final = 2**63 - 1


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


class EventLog:
    """Raises UnknownTopic, SealBroken or StateUnreadable where the log cannot be trusted."""

    def __init__(self, database: Database, vault: Vault, mapper: Mapper | None = None) -> None:
        self.database = database
        self.vault = vault
        self.mapper = mapper or Mapper(vault)

    def read(self, after: int, limit: int = 1000) -> list[Recorded]:
        """Up to `limit` events beyond the position `after`, in order and without a gap."""
        return self._recorded(_AFTER, (after, min(limit, MAX_READ)))

    def read_part(
        self, after: int, limit: int, part: int, parts: int
    ) -> tuple[int, list[Recorded]]:
        """Of the next `limit` events beyond `after` those of the cases in one part of `parts`.

        With the position up to which the log was looked through; `after` itself at the end.
        """
        ((bound,),) = self._rows(_BOUND, (after, min(limit, MAX_READ)))
        if bound is None:
            return after, []
        return bound, self._recorded(_OF_PART, (after, bound, parts, part))

    def history(self, case_id: UUID, until_version: int | None = None) -> list[Recorded]:
        until = _LATEST if until_version is None else until_version
        return self._recorded(_HISTORY, (case_id, until))

    def tails(self, known: Mapping[UUID, int]) -> dict[UUID, list[Recorded]]:
        """For each case, its events beyond the version known of it; in one read."""
        rows = self._recorded(_TAILS, (list(known), list(known.values())))
        return _grouped((each.case_id, each) for each in rows)

    def answered(self, command_ids: Sequence[UUID]) -> dict[UUID, bytes]:
        """The fingerprints of those of the commands that have been recorded."""
        return {
            command_id: bytes(fingerprint)
            for command_id, fingerprint in self._rows(_ANSWERED, (list(command_ids),))
        }

    def of_commands(self, command_ids: Sequence[UUID]) -> dict[UUID, list[Recorded]]:
        """The events that each command made."""
        rows = self._recorded(_OF_COMMANDS, (list(command_ids),))
        return _grouped((cast(UUID, each.command_id), each) for each in rows)

    def exists(self, case_id: UUID) -> bool:
        query = "SELECT FROM case_events WHERE originator_id = %s LIMIT 1"
        return bool(self._rows(query, (case_id,)))

    def last_position(self) -> int:
        """The position of the newest event; 0 for an empty log."""
        query = "SELECT coalesce(max(notification_id), 0) FROM case_events"
        return int(self._rows(query, ())[0][0])

    def _rows(self, query: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        # str: the queries are the constants above.
        return self.database.run(
            lambda connection: (
                connection.cursor(binary=True).execute(query.encode(), parameters).fetchall()
            )
        )

    def _recorded(self, query: str, parameters: Sequence[object]) -> list[Recorded]:
        rows = self._rows(query, parameters)
        wanted: set[int] = set()
        for row in rows:
            wanted |= key_ids(row[3])
        keys = self.vault.keys(wanted) if wanted else {}
        return [
            Recorded(
                case_id=case_id,
                version=version,
                position=position,
                recorded_at=recorded_at,
                actor=Actor(actor_id, cast(Role, actor_role)),
                command_id=command_id,
                causation=causation,
                event=self.mapper.open(case_id, version, topic, state, keys),
            )
            for (
                case_id, version, topic, state, position, recorded_at,
                actor_id, actor_role, command_id, causation,
            ) in rows
        ]  # fmt: skip


def _grouped(pairs: Iterable[tuple[UUID, Recorded]]) -> dict[UUID, list[Recorded]]:
    groups: dict[UUID, list[Recorded]] = {}
    for name, each in pairs:
        groups.setdefault(name, []).append(each)
    return groups
