"""What a plan says before it is offered, beside another one, and once it is agreed."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.agreement import PlanAgreement, agreement
from duecourse.case.errors import Unknown
from duecourse.case.plan_preview import PlanPreview, compared, preview_in
from duecourse.case.plan_terms import FormLine, IncomeAndExpenditure, PlanTerms
from duecourse.money.plan_terms import Deferral
from duecourse.rules.gate import load_rulebook
from duecourse.rules.treatment import load_treatment
from duecourse.testing import given
from duecourse.testing.sample import (
    DEBT,
    DEBTOR,
    NOON,
    OTHER_DEBT,
    PLAN,
    accept,
    debt,
    offer,
    opened,
    pay,
)

RULES, TREATMENT = load_rulebook(), load_treatment()
ANNUITY = PlanTerms(schedule="annuity", count=3, percent="12", first_on=date(2026, 3, 31))


def plan(terms: PlanTerms = ANNUITY, **fields: Any) -> c.OfferPlan:
    asked: dict[str, Any] = {
        "plan_id": PLAN, "kind": "instalments", "currency": "CNY",
        "expires_on": date(2026, 3, 15), "terms": terms,
    }  # fmt: skip
    return c.OfferPlan(**{**asked, **fields})


def preview(command: c.OfferPlan, jurisdiction: str = "CN") -> PlanPreview:
    debtor = replace(DEBTOR, jurisdiction=jurisdiction)
    found = preview_in(given(*opened(debtor=debtor)).when(command).events, RULES, jurisdiction)
    assert found is not None
    return found


def agreed(story: given, plan_id: UUID = PLAN) -> PlanAgreement:
    assert story.case is not None
    return agreement(story.case, plan_id, TREATMENT)


def test_a_preview_says_what_is_paid_what_it_costs_and_what_is_left() -> None:
    seen = preview(plan())
    assert (seen.owed_minor, seen.total_minor, seen.cost_minor) == (60_000, 61_204, 1_204)
    assert (seen.total, seen.count, seen.highest_minor) == ("612.04 CNY", 3, 20_402)
    assert [(line.amount, line.principal_minor, line.left_minor) for line in seen.schedule] == [
        ("204.01", 19_801, 40_199), ("204.01", 19_999, 20_200), ("204.02", 20_200, 0),
    ]  # fmt: skip
    assert (seen.fit.verdict, seen.needs, seen.grace_days) == ("unknown", (), 3)


def test_a_preview_says_what_is_forgiven_with_which_stage() -> None:
    settlement = replace(offer(10_000, 30_000, kind="settlement", waived=20_000), waive="in_step")
    assert [(x.waived_minor, x.left_minor) for x in preview(settlement).schedule] == [
        (5_000, 45_000), (15_000, 0),
    ]  # fmt: skip
    at_the_end = preview(replace(settlement, waive="on_completion"))
    assert [(x.waived_minor, x.left_minor) for x in at_the_end.schedule] == [
        (0, 50_000), (20_000, 0),
    ]  # fmt: skip


def test_a_preview_of_a_deferral_says_what_interest_is_frozen() -> None:
    deferred = replace(ANNUITY, deferral=Deferral(periods=2))
    seen = preview(plan(deferred, kind="deferral"))
    assert (seen.frozen_minor, seen.cost_minor) == (1_200, 1_204)


def test_a_preview_says_by_which_calendar_days_were_moved_and_how_far_it_reaches() -> None:
    rolled = replace(ANNUITY, roll="following")
    assert preview(plan(rolled), "AU").holidays.calendars == ("au-national",)
    assert preview(plan(rolled), "AU").holidays.known_until == date(2030, 12, 31)
    assert preview(plan(rolled), "CN").holidays.known_until is None
    assert preview(plan(), "AU").holidays.calendars == ()


def test_what_was_proposed_is_shown_with_what_it_needs() -> None:
    form = IncomeAndExpenditure(
        currency="CNY", income=(FormLine(name="wages", amount_minor=20_000),)
    )
    story = given(*opened()).when(
        c.RecordAffordability(assessment_id=DEBT, form=form, assessed_on=NOON.date())
    )
    seen = preview_in(story.when(plan(override="a relative helps")).events, RULES, "CN")
    assert seen is not None
    assert (seen.needs, seen.fit.verdict, seen.fit.available_minor) == (
        ("above_surplus",), "above", 20_000,
    )  # fmt: skip


def test_where_no_plan_was_made_there_is_none_to_show() -> None:
    assert preview_in(given(*opened()).when(pay(1)).events, RULES, "CN") is None


def test_two_plans_are_compared_by_cost_end_and_burden() -> None:
    short, long = preview(plan()), preview(plan(replace(ANNUITY, count=12)))
    found = compared(short, long)
    assert (found.cheaper, found.sooner, found.lighter) == ("a", "a", "b")
    assert found.cost_difference_minor == long.cost_minor - 1_204
    assert found.last_on_difference_days == (date(2027, 2, 28) - date(2026, 5, 31)).days
    assert found.count_difference == 9
    same = compared(short, short)
    assert (same.cheaper, same.sooner, same.lighter) == ("same", "same", "same")


def test_what_a_settlement_forgives_makes_it_cheaper() -> None:
    settled = preview(offer(40_000, kind="settlement", waived=20_000))
    assert compared(preview(plan()), settled).cheaper == "b"
    assert compared(preview(plan()), settled).waived_difference_minor == 20_000


def test_plans_of_two_currencies_are_not_compared() -> None:
    yen = replace(preview(plan()), currency="JPY")
    with pytest.raises(ValueError, match="compare like with like"):
        compared(preview(plan()), yen)


# --- the agreement ---------------------------------------------------------------------------------


def test_an_agreement_says_who_owes_whom_what_by_when() -> None:
    debts = (debt(principal=40_000), debt(OTHER_DEBT, 20_000))
    story = given(*opened(*debts)).when(plan(grace_days=5)).when(accept())
    found = agreed(story)
    assert (found.creditor_name, found.debtor_name, found.jurisdiction) == (
        "Fictional Bank", "林示例", "CN",
    )  # fmt: skip
    assert [(each.debt_id, each.account_last4, each.owed.total) for each in found.debts] == [
        (DEBT, "0001", 40_000), (OTHER_DEBT, "0001", 20_000),
    ]  # fmt: skip
    assert (found.settled_minor, found.total_minor, found.interest_minor) == (
        60_000, 61_204, 1_204,
    )  # fmt: skip
    assert (found.percent, found.basis, found.grace_days, found.breaks_after_missed) == (
        "12", "periodic", 5, 2,
    )  # fmt: skip
    assert (found.offered_on, found.accepted_on, found.expires_on) == (
        date(2026, 3, 2), date(2026, 3, 2), date(2026, 3, 15),
    )  # fmt: skip
    assert found.acceptance_restarts_limitation
    assert sum(line.amount_minor for line in found.instalments) == found.total_minor


def test_an_agreement_shows_what_was_agreed_and_what_became_of_it() -> None:
    story = given(*opened()).when(plan(early_payment="shorten_term")).when(accept())
    story.when(pay(30_401))
    found = agreed(story)
    assert [line.amount_minor for line in found.instalments] == [20_401, 20_401, 20_402]
    assert [line.amount_minor for line in found.current] == [30_401, 20_401, 10_201]
    assert (found.paid_minor, found.charges_until_now_minor) == (30_401, 600)


def test_a_settlement_agreement_says_what_is_forgiven() -> None:
    settlement = offer(40_000, kind="settlement", waived=20_000)
    found = agreed(given(*opened()).when(settlement))
    assert (found.settled_minor, found.total_minor, found.waived_minor) == (
        60_000, 40_000, 20_000,
    )  # fmt: skip
    assert found.accepted_on is None


def test_an_offer_from_before_this_version_still_has_its_agreement() -> None:
    old = e.PlanOffered(
        at=NOON, plan_id=PLAN, kind="instalments", currency="CNY", waived_minor=0,
        instalments=(e.Instalment(due_on=date(2026, 3, 16), amount_minor=60_000),),
        expires_on=date(2026, 3, 15),
    )  # fmt: skip
    found = agreed(given(*opened(), old))
    assert (found.total_minor, found.grace_days, found.breaks_after_missed) == (60_000, 3, 2)
    assert found.fit is None


def test_there_is_no_agreement_on_what_was_never_offered() -> None:
    with pytest.raises(Unknown):
        agreed(given(*opened()))
