"""Legal action: proposed, approved by a second person, filed, decided."""

from typing import Final, Literal
from uuid import UUID

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.actions import refused_action
from duecourse.case.context import Context
from duecourse.case.errors import Invalid, NotAllowed, StageNotReady, Unknown, WrongState
from duecourse.case.lifecycle import claimable, missing_for_legal
from duecourse.case.state import Case, Referral
from duecourse.case.words import ENDS_ACTION

_UNDER_WAY: Final = frozenset({"proposed", "approved", "filing"})


def propose_referral(case: Case, command: c.ProposeReferral, context: Context) -> list[e.Event]:
    if command.referral_id in case.referrals:
        return []
    missing = missing_for_legal(case)
    if missing:
        raise StageNotReady(f"not ready for legal action: {'; '.join(missing)}", "grounds")
    if any(each.status in _UNDER_WAY for each in case.referrals.values()):
        raise WrongState("another referral is under way", "referral_id")
    return proposal(case, context, command.referral_id, command.grounds)


def proposal(case: Case, context: Context, referral_id: UUID, grounds: str) -> list[e.Event]:
    proposed = e.LegalReferralProposed(
        at=context.at,
        referral_id=referral_id,
        grounds=grounds,
        debt_ids=claimable(case),
        proposed_by=context.actor.id,
    )
    if case.stage in {"pre_legal", "legal"}:
        return [proposed]
    moved = e.StageMoved(at=context.at, to="pre_legal", reason="legal action was proposed")
    return [moved, proposed]


def approve_referral(case: Case, command: c.ApproveReferral, context: Context) -> list[e.Event]:
    """Four eyes: legal staff, and another person than the one who proposed it. Then the rules."""
    referral = _referral(case, command.referral_id)
    if referral.status in {"approved", "filing", "filed"}:
        return []
    if referral.status not in {"proposed", "failed"}:
        raise WrongState(f"the referral is {referral.status}", "referral_id")
    if context.actor.role != "legal":
        raise NotAllowed("only legal staff may approve a referral")
    if context.actor.id == referral.proposed_by:
        raise NotAllowed("a referral is approved by another person than the one who proposed it")
    if any(each is not referral and each.status in _UNDER_WAY for each in case.referrals.values()):
        raise WrongState("another referral is under way; withdraw it first", "referral_id")
    missing = missing_for_legal(case, referral.debt_ids)
    if missing:
        raise StageNotReady(f"no longer ready for legal action: {'; '.join(missing)}")
    refused = _refused(case, context, command.referral_id, "approval")
    if refused is not None:
        return [refused]
    approved = e.LegalReferralApproved(
        at=context.at,
        referral_id=command.referral_id,
        adapter=command.adapter,
        approved_by=context.actor.id,
    )
    if case.stage == "legal":
        return [approved]
    return [approved, e.StageMoved(at=context.at, to="legal", reason="the referral was approved")]


def decline_referral(case: Case, command: c.DeclineReferral, context: Context) -> list[e.Event]:
    referral = _referral(case, command.referral_id)
    if referral.status == "declined":
        return []
    if referral.status != "proposed":
        raise WrongState(f"the referral is {referral.status}", "referral_id")
    if context.actor.role != "legal":
        raise NotAllowed("only legal staff may decline a referral")
    declined = e.LegalReferralDeclined(
        at=context.at,
        referral_id=command.referral_id,
        reason=command.reason,
        declined_by=context.actor.id,
    )
    return [declined, *_back(case, context, "the referral was declined")]


def withdraw_referral(case: Case, command: c.WithdrawReferral, context: Context) -> list[e.Event]:
    referral = _referral(case, command.referral_id)
    if referral.status == "withdrawn":
        return []
    if referral.status not in {"proposed", "approved", "failed"}:
        raise WrongState(f"the referral is {referral.status}", "referral_id")
    withdrawn = e.LegalReferralWithdrawn(
        at=context.at, referral_id=command.referral_id, reason=command.reason
    )
    return [withdrawn, *_back(case, context, "the referral was withdrawn")]


