"""The SMSC of npm's `smpp` as a process of its own, with what it saw in order."""

import json
import os
import queue
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any, Final

import pytest

PACKAGE: Final = "smpp@0.5.1"
PASSWORD: Final = "opensesa"
PATIENCE: Final = 20.0
_SCRIPT: Final = Path(__file__).with_name("smsc.js")


def install(folder: Path) -> Path:
    """The folder of the modules that the SMSC needs; skips the test where there are none."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not installed: no SMSC to talk to")
    quiet = ["--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=0"]
    try:
        done = subprocess.run(
            [npm, "install", "--prefix", folder, *quiet, PACKAGE],
            capture_output=True,
            timeout=90,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm could not install {PACKAGE} in time: no SMSC to talk to")
    if done.returncode:
        pytest.skip(f"npm could not install {PACKAGE}: no SMSC to talk to")
    return folder / "node_modules"


class Smsc:
    """Told what to do with `order`; what it saw is read with `wait_for`, each event once."""

    def __init__(
        self, modules: Path, *, certificate: Path | None = None, key: Path | None = None
    ) -> None:
        self._process = subprocess.Popen(
            ["node", _SCRIPT, *(str(each) for each in (key, certificate) if each)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"NODE_PATH": str(modules)},
            text=True,
        )
        self._events: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._passed: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.port: int = self.wait_for("listening")["port"]

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._events.put(json.loads(line))
        self._events.put(None)

    def order(self, do: str, **what: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **what}) + "\n")
        self._process.stdin.flush()
        self.wait_for("done", order=do)

    def wait_for(self, event: str, **fields: Any) -> dict[str, Any]:
        """The next event of this kind; those before it stay for others to wait for."""
        wanted = {"event": event, **fields}
        for at, seen in enumerate(self._passed):
            if wanted.items() <= seen.items():
                return self._passed.pop(at)
        while (new := self._events.get(timeout=PATIENCE)) is not None:
            if wanted.items() <= new.items():
                return new
            self._passed.append(new)
        raise AssertionError(f"the SMSC ended while waiting for {wanted}")

    def seen(self, event: str) -> list[dict[str, Any]]:
        """All events of this kind so far that nobody waited for."""
        # The answer to an order comes after all that happened before it.
        self.order("answer", statuses=[])
        return [each for each in self._passed if each["event"] == event]

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=PATIENCE)
        self._reader.join()
        self._process.stdout.close()
