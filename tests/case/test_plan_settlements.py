"""Settlements: in one sum or in stages, and when the rest is forgiven."""

from datetime import date

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.state import Case
from duecourse.money.amounts import Buckets
from duecourse.testing import given
from duecourse.testing.sample import DEBT, PLAN, accept, bounce, debt, offer, opened, pay

OWED = Buckets(costs=1_000, fees=2_000, penalty=3_000, interest=4_000, principal=50_000)


def staged(*amounts: int, waived: int = 20_000) -> c.OfferPlan:
    plan = offer(*amounts, kind="settlement", waived=waived)
    return replace(plan, waive="in_step")


def kept(command: c.OfferPlan) -> given:
    return given(*opened(debt(balance=OWED))).when(command).when(accept())


def case_of(story: given) -> Case:
    assert story.case is not None
    return story.case


def left(story: given) -> int:
    return case_of(story).outstanding("CNY").total


def test_with_each_stage_as_large_a_part_is_forgiven_as_is_paid_of_it() -> None:
    """100.00, 100.00 and 200.00 for 600.00: 50.00, 50.00 and 100.00 go with them."""
    story = kept(staged(10_000, 10_000, 20_000)).when(pay(10_000))
    waived = story.then_one(e.BalanceWaived)
    assert (waived.stage, sum(each.paid.total for each in waived.waived)) == (1, 5_000)
    assert left(story) == 45_000
    story.when(pay(10_000, "pay-2"))
    assert left(story) == 30_000
    story.when(pay(20_000, "pay-3"))
    assert left(story) == 0
    assert story.then_one(e.CaseClosed).reason == "settled"


def test_what_was_added_to_the_debt_is_forgiven_before_the_debt_itself() -> None:
    """100.00 pay all costs, fees, interest and penalty; 10.00 pay the costs only."""
    story = kept(staged(10_000, 30_000)).when(pay(10_000))
    assert story.then_one(e.BalanceWaived).waived[0].paid == Buckets(principal=5_000)
    other = kept(staged(1_000, 39_000)).when(pay(1_000))
    assert other.then_one(e.BalanceWaived).waived[0].paid == Buckets(penalty=500)


def test_part_of_a_stage_forgives_nothing() -> None:
    story = kept(staged(10_000, 30_000)).when(pay(9_999))
    assert not any(isinstance(event, e.BalanceWaived) for event in story.events)


@pytest.mark.parametrize("amounts", [(1, 39_999), (13_333, 13_333, 13_334), (7, 11, 39_982)])
def test_the_last_stage_forgives_the_residue(amounts: tuple[int, ...]) -> None:
    story = kept(staged(*amounts))
    for number, amount in enumerate(amounts):
        story.when(pay(amount, f"pay-{number}"))
    plan = case_of(story).plans[PLAN]
    assert sum(each.paid.total for each in plan.waiver) == 20_000
    assert left(story) == 0


def test_a_stage_whose_money_went_back_is_owed_again_and_those_before_it_are_not() -> None:
    story = kept(staged(10_000, 10_000, 20_000)).when(pay(10_000))
    before = case_of(story)
    story.when(pay(10_000, "pay-2")).when(bounce("pay-2"))
    assert story.then_one(e.WaiverRevoked).after_stage == 1
    assert case_of(story).debts == before.debts
    assert case_of(story).plans == before.plans


def test_all_stages_are_lost_with_the_money_of_the_first() -> None:
    story = kept(staged(10_000, 30_000))
    before = case_of(story)
    story.when(pay(10_000)).when(bounce())
    assert case_of(story).debts == before.debts
    assert case_of(story).plans[PLAN].waiver == ()


def test_a_settled_case_whose_last_money_went_back_comes_back_with_its_stages() -> None:
    story = kept(staged(10_000, 30_000)).when(pay(10_000))
    before = case_of(story).debts
    story.when(pay(30_000, "pay-2")).then_one(e.CaseClosed)
    story.when(bounce("pay-2")).then_one(e.CaseReopened)
    assert case_of(story).debts == before
    assert story.when(pay(30_000, "pay-3")).then_one(e.CaseClosed).reason == "settled"


def test_what_was_forgiven_with_its_stage_stays_forgiven_when_the_plan_is_withdrawn() -> None:
    story = kept(staged(10_000, 30_000)).when(pay(10_000))
    story.when(c.WithdrawPlan(plan_id=PLAN, reason="lost the job"))
    assert left(story) == 45_000


def test_a_settlement_in_one_sum_is_forgiven_with_it_either_way() -> None:
    for command in (staged(40_000), replace(staged(40_000), waive="on_completion")):
        story = kept(command).when(pay(40_000))
        assert story.then_one(e.CaseClosed).reason == "settled"


def test_an_event_from_before_there_were_stages_reads_as_the_waiver_of_the_end() -> None:
    waived = e.Allocation(debt_id=debt().debt_id, paid=Buckets(principal=20_000))
    plan = offer(40_000, kind="settlement", waived=20_000, first=date(2026, 3, 16))
    story = given(*opened()).when(plan).when(accept())
    story.when(pay(40_000))
    assert story.then_one(e.BalanceWaived).waived == (waived,)
    story.when(bounce()).then_one(e.WaiverRevoked, lambda event: event.after_stage == 0)
    assert left(story) == 60_000


def test_what_a_settlement_forgives_at_its_end_goes_where_money_would_have_gone() -> None:
    """300.00 pay the costs that came meanwhile and 200.00 of interest; 100.00 of penalty are left."""
    balance = Buckets(penalty=20_000, interest=50_000)
    story = given(*opened(debt(balance=balance))).when(
        offer(30_000, kind="settlement", waived=40_000)
    )
    story.when(accept())
    story.when(
        c.AddCosts(
            charge_id="C-1", debt_id=DEBT, bucket="costs", amount_minor=10_000,
            incurred_on=date(2026, 3, 2), ground="copies", citation="contract, clause 9",
        )
    )  # fmt: skip
    waived = story.when(pay(30_000)).then_one(e.BalanceWaived).waived
    assert [each.paid for each in waived] == [Buckets(interest=30_000, penalty=10_000)]
    assert case_of(story).outstanding("CNY") == Buckets(penalty=10_000)
