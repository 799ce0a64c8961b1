"""What is decided about money held beyond what was owed: it pays a later debt, or goes back."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.accrual import restated
from duecourse.case.context import Context
from duecourse.case.days import check_day
from duecourse.case.errors import CaseIsClosed, Contradiction, Invalid, Unknown, WrongState
from duecourse.case.ledger import bears_interest, interest_currencies
from duecourse.case.lifecycle import after_surplus
from duecourse.case.overpayments import after, reallocated, surplus, used_surplus
from duecourse.case.state import Case, DebtAccount, Payment, Refund


def allocate_overpayment(
    case: Case, command: c.AllocateOverpayment, context: Context
) -> list[e.Event]:
    """Use what is held, for one debt or for all; nothing to use it for gives nothing."""
    debts = _debts(case, command.debt_id)
    held = [key for key, x in case.payments.items() if x.unallocated_minor and not x.reversed]
    if command.payment_id and command.payment_id not in case.payments:
        raise Unknown(f"the case has no payment {command.payment_id!r}", "payment_id")
    events: list[e.Event] = []
    now = case
    for key in held:
        if command.payment_id not in ("", key) or bears_interest(case, case.payments[key].currency):
            continue
        on = {name: now.debts[name] for name in debts}
        event = reallocated(now, context, key, command.reason, on)
        if event is not None:
            events.append(event)
            now = after(now, [event])
    # Where there is interest, its account says where the money goes, and from which day.
    for currency in interest_currencies(case):
        events += restated(now, context, currency, "surplus")
    if events and case.is_closed:
        raise CaseIsClosed("the case is closed; reopen it first")
    now = after(case, events)
    return [*events, *after_surplus(now, context)] if events else []


def _debts(case: Case, debt_id: UUID | None) -> Mapping[UUID, DebtAccount]:
    if debt_id is None:
        return case.active_debts
    account = case.debts.get(debt_id)
    if account is None:
        raise Unknown(f"the case has no debt {debt_id}", "debt_id")
    if account.withdrawn:
        raise WrongState("the debt was withdrawn", "debt_id")
    return {debt_id: account}


def record_refund(case: Case, command: c.RecordRefund, context: Context) -> list[e.Event]:
    """Money paid back to the payer: of what is held, and never more than that."""
    known = case.refunds.get(command.refund_id)
    if known is not None:
        _check_same(known, command)
        return []
    if not command.evidence.strip():
        raise Invalid("it must say how it is known that the money went back", "evidence")
    today = case.today(context.at)
    check_day(command.refunded_on, today, "refunded_on")
    if command.refunded_on > today:
        raise Invalid(f"money cannot have gone back after today ({today})", "refunded_on")
    held = surplus(case, command.currency)
    if command.amount_minor > held:
        raise Invalid(
            f"only {held} minor units of {command.currency} are held unallocated", "amount_minor"
        )
    parts = tuple(_parts(case.payments.items(), command))
    if sum(part.amount_minor for part in parts) < command.amount_minor:
        raise Invalid("not all of that money had come by then; check the day", "refunded_on")
    return [
        e.RefundRecorded(
            at=context.at,
            refund_id=command.refund_id,
            currency=command.currency,
            amount_minor=command.amount_minor,
            refunded_on=command.refunded_on,
            evidence=command.evidence,
            parts=parts,
        )
    ]


def _parts(
    payments: Iterable[tuple[str, Payment]], wanted: c.RecordRefund
) -> Iterable[e.RefundPart]:
    """Out of the payments that came first, and had come by the day of the refund."""
    left = wanted.amount_minor
    for key, payment in payments:
        if payment.reversed or payment.currency != wanted.currency:
            continue
        if payment.value_on > wanted.refunded_on:
            continue
        part = min(left, payment.unallocated_minor)
        if part:
            yield e.RefundPart(payment_id=key, amount_minor=part)
        left -= part


def _check_same(known: Refund, command: c.RecordRefund) -> None:
    if (known.amount_minor, known.currency) == (command.amount_minor, command.currency):
        return
    raise Contradiction(
        f"refund {command.refund_id!r} is recorded with {known.amount_minor} minor units of"
        f" {known.currency}; give another refund an id of its own",
        "refund_id",
    )


def return_refund(case: Case, command: c.ReturnRefund, context: Context) -> list[e.Event]:
    """A refund that came back to us is held again, or used where something is owed by now."""
    refund = case.refunds.get(command.refund_id)
    if refund is None:
        raise Unknown(f"the case has no refund {command.refund_id!r}", "refund_id")
    if refund.returned:
        return []
    back = e.RefundReturned(at=context.at, refund_id=command.refund_id, reason=command.reason)
    held = after(case, [back])
    used = used_surplus(held, context, "a refund came back")
    if not used:
        return [back]
    return [back, *used, *after_surplus(after(held, used), context)]
