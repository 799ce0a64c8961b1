"""The channel `sms-smpp`: straight to an SMSC, by SMPP 3.4."""

import itertools
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final, Literal
from zoneinfo import ZoneInfo

import msgspec
from smpplib import consts  # type: ignore[import-untyped]

from duecourse import (
    Accepted,
    Capabilities,
    Channel,
    ChannelError,
    Config,
    Measure,
    Outbound,
    Permanent,
    Polled,
    Rate,
    Reply,
    Secret,
    Signal,
)
from duecourse_sms.addresses import Region, check_region, e164, sender_of
from duecourse_sms.alphabets import Alphabet, decode
from duecourse_sms.assembly import Whole
from duecourse_sms.inbox import Inbox
from duecourse_sms.link import Peer
from duecourse_sms.receipts import MessageIds, read_receipt, reference_of
from duecourse_sms.submission import (
    HalfSent,
    Npi,
    Part,
    Sender,
    Ton,
    encode_parts,
    parts_of,
    source_of,
)
from duecourse_sms.texts import check_text
from duecourse_sms.transmitter import Transmitter, Transmitters
from duecourse_sms.units import MOST_UNITS
from duecourse_sms.validity import time_left

LEAST_REST: Final = 60.0
MOST_VALIDITY: Final = timedelta(days=99)
_ASCII: Final = r"^[!-~]*$"
_NO_BLANK: Final = "use letters, digits and signs of ASCII, no blank"


class SmppConfig(Config, kw_only=True):
    """Whom to bind to, and how this SMSC differs from others.

    `timeout` is in seconds, for one exchange. `password` has at most eight characters, as SMPP
    has it. `tls` may be off only where the way to the SMSC is private; `ca_file` names the
    authorities to trust in the place of the system's. `sender` is a number, a short code or up to
    eleven letters; `sender_ton` and `sender_npi` follow from it, unless the SMSC wants others.

    `default_alphabet` is how the SMSC writes data coding 0, `message_ids` how it writes an id in
    its answer and then in a receipt, `receipt_zone` in which time zone its receipts are dated.
    `validity` says how the SMSC is told until when it may deliver: as a moment or as a time to
    pass; `none` only where it takes neither. `poll_seconds` must be shorter than the SMSC waits
    for an answer to a delivery, as that is given at the next poll. `max_units` is the most parts
    that one text may become, `sessions` how many connections send at once.
    """

    host: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[A-Za-z0-9.:_-]+$",
            max_length=253,
            description="use a host name or an address, without a scheme",
            examples=["smsc.example.com"],
        ),
    ]
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 2775
    system_id: Annotated[
        str, msgspec.Meta(pattern=_ASCII, min_length=1, max_length=15, description=_NO_BLANK)
    ]
    password: Secret
    timeout: Annotated[float, msgspec.Meta(gt=0, le=60)]
    tls: bool = True
    ca_file: Path | None = None
    system_type: Annotated[
        str, msgspec.Meta(pattern=_ASCII, max_length=12, description=_NO_BLANK)
    ] = ""
    service_type: Annotated[
        str, msgspec.Meta(pattern=_ASCII, max_length=5, description=_NO_BLANK)
    ] = ""
    sender: Sender = ""
    sender_ton: Ton | None = None
    sender_npi: Npi | None = None
    registered_delivery: Literal["none", "all", "failure"] = "all"
    default_alphabet: Alphabet = "gsm7"
    message_ids: MessageIds = "same"
    receipt_zone: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[A-Za-z0-9_/+-]+$",
            max_length=50,
            description="use a name of the IANA time zones",
            examples=["Asia/Shanghai"],
        ),
    ] = "UTC"
    validity: Literal["moment", "time", "none"] = "moment"
    default_region: Region = "CN"
    max_units: Annotated[int, msgspec.Meta(ge=1, le=MOST_UNITS)] = 10
    sessions: Annotated[int, msgspec.Meta(ge=1, le=16)] = 1
    rate: Rate | None = None
    poll_seconds: Annotated[float, msgspec.Meta(ge=0.1, le=60)] = 5.0


