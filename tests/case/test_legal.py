"""Legal action: what it waits for, who may start it, and what the court says."""

from collections.abc import Callable
from datetime import date
from uuid import UUID

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import Actor
from duecourse.case.errors import (
    CaseIsClosed,
    Invalid,
    NotAllowed,
    StageNotReady,
    Unknown,
    WrongState,
)
from duecourse.case.state import Case
from duecourse.case.words import CourtOutcome
from duecourse.testing import COLLECTOR, LEGAL, given
from duecourse.testing.sample import (
    DAY,
    DEBT,
    NOON,
    OTHER_DEBT,
    PLAN,
    PROMISE,
    REFERRAL,
    accept,
    approve,
    debt,
    hold,
    offer,
    opened,
    pay,
    promise,
    propose,
    request,
    talk,
)

SECOND = UUID(int=80)
OTHER_LEGAL = Actor("legal-2", "legal")
DECLINE = c.DeclineReferral(referral_id=REFERRAL, reason="try a plan")
WITHDRAW = c.WithdrawReferral(referral_id=REFERRAL, reason="they called")
FILED = c.RecordFiling(
    referral_id=REFERRAL,
    adapter="cn-court",
    reference="bundle-1",
    bundle_sha256="cd" * 32,
    documents=(e.FiledDocument(name="complaint.pdf", sha256="ef" * 32),),
)
FAILED = c.RecordFilingFailure(
    referral_id=REFERRAL, adapter="cn-court", problems=("no national id: add it",)
)


def court(outcome: CourtOutcome, reference: str = "(2026) 1234") -> c.RecordCourtOutcome:
    return c.RecordCourtOutcome(
        referral_id=REFERRAL,
        outcome=outcome,
        occurred_on=date(2026, 3, 2),
        court_reference=reference,
    )


def refused() -> given:
    """A debtor who was called and would not pay."""
    return given(*opened()).when(request("call")).when(talk("refused_to_pay"))


def test_what_a_court_answered_though_it_was_only_proposed_does_not_stay_behind_in_reminders() -> (
    None
):
    story = proposed().when(court("rejected"), actor=LEGAL)
    story.when(c.MoveStage(to="reminder", reason="begin again"))
    assert [type(each) for each in story.events] == [e.StageMoved, e.LegalReferralWithdrawn]


def proposed() -> given:
    return refused().when(propose())


def approved() -> given:
    return proposed().when(approve(), actor=LEGAL)


def filed() -> given:
    return approved().when(FILED)


def case_of(story: given) -> Case:
    assert story.case is not None
    return story.case


def missing(story: given) -> str:
    """The words in which a proposal is turned down."""
    story.when(propose()).then_raises(StageNotReady, "grounds")
    with pytest.raises(StageNotReady) as caught:
        assert story.events
    return str(caught.value)


# --- the gate ------------------------------------------------------------------------------------


def test_court_waits_until_the_debtor_was_reached_and_helped() -> None:
    words = missing(given(*opened()))
    assert "the debtor has not been reached" in words
    assert "no plan was offered and answered or lapsed, and no refusal" in words


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (offer(60_000), "an offered plan is still open"),
        (promise(), "a promise to pay is still open"),
        (hold("dispute"), "held by: hold-1"),
        (c.WithdrawDebt(debt_id=DEBT, reason="sold back"), "nothing is owed"),
    ],
)
def test_court_waits_for_everything_fairer(command: c.Command, words: str) -> None:
    assert words in missing(refused().when(command))


def test_court_waits_while_a_plan_is_kept() -> None:
    assert "a plan is being kept" in missing(refused().when(offer(60_000)).when(accept()))


def test_a_hold_that_does_not_stop_legal_action_does_not_stop_it() -> None:
    refused().when(hold("represented")).when(propose()).then_one(e.LegalReferralProposed)


@pytest.mark.parametrize(
    "answer",
    [
        c.DeclinePlan(plan_id=PLAN, reason="no"),
        c.LapseOffer(plan_id=PLAN),
    ],
)
def test_a_plan_declined_or_left_unanswered_opens_the_way(answer: c.Command) -> None:
    later = NOON.replace(month=4)
    story = given(*opened()).when(request("call")).when(talk()).when(offer(60_000))
    story.when(answer, at=later).when(propose(), at=later).then_one(e.LegalReferralProposed)


def test_an_offer_taken_back_by_the_creditor_was_no_help() -> None:
    story = given(*opened()).when(request("call")).when(talk()).when(offer(60_000))
    story.when(c.WithdrawPlan(plan_id=PLAN, reason="an error"))
    assert "no plan was offered" in missing(story)


# --- proposed and approved -------------------------------------------------------------------------


def test_a_proposal_names_the_debts_and_moves_the_case() -> None:
    paid_up = debt(OTHER_DEBT, 0)
    story = given(*opened(debt(), paid_up)).when(request("call")).when(talk("refused_to_pay"))
    story.when(propose()).then(
        e.StageMoved(at=NOON, to="pre_legal", reason="legal action was proposed"),
        e.LegalReferralProposed(
            at=NOON,
            referral_id=REFERRAL,
            grounds="nothing fairer helped",
            debt_ids=(DEBT,),
            proposed_by="collector-1",
        ),
    ).when(propose()).then_nothing()


