"""Arrangements: offered, accepted, kept or broken."""

from functools import reduce
from typing import Final
from uuid import UUID

from msgspec.structs import asdict

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.affordability import fit_of
from duecourse.case.allocating import order_for
from duecourse.case.context import Context
from duecourse.case.early_payment import early_payment, schedule_back
from duecourse.case.errors import Invalid, TooEarly, Unknown, WrongState
from duecourse.case.evolve import evolve
from duecourse.case.grace import last_day_of_grace, rested_through
from duecourse.case.lifecycle import recall_demands, withdrawn_referrals
from duecourse.case.plan_approval import approval_of, needs_of, proposed
from duecourse.case.plan_drawing import drawn_up
from duecourse.case.plan_interest import charges_back
from duecourse.case.plan_limits import check_caps_found
from duecourse.case.plan_shares import plan_debts
from duecourse.case.plan_terms import PlanApproval
from duecourse.case.state import Case, Plan
from duecourse.money.figures import Heads
from duecourse.money.legal_orders import within_order
from duecourse.money.legal_places import HOUSE
from duecourse.money.settlements import WAIVED_FIRST
from duecourse.money.waterfall import OwedDebt, forgiven
from duecourse.rules.treatment import Treatment

NOBODY: Final = PlanApproval(needs=(), proposed_by="", approved_by="")


def offer_plan(case: Case, command: c.OfferPlan, context: Context) -> list[e.Event]:
    """Put a schedule to the debtor; an earlier offer that is still open is withdrawn.

    What needs a second person is proposed instead, and put to the debtor once that one approves.
    """
    if command.plan_id in case.plans:
        return []
    if case.active_plan is not None:
        raise WrongState("a plan is being kept; withdraw it before offering another", "plan_id")
    offer = drawn_up(case, command, context)
    needs = needs_of(case, offer, context)
    if needs:
        before = _superseded(case, context, {"proposed"})
        return [*before, proposed(offer, needs, command.override, context)]
    return _put_to_the_debtor(case, offer, context)


def approve_plan(case: Case, command: c.ApprovePlan, context: Context) -> list[e.Event]:
    """Four eyes: what one person proposed, another one puts to the debtor."""
    offer = approval_of(case, _plan(case, command.plan_id), command, context)
    if offer is None:
        return []
    if case.outstanding(offer.currency).total != _pays_off(case.plans[command.plan_id]):
        raise WrongState("what is owed has changed; propose a new plan", "plan_id")
    _check_caps_found(case, case.plans[command.plan_id], context)
    return _put_to_the_debtor(case, offer, context)


def _put_to_the_debtor(case: Case, offer: e.PlanOffered, context: Context) -> list[e.Event]:
    superseded = _superseded(case, context, {"offered", "proposed"}, but=offer.plan_id)
    return [*superseded, offer, *to_negotiation(case, context, "a plan was offered")]


def _superseded(
    case: Case, context: Context, statuses: set[str], but: UUID | None = None
) -> list[e.Event]:
    return [
        e.PlanWithdrawn(at=context.at, plan_id=key, reason="another offer took its place")
        for key, plan in case.plans.items()
        if plan.status in statuses and key != but
    ]


def _pays_off(plan: Plan) -> int:
    """What of the debts a plan settles: all but its interest, and what it forgives."""
    return plan.total_minor - plan.interest_minor + plan.waived_minor


def accept_plan(case: Case, command: c.AcceptPlan, context: Context) -> list[e.Event]:
    plan = _plan(case, command.plan_id)
    if plan.status in {"active", "completed"}:
        return []
    if not command.evidence.strip():
        raise Invalid("say how the debtor accepted, and where that is kept", "evidence")
    if plan.status != "offered":
        raise WrongState(f"the plan is {plan.status}; offer a new one", "plan_id")
    if case.active_plan is not None:
        raise WrongState("another plan is being kept; withdraw it first", "plan_id")
    if case.today(context.at) > plan.expires_on:
        raise WrongState(f"the offer was open until {plan.expires_on}; offer a new one", "plan_id")
    if case.outstanding(plan.currency).total != _pays_off(plan):
        raise WrongState("what is owed has changed since the offer; offer a new plan", "plan_id")
    if _is_above_by_now(case, plan, context):
        raise WrongState(
            "a form since the offer leaves the household less a month; offer a smaller plan",
            "plan_id",
        )
    _check_caps_found(case, plan, context)
    accepted = e.PlanAccepted(at=context.at, plan_id=command.plan_id, evidence=command.evidence)
    why = "a plan was accepted"
    recalled = recall_demands(case, context, why, currency=plan.currency)
    return [accepted, *to_negotiation(case, context, why), *recalled]


