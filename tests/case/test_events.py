"""The whole vocabulary: every event has a name for ever, is reached, and finds its place."""

from datetime import date, datetime, time
from typing import get_args
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import SYSTEM, Actor
from duecourse.case.decide import DECIDE
from duecourse.case.evolve import APPLY, evolve, fold
from duecourse.case.interest_terms import CapTerms, InterestTerms, RateFrom
from duecourse.case.plan_terms import ExpenseLine, FormLine, IncomeAndExpenditure, PlanTerms
from duecourse.money.account_terms import Change
from duecourse.testing import LEGAL, given
from duecourse.testing.sample import (
    CONTACT,
    DEBT,
    LATE,
    NOON,
    OTHER_DEBT,
    PLAN,
    PROMISE,
    REFERRAL,
    accept,
    accepted,
    approve,
    bounce,
    debt,
    dispatch,
    hold,
    offer,
    open_case,
    opened,
    pay,
    promise,
    propose,
    refund,
    request,
    talk,
)

# The names in the log. One may be added; to change or remove one is to lose every old log.
NAMES = [
    "ActionRefused",
    "AffordabilityAssessed",
    "AdjustmentDeclined",
    "AdjustmentProposed",
    "AgreedHoursEnded",
    "BalanceWaived",
    "BureauReportCancelled",
    "BureauReportPermitted",
    "CaseClosed",
    "CaseOpened",
    "CaseReopened",
    "ChannelOptedIn",
    "ChannelOptedOut",
    "ClaimFiled",
    "ConsentGiven",
    "ConsentWithdrawn",
    "ContactAccepted",
    "ContactCancelled",
    "ContactDispatching",
    "ContactPermitted",
    "ContactPointAdded",
    "ContactPointRetired",
    "ContactPostponed",
    "ContactReconciled",
    "ContactRefused",
    "ContactRejected",
    "ContactUnknown",
    "ConversationLogged",
    "CostsAdded",
    "CourtOutcomeRecorded",
    "DebtAdjusted",
    "DebtPlaced",
    "DebtWithdrawn",
    "DebtWrittenOff",
    "DeadlineMissed",
    "DebtorMoved",
    "DisputeRaised",
    "FactRecorded",
    "FilingFailed",
    "FilingStarted",
    "HoldAnswered",
    "HoldEndSet",
    "HoldExpired",
    "HoldLifted",
    "HoldPlaced",
    "HoursAgreed",
    "InstalmentCured",
    "InstalmentMet",
    "InstalmentMissed",
    "InterestAccrued",
    "InterestCapped",
    "InterestCorrected",
    "InterestTermsSet",
    "LegalReferralApproved",
    "LegalReferralDeclined",
    "LegalReferralProposed",
    "LegalReferralWithdrawn",
    "LicenceRecorded",
    "LimitationActRecorded",
    "LimitationExpired",
    "LimitationRecorded",
    "LimitationTermsSet",
    "LimitationWarned",
    "MediumAllowed",
    "MediumRefused",
    "PaymentRecorded",
    "PaymentReallocated",
    "PaymentReversed",
    "RefundRecorded",
    "RefundReturned",
    "PlanAccepted",
    "PlanBroken",
    "PlanCompleted",
    "PlanDeclined",
    "PlanInterestCharged",
    "PlanInterestReturned",
    "PlanLapsed",
    "PlanOffered",
    "PlanProposed",
    "PlanRescheduled",
    "PlanWithdrawn",
    "PossiblePlaceAdded",
    "PromiseBroken",
    "PromiseKept",
    "PromiseMade",
    "PromiseWithdrawn",
    "ReceiptRecorded",
    "ReplyRead",
    "ReplyReceived",
    "StageMoved",
    "TreatmentStepTaken",
    "WaiverRevoked",
]

