"""The interest of a plan that is being kept: owed from the day of its instalment, never before.

Money that comes before that day is for a period that has begun: it brings that period's interest
with it. What pays everything off brings only that of the days until it came. The interest of
periods that never begin is charged to nobody (PRC Civil Code art. 677; BGB § 501).
"""

from datetime import date
from fractions import Fraction
from functools import reduce
from uuid import UUID

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import Context
from duecourse.case.errors import TooEarly, Unknown
from duecourse.case.evolve import evolve
from duecourse.case.ledger import days_without_interest
from duecourse.case.plan_shares import plan_debts, shares
from duecourse.case.state import Case, Plan
from duecourse.money.amounts import Buckets


def uncharged(plan: Plan, number: int) -> int:
    """What of an instalment's interest is not owed yet, and may come to be."""
    mine = [each for each in plan.charges if each.number == number]
    charged = sum(part.paid.total for each in mine for part in each.charged)
    barred = sum(each.barred_minor for each in mine)
    return max(plan.instalments[number - 1].interest_minor - charged - barred, 0)


def charge_plan_interest(
    case: Case, command: c.ChargePlanInterest, context: Context
) -> list[e.Event]:
    plan = case.plans.get(command.plan_id)
    if plan is None:
        raise Unknown(f"the case has no plan {command.plan_id}", "plan_id")
    if plan.status != "active":
        return []
    if not 1 <= command.number <= len(plan.instalments):
        raise Unknown(f"the plan has {len(plan.instalments)} instalments", "number")
    due_on = plan.instalments[command.number - 1].due_on
    if case.today(context.at) < due_on:
        raise TooEarly(f"the instalment is due on {due_on}", "number")
    return _charge(case, command.plan_id, command.number, context, on=due_on)


def charges_before(case: Case, command: c.RecordPayment, context: Context) -> list[e.Event]:
    """The interest that this money meets, charged before it is allocated."""
    key = case.active_plan
    if key is None or not case.plans[key].interest_minor:
        return []
    plan = case.plans[key]
    if plan.currency != command.currency:
        return []
    today = case.today(context.at)
    events = [
        event
        for number, each in enumerate(plan.instalments, start=1)
        if each.due_on <= today
        for event in _charge(case, key, number, context, on=each.due_on)
    ]
    after = reduce(evolve, events, case)
    return [*events, *_of_the_running_period(after, key, command, context)]


def _of_the_running_period(
    case: Case, key: UUID, command: c.RecordPayment, context: Context
) -> list[e.Event]:
    plan, today = case.plans[key], case.today(context.at)
    on = max(min(command.value_on, today), case.today(plan.since))
    number = next((n for n, x in enumerate(plan.instalments, start=1) if x.due_on > today), 0)
    if not number:
        return []
    if command.amount_minor >= case.outstanding(plan.currency).total:
        share = _elapsed(case, plan, number, on)
        return _charge(
            case, key, number, context, on=on, share=share, payment_id=command.payment_id
        )
    if plan.covered(command.amount_minor) < number:
        return []
    return _charge(case, key, number, context, on=on, payment_id=command.payment_id)


def _elapsed(case: Case, plan: Plan, number: int, day: date) -> Fraction:
    """Which part of the period of an instalment is over by a day."""
    start = _period_start(case, plan, number)
    length = (plan.instalments[number - 1].due_on - start).days
    return Fraction(min(max((day - start).days, 0), length), length) if length > 0 else Fraction(1)


def _period_start(case: Case, plan: Plan, number: int) -> date:
    return plan.instalments[number - 2].due_on if number > 1 else case.today(plan.since)


def _charge(
    case: Case,
    key: UUID,
    number: int,
    context: Context,
    *,
    on: date,
    share: Fraction = Fraction(1),
    payment_id: str = "",
) -> list[e.Event]:
    plan = case.plans[key]
    amount = int(uncharged(plan, number) * share)
    agreed = _among_debts(case, plan, amount)
    if not agreed:
        return []
    start, end = _period_start(case, plan, number), plan.instalments[number - 1].due_on
    allowed = [_as_allowed(case, each, start, end if share == 1 else on) for each in agreed]
    parts = tuple(each for each in allowed if each.paid.total)
    return [
        e.PlanInterestCharged(
            at=context.at,
            plan_id=key,
            number=number,
            on=on,
            charged=parts,
            payment_id=payment_id,
            barred_minor=amount - sum(each.paid.total for each in parts),
        )
    ]


def _as_allowed(case: Case, part: e.Allocation, start: date, end: date) -> e.Allocation:
    """Without the interest of days on which a law lets none arise on this debt."""
    length = (end - start).days
    barred = days_without_interest(case, part.debt_id, start, end)
    if not barred:
        return part
    left = part.paid.interest * (length - barred) // length
    return e.Allocation(debt_id=part.debt_id, paid=Buckets(interest=left))


def _among_debts(case: Case, plan: Plan, amount: int) -> tuple[e.Allocation, ...]:
    """The interest of all the debts, by what of it each bears now."""
    owed = {key: each.outstanding for key, each in plan_debts(case, plan.currency).items()}
    on = "principal" if plan.terms is None else plan.terms.interest_on
    return tuple(
        e.Allocation(debt_id=key, paid=Buckets(interest=part))
        for key, part in shares(amount, owed, on).items()
        if part
    )


def charges_back(case: Case, payment_id: str, context: Context) -> list[e.Event]:
    """What was charged as a payment came early, now that it went back.

    What of it another payment has paid meanwhile stays: it would have come due all the same.
    """
    events: list[e.Event] = []
    for key, plan in case.plans.items():
        mine = [each for each in plan.charges if each.payment_id == payment_id]
        if not mine:
            continue
        returned: dict[UUID, int] = {}
        for part in (part for each in mine for part in each.charged):
            left = case.debts[part.debt_id].outstanding.interest - returned.get(part.debt_id, 0)
            back = min(part.paid.interest, max(left, 0))
            returned[part.debt_id] = returned.get(part.debt_id, 0) + back
        parts = tuple(
            e.Allocation(debt_id=debt_id, paid=Buckets(interest=minor))
            for debt_id, minor in returned.items()
            if minor
        )
        events.append(
            e.PlanInterestReturned(
                at=context.at, plan_id=key, payment_id=payment_id, returned=parts
            )
        )
    return events
