"""What interest is worked out from: rates, entries on their value dates, freezes."""

from datetime import date
from typing import Annotated, Final, Literal

import msgspec

from duecourse.money.allocation import Bucket
from duecourse.money.amounts import Buckets, Currency, Minor
from duecourse.money.day_counts import DayCount
from duecourse.money.figures import Confidence, Heads, Name, Percent, Refused, Rounding, Words
from duecourse.money.series import Published

MAX_ENTRIES: Final = 10_000
FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2200
AccruedHead = Literal["interest", "penalty"]


class RateStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rate from a day on: `percent`, or a published series `plus` points; a year or a day."""

    since: date
    percent: Percent = ""
    series: Annotated[str, msgspec.Meta(max_length=100)] = ""
    plus: Percent = "0"
    per: Literal["year", "day"] = "year"


class Accrual(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One interest that runs on the principal: the contract's, or (head `penalty`) that of default."""

    name: Name = "contract"
    head: AccruedHead = "interest"
    start: date | None = None
    end: date | None = None
    rates: Annotated[tuple[RateStep, ...], msgspec.Meta(min_length=1, max_length=1_000)]


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happened on its value date `on`; `booked_on` is when it was known, if that was later.

    A payment goes to the heads in the order of the allocation profile, a charge is added to its
    head (a flat penalty: head `penalty`), a waiver is taken off it. A reversal names the entry
    that it undoes, which then counts as if it had never been.
    """

    on: date
    kind: Literal["payment", "charge", "waiver", "reversal"]
    amount_minor: Minor = 0
    head: Bucket = "principal"
    entry_id: Annotated[str, msgspec.Meta(max_length=100)] = ""
    reverses: Annotated[str, msgspec.Meta(max_length=100)] = ""
    booked_on: date | None = None


class Freeze(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From `start` until before `end`, interest is held back on somebody's authority.

    `frozen` interest stays receivable, apart from what is owed, and joins it on `released_on` if
    that day is given; it is not waived. `not_accrued` is for laws under which none may arise.
    """

    start: date
    end: date | None = None
    authority: Words
    effect: Literal["frozen", "not_accrued"] = "frozen"
    heads: frozenset[AccruedHead] = frozenset({"interest", "penalty"})
    released_on: date | None = None

    def covers(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day < self.end)


class InterestRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From `start` (counted) to `end` (not counted). `known_by` leaves out what was booked later."""

    currency: Currency
    opening: Heads
    start: date
    end: date
    profile: Name = "simple"
    day_count: DayCount | None = None
    rounding: Rounding | None = None
    accruals: Annotated[tuple[Accrual, ...], msgspec.Meta(min_length=1, max_length=10)]
    entries: Annotated[tuple[Entry, ...], msgspec.Meta(max_length=MAX_ENTRIES)] = ()
    freezes: Annotated[tuple[Freeze, ...], msgspec.Meta(max_length=100)] = ()
    compounding: Literal["", "month", "quarter", "year"] = ""
    allocation: Name = "house"
    known_by: date | None = None
    published: Annotated[tuple[Published, ...], msgspec.Meta(max_length=100)] = ()


class AccrualLine(msgspec.Struct, frozen=True, kw_only=True):
    """How a figure came to be: `amount` is exact, `minor` what of it was posted.

    The lines of one accrual are posted so that their sum is the rounded exact sum.
    """

    accrual: str
    head: AccruedHead
    start: date
    end: date
    days: int
    balance_minor: int
    percent: str
    per: Literal["year", "day"]
    fraction: str
    amount: str
    minor: int
    state: Literal["accrued", "frozen", "not_accrued"]
    authority: str = ""


class Posting(msgspec.Struct, frozen=True, kw_only=True):
    """One entry on its value date, by heads, and what was owed after it."""

    on: date
    what: Literal["payment", "charge", "waiver", "compounding", "release"]
    entry_id: str
    heads: Buckets
    owed: Buckets
    unallocated_minor: int = 0


class InterestStatement(msgspec.Struct, frozen=True, kw_only=True):
    """What is owed before `end`, by heads, and each line and posting that it came from.

    `frozen` is receivable and not payable; `not_accrued` never arose; both are outside `owed`.
    """

    currency: str
    profile: str
    citation: str
    confidence: Confidence
    day_count: DayCount
    rounding: Rounding
    allocation: str
    start: date
    end: date
    opening: Buckets
    lines: tuple[AccrualLine, ...]
    postings: tuple[Posting, ...]
    accrued: Buckets
    frozen: Buckets
    not_accrued: Buckets
    owed: Buckets
    total_minor: int
    total: str
    overpaid_minor: int
    per_diem: str
    per_diem_minor: int


def check_span(start: date, end: date, within: str = "") -> None:
    """`within` is the place that has the two days, such as `periods[0].`, for the refusal."""
    for field, day in (("start", start), ("end", end)):
        check_year(day, f"{within}{field}")
    if end < start:
        raise Refused(
            f"{within}end", f"{end} is before the start, {start}", "let it be the same or later"
        )


def check_year(day: date, field: str) -> None:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise Refused(
            field, f"{day} is out of all reason", f"take a year from {FIRST_YEAR} to {LAST_YEAR}"
        )