LATER = NOON.replace(month=6)
SECOND = UUID(int=60)
REPLY = c.RecordReply(reply_id="in-1", channel="sms", text="STOP", occurred_at=NOON)
CONTACT_LIFE: list[c.Command] = [
    open_case(),
    request(),
    dispatch(),
    c.RecordPostponed(contact_id=CONTACT, until=NOON, reason="busy"),
    dispatch(),
    c.RecordUnknown(contact_id=CONTACT, reason="a crash"),
    c.ReconcileContact(contact_id=CONTACT, outcome="not_sent", evidence="not in the log"),
    accepted(),
    c.RecordReceipt(contact_id=CONTACT, receipt_id="r", status="delivered", occurred_at=NOON),
    REPLY,
    replace(REPLY, reply_id="in-2", text="I am in hospital"),
    c.ReadReply(reply_id="in-2", outcome="answered", note="called back"),
    c.RecordOptIn(channel="sms", how="asked"),
    request("call", contact_id=SECOND),
    c.CancelContact(contact_id=SECOND, reason="they called"),
    talk(initiator="debtor"),
    c.AddContactPoint(point=e.ContactPoint(point_id="p", kind="phone", address="+861")),
    c.RetireContactPoint(point_id="p", reason="wrong"),
    c.MoveDebtor(time_zone="Europe/London", jurisdiction="CN"),
    c.PlaceDebt(debt=debt(OTHER_DEBT, 1)),
    c.WithdrawDebt(debt_id=OTHER_DEBT, reason="sold"),
    c.CloseCase(reason="sold"),
    c.ReopenCase(reason="by mistake"),
]
TERMS_LIFE: list[c.Command] = [
    open_case(),
    c.RecordConsent(consent_id="c-1", consent="tcpa", given_at=NOON, how="in the contract"),
    c.WithdrawConsent(consent="tcpa", withdrawn_at=NOON, how="by letter"),
    c.AgreeHours(
        agreement_id="a-1",
        hours=(e.AgreedHours(start=time(18), end=time(20), days=("mon",), channels=("call",)),),
        how="asked for it",
    ),
    c.EndAgreedHours(agreement_id="a-1", how="changed their mind"),
    c.RefuseMedium(medium="workplace", how="asked"),
    c.AllowMedium(medium="workplace", how="asked"),
    c.AddPossiblePlace(time_zone="Europe/London", jurisdiction="GB"),
    c.RecordLimitation(debt_id=DEBT, expires_on=date(2029, 2, 27), how="three years"),
    c.RequestBureauReport(report_id=SECOND, bureau="bureau-1"),
    c.MoveDebtor(time_zone="Asia/Shanghai", jurisdiction="CN"),
    c.RecordFact(fact="told_before_reporting", on=date(2026, 3, 1), how="by letter"),
    c.RequestBureauReport(report_id=SECOND, bureau="bureau-1"),
]
STEPS_LIFE: list[c.Command] = [
    open_case(),
    c.RecordOptOut(channel="sms", how="asked"),
    c.FollowTreatment(step="first-reminder"),
    request("email"),
    dispatch(),
    c.RecordRejected(contact_id=CONTACT, reason="no such address"),
]
MONEY_LIFE: list[c.Command] = [
    open_case(),
    promise(),
    pay(20_000),
    bounce(),
    c.WithdrawPromise(promise_id=PROMISE, reason="no"),
    offer(60_000),
    c.DeclinePlan(plan_id=PLAN),
    offer(60_000, plan_id=SECOND),
    c.WithdrawPlan(plan_id=SECOND, reason="wrong"),
    offer(30_000, kind="settlement", waived=30_000, plan_id=REFERRAL),
    accept(REFERRAL),
    pay(30_000, "pay-2"),
    bounce("pay-2"),
    pay(90_000, "pay-3"),
    refund(20_000),
    c.ReturnRefund(refund_id="refund-1", reason="the account was closed"),
    open_case(debt(), debt(OTHER_DEBT, 10_000)),
]
PLAN_LIFE: list[c.Command] = [
    open_case(),
    c.RecordAffordability(
        assessment_id=SECOND,
        form=IncomeAndExpenditure(
            currency="CNY",
            income=(FormLine(name="wages", amount_minor=10_000),),
            expenses=(ExpenseLine(name="rent", amount_minor=4_000, every="week"),),
            reserve_percent="10",
        ),
        assessed_on=date(2026, 3, 2),
        evidence="on the phone",
    ),
    c.OfferPlan(
        plan_id=PLAN,
        kind="instalments",
        currency="CNY",
        expires_on=date(2026, 3, 16),
        terms=PlanTerms(
            first_on=date(2026, 3, 31), schedule="annuity", count=3, percent="12", roll="following"
        ),
        early_payment="shorten_term",
        grace_days=5,
        override="a relative pays half of it",
    ),
    c.ApprovePlan(plan_id=PLAN),
    accept(),
    pay(30_000),
    bounce(),
    c.ChargePlanInterest(plan_id=PLAN, number=1),
]
CURED_LIFE: list[c.Command] = [c.JudgeInstalment(plan_id=PLAN, number=1), pay(60_000, "late")]
AGREED = InterestTerms(
    profile="cn-private",
    from_on=date(2026, 2, 27),
    rates=(RateFrom(since=date(2026, 2, 27), percent="24"),),
    cap=CapTerms(jurisdiction="CN", licence="none", contract_on=date(2025, 6, 1)),
)
INTEREST_LIFE: list[c.Command] = [
    open_case(),
    c.SetInterestTerms(debt_id=DEBT, terms=AGREED, evidence="clause 4"),
    pay(10_000),
    bounce(),
    c.AddCosts(
        charge_id="fee-1",
        debt_id=DEBT,
        bucket="costs",
        amount_minor=500,
        incurred_on=date(2026, 3, 1),
        ground="court fee",
        citation="the tariff",
    ),
    c.ProposeAdjustment(
        adjustment_id="adj-1",
        debt_id=DEBT,
        kind="correction",
        value_on=date(2026, 3, 1),
        reason="counted twice",
        authority="the bank",
        change=Change(principal=-100),
    ),
    c.ApproveAdjustment(adjustment_id="adj-1"),
    c.ProposeAdjustment(
        adjustment_id="adj-2",
        debt_id=DEBT,
        kind="write_off",
        value_on=date(2026, 3, 2),
        reason="no hope",
        authority="the bank",
    ),
    c.DeclineAdjustment(adjustment_id="adj-2", reason="too early"),
    c.ProposeAdjustment(
        adjustment_id="adj-3",
        debt_id=DEBT,
        kind="forgiveness",
        value_on=date(2026, 3, 2),
        reason="of grace",
        authority="the bank",
    ),
]
INTEREST_LATER: list[c.Command] = [
    c.AccrueInterest(),
    c.ApproveAdjustment(adjustment_id="adj-3"),
]
LATE_LIFE: list[c.Command] = [
    open_case(),
    promise(),
    offer(30_000, 30_000),
    accept(),
    hold("complaint", until=date(2026, 3, 10)),
]
MONTHS_LATER: list[c.Command] = [
    c.JudgePromise(promise_id=PROMISE),
    c.JudgeInstalment(plan_id=PLAN, number=1),
    c.JudgeInstalment(plan_id=PLAN, number=2),
    c.ExpireHold(hold_id="hold-1"),
]
COURT_LIFE: list[c.Command] = [
    open_case(),
    hold(),
    c.LiftHold(hold_id="hold-1", reason="answered"),
    request("call"),
    talk("refused_to_pay"),
    propose(),
    c.DeclineReferral(referral_id=REFERRAL, reason="too early"),
    propose(PLAN),
    c.WithdrawReferral(referral_id=PLAN, reason="too early"),
    propose(SECOND),
    approve(SECOND),
    c.StartFiling(referral_id=SECOND),
    c.RecordFilingFailure(referral_id=SECOND, adapter="a", problems=("no id",)),
    c.RecordFiling(referral_id=SECOND, adapter="a", reference="r", bundle_sha256="0", documents=()),
    c.RecordCourtOutcome(referral_id=SECOND, outcome="served", occurred_on=date(2026, 3, 1)),
]
HELD_LIFE: list[c.Command] = [
    open_case(),
    c.RaiseDispute(hold_id="d-1", debt_id=DEBT, ground="amount", said="too much"),
    c.SetHoldEnd(hold_id="d-1", until=date(2026, 9, 1), reason="documents are awaited"),
    c.SetLimitationTerms(debt_id=DEBT, starts_on=date(2026, 2, 27), how="the last instalment"),
    c.RecordLimitationAct(
        act_id="a-1",
        debt_id=DEBT,
        act="acknowledgement",
        on=date(2026, 3, 2),
        has=("in_writing",),
        evidence="a letter",
    ),
]
HELD_MONTHS_LATER: list[c.Command] = [
    c.JudgeDeadline(hold_id="d-1", deadline="answer"),
    c.AnswerHold(hold_id="d-1", outcome="rejected", answered_on=date(2026, 6, 2), reason="no"),
]
YEARS_LATER: list[c.Command] = [
    c.JudgeLimitation(debt_id=DEBT, expires_on=date(2029, 3, 2), days=30),
    c.JudgeLimitation(debt_id=DEBT, expires_on=date(2029, 3, 2), days=-1),
]
BY_LEGAL = (c.ApproveReferral, c.DeclineReferral, c.ApprovePlan, c.ApproveAdjustment)


