"""Arrangements: offered, accepted, kept or broken."""

from datetime import date, timedelta
from itertools import pairwise
from uuid import UUID

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import Context
from duecourse.case.days import check_day
from duecourse.case.errors import Invalid, TooEarly, Unknown, WrongState
from duecourse.case.lifecycle import withdrawn_referrals
from duecourse.case.state import Case, Plan
from duecourse.money.allocation import Owed, allocate, profile_for
from duecourse.money.amounts import format_minor


def offer_plan(case: Case, command: c.OfferPlan, context: Context) -> list[e.Event]:
    """Put a schedule to the debtor; an earlier offer that is still open is withdrawn."""
    if command.plan_id in case.plans:
        return []
    if case.active_plan is not None:
        raise WrongState("a plan is being kept; withdraw it before offering another", "plan_id")
    _check_sum(case, command)
    _check_dates(command, case.today(context.at))
    superseded: list[e.Event] = [
        e.PlanWithdrawn(at=context.at, plan_id=key, reason="another offer took its place")
        for key, plan in case.plans.items()
        if plan.status == "offered"
    ]
    offered = e.PlanOffered(
        at=context.at,
        plan_id=command.plan_id,
        kind=command.kind,
        currency=command.currency,
        instalments=command.instalments,
        waived_minor=command.waived_minor,
        expires_on=command.expires_on,
    )
    return [*superseded, offered, *to_negotiation(case, context, "a plan was offered")]


def _check_sum(case: Case, command: c.OfferPlan) -> None:
    if command.waived_minor and command.kind != "settlement":
        raise Invalid("only a settlement waives anything", "waived_minor")
    owed = case.outstanding(command.currency).total
    offered = sum(each.amount_minor for each in command.instalments) + command.waived_minor
    if not owed:
        raise Invalid(f"nothing is owed in {command.currency}", "currency")
    if offered != owed:
        raise Invalid(
            f"instalments and waiver add up to {format_minor(offered, command.currency)}, "
            f"but {format_minor(owed, command.currency)} {command.currency} is owed",
            "instalments",
        )


def _check_dates(command: c.OfferPlan, today: date) -> None:
    days = [each.due_on for each in command.instalments]
    if any(later <= earlier for earlier, later in pairwise(days)):
        raise Invalid("each instalment must be due after the one before", "instalments")
    check_day(days[-1], today, "instalments")
    check_day(command.expires_on, today, "expires_on")
    if days[0] < today:
        raise Invalid(f"the first instalment is due before today ({today})", "instalments")
    if command.expires_on < today:
        raise Invalid(f"the offer would have expired before today ({today})", "expires_on")


def accept_plan(case: Case, command: c.AcceptPlan, context: Context) -> list[e.Event]:
    plan = _plan(case, command.plan_id)
    if plan.status in {"active", "completed"}:
        return []
    if plan.status != "offered":
        raise WrongState(f"the plan is {plan.status}; offer a new one", "plan_id")
    if case.active_plan is not None:
        raise WrongState("another plan is being kept; withdraw it first", "plan_id")
    if case.today(context.at) > plan.expires_on:
        raise WrongState(f"the offer was open until {plan.expires_on}; offer a new one", "plan_id")
    owed = case.outstanding(plan.currency).total
    if owed != plan.total_minor + plan.waived_minor:
        raise WrongState("what is owed has changed since the offer; offer a new plan", "plan_id")
    accepted = e.PlanAccepted(at=context.at, plan_id=command.plan_id, evidence=command.evidence)
    return [accepted, *to_negotiation(case, context, "a plan was accepted")]


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
    if plan.status not in {"offered", "active"}:
        raise WrongState(f"the plan is {plan.status}", "plan_id")
    return [e.PlanWithdrawn(at=context.at, plan_id=command.plan_id, reason=command.reason)]


def lapse_offer(case: Case, command: c.LapseOffer, context: Context) -> list[e.Event]:
    plan = _plan(case, command.plan_id)
    if plan.status != "offered":
        return []
    if case.today(context.at) <= plan.expires_on:
        raise TooEarly(f"the offer is open until {plan.expires_on}", "plan_id")
    return [e.PlanLapsed(at=context.at, plan_id=command.plan_id)]


def judge_instalment(case: Case, command: c.JudgeInstalment, context: Context) -> list[e.Event]:
    """After the days of grace, say that an instalment was missed; enough of them break a plan."""
    plan = _plan(case, command.plan_id)
    if not 1 <= command.number <= len(plan.instalments):
        raise Unknown(f"the plan has {len(plan.instalments)} instalments", "number")
    if plan.status != "active" or command.number <= plan.met or command.number in plan.missed:
        return []
    terms = context.treatment
    due_on = plan.instalments[command.number - 1].due_on
    last_day = due_on + timedelta(days=terms.instalment_grace_days)
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
    if count < terms.missed_instalments_break_plan:
        return [missed]
    reason = f"{count} instalments were missed"
    return [missed, e.PlanBroken(at=context.at, plan_id=command.plan_id, reason=reason)]


def plan_progress(case: Case, context: Context) -> list[e.Event]:
    """What the money paid so far has met, of the plan that is being kept."""
    key = case.active_plan
    if key is None:
        return []
    plan = case.plans[key]
    events: list[e.Event] = [
        e.InstalmentMet(at=context.at, plan_id=key, number=number)
        for number in range(plan.met + 1, plan.covered() + 1)
    ]
    if plan.covered() < len(plan.instalments):
        return events
    completed = e.PlanCompleted(at=context.at, plan_id=key)
    return [*events, completed, *_waiver(case, plan, key, context)]


def _waiver(case: Case, plan: Plan, key: UUID, context: Context) -> list[e.Event]:
    """A completed settlement forgives the rest, up to what it said it would."""
    if not plan.waived_minor:
        return []
    owed = {
        debt_id: Owed(outstanding=account.outstanding, due_on=account.debt.due_on)
        for debt_id, account in case.active_debts.items()
        if account.debt.currency == plan.currency
    }
    parts = allocate(plan.waived_minor, owed, profile_for(case.debtor.jurisdiction))
    if not parts:
        return []
    waived = tuple(e.Allocation(debt_id=debt_id, paid=part) for debt_id, part in parts.items())
    return [e.BalanceWaived(at=context.at, plan_id=key, waived=waived)]


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
