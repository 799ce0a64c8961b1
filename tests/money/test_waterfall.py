"""A payment under the named laws: vectors by hand, and another way of working it out.

DUECOURSE_MONEY_CASES=1000000 runs a million random cases over the six files of `-k random`, by
the share that each names; without it they are a slice.
"""

import os
import random
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple, replace

from duecourse.money.amounts import MAX_MINOR, Buckets, PositiveMinor
from duecourse.money.figures import Heads, Refused
from duecourse.money.legal_orders import across_orders, within_order, within_orders
from duecourse.money.settlements import WAIVED_FIRST
from duecourse.money.slots import Slot
from duecourse.money.waterfall import (
    SLOTS_PROFILE,
    Allocation,
    AllocationRequest,
    OwedDebt,
    allocate_payment,
    forgiven,
)

CASES = int(os.environ.get("DUECOURSE_MONEY_CASES", "10000")) * 55 // 100
TODAY = date(2026, 3, 2)
VECTOR = {"costs": 120_00, "interest": 300_00, "principal": 5_000_00}
HEADS = ("costs", "fees", "penalty", "interest", "principal")


def debt(name: str = "A", due: str = "2026-01-15", /, **fields: object) -> OwedDebt:
    """Heads of the debt and its features, in one breath."""
    heads = {key: value for key, value in fields.items() if key in HEADS}
    others = {key: value for key, value in fields.items() if key not in HEADS}
    return OwedDebt(
        debt_id=name,
        due_on=date.fromisoformat(due),
        outstanding=Heads(**heads),  # type: ignore[arg-type]
        **others,  # type: ignore[arg-type]
    )


def pay(amount: PositiveMinor, profile: str, *debts: OwedDebt, **more: object) -> Allocation:
    return allocate_payment(
        AllocationRequest(
            currency="CNY", amount_minor=amount, as_of=TODAY, profile=profile, debts=debts, **more  # type: ignore[arg-type]
        )
    )  # fmt: skip


def heads(paid: Buckets) -> dict[str, int]:
    return {name: getattr(paid, name) for name in HEADS if getattr(paid, name)}


def shares(result: Allocation) -> dict[str, int]:
    return {part.debt_id: part.paid.total for part in result.parts if part.paid.total}


# --- within one debt ---------------------------------------------------------------------------

ALL = {"costs": 10, "fees": 20, "penalty": 30, "interest": 40, "principal": 50}
WITHIN = [
    # The vector of the research: costs 120.00, interest 300.00, principal 5,000.00, pays 1,000.00.
    ("cn-561", VECTOR, 1_000_00, {"costs": 120_00, "interest": 300_00, "principal": 580_00}),
    ("de-367", VECTOR, 1_000_00, {"costs": 120_00, "interest": 300_00, "principal": 580_00}),
    ("de-497", VECTOR, 1_000_00, {"costs": 120_00, "principal": 880_00}),
    ("us", VECTOR, 1_000_00, {"costs": 120_00, "interest": 300_00, "principal": 580_00}),
    ("uk", VECTOR, 1_000_00, {"costs": 120_00, "interest": 300_00, "principal": 580_00}),
    # Every boundary of the five heads (10, 20, 30, 40, 50), by hand.
    ("cn-561", ALL, 10, {"costs": 10}),
    ("cn-561", ALL, 11, {"costs": 10, "fees": 1}),
    ("cn-561", ALL, 30, {"costs": 10, "fees": 20}),
    ("cn-561", ALL, 31, {"costs": 10, "fees": 20, "interest": 1}),
    ("cn-561", ALL, 70, {"costs": 10, "fees": 20, "interest": 40}),
    ("cn-561", ALL, 71, {"costs": 10, "fees": 20, "interest": 40, "penalty": 1}),
    ("cn-561", ALL, 100, {"costs": 10, "fees": 20, "interest": 40, "penalty": 30}),
    ("cn-561", ALL, 149, {**ALL, "principal": 49}),
    ("cn-561", ALL, 150, ALL),
    ("de-497", ALL, 10, {"costs": 10}),
    ("de-497", ALL, 60, {"costs": 10, "principal": 50}),
    ("de-497", ALL, 80, {"costs": 10, "principal": 50, "fees": 20}),
    ("de-497", ALL, 120, {"costs": 10, "principal": 50, "fees": 20, "interest": 40}),
    ("de-497", ALL, 121, {"costs": 10, "principal": 50, "fees": 20, "interest": 40, "penalty": 1}),
    # One unit, and the largest debt there may be.
    ("cn-561", {"principal": 1}, 1, {"principal": 1}),
    ("cn-561", {"principal": MAX_MINOR}, MAX_MINOR, {"principal": MAX_MINOR}),
    ("de-497", {"interest": 7, "principal": MAX_MINOR}, MAX_MINOR, {"principal": MAX_MINOR}),
    # More than is owed.
    ("de-497", VECTOR, 9_999_00, VECTOR),
]


