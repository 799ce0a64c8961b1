"""One channel's way out: what is due for it, as fast as it may go, apart from all others."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from datetime import datetime
from typing import Any, Final

from duecourse import faults
from duecourse.channels import Channel
from duecourse.flow.breaker import Breaker
from duecourse.flow.outreach import Dispatched, Outreach
from duecourse.flow.tries import Hands
from duecourse.settings import ChannelLimits
from duecourse.store.pace import Pace
from duecourse.store.rests import Rests
from duecourse.store.timers import DueTimer, Timers

MOST: Final = 512
QUICK: Final = 0.5
SLOW: Final = 2.0
"""A batch that takes less than `QUICK` seconds may grow; one that takes more than `SLOW` shrinks."""


class Lane:
    """Sends in batches that grow while the channel is quick: a slow one never holds many."""

    def __init__(
        self,
        name: str,
        channel: Channel[Any],
        limits: ChannelLimits,
        *,
        outreach: Outreach,
        timers: Timers,
        pace: Pace,
        rests: Rests,
        clock: Callable[[], datetime],
        lease_seconds: float,
    ) -> None:
        self.name = name
        self._outreach = outreach
        self._timers = timers
        self._pace = pace
        self._clock = clock
        self._lease_seconds = lease_seconds
        rates = (channel.capabilities.rate, limits.rate)
        self._rates = tuple(each for each in rates if each is not None)
        self.at_once = min(channel.capabilities.parallel, limits.parallel)
        self._size = self.at_once
        self._breaker = Breaker(name, limits, rests)

    def turn(self, executor: Executor) -> int:
        """Send one batch of what is due. Returns how many timers it took on."""
        due = self._due()
        if not due:
            return 0
        faults.reach("worker.claimed")
        began = time.monotonic()
        with_lease = _Heartbeat(self._timers, due, self._lease_seconds)
        self._breaker.heartbeat = with_lease.beat
        hands = Hands(self._breaker, executor, self.at_once)
        settle(self._timers, self._outreach.dispatch(self.name, due, hands))
        self._learn(time.monotonic() - began, len(due))
        return len(due)

    def _due(self) -> Sequence[DueTimer]:
        self._breaker.look()
        if self._breaker.pause() is not None:
            return ()
        due = self._claimed()
        for number, rate in enumerate(self._rates):
            # Both hold, each over its own time: one may allow a burst and the other a day's total.
            if due:
                pace = f"{self.name}/{number}"
                grant = self._pace.ask(pace, len(due), rate.messages, rate.seconds)
                self._timers.lease(due[grant.messages :], grant.seconds)
                due = due[: grant.messages]
        return due

    def _claimed(self) -> Sequence[DueTimer]:
        now, size = self._clock(), self._size
        if self._breaker.is_trial:
            # One that was tried before may be what the channel stumbles over, and over no other.
            if untried := self._timers.claim_untried(now, self._lease_seconds, self.name):
                return untried
            size = 1
        return self._timers.claim(now, size, self._lease_seconds, self.name)

    def _learn(self, seconds: float, taken: int) -> None:
        if seconds > SLOW:
            self._size = max(self.at_once, self._size // 2)
        elif seconds < QUICK and taken == self._size:
            self._size = min(MOST, self._size * 2)


class _Heartbeat:
    """Keeps a lease on a batch that takes long."""

    def __init__(self, timers: Timers, due: Sequence[DueTimer], lease_seconds: float) -> None:
        self._timers = timers
        self._due = due
        self._lease_seconds = lease_seconds
        self._next = time.monotonic() + lease_seconds / 3

    def beat(self) -> None:
        if self._lease_seconds and time.monotonic() >= self._next:
            self._timers.lease(self._due, self._lease_seconds)
            self._next = time.monotonic() + self._lease_seconds / 3


def settle(timers: Timers, dispatched: Dispatched) -> None:
    """Forget the timers of what is done, and let the others rest."""
    timers.done(dispatched.done)
    for seconds, many in dispatched.later.items():
        timers.lease(many, seconds)


def lanes_of(
    channels: Mapping[str, Channel[Any]],
    limits: Mapping[str, ChannelLimits],
    *,
    outreach: Outreach,
    timers: Timers,
    pace: Pace,
    rests: Rests,
    clock: Callable[[], datetime],
    lease_seconds: float,
) -> Iterator[Lane]:
    for name, channel in channels.items():
        yield Lane(
            name,
            channel,
            limits.get(name, ChannelLimits()),
            outreach=outreach,
            timers=timers,
            pace=pace,
            rests=rests,
            clock=clock,
            lease_seconds=lease_seconds,
        )
