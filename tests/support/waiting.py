"""Waiting for what another thread or process is about to do."""

import time
from collections.abc import Callable

PATIENCE = 30.0


def until(holds: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Return once it holds. Fails when it does not come about in time."""
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, "it did not come about in time"
        time.sleep(0.01)
