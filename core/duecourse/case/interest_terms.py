"""On which terms a debt bears interest, and how a correction of its account says what it corrects."""

from datetime import date
from typing import Annotated, Final, Literal, dataclass_transform
from uuid import UUID

import msgspec

from duecourse.case.words import Name, PersonalText
from duecourse.money.account_terms import Change
from duecourse.money.amounts import Buckets, Minor
from duecourse.money.day_counts import DayCount
from duecourse.money.figures import Percent, Rounding, SignedPercent

MOST_STEPS: Final = 200
MOST_LINES: Final = 200
Compounding = Literal["", "month", "quarter", "year"]
Code = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._:-]*$", max_length=100)]
Line = Annotated[str, msgspec.Meta(max_length=500)]
Text = Annotated[str, msgspec.Meta(max_length=400, extra={"personal": True})]
AnyPercent = Annotated[
    str, msgspec.Meta(pattern=r"^((0|[1-9][0-9]{0,3})(\.[0-9]{1,8})?)?$", examples=["12.5"])
]
AdjustmentKind = Literal["correction", "write_off", "forgiveness"]
"""A write-off changes the creditor's books alone, and the debt is owed on; forgiveness ends it."""

Because = Literal[
    "time",
    "payment",
    "reversal",
    "terms",
    "charge",
    "adjustment",
    "hold",
    "surplus",
]
"""Why an account was worked out again."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A value inside an event, as `events.Record`, which the events themselves build on."""


class RateFrom(Value, forbid_unknown_fields=True):
    """From a day on: `percent`, or a published series `plus` points, for a year or for a day."""

    since: date
    percent: AnyPercent = ""
    series: Code = ""
    plus: Percent = "0"
    per: Literal["year", "day"] = "year"


class PublishedRate(Value, forbid_unknown_fields=True):
    """A rate that the packaged series does not have yet, and where it was read."""

    series: Code
    since: date
    through: date
    percent: SignedPercent
    source: Text


class CapTerms(Value, forbid_unknown_fields=True):
    """What tells which legal cap holds: who lent, to whom, when. `licence` is `none` without one.

    `claim` is what is owed: money that was lent, or the price of goods or services.
    `lent_minor` is what was lent, for caps that are measured by it; of a debt that was rolled over
    (`restructured`), the first principal.
    """

    jurisdiction: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$", examples=["CN"])]
    licence: Name
    contract_on: date
    debtor: Literal["consumer", "business"] = "consumer"
    claim: Literal["loan", "goods_or_services"] = "loan"
    filed_on: date | None = None
    restructured: bool = False
    lent_minor: Minor = 0


class InterestTerms(Value, forbid_unknown_fields=True):
    """From `from_on` the principal bears interest at `rates`, and `default_rates` as a penalty.

    `profile` names how it accrues; a day count or a rounding of the contract goes before its own.
    Unpaid interest bears interest only with `compounding`, which the profile has to allow.
    """

    profile: Name
    from_on: date
    rates: Annotated[tuple[RateFrom, ...], msgspec.Meta(max_length=MOST_STEPS)] = ()
    default_rates: Annotated[tuple[RateFrom, ...], msgspec.Meta(max_length=MOST_STEPS)] = ()
    day_count: DayCount | None = None
    rounding: Rounding | None = None
    compounding: Compounding = ""
    cap: CapTerms | None = None
    secured_minor: Minor = 0
    secured_on_land: bool = False
    published: Annotated[tuple[PublishedRate, ...], msgspec.Meta(max_length=100)] = ()


class AgreedInterest(Value, forbid_unknown_fields=True):
    """The terms of one debt, and where they are agreed."""

    debt_id: UUID
    terms: InterestTerms
    evidence: PersonalText


class InterestLine(Value):
    """How interest came to be: `amount` is exact, and rounded only in the sum that was posted."""

    head: Literal["interest", "penalty"]
    from_on: date
    to_on: date
    days: int
    balance_minor: Minor
    percent: str
    per: Literal["year", "day"]
    fraction: str
    amount: str
    state: Literal["accrued", "frozen", "not_accrued"] = "accrued"
    authority: Line = ""


class AccruedTotals(Value):
    """All that has accrued since the terms began, up to, not including, `through_on`.

    `posted` was added to what is owed; `capped` is above the legal cap and was never owed;
    `frozen` is receivable and not asked for; `not_accrued` could not arise.
    """

    through_on: date
    posted: Buckets = Buckets()
    frozen: Buckets = Buckets()
    not_accrued: Buckets = Buckets()
    capped: Buckets = Buckets()


class DebtCorrection(Value):
    """What a debt owes more or less, and what has accrued on it in all as it is known now.

    `change` is beside what the payments of the same correction pay of it more or less.
    """

    debt_id: UUID
    change: Change
    totals: AccruedTotals | None = None
    lines: tuple[InterestLine, ...] = ()
