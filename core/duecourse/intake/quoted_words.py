"""What in a payer's words may be a reference of ours."""

import re
from typing import Final

from duecourse.intake.transactions import Transaction
from duecourse.store.payment_keys import bare

SHORTEST: Final = 4
LONGEST: Final = 40
MOST_WORDS: Final = 40
MOST_JOINED: Final = 4
MOST_GROUPS: Final = 7
"""Banks break a line anywhere, and people put blanks and signs into numbers."""

_WORD: Final = re.compile(r"[^\W_]+")
_DIGIT: Final = re.compile(r"\d")
_RF: Final = re.compile(r"RF([0-9]{2})([0-9A-Z]{1,21})", re.ASCII)


def creditor_reference(text: str) -> str:
    """What a creditor wrote into an RF reference (ISO 11649); empty if its check digits are wrong."""
    found = _RF.fullmatch("".join(text.split()).upper())
    if found is None:
        return ""
    digits = "".join(str(int(each, 36)) for each in f"{found[2]}RF{found[1]}")
    return found[2] if int(digits) % 97 == 1 else ""


def structured(transaction: Transaction) -> set[str]:
    """The bare references that stand in a field of their own."""
    found: set[str] = set()
    for each in transaction.structured:
        found.add(bare(each))
        if inner := creditor_reference(each):
            found |= {bare(inner), bare(inner.lstrip("0"))}
    return {each for each in found if each}


def in_text(transaction: Transaction) -> set[str]:
    """What of the free words, and of the payer's own id, may be a reference: it has a digit."""
    found: set[str] = set()
    for text in (transaction.text, transaction.end_to_end_id):
        words = _WORD.findall(text)[:MOST_WORDS]
        for first in range(len(words)):
            joined = ""
            most = MOST_GROUPS if words[first][:2].upper() == "RF" else MOST_JOINED
            for word in words[first : first + most]:
                joined += word
                if len(joined) > LONGEST:
                    break
                if len(joined) >= SHORTEST and _DIGIT.search(joined):
                    found.add(joined.casefold())
                    if joined[:2].upper() == "RF" and (inner := creditor_reference(joined)):
                        found |= {bare(inner), bare(inner.lstrip("0"))} - {""}
    return found
