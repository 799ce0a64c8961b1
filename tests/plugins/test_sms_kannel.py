"""The channel `sms-kannel`: what it asks a Kannel, and what it believes of one."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import msgspec
import pytest
from msgspec.structs import replace

from duecourse import (
    ChannelError,
    Forbidden,
    Outbound,
    Permanent,
    Rate,
    Receipt,
    Reply,
    Secret,
    Transient,
    WebhookRequest,
)
from duecourse.settings import convert
from duecourse.testing.peer import Answer, Request, http_server
from duecourse_sms import KannelChannel, KannelConfig
from duecourse_sms.callbacks import token_of

AT = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
PASSWORD = "a-password-that-must-not-show"
SECRET = "a-secret-of-enough-characters"
OLD_SECRET = "an-older-one-of-as-many-letters"
CALLBACK = "https://collect.example.com/webhooks/sms"


class Smsbox:
    """Answers with each status in turn, then 202."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.requests: list[Request] = []
        self.url = ""

    def __call__(self, request: Request) -> Answer | bytes:
        self.requests.append(request)
        status = self.statuses.pop(0) if self.statuses else 202
        return Answer(status=status, body=PASSWORD.encode()) if status else b""


@pytest.fixture
def smsbox() -> Iterator[Smsbox]:
    made = Smsbox()
    with http_server(made) as port:
        made.url = f"http://127.0.0.1:{port}/cgi-bin/sendsms"
        yield made


def channel(
    url: str = "https://kannel.example.com/cgi-bin/sendsms", **fields: Any
) -> KannelChannel:
    known: dict[str, Any] = {
        "url": url,
        "username": "duecourse",
        "password": Secret(PASSWORD),
        "timeout": 5,
        "callback_url": CALLBACK,
        "webhook_secrets": (Secret(SECRET), Secret(OLD_SECRET)),
    }
    return KannelChannel(KannelConfig(**(known | fields)))


def outbound(body: str = "您好", to: str = "+8615400000000") -> Outbound:
    key = uuid4()
    return Outbound(
        key=str(key), contact_id=key, case_id=uuid4(), to=to, to_name="林晓样", subject="",
        body=body, language="zh", sender_name="示例消费金融", at=AT,
        expires_at=AT + timedelta(hours=2),
    )  # fmt: skip


def failure(made: KannelChannel, message: Outbound | None = None) -> BaseException:
    with pytest.raises(Exception) as raised:  # noqa: PT011 - which one is what is tested
        made.send(message or outbound())
    made.close()
    return raised.value


# Sending


def test_a_text_goes_out_in_its_alphabet_and_under_our_key(smsbox: Smsbox) -> None:
    made, message = channel(smsbox.url, sender="10690000", smsc="main"), outbound("Hello €")
    accepted = made.send(message)
    made.close()
    (request,) = smsbox.requests
    told = request.headers
    assert (accepted.reference, accepted.units) == (message.key, 1)
    assert (request.body.decode(), told["x-kannel-coding"]) == ("Hello €", "0")
    assert (told["x-kannel-to"], told["x-kannel-from"]) == ("+8615400000000", "10690000")
    assert (told["x-kannel-smsc"], told["x-kannel-validity"]) == ("main", "120")
    assert told["x-kannel-dlr-mask"] == "31"
    assert "x-kannel-udh" not in told


def test_a_long_text_is_cut_by_us_and_no_emoji_in_two(smsbox: Smsbox) -> None:
    made = channel(smsbox.url)
    accepted = made.send(outbound("中" * 66 + "😀" + "中" * 66))
    made.close()
    texts = [each.body.decode("utf-16-be") for each in smsbox.requests]
    headers = [each.headers["x-kannel-udh"] for each in smsbox.requests]
    assert accepted.units == 3
    assert texts == ["中" * 66, "😀" + "中" * 65, "中"]
    assert [each[:6] + each[8:] for each in headers] == ["0500030301", "0500030302", "0500030303"]
    assert len({each[6:8] for each in headers}) == 1
    assert ["x-kannel-dlr-url" in each.headers for each in smsbox.requests] == [False, False, True]


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_clear_refusal_is_permanent(smsbox: Smsbox, status: int) -> None:
    smsbox.statuses = [status]
    assert isinstance(failure(channel(smsbox.url)), Permanent)
    assert len(smsbox.requests) == 1


@pytest.mark.parametrize("status", [503, 429])
def test_a_kannel_without_an_smsc_is_asked_again(smsbox: Smsbox, status: int) -> None:
    smsbox.statuses = [status]
    assert isinstance(failure(channel(smsbox.url)), Transient)


@pytest.mark.parametrize("status", [500, 502, 408, 200, 0])
def test_what_proves_nothing_is_unknown(smsbox: Smsbox, status: int) -> None:
    smsbox.statuses = [status]
    assert not isinstance(failure(channel(smsbox.url)), ChannelError)
    assert len(smsbox.requests) == 1, "a hidden retry would be a second message"


