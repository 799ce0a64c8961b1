"""How an amount is shared by weight, and how it fills the heads of a debt."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duecourse.money.allocation import pour, pro_rata
from duecourse.money.amounts import Buckets
from duecourse.money.legal_orders import within_order

CN_561 = within_order("cn-561").order
DE_497 = within_order("de-497").order
VECTOR = Buckets(costs=120_00, interest=300_00, principal=5_000_00)


def test_china_takes_costs_then_interest_then_principal() -> None:
    assert pour(1_000_00, VECTOR, CN_561) == Buckets(
        costs=120_00, interest=300_00, principal=580_00
    )


def test_another_order_of_the_same_vector_leaves_the_interest() -> None:
    assert pour(1_000_00, VECTOR, DE_497) == Buckets(costs=120_00, principal=880_00)


def test_fees_go_with_the_costs_and_penalty_with_the_interest() -> None:
    all_heads = Buckets(costs=1, fees=1, penalty=1, interest=1, principal=1)
    poured = [pour(amount, all_heads, CN_561) for amount in range(1, 6)]
    names = ("costs", "fees", "interest", "penalty", "principal")
    assert [[getattr(each, name) for name in names] for each in poured] == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0],
        [1, 1, 1, 1, 0],
        [1, 1, 1, 1, 1],
    ]


def test_the_odd_unit_goes_to_the_largest_remainder_and_then_to_the_first() -> None:
    assert pro_rata(100, [1, 1, 1]) == [1, 1, 1]
    assert pro_rata(2, [1, 1, 1]) == [1, 1, 0]
    assert pro_rata(10, [10, 10, 10]) == [4, 3, 3]
    assert pro_rata(5, [7, 2, 1]) == [4, 1, 0]
    assert pro_rata(0, [7, 2, 1]) == [0, 0, 0]
    assert pro_rata(9, []) == []
    assert pro_rata(9, [0, 0]) == [0, 0]


weights = st.lists(st.integers(0, 10**12), max_size=8)
amounts = st.integers(0, 10**12)


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
    part = pour(amount, VECTOR, CN_561)
    assert VECTOR - part + part == VECTOR
