"""What an SMSC delivers to the channel `sms-smpp`: told once, answered only when it is recorded."""

import random
import struct
from collections.abc import Callable
from uuid import uuid4

import msgspec
import pytest
from smsc.scripted import BIND_RX, ScriptedSmsc, words
from smsc.settings import config
from waiting import until

from duecourse import Polled, Receipt, Reply, Transient
from duecourse_sms import SmppChannel, assembly, inbox
from duecourse_sms.link import MOST_FRAME


def poll_until(channel: SmppChannel, cursor: bytes, count: int = 1) -> Polled:
    """Poll with one cursor, as if nothing were recorded, until so many signals have come."""
    for _ in range(200):
        polled = channel.poll(cursor)
        if len(polled.signals) >= count:
            return polled
    raise AssertionError("nothing came")


def settle(smsc: ScriptedSmsc, channel: SmppChannel, polled: Polled) -> Polled:
    """One poll more, which proves the signals recorded."""
    return channel.poll(polled.cursor)


def test_a_delivery_is_answered_only_once_it_is_recorded(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel]
) -> None:
    smsc.deliveries = [words(b"STOP")]
    made = channel()
    first = poll_until(made, b"")
    again = made.poll(b"")
    assert again.signals == first.signals, "what was not recorded is told again, as the same"
    assert smsc.answers == []
    after = settle(smsc, made, first)
    assert after.signals == ()
    until(lambda: smsc.answers == [(100, 0)])
    (reply,) = first.signals
    assert isinstance(reply, Reply)
    assert (reply.sender, reply.text) == ("+8615400000000", "STOP")


def test_what_was_not_recorded_comes_again_after_a_crash(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel]
) -> None:
    smsc.deliveries = [words(b"STOP")]
    crashed = channel()
    poll_until(crashed, b"")
    crashed.close()
    assert [each.text for each in poll_until(channel(), b"").signals] == ["STOP"]  # type: ignore[union-attr]


def test_what_was_recorded_is_answered_and_not_told_again_after_a_crash(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel]
) -> None:
    smsc.deliveries = [words(b"STOP"), words(b"again")]
    crashed = channel()
    cursor = poll_until(crashed, b"", 2).cursor
    crashed.close()
    smsc.deliveries.append(words(b"new"))
    polled = poll_until(channel(), cursor)
    assert [each.text for each in polled.signals] == ["new"]  # type: ignore[union-attr]
    until(lambda: smsc.answers == [(100, 0), (101, 0)])


def test_the_same_words_a_second_time_are_a_second_reply(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel]
) -> None:
    smsc.deliveries = [words(b"YES"), words(b"YES")]
    made = channel()
    first = poll_until(made, b"", 2)
    assert len({each.reply_id for each in first.signals}) == 2  # type: ignore[union-attr]
    polled = settle(smsc, made, first)
    smsc.hang_up()
    smsc.deliveries = [words(b"YES")]
    with pytest.raises(Transient):
        made.poll(polled.cursor)
    assert len(poll_until(made, polled.cursor).signals) == 1


def test_a_lost_receiving_session_is_transient_and_then_opened_again(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel]
) -> None:
    made = channel()
    made.poll(b"")
    smsc.hang_up()
    with pytest.raises(Transient):
        made.poll(b"")
    made.poll(b"")
    assert smsc.commands.count(BIND_RX) == 2


def test_the_cursor_forgets_what_the_smsc_knows(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel]
) -> None:
    smsc.deliveries = [words(f"{each}".encode()) for each in range(50)]
    made = channel()
    polled = poll_until(made, b"", 50)
    for _ in range(2):
        polled = settle(smsc, made, polled)
    assert len(polled.cursor) < 10
    assert smsc.deliveries == []


def test_a_full_cursor_is_one_that_the_core_keeps() -> None:
    one = inbox.Recorded(uuid4().hex, b"\xff" * 16, 2**32 - 1)
    most = [one] * (inbox.MOST_HELD + inbox.MOST_AWAITED)
    assert len(msgspec.msgpack.encode(most)) <= 64 * 1024