@pytest.mark.parametrize("wrong", [403, 503, 500, 0])
def test_a_part_that_fails_after_another_left_is_unknown(smsbox: Smsbox, wrong: int) -> None:
    smsbox.statuses = [202, wrong]
    assert not isinstance(failure(channel(smsbox.url), outbound("中" * 135)), ChannelError)
    assert len(smsbox.requests) == 2


def test_a_refused_connection_is_transient() -> None:
    assert isinstance(failure(channel("http://127.0.0.1:9/cgi-bin/sendsms")), Transient)


def test_a_check_asks_to_send_to_nobody(smsbox: Smsbox) -> None:
    made = channel(smsbox.url)
    smsbox.statuses = [400, 403, 202, 500]
    made.check()
    assert "x-kannel-to" not in smsbox.requests[0].headers
    for kind in (Permanent, Transient, Transient):
        with pytest.raises(kind):
            made.check()
    made.close()


@pytest.mark.parametrize("body", ["", "a\0b", "a\r\nX-Kannel-To: 1", "a\u202eb", "a\ud83d"])
def test_what_nobody_can_see_is_not_sent(smsbox: Smsbox, body: str) -> None:
    assert isinstance(failure(channel(smsbox.url), outbound(body)), Permanent)
    assert smsbox.requests == []


@pytest.mark.parametrize("to", ["+8615400000000\r\nX-Kannel-SMSC: other", "no number", ""])
def test_an_address_adds_no_header(smsbox: Smsbox, to: str) -> None:
    assert isinstance(failure(channel(smsbox.url), outbound(to=to)), Permanent)
    assert smsbox.requests == []


@pytest.mark.parametrize(
    "changes", [{"expires_at": AT}, {"body": "中" * 671}, {"key": "a\r\nb"}, {"key": "a&b=%d"}]
)
def test_what_may_not_leave_does_not(smsbox: Smsbox, changes: dict[str, Any]) -> None:
    assert isinstance(failure(channel(smsbox.url), replace(outbound(), **changes)), Permanent)
    assert smsbox.requests == []


def test_no_secret_shows(smsbox: Smsbox) -> None:
    made = channel(smsbox.url)
    smsbox.statuses = [403]
    shown = repr(made) + repr(made.config)
    shown += repr(failure(made)) + smsbox.requests[0].path
    assert PASSWORD not in shown
    assert SECRET not in shown + repr(smsbox.requests)


# Settings


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "http://kannel.example.com/cgi-bin/sendsms"),
        ("url", "https://kannel.example.com/cgi-bin/sendsms?username=x"),
        ("callback_url", "http://collect.example.com/webhooks/sms"),
        ("callback_url", "https://collect.example.com/%d"),
        ("password", Secret("two words")),
        ("webhook_secrets", (Secret("too short"),)),
        ("webhook_secrets", ()),
        ("default_region", "XX"),
    ],
)
def test_a_channel_that_would_show_or_believe_too_much_is_not_made(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=field) as raised:
        channel(**{field: value})
    assert "too short" not in str(raised.value)


@pytest.mark.parametrize(
    "fields",
    [{"sender": "a\r\nb"}, {"smsc": "a b"}, {"smsc": "a\n"}, {"username": "a b"}, {"max_units": 0}],
)
def test_settings_that_cannot_be_are_refused(fields: dict[str, Any]) -> None:
    table = dict(KannelChannel.example) | {
        "password": Secret(PASSWORD), "webhook_secrets": [],
    } | fields  # fmt: skip
    with pytest.raises(ValueError, match=next(iter(fields))):
        convert(table, KannelConfig, where="channels.sms")


def test_the_settings_say_what_the_channel_promises() -> None:
    made = channel(rate=Rate(5), max_units=4)
    told = made.capabilities
    assert (told.receipts, told.inbound, told.guarantee) == ("webhook", True, "opaque")
    assert (told.rate, told.max_units) == (Rate(5), 4)
    deaf = channel(callback_url="", webhook_secrets=()).capabilities
    assert (deaf.receipts, deaf.inbound) == ("none", False)
    assert msgspec.structs.asdict(made.measure(outbound("中" * 71))) == {
        "units": 2, "unit": "segment",
    }  # fmt: skip


# What Kannel brings back


def callback(query: dict[str, str], body: bytes = b"", **headers: str) -> WebhookRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return WebhookRequest(body=body, headers=named, query=query, received_at=AT)


def asked_receipt(smsbox: Smsbox, status: str, **fields: Any) -> tuple[str, dict[str, str]]:
    """A message's key, and the query of the address that it gave, filled in as Kannel does."""
    made, message = channel(smsbox.url, **fields), outbound()
    made.send(message)
    made.close()
    url = smsbox.requests[-1].headers["x-kannel-dlr-url"]
    assert url.startswith(f"{CALLBACK}?")
    filled = url.replace("%d", status).replace("%T", "1772424060")
    query = {name: values[0] for name, values in parse_qs(urlsplit(filled).query).items()}
    return message.key, query


