"""Plans: what a household can pay, what is offered, who agrees, and what was agreed."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case.agreement import PlanAgreement, agreement
from duecourse.case.decide import decide
from duecourse.case.errors import Invalid
from duecourse.case.plan_preview import PlanPreview, PlansCompared, compared, preview_in
from duecourse.case.plan_terms import PlanTerms
from duecourse.case.state import Case
from duecourse_api.asking import Answer, Asking, versioned
from duecourse_api.bodies import (
    Acceptance,
    Because,
    Decline,
    NewAssessment,
    NewPlan,
    TwoPlans,
)
from duecourse_api.login import Caller
from duecourse_api.masking import masked
from duecourse_api.routing import DryRun, changes, creates, reads
from duecourse_api.services import Services


class PlanAnswer(Answer, frozen=True, kw_only=True):
    """With the whole plan as it was offered, proposed, or would be."""

    plan: PlanPreview | None = None


@creates("/cases/{case_id:uuid}/affordability")
async def record_affordability(
    case_id: FromPath[UUID], data: JSONBody[NewAssessment], asking: NamedDependency[Asking]
) -> Response[Answer]:
    """Keep an income-and-expenditure form. Plans are judged by what it leaves a month."""
    command = c.RecordAffordability(
        assessment_id=asking.new_id("assessment"),
        form=data.form(),
        assessed_on=data.assessed_on,
        evidence=data.evidence,
    )
    return await asking.carry_out(case_id, command, created=True)


@creates("/cases/{case_id:uuid}/plans")
async def offer_plan(
    case_id: FromPath[UUID],
    data: JSONBody[NewPlan],
    asking: NamedDependency[Asking],
    *,
    dry_run: DryRun = False,
) -> Response[PlanAnswer]:
    """Put a plan to the debtor. Instalments and waiver must add up to what is owed.

    Above the surplus of the household it needs an `override` and another person's approval.
    """
    case = (await asking.load(case_id)).case
    command = _command(data, asking.new_id("plan"))
    if dry_run:
        answer = await asking.try_out(case_id, command)
    else:
        answer = await asking.carry_out(case_id, command, created=True)
    return _with_plan(answer, case, asking)


@changes("/cases/{case_id:uuid}/plans/comparison")
async def compare_plans(
    case_id: FromPath[UUID], data: JSONBody[TwoPlans], asking: NamedDependency[Asking]
) -> Response[PlansCompared]:
    """Two plans beside each other, each checked as if it were offered now. Records nothing.

    One that would need another person is shown too, and says so.
    """
    loaded = await asking.load(case_id)
    a, b = (
        _previewed(plan, loaded.case, name, asking) for name, plan in (("a", data.a), ("b", data.b))
    )
    return Response(compared(a, b), headers=versioned(loaded.version))


def _previewed(data: NewPlan, case: Case, name: str, asking: Asking) -> PlanPreview:
    context = asking.context(case)
    try:
        command = _command(data, asking.new_id(f"plan/{name}"))
        command = replace(command, override=command.override or "to compare")
        events = decide(case, command, context)
    except Invalid as wrong:
        raise Invalid(str(wrong), f"{name}.{wrong.field}") from None
    preview = preview_in(events, context.rules, case.debtor.jurisdiction)
    assert preview is not None, "an id of its own: it is no repeat"
    return preview


def _with_plan(answer: Response[Answer], case: Case, asking: Asking) -> Response[PlanAnswer]:
    rules, jurisdiction = asking.context(case).rules, case.debtor.jurisdiction
    content = PlanAnswer(
        **msgspec.structs.asdict(answer.content),
        plan=preview_in(answer.content.events, rules, jurisdiction),
    )
    return Response(content, status_code=answer.status_code, headers=answer.headers)


def _command(data: NewPlan, plan_id: UUID) -> c.OfferPlan:
    return c.OfferPlan(
        plan_id=plan_id,
        kind=data.kind,
        currency=data.currency,
        expires_on=data.expires_on,
        instalments=tuple(each.record() for each in data.instalments),
        waived_minor=data.waived_minor,
        terms=_terms(data),
        waive=data.waive,
        early_payment=data.early_payment,
        grace_days=data.grace_days,
        override=data.override,
    )


def _terms(data: NewPlan) -> PlanTerms | None:
    """Equal parts by `count` and `first_due_on` are terms like others."""
    if data.count is None or data.first_due_on is None:
        return data.terms
    return PlanTerms(first_on=data.first_due_on, count=data.count)


@changes("/cases/{case_id:uuid}/plans/{plan_id:uuid}/approval")
async def approve_plan(
    case_id: FromPath[UUID], plan_id: FromPath[UUID], asking: NamedDependency[Asking]
) -> Response[PlanAnswer]:
    """Approve what another person proposed: it is put to the debtor."""
    case = (await asking.load(case_id)).case
    answer = await asking.carry_out(case_id, c.ApprovePlan(plan_id=plan_id))
    return _with_plan(answer, case, asking)


@changes("/cases/{case_id:uuid}/plans/{plan_id:uuid}/acceptance")
async def accept_plan(
    case_id: FromPath[UUID],
    plan_id: FromPath[UUID],
    data: JSONBody[Acceptance],
    asking: NamedDependency[Asking],
) -> Response[Answer]:
    """The debtor agreed."""
    return await asking.carry_out(case_id, c.AcceptPlan(plan_id=plan_id, evidence=data.evidence))


@changes("/cases/{case_id:uuid}/plans/{plan_id:uuid}/decline")
async def decline_plan(
    case_id: FromPath[UUID],
    plan_id: FromPath[UUID],
    data: JSONBody[Decline],
    asking: NamedDependency[Asking],
) -> Response[Answer]:
    """The debtor said no."""
    return await asking.carry_out(case_id, c.DeclinePlan(plan_id=plan_id, reason=data.reason))


@changes("/cases/{case_id:uuid}/plans/{plan_id:uuid}/withdrawal")
async def withdraw_plan(
    case_id: FromPath[UUID],
    plan_id: FromPath[UUID],
    data: JSONBody[Because],
    asking: NamedDependency[Asking],
) -> Response[Answer]:
    """Take a proposal, an offer or a running plan back."""
    return await asking.carry_out(case_id, c.WithdrawPlan(plan_id=plan_id, reason=data.reason))


@reads("/cases/{case_id:uuid}/plans/{plan_id:uuid}/agreement")
def show_agreement(
    request: Request[Caller, Any, Any],
    services: NamedDependency[Services],
    case_id: FromPath[UUID],
    plan_id: FromPath[UUID],
) -> Response[PlanAgreement]:
    """All that a plan agreement says, as figures and facts."""
    loaded = services.engine.load(case_id)
    context = services.context_for(request.user.actor, services.clock())
    found = agreement(loaded.case, plan_id, context.treatment)
    shown = found if request.user.sees_personal else masked(found)
    return Response(shown, headers=versioned(loaded.version))


HANDLERS = [
    record_affordability,
    offer_plan,
    compare_plans,
    approve_plan,
    accept_plan,
    decline_plan,
    withdraw_plan,
    show_agreement,
]
