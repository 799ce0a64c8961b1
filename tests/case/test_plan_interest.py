"""The interest of a plan: owed from its day, never before; and money that comes early."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.errors import Invalid, TooEarly, Unknown
from duecourse.case.plan_terms import EarlyPayment, PlanTerms
from duecourse.case.state import Case, Plan
from duecourse.case.timers import command_of, timers_of
from duecourse.money.plan_terms import Kind
from duecourse.rules.treatment import load_treatment
from duecourse.testing import LEGAL, given
from duecourse.testing.sample import (
    DAY,
    DEBT,
    DEBTOR,
    OTHER_DEBT,
    PLAN,
    accept,
    bounce,
    debt,
    opened,
    pay,
)

TREATMENT = load_treatment()
# 600.00 in three, 1 % a month: 204.01 (6.00), 204.01 (4.02), 204.02 (2.02).
MONTHS = (date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31))


def at(day: date, hour: int = 12) -> datetime:
    """So late on a day in Shanghai."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC) - timedelta(hours=8)


def plan(
    early: EarlyPayment = "ahead", schedule: Kind = "annuity", count: int = 3, percent: str = "12",
    amount: int = 0,
) -> c.OfferPlan:  # fmt: skip
    return c.OfferPlan(
        plan_id=PLAN,
        kind="instalments",
        currency="CNY",
        expires_on=date(2026, 3, 15),
        early_payment=early,
        terms=PlanTerms(
            schedule=schedule, count=count, percent=percent, amount_minor=amount,
            first_on=MONTHS[0], every="last_day",
        ),
    )  # fmt: skip


def kept(command: c.OfferPlan | None = None, *debts: e.Debt) -> given:
    return given(*opened(*debts)).when(command or plan()).when(accept())


def charge(number: int) -> c.ChargePlanInterest:
    return c.ChargePlanInterest(plan_id=PLAN, number=number)


def case_of(story: given) -> Case:
    assert story.case is not None
    return story.case


def owed(story: given) -> tuple[int, int]:
    """Interest and principal."""
    buckets = case_of(story).outstanding("CNY")
    return buckets.interest, buckets.principal


def plan_of(story: given) -> Plan:
    return case_of(story).plans[PLAN]


def amounts(story: given) -> list[int]:
    return [each.amount_minor for each in plan_of(story).instalments]


def interests(story: given) -> list[int]:
    return [each.interest_minor for each in plan_of(story).instalments]


# --- charged on its day ----------------------------------------------------------------------------


def test_accepting_a_plan_with_interest_makes_none_of_it_owed() -> None:
    assert owed(kept()) == (0, 60_000)


def test_the_interest_of_an_instalment_is_owed_as_its_day_begins() -> None:
    story = kept()
    timers = [each for each in timers_of(case_of(story), TREATMENT) if each.kind == "interest"]
    assert [each.due_at for each in timers] == [at(day, 0) for day in MONTHS]
    command = command_of(timers[0])
    assert command == charge(1)
    story.when(command, at=timers[0].due_at)
    assert story.then_one(e.PlanInterestCharged).charged == (
        e.Allocation(debt_id=DEBT, paid=type(case_of(story).outstanding("CNY"))(interest=600)),
    )
    assert owed(story) == (600, 60_000)
    story.when(charge(1), at=at(MONTHS[0])).then_nothing()
    left = [each for each in timers_of(case_of(story), TREATMENT) if each.kind == "interest"]
    assert [each.subject for each in left] == [f"{PLAN}/2", f"{PLAN}/3"]


def test_it_is_not_charged_before_its_day_or_for_what_there_is_not() -> None:
    story = kept()
    story.when(charge(1), at=at(MONTHS[0], 0) - timedelta(seconds=1)).then_raises(
        TooEarly, "number"
    )
    story.when(charge(4)).then_raises(Unknown, "number")
    other = c.ChargePlanInterest(plan_id=OTHER_DEBT, number=1)
    story.when(other).then_raises(Unknown, "plan_id")


def test_a_plan_that_ended_charges_nothing_more() -> None:
    story = kept().when(c.WithdrawPlan(plan_id=PLAN, reason="lost the job"))
    story.when(charge(1), at=at(MONTHS[0])).then_nothing()
    assert not [each for each in timers_of(case_of(story), TREATMENT) if each.kind == "interest"]
    assert owed(story) == (0, 60_000)


