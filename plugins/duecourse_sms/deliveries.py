"""What an SMSC delivers to us: the fields of `deliver_sm`, read without trust (SMPP 3.4, 4.6.1)."""

import hashlib
from collections.abc import Mapping
from typing import Final

import msgspec

RECEIPTED_MESSAGE_ID: Final = 0x001E
SAR_REFERENCE: Final = 0x020C
SAR_TOTAL: Final = 0x020E
SAR_NUMBER: Final = 0x020F
MESSAGE_PAYLOAD: Final = 0x0424
MESSAGE_STATE: Final = 0x0427

_MESSAGE_TYPE: Final = 0x3C
_RECEIPT_TYPES: Final = frozenset({0x04, 0x20})
_HAS_HEADER: Final = 0x40
_MOST_NAME: Final = 65


class Place(msgspec.Struct, frozen=True):
    """Where a part stands in a longer message."""

    reference: int
    total: int
    number: int


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """`content` is what follows the user data header, which had `header` octets."""

    source: str
    source_ton: int
    destination: str
    esm_class: int
    data_coding: int
    content: bytes
    header: int = 0
    place: Place | None = None
    options: Mapping[int, bytes] = {}

    @property
    def is_receipt(self) -> bool:
        """By its type only. Anybody can write what looks like a receipt."""
        return self.esm_class & _MESSAGE_TYPE in _RECEIPT_TYPES


def fingerprint(body: bytes) -> bytes:
    """By it a delivery is known again when it comes a second time, on another connection."""
    return hashlib.sha256(body).digest()[:16]


def read_delivery(body: bytes) -> Delivery:
    """Raises ValueError for what is no `deliver_sm`."""
    fields = _Fields(body)
    fields.name()  # service_type
    source_ton, _ = fields.octet(), fields.octet()
    source = fields.name()
    fields.octets(2)
    destination = fields.name()
    esm_class = fields.octet()
    fields.octets(2)  # protocol_id, priority_flag
    fields.name(), fields.name()  # schedule_delivery_time, validity_period
    fields.octets(2)  # registered_delivery, replace_if_present_flag
    data_coding = fields.octet()
    fields.octet()  # sm_default_msg_id
    content = fields.octets(fields.octet())
    options = fields.options()
    content = content or options.get(MESSAGE_PAYLOAD, b"")
    place, header = _read_header(content) if esm_class & _HAS_HEADER else (None, 0)
    return Delivery(
        source=source,
        source_ton=source_ton,
        destination=destination,
        esm_class=esm_class,
        data_coding=data_coding,
        content=content[header:],
        header=header,
        place=place or _sar_place(options),
        options=options,
    )


class _Fields:
    """Reads one field after the other, and never beyond the end."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def octets(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._body):
            raise ValueError("deliver_sm ends too early")
        taken, self._at = self._body[self._at : end], end
        return taken

    def octet(self) -> int:
        return self.octets(1)[0]

    def name(self) -> str:
        end = self._body.find(b"\0", self._at, self._at + _MOST_NAME)
        if end < 0:
            raise ValueError("deliver_sm has a name without an end")
        text = self.octets(end - self._at).decode("latin-1")
        self._at += 1
        return text

    def options(self) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        while self._at < len(self._body):
            tag, length = (int.from_bytes(self.octets(2)) for _ in range(2))
            found[tag] = self.octets(length)
        return found


def _read_header(content: bytes) -> tuple[Place | None, int]:
    """The place that a user data header tells, and the octets of the header with its length."""
    if not content:
        return None, 0
    size = min(1 + content[0], len(content))
    place, at = None, 1
    while at + 2 <= size:
        kind, length = content[at], content[at + 1]
        value = content[at + 2 : min(at + 2 + length, size)]
        place = _place(kind, value) or place
        at += 2 + length
    return place, size


def _place(kind: int, value: bytes) -> Place | None:
    match kind, len(value):
        case (0x00, 3) | (0x08, 4):
            return _checked(int.from_bytes(value[:-2]), value[-2], value[-1])
        case _:
            return None


def _sar_place(options: Mapping[int, bytes]) -> Place | None:
    told = [options.get(tag, b"") for tag in (SAR_REFERENCE, SAR_TOTAL, SAR_NUMBER)]
    return _checked(*(int.from_bytes(value) for value in told)) if all(told) else None


def _checked(reference: int, total: int, number: int) -> Place | None:
    """A message of one part, or a part beyond the last, has no place."""
    is_sound = 1 <= number <= total <= 255 and total > 1  # noqa: PLR2004 - one octet
    return Place(reference, total, number) if is_sound else None