def _check_caps_found(case: Case, plan: Plan, context: Context) -> None:
    try:
        check_caps_found(case, plan, order_for(case, context, plan.currency))
    except Invalid as wrong:
        raise WrongState(
            f"a cap is known since it was drawn up: {wrong}; offer a plan within it", "plan_id"
        ) from None


def _is_above_by_now(case: Case, plan: Plan, context: Context) -> bool:
    fit = fit_of(case, plan.currency, plan.instalments, plan.terms, context)
    return fit.verdict == "above" and "above_surplus" not in (plan.approval or NOBODY).needs


def decline_plan(case: Case, command: c.DeclinePlan, context: Context) -> list[e.Event]:
    plan = _plan(case, command.plan_id)
    if plan.status == "declined":
        return []
    if plan.status != "offered":
        raise WrongState(f"the plan is {plan.status}; only an offer can be declined", "plan_id")
    return [e.PlanDeclined(at=context.at, plan_id=command.plan_id, reason=command.reason)]


def withdraw_plan(case: Case, command: c.WithdrawPlan, context: Context) -> list[e.Event]:
    plan = _plan(case, command.plan_id)
    if plan.status == "withdrawn":
        return []
    if plan.status not in {"proposed", "offered", "active"}:
        raise WrongState(f"the plan is {plan.status}", "plan_id")
    return [e.PlanWithdrawn(at=context.at, plan_id=command.plan_id, reason=command.reason)]


def lapse_offer(case: Case, command: c.LapseOffer, context: Context) -> list[e.Event]:
    plan = _plan(case, command.plan_id)
    if plan.status not in {"proposed", "offered"}:
        return []
    if case.today(context.at) <= plan.expires_on:
        raise TooEarly(f"the offer is open until {plan.expires_on}", "plan_id")
    if plan.status == "proposed":
        reason = "nobody approved it in time"
        return [e.PlanWithdrawn(at=context.at, plan_id=command.plan_id, reason=reason)]
    return [e.PlanLapsed(at=context.at, plan_id=command.plan_id)]


def judge_instalment(case: Case, command: c.JudgeInstalment, context: Context) -> list[e.Event]:
    """After the days of grace, say that an instalment was missed; enough of them break a plan.

    Never under a hold that stops collection.
    """
    plan = _plan(case, command.plan_id)
    if not 1 <= command.number <= len(plan.instalments):
        raise Unknown(f"the plan has {len(plan.instalments)} instalments", "number")
    if plan.status != "active" or command.number <= plan.met or command.number in plan.missed:
        return []
    due_on = plan.instalments[command.number - 1].due_on
    rested = rested_through(case, plan.currency)
    last_day = last_day_of_grace(due_on, grace_days(plan, context.treatment), rested)
    if last_day is None:
        raise TooEarly("a hold stops collection; wait until it is over", "number")
    if case.today(context.at) <= last_day:
        raise TooEarly(f"the instalment may be paid until {last_day}", "number")
    due = sum(each.amount_minor for each in plan.instalments[: command.number])
    missed = e.InstalmentMissed(
        at=context.at,
        plan_id=command.plan_id,
        number=command.number,
        short_minor=due - plan.paid_minor,
    )
    count = len(plan.missed) + 1
    if count < (plan.breaks_after_missed or context.treatment.missed_instalments_break_plan):
        return [missed]
    reason = f"{count} instalments were missed"
    return [missed, e.PlanBroken(at=context.at, plan_id=command.plan_id, reason=reason)]


def plan_progress(case: Case, context: Context, payment_id: str = "") -> list[e.Event]:
    """What the money paid so far has met, of the plan that is being kept."""
    key = case.active_plan
    if key is None:
        return []
    changed = early_payment(case, key, payment_id, context) if payment_id else []
    case = reduce(evolve, changed, case)
    plan = case.plans[key]
    events = [*changed, *_met(case, key, context)]
    is_paid_off = not case.outstanding(plan.currency).total
    if plan.covered() < len(plan.instalments) and not is_paid_off:
        return [*events, *_stage_waiver(case, plan, key, context)]
    completed = e.PlanCompleted(at=context.at, plan_id=key)
    return [*events, completed, *_waiver(case, plan, key, context)]


