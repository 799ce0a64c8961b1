"""A conversation with a printer: IPP (RFC 8011) over HTTP, one connection a question.

The HTTP side of the library `aioipp` is not used: it follows redirects, reads answers of any size,
and cannot say whether the document had left when the line broke.
"""

import http.client
import ssl
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
from pyipp.enums import IppJobState, IppOperation, IppPrinterState, IppStatus

from duecourse import Permanent, Secret, Transient
from duecourse_letter.ipp import Attributes, UnclearAnswer, read_answer, write_request

MOST_ANSWER: Final = 4_000_000
_JOB_ATTRIBUTES: Final = [
    "job-id",
    "job-name",
    "job-state",
    "job-state-reasons",
    "job-printer-up-time",
    "time-at-creation",
    "time-at-completed",
]
_PRINTER_ATTRIBUTES: Final = [
    "printer-state",
    "printer-is-accepting-jobs",
    "document-format-supported",
    "media-supported",
    "sides-supported",
]

# The printer took nothing over, and may soon.
_BUSY: Final = frozenset(
    {
        IppStatus.ERROR_NOT_POSSIBLE,
        IppStatus.ERROR_SERVICE_UNAVAILABLE,
        IppStatus.ERROR_TEMPORARY,
        IppStatus.ERROR_NOT_ACCEPTING_JOBS,
        IppStatus.ERROR_BUSY,
        IppStatus.ERROR_PRINTER_IS_DEACTIVATED,
        IppStatus.ERROR_TOO_MANY_JOBS,
    }
)
# There may be a job all the same: the printer broke down over it, or waited in vain for the rest.
_UNCLEAR: Final = frozenset(
    {IppStatus.ERROR_TIMEOUT, IppStatus.ERROR_INTERNAL, IppStatus.ERROR_DEVICE}
)


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where the printer listens; `uri` is what it is called in every request."""

    uri: str
    host: str
    port: int
    path: str
    is_tls: bool


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What the printer says of itself; empty sets where it does not say."""

    is_stopped: bool
    is_accepting: bool
    formats: frozenset[str]
    media: frozenset[str]
    sides: frozenset[str]


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job in the printer's list. `age` and `ended` are seconds ago, where the printer says."""

    job_id: int
    name: str
    state: int
    reasons: tuple[str, ...]
    age: float | None = None
    ended: float | None = None


