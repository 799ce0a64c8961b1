"""Payment plans: when each instalment is due, what it pays off, and what the plan costs."""

from datetime import date
from fractions import Fraction
from itertools import pairwise

import msgspec

from duecourse.money.amortisation import (
    Row,
    annuity_rows,
    checked_total,
    equal_part_rows,
    equal_principal_rows,
    interest_only_rows,
    level_amount,
    level_rows,
    rows_of_amount,
    spread,
)
from duecourse.money.day_counts import year_fraction
from duecourse.money.figures import MAX_SUM, Refused, posted, share_of, shown, within_limit
from duecourse.money.interest_terms import check_year
from duecourse.money.plan_terms import MAX_INSTALMENTS, Instalment, PaymentPlan, PlanRequest
from duecourse.money.recurrence import PER_YEAR, due_days, rolled


def make_plan(request: PlanRequest) -> PaymentPlan:
    """Raises Refused, naming the field, for a plan that cannot be made as it is asked for."""
    _check(request)
    waiting = request.deferral.periods if request.deferral else 0
    count = _count(request)
    nominal = due_days(request.first_on, waiting + count, request.every, request.day_of_month)
    due = [rolled(day, request.calendar) for day in nominal]
    if due[0] < request.starts_on:
        raise Refused(
            "calendar", f"moves the first day to {due[0]}, before starts_on", "roll it on"
        )
    rates = _rates(request, due)
    waited = sum(rates[:waiting], Fraction(0)) * request.principal_minor
    deferred = within_limit(posted(waited, request.rounding), "percent")
    mode = request.deferral.interest if request.deferral else "freeze"
    capitalised = deferred if mode == "capitalise" else 0
    principal = within_limit(request.principal_minor + capitalised, "percent", MAX_SUM)
    rows = _rows(request, principal, rates[waiting:])
    extra = spread(deferred if mode == "accrue" else 0, len(rows))
    instalments = _instalments(rows, extra, nominal[waiting:], due[waiting:], principal)
    total = within_limit(checked_total(rows) + sum(extra), "percent", MAX_SUM)
    return PaymentPlan(
        kind=request.kind,
        currency=request.currency,
        principal_minor=request.principal_minor,
        total_minor=total,
        total=shown(total, request.currency),
        cost_minor=total - request.principal_minor,
        capitalised_minor=capitalised,
        frozen_minor=deferred if mode == "freeze" else 0,
        count=len(rows),
        first_on=instalments[0].due_on,
        last_on=instalments[-1].due_on,
        first_minor=instalments[0].amount_minor,
        last_minor=instalments[-1].amount_minor,
        highest_minor=max(each.amount_minor for each in instalments),
        instalments=tuple(instalments),
    )


def _instalments(
    rows: list[Row], extra: list[int], nominal: list[date], due: list[date], principal: int
) -> list[Instalment]:
    made: list[Instalment] = []
    left = principal
    for number, (row, more) in enumerate(zip(rows, extra, strict=True)):
        left -= row.principal
        made.append(
            Instalment(
                number=number + 1,
                nominal_on=nominal[number],
                due_on=due[number],
                amount_minor=row.principal + row.interest + more,
                principal_minor=row.principal,
                interest_minor=row.interest,
                deferred_interest_minor=more,
                left_minor=left,
            )
        )
    return made


def _rates(request: PlanRequest, due: list[date]) -> list[Fraction]:
    yearly = share_of(request.percent)
    if request.basis == "periodic":
        return [yearly / PER_YEAR[request.every]] * len(due)
    return [
        yearly * year_fraction(start, end, request.basis)
        for start, end in pairwise([request.starts_on, *due])
    ]


def _rows(request: PlanRequest, principal: int, rates: list[Fraction]) -> list[Row]:
    grace = request.grace_periods
    idle = interest_only_rows(principal, rates[:grace], request.rounding)
    return idle + _paying_rows(request, principal, rates[grace:])


def _paying_rows(request: PlanRequest, principal: int, rates: list[Fraction]) -> list[Row]:
    match request.kind:
        case "annuity" | "balloon":
            return annuity_rows(principal, request.balloon_minor, rates, request.rounding)
        case "equal_principal":
            return equal_principal_rows(principal, rates, request.rounding)
        case "equal_parts":
            return equal_part_rows(principal, len(rates))
        case "level_amount":
            return rows_of_amount(principal, rates, request.amount_minor, request.rounding)
        case "step_up":
            return _stepped(request, principal, rates)


