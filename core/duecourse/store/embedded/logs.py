"""The logs of server and supervisor: kept small, and their last words told to the user."""

from pathlib import Path

_MOST_BYTES = 5 << 20
_TOLD = 1500


def size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def trim(log: Path) -> int:
    """Put a log that has grown large aside, over the one put aside before. Return its new size."""
    if size(log) > _MOST_BYTES:
        log.replace(log.with_suffix(".log.1"))
    return size(log)


def words_since(log: Path, start: int) -> str:
    """Return the end of what was written after the byte `start`."""
    with log.open("rb") as file:
        file.seek(max(start, size(log) - _TOLD))
        return file.read(_TOLD).decode(errors="replace").strip() or f"see {log}"
