"""Settlements to the unit, and what a household can pay."""

import os
import random
from collections import Counter
from datetime import date, timedelta

import msgspec
import pytest
from msgspec.structs import astuple, replace

from duecourse.money.affordability import Affordability, AffordabilityRequest, assess
from duecourse.money.amounts import MAX_MINOR, Buckets
from duecourse.money.figures import Heads, Refused
from duecourse.money.settlements import Settlement, SettlementRequest, Stage, settle

CASES = int(os.environ.get("DUECOURSE_MONEY_CASES", "10000")) * 20 // 100
OWED = {"costs": 100, "penalty": 200, "interest": 700, "principal": 9_000}


def request(**changes: object) -> SettlementRequest:
    plain = {
        "currency": "CNY",
        "owed": OWED,
        "stages": [{"on": "2026-04-01", "amount_minor": 6_000}],
    }
    return msgspec.convert(plain | changes, SettlementRequest)


def settled(**changes: object) -> Settlement:
    return settle(request(**changes))


STAGES = [
    {"on": "2026-04-01", "amount_minor": 1_000},
    {"on": "2026-05-01", "amount_minor": 2_000},
    {"on": "2026-06-01", "amount_minor": 3_000},
]


def test_a_lump_sum_pays_by_the_order_and_waives_the_rest_at_once() -> None:
    found = settled()
    (stage,) = found.stages
    assert stage.paid == Buckets(costs=100, penalty=200, interest=700, principal=5_000)
    assert (stage.waived, stage.left) == (Buckets(principal=4_000), Buckets())
    assert (found.paid, found.waived) == ("60.00 CNY", "40.00 CNY")


def test_in_stages_nothing_is_waived_before_the_last_is_paid() -> None:
    found = settled(stages=STAGES)
    assert [stage.waived.total for stage in found.stages] == [0, 0, 4_000]
    # Missing the second means that all of the 10,000 but the first 1,000 is owed.
    assert [stage.owed_if_missed_minor for stage in found.stages] == [10_000, 9_000, 7_000]
    assert [stage.left.total for stage in found.stages] == [9_000, 7_000, 0]


def test_in_step_each_stage_waives_its_part_the_penalty_first() -> None:
    found = settled(stages=STAGES, waive="in_step", allocation="de-497")
    # 4,000 × 1/6, 3/6 and 6/6, rounded down on the way: 666, 2,000, 4,000.
    assert [stage.waived.total for stage in found.stages] == [666, 1_334, 2_000]
    assert found.stages[0].waived == Buckets(penalty=200, interest=466)
    assert found.stages[-1].left == Buckets()


def test_a_settlement_of_all_that_is_owed_waives_nothing() -> None:
    assert settled(stages=[{"on": "2026-04-01", "amount_minor": 10_000}]).waived_minor == 0


def test_the_order_of_the_place_decides_what_a_stage_pays() -> None:
    found = settled(stages=STAGES, allocation="de-497")
    assert found.stages[0].paid == Buckets(costs=100, principal=900)
    assert "497(3)" in found.citation


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"owed": {}}, "owed"),
        ({"stages": [{"on": "2026-04-01", "amount_minor": 10_001}]}, "stages"),
        ({"stages": [STAGES[1], STAGES[0]]}, "stages"),
        ({"stages": [STAGES[0], STAGES[0]]}, "stages"),
        ({"stages": [{"on": "1066-01-01", "amount_minor": 1}]}, "stages[0].on"),
        ({"allocation": "x"}, "allocation"),
    ],
)
def test_a_settlement_that_cannot_be_meant_is_refused(
    changes: dict[str, object], field: str
) -> None:
    with pytest.raises(Refused) as refused:
        settled(**changes)
    assert refused.value.field == field


