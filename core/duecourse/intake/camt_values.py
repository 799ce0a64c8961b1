"""Amounts, days, parties and references as ISO 20022 writes them, in every version of camt."""

import re
from datetime import date
from typing import Final

from duecourse.intake import fields
from duecourse.intake.problems import Refused
from duecourse.intake.xml_stream import Node
from duecourse.money.amounts import parse_minor

_DAY: Final = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}:\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?", re.ASCII
)
_AMOUNT: Final = re.compile(r"\+?0*(\d{1,18})(?:\.(\d{0,5}))?", re.ASCII)
MAX_WORDS: Final = 1_000
# What banks write where they have no reference.
_NONE: Final = frozenset({"NOTPROVIDED", "NONREF", "NOREF", "NONE", "UNKNOWN", "N/A", "NA"})


def amount_of(node: Node | None) -> tuple[str, int]:
    """Currency and minor units of an `Amt`; exact, or Refused."""
    if node is None:
        raise Refused("Amt is missing", "ask the bank for the file again")
    currency = fields.currency(node.currency)
    found = _AMOUNT.fullmatch(node.text.strip())
    if found is None:
        raise Refused("Amt is not a decimal number", "ask the bank for the file again")
    try:
        return currency, parse_minor(f"{found[1]}.{found[2] or 0}", currency)
    except ValueError:
        raise Refused(
            f"Amt is too large, or has more decimals than {currency} has", "correct the amount"
        ) from None


def day_of(node: Node | None) -> date | None:
    """The day of a `DateAndDateTimeChoice`; None if there is none."""
    text = "" if node is None else node.value("Dt", "DtTm")
    if not text:
        return None
    found = _DAY.fullmatch(text)
    if found is None:
        raise Refused("a date is not written as in ISO 8601", "ask the bank for the file again")
    return fields.day(found[1])


def is_credit(node: Node) -> bool:
    match node.value("CdtDbtInd"):
        case "CRDT":
            return True
        case "DBIT":
            return False
        case _:
            raise Refused("CdtDbtInd is neither CRDT nor DBIT", "ask the bank for the file again")


def is_true(text: str) -> bool:
    return text in {"true", "1"}


def account_of(node: Node | None) -> str:
    """IBAN or another number, without the blanks it may be printed with."""
    if node is None:
        return ""
    return "".join(node.value("Id/IBAN", "Id/Othr/Id", "Id/PrtryAcct/Id").split()).upper()


def reference(text: str) -> str:
    """A reference, or nothing if it only says that there is none."""
    found = " ".join(text.split())[:140]
    bare = "".join(each for each in found if each.isalnum())
    return "" if found.upper() in _NONE or bare.upper() in _NONE or not bare.strip("0") else found


def words(texts: list[str]) -> str:
    return " ".join(" ".join(texts).split())[:MAX_WORDS]
