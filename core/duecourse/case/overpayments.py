"""Money held for the debtor beyond what was owed, and how it comes to be used.

Pure, and of the state alone: what decides about it and closes cases stands in `refunds`.
"""

from collections.abc import Mapping
from functools import reduce
from uuid import UUID

from duecourse.case import events as e
from duecourse.case.accrual import restated
from duecourse.case.allocating import allocations_of, order_for
from duecourse.case.context import Context
from duecourse.case.evolve import evolve
from duecourse.case.ledger import bears_interest, interest_currencies
from duecourse.case.state import Case, DebtAccount, Payment
from duecourse.money.legal_places import citation_of


def surplus(case: Case, currency: str) -> int:
    """What is held unallocated in a currency."""
    return sum(each.unallocated_minor for each in _holding(case) if each.currency == currency)


def surplus_currencies(case: Case) -> list[str]:
    return sorted({each.currency for each in _holding(case)})


def _holding(case: Case) -> list[Payment]:
    """The payments with a surplus, in the order in which they came."""
    return [x for x in case.payments.values() if x.unallocated_minor and not x.reversed]


def owed_back(case: Case) -> dict[str, int]:
    """By currency, what was refunded out of payments that were then reversed.

    We paid it out and never had it: whoever got it owes it to us. It is no part of any debt here.
    """
    missing: dict[str, int] = {}
    for each in case.payments.values():
        if each.reversed and each.refunded_minor:
            missing[each.currency] = missing.get(each.currency, 0) + each.refunded_minor
    return missing


def used_surplus(case: Case, context: Context, reason: str) -> list[e.Event]:
    """Put what is held to what is owed now, the payment that came first before the others."""
    events: list[e.Event] = []
    for key, payment in case.payments.items():
        if not payment.unallocated_minor or payment.reversed:
            continue
        if bears_interest(case, payment.currency):
            continue
        event = reallocated(case, context, key, reason)
        if event is not None:
            events.append(event)
            case = evolve(case, event)
    for currency in interest_currencies(case):
        events += restated(case, context, currency, "surplus")
    return events


def reallocated(
    case: Case,
    context: Context,
    payment_id: str,
    reason: str,
    debts: Mapping[UUID, DebtAccount] | None = None,
) -> e.PaymentReallocated | None:
    """A payment's surplus, by the law of the place. None if nothing is owed on `debts`."""
    payment = case.payments[payment_id]
    order = order_for(case, context, payment.currency)
    allocations = allocations_of(
        case,
        payment.unallocated_minor,
        order,
        as_of=case.today(context.at),
        currency=payment.currency,
        debts=debts,
    )
    if not allocations:
        return None
    return e.PaymentReallocated(
        at=context.at,
        payment_id=payment_id,
        currency=payment.currency,
        allocations=allocations,
        profile=order.profile,
        citation=citation_of(order),
        reason=reason,
    )


def after(case: Case, events: list[e.Event]) -> Case:
    return reduce(evolve, events, case)
