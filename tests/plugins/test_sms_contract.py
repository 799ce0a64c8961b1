"""The three channels of the SMS plugin under the conformance kit."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
from smsc.scripted import (
    SYSTEM_ERROR,
    THROTTLED,
    WRONG_PASSWORD,
    ScriptedSmsc,
    read_submit,
    words,
)

from duecourse import WebhookRequest
from duecourse.peers.webhooks import sign
from duecourse.testing import Answer, Arrival, ChannelContract, Peer, Request
from duecourse.testing.peer import Trouble
from duecourse_sms import KannelChannel, SmppChannel, SmsChannel
from duecourse_sms.callbacks import STATUSES, token_of

SECRET = str(SmsChannel.example["webhook_secrets"][0])
KANNEL_KEY = str(KannelChannel.example["webhook_secrets"][0]).encode()
NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


class TestHttp(ChannelContract):
    channel = SmsChannel

    def answer(self, request: Request, reference: str) -> Answer:
        return Answer(status=202, body=msgspec.json.encode({"id": reference}))

    def sign(self, body: bytes) -> WebhookRequest:
        headers = sign(SECRET, "kit-1", int(NOW.timestamp()), body)
        return WebhookRequest(body=body, headers=headers, query={}, received_at=NOW)

    def receipts(self) -> Sequence[WebhookRequest]:
        told = ("queued", "sent", "delivered", "failed", "expired")
        return [
            self.sign(msgspec.json.encode({
                "type": "receipt", "reference": "kit-1", "status": each, "occurred_at": NOW,
            }))
            for each in told
        ]  # fmt: skip

    def reply(self, text: str) -> WebhookRequest:
        return self.sign(msgspec.json.encode({
            "type": "reply", "sender": "+8615400000047", "text": text, "occurred_at": NOW,
        }))  # fmt: skip


class TestSmpp(ChannelContract):
    channel = SmppChannel

    @contextmanager
    def peer(self) -> Iterator[Peer]:
        smsc = ScriptedSmsc()
        smsc.message_id = None
        smsc.deliveries = [
            words(b"id:1 done date:2603020400 stat:DELIVRD", esm_class=4), words(b"STOP"),
        ]  # fmt: skip

        def arrived() -> list[Arrival]:
            return [
                Arrival(content=read_submit(body)["text"].decode(), reference=f"id-{number}")
                for number, body in enumerate(smsc.submitted, start=1)
            ]

        try:
            yield Peer(settings={"host": "127.0.0.1", "port": smsc.port}, arrived=arrived)
        finally:
            smsc.close()

    @contextmanager
    def hostile(self, trouble: Trouble) -> Iterator[Mapping[str, Any]]:
        """An HTTP status is for an SMSC a command_status that says the same."""
        if not trouble.isdigit():
            with self._own_trouble(trouble) as settings:
                yield settings
            return
        smsc = ScriptedSmsc()
        if trouble in {"401", "403"}:
            smsc.bind = WRONG_PASSWORD
        else:
            smsc.statuses = [THROTTLED if trouble == "429" else SYSTEM_ERROR]
        try:
            yield {"host": "127.0.0.1", "port": smsc.port}
        finally:
            smsc.close()


class TestKannel(ChannelContract):
    channel = KannelChannel

    @contextmanager
    def peer(self) -> Iterator[Peer]:
        """The kit's own, which gives messages names; Kannel does not."""
        with self._own_peer() as own:
            arrived = own.arrived
            assert arrived is not None
            yield Peer(
                settings=own.settings,
                arrived=lambda: [Arrival(content=each.content) for each in arrived()],
                is_ours=True,
            )

    def answer(self, request: Request, reference: str) -> Answer:
        return Answer(status=202, body=b"0: Accepted for delivery", media_type="text/plain")

    def sign(self, body: bytes) -> WebhookRequest:
        """Any words are a reply; garbage is one that lacks what Kannel always tells."""
        query = {"kind": "reply", "token": token_of(KANNEL_KEY, "reply")}
        return WebhookRequest(body=body, headers={}, query=query, received_at=NOW)

    def receipts(self) -> Sequence[WebhookRequest]:
        return [receipt(status) for status in STATUSES]

    def reply(self, text: str) -> WebhookRequest:
        query = {
            "kind": "reply", "token": token_of(KANNEL_KEY, "reply"), "sender": "+8615400000047",
            "id": "kit-1", "at": "1772424000",
        }  # fmt: skip
        headers = {"content-type": 'text/plain; charset="UTF-16BE"'}
        return WebhookRequest(
            body=text.encode("utf-16-be"), headers=headers, query=query, received_at=NOW
        )


def receipt(status: str) -> WebhookRequest:
    query = {
        "kind": "receipt", "key": "kit-1", "token": token_of(KANNEL_KEY, "receipt:kit-1"),
        "status": status, "at": "1772424000",
    }  # fmt: skip
    return WebhookRequest(body=b"", headers={}, query=query, received_at=NOW, method="GET")
