"""How the interest of a plan is shared among its debts: by what of each of them bears it."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TypeVar
from uuid import UUID

from duecourse.case.events import Instalment
from duecourse.case.ledger import account_of
from duecourse.case.plan_terms import InterestOn
from duecourse.case.state import Case, DebtAccount
from duecourse.money.account import allocation_request
from duecourse.money.account_terms import Deposit
from duecourse.money.allocation import by_weight
from duecourse.money.amounts import Buckets
from duecourse.money.legal_places import AgreedOrder, order_beside
from duecourse.money.waterfall import allocate_payment

K = TypeVar("K")


def plan_debts(case: Case, currency: str) -> dict[UUID, DebtAccount]:
    """Those that a plan in this currency pays off."""
    return {
        key: each
        for key, each in case.active_debts.items()
        if each.debt.currency == currency and each.outstanding.total
    }


def bearing(owed: Mapping[K, Buckets], interest_on: InterestOn) -> dict[K, int]:
    """What of each debt bears the interest of a plan.

    Where no principal is left, what was agreed is still owed: then it is all of the balance.
    """
    principal = {key: each.principal for key, each in owed.items()}
    if interest_on == "principal" and any(principal.values()):
        return principal
    return {key: each.total for key, each in owed.items()}


def shares(amount_minor: int, owed: Mapping[K, Buckets], interest_on: InterestOn) -> dict[K, int]:
    """The interest of one instalment by debts; whole, by largest remainder."""
    weights = bearing(owed, interest_on)
    return dict(zip(weights, by_weight(amount_minor, list(weights.values())), strict=True))


def interest_by_debt(
    case: Case,
    currency: str,
    instalments: Sequence[Instalment],
    interest_on: InterestOn,
    order: AgreedOrder,
) -> dict[UUID, int]:
    """What each debt bears of a plan that is paid as agreed, to the unit.

    Which debt an instalment pays decides which of them bear the interest of those that follow.
    """
    debts = plan_debts(case, currency)
    if len(debts) == 1:
        return dict.fromkeys(debts, sum(each.interest_minor for each in instalments))
    borne = dict.fromkeys(debts, 0)
    owed = {key: each.outstanding for key, each in debts.items()}
    specs = {UUID(each.debt_id): each for each in account_of(case, currency).debts}
    deposit = _deposit(debts, order, instalments[0].due_on)
    for each in instalments:
        for key, part in shares(each.interest_minor, owed, interest_on).items():
            borne[key] += part
            owed[key] += Buckets(interest=part)
        owing = [(specs[key], left) for key, left in owed.items() if left.total]
        asked = allocation_request(deposit, each.amount_minor, each.due_on, owing, currency)
        for after in allocate_payment(asked).parts:
            owed[UUID(after.debt_id)] = after.left
    return borne


def _deposit(debts: Mapping[UUID, DebtAccount], order: AgreedOrder, on: date) -> Deposit:
    within = {str(key): order_beside(order.profile, x.debt.product) for key, x in debts.items()}
    return Deposit(
        payment_id="",
        on=on,
        amount_minor=0,
        profile=order.profile,
        across=order.across,
        slots=order.slots,
        future=order.future,
        within={name: other for name, other in within.items() if other},
    )
