"""A plan with interest on a debt of which no cap is known: offered, and nobody is left to guess."""

from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.errors import WrongState
from duecourse.case.evolve import fold
from duecourse.case.interest_terms import CapTerms, InterestTerms, RateFrom
from duecourse.case.plan_preview import preview_in
from duecourse.case.plan_terms import FormLine, IncomeAndExpenditure, PlanTerms
from duecourse.money.amounts import Buckets
from duecourse.rules.gate import load_rulebook
from duecourse.rules.treatment import load_treatment
from duecourse.testing import LEGAL, given
from duecourse.testing.sample import DAY, DEBT, NOON, OTHER_DEBT, PLAN, accept, debt, opened, pay
from duecourse.views.worklist import worklist_row

TREATMENT = load_treatment()
TODAY = date(2026, 3, 2)
# Four times the LPR of that day: 12 % a year.
PRIVATE = CapTerms(jurisdiction="CN", licence="none", contract_on=date(2025, 6, 1))
FORM = IncomeAndExpenditure(
    currency="CNY", income=(FormLine(name="wages", amount_minor=10_000_000),)
)


def plan(percent: str = "24", schedule: Any = "annuity") -> c.OfferPlan:
    terms = PlanTerms(
        schedule=schedule, count=3, percent=percent, first_on=date(2026, 3, 31), every="last_day"
    )
    return c.OfferPlan(
        plan_id=PLAN, kind="instalments", currency="CNY", expires_on=date(2026, 3, 25), terms=terms
    )


def terms(debt_id: Any = DEBT, cap: CapTerms | None = PRIVATE) -> c.SetInterestTerms:
    """A debt that bears no interest of its own, so that only its cap is said."""
    agreed = InterestTerms(
        profile="cn-private", from_on=TODAY, rates=(RateFrom(since=TODAY, percent="0"),), cap=cap
    )
    return c.SetInterestTerms(debt_id=debt_id, terms=agreed, evidence="contract")


def assessed(*debts: e.Debt) -> given:
    """With a form, so that nothing but the cap is unknown."""
    form = c.RecordAffordability(assessment_id=PLAN, form=FORM, assessed_on=TODAY)
    return given(*opened(*debts)).when(form)


def offered(story: given) -> e.PlanOffered:
    return story.then_one(e.PlanOffered)


def attention(story: given) -> tuple[str, ...]:
    assert story.case is not None
    return worklist_row(PLAN, story.case, TREATMENT).attention


# --- what the offer says -------------------------------------------------------------------------


def test_an_offer_with_interest_names_the_debts_of_which_no_cap_is_known() -> None:
    assert offered(assessed().when(plan())).cap_unknown == (DEBT,)
    assert offered(assessed().when(terms(cap=None)).when(plan())).cap_unknown == (DEBT,)

    def two() -> given:
        return assessed(debt(), debt(OTHER_DEBT, 50_000))

    assert offered(two().when(plan("12"))).cap_unknown == (DEBT, OTHER_DEBT)
    one = two().when(terms())
    assert offered(one.when(plan("12"))).cap_unknown == (OTHER_DEBT,)
    both = two().when(terms()).when(terms(OTHER_DEBT))
    assert offered(both.when(plan("12"))).cap_unknown == ()


def test_without_interest_no_cap_is_asked_for() -> None:
    assert offered(assessed().when(plan("0"))).cap_unknown == ()
    assert offered(assessed().when(plan("0", "equal_parts"))).cap_unknown == ()


def test_a_debt_that_bears_none_of_the_interest_is_not_named() -> None:
    fees_alone = debt(OTHER_DEBT, balance=Buckets(fees=5_000))
    assert offered(assessed(debt(), fees_alone).when(plan())).cap_unknown == (DEBT,)


def test_the_dry_run_says_it_as_the_offer_does() -> None:
    events = assessed().when(plan()).events
    shown = preview_in(events, load_rulebook(), "CN")
    assert shown is not None
    assert shown.cap_unknown == (DEBT,)


def test_what_waits_for_a_second_person_says_it_too() -> None:
    poor = replace(FORM, income=(FormLine(name="wages", amount_minor=1),))
    form = c.RecordAffordability(assessment_id=PLAN, form=poor, assessed_on=TODAY)
    story = given(*opened()).when(form).when(replace(plan(), override="a relative pays half"))
    assert story.then_one(e.PlanProposed).offer.cap_unknown == (DEBT,)
    approved = story.when(c.ApprovePlan(plan_id=PLAN), actor=LEGAL)
    assert offered(approved).cap_unknown == (DEBT,)


def test_a_cap_found_before_the_second_person_looks_stops_a_plan_above_it() -> None:
    poor = replace(FORM, income=(FormLine(name="wages", amount_minor=1),))
    form = c.RecordAffordability(assessment_id=PLAN, form=poor, assessed_on=TODAY)
    story = given(*opened()).when(form).when(replace(plan(), override="a relative pays half"))
    story.when(terms()).when(c.ApprovePlan(plan_id=PLAN), actor=LEGAL)
    story.then_raises(WrongState, "plan_id")