@pytest.mark.parametrize(("profile", "owed", "amount", "paid"), WITHIN)
def test_the_heads_of_a_debt_are_cleared_in_the_order_of_the_law(
    profile: str, owed: dict[str, int], amount: int, paid: dict[str, int]
) -> None:
    result = pay(amount, profile, debt(**owed))
    assert heads(result.parts[0].paid) == paid
    assert result.unallocated_minor == amount - sum(paid.values())


def test_the_consumer_loan_leaves_its_interest_owed_and_says_so_beside_china() -> None:
    result = pay(1_000_00, "cn-561", debt(**VECTOR), counterfactual=("de-497",))
    (other,) = result.counterfactual
    assert (result.profile, result.citation) == ("cn-561", "PRC Civil Code art. 561")
    assert heads(result.parts[0].left) == {"principal": 4_420_00}
    assert "497(3)" in other.citation
    assert heads(other.parts[0].left) == {"interest": 300_00, "principal": 4_120_00}


def test_part_payment_of_a_consumer_loan_may_not_be_refused() -> None:
    loan = pay(1, "de-497", debt(principal=9))
    assert (loan.part_payment, loan.part_citation) == (
        "must_be_accepted",
        "BGB § 497(3) sentence 2",
    )
    assert pay(1, "de-367", debt(principal=9)).part_payment == "may_be_refused"


def test_a_consumer_loan_secured_on_land_falls_back_to_367() -> None:
    (part,) = pay(1_000_00, "de-497", debt(**VECTOR, secured_on_land=True)).parts
    assert part.profile == "de-367"
    assert heads(part.paid) == {"costs": 120_00, "interest": 300_00, "principal": 580_00}


# --- across debts ------------------------------------------------------------------------------

