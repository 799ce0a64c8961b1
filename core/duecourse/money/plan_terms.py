"""What a plan is asked for, and what it comes out as."""

from datetime import date
from typing import Annotated, Final, Literal

import msgspec

from duecourse.money.amounts import Currency, Minor, PositiveMinor
from duecourse.money.day_counts import DayCount
from duecourse.money.figures import Percent, Rounding
from duecourse.money.recurrence import Every, WorkingDays

MAX_INSTALMENTS: Final = 1_200
MAX_WAIT: Final = 120
Kind = Literal[
    "annuity", "equal_principal", "equal_parts", "level_amount", "balloon", "step_up"
]  # fmt: skip
Basis = Literal["periodic"] | DayCount
Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_INSTALMENTS)]
Wait = Annotated[int, msgspec.Meta(ge=0, le=MAX_WAIT)]


class PlanStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many instalments of one amount. Without it (last step only) it is what pays the rest off."""

    instalments: Annotated[int, msgspec.Meta(ge=1, le=MAX_INSTALMENTS)]
    amount_minor: PositiveMinor | None = None


class Deferral(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nothing is due for so many periods. What the interest of that time does is always said.

    `freeze`: it is not asked for, and shown apart. `accrue`: it is spread over the instalments and
    bears none itself. `capitalise`: it is added to the principal.
    """

    periods: Annotated[int, msgspec.Meta(ge=1, le=MAX_WAIT)]
    interest: Literal["freeze", "accrue", "capitalise"] = "freeze"


class PlanRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plan over `principal_minor` from `starts_on`, first due on `first_on`.

    With the basis `periodic` each period bears the yearly rate over the periods of a year,
    however long it is; with a day count it bears the days between the days it is really due.
    `grace_periods`: so many first instalments are of interest only.
    """

    currency: Currency
    kind: Kind
    principal_minor: PositiveMinor
    starts_on: date
    first_on: date
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
    calendar: WorkingDays = WorkingDays()
    rounding: Rounding = "half_even"


class Instalment(msgspec.Struct, frozen=True, kw_only=True):
    """`nominal_on` is the day before it was moved off a day on which nothing can be paid."""

    number: int
    nominal_on: date
    due_on: date
    amount_minor: int
    principal_minor: int
    interest_minor: int
    deferred_interest_minor: int
    left_minor: int


class PaymentPlan(msgspec.Struct, frozen=True, kw_only=True):
    """`total_minor` is the sum of the instalments; `cost_minor` what of it is not the principal."""

    kind: Kind
    currency: str
    principal_minor: int
    total_minor: int
    total: str
    cost_minor: int
    capitalised_minor: int
    frozen_minor: int
    count: int
    first_on: date
    last_on: date
    first_minor: int
    last_minor: int
    highest_minor: int
    instalments: tuple[Instalment, ...]