@pytest.mark.parametrize(
    ("bits", "status"),
    [("1", "delivered"), ("2", "failed"), ("4", "queued"), ("8", "sent"), ("16", "failed")],
)
def test_each_status_of_kannel_is_told(smsbox: Smsbox, bits: str, status: str) -> None:
    key, query = asked_receipt(smsbox, bits)
    (told,) = channel().receive(callback(query))
    assert isinstance(told, Receipt)
    assert (told.reference, told.status) == (key, status)
    assert told.occurred_at == datetime.fromtimestamp(1772424060, UTC)
    assert list(channel().receive(callback(query))) == [told], "twice the same is the same"


def test_an_old_secret_is_still_believed(smsbox: Smsbox) -> None:
    _, query = asked_receipt(smsbox, "1", webhook_secrets=(Secret(OLD_SECRET),))
    assert list(channel().receive(callback(query)))


@pytest.mark.parametrize(
    "change",
    [
        {"key": "another-message"},
        {"token": ""},
        {"token": "0" * 64},
        {"token": "é"},
        {"kind": "reply"},
        {"kind": ""},
        {"token": token_of(SECRET.encode(), "reply")},
        {"token": token_of(b"of somebody else, as long", "receipt:x"), "key": "x"},
    ],
)
def test_a_forged_receipt_is_forbidden(smsbox: Smsbox, change: dict[str, str]) -> None:
    _, query = asked_receipt(smsbox, "1")
    with pytest.raises(Forbidden):
        channel().receive(callback(query | change))


def test_a_receipt_with_a_body_or_without_secrets_is_forbidden(smsbox: Smsbox) -> None:
    _, query = asked_receipt(smsbox, "1")
    with pytest.raises(Forbidden):
        channel().receive(callback(query, b"{}"))
    with pytest.raises(Forbidden):
        channel(callback_url="", webhook_secrets=()).receive(callback(query))


@pytest.mark.parametrize("status", ["", "3", "delivered", "%d", "１"])
def test_a_status_that_kannel_has_not_is_garbage(smsbox: Smsbox, status: str) -> None:
    _, query = asked_receipt(smsbox, "1")
    with pytest.raises(ValueError, match="status"):
        channel().receive(callback(query | {"status": status}))


@pytest.mark.parametrize("at", ["", "-1", "9" * 40, "²²²²²²²²²²"])
def test_a_time_that_cannot_be_is_ours(smsbox: Smsbox, at: str) -> None:
    _, query = asked_receipt(smsbox, "1")
    (told,) = channel().receive(callback(query | {"at": at}))
    assert told.occurred_at == AT


def reply(**changes: str) -> dict[str, str]:
    return {
        "kind": "reply", "token": token_of(SECRET.encode(), "reply"), "sender": "+8615400000000",
        "id": "4a2c22f4-e771-409e-92d0-5469247c7c25", "at": "1772424060",
    } | changes  # fmt: skip


@pytest.mark.parametrize(
    ("charset", "codec"), [("UTF-8", "utf-8"), ('"UTF-16BE"', "utf-16-be"), ("utf-8", "utf-8")]
)
def test_words_come_verbatim_in_either_charset(charset: str, codec: str) -> None:
    content_type = f"text/plain; charset={charset}"
    request = callback(reply(), " 退订 😀\n".encode(codec), content_type=content_type)
    (told,) = channel().receive(request)
    assert isinstance(told, Reply)
    assert (told.sender, told.text) == ("+8615400000000", " 退订 😀\n")
    assert told.reply_id == "4a2c22f4-e771-409e-92d0-5469247c7c25"


def test_words_may_come_in_the_address() -> None:
    (told,) = channel().receive(callback(reply(text="STOP  now")))
    assert isinstance(told, Reply)
    assert told.text == "STOP  now"


@pytest.mark.parametrize("token", ["", "0" * 64, token_of(SECRET.encode(), "receipt:reply")])
def test_a_forged_reply_is_forbidden(token: str) -> None:
    with pytest.raises(Forbidden):
        channel().receive(callback(reply(token=token), b"STOP"))


@pytest.mark.parametrize(
    ("query", "body", "content_type"),
    [
        (reply(id=""), b"x", "text/plain"),
        (reply(sender=" "), b"x", "text/plain"),
        (reply(), b"x", "text/plain; charset=utf-7"),
        (reply(), b"x", "text/plain; charset=rot13"),
        (reply(), b"x" * 64_001, "text/plain"),
    ],
)
def test_garbage_with_our_token_is_refused(
    query: dict[str, str], body: bytes, content_type: str
) -> None:
    with pytest.raises(ValueError, match="webhook"):
        channel().receive(callback(query, body, content_type=content_type))


def test_octets_that_are_no_text_are_read_without_an_error() -> None:
    (told,) = channel().receive(callback(reply(), b"\xff\0STOP", content_type="text/plain"))
    assert isinstance(told, Reply)
    assert told.text == "\ufffd\ufffdSTOP"