A = debt("A", "2026-01-15", principal=100)
B = debt("B", "2026-02-15", principal=100)
ACROSS = [
    # The debtor's word goes first everywhere, whatever else speaks for the other debt.
    ("cn-561", 120, [A, replace(B, debtor_choice=1)], {"B": 100, "A": 20}),
    ("de-367", 120, [A, replace(B, debtor_choice=1)], {"B": 100, "A": 20}),
    ("us", 120, [A, replace(B, debtor_choice=1)], {"B": 100, "A": 20}),
    ("uk", 120, [A, replace(B, debtor_choice=1)], {"B": 100, "A": 20}),
    ("cn-561", 120, [replace(A, debtor_choice=2), replace(B, debtor_choice=1)], {"B": 100, "A": 20}),
    # Art. 560(2): what is due goes before what is not.
    ("cn-561", 50, [debt("L", "2026-04-01", principal=90, burden_percent="36"), B], {"B": 50}),
    # Due both: the one with less security, though it fell due later and costs less.
    ("cn-561", 50, [replace(A, secured_minor=100, burden_percent="24"), B], {"B": 50}),
    ("cn-561", 50, [replace(A, secured_minor=60), replace(B, secured_minor=40)], {"B": 50}),
    # As secured: the heavier burden.
    ("cn-561", 50, [A, replace(B, burden_percent="15.4")], {"B": 50}),
    # As heavy: China takes what fell due first, Germany what arose first.
    ("cn-561", 50, [B, A], {"A": 50}),
    ("cn-561", 50, [replace(A, arose_on=TODAY), replace(B, arose_on=date(2020, 1, 1))], {"A": 50}),
    ("de-367", 50, [replace(A, arose_on=TODAY), replace(B, arose_on=date(2020, 1, 1))], {"B": 50}),
    # Alike in everything: by what is owed, the odd unit to the larger remainder.
    ("cn-561", 100, [debt("S", principal=100), debt("L", principal=300)], {"S": 25, "L": 75}),
    ("cn-561", 10, [debt("1", principal=10), debt("2", principal=10), debt("3", principal=10)],
     {"1": 4, "2": 3, "3": 3}),
    ("cn-561", 5, [debt("1", principal=7), debt("2", principal=2), debt("3", principal=1)],
     {"1": 4, "2": 1}),
    # United States: never to a disputed debt, not even where nothing else is left.
    ("us", 150, [replace(A, disputed=True), B], {"B": 100}),
    ("us", 50, [replace(A, disputed=True, debtor_choice=1), B], {"B": 50}),
    ("us", 50, [replace(A, disputed=True)], {}),
    ("cn-561", 50, [replace(A, disputed=True)], {"A": 50}),
    # United Kingdom: the debtor, else the creditor, else the oldest item (Clayton's Case).
    ("uk", 50, [A, replace(B, creditor_choice=1)], {"B": 50}),
    ("uk", 50, [replace(A, creditor_choice=1), replace(B, debtor_choice=1)], {"B": 50}),
    ("uk", 150, [debt("3", "2026-03-01", principal=90), debt("1", "2026-01-01", principal=90),
                 debt("2", "2026-02-01", principal=90)], {"1": 90, "2": 60}),
]  # fmt: skip


@pytest.mark.parametrize(("profile", "amount", "debts", "paid"), ACROSS)
def test_the_debts_have_their_turn_in_the_order_of_the_law(
    profile: str, amount: int, debts: list[OwedDebt], paid: dict[str, int]
) -> None:
    assert shares(pay(amount, profile, *debts)) == paid


def test_each_turn_says_why_it_came_first() -> None:
    named, due = replace(B, debtor_choice=1), A
    later = debt("C", "2026-05-01", principal=100)
    turns = pay(250, "cn-561", later, due, named).turns
    assert [(turn.debts, turn.amount_minor) for turn in turns] == [
        (("B",), 100), (("A",), 100), (("C",), 50),
    ]  # fmt: skip
    assert [turn.because for turn in turns] == [
        "the debtor named it",
        "it is due already",
        "no other debt is left",
    ]


def test_what_a_disputed_debt_keeps_out_is_named() -> None:
    result = pay(50, "us", replace(A, disputed=True))
    assert result.unallocated_minor == 50
    assert result.notes[-1] == "disputed, so nothing may go to it: A"


# --- the order of your own ---------------------------------------------------------------------

SLOTS: tuple[Slot, ...] = (
    "past_due.penalty", "past_due.fee", "past_due.interest", "past_due.principal",
    "due.penalty", "due.fee", "due.interest", "due.principal",
    "in_advance.penalty", "in_advance.fee", "in_advance.interest", "in_advance.principal",
)  # fmt: skip
LATE = debt("late", "2026-02-02", penalty=1, costs=2, fees=3, interest=4, principal=5)
NOW = debt("now", "2026-03-02", penalty=10, costs=20, fees=30, interest=40, principal=50)
NEXT = debt("next", "2026-04-02", interest=7, principal=100)
LAST = debt("last", "2026-05-02", interest=7, principal=200)


