"""Brings followers up to date: batch by batch, part by part, around what cannot be followed."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
import psycopg

from duecourse import faults
from duecourse.store import parking, positions
from duecourse.store.backoff import Backoff
from duecourse.store.batches import Failures, Page, apply_around, read_case, read_page
from duecourse.store.database import Connection, Database, is_lost
from duecourse.store.durable import flush
from duecourse.store.engine import Engine
from duecourse.store.errors import StoreError, origin
from duecourse.store.follower import BATCH, Follower, traits_of
from duecourse.store.lag import Lag, is_quiet, lag_of
from duecourse.store.listener import Listener
from duecourse.store.log import EventLog, Recorded
from duecourse.store.parking import Failure, Parked
from duecourse.store.positions import Slot

_LONGEST_PAUSE: Final = 30.0
_RETRIES: Final = 20
"""Parked cases tried again between two batches, so that many of them do not delay the others."""

_Take = Callable[[Connection, str, UUID], Slot | None]

logger = logging.getLogger(__name__)


class UnknownFollower(StoreError):
    """There is no follower of that name."""


class NotParked(StoreError):
    """The follower has not parked this case, or another worker is at it just now."""


class StandsApart(StoreError):
    """The parts of a follower are too far from each other to be held at one position."""


class Retried(msgspec.Struct, frozen=True):
    """`failure` is None if the case has caught up with its `events`."""

    case_id: UUID
    events: int
    failure: Failure | None


class Skipped(msgspec.Struct, frozen=True):
    """The events of one case, up to `position`, that a follower gave up."""

    case_id: UUID
    versions: tuple[int, ...]
    topics: tuple[str, ...]
    position: int


class _Done(msgspec.Struct):
    """What one round did: events applied, and whether any position moved."""

    events: int = 0
    moved: bool = False


class Runner:
    """Any number of runners share the work, in as many processes; each part is done by one."""

    def __init__(
        self,
        database: Database,
        engine: Engine,
        followers: Sequence[Follower],
        *,
        batch: int = BATCH,
        from_start: Collection[str] = (),
    ) -> None:
        """`from_start` names followers with outside effects that are to run on history too."""
        names = [follower.name for follower in followers]
        if len(set(names)) != len(names):
            raise ValueError(f"two followers have the same name: {sorted(names)}")
        self._database = database
        self._log: EventLog = engine.log
        self._followers: Mapping[str, Follower] = {each.name: each for each in followers}
        self._batch = batch
        self._from_start = frozenset(from_start)
        self._settled: set[str] = set()
        self._trouble = {name: Backoff(_LONGEST_PAUSE) for name in names}
        self._away = Backoff(_LONGEST_PAUSE / 6)
        self._listener = Listener(database)
        self._own: Connection | None = None
        database.close_first(self.close)

    # --- following -----------------------------------------------------------------------------

    def run(self, stop: threading.Event, poll: float = 0.25) -> None:
        """Follow until `stop` is set; after a quiet moment look again every `poll` seconds."""
        try:
            while not stop.is_set():
                if not self._round().moved:
                    self.wait(poll)
        finally:
            self.close()

    def run_once(self) -> int:
        """Give every part of every follower its next batch; return how many events were applied.

        A follower that fails as a whole is logged and left alone for a while; the others go on.
        """
        return self._round().events

    def catch_up(self) -> int:
        """Go on until every follower that works has reached the end of the log."""
        total = 0
        while True:
            done = self._round()
            total += done.events
            if not done.moved:
                if not self._behind():
                    return total
                # Another worker has the part; let it finish.
                time.sleep(0.02)

    def wait(self, timeout: float) -> None:
        """Return when something was written, or after `timeout` seconds: the hint may be lost."""
        self._listener.wait(timeout)

    def close(self) -> None:
        """Give the connections back. The runner may be used again."""
        self._listener.close()
        if self._own is not None:
            self._own.close()
            self._own = None

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """On a connection of our own: the pool's have prepared what a rollback would throw away."""
        if self._own is None or self._own.closed:
            self._own = self._database.connect()
        with self._own.transaction():
            yield self._own

    def lag(self) -> list[Lag]:
        """How far each part of each follower is behind."""
        return self._database.run(
            lambda connection: lag_of(connection, list(self._followers.values()))
        )

    def is_quiet(self, now: datetime) -> bool:
        """Tell whether all events are followed and no timer is due, both at one moment."""
        return self._database.run(
            lambda connection: is_quiet(connection, list(self._followers.values()), now)
        )

    def _behind(self) -> bool:
        """Whether a follower that works has something left to do."""
        slots, last, _ = self._database.run(self._survey)
        return any(
            slot.position < last
            for name, parts in slots.items()
            if self._trouble[name].failures == 0
            for slot in parts
        )

    def _survey(self, connection: Connection) -> tuple[dict[str, list[Slot]], int, set[str]]:
        """Where everybody is, where the log ends, and who has a parked case to try again."""
        names = list(self._followers)
        return (
            positions.slots_of(connection, names),
            positions.end_of_log(connection),
            parking.with_due(connection, names),
        )

    def _round(self) -> _Done:
        done = _Done()
        if not self._away.is_over:
            return done
        try:
            # It also rids the pool of the connections that an outage has broken.
            slots, last, due = self._database.run(self._survey)
        except Exception as error:
            if not is_lost(error):
                raise
            pause = self._away.failed()
            logger.warning("database away", extra={"retry_in_seconds": pause})
            return done
        self._away.succeeded()
        for name, follower in self._followers.items():
            if self._trouble[name].is_over:
                self._follow(follower, slots.get(name, []), last, done)
                if name in due:
                    self._retry_due(follower, done)
        return done

    def _follow(self, follower: Follower, slots: list[Slot], last: int, done: _Done) -> None:
        """One batch for each part that is behind and that nobody else has."""
        part = 0
        try:
            if self._is_to_settle(follower, slots):
                slots = self._settle(follower)
            for slot in slots:
                part = slot.part
                if slot.position < last:
                    self._next_batch(follower, part, done)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other followers go on
            self._failed(follower, part, error)
        else:
            self._trouble[follower.name].succeeded()

    def _failed(self, follower: Follower, part: int, error: Exception) -> None:
        trouble = self._trouble[follower.name]
        pause = trouble.failed()
        logger.error(
            "follower failed",
            extra={
                "follower": follower.name,
                "part": part,
                "failures": trouble.failures,
                "retry_in_seconds": pause,
                "error": origin(error),
            },
        )
        if is_lost(error):
            return
        with suppress(psycopg.Error, StoreError), self._database.connection() as connection:
            positions.note_error(connection, follower.name, part, origin(error))

    def _next_batch(self, follower: Follower, part: int, done: _Done) -> None:
        with self._transaction() as connection:
            slot = positions.take(connection, follower.name, part)
            if slot is not None:
                page = read_page(self._log, slot.position, self._batch, slot.part, slot.parts)
                faults.reach("follower.read")
                done.events += self._apply(connection, follower, slot, page)
                done.moved |= page.bound > slot.position
                faults.reach("follower.applied")
        faults.reach("follower.committed")

    def _apply(self, connection: Connection, follower: Follower, slot: Slot, page: Page) -> int:
        """Apply a page and move past it; the caller holds the part and commits."""
        name = follower.name
        if page.bound == slot.position:
            return 0
        cases = {each.case_id for each in page.events} | page.failures.keys()
        parked = parking.among(connection, name, cases)
        events = [each for each in page.events if each.case_id not in parked]
        # An event that cannot be read comes after those of its case that can.
        failures = {**page.failures, **self._hand_over(follower, connection, events)}
        self._park(connection, name, [failures[each] for each in failures.keys() - parked])
        positions.move(connection, name, slot.part, page.bound)
        first_lost = {case_id: failure.position for case_id, failure in failures.items()}
        return sum(each.position < first_lost.get(each.case_id, page.bound + 1) for each in events)

    def _hand_over(
        self, follower: Follower, connection: Connection, events: Sequence[Recorded]
    ) -> Failures:
        if events and traits_of(follower).outside:
            # What the world is told must still be true after a crash of the server.
            self._database.run(flush)
            # Peers may be slow, and the server would end a transaction that waits for them.
            connection.execute("SET LOCAL idle_in_transaction_session_timeout = '10min'")
        return apply_around(follower, connection, events)

    def _park(self, connection: Connection, name: str, failures: Sequence[Failure]) -> None:
        if failures:
            parking.park(connection, name, failures)
        for each in failures:
            _log_parked(name, each)

    # --- the rows of a follower ----------------------------------------------------------------

    def _is_to_settle(self, follower: Follower, slots: Sequence[Slot]) -> bool:
        """Once per runner, so that an older and a newer release beside each other do not quarrel."""
        if slots and slots[0].parts == traits_of(follower).parts:
            self._settled.add(follower.name)
        return not slots or follower.name not in self._settled

    def _settle(self, follower: Follower) -> list[Slot]:
        """Make the rows be as many as the follower has parts; return those there are now.

        The parts are brought to one position first, so that every event still counts once.
        """
        wanted = traits_of(follower).parts
        name = follower.name
        with self._transaction() as connection:
            slots = positions.take_all(connection, name)
            if not slots:
                at = self._beginning(connection, follower)
            elif slots[0].parts == wanted:
                self._settled.add(name)
                return slots
            elif _spread(slots) > self._batch:
                # Too far apart to be brought together under one lock; as yet, go on as it was.
                return slots
            else:
                at = self._level(connection, follower, slots)
            positions.cut(connection, name, wanted, at)
        self._settled.add(name)
        return [Slot(part, wanted, at) for part in range(wanted)]

    def _beginning(self, connection: Connection, follower: Follower) -> int:
        """What has effects elsewhere does not repeat history."""
        if traits_of(follower).outside and follower.name not in self._from_start:
            return positions.end_of_log(connection)
        return 0

    def stand_still(self, connection: Connection, name: str) -> int:
        """Hold a follower until the end of the transaction, all of it at the position returned.

        Raises StandsApart when its parts cannot be brought together at once.
        """
        follower = self.named(name)
        slots = positions.take_all(connection, name)
        if _spread(slots) > self._batch:
            raise StandsApart(f"the parts of {name} are far from each other; let it catch up first")
        return self._level(connection, follower, slots)

    def _level(self, connection: Connection, follower: Follower, slots: Sequence[Slot]) -> int:
        """Bring all parts to the position of the foremost; the caller holds them all."""
        target = max((slot.position for slot in slots), default=0)
        for slot in slots:
            at = slot
            while at.position < target:
                page = read_page(self._log, at.position, self._batch, at.part, at.parts)
                page = page.until(target)
                self._apply(connection, follower, at, page)
                at = Slot(at.part, at.parts, page.bound)
        return target

    # --- parked cases --------------------------------------------------------------------------

    def parked(self, name: str) -> list[Parked]:
        """The cases that a follower has set aside, the one that waits longest first."""
        self.named(name)
        return self._database.run(lambda connection: parking.all_of(connection, name))

    def retry(self, name: str, case_id: UUID | None = None) -> list[Retried]:
        """Try a parked case again now, or all of them. Raises NotParked for a case that is not."""
        follower = self.named(name)
        waiting = [each.case_id for each in self.parked(name)] if case_id is None else [case_id]
        tried = [self._retry(follower, each, self._take_patiently) for each in waiting]
        if case_id is not None and tried == [None]:
            raise NotParked(f"{name} has not parked the case {case_id}")
        return [each for each in tried if each is not None]

    def skipping(self, name: str, case_id: UUID) -> Skipped:
        """What `skip` would give up now. Raises NotParked."""
        self.named(name)
        with self._transaction() as connection:
            return self._skipped(connection, name, case_id)

    def skip(self, name: str, case_id: UUID) -> Skipped:
        """Give up what waits of a parked case; its later events are followed. Raises NotParked."""
        self.named(name)
        with self._transaction() as connection:
            skipped = self._skipped(connection, name, case_id)
            parking.release(connection, name, case_id)
        logger.warning(
            "events skipped",
            extra={"follower": name, "case_id": str(case_id), "events": len(skipped.versions)},
        )
        return skipped

    def restart(self, name: str) -> None:
        """Let a follower begin again with the first event; what it has parked is forgotten."""
        follower = self.named(name)
        with self._transaction() as connection:
            positions.take_all(connection, name)
            parking.release_all(connection, name)
            positions.cut(connection, name, traits_of(follower).parts, 0)

    def named(self, name: str) -> Follower:
        """Raises UnknownFollower."""
        if name not in self._followers:
            known = ", ".join(sorted(self._followers))
            raise UnknownFollower(f"there is no follower {name!r}; there are: {known}")
        return self._followers[name]

    def _skipped(self, connection: Connection, name: str, case_id: UUID) -> Skipped:
        slot = self._take_patiently(connection, name, case_id)
        parked = parking.find(connection, name, case_id)
        if slot is None or parked is None:
            raise NotParked(f"{name} has not parked the case {case_id}")
        rows = parking.waiting(connection, parked, slot.position)
        return Skipped(
            case_id=case_id,
            versions=tuple(version for version, _ in rows),
            topics=tuple(topic for _, topic in rows),
            position=slot.position,
        )

    def _retry_due(self, follower: Follower, done: _Done) -> None:
        try:
            due = self._database.run(
                lambda connection: parking.due(connection, follower.name, _RETRIES)
            )
            for case_id in due:
                tried = self._retry(follower, case_id, positions.take_part_of)
                done.events += tried.events if tried else 0
        except Exception as error:  # noqa: BLE001 - whatever it is, the other followers go on
            self._failed(follower, 0, error)

    def _retry(self, follower: Follower, case_id: UUID, take: _Take) -> Retried | None:
        """Let a parked case catch up with its follower; None if there is nothing to be done."""
        name = follower.name
        with self._transaction() as connection:
            slot = take(connection, name, case_id)
            parked = parking.find(connection, name, case_id) if slot else None
            if slot is None or parked is None:
                return None
            page = read_case(self._log, case_id, parked.version, slot.position)
            failed = self._hand_over(follower, connection, page.events)
            failure = failed.get(case_id) or page.failures.get(case_id)
            if failure is None:
                parking.release(connection, name, case_id)
            else:
                parking.again(connection, name, failure)
        if failure is not None:
            _log_parked(name, failure)
            applied = sum(each.position < failure.position for each in page.events)
            return Retried(case_id, applied, failure)
        logger.info("case caught up", extra={"follower": name, "case_id": str(case_id)})
        return Retried(case_id, len(page.events), None)

    @staticmethod
    def _take_patiently(connection: Connection, name: str, case_id: UUID) -> Slot | None:
        """For a person at the terminal: wait for the worker that is at it."""
        positions.take_all(connection, name)
        return positions.take_part_of(connection, name, case_id)


def _spread(slots: Sequence[Slot]) -> int:
    reached = [slot.position for slot in slots]
    return max(reached, default=0) - min(reached, default=0)


def _log_parked(name: str, failure: Failure) -> None:
    logger.error(
        "case parked",
        extra={
            "follower": name,
            "case_id": str(failure.case_id),
            "position": failure.position,
            "error": failure.error,
        },
    )
