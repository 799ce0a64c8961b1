"""The contract between Duecourse and a channel: an SMS gateway, a mail server, a print house.

A channel gets a message that is already permitted and already rendered. It sends it, or says
precisely that it did not. Rules, caps, opt-outs, retries and templates are not its business.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Final, Generic, Literal, TypeVar, dataclass_transform
from uuid import UUID

import msgspec

from duecourse.case.words import ReceiptStatus

CONTRACTS: Final = frozenset({1})
"""The versions of the contract that this Duecourse keeps."""


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


class Rate(msgspec.Struct, frozen=True):
    """At most `messages` in any `seconds`, counted over all workers together."""

    messages: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    seconds: Annotated[float, msgspec.Meta(gt=0, le=86_400)] = 1.0


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel can promise.

    `guarantee` decides what happens when nobody knows whether a message left: `idempotent`
    may be sent again with the same key within `window` of the first time, `queryable` is looked
    up with `find`, `opaque` stays unknown and is never sent again.

    `receipts` says how they come; with `poll`, or with `inbound` and a `poll` method, the channel
    is asked every `poll_seconds` by one worker at a time. `max_units` is the most that `measure`
    may say of a message that is sent; `parallel` how many messages may be on their way at once.
    """

    medium: Literal["sms", "email", "letter", "other"]
    guarantee: Literal["idempotent", "queryable", "opaque"] = "opaque"
    window: timedelta = timedelta(hours=24)
    receipts: Literal["none", "webhook", "poll"] = "none"
    inbound: bool = False
    rate: Rate | None = None
    max_units: Annotated[int, msgspec.Meta(ge=1)] | None = None
    attachments: bool = False
    parallel: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4
    poll_seconds: Annotated[float, msgspec.Meta(ge=0.1, le=86_400)] = 30.0


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file that goes with a message; `name` is a plain file name without a folder."""

    name: str
    media_type: str
    content: bytes


class Outbound(msgspec.Struct, frozen=True, kw_only=True):
    """One permitted message. Not to be sent after `expires_at`. `key` is stable across retries.

    `attachments` are empty unless the channel's capabilities say that it takes them.
    """

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
    attachments: tuple[Attachment, ...] = ()


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """How much a message is, in what the channel bills: 2 `segment`, 3 `page`, 1 `message`."""

    units: Annotated[int, msgspec.Meta(ge=1)]
    unit: str = "message"


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The peer took it. `reference` is how its receipts will name it; `units` what it bills."""

    reference: str
    units: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 1


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


class OptOut(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A statement made for a machine that no more is wanted: a one-click unsubscription.

    Never made from what somebody wrote: that is a Reply, and the core reads it.
    """

    reference: str
    opt_out_id: str
    occurred_at: datetime
    sender: str = ""
    how: str = ""


Signal = Receipt | Reply | OptOut


class Polled(msgspec.Struct, frozen=True, kw_only=True):
    """What a poll brought. `cursor` is given back at the next poll, once `signals` are recorded."""

    signals: tuple[Signal, ...] = ()
    cursor: bytes = b""


class WebhookRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Raw, as it arrived; header names in lower case. The channel checks the signature itself.

    By `GET` there is no body. What that may do, if anything, is for the channel to say.
    """

    body: bytes
    headers: Mapping[str, str]
    query: Mapping[str, str]
    received_at: datetime
    method: str = "POST"


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
    Methods may be called from several threads. `contract` is the version of this contract that
    the channel is written for. `example` are settings with which it can be constructed and tried
    without reaching anybody; secrets in it are plain strings.
    """

    name: ClassVar[str]
    contract: ClassVar[int] = 1
    config_class: ClassVar[type[Config]]
    example: ClassVar[Mapping[str, Any]] = {}
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

    def measure(self, message: Outbound) -> Measure:
        """How much `message` is, without sending it or asking anybody: always the same answer.

        Raises Permanent when it cannot be sent at all.
        """
        del message
        return Measure(units=1)

    def send(self, message: Outbound) -> Accepted:
        """Send, or raise Transient or Permanent. Anything else raised means: nobody knows."""
        raise NotImplementedError

    def find(self, message: Outbound) -> Accepted | None:
        """Look up whether `message` was taken (guarantee `queryable`); None when it was not."""
        raise NotImplementedError

    def receive(self, request: WebhookRequest) -> Iterable[Signal]:
        """Read a webhook. Raises Forbidden before believing anything, ValueError on garbage."""
        raise NotImplementedError

    def poll(self, cursor: bytes) -> Polled:
        """Ask the peer what is new since `cursor`, which is empty the first time.

        The cursor of the last answer comes back only once its signals are recorded, so a peer may
        then forget them. After a crash an older one comes back: the same signals again do no harm.
        """
        raise NotImplementedError
