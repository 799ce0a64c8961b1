"""No plan above what a household can pay, unless two persons say why."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.affordability import per_month
from duecourse.case.context import SYSTEM, Actor
from duecourse.case.errors import Invalid, NotAllowed, Unknown, WrongState
from duecourse.case.lifecycle import missing_for_legal
from duecourse.case.plan_terms import ExpenseLine, Fit, FormLine, IncomeAndExpenditure, PlanTerms
from duecourse.case.timers import timers_of
from duecourse.rules.treatment import load_treatment
from duecourse.store.sealing import EACH, marks_of
from duecourse.testing import COLLECTOR, LEGAL, given
from duecourse.testing.sample import DAY, NOON, PLAN, accept, bounce, offer, opened, pay
from duecourse.views.worklist import worklist_row

FORM = UUID(int=70)
SECOND = UUID(int=50)
TREATMENT = load_treatment()
OVERRIDE = "a relative pays half of it, in writing"
APPROVE = c.ApprovePlan(plan_id=PLAN)
# 6 200.00 a month; 2 100.00 rent and 450.00 a week for food: 1 950.00. 2 150.00 are left.
BUDGET = IncomeAndExpenditure(
    currency="CNY",
    income=(FormLine(name="工资 wages", amount_minor=620_000),),
    expenses=(
        ExpenseLine(name="rent", amount_minor=210_000),
        ExpenseLine(name="food", amount_minor=45_000, every="week"),
        ExpenseLine(name="streaming", amount_minor=3_000, protected=False),
    ),
)


def form(
    available: int = 0, *, assessment_id: UUID = FORM, on: date = date(2026, 3, 2), **fields: Any
) -> c.RecordAffordability:
    """So much is left a month, where it is given."""
    plain = IncomeAndExpenditure(
        currency="CNY", income=(FormLine(name="wages", amount_minor=available),)
    )
    budget = replace(plain, **fields) if fields or available else BUDGET
    return c.RecordAffordability(assessment_id=assessment_id, form=budget, assessed_on=on)


def weekly(amount: int, count: int) -> c.OfferPlan:
    terms = PlanTerms(first_on=date(2026, 3, 16), every="week", count=count)
    return c.OfferPlan(
        plan_id=PLAN, kind="instalments", currency="CNY", expires_on=date(2026, 3, 15), terms=terms
    )


def assessed(available: int) -> given:
    return given(*opened()).when(form(available))


def proposed() -> given:
    """300.00 a month are asked for, and 250.00 are left."""
    return assessed(25_000).when(replace(offer(30_000, 30_000), override=OVERRIDE))


# --- the form ----------------------------------------------------------------------------------


def test_the_surplus_is_income_less_protected_expenses() -> None:
    event = given(*opened()).when(form()).then_one(e.AffordabilityAssessed)
    assert event.income_minor == 620_000
    assert event.protected_expenses_minor == 405_000
    assert event.other_expenses_minor == 3_000
    assert (event.surplus_minor, event.available_minor) == (215_000, 215_000)


def test_the_lines_of_the_form_are_kept_as_they_were_said_and_sealed() -> None:
    event = given(*opened()).when(form()).then_one(e.AffordabilityAssessed)
    assert [msgspec.json.decode(line) for line in event.lines][1:3] == [
        {"of": "expense", "name": "rent", "amount_minor": 210_000},
        {"of": "expense", "name": "food", "amount_minor": 45_000, "every": "week"},
    ]
    assert marks_of(e.AffordabilityAssessed) == {"lines": {EACH: None}, "evidence": None}


def test_a_reserve_stays_with_the_household_and_other_creditors_get_their_share() -> None:
    """A tenth of 1 000.00 stays; 600.00 are owed here and 1 200.00 elsewhere: 300.00 are left."""
    command = form(100_000, reserve_percent="10", owed_elsewhere_minor=120_000)
    command = replace(
        command, form=replace(command.form, income=(FormLine(name="w", amount_minor=100_000),))
    )
    assert (
        given(*opened()).when(command).then_one(e.AffordabilityAssessed).available_minor == 30_000
    )


def test_a_household_that_lacks_money_has_no_surplus_for_a_plan() -> None:
    poor = replace(BUDGET, income=(FormLine(name="wages", amount_minor=400_000),))
    command = replace(form(), form=poor)
    event = given(*opened()).when(command).then_one(e.AffordabilityAssessed)
    assert (event.surplus_minor, event.available_minor) == (-5_000, 0)


def test_the_same_form_again_makes_nothing_and_a_form_of_tomorrow_is_refused() -> None:
    assessed(1_000).when(form(1_000)).then_nothing()
    given(*opened()).when(form(1_000, on=date(2026, 3, 3))).then_raises(Invalid, "assessed_on")
    given(*opened()).when(form(1_000, on=date(1900, 3, 3))).then_raises(Invalid, "assessed_on")
    shared = form(1_000, owed_elsewhere_minor=5, currency="USD")
    given(*opened()).when(shared).then_raises(Invalid, "form.owed_elsewhere_minor")


def test_a_form_whose_sums_are_beyond_every_limit_is_refused() -> None:
    rich = tuple(FormLine(name="w", amount_minor=10**15) for _ in range(2))
    command = replace(form(), form=replace(BUDGET, income=rich))
    given(*opened()).when(command).then_raises(Invalid, "form")


# --- how much a plan asks for a month ------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "amount", "asked"),
    [
        ((0,), 1_200, 1_200),
        ((0, 30, 60), 1_200, 1_200),
        ((0, 28, 59), 1_200, 1_200),  # 31 January, 28 February, 31 March
        ((0, 7, 14, 21), 1_200, 5_200),  # 52 a year
        ((0, 14, 28), 1_200, 2_600),  # 26 a year
        ((0, 28, 56), 1_200, 1_300),  # 13 a year
        ((0, 28), 1_200, 1_200),  # one day of February and that of March
        ((0, 10, 20, 30), 1_200, 3_600),
        ((0, 1, 2, 3, 4), 1_200, 6_000),
        ((0, 27), 1_200, 2_400),
    ],
)
def test_a_plan_asks_for_so_much_a_month(days: tuple[int, ...], amount: int, asked: int) -> None:
    first = date(2026, 1, 31)
    instalments = [e.Instalment(due_on=first + n * DAY, amount_minor=amount) for n in days]
    assert per_month(instalments, None) == asked


def test_a_weekly_plan_by_terms_is_judged_by_52_weeks_and_not_by_four() -> None:
    """100.00 a week are 433.34 a month: 433.33 do not do."""
    assessed(43_334).when(weekly(10_000, 6)).then_one(e.PlanOffered)
    assessed(43_333).when(weekly(10_000, 6)).then_raises(Invalid, "override")


# --- what fits, and what does not ------------------------------------------------------------------


def test_a_plan_within_the_surplus_is_offered_and_says_so() -> None:
    event = assessed(30_000).when(offer(30_000, 30_000)).then_one(e.PlanOffered)
    assert event.fit == Fit(
        verdict="fits", per_month_minor=30_000, available_minor=30_000, assessment_id=FORM
    )


def test_a_plan_above_the_surplus_is_refused_and_the_error_has_the_figures() -> None:
    story = assessed(29_999).when(offer(30_000, 30_000))
    story.then_raises(Invalid, "override")
    with pytest.raises(Invalid, match=r"300\.00 CNY a month, and the household has 299\.99 left"):
        _ = story.events


def test_without_a_form_a_plan_is_offered_and_a_person_is_told_once_it_is_kept() -> None:
    story = given(*opened()).when(offer(30_000, 30_000))
    assert story.then_one(e.PlanOffered).fit == Fit(per_month_minor=30_000)
    assert attention(story) == ()
    assert attention(story.when(accept())) == ("affordability_unknown",)
    assert attention(story.when(form(30_000))) == ()


def fit(story: given) -> Fit:
    found = story.then_one(e.PlanOffered).fit
    assert found is not None
    return found


def attention(story: given) -> tuple[str, ...]:
    assert story.case is not None
    return worklist_row(PLAN, story.case, TREATMENT).attention


def test_the_newest_form_counts_and_an_old_one_says_nothing_any_more() -> None:
    newer = form(60_000, assessment_id=SECOND, on=date(2026, 3, 2))
    older = form(10, on=date(2026, 2, 1))
    for story in (
        given(*opened()).when(older).when(newer),
        given(*opened()).when(newer).when(older),
    ):
        assert fit(story.when(offer(60_000))).assessment_id == SECOND
    stale = given(*opened()).when(form(10, on=date(2025, 3, 1)))
    assert fit(stale.when(offer(60_000))).verdict == "unknown"
    last_day = given(*opened()).when(form(10, on=date(2025, 3, 2)))
    last_day.when(offer(60_000)).then_raises(Invalid, "override")


def test_of_two_forms_of_one_day_the_one_recorded_later_counts() -> None:
    story = given(*opened()).when(form(10)).when(form(60_000, assessment_id=SECOND))
    assert fit(story.when(offer(60_000))).assessment_id == SECOND
    story = given(*opened()).when(form(60_000)).when(form(10, assessment_id=SECOND))
    story.when(offer(60_000)).then_raises(Invalid, "override")


def test_a_form_of_another_currency_says_nothing() -> None:
    story = given(*opened()).when(form(10, currency="USD")).when(offer(60_000))
    assert fit(story).verdict == "unknown"


def test_an_offer_above_what_a_newer_form_leaves_is_not_accepted() -> None:
    story = given(*opened()).when(offer(30_000, 30_000)).when(form(29_999))
    story.when(accept()).then_raises(WrongState, "plan_id")
    given(*opened()).when(offer(30_000, 30_000)).when(form(30_000)).when(accept()).then_one(
        e.PlanAccepted
    )


# --- two persons -----------------------------------------------------------------------------------


def test_above_the_surplus_a_plan_is_proposed_and_not_put_to_the_debtor() -> None:
    event = proposed().then_one(e.PlanProposed)
    assert (event.needs, event.reason, event.proposed_by) == (
        ("above_surplus",), OVERRIDE, COLLECTOR.id,
    )  # fmt: skip
    assert event.offer.fit == Fit(
        verdict="above", per_month_minor=30_000, available_minor=25_000, assessment_id=FORM
    )
    assert attention(proposed()) == ("plan_proposed",)
    proposed().when(accept()).then_raises(WrongState, "plan_id")
    proposed().when(replace(offer(30_000, 30_000), override=OVERRIDE)).then_nothing()


def test_blank_words_are_no_reason() -> None:
    assessed(1).when(replace(offer(60_000), override="  ")).then_raises(Invalid, "override")


def test_another_person_approves_it_and_both_are_on_record() -> None:
    story = proposed().when(APPROVE, actor=LEGAL)
    event = story.then_one(e.PlanOffered)
    assert event.approval is not None
    assert (event.approval.needs, event.approval.proposed_by, event.approval.approved_by) == (
        ("above_surplus",), COLLECTOR.id, LEGAL.id,
    )  # fmt: skip
    story.when(APPROVE, actor=LEGAL).then_nothing()
    story.when(accept()).then_one(e.PlanAccepted)


def test_nobody_approves_their_own_proposal_and_no_machine_does() -> None:
    proposed().when(APPROVE).then_raises(NotAllowed)
    proposed().when(APPROVE, actor=Actor(COLLECTOR.id, "legal")).then_raises(NotAllowed)
    for role in ("system", "webhook", "operator", "analyst", "auditor"):
        proposed().when(APPROVE, actor=Actor("somebody-else", role)).then_raises(NotAllowed)
    proposed().when(APPROVE, actor=SYSTEM).then_raises(NotAllowed)


def test_only_what_was_proposed_can_be_approved() -> None:
    given(*opened()).when(APPROVE, actor=LEGAL).then_raises(Unknown, "plan_id")
    plain = given(*opened()).when(offer(60_000))
    plain.when(APPROVE, actor=LEGAL).then_raises(WrongState, "plan_id")


def test_what_was_proposed_is_void_when_what_is_owed_has_changed() -> None:
    proposed().when(pay(1)).when(APPROVE, actor=LEGAL).then_raises(WrongState, "plan_id")


def test_what_was_proposed_is_not_approved_after_its_days() -> None:
    late = datetime(2026, 3, 16, 4, 0, tzinfo=UTC)
    proposed().when(APPROVE, actor=LEGAL, at=late).then_raises(Invalid, "expires_on")


def test_a_proposal_that_nobody_approved_ends_with_its_last_day_and_is_no_offer_declined() -> None:
    story = proposed()
    assert story.case is not None
    timer = next(each for each in timers_of(story.case, TREATMENT) if each.kind == "offer")
    story.when(c.LapseOffer(plan_id=PLAN), at=timer.due_at)
    story.then_one(e.PlanWithdrawn)


def test_a_proposal_is_withdrawn_by_hand_by_another_one_and_with_the_case() -> None:
    gone = c.WithdrawPlan(plan_id=PLAN, reason="the reason was wrong")
    proposed().when(gone).then_one(e.PlanWithdrawn)
    other = replace(offer(60_000, plan_id=SECOND), override="they sell the car")
    proposed().when(other).then_one(e.PlanWithdrawn, lambda event: event.plan_id == PLAN)
    proposed().when(c.CloseCase(reason="sold")).then_one(e.PlanWithdrawn)


def test_while_a_plan_waits_for_a_second_person_nobody_goes_to_court() -> None:
    story = proposed()
    assert story.case is not None
    assert "an offered plan is still open" in missing_for_legal(story.case)
    story.when(c.WithdrawPlan(plan_id=PLAN, reason="the reason was wrong"))
    assert "an offered plan is still open" not in missing_for_legal(story.case)


def test_while_a_plan_waits_for_a_second_person_the_offer_before_stays_open() -> None:
    story = assessed(20_000).when(offer(20_000, 20_000, 20_000))
    story.when(replace(offer(30_000, 30_000, plan_id=SECOND), override=OVERRIDE))
    assert [type(event) for event in story.events] == [e.PlanProposed]
    story.when(replace(APPROVE, plan_id=SECOND), actor=LEGAL)
    story.then_one(e.PlanWithdrawn, lambda event: event.plan_id == PLAN)


# --- plan after plan -------------------------------------------------------------------------------


def broken_plans(count: int, at: datetime = NOON) -> given:
    story = given(*opened())
    for number in range(count):
        plan_id = UUID(int=100 + number)
        story.when(offer(60_000, plan_id=plan_id), at=at).when(accept(plan_id), at=at)
        story.when(c.WithdrawPlan(plan_id=plan_id, reason="lost the job"), at=at)
    return story


def test_a_plan_names_the_one_before_that_was_not_kept() -> None:
    event = broken_plans(1).when(offer(60_000)).then_one(e.PlanOffered)
    assert event.replaces == UUID(int=100)
    declined = given(*opened()).when(offer(60_000, plan_id=SECOND))
    declined.when(c.DeclinePlan(plan_id=SECOND)).when(offer(60_000))
    assert declined.then_one(e.PlanOffered).replaces is None


def test_the_third_re_plan_within_a_year_needs_another_person() -> None:
    broken_plans(2).when(offer(60_000)).then_one(e.PlanOffered)
    story = broken_plans(3)
    story.when(offer(60_000)).then_raises(Invalid, "override")
    story.when(replace(offer(60_000), override="the new job began"))
    assert story.then_one(e.PlanProposed).needs == ("replan_limit",)
    story.when(APPROVE, actor=LEGAL).then_one(e.PlanOffered)


def test_after_a_year_the_re_plans_before_are_forgotten() -> None:
    a_year_on = NOON.replace(year=2027)
    later = date(2027, 4, 1)
    broken_plans(3).when(offer(60_000, first=later), at=a_year_on - DAY).then_raises(Invalid)
    broken_plans(3).when(offer(60_000, first=later), at=a_year_on).then_one(e.PlanOffered)


def test_both_reasons_are_named_at_once() -> None:
    story = broken_plans(3).when(form(10)).when(replace(offer(60_000), override=OVERRIDE))
    assert story.then_one(e.PlanProposed).needs == ("above_surplus", "replan_limit")


def test_what_became_too_much_meanwhile_has_to_be_proposed_anew() -> None:
    story = broken_plans(3).when(replace(offer(60_000), override=OVERRIDE)).when(form(10))
    story.when(APPROVE, actor=LEGAL).then_raises(WrongState, "plan_id")


# --- the treatment schedule, which has no second person ------------------------------------------

AT_PLAN_STEP = datetime(2026, 4, 2, 4, 0, tzinfo=UTC)
STEP = c.FollowTreatment(step="plan-offer")


def at_the_plan_step(*commands: c.Command) -> given:
    steps = [
        e.TreatmentStepTaken(at=NOON, step=step.id, outcome="done", reason="for the test")
        for step in TREATMENT.steps
        if step.dpd < 30
    ]
    story = given(*opened(), *steps)
    for command in commands:
        story.when(command)
    return story.when(STEP, at=AT_PLAN_STEP)


def test_the_schedule_offers_so_many_instalments_that_they_fit() -> None:
    assert len(at_the_plan_step().then_one(e.PlanOffered).instalments) == 6
    fitting = at_the_plan_step(form(7_000)).then_one(e.PlanOffered)
    assert [each.amount_minor for each in fitting.instalments] == [6_666] * 8 + [6_672]
    assert fitting.fit is not None
    assert fitting.fit.verdict == "fits"


def test_to_a_household_without_a_surplus_the_schedule_offers_no_plan() -> None:
    poor = replace(form(), form=replace(BUDGET, income=(FormLine(name="w", amount_minor=1),)))
    step = at_the_plan_step(poor).then_one(e.TreatmentStepTaken)
    assert (step.outcome, "hardship" in step.reason) == ("skipped", True)
    assert at_the_plan_step(form(100)).then_one(e.TreatmentStepTaken).outcome == "skipped"


def test_a_bounced_payment_does_not_undo_an_assessment() -> None:
    story = assessed(30_000).when(pay(60_000)).when(bounce()).when(offer(60_000))
    story.then_raises(Invalid, "override")
