"""What a plan may bear: interest on the principal, and never more than the cap of a debt allows."""

from datetime import date
from typing import Any

import pytest

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import Context
from duecourse.case.decide import decide
from duecourse.case.errors import Invalid
from duecourse.case.interest_terms import CapTerms, InterestTerms, RateFrom
from duecourse.case.plan_terms import PlanTerms
from duecourse.money.amounts import Buckets
from duecourse.money.plan_terms import Deferral, PlanStep
from duecourse.rules.gate import load_rulebook
from duecourse.rules.treatment import load_treatment
from duecourse.testing import COLLECTOR, given
from duecourse.testing.sample import DEBT, NOON, OTHER_DEBT, PLAN, debt, opened

TODAY = date(2026, 3, 2)
# Four times the LPR of that day: 12 % a year.
PRIVATE = CapTerms(jurisdiction="CN", licence="none", contract_on=date(2025, 6, 1))
MIXED = Buckets(interest=20_000, principal=100_000)


def owing(
    balance: Buckets, cap: CapTerms | None = None, profile: str = "cn-private", percent: str = "36"
) -> given:
    agreed = InterestTerms(
        profile=profile, from_on=TODAY, rates=(RateFrom(since=TODAY, percent=percent),), cap=cap
    )
    story = given(*opened(debt(balance=balance)))
    return story.when(c.SetInterestTerms(debt_id=DEBT, terms=agreed, evidence="contract"))


def plan(percent: str, kind: Any = "instalments", early: Any = "ahead", **more: Any) -> c.OfferPlan:
    asked: dict[str, Any] = {
        "schedule": "annuity", "count": 3, "percent": percent, "first_on": date(2026, 3, 31),
    }  # fmt: skip
    return c.OfferPlan(
        plan_id=PLAN, kind=kind, currency="CNY", expires_on=date(2026, 3, 25),
        terms=PlanTerms(**asked | more), early_payment=early,
    )  # fmt: skip


# --- the cap -----------------------------------------------------------------------------------


def test_a_plan_of_the_rate_of_the_cap_is_offered_and_of_any_more_is_refused() -> None:
    story = owing(Buckets(principal=100_000), PRIVATE)
    story.when(plan("12.01")).then_raises(Invalid, "terms.percent")
    story.when(plan("36")).then_raises(Invalid, "terms.percent")
    story.when(plan("12")).then_one(e.PlanOffered)


def test_a_refusal_names_the_rate_that_the_cap_allows_and_its_law() -> None:
    case = owing(Buckets(principal=100_000), PRIVATE).case
    context = Context(at=NOON, actor=COLLECTOR, rules=load_rulebook(), treatment=load_treatment())
    with pytest.raises(Invalid, match=r"allows 12 % here \(cn-private-lending: SPC") as refused:
        decide(case, plan("36"), context)
    assert refused.value.field == "terms.percent"


def test_a_rate_of_360_days_is_held_to_the_cap_by_its_365() -> None:
    story = owing(Buckets(principal=100_000), PRIVATE)
    story.when(plan("12", basis="ACT/360")).then_raises(Invalid, "terms.percent")
    story.when(plan("11.8", basis="ACT/360")).then_one(e.PlanOffered)


def deferred(percent: str, interest: Any, **more: Any) -> c.OfferPlan:
    return plan(percent, "deferral", deferral=Deferral(periods=2, interest=interest), **more)


def test_the_interest_of_a_deferral_is_under_the_cap_too() -> None:
    story = owing(Buckets(principal=100_000), PRIVATE)
    story.when(deferred("13", "accrue")).then_raises(Invalid, "terms.percent")
    story.when(deferred("12", "accrue")).then_one(e.PlanOffered)


@pytest.mark.parametrize(
    ("basis", "above", "within"),
    [
        # Two months: 11.77 % of 1.01962 are 12.0009 % of what is owed of the principal.
        ("periodic", "11.77", "11.76"),
        # To 30 April: 59 days
        ("ACT/365F", "11.78", "11.77"),
        # 365 days of 11.61 / 360, of 1.01903
        ("ACT/360", "11.62", "11.61"),
    ],
)
def test_what_a_deferral_adds_to_the_principal_is_none_to_the_cap(
    basis: Any, above: str, within: str
) -> None:
    story = owing(Buckets(principal=100_000), PRIVATE, profile="cn-card")
    story.when(deferred(above, "capitalise", basis=basis)).then_raises(Invalid, "terms.percent")
    story.when(deferred(within, "capitalise", basis=basis)).then_one(e.PlanOffered)


