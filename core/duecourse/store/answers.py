"""Ways back to whoever asked: a thread that waits for it, or a coroutine on its loop."""

import asyncio
import contextlib
import threading
import weakref
from typing import Protocol
from uuid import UUID

import msgspec

from duecourse.case.errors import CaseError
from duecourse.case.events import Event
from duecourse.store.errors import StoreError


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a command did. `position` is that of its last event, None if it had none to record.

    `repeated` means that the command was recorded before: this is the first answer again.
    """

    case_id: UUID
    version: int
    events: tuple[Event, ...]
    position: int | None
    repeated: bool


Answer = Outcome | CaseError | StoreError


class Receiver(Protocol):
    """Takes answers from the thread of the engine, and passes them on when told to."""

    def put(self, token: object, answer: Answer) -> None: ...

    def pass_on(self) -> None: ...


class Gathering:
    """The answers to some commands, for the thread that asked; tokens are their numbers."""

    def __init__(self, count: int) -> None:
        self._answers: dict[object, Answer] = {}
        self._count = count
        self._complete = threading.Event()

    def put(self, token: object, answer: Answer) -> None:
        self._answers[token] = answer

    def pass_on(self) -> None:
        if len(self._answers) == self._count:
            self._complete.set()

    def wait(self) -> list[Answer]:
        if self._count:
            self._complete.wait()
        return [self._answers[number] for number in range(self._count)]


class LoopReceiver:
    """The answers for the coroutines of one loop; tokens are their futures."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        # Weak, or no loop that was ever used would be let go.
        self._loop = weakref.ref(loop)
        self._ready: list[tuple[object, Answer]] = []

    def put(self, token: object, answer: Answer) -> None:
        self._ready.append((token, answer))

    def pass_on(self) -> None:
        ready, self._ready = self._ready, []
        # A loop that was closed meanwhile has nobody left who waits.
        with contextlib.suppress(RuntimeError):
            if (loop := self._loop()) is not None:
                loop.call_soon_threadsafe(resolve, ready)


def resolve(ready: list[tuple[object, Answer]]) -> None:
    """Give each future its answer, on the thread of its loop."""
    for future, answer in ready:
        assert isinstance(future, asyncio.Future)
        if future.done():
            continue
        if isinstance(answer, Outcome):
            future.set_result(answer)
        else:
            future.set_exception(answer)
