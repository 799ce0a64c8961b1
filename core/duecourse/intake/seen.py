"""Which keys a file has shown before, in memory that does not grow with the file.

The keys are keyed pseudonyms, so the scratch file on disk names nobody; SQLite deletes it itself.
"""

import sqlite3
from types import TracebackType
from typing import Self
from uuid import UUID


class SeenKeys:
    def __init__(self) -> None:
        # An empty name is a private temporary file behind a small page cache.
        self._scratch = sqlite3.connect("", isolation_level=None)
        self._scratch.execute("PRAGMA synchronous = OFF")
        self._scratch.execute("CREATE TABLE seen (key BLOB PRIMARY KEY, line INT) WITHOUT ROWID")
        self._scratch.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._scratch.close()

    def earlier_line(self, key: UUID, line: int) -> int | None:
        """Return the line that showed `key` first, or None and remember this one."""
        added = self._scratch.execute(
            "INSERT OR IGNORE INTO seen VALUES (?, ?)", (key.bytes, line)
        ).rowcount
        if added:
            return None
        row = self._scratch.execute("SELECT line FROM seen WHERE key = ?", (key.bytes,)).fetchone()
        return int(row[0])
