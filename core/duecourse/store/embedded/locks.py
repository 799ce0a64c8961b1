"""File locks. The kernel drops them when their process dies, however it dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from duecourse.store.embedded.errors import EmbeddedError

_PAUSE = 0.02


def open_lock(path: Path) -> int:
    """A file descriptor of its own, which programs this process starts do not inherit."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def try_lock(descriptor: int, *, shared: bool) -> bool:
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def wait_for_lock(path: Path, *, shared: bool, deadline: float) -> int:
    """Return the locked descriptor; `deadline` is on the monotonic clock."""
    descriptor = open_lock(path)
    while not try_lock(descriptor, shared=shared):
        if time.monotonic() > deadline:
            os.close(descriptor)
            raise EmbeddedError(f"{path} has been locked by another process for too long")
        time.sleep(_PAUSE)
    return descriptor


@contextmanager
def alone(path: Path, *, deadline: float) -> Iterator[None]:
    descriptor = wait_for_lock(path, shared=False, deadline=deadline)
    try:
        yield
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether some process holds the lock alone; asking neither makes the file nor keeps it."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not try_lock(descriptor, shared=True)
    finally:
        os.close(descriptor)
