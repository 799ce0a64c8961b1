"""Handing many messages to a channel, a few at a time, while it can take them."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from datetime import datetime
from typing import Any, Final, Protocol

import msgspec

from duecourse import faults
from duecourse.case import commands as c
from duecourse.flow import exchange
from duecourse.flow.drafts import Draft
from duecourse.flow.exchange import Postponed, Report
from duecourse.redaction import ANYTHING
from duecourse.store.errors import StoreError

BREATH: Final = 1.0
"""At least so often, in seconds, somebody hears that the worker is still at it."""


class Try(msgspec.Struct, frozen=True):
    """`make` asks the channel. A first try is surely not sent before it is made."""

    draft: Draft
    make: Callable[[datetime], Report]
    is_first: bool


class NotAsked(Exception):
    """The channel was not asked at all, so what came of it says nothing about the channel."""

    def __init__(self, result: Report | Postponed) -> None:
        super().__init__("not asked")
        self.result = result


class Gate(Protocol):
    """Whether the channel can take more."""

    def pause(self) -> float | None:
        """None while messages may be handed over, else for how many seconds they have to wait."""

    def came_of(self, result: Report | Postponed) -> None:
        """Hear what came of a message that the channel was asked to take."""

    def breathe(self) -> None:
        """Called now and then while messages are on their way."""


class Hands(msgspec.Struct, frozen=True):
    """What a batch is sent with: at most `at_once` messages are on their way together."""

    gate: Gate
    executor: Executor
    at_once: int


class Inline(Executor):
    """Does everything in the thread that asks."""

    def submit(self, call: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:  # noqa: ANN401 - the library's signature
        future: Future[Any] = Future()
        future.set_result(call(*given, **named))
        return future


def make_tries(
    tries: Sequence[Try], hands: Hands, clock: Callable[[], datetime]
) -> Iterator[tuple[Draft, Report | Postponed]]:
    """Make them all, and say what came of each as soon as it is known.

    What the gate holds back was surely not sent, if it was a first try.
    """
    waiting = deque(tries)
    under_way: dict[Future[Report | Postponed | NotAsked], Draft] = {}
    while waiting or under_way:
        while waiting and len(under_way) < hands.at_once:
            each = waiting.popleft()
            pause = hands.gate.pause()
            if pause is not None:
                yield each.draft, _held_back(each, clock(), pause)
                continue
            faults.reach("outreach.started")
            future = hands.executor.submit(_make, each, clock)
            under_way[future] = each.draft
            if future.done():
                # What came of it may be a reason to send no more.
                break
        ended, _ = wait(under_way, timeout=BREATH, return_when=FIRST_COMPLETED)
        hands.gate.breathe()
        for future in ended:
            draft, result = under_way.pop(future), future.result()
            if isinstance(result, NotAsked):
                yield draft, result.result
                continue
            hands.gate.came_of(result)
            yield draft, result


def _make(each: Try, clock: Callable[[], datetime]) -> Report | Postponed | NotAsked:
    try:
        return each.make(clock())
    except (Postponed, NotAsked) as told:
        return told
    except StoreError:
        return NotAsked(Postponed(exchange.RETRY_SECONDS))
    except ANYTHING as defect:
        return exchange.unknown(each.draft, f"a defect while sending: {type(defect).__name__}")


def _held_back(each: Try, now: datetime, pause: float) -> c.RecordPostponed | Postponed:
    if each.is_first:
        return exchange.put_off(each.draft, now, pause, "the channel rests")
    return Postponed(pause)
