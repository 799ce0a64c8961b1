"""The channel `sms-smpp` against an SMSC of a few lines that refuses, hangs up or stays silent."""

import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from msgspec.structs import replace
from smsc.scripted import (
    BAD_ADDRESS,
    BIND_TX,
    ENQUIRE,
    HANG_UP,
    NACK,
    QUEUE_FULL,
    RESP,
    SILENCE,
    SUBMIT,
    SYSTEM_ERROR,
    THROTTLED,
    UNBIND,
    UNKNOWN_ERROR,
    ScriptedSmsc,
    frame,
    read_submit,
    words,
)
from smsc.settings import PASSWORD, config
from waiting import until

from duecourse import (
    ChannelError,
    Outbound,
    Permanent,
    Rate,
    Secret,
    Transient,
)
from duecourse.settings import convert
from duecourse_sms import SmppChannel, SmppConfig, transmitter

AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


def outbound(body: str = "您好", to: str = "+8615400000000") -> Outbound:
    key = uuid4()
    return Outbound(
        key=str(key), contact_id=key, case_id=uuid4(), to=to, to_name="林晓样", subject="",
        body=body, language="zh", sender_name="示例消费金融", at=AT,
        expires_at=AT + timedelta(hours=2),
    )  # fmt: skip


def failure(channel: SmppChannel, message: Outbound | None = None) -> BaseException:
    with pytest.raises(Exception) as raised:  # noqa: PT011 - which one is what is tested
        channel.send(message or outbound())
    return raised.value


THREE_PARTS = "中" * 135

# Sending


@pytest.mark.parametrize("status", [THROTTLED, QUEUE_FULL, SYSTEM_ERROR, 0x64, 0x05])
def test_a_busy_smsc_is_asked_again_after_a_pause(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel], status: int
) -> None:
    smsc.statuses = [status]
    error = failure(channel())
    assert isinstance(error, Transient)
    assert error.retry_after
    assert len(smsc.submitted) == 1


@pytest.mark.parametrize("status", [BAD_ADDRESS, 0x01, 0x0A, 0x45, 0x400])
def test_what_the_smsc_refuses_is_permanent(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel], status: int
) -> None:
    smsc.statuses = [status]
    assert isinstance(failure(channel()), Permanent)


@pytest.mark.parametrize("answer", [HANG_UP, SILENCE, NACK, UNKNOWN_ERROR])
def test_after_the_message_was_written_what_goes_wrong_is_unknown(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel], answer: int
) -> None:
    smsc.statuses = [answer]
    sender = channel(timeout=0.3)
    assert not isinstance(failure(sender), ChannelError)
    assert len(smsc.submitted) == 1, "a hidden retry would be a second message"
    assert sender.send(outbound()).reference == "smsc-1", "and the next message gets through"


@pytest.mark.parametrize("wrong", [THROTTLED, BAD_ADDRESS, HANG_UP])
def test_a_part_that_fails_after_another_left_is_unknown(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel], wrong: int
) -> None:
    smsc.statuses = [0, wrong]
    assert not isinstance(failure(channel(), outbound(THREE_PARTS)), ChannelError)
    assert len(smsc.submitted) == 2


def test_a_first_part_that_is_refused_is_a_message_that_did_not_leave(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel]
) -> None:
    smsc.statuses = [THROTTLED]
    assert isinstance(failure(channel(), outbound(THREE_PARTS)), Transient)
    assert len(smsc.submitted) == 1


def test_a_refused_connection_is_transient() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert isinstance(failure(SmppChannel(config(port=port))), Transient)


def test_a_connection_lost_while_nothing_was_sent_is_opened_again(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel]
) -> None:
    sender = channel()
    sender.send(outbound())
    smsc.hang_up()
    assert sender.send(outbound()).reference == "smsc-1"
    assert smsc.commands.count(BIND_TX) == 2


def test_a_session_is_kept_and_asked_whether_it_lives(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel], monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = channel()
    sender.send(outbound())
    sender.send(outbound())
    assert smsc.commands == [BIND_TX, SUBMIT, SUBMIT]
    monkeypatch.setattr(transmitter, "IDLE_SECONDS", -1.0)
    sender.send(outbound())
    assert smsc.commands[3:] == [ENQUIRE, SUBMIT]


def test_the_smsc_gets_its_own_questions_answered(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel]
) -> None:
    smsc.raw_after_bind = frame(ENQUIRE, 77) + frame(0x103, 78)
    channel().send(outbound())
    # The second is a refusal: of a PDU that we do not know.
    until(lambda: {ENQUIRE | RESP, RESP} <= set(smsc.commands))
    assert smsc.commands.count(ENQUIRE | RESP) == smsc.commands.count(RESP) == 1