def _met(case: Case, key: UUID, context: Context) -> list[e.Event]:
    """Each instalment that is paid by now; one that had been missed is cured by that."""
    plan, today = case.plans[key], case.today(context.at)
    events: list[e.Event] = []
    for number in range(plan.met + 1, plan.covered() + 1):
        events.append(e.InstalmentMet(at=context.at, plan_id=key, number=number))
        if number in plan.missed:
            late = max((today - plan.instalments[number - 1].due_on).days, 0)
            events.append(
                e.InstalmentCured(at=context.at, plan_id=key, number=number, days_late=late)
            )
    return events


def _stage_waiver(case: Case, plan: Plan, key: UUID, context: Context) -> list[e.Event]:
    """With each stage of such a settlement as large a part is forgiven as was paid of it."""
    stage = plan.covered()
    if plan.waive != "in_step" or not plan.waived_minor or not stage:
        return []
    paid = sum(each.amount_minor for each in plan.instalments[:stage])
    reached = plan.waived_minor * paid // plan.total_minor
    return _forgiven(case, key, context, reached=reached, stage=stage)


def _waiver(case: Case, plan: Plan, key: UUID, context: Context) -> list[e.Event]:
    """A completed settlement forgives the rest, up to what it said it would."""
    stage = len(plan.instalments) if plan.waive == "in_step" else 0
    return _forgiven(case, key, context, reached=plan.waived_minor, stage=stage)


def _forgiven(
    case: Case, key: UUID, context: Context, *, reached: int, stage: int
) -> list[e.Event]:
    """Forgive so much in all, less what was forgiven before."""
    plan = case.plans[key]
    amount = reached - sum(each.paid.total for each in plan.waiver)
    debts = [
        OwedDebt(
            debt_id=str(debt_id),
            outstanding=Heads(**asdict(account.outstanding)),
            due_on=account.debt.due_on,
        )
        for debt_id, account in plan_debts(case, plan.currency).items()
    ]
    order = WAIVED_FIRST if stage else within_order(HOUSE).order
    parts = forgiven(max(amount, 0), debts, order)
    if not parts:
        return []
    waived = tuple(e.Allocation(debt_id=UUID(key), paid=part) for key, part in parts.items())
    return [e.BalanceWaived(at=context.at, plan_id=key, waived=waived, stage=stage)]


def undone_by_reversal(
    before: Case, after: Case, payment_id: str, context: Context
) -> list[e.Event]:
    """What plans lose with a payment that went back: what it forgave, changed, charged, completed."""
    events = charges_back(after, payment_id, context)
    for key in before.payments[payment_id].plans:
        was, now = before.plans[key], after.plans[key]
        events += _waivers_lost(was, now, key, context)
        events += _schedule_back(after, key, payment_id, context)
        if was.status == "completed" and now.status != "completed" and before.active_plan:
            reason = "a payment was reversed while another plan was being kept"
            events.append(e.PlanBroken(at=context.at, plan_id=key, reason=reason))
    return events


def _schedule_back(case: Case, key: UUID, payment_id: str, context: Context) -> list[e.Event]:
    """As it was before the payment; money that came early after it counts as early again."""
    back = schedule_back(case, key, payment_id, context)
    if not back or case.plans[key].status != "active":
        return back
    case = reduce(evolve, back, case)
    others = [
        name
        for name, payment in case.payments.items()
        if key in payment.plans and not payment.reversed
    ]
    again = early_payment(case, key, others[-1], context) if others else []
    return [*back, *again, *_met(reduce(evolve, again, case), key, context)]


def _waivers_lost(was: Plan, now: Plan, key: UUID, context: Context) -> list[e.Event]:
    if now.waive == "in_step":
        lost = any(stage > now.met for stage in now.waived_stages)
        stage = now.met
    else:
        lost = bool(now.waiver) and was.status == "completed" and now.status != "completed"
        stage = 0
    return [e.WaiverRevoked(at=context.at, plan_id=key, after_stage=stage)] if lost else []


def grace_days(plan: Plan, treatment: Treatment) -> int:
    """What was agreed; for plans from before that was kept, the house's terms of today."""
    return treatment.instalment_grace_days if plan.grace_days is None else plan.grace_days


def to_negotiation(case: Case, context: Context, reason: str) -> list[e.Event]:
    """Talking is always the better stage: a case comes back to it from anywhere."""
    if case.stage in {"negotiation", "legal"}:
        return []
    moved = e.StageMoved(at=context.at, to="negotiation", reason=reason)
    return [moved, *withdrawn_referrals(case, context, reason)]


def _plan(case: Case, plan_id: UUID) -> Plan:
    plan = case.plans.get(plan_id)
    if plan is None:
        raise Unknown(f"the case has no plan {plan_id}", "plan_id")
    return plan
