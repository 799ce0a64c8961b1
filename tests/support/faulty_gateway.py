"""An SMS gateway that fails on purpose: a process of its own, with a ledger of its own.

It speaks the protocol of the plugin `sms-http`. Each world, `/GUARANTEE-SEED/`, has a file of
what was asked, what was delivered, what was reported and what was answered to that. What it does
is written in `faulty_script`.

    python faulty_gateway.py FOLDER
"""

import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, Self

import msgspec
from faulty_script import Action, Guarantee
from faulty_world import Request, World

from duecourse.peers.ledger import Entry, read_ledger

HOST: Final = "127.0.0.1"
SLOW_SECONDS: Final = 0.3
SETTLE_SECONDS: Final = 20.0
RETRY_AFTER: Final = "60"
"""On the clock of the test, like all else that the worker waits for."""
TAKEN: Final = 202
STATUSES: Final[dict[Action, int]] = {
    "take": TAKEN,
    "take_slowly": TAKEN,
    "take_and_mumble": TAKEN,
    "take_and_fail": 500,
    "fail": 500,
    "fail_503": 503,
    "busy": 503,
    "limit": 429,
    "refuse": 422,
    "lock_out": 401,
}
_PATH: Final = re.compile(
    r"/(?P<world>(idempotent|queryable|opaque)-[0-9]+)/(?P<what>[a-z]+)(/(?P<key>[!-~]+))?"
)


class Gateway(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, folder: Path) -> None:
        super().__init__((HOST, 0), _Handler)
        self._folder = folder
        self._worlds: dict[str, World] = {}
        self._lock = threading.Lock()
        self._left = threading.Condition()
        self._connected = 0

    def world(self, name: str) -> World:
        with self._lock:
            if name not in self._worlds:
                guarantee, _, seed = name.partition("-")
                told: Guarantee = msgspec.convert(guarantee, Guarantee)
                self._worlds[name] = World(self._folder / f"{name}.jsonl", told, int(seed))
            return self._worlds[name]

    def forget(self, name: str) -> None:
        with self._lock:
            self._worlds.pop(name).close()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._left:
            self._connected += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._left:
            self._connected -= 1
            self._left.notify_all()

    def settle(self) -> None:
        """Wait until nobody else is connected: what a killed process had asked for is done."""
        with self._left:
            alone = self._left.wait_for(lambda: self._connected == 1, SETTLE_SECONDS)
        assert alone, "somebody is connected who should not be"

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asks may be killed at any time; anything else is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    server: Gateway
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 30.0

    def do_GET(self) -> None:
        if self.path == "/settled":
            self.server.settle()
            return self._answer(200, {})
        world, what, key = self._asked()
        if what == "pending":
            return self._answer(200, {"pending": world.pending()})
        assert what == "messages", self.path
        return self._found(world, key)

    def _found(self, world: World, key: str) -> None:
        how, found = world.find(key)
        if how == "hang_up":
            return self._hang_up()
        if how == "busy":
            return self._answer(503, {}, retry_after=True)
        return self._answer(200, {"id": found}) if found else self._answer(404, {})

    def do_POST(self) -> None:
        world, what, _ = self._asked()
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:
            # Whoever was asking died in the middle of it.
            self.close_connection = True
            return None
        match what:
            case "messages":
                request = msgspec.json.decode(body, type=Request)
                assert self.headers["Idempotency-Key"] == request.key
                return self._submit(world, request)
            case "callback":
                world.call_back(msgspec.json.decode(body, type=str))
            case "clock":
                world.set_clock(msgspec.json.decode(body, type=float))
            case "end":
                self.server.forget(self.path.split("/")[1])
        return self._answer(200, {})

    def _submit(self, world: World, request: Request) -> None:
        action, taken = world.submit(request)
        if action in {"take_and_hang_up", "hang_up"}:
            return self._hang_up()
        if action == "take_slowly":
            time.sleep(SLOW_SECONDS)
        status = STATUSES[action]
        content = {"id": taken} if status == TAKEN and action != "take_and_mumble" else {}
        return self._answer(status, content, retry_after=action in {"busy", "limit"})

    def _asked(self) -> tuple[World, str, str]:
        match = _PATH.fullmatch(self.path)
        assert match is not None, self.path
        return self.server.world(match["world"]), match["what"], match["key"] or ""

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _answer(self, status: int, content: dict[str, Any], *, retry_after: bool = False) -> None:
        body = msgspec.json.encode(content)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if retry_after:
            self.send_header("Retry-After", RETRY_AFTER)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - overridden name
        pass


class FaultyGateway:
    """The process, from outside. It ends with whoever started it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().decode().strip()
        assert self.url, "the gateway did not start; it says why on standard error"

    def settle(self) -> None:
        """Wait until everything is done that processes asked for which are gone."""
        with urllib.request.urlopen(f"{self.url}/settled") as answer:
            answer.read()

    def entries(self, world: str) -> list[Entry]:
        return read_ledger(self._folder / f"{world}.jsonl")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def main() -> None:
    server = Gateway(Path(sys.argv[1]))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    sys.stdout.write(f"http://{HOST}:{server.server_port}\n")
    sys.stdout.flush()
    while os.read(0, 4096):
        pass


if __name__ == "__main__":
    main()