def test_random_settlements_pay_and_waive_exactly_what_is_owed() -> None:
    rng = random.Random(714)
    for _ in range(CASES):
        top = rng.choice((2, 100, 10**7, MAX_MINOR))
        owed = Heads(
            costs=rng.randrange(top),
            fees=rng.randrange(top),
            penalty=rng.randrange(top),
            interest=rng.randrange(top),
            principal=rng.randint(1, top),
        )
        count, left, stages = rng.randint(1, 5), owed.total, []
        for number in range(count):
            amount = min(rng.randint(1, max(1, left // (count - number))), MAX_MINOR)
            if amount > left:
                break
            left -= amount
            stages.append(Stage(on=date(2026, 1, 1) + timedelta(days=number), amount_minor=amount))
        asked = replace(
            request(), owed=owed, stages=tuple(stages),
            waive=rng.choice(("on_completion", "in_step")),
            allocation=rng.choice(("cn-561", "de-497")),
        )  # fmt: skip
        found = settle(asked)
        check_settled(found, owed)


def check_settled(found: Settlement, owed: Heads) -> None:
    heads, so_far = owed.plain(), 0
    for stage in found.stages:
        assert stage.owed_if_missed_minor == heads.total
        heads = heads - stage.paid - stage.waived
        so_far += stage.amount_minor
        assert stage.left == heads
        assert min(astuple(heads)) >= 0
        assert stage.paid.total == stage.amount_minor
        assert owed.total - so_far >= heads.total
    assert heads == Buckets()
    assert found.paid_minor + found.waived_minor == owed.total


# --- affordability -----------------------------------------------------------------------------


def form(**changes: object) -> Affordability:
    plain = {
        "currency": "GBP",
        "income": [{"name": "wages", "amount_minor": 40_000, "every": "week"}],
        "expenses": [
            {"name": "rent", "amount_minor": 90_000},
            {"name": "insurance", "amount_minor": 12_000, "every": "year"},
            {"name": "sports club", "amount_minor": 3_000, "protected": False},
        ],
    }
    return assess(msgspec.convert(plain | changes, AffordabilityRequest))


def test_the_surplus_is_income_less_protected_expenses() -> None:
    found = form()
    # 400.00 × 52 / 12 = 1,733.33; 900.00 + 10.00 of protected expenses
    assert (found.income_minor, found.protected_expenses_minor) == (173_333, 91_000)
    assert (found.surplus_minor, found.max_instalment_minor) == (82_333, 82_333)
    assert found.other_expenses_minor == 3_000


@pytest.mark.parametrize(
    ("changes", "most"),
    [
        # 823.33… × 12 / 52
        ({"every": "week"}, 19_000),
        ({"every": "fortnight"}, 38_000),
        # A tenth stays with the household: 741.00
        ({"reserve_percent": "10"}, 74_100),
        # A quarter of all debts is owed here: 205.83
        ({"owed_here_minor": 1, "owed_elsewhere_minor": 3}, 20_583),
        ({"income": [{"name": "none", "amount_minor": 0}]}, 0),
        ({"income": [{"name": "wages", "amount_minor": 91_000}]}, 0),
        ({"income": [{"name": "wages", "amount_minor": 91_001}]}, 1),
        ({"currency": "JPY", "income": [{"name": "wages", "amount_minor": 100_000}]}, 9_000),
        ({"income": [{"name": "bonus", "amount_minor": 13, "every": "year"}], "expenses": []}, 1),
    ],
)
def test_the_highest_instalment_is_rounded_to_the_household_side(
    changes: dict[str, object], most: int
) -> None:
    assert form(**changes).max_instalment_minor == most


def test_an_instalment_above_the_surplus_needs_a_reason_and_a_second_person() -> None:
    assert form(proposed_minor=82_333).fits
    above = form(proposed_minor=82_334)
    assert (above.fits, above.above_by_minor) == (False, 1)
    assert "a second person" in above.says


def test_a_household_in_deficit_is_asked_for_nothing() -> None:
    found = form(income=[{"name": "benefit", "amount_minor": 50_000}], proposed_minor=1)
    assert (found.surplus_minor, found.max_instalment_minor, found.fits) == (-41_000, 0, False)
    assert "hardship" in found.says


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"income": []}, "income"),
        ({"reserve_percent": "100.1"}, "reserve_percent"),
        ({"owed_elsewhere_minor": 5}, "owed_here_minor"),
    ],
)
def test_a_form_that_cannot_be_meant_is_refused(changes: dict[str, object], field: str) -> None:
    with pytest.raises(Refused) as refused:
        form(**changes)
    assert refused.value.field == field


def test_no_instalment_that_fits_is_above_the_surplus() -> None:
    rng = random.Random(55)
    seen: Counter[bool] = Counter()
    for _ in range(500):
        income, rent = rng.randrange(10**6), rng.randrange(10**6)
        every = rng.choice(("week", "fortnight", "four_weeks", "month", "quarter", "year"))
        found = form(
            income=[{"name": "a", "amount_minor": income, "every": rng.choice(("week", "month"))}],
            expenses=[{"name": "b", "amount_minor": rent}],
            every=every,
        )
        a_year = {
            "week": 52,
            "fortnight": 26,
            "four_weeks": 13,
            "month": 12,
            "quarter": 4,
            "year": 1,
        }
        assert found.max_instalment_minor * a_year[every] <= max(found.surplus_minor + 1, 0) * 12
        seen[found.max_instalment_minor > 0] += 1
    assert len(seen) == 2