def _stepped(request: PlanRequest, principal: int, rates: list[Fraction]) -> list[Row]:
    amounts = [
        step.amount_minor
        for step in request.steps
        if step.amount_minor
        for _ in range(step.instalments)
    ]
    if len(amounts) < len(rates):
        left = principal
        for rate, amount in zip(rates, amounts, strict=False):
            left += posted(left * rate, request.rounding) - amount
        if left <= 0:
            raise Refused("steps", "pay the debt off before the last step", "take smaller amounts")
        rest = posted(level_amount(left, 0, rates[len(amounts) :]), request.rounding)
        amounts += [rest] * (len(rates) - len(amounts))
    return level_rows(principal, rates, amounts, request.rounding, "steps")


def _count(request: PlanRequest) -> int:
    match request.kind:
        case "level_amount":
            return MAX_INSTALMENTS
        case "step_up":
            return request.grace_periods + sum(step.instalments for step in request.steps)
        case _:
            return request.count


def _check(request: PlanRequest) -> None:
    within_limit(request.principal_minor, "principal_minor")
    if request.principal_minor <= 0:
        raise Refused("principal_minor", "there is nothing to pay", "give what is owed")
    _check_days(request)
    _check_kind(request)
    if request.count and request.grace_periods >= request.count:
        raise Refused("grace_periods", "leave no instalment to pay off", "take fewer")
    if request.balloon_minor > request.principal_minor:
        raise Refused("balloon_minor", "is above the principal", "take a smaller one")
    if request.kind == "equal_parts" and share_of(request.percent):
        raise Refused("percent", "equal parts bear no interest", 'leave it out, or use "annuity"')


def _check_days(request: PlanRequest) -> None:
    check_year(request.starts_on, "starts_on")
    check_year(request.first_on, "first_on")
    if request.first_on < request.starts_on:
        raise Refused("first_on", "is before starts_on", "let it be the same day or later")
    if request.day_of_month and request.every != "month":
        raise Refused("day_of_month", "is for monthly plans", "leave it out")
    if 0 < request.day_of_month < request.first_on.day:
        raise Refused("day_of_month", "is before the day of first_on", "let it be later")


def _check_kind(request: PlanRequest) -> None:
    """What belongs to one kind of plan is given for it, and for no other."""
    kind = request.kind
    for field, owner, given in (
        ("amount_minor", "level_amount", bool(request.amount_minor)),
        ("balloon_minor", "balloon", bool(request.balloon_minor)),
        ("steps", "step_up", bool(request.steps)),
    ):
        if given != (kind == owner):
            raise Refused(field, f"belongs to the kind {owner!r}, and to no other", "correct it")
    if bool(request.count) == (kind in {"level_amount", "step_up"}):
        what = "follows from the amounts" if request.count else "is needed"
        raise Refused("count", f"{what} for the kind {kind!r}", "correct it")
    if any(step.amount_minor is None for step in request.steps[:-1]):
        raise Refused("steps", "only the last may be without an amount", "give one for the others")
    if _count(request) > MAX_INSTALMENTS:
        raise Refused("steps", f"are more than {MAX_INSTALMENTS} instalments", "take fewer")


class PlanComparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two plans beside each other: `b` less `a`, in minor units and days."""

    a: PaymentPlan
    b: PaymentPlan
    total_difference_minor: int
    cost_difference_minor: int
    last_on_difference_days: int
    count_difference: int
    first_difference_minor: int
    last_difference_minor: int
    highest_difference_minor: int
    cheaper: str
    sooner: str


def compare_plans(a: PlanRequest, b: PlanRequest) -> PlanComparison:
    """Raises Refused for plans of different currencies, besides what `make_plan` refuses."""
    if a.currency != b.currency:
        raise Refused("b.currency", "is not that of the other plan", "compare like with like")
    one, two = make_plan(a), make_plan(b)
    cost, days = two.cost_minor - one.cost_minor, (two.last_on - one.last_on).days
    return PlanComparison(
        a=one,
        b=two,
        total_difference_minor=two.total_minor - one.total_minor,
        cost_difference_minor=cost,
        last_on_difference_days=days,
        count_difference=two.count - one.count,
        first_difference_minor=two.first_minor - one.first_minor,
        last_difference_minor=two.last_minor - one.last_minor,
        highest_difference_minor=two.highest_minor - one.highest_minor,
        cheaper=_lower(cost),
        sooner=_lower(days),
    )


def _lower(difference: int) -> str:
    """Which of the two is lower, for `b` less `a`."""
    if not difference:
        return "same"
    return "b" if difference < 0 else "a"
