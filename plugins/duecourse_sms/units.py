"""How many short messages a text becomes, and which (3GPP TS 23.038 and 23.040)."""

from typing import Final

from duecourse_sms.alphabets import BASIC, EXTENSION

SEPTETS_ALONE: Final = 160
SEPTETS_JOINED: Final = 153
UTF16_ALONE: Final = 70
UTF16_JOINED: Final = 67
MOST_UNITS: Final = 255
"""A part says in one octet how many there are."""


def is_gsm7(text: str) -> bool:
    return all(letter in BASIC or letter in EXTENSION for letter in text)


def count_units(text: str) -> int:
    """The number of messages a carrier bills. An empty text is one."""
    return len(split(text, gsm7=is_gsm7(text)))


def split(text: str, *, gsm7: bool) -> list[str]:
    """The text of each message; with `gsm7` in septets, else in UTF-16.

    Neither an escape nor a surrogate pair is ever split between two messages. Raises
    UnicodeEncodeError for half a character.
    """
    if gsm7:
        widths = [2 if letter in EXTENSION else 1 for letter in text]
        return _pack(text, widths, SEPTETS_ALONE, SEPTETS_JOINED)
    widths = [len(letter.encode("utf-16-le")) // 2 for letter in text]
    return _pack(text, widths, UTF16_ALONE, UTF16_JOINED)


def _pack(text: str, widths: list[int], alone: int, joined: int) -> list[str]:
    if sum(widths) <= alone:
        return [text]
    parts, start, used = [], 0, 0
    for place, width in enumerate(widths):
        if used + width > joined:
            parts.append(text[start:place])
            start, used = place, 0
        used += width
    return [*parts, text[start:]]
