"""How many short messages a text becomes (3GPP TS 23.038 and 23.040)."""

from collections.abc import Iterable
from typing import Final

# The default alphabet without its escape; each letter is one septet.
BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Reached through the escape, so two septets.
EXTENSION: Final = frozenset("\f^{}\\[~]|€")

SEPTETS_ALONE: Final = 160
SEPTETS_JOINED: Final = 153
UTF16_ALONE: Final = 70
UTF16_JOINED: Final = 67


def is_gsm7(text: str) -> bool:
    return all(letter in BASIC or letter in EXTENSION for letter in text)


def count_units(text: str) -> int:
    """The number of messages a carrier bills. An empty text is one.

    Neither an escape nor a surrogate pair is ever split between two messages.
    """
    if is_gsm7(text):
        widths = [2 if letter in EXTENSION else 1 for letter in text]
        return _pack(widths, SEPTETS_ALONE, SEPTETS_JOINED)
    widths = [len(letter.encode("utf-16-le")) // 2 for letter in text]
    return _pack(widths, UTF16_ALONE, UTF16_JOINED)


def _pack(widths: Iterable[int], alone: int, joined: int) -> int:
    units, used, total = 1, 0, 0
    for width in widths:
        total += width
        if used + width > joined:
            units, used = units + 1, 0
        used += width
    return 1 if total <= alone else units
