"""A Maildir on this machine: what is in `new` is new, what is done goes to `cur`."""

import heapq
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from duecourse import Permanent, Transient
from duecourse_email.box import MOST_MAILS, MOST_READ, Arrived


class Maildir:
    series = b"maildir"

    def __init__(self, folder: Path) -> None:
        self._new = folder / "new"
        self._cur = folder / "cur"

    def check(self) -> None:
        for folder in (self._new, self._cur):
            if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
                raise Permanent("the maildir has no `new` and `cur` that can be read and changed")

    def new(self) -> Iterator[Arrived]:
        with os.scandir(self._new) as entries:
            names = (each.name for each in entries if not each.name.startswith("."))
            # Names begin with the second of arrival.
            oldest = heapq.nsmallest(MOST_MAILS, names)
        for name in oldest:
            with suppress(FileNotFoundError):
                yield _arrived(self._new / name)

    def mark(self, ids: Sequence[bytes], *, flagged: bool) -> None:
        ending = ":2,FS" if flagged else ":2,S"
        for name in map(os.fsdecode, ids):
            if "/" in name or name.startswith("."):
                continue
            with suppress(FileNotFoundError):
                (self._new / name).rename(self._cur / (name.partition(":2,")[0] + ending))


def _arrived(path: Path) -> Arrived:
    found = path.lstat()
    arrived_at = datetime.fromtimestamp(int(found.st_mtime), tz=UTC)
    try:
        # A link, a pipe, a folder, another user's file: for a person to look at.
        content = _beginning(path) if stat.S_ISREG(found.st_mode) else b""
    except FileNotFoundError:
        raise
    except OSError:
        content = b""
    return Arrived(id=os.fsencode(path.name), content=content, arrived_at=arrived_at)


def _beginning(path: Path) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(handle, "rb") as file:
        return file.read(MOST_READ)


@contextmanager
def opened_maildir(folder: Path) -> Iterator[Maildir]:
    maildir = Maildir(folder)
    maildir.check()
    try:
        yield maildir
    except OSError as error:
        raise Transient(f"the maildir cannot be used ({type(error).__name__})") from None
