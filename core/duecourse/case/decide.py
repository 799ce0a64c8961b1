"""What a command makes happen.

Pure: no clock, no randomness, no database. The context brings the time, the person and the
rules. A senseless ask raises CaseError; what a rule forbids is an event; a repeat gives nothing.
"""

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any, Final

from duecourse.case import (
    accrual,
    actions,
    adjustments,
    affordability,
    agreed_interest,
    contacts,
    disputes,
    holds,
    legal,
    lifecycle,
    limitation_asks,
    payments,
    plan_interest,
    plans,
    refunds,
    replies,
    steps,
    terms,
)
from duecourse.case import commands as c
from duecourse.case.context import Context
from duecourse.case.errors import CaseIsClosed, CaseNotFound
from duecourse.case.events import Event
from duecourse.case.evolve import evolve
from duecourse.case.state import Case

# Asks that make sense for a closed case.
_EVEN_CLOSED: Final = frozenset(
    {
        c.ReopenCase,
        c.CloseCase,
        c.StartDispatch,
        c.RequestContact,
        c.ReconcileContact,
        c.ReadReply,
        c.RecordRefund,
        c.ReturnRefund,
        c.PlaceDebt,
        c.AddCosts,
        c.ApproveAdjustment,
        c.AllocateOverpayment,
    }
)
# A verdict can be found again from the log alone, so what the settings say goes there first.
_ASKS_THE_RULES: Final = frozenset(
    {
        c.RequestContact,
        c.StartDispatch,
        c.FollowTreatment,
        c.ApproveReferral,
        c.StartFiling,
        c.RequestBureauReport,
    }
)
# What is agreed on, claimed or said is the sum of today.
_ASKS_THE_SUM: Final = frozenset({c.OfferPlan, c.MakePromise, c.FollowTreatment, c.StartFiling})
_ENDS_A_HOLD: Final = frozenset({c.LiftHold, c.ExpireHold})


def decide(case: Case | None, command: c.Command, context: Context) -> list[Event]:
    """Say what happens when `command` meets `case`.

    `context.at` must not be before `case.at`. Raises CaseError when the ask makes no sense for
    the case as it stands; the case is then unchanged.
    """
    if isinstance(command, c.OpenCase):
        return lifecycle.open_case(case, command, context)
    if case is None:
        raise CaseNotFound("there is no such case")
    assert context.at >= case.at, "time never runs backwards within a case"
    if isinstance(command, c.CloseCase) and case.is_closed:
        return []
    kind = type(command)
    if case.is_closed and isinstance(command, c.Ask) and kind not in _EVEN_CLOSED:
        raise CaseIsClosed("the case is closed; reopen it first")
    known: list[Event] = accrual.accrued(case, context) if kind in _ASKS_THE_SUM else []
    if kind in _ASKS_THE_RULES:
        known += terms.licence_recorded(case, context)
    if kind in _ENDS_A_HOLD and case.ledger.terms:
        events = DECIDE[kind](case, command, context)
        return [*events, *accrual.thawed(reduce(evolve, events, case), context)] if events else []
    if not known:
        return DECIDE[kind](case, command, context)
    events = DECIDE[kind](reduce(evolve, known, case), command, context)
    return [*known, *events] if events else []


# Any: each function takes its own command class; a test checks that every class is here.
DECIDE: Final[Mapping[type[c.Command], Callable[[Case, Any, Context], list[Event]]]] = {
    c.PlaceDebt: lifecycle.place_debt,
    c.WithdrawDebt: lifecycle.withdraw_debt,
    c.AddContactPoint: lifecycle.add_contact_point,
    c.RetireContactPoint: lifecycle.retire_contact_point,
    c.MoveDebtor: lifecycle.move_debtor,
    c.AddPossiblePlace: terms.add_possible_place,
    c.RecordFact: terms.record_fact,
    c.RecordLimitation: terms.record_limitation,
    c.MoveStage: lifecycle.move_stage,
    c.FollowTreatment: steps.follow_treatment,
    c.CloseCase: lifecycle.close_case,
    c.ReopenCase: lifecycle.reopen_case,
    c.RequestContact: contacts.request_contact,
    c.StartDispatch: contacts.start_dispatch,
    c.CancelContact: contacts.cancel_contact,
    c.ReconcileContact: contacts.reconcile_contact,
    c.RecordAccepted: contacts.record_accepted,
    c.RecordRejected: contacts.record_rejected,
    c.RecordUnknown: contacts.record_unknown,
    c.RecordPostponed: contacts.record_postponed,
    c.RecordReceipt: contacts.record_receipt,
    c.RecordReply: replies.record_reply,
    c.ReadReply: replies.read_reply,
    c.RecordOptOut: contacts.record_opt_out,
    c.RecordOptIn: contacts.record_opt_in,
    c.RecordConsent: terms.record_consent,
    c.WithdrawConsent: terms.withdraw_consent,
    c.AgreeHours: terms.agree_hours,
    c.EndAgreedHours: terms.end_agreed_hours,
    c.RefuseMedium: terms.refuse_medium,
    c.AllowMedium: terms.allow_medium,
    c.LogConversation: contacts.log_conversation,
    c.MakePromise: payments.make_promise,
    c.JudgePromise: payments.judge_promise,
    c.WithdrawPromise: payments.withdraw_promise,
    c.RecordAffordability: affordability.record_affordability,
    c.OfferPlan: plans.offer_plan,
    c.ApprovePlan: plans.approve_plan,
    c.ChargePlanInterest: plan_interest.charge_plan_interest,
    c.AcceptPlan: plans.accept_plan,
    c.DeclinePlan: plans.decline_plan,
    c.WithdrawPlan: plans.withdraw_plan,
    c.LapseOffer: plans.lapse_offer,
    c.JudgeInstalment: plans.judge_instalment,
    c.RecordPayment: payments.record_payment,
    c.ReversePayment: payments.reverse_payment,
    c.AllocateOverpayment: refunds.allocate_overpayment,
    c.RecordRefund: refunds.record_refund,
    c.ReturnRefund: refunds.return_refund,
    c.SetInterestTerms: agreed_interest.set_interest_terms,
    c.AccrueInterest: accrual.accrue_interest,
    c.AddCosts: adjustments.add_costs,
    c.ProposeAdjustment: adjustments.propose_adjustment,
    c.ApproveAdjustment: adjustments.approve_adjustment,
    c.DeclineAdjustment: adjustments.decline_adjustment,
    c.PlaceHold: holds.place_hold,
    c.LiftHold: holds.lift_hold,
    c.ExpireHold: holds.expire_hold,
    c.SetHoldEnd: holds.set_hold_end,
    c.RaiseDispute: disputes.raise_dispute,
    c.AnswerHold: disputes.answer_hold,
    c.JudgeDeadline: disputes.judge_deadline,
    c.SetLimitationTerms: limitation_asks.set_limitation_terms,
    c.RecordLimitationAct: limitation_asks.record_limitation_act,
    c.JudgeLimitation: limitation_asks.judge_limitation,
    c.ProposeReferral: legal.propose_referral,
    c.ApproveReferral: legal.approve_referral,
    c.DeclineReferral: legal.decline_referral,
    c.WithdrawReferral: legal.withdraw_referral,
    c.StartFiling: legal.start_filing,
    c.RecordFiling: legal.record_filing,
    c.RecordFilingFailure: legal.record_filing_failure,
    c.RecordCourtOutcome: legal.record_court_outcome,
    c.RequestBureauReport: actions.request_bureau_report,
}
