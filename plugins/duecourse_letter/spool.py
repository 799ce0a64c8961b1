"""The spool folder: a letter lies there whole, on disk, under the name of its message."""

import contextlib
import hashlib
import os
import re
import tempfile
from pathlib import Path
from typing import Final

from duecourse import Transient

COLLECTED: Final = "collected"
# Lower case only: some file systems take `A` and `a` for one name.
_PLAIN: Final = re.compile(r"(?!sha256-)[a-z0-9][a-z0-9._-]{0,99}(?<!\.)")


class Spool:
    """Repeating `put` is harmless; two writers of one letter leave one file."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def check(self) -> None:
        """Write and remove a file. Raises Transient when that cannot be done."""
        try:
            with tempfile.TemporaryFile(dir=self._folder):
                pass
        except OSError as failure:
            raise self._unavailable(failure) from None

    def stem(self, key: str) -> str:
        """The key itself where it is a plain name, else its digest: no key leaves the folder."""
        if _PLAIN.fullmatch(key):
            return key
        return "sha256-" + hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()

    def find(self, stem: str) -> bytes | None:
        """A letter in the spool or already collected. Letters only move in that order."""
        try:
            for folder in (self._folder, self._folder / COLLECTED):
                with contextlib.suppress(FileNotFoundError):
                    letter = (folder / f"{stem}.pdf").read_bytes()
                    # Who put it there may have died before its name was on disk.
                    _sync_folder(folder)
                    return letter
        except OSError as failure:
            raise self._unavailable(failure) from None
        return None

    def put(self, stem: str, content: bytes) -> None:
        """Raises Transient when the letter surely is not there; OSError when it may be."""
        try:
            partial = self._written(content)
        except OSError as failure:
            raise self._unavailable(failure) from None
        try:
            partial.replace(self._folder / f"{stem}.pdf")
        except OSError as failure:
            partial.unlink(missing_ok=True)
            raise self._unavailable(failure) from None
        _sync_folder(self._folder)

    def _written(self, content: bytes) -> Path:
        descriptor, name = tempfile.mkstemp(dir=self._folder, prefix=".", suffix=".part")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return Path(name)

    def _unavailable(self, failure: OSError) -> Transient:
        # The path would name the letter; the folder is enough to act on.
        return Transient(
            f"cannot write to the spool folder {self._folder}: {failure.strerror}; "
            "make the folder, or make room in it"
        )


def _sync_folder(folder: Path) -> None:
    """A new name is lasting only once its folder is on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
