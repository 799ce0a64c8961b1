"""Printing by IPP: what each answer of a printer proves, what is asked after a crash, receipts."""

import socket
import ssl
import struct
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final
from uuid import UUID

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from ipp_printer import UP, Job, ScriptedPrinter, scripted_printer
from letters import CHINESE
from pyipp.enums import IppJobState, IppOperation, IppStatus

from duecourse import Accepted, ChannelError, Outbound, Permanent, Secret, Transient, pdfa_level
from duecourse.testing.pdf import page_texts
from duecourse_letter import LetterPrinter, PrinterConfig
from duecourse_letter.ipp import UnclearAnswer, read_answer
from duecourse_letter.printer import Endpoint, Printer
from duecourse_letter.printing import MOST_JOBS, NotListed

KEY: Final = "0b1f8e9a-2f5c-4f1e-9a77-3d5f00000001"
OTHER: Final = "0b1f8e9a-2f5c-4f1e-9a77-3d5f00000002"


def letter(key: str = KEY, *, ago: float = 10) -> Outbound:
    """A letter permitted a moment ago: `find` measures how long the printer must remember."""
    at = datetime.now(UTC) - timedelta(seconds=ago)
    return msgspec.structs.replace(CHINESE, key=key, at=at, expires_at=at + timedelta(days=1))


@pytest.fixture
def printer() -> Iterator[ScriptedPrinter]:
    with scripted_printer() as made:
        yield made


@pytest.fixture
def channel(printer: ScriptedPrinter) -> LetterPrinter:
    return made(printer)


def made(printer: ScriptedPrinter, **settings: object) -> LetterPrinter:
    given = {"printer": printer.uri, "timeout": 5.0, **settings}
    return LetterPrinter(msgspec.convert(given, PrinterConfig))


def test_a_letter_is_printed_as_one_job_under_its_key(
    channel: LetterPrinter, printer: ScriptedPrinter
) -> None:
    assert channel.send(letter()) == Accepted(reference=KEY, units=1)
    (job,) = printer.jobs
    assert (job.name, job.user, pdfa_level(job.document)) == (KEY, "duecourse", "2B")
    assert "尊敬的样例人物" in page_texts(job.document)[0]


def test_the_printer_learns_nothing_of_the_letter_but_its_key(
    channel: LetterPrinter, printer: ScriptedPrinter
) -> None:
    channel.send(letter())
    assert dict(printer.jobs[0].asked) == {
        "attributes-charset": "utf-8",
        "attributes-natural-language": "en",
        "printer-uri": printer.uri,
        "requesting-user-name": "duecourse",
        "job-name": KEY,
        "document-format": "application/pdf",
        "ipp-attribute-fidelity": True,
        "media": "iso_a4_210x297mm",
    }


def test_a_key_that_is_no_uuid_is_not_shown_on_the_printer(
    channel: LetterPrinter, printer: ScriptedPrinter
) -> None:
    reference = channel.send(letter("林示例")).reference
    assert reference.startswith("sha256-")
    assert printer.jobs[0].name == reference


def test_paper_and_duplex_are_asked_for(printer: ScriptedPrinter) -> None:
    made(printer, window="us-10", sides="two-sided-long-edge").send(letter())
    asked = printer.jobs[0].asked
    assert (asked["media"], asked["sides"]) == ("na_letter_8.5x11in", "two-sided-long-edge")


@pytest.mark.parametrize(
    "status",
    [
        IppStatus.ERROR_BUSY,
        IppStatus.ERROR_NOT_ACCEPTING_JOBS,
        IppStatus.ERROR_TEMPORARY,
        IppStatus.ERROR_SERVICE_UNAVAILABLE,
        IppStatus.ERROR_PRINTER_IS_DEACTIVATED,
        IppStatus.ERROR_TOO_MANY_JOBS,
        IppStatus.ERROR_NOT_POSSIBLE,
        "HTTP 503",
        "HTTP 429",
    ],
)
def test_a_printer_that_is_not_ready_is_worth_another_try(
    channel: LetterPrinter, printer: ScriptedPrinter, status: int | str
) -> None:
    printer.script = [status]
    with pytest.raises(Transient):
        channel.send(letter())
    assert channel.send(letter()).reference == KEY


