"""A printer on this machine that says what the test tells it to.

It reads requests with the parser of the library `aioipp`, which shares nothing with the channel's
own reader, and so finds what is written wrongly.
"""

import ssl
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
from pyipp.enums import IppJobState, IppOperation, IppStatus, IppTag
from pyipp.parser import parse
from pyipp.serializer import construct_attribute

UP = 1_000_000
"""Seconds for which the printer has run."""


class Job(msgspec.Struct):
    job_id: int
    name: str
    user: str
    state: int = IppJobState.PENDING
    reasons: tuple[str, ...] = ("none",)
    created: int = UP
    completed: int | None = None
    document: bytes = b""
    asked: Mapping[str, Any] = {}


class ScriptedPrinter:
    """`script` is used up, one entry a Print-Job: an IPP status, `HTTP nnn`, or a way to fail.

    `drop` takes the job and hangs up without an answer, `garbage` answers what is no IPP, `early`
    hangs up in the middle of the request after answering that it is busy.
    """

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.script: list[int | str] = []
        self.looks: list[int | str] = []
        self.requests: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.authorizations: list[str | None] = []
        self.lock = threading.Lock()
        self.state = 3
        self.is_accepting = True
        self.formats = ["application/pdf", "image/urf"]
        self.media = ["iso_a4_210x297mm", "na_letter_8.5x11in"]
        self.sides = ["one-sided", "two-sided-long-edge"]
        self.port = 0

    @property
    def uri(self) -> str:
        return f"ipp://127.0.0.1:{self.port}/ipp/print"

    def end(self, name: str, state: int, *reasons: str, ago: int = 0) -> None:
        for job in self.jobs:
            if job.name == name:
                job.state, job.reasons, job.completed = state, reasons or ("none",), UP - ago

    def answer(self, raw: bytes) -> bytes | str:
        request = parse(raw, contains_data=True)
        operation = request["status-code"]
        asked = request["operation-attributes"]
        with self.lock:
            self.requests.append(request)
            if operation != IppOperation.PRINT_JOB and self.looks:
                step = self.looks.pop(0)
                return step if isinstance(step, str) else _said(step)
            return self._answer(request, operation, asked)

    def _answer(
        self, request: dict[str, Any], operation: int, asked: dict[str, Any]
    ) -> bytes | str:
        match operation:
            case IppOperation.GET_PRINTER_ATTRIBUTES:
                return _said(0, (IppTag.PRINTER, self._attributes()))
            case IppOperation.PRINT_JOB:
                return self._print(request)
            case IppOperation.GET_JOBS:
                return _said(0, *((IppTag.JOB, _told(each)) for each in self._listed(asked)))
            case IppOperation.GET_JOB_ATTRIBUTES:
                found = [each for each in self.jobs if each.job_id == asked["job-id"]]
                groups = [(IppTag.JOB, _told(each)) for each in found]
                return _said(0 if found else IppStatus.ERROR_NOT_FOUND, *groups)
            case _:
                return _said(IppStatus.ERROR_OPERATION_NOT_SUPPORTED)

    def _print(self, request: dict[str, Any]) -> bytes | str:
        step = self.script.pop(0) if self.script else 0
        if isinstance(step, int) and step >= 0x0100:
            return _said(step)
        if isinstance(step, str) and step not in {"drop", "no job"}:
            return step
        asked = request["operation-attributes"]
        job = Job(
            job_id=max((each.job_id for each in self.jobs), default=0) + 1,
            name=asked["job-name"],
            user=asked["requesting-user-name"],
            document=request["data"],
            asked={**asked, **(request["jobs"][0] if request["jobs"] else {})},
        )
        self.jobs.append(job)
        if isinstance(step, str):
            return step if step == "drop" else _said(0)
        return _said(step, (IppTag.JOB, _told(job)))

    def _listed(self, asked: dict[str, Any]) -> list[Job]:
        """The latest first, as RFC 8011 has it for jobs that have ended."""
        ended = asked["which-jobs"] == "completed"
        mine = [
            each
            for each in self.jobs
            if each.user == asked["requesting-user-name"] or not asked["my-jobs"]
        ]
        listed = [each for each in mine if (each.state >= IppJobState.CANCELED) == ended]
        return sorted(listed, key=lambda each: -each.job_id)[: asked["limit"]]

    def _attributes(self) -> dict[str, Any]:
        return {
            "printer-state": self.state,
            "printer-is-accepting-jobs": self.is_accepting,
            "document-format-supported": self.formats,
            "media-supported": self.media,
            "sides-supported": self.sides,
        }


def _told(job: Job) -> dict[str, Any]:
    told = {
        "job-id": job.job_id,
        "job-name": job.name,
        "job-state": int(job.state),
        "job-state-reasons": list(job.reasons),
        "job-printer-up-time": UP,
        "time-at-creation": job.created,
    }
    return told if job.completed is None else {**told, "time-at-completed": job.completed}


def _said(status: int, *groups: tuple[int, dict[str, Any]]) -> bytes:
    charset = construct_attribute("attributes-charset", "utf-8")
    language = construct_attribute("attributes-natural-language", "en")
    parts = [struct.pack(">BBHI", 1, 1, status, 1), bytes([IppTag.OPERATION]), charset, language]
    for tag, attributes in groups:
        parts.append(bytes([tag]))
        parts += [
            construct_attribute(name, value, _TAGS.get(name)) for name, value in attributes.items()
        ]
    return b"".join([*parts, bytes([IppTag.END])])


# What the library's own table of types does not have.
_TAGS = {
    "printer-is-accepting-jobs": IppTag.BOOLEAN,
    "document-format-supported": IppTag.MIME_TYPE,
    "media-supported": IppTag.KEYWORD,
    "sides-supported": IppTag.KEYWORD,
    "job-printer-up-time": IppTag.INTEGER,
}


class _Handler(BaseHTTPRequestHandler):
    printer: ScriptedPrinter

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.printer.paths.append(self.path)
        self.printer.authorizations.append(self.headers["Authorization"])
        answer = self.printer.answer(self.rfile.read(length))
        match answer:
            case bytes():
                self._send(200, answer)
            case "garbage":
                self._send(200, b"\x01\x01\x00\x00nonsense")
            case "huge":
                self._send(200, b"\x01" * 5_000_000)
            case "elsewhere":
                self._send(307, b"", Location=f"http://127.0.0.1:{self.printer.port}/other")
            case str() if answer.startswith("HTTP "):
                self._send(int(answer.removeprefix("HTTP ")), b"secret words of the printer")
            case _:
                self.close_connection = True

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/ipp")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        pass


@contextmanager
def scripted_printer(tls: ssl.SSLContext | None = None) -> Iterator[ScriptedPrinter]:
    printer = ScriptedPrinter()
    handler = type("Handler", (_Handler,), {"printer": printer})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        printer.port = server.server_address[1]
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield printer
        finally:
            server.shutdown()
            thread.join()