def live(parts: list[tuple[datetime, list[c.Command]]]) -> list[e.Event]:
    story = given()
    events: list[e.Event] = []
    for at, commands in parts:
        for command in commands:
            actor: Actor = LEGAL if isinstance(command, BY_LEGAL) else SYSTEM
            events += story.when(command, at=at, actor=actor).events
    return events


def relicensed() -> list[e.Event]:
    """What the settings say of a creditor has changed since the case opened."""
    story = given(*opened(), licences={"fictional-bank": "first_party"})
    return story.when(request()).events


OPENED: list[c.Command] = [open_case()]
REPORTED: list[c.Command] = [
    c.RecordFact(fact="told_before_reporting", on=date(2026, 2, 16), how="by letter"),
    c.RequestBureauReport(report_id=UUID(int=70), bureau="fictional-bureau"),
    hold("dispute"),
]
LIVES: list[list[tuple[datetime, list[c.Command]]]] = [
    [(NOON, CONTACT_LIFE)],
    [(NOON, STEPS_LIFE)],
    [(NOON, TERMS_LIFE)],
    [(NOON, OPENED), (LATE, [request()])],
    [(NOON, MONEY_LIFE)],
    [(NOON, [*OPENED, offer(60_000)]), (LATER, [c.LapseOffer(plan_id=PLAN)])],
    [(NOON, LATE_LIFE), (LATER, MONTHS_LATER)],
    [(NOON, PLAN_LIFE[:-1]), (LATER, [PLAN_LIFE[-1], *CURED_LIFE])],
    [(NOON, COURT_LIFE)],
    [(NOON, INTEREST_LIFE), (LATER, INTEREST_LATER)],
    [
        (NOON, HELD_LIFE),
        (LATER, HELD_MONTHS_LATER),
        (NOON.replace(year=2029, month=2, day=20), YEARS_LATER[:1]),
        (NOON.replace(year=2029, day=3), YEARS_LATER[1:]),
    ],
    [(NOON, [*OPENED, *REPORTED])],
]


