"""Threads for the calls of one channel: each does one job after the other.

A new thread for each call would cost more than most calls; and what a plugin keeps for a thread,
such as a connection, is still there at the next one.
"""

import threading
from collections.abc import Callable
from queue import SimpleQueue


class JobThread(threading.Thread):
    """Does what it is given, until it is dismissed. A job raises nothing."""

    def __init__(self) -> None:
        super().__init__(name="channel", daemon=True)
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self.start()

    def do(self, job: Callable[[], None]) -> None:
        self._jobs.put(job)

    def dismiss(self) -> None:
        """Let it end after what it is doing."""
        self._jobs.put(None)

    def run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
            # Whatever it holds must not live until the next one.
            del job


class Crew:
    """The threads that wait for a job."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[JobThread] = []

    def take(self) -> JobThread:
        """Return a thread that has nothing to do. Raises RuntimeError when no more can be had."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return JobThread()

    def give_back(self, thread: JobThread) -> None:
        with self._lock:
            self._idle.append(thread)

    def dismiss(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for thread in idle:
            thread.dismiss()
