"""The SMS plugin against a gateway that answers, refuses, breaks off, or stays silent."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from msgspec.structs import replace

from duecourse import (
    ChannelError,
    Forbidden,
    Outbound,
    Permanent,
    Receipt,
    Reply,
    Secret,
    Transient,
    WebhookRequest,
)
from duecourse.peers.webhooks import sign
from duecourse_sms import SmsChannel, SmsConfig

AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
TOKEN = "a-token-that-must-not-show"
SECRET = "whsec_" + "QUJD" * 10
OLD_SECRET = "whsec_" + "WFla" * 10
RECEIPT = (
    b'{"type":"receipt","reference":"sms-1","status":"delivered",'
    b'"occurred_at":"2026-11-23T02:00:02Z"}'
)
Script = Callable[[bytes], str]


def channel(url: str = "http://127.0.0.1:9/messages", timeout: float = 5) -> SmsChannel:
    return SmsChannel(
        SmsConfig(
            url=url,
            token=Secret(TOKEN),
            timeout=timeout,
            webhook_secrets=(Secret(SECRET), Secret(OLD_SECRET)),
        )
    )


def outbound(body: str = "您好", to: str = "+447700900123") -> Outbound:
    key = uuid4()
    return Outbound(
        key=str(key),
        contact_id=key,
        case_id=uuid4(),
        to=to,
        to_name="林晓样",
        subject="",
        body=body,
        language="zh",
        sender_name="示例消费金融",
        at=AT,
        expires_at=AT + timedelta(hours=2),
    )


def read_request(connection: socket.socket) -> bytes:
    raw = b""
    while b"\r\n\r\n" not in raw:
        raw += connection.recv(4096)
    head, _, body = raw.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(4096)
    return head + b"\r\n\r\n" + body


class Scripted:
    """A gateway that reads one request and answers with fixed bytes; with none it hangs up."""

    def __init__(self, answer: bytes, *, silent: bool = False) -> None:
        self.requests: list[bytes] = []
        self._answer = answer
        self._released = threading.Event()
        if not silent:
            self._released.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/messages"
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                try:
                    self.requests.append(read_request(connection))
                except IndexError:
                    return  # the connection that `close` makes
                self._released.wait()
                connection.sendall(self._answer)

    def close(self) -> None:
        self._released.set()
        with socket.create_connection(self._listener.getsockname()) as last:
            last.sendall(b"\r\n\r\n")
        self._thread.join()
        self._listener.close()


@pytest.fixture
def gateway() -> Iterator[Callable[..., Scripted]]:
    with ExitStack() as stack:

        def start(answer: bytes, *, silent: bool = False) -> Scripted:
            made = Scripted(answer, silent=silent)
            stack.callback(made.close)
            return made

        yield start


def http(status: int, body: bytes = b"{}", extra: str = "") -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{extra}\r\n"
    return head.encode() + body


def send(to: SmsChannel, message: Outbound | None = None) -> BaseException:
    """What sending raised."""
    with pytest.raises(Exception) as raised:  # noqa: PT011 - which one is what is tested
        to.send(message or outbound())
    to.close()
    return raised.value


@pytest.mark.parametrize("status", [301, 307, 400, 401, 403, 404, 413, 422])
def test_a_clear_refusal_is_permanent_and_not_sent(
    gateway: Callable[..., Scripted], status: int
) -> None:
    peer = gateway(http(status, extra="Location: http://127.0.0.1:9/elsewhere\r\n"))
    assert isinstance(send(channel(peer.url)), Permanent)
    assert len(peer.requests) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_gateway_is_transient_and_its_pause_is_kept(
    gateway: Callable[..., Scripted], status: int
) -> None:
    error = send(channel(gateway(http(status, extra="Retry-After: 7\r\n")).url))
    assert isinstance(error, Transient)
    assert error.retry_after == 7


def test_a_refused_connection_is_transient() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/messages"
    assert isinstance(send(channel(url)), Transient)


@pytest.mark.parametrize(
    "answer",
    [
        http(500),
        http(502),
        http(503),
        http(408),
        http(409),
        http(202, b"accepted!"),
        http(202, b'{"id":""}'),
        http(202, b'{"id":7}'),
        http(202, b'{"id":"' + b"x" * 70_000 + b'"}'),
        b"",
        b"HTTP/1.1 202 Acc",
        b"HTTP/1.1 202 X\r\nContent-Length: 90\r\n\r\n{",
    ],
)
def test_an_answer_that_proves_nothing_leaves_the_outcome_unknown(
    gateway: Callable[..., Scripted], answer: bytes
) -> None:
    peer = gateway(answer)
    assert not isinstance(send(channel(peer.url)), ChannelError)
    assert len(peer.requests) == 1, "a hidden retry would be a second message"


def test_a_silent_gateway_leaves_the_outcome_unknown(gateway: Callable[..., Scripted]) -> None:
    peer = gateway(http(202, b'{"id":"late"}'), silent=True)
    assert not isinstance(send(channel(peer.url, timeout=0.2)), ChannelError)


def test_the_key_goes_along_as_idempotency_key(gateway: Callable[..., Scripted]) -> None:
    peer, message = gateway(http(202, b'{"id":"sms-9"}')), outbound("中" * 71)
    used = channel(peer.url)
    accepted = used.send(message)
    used.close()
    assert (accepted.reference, accepted.units) == ("sms-9", 2)
    assert f"idempotency-key: {message.key}".encode() in peer.requests[0].lower()


def test_an_expired_message_is_not_sent() -> None:
    late = replace(outbound(), at=AT, expires_at=AT)
    assert isinstance(send(channel(), late), Permanent)


@pytest.mark.parametrize(
    "address", ["+44 7700 900123", "0044 7700 900 123", "＋44７７００900123", "+447700900123"]
)
def test_a_number_is_stored_as_e164(address: str) -> None:
    made = SmsChannel(
        SmsConfig(url="https://sms.example", token=Secret("t"), timeout=1, default_region="GB")
    )
    assert made.normalise(address) == "+447700900123"


@pytest.mark.parametrize("address", ["", "12", "+4477009001234567", "no number", "+447700900123x9"])
def test_what_is_no_number_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(Permanent) as raised:
        channel().normalise(address)
    assert not address or address not in str(raised.value)


@pytest.mark.parametrize(
    "url", ["http://sms.example/messages", "ftp://127.0.0.1", "https://a:b@sms.example", "sms"]
)
def test_an_address_that_would_show_the_message_or_the_token_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        channel(url)


def test_no_secret_shows_in_anything_printed(gateway: Callable[..., Scripted]) -> None:
    made = channel(gateway(http(401, TOKEN.encode())).url)
    shown = [repr(made), repr(made.config), str(made.config)]
    error = send(made)
    assert TOKEN not in "".join([*shown, str(error), repr(error), repr(error.__context__)])
    with pytest.raises(ValueError, match="whsec_") as raised:
        SmsChannel(
            SmsConfig(
                url="https://sms.example",
                token=Secret("t"),
                timeout=1,
                webhook_secrets=(Secret(TOKEN),),
            )
        )
    assert TOKEN not in str(raised.value)


def webhook(
    body: bytes = RECEIPT,
    secret: str = SECRET,
    signed_at: datetime = AT,
    received_at: datetime = AT,
    **changed: str,
) -> WebhookRequest:
    headers = sign(secret, "receipt-sms-1", int(signed_at.timestamp()), body)
    headers |= {name.replace("_", "-"): value for name, value in changed.items()}
    return WebhookRequest(body=body, headers=headers, query={}, received_at=received_at)


@pytest.mark.parametrize("secret", [SECRET, OLD_SECRET])
def test_a_signed_receipt_is_believed_under_the_new_and_the_old_secret(secret: str) -> None:
    assert list(channel().receive(webhook(secret=secret))) == [
        Receipt(
            reference="sms-1",
            receipt_id="receipt-sms-1",
            status="delivered",
            occurred_at=AT + timedelta(seconds=2),
        )
    ]


def test_a_reply_is_handed_on_verbatim() -> None:
    body = (
        '{"type":"reply","sender":"+44 7700 900123","text":" TD \\n退订",'
        '"occurred_at":"2026-11-23T10:00:02+08:00"}'
    ).encode()
    (reply,) = channel().receive(webhook(body))
    assert isinstance(reply, Reply)
    assert (reply.sender, reply.text) == ("+447700900123", " TD \n退订")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"STOP \ud83d", "STOP \ufffd"),
        (r"\uDE00 STOP", "\ufffd STOP"),
        (r"\ud83d\ud83d\ude00", "\ufffd😀"),
        (r"\ud83d\n", "\ufffd\n"),
        (r"\\ud83d \ud83d\ude00", "\\ud83d 😀"),
    ],
)
def test_half_an_emoji_does_not_lose_the_reply(written: str, read: str) -> None:
    body = (
        f'{{"type":"reply","sender":"+447700900123","text":"{written}",'
        '"occurred_at":"2026-11-23T10:00:02+08:00"}'
    )
    (reply,) = channel().receive(webhook(body.encode()))
    assert isinstance(reply, Reply)
    assert reply.text == read


def test_one_good_signature_among_several_is_enough() -> None:
    genuine = webhook().headers["webhook-signature"]
    assert list(channel().receive(webhook(webhook_signature=f"v1,AAAA {genuine}")))


@pytest.mark.parametrize(
    "request_",
    [
        webhook(secret="whsec_" + "Rk9S" * 10),
        webhook(webhook_signature=""),
        webhook(webhook_signature="v1,"),
        webhook(webhook_signature="v1a," + webhook().headers["webhook-signature"][3:]),
        webhook(webhook_signature="v1,é"),
        webhook(webhook_id="receipt-sms-2"),
        webhook(webhook_id=""),
        webhook(webhook_id="a b"),
        webhook(webhook_timestamp=str(int(AT.timestamp()) + 1)),
        webhook(webhook_timestamp=""),
        webhook(webhook_timestamp="²"),
        webhook(webhook_timestamp="9" * 40),
        webhook(webhook_timestamp="9" * 12),
        webhook(signed_at=AT - timedelta(seconds=301)),
        webhook(signed_at=AT + timedelta(seconds=301)),
        WebhookRequest(body=RECEIPT + b" ", headers=webhook().headers, query={}, received_at=AT),
        WebhookRequest(body=RECEIPT, headers={}, query={}, received_at=AT),
    ],
)
def test_a_forged_altered_or_stale_webhook_is_forbidden(request_: WebhookRequest) -> None:
    with pytest.raises(Forbidden):
        channel().receive(request_)


def test_a_webhook_replayed_later_is_forbidden_and_one_replayed_soon_has_the_same_id() -> None:
    again = webhook(received_at=AT + timedelta(seconds=299))
    assert list(channel().receive(again)) == list(channel().receive(webhook()))
    with pytest.raises(Forbidden):
        channel().receive(webhook(received_at=AT + timedelta(seconds=301)))


def test_without_a_secret_no_webhook_is_believed() -> None:
    made = SmsChannel(SmsConfig(url="https://sms.example", token=Secret("t"), timeout=1))
    with pytest.raises(Forbidden):
        made.receive(webhook())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"{}",
        b"[" * 2000,
        b'{"type":"receipt","reference":"","status":"delivered","occurred_at":"2026-11-23T02:00Z"}',
        RECEIPT.replace(b"delivered", b"beamed"),
        RECEIPT.replace(b"02Z", b"02"),
        b'"' + b"x" * 70_000 + b'"',
    ],
)
def test_signed_garbage_is_an_error_and_not_a_crash(body: bytes) -> None:
    with pytest.raises(ValueError, match="webhook"):
        channel().receive(webhook(body))
