"""Each debt is charged the interest of a plan by what of it bears that interest, to the unit."""

from datetime import UTC, date, datetime
from random import Random
from typing import Any

from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.allocating import order_for
from duecourse.case.context import Context
from duecourse.case.errors import Invalid, WrongState
from duecourse.case.interest_terms import CapTerms, InterestTerms, RateFrom
from duecourse.case.plan_shares import interest_by_debt, shares
from duecourse.case.plan_terms import PlanTerms
from duecourse.money.allocation import by_weight
from duecourse.money.amounts import Buckets
from duecourse.rules.gate import load_rulebook
from duecourse.rules.treatment import load_treatment
from duecourse.testing import COLLECTOR, given
from duecourse.testing.sample import DEBT, NOON, OTHER_DEBT, PLAN, accept, debt, opened, pay

TODAY = date(2026, 3, 2)
THIRD_DEBT = type(DEBT)(int=DEBT.int + 77)
CONTEXT = Context(at=NOON, actor=COLLECTOR, rules=load_rulebook(), treatment=load_treatment())
PRIVATE = CapTerms(jurisdiction="CN", licence="none", contract_on=date(2025, 6, 1))


def terms(debt_id: Any = DEBT, cap: CapTerms | None = None, **more: Any) -> c.SetInterestTerms:
    rates = (RateFrom(since=TODAY, percent="0"),)
    agreed = InterestTerms(profile="cn-card", from_on=TODAY, rates=rates, cap=cap, **more)
    return c.SetInterestTerms(debt_id=debt_id, terms=agreed, evidence="contract")


def plan(percent: str = "12", **more: Any) -> c.OfferPlan:
    asked: dict[str, Any] = {
        "schedule": "annuity", "count": 3, "percent": percent, "first_on": date(2026, 3, 31),
        "every": "last_day",
    }  # fmt: skip
    return c.OfferPlan(
        plan_id=PLAN, kind="instalments", currency="CNY", expires_on=date(2026, 3, 25),
        terms=PlanTerms(**asked | more),
    )  # fmt: skip


def paid_as_agreed(story: given) -> dict[Any, int]:
    """What each debt is charged when every instalment is paid on its day."""
    charged: dict[Any, int] = {}
    assert story.case is not None
    for number, each in enumerate(story.case.plans[PLAN].instalments):
        day = each.due_on
        at = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)
        payment = replace(pay(each.amount_minor, f"pay-{number}"), value_on=day)
        story.when(payment, at=at)
        for event in story.events:
            if isinstance(event, e.PlanInterestCharged):
                for part in event.charged:
                    charged[part.debt_id] = charged.get(part.debt_id, 0) + part.paid.interest
    assert not story.case.outstanding("CNY").total
    return charged


# --- by what bears it ------------------------------------------------------------------------------


def test_costs_fees_and_penalty_draw_no_interest_to_their_debt() -> None:
    """10.00 and 5.00 of 15.00: two thirds of the principal are on the first, and half of all."""
    costs = debt(OTHER_DEBT, balance=Buckets(costs=50_000, principal=50_000))
    story = given(*opened(debt(principal=100_000), costs)).when(plan()).when(accept())
    story.when(
        c.ChargePlanInterest(plan_id=PLAN, number=1), at=datetime(2026, 3, 31, 4, tzinfo=UTC)
    )
    charged = story.then_one(e.PlanInterestCharged).charged
    assert {each.debt_id: each.paid.interest for each in charged} == {
        DEBT: 1_000, OTHER_DEBT: 500,
    }  # fmt: skip


def test_where_all_of_the_balance_bears_it_all_of_it_counts() -> None:
    owed = {"a": Buckets(principal=100), "b": Buckets(costs=50, principal=50)}
    assert shares(15, owed, "principal") == {"a": 10, "b": 5}
    assert shares(14, owed, "balance") == {"a": 7, "b": 7}


def test_where_no_principal_is_left_what_was_agreed_is_still_owed() -> None:
    owed = {"a": Buckets(costs=100), "b": Buckets(interest=300)}
    assert shares(8, owed, "principal") == {"a": 2, "b": 6}


def test_every_unit_is_shared_and_the_earlier_debt_has_the_odd_one() -> None:
    owed = {"a": Buckets(principal=1), "b": Buckets(principal=1)}
    assert shares(3, owed, "principal") == {"a": 2, "b": 1}
    assert shares(0, owed, "principal") == {"a": 0, "b": 0}
    chance = Random(6)
    for _ in range(2_000):
        weights = [chance.choice((0, 1, 7, chance.randrange(10**9))) for _ in range(4)]
        amount = chance.randrange(10**6)
        parts = by_weight(amount, weights)
        assert sum(parts) == (amount if any(weights) else 0)
        for part, weight in zip(parts, weights, strict=True):
            assert abs(part * sum(weights) - amount * weight) < max(sum(weights), 1)