@pytest.mark.parametrize(
    ("amount", "future", "paid"),
    [
        (6, "next", {"late": 6}),
        (15, "next", {"late": 15}),
        (25, "next", {"late": 15, "now": 10}),
        (165, "next", {"late": 15, "now": 150}),
        (179, "next", {"late": 15, "now": 150, "next": 7, "last": 7}),
        (189, "next", {"late": 15, "now": 150, "next": 17, "last": 7}),
        (189, "last", {"late": 15, "now": 150, "next": 7, "last": 17}),
        (182, "pro_rata", {"late": 15, "now": 150, "next": 8, "last": 9}),
        (999, "next", {"late": 15, "now": 150, "next": 107, "last": 207}),
    ],
)
def test_twelve_slots_are_filled_one_after_the_other(
    amount: int, future: str, paid: dict[str, int]
) -> None:
    result = pay(amount, SLOTS_PROFILE, LAST, NOW, NEXT, LATE, slots=SLOTS, future=future)
    assert shares(result) == paid
    assert result.unallocated_minor == amount - sum(paid.values())


def test_principal_may_come_before_interest_in_an_order_of_your_own() -> None:
    swapped = (*SLOTS[:2], SLOTS[3], SLOTS[2], *SLOTS[4:])
    result = pay(8, SLOTS_PROFILE, LATE, slots=swapped)
    assert heads(result.parts[0].paid) == {"penalty": 1, "costs": 2, "fees": 3, "principal": 2}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"profile": "cn-999"}, "profile"),
        ({"across": "cn-999"}, "across"),
        ({"counterfactual": ("xx",)}, "profile"),
        ({"slots": SLOTS}, "slots"),
        ({"profile": SLOTS_PROFILE}, "slots"),
        ({"profile": SLOTS_PROFILE, "slots": SLOTS[:11]}, "slots"),
        ({"profile": SLOTS_PROFILE, "slots": (*SLOTS[:11], SLOTS[0])}, "slots"),
        ({"amount_minor": 0}, "amount_minor"),
        ({"amount_minor": MAX_MINOR + 1}, "amount_minor"),
        ({"debts": (A, A)}, "debts[1].debt_id"),
        ({"debts": (replace(A, burden_percent="x"),)}, "burden_percent"),
    ],
)
def test_what_cannot_be_meant_is_refused_by_its_field(
    changes: dict[str, object], field: str
) -> None:
    request = AllocationRequest(
        currency="CNY", amount_minor=5, as_of=TODAY, profile="cn-561", debts=(A,)
    )
    with pytest.raises(Refused) as refused:
        allocate_payment(replace(request, **changes))
    assert refused.value.field == field


def test_every_order_has_a_source_and_names_every_head_once() -> None:
    for order in within_orders():
        assert sorted(order.order) == sorted(HEADS)
        assert order.citation
    assert {order.across for order in within_orders()} == {each.name for each in across_orders()}


# --- the same, another way ---------------------------------------------------------------------


def naive(request: AllocationRequest) -> dict[str, dict[str, int]]:
    """The articles read aloud: take the debts that the law prefers, share, and begin again."""
    money, pool = request.amount_minor, list(request.debts)
    paid = {each.debt_id: dict.fromkeys(HEADS, 0) for each in pool}
    if request.profile == "us":
        pool = [each for each in pool if not each.disputed]
    while pool:
        chosen = naive_preferred(pool, request)
        pool = [each for each in pool if each not in chosen]
        for each, share in zip(chosen, naive_shares(money, chosen), strict=True):
            money -= share
            order = within_order(request.profile)
            if order.on_land and each.secured_on_land:
                order = within_order(order.on_land)
            for head in order.order:
                while_left = min(share, getattr(each.outstanding, head))
                paid[each.debt_id][head] += while_left
                share -= while_left  # noqa: PLW2901
    return paid