@pytest.mark.parametrize("cursor", [b"\xc1", b"{}", random.Random(1).randbytes(48), b"\x93" * 50])
def test_a_cursor_that_cannot_be_read_proves_nothing(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel], cursor: bytes
) -> None:
    smsc.deliveries = [words(b"STOP")]
    assert len(poll_until(channel(), cursor).signals) == 1
    assert smsc.answers == []


def test_a_receipt_is_told_and_what_looks_like_one_is_a_reply(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel]
) -> None:
    text = b"id:smsc-1 sub:001 dlvrd:001 done date:2603021201 stat:UNDELIV err:001 text:"
    smsc.deliveries = [words(text, esm_class=4), words(text)]
    told, forged = poll_until(channel(), b"", 2).signals
    assert isinstance(told, Receipt)
    assert (told.reference, told.status) == ("smsc-1", "failed")
    assert isinstance(forged, Reply)


def test_a_receipt_that_says_nothing_does_not_come_for_ever(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel]
) -> None:
    smsc.deliveries = [words(b"?", esm_class=4), words(b"STOP")]
    made = channel()
    settle(smsc, made, poll_until(made, b""))
    made.poll(b"")
    assert smsc.deliveries == []


def test_a_reply_in_parts_is_told_whole_and_answered_whole(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel]
) -> None:
    head = bytes.fromhex("0500030a02")
    smsc.deliveries = [
        words(head + b"\2back", esm_class=0x40), words(head + b"\1Call me ", esm_class=0x40),
    ]  # fmt: skip
    made = channel()
    polled = poll_until(made, b"")
    assert [each.text for each in polled.signals] == ["Call me back"]  # type: ignore[union-attr]
    settle(smsc, made, polled)
    made.poll(b"")
    assert smsc.deliveries == []


def test_a_part_whose_rest_does_not_come_is_heard_all_the_same(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel], monkeypatch: pytest.MonkeyPatch
) -> None:
    smsc.deliveries = [words(bytes.fromhex("0500030a0201") + b"STOP", esm_class=0x40), words(b"x")]
    made = channel()
    assert [each.text for each in poll_until(made, b"").signals] == ["x"]  # type: ignore[union-attr]
    monkeypatch.setattr(assembly, "WAIT_SECONDS", 0.0)
    assert {each.text for each in made.poll(b"").signals} == {"x", "STOP"}  # type: ignore[union-attr]


def test_a_delivery_that_cannot_be_read_is_refused_for_good(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel]
) -> None:
    smsc.deliveries = [b"\xff" * 30, words(b"STOP")]
    poll_until(channel(), b"")
    until(lambda: smsc.answers == [(100, 0x65)])


def test_more_than_can_be_held_stays_with_the_smsc(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "MOST_HELD", 3)
    smsc.deliveries = [words(f"{each}".encode()) for each in range(5)]
    made = channel()
    assert len(poll_until(made, b"", 3).signals) == 3
    made.poll(b"")
    # To be tried again later.
    until(lambda: smsc.answers == [(103, 0x64), (104, 0x64)])


def test_a_receiver_that_nobody_polls_lets_go_of_what_it_holds(smsc: ScriptedSmsc) -> None:
    smsc.deliveries = [words(b"STOP")]
    made = SmppChannel(config(port=smsc.port))
    made._inbox._rest = 0.05
    poll_until(made, b"")
    watch = made._inbox._watch
    assert watch is not None
    watch.join(5)
    assert made._inbox._link is None
    made.close()


@pytest.mark.parametrize(
    "garbage", [b"\xff" * 16, struct.pack(">L", MOST_FRAME + 1) + b"x" * 20, b"\0" * 16]
)
def test_a_peer_that_speaks_no_smpp_is_left_before_it_fills_the_memory(
    smsc: ScriptedSmsc, channel: Callable[..., SmppChannel], garbage: bytes
) -> None:
    smsc.raw_after_bind = garbage
    with pytest.raises(Transient, match="SMPP"):
        channel().poll(b"")
