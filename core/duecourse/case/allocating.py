"""In which order a payment goes to the debts of a case: as agreed, or as the law of the place says."""

from collections.abc import Collection, Mapping
from datetime import date
from uuid import UUID

import msgspec

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.accrual import taken_in
from duecourse.case.context import Context
from duecourse.case.evolve_ledger import disputed_debts
from duecourse.case.ledger import bears_interest, products_of
from duecourse.case.state import Case, DebtAccount
from duecourse.money.amounts import Buckets
from duecourse.money.figures import Heads
from duecourse.money.legal_places import (
    AgreedOrder,
    citation_of,
    order_beside,
    order_of_place,
)
from duecourse.money.waterfall import AllocationRequest, OwedDebt, allocate_payment


def order_for(case: Case, context: Context, currency: str) -> AgreedOrder:
    """What was agreed with the creditor's debtors goes before the law of the place."""
    agreed = context.orders.get(case.creditor)
    return agreed or order_of_place(case.debtor.jurisdiction, products_of(case, currency))


def received(case: Case, command: c.RecordPayment, context: Context) -> list[e.Event]:
    """The payment on record, and what it changes of the account. Never refused."""
    order = order_for(case, context, command.currency)
    held = e.PaymentRecorded(
        at=context.at,
        payment_id=command.payment_id,
        currency=command.currency,
        amount_minor=command.amount_minor,
        value_on=command.value_on,
        reference=command.reference,
        allocations=(),
        unallocated_minor=command.amount_minor,
        profile=order.profile,
        citation=citation_of(order),
        debt_id=command.debt_id,
        across=order.across,
        slots=order.slots,
        future=order.future,
    )
    if bears_interest(case, command.currency):
        if command.payment_id in case.reversed_early:
            return [held]
        events = taken_in(case, held, context)
        if events is not None:
            return events
    allocations = allocations_of(
        case,
        command.amount_minor,
        order,
        as_of=command.value_on,
        directed_to=command.debt_id,
        currency=command.currency,
    )
    used = sum(each.paid.total for each in allocations)
    return [
        msgspec.structs.replace(
            held, allocations=allocations, unallocated_minor=command.amount_minor - used
        )
    ]


def allocations_of(
    case: Case,
    amount_minor: int,
    order: AgreedOrder,
    *,
    as_of: date,
    currency: str,
    directed_to: UUID | None = None,
    debts: Mapping[UUID, DebtAccount] | None = None,
) -> tuple[e.Allocation, ...]:
    """Put an amount to what is owed now, and to what of it there is no dispute about, if need be."""
    owing = {
        key: account
        for key, account in (case.active_debts if debts is None else debts).items()
        if account.debt.currency == currency and account.outstanding.total
    }
    if not owing:
        return ()
    request = request_of(
        owing, amount_minor, order, as_of=as_of, currency=currency,
        directed_to=directed_to, disputed=disputed_debts(case),
    )  # fmt: skip
    parts = allocate_payment(request).parts
    return tuple(
        e.Allocation(debt_id=UUID(part.debt_id), paid=part.paid)
        for part in parts
        if part.paid.total
    )


def request_of(
    owing: Mapping[UUID, DebtAccount],
    amount_minor: int,
    order: AgreedOrder,
    *,
    as_of: date,
    currency: str,
    directed_to: UUID | None = None,
    disputed: Collection[UUID] = (),
    owed: Mapping[UUID, Buckets] | None = None,
) -> AllocationRequest:
    """What the calculator is asked; `owed` in the place of what is owed now."""
    return AllocationRequest(
        currency=currency,
        amount_minor=amount_minor,
        as_of=as_of,
        profile=order.profile,
        across=order.across,
        slots=order.slots,
        future=order.future,
        debts=tuple(
            OwedDebt(
                debt_id=str(key),
                outstanding=_heads(account.outstanding if owed is None else owed[key]),
                due_on=account.debt.due_on,
                arose_on=account.debt.contract_on,
                debtor_choice=int(key == directed_to),
                disputed=key in disputed,
                within=order_beside(order.profile, account.debt.product),
            )
            for key, account in owing.items()
        ),
    )


def _heads(owed: Buckets) -> Heads:
    return Heads(
        costs=owed.costs,
        fees=owed.fees,
        penalty=owed.penalty,
        interest=owed.interest,
        principal=owed.principal,
    )