@pytest.mark.parametrize(
    "status",
    [
        IppStatus.ERROR_DOCUMENT_FORMAT_NOT_SUPPORTED,
        IppStatus.ERROR_DOCUMENT_FORMAT_ERROR,
        IppStatus.ERROR_ATTRIBUTES_OR_VALUES,
        IppStatus.ERROR_NOT_AUTHORIZED,
        IppStatus.ERROR_FORBIDDEN,
        IppStatus.ERROR_REQUEST_ENTITY,
        IppStatus.ERROR_NOT_FOUND,
        IppStatus.ERROR_OPERATION_NOT_SUPPORTED,
        IppStatus.ERROR_JOB_CANCELED,
        0x04FF,
        "HTTP 401",
        "HTTP 404",
        "HTTP 426",
        "elsewhere",
    ],
)
def test_a_printer_that_refuses_the_letter_refuses_it_for_good(
    channel: LetterPrinter, printer: ScriptedPrinter, status: int | str
) -> None:
    printer.script = [status]
    with pytest.raises(Permanent) as refusal:
        channel.send(letter())
    assert "secret words" not in str(refusal.value)
    assert (printer.jobs, set(printer.paths)) == ([], {"/ipp/print"})


@pytest.mark.parametrize(
    "step",
    [
        "drop",
        "garbage",
        "huge",
        "no job",
        "HTTP 500",
        IppStatus.ERROR_INTERNAL,
        IppStatus.ERROR_DEVICE,
        IppStatus.ERROR_TIMEOUT,
        0x0250,
        0x0700,
    ],
)
def test_once_the_document_left_no_answer_means_unknown(
    channel: LetterPrinter, printer: ScriptedPrinter, step: int | str
) -> None:
    printer.script = [step]
    with pytest.raises(Exception) as failure:  # noqa: PT011 - the kind is what is checked
        channel.send(letter())
    assert not isinstance(failure.value, ChannelError)


@pytest.mark.parametrize("step", ["drop", "garbage", "HTTP 500", IppStatus.ERROR_INTERNAL])
def test_before_the_document_left_no_answer_is_worth_another_try(
    channel: LetterPrinter, printer: ScriptedPrinter, step: int | str
) -> None:
    printer.looks = [step]
    with pytest.raises(Transient):
        channel.send(letter())
    assert [each["status-code"] for each in printer.requests] == [
        IppOperation.GET_PRINTER_ATTRIBUTES
    ]


def test_a_printer_that_is_stopped_gets_no_letter_to_keep(
    channel: LetterPrinter, printer: ScriptedPrinter
) -> None:
    printer.state = 5
    with pytest.raises(Transient, match="stopped"):
        channel.send(letter())
    printer.state, printer.is_accepting = 3, False
    with pytest.raises(Transient, match="not accepting"):
        channel.send(letter())
    assert printer.jobs == []


def test_a_refused_connection_is_worth_another_try() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    channel = LetterPrinter(PrinterConfig(printer=f"ipp://127.0.0.1:{port}/ipp/print"))
    with pytest.raises(Transient, match="not reached"):
        channel.send(letter())


def test_a_printer_that_says_nothing_is_asked_again_or_leaves_it_unknown() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        given = PrinterConfig(printer=f"ipp://127.0.0.1:{port}/", timeout=0.05)
        with pytest.raises(Transient, match="no answer"):
            LetterPrinter(given).send(letter())
        with pytest.raises(TimeoutError):
            _at(port, timeout=0.05).print(KEY, b"%PDF", {})


def test_a_printer_that_refuses_in_the_middle_of_the_letter_is_understood() -> None:
    """It answers and hangs up after the first bytes, as small printers do when they are busy."""
    for status, expected in ((IppStatus.ERROR_BUSY, Transient), (IppStatus.OK, UnclearAnswer)):
        body = struct.pack(">BBHI", 1, 1, status, 1) + b"\x01\x03"
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=_hang_up_early, args=(listener, head.encode() + body))
            thread.start()
            with pytest.raises(expected):
                _at(listener.getsockname()[1]).print(KEY, b"%PDF" * 4_000_000, {})
            thread.join()


