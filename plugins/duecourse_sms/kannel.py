"""The channel `sms-kannel`: through the HTTP interface of Kannel's smsbox."""

import itertools
import re
import secrets
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar, Final

import httpx2
import msgspec

from duecourse import (
    Accepted,
    Capabilities,
    Channel,
    ChannelError,
    Config,
    Measure,
    Outbound,
    Permanent,
    Rate,
    Secret,
    Signal,
    Transient,
    WebhookRequest,
)
from duecourse_sms.addresses import Region, check_region, e164
from duecourse_sms.callbacks import read_callback, read_secret, receipt_url
from duecourse_sms.gateway import (
    Answer,
    Gateway,
    certain,
    check_url,
    checked_key,
    refusal,
    surely,
)
from duecourse_sms.submission import HalfSent, Sender, join_header
from duecourse_sms.texts import check_text
from duecourse_sms.units import MOST_UNITS, is_gsm7, split
from duecourse_sms.validity import time_left

EVERY_RECEIPT: Final = "31"
PAUSE_SECONDS: Final = 30.0
_PLAIN: Final = re.compile(r"[!-~]{1,64}", re.ASCII)
_SEPTETS: Final = ("0", "text/plain; charset=UTF-8", "utf-8")
_UCS2: Final = ("2", "text/plain; charset=UTF-16BE", "utf-16-be")


class KannelConfig(Config, kw_only=True):
    """`url` is the `sendsms` of smsbox; `username` and `password` are of a `sendsms-user`.

    `callback_url` is where Kannel reaches our webhook of this channel; left out, no receipts are
    asked for. `webhook_secrets` sign what Kannel brings back, the first one the new messages.

    For what phones send, Kannel needs a `sms-service` with `catch-all = true`,
    `max-messages = 0` (or it answers the phone) and, as post-url, `callback_url` followed by
    `?kind=reply&token=TOKEN&sender=%p&id=%I&at=%T`, where TOKEN is what
    `printf reply | openssl dgst -sha256 -hmac SECRET` prints. With a get-url add `&text=%b` and
    set `mo-recode = true`: an address cannot carry UCS-2.
    As we ask for a repetition of what comes too early, smsbox needs `http-request-retry`.

    `timeout` is in seconds, for one exchange; `smsc` names the connection that Kannel is to use;
    `max_units` is the most parts that one text may become.
    """

    url: str
    username: Annotated[
        str,
        msgspec.Meta(pattern=r"^[!-~]{1,64}\Z", description="use up to 64 of ASCII, no blank"),
    ]
    password: Secret
    timeout: Annotated[float, msgspec.Meta(gt=0, le=60)]
    callback_url: str = ""
    webhook_secrets: tuple[Secret, ...] = ()
    sender: Sender = ""
    smsc: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[A-Za-z0-9._-]{0,64}\Z",
            description="use up to 64 letters, digits and . _ -",
        ),
    ] = ""
    default_region: Region = "CN"
    max_units: Annotated[int, msgspec.Meta(ge=1, le=MOST_UNITS)] = 10
    rate: Rate | None = None


