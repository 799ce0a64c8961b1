"""How a case changes with plans: what is put to the debtor, charged, rescheduled, forgiven."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from msgspec.structs import replace

from duecourse.case import events as e
from duecourse.case.ledger import bears_interest
from duecourse.case.state import Assessment, Case, DebtAccount, Plan, PlanChange, PlanCharge
from duecourse.money.amounts import Buckets


def _changed(case: Case, plan_id: UUID, **fields: object) -> Case:
    """The case with some fields of a plan replaced."""
    return replace(case, plans={**case.plans, plan_id: replace(case.plans[plan_id], **fields)})


def _plan_of(offer: e.PlanOffered) -> Plan:
    return Plan(
        kind=offer.kind,
        currency=offer.currency,
        instalments=offer.instalments,
        waived_minor=offer.waived_minor,
        expires_on=offer.expires_on,
        offered_at=offer.at,
        terms=offer.terms,
        waive=offer.waive,
        early_payment=offer.early_payment,
        frozen_minor=offer.frozen_minor,
        grace_days=offer.grace_days,
        breaks_after_missed=offer.breaks_after_missed,
        fit=offer.fit,
        replaces=offer.replaces,
        approval=offer.approval,
        cap_unknown=offer.cap_unknown,
    )


def _offered(case: Case, event: e.PlanOffered) -> Case:
    """A plan that was proposed comes to its place among the newest when it is offered."""
    others = {key: plan for key, plan in case.plans.items() if key != event.plan_id}
    plan = _plan_of(event)
    if event.plan_id in case.plans:
        plan = replace(plan, drawn_at=case.plans[event.plan_id].since)
    return replace(case, plans={**others, event.plan_id: plan})


def _proposed(case: Case, event: e.PlanProposed) -> Case:
    plan = replace(
        _plan_of(event.offer),
        status="proposed",
        needs=event.needs,
        proposed_by=event.proposed_by,
    )
    return replace(case, plans={**case.plans, event.offer.plan_id: plan})


def _assessed(case: Case, event: e.AffordabilityAssessed) -> Case:
    assessment = Assessment(
        currency=event.currency,
        assessed_on=event.assessed_on,
        surplus_minor=event.surplus_minor,
        available_minor=event.available_minor,
    )
    return replace(case, assessments={**case.assessments, event.assessment_id: assessment})


def _cured(case: Case, event: e.InstalmentCured) -> Case:
    plan = case.plans[event.plan_id]
    return _changed(case, event.plan_id, cured=(*plan.cured, event.number))


def _with(case: Case, parts: Iterable[e.Allocation], sign: int) -> dict[UUID, DebtAccount]:
    debts = dict(case.debts)
    for each in parts:
        account = debts[each.debt_id]
        owed = account.outstanding
        outstanding = owed + each.paid if sign > 0 else owed - each.paid
        debts[each.debt_id] = replace(account, outstanding=outstanding)
    return debts


def _charged(case: Case, event: e.PlanInterestCharged) -> Case:
    plan = case.plans[event.plan_id]
    charge = PlanCharge(
        number=event.number,
        charged=event.charged,
        payment_id=event.payment_id,
        barred_minor=event.barred_minor,
    )
    after = _changed(case, event.plan_id, charges=(*plan.charges, charge))
    return replace(after, debts=_with(case, event.charged, +1))


def _returned(case: Case, event: e.PlanInterestReturned) -> Case:
    """The charge is undone; what of it had been paid meanwhile stays charged, under no payment.

    Where an account is worked out from value dates it is undone whole: the account says anew which
    payment paid what.
    """
    plan = case.plans[event.plan_id]
    if bears_interest(case, plan.currency):
        others = tuple(each for each in plan.charges if each.payment_id != event.payment_id)
        after = _changed(case, event.plan_id, charges=others)
        return replace(after, debts=_with(case, event.returned, -1))
    left = {part.debt_id: part.paid.interest for part in event.returned}
    charges: list[PlanCharge] = []
    for each in case.plans[event.plan_id].charges:
        if each.payment_id != event.payment_id:
            charges.append(each)
            continue
        kept: list[e.Allocation] = []
        for part in each.charged:
            back = min(left.get(part.debt_id, 0), part.paid.interest)
            left[part.debt_id] = left.get(part.debt_id, 0) - back
            if part.paid.interest > back:
                paid = Buckets(interest=part.paid.interest - back)
                kept.append(e.Allocation(debt_id=part.debt_id, paid=paid))
        if kept:
            barred = each.barred_minor
            charges.append(PlanCharge(number=each.number, charged=tuple(kept), barred_minor=barred))
    after = _changed(case, event.plan_id, charges=tuple(charges))
    return replace(after, debts=_with(case, event.returned, -1))


def _rescheduled(case: Case, event: e.PlanRescheduled) -> Case:
    plan = case.plans[event.plan_id]
    if event.payment_id:
        change = PlanChange(payment_id=event.payment_id, before=plan.instalments)
        changes = (*plan.changes, change)
    else:
        changes = plan.changes[: event.kept]
    after = replace(plan, instalments=event.instalments, changes=changes)
    after = replace(after, met=min(after.met, after.covered()))
    return replace(case, plans={**case.plans, event.plan_id: after})


def _waived(case: Case, event: e.BalanceWaived) -> Case:
    plan = case.plans[event.plan_id]
    stages = (event.stage,) * len(event.waived)
    after = _changed(
        case, event.plan_id,
        waiver=(*plan.waiver, *event.waived), waived_stages=(*plan.waived_stages, *stages),
    )  # fmt: skip
    return replace(after, debts=_with(case, event.waived, -1))


def _waiver_revoked(case: Case, event: e.WaiverRevoked) -> Case:
    plan = case.plans[event.plan_id]
    parts = list(zip(plan.waived_stages, plan.waiver, strict=True))
    gone = [part for stage, part in parts if not 0 < stage <= event.after_stage]
    kept = [(stage, part) for stage, part in parts if 0 < stage <= event.after_stage]
    after = _changed(
        case, event.plan_id,
        waiver=tuple(part for _, part in kept), waived_stages=tuple(stage for stage, _ in kept),
    )  # fmt: skip
    return replace(after, debts=_with(case, gone, +1))


# Any: each function takes its own event class.
APPLY_PLANS: Final[Mapping[type[e.Event], Callable[[Case, Any], Case]]] = {
    e.PlanOffered: _offered,
    e.PlanProposed: _proposed,
    e.AffordabilityAssessed: _assessed,
    e.InstalmentCured: _cured,
    e.PlanInterestCharged: _charged,
    e.PlanInterestReturned: _returned,
    e.PlanRescheduled: _rescheduled,
    e.BalanceWaived: _waived,
    e.WaiverRevoked: _waiver_revoked,
}
