"""Where a payment went, and where it would have gone under another order. Reads; changes nothing."""

from collections.abc import Iterable, Mapping
from uuid import UUID

import msgspec

from duecourse.case import events as e
from duecourse.case.allocating import request_of
from duecourse.case.errors import Invalid, Unknown
from duecourse.case.evolve import fold
from duecourse.case.ledger import account_of, accrued_through, bears_interest, deposit_of
from duecourse.case.state import Case, Payment
from duecourse.money.account import run_account
from duecourse.money.amounts import Buckets
from duecourse.money.figures import Refused
from duecourse.money.legal_places import AgreedOrder
from duecourse.money.waterfall import Allocation, Part, allocate_payment


class OrderResult(msgspec.Struct, frozen=True, kw_only=True):
    """Where a payment goes under one order, and the law that says so. Every debt has its part."""

    profile: str
    citation: str
    confidence: str
    across: str
    across_citation: str
    allocated_minor: int
    unallocated_minor: int
    parts: tuple[Part, ...]
    because: tuple[str, ...]
    part_payment: str
    part_citation: str
    notes: tuple[str, ...]


class PaymentAllocation(msgspec.Struct, frozen=True, kw_only=True):
    """`recorded` is where it is now.

    `as_it_was` is what its own order made of what was owed before it on its value date, and
    `otherwise` what the other one would have made of the same.
    """

    payment_id: str
    currency: str
    amount_minor: int
    reversed: bool
    recorded: tuple[e.Allocation, ...]
    unallocated_minor: int
    as_it_was: OrderResult
    otherwise: OrderResult | None


def payment_allocation(
    history: Iterable[e.Event], payment_id: str, profile: str | None = None
) -> PaymentAllocation:
    """Raises Unknown for a payment that there is not, Invalid for a profile."""
    events = list(history)
    case = fold(events)
    payment = None if case is None else case.payments.get(payment_id)
    if case is None or payment is None:
        raise Unknown(f"the case has no payment {payment_id!r}", "payment_id")
    owed, then = _owed_before(case, events, payment_id, payment)
    deposit = deposit_of(case, payment_id, payment)
    order = AgreedOrder(
        profile=deposit.profile,
        across=deposit.across,
        slots=deposit.slots,
        future=deposit.future,
    )
    return PaymentAllocation(
        payment_id=payment_id,
        currency=payment.currency,
        amount_minor=payment.amount_minor,
        reversed=payment.reversed,
        recorded=payment.allocations,
        unallocated_minor=payment.unallocated_minor,
        as_it_was=_under(order, then, payment, owed),
        otherwise=None if profile is None else _under(_order(profile), then, payment, owed),
    )


def _order(profile: str) -> AgreedOrder:
    try:
        return AgreedOrder(profile=profile)
    except ValueError as wrong:
        raise Invalid(str(wrong), "profile") from None


def _owed_before(
    case: Case, events: list[e.Event], payment_id: str, payment: Payment
) -> tuple[Mapping[UUID, Buckets], Case]:
    """By value date where there is interest; elsewhere as it stood when the payment was booked."""
    through = accrued_through(case, payment.currency)
    if bears_interest(case, payment.currency) and through and not payment.reversed:
        try:
            result = run_account(account_of(case, payment.currency), through)
        except Refused as refused:
            raise Invalid(str(refused), "payment_id") from None
        found = result.deposits[payment_id].before
        return {UUID(name): owed for name, owed in found.items() if owed.total}, case
    first = next(
        number
        for number, event in enumerate(events)
        if isinstance(event, e.PaymentRecorded) and event.payment_id == payment_id
    )
    then = fold(events[:first])
    assert then is not None, "a case is opened before it is paid"
    owed = {
        key: account.outstanding
        for key, account in then.active_debts.items()
        if account.debt.currency == payment.currency and account.outstanding.total
    }
    return owed, then


def _under(
    order: AgreedOrder, case: Case, payment: Payment, owed: Mapping[UUID, Buckets]
) -> OrderResult:
    request = request_of(
        {key: case.debts[key] for key in owed},
        payment.amount_minor,
        order,
        as_of=payment.value_on,
        currency=payment.currency,
        directed_to=payment.debt_id,
        disputed=payment.disputed,
        owed=owed,
    )
    try:
        return _result(allocate_payment(request))
    except Refused as refused:
        raise Invalid(str(refused), "profile") from None


def _result(found: Allocation) -> OrderResult:
    return OrderResult(
        profile=found.profile,
        citation=found.citation,
        confidence=found.confidence,
        across=found.across,
        across_citation=found.across_citation,
        allocated_minor=found.allocated_minor,
        unallocated_minor=found.unallocated_minor,
        parts=found.parts,
        because=tuple(turn.because for turn in found.turns),
        part_payment=found.part_payment,
        part_citation=found.part_citation,
        notes=found.notes,
    )
