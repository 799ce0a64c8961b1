"""A PostgreSQL server of our own below the data folder, for those who name no other.

Every process that uses it holds a shared file lock. One supervisor process is the parent of
`postgres`, and stops it when no such lock is left: however a process dies, the kernel drops its
lock, so neither an orphaned server nor a stale count of clients remains. Linux and macOS.
"""

from duecourse.store.embedded.client import (
    Description,
    describe,
    dsn_from_env,
    ensure,
    release,
    wait_until_stopped,
)
from duecourse.store.embedded.errors import EmbeddedError

__all__ = [
    "Description",
    "EmbeddedError",
    "describe",
    "dsn_from_env",
    "ensure",
    "release",
    "wait_until_stopped",
]
