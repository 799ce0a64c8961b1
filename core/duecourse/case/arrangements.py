"""What stands between the debtor and us: a plan that is kept, a promise that is open."""

from collections.abc import Iterable, Iterator
from datetime import date

from duecourse.case.grace import last_day_of_grace, rested_through
from duecourse.case.promises import last_day_of
from duecourse.case.state import Case, DebtAccount, Plan
from duecourse.rules.situation import Arrangement
from duecourse.rules.treatment import Treatment


def arrangements(
    case: Case, accounts: Iterable[DebtAccount], treatment: Treatment | None
) -> Iterator[Arrangement]:
    """Those in the currency of any of these debts, each with its last day of grace.

    A plan is kept while no instalment is missed, beyond its grace, that has not been paid since.
    Where the grace is not on record and `treatment` does not say it, one stands until it is judged.
    """
    currencies = {account.debt.currency for account in accounts}
    for plan in case.plans.values():
        if plan.currency in currencies and _is_kept(plan):
            yield Arrangement(kind="plan", until=_last_day_of(case, plan, treatment))
    for promise in case.promises.values():
        if promise.currency in currencies and promise.status == "open":
            last_day = None if treatment is None else last_day_of(case, promise, treatment)
            yield Arrangement(kind="promise", until=last_day)


def _is_kept(plan: Plan) -> bool:
    return plan.status == "active" and not any(number > plan.met for number in plan.missed)


def _last_day_of(case: Case, plan: Plan, treatment: Treatment | None) -> date | None:
    """Of the next instalment that is not paid."""
    grace_days = plan.grace_days
    if grace_days is None and treatment is not None:
        grace_days = treatment.instalment_grace_days
    if grace_days is None or plan.met == len(plan.instalments):
        return None
    due_on = plan.instalments[plan.met].due_on
    return last_day_of_grace(due_on, grace_days, rested_through(case, plan.currency))
