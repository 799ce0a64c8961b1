"""What somebody can pay: the surplus of an income-and-expenditure form, and what fits into it."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Annotated, Final, Literal

import msgspec

from duecourse.money.amounts import Currency, Minor
from duecourse.money.figures import MAX_SUM, Percent, Refused, Words, share_of, within_limit

Often = Literal["week", "fortnight", "four_weeks", "month", "quarter", "year"]
A_YEAR: Final[dict[Often, int]] = {
    "week": 52, "fortnight": 26, "four_weeks": 13, "month": 12, "quarter": 4, "year": 1,
}  # fmt: skip


class Flow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A line of the form. Only expenses that are `protected` are taken off the income."""

    name: Words
    amount_minor: Minor
    every: Often = "month"
    protected: bool = True


class AffordabilityRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The form, and the instalment that is thought of.

    `reserve_percent` of the surplus stays with the household. With `owed_elsewhere_minor` the rest
    is shared with the other creditors by what is owed to each.
    """

    currency: Currency
    income: Annotated[tuple[Flow, ...], msgspec.Meta(max_length=200)]
    expenses: Annotated[tuple[Flow, ...], msgspec.Meta(max_length=200)] = ()
    every: Often = "month"
    reserve_percent: Percent = "0"
    owed_here_minor: Minor = 0
    owed_elsewhere_minor: Minor = 0
    proposed_minor: Minor = 0


class Affordability(msgspec.Struct, frozen=True, kw_only=True):
    """Per month, except the instalments, which are per `every`. Rounded to the household's side."""

    currency: str
    income_minor: int
    protected_expenses_minor: int
    other_expenses_minor: int
    surplus_minor: int
    share: str
    every: Often
    max_instalment_minor: int
    proposed_minor: int
    fits: bool
    above_by_minor: int
    says: str


def assess(request: AffordabilityRequest) -> Affordability:
    """Raises Refused for a form without an income line, or with a share that means nothing."""
    if not request.income:
        raise Refused("income", "is empty", "give at least one line, with 0 where there is none")
    if share_of(request.reserve_percent, "reserve_percent") > 1:
        raise Refused("reserve_percent", "is more than the surplus", "take at most 100")
    if request.owed_elsewhere_minor and not request.owed_here_minor:
        raise Refused("owed_here_minor", "is needed to share with others", "give it")
    income = _monthly(request.income)
    protected = _monthly(each for each in request.expenses if each.protected)
    other = _monthly(each for each in request.expenses if not each.protected)
    surplus = income - protected
    owed = request.owed_here_minor + request.owed_elsewhere_minor
    share = Fraction(request.owed_here_minor, owed) if owed else Fraction(1)
    free = max(surplus, Fraction(0)) * (1 - share_of(request.reserve_percent)) * share
    most = _down(free * 12 / A_YEAR[request.every])
    above = max(request.proposed_minor - most, 0)
    return Affordability(
        currency=request.currency,
        income_minor=within_limit(_down(income), "income", MAX_SUM),
        protected_expenses_minor=within_limit(-_down(-protected), "expenses", MAX_SUM),
        other_expenses_minor=within_limit(-_down(-other), "expenses", MAX_SUM),
        surplus_minor=_down(surplus),
        share=str(share),
        every=request.every,
        max_instalment_minor=within_limit(most, "income", MAX_SUM),
        proposed_minor=request.proposed_minor,
        fits=not above,
        above_by_minor=above,
        says=_words(most, above),
    )


def _monthly(flows: Iterable[Flow]) -> Fraction:
    return sum((Fraction(f.amount_minor * A_YEAR[f.every], 12) for f in flows), Fraction(0))


def _down(amount: Fraction) -> int:
    return amount.numerator // amount.denominator


def _words(most: int, above: int) -> str:
    if not most:
        return "There is no surplus to pay from: review for hardship, and ask for no instalment."
    if above:
        return "The instalment is above the surplus: it needs a reason and a second person."
    return "The instalment fits into the surplus."
