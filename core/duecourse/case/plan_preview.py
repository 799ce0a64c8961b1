"""A plan as it is shown before anybody agrees to it, and two of them beside each other."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Literal
from uuid import UUID

import msgspec

from duecourse.case import events as e
from duecourse.case.plan_calendar import Holidays, holidays_of
from duecourse.case.plan_terms import EarlyPayment, Fit, Need, Waive
from duecourse.case.words import PlanKind
from duecourse.money.amounts import format_minor
from duecourse.rules.gate import RuleBook


class PlanLine(msgspec.Struct, frozen=True, kw_only=True):
    """One instalment. `left_minor` is what of the debts is left once it is paid and forgiven."""

    number: int
    due_on: date
    amount_minor: int
    amount: str
    principal_minor: int
    interest_minor: int
    waived_minor: int
    left_minor: int


class PlanPreview(msgspec.Struct, frozen=True, kw_only=True):
    """All that a plan says. `cost_minor` is its interest: what it asks for beyond what is owed.

    `needs` are why another person would have to approve it. `holidays` are the calendars that
    days were moved by; without any, only weekends are known. `cap_unknown` are the debts that bear
    its interest and have no cap that it could be held to.
    """

    kind: PlanKind
    currency: str
    owed_minor: int
    total_minor: int
    total: str
    cost_minor: int
    waived_minor: int
    frozen_minor: int
    count: int
    first_on: date
    last_on: date
    highest_minor: int
    waive: Waive
    early_payment: EarlyPayment
    grace_days: int | None
    breaks_after_missed: int | None
    expires_on: date
    fit: Fit
    needs: tuple[Need, ...]
    cap_unknown: tuple[UUID, ...]
    holidays: Holidays
    schedule: tuple[PlanLine, ...]


class PlansCompared(msgspec.Struct, frozen=True, kw_only=True):
    """Two plans: `b` less `a`, in minor units and days."""

    a: PlanPreview
    b: PlanPreview
    total_difference_minor: int
    cost_difference_minor: int
    waived_difference_minor: int
    per_month_difference_minor: int
    highest_difference_minor: int
    count_difference: int
    last_on_difference_days: int
    cheaper: Literal["a", "b", "same"]
    sooner: Literal["a", "b", "same"]
    lighter: Literal["a", "b", "same"]


def preview_in(events: Sequence[e.Event], rules: RuleBook, jurisdiction: str) -> PlanPreview | None:
    """The plan that was offered or proposed by these events."""
    for event in events:
        if isinstance(event, e.PlanOffered):
            return _preview(event, (), rules, jurisdiction)
        if isinstance(event, e.PlanProposed):
            return _preview(event.offer, event.needs, rules, jurisdiction)
    return None


def _preview(
    offer: e.PlanOffered, needs: tuple[Need, ...], rules: RuleBook, jurisdiction: str
) -> PlanPreview:
    total = sum(each.amount_minor for each in offer.instalments)
    cost = sum(each.interest_minor for each in offer.instalments)
    return PlanPreview(
        kind=offer.kind,
        currency=offer.currency,
        owed_minor=total - cost + offer.waived_minor,
        total_minor=total,
        total=f"{format_minor(total, offer.currency)} {offer.currency}",
        cost_minor=cost,
        waived_minor=offer.waived_minor,
        frozen_minor=offer.frozen_minor,
        count=len(offer.instalments),
        first_on=offer.instalments[0].due_on,
        last_on=offer.instalments[-1].due_on,
        highest_minor=max(each.amount_minor for each in offer.instalments),
        waive=offer.waive,
        early_payment=offer.early_payment,
        grace_days=offer.grace_days,
        breaks_after_missed=offer.breaks_after_missed,
        expires_on=offer.expires_on,
        fit=offer.fit or Fit(),
        needs=needs,
        cap_unknown=offer.cap_unknown,
        holidays=_holidays(offer, rules, jurisdiction),
        schedule=tuple(
            plan_lines(offer.instalments, offer.waived_minor, offer.waive, offer.currency)
        ),
    )


def _holidays(offer: e.PlanOffered, rules: RuleBook, jurisdiction: str) -> Holidays:
    if offer.terms is None or offer.terms.roll == "none":
        return Holidays()
    return holidays_of(rules, jurisdiction)


def plan_lines(
    instalments: Sequence[e.Instalment], waived_minor: int, waive: Waive, currency: str
) -> Iterator[PlanLine]:
    """Each instalment with what it pays off, what is forgiven with it, and what is left then."""
    total = sum(each.amount_minor for each in instalments)
    left = total - sum(each.interest_minor for each in instalments) + waived_minor
    paid = forgiven = 0
    for number, each in enumerate(instalments, start=1):
        paid += each.amount_minor
        in_step = waived_minor * paid // total if waive == "in_step" else 0
        waived = (waived_minor if number == len(instalments) else in_step) - forgiven
        forgiven += waived
        left -= each.amount_minor - each.interest_minor + waived
        yield PlanLine(
            number=number,
            due_on=each.due_on,
            amount_minor=each.amount_minor,
            amount=format_minor(each.amount_minor, currency),
            principal_minor=each.amount_minor - each.interest_minor,
            interest_minor=each.interest_minor,
            waived_minor=waived,
            left_minor=left,
        )


def compared(a: PlanPreview, b: PlanPreview) -> PlansCompared:
    """Raises ValueError for plans of different currencies: they cannot be compared."""
    if a.currency != b.currency:
        raise ValueError("the plans are of different currencies; compare like with like")
    days = (b.last_on - a.last_on).days
    per_month = b.fit.per_month_minor - a.fit.per_month_minor
    cost = b.cost_minor - b.waived_minor - (a.cost_minor - a.waived_minor)
    return PlansCompared(
        a=a,
        b=b,
        total_difference_minor=b.total_minor - a.total_minor,
        cost_difference_minor=b.cost_minor - a.cost_minor,
        waived_difference_minor=b.waived_minor - a.waived_minor,
        per_month_difference_minor=per_month,
        highest_difference_minor=b.highest_minor - a.highest_minor,
        count_difference=b.count - a.count,
        last_on_difference_days=days,
        cheaper=_lower(cost),
        sooner=_lower(days),
        lighter=_lower(per_month),
    )


def _lower(difference: int) -> Literal["a", "b", "same"]:
    if not difference:
        return "same"
    return "b" if difference < 0 else "a"
