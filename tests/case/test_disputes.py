"""A dispute is about one debt: that one rests until we have answered, and the others go on."""

from datetime import date
from uuid import UUID

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.errors import Contradiction, Invalid, NotAllowed, Unknown
from duecourse.case.timers import command_of, timers_of
from duecourse.flow.facts import message_facts
from duecourse.rules.treatment import load_treatment
from duecourse.settings import CreditorDetails
from duecourse.testing import LEGAL, given
from duecourse.testing.sample import (
    CONTACT,
    DAY,
    DEBT,
    DEBTOR,
    NOON,
    OTHER_DEBT,
    REFERRAL,
    SUBJECT,
    approve,
    debt,
    dispatch,
    hold,
    opened,
    propose,
    request,
    talk,
)
from duecourse.views.worklist import worklist_row

TREATMENT = load_treatment()
TODAY = NOON.date()
DISPUTE = c.RaiseDispute(
    hold_id="d-1", debt_id=DEBT, ground="already_paid", said="paid in cash", evidence="a receipt"
)
LATER = NOON + 10 * DAY
ANSWER = c.AnswerHold(
    hold_id="d-1", outcome="rejected", answered_on=LATER.date(), reason="no such payment was made"
)
SECOND = UUID(int=40)


def two_debts() -> given:
    return given(*opened(debt(), debt(OTHER_DEBT, 10_000)))


def about(debt_id: UUID, contact_id: UUID = CONTACT) -> c.RequestContact:
    return replace(request(contact_id=contact_id), debts=(debt_id,))


def attention(story: given) -> tuple[str, ...]:
    assert story.case is not None
    return worklist_row(SUBJECT, story.case, TREATMENT).attention


def test_a_dispute_is_kept_as_it_was_said_with_its_ground_and_its_evidence() -> None:
    story = two_debts().when(DISPUTE)
    placed, raised = story.events
    assert isinstance(placed, e.HoldPlaced)
    assert (placed.kind, placed.debt_id) == ("dispute", DEBT)
    assert raised == e.DisputeRaised(
        at=NOON, hold_id="d-1", debt_id=DEBT, ground="already_paid", said="paid in cash",
        evidence="a receipt",
    )  # fmt: skip
    assert [each.due_on for each in placed.deadlines] == [TODAY + 30 * DAY]
    story.when(DISPUTE).then_nothing()


def test_another_dispute_under_the_same_id_does_not_get_lost() -> None:
    other = replace(DISPUTE, debt_id=OTHER_DEBT)
    two_debts().when(DISPUTE).when(other).then_raises(Contradiction, "hold_id")


def test_with_one_debt_nobody_has_to_say_which_and_with_two_they_have() -> None:
    unsaid = replace(DISPUTE, debt_id=None)
    assert given(*opened()).when(unsaid).then_one(e.DisputeRaised).debt_id == DEBT
    two_debts().when(unsaid).then_raises(Invalid, "debt_id")


def test_what_cannot_be_a_dispute_is_named() -> None:
    two_debts().when(replace(DISPUTE, debt_id=UUID(int=99))).then_raises(Unknown, "debt_id")
    two_debts().when(replace(DISPUTE, said=" ")).then_raises(Invalid, "said")
    two_debts().when(replace(DISPUTE, amount_minor=60_001)).then_raises(Invalid, "amount_minor")


def test_the_disputed_debt_rests_and_the_other_may_be_spoken_of() -> None:
    story = two_debts().when(DISPUTE)
    assert story.when(about(DEBT)).then_one(e.ContactRefused).rule == "hold_blocks"
    story.when(about(OTHER_DEBT)).then_one(e.ContactPermitted)
    assert story.when(request(contact_id=SECOND)).then_one(e.ContactRefused).rule == "hold_blocks"


def test_only_a_message_about_the_disputed_debt_is_called_back() -> None:
    story = two_debts().when(about(DEBT)).when(DISPUTE)
    assert story.then_one(e.ContactCancelled).contact_id == CONTACT
    other = two_debts().when(about(OTHER_DEBT)).when(DISPUTE)
    assert not [each for each in other.events if isinstance(each, e.ContactCancelled)]
    whole = two_debts().when(request()).when(DISPUTE)
    whole.then_one(e.ContactCancelled)


@pytest.mark.parametrize(("debt_id", "is_off"), [(DEBT, True), (OTHER_DEBT, False)])
def test_a_message_on_its_way_is_called_off_only_if_it_is_about_the_disputed_debt(
    debt_id: UUID,
    is_off: bool,  # noqa: FBT001
) -> None:
    story = two_debts().when(about(debt_id)).when(dispatch()).when(DISPUTE)
    assert story.case is not None
    assert story.case.contacts[CONTACT].called_off == is_off


