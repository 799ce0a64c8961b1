"""Arrangements: offered, answered, kept, missed, cured, broken, completed."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.errors import Invalid, TooEarly, Unknown, WrongState
from duecourse.case.plan_terms import Fit
from duecourse.case.state import Plan
from duecourse.rules.treatment import load_treatment
from duecourse.testing import given
from duecourse.testing.sample import (
    DAY,
    DEBT,
    NOON,
    OTHER_DEBT,
    PLAN,
    accept,
    bounce,
    debt,
    offer,
    open_case,
    opened,
    pay,
)

SECOND = UUID(int=50)
THREE = offer(20_000, 20_000, 20_000)
DECLINE = c.DeclinePlan(plan_id=PLAN, reason="too much a month")
WITHDRAW = c.WithdrawPlan(plan_id=PLAN, reason="made in error")
LAPSE = c.LapseOffer(plan_id=PLAN)
AFTER_OFFER = datetime(2026, 3, 15, 16, 0, tzinfo=UTC)  # 16 March, 00:00 in Shanghai
AFTER_FIRST = datetime(2026, 3, 19, 16, 0, tzinfo=UTC)  # due on the 16th, three days of grace
AFTER_SECOND = AFTER_FIRST + 30 * DAY


def judge(number: int, plan_id: UUID = PLAN) -> c.JudgeInstalment:
    return c.JudgeInstalment(plan_id=plan_id, number=number)


def offered() -> given:
    return given(*opened()).when(THREE)


def kept() -> given:
    return offered().when(accept())


def settlement() -> given:
    """600.00 owed: 400.00 in two parts, 200.00 forgiven."""
    plan = offer(20_000, 20_000, kind="settlement", waived=20_000)
    return given(*opened()).when(plan).when(accept())


def plan_of(story: given, plan_id: UUID = PLAN) -> Plan:
    assert story.case is not None
    return story.case.plans[plan_id]


# --- offer and answer --------------------------------------------------------------------------


def test_an_offer_brings_the_case_to_negotiation() -> None:
    offered().then(
        e.PlanOffered(
            at=NOON,
            plan_id=PLAN,
            kind="instalments",
            currency="CNY",
            instalments=THREE.instalments,
            waived_minor=0,
            expires_on=date(2026, 3, 15),
            grace_days=3,
            breaks_after_missed=2,
            fit=Fit(verdict="unknown", per_month_minor=20_000),
        ),
        e.StageMoved(at=NOON, to="negotiation", reason="a plan was offered"),
    ).when(THREE).then_nothing()


@pytest.mark.parametrize(
    ("plan", "field"),
    [
        (offer(20_000, 20_000), "instalments"),
        (offer(20_000, 20_000, 20_001), "instalments"),
        (offer(20_000, 20_000, waived=20_000), "waived_minor"),
        (offer(20_000, 20_000, kind="settlement", waived=20_001), "instalments"),
        (offer(60_000, currency="USD"), "currency"),
        (offer(60_000, first=date(2026, 3, 1)), "instalments"),
        (replace(offer(60_000), expires_on=date(2026, 3, 1)), "expires_on"),
        (replace(offer(60_000), expires_on=date(9999, 12, 31)), "expires_on"),
        (offer(60_000, first=date(2999, 1, 1)), "instalments"),
        (replace(THREE, instalments=THREE.instalments[::-1]), "instalments"),
        (replace(THREE, instalments=(THREE.instalments[0],) * 3), "instalments"),
    ],
)
def test_an_offer_that_does_not_add_up_names_the_field(plan: c.OfferPlan, field: str) -> None:
    given(*opened()).when(plan).then_raises(Invalid, field)


def test_another_offer_takes_the_place_of_the_one_before() -> None:
    story = offered().when(offer(30_000, 30_000, plan_id=SECOND))
    story.then_one(e.PlanWithdrawn, lambda gone: gone.plan_id == PLAN)
    story.when(accept()).then_raises(WrongState, "plan_id")
    story.when(accept(SECOND)).then_one(e.PlanAccepted)


def test_while_a_plan_is_kept_no_other_is_offered() -> None:
    kept().when(offer(60_000, plan_id=SECOND)).then_raises(WrongState, "plan_id")


def test_a_plan_is_accepted_once() -> None:
    story = kept()
    story.then(e.PlanAccepted(at=NOON, plan_id=PLAN, evidence="agreed on the phone"))
    story.when(accept()).then_nothing()


def test_nobody_accepts_a_plan_without_saying_how() -> None:
    blank = c.AcceptPlan(plan_id=PLAN, evidence="  ")
    given(*opened()).when(offer(60_000)).when(blank).then_raises(Invalid, "evidence")


def test_an_offer_can_be_accepted_on_its_last_day_and_not_after() -> None:
    offered().when(accept(), at=AFTER_OFFER - DAY / 24).then_one(e.PlanAccepted)
    offered().when(accept(), at=AFTER_OFFER).then_raises(WrongState, "plan_id")


def test_an_offer_is_void_when_what_is_owed_has_changed() -> None:
    offered().when(pay(1)).when(accept()).then_raises(WrongState, "plan_id")
    more = c.PlaceDebt(debt=debt(OTHER_DEBT, 1))
    offered().when(more).when(accept()).then_raises(WrongState, "plan_id")


def test_an_offer_is_declined_once() -> None:
    story = offered().when(DECLINE)
    story.then(e.PlanDeclined(at=NOON, plan_id=PLAN, reason="too much a month"))
    story.when(DECLINE).then_nothing()
    kept().when(DECLINE).then_raises(WrongState, "plan_id")


def test_an_offer_or_a_plan_is_withdrawn_once() -> None:
    story = offered().when(WITHDRAW)
    story.then(e.PlanWithdrawn(at=NOON, plan_id=PLAN, reason="made in error"))
    story.when(WITHDRAW).then_nothing()
    kept().when(WITHDRAW).then_one(e.PlanWithdrawn)
    offered().when(DECLINE).when(WITHDRAW).then_raises(WrongState, "plan_id")


def test_an_offer_that_nobody_answered_lapses_after_its_last_day() -> None:
    story = offered().when(LAPSE, at=AFTER_OFFER - DAY / 24)
    story.then_raises(TooEarly, "plan_id")
    story.when(LAPSE, at=AFTER_OFFER).then(e.PlanLapsed(at=AFTER_OFFER, plan_id=PLAN))
    story.when(LAPSE, at=AFTER_OFFER).then_nothing()


def test_a_late_timer_does_not_end_a_plan_that_was_accepted() -> None:
    kept().when(LAPSE, at=AFTER_OFFER).then_nothing()


def test_a_plan_the_case_does_not_have_is_named() -> None:
    for command in (accept(), DECLINE, WITHDRAW, LAPSE, judge(1)):
        given(*opened()).when(command).then_raises(Unknown, "plan_id")
    kept().when(judge(0)).then_raises(Unknown, "number")
    kept().when(judge(4)).then_raises(Unknown, "number")


# --- kept, missed, broken ------------------------------------------------------------------------


def test_payments_meet_instalments_from_the_first_on() -> None:
    story = kept().when(pay(50_000))
    met = [event.number for event in story.events if isinstance(event, e.InstalmentMet)]
    assert met == [1, 2]
    story.when(pay(9_999, "pay-2"))
    assert (plan_of(story).met, plan_of(story).status) == (2, "active")


def test_money_paid_before_the_plan_does_not_count_for_it() -> None:
    story = given(*opened()).when(pay(20_000)).when(offer(20_000, 20_000)).when(accept())
    assert plan_of(story).met == 0


def test_money_of_another_currency_meets_no_instalment() -> None:
    story = kept().when(pay(60_000, currency="USD"))
    assert len(story.events) == 1
    assert plan_of(story).paid_minor == 0


def test_an_instalment_is_missed_when_its_days_of_grace_are_over() -> None:
    story = kept().when(pay(5_000)).when(judge(1), at=AFTER_FIRST - DAY / 24)
    story.then_raises(TooEarly, "number")
    story.when(judge(1), at=AFTER_FIRST)
    story.then(e.InstalmentMissed(at=AFTER_FIRST, plan_id=PLAN, number=1, short_minor=15_000))
    story.when(judge(1), at=AFTER_FIRST).then_nothing()


def test_an_instalment_that_was_met_is_not_missed() -> None:
    kept().when(pay(20_000)).when(judge(1), at=AFTER_FIRST).then_nothing()


def test_a_missed_instalment_is_cured_by_paying_it_late() -> None:
    story = kept().when(judge(1), at=AFTER_FIRST).when(pay(20_000), at=AFTER_FIRST)
    story.then_one(e.InstalmentMet, lambda met: met.number == 1)
    story.then_one(e.InstalmentCured, lambda cured: (cured.number, cured.days_late) == (1, 4))
    assert (plan_of(story).missed, plan_of(story).cured) == ((), (1,))
    story.when(judge(2), at=AFTER_SECOND)
    assert [type(event) for event in story.events] == [e.InstalmentMissed]


def test_an_instalment_paid_in_its_days_of_grace_is_met_and_nothing_had_to_be_cured() -> None:
    story = kept().when(pay(20_000), at=AFTER_FIRST - DAY)
    story.then_one(e.InstalmentMet)
    assert plan_of(story).cured == ()


def test_what_cured_an_instalment_may_go_back_and_then_it_is_judged_again() -> None:
    story = kept().when(judge(1), at=AFTER_FIRST).when(pay(20_000), at=AFTER_FIRST)
    story.when(bounce(), at=AFTER_FIRST)
    assert (plan_of(story).met, plan_of(story).cured) == (0, ())
    story.when(judge(1), at=AFTER_FIRST).then_one(e.InstalmentMissed)


def test_days_of_grace_and_the_break_are_those_of_the_offer() -> None:
    """What was agreed stays agreed, whatever the house changes in its schedule later."""
    patient = replace(load_treatment(), instalment_grace_days=30, missed_instalments_break_plan=9)
    history = [*opened(), *offered().events, *kept().events]
    story = given(*history, treatment=patient).when(judge(1), at=AFTER_FIRST)
    story.then_one(e.InstalmentMissed)
    story.when(judge(2), at=AFTER_SECOND).then_one(e.PlanBroken)


def test_a_plan_may_have_days_of_grace_of_its_own() -> None:
    story = given(*opened()).when(replace(THREE, grace_days=10)).when(accept())
    story.when(judge(1), at=AFTER_FIRST).then_raises(TooEarly, "number")
    story.when(judge(1), at=AFTER_FIRST + 7 * DAY).then_one(e.InstalmentMissed)


def test_the_second_missed_instalment_breaks_the_plan() -> None:
    story = kept().when(judge(1), at=AFTER_FIRST).when(judge(2), at=AFTER_SECOND)
    story.then(
        e.InstalmentMissed(at=AFTER_SECOND, plan_id=PLAN, number=2, short_minor=40_000),
        e.PlanBroken(at=AFTER_SECOND, plan_id=PLAN, reason="2 instalments were missed"),
    )
    story.when(judge(3), at=AFTER_SECOND + 30 * DAY).then_nothing()
    story.when(accept(), at=AFTER_SECOND).then_raises(WrongState, "plan_id")


def test_a_plan_paid_in_full_is_completed_and_closes_the_case() -> None:
    story = kept().when(pay(40_000)).when(pay(20_000, "pay-2"))
    completed = story.events
    story.then(
        completed[0],
        e.InstalmentMet(at=NOON, plan_id=PLAN, number=3),
        e.PlanCompleted(at=NOON, plan_id=PLAN),
        e.CaseClosed(at=NOON, reason="paid", note=""),
    )


def test_a_completed_plan_is_active_again_when_a_payment_bounces() -> None:
    story = kept().when(pay(40_000)).when(pay(20_000, "pay-2")).when(bounce("pay-2"))
    assert (plan_of(story).status, plan_of(story).met) == ("active", 2)
    story.when(pay(20_000, "pay-3")).then_one(e.PlanCompleted)


def test_a_bounced_payment_takes_its_instalments_back() -> None:
    story = kept().when(pay(20_000)).when(bounce())
    assert (plan_of(story).paid_minor, plan_of(story).met) == (0, 0)
    story.when(judge(1), at=AFTER_FIRST).then_one(e.InstalmentMissed)


def test_of_two_plans_the_one_completed_before_breaks_when_its_payment_bounces() -> None:
    story = kept().when(pay(60_000)).when(open_case(debt(), debt(OTHER_DEBT, 10_000)))
    story.when(offer(10_000, plan_id=SECOND)).when(accept(SECOND)).when(bounce())
    story.then_one(e.PlanBroken, lambda broken: broken.plan_id == PLAN)
    assert story.case is not None
    assert story.case.active_plan == SECOND


def test_an_offer_is_not_accepted_beside_a_plan_that_came_back() -> None:
    dollars = debt(OTHER_DEBT, 10_000, currency="USD")
    in_dollars = offer(10_000, plan_id=SECOND, currency="USD")
    story = given(*opened(debt(), dollars)).when(THREE).when(accept()).when(pay(60_000))
    story.when(in_dollars).when(bounce())
    story.when(accept(SECOND)).then_raises(WrongState, "plan_id")


# --- settlement ----------------------------------------------------------------------------------


def test_a_kept_settlement_forgives_the_rest_and_closes_the_case() -> None:
    story = settlement().when(pay(40_000))
    waived = story.then_one(e.BalanceWaived).waived
    assert [(each.debt_id, each.paid.principal) for each in waived] == [(DEBT, 20_000)]
    assert story.then_one(e.CaseClosed).reason == "settled"
    assert story.case is not None
    assert not story.case.owes


def test_until_it_is_kept_a_settlement_forgives_nothing() -> None:
    story = settlement().when(pay(39_999))
    assert story.case is not None
    assert story.case.outstanding("CNY").total == 20_001


def test_paying_more_than_the_settlement_leaves_less_to_forgive() -> None:
    story = settlement().when(pay(45_000))
    assert story.then_one(e.BalanceWaived).waived[0].paid.total == 15_000


def test_paying_all_of_a_settlement_forgives_nothing() -> None:
    story = settlement().when(pay(60_000))
    assert not any(isinstance(event, e.BalanceWaived) for event in story.events)
    assert story.then_one(e.CaseClosed).reason == "paid"


def test_what_a_settlement_forgave_is_owed_again_when_its_payment_bounces() -> None:
    story = settlement().when(pay(40_000)).when(bounce())
    story.then(
        e.PaymentReversed(at=NOON, payment_id="pay-1", reason="the direct debit was returned"),
        e.WaiverRevoked(at=NOON, plan_id=PLAN),
        e.CaseReopened(at=NOON, reason="a payment was reversed"),
    )
    assert story.case is not None
    assert story.case.outstanding("CNY").principal == 60_000
    assert plan_of(story).waiver == ()
    assert story.when(pay(40_000, "pay-2")).then_one(e.CaseClosed).reason == "settled"
