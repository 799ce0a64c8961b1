"""The channel `sms-smpp` with a real SMSC, npm's `smpp`: by itself, and with the core around it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from smsc.peer import PASSWORD, Smsc
from tests.channels.conftest import House

from duecourse import (
    Channel,
    ChannelError,
    Outbound,
    Permanent,
    Polled,
    Receipt,
    Reply,
    Secret,
    Transient,
)
from duecourse.case import events as e
from duecourse_sms import SmppChannel, SmppConfig

AT = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
PHONE = "8615400000000"
Connect = Callable[..., SmppChannel]
Make = Callable[[Channel[Any]], House]


@pytest.fixture
def connect(smsc: Smsc) -> Iterator[Connect]:
    with ExitStack() as stack:

        def make(**fields: Any) -> SmppChannel:
            known: dict[str, Any] = {
                "host": "127.0.0.1",
                "port": smsc.port,
                "system_id": "duecourse",
                "password": Secret(PASSWORD),
                "timeout": 10,
                "tls": False,
                "sender": "10690000",
            }
            made = SmppChannel(SmppConfig(**(known | fields)))
            stack.callback(made.close)
            return made

        yield make


def outbound(body: str) -> Outbound:
    key = uuid4()
    return Outbound(
        key=str(key), contact_id=key, case_id=uuid4(), to=f"+{PHONE}", to_name="林晓样",
        subject="", body=body, language="zh", sender_name="示例消费金融", at=AT,
        expires_at=AT + timedelta(hours=2),
    )  # fmt: skip


def poll_until(channel: SmppChannel, cursor: bytes = b"", count: int = 1) -> Polled:
    """Poll with one cursor, as if nothing were recorded, until so many signals have come."""
    for _ in range(500):
        polled = channel.poll(cursor)
        if len(polled.signals) >= count:
            return polled
    raise AssertionError("nothing came")


# The channel by itself


@pytest.mark.parametrize(
    ("body", "coding", "texts"),
    [
        ("Hello {€} @ ü\n[]", 0, ["Hello {€} @ ü\n[]"]),
        ("您好，账单已到期。", 8, ["您好，账单已到期。"]),
        ("a" * 152 + "€" + "a" * 152, 0, ["a" * 152, "€" + "a" * 151, "a"]),
        ("中" * 66 + "😀" + "中" * 66, 8, ["中" * 66, "😀" + "中" * 65, "中"]),
    ],
)
def test_the_smsc_reads_what_we_wrote(
    smsc: Smsc, connect: Connect, body: str, coding: int, texts: list[str]
) -> None:
    accepted = connect().send(outbound(body))
    seen = [smsc.wait_for("submit") for _ in texts]
    assert [each["text"] for each in seen] == texts
    assert {each["data_coding"] for each in seen} == {coding}
    assert {tuple(each["to"]) for each in seen} == {(PHONE, 1, 1)}
    assert accepted.units == len(texts)
    joined = [each["udh"][0] for each in seen if each["udh"]]
    assert [each[6:] for each in joined] == [
        f"{len(texts):02x}{number:02x}" for number in range(1, len(texts) + 1)
    ][: len(joined)]
    assert len(joined) == (len(texts) if len(texts) > 1 else 0)


def test_the_receipt_of_a_long_message_names_its_reference(smsc: Smsc, connect: Connect) -> None:
    channel = connect()
    accepted = channel.send(outbound("中" * 135))
    (receipt,) = poll_until(channel).signals
    assert isinstance(receipt, Receipt)
    assert (receipt.reference, receipt.status) == (accepted.reference, "delivered")


def test_an_undelivered_message_has_failed(smsc: Smsc, connect: Connect) -> None:
    smsc.order("receipts", stat="UNDELIV")
    channel = connect()
    accepted = channel.send(outbound("您好"))
    (receipt,) = poll_until(channel).signals
    assert isinstance(receipt, Receipt)
    assert (receipt.reference, receipt.status) == (accepted.reference, "failed")


@pytest.mark.parametrize(
    ("phones", "text"),
    [
        ([{"text": "STOP {€}"}], "STOP {€}"),
        ([{"text": "退订 😀", "coding": 8}], "退订 😀"),
        ([{"text": "arrêté", "coding": 3}], "arrêté"),
        (
            [
                {"text": "me back", "udh": "0500030a0202"},
                {"text": "Please call ", "udh": "0500030a0201"},
            ],
            "Please call me back",
        ),
    ],
)
def test_what_a_phone_wrote_is_read_whole(
    smsc: Smsc, connect: Connect, phones: list[dict[str, Any]], text: str
) -> None:
    for number, each in enumerate(phones):
        smsc.order("deliver", tag=f"{number}", source=PHONE, ton=1, **each)
    (reply,) = poll_until(connect()).signals
    assert isinstance(reply, Reply)
    assert (reply.sender, reply.text) == (f"+{PHONE}", text)


def test_a_throttled_message_leaves_at_the_next_try(smsc: Smsc, connect: Connect) -> None:
    smsc.order("answer", statuses=[0x58])
    channel = connect()
    with pytest.raises(Transient) as raised:
        channel.send(outbound("您好"))
    assert raised.value.retry_after
    assert channel.send(outbound("您好")).units == 1


@pytest.mark.parametrize("after", [0, 1])
def test_a_link_that_drops_at_a_part_leaves_the_outcome_unknown(
    smsc: Smsc, connect: Connect, after: int
) -> None:
    smsc.order("drop", after=after)
    channel = connect()
    with pytest.raises(Exception, match=r"hung up|broke") as raised:
        channel.send(outbound("中" * 71))
    assert not isinstance(raised.value, ChannelError)
    assert len(smsc.seen("submit")) == after + 1, "a hidden retry would be a second message"
    assert channel.send(outbound("您好")).units == 1, "and the session comes back"


def test_a_session_lost_in_between_costs_no_message(smsc: Smsc, connect: Connect) -> None:
    channel = connect()
    channel.send(outbound("one"))
    smsc.order("hang-up")
    smsc.wait_for("closed", role="transmitter")
    channel.send(outbound("two"))
    assert [each["text"] for each in smsc.seen("submit")] == ["one", "two"]


def test_the_smsc_finds_us_alive_when_it_asks(smsc: Smsc, connect: Connect) -> None:
    channel = connect()
    channel.send(outbound("您好"))
    poll_until(channel)
    smsc.order("enquire")
    alive: set[str] = set()
    for _ in range(500):
        channel.poll(b"")
        alive = {each["role"] for each in smsc.seen("alive")}
        if len(alive) == 2:
            break
    assert alive == {"transmitter", "receiver"}


def test_a_wrong_password_is_permanent(smsc: Smsc, connect: Connect) -> None:
    with pytest.raises(Permanent):
        connect(password=Secret("guessed")).check()
    connect().check()


def test_an_unanswered_delivery_comes_again_and_is_answered_once_recorded(
    smsc: Smsc, connect: Connect
) -> None:
    channel = connect()
    smsc.order("deliver", tag="stop", source=PHONE, ton=1, text="STOP")
    poll_until(channel)
    channel.close()
    smsc.wait_for("closed", role="receiver")
    assert smsc.seen("delivered") == []
    again = poll_until(channel)
    assert [each.text for each in again.signals] == ["STOP"]  # type: ignore[union-attr]
    channel.close()
    smsc.wait_for("closed", role="receiver")
    # The signal is recorded now, but the answer never left: it comes once more, and is known.
    smsc.order("deliver", tag="next", source=PHONE, ton=1, text="and more")
    polled = poll_until(channel, again.cursor)
    assert [each.text for each in polled.signals] == ["and more"]  # type: ignore[union-attr]
    assert smsc.wait_for("delivered", tag="stop")["status"] == 0


def test_tls_is_believed_by_the_authorities_that_the_settings_name(
    smsc_modules: Path, tmp_path: Path
) -> None:
    certificate, key = write_certificate(tmp_path)
    smsc = Smsc(smsc_modules, certificate=certificate, key=key)
    known = SmppConfig(
        host="localhost", port=smsc.port, system_id="duecourse", password=Secret(PASSWORD),
        timeout=10, ca_file=certificate,
    )  # fmt: skip
    try:
        trusting = SmppChannel(known)
        assert trusting.send(outbound("您好")).units == 1
        trusting.close()
        for host, ca_file in (("localhost", None), ("127.0.0.1", certificate)):
            with pytest.raises(Transient, match="TLS"):
                SmppChannel(SmppConfig(
                    host=host, port=smsc.port, system_id="duecourse", password=Secret(PASSWORD),
                    timeout=10, ca_file=ca_file,
                )).check()  # fmt: skip
    finally:
        smsc.close()


def write_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for `localhost` that nobody else trusts, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "smsc.pem", folder / "smsc.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


# With the core around it


def test_a_reminder_leaves_and_its_receipt_is_recorded(
    smsc: Smsc, connect: Connect, house: Make
) -> None:
    here = house(connect())
    case_id = here.send_first()
    assert here.first_contact(case_id).status == "accepted"
    here.poll_until(lambda: here.first_contact(case_id).delivery == "delivered")
    here.poll_until(lambda: bool(smsc.seen("delivered")))


def test_a_stop_by_sms_refuses_the_next_contact(smsc: Smsc, connect: Connect, house: Make) -> None:
    here = house(connect())
    case_id = here.send_first()
    smsc.order("deliver", tag="stop", source=PHONE, ton=1, text="退订", coding=8)
    here.poll_until(lambda: "sms" in here.case(case_id).opted_out)
    here.poll_until(lambda: "stop" in [each["tag"] for each in smsc.seen("delivered")])
    refused = here.ask_again(case_id)
    assert isinstance(refused, e.ContactRefused)
    assert "opt" in refused.rule, refused
    submitted = len(smsc.seen("submit"))
    here.office.pass_days(5)
    assert len(smsc.seen("submit")) == submitted, "nothing leaves any more"


def test_a_stop_is_kept_though_the_worker_dies_before_it_is_answered(
    smsc: Smsc, connect: Connect, house: Make
) -> None:
    here = house(connect())
    case_id = here.send_first()
    smsc.order("receipts", stat=None)
    smsc.order("deliver", tag="stop", source=PHONE, ton=1, text="STOP")
    poll_until(here.channel)  # type: ignore[arg-type]
    here.channel.close()
    another = house(connect())
    another.poll_until(lambda: "sms" in another.case(case_id).opted_out)
    another.poll_until(lambda: bool(smsc.seen("delivered")))


def test_a_link_dropped_at_a_reminder_is_unknown_and_never_sent_again(
    smsc: Smsc, connect: Connect, house: Make
) -> None:
    here = house(connect())
    smsc.order("drop", after=0)
    case_id = here.send_first()
    here.office.work()
    assert here.first_contact(case_id).status == "unknown"
    assert len(smsc.seen("submit")) == 1
