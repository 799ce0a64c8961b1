"""What stands on the letter."""

import re
from datetime import date
from importlib.resources import files
from typing import Final, Literal

import msgspec

from duecourse import Outbound

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
    """The data of `letter.typ`."""

    title: str
    language: Literal["zh", "en"]
    dated: date
    date: str
    sender_name: str
    sender_lines: tuple[str, ...]
    address: tuple[str, ...]
    subject: str
    paragraphs: tuple[tuple[str, ...], ...]


def letter(
    message: Outbound, address: list[str], *, dated: date, sender_lines: tuple[str, ...]
) -> Page:
    return Page(
        # The title shows in lists of files: it names nobody and nothing owed.
        title="信函" if message.language == "zh" else "Letter",
        language=message.language,
        dated=dated,
        date=_written(dated, message.language),
        sender_name=message.sender_name.strip(),
        sender_lines=tuple(line for line in sender_lines if line),
        address=_addressed(message.to_name.strip(), address, message.language),
        subject=" ".join(message.subject.split()),
        paragraphs=_paragraphs(message.body),
    )


def specimen(sender_address: tuple[str, ...], sender_phone: str) -> Page:
    """A page that needs the fonts and the sender's lines, addressed to nobody."""
    return Page(
        title="Specimen",
        language="zh",
        dated=date(2026, 1, 1),
        date=_written(date(2026, 1, 1), "zh"),
        sender_name="样张",
        sender_lines=tuple(line for line in (*sender_address, sender_phone) if line),
        address=("样张",),
        subject="样张",
        paragraphs=(("样张。",),),
    )


def _written(day: date, language: Literal["zh", "en"]) -> str:
    if language == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _addressed(name: str, lines: list[str], language: Literal["zh", "en"]) -> tuple[str, ...]:
    """Chinese envelopes name the place first and the person last."""
    return (*lines, f"{name}（收）") if language == "zh" else (name, *lines)


def _paragraphs(body: str) -> tuple[tuple[str, ...], ...]:
    """Blank lines part paragraphs; other line breaks stay."""
    blocks = re.split(r"\n[ \t]*\n", body.replace("\r\n", "\n").strip())
    return tuple(
        tuple(line.rstrip() for line in block.split("\n")) for block in blocks if block.strip()
    )
