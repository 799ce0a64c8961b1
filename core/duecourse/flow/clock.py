"""The clock of the business: the system's, or one in a file that a demo moves forward."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from duecourse.store.errors import StoreError

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    return datetime.now(UTC)


class ClockUnreadable(StoreError):
    """The file of the clock is gone or holds no moment."""


class FileClock:
    """Time stands still until somebody moves it. All processes that read the file agree."""

    def __init__(self, path: Path, start: datetime | None = None) -> None:
        self._path = path
        if start is not None and not path.exists():
            self._write(start)

    def __call__(self) -> datetime:
        """Raises ClockUnreadable."""
        try:
            now = datetime.fromisoformat(self._path.read_text().strip())
        except (OSError, ValueError) as wrong:
            raise ClockUnreadable(
                f"the settings' `clock`, {self._path.name}, holds no moment"
                " (such as 2026-03-02T04:00:00+00:00); mend it or take the setting out"
            ) from wrong
        if now.tzinfo is None:
            raise ClockUnreadable(f"the moment in {self._path.name} has no UTC offset; add +00:00")
        return now

    def advance(self, to: datetime) -> None:
        """Move forward to `to`; never back."""
        if to > self():
            self._write(to)

    def _write(self, at: datetime) -> None:
        # A reader sees the old moment or the new one, never half of it.
        fresh = self._path.with_name(self._path.name + ".new")
        fresh.write_text(at.astimezone(UTC).isoformat())
        fresh.replace(self._path)