def _hang_up_early(listener: socket.socket, answer: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(600)
        connection.sendall(answer)


def _at(port: int, timeout: float = 5.0) -> Printer:
    uri = f"ipp://127.0.0.1:{port}/"
    endpoint = Endpoint(uri=uri, host="127.0.0.1", port=port, path="/", is_tls=False)
    return Printer(endpoint, user="u", password=None, timeout=timeout, ca_file="")


def test_an_endless_answer_is_not_read_to_its_end(printer: ScriptedPrinter) -> None:
    printer.script = ["huge"]
    with pytest.raises(UnclearAnswer, match="longer than 4000000 bytes"):
        _at(printer.port).print(KEY, b"%PDF", {})


def test_an_expired_letter_is_not_printed(channel: LetterPrinter, printer: ScriptedPrinter) -> None:
    late = letter()
    with pytest.raises(Permanent, match="expired"):
        channel.send(msgspec.structs.replace(late, at=late.expires_at))
    assert printer.requests == []


def test_threads_print_each_letter_once(channel: LetterPrinter, printer: ScriptedPrinter) -> None:
    keys = [str(UUID(int=number)) for number in range(8)]
    with ThreadPoolExecutor(4) as pool:
        accepted = list(pool.map(lambda key: channel.send(letter(key)).reference, keys))
    assert accepted == keys
    assert sorted(each.name for each in printer.jobs) == keys


def test_after_a_crash_a_letter_is_found_under_way_or_ended(
    channel: LetterPrinter, printer: ScriptedPrinter
) -> None:
    printer.script = ["drop"]
    with pytest.raises(OSError, match="closed connection"):
        channel.send(letter())
    assert channel.find(letter()) == Accepted(reference=KEY, units=1)
    printer.end(KEY, IppJobState.COMPLETED)
    assert channel.find(letter()) == Accepted(reference=KEY, units=1)
    printer.end(KEY, IppJobState.ABORTED)
    assert channel.find(letter()) == Accepted(reference=KEY, units=1)


def test_a_letter_that_never_came_is_known_not_to_have_left(channel: LetterPrinter) -> None:
    assert channel.find(letter()) is None


def test_what_the_printer_may_have_forgotten_stays_unknown(
    channel: LetterPrinter, printer: ScriptedPrinter
) -> None:
    """No answer may lead to a second letter."""
    with pytest.raises(NotListed):
        channel.find(letter(ago=3600))
    printer.jobs = [Job(1, OTHER, "duecourse", IppJobState.COMPLETED, created=UP - 3000)]
    with pytest.raises(NotListed):
        channel.find(letter(ago=3600))


def test_a_list_that_reaches_back_beyond_the_letter_proves_that_it_never_came(
    channel: LetterPrinter, printer: ScriptedPrinter
) -> None:
    printer.jobs = [Job(1, OTHER, "duecourse", IppJobState.COMPLETED, created=UP - 4000)]
    assert channel.find(letter(ago=3600)) is None


def test_a_printer_known_to_remember_proves_it_too(printer: ScriptedPrinter) -> None:
    assert made(printer, history_seconds=7200).find(letter(ago=3600)) is None


def test_a_list_that_is_cut_proves_nothing(
    channel: LetterPrinter, printer: ScriptedPrinter
) -> None:
    printer.jobs = [
        Job(number, OTHER, "duecourse", IppJobState.COMPLETED, created=UP - 9000)
        for number in range(1, MOST_JOBS + 1)
    ]
    with pytest.raises(NotListed):
        channel.find(letter())


def test_a_printer_that_cannot_be_asked_is_asked_again(
    channel: LetterPrinter, printer: ScriptedPrinter
) -> None:
    printer.looks = ["drop"]
    with pytest.raises(Transient):
        channel.find(letter())


def told(channel: LetterPrinter, cursor: bytes = b"") -> tuple[list[tuple[str, str, str]], bytes]:
    polled = channel.poll(cursor)
    said = [(each.reference, each.status, each.detail) for each in polled.signals]
    return said, polled.cursor


def test_the_states_of_a_job_are_its_receipts_each_told_once(
    channel: LetterPrinter, printer: ScriptedPrinter
) -> None:
    channel.send(letter())
    said, cursor = told(channel)
    assert said == [(KEY, "queued", "")]
    assert told(channel, cursor) == ([], cursor)
    printer.jobs[0].state, printer.jobs[0].reasons = 6, ("printer-stopped", "x y<script>")
    said, cursor = told(channel, cursor)
    assert said == [(KEY, "deferred", "printer-stopped")]
    printer.end(KEY, IppJobState.COMPLETED, "job-completed-successfully")
    said, cursor = told(channel, cursor)
    assert said == [(KEY, "sent", "")]
    assert told(channel, cursor) == ([], cursor)


@pytest.mark.parametrize("state", [IppJobState.CANCELED, IppJobState.ABORTED])
def test_a_job_that_ended_badly_failed_with_the_printers_keyword(
    channel: LetterPrinter, printer: ScriptedPrinter, state: int
) -> None:
    channel.send(letter())
    printer.end(KEY, state, "job-canceled-at-device")
    assert told(channel)[0] == [(KEY, "failed", "job-canceled-at-device")]


def test_the_same_cursor_brings_the_same_receipts(
    channel: LetterPrinter, printer: ScriptedPrinter
) -> None:
    channel.send(letter())
    first, again = channel.poll(b""), channel.poll(b"")
    assert [each.receipt_id for each in first.signals] == [
        each.receipt_id for each in again.signals
    ]
    assert first.cursor == again.cursor
    assert told(channel, b"\xff not ours")[0] == [(KEY, "queued", "")]


def test_letters_of_other_workers_are_reported_and_other_jobs_are_not(
    channel: LetterPrinter, printer: ScriptedPrinter
) -> None:
    made(printer).send(letter(OTHER))
    printer.jobs += [
        Job(7, "quarterly report", "duecourse"),
        Job(8, KEY, "somebody else"),
    ]
    assert told(channel)[0] == [(OTHER, "queued", "")]


def test_when_a_letter_was_printed_is_told_by_the_printers_clock(
    channel: LetterPrinter, printer: ScriptedPrinter
) -> None:
    channel.send(letter())
    printer.end(KEY, IppJobState.COMPLETED, ago=90)
    before = datetime.now(UTC)
    (receipt,) = channel.poll(b"").signals
    assert before <= receipt.occurred_at + timedelta(seconds=90) <= datetime.now(UTC)


def test_a_job_that_fell_out_of_the_lists_is_asked_for_by_its_number(
    channel: LetterPrinter, printer: ScriptedPrinter
) -> None:
    channel.send(letter())
    _, cursor = told(channel)
    printer.end(KEY, IppJobState.COMPLETED)
    printer.jobs += [
        Job(number, f"report {number}", "duecourse", IppJobState.COMPLETED)
        for number in range(2, MOST_JOBS + 2)
    ]
    assert told(channel, cursor)[0] == [(KEY, "sent", "")]


def test_after_a_reset_a_number_used_again_is_not_taken_for_the_letter(
    channel: LetterPrinter, printer: ScriptedPrinter
) -> None:
    channel.send(letter())
    printer.end(KEY, IppJobState.COMPLETED)
    _, cursor = told(channel)
    printer.jobs = []
    channel.send(letter(OTHER))
    printer.end(OTHER, IppJobState.COMPLETED)
    assert printer.jobs[0].job_id == 1
    assert told(channel, cursor)[0] == [(OTHER, "sent", "")]


def test_a_cursor_of_full_lists_stays_small(
    channel: LetterPrinter, printer: ScriptedPrinter
) -> None:
    states = (IppJobState.PENDING, IppJobState.COMPLETED)
    printer.jobs = [
        Job(number, str(UUID(int=number)), "duecourse", states[number % 2])
        for number in range(1, 2 * MOST_JOBS + 100)
    ]
    polled = channel.poll(b"")
    assert len(polled.signals) == 2 * MOST_JOBS <= 1000
    assert len(polled.cursor) < 32_768


def test_check_says_what_the_printer_lacks(printer: ScriptedPrinter) -> None:
    made(printer).check()
    with pytest.raises(Permanent, match=r"no media iso_a5.*iso_a4_210x297mm"):
        made(printer, media="iso_a5_148x210mm").check()
    with pytest.raises(Permanent, match="no sides two-sided-short-edge"):
        made(printer, sides="two-sided-short-edge").check()
    printer.formats = ["image/urf"]
    with pytest.raises(Permanent, match="takes no PDF"):
        made(printer).check()
    assert printer.jobs == []


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"printer": "ipp://printer.example/ipp/print"}, "insecure_network"),
        ({"printer": "http://127.0.0.1/"}, "ipps://"),
        ({"printer": "ipps:///ipp"}, "ipps://"),
        ({"printer": "ipp://127.0.0.1:99999/"}, "no URI"),
        ({"printer": "ipps://me:hunter2@printer.example/"}, "password goes into password"),
        ({"printer": "ipps://printer.example/ipp?x=1"}, "host and path only"),
        ({"printer": "ipps://printer.example/ipp\nX: y"}, "host and path only"),
        ({"printer": "ipps://打印机.example/"}, "ipps://"),
        (
            {
                "printer": "ipp://printer.example/",
                "insecure_network": True,
                "password": Secret("hunter2"),
            },
            "not sent in clear",
        ),
    ],
)
def test_a_wrong_address_is_refused_without_repeating_it(
    settings: dict[str, object], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason) as refusal:
        LetterPrinter(PrinterConfig(**settings))  # type: ignore[arg-type]
    assert "hunter2" not in str(refusal.value)


