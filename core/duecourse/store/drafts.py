"""What was decided and is not written yet."""

from collections import deque
from typing import Final, Protocol
from uuid import UUID

import msgspec

from duecourse.case.errors import CaseError
from duecourse.case.events import Event
from duecourse.store.answers import Outcome
from duecourse.store.append import Entry
from duecourse.store.states import Loaded
from duecourse.store.tasks import Task

MAX_BATCH: Final = 5_000
MAX_BATCH_BYTES: Final = 16_000_000


class Draft(msgspec.Struct, frozen=True, gc=False):
    """What a command makes happen, before it has."""

    task: Task
    before: Loaded | None
    events: tuple[Event, ...]
    subject_id: UUID


class Decider(Protocol):
    """The pure part of the work, and the sealing of what comes of it."""

    def draft(self, task: Task, before: Loaded | None) -> Draft | Outcome | CaseError: ...

    def entry(self, draft: Draft) -> Entry | CaseError | None:
        """What to write; None if the key of the subject is not at hand."""
        ...


Ready = tuple[Draft, Entry]


class Batches:
    """Drafts that are ready to be written, cut into what goes together."""

    def __init__(self) -> None:
        self._together: deque[Ready] = deque()
        self._alone: deque[Ready] = deque()

    def __bool__(self) -> bool:
        return bool(self._together or self._alone)

    def add(self, draft: Draft, entry: Entry) -> None:
        (self._alone if draft.task.alone else self._together).append((draft, entry))

    def next(self) -> list[Ready]:
        if self._alone:
            return [self._alone.popleft()]
        batch: list[Ready] = []
        room = MAX_BATCH_BYTES
        while self._together and len(batch) < MAX_BATCH and room > 0:
            ready = self._together.popleft()
            room -= sum(len(state) for _, state in ready[1].events)
            batch.append(ready)
        return batch

    def take_back(self) -> list[Task]:
        """The tasks of all of them, none of which is to be written."""
        tasks = [draft.task for draft, _ in (*self._alone, *self._together)]
        self._alone.clear()
        self._together.clear()
        return tasks
