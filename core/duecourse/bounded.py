"""A channel in this process whose calls may take only so long.

A thread cannot be ended: one that takes too long is left to itself, and of those there may only
be a few.
"""

import threading
from collections.abc import Callable
from typing import Any, Final

from duecourse.channels import Capabilities, Channel, Transient
from duecourse.contract import written
from duecourse.guarded import ChannelFailed, Guarded, Method, ask, believe
from duecourse.settings import ChannelLimits
from duecourse.threads import Crew, JobThread

MOST_ABANDONED: Final = 8


class Bounded(Guarded):
    """`channel`, with every call in a thread that is waited for no longer than `call_seconds`.

    What the channel raises comes through as it is. After that time ChannelFailed is raised, and
    Transient at once while `MOST_ABANDONED` calls have not come back.
    """

    def __init__(
        self, channel: Channel[Any], capabilities: Capabilities, limits: ChannelLimits
    ) -> None:
        super().__init__(type(channel), channel.config, capabilities, written(channel))
        self.channel = channel
        self._seconds = limits.call_seconds
        self._crew = Crew()
        self._lock = threading.Lock()
        self._abandoned: set[JobThread] = set()

    def close(self) -> None:
        """Close the channel, and let the threads go that wait for a call."""
        try:
            self._call("close")
        finally:
            self._crew.dismiss()

    def _call(self, method: Method, argument: object = None) -> Any:  # noqa: ANN401 - as in Guarded
        thread = self._take()
        job = _Job(lambda: believe(method, ask(self.channel, method, argument)))
        came_back = False
        try:
            thread.do(job.run)
            came_back = job.over.wait(self._seconds)
        finally:
            # Also when the wait itself is broken off: by Ctrl-C.
            self._crew.give_back(thread) if came_back else self._abandon(thread)
        if not came_back:
            raise ChannelFailed(f"a call took longer than {self._seconds:g} s")
        if job.error is None:
            return job.answer
        if isinstance(job.error, Exception):
            raise job.error
        raise ChannelFailed(f"the channel failed: {type(job.error).__name__}")

    def _take(self) -> JobThread:
        with self._lock:
            self._abandoned = {each for each in self._abandoned if each.is_alive()}
            if len(self._abandoned) >= MOST_ABANDONED:
                raise Transient(f"{MOST_ABANDONED} calls of the channel have not come back")
        try:
            return self._crew.take()
        except RuntimeError:
            raise Transient("there is no thread left for another call") from None

    def _abandon(self, thread: JobThread) -> None:
        thread.dismiss()
        with self._lock:
            self._abandoned.add(thread)


class _Job:
    """One call, and what became of it."""

    def __init__(self, call: Callable[[], object]) -> None:
        self.over = threading.Event()
        self.answer: object = None
        self.error: BaseException | None = None
        self._call = call

    def run(self) -> None:
        try:
            self.answer = self._call()
        except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
            self.error = error
        self.over.set()