def test_paid_as_agreed_a_plan_with_interest_ends_with_nothing_owed_and_nothing_over() -> None:
    story = kept()
    for number, (day, amount) in enumerate(zip(MONTHS, amounts(story), strict=True)):
        story.when(pay(amount, f"pay-{number}"), at=at(day))
        story.then_one(e.PlanInterestCharged, lambda event: not event.payment_id)
    story.then_one(e.PlanCompleted)
    assert story.then_one(e.CaseClosed).reason == "paid"
    paid = list(case_of(story).payments.values())
    assert sum(each.paid.interest for p in paid for each in p.allocations) == 1_204
    assert not any(payment.unallocated_minor for payment in paid)


def test_money_a_few_days_early_brings_the_interest_of_its_period_with_it() -> None:
    story = kept().when(pay(20_401), at=at(date(2026, 3, 28)))
    story.then_one(e.PlanInterestCharged, lambda event: event.payment_id == "pay-1")
    story.then_one(e.InstalmentMet)
    assert owed(story) == (0, 40_199)
    story.when(charge(1), at=at(MONTHS[0])).then_nothing()


def test_part_of_an_instalment_brings_no_interest_before_its_day() -> None:
    story = kept().when(pay(20_400), at=at(date(2026, 3, 28)))
    assert not any(isinstance(event, e.PlanInterestCharged) for event in story.events)
    assert owed(story) == (0, 39_600)


def test_the_interest_is_shared_by_what_is_owed_on_each_debt_to_the_unit() -> None:
    story = kept(plan(), debt(principal=40_000), debt(OTHER_DEBT, 20_000))
    event = story.when(charge(2), at=at(MONTHS[1])).then_one(e.PlanInterestCharged)
    assert {each.debt_id: each.paid.interest for each in event.charged} == {
        DEBT: 268, OTHER_DEBT: 134,
    }  # fmt: skip


def moratorium(place: str, until: date | None, on: UUID | None = None) -> given:
    """From 5 March, within the 29 days of the first period."""
    there = replace(DEBTOR, jurisdiction=place)
    story = given(*opened(debt(principal=40_000), debt(OTHER_DEBT, 20_000), debtor=there))
    story.when(plan()).when(accept())
    space = c.PlaceHold(hold_id="s", kind="breathing_space", authority="the register", debt_id=on)
    story.when(space, at=at(date(2026, 3, 5)))
    lift = c.LiftHold(hold_id="s", reason="over", evidence="the notice")
    return story.when(lift, at=at(until), actor=LEGAL) if until else story


def test_no_interest_of_a_plan_arises_in_a_moratorium_then_or_later() -> None:
    """10 of 29 days: of 4.00 and 2.00 the 19 / 29 are 2.62 and 1.31."""
    story = moratorium("GB", date(2026, 3, 15)).when(charge(1), at=at(MONTHS[0]))
    event = story.then_one(e.PlanInterestCharged)
    assert {each.debt_id: each.paid.interest for each in event.charged} == {
        DEBT: 262, OTHER_DEBT: 131,
    }  # fmt: skip
    assert event.barred_minor == 207
    story.when(charge(1), at=at(MONTHS[0], 13)).then_nothing()
    left = [each for each in timers_of(case_of(story), TREATMENT) if each.kind == "interest"]
    assert [each.subject for each in left] == [f"{PLAN}/2", f"{PLAN}/3"]
    # What was agreed is paid; what of it nobody was owed is the payer's.
    for number, (day, amount) in enumerate(zip(MONTHS, amounts(story), strict=True)):
        story.when(pay(amount, f"pay-{number}"), at=at(day, 14))
    assert owed(story) == (0, 0)
    assert case_of(story).payments["pay-2"].unallocated_minor == 207


def test_a_moratorium_of_one_debt_or_of_a_whole_period_bars_just_that() -> None:
    story = moratorium("GB", date(2026, 3, 15), OTHER_DEBT).when(charge(1), at=at(MONTHS[0]))
    assert story.then_one(e.PlanInterestCharged).barred_minor == 69
    # Sixty days: of the first period only three are before it.
    story = moratorium("GB", None).when(charge(1), at=at(MONTHS[0]))
    assert story.then_one(e.PlanInterestCharged).barred_minor == 600 - (41 + 20)
    story.when(charge(2), at=at(MONTHS[1]))
    event = story.then_one(e.PlanInterestCharged)
    assert (event.charged, event.barred_minor) == ((), 402)
    # Elsewhere a breathing space is the creditor's own, and the plan goes on.
    story = moratorium("CN", date(2026, 3, 15)).when(charge(1), at=at(MONTHS[0]))
    assert story.then_one(e.PlanInterestCharged).barred_minor == 0


# --- paid off early ----------------------------------------------------------------------------------


