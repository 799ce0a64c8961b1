"""Letters printed by a real printer application: `ippeveprinter` of CUPS (IPP Everywhere).

It wants DNS-SD, so it gets a message bus and an Avahi of its own, on the loopback interface only.
Debian: cups-ipp-utils, dbus, avahi-daemon. Skipped where they, or the rights to run Avahi, are not.
"""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import pytest
from letters import CHINESE
from waiting import until

from duecourse import Accepted, Outbound, Transient, page_count, pdfa_level
from duecourse.testing.pdf import page_texts
from duecourse_letter import LetterPrinter, PrinterConfig

PROGRAMS: Final = ("ippeveprinter", "ipptool", "dbus-daemon", "avahi-daemon")
PATH: Final = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
KEY: Final = "0b1f8e9a-2f5c-4f1e-9a77-3d5f00000001"
OTHER: Final = "0b1f8e9a-2f5c-4f1e-9a77-3d5f00000002"
_BUS: Final = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={bus}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><allow own="*"/>
    <allow send_type="method_call"/><allow send_destination="*"/><allow receive_sender="*"/>
  </policy>
</busconfig>
"""
_AVAHI: Final = """\
[server]
allow-interfaces=lo
use-ipv6=no
[wide-area]
enable-wide-area=no
[publish]
publish-workstation=no
"""


def why_not() -> str:
    absent = [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]
    if absent:
        return f"not installed: {', '.join(absent)} (cups-ipp-utils, dbus, avahi-daemon)"
    if os.geteuid() != 0:
        return "avahi-daemon of its own needs root"
    if Path("/run/avahi-daemon/pid").exists():
        return "another avahi-daemon runs on this machine"
    return ""


pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "runs")


class Printer(msgspec.Struct, frozen=True):
    """A printer whose print command waits until the test opens the gate."""

    port: int
    spool: Path
    gate: Path

    @property
    def uri(self) -> str:
        return f"ipp://localhost:{self.port}/ipp/print"

    def open_gate(self) -> None:
        self.gate.touch()

    def documents(self) -> list[bytes]:
        return [each.read_bytes() for each in sorted(self.spool.glob("*.pdf"))]


@pytest.fixture(scope="module")
def bus() -> Iterator[dict[str, str]]:
    """The environment in which a program finds the message bus, with Avahi on it."""
    with tempfile.TemporaryDirectory(prefix="duecourse-bus-") as name, ExitStack() as running:
        folder = Path(name)
        where = folder / "bus"
        (folder / "bus.conf").write_text(_BUS.format(bus=where))
        (folder / "avahi.conf").write_text(_AVAHI)
        environment = {"PATH": PATH, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={where}"}
        bus_command = ["dbus-daemon", f"--config-file={folder / 'bus.conf'}", "--nofork"]
        running.enter_context(_running([*bus_command, "--nopidfile"], environment, folder))
        until(where.exists)
        avahi = ["avahi-daemon", "-f", str(folder / "avahi.conf"), "--no-drop-root"]
        running.enter_context(
            _running([*avahi, "--no-chroot", "--no-rlimits"], environment, folder)
        )
        until(Path("/run/avahi-daemon/socket").exists)
        yield environment


@pytest.fixture
def printer(bus: dict[str, str], tmp_path: Path) -> Iterator[Printer]:
    spool = tmp_path / "spool"
    spool.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    made = Printer(port=port, spool=spool, gate=tmp_path / "gate")
    command = tmp_path / "print"
    command.write_text(f'#!/bin/sh\nuntil [ -e "{made.gate}" ]; do sleep 0.05; done\n')
    command.chmod(0o700)
    options = ["-f", "application/pdf", "-2", "-k", "-d", str(spool), "-c", str(command)]
    where = ["-n", "localhost", "-p", str(port), "-r", "off"]
    with _running(["ippeveprinter", *where, *options, "Fictional"], bus, tmp_path):
        until(lambda: _listens(port))
        yield made
        made.open_gate()


@pytest.fixture
def channel(printer: Printer) -> LetterPrinter:
    return LetterPrinter(PrinterConfig(printer=printer.uri, sides="two-sided-long-edge"))


@contextmanager
def _running(command: list[str], environment: dict[str, str], folder: Path) -> Iterator[None]:
    with (folder / f"{command[0]}.log").open("wb") as log:
        program = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            yield
        finally:
            program.terminate()
            try:
                program.wait(10)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def letter(key: str = KEY) -> Outbound:
    now = datetime.now(UTC)
    return msgspec.structs.replace(CHINESE, key=key, at=now, expires_at=now + timedelta(days=1))


def statuses(channel: LetterPrinter, cursor: bytes) -> tuple[list[tuple[str, str]], bytes]:
    polled = channel.poll(cursor)
    return [(each.reference, each.status) for each in polled.signals], polled.cursor


def test_a_chinese_letter_is_printed_and_its_job_is_the_receipt(
    channel: LetterPrinter, printer: Printer
) -> None:
    channel.check()
    assert channel.send(letter()) == Accepted(reference=KEY, units=1)
    (document,) = printer.documents()
    assert (page_count(document), pdfa_level(document)) == (1, "2B")
    assert "尊敬的样例人物" in page_texts(document)[0]
    said, cursor = statuses(channel, b"")
    assert said == [(KEY, "queued")]
    printer.open_gate()
    until(lambda: statuses(channel, cursor)[0] == [(KEY, "sent")])
    assert statuses(channel, statuses(channel, cursor)[1])[0] == []


def test_a_printer_that_prints_another_letter_is_worth_another_try(
    channel: LetterPrinter, printer: Printer
) -> None:
    channel.send(letter())
    with pytest.raises(Transient, match="busy"):
        channel.send(letter(OTHER))
    assert channel.find(letter(OTHER)) is None
    printer.open_gate()
    until(lambda: _sent(channel, letter(OTHER)))
    assert len(printer.documents()) == 2


def _sent(channel: LetterPrinter, message: Outbound) -> bool:
    try:
        return channel.send(message).reference == message.key
    except Transient:
        return False


def test_after_a_crash_the_letter_is_found_by_another_process(
    channel: LetterPrinter, printer: Printer
) -> None:
    channel.send(letter())
    again = LetterPrinter(PrinterConfig(printer=printer.uri))
    assert again.find(letter()) == Accepted(reference=KEY, units=1)
    printer.open_gate()
    until(lambda: (KEY, "sent") in statuses(again, b"")[0])
    assert again.find(letter()) == Accepted(reference=KEY, units=1)
    assert again.find(letter(OTHER)) is None


def test_a_job_cancelled_at_the_printer_failed(channel: LetterPrinter, printer: Printer) -> None:
    channel.send(letter())
    _, cursor = statuses(channel, b"")
    _cancel(printer)
    printer.open_gate()
    until(lambda: (KEY, "failed") in statuses(channel, cursor)[0])


def _cancel(printer: Printer) -> None:
    """As a person at the printer would, with the tool that comes with it."""
    script = printer.spool.parent / "cancel.test"
    script.write_text(
        "{ OPERATION Cancel-Job GROUP operation-attributes-tag ATTR charset attributes-charset "
        "utf-8 ATTR language attributes-natural-language en ATTR uri printer-uri $uri "
        "ATTR integer job-id 1 ATTR name requesting-user-name duecourse STATUS successful-ok }"
    )
    subprocess.run(
        ["ipptool", printer.uri, str(script)],
        env={"PATH": PATH}, check=True, capture_output=True, timeout=20,
    )  # fmt: skip


def test_a_paper_that_the_printer_has_not_is_refused_before_anything_is_printed(
    printer: Printer,
) -> None:
    strange = LetterPrinter(PrinterConfig(printer=printer.uri, media="iso_a0_841x1189mm"))
    with pytest.raises(Exception, match="media") as refusal:
        strange.check()
    assert type(refusal.value).__name__ == "Permanent"
    with pytest.raises(Exception, match="attributes-or-values"):
        strange.send(letter())
    assert printer.documents() == []
