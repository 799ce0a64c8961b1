"""What a plan is made from, and what is agreed in it beside its days and amounts."""

from datetime import date
from typing import Annotated, Final, Literal, dataclass_transform
from uuid import UUID

import msgspec

from duecourse.money.affordability import Often
from duecourse.money.amounts import Currency, Minor
from duecourse.money.figures import Percent, Rounding
from duecourse.money.plan_terms import Deferral, Kind, PlanStep, Wait
from duecourse.money.recurrence import Every, Roll

MOST_INSTALMENTS: Final = 360
Count = Annotated[int, msgspec.Meta(ge=0, le=MOST_INSTALMENTS, examples=[6])]
GraceDays = Annotated[int, msgspec.Meta(ge=0, le=366, examples=[3])]
Missed = Annotated[int, msgspec.Meta(ge=1, le=MOST_INSTALMENTS)]

Basis = Literal["periodic", "ACT/365F", "ACT/360", "ACT/ACT", "30E/360"]
"""What a period bears: the yearly rate over the periods of a year, or that of its days."""

Waive = Literal["on_completion", "in_step"]
"""When a settlement forgives: with its last stage, or with each as large a part as is paid of it."""

InterestOn = Literal["principal", "balance"]
"""What bears a plan's interest. All of the balance does so only where it is said, and allowed."""

EarlyPayment = Literal["ahead", "shorten_term", "lower_instalments"]
"""What money beyond the next instalment does: it pays the following ones, in their order; it takes
the last ones away; or it makes those that are left smaller. The last two save their interest."""

Need = Literal["above_surplus", "replan_limit"]
"""Why a plan needs a second person before it may be offered."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A value inside an event, as `events.Record`, which the events themselves build on."""


class PlanTerms(Value, forbid_unknown_fields=True):
    """A schedule by its rule: over all that is owed, less what a settlement forgives, from today.

    `day_of_month` holds a monthly plan to a day that `first_on` lacks. `grace_periods`: so many
    first instalments are of interest only. `deferral`: nothing is due for so many periods, and what
    the interest of that time does is said (`freeze` unless it is). `roll`: where a day goes that
    is a weekend or a public holiday of the debtor's place. `interest_on`: what is owed beside the
    principal is repaid in equal parts without interest, unless all of the `balance` bears it.
    """

    first_on: date
    schedule: Kind = "equal_parts"
    every: Every = "month"
    day_of_month: Annotated[int, msgspec.Meta(ge=0, le=31)] = 0
    count: Count = 0
    percent: Percent = "0"
    basis: Basis = "periodic"
    amount_minor: Minor = 0
    balloon_minor: Minor = 0
    steps: Annotated[tuple[PlanStep, ...], msgspec.Meta(max_length=100)] = ()
    grace_periods: Wait = 0
    deferral: Deferral | None = None
    roll: Roll = "none"
    rounding: Rounding = "half_even"
    interest_on: InterestOn = "principal"


class Fit(Value, omit_defaults=False):
    """Whether a plan fits into what the household can pay.

    `per_month_minor` is the most that the plan asks for in a month, `available_minor` what the
    form of `assessment_id` leaves. Without a form, or with one that is too old: `unknown`.
    """

    verdict: Literal["fits", "above", "unknown"] = "unknown"
    per_month_minor: Minor = 0
    available_minor: Minor = 0
    assessment_id: UUID | None = None


class PlanApproval(Value):
    """Two persons: who asked for a plan that needs another one, and who that was."""

    needs: tuple[Need, ...]
    proposed_by: str
    approved_by: str


LineName = Annotated[
    str, msgspec.Meta(min_length=1, max_length=200, extra={"personal": True}, examples=["wages"])
]


class FormLine(Value, forbid_unknown_fields=True):
    """A line of the form, in the debtor's words."""

    name: LineName
    amount_minor: Minor
    every: Often = "month"


class ExpenseLine(FormLine, forbid_unknown_fields=True):
    """`protected` is what a household lives on; only that is taken off the income."""

    protected: bool = True


class IncomeAndExpenditure(Value, forbid_unknown_fields=True):
    """`reserve_percent` of the surplus stays with the household, for what nobody can foresee.

    With `owed_elsewhere_minor` the rest is shared with the other creditors by what is owed to each.
    """

    currency: Currency
    income: Annotated[tuple[FormLine, ...], msgspec.Meta(min_length=1, max_length=100)]
    expenses: Annotated[tuple[ExpenseLine, ...], msgspec.Meta(max_length=100)] = ()
    reserve_percent: Percent = "0"
    owed_elsewhere_minor: Minor = 0
