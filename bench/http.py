"""Ours through HTTP: a payment posted to `duecourse serve`, beside an echo on the same server."""

import base64
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from bench import children, seeds
from bench.contender import Contender, Failed, Sample
from bench.engine import MASTER_KEY
from bench.servers import Server
from duecourse.store.api_keys import ApiKeys
from duecourse.store.database import Database

_HOST: Final = "127.0.0.1"
_UP_SECONDS: Final = 30
_CASES: Final = 512
_SERVE: Final = "from duecourse.cli import main; main()"


class Service:
    """A server process on a free port, started when first asked."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command = command
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed in stop
        self._port = 0

    def port(self) -> int:
        """Where it listens. Raises Failed."""
        if self._process is None:
            self._port = _free_port()
            self._process = subprocess.Popen(
                [word.replace("PORT", str(self._port)) for word in self._command],
                cwd=children.ROOT,
                env={**os.environ, **self._environment},
                # Its end tells the server to stop, however the bench ends.
                stdin=subprocess.PIPE,
                stdout=self._errors,
                stderr=self._errors,
                start_new_session=True,
            )
        self._wait(self._process)
        return self._port

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _UP_SECONDS
        while True:
            try:
                socket.create_connection((_HOST, self._port), 1).close()
            except OSError as refused:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise Failed(children.last_words(self._errors) or "no answer") from refused
                time.sleep(0.05)
            else:
                return

    def peak_mb(self) -> float | None:
        """The most memory that the server has had."""
        assert self._process is not None
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
            return next(int(each.split()[1]) / 1e3 for each in lines if each.startswith("VmHWM"))
        return None

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._errors.close()


def contenders(server: Server, stack: contextlib.ExitStack) -> Iterator[Contender]:
    """Both services live until the stack is closed, and wait idle meanwhile."""
    dsn = server.dsn(seeds.open_cases(server, "http"))
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="duecourse-bench-")))
    paths = folder / "paths"
    # So few that their states are at hand after the warm-up, as with those that ask the engine.
    some = seeds.case_ids(dsn)[:_CASES]
    paths.write_text("\n".join(f"/cases/{each}/payments" for each in some))
    with Database(dsn) as database:
        key = ApiKeys(database).create("bench", "collector")
    environment = {
        "DATABASE_URL": dsn,
        "DUECOURSE_MASTER_KEY": base64.b64encode(MASTER_KEY).decode(),
        "DUECOURSE_DATA": str(folder / "data"),
    }
    serve = [sys.executable, "-c", _SERVE, "serve", "--host", _HOST, "--port", "PORT"]
    serve.append("--until-stdin-closes")
    services = {
        "echo": Service(children.module("bench.echo", "PORT"), {}),
        "command": Service(serve, environment),
    }
    for service in services.values():
        stack.callback(service.stop)
    for clients in (32, 256):
        for name, service in services.items():
            yield Contender(
                key=f"http {name} {clients}",
                part="http",
                run=partial(_run, service, clients, paths, key),
            )


def _run(service: Service, clients: int, paths: Path, key: str, seconds: float) -> Sample:
    command = children.module("bench.load", _HOST, service.port(), clients, seconds, paths)
    sample = children.run([command], seconds, {"BENCH_KEY": key})
    return replace(sample, peak_mb=service.peak_mb())


def _free_port() -> int:
    with socket.create_server((_HOST, 0)) as listener:
        return int(listener.getsockname()[1])