def _back(case: Case, context: Context, reason: str) -> list[e.Event]:
    if case.stage not in {"pre_legal", "legal"}:
        return []
    return [e.StageMoved(at=context.at, to="negotiation", reason=reason)]


def start_filing(case: Case, command: c.StartFiling, context: Context) -> list[e.Event]:
    """The last look before the claim leaves: what comes in after this is too late to stop it."""
    referral = _referral(case, command.referral_id)
    if referral.status in {"filing", "filed"} or _was_refused(case, command.referral_id):
        return []
    if referral.status != "approved" or case.stage != "legal":
        raise WrongState(f"the referral is {referral.status}, the case {case.stage}", "referral_id")
    missing = missing_for_legal(case, referral.debt_ids)
    if missing:
        raise StageNotReady(f"no longer ready for legal action: {'; '.join(missing)}")
    refused = _refused(case, context, command.referral_id, "filing")
    if refused is not None:
        return [refused]
    return [
        e.FilingStarted(at=context.at, referral_id=command.referral_id, adapter=referral.adapter)
    ]


def _was_refused(case: Case, referral_id: UUID) -> bool:
    """Whether the rules said no when it was to be filed: it waits for another approval."""
    return case.referrals[referral_id].status == "failed" and referral_id in case.refusals


def _refused(
    case: Case, context: Context, referral_id: UUID, moment: Literal["approval", "filing"]
) -> e.ActionRefused | None:
    """What the rules say to a claim for what the referral is about; None when they agree."""
    debts = case.referrals[referral_id].debt_ids
    return refused_action(case, context, "legal_action", referral_id, debts, moment=moment)


def record_filing(case: Case, command: c.RecordFiling, context: Context) -> list[e.Event]:
    if _referral(case, command.referral_id).status == "filed":
        return []
    return [
        e.ClaimFiled(
            at=context.at,
            referral_id=command.referral_id,
            adapter=command.adapter,
            reference=command.reference,
            bundle_sha256=command.bundle_sha256,
            documents=command.documents,
        )
    ]


def record_filing_failure(
    case: Case, command: c.RecordFilingFailure, context: Context
) -> list[e.Event]:
    if _referral(case, command.referral_id).status not in {"approved", "filing"}:
        return []
    return [
        e.FilingFailed(
            at=context.at,
            referral_id=command.referral_id,
            adapter=command.adapter,
            problems=command.problems,
        )
    ]


def record_court_outcome(
    case: Case, command: c.RecordCourtOutcome, context: Context
) -> list[e.Event]:
    """The court's answer, entered by a person. It is a report: refused only for a day to come."""
    referral = _referral(case, command.referral_id)
    today = case.today(context.at)
    if command.occurred_on > today:
        raise Invalid(f"it cannot have come after today ({today})", "occurred_on")
    if referral.outcome == command.outcome and command.court_reference in (
        "",
        referral.court_reference,
    ):
        return []
    answer = e.CourtOutcomeRecorded(
        at=context.at,
        referral_id=command.referral_id,
        outcome=command.outcome,
        court_reference=command.court_reference,
        occurred_on=command.occurred_on,
        note=command.note,
    )
    if command.outcome not in ENDS_ACTION or _is_elsewhere(case, command.referral_id):
        return [answer]
    return [answer, *_back(case, context, f"the court action ended: {command.outcome}")]


def _is_elsewhere(case: Case, ended: UUID) -> bool:
    """Whether another referral keeps the case where it is."""
    return any(
        each.status in _UNDER_WAY or (each.status == "filed" and each.outcome not in ENDS_ACTION)
        for key, each in case.referrals.items()
        if key != ended
    )


def _referral(case: Case, referral_id: UUID) -> Referral:
    referral = case.referrals.get(referral_id)
    if referral is None:
        raise Unknown(f"the case has no referral {referral_id}", "referral_id")
    return referral
