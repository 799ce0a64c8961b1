"""Plans that need a second person: above what the household can pay, or one after too many."""

from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import Context
from duecourse.case.errors import Invalid, NotAllowed, WrongState
from duecourse.case.plan_drawing import check_open, offered_again
from duecourse.case.plan_terms import Need, PlanApproval
from duecourse.case.replans import is_one_too_many
from duecourse.case.state import Case, Plan
from duecourse.case.words import Role
from duecourse.money.amounts import format_minor

APPROVERS: frozenset[Role] = frozenset({"collector", "legal"})


def needs_of(case: Case, offer: e.PlanOffered, context: Context) -> tuple[Need, ...]:
    """Why the plan may not be offered by one person alone; mostly there is no reason."""
    needs: list[Need] = []
    if offer.fit is not None and offer.fit.verdict == "above":
        needs.append("above_surplus")
    if is_one_too_many(case, case.today(context.at), context.treatment.replans_per_year):
        needs.append("replan_limit")
    return tuple(needs)


def proposed(offer: e.PlanOffered, needs: tuple[Need, ...], why: str, context: Context) -> e.Event:
    """What is recorded in the place of an offer. Raises Invalid without a reason for it."""
    if not why.strip():
        raise Invalid(
            f"{_said(offer, needs)}; or say in `override` why, for another person", "override"
        )
    return e.PlanProposed(
        at=context.at, offer=offer, needs=needs, reason=why, proposed_by=context.actor.id
    )


def _said(offer: e.PlanOffered, needs: tuple[Need, ...]) -> str:
    if "above_surplus" in needs and offer.fit is not None:
        asked, left = (
            format_minor(minor, offer.currency)
            for minor in (offer.fit.per_month_minor, offer.fit.available_minor)
        )
        return (
            f"the plan asks for {asked} {offer.currency} a month, and the household has {left} left:"
            " take smaller instalments"
        )
    return "too many plans were not kept within twelve months: review for hardship first"


def approval_of(
    case: Case, plan: Plan, command: c.ApprovePlan, context: Context
) -> e.PlanOffered | None:
    """The offer, by a second person. None when it was approved before."""
    if plan.approval is not None:
        return None
    if plan.status != "proposed":
        raise WrongState(f"the plan is {plan.status}; only a proposed one is approved", "plan_id")
    if context.actor.role not in APPROVERS:
        raise NotAllowed("a plan is approved by a person who works on cases")
    if context.actor.id == plan.proposed_by:
        raise NotAllowed("a plan is approved by another person than the one who proposed it")
    if case.active_plan is not None:
        raise WrongState("a plan is being kept; withdraw it before offering another", "plan_id")
    today = case.today(context.at)
    check_open(plan.instalments[0].due_on, plan.expires_on, today, "plan_id")
    offer = offered_again(command.plan_id, case, context)
    if more := set(needs_of(case, offer, context)) - set(plan.needs):
        raise WrongState(
            f"meanwhile it is {', '.join(sorted(more))} too; propose it anew", "plan_id"
        )
    approval = PlanApproval(
        needs=plan.needs, proposed_by=plan.proposed_by, approved_by=context.actor.id
    )
    return replace(offer, approval=approval)
