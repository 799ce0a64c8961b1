"""A channel that cannot take messages is left alone for a while, by all workers."""

import time
from collections.abc import Callable

from duecourse.case import commands as c
from duecourse.flow.exchange import Postponed, Report
from duecourse.settings import ChannelLimits
from duecourse.store.rests import Rest, Rests


class Breaker:
    """Counts, in one worker, the messages in a row that could not be handed over.

    A refusal for good is an answer like any other; what is put off or unclear is not.
    """

    def __init__(self, channel: str, limits: ChannelLimits, rests: Rests) -> None:
        self._channel = channel
        self._limits = limits
        self._rests = rests
        self._failures = 0
        self._reason = ""
        self._rest: Rest | None = None
        self._rests_until = 0.0
        self.heartbeat: Callable[[], None] = lambda: None

    def look(self) -> None:
        """Learn whether the channel rests; before each batch."""
        self._rest = self._rests.of(self._channel)
        self._rests_until = 0.0
        if self._rest is not None and self._rest.seconds > 0:
            self._rests_until = time.monotonic() + self._rest.seconds

    @property
    def is_trial(self) -> bool:
        """Its rest is over, and nobody has seen yet that it works again."""
        return self._rest is not None and self.pause() is None

    def pause(self) -> float | None:
        left = self._rests_until - time.monotonic()
        return left if left > 0 else None

    def came_of(self, result: Report | Postponed) -> None:
        if isinstance(result, c.RecordAccepted | c.RecordRejected):
            self._worked()
            return
        self._failures += 1
        self._reason = "not known yet" if isinstance(result, Postponed) else result.reason
        if self.is_trial or self._failures >= self._limits.suspend_after:
            self._failures = 0
            self._rests.suspend(self._channel, self._limits.suspend_seconds, self._reason)
            self.look()

    def breathe(self) -> None:
        self.heartbeat()

    def _worked(self) -> None:
        self._failures = 0
        if self.is_trial:
            self._rests.resume(self._channel, "it takes messages again")
            self._rest = None