def test_the_names_in_the_log_are_what_they_were() -> None:
    assert sorted(cls.__name__ for cls in e.EVENT_CLASSES) == sorted(NAMES)
    assert all(cls.__struct_config__.tag == cls.__name__ for cls in e.EVENT_CLASSES)


def test_every_event_is_reached() -> None:
    events = [*(event for life in LIVES for event in live(life)), *relicensed()]
    reached = {type(event).__name__ for event in events}
    assert reached == set(NAMES)


def test_every_event_survives_the_log() -> None:
    decoder = msgspec.json.Decoder(e.Event)
    for event in (event for life in LIVES for event in live(life)):
        assert decoder.decode(msgspec.json.encode(event)) == event


@pytest.mark.parametrize("life", LIVES)
def test_a_life_can_be_taken_up_anywhere(life: list[tuple[datetime, list[c.Command]]]) -> None:
    events = live(life)
    for n in range(1, len(events)):
        assert fold(events[n:], fold(events[:n])) == fold(events)


def test_every_event_but_the_first_has_its_place_in_evolve() -> None:
    assert set(APPLY) == set(e.EVENT_CLASSES) - {e.CaseOpened}


def test_every_command_has_its_place_in_decide() -> None:
    assert set(DECIDE) == set(get_args(c.Command)) - {c.OpenCase}


def test_every_class_of_the_modules_is_in_its_union() -> None:
    facts = {cls for cls in vars(e).values() if isinstance(cls, type) and issubclass(cls, e.Fact)}
    assert facts - {e.Fact} == set(e.EVENT_CLASSES)
    kinds = (c.Ask, c.Report)
    commands = {x for x in vars(c).values() if isinstance(x, type) and issubclass(x, kinds)}
    assert commands - set(kinds) == set(get_args(c.Command))


def test_a_history_begins_with_the_opening() -> None:
    with pytest.raises(AssertionError):
        evolve(None, e.ContactPointRetired(at=NOON, point_id="mobile", reason=""))
    assert fold([]) is None


def test_the_state_carries_the_time_of_the_last_event() -> None:
    for events in map(live, LIVES):
        case = fold(events)
        assert case is not None
        assert case.at == events[-1].at


def test_time_never_runs_backwards() -> None:
    with pytest.raises(AssertionError, match="backwards"):
        given(*opened()).when(request(), at=NOON.replace(hour=3))


def test_sample_values_are_what_the_commands_allow() -> None:
    decoder = msgspec.json.Decoder(c.Command)
    for commands in (
        CONTACT_LIFE,
        TERMS_LIFE,
        STEPS_LIFE,
        MONEY_LIFE,
        PLAN_LIFE,
        CURED_LIFE,
        LATE_LIFE,
        MONTHS_LATER,
        COURT_LIFE,
        INTEREST_LIFE,
        INTEREST_LATER,
        HELD_LIFE,
        HELD_MONTHS_LATER,
        YEARS_LATER,
    ):
        for command in commands:
            assert decoder.decode(msgspec.json.encode(command)) == command
