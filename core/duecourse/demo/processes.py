"""The demo's API and worker. One that dies is started again; both end with the demo."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from duecourse.demo.errors import DemoFailed

STOP_SECONDS: Final = 10.0
# A process that dies this often in a row has a defect, not an accident.
MOST_RESTARTS: Final = 60


class Process:
    def __init__(
        self, name: str, command: Sequence[str], log: Path, environ: Mapping[str, str]
    ) -> None:
        self.name = name
        self._command = [sys.executable, "-m", *command, "--until-stdin-closes"]
        self._log = log
        self._environ = {**os.environ, **environ}
        self._starts = 0
        self._child: subprocess.Popen[bytes] | None = None

    def ensure(self) -> None:
        """Start it, or start it again. Raises DemoFailed when it keeps dying."""
        if self._child is not None and self._child.poll() is None:
            return
        self._starts += 1
        if self._starts > MOST_RESTARTS:
            raise DemoFailed(f"the {self.name} keeps dying; see {self._log}")
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(  # noqa: S603 - our own modules, arguments of our own
                self._command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=self._environ
            )
        self._log.with_suffix(".pid").write_text(str(self._child.pid))

    def stop(self) -> None:
        if self._child is None or self._child.poll() is not None:
            return
        self._child.send_signal(signal.SIGTERM)
        try:
            self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