def test_a_session_that_the_smsc_ended_is_not_written_to(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel]
) -> None:
    sender = channel()
    sender.send(outbound())
    smsc.connections[0].sendall(frame(UNBIND, 9))
    with pytest.MonkeyPatch.context() as patch:
        # It is asked first, so that the order of what arrives is certain.
        patch.setattr(transmitter, "IDLE_SECONDS", -1.0)
        assert sender.send(outbound()).reference == "smsc-1"
    assert smsc.commands.count(BIND_TX) == 2


@pytest.mark.parametrize(
    ("status", "kind"),
    [(0x0E, Permanent), (0x0F, Permanent), (0x0D, Permanent), (0x05, Transient), (0x58, Transient)],
)
def test_a_refused_bind_sends_nothing(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel], status: int, kind: type[ChannelError]
) -> None:
    smsc.bind = status
    made = channel()
    assert isinstance(failure(made), kind)
    with pytest.raises(kind):
        made.check()
    with pytest.raises(kind):
        made.poll(b"")
    assert smsc.submitted == []


def test_a_bind_that_is_not_answered_is_transient(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        silent = SmppChannel(config(port=listener.getsockname()[1], timeout=0.2))
        assert isinstance(failure(silent), Transient)
        silent.close()


def test_receipts_are_asked_for_the_last_part_whose_id_names_the_whole(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel]
) -> None:
    accepted = channel().send(outbound(THREE_PARTS))
    assert (accepted.reference, accepted.units) == ("smsc-1", 3)
    fields = [read_submit(body) for body in smsc.submitted]
    assert [each["registered_delivery"] for each in fields] == [0, 0, 1]


def test_two_messages_do_not_share_the_reference_of_their_parts(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel]
) -> None:
    sender = channel()
    for _ in range(3):
        sender.send(outbound("中" * 71))
    references = [read_submit(body)["text"][3] for body in smsc.submitted]
    assert [references[0], references[2], references[4]] == [
        references[1], (references[0] + 1) % 256, (references[0] + 2) % 256,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("validity", "told"),
    [("moment", b"261123040000000+"), ("none", b""), ("time", b"000000020000000R")],
)
def test_the_smsc_is_told_until_when_it_may_deliver(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel], validity: str, told: bytes
) -> None:
    channel(validity=validity).send(outbound())
    assert read_submit(smsc.submitted[0])["validity"] == told


def test_of_a_permission_that_began_the_rest_is_told(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel]
) -> None:
    now = datetime.now(UTC)
    begun = replace(
        outbound(), at=now - timedelta(hours=1), expires_at=now + timedelta(minutes=30, seconds=9)
    )
    channel(validity="time").send(begun)
    assert read_submit(smsc.submitted[0])["validity"].startswith(b"0000000030")


def test_an_expired_message_is_not_sent(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel]
) -> None:
    assert isinstance(failure(channel(), replace(outbound(), expires_at=AT)), Permanent)
    assert smsc.commands == []


@pytest.mark.parametrize(
    ("sender", "source"),
    [
        ("", (0, 0, b"")),
        ("10690000", (0, 0, b"10690000")),
        ("+447700900123", (1, 1, b"447700900123")),
        ("Example Co", (5, 0, b"Example Co")),
    ],
)
def test_the_sender_is_of_the_type_that_its_form_says(
    smsc: ScriptedSmsc,
    channel: Callable[..., SmppChannel],
    sender: str,
    source: tuple[int, int, bytes],
) -> None:
    channel(sender=sender).send(outbound())
    assert read_submit(smsc.submitted[0])["source"] == source
    assert read_submit(smsc.submitted[0])["to"] == (1, 1, b"8615400000000")


def test_the_settings_win_over_the_form_of_the_sender(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel]
) -> None:
    channel(sender="10690000", sender_ton=3, sender_npi=9).send(outbound())
    assert read_submit(smsc.submitted[0])["source"] == (3, 9, b"10690000")


@pytest.mark.parametrize("given", [b"", b"\x07", b"caf\xe9"])
def test_a_message_without_a_usable_id_is_accepted_under_our_key(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel], given: bytes
) -> None:
    smsc.message_id = given
    message = outbound()
    assert channel().send(message).reference == message.key


def test_one_session_serves_many_threads_one_after_the_other(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel]
) -> None:
    sender = channel()
    with ThreadPoolExecutor(8) as threads:
        accepted = list(threads.map(sender.send, (outbound() for _ in range(40))))
    assert len(accepted) == len(smsc.submitted) == 40
    assert smsc.commands.count(BIND_TX) == 1
    assert sender.capabilities.parallel == 1


def test_several_sessions_send_side_by_side(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel]
) -> None:
    smsc.submit_gate.clear()
    sender = channel(sessions=2)
    with ThreadPoolExecutor(2) as threads:
        both = [threads.submit(sender.send, outbound()) for _ in range(2)]
        while len(smsc.submitted) < 2 and not any(each.done() for each in both):
            time.sleep(0.001)
        smsc.submit_gate.set()
        assert [each.result().units for each in both] == [1, 1]
    assert sender.capabilities.parallel == 2