class KannelChannel(Channel[KannelConfig]):
    """Posts each part once, already cut: Kannel itself would cut an emoji in two.

    A text of several parts asks for the receipts of its last part. They name our key, which is
    also the reference, as Kannel has no id to give. It forgets what it sent: `opaque`.
    """

    name = "sms-kannel"
    config_class = KannelConfig
    capabilities = Capabilities(medium="sms", guarantee="opaque", receipts="webhook", inbound=True)
    example: ClassVar[Mapping[str, Any]] = {
        "url": "http://127.0.0.1:9/cgi-bin/sendsms",
        "username": "example",
        "password": "not-real",
        "timeout": 1.0,
        "callback_url": "http://127.0.0.1:9/webhooks/sms",
        "webhook_secrets": ["an-example-of-24-characters"],
    }

    def __init__(self, config: KannelConfig) -> None:
        super().__init__(config)
        check_url("url", config.url)
        check_region(config.default_region)
        if not _PLAIN.fullmatch(config.password.reveal()):
            raise ValueError("password must be printable ASCII without spaces, at most 64")
        self._keys = [read_secret(secret) for secret in config.webhook_secrets]
        if config.callback_url:
            _check_callback(config.callback_url, self._keys)
        self.capabilities = msgspec.structs.replace(
            self.capabilities,
            receipts="webhook" if config.callback_url else "none",
            inbound=bool(self._keys),
            max_units=config.max_units,
            rate=config.rate,
        )
        # Parts of two messages to one phone must not share it. Where it starts is by chance, as
        # other workers count too.
        self._references = itertools.count(secrets.randbelow(256))
        self._gateway = Gateway(config.timeout)

    def check(self) -> None:
        """Ask to send to nobody: who may send is told that a receiver is missing."""
        answer = surely(self._ask, {"Content-Type": "text/plain"}, b"-")
        if answer.status != httpx2.codes.BAD_REQUEST:
            raise certain(_refusal(answer))

    def close(self) -> None:
        self._gateway.close()

    def normalise(self, address: str) -> str:
        return e164(address, self.config.default_region)

    def measure(self, message: Outbound) -> Measure:
        """The parts that leave, each of them billed."""
        check_text(message.body)
        units = len(split(message.body, gsm7=is_gsm7(message.body)))
        if units > self.config.max_units:
            raise Permanent(f"the text is {units} parts; max_units is {self.config.max_units}")
        return Measure(units=units, unit="segment")

    def send(self, message: Outbound) -> Accepted:
        if message.at >= message.expires_at:
            raise Permanent("the permission had expired")
        key = checked_key(message)
        self.measure(message)
        gsm7 = is_gsm7(message.body)
        coding, media_type, codec = _SEPTETS if gsm7 else _UCS2
        common = {
            "Content-Type": media_type,
            "X-Kannel-Coding": coding,
            "X-Kannel-To": self.normalise(message.to),
            "X-Kannel-Validity": str(max(time_left(message) // timedelta(minutes=1), 1)),
        }
        parts = split(message.body, gsm7=gsm7)
        reference = next(self._references) % 256
        for number, part in enumerate(parts, start=1):
            headers = dict(common)
            if len(parts) > 1:
                headers["X-Kannel-UDH"] = join_header(reference, len(parts), number).hex()
            if number == len(parts):
                headers |= self._receipts(key)
            self._submit(number, headers, part.encode(codec))
        return Accepted(reference=key, units=len(parts))

    def receive(self, request: WebhookRequest) -> Iterable[Signal]:
        return [read_callback(request, self._keys, self.config.default_region)]

    def _submit(self, number: int, headers: Mapping[str, str], content: bytes) -> None:
        """Raises ChannelError only as long as no part has left."""
        try:
            answer = self._ask(headers, content)
            if answer.status != httpx2.codes.ACCEPTED:
                raise _refusal(answer)
        except ChannelError as error:
            if number == 1:
                raise
            raise HalfSent(f"part {number} did not leave: {error}") from None

    def _receipts(self, key: str) -> dict[str, str]:
        if not self.config.callback_url:
            return {}
        return {
            "X-Kannel-DLR-Mask": EVERY_RECEIPT,
            "X-Kannel-DLR-Url": receipt_url(self.config.callback_url, self._keys[0], key),
        }

    def _ask(self, headers: Mapping[str, str], content: bytes) -> Answer:
        known = {
            # In headers, not in the address, which proxies and Kannel itself write to their logs.
            "X-Kannel-Username": self.config.username,
            "X-Kannel-Password": self.config.password.reveal(),
        }
        optional = {"X-Kannel-From": self.config.sender, "X-Kannel-SMSC": self.config.smsc}
        known |= {name: value for name, value in optional.items() if value}
        return self._gateway.ask("POST", self.config.url, {**known, **headers}, content)


def _check_callback(url: str, keys: list[bytes]) -> None:
    check_url("callback_url", url)
    if "%" in url:
        raise ValueError("callback_url must be without %, which Kannel would fill in")
    if not keys:
        raise ValueError("callback_url needs webhook_secrets, or anybody could forge a receipt")


def _refusal(answer: Answer) -> Exception:
    """What an answer other than 202 proves."""
    match answer.status:
        case 403:
            return Permanent("Kannel refuses our name, our password or the route (403)")
        case 503:
            # Its own words: no SMSC, or a full queue; the message was turned away.
            return Transient("Kannel cannot take messages now (503)", PAUSE_SECONDS)
        case _:
            return refusal(answer)