def test_one_referral_at_a_time() -> None:
    proposed().when(propose(SECOND)).then_raises(WrongState, "referral_id")
    approved().when(propose(SECOND)).then_raises(WrongState, "referral_id")


def test_a_claim_before_the_court_is_not_brought_twice() -> None:
    again = filed().when(propose(SECOND))
    again.then_raises(StageNotReady, "grounds")
    with pytest.raises(StageNotReady, match="a claim is before the court already"):
        assert again.events


def test_legal_staff_approve_what_another_person_proposed() -> None:
    approved().then(
        e.LegalReferralApproved(
            at=NOON, referral_id=REFERRAL, adapter="cn-court", approved_by="legal-1"
        ),
        e.StageMoved(at=NOON, to="legal", reason="the referral was approved"),
    ).when(approve(), actor=OTHER_LEGAL).then_nothing()


def test_nobody_approves_their_own_proposal() -> None:
    own = refused().when(propose(), actor=LEGAL)
    own.when(approve(), actor=LEGAL).then_raises(NotAllowed)
    own.when(approve(), actor=OTHER_LEGAL).then_one(e.LegalReferralApproved)


@pytest.mark.parametrize("role", ["collector", "analyst", "auditor", "operator", "system"])
def test_only_legal_staff_approve_or_decline(role: str) -> None:
    other = Actor("somebody", role)  # type: ignore[arg-type]
    proposed().when(approve(), actor=other).then_raises(NotAllowed)
    proposed().when(DECLINE, actor=other).then_raises(NotAllowed)


def test_a_hold_that_came_in_between_stops_the_approval() -> None:
    proposed().when(hold("hardship")).when(approve(), actor=LEGAL).then_raises(StageNotReady)


@pytest.mark.parametrize(
    "between", [promise(), offer(60_000), c.MoveStage(to="negotiation", reason="they called")]
)
def test_going_back_to_talking_takes_the_proposal_back(between: c.Command) -> None:
    story = proposed().when(between)
    story.then_one(e.LegalReferralWithdrawn)
    story.when(approve(), actor=LEGAL).then_raises(WrongState, "referral_id")


def test_a_failed_filing_is_not_approved_again_beside_another_referral() -> None:
    story = approved().when(FAILED).when(propose(SECOND))
    story.when(approve(), actor=LEGAL).then_raises(WrongState, "referral_id")


@pytest.mark.parametrize("story", [proposed, approved, lambda: approved().when(FAILED)])
def test_closing_takes_back_what_was_not_filed(story: Callable[[], given]) -> None:
    closed = story().when(c.CloseCase(reason="uneconomic"))
    closed.then_one(e.LegalReferralWithdrawn)
    closed.when(c.ReopenCase(reason="by mistake"))
    assert case_of(closed).stage == "negotiation"


def test_a_court_has_not_answered_on_a_day_to_come() -> None:
    late = replace(court("judgment"), occurred_on=date(2026, 3, 3))
    filed().when(late).then_raises(Invalid, "occurred_on")


def test_a_case_before_the_court_is_reopened_before_the_court() -> None:
    closed = filed().when(c.CloseCase(reason="uneconomic"))
    assert case_of(closed.when(c.ReopenCase(reason="by mistake"))).stage == "legal"


def test_a_case_whose_action_ended_while_it_was_closed_is_reopened_for_talking() -> None:
    closed = filed().when(c.CloseCase(reason="uneconomic")).when(court("withdrawn"))
    assert case_of(closed.when(c.ReopenCase(reason="they called"))).stage == "negotiation"


def test_an_offer_that_never_reached_the_debtor_was_no_help() -> None:
    later = NOON.replace(month=4)
    story = given(*opened()).when(request("call")).when(talk())
    story.when(offer(60_000), at=NOON + DAY).when(c.LapseOffer(plan_id=PLAN), at=later)
    story.when(propose(), at=later).then_raises(StageNotReady, "grounds")


START = c.StartFiling(referral_id=REFERRAL)


def test_a_filing_starts_once_and_only_if_nothing_fairer_came_in_between() -> None:
    story = approved().when(START)
    story.then(e.FilingStarted(at=NOON, referral_id=REFERRAL, adapter="cn-court"))
    story.when(START).then_nothing()
    story.when(WITHDRAW).then_raises(WrongState, "referral_id")
    story.when(FILED).then_one(e.ClaimFiled)
    proposed().when(START).then_raises(WrongState, "referral_id")
    approved().when(hold("dispute")).when(START).then_raises(StageNotReady)


