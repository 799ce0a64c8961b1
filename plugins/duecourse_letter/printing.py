"""The channel `letter-ipp`: a printer of the house, or its print server, by IPP.

A letter is one Print-Job whose job-name is the message's key (its digest where that is no UUID):
printers show names on their panels and in their logs. Before it, the printer is asked whether it
is ready: what waits in a stopped printer would come out days later, whatever was decided since.

After a crash the job is looked up by its name, among our jobs that are under way and then among
those that have ended. Printers forget ended jobs, so "not listed" proves nothing by itself:
`find` says that the letter was never taken only within `history_seconds` of its permission, or
when the list reaches back beyond it. Otherwise it raises, and the outcome stays unknown.

`poll` reads both lists and reports what changed: waiting or printing is `queued`, held or stopped
is `deferred`, printed is `sent`, cancelled or aborted is `failed` with the printer's keywords. The
cursor holds the jobs seen. A job that left the lists is asked for by its number once more.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal
from urllib.parse import urlsplit

import msgspec

from duecourse import (
    Accepted,
    Capabilities,
    Outbound,
    Permanent,
    Polled,
    Receipt,
    Secret,
    Transient,
)
from duecourse_letter.letters import LetterChannel, StationeryConfig, check_unexpired
from duecourse_letter.names import is_ours, job_name

if TYPE_CHECKING:
    from duecourse_letter.printer import Job, Printer

IPP_PORT: Final = 631
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
MOST_JOBS: Final = 400
MOST_MISSING: Final = 50
CLOCK_SKEW: Final = 60.0
_PDF: Final = frozenset({"application/pdf", "application/octet-stream"})
_KEYWORD: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}", re.ASCII)
_PAPER: Final = {"a4": "iso_a4_210x297mm", "us-letter": "na_letter_8.5x11in"}
_STATUS: Final[dict[int, Literal["queued", "deferred", "sent", "failed"]]] = {
    3: "queued",  # pending
    4: "deferred",  # pending-held
    5: "queued",  # processing
    6: "deferred",  # processing-stopped
    7: "failed",  # canceled
    8: "failed",  # aborted
    9: "sent",  # completed
}
_UNDER_WAY: Final = frozenset({"queued", "deferred"})


class PrinterConfig(StationeryConfig, kw_only=True):
    """`printer` is its URI, such as `ipps://printer.example/ipp/print`.

    Without TLS (`ipp`) only on this machine, or with `insecure_network = true`: letters are
    personal. `user` is the requesting user name of our jobs, and no person's. `media` is the paper
    of the window unless set; `sides` is the printer's own default unless set. `ca_file` is whom to
    trust when the printer's certificate is not of a public authority. `history_seconds` is how
    long the printer surely lists a job that has ended.
    """

    printer: Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
    user: Annotated[
        str,
        msgspec.Meta(
            pattern="^[!-9;-~]{1,60}$", description="use up to 60 of ASCII, no blank and no colon"
        ),
    ] = "duecourse"
    password: Secret | None = None
    media: (
        Annotated[
            str,
            msgspec.Meta(
                pattern="^[a-z0-9][a-z0-9._-]{0,99}$",
                description="use a name of PWG 5101.1",
                examples=["iso_a4_210x297mm"],
            ),
        ]
        | None
    ) = None
    sides: Literal["one-sided", "two-sided-long-edge", "two-sided-short-edge"] | None = None
    timeout: Annotated[float, msgspec.Meta(gt=0, le=300)] = 30.0
    ca_file: str = ""
    insecure_network: bool = False
    history_seconds: Annotated[float, msgspec.Meta(ge=0, le=31_536_000)] = 60.0


class NotListed(Exception):
    """The printer does not list the letter, and may have forgotten it."""


class _Seen(msgspec.Struct, frozen=True, array_like=True):
    """The jobs of the last poll by their numbers: a mark of the name, and what was reported."""

    jobs: dict[int, tuple[bytes, str]] = {}


class LetterPrinter(LetterChannel[PrinterConfig]):
    """Prints each letter as one job of a printer that may be asked about it."""

    name = "letter-ipp"
    config_class = PrinterConfig
    example: ClassVar[Mapping[str, Any]] = {"printer": "ipp://127.0.0.1:9/ipp/print"}
    # One at a time: most printers take the next job only when they have the last.
    capabilities = Capabilities(medium="letter", guarantee="queryable", receipts="poll", parallel=1)

    def __init__(self, config: PrinterConfig) -> None:
        super().__init__(config)
        self._where = _read_uri(config)

    def check(self) -> None:
        self.check_stationery()
        said = self._printer().state()
        template = self._template()
        for what, supported, wanted in (
            ("media", said.media, template["media"]),
            ("sides", said.sides, template.get("sides")),
        ):
            if wanted and supported and wanted not in supported:
                raise Permanent(f"the printer has no {what} {wanted}; it has {_few(supported)}")
        _check_ready(said.formats, is_stopped=said.is_stopped, is_accepting=said.is_accepting)

    def send(self, message: Outbound) -> Accepted:
        check_unexpired(message)
        letter = self.letter(message)
        units = self.measure(message).units
        printer = self._printer()
        said = printer.state()
        _check_ready(said.formats, is_stopped=said.is_stopped, is_accepting=said.is_accepting)
        printer.print(self.reference(message), letter, self._template())
        return Accepted(reference=self.reference(message), units=units)

    def find(self, message: Outbound) -> Accepted | None:
        name = self.reference(message)
        printer = self._printer()
        # In this order: a job that ends in between is in the second list.
        for which in ("not-completed", "completed"):
            jobs = printer.jobs(which, MOST_JOBS)
            if any(job.name == name for job in jobs):
                return Accepted(reference=name, units=self.measure(message).units)
            elapsed = (datetime.now(UTC) - message.at).total_seconds()
            if which == "completed" and _is_proof(jobs, elapsed, self.config.history_seconds):
                return None
        raise NotListed("the printer does not list the letter, and may have forgotten it")

    def poll(self, cursor: bytes) -> Polled:
        printer = self._printer()
        seen = _read(cursor)
        jobs = {
            job.job_id: job
            for which in ("not-completed", "completed")
            for job in printer.jobs(which, MOST_JOBS)
        }
        jobs |= {job.job_id: job for job in _missing(printer, seen, jobs)}
        ours = {
            number: job
            for number, job in jobs.items()
            if is_ours(job.name) and job.state in _STATUS
        }
        now = datetime.now(UTC)
        return Polled(
            signals=tuple(
                _receipt(job, now)
                for number, job in sorted(ours.items())
                if seen.jobs.get(number) != _mark(job)
            ),
            cursor=msgspec.msgpack.encode(
                _Seen(jobs={number: _mark(job) for number, job in ours.items()})
            ),
        )

    def reference(self, message: Outbound) -> str:
        return job_name(message.key)

    def _template(self) -> dict[str, str]:
        template = {"media": self.config.media or _PAPER[self.envelope.paper]}
        if self.config.sides is not None:
            template["sides"] = self.config.sides
        return template

    def _printer(self) -> "Printer":
        try:
            # Half a second to load, which those who only spool need not spend.
            from duecourse_letter.printer import Endpoint, Printer  # noqa: PLC0415
        except ModuleNotFoundError:
            raise Transient(
                "aioipp is not installed; pip install 'duecourse[letter]', then start again"
            ) from None
        return Printer(
            Endpoint(**self._where),
            user=self.config.user,
            password=self.config.password,
            timeout=self.config.timeout,
            ca_file=self.config.ca_file,
        )


def _read_uri(config: PrinterConfig) -> dict[str, Any]:
    """The fields of an Endpoint. The URI is not repeated: it may hold a password."""
    try:
        uri = urlsplit(config.printer)
        port = uri.port or IPP_PORT
    except ValueError:
        raise ValueError("printer is no URI; write ipps://HOST/ipp/print") from None
    if uri.scheme not in {"ipp", "ipps"} or not uri.hostname or not config.printer.isascii():
        raise ValueError("printer must be an ipps:// or ipp:// URI, as ipps://HOST/ipp/print")
    if uri.username is not None or uri.query or uri.fragment or not config.printer.isprintable():
        raise ValueError("printer is host and path only; a password goes into password")
    is_tls = uri.scheme == "ipps"
    is_near = uri.hostname in LOOPBACK
    if not (is_tls or is_near or config.insecure_network):
        raise ValueError(
            "printer without TLS sends letters in clear; write ipps://, "
            "or set insecure_network = true for a network of your own"
        )
    if config.password is not None and not (is_tls or is_near):
        raise ValueError("password is not sent in clear; write printer as ipps://")
    return {
        "uri": config.printer,
        "host": uri.hostname,
        "port": port,
        "path": uri.path or "/",
        "is_tls": is_tls,
    }


def _check_ready(formats: Iterable[str], *, is_stopped: bool, is_accepting: bool) -> None:
    if is_stopped:
        raise Transient("the printer is stopped; see to it")
    if not is_accepting:
        raise Transient("the printer is not accepting jobs")
    if formats and not _PDF.intersection(formats):
        raise Permanent("the printer takes no PDF; print through a print server that does")


def _few(keywords: Iterable[str]) -> str:
    return ", ".join(sorted(each for each in keywords if _KEYWORD.fullmatch(each))[:8])


def _is_proof(jobs: "list[Job]", elapsed: float, history: float) -> bool:
    """Whether a letter permitted `elapsed` seconds ago would still be among the ended `jobs`."""
    if len(jobs) >= MOST_JOBS or elapsed < -CLOCK_SKEW:
        return False
    if elapsed <= history:
        return True
    return any(job.age is not None and job.age > elapsed + CLOCK_SKEW for job in jobs)


def _missing(printer: "Printer", seen: _Seen, listed: "Mapping[int, Job]") -> "Iterable[Job]":
    """Jobs that were under way and are in neither list: it is cut, or the printer forgot them."""
    gone = [
        number
        for number, (_, status) in sorted(seen.jobs.items())
        if status in _UNDER_WAY and number not in listed
    ]
    for number in gone[:MOST_MISSING]:
        job = printer.job(number)
        # After a reset a printer may count from one again.
        if job is not None and _name_mark(job.name) == seen.jobs[number][0]:
            yield job


def _mark(job: "Job") -> tuple[bytes, str]:
    return _name_mark(job.name), _STATUS[job.state]


def _name_mark(name: str) -> bytes:
    return blake2b(name.encode(), digest_size=12).digest()


def _receipt(job: "Job", now: datetime) -> Receipt:
    status = _STATUS[job.state]
    ended = job.ended if status not in _UNDER_WAY else None
    known = [each for each in job.reasons if _KEYWORD.fullmatch(each) and each != "none"]
    return Receipt(
        reference=job.name,
        receipt_id=f"{job.name}/{job.job_id}/{status}",
        status=status,
        occurred_at=now - timedelta(seconds=ended or 0),
        detail=" ".join(known[:4]) if status in {"failed", "deferred"} else "",
    )


def _read(cursor: bytes) -> _Seen:
    """A cursor that is none of ours says nothing: the receipts come again, which does no harm."""
    try:
        return msgspec.msgpack.decode(cursor, type=_Seen)
    except msgspec.MsgspecError:
        return _Seen()