def test_a_session_that_does_not_get_free_is_transient(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel]
) -> None:
    smsc.submit_gate.clear()
    sender = channel(timeout=0.5)
    with sender._transmitters.borrow():
        assert isinstance(failure(sender), Transient)
    assert smsc.submitted == []


def test_what_is_closed_twice_can_send_again(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel]
) -> None:
    sender = channel()
    sender.send(outbound())
    sender.close()
    sender.close()
    sender.send(outbound())
    assert smsc.commands.count(BIND_TX) == 2


# What may be sent


@pytest.mark.parametrize(
    "body",
    ["", " \n", "a\0b", "a\r\nb", "a\x1bb", "a\x0cb", "a\u202eb", "a\u2066b", "a\u200eb",
     "a\ud83d", "a\ufeffb", "a\u2028b", "a\x85b", "a\u00adb", "\U000e0041x"],
)  # fmt: skip
def test_what_nobody_can_see_is_not_sent(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel], body: str
) -> None:
    made = channel()
    assert isinstance(failure(made, outbound(body)), Permanent)
    with pytest.raises(Permanent):
        made.measure(outbound(body))
    assert smsc.commands == []


def test_joined_emoji_and_lines_are_seen_and_sent(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel]
) -> None:
    channel().send(outbound("您好\n👩\u200d👧 ❤\ufe0f"))
    assert read_submit(smsc.submitted[0])["text"].decode("utf-16-be").endswith("❤\ufe0f")


def test_a_text_of_too_many_parts_is_not_sent(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel]
) -> None:
    made = channel(max_units=2)
    assert made.capabilities.max_units == 2
    assert made.measure(outbound("中" * 134)).units == 2
    assert isinstance(failure(made, outbound(THREE_PARTS)), Permanent)
    assert smsc.commands == []


def test_the_settings_say_what_the_channel_promises() -> None:
    made = SmppChannel(config(rate=Rate(10), poll_seconds=2, max_units=3, sessions=4))
    told = made.capabilities
    assert (told.rate, told.poll_seconds, told.max_units, told.parallel) == (Rate(10), 2, 3, 4)
    assert (told.guarantee, told.receipts, told.inbound) == ("opaque", "poll", True)
    assert made.measure(outbound("中" * 71)).unit == "segment"


@pytest.mark.parametrize(
    "fields",
    [
        {"sender": "a\r\nb"},
        {"sender": "\u202eb"},
        {"sender": "12345\n"},
        {"sender": "twelve chars"},
        {"system_id": "a b"},
        {"system_id": "x" * 16},
        {"host": "smpp://host"},
        {"max_units": 256},
        {"sender_ton": 7},
        {"pasword": "x"},
    ],
)
def test_settings_that_cannot_be_are_refused(fields: dict[str, Any]) -> None:
    table = dict(SmppChannel.example) | {"password": Secret(PASSWORD)} | fields
    with pytest.raises(ValueError, match=next(iter(fields))):
        convert(table, SmppConfig, where="channels.sms")


@pytest.mark.parametrize(
    "fields",
    [
        {"password": Secret("nine-char")},
        {"receipt_zone": "Mars/Olympus"},
        {"default_region": "XX"},
    ],
)
def test_a_channel_that_cannot_work_is_not_made(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(fields))) as raised:
        SmppChannel(config(**fields))
    assert "nine-char" not in str(raised.value)


def test_the_example_makes_a_channel() -> None:
    table = dict(SmppChannel.example) | {"password": Secret(SmppChannel.example["password"])}
    SmppChannel(convert(table, SmppConfig, where="example")).close()


def test_neither_password_nor_message_shows_in_logs_or_errors(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    smsc.statuses = [0, BAD_ADDRESS]
    smsc.deliveries = [words(b"a private word"), b"no deliver_sm"]
    made = channel()
    made.send(outbound("a private word"))
    error = failure(made, outbound("a private word"))
    polled = made.poll(b"")
    shown = caplog.text + repr(made.config) + repr(error) + repr(made) + repr(polled.cursor)
    for secret in (PASSWORD, PASSWORD.encode().hex(), "private", b"private".hex(), "15400000000"):
        assert secret not in shown


def test_tls_is_asked_for_and_a_stranger_is_not_believed(smsc: ScriptedSmsc) -> None:
    made = SmppChannel(config(port=smsc.port, tls=True, timeout=0.5))
    assert isinstance(failure(made), Transient)
    assert BIND_TX not in smsc.commands


def test_a_missing_file_of_authorities_is_an_error_before_anything_is_sent(
    smsc: ScriptedSmsc, tmp_path: Path
) -> None:
    made = SmppChannel(config(port=smsc.port, tls=True, ca_file=tmp_path / "none.pem"))
    assert isinstance(failure(made), ChannelError)
