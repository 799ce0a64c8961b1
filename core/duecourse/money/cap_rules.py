"""Caps as data: which one applies follows from licence, debtor and the day of the contract."""

from datetime import date
from functools import cache
from typing import Annotated, Literal, TypeAlias

import msgspec

from duecourse.money.allocation import Bucket
from duecourse.money.amounts import Currency, PositiveMinor
from duecourse.money.books import read_book
from duecourse.money.day_counts import DayCount
from duecourse.money.figures import Confidence, Percent

FixedAt = Literal["contract", "filing", "each_day"]
Clipped = Annotated[tuple[Bucket, ...], msgspec.Meta(min_length=1)]


class CapSpan(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"since": "from"}
):
    """The cap of some days, both included: a percentage, or a series times a factor plus points."""

    since: date | None = None
    until: date | None = None
    percent: Percent = ""
    series: str = ""
    times: int = 1
    plus: Percent = "0"
    fixed_at: FixedAt = "contract"

    def covers(self, day: date) -> bool:
        return (self.since is None or self.since <= day) and (
            self.until is None or day <= self.until
        )


class _Part(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"
):
    """`heads` are counted together, and clipped in the order in which they stand."""

    name: str
    heads: Clipped


class RatePart(_Part, frozen=True, kw_only=True, tag="rate"):
    """No more than a rate on the balance, for as long as it was owed."""

    spans: Annotated[tuple[CapSpan, ...], msgspec.Meta(min_length=1)]
    per: Literal["year", "day"] = "year"
    day_count: DayCount = "ACT/365F"


class MultiplePart(_Part, frozen=True, kw_only=True, tag="multiple"):
    """No more than a percentage of what was lent, however long it was owed."""

    percent: Percent


class AmountPart(_Part, frozen=True, kw_only=True, tag="amount"):
    """No more than an amount."""

    currency: Currency
    amount_minor: PositiveMinor


class TotalCostPart(_Part, frozen=True, kw_only=True, tag="total_cost"):
    """Principal and all costs: no more than the first principal and its capped interest."""

    span: CapSpan


CapPart: TypeAlias = RatePart | MultiplePart | AmountPart | TotalCostPart


class Cap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Empty `licences`, `debtors` or `claims`: whichever it is."""

    name: str
    title: str
    jurisdiction: str
    licences: frozenset[str] = frozenset()
    debtors: frozenset[str] = frozenset()
    claims: frozenset[str] = frozenset()
    on_land: bool = False
    restructured: bool = False
    contract_from: date | None = None
    contract_to: date | None = None
    citation: str
    confidence: Confidence
    note: str = ""
    warning: str = ""
    parts: Annotated[tuple[CapPart, ...], msgspec.Meta(min_length=1)]

    def is_of(self, contract_on: date) -> bool:
        return (self.contract_from is None or self.contract_from <= contract_on) and (
            self.contract_to is None or contract_on <= self.contract_to
        )


class _Book(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    caps: tuple[Cap, ...]


@cache
def caps() -> tuple[Cap, ...]:
    return read_book("caps.toml", _Book).caps
