"""Where a payment goes: by the law's order within a debt, and by the law's order across debts."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple

from duecourse.money.allocation import (
    CN_561,
    CONTRACT,
    Owed,
    Profile,
    allocate,
    pour,
    pro_rata,
    profile_for,
)
from duecourse.money.amounts import Buckets

DUE = date(2026, 1, 15)
LATER = date(2026, 2, 15)
DE_497 = Profile(
    name="de-497",
    order=("costs", "principal", "interest", "fees", "penalty"),
    citation="BGB 497(3), for the vector only",
)
VECTOR = Buckets(costs=120_00, interest=300_00, principal=5_000_00)


def owed(principal: int, due_on: date = DUE, *, designated: bool = False, **heads: int) -> Owed:
    outstanding = Buckets(principal=principal, **heads)
    return Owed(outstanding=outstanding, due_on=due_on, designated=designated)


def test_china_takes_costs_then_interest_then_principal() -> None:
    assert pour(1_000_00, VECTOR, CN_561.order) == Buckets(
        costs=120_00, interest=300_00, principal=580_00
    )


def test_another_order_of_the_same_vector_leaves_the_interest() -> None:
    assert pour(1_000_00, VECTOR, DE_497.order) == Buckets(costs=120_00, principal=880_00)


def test_fees_go_with_the_costs_and_penalty_with_the_interest() -> None:
    all_heads = Buckets(costs=1, fees=1, penalty=1, interest=1, principal=1)
    poured = [pour(amount, all_heads, CN_561.order) for amount in range(1, 6)]
    names = ("costs", "fees", "interest", "penalty", "principal")
    assert [[getattr(each, name) for name in names] for each in poured] == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0],
        [1, 1, 1, 1, 0],
        [1, 1, 1, 1, 1],
    ]


def test_a_place_without_a_recorded_order_gets_the_order_of_the_house() -> None:
    assert profile_for("CN") is CN_561
    assert profile_for("") is profile_for("ZZ") is CONTRACT
    assert "Civil Code art. 561" in CN_561.citation


def test_the_debt_the_debtor_names_comes_first_though_due_later() -> None:
    debts = {"old": owed(100), "named": owed(100, LATER, designated=True)}
    assert allocate(120, debts, CN_561) == {
        "named": Buckets(principal=100),
        "old": Buckets(principal=20),
    }


def test_the_earliest_due_debt_comes_first() -> None:
    debts = {"young": owed(100, LATER), "old": owed(100)}
    assert allocate(100, debts, CN_561) == {"old": Buckets(principal=100)}


def test_debts_due_the_same_day_share_by_what_is_owed() -> None:
    debts = {"small": owed(100), "large": owed(300)}
    assert allocate(100, debts, CN_561) == {
        "small": Buckets(principal=25),
        "large": Buckets(principal=75),
    }


def test_what_nobody_owes_is_not_allocated() -> None:
    assert allocate(500, {"a": owed(100)}, CN_561) == {"a": Buckets(principal=100)}
    assert allocate(500, {}, CN_561) == {}
    assert allocate(500, {"a": owed(0)}, CN_561) == {}


def test_the_odd_unit_goes_to_the_largest_remainder_and_then_to_the_first() -> None:
    assert pro_rata(100, [1, 1, 1]) == [1, 1, 1]
    assert pro_rata(2, [1, 1, 1]) == [1, 1, 0]
    assert pro_rata(10, [10, 10, 10]) == [4, 3, 3]
    assert pro_rata(5, [7, 2, 1]) == [4, 1, 0]
    assert pro_rata(0, [7, 2, 1]) == [0, 0, 0]
    assert pro_rata(9, []) == []
    assert pro_rata(9, [0, 0]) == [0, 0]


heads = st.integers(0, 10**9)
buckets = st.builds(
    Buckets, costs=heads, fees=heads, penalty=heads, interest=heads, principal=heads
)
debts = st.dictionaries(
    st.integers(0, 9),
    st.builds(
        Owed, outstanding=buckets, due_on=st.sampled_from([DUE, LATER]), designated=st.booleans()
    ),
    max_size=5,
)
weights = st.lists(st.integers(0, 10**12), max_size=8)
amounts = st.integers(0, 10**12)


@given(amounts, debts, st.sampled_from([CN_561, CONTRACT, DE_497]))
def test_the_parts_add_up_to_the_payment_or_to_what_is_owed(
    amount: int, of: dict[int, Owed], profile: Profile
) -> None:
    parts = allocate(amount, of, profile)
    everything = sum(each.outstanding.total for each in of.values())
    assert sum(part.total for part in parts.values()) == min(amount, everything)


@given(amounts, debts, st.sampled_from([CN_561, DE_497]))
def test_no_head_of_a_debt_gets_more_than_it_owes(
    amount: int, of: dict[int, Owed], profile: Profile
) -> None:
    for key, part in allocate(amount, of, profile).items():
        left = astuple(of[key].outstanding - part)
        assert min(left) >= 0
        assert min(astuple(part)) >= 0


@given(amounts, debts, st.sampled_from([CN_561, DE_497]))
def test_a_head_is_touched_only_when_those_before_it_are_cleared(
    amount: int, of: dict[int, Owed], profile: Profile
) -> None:
    for key, part in allocate(amount, of, profile).items():
        left = of[key].outstanding - part
        open_before = 0
        for head in profile.order:
            assert not (open_before and getattr(part, head))
            open_before += getattr(left, head)


@given(amounts, weights)
def test_shares_are_within_one_unit_of_the_exact_fraction(amount: int, of: list[int]) -> None:
    shares, total = pro_rata(amount, of), sum(of)
    shared = min(amount, total)
    assert sum(shares) == shared
    for share, weight in zip(shares, of, strict=True):
        assert 0 <= share <= weight
        assert total == 0 or abs(share - Fraction(shared * weight, total)) < 1


@given(amounts, weights)
def test_shares_are_those_of_the_largest_remainder_worked_out_another_way(
    amount: int, of: list[int]
) -> None:
    total = sum(of)
    amount = min(amount, total)
    shares = [amount * weight // total if total else 0 for weight in of]
    rest = [amount * weight % total if total else 0 for weight in of]
    while sum(shares) < amount:
        lucky = rest.index(max(rest))
        shares[lucky], rest[lucky] = shares[lucky] + 1, -1
    assert pro_rata(amount, of) == shares


@given(amounts, st.lists(st.integers(0, 10**6), min_size=1, max_size=6))
def test_the_order_of_unequal_weights_does_not_change_a_share(amount: int, of: list[int]) -> None:
    distinct = sorted(set(of))
    forwards = dict(zip(distinct, pro_rata(amount, distinct), strict=True))
    backwards = dict(zip(distinct[::-1], pro_rata(amount, distinct[::-1]), strict=True))
    differing = [key for key in distinct if forwards[key] != backwards[key]]
    # Only where two remainders are equal does the first one win.
    total, shared = sum(distinct), min(amount, sum(distinct))
    remainders = [shared * key % total for key in differing] if total else []
    assert len(set(remainders)) <= 1


@pytest.mark.parametrize("amount", [1, 119_99, 420_00, 5_420_00, 9_999_99])
def test_paying_and_taking_back_leaves_what_was(amount: int) -> None:
    part = pour(amount, VECTOR, CN_561.order)
    assert VECTOR - part + part == VECTOR
