"""A small SMS gateway: a process of its own, with a ledger of its own.

It takes a message once per key, whatever crashes in between, and reports on it by signed
webhooks until they are answered. No telephone rings.

    python -m duecourse.peers.gateway --ledger FILE --callback URL --token-file F --secret-file F
"""

import argparse
import hmac
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import unquote

import msgspec

from duecourse.peers.messages import Inbound, Messages, OtherText, Submission
from duecourse.peers.webhooks import Courier

MOST_BODY: Final = 64_000
SOCKET_SECONDS: Final = 10.0
HOST: Final = "127.0.0.1"
PATH: Final = "/messages"

S = TypeVar("S", bound=msgspec.Struct)


class Gateway(ThreadingHTTPServer):
    """Listens on this machine only."""

    daemon_threads = True
    # A restart must get its port back at once.
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, port: int, token: str, messages: Messages, courier: Courier) -> None:
        super().__init__((HOST, port), _Handler)
        self.token = token
        self.messages = messages
        self.courier = courier

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no error of ours; anything else is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_port}{PATH}"


class _Handler(BaseHTTPRequestHandler):
    server: Gateway
    protocol_version = "HTTP/1.1"
    timeout = SOCKET_SECONDS
    # Head and body go out in two writes; without this the second would wait for an answer.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        if not self._is_known():
            return
        if self.path == PATH:
            self._answer(200, {"messages": self.server.messages.count})
            return
        found = self.server.messages.by_key(unquote(self.path.removeprefix(f"{PATH}/")))
        if found is None:
            self._answer(404, {"error": "no message has this key"})
        else:
            self._answer(200, {"id": found})

    def do_POST(self) -> None:
        body = self._body()
        if body is None or not self._is_known():
            return
        match self.path:
            case "/messages":
                self._submit(body)
            case "/inbound":
                self._inbound(body)
            case _:
                self._answer(404, {"error": "POST to /messages or /inbound"})

    def _submit(self, body: bytes) -> None:
        told = self._decoded(body, Submission)
        if told is None:
            return
        if self.headers.get("Idempotency-Key", told.key) != told.key:
            self._answer(422, {"error": "Idempotency-Key and key differ"})
            return
        try:
            message_id = self.server.messages.take(told)
        except OtherText:
            self._answer(409, {"error": "the key belongs to another message"})
            return
        self.server.courier.wake()
        self._answer(202, {"id": message_id})

    def _inbound(self, body: bytes) -> None:
        told = self._decoded(body, Inbound)
        if told is None:
            return
        reply_id = self.server.messages.reply(told)
        self.server.courier.wake()
        self._answer(202, {"id": reply_id})

    def _decoded(self, body: bytes, kind: type[S]) -> S | None:
        try:
            return msgspec.json.decode(body, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            self._answer(422, {"error": str(error)})
            return None

    def _is_known(self) -> bool:
        given = self.headers.get("Authorization", "").encode()
        if hmac.compare_digest(given, f"Bearer {self.server.token}".encode()):
            return True
        self._answer(401, {"error": "the token is missing or wrong"})
        return False

    def _body(self) -> bytes | None:
        """The whole body, read even for a refusal so that the connection stays usable."""
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or int(length) > MOST_BODY:
            self.close_connection = True
            self._answer(413, {"error": f"send Content-Length, at most {MOST_BODY}"})
            return None
        return self.rfile.read(int(length))

    def _answer(self, status: int, content: dict[str, str | int]) -> None:
        body = msgspec.json.encode(content)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - overridden name
        """Stay silent: the ledger is the record, and a log line would hold phone numbers."""


def serve(options: argparse.Namespace) -> None:
    """Run until SIGTERM, SIGINT or, with --until-stdin-closes, the end of standard input."""
    token = options.token_file.read_text().strip()
    messages = Messages(options.ledger, fail_suffix=options.fail_suffix)
    courier = Courier(messages, options.callback, options.secret_file.read_text().strip())
    server = Gateway(options.port, token, messages, courier)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _stop(server))
    if options.until_stdin_closes:
        threading.Thread(target=_stop_at_end_of_input, args=(server,), daemon=True).start()
    courier.start()
    _announce(server, options.port_file)
    try:
        server.serve_forever(poll_interval=0.1)
    finally:
        courier.stop()
        server.server_close()
        messages.close()


def _stop(server: Gateway) -> None:
    # `shutdown` waits for the loop of the very thread that a signal interrupts.
    threading.Thread(target=server.shutdown, daemon=True).start()


def _stop_at_end_of_input(server: Gateway) -> None:
    # Not through sys.stdin: its lock, held by a waiting thread, would abort the shutdown.
    while os.read(0, 4096):
        pass
    server.shutdown()


def _announce(server: Gateway, port_file: Path | None) -> None:
    if port_file is not None:
        fresh = port_file.with_name(port_file.name + ".new")
        fresh.write_text(str(server.server_port))
        fresh.replace(port_file)
    sys.stdout.write(f"{server.url}\n")
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="duecourse.peers.gateway", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    parser.add_argument("--port-file", type=Path, help="where to write the port once it listens")
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--callback", required=True, help="where receipts and replies are sent")
    parser.add_argument("--token-file", type=Path, required=True)
    parser.add_argument("--secret-file", type=Path, required=True, help="whsec_ and base64")
    parser.add_argument("--fail-suffix", default="", help="numbers that end so are not delivered")
    parser.add_argument("--until-stdin-closes", action="store_true")
    serve(parser.parse_args(arguments))


if __name__ == "__main__":
    main()
