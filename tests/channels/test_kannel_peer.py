"""The channel `sms-kannel` with a real Kannel, and behind it a real SMSC: npm's `smpp`."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from smsc.kannel import SECRET, USER_PASSWORD, USERNAME, Callbacks, Kannel
from smsc.peer import Smsc
from tests.channels.conftest import NAME, House

from duecourse import (
    Channel,
    Forbidden,
    Outbound,
    Permanent,
    Receipt,
    Reply,
    Secret,
    Signal,
    WebhookRequest,
)
from duecourse.case import events as e
from duecourse.flow.signals import checked
from duecourse_sms import KannelChannel, KannelConfig

PHONE = "8615400000000"
PATIENCE = 20.0
Make = Callable[[Channel[Any]], House]


class Ears:
    """Hears what Kannel calls us for, and hands it on, as the API does."""

    def __init__(self) -> None:
        self.channel: KannelChannel | None = None
        self.record: Callable[[list[Signal]], bool] = lambda _: True
        self.heard: list[Signal] = []
        self.requests: list[WebhookRequest] = []
        self._changed = threading.Condition()

    def take(self, request: WebhookRequest) -> int:
        assert self.channel is not None
        try:
            signals = checked(self.channel.receive(request), 1000)
        except Forbidden:
            return 401
        except ValueError:
            return 400
        if not self.record(signals):
            return 503
        with self._changed:
            self.requests.append(request)
            self.heard += signals
            self._changed.notify_all()
        return 202

    def wait_for(self, count: int) -> list[Signal]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.heard) >= count, PATIENCE), self.heard
            return list(self.heard)


@pytest.fixture
def ears() -> Ears:
    return Ears()


@pytest.fixture
def callback(ears: Ears) -> Iterator[str]:
    made = Callbacks(ears.take)
    yield made.url
    made.close()


@pytest.fixture(params=["post"])
def kannel(
    request: pytest.FixtureRequest, smsc: Smsc, callback: str, tmp_path: Path
) -> Iterator[Kannel]:
    made = Kannel(tmp_path, smsc.port, callback, by_get=request.param == "get")
    smsc.wait_for("bind", status=0)
    yield made
    made.close()


@pytest.fixture
def channel(kannel: Kannel, callback: str, ears: Ears) -> Iterator[KannelChannel]:
    made = connect(kannel, callback)
    ears.channel = made
    yield made
    made.close()


def connect(kannel: Kannel, callback: str, password: str = USER_PASSWORD) -> KannelChannel:
    return KannelChannel(
        KannelConfig(
            url=kannel.url,
            username=USERNAME,
            password=Secret(password),
            timeout=10,
            callback_url=callback,
            webhook_secrets=(Secret(SECRET),),
            sender="10690000",
        )
    )


def outbound(body: str) -> Outbound:
    key, now = uuid4(), datetime.now(UTC)
    return Outbound(
        key=str(key), contact_id=key, case_id=uuid4(), to=f"+{PHONE}", to_name="林晓样",
        subject="", body=body, language="zh", sender_name="示例消费金融", at=now,
        expires_at=now + timedelta(hours=2),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "coding", "texts"),
    [
        ("Hello {€} @ ü\n[]", 0, ["Hello {€} @ ü\n[]"]),
        ("a" * 152 + "€" + "a" * 152, 0, ["a" * 152, "€" + "a" * 151, "a"]),
        ("中" * 66 + "😀" + "中" * 66, 8, ["中" * 66, "😀" + "中" * 65, "中"]),
    ],
)
def test_the_smsc_behind_kannel_reads_what_we_wrote(
    smsc: Smsc, channel: KannelChannel, ears: Ears, body: str, coding: int, texts: list[str]
) -> None:
    message = outbound(body)
    accepted = channel.send(message)
    seen = [smsc.wait_for("submit") for _ in texts]
    assert [each["text"] for each in seen] == texts
    assert {each["data_coding"] for each in seen} == {coding}
    assert accepted.units == len(texts)
    # Of one part, in the name of the whole.
    assert statuses(ears.wait_for(2), message) == {"sent", "delivered"}


def statuses(told: list[Signal], message: Outbound) -> set[str]:
    """What became of a message, in whatever order it was told; nothing is told of another."""
    receipts = [each for each in told if isinstance(each, Receipt)]
    assert {each.reference for each in receipts} == {message.key}
    assert len(receipts) == len(told)
    return {each.status for each in receipts}


def test_what_cannot_be_delivered_has_failed(
    smsc: Smsc, channel: KannelChannel, ears: Ears
) -> None:
    smsc.order("receipts", stat="UNDELIV")
    message = outbound("您好")
    channel.send(message)
    assert statuses(ears.wait_for(2), message) == {"sent", "failed"}


def test_what_the_smsc_refuses_has_failed(smsc: Smsc, channel: KannelChannel, ears: Ears) -> None:
    smsc.order("answer", statuses=[0x0B])
    message = outbound("您好")
    channel.send(message)
    assert statuses(ears.wait_for(1), message) == {"failed"}


def test_the_check_knows_right_credentials_from_wrong_ones(
    smsc: Smsc, channel: KannelChannel, kannel: Kannel, callback: str
) -> None:
    channel.check()
    stranger = connect(kannel, callback, password="guessed")
    with pytest.raises(Permanent):
        stranger.check()
    with pytest.raises(Permanent):
        stranger.send(outbound("您好"))
    stranger.close()
    assert smsc.seen("submit") == []


@pytest.mark.parametrize("kannel", ["post", "get"], indirect=True)
def test_what_a_phone_wrote_comes_verbatim(smsc: Smsc, channel: KannelChannel, ears: Ears) -> None:
    smsc.order("deliver", tag="a", source=PHONE, ton=1, text="STOP  {€}")
    ears.wait_for(1)
    smsc.order("deliver", tag="b", source=PHONE, ton=1, text="退订 😀", coding=8)
    ears.wait_for(2)
    smsc.order("deliver", tag="c", source=PHONE, ton=1, text="me back", udh="0500030a0202")
    smsc.order("deliver", tag="d", source=PHONE, ton=1, text="Call ", udh="0500030a0201")
    told = [each for each in ears.wait_for(3) if isinstance(each, Reply)]
    assert [each.text for each in told] == ["STOP  {€}", "退订 😀", "Call me back"]
    assert {each.sender for each in told} == {f"+{PHONE}"}
    assert len({each.reply_id for each in told}) == 3


def test_a_forged_call_is_forbidden(channel: KannelChannel, ears: Ears) -> None:
    channel.send(outbound("您好"))
    ears.wait_for(2)
    genuine = ears.requests[0]
    for change in ({"key": "another"}, {"token": "0" * 64}):
        query = dict(genuine.query) | change
        forged = WebhookRequest(body=b"", headers={}, query=query, received_at=datetime.now(UTC))
        assert ears.take(forged) == 401


def test_a_stop_by_sms_refuses_the_next_contact(
    smsc: Smsc, channel: KannelChannel, ears: Ears, house: Make
) -> None:
    here = house(channel)

    def record(signals: list[Signal]) -> bool:
        return not here.signals.record(NAME, signals, "webhook").later

    ears.record = record
    case_id = here.send_first()
    assert here.first_contact(case_id).status == "accepted"
    ears.wait_for(2)
    assert here.first_contact(case_id).delivery == "delivered"
    smsc.order("deliver", tag="stop", source=PHONE, ton=1, text="退订", coding=8)
    ears.wait_for(3)
    assert "sms" in here.case(case_id).opted_out
    refused = here.ask_again(case_id)
    assert isinstance(refused, e.ContactRefused)
    assert "opt" in refused.rule, refused
    submitted = len(smsc.seen("submit"))
    here.office.pass_days(5)
    assert len(smsc.seen("submit")) == submitted, "nothing leaves any more"