def test_a_deferral_adds_its_interest_to_the_principal_only_where_interest_may_bear_some() -> None:
    for profile in ("cn-private", "simple", "de-default"):
        story = owing(Buckets(principal=100_000), profile=profile)
        story.when(deferred("6", "capitalise")).then_raises(Invalid, "terms.deferral")
        story.when(deferred("6", "accrue")).then_one(e.PlanOffered)


def test_interest_on_all_of_the_balance_is_under_the_cap_of_the_principal() -> None:
    """12 % of the principal are 10 % of a balance with a fifth of interest beside it."""
    story = owing(MIXED, PRIVATE, profile="cn-card")
    story.when(plan("10.01", interest_on="balance")).then_raises(Invalid, "terms.percent")
    story.when(plan("10", interest_on="balance")).then_one(e.PlanOffered)


def test_a_cap_on_the_whole_cost_bounds_the_interest_of_a_plan() -> None:
    """Rolled over: 1000.00 were lent on 1 June 2025, and may cost 12 % a year until the last day."""
    cap = CapTerms(
        jurisdiction="CN", licence="none", contract_on=date(2025, 6, 1), restructured=True,
        lent_minor=100_000,
    )  # fmt: skip
    story = owing(Buckets(principal=109_000), cap, percent="0")
    story.when(plan("24")).then_raises(Invalid, "terms.percent")
    story.when(plan("6")).then_one(e.PlanOffered)


# --- what bears it -----------------------------------------------------------------------------


def test_interest_and_costs_of_the_balance_bear_no_interest() -> None:
    """1 % of 1000.00, not of 1200.00; the 200.00 are repaid beside it: 66.66, 66.66, 66.68."""
    offer = owing(MIXED).when(plan("12")).then_one(e.PlanOffered)
    assert [each.interest_minor for each in offer.instalments] == [1_000, 670, 337]
    assert [each.amount_minor for each in offer.instalments] == [40_668, 40_668, 40_671]
    plain = given(*opened(debt(balance=Buckets(costs=20_000, principal=100_000))))
    offer = plain.when(plan("12")).then_one(e.PlanOffered)
    assert offer.instalments[0].interest_minor == 1_000


def test_during_grace_only_interest_on_the_principal_is_due() -> None:
    offer = owing(MIXED).when(plan("12", grace_periods=1)).then_one(e.PlanOffered)
    first = offer.instalments[0]
    assert (first.amount_minor, first.interest_minor) == (1_000, 1_000)
    assert sum(x.amount_minor - x.interest_minor for x in offer.instalments) == 120_000


def test_all_of_the_balance_bears_interest_only_where_it_is_said_and_allowed() -> None:
    said = plan("12", interest_on="balance")
    for profile in ("cn-private", "simple"):
        owing(MIXED, profile=profile).when(said).then_raises(Invalid, "terms.interest_on")
    offer = owing(MIXED, profile="cn-card").when(said).then_one(e.PlanOffered)
    assert offer.instalments[0].interest_minor == 1_200
    costs = Buckets(costs=20_000, principal=100_000)
    assert owing(costs).when(said).then_one(e.PlanOffered).instalments[0].interest_minor == 1_200


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (plan("12", schedule="level_amount", count=0, amount_minor=30_000), "terms.schedule"),
        (plan("12", schedule="step_up", count=0, steps=(PlanStep(instalments=3),)), "terms.schedule"),
        (plan("12", early="shorten_term"), "early_payment"),
        (plan("12", early="lower_instalments"), "early_payment"),
    ],
)  # fmt: skip
def test_where_the_principal_cannot_be_told_apart_interest_is_refused(
    command: c.OfferPlan, field: str
) -> None:
    owing(MIXED).when(command).then_raises(Invalid, field)
    owing(Buckets(principal=100_000)).when(command).then_one(e.PlanOffered)


def test_where_no_principal_is_owed_nothing_bears_interest() -> None:
    story = owing(Buckets(interest=20_000))
    story.when(plan("12")).then_raises(Invalid, "terms.percent")
    story.when(plan("0")).then_one(e.PlanOffered)


def test_each_debt_is_held_to_its_own_cap() -> None:
    """Half of the interest is charged to a debt that has no cap: the other half has to fit."""
    story = given(*opened(debt(principal=50_000), debt(OTHER_DEBT, 50_000)))
    agreed = InterestTerms(
        profile="cn-private",
        from_on=TODAY,
        rates=(RateFrom(since=TODAY, percent="9"),),
        cap=PRIVATE,
    )
    story.when(c.SetInterestTerms(debt_id=OTHER_DEBT, terms=agreed, evidence="contract"))
    story.when(plan("13")).then_raises(Invalid, "terms.percent")
    story.when(plan("12")).then_one(e.PlanOffered)
