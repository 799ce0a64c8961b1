"""A plan on debts that bear interest of their own: one interest at a time, and all of it agreed."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.interest_terms import InterestTerms, RateFrom
from duecourse.case.plan_terms import FormLine, IncomeAndExpenditure, PlanTerms
from duecourse.case.state import Case
from duecourse.case.timers import command_of, timers_of
from duecourse.rules.treatment import load_treatment
from duecourse.testing import LEGAL, given
from duecourse.testing.sample import DAY, DEBT, NOON, PLAN, accept, bounce, debt, opened, pay

TREATMENT = load_treatment()
# 36.5 % a year on 600.00: 0.60 a day.
TERMS = InterestTerms(
    profile="cn-private",
    from_on=date(2026, 3, 2),
    rates=(RateFrom(since=date(2026, 3, 2), percent="36.5"),),
)
ANNUITY = PlanTerms(
    schedule="annuity", count=3, percent="12", first_on=date(2026, 3, 31), every="last_day"
)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)


def bearing() -> given:
    agreed = c.SetInterestTerms(debt_id=DEBT, terms=TERMS, evidence="the contract")
    return given(*opened(debt(principal=60_000))).when(agreed)


def plan(terms: PlanTerms = ANNUITY, **fields: Any) -> c.OfferPlan:
    asked: dict[str, Any] = {
        "plan_id": PLAN, "kind": "instalments", "currency": "CNY",
        "expires_on": date(2026, 3, 25), "terms": terms,
    }  # fmt: skip
    return c.OfferPlan(**{**asked, **fields})


def case_of(story: given) -> Case:
    assert story.case is not None
    return story.case


def owed(story: given) -> int:
    return case_of(story).outstanding("CNY").total


def run_until(story: given, until: datetime) -> None:
    """What is due of interest and of the plan happens on its day."""
    for _ in range(50):
        due = [
            each
            for each in timers_of(case_of(story), TREATMENT)
            if each.kind in {"interest", "accrual", "instalment"} and each.due_at <= until
        ]
        if not due:
            return
        first = min(due, key=lambda each: each.due_at)
        command = command_of(first)
        assert command is not None
        story.when(command, at=max(first.due_at, case_of(story).at))
        assert story.events


def pay_as_agreed(story: given) -> None:
    for number, each in enumerate(case_of(story).plans[PLAN].instalments):
        day = noon(each.due_on)
        run_until(story, day)
        payment = replace(pay(each.amount_minor, f"pay-{number}"), value_on=each.due_on)
        story.when(payment, at=day)


def test_an_offer_is_of_what_is_owed_on_its_day_with_the_interest_until_then() -> None:
    story = bearing().when(plan(), at=NOON + 8 * DAY)
    offer = story.then_one(e.PlanOffered)
    assert sum(x.amount_minor - x.interest_minor for x in offer.instalments) == 60_000 + 8 * 60


def test_while_a_plan_is_kept_no_interest_runs_beside_its_own() -> None:
    story = bearing().when(plan(), at=NOON + 8 * DAY).when(accept(), at=NOON + 18 * DAY)
    story.then_one(e.PlanAccepted)
    pay_as_agreed(story)
    story.then_one(e.PlanCompleted)
    assert story.then_one(e.CaseClosed).reason == "paid"
    assert owed(story) == 0
    assert not any(each.unallocated_minor for each in case_of(story).payments.values())


def test_a_plan_that_waited_for_a_second_person_is_of_the_day_of_its_proposal() -> None:
    form = IncomeAndExpenditure(
        currency="CNY", income=(FormLine(name="wages", amount_minor=10_000),)
    )
    story = bearing().when(
        c.RecordAffordability(assessment_id=UUID(int=70), form=form, assessed_on=date(2026, 3, 2))
    )
    story.when(plan(override="a relative helps"), at=NOON + 8 * DAY).then_one(e.PlanProposed)
    approve = c.ApprovePlan(plan_id=PLAN)
    story.when(approve, at=NOON + 12 * DAY, actor=LEGAL).then_one(e.PlanOffered)
    story.when(accept(), at=NOON + 14 * DAY).then_one(e.PlanAccepted)
    pay_as_agreed(story)
    story.then_one(e.PlanCompleted)
    assert (owed(story), case_of(story).is_closed) == (0, True)


def test_after_a_broken_plan_the_contract_runs_on_and_the_months_of_the_plan_are_not_added() -> (
    None
):
    """Owed on 10 March 604.80; kept for 30 days, withdrawn on 9 April: 10 days at 0.60."""
    free = replace(ANNUITY, schedule="equal_parts", percent="0")
    story = bearing().when(plan(free), at=NOON + 8 * DAY).when(accept(), at=NOON + 8 * DAY)
    story.when(c.WithdrawPlan(plan_id=PLAN, reason="lost the job"), at=NOON + 38 * DAY)
    story.when(c.AccrueInterest(), at=NOON + 48 * DAY)
    assert owed(story) == 60_000 + 8 * 60 + 10 * 60


def test_a_bounced_payment_of_a_plan_leaves_the_account_as_it_was() -> None:
    story = bearing().when(plan(), at=NOON + 8 * DAY).when(accept(), at=NOON + 8 * DAY)
    before = case_of(story)
    at = NOON + timedelta(days=20)
    first = before.plans[PLAN].instalments[0].amount_minor
    story.when(replace(pay(first), value_on=at.date()), at=at)
    assert owed(story) < before.outstanding("CNY").total
    story.when(bounce(), at=at)
    assert {key: each.outstanding for key, each in case_of(story).debts.items()} == {
        key: each.outstanding for key, each in before.debts.items()
    }
    assert case_of(story).plans == before.plans


def test_money_after_a_bounce_finds_the_account_as_if_nothing_had_been() -> None:
    at = NOON + timedelta(days=20)

    def later(*commands: c.Command) -> dict[UUID, object]:
        story = bearing().when(plan(), at=NOON + 8 * DAY).when(accept(), at=NOON + 8 * DAY)
        for command in (*commands, c.AccrueInterest()):
            story.when(command, at=at)
        return {key: each.outstanding for key, each in case_of(story).debts.items()}

    first = replace(pay(21_000), value_on=at.date() - 2 * DAY)
    again = replace(pay(10_000, "again"), value_on=at.date() - DAY)
    assert later(first, bounce(), again) == later(again)
