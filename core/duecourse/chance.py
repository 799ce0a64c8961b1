"""Randomness of the system, drawn in pieces that are larger than one asks for.

Each draw from the system lets other threads run; a thread that draws often would wait for them
every time.
"""

import os
import threading
import time
from typing import Final
from uuid import UUID

_DRAWN_AT_ONCE: Final = 4096


class _Drawn:
    """No byte is given out twice: not to two threads, and not to a process and its child."""

    def __init__(self) -> None:
        self.forget()
        os.register_at_fork(after_in_child=self.forget)

    def forget(self) -> None:
        self._lock = threading.Lock()
        self._bytes = b""
        self._at = 0

    def take(self, count: int) -> bytes:
        with self._lock:
            if self._at + count > len(self._bytes):
                self._bytes = os.urandom(max(count, _DRAWN_AT_ONCE))
                self._at = 0
            self._at += count
            return self._bytes[self._at - count : self._at]


random_bytes: Final = _Drawn().take


def new_id() -> UUID:
    """A UUID of version 7 (RFC 9562 §5.7): later ones are greater, by the millisecond."""
    bits = time.time_ns() // 1_000_000 << 80 | int.from_bytes(random_bytes(10))
    return UUID(int=bits & ~(0xF << 76 | 0x3 << 62) | 7 << 76 | 2 << 62)
