"""When to try again what failed: twice as long after each failure in a row."""

import time
from typing import Final

FIRST_PAUSE: Final = 0.25


class Backoff:
    """Seconds, on the monotonic clock."""

    def __init__(self, longest: float) -> None:
        self._longest = longest
        self._not_before = 0.0
        self.failures = 0

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._not_before

    def failed(self) -> float:
        """Count a failure; return how long to wait now."""
        # 2 ** 30 is far beyond any longest pause, and no overflow.
        pause = min(FIRST_PAUSE * 2.0 ** min(self.failures, 30), self._longest)
        self.failures += 1
        self._not_before = time.monotonic() + pause
        return pause

    def succeeded(self) -> None:
        self.failures = 0
        self._not_before = 0.0