def naive_preferred(pool: list[OwedDebt], request: AllocationRequest) -> list[OwedDebt]:
    if any(each.debtor_choice for each in pool):
        first = min(each.debtor_choice for each in pool if each.debtor_choice)
        pool = [each for each in pool if each.debtor_choice == first]
    if request.profile == "uk":
        if any(each.creditor_choice for each in pool):
            first = min(each.creditor_choice for each in pool if each.creditor_choice)
            pool = [each for each in pool if each.creditor_choice == first]
        oldest = min(each.arose_on or each.due_on for each in pool)
        return [each for each in pool if (each.arose_on or each.due_on) == oldest]
    if any(each.due_on <= request.as_of for each in pool):
        pool = [each for each in pool if each.due_on <= request.as_of]
    if request.profile != "us":
        covered = [
            Fraction(min(each.secured_minor, each.outstanding.total), each.outstanding.total or 1)
            for each in pool
        ]
        pool = [e for e, share in zip(pool, covered, strict=True) if share == min(covered)]
        heaviest = max(Fraction(each.burden_percent) for each in pool)
        pool = [each for each in pool if Fraction(each.burden_percent) == heaviest]
    if request.profile.startswith("de"):
        oldest = min(each.arose_on or each.due_on for each in pool)
        return [each for each in pool if (each.arose_on or each.due_on) == oldest]
    earliest = min(each.due_on for each in pool)
    return [each for each in pool if each.due_on == earliest]


def naive_shares(money: int, debts: list[OwedDebt]) -> list[int]:
    owed = [each.outstanding.total for each in debts]
    total = sum(owed)
    if money >= total:
        return owed
    exact = [Fraction(money * each, total) for each in owed]
    whole = [int(each) for each in exact]
    while sum(whole) < money:
        rest = [a - b for a, b in zip(exact, whole, strict=True)]
        whole[rest.index(max(rest))] += 1
    return whole