def test_who_pays_off_early_owes_the_interest_of_the_days_that_were() -> None:
    """Ten of the 30 days of April: 4.02 · 10/30 = 1.34. That of May is never owed."""
    story = kept().when(pay(20_401), at=at(MONTHS[0]))
    on = date(2026, 4, 10)
    payment = c.RecordPayment(
        payment_id="all", currency="CNY", amount_minor=40_199 + 134, value_on=on
    )
    story.when(payment, at=at(on))
    assert story.then_one(e.PlanInterestCharged).charged[0].paid.interest == 134
    story.then_one(e.PlanCompleted)
    assert story.then_one(e.CaseClosed).reason == "paid"
    assert case_of(story).payments["all"].unallocated_minor == 0


def test_the_day_of_value_counts_and_not_the_day_on_which_it_was_booked() -> None:
    story = kept().when(pay(20_401), at=at(MONTHS[0]))
    payment = c.RecordPayment(
        payment_id="all", currency="CNY", amount_minor=60_000, value_on=date(2026, 4, 10)
    )
    story.when(payment, at=at(date(2026, 4, 20)))
    assert story.then_one(e.PlanInterestCharged).charged[0].paid.interest == 134


def test_money_that_paid_everything_off_and_went_back_leaves_all_as_it_was() -> None:
    story = kept().when(pay(20_401), at=at(MONTHS[0]))
    before = case_of(story)
    day = at(date(2026, 4, 10))
    story.when(pay(60_000, "all"), at=day).when(bounce("all"), at=day)
    after = case_of(story)
    assert after.debts == before.debts
    assert after.plans == before.plans
    assert after.stage == before.stage
    story.when(charge(2), at=at(MONTHS[1])).then_one(e.PlanInterestCharged)
    assert owed(story) == (402, 40_199)


def test_interest_charged_for_early_money_that_went_back_is_not_owed_before_its_day() -> None:
    story = kept().when(pay(20_401), at=at(date(2026, 3, 28)))
    story.when(bounce(), at=at(date(2026, 3, 29))).then_one(e.PlanInterestReturned)
    assert owed(story) == (0, 60_000)
    story.when(charge(1), at=at(MONTHS[0]))
    assert owed(story) == (600, 60_000)


def test_what_another_payment_has_paid_of_such_interest_stays_charged() -> None:
    """In Germany a payment goes to the principal first (BGB § 497(3)).

    204.01 come early, with 6.00 of interest, and pay principal only. 400.00 more pay the rest of
    it, 395.99, and 4.01 of the interest. As the first money goes back, 1.99 go with it.
    """
    german = replace(DEBTOR, jurisdiction="DE", time_zone="Europe/Berlin")
    story = given(*opened(debtor=german)).when(plan()).when(accept())
    day = at(date(2026, 3, 28))
    story.when(pay(20_401, "a"), at=day).when(pay(40_000, "b"), at=day)
    assert owed(story) == (199, 0)
    story.when(bounce("a"), at=day)
    assert story.then_one(e.PlanInterestReturned).returned[0].paid.interest == 199
    assert owed(story) == (0, 20_401)
    story.when(charge(1), at=at(MONTHS[0]))
    assert owed(story) == (199, 20_401)


# --- money beyond the next instalment ------------------------------------------------------------------


def test_ahead_it_pays_the_following_instalments_and_nothing_changes() -> None:
    story = kept(plan("ahead", "equal_parts", 6, "0")).when(pay(25_000))
    assert (plan_of(story).met, amounts(story)) == (2, [10_000] * 6)


def test_shortening_takes_the_last_instalments_away() -> None:
    """100.00 for March, and 150.00 more: of five times 100.00 three and a half are left."""
    story = kept(plan("shorten_term", "equal_parts", 6, "0")).when(pay(25_000))
    story.then_one(e.PlanRescheduled)
    assert amounts(story) == [25_000, 10_000, 10_000, 10_000, 5_000]
    assert plan_of(story).met == 1
    story.when(pay(35_000, "pay-2")).then_one(e.PlanCompleted)


def test_lowering_makes_each_instalment_that_is_left_smaller() -> None:
    story = kept(plan("lower_instalments", "equal_parts", 6, "0")).when(pay(25_000))
    assert amounts(story) == [25_000, 7_000, 7_000, 7_000, 7_000, 7_000]
    story.when(pay(35_000, "pay-2")).then_one(e.PlanCompleted)


def test_shortening_saves_the_interest_of_what_was_paid_early() -> None:
    """204.01 for March and 100.00 more. 401.99 - 100.00 = 301.99 are left.

    April: 3.02 of interest, and 200.99. May: 1.01 of 101.00.
    """
    story = kept(plan("shorten_term")).when(pay(30_401), at=at(MONTHS[0] - DAY))
    assert amounts(story) == [30_401, 20_401, 10_201]
    assert interests(story) == [600, 302, 101]
    assert story.then_one(e.PlanRescheduled).saved_minor == 402 + 202 - 302 - 101


