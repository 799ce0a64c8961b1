"""Removing letters of a spool that were kept for long enough: they are personal data.

A letter goes from `collected` or `returned` once its receipt there was written down that long ago,
and the file itself came there that long ago. Nothing else is touched: not what waits to be
collected, not what others laid beside our letters.
"""

import contextlib
import logging
import os
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from duecourse_letter.names import FOLDERS, RECORDED, Status, is_ours

MOST_REMOVED: Final = 1000
"""Of one folder at one poll, as the first one may find the letters of years."""
_UNFINISHED: Final = re.compile(r"\.[a-z0-9_]{8}\.part", re.ASCII)

logger = logging.getLogger(__name__)


def remove_old(spool: Path, keep: timedelta) -> None:
    """Remove what was kept for longer than `keep`. That it cannot be done is only logged."""
    with _logged(spool):
        before = _now(spool) - keep.total_seconds()
        for found in (
            _unfinished(spool, before),
            _letters(spool, "sent", before),
            _letters(spool, "returned", before),
        ):
            with _logged(spool):
                for path in islice(found, MOST_REMOVED):
                    path.unlink(missing_ok=True)


@contextlib.contextmanager
def _logged(spool: Path) -> Iterator[None]:
    try:
        yield
    except OSError as failure:
        # Without the name of the file, which is that of a person's letter.
        logger.warning(
            "letters that were kept for long enough cannot be removed from the spool folder %s: %s;"
            " let this program write there",
            spool,
            failure.strerror,
        )


def _now(spool: Path) -> float:
    """By the clock that dates the files, which may be another computer's, and by our own.

    One of them may be wrong, so the one that is behind counts: what is kept too long does no harm.
    """
    marks = spool / RECORDED
    marks.mkdir(exist_ok=True)
    os.utime(marks)
    return min(marks.stat().st_mtime, time.time())


def _letters(spool: Path, status: Status, before: float) -> Iterator[Path]:
    """Our own file in `collected`; in `returned` whatever bears the letter's name, like a scan."""
    stems = set(_told(spool, status, before))
    for path in _files(spool / FOLDERS[status], before) if stems else ():
        if path.stem in stems and (status == "returned" or path.suffix == ".pdf"):
            yield path


def _told(spool: Path, status: Status, before: float) -> Iterator[str]:
    """The letters whose receipt was written down before that."""
    for mark in _files(spool / RECORDED, before):
        if mark.suffix == f".{status}" and is_ours(mark.stem):
            yield mark.stem


def _unfinished(spool: Path, before: float) -> Iterator[Path]:
    """What a crash left over of a letter."""
    for path in _files(spool, before):
        if _UNFINISHED.fullmatch(path.name):
            yield path


def _files(folder: Path, before: float) -> Iterator[Path]:
    """The plain files that came there, and were changed, before that."""
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                if entry.is_file(follow_symlinks=False) and entry.stat().st_ctime < before:
                    yield Path(entry.path)
