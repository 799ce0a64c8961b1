"""Checks of what comes back: webhooks, and what a poll brings."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from duecourse.channels import (
    Channel,
    Forbidden,
    OptOut,
    Polled,
    Receipt,
    Reply,
    Signal,
    WebhookRequest,
)
from duecourse.testing.kit import NotChecked, demand
from duecourse.testing.sending_checks import SendingChecks

_FORGERIES: Final[tuple[dict[str, str], ...]] = (
    {},
    {
        "x-signature": "00" * 32,
        "x-hub-signature-256": "sha256=" + "00" * 32,
        "webhook-id": "kit-1",
        "webhook-timestamp": "1",
        "webhook-signature": "v1,AAAA",
        "authorization": "Bearer kit",
    },
)
_GARBAGE: Final = (
    b"", b"\xff\xfe\x00", b"{", b"[]", b"null", b"{}", b'"text"', b"[" * 50_000, b"a" * 70_000,
    b'{"type": "receipt", "reference": 1}', b"x=%ff&y", b'{"a": "\\ud800"}',
)  # fmt: skip
_WROTE: Final = (
    "STOP",
    " 退订 ",
    "TD\n",
    "I paid on 3 March, see <https://example.com>",
    "e\u0301 😀",
)


class SignalChecks(SendingChecks):
    def test_a_webhook_without_its_signature_is_forbidden(self) -> None:
        with self.made() as channel:
            self._demand_hears(channel)
            for headers in _FORGERIES:
                request = self._raw(b'{"kit": true}', headers)
                demand(_is_forbidden(channel, request), "a forged webhook is not Forbidden")

    def test_a_webhook_that_was_changed_is_forbidden(self) -> None:
        with self.made() as channel:
            self._demand_hears(channel)
            for genuine in self.receipts():
                demand(signals_of(channel, genuine), "a genuine webhook brings nothing")
                for forged in _changed(genuine):
                    demand(_is_forbidden(channel, forged), "a changed webhook is not Forbidden")

    def test_garbage_is_refused_and_not_a_crash(self) -> None:
        """Unsigned it is Forbidden; signed, where the author can sign, Forbidden or a ValueError."""
        with self.made() as channel:
            self._demand_hears(channel)
            for body in _GARBAGE:
                _demand_refused(channel, self._raw(body, {}))
            for body in _GARBAGE:
                _demand_refused(channel, self.sign(body))

    def test_a_webhook_that_comes_twice_has_the_same_ids(self) -> None:
        with self.made() as channel:
            self._demand_hears(channel)
            for genuine in self.receipts():
                first, again = (signals_of(channel, genuine) for _ in range(2))
                demand(
                    [_id(each) for each in first] == [_id(each) for each in again],
                    "the same webhook again has other ids",
                )

    def test_receipts_are_what_the_core_records(self) -> None:
        """A known status, a moment with its time zone, ids that are not empty."""
        with self.made() as channel:
            self._demand_hears(channel)
            for genuine in self.receipts():
                demand_sound(signals_of(channel, genuine))

    def test_a_reply_carries_the_text_verbatim(self) -> None:
        """Whether it is an opt-out is for the core to say."""
        with self.made() as channel:
            if not channel.capabilities.inbound:
                raise NotChecked("it does not say that it is `inbound`")
            for text in _WROTE:
                signals = signals_of(channel, self.reply(text))
                demand_sound(signals)
                replies = [each.text for each in signals if isinstance(each, Reply)]
                demand(
                    replies == [text] and len(signals) == 1,
                    "a reply does not carry what was written, as one Reply",
                )

    def test_a_poll_may_be_repeated(self) -> None:
        """The same cursor brings the same ids, and the next one goes on from there."""
        with self.made() as channel:
            polls = type(channel).poll is not Channel.poll
        if not polls:
            raise NotChecked("it does not poll")
        with self.reached() as (channel, peer):
            if peer.is_ours:
                raise NotChecked(
                    "only the author's peer can have something to tell: override `peer`"
                )
            first, again = (_polled(channel, b"") for _ in range(2))
            if not first.signals:
                raise NotChecked("the peer had nothing to tell: let `peer` hold a receipt")
            demand_sound(first.signals)
            demand(_ids(first) == _ids(again), "the same cursor again brings other ids")
            onward = _polled(channel, first.cursor)
            demand(not _ids(first) & _ids(onward), "the next cursor brings the same signals again")

    # What they use -------------------------------------------------------------------------------

    def _demand_hears(self, channel: Channel[Any]) -> None:
        if type(channel).receive is Channel.receive:
            raise NotChecked("it takes no webhooks")

    def _raw(self, body: bytes, headers: dict[str, str]) -> WebhookRequest:
        return WebhookRequest(body=body, headers=headers, query={}, received_at=self.message().at)


def signals_of(channel: Channel[Any], request: WebhookRequest) -> list[Signal]:
    return list(channel.receive(request))


def demand_sound(signals: Iterable[Signal]) -> None:
    for signal in signals:
        try:
            msgspec.convert(msgspec.to_builtins(signal), Receipt | Reply | OptOut)
        except (msgspec.ValidationError, TypeError) as wrong:
            raise AssertionError(f"a signal is not what it should be: {wrong}") from None
        demand(signal.occurred_at.tzinfo is not None, "`occurred_at` has no time zone")
        demand(_id(signal), "a signal has no id")
        demand(signal.reference.isprintable(), "a reference is not printable")
        demand(not isinstance(signal, Receipt) or signal.reference, "a receipt has no reference")


def _id(signal: Signal) -> str:
    match signal:
        case Receipt(receipt_id=name) | Reply(reply_id=name) | OptOut(opt_out_id=name):
            return name


def _ids(polled: Polled) -> set[str]:
    return {_id(each) for each in polled.signals}


def _polled(channel: Channel[Any], cursor: bytes) -> Polled:
    told: object = channel.poll(cursor)
    if not (isinstance(told, Polled) and type(told.cursor) is bytes):
        raise AssertionError("`poll` must return Polled, its cursor bytes")
    return told


def _is_forbidden(channel: Channel[Any], request: WebhookRequest) -> bool:
    try:
        signals_of(channel, request)
    except Forbidden:
        return True
    except Exception:  # noqa: BLE001 - anything else is not what was promised
        return False
    return False


def _changed(genuine: WebhookRequest) -> list[WebhookRequest]:
    """A webhook with other content, and one without what proves it."""
    replace = msgspec.structs.replace
    flipped = bytes([genuine.body[0] ^ 1]) + genuine.body[1:] if genuine.body else b"{}"
    return [replace(genuine, body=flipped), replace(genuine, headers={}, query={})]


def _demand_refused(channel: Channel[Any], request: WebhookRequest) -> None:
    try:
        signals_of(channel, request)
    except (Forbidden, ValueError):
        return
    except Exception as error:  # noqa: BLE001 - anything else is a crash
        raise AssertionError(f"garbage raises {type(error).__name__}, not ValueError") from None
    raise AssertionError("garbage is taken for a webhook")