def random_debt(rng: random.Random, number: int) -> OwedDebt:
    top = rng.choice((1, 3, 100, 10**6, 10**14))
    return OwedDebt(
        debt_id=f"D-{number}",
        outstanding=Heads(
            costs=rng.randrange(top + 1) if rng.random() < 0.4 else 0,
            fees=rng.randrange(top + 1) if rng.random() < 0.4 else 0,
            penalty=rng.randrange(top + 1) if rng.random() < 0.4 else 0,
            interest=rng.randrange(top + 1) if rng.random() < 0.7 else 0,
            principal=rng.randrange(top + 1),
        ),
        due_on=date(2026, rng.randint(1, 5), rng.choice((1, 2))),
        arose_on=rng.choice((None, date(2025, 1, 1), date(2025, 6, 1))),
        secured_minor=rng.choice((0, 0, 0, top // 2, top)),
        burden_percent=rng.choice(("0", "0", "12", "24")),
        debtor_choice=rng.choice((0, 0, 0, 1, 2)),
        creditor_choice=rng.choice((0, 0, 0, 1)),
        disputed=rng.random() < 0.2,
        secured_on_land=rng.random() < 0.2,
    )


def test_random_payments_agree_with_the_articles_read_aloud() -> None:
    rng = random.Random(561)
    profiles = ("cn-561", "de-367", "de-497", "us", "uk")
    reached = set()
    for _ in range(CASES):
        debts = tuple(random_debt(rng, number) for number in range(rng.choice((1, 2, 2, 3, 5))))
        owed = sum(each.outstanding.total for each in debts)
        request = AllocationRequest(
            currency="CNY",
            amount_minor=min(rng.randint(1, max(1, owed * 5 // 4)), MAX_MINOR),
            as_of=TODAY,
            profile=rng.choice(profiles),
            debts=debts,
        )
        result = allocate_payment(request)
        check_whole(request, result)
        expected = naive(request)
        for part in result.parts:
            assert {h: getattr(part.paid, h) for h in HEADS} == expected[part.debt_id], request
        reached |= {(result.profile, bool(result.unallocated_minor), len(result.turns) > 1)}
    assert len(reached) == 20


def check_whole(request: AllocationRequest, result: Allocation) -> None:
    assert sum(part.paid.total for part in result.parts) == result.allocated_minor
    assert result.allocated_minor + result.unallocated_minor == request.amount_minor
    for each, part in zip(request.debts, result.parts, strict=True):
        assert min(astuple(part.left)) >= 0
        assert min(astuple(part.paid)) >= 0
        assert part.paid + part.left == each.outstanding.plain()


small = st.integers(0, 50)
debts_of_few_units = st.lists(
    st.builds(
        OwedDebt,
        debt_id=st.just("x"),
        outstanding=st.builds(Heads, costs=small, fees=small, interest=small, principal=small),
        due_on=st.sampled_from([date(2026, 1, 1), TODAY, date(2026, 4, 1)]),
    ),
    min_size=1, max_size=4,
)  # fmt: skip


@given(st.integers(1, 400), debts_of_few_units, st.permutations(SLOTS))
def test_any_order_of_slots_accounts_for_every_unit(
    amount: int, debts: list[OwedDebt], slots: list[Slot]
) -> None:
    named = tuple(replace(each, debt_id=str(at)) for at, each in enumerate(debts))
    request = AllocationRequest(
        currency="JPY", amount_minor=amount, as_of=TODAY, profile=SLOTS_PROFILE, debts=named,
        slots=tuple(slots),
    )  # fmt: skip
    result = allocate_payment(request)
    check_whole(request, result)
    assert result.allocated_minor == min(amount, sum(d.outstanding.total for d in named))


@given(st.integers(1, 400), st.integers(1, 400), st.integers(0, 200), st.integers(0, 200))
def test_two_payments_of_a_day_come_to_the_same_in_any_order(
    one: int, two: int, interest: int, principal: int
) -> None:
    def after(first: int, second: int) -> Buckets:
        owed = debt(interest=interest, principal=principal)
        left = pay(first, "cn-561", owed).parts[0].left
        owed = debt(**{name: getattr(left, name) for name in HEADS})
        return pay(second, "cn-561", owed).parts[0].left

    assert after(one, two) == after(two, one)


# --- what is forgiven --------------------------------------------------------------------------


def naive_waiver(amount: int, debts: list[OwedDebt], order: tuple[str, ...]) -> dict[str, Buckets]:
    """Day by day, each debt by its share, head by head, and nothing else is looked at."""
    parts: dict[str, Buckets] = {}
    for day in sorted({each.due_on for each in debts}):
        due = [each for each in debts if each.due_on == day]
        shares = naive_shares(amount, due)
        amount -= sum(shares)
        for each, share in zip(due, shares, strict=True):
            heads: dict[str, int] = {}
            for head in order:
                heads[head] = min(share - sum(heads.values()), getattr(each.outstanding, head))
            if share:
                parts[each.debt_id] = Buckets(**heads)
    return parts


def test_random_waivers_go_to_the_debt_due_first_and_then_by_the_order_of_the_heads() -> None:
    rng = random.Random(31)
    for _ in range(1_500):
        debts = [random_debt(rng, number) for number in range(rng.randint(0, 5))]
        total = sum(each.outstanding.total for each in debts)
        amount = rng.choice((0, 1, 2, total, total + 1, rng.randrange(total + 1)))
        order = rng.choice((WAIVED_FIRST, within_order("house").order))
        parts = forgiven(amount, debts, order)
        assert parts == naive_waiver(amount, debts, order)
        assert sum(each.total for each in parts.values()) == min(amount, total)


def test_a_waiver_looks_at_no_security_and_at_no_wish() -> None:
    early = OwedDebt(debt_id="a", outstanding=Heads(principal=100), due_on=date(2026, 1, 1))
    late = OwedDebt(
        debt_id="b", outstanding=Heads(penalty=40, principal=60), due_on=date(2026, 1, 2)
    )
    secured = replace(early, secured_minor=100, secured_on_land=True, disputed=True)
    expected = {"a": Buckets(principal=100), "b": Buckets(penalty=20)}
    assert forgiven(120, [late, early], WAIVED_FIRST) == expected
    assert forgiven(120, [late, secured], WAIVED_FIRST) == expected
    assert forgiven(20, [late], within_order("house").order) == {"b": Buckets(penalty=20)}
    assert forgiven(0, [late, early], WAIVED_FIRST) == forgiven(5, [], WAIVED_FIRST) == {}