class SmppChannel(Channel[SmppConfig]):
    """Sends over kept sessions, and receives in `poll` over one of its own.

    A text of several parts asks for the receipt of its last part only, and that part's id is the
    reference of the whole: so every receipt names a message that the core knows, and a message
    has one receipt. SMPP has no key of ours that would come back, hence the guarantee `opaque`.
    """

    name = "sms-smpp"
    config_class = SmppConfig
    capabilities = Capabilities(medium="sms", guarantee="opaque", receipts="poll", inbound=True)
    example: ClassVar[Mapping[str, Any]] = {
        "host": "127.0.0.1",
        "port": 9,
        "system_id": "example",
        "password": "not-real",
        "timeout": 1.0,
        "tls": False,
    }

    def __init__(self, config: SmppConfig) -> None:
        super().__init__(config)
        check_region(config.default_region)
        _check_password(config.password)
        self._zone = _zone(config.receipt_zone)
        self._source = source_of(config.sender, config.sender_ton, config.sender_npi)
        # Parts of two messages to one phone must not share it. Where it starts is by chance, as
        # other workers count too.
        self._references = itertools.count(secrets.randbelow(256))
        self._peer = Peer(
            host=config.host,
            port=config.port,
            system_id=config.system_id,
            password=config.password,
            system_type=config.system_type,
            timeout=config.timeout,
            tls=config.tls,
            ca_file=config.ca_file,
        )
        self._transmitters = Transmitters(self._peer, config.sessions)
        self._inbox = Inbox(self._peer, self._read, max(LEAST_REST, 6 * config.poll_seconds))
        self.capabilities = msgspec.structs.replace(
            self.capabilities,
            max_units=config.max_units,
            rate=config.rate,
            parallel=config.sessions,
            poll_seconds=config.poll_seconds,
            receipts="none" if config.registered_delivery == "none" else "poll",
        )

    def check(self) -> None:
        """Bind as a transmitter, and let go again."""
        transmitter = Transmitter(self._peer)
        try:
            transmitter.get_ready()
        finally:
            transmitter.close()

    def close(self) -> None:
        self._inbox.close()
        self._transmitters.close()

    def normalise(self, address: str) -> str:
        return e164(address, self.config.default_region)

    def measure(self, message: Outbound) -> Measure:
        """The parts that leave, each of them billed."""
        check_text(message.body)
        units = len(parts_of(message.body, self.config.default_alphabet))
        if units > self.config.max_units:
            raise Permanent(f"the text is {units} parts; max_units is {self.config.max_units}")
        return Measure(units=units, unit="segment")

    def send(self, message: Outbound) -> Accepted:
        if message.at >= message.expires_at:
            raise Permanent("the permission had expired")
        self.measure(message)
        parts = encode_parts(
            message.body, self.config.default_alphabet, next(self._references) % 256
        )
        common = self._common_fields(message)
        with self._transmitters.borrow() as transmitter:
            transmitter.get_ready()
            message_id = self._submit_all(transmitter, parts, common)
        # An SMSC that names no id has taken it all the same; no receipt will find it.
        reference = reference_of(message_id, self.config.message_ids) or message.key
        return Accepted(reference=reference, units=len(parts))

    def poll(self, cursor: bytes) -> Polled:
        self._transmitters.look_after()
        return self._inbox.poll(cursor)

    def _submit_all(
        self, transmitter: Transmitter, parts: list[Part], common: Mapping[str, Any]
    ) -> str:
        """The id of the last part. Raises ChannelError only as long as none has left."""
        message_id = ""
        for number, part in enumerate(parts, start=1):
            is_last = number == len(parts)
            try:
                message_id = transmitter.submit(
                    **common,
                    **msgspec.structs.asdict(part),
                    registered_delivery=self._registered_delivery() if is_last else 0,
                )
            except ChannelError as error:
                if number == 1:
                    raise
                # Not as a ChannelError, which would say that nothing was sent.
                raise HalfSent(f"part {number} of {len(parts)} did not leave: {error}") from None
        return message_id

    def _common_fields(self, message: Outbound) -> dict[str, Any]:
        """What all the parts of a message share."""
        return {
            "service_type": self.config.service_type,
            **msgspec.structs.asdict(self._source),
            "dest_addr_ton": consts.SMPP_TON_INTL,
            "dest_addr_npi": consts.SMPP_NPI_ISDN,
            "destination_addr": self.normalise(message.to).removeprefix("+"),
            "validity_period": self._validity(message),
        }

    def _registered_delivery(self) -> int:
        match self.config.registered_delivery:
            case "none":
                return int(consts.SMPP_SMSC_DELIVERY_RECEIPT_NONE)
            case "all":
                return int(consts.SMPP_SMSC_DELIVERY_RECEIPT_BOTH)
            case "failure":
                return int(consts.SMPP_SMSC_DELIVERY_RECEIPT_FAILURE)

    def _validity(self, message: Outbound) -> str:
        """SMPP 3.4, 7.1.1: a moment in UTC, or the time that is left."""
        match self.config.validity:
            case "none":
                return ""
            case "moment":
                return f"{message.expires_at.astimezone(UTC):%y%m%d%H%M%S}000+"
            case "time":
                left = min(time_left(message), MOST_VALIDITY)
                hours, seconds = divmod(left.seconds, 3600)
                minutes, seconds = divmod(seconds, 60)
                return f"0000{left.days:02}{hours:02}{minutes:02}{seconds:02}000R"

    def _read(self, whole: Whole) -> Signal | None:
        now = datetime.now(UTC)
        first = whole.parts[0]
        if first.is_receipt:
            ids = self.config.message_ids
            return read_receipt(first, ids=ids, zone=self._zone, received_at=now)
        return Reply(
            sender=sender_of(first.source, self.config.default_region, first.source_ton),
            reply_id=whole.names[0],
            text="".join(
                decode(part.content, part.data_coding, self.config.default_alphabet, part.header)
                for part in whole.parts
            ),
            occurred_at=now,
        )


def _check_password(password: Secret) -> None:
    text = password.reveal()
    if len(text) > 8 or not all("!" <= each <= "~" for each in text):  # noqa: PLR2004 - of SMPP
        raise ValueError("password has more than 8 characters, or one that is not printable ASCII")


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"receipt_zone {name} is no known time zone") from None
