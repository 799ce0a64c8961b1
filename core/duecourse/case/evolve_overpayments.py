"""How a case changes when money that was held unallocated is used or paid back."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from duecourse.case import events as e
from duecourse.case.state import Case, Payment, Refund
from duecourse.money.amounts import Buckets


def _payment_reallocated(case: Case, event: e.PaymentReallocated) -> Case:
    """Together with what the payment had paid before, so that a reversal gives all of it back."""
    debts = dict(case.debts)
    for each in event.allocations:
        account = debts[each.debt_id]
        debts[each.debt_id] = replace(account, outstanding=account.outstanding - each.paid)
    payment = case.payments[event.payment_id]
    used = sum(each.paid.total for each in event.allocations)
    payment = replace(
        payment,
        allocations=_together(payment.allocations, event.allocations),
        unallocated_minor=payment.unallocated_minor - used,
    )
    return replace(case, debts=debts, payments={**case.payments, event.payment_id: payment})


def _together(
    before: tuple[e.Allocation, ...], new: tuple[e.Allocation, ...]
) -> tuple[e.Allocation, ...]:
    parts = {each.debt_id: each.paid for each in before}
    for each in new:
        parts[each.debt_id] = parts.get(each.debt_id, Buckets()) + each.paid
    return tuple(e.Allocation(debt_id=key, paid=paid) for key, paid in parts.items())


def _refund_recorded(case: Case, event: e.RefundRecorded) -> Case:
    refund = Refund(
        currency=event.currency,
        amount_minor=event.amount_minor,
        refunded_on=event.refunded_on,
        parts=event.parts,
    )
    case = replace(case, refunds={**case.refunds, event.refund_id: refund})
    return replace(case, payments=_moved(case, event.parts, +1))


def _refund_returned(case: Case, event: e.RefundReturned) -> Case:
    refund = case.refunds[event.refund_id]
    back = {**case.refunds, event.refund_id: replace(refund, returned=True)}
    return replace(case, refunds=back, payments=_moved(case, refund.parts, -1))


def _moved(case: Case, parts: tuple[e.RefundPart, ...], sign: int) -> dict[str, Payment]:
    """Between what a payment holds and what of it was paid back."""
    payments = dict(case.payments)
    for part in parts:
        payment = payments[part.payment_id]
        payments[part.payment_id] = replace(
            payment,
            unallocated_minor=payment.unallocated_minor - sign * part.amount_minor,
            refunded_minor=payment.refunded_minor + sign * part.amount_minor,
        )
    return payments


# Any: each function takes its own event class.
APPLY_OVERPAYMENTS: Final[Mapping[type[e.Event], Callable[[Case, Any], Case]]] = {
    e.PaymentReallocated: _payment_reallocated,
    e.RefundRecorded: _refund_recorded,
    e.RefundReturned: _refund_returned,
}
