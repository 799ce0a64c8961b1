"""The latest known state of the cases in use."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from uuid import UUID

import msgspec

from duecourse.case.events import Event
from duecourse.case.state import Case
from duecourse.store.append import MissedEvent
from duecourse.store.log import EventLog
from duecourse.store.sealing import key_ids

Evolve = Callable[[Case | None, Event], Case]


class Loaded(msgspec.Struct, frozen=True):
    """A case as it is after its first `version` events."""

    version: int
    case: Case


class States:
    """Folded states, kept for the cases read or changed last. One may be behind the log.

    None may be ahead of it: what another process wrote can be seen before it is on disk, and is
    gone if the server dies then. So nothing that was read before a new connection is kept.
    """

    def __init__(self, log: EventLog, evolve: Evolve, kept_cases: int) -> None:
        self._log = log
        self._database = log.database
        self._evolve = evolve
        self._kept_cases = kept_cases
        # By the numbers of the ids, which are hashed much faster than the ids themselves.
        self._kept: OrderedDict[int, Loaded] = OrderedDict()
        self._epoch = self._database.epoch
        self._forgotten = 0
        self._lock = threading.Lock()

    def kept(self, case_id: UUID) -> Loaded | None:
        if self._epoch != self._database.epoch:
            with self._lock:
                self._forget_what_may_be_lost()
        return self._kept.get(case_id.int)

    def keep(self, case_id: UUID, loaded: Loaded) -> None:
        """Keep a state unless a newer one is kept already."""
        with self._lock:
            self._forget_what_may_be_lost()
            number = case_id.int
            known = self._kept.get(number)
            if known is None or known.version < loaded.version:
                self._kept[number] = loaded
            self._kept.move_to_end(number)
            if len(self._kept) > self._kept_cases:
                self._kept.popitem(last=False)

    def drop(self, case_id: UUID) -> None:
        """What is kept is known to be wrong."""
        with self._lock:
            self._kept.pop(case_id.int, None)

    def forget(self) -> None:
        """After a connection was lost, and before there is another."""
        with self._lock:
            self._forgotten += 1
            self._kept.clear()

    def catch_up(self, case_id: UUID, loaded: Loaded | None, missed: Sequence[MissedEvent]) -> bool:
        """Keep the state with what was missed since, if that takes no question to the database.

        False if it does, or if something cannot be read: to `read` the case tells what.
        """
        try:
            events = self._opened(case_id, missed)
            if events:
                self.keep(case_id, self.after(loaded, events))
        except Exception:  # noqa: BLE001 - the reader meets it too
            return False
        return bool(events)

    def _opened(self, case_id: UUID, stored: Sequence[MissedEvent]) -> list[Event] | None:
        """None if a key is not at hand."""
        keys = self._log.vault.known_keys({key for each in stored for key in key_ids(each.state)})
        if keys is None:
            return None
        opened = self._log.mapper.open
        return [opened(case_id, each.version, each.topic, each.state, keys) for each in stored]

    def _forget_what_may_be_lost(self) -> None:
        if self._epoch != self._database.epoch:
            self._epoch = self._database.epoch
            self._kept.clear()

    def read(self, case_ids: Collection[UUID]) -> dict[UUID, Loaded]:
        """Bring the cases up to date with the log, in one read; the unknown ones are absent."""
        while True:
            began = (self._database.epoch, self._forgotten)
            found = self._read(case_ids)
            if (self._database.epoch, self._forgotten) == began:
                break
        for case_id, loaded in found.items():
            self.keep(case_id, loaded)
        return found

    def _read(self, case_ids: Collection[UUID]) -> dict[UUID, Loaded]:
        known = {case_id: self.kept(case_id) for case_id in case_ids}
        if not known:
            return {}
        versions = {case_id: loaded.version if loaded else 0 for case_id, loaded in known.items()}
        tails = self._log.tails(versions)
        found: dict[UUID, Loaded] = {}
        for case_id, loaded in known.items():
            tail = tails.get(case_id)
            latest = self.after(loaded, tail) if tail else loaded
            if latest is not None:
                found[case_id] = latest
        return found

    def after(self, loaded: Loaded | None, events: Collection[Event]) -> Loaded:
        """The state once `events`, at least one, have happened."""
        case = loaded.case if loaded else None
        version = (loaded.version if loaded else 0) + len(events)
        for event in events:
            case = self._evolve(case, event)
        assert case is not None, "there was at least one event"
        return Loaded(version, case)
