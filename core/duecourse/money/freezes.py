"""What the law does to interest while a hold stops it: held back, or never arising."""

from functools import cache
from typing import Literal

import msgspec

from duecourse.money.books import read_book
from duecourse.money.figures import Confidence


class FreezeLaw(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`kind` is that of the hold, or `*`; an empty `jurisdiction` is any."""

    kind: str
    jurisdiction: str = ""
    effect: Literal["frozen", "not_accrued"]
    no_charges: bool = False
    citation: str
    confidence: Confidence


class _Book(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    freezes: tuple[FreezeLaw, ...]


@cache
def freeze_laws() -> tuple[FreezeLaw, ...]:
    return read_book("freezes.toml", _Book).freezes


@cache
def freeze_law(kind: str, jurisdiction: str) -> FreezeLaw:
    """The first that fits: the last entry of the book fits every hold everywhere."""
    country = jurisdiction.partition("-")[0]
    return next(
        each
        for each in freeze_laws()
        if each.kind in {kind, "*"} and each.jurisdiction in {"", country}
    )
