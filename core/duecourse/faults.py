"""Named places where the process may die in a test: each between two things that must agree.

`DUECOURSE_FAULT=engine.written:3` kills the process the third time it comes to that place, as a
power cut would: nothing is cleaned up. In production nothing is armed, and a place costs a call.
"""

import os
import signal
from typing import Final

POINTS: Final = (
    "engine.ready",  # decided, and not sent to the database yet
    "engine.sent",  # on its way to the database
    "engine.written",  # the database has answered, and nobody was told
    "engine.flushing",  # written without waiting for the disk, and the flush is under way
    "engine.flushed",  # on the disk, and nobody was told
    "engine.told",  # the callers have their answers
    "engine.fetched",  # read for a command, and not decided yet
    "vault.made",  # a subject has a key, and nothing sealed with it
    "follower.read",  # a batch was read, and not applied
    "follower.applied",  # applied, and neither it nor the position committed
    "follower.committed",  # both committed
    "worker.claimed",  # timers are leased, and nothing was done about them
    "worker.decided",  # what the timers asked for was done, and they are still there
    "outreach.started",  # the dispatch is committed, and no byte has left
    "outreach.sent",  # the channel has it, and the case does not know
    "outreach.reported",  # the case knows, and the timer is still there
    "filing.started",  # committed to file, and nothing handed over
    "filing.submitted",  # handed over, and the case does not know
)
FAULT: Final = "DUECOURSE_FAULT"

_left: dict[str, int] = {}


def arm(point: str, hit: int) -> None:
    """From now on die at the `hit`-th time that `point` is reached. Raises ValueError."""
    if point not in POINTS or hit < 1:
        raise ValueError(f"{FAULT} is one of {', '.join(POINTS)}, a colon and a number from 1 on")
    _left[point] = hit


def reach(point: str) -> None:
    """Die here if the test says so."""
    if _left:
        _count_down(point)


def _count_down(point: str) -> None:
    if point not in _left:
        return
    _left[point] -= 1
    if _left[point] == 0:
        os.kill(os.getpid(), signal.SIGKILL)


if asked := os.environ.get(FAULT):
    name, _, number = asked.partition(":")
    arm(name, int(number) if number.isdecimal() else 0)