def test_a_network_of_ones_own_may_be_named_as_such() -> None:
    LetterPrinter(PrinterConfig(printer="ipp://printer.example/", insecure_network=True))


def test_a_password_goes_to_the_printer_and_nowhere_else(printer: ScriptedPrinter) -> None:
    given = PrinterConfig(printer=printer.uri, user="duecourse", password=Secret("hunter2"))
    LetterPrinter(given).send(letter())
    assert set(printer.authorizations) == {"Basic ZHVlY291cnNlOmh1bnRlcjI="}
    assert "hunter2" not in repr(given)


class Authority:
    """A certificate for 127.0.0.1 that nobody else trusts."""

    def __init__(self, folder: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "fictional printer")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]),
                critical=False,
            )
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.ca_file = folder / "printer.pem"
        self.ca_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        key_file = folder / "printer.key"
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.ca_file, key_file)


def test_over_tls_only_a_printer_that_is_trusted_gets_the_letter(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with scripted_printer(authority.context) as printer:
        uri = printer.uri.replace("ipp://", "ipps://")
        stranger = LetterPrinter(PrinterConfig(printer=uri))
        with pytest.raises(Transient, match="ca_file"):
            stranger.send(letter())
        assert printer.requests == []
        trusted = LetterPrinter(PrinterConfig(printer=uri, ca_file=str(authority.ca_file)))
        assert trusted.send(letter()).reference == KEY


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x01\x01\x00\x00\x00\x00\x00\x01",
        b"\x01\x01\x00\x00\x00\x00\x00\x01\x01",
        # A length that the library takes for -5, and so reads the same bytes for ever.
        b"\x01\x01\x00\x00\x00\x00\x00\x01\x01\x44\x00\x00\xff\xfb",
        b"\x01\x01\x00\x00\x00\x00\x00\x01\x21\x00\x01a\x00\x04\x00\x00\x00\x01\x03",
        b"\x01\x01\x00\x00\x00\x00\x00\x01\x02\x21\x00\x06job-id\x00\x02\x00\x01\x03",
        b"\x01\x01\x00\x00\x00\x00\x00\x01\x02\x21\x00\x01\xff\x00\x04\x00\x00\x00\x01\x03",
        b"\x01\x01\x00\x00\x00\x00\x00\x01\x02" + b"\x44\x00\x00\x00\x00" * 100_001 + b"\x03",
    ],
)
def test_an_answer_that_is_no_ipp_is_unclear(body: bytes) -> None:
    with pytest.raises(UnclearAnswer):
        read_answer(body)


def test_an_unknown_setting_is_an_error_that_names_it() -> None:
    with pytest.raises(msgspec.ValidationError, match="printr"):
        msgspec.convert({"printer": "ipp://127.0.0.1/", "printr": "x"}, PrinterConfig)


def test_the_example_can_be_constructed_and_reaches_nobody() -> None:
    LetterPrinter(msgspec.convert(dict(LetterPrinter.example), PrinterConfig)).close()


def test_without_the_library_the_letter_waits_and_the_reason_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, channel: LetterPrinter
) -> None:
    monkeypatch.setitem(sys.modules, "duecourse_letter.printer", None)
    with pytest.raises(Transient, match=r"duecourse\[letter\]"):
        channel.send(letter())