def test_a_message_about_the_other_debt_does_not_ask_for_the_disputed_one() -> None:
    story = two_debts().when(DISPUTE).when(about(OTHER_DEBT))
    assert story.case is not None
    details = CreditorDetails(ways_to_pay="bank", contact_line="phone")
    assert message_facts(SUBJECT, story.case, CONTACT, details).amount == "100.00"


def test_the_schedule_goes_on_about_the_debts_that_are_not_disputed() -> None:
    story = two_debts().when(DISPUTE)
    step = c.FollowTreatment(step="first-reminder")
    assert story.when(step).then_one(e.ContactPermitted).debts == (OTHER_DEBT,)
    alone = given(*opened()).when(DISPUTE)
    alone.when(step).then_nothing()


def test_a_claim_is_made_for_the_other_debt_alone() -> None:
    story = two_debts().when(talk("refused_to_pay", initiator="debtor")).when(DISPUTE)
    proposed = story.when(propose()).then_one(e.LegalReferralProposed)
    assert proposed.debt_ids == (OTHER_DEBT,)
    story.when(approve(), actor=LEGAL).then_one(e.LegalReferralApproved)
    story.when(c.StartFiling(referral_id=REFERRAL)).then_one(e.FilingStarted)


def test_a_claim_that_was_approved_is_not_filed_once_its_debt_is_disputed() -> None:
    story = two_debts().when(talk("refused_to_pay", initiator="debtor")).when(propose())
    story.when(approve(), actor=LEGAL).when(DISPUTE)
    assert story.case is not None
    assert not [t for t in timers_of(story.case, TREATMENT) if t.kind == "file"]
    assert "filing_waits" in attention(story)


def test_a_bureau_is_not_told_of_the_disputed_debt_and_may_be_of_the_other() -> None:
    told = c.RecordFact(fact="told_before_reporting", on=date(2026, 1, 2), how="by letter")
    story = two_debts().when(told).when(DISPUTE)
    report = c.RequestBureauReport(report_id=UUID(int=70), bureau="fictional-bureau")
    story.when(replace(report, debts=(DEBT,))).then_one(e.ActionRefused)
    story.when(replace(report, debts=(OTHER_DEBT,))).then_one(e.BureauReportPermitted)


def test_a_debtor_who_disputes_one_debt_on_the_phone_is_held_for_that_one() -> None:
    said = replace(talk("disputes_debt", initiator="debtor"), debts=(DEBT,))
    story = two_debts().when(said)
    assert story.then_one(e.HoldPlaced).debt_id == DEBT
    again = replace(said, conversation_id=SECOND)
    story.when(again)
    assert [type(each) for each in story.events] == [e.ConversationLogged]
    of_the_other = replace(said, conversation_id=UUID(int=41), debts=(OTHER_DEBT,))
    assert story.when(of_the_other).then_one(e.HoldPlaced).debt_id == OTHER_DEBT
    whole = replace(said, conversation_id=UUID(int=42), debts=())
    story.when(whole)
    assert [type(each) for each in story.events] == [e.ConversationLogged]
    one_held = two_debts().when(DISPUTE).when(whole)
    assert one_held.then_one(e.HoldPlaced).debt_id is None


def test_what_is_disputed_is_known_to_whoever_allocates_money() -> None:
    story = two_debts().when(DISPUTE)
    assert story.case is not None
    assert story.case.disputed == {DEBT}
    whole = two_debts().when(hold("dispute"))
    assert whole.case is not None
    assert whole.case.disputed == {DEBT, OTHER_DEBT}


def test_an_answer_ends_the_hold_after_the_days_to_read_it() -> None:
    story = two_debts().when(DISPUTE)
    answered = story.when(ANSWER, at=LATER).then_one(e.HoldAnswered)
    assert answered.until == LATER.date() + 7 * DAY
    story.when(ANSWER, at=LATER).then_nothing()
    assert story.case is not None
    timer = next(t for t in timers_of(story.case, TREATMENT) if t.kind == "hold")
    command = command_of(timer)
    assert command is not None
    story.when(command, at=timer.due_at).then_one(e.HoldExpired)
    story.when(about(DEBT), at=timer.due_at + DAY / 2).then_one(e.ContactPermitted)


def test_an_american_dispute_ends_on_the_day_of_the_answer() -> None:
    american = replace(DEBTOR, jurisdiction="US-CA")
    story = given(*opened(debtor=american)).when(DISPUTE)
    assert story.when(ANSWER, at=LATER).then_one(e.HoldAnswered).until == LATER.date()


