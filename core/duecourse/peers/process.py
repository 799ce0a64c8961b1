"""Starting the gateway as a process of its own, and losing it again."""

import base64
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Final, Self

from duecourse.peers.ledger import Entry, read_ledger

STOP_SECONDS: Final = 10.0


class GatewayProcess:
    """The SMS gateway at work in `folder`, which keeps its ledger, port, token and secret.

    Started again on the same folder it goes on where it was. It ends with this process.
    """

    def __init__(self, folder: Path, callback: str, *, fail_suffix: str = "") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.ledger = folder / "ledger.jsonl"
        self.token_file = _kept(folder / "token", secrets.token_urlsafe(32))
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        self.secret_file = _kept(folder / "webhook-secret", f"whsec_{key}")
        self._port_file = folder / "port"
        self._callback = callback
        self._fail_suffix = fail_suffix
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self) -> Self:
        """Wait until it listens: on the port it had before, else on any free one."""
        before = self._port_file.read_text() if self._port_file.exists() else "0"
        for port in dict.fromkeys((before, "0")):
            self.url = self._launch(port)
            if self.url:
                return self
            self.stop()
        raise RuntimeError("the SMS gateway did not start; it says why on standard error")

    def _launch(self, port: str) -> str:
        arguments = [
            *(sys.executable, "-m", "duecourse.peers.gateway"),
            *("--port", port, "--port-file", str(self._port_file)),
            *("--ledger", str(self.ledger), "--callback", self._callback),
            *("--token-file", str(self.token_file), "--secret-file", str(self.secret_file)),
            f"--fail-suffix={self._fail_suffix}",
            "--until-stdin-closes",
        ]
        self._process = subprocess.Popen(  # noqa: S603 - our own module, our own arguments
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None, "it was asked for"
        return self._process.stdout.readline().decode().strip()

    @property
    def pid(self) -> int:
        assert self._process is not None, "it was started"
        return self._process.pid

    @property
    def inbound_url(self) -> str:
        """Where a test or a demonstration posts what somebody writes back."""
        return self.url.removesuffix("/messages") + "/inbound"

    def entries(self) -> list[Entry]:
        """What the ledger on the disk says now."""
        return read_ledger(self.ledger)

    def stop(self) -> None:
        """End it in good order; does nothing when it has ended."""
        self._end(kill=False)

    def kill(self) -> None:
        """End it without warning, as a power cut would."""
        self._end(kill=True)

    def _end(self, *, kill: bool) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if kill:
            process.kill()
        else:
            process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def _kept(path: Path, fresh: str) -> Path:
    """Write `fresh` for nobody else to read, unless the file is there from an earlier run."""
    if not path.exists():
        draft = path.with_name(path.name + ".new")
        draft.touch(mode=0o600)
        draft.write_text(fresh)
        draft.replace(path)
    return path
