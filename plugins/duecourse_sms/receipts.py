"""Delivery receipts of SMPP: a line of text, or optional parameters (SMPP 3.4, appendix B)."""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from duecourse import Receipt
from duecourse_sms.deliveries import MESSAGE_STATE, RECEIPTED_MESSAGE_ID, Delivery

Status = Literal["queued", "sent", "delivered", "deferred", "failed", "expired"]
MessageIds = Literal["same", "hex-then-decimal", "decimal-then-hex"]
"""How an SMSC writes the id of a message in its answer, and then in the text of a receipt."""

# ACCEPTD is by the letter a message that somebody read for the subscriber; what SMSCs mean by it
# is that a network took it. UNKNOWN says that nobody can tell: neither arrived nor lost.
STATUSES: Final[Mapping[str, Status]] = {
    "ENROUTE": "sent",
    "DELIVRD": "delivered",
    "EXPIRED": "expired",
    "DELETED": "failed",
    "UNDELIV": "failed",
    "ACCEPTD": "sent",
    "UNKNOWN": "deferred",
    "REJECTD": "failed",
}
_STATES: Final = dict(enumerate(STATUSES, start=1))
# Seven letters are the rule; some SMSCs write the words out.
_SPELLED_OUT: Final[Mapping[str, str]] = {
    "DELIVERED": "DELIVRD",
    "UNDELIVERED": "UNDELIV",
    "UNDELIVERABLE": "UNDELIV",
    "FAILED": "UNDELIV",
    "ACCEPTED": "ACCEPTD",
    "REJECTED": "REJECTD",
}
_TEXT: Final = re.compile(r"\btext:", re.IGNORECASE)
_FIELD: Final = re.compile(r"\b(id|done date|stat|err):\s*([^\s:]*)(?=\s|$)", re.IGNORECASE)
_LETTERS: Final = re.compile(r"[A-Z]+")
_DATE: Final = re.compile(r"[0-9]{10}([0-9]{2})?", re.ASCII)
_ID: Final = re.compile(r"[!-~]{1,64}", re.ASCII)
_DIGITS: Final[Mapping[int, re.Pattern[str]]] = {
    10: re.compile(r"[0-9]{1,64}"),
    16: re.compile(r"(?:0[xX])?[0-9A-Fa-f]{1,62}"),
}
_BASES: Final[Mapping[MessageIds, tuple[int, int]]] = {
    "hex-then-decimal": (16, 10),
    "decimal-then-hex": (10, 16),
}
_AHEAD: Final = timedelta(minutes=5)


def reference_of(message_id: str, ids: MessageIds) -> str:
    """The id that the SMSC answered with, in the one form in which we keep it; empty if none."""
    return _canonical(message_id, _BASES[ids][0]) if ids in _BASES else _plain(message_id)


def read_receipt(
    delivery: Delivery, *, ids: MessageIds, zone: ZoneInfo, received_at: datetime
) -> Receipt | None:
    """What became of a message; None when it does not say of which, or not what.

    What stands after `text:` is of the message, and is neither read nor kept.
    """
    text = _TEXT.split(delivery.content.decode("latin-1"), 1)[0]
    fields = {name.lower(): value for name, value in _FIELD.findall(text)}
    reference = _reference(delivery, fields.get("id", ""), ids)
    word = _state(delivery) or _word(fields.get("stat", ""))
    if not reference or word not in STATUSES:
        return None
    done = _moment(fields.get("done date", ""), zone, received_at)
    error = fields.get("err", "")[:20]
    told = f"{reference}/{word}/{error}/{done.isoformat()}"
    return Receipt(
        reference=reference,
        receipt_id=hashlib.sha256(told.encode()).hexdigest()[:32],
        status=STATUSES[word],
        occurred_at=done,
        detail=f"{word} {error}".strip(),
    )


def _word(stat: str) -> str:
    """The state as the standard has it, whatever stands behind it."""
    letters = _LETTERS.match(stat.upper())
    word = letters[0] if letters else ""
    return _SPELLED_OUT.get(word, word[:7])


def _reference(delivery: Delivery, told: str, ids: MessageIds) -> str:
    """The parameter is written as the answer was; only the text may be in the other base."""
    option = delivery.options.get(RECEIPTED_MESSAGE_ID, b"").rstrip(b"\0").decode("latin-1")
    if option:
        return reference_of(option, ids)
    return _canonical(told, _BASES[ids][1]) if ids in _BASES else _plain(told)


def _canonical(message_id: str, base: int) -> str:
    """As a number where it is one: Python would also read signs and underscores."""
    if _DIGITS[base].fullmatch(message_id):
        return str(int(message_id, base))
    return _plain(message_id)


def _plain(message_id: str) -> str:
    return message_id if _ID.fullmatch(message_id) else ""


def _state(delivery: Delivery) -> str:
    option = delivery.options.get(MESSAGE_STATE, b"")
    return _STATES.get(int.from_bytes(option), "") if option else ""


def _moment(date: str, zone: ZoneInfo, received_at: datetime) -> datetime:
    """When it was done, by the SMSC's clock; when we heard of it where that cannot be."""
    if not _DATE.fullmatch(date):
        return received_at
    form = "%y%m%d%H%M%S" if len(date) == len("YYMMDDhhmmss") else "%y%m%d%H%M"
    try:
        done = datetime.strptime(date, form).replace(tzinfo=zone)
    except ValueError:
        return received_at
    return done.astimezone(UTC) if done <= received_at + _AHEAD else received_at
