"""Peers on this machine that take messages, and peers that refuse, hang and talk nonsense."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, Final, Literal

import msgspec

Trouble = Literal[
    "refused", "hang", "dropped", "garbage", "429", "500", "503", "401", "403"
]  # fmt: skip
"""What goes wrong: no listener; silence after the request; the line cut after it; bytes that are no
answer; or an answer with this HTTP status, which quotes the request."""

MOST_BODY: Final = 1_000_000
HOST: Final = "127.0.0.1"
NONSENSE: Final = b"\x00\xff\xfe kit: this is no protocol at all\r\n\r\n"
_WAIT_SECONDS: Final = 30.0


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """A message as the peer has it. `reference` is what the peer called it, where that is known."""

    content: str
    reference: str = ""


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """`settings` reach the peer; `arrived` lists each message that it took, once; None: unknown.

    `is_ours` says that the kit made it, and so watches that nothing else is reached.
    """

    settings: Mapping[str, Any]
    arrived: Callable[[], Sequence[Arrival]] | None
    is_ours: bool = False


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel asked the kit's HTTP peer; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the peer says to a message it takes."""

    status: int = 200
    body: bytes = b""
    media_type: str = "application/json"
    headers: Mapping[str, str] = {}


class HttpPeer:
    """Takes every message once: a second request with the same Idempotency-Key gets the same."""

    def __init__(self, answer: Callable[[Request, str], Answer]) -> None:
        self.connections = 0
        self._answer = answer
        self._lock = threading.Lock()
        self._arrivals: list[Arrival] = []
        self._given: dict[str, Answer] = {}

    def arrived(self) -> list[Arrival]:
        with self._lock:
            return list(self._arrivals)

    def __call__(self, request: Request) -> Answer:
        key = request.headers.get("idempotency-key", "")
        with self._lock:
            self.connections += 1
            if key and key in self._given:
                return self._given[key]
            reference = f"kit-{len(self._arrivals) + 1}"
            answer = self._answer(request, reference)
            if request.method in {"POST", "PUT"} and answer.status < 300:  # noqa: PLR2004 - HTTP
                told = request.body.decode("utf-8", "replace") + request.path
                self._arrivals.append(Arrival(content=told, reference=reference))
                self._given |= {key: answer} if key else {}
            return answer


def quoting(status: int) -> Callable[[Request], Answer]:
    """A refusal that repeats what it was asked: a channel must not repeat that in its turn."""

    def answer(request: Request) -> Answer:
        secret = " ".join(request.headers.values()).encode("latin-1", "replace")
        return Answer(
            status=status,
            body=b"refused: " + request.body + b" " + secret,
            media_type="text/plain",
            headers={"Retry-After": "7"} if status in {429, 503} else {},
        )

    return answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    block_on_close = False

    def __init__(self, answer: Callable[[Request], Answer | bytes | None]) -> None:
        self.answer = answer
        self.done = threading.Event()
        super().__init__((HOST, 0), _Handler)

    def server_bind(self) -> None:
        # Not the way of HTTPServer: it asks the DNS for this machine's name.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _WAIT_SECONDS

    def _serve(self) -> None:
        length = min(int(self.headers.get("content-length") or 0), MOST_BODY)
        request = Request(
            method=self.command,
            path=self.path,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length),
        )
        given = self.server.answer(request)
        if given is None:
            self.server.done.wait(_WAIT_SECONDS)
        elif isinstance(given, bytes):
            self.wfile.write(given)
        else:
            self._give(given)
        self.close_connection = True

    def _give(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", answer.media_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the base calls them so

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base names it so
        """A peer says nothing."""


@contextmanager
def http_server(answer: Callable[[Request], Answer | bytes | None]) -> Iterator[int]:
    """Serve on a free port. Bytes are written as they are; None is silence until the end."""
    server = _Server(answer)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.done.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def nobody() -> Iterator[int]:
    """A port that is taken, so that nobody else gets it, and on which nobody listens."""
    with socket.socket() as held:
        held.bind((HOST, 0))
        port: int = held.getsockname()[1]
        yield port


@contextmanager
def tcp_server(first_words: bytes | None) -> Iterator[int]:
    """Say this to everyone who connects, and hang up; None says nothing and holds the line."""
    with socket.create_server((HOST, 0)) as listener:
        held: list[socket.socket] = []

        def listen() -> None:
            with suppress(OSError):
                while True:
                    line, _ = listener.accept()
                    held.append(line)
                    if first_words is not None:
                        with suppress(OSError):
                            line.sendall(first_words)
                        held.remove(line)
                        line.close()

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            # Only this wakes a thread that waits in accept().
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join()
            for line in held:
                line.close()


@contextmanager
def troublesome_http(trouble: Trouble) -> Iterator[int]:
    if trouble == "refused":
        with nobody() as port:
            yield port
        return
    answers: dict[str, Callable[[Request], Answer | bytes | None]] = {
        "hang": lambda _: None,
        "dropped": lambda _: b"",
        "garbage": lambda _: NONSENSE,
    }
    answer = answers[trouble] if trouble in answers else quoting(int(trouble))
    with http_server(answer) as port:
        yield port


@contextmanager
def troublesome_tcp(trouble: Literal["refused", "hang", "dropped", "garbage"]) -> Iterator[int]:
    if trouble == "refused":
        with nobody() as port:
            yield port
        return
    words = {"hang": None, "dropped": b"", "garbage": NONSENSE}[trouble]
    with tcp_server(words) as port:
        yield port
