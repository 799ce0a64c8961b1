"""What stops or goes to court: holds and legal referrals."""

from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from duecourse.case import commands as c
from duecourse.case.events import ActionRefused
from duecourse_api.asking import Answer, Asking
from duecourse_api.bodies import (
    Approval,
    Because,
    HoldAnswer,
    HoldEnd,
    HoldLift,
    NewBureauReport,
    NewDispute,
    NewHold,
    NewOutcome,
    NewReferral,
)
from duecourse_api.configured import require_filing
from duecourse_api.routing import PathName, changes, creates


@creates("/cases/{case_id:uuid}/holds")
async def place_hold(
    case_id: FromPath[UUID], data: JSONBody[NewHold], asking: NamedDependency[Asking]
) -> Response[Answer]:
    """Stop what the hold protects from; contacts that have not left are called back."""
    command = c.PlaceHold(
        hold_id=data.hold_id or str(asking.new_id("hold")),
        kind=data.kind,
        authority=data.authority,
        blocks=data.blocks,
        until=data.until,
        debt_id=data.debt_id,
        variant=data.variant,
        reason=data.reason,
        purpose=data.purpose,
        deferred=data.deferred,
        evidence=data.evidence,
    )
    return await asking.carry_out(case_id, command, created=True)


@creates("/cases/{case_id:uuid}/disputes")
async def raise_dispute(
    case_id: FromPath[UUID], data: JSONBody[NewDispute], asking: NamedDependency[Asking]
) -> Response[Answer]:
    """Keep what the debtor says is wrong with a debt; it rests until it is answered."""
    command = c.RaiseDispute(
        hold_id=data.hold_id or str(asking.new_id("dispute")),
        debt_id=data.debt_id,
        ground=data.ground,
        said=data.said,
        evidence=data.evidence,
        amount_minor=data.amount_minor,
    )
    return await asking.carry_out(case_id, command, created=True)


@changes("/cases/{case_id:uuid}/holds/{hold_id:str}/answer")
async def answer_hold(
    case_id: FromPath[UUID],
    hold_id: PathName,
    data: JSONBody[HoldAnswer],
    asking: NamedDependency[Asking],
) -> Response[Answer]:
    """Answer a dispute, a request for verification, a complaint, or hardship."""
    command = c.AnswerHold(
        hold_id=hold_id,
        outcome=data.outcome,
        answered_on=data.answered_on,
        reason=data.reason,
        evidence=data.evidence,
    )
    return await asking.carry_out(case_id, command)


@changes("/cases/{case_id:uuid}/holds/{hold_id:str}/end")
async def set_hold_end(
    case_id: FromPath[UUID],
    hold_id: PathName,
    data: JSONBody[HoldEnd],
    asking: NamedDependency[Asking],
) -> Response[Answer]:
    """Give a hold another last day, or say when the treatment ended that it waits for.

    Sooner than it was, of a hold that stands on a law: by legal staff alone, on `evidence`.
    """
    command = c.SetHoldEnd(
        hold_id=hold_id,
        reason=data.reason,
        until=data.until,
        treatment_ended_on=data.treatment_ended_on,
        evidence=data.evidence,
    )
    return await asking.carry_out(case_id, command)


@changes("/cases/{case_id:uuid}/holds/{hold_id:str}/lift")
async def lift_hold(
    case_id: FromPath[UUID],
    hold_id: PathName,
    data: JSONBody[HoldLift],
    asking: NamedDependency[Asking],
) -> Response[Answer]:
    """End a hold; one that stands on a law, before its time, by legal staff alone, on `evidence`."""
    command = c.LiftHold(hold_id=hold_id, reason=data.reason, evidence=data.evidence)
    return await asking.carry_out(case_id, command)


@creates("/cases/{case_id:uuid}/referrals")
async def propose_referral(
    case_id: FromPath[UUID], data: JSONBody[NewReferral], asking: NamedDependency[Asking]
) -> Response[Answer]:
    """Propose legal action, when everything fairer has been tried."""
    command = c.ProposeReferral(referral_id=asking.new_id("referral"), grounds=data.grounds)
    return await asking.carry_out(case_id, command, created=True)


@changes("/cases/{case_id:uuid}/referrals/{referral_id:uuid}/approval")
async def approve_referral(
    case_id: FromPath[UUID],
    referral_id: FromPath[UUID],
    data: JSONBody[Approval],
    asking: NamedDependency[Asking],
) -> Response[Answer]:
    """Approve legal action that another person proposed; a rule may still refuse it."""
    require_filing(asking.services, data.adapter)
    command = c.ApproveReferral(referral_id=referral_id, adapter=data.adapter)
    return await asking.carry_out(case_id, command)


@changes("/cases/{case_id:uuid}/referrals/{referral_id:uuid}/decline")
async def decline_referral(
    case_id: FromPath[UUID],
    referral_id: FromPath[UUID],
    data: JSONBody[Because],
    asking: NamedDependency[Asking],
) -> Response[Answer]:
    """Say no to legal action; the way back to talking is open."""
    command = c.DeclineReferral(referral_id=referral_id, reason=data.reason)
    return await asking.carry_out(case_id, command)


@changes("/cases/{case_id:uuid}/referrals/{referral_id:uuid}/withdrawal")
async def withdraw_referral(
    case_id: FromPath[UUID],
    referral_id: FromPath[UUID],
    data: JSONBody[Because],
    asking: NamedDependency[Asking],
) -> Response[Answer]:
    """Take a referral back before it is filed."""
    command = c.WithdrawReferral(referral_id=referral_id, reason=data.reason)
    return await asking.carry_out(case_id, command)


@creates("/cases/{case_id:uuid}/referrals/{referral_id:uuid}/outcomes")
async def record_outcome(
    case_id: FromPath[UUID],
    referral_id: FromPath[UUID],
    data: JSONBody[NewOutcome],
    asking: NamedDependency[Asking],
) -> Response[Answer]:
    """Enter what the court answered."""
    command = c.RecordCourtOutcome(
        referral_id=referral_id,
        outcome=data.outcome,
        occurred_on=data.occurred_on,
        court_reference=data.court_reference,
        note=data.note,
    )
    return await asking.carry_out(case_id, command, created=True)


@creates("/cases/{case_id:uuid}/bureau-reports")
async def request_bureau_report(
    case_id: FromPath[UUID], data: JSONBody[NewBureauReport], asking: NamedDependency[Asking]
) -> Response[Answer]:
    """Ask the rules whether a bureau may be told: 201 and a permission, or 200 and the refusal."""
    command = c.RequestBureauReport(
        report_id=asking.new_id("bureau report"), bureau=data.bureau, debts=data.debts
    )
    response = await asking.carry_out(case_id, command, created=True)
    if any(isinstance(event, ActionRefused) for event in response.content.events):
        response.status_code = 200
    return response


HANDLERS = [
    place_hold,
    raise_dispute,
    answer_hold,
    set_hold_end,
    lift_hold,
    propose_referral,
    approve_referral,
    decline_referral,
    withdraw_referral,
    record_outcome,
    request_bureau_report,
]