def test_a_referral_is_declined_once_and_the_case_goes_back_to_talking() -> None:
    story = proposed().when(DECLINE, actor=LEGAL)
    story.then(
        e.LegalReferralDeclined(
            at=NOON, referral_id=REFERRAL, reason="try a plan", declined_by="legal-1"
        ),
        e.StageMoved(at=NOON, to="negotiation", reason="the referral was declined"),
    )
    story.when(DECLINE, actor=LEGAL).then_nothing()
    story.when(approve(), actor=LEGAL).then_raises(WrongState, "referral_id")
    approved().when(DECLINE, actor=LEGAL).then_raises(WrongState, "referral_id")


def test_a_referral_is_withdrawn_once_and_the_case_goes_back_to_talking() -> None:
    story = approved().when(WITHDRAW)
    story.then(
        e.LegalReferralWithdrawn(at=NOON, referral_id=REFERRAL, reason="they called"),
        e.StageMoved(at=NOON, to="negotiation", reason="the referral was withdrawn"),
    )
    story.when(WITHDRAW).then_nothing()
    filed().when(WITHDRAW).then_raises(WrongState, "referral_id")


def test_going_back_to_talking_is_always_open_and_takes_the_approval_back() -> None:
    story = approved().when(c.MoveStage(to="negotiation", reason="they called"))
    story.then(
        e.StageMoved(at=NOON, to="negotiation", reason="they called"),
        e.LegalReferralWithdrawn(
            at=NOON, referral_id=REFERRAL, reason="the case left the stage legal"
        ),
    )


def test_a_referral_the_case_does_not_have_is_named() -> None:
    for command in (approve(), DECLINE, WITHDRAW, FILED, FAILED, court("accepted")):
        given(*opened()).when(command, actor=LEGAL).then_raises(Unknown, "referral_id")


def test_a_closed_case_is_not_referred() -> None:
    closed = refused().when(c.CloseCase(reason="uneconomic"))
    closed.when(propose(), actor=COLLECTOR).then_raises(CaseIsClosed)


# --- filed and answered ------------------------------------------------------------------------------


def test_a_filing_is_recorded_once() -> None:
    filed().then(
        e.ClaimFiled(
            at=NOON,
            referral_id=REFERRAL,
            adapter="cn-court",
            reference="bundle-1",
            bundle_sha256="cd" * 32,
            documents=FILED.documents,
        )
    ).when(FILED).then_nothing()


def test_a_filing_that_failed_can_be_mended_and_approved_again() -> None:
    story = approved().when(FAILED)
    story.then(
        e.FilingFailed(at=NOON, referral_id=REFERRAL, adapter="cn-court", problems=FAILED.problems)
    )
    story.when(FAILED).then_nothing()
    story.when(approve(), actor=LEGAL)
    assert len(story.events) == 1
    assert case_of(story.when(FILED)).referrals[REFERRAL].problems == ()


@pytest.mark.parametrize("outcome", ["accepted", "served", "opposed", "judgment", "payment_order"])
def test_the_courts_answer_is_kept_once_and_the_case_stays_in_court(outcome: CourtOutcome) -> None:
    story = filed().when(court(outcome))
    story.then(
        e.CourtOutcomeRecorded(
            at=NOON,
            referral_id=REFERRAL,
            outcome=outcome,
            court_reference="(2026) 1234",
            occurred_on=date(2026, 3, 2),
            note="",
        )
    )
    story.when(court(outcome)).then_nothing()
    story.when(court(outcome, reference="")).then_nothing()


@pytest.mark.parametrize("outcome", ["rejected", "dismissed", "withdrawn", "mediated"])
def test_when_the_action_ends_the_case_goes_back_to_talking(outcome: CourtOutcome) -> None:
    story = filed().when(court(outcome))
    assert story.then_one(e.StageMoved).to == "negotiation"
    story.when(propose(SECOND)).then_one(e.LegalReferralProposed)


def test_a_late_word_on_one_claim_leaves_another_where_it_is() -> None:
    story = filed().when(court("dismissed")).when(propose(SECOND))
    story.when(approve(SECOND), actor=OTHER_LEGAL)
    story.when(court("dismissed", reference="(2026) 99"))
    assert [type(event) for event in story.events] == [e.CourtOutcomeRecorded]
    assert case_of(story).stage == "legal"


def test_the_courts_number_is_kept_when_a_later_answer_leaves_it_out() -> None:
    story = filed().when(court("accepted")).when(court("judgment", reference=""))
    assert case_of(story).referrals[REFERRAL].court_reference == "(2026) 1234"


def test_reports_of_the_court_are_taken_by_a_closed_case() -> None:
    closed = approved().when(START).when(pay(60_000))
    assert case_of(closed).is_closed
    closed.when(FILED).then_one(e.ClaimFiled)
    closed.when(court("withdrawn"))
    assert [type(event) for event in closed.events] == [e.CourtOutcomeRecorded]


def test_a_failed_filing_is_taken_by_a_closed_case() -> None:
    approved().when(START).when(pay(60_000)).when(FAILED).then_one(e.FilingFailed)


def test_a_promise_beside_the_court_leaves_the_stage_alone() -> None:
    story = filed().when(replace(promise(), promise_id=PROMISE))
    assert [type(event) for event in story.events] == [e.PromiseMade]