class Printer:
    """Raises Transient and Permanent when nothing was taken, UnclearAnswer when it may have been."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        user: str,
        password: Secret | None,
        timeout: float,
        ca_file: str,
    ) -> None:
        self._endpoint = endpoint
        self._user = user
        self._password = password
        self._timeout = timeout
        self._ca_file = ca_file

    def state(self) -> State:
        attributes = {"requested-attributes": _PRINTER_ATTRIBUTES}
        answer = self._look(IppOperation.GET_PRINTER_ATTRIBUTES, attributes)
        said = next((values for group, values in answer if group == "printer"), {})
        return State(
            is_stopped=_one(said, "printer-state", int) == IppPrinterState.STOPPED,
            is_accepting=_one(said, "printer-is-accepting-jobs", bool) is not False,
            formats=_texts(said, "document-format-supported"),
            media=_texts(said, "media-supported"),
            sides=_texts(said, "sides-supported"),
        )

    def print(self, name: str, pdf: bytes, template: Mapping[str, str]) -> int:
        """Print-Job; `template` are the job's own attributes. Returns the job's number."""
        attributes: dict[str, Any] = {"job-name": name, "document-format": "application/pdf"}
        if template:
            # Rather not printed than on other paper.
            attributes |= {"ipp-attribute-fidelity": True}
        request = self._request(IppOperation.PRINT_JOB, attributes, template, pdf)
        status, answer = self._ask(request)
        _check(status)
        for job in _jobs(answer):
            return job.job_id
        raise UnclearAnswer("a success without a job")

    def jobs(self, which: str, limit: int) -> list[Job]:
        """Our own jobs; `completed` are the last `limit` of them, the latest first."""
        attributes = {
            "limit": limit,
            "requested-attributes": _JOB_ATTRIBUTES,
            "which-jobs": which,
            "my-jobs": True,
        }
        return list(_jobs(self._look(IppOperation.GET_JOBS, attributes)))

    def job(self, job_id: int) -> Job | None:
        """None when the printer does not know it any more."""
        attributes = {"job-id": job_id, "requested-attributes": _JOB_ATTRIBUTES}
        try:
            return next(_jobs(self._look(IppOperation.GET_JOB_ATTRIBUTES, attributes)), None)
        except _NotFound:
            return None

    def _look(
        self, operation: IppOperation, attributes: Mapping[str, Any]
    ) -> list[tuple[str, Attributes]]:
        """A question that prints nothing: what is unclear about it is worth another try."""
        try:
            status, answer = self._ask(self._request(operation, attributes))
            _check(status)
        except (OSError, http.client.HTTPException, UnclearAnswer) as failure:
            raise Transient(f"the printer gave no answer ({type(failure).__name__})") from None
        return answer

    def _request(
        self,
        operation: IppOperation,
        attributes: Mapping[str, Any],
        template: Mapping[str, str] | None = None,
        document: bytes = b"",
    ) -> bytes:
        """The target comes first, then who asks (RFC 8011, 4.1.5)."""
        ordered = {
            "printer-uri": self._endpoint.uri,
            **({"job-id": attributes["job-id"]} if "job-id" in attributes else {}),
            "requesting-user-name": self._user,
            **attributes,
        }
        return write_request(operation, ordered, template or {}, document)

    def _ask(self, request: bytes) -> tuple[int, list[tuple[str, Attributes]]]:
        deadline = time.monotonic() + self._timeout
        connection = self._connected()
        try:
            is_whole = self._post(connection, request)
            with connection.getresponse() as response:
                _check_http(response.status)
                status, answer = read_answer(_body(response, deadline))
        finally:
            connection.close()
        if status < IppStatus.REDIRECTION_OTHER_SITE and not is_whole:
            raise UnclearAnswer("a success before the end of the request")
        return status, answer

    def _post(self, connection: http.client.HTTPConnection, request: bytes) -> bool:
        """False when the printer hung up on it; it may have said why before."""
        try:
            connection.request("POST", self._endpoint.path, request, self._headers())
        except (BrokenPipeError, ConnectionResetError):
            return False
        return True

    def _connected(self) -> http.client.HTTPConnection:
        """Raises Transient: whatever fails here, no byte of the letter has left."""
        where = self._endpoint
        try:
            if where.is_tls:
                context = ssl.create_default_context(cafile=self._ca_file or None)
                connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                    where.host, where.port, timeout=self._timeout, context=context
                )
            else:
                connection = http.client.HTTPConnection(
                    where.host, where.port, timeout=self._timeout
                )
            connection.connect()
        except OSError as failure:
            hint = "; see ca_file" if isinstance(failure, ssl.SSLError | FileNotFoundError) else ""
            raise Transient(
                f"the printer was not reached ({type(failure).__name__}){hint}"
            ) from None
        return connection

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/ipp"}
        if self._password is not None:
            pair = f"{self._user}:{self._password.reveal()}".encode()
            headers["Authorization"] = "Basic " + b64encode(pair).decode()
        return headers


class _NotFound(Permanent):
    """There is no such job, or no such printer."""


def _check_http(status: int) -> None:
    """Raises what an answer other than success proves. Its own text is never quoted."""
    match status:
        case HTTPStatus.OK:
            return
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            raise Permanent("the printer refuses the credentials; set user and password")
        case HTTPStatus.NOT_FOUND:
            raise Permanent("there is no such printer at this address; see the path of printer")
        case HTTPStatus.UPGRADE_REQUIRED:
            raise Permanent("the printer wants TLS; write printer as ipps://")
        case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.SERVICE_UNAVAILABLE:
            raise Transient(f"the printer is busy (HTTP {status})")
        case _ if 300 <= status < 500:  # noqa: PLR2004 - elsewhere, or our fault
            raise Permanent(f"the printer refuses the request (HTTP {status}); see printer")
        case _:
            raise UnclearAnswer(f"HTTP {status}")


def _check(status: int) -> None:
    """What the status of an operation proves (RFC 8011, appendix B)."""
    if status < IppStatus.REDIRECTION_OTHER_SITE:
        return
    named = _named(status)
    if status in _BUSY:
        raise Transient(f"the printer is not ready: {named}")
    if status in _UNCLEAR:
        raise UnclearAnswer(named)
    if status == IppStatus.ERROR_NOT_FOUND:
        raise _NotFound(f"the printer refuses: {named}; see the path of printer")
    if IppStatus.ERROR_BAD_REQUEST <= status < 0x0600:  # noqa: PLR2004 - the end of the errors
        raise Permanent(f"the printer refuses: {named}")
    raise UnclearAnswer(named)


def _named(status: int) -> str:
    try:
        name = IppStatus(status).name.removeprefix("ERROR_").lower().replace("_", "-")
    except ValueError:
        name = "status"
    return f"{name} (0x{status:04x})"


def _body(response: http.client.HTTPResponse, deadline: float) -> bytes:
    """Read a bounded answer: a printer that drips bytes must not hold the worker."""
    body = b""
    while part := response.read1(65_536):
        body += part
        if len(body) > MOST_ANSWER:
            raise UnclearAnswer(f"the answer is longer than {MOST_ANSWER} bytes")
        if time.monotonic() > deadline:
            raise UnclearAnswer("the answer took too long")
    return body


def _one(values: Attributes, name: str, kind: type[Any]) -> Any:  # noqa: ANN401 - as `kind` says
    found = values.get(name, [None])[0]
    return found if isinstance(found, kind) else None


def _texts(values: Attributes, name: str) -> frozenset[str]:
    return frozenset(each for each in values.get(name, []) if isinstance(each, str))


def _jobs(answer: list[tuple[str, Attributes]]) -> Iterator[Job]:
    for group, values in answer:
        job_id = _one(values, "job-id", int)
        if group != "job" or job_id is None:
            continue
        now = _one(values, "job-printer-up-time", int)
        yield Job(
            job_id=job_id,
            name=_one(values, "job-name", str) or "",
            state=_one(values, "job-state", int) or IppJobState.PENDING,
            reasons=tuple(sorted(_texts(values, "job-state-reasons"))),
            age=_since(now, _one(values, "time-at-creation", int)),
            ended=_since(now, _one(values, "time-at-completed", int)),
        )


def _since(now: int | None, then: int | None) -> float | None:
    """Times are the printer's own seconds; of before its last start they are zero or less."""
    if now is None or then is None or not 0 < then <= now:
        return None
    return float(now - then)
