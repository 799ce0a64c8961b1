"""The channel: what it is told in the settings, how it sends, and what comes back."""

import re
import threading
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Final, Literal
from urllib.parse import quote, urlsplit

import httpx2
import msgspec
import phonenumbers

from duecourse import (
    Accepted,
    Capabilities,
    Channel,
    Config,
    Outbound,
    Permanent,
    Receipt,
    Reply,
    Secret,
    Signal,
    WebhookRequest,
)
from duecourse_sms.gateway import Answer, ask, refusal, taken
from duecourse_sms.signature import read_key, verify
from duecourse_sms.units import count_units

MOST_BODY: Final = 64_000
_KEY: Final = re.compile(r"[A-Za-z0-9._:-]{1,100}", re.ASCII)
_TOKEN: Final = re.compile(r"[!-~]{1,4096}", re.ASCII)
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})

Text = Annotated[str, msgspec.Meta(max_length=2000)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class SmsConfig(Config, kw_only=True):
    """`url` is the gateway's address for messages; `timeout` is in seconds, for one exchange."""

    url: str
    token: Secret
    timeout: Annotated[float, msgspec.Meta(gt=0, le=60)]
    webhook_secrets: tuple[Secret, ...] = ()
    sender: Annotated[str, msgspec.Meta(max_length=20)] = ""
    default_region: Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")] = "CN"


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
    capabilities = Capabilities(medium="sms", guarantee="idempotent", receipts="webhook")

    def __init__(self, config: SmsConfig) -> None:
        super().__init__(config)
        _check_url(config.url)
        if config.default_region not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError(f"default_region {config.default_region} is no known region")
        if not _TOKEN.fullmatch(config.token.reveal()):
            raise ValueError("token must be printable ASCII without spaces")
        self._keys = [read_key(secret) for secret in config.webhook_secrets]
        self._lock = threading.Lock()
        self._client: httpx2.Client | None = None

    def check(self) -> None:
        answer = self._ask("GET", self.config.url)
        if answer.status != httpx2.codes.OK:
            raise refusal(answer)

    def close(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def normalise(self, address: str) -> str:
        """The number in E.164. The message of Permanent does not repeat it."""
        try:
            number = phonenumbers.parse(address, self.config.default_region)
        except phonenumbers.NumberParseException:
            raise Permanent("not a phone number") from None
        # "Possible", not "valid": the tables of assigned ranges lag behind the carriers, and the
        # gateway knows better. They would also refuse the numbers that are kept for fiction.
        possible = phonenumbers.is_possible_number_with_reason(number)
        if number.extension or possible != phonenumbers.ValidationResult.IS_POSSIBLE:
            raise Permanent("not a phone number")
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

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
        headers = {"Idempotency-Key": _checked_key(message)}
        units = _checked_units(message)
        answer = self._ask("POST", self.config.url, headers, content)
        if answer.status in {httpx2.codes.OK, httpx2.codes.CREATED, httpx2.codes.ACCEPTED}:
            return Accepted(reference=taken(answer).id, units=units)
        raise refusal(answer)

    def find(self, message: Outbound) -> Accepted | None:
        url = f"{self.config.url.rstrip('/')}/{quote(_checked_key(message), safe='')}"
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
            told = msgspec.json.decode(request.body, type=_ReceiptIn | _ReplyIn)
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
            sender=self._as_stored(told.sender),
            reply_id=webhook_id,
            text=told.text,
            occurred_at=told.occurred_at,
            reference=told.reference,
        )

    def _as_stored(self, sender: str) -> str:
        try:
            return self.normalise(sender)
        except Permanent:
            # A short code or a name: kept as it came, though no case will know it.
            return sender

    def _ask(
        self,
        method: str,
        url: str,
        headers: dict[str, str] | None = None,
        content: dict[str, str] | None = None,
    ) -> Answer:
        authorization = {"Authorization": f"Bearer {self.config.token.reveal()}"}
        return ask(
            self._open(),
            method,
            url,
            {**authorization, **(headers or {})},
            content,
            timeout=self.config.timeout,
        )

    def _open(self) -> httpx2.Client:
        """The client, made at first use: constructing the channel touches nothing."""
        with self._lock:
            if self._client is None:
                self._client = httpx2.Client(
                    timeout=self.config.timeout,
                    follow_redirects=False,
                    trust_env=False,
                    transport=httpx2.HTTPTransport(retries=0, trust_env=False),
                )
            return self._client


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("url must start with https://")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("url must start with https://; http is for this machine only")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("url must be a plain address; the token has a setting of its own")


def _checked_key(message: Outbound) -> str:
    if not _KEY.fullmatch(message.key):
        raise Permanent("the key cannot be a header")
    return message.key


def _checked_units(message: Outbound) -> int:
    try:
        return count_units(message.body)
    except UnicodeEncodeError:
        raise Permanent("the text holds half a character") from None
