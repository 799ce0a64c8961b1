"""The contract between Duecourse and a channel: an SMS gateway, a mail server, a print house.

A channel gets a message that is already permitted and already rendered. It sends it, or says
precisely that it did not. Rules, caps, opt-outs, retries and templates are not its business.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import ClassVar, Generic, Literal, TypeVar, dataclass_transform
from uuid import UUID

import msgspec

from duecourse.case.words import ReceiptStatus

CONTRACT = 1


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of a plugin's typed settings. An unknown key is an error that names it.

    Where a required setting follows an optional one, write `class Mine(Config, kw_only=True)`:
    msgspec does not inherit that.
    """


class Secret:
    """A string that never shows itself: not in repr, logs or tracebacks. Ask with `reveal()`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret('***')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel can promise.

    `guarantee` decides what happens after a crash between sending and noting it: `idempotent`
    may be sent again with the same key, `queryable` is looked up, `opaque` stays unknown.
    """

    medium: Literal["sms", "email", "letter", "other"]
    guarantee: Literal["idempotent", "queryable", "opaque"] = "opaque"
    receipts: Literal["none", "webhook", "poll"] = "none"


class Outbound(msgspec.Struct, frozen=True, kw_only=True):
    """One permitted message. Not to be sent after `expires_at`. `key` is stable across retries."""

    key: str
    contact_id: UUID
    case_id: UUID
    to: str
    to_name: str
    subject: str
    body: str
    language: Literal["zh", "en"]
    sender_name: str
    at: datetime
    expires_at: datetime


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The peer took it. `reference` is how its receipts will name it; `units` what it bills."""

    reference: str
    units: int = 1


class Receipt(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What became of a message. `reference` is the channel's own, or our key."""

    reference: str
    receipt_id: str
    status: ReceiptStatus
    occurred_at: datetime
    detail: str = ""


class Reply(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What somebody wrote back, verbatim. Whether it is an opt-out is for the core to say."""

    sender: str
    reply_id: str
    text: str
    occurred_at: datetime
    reference: str = ""


Signal = Receipt | Reply


class WebhookRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Raw, as it arrived; header names in lower case. The channel checks the signature itself."""

    body: bytes
    headers: Mapping[str, str]
    query: Mapping[str, str]
    received_at: datetime


class ChannelError(Exception):
    """Base of what a channel may raise. Its words are stored in clear: no address, no name."""


class Transient(ChannelError):
    """Surely not sent, and worth another try: refused connection, 429, mailbox busy."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Permanent(ChannelError):
    """Surely not sent, and never will be: bad address, refused content, wrong credentials."""


class Forbidden(ChannelError):
    """A webhook whose signature is missing, wrong or too old."""


C = TypeVar("C", bound=Config)


class Channel(Generic[C]):
    """Subclass, set `name`, `config_class` and `capabilities`, write `send`.

    Constructing does no input or output; it may change `capabilities` by what the settings say.
    Methods may be called from several threads.
    """

    name: ClassVar[str]
    contract: ClassVar[int] = CONTRACT
    config_class: ClassVar[type[Config]]
    capabilities: Capabilities

    def __init__(self, config: C) -> None:
        self.config = config

    def check(self) -> None:
        """Try credentials and connectivity without sending. Raises ChannelError."""

    def close(self) -> None:
        """Let go of connections. May be called twice."""

    def normalise(self, address: str) -> str:
        """Return the address in the form it is stored; raises Permanent when it is none."""
        return address.strip()

    def send(self, message: Outbound) -> Accepted:
        """Send, or raise Transient or Permanent. Anything else raised means: outcome unknown."""
        raise NotImplementedError

    def find(self, message: Outbound) -> Accepted | None:
        """Look up whether `message` was taken (guarantee `queryable`); None when it was not."""
        raise NotImplementedError

    def receive(self, request: WebhookRequest) -> Iterable[Signal]:
        """Read a webhook. Raises Forbidden before believing anything, ValueError on garbage."""
        raise NotImplementedError
