"""How a case changes with interest, charges and corrections; and what its account keeps of the rest."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final
from uuid import UUID

from msgspec.structs import replace

from duecourse.case import events as e
from duecourse.case.interest_terms import AccruedTotals, DebtCorrection
from duecourse.case.ledger import bears_interest
from duecourse.case.ledger_state import Adjustment, Charge, OtherChange, Span, WriteOff
from duecourse.case.state import Case, DebtAccount
from duecourse.money.account_terms import Change
from duecourse.money.amounts import Buckets


def _ledger(case: Case, **fields: object) -> Case:
    return replace(case, ledger=replace(case.ledger, **fields))


def _terms_set(case: Case, event: e.InterestTermsSet) -> Case:
    return _ledger(case, terms={**case.ledger.terms, event.debt_id: event.terms})


def _accrued(case: Case, event: e.InterestAccrued) -> Case:
    before = case.ledger.totals.get(event.debt_id, AccruedTotals(through_on=event.from_on))
    # What compounding moved between the heads was posted before.
    posted = replace(event.change, principal=0)
    if event.change.principal:
        posted = posted.plus("interest", event.change.principal)
    totals = replace(
        before,
        through_on=event.to_on,
        posted=posted.added_to(before.posted),
        frozen=before.frozen + event.frozen,
        not_accrued=before.not_accrued + event.not_accrued,
    )
    after = _ledger(case, totals={**case.ledger.totals, event.debt_id: totals})
    return _owing(after, event.debt_id, event.change)


def _capped(case: Case, event: e.InterestCapped) -> Case:
    before = case.ledger.totals.get(event.debt_id, AccruedTotals(through_on=event.on))
    totals = replace(before, capped=before.capped + event.heads)
    return _ledger(case, totals={**case.ledger.totals, event.debt_id: totals})


def _owing(case: Case, debt_id: UUID, change: Change) -> Case:
    account = case.debts[debt_id]
    account = replace(account, outstanding=change.added_to(account.outstanding))
    return replace(case, debts={**case.debts, debt_id: account})


def _corrected(case: Case, event: e.InterestCorrected) -> Case:
    debts, payments = dict(case.debts), dict(case.payments)
    for part in event.payments:
        payment = payments[part.payment_id]
        _pay(debts, payment.allocations, +1)
        _pay(debts, part.allocations, -1)
        payments[part.payment_id] = replace(
            payment, allocations=part.allocations, unallocated_minor=part.unallocated_minor
        )
    for each in event.debts:
        account = debts[each.debt_id]
        outstanding = each.change.added_to(account.outstanding)
        debts[each.debt_id] = replace(account, outstanding=outstanding)
    after = replace(case, debts=debts, payments=payments)
    return _ledger(after, totals={**case.ledger.totals, **_totals(event.debts)})


def _totals(debts: tuple[DebtCorrection, ...]) -> dict[UUID, AccruedTotals]:
    return {each.debt_id: each.totals for each in debts if each.totals is not None}


def _pay(debts: dict[UUID, DebtAccount], parts: tuple[e.Allocation, ...], sign: int) -> None:
    for each in parts:
        owed = debts[each.debt_id].outstanding
        owed = owed + each.paid if sign > 0 else owed - each.paid
        debts[each.debt_id] = replace(debts[each.debt_id], outstanding=owed)


def _costs_added(case: Case, event: e.CostsAdded) -> Case:
    charge = Charge(
        debt_id=event.debt_id,
        bucket=event.bucket,
        amount_minor=event.amount_minor,
        posted_minor=event.posted_minor,
        incurred_on=event.incurred_on,
        booked_on=case.today(event.at),
        citation=event.citation,
    )
    after = _ledger(case, charges={**case.ledger.charges, event.charge_id: charge})
    return _owing(after, event.debt_id, Change().plus(event.bucket, event.posted_minor))


def _proposed(case: Case, event: e.AdjustmentProposed) -> Case:
    adjustment = Adjustment(
        debt_id=event.debt_id,
        kind=event.kind,
        change=event.change,
        value_on=event.value_on,
        proposed_by=event.proposed_by,
        reason=event.reason,
        authority=event.authority,
    )
    return _ledger(case, adjustments={**case.ledger.adjustments, event.adjustment_id: adjustment})


def _declined(case: Case, event: e.AdjustmentDeclined) -> Case:
    return _adjustment(case, event.adjustment_id, status="declined")


def _adjustment(case: Case, key: str, **fields: object) -> Case:
    changed = replace(case.ledger.adjustments[key], **fields)
    return _ledger(case, adjustments={**case.ledger.adjustments, key: changed})


def _adjusted(case: Case, event: e.DebtAdjusted) -> Case:
    after = _adjustment(
        case, event.adjustment_id, status="approved", booked_on=case.today(event.at)
    )
    return _owing(after, event.debt_id, event.change)


def _written_off(case: Case, event: e.DebtWrittenOff) -> Case:
    after = _adjustment(
        case,
        event.adjustment_id,
        status="approved",
        booked_on=case.today(event.at),
        change=Change.between(Buckets(), event.forgiven),
    )
    gone = WriteOff(on=event.value_on, still_owed=event.still_owed, forgiven=event.forgiven)
    after = _ledger(after, write_offs={**after.ledger.write_offs, event.debt_id: gone})
    return _owing(after, event.debt_id, Change.less(event.forgiven))


# Any: each function takes its own event class.
APPLY_LEDGER: Final[Mapping[type[e.Event], Callable[[Case, Any], Case]]] = {
    e.InterestTermsSet: _terms_set,
    e.InterestAccrued: _accrued,
    e.InterestCapped: _capped,
    e.InterestCorrected: _corrected,
    e.CostsAdded: _costs_added,
    e.AdjustmentProposed: _proposed,
    e.AdjustmentDeclined: _declined,
    e.DebtAdjusted: _adjusted,
    e.DebtWrittenOff: _written_off,
}

# Their part of the account stands with payments and debts, or above.
_KNOWN: Final = frozenset(
    {
        *APPLY_LEDGER,
        e.PaymentRecorded,
        e.PaymentReversed,
        e.PaymentReallocated,
        e.DebtPlaced,
        e.DebtWithdrawn,
    }
)
_ENDS_A_PLAN: Final = (e.PlanBroken, e.PlanWithdrawn, e.PlanCompleted)


def kept_in_ledger(before: Case, after: Case, event: e.Event) -> Case:
    """What the account has to know of an event that is not its own.

    Whatever else changes what a debt owes is an entry of its day; a waiver that is revoked is none.
    """
    if type(event) in _KNOWN:
        return after
    if isinstance(event, e.PlanAccepted):
        drawn = after.plans[event.plan_id].since
        return _kept(after, event.plan_id, Span(start=after.today(drawn)))
    if isinstance(event, _ENDS_A_PLAN):
        after = _plan_ended(after, event.plan_id, after.today(event.at))
    if after.debts is before.debts:
        return after
    if isinstance(event, e.WaiverRevoked):
        return _revoked(before, after, event.plan_id)
    if isinstance(event, e.PlanInterestReturned):
        return _returned(after, event)
    entries = [
        _entry(after, event, key, Change.between(before.debts[key].outstanding, new.outstanding))
        for key, new in after.debts.items()
        if key in before.debts and new.outstanding != before.debts[key].outstanding
    ]
    return _ledger(after, others=(*after.ledger.others, *entries)) if entries else after


def _entry(case: Case, event: e.Event, debt_id: UUID, change: Change) -> OtherChange:
    plan_id = getattr(event, "plan_id", "")
    number = len(case.ledger.others)
    return OtherChange(
        entry_id=f"{plan_id}/{number}",
        what=type(event).__name__,
        debt_id=debt_id,
        on=event.on if isinstance(event, e.PlanInterestCharged) else case.today(event.at),
        change=change,
        payment_id=event.payment_id if isinstance(event, e.PlanInterestCharged) else "",
    )


def _revoked(before: Case, after: Case, plan_id: UUID) -> Case:
    """Those of its waivers go whose parts the plan has no longer, the latest first."""
    gone = len(before.plans[plan_id].waiver) - len(after.plans[plan_id].waiver)
    kept: list[OtherChange] = []
    for each in reversed(after.ledger.others):
        is_its = each.what == "BalanceWaived" and each.entry_id.startswith(f"{plan_id}/")
        if is_its and gone > 0:
            gone -= 1
        else:
            kept.append(each)
    return _ledger(after, others=tuple(reversed(kept)))


def _returned(case: Case, event: e.PlanInterestReturned) -> Case:
    """Interest that came with a payment, and went back with it, was never charged.

    Without an account to be worked out anew, what of it was paid meanwhile stays.
    """
    whole = bears_interest(case, case.plans[event.plan_id].currency)
    back = {part.debt_id: part.paid.interest for part in event.returned}
    others: list[OtherChange] = []
    for each in case.ledger.others:
        is_its = (each.what, each.payment_id) == ("PlanInterestCharged", event.payment_id)
        if is_its and whole:
            continue
        less = back.pop(each.debt_id, 0) if is_its else 0
        change = each.change.plus("interest", -less)
        if change != Change():
            others.append(replace(each, change=change))
    return _ledger(case, others=tuple(others))


def _kept(case: Case, plan_id: UUID, span: Span) -> Case:
    return _ledger(case, kept_plans={**case.ledger.kept_plans, plan_id: span})


def _plan_ended(case: Case, plan_id: UUID, day: date) -> Case:
    span = case.ledger.kept_plans.get(plan_id)
    if span is None:
        return case
    return _kept(case, plan_id, replace(span, end=day))


def disputed_debts(case: Case) -> tuple[UUID, ...]:
    """Those that are in dispute now."""
    holds = [hold for hold in case.holds.values() if hold.kind == "dispute"]
    return tuple(key for key in case.debts if any(hold.debt_id in (None, key) for hold in holds))