# --- and the cap looks at the same --------------------------------------------------------------


def test_a_debt_with_costs_is_held_to_the_cap_of_its_principal_alone() -> None:
    costs = debt(balance=Buckets(costs=100_000, principal=100_000))
    story = given(*opened(costs, debt(OTHER_DEBT, 100_000))).when(terms(cap=PRIVATE))
    story.when(plan("12.01")).then_raises(Invalid, "terms.percent")
    story.when(plan("12")).then_one(e.PlanOffered)


def test_a_debt_that_bears_none_of_it_is_under_no_cap() -> None:
    fees = debt(OTHER_DEBT, balance=Buckets(fees=100_000))
    story = given(*opened(debt(principal=100_000), fees)).when(terms(OTHER_DEBT, PRIVATE))
    story.when(plan("36")).then_one(e.PlanOffered)


def test_what_each_debt_bears_of_a_plan_is_what_it_is_charged_when_that_is_paid_as_agreed() -> None:
    chance = Random(46)
    for _ in range(40):
        debts = tuple(
            debt(
                key,
                balance=Buckets(
                    costs=chance.choice((0, chance.randrange(9_999))),
                    interest=chance.choice((0, chance.randrange(9_999))),
                    principal=chance.choice((0, chance.randrange(1, 99_999))),
                ),
                due_on=date(2026, 1, chance.randrange(1, 4)),
            )
            for key in (DEBT, OTHER_DEBT, THIRD_DEBT)
        )
        if not any(each.balance.principal for each in debts):
            continue
        story = given(*opened(*debts))
        for key in chance.choices((DEBT, OTHER_DEBT, THIRD_DEBT), k=chance.randrange(3)):
            story.when(terms(key, secured_minor=chance.choice((0, 5_000))))
        on = chance.choice(("principal", "balance"))
        story.when(plan("6", interest_on=on, count=chance.randrange(2, 7)))
        offer = story.then_one(e.PlanOffered)
        case = story.case
        assert case is not None
        order = order_for(case, CONTEXT, "CNY")
        borne = interest_by_debt(case, "CNY", offer.instalments, on, order)
        charged = paid_as_agreed(story.when(accept()))
        assert {key: part for key, part in borne.items() if part} == charged


def two() -> given:
    """The older debt is paid first, so the younger one bears more than its half."""
    older = debt(principal=40_000, due_on=date(2026, 1, 1))
    return given(*opened(older, debt(OTHER_DEBT, 40_000)))


def test_a_cap_on_the_whole_cost_counts_what_its_debt_bears_once_the_other_one_is_paid() -> None:
    charged = paid_as_agreed(two().when(plan()).when(accept()))
    younger = charged[OTHER_DEBT]
    assert younger > sum(charged.values()) / 2
    least = least_lent(younger)
    fits, is_short = (two().when(terms(OTHER_DEBT, whole(x))) for x in (least, least - 1))
    fits.when(plan()).then_one(e.PlanOffered)
    is_short.when(plan()).then_raises(Invalid, "terms.percent")


def test_a_cap_found_while_a_plan_is_kept_counts_what_its_debt_still_bears() -> None:
    younger = paid_as_agreed(two().when(plan()).when(accept()))[OTHER_DEBT]
    for lent, error in ((least_lent(younger), None), (least_lent(younger) - 1, WrongState)):
        story = two().when(plan()).when(accept())
        assert story.case is not None
        first = story.case.plans[PLAN].instalments[0]
        at = datetime(2026, 3, 31, 4, tzinfo=UTC)
        story.when(replace(pay(first.amount_minor), value_on=first.due_on), at=at)
        story.when(terms(OTHER_DEBT, whole(lent)), at=at)
        if error is None:
            story.then_one(e.InterestTermsSet)
        else:
            story.then_raises(error, "terms.cap")


def whole(lent: int) -> CapTerms:
    return CapTerms(
        jurisdiction="CN", licence="none", contract_on=TODAY, restructured=True, lent_minor=lent
    )


def least_lent(borne: int) -> int:
    """The least that leaves 40,000 room for so much by 31 May: by 12 % over 90 days."""
    return next(x for x in range(1, 50_000) if x + x * 12 * 90 // 36_500 - 40_000 >= borne)