@pytest.mark.parametrize("kind", [e.PlanOffered, e.PlanProposed])
def test_an_event_from_before_it_was_said_is_read_and_replayed(kind: type[e.Event]) -> None:
    offer = offered(assessed().when(plan()))
    event: e.Event = offer
    if kind is e.PlanProposed:
        event = e.PlanProposed(
            at=NOON, offer=offer, needs=("above_surplus",), reason="x", proposed_by="a"
        )
    plain = msgspec.to_builtins(event, str_keys=True)
    plain.get("offer", plain).pop("cap_unknown")
    before = msgspec.json.decode(msgspec.json.encode(plain), type=e.Event)
    case = fold([*opened(), before])
    assert case is not None
    assert case.plans[PLAN].cap_unknown == ()


# --- who is told ---------------------------------------------------------------------------------


def test_the_worklist_shows_it_from_the_offer_on_until_the_debt_has_a_cap() -> None:
    story = assessed().when(plan("12"))
    assert attention(story) == ("cap_unknown",)
    assert attention(story.when(accept())) == ("cap_unknown",)
    assert attention(story.when(terms(cap=None))) == ("cap_unknown",)
    assert attention(story.when(terms())) == ()


def test_each_of_the_debts_has_to_have_one() -> None:
    story = assessed(debt(), debt(OTHER_DEBT, 50_000)).when(plan("12")).when(terms())
    assert attention(story) == ("cap_unknown",)
    assert attention(story.when(terms(OTHER_DEBT))) == ()


def test_a_plan_that_is_over_asks_for_no_cap() -> None:
    story = assessed().when(plan("12"))
    assert attention(story.when(c.DeclinePlan(plan_id=PLAN))) == ()
    kept = assessed().when(plan("12")).when(accept())
    assert "cap_unknown" not in attention(kept.when(c.WithdrawPlan(plan_id=PLAN, reason="ill")))
    assert attention(assessed().when(plan("12")).when(accept()).when(pay(60_000))) == ()


def test_a_debt_that_was_withdrawn_needs_no_cap() -> None:
    story = assessed(debt(), debt(OTHER_DEBT, 50_000)).when(terms()).when(plan("12"))
    assert attention(story) == ("cap_unknown",)
    gone = c.WithdrawDebt(debt_id=OTHER_DEBT, reason="sold")
    assert "cap_unknown" not in attention(story.when(gone))


# --- a cap that is found later ---------------------------------------------------------------------


def test_an_offer_above_a_cap_that_was_found_meanwhile_is_not_accepted() -> None:
    story = assessed().when(plan("12.01")).when(terms())
    story.when(accept()).then_raises(WrongState, "plan_id")
    with pytest.raises(WrongState, match=r"allows 12 % here \(cn-private-lending"):
        _ = story.events
    assessed().when(plan("12")).when(terms()).when(accept()).then_one(e.PlanAccepted)


def test_a_plan_is_not_kept_above_a_cap_that_is_found() -> None:
    story = assessed().when(plan("12.01")).when(accept())
    story.when(terms(), at=NOON + DAY).then_raises(WrongState, "terms.cap")
    story = assessed().when(plan("12.01")).when(accept())
    story.when(c.WithdrawPlan(plan_id=PLAN, reason="above the cap")).when(terms())
    story.then_one(e.InterestTermsSet)
    within = assessed().when(plan("12")).when(accept()).when(terms(), at=NOON + DAY)
    within.then_one(e.InterestTermsSet)


def test_of_a_plan_that_is_kept_only_what_is_still_to_be_charged_counts() -> None:
    """29.91 may be borne until 31 May, and 10.00 are charged: there is room for 10.07, not 20.07."""
    whole = CapTerms(
        jurisdiction="CN", licence="none", contract_on=date(2026, 3, 1), restructured=True,
        lent_minor=100_000,
    )  # fmt: skip
    story = assessed(debt(principal=100_000)).when(plan("12")).when(accept())
    first, *others = story.case.plans[PLAN].instalments if story.case else ()
    assert (first.interest_minor, sum(x.interest_minor for x in others)) == (1_000, 1_007)
    at = datetime(2026, 3, 31, 4, tzinfo=UTC)
    story.when(replace(pay(first.amount_minor), value_on=date(2026, 3, 31)), at=at)
    story.when(terms(cap=whole), at=at).then_one(e.InterestTermsSet)
    unpaid = assessed(debt(principal=100_000)).when(plan("12")).when(accept())
    unpaid.when(c.ChargePlanInterest(plan_id=PLAN, number=1), at=at)
    unpaid.when(terms(cap=whole), at=at).then_one(e.InterestTermsSet)
    tight = replace(whole, lent_minor=99_000)
    kept = assessed(debt(principal=100_000)).when(plan("12")).when(accept())
    kept.when(terms(cap=tight)).then_raises(WrongState, "terms.cap")
