"""Money that comes before it is due: what it leaves of a plan that is made anew for it."""

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise
from uuid import UUID

from duecourse.case import events as e
from duecourse.case.context import Context
from duecourse.case.plan_terms import PlanTerms
from duecourse.case.state import Case, Plan
from duecourse.money.allocation import pro_rata
from duecourse.money.amortisation import Row, annuity_rows, equal_principal_rows
from duecourse.money.day_counts import year_fraction
from duecourse.money.figures import Refused, posted, share_of
from duecourse.money.recurrence import PER_YEAR


def early_payment(case: Case, key: UUID, payment_id: str, context: Context) -> list[e.Event]:
    """The instalments after the next one, made anew if more than that one is paid already."""
    plan = case.plans[key]
    if plan.early_payment == "ahead":
        return []
    today = case.today(context.at)
    number = next((n for n, x in enumerate(plan.instalments, start=1) if x.due_on > today), 0)
    extra = plan.paid_minor - sum(each.amount_minor for each in plan.instalments[:number])
    tail = plan.instalments[number:]
    if not number or not tail or extra <= 0:
        return []
    left = sum(each.amount_minor - each.interest_minor for each in tail)
    early = min(extra, left)
    # The money that came early is shown with the instalment that it came with.
    due = plan.instalments[number - 1]
    paid = e.Instalment(
        due_on=due.due_on,
        amount_minor=due.amount_minor + early,
        interest_minor=due.interest_minor,
    )
    rest = _rest(plan, number, left - early)
    saved = sum(each.interest_minor for each in tail) - sum(each.interest_minor for each in rest)
    return [
        e.PlanRescheduled(
            at=context.at,
            plan_id=key,
            instalments=(*plan.instalments[: number - 1], paid, *rest),
            payment_id=payment_id,
            saved_minor=max(saved, 0),
        )
    ]


def _rest(plan: Plan, number: int, left: int) -> tuple[e.Instalment, ...]:
    tail = plan.instalments[number:]
    days = [plan.instalments[number - 1].due_on, *(each.due_on for each in tail)]
    rates = _rates(plan.terms, days)
    if not left:
        return ()
    if plan.early_payment == "shorten_term":
        rows = _shortened(tail, left, rates)
    else:
        rows = _lowered(plan, tail, left, rates)
    return tuple(
        e.Instalment(
            due_on=each.due_on,
            amount_minor=row.principal + row.interest,
            interest_minor=row.interest,
        )
        for each, row in zip(tail, rows, strict=False)
        if row.principal + row.interest
    )


def _rates(terms: PlanTerms | None, days: Sequence[date]) -> list[Fraction]:
    if terms is None:
        return [Fraction(0)] * (len(days) - 1)
    yearly = share_of(terms.percent)
    if terms.basis == "periodic":
        return [yearly / PER_YEAR[terms.every]] * (len(days) - 1)
    return [yearly * year_fraction(start, end, terms.basis) for start, end in pairwise(days)]


def _shortened(tail: Sequence[e.Instalment], left: int, rates: Sequence[Fraction]) -> list[Row]:
    """The same amounts for as long as it takes."""
    rows: list[Row] = []
    for number, (each, rate) in enumerate(zip(tail, rates, strict=True), start=1):
        interest = min(posted(left * rate, "half_even"), each.interest_minor)
        part = left if number == len(tail) else min(left, each.amount_minor - interest)
        rows.append(Row(part, interest))
        left -= part
        if not left:
            break
    return rows


def _lowered(
    plan: Plan, tail: Sequence[e.Instalment], left: int, rates: Sequence[Fraction]
) -> list[Row]:
    """The same days, each with less. Where that cannot be, as next to nothing is left: fewer."""
    if not any(rates):
        return [Row(part, 0) for part in pro_rata(left, [each.amount_minor for each in tail])]
    rounding = plan.terms.rounding if plan.terms else "half_even"
    try:
        if plan.terms is not None and plan.terms.schedule == "equal_principal":
            return equal_principal_rows(left, rates, rounding)
        return annuity_rows(left, 0, rates, rounding)
    except Refused:
        return _shortened(tail, left, rates)


def schedule_back(case: Case, key: UUID, payment_id: str, context: Context) -> list[e.Event]:
    """The schedule without what a payment had changed, once that payment went back."""
    plan = case.plans[key]
    at = next((n for n, each in enumerate(plan.changes) if each.payment_id == payment_id), None)
    if at is None:
        return []
    return [
        e.PlanRescheduled(at=context.at, plan_id=key, instalments=plan.changes[at].before, kept=at)
    ]
