"""The channel `chat`: texts to people in a chat, through its incoming webhook; receipts come back."""

import hashlib
import hmac
import http.client
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

import msgspec
from duecourse import (
    Accepted,
    Capabilities,
    Channel,
    Config,
    Forbidden,
    Outbound,
    Permanent,
    Receipt,
    Reply,
    Secret,
    Signal,
    Transient,
    WebhookRequest,
    hookimpl,
)

NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
SECONDS = re.compile(r"[0-9]{1,10}")
MOST_BODY = 64_000
WINDOW = timedelta(minutes=5)

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class ChatConfig(Config, kw_only=True):
    """The keys of this channel in duecourse.toml, besides `use`.

    `url` is the incoming webhook: whoever knows it may post, so it is a secret too. What the chat
    reports is signed with `webhook_secret`.
    """

    url: Secret
    webhook_secret: Secret
    timeout: Annotated[float, msgspec.Meta(gt=0, le=60)] = 10.0


class Seen(msgspec.Struct, tag="seen", tag_field="type"):
    """The chat tells what became of a message."""

    id: Id
    message: Id
    status: Literal["sent", "delivered", "read", "failed"]
    at: Moment


class Wrote(msgspec.Struct, tag="wrote", tag_field="type"):
    """Somebody wrote back."""

    id: Id
    sender: Id
    text: Annotated[str, msgspec.Meta(max_length=4000)]
    at: Moment


class Chat(Channel[ChatConfig]):
    name = "chat"
    config_class = ChatConfig
    example: ClassVar[Mapping[str, Any]] = {
        "url": "https://chat.example.com/hooks/fictional",
        "webhook_secret": "fictional",
    }
    # People are found by their telephone number, so it is judged, and written to, as SMS is.
    capabilities = Capabilities(
        medium="sms", guarantee="idempotent", receipts="webhook", inbound=True
    )

    def __init__(self, config: ChatConfig) -> None:
        super().__init__(config)
        url = urlsplit(config.url.reveal())
        near = url.hostname in {"127.0.0.1", "::1", "localhost"}
        if not url.hostname or url.scheme not in ({"http", "https"} if near else {"https"}):
            raise ValueError("url must start with https://")

    def normalise(self, address: str) -> str:
        number = re.sub(r"[ ()-]", "", address)
        if not NUMBER.fullmatch(number):
            # Never quote the address: these words are stored.
            raise Permanent("not a telephone number with its country code")
        return number

    def send(self, message: Outbound) -> Accepted:
        if message.at >= message.expires_at:
            raise Permanent("the permission had expired")
        told = {"to": self.normalise(message.to), "text": message.body}
        status, answer = self._post(json.dumps(told).encode(), message.key)
        match status:
            case 200 | 201 | 202:
                return Accepted(reference=str(json.loads(answer)["id"]))
            case 401 | 403 | 404:
                raise Permanent(f"the chat knows no such webhook ({status})")
            case 429:
                raise Transient("the chat asks for a pause (429)")
            case _ if 400 <= status < 500:
                raise Permanent(f"the chat refuses the message ({status})")
        # Neither sent for sure nor surely not: whatever else is raised says "unknown".
        raise RuntimeError(f"the chat answered {status}")

    def _post(self, body: bytes, key: str) -> tuple[int, bytes]:
        url = urlsplit(self.config.url.reveal())
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        line = kind(url.hostname or "", url.port, timeout=self.config.timeout)
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        try:
            try:
                line.connect()
            except OSError as error:
                # Not one byte of the message has left.
                raise Transient(f"the chat was not reached ({type(error).__name__})") from None
            line.request("POST", url.path or "/", body, headers)
            answer = line.getresponse()
            return answer.status, answer.read(MOST_BODY)
        finally:
            line.close()

    def receive(self, request: WebhookRequest) -> Iterable[Signal]:
        if len(request.body) > MOST_BODY:
            raise ValueError(f"a webhook has at most {MOST_BODY} bytes")
        self._demand_genuine(request)
        try:
            told = msgspec.json.decode(request.body, type=Seen | Wrote)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            raise ValueError("neither a receipt nor a reply") from None
        if isinstance(told, Wrote):
            sender = NUMBER.fullmatch(told.sender) and told.sender
            return [
                Reply(
                    sender=sender or "unknown",
                    reply_id=told.id,
                    text=told.text,
                    occurred_at=told.at,
                )
            ]
        return [
            Receipt(
                reference=told.message,
                receipt_id=told.id,
                status=told.status,
                occurred_at=told.at,
            )
        ]

    def _demand_genuine(self, request: WebhookRequest) -> None:
        """Believe nothing before the signature is right and fresh."""
        sent = request.headers.get("chat-timestamp", "")
        given = request.headers.get("chat-signature", "")
        if not SECONDS.fullmatch(sent):
            raise Forbidden("the timestamp is missing")
        right = sign(self.config.webhook_secret, sent, request.body)
        if not hmac.compare_digest(right.encode(), given.encode()):
            raise Forbidden("the signature does not match")
        if abs(request.received_at - datetime.fromtimestamp(int(sent), UTC)) > WINDOW:
            raise Forbidden("the timestamp is more than five minutes away")


def sign(secret: Secret, timestamp: str, body: bytes) -> str:
    """How the chat signs what it reports: HMAC-SHA256 over the moment and the body."""
    signed = timestamp.encode() + b"." + body
    return hmac.new(secret.reveal().encode(), signed, hashlib.sha256).hexdigest()


@hookimpl
def channels() -> list[type[Chat]]:
    return [Chat]
