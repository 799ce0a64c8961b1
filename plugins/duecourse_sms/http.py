"""The channel `sms-http`: a gateway that speaks JSON, keeps our keys and signs its webhooks."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Final, Literal
from urllib.parse import quote

import httpx2
import msgspec

from duecourse import (
    Accepted,
    Capabilities,
    Channel,
    Config,
    Measure,
    Outbound,
    Permanent,
    Rate,
    Receipt,
    Reply,
    Secret,
    Signal,
    WebhookRequest,
)
from duecourse_sms.addresses import Region, check_region, e164, sender_of
from duecourse_sms.gateway import (
    Answer,
    Gateway,
    certain,
    check_url,
    checked_key,
    refusal,
    surely,
    taken,
)
from duecourse_sms.signature import read_key, verify
from duecourse_sms.texts import check_text
from duecourse_sms.units import MOST_UNITS, count_units

MOST_BODY: Final = 64_000
_TOKEN: Final = re.compile(r"[!-~]{1,4096}", re.ASCII)
# Each escape of JSON in turn; the group is half a letter whose other half does not follow.
_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)

Text = Annotated[str, msgspec.Meta(max_length=2000)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class SmsConfig(Config, kw_only=True):
    """`url` is the gateway's address for messages; `timeout` is in seconds, for one exchange.

    `max_units` is the most short messages that one text may become, and `rate` how many texts the
    gateway takes in a time.
    """

    url: str
    token: Secret
    timeout: Annotated[float, msgspec.Meta(gt=0, le=60)]
    webhook_secrets: tuple[Secret, ...] = ()
    sender: Annotated[str, msgspec.Meta(max_length=20)] = ""
    default_region: Region = "CN"
    max_units: Annotated[int, msgspec.Meta(ge=1, le=MOST_UNITS)] = MOST_UNITS
    rate: Rate | None = None


class _ReceiptIn(msgspec.Struct, frozen=True, tag="receipt"):
    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    status: Literal["queued", "sent", "delivered", "failed", "expired"]
    occurred_at: Moment
    detail: Annotated[str, msgspec.Meta(max_length=500)] = ""


class _ReplyIn(msgspec.Struct, frozen=True, tag="reply"):
    sender: Annotated[str, msgspec.Meta(min_length=1, max_length=50)]
    text: Text
    occurred_at: Moment
    reference: Annotated[str, msgspec.Meta(max_length=200)] = ""


class SmsChannel(Channel[SmsConfig]):
    """Posts each message with its key as Idempotency-Key, once; retries are the core's."""

    name = "sms-http"
    config_class = SmsConfig
    capabilities = Capabilities(
        medium="sms", guarantee="idempotent", receipts="webhook", inbound=True, max_units=MOST_UNITS
    )
    example: ClassVar[Mapping[str, Any]] = {
        "url": "http://127.0.0.1:9/messages",
        "token": "example-token",
        "timeout": 1.0,
        "webhook_secrets": ["whsec_" + "ZXhhbXBsZS0t" * 3],
    }

    def __init__(self, config: SmsConfig) -> None:
        super().__init__(config)
        check_url("url", config.url)
        check_region(config.default_region)
        if not _TOKEN.fullmatch(config.token.reveal()):
            raise ValueError("token must be printable ASCII without spaces")
        self._keys = [read_key(secret) for secret in config.webhook_secrets]
        self.capabilities = msgspec.structs.replace(
            self.capabilities, max_units=config.max_units, rate=config.rate
        )
        self._gateway = Gateway(config.timeout)

    def check(self) -> None:
        answer = surely(self._ask, "GET", self.config.url)
        if answer.status != httpx2.codes.OK:
            raise certain(refusal(answer))

    def close(self) -> None:
        self._gateway.close()

    def normalise(self, address: str) -> str:
        """The number in E.164. The message of Permanent does not repeat it."""
        return e164(address, self.config.default_region)

    def measure(self, message: Outbound) -> Measure:
        """The short messages that a carrier bills."""
        check_text(message.body)
        units = count_units(message.body)
        if units > self.config.max_units:
            raise Permanent(f"the text is {units} messages; max_units is {self.config.max_units}")
        return Measure(units=units, unit="segment")

    def send(self, message: Outbound) -> Accepted:
        if message.at >= message.expires_at:
            raise Permanent("the permission had expired")
        content = {
            "key": message.key,
            "to": self.normalise(message.to),
            "text": message.body,
            "sender": self.config.sender,
            "at": message.at.isoformat(),
            "expires_at": message.expires_at.isoformat(),
        }
        headers = {"Idempotency-Key": checked_key(message)}
        units = self.measure(message).units
        answer = self._ask("POST", self.config.url, headers, content)
        if answer.status in {httpx2.codes.OK, httpx2.codes.CREATED, httpx2.codes.ACCEPTED}:
            return Accepted(reference=taken(answer).id, units=units)
        raise refusal(answer)

    def find(self, message: Outbound) -> Accepted | None:
        url = f"{self.config.url.rstrip('/')}/{quote(checked_key(message), safe='')}"
        answer = self._ask("GET", url)
        match answer.status:
            case httpx2.codes.OK:
                return Accepted(reference=taken(answer).id, units=count_units(message.body))
            case httpx2.codes.NOT_FOUND:
                return None
            case _:
                raise refusal(answer)

    def receive(self, request: WebhookRequest) -> Iterable[Signal]:
        if len(request.body) > MOST_BODY:
            raise ValueError(f"the webhook is longer than {MOST_BODY} bytes")
        webhook_id = verify(request, self._keys)
        try:
            told = msgspec.json.decode(_whole_letters(request.body), type=_ReceiptIn | _ReplyIn)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise ValueError("the webhook is neither a receipt nor a reply") from None
        return [self._signal(webhook_id, told)]

    def _signal(self, webhook_id: str, told: _ReceiptIn | _ReplyIn) -> Signal:
        if isinstance(told, _ReceiptIn):
            return Receipt(
                reference=told.reference,
                receipt_id=webhook_id,
                status=told.status,
                occurred_at=told.occurred_at,
                detail=told.detail,
            )
        return Reply(
            sender=sender_of(told.sender, self.config.default_region),
            reply_id=webhook_id,
            text=told.text,
            occurred_at=told.occurred_at,
            reference=told.reference,
        )

    def _ask(
        self,
        method: str,
        url: str,
        headers: dict[str, str] | None = None,
        content: dict[str, str] | None = None,
    ) -> Answer:
        known = {"Authorization": f"Bearer {self.config.token.reveal()}"}
        if content is not None:
            known["Content-Type"] = "application/json"
        return self._gateway.ask(
            method,
            url,
            {**known, **(headers or {})},
            None if content is None else msgspec.json.encode(content),
        )


def _whole_letters(body: bytes) -> bytes:
    """`body` with U+FFFD for the halves of letters that a phone or a gateway cut apart."""
    return _ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], body)
