"""What a command makes happen.

Pure: no clock, no randomness, no database. The context brings the time, the person and the
rules. A senseless ask raises CaseError; what a rule forbids is an event; a repeat gives nothing.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from duecourse.case import commands as c
from duecourse.case import contacts, holds, legal, lifecycle, payments, plans, steps
from duecourse.case.context import Context
from duecourse.case.errors import CaseIsClosed, CaseNotFound
from duecourse.case.events import Event
from duecourse.case.state import Case

# Asks that make sense for a closed case.
_EVEN_CLOSED: Final = (c.ReopenCase, c.CloseCase, c.StartDispatch, c.RequestContact)


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
    if case.is_closed and isinstance(command, c.Ask) and not isinstance(command, _EVEN_CLOSED):
        raise CaseIsClosed("the case is closed; reopen it first")
    return DECIDE[type(command)](case, command, context)


# Any: each function takes its own command class; a test checks that every class is here.
DECIDE: Final[Mapping[type[c.Command], Callable[[Case, Any, Context], list[Event]]]] = {
    c.PlaceDebt: lifecycle.place_debt,
    c.WithdrawDebt: lifecycle.withdraw_debt,
    c.AddContactPoint: lifecycle.add_contact_point,
    c.RetireContactPoint: lifecycle.retire_contact_point,
    c.MoveDebtor: lifecycle.move_debtor,
    c.MoveStage: lifecycle.move_stage,
    c.FollowTreatment: steps.follow_treatment,
    c.CloseCase: lifecycle.close_case,
    c.ReopenCase: lifecycle.reopen_case,
    c.RequestContact: contacts.request_contact,
    c.StartDispatch: contacts.start_dispatch,
    c.CancelContact: contacts.cancel_contact,
    c.RecordAccepted: contacts.record_accepted,
    c.RecordRejected: contacts.record_rejected,
    c.RecordUnknown: contacts.record_unknown,
    c.RecordPostponed: contacts.record_postponed,
    c.RecordReceipt: contacts.record_receipt,
    c.RecordReply: contacts.record_reply,
    c.RecordOptOut: contacts.record_opt_out,
    c.RecordOptIn: contacts.record_opt_in,
    c.LogConversation: contacts.log_conversation,
    c.MakePromise: payments.make_promise,
    c.JudgePromise: payments.judge_promise,
    c.WithdrawPromise: payments.withdraw_promise,
    c.OfferPlan: plans.offer_plan,
    c.AcceptPlan: plans.accept_plan,
    c.DeclinePlan: plans.decline_plan,
    c.WithdrawPlan: plans.withdraw_plan,
    c.LapseOffer: plans.lapse_offer,
    c.JudgeInstalment: plans.judge_instalment,
    c.RecordPayment: payments.record_payment,
    c.ReversePayment: payments.reverse_payment,
    c.PlaceHold: holds.place_hold,
    c.LiftHold: holds.lift_hold,
    c.ExpireHold: holds.expire_hold,
    c.ProposeReferral: legal.propose_referral,
    c.ApproveReferral: legal.approve_referral,
    c.DeclineReferral: legal.decline_referral,
    c.WithdrawReferral: legal.withdraw_referral,
    c.StartFiling: legal.start_filing,
    c.RecordFiling: legal.record_filing,
    c.RecordFilingFailure: legal.record_filing_failure,
    c.RecordCourtOutcome: legal.record_court_outcome,
}
