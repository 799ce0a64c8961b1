"""What stands on the letter."""

import re
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from typing import Final, Literal
from uuid import UUID

import msgspec

from duecourse import Outbound
from duecourse_letter.address import PostalAddress
from duecourse_letter.envelope import Box, Envelope

TEMPLATE: Final = files("duecourse_letter").joinpath("letter.typ").read_text(encoding="utf-8")
_MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The data of `letter.typ`. `field` is where the address stands, `shown` what may be seen."""

    title: str
    language: Literal["zh", "en"]
    dated: date
    date: str
    sender_name: str
    sender_lines: tuple[str, ...]
    address: tuple[str, ...]
    subject: str
    paragraphs: tuple[tuple[str, ...], ...]
    return_line: str
    sheet: tuple[float, float]
    field: Box
    shown: Box
    folds: tuple[float, ...]
    hole: float | None


class Stationery(msgspec.Struct, frozen=True, kw_only=True):
    """What is the same on every letter of a sender."""

    envelope: Envelope
    sender_lines: tuple[str, ...]
    return_line: str


def letter(
    message: Outbound, address: PostalAddress, *, dated: date, stationery: Stationery
) -> Page:
    envelope = stationery.envelope
    return Page(
        # The title shows in lists of files: it names nobody and nothing owed.
        title="信函" if message.language == "zh" else "Letter",
        language=message.language,
        dated=dated,
        date=_written(dated, message.language),
        sender_name=message.sender_name.strip(),
        sender_lines=tuple(line for line in stationery.sender_lines if line),
        address=_addressed(message.to_name.strip(), address, message.language),
        subject=" ".join(message.subject.split()),
        paragraphs=_paragraphs(message.body),
        return_line=stationery.return_line,
        sheet=envelope.sheet,
        field=envelope.address,
        shown=envelope.ever,
        folds=envelope.folds,
        hole=envelope.hole,
    )


def specimen(stationery: Stationery) -> Page:
    """A page that needs the fonts and the sender's lines, addressed to nobody."""
    day = datetime(2026, 1, 1, tzinfo=UTC)
    message = Outbound(
        key="specimen",
        contact_id=UUID(int=0),
        case_id=UUID(int=0),
        to="样张",
        to_name="样张",
        subject="样张",
        body="样张。",
        language="zh",
        sender_name="样张",
        at=day,
        expires_at=day + timedelta(days=1),
    )
    address = PostalAddress.parse(message.to)
    return letter(message, address, dated=day.date(), stationery=stationery)


def _written(day: date, language: Literal["zh", "en"]) -> str:
    if language == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _addressed(name: str, address: PostalAddress, language: Literal["zh", "en"]) -> tuple[str, ...]:
    """Chinese envelopes name the place first and the person last."""
    return (*address.lines, f"{name}（收）") if language == "zh" else (name, *address.lines)


def _paragraphs(body: str) -> tuple[tuple[str, ...], ...]:
    """Blank lines part paragraphs; other line breaks stay."""
    blocks = re.split(r"\n[ \t]*\n", body.replace("\r\n", "\n").strip())
    return tuple(
        tuple(line.rstrip() for line in block.split("\n")) for block in blocks if block.strip()
    )
