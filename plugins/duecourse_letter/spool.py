"""The spool folder: a letter lies there whole, on disk, under the name of its message."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from duecourse import Polled, Receipt, Transient
from duecourse_letter.names import COLLECTED, FOLDERS, RECORDED, RETURNED, Status, is_stem
from duecourse_letter.retention import remove_old

MOST_RECEIPTS: Final = 400


class _Told(msgspec.Struct, frozen=True, array_like=True):
    """What the last poll reported, and so what is recorded once this comes back."""

    receipts: tuple[tuple[str, Status], ...] = ()


class Spool:
    """Repeating `put` is harmless; two writers of one letter leave one file.

    `poll` removes what was collected or came back longer than `keep` ago; None keeps it for ever.
    """

    def __init__(self, folder: str, keep: timedelta | None = None) -> None:
        self._folder = Path(folder)
        self._keep = keep

    def check(self) -> None:
        """Write and remove a file. Raises Transient when that cannot be done."""
        try:
            with tempfile.TemporaryFile(dir=self._folder):
                pass
        except OSError as failure:
            raise self._unavailable(failure) from None

    def find(self, stem: str) -> bytes | None:
        """A letter in the spool, already collected or come back. It only moves in that order."""
        try:
            for folder in (self._folder, self._folder / COLLECTED, self._folder / RETURNED):
                with contextlib.suppress(FileNotFoundError):
                    letter = (folder / f"{stem}.pdf").read_bytes()
                    # Who put it there may have died before its name was on disk.
                    _sync_folder(folder)
                    return letter
        except OSError as failure:
            raise self._unavailable(failure) from None
        return None

    def has_come_back(self, stem: str) -> bool:
        """Whether `returned` names the letter, with whatever ending."""
        try:
            return any(name == stem for name, _ in _files(self._folder / RETURNED))
        except OSError as failure:
            raise self._unavailable(failure) from None

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

    def poll(self, cursor: bytes) -> Polled:
        """Receipts of what lies in the folders `collected` and `returned` and is not recorded."""
        try:
            polled = self._poll(_read(cursor))
        except OSError as failure:
            raise self._unavailable(failure) from None
        if self._keep is not None:
            remove_old(self._folder, self._keep)
        return polled

    def _poll(self, told: _Told) -> Polled:
        if not self._folder.is_dir():
            raise FileNotFoundError(None, "no such folder")
        lying = self._lying()
        self._record(told, lying)
        new = sorted(lying.keys() - set(self._recorded()))[:MOST_RECEIPTS]
        receipts = tuple(
            Receipt(
                reference=stem,
                receipt_id=f"{stem}/{status}",
                status=status,
                occurred_at=lying[stem, status],
            )
            for stem, status in new
        )
        return Polled(signals=receipts, cursor=msgspec.msgpack.encode(_Told(receipts=tuple(new))))

    def _lying(self) -> dict[tuple[str, Status], datetime]:
        """What the two folders say, and since when."""
        return {
            (stem, status): at
            for status, folder in FOLDERS.items()
            for stem, at in _files(self._folder / folder)
        }

    def _record(self, told: _Told, lying: dict[tuple[str, Status], datetime]) -> None:
        """Mark what is written down, and forget the marks of letters that were removed."""
        folder = self._folder / RECORDED
        if told.receipts:
            folder.mkdir(exist_ok=True)
        for stem, status in told.receipts:
            if is_stem(stem) and (stem, status) in lying:
                (folder / f"{stem}.{status}").touch()
        for stem, status in list(self._recorded()):
            if (stem, status) not in lying:
                (folder / f"{stem}.{status}").unlink(missing_ok=True)

    def _recorded(self) -> Iterator[tuple[str, Status]]:
        with contextlib.suppress(FileNotFoundError), os.scandir(self._folder / RECORDED) as entries:
            for entry in entries:
                stem, _, ending = entry.name.rpartition(".")
                if ending == "sent":
                    yield stem, "sent"
                elif ending == "returned":
                    yield stem, "returned"

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
            f"cannot use the spool folder {self._folder}: {failure.strerror}; "
            "make the folder, or make room in it"
        )


def _read(cursor: bytes) -> _Told:
    """A cursor that is none of ours says nothing: the receipts come again, which does no harm."""
    try:
        return msgspec.msgpack.decode(cursor, type=_Told)
    except msgspec.MsgspecError:
        return _Told()


def _files(folder: Path) -> Iterator[tuple[str, datetime]]:
    """Names without their ending, and since when the file lies there (its inode's change)."""
    with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            stem = entry.name.rpartition(".")[0]
            if not is_stem(stem) or not entry.is_file(follow_symlinks=False):
                continue
            # Somebody may move it on while we look.
            with contextlib.suppress(FileNotFoundError):
                yield stem, datetime.fromtimestamp(entry.stat().st_ctime, UTC)


def _sync_folder(folder: Path) -> None:
    """A new name is lasting only once its folder is on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
