"""A channel that keeps the contract in every point, and the hooks with which the kit sees that."""

import hashlib
import hmac
import http.client
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

import msgspec

from duecourse import (
    Accepted,
    Capabilities,
    Channel,
    Config,
    Forbidden,
    Measure,
    Outbound,
    Permanent,
    Polled,
    Receipt,
    Reply,
    Secret,
    Signal,
    Transient,
    WebhookRequest,
)
from duecourse.testing import Arrival, ChannelContract, Peer

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


class CourierConfig(Config, kw_only=True):
    url: str
    token: Secret
    timeout: float = 5.0


class Event(msgspec.Struct):
    id: Annotated[str, msgspec.Meta(min_length=1)]
    reference: Annotated[str, msgspec.Meta(min_length=1)]
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    status: Literal["sent", "delivered"] = "sent"
    text: str | None = None


class Courier(Channel[CourierConfig]):
    name = "courier"
    config_class: ClassVar[type[Config]] = CourierConfig
    example: ClassVar[Mapping[str, Any]] = {
        "url": "https://courier.example.com/messages",
        "token": "fictional-token",
    }
    capabilities = Capabilities(
        medium="sms", guarantee="idempotent", receipts="webhook", inbound=True
    )

    def normalise(self, address: str) -> str:
        number = address.replace(" ", "")
        if not (number.startswith("+") and number[1:].isdigit()):
            raise Permanent("not a number")
        return number

    def measure(self, message: Outbound) -> Measure:
        return Measure(units=1 + len(message.body) // 100, unit="part")

    def send(self, message: Outbound) -> Accepted:
        self.refuse_expired(message)
        told = {"to": self.normalise(message.to), "text": message.body}
        return self.read(*self.post(told, message.key))

    def refuse_expired(self, message: Outbound) -> None:
        if message.at >= message.expires_at:
            raise Permanent("the permission had expired")

    def post(self, told: Mapping[str, str], key: str) -> tuple[int, bytes]:
        line = self.connect()
        try:
            line.request("POST", "/messages", json.dumps(told).encode(), self.headers(key))
            answer = line.getresponse()
            return answer.status, answer.read(10_000)
        finally:
            line.close()

    def connect(self) -> http.client.HTTPConnection:
        url = urlsplit(self.config.url)
        line = http.client.HTTPConnection(url.hostname or "", url.port, timeout=self.config.timeout)
        try:
            line.connect()
        except OSError as error:
            raise self.not_reached(error) from None
        return line

    def not_reached(self, error: OSError) -> Exception:
        return Transient(f"not reached ({type(error).__name__})")

    def headers(self, key: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.config.token.reveal()}", "Idempotency-Key": key}

    def read(self, status: int, answer: bytes) -> Accepted:
        match status:
            case 200:
                return Accepted(reference=json.loads(answer)["id"])
            case 401 | 403:
                raise Permanent(f"refused ({status})")
            case 429:
                raise Transient("busy (429)", 7.0)
        raise RuntimeError(f"answered {status}")

    def receive(self, request: WebhookRequest) -> Iterable[Signal]:
        self.verify(request)
        try:
            event = msgspec.json.decode(request.body, type=Event)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            raise ValueError("no event") from None
        return [self.signal(event)]

    def verify(self, request: WebhookRequest) -> None:
        given = request.headers.get("x-signature", "")
        if not hmac.compare_digest(signature(request.body).encode(), given.encode()):
            raise Forbidden("the signature does not match")

    def signal(self, event: Event) -> Signal:
        if event.text is not None:
            return Reply(
                sender="+8615400000047", reply_id=event.id, text=event.text, occurred_at=event.at
            )
        return Receipt(
            reference=event.reference,
            receipt_id=event.id,
            status=event.status,
            occurred_at=event.at,
        )


def signature(body: bytes) -> str:
    return hmac.new(b"fictional", body, hashlib.sha256).hexdigest()


class CourierContract(ChannelContract):
    """With every hook that a channel with webhooks needs."""

    channel = Courier
    patience = 5.0

    def sign(self, body: bytes) -> WebhookRequest:
        return WebhookRequest(
            body=body, headers={"x-signature": signature(body)}, query={}, received_at=NOON
        )

    def receipts(self) -> Sequence[WebhookRequest]:
        return [self._event(status="sent"), self._event(status="delivered")]

    def reply(self, text: str) -> WebhookRequest:
        return self._event(text=text)

    def _event(self, **more: str) -> WebhookRequest:
        event = {"id": "e-1", "reference": "m-1", "at": NOON.isoformat()} | more
        return self.sign(json.dumps(event).encode())


class Shelf:
    """A peer in memory that can be asked, and that keeps what it has to tell."""

    def __init__(self) -> None:
        self.taken: dict[str, Arrival] = {}
        self.events = [
            Receipt(reference=f"m-{n}", receipt_id=f"e-{n}", status="sent", occurred_at=NOON)
            for n in range(3)
        ]


SHELVES: dict[str, Shelf] = {}
_NAMES = itertools.count()


class ShelfConfig(Config, kw_only=True):
    shelf: str


class Carrier(Channel[ShelfConfig]):
    """Promises the other things: to be asked what it took, and to be polled."""

    name = "carrier"
    config_class = ShelfConfig
    example: ClassVar[Mapping[str, Any]] = {"shelf": "none"}
    capabilities = Capabilities(medium="other", guarantee="queryable", receipts="poll")

    @property
    def shelf(self) -> Shelf:
        return SHELVES[self.config.shelf]

    def send(self, message: Outbound) -> Accepted:
        if message.at >= message.expires_at:
            raise Permanent("the permission had expired")
        reference = f"m-{message.key}"
        self.shelf.taken[message.key] = Arrival(content=message.body, reference=reference)
        return Accepted(reference=reference)

    def find(self, message: Outbound) -> Accepted | None:
        arrival = self.shelf.taken.get(message.key)
        return None if arrival is None else Accepted(reference=arrival.reference)

    def poll(self, cursor: bytes) -> Polled:
        start = int(cursor or b"0")
        events = self.shelf.events[start : start + 2]
        return Polled(signals=tuple(events), cursor=str(start + len(events)).encode())


class CarrierContract(ChannelContract):
    channel = Carrier

    @contextmanager
    def peer(self) -> Iterator[Peer]:
        name = f"shelf-{next(_NAMES)}"
        shelf = SHELVES[name] = Shelf()
        try:
            yield Peer(settings={"shelf": name}, arrived=lambda: list(shelf.taken.values()))
        finally:
            del SHELVES[name]
