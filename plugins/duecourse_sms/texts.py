"""What may stand in a message: nothing that is not seen, or turns what is seen around."""

import unicodedata
from typing import Final

from duecourse import Permanent

_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# They join letters and emoji, and do nothing else.
_ALLOWED: Final = frozenset("\n\u200c\u200d")
MOST_LETTERS: Final = 40_000


def check_text(text: str) -> None:
    """Raises Permanent, which names the character and not the text.

    A text is refused and not mended: what leaves is what was recorded, letter by letter.
    """
    if not text.strip():
        raise Permanent("the text is empty")
    if len(text) > MOST_LETTERS:
        raise Permanent(f"the text is longer than {MOST_LETTERS} letters")
    for letter in set(text):
        if unicodedata.category(letter) == "Cs":
            raise Permanent("the text holds half a character")
        if letter not in _ALLOWED and unicodedata.category(letter) in _INVISIBLE:
            raise Permanent(f"the text holds U+{ord(letter):04X}, which nobody can see")