def test_lowering_is_a_new_annuity_over_the_days_that_are_left() -> None:
    """301.99 in two at 1 %: 301.99 · 0.01 / (1 - 1.01^-2) = 153.26 (153.2642)."""
    story = kept(plan("lower_instalments")).when(pay(30_401), at=at(MONTHS[0] - DAY))
    assert amounts(story) == [30_401, 15_326, 15_327]
    assert interests(story) == [600, 302, 152]


@pytest.mark.parametrize("early", ["shorten_term", "lower_instalments"])
@pytest.mark.parametrize(
    "asked", [("annuity", 4, 0), ("equal_principal", 4, 0), ("level_amount", 0, 16_000)]
)
def test_what_is_paid_early_is_never_asked_for_again(
    early: EarlyPayment, asked: tuple[Kind, int, int]
) -> None:
    schedule, count, amount = asked
    story = kept(plan(early, schedule, count, "12", amount))
    first = amounts(story)[0]
    before = sum(interests(story))
    story.when(pay(first + 7_777), at=at(MONTHS[0] - DAY))
    assert sum(amounts(story)) - sum(interests(story)) == 60_000
    assert sum(interests(story)) < before
    days = [each.due_on for each in plan_of(story).instalments]
    for number, (day, due) in enumerate(zip(days[1:], amounts(story)[1:], strict=True)):
        story.when(pay(due, f"later-{number}"), at=at(day))
    story.then_one(e.PlanCompleted)
    assert case_of(story).outstanding("CNY").total == 0
    assert not any(each.unallocated_minor for each in case_of(story).payments.values())


@pytest.mark.parametrize("early", ["shorten_term", "lower_instalments"])
def test_early_money_that_went_back_leaves_the_schedule_as_it_was(early: EarlyPayment) -> None:
    story = kept(plan(early))
    before = case_of(story)
    day = at(MONTHS[0] - DAY)
    story.when(pay(30_401), at=day).when(bounce(), at=day)
    assert case_of(story).plans == before.plans
    assert case_of(story).debts == before.debts
    story.when(pay(30_401, "again"), at=day).then_one(e.PlanRescheduled)


def test_of_two_early_payments_the_second_still_counts_when_the_first_goes_back() -> None:
    story = kept(plan("shorten_term", "equal_parts", 6, "0"))
    story.when(pay(25_000, "a")).when(pay(10_000, "b")).when(bounce("a"))
    assert plan_of(story).paid_minor == 10_000
    assert sum(amounts(story)) == 60_000
    assert amounts(story) == [10_000] * 6
    story.when(pay(50_000, "c")).then_one(e.PlanCompleted)


def test_what_is_still_early_after_a_reversal_shortens_the_plan_as_if_it_had_come_alone() -> None:
    story = kept(plan("shorten_term", "equal_parts", 6, "0"))
    story.when(pay(25_000, "a")).when(pay(25_000, "b")).when(bounce("a"))
    alone = kept(plan("shorten_term", "equal_parts", 6, "0")).when(pay(25_000, "b"))
    assert amounts(story) == amounts(alone) == [25_000, 10_000, 10_000, 10_000, 5_000]
    assert (plan_of(story).met, plan_of(story).covered()) == (1, 1)
    assert plan_of(story).changes == plan_of(alone).changes


def test_all_of_it_at_once_completes_a_plan_that_is_shortened() -> None:
    story = kept(plan("shorten_term", "equal_parts", 6, "0")).when(pay(60_000))
    story.then_one(e.PlanCompleted)
    assert story.then_one(e.CaseClosed).reason == "paid"


def test_a_bank_day_late_is_no_early_payment() -> None:
    """Paid on 1 April for 31 March: the next one is that of April, and nothing is early."""
    story = kept(plan("shorten_term", "equal_parts", 6, "0"))
    story.when(pay(20_000), at=at(date(2026, 4, 1)))
    assert amounts(story) == [10_000] * 6
    assert plan_of(story).met == 2


def test_interest_cannot_be_written_into_an_offer_by_hand() -> None:
    by_hand = c.OfferPlan(
        plan_id=UUID(int=9), kind="instalments", currency="CNY", expires_on=date(2026, 3, 15),
        instalments=(e.Instalment(due_on=MONTHS[0], amount_minor=60_500, interest_minor=500),),
    )  # fmt: skip
    given(*opened()).when(by_hand).then_raises(Invalid, "instalments")
