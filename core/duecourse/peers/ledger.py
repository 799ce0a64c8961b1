"""A file of JSON lines that only grows. A line counts once it is on the disk."""

import json
import os
import threading
from pathlib import Path
from typing import Any, Self

Entry = dict[str, Any]


def read_ledger(path: Path) -> list[Entry]:
    """Every whole line; one that a crash cut short was never acknowledged and does not count."""
    if not path.exists():
        return []
    whole, _, _ = path.read_bytes().rpartition(b"\n")
    return [json.loads(line) for line in whole.splitlines()]


class Ledger:
    """Opened by one process at a time. May be used from several threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.entries = read_ledger(path)
        self._lock = threading.Lock()
        self._file = path.open("ab")
        self._cut_torn_line(path)

    def append(self, entry: Entry) -> None:
        """Write and flush to the disk before returning."""
        line = json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n"
        with self._lock:
            self._file.write(line.encode())
            self._file.flush()
            os.fsync(self._file.fileno())
            self.entries.append(entry)

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _cut_torn_line(self, path: Path) -> None:
        raw = path.read_bytes()
        self._file.truncate(raw.rfind(b"\n") + 1)
