"""An SMSC of a few lines that does what it is told: refuses, hangs up, stays silent."""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

BIND_RX, BIND_TX, SUBMIT, DELIVER, UNBIND, ENQUIRE = 1, 2, 4, 5, 6, 0x15
RESP = 0x80000000
THROTTLED, QUEUE_FULL, SYSTEM_ERROR, BAD_ADDRESS, UNKNOWN_ERROR = 0x58, 0x14, 0x08, 0x0B, 0xFF
WRONG_PASSWORD = 0x0E
HANG_UP, SILENCE, NACK = -1, -2, -3


def frame(command: int, sequence: int, body: bytes = b"", status: int = 0) -> bytes:
    return struct.pack(">LLLL", 16 + len(body), command, status, sequence) + body


def words(text: bytes, *, source: bytes = b"8615400000000", esm_class: int = 0) -> bytes:
    """The body of a deliver_sm."""
    return b"".join((
        b"\0\1\1", source, b"\0\0\0", b"10690000\0", bytes((esm_class, 0, 0)), b"\0\0\0\0\0\0",
        bytes((len(text),)), text,
    ))  # fmt: skip


class ScriptedSmsc:
    """Speaks SMPP by the tables of the standard, without the library that is tested.

    Answers submit_sm by `statuses` in turn (then 0), a bind by `bind`; sends `deliveries`.
    A delivery without an answer goes out again on the next receiving connection. With no
    `message_id` every message gets one of its own.
    """

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.bind = 0
        self.message_id: bytes | None = b"smsc-1"
        self.submitted: list[bytes] = []
        self.commands: list[int] = []
        self.deliveries: list[bytes] = []
        self.answers: list[tuple[int, int]] = []
        self.raw_after_bind = b""
        self.submit_gate = threading.Event()
        self.submit_gate.set()
        self.connections: list[socket.socket] = []
        self._pending: dict[int, bytes] = {}
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    def _start(self, run: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=run, args=args)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        with connection, stream:
            try:
                while len(head := stream.read(16)) == 16:
                    length, command, status, sequence = struct.unpack(">LLLL", head)
                    body = stream.read(length - 16)
                    self.commands.append(command)
                    self._take(connection, command, status, sequence, body)
            except OSError:
                return

    def _take(
        self, connection: socket.socket, command: int, status: int, sequence: int, body: bytes
    ) -> None:
        match command:
            case 1 | 2:
                connection.sendall(frame(command | RESP, sequence, b"x\0", self.bind))
                connection.sendall(self.raw_after_bind)
                if command == BIND_RX:
                    self._pending = {at + 100: each for at, each in enumerate(self.deliveries)}
                    for number, each in self._pending.items():
                        connection.sendall(frame(DELIVER, number, each))
            case 4:
                self.submitted.append(body)
                self.submit_gate.wait(10)
                self._answer_submit(connection, sequence)
            case 0x80000005:
                self.answers.append((sequence, status))
                if (done := self._pending.pop(sequence, None)) is not None and status == 0:
                    self.deliveries.remove(done)
            case 0x15:
                connection.sendall(frame(command | RESP, sequence))
            case _:
                pass

    def _answer_submit(self, connection: socket.socket, sequence: int) -> None:
        match self.statuses.pop(0) if self.statuses else 0:
            case -1:
                connection.shutdown(socket.SHUT_RDWR)
            case -2:
                pass
            case -3:
                connection.sendall(frame(RESP, sequence))
            case 0:
                connection.sendall(frame(SUBMIT | RESP, sequence, self._name() + b"\0"))
            case status:
                connection.sendall(frame(SUBMIT | RESP, sequence, b"", status))

    def _name(self) -> bytes:
        return (
            self.message_id if self.message_id is not None else f"id-{len(self.submitted)}".encode()
        )

    def hang_up(self) -> None:
        for connection in self.connections:
            with suppress(OSError):  # closed by the other side
                connection.shutdown(socket.SHUT_RDWR)
        self.connections.clear()

    def close(self) -> None:
        self.submit_gate.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        for thread in self._threads:
            thread.join()


def read_submit(body: bytes) -> dict[str, Any]:
    """submit_sm by the table of the standard."""
    service, _, rest = body.partition(b"\0")
    source_ton, source_npi = rest[:2]
    source, _, rest = rest[2:].partition(b"\0")
    to_ton, to_npi = rest[:2]
    to, _, rest = rest[2:].partition(b"\0")
    esm_class, rest = rest[0], rest[3:]
    schedule, _, rest = rest.partition(b"\0")
    validity, _, rest = rest.partition(b"\0")
    registered, _, coding, _, length = rest[:5]
    return {
        "service": service, "source": (source_ton, source_npi, source), "to": (to_ton, to_npi, to),
        "esm_class": esm_class, "schedule": schedule, "validity": validity, "coding": coding,
        "registered_delivery": registered, "text": rest[5 : 5 + length], "rest": rest[5 + length :],
    }  # fmt: skip