def test_who_is_right_stays_protected_until_it_was_put_right() -> None:
    story = two_debts().when(DISPUTE)
    answered = story.when(replace(ANSWER, outcome="upheld"), at=LATER).then_one(e.HoldAnswered)
    assert answered.until is None
    (due,) = answered.deadlines
    assert (due.name, due.due_on) == ("put_right", LATER.date() + 30 * DAY)
    later = LATER + 400 * DAY
    story.when(about(DEBT), at=later).then_one(e.ContactRefused)
    story.when(c.JudgeDeadline(hold_id="d-1", deadline="put_right"), at=later)
    story.then_one(e.DeadlineMissed)
    assert "put_right_overdue" in attention(story)


def test_a_disputed_debt_that_is_withdrawn_needs_no_hold_any_more() -> None:
    story = two_debts().when(DISPUTE).when(replace(ANSWER, outcome="upheld"), at=LATER)
    story.when(hold("complaint", "other"), at=LATER)
    story.when(c.WithdrawDebt(debt_id=DEBT, reason="it was paid"), at=LATER)
    assert story.then_one(e.HoldLifted).hold_id == "d-1"
    story.when(request(), at=LATER).then_one(e.ContactPermitted)


@pytest.mark.parametrize("day", [TODAY - DAY, LATER.date() + DAY])
def test_an_answer_is_given_after_the_question_and_not_tomorrow(day: date) -> None:
    wrong = replace(ANSWER, answered_on=day)
    two_debts().when(DISPUTE).when(wrong, at=LATER).then_raises(Invalid, "answered_on")


def test_an_answer_has_a_reason_and_is_one_of_its_kind() -> None:
    story = two_debts().when(DISPUTE)
    story.when(replace(ANSWER, reason=" "), at=LATER).then_raises(Invalid, "reason")
    story.when(replace(ANSWER, outcome="verified"), at=LATER).then_raises(Invalid, "outcome")
    story.when(replace(ANSWER, hold_id="d-9"), at=LATER).then_raises(Unknown, "hold_id")
    held = two_debts().when(hold("ceased", "d-1"))
    held.when(ANSWER, at=LATER).then_raises(Invalid, "outcome")


def test_an_answer_that_is_late_is_a_warning_until_it_is_given() -> None:
    story = two_debts().when(DISPUTE)
    assert story.case is not None
    timer = next(t for t in timers_of(story.case, TREATMENT) if t.kind == "deadline")
    command = command_of(timer)
    assert command == c.JudgeDeadline(hold_id="d-1", deadline="answer")
    story.when(command, at=timer.due_at)
    assert "answer_overdue" in attention(story)
    at_last = replace(ANSWER, answered_on=timer.due_at.date())
    story.when(at_last, at=timer.due_at + DAY)
    assert "answer_overdue" not in attention(story)
    story.when(command, at=timer.due_at + DAY).then_nothing()


def test_an_answer_in_time_leaves_nothing_to_warn_of() -> None:
    story = two_debts().when(DISPUTE).when(ANSWER, at=LATER)
    assert story.case is not None
    assert not [t for t in timers_of(story.case, TREATMENT) if t.kind == "deadline"]


def test_collection_waits_until_the_verification_was_sent() -> None:
    validation = replace(hold("validation", "v-1"), debt_id=DEBT)
    story = given(*opened(debtor=replace(DEBTOR, jurisdiction="US"))).when(validation)
    sent = c.AnswerHold(
        hold_id="v-1", outcome="verified", answered_on=LATER.date(), reason="a copy was posted"
    )
    assert story.when(sent, at=LATER).then_one(e.HoldAnswered).until == LATER.date()


def test_hardship_ends_with_the_assessment() -> None:
    story = given(*opened()).when(hold("hardship"))
    assessed = replace(ANSWER, hold_id="hold-1", outcome="plan_agreed")
    assert story.when(assessed, at=LATER).then_one(e.HoldAnswered).until == LATER.date()


def test_the_ombudsman_keeps_a_case_from_court_until_the_decision() -> None:
    british = replace(DEBTOR, time_zone="Europe/London", jurisdiction="GB")
    story = given(*opened(debtor=british)).when(talk("refused_to_pay", initiator="debtor"))
    referred = replace(hold("complaint", "fos"), variant="ombudsman")
    assert story.when(referred).then_one(e.HoldPlaced).until is None
    decided = replace(ANSWER, hold_id="fos", outcome="rejected", evidence="")
    story.when(decided, at=LATER).then_raises(NotAllowed, "evidence")
    story.when(decided, at=LATER, actor=LEGAL).then_raises(Invalid, "evidence")
    letter = replace(decided, evidence="the decision of 20 March")
    answered = story.when(letter, at=LATER, actor=LEGAL).then_one(e.HoldAnswered)
    assert answered.until == LATER.date()
