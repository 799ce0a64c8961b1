"""Payment plans: published figures, another library, and the closed formula."""

import os
import random
from collections import Counter
from datetime import date, timedelta
from fractions import Fraction

import msgspec
import numpy_financial as npf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duecourse.money.amortisation import level_amount
from duecourse.money.amounts import MAX_MINOR
from duecourse.money.day_counts import year_fraction
from duecourse.money.figures import Refused
from duecourse.money.instalments import compare_plans, make_plan
from duecourse.money.plan_terms import Instalment, PaymentPlan, PlanRequest

CASES = int(os.environ.get("DUECOURSE_MONEY_CASES", "10000")) * 15 // 100
D = date.fromisoformat


def request(**changes: object) -> PlanRequest:
    plain = {
        "currency": "CNY",
        "kind": "annuity",
        "principal_minor": 1_200_00,
        "starts_on": "2026-01-15",
        "first_on": "2026-02-15",
        "count": 12,
    }
    return msgspec.convert(plain | changes, PlanRequest)


def plan(**changes: object) -> PaymentPlan:
    return make_plan(request(**changes))


def amounts(made: PaymentPlan) -> list[int]:
    return [each.amount_minor for each in made.instalments]


def due(made: PaymentPlan) -> list[str]:
    return [each.due_on.isoformat() for each in made.instalments]


# --- amounts -----------------------------------------------------------------------------------

# Level payments as loan tables print them: principal, yearly percent, months, payment.
PUBLISHED = [
    (100_000_00, "12", 12, 8_884_88),
    (200_000_00, "6", 360, 1_199_10),
    (100_000_00, "6", 360, 599_55),
    (10_000_00, "5", 36, 299_71),
    (20_000_00, "5", 60, 377_42),
    (250_000_00, "4.5", 360, 1_266_71),
    (1_000_00, "12", 12, 88_85),
    (15_000_00, "7.5", 48, 362_68),
    (5_000_00, "24", 24, 264_36),
    (12_000_00, "0", 12, 1_000_00),
]


@pytest.mark.parametrize(("principal", "percent", "months", "payment"), PUBLISHED)
def test_a_level_payment_is_the_one_that_loan_tables_print(
    principal: int, percent: str, months: int, payment: int
) -> None:
    made = plan(principal_minor=principal, percent=percent, count=months)
    assert set(amounts(made)[:-1]) == {payment}
    assert made.last_minor != 0
    check_whole(made)


@pytest.mark.parametrize("principal", [100_000_00, 3_141_59, 10**12, 10**14])
@pytest.mark.parametrize("percent", ["0.5", "3.65", "12", "24", "36"])
@pytest.mark.parametrize(
    ("months", "balloon"), [(1, 0), (7, 0), (60, 0), (60, 20), (360, 50), (60, 100)]
)
def test_another_library_agrees_on_annuities_and_balloons(
    principal: int, percent: str, months: int, balloon: int
) -> None:
    kept = principal * balloon // 100
    exact = level_amount(principal, kept, [Fraction(percent) / 1200] * months)
    theirs = -npf.pmt(float(percent) / 1200, months, principal, -kept)
    assert float(exact) == pytest.approx(theirs, rel=1e-9)
    kind = "balloon" if kept else "annuity"
    made = plan(
        kind=kind, principal_minor=principal, percent=percent, count=months, balloon_minor=kept
    )
    if months > 1:
        assert abs(made.first_minor - exact) <= Fraction(1, 2)
        # Each rounded row moves what is left by at most one unit, which then bears interest.
        growth = months * (1 + float(percent) / 1200) ** months
        assert abs(made.last_minor - kept - exact) <= growth


BY_HAND = [
    # Equal principal: 300 a month and 1 % of 1,200, 900, 600, 300.
    ({"kind": "equal_principal", "count": 4, "principal_minor": 1_200_00, "percent": "12"},
     [312_00, 309_00, 306_00, 303_00]),
    ({"kind": "equal_principal", "count": 3, "principal_minor": 100}, [33, 33, 34]),
    # Equal parts; the last with the residue.
    ({"kind": "equal_parts", "count": 3, "principal_minor": 100}, [33, 33, 34]),
    ({"kind": "equal_parts", "count": 1, "principal_minor": 1}, [1]),
    ({"kind": "equal_parts", "count": 7, "principal_minor": 7}, [1] * 7),
    # 1,000 by 300 a month at 12 %: 10.00, 7.10, 4.17, 1.21 of interest.
    ({"kind": "level_amount", "count": 0, "amount_minor": 300_00, "principal_minor": 1_000_00,
      "percent": "12"}, [300_00, 300_00, 300_00, 122_48]),
    ({"kind": "level_amount", "count": 0, "amount_minor": 400, "principal_minor": 1_000},
     [400, 400, 200]),
    ({"kind": "level_amount", "count": 0, "amount_minor": 500, "principal_minor": 1_000},
     [500, 500]),
    # Step-up; the last instalment is what is left, here 500.00 - 6 x 50.00 - 5 x 30.00.
    ({"kind": "step_up", "count": 0, "principal_minor": 500_00,
      "steps": [{"instalments": 6, "amount_minor": 50_00}, {"instalments": 6, "amount_minor": 30_00}]},
     [50_00] * 6 + [30_00] * 5 + [50_00]),
    # Step-up whose last step pays off the rest: 400.00 left over four months.
    ({"kind": "step_up", "count": 0, "principal_minor": 500_00,
      "steps": [{"instalments": 2, "amount_minor": 50_00}, {"instalments": 4}]},
     [50_00] * 2 + [100_00] * 4),
    # Balloon without interest: 600 over three months and 600 at the end.
    ({"kind": "balloon", "count": 3, "principal_minor": 1_200_00, "balloon_minor": 600_00},
     [200_00, 200_00, 800_00]),
    # Interest only for two months, then equal principal.
    ({"kind": "equal_principal", "count": 4, "grace_periods": 2, "principal_minor": 1_000_00,
      "percent": "12"}, [10_00, 10_00, 510_00, 505_00]),
    # JPY and KWD are only other minor units.
    ({"currency": "JPY", "kind": "equal_parts", "count": 3, "principal_minor": 1_000},
     [333, 333, 334]),
    ({"currency": "KWD", "kind": "equal_parts", "count": 4, "principal_minor": 1_000_001},
     [250_000, 250_000, 250_000, 250_001]),
    # A small debt: 1.67 rounded up would pay it off early, so it is rounded down.
    ({"count": 12, "principal_minor": 20}, [1] * 11 + [9]),
    # Two weeks at 26 % are 1 %: 100 of interest on 10,000.
    ({"kind": "equal_principal", "every": "fortnight", "count": 2, "principal_minor": 10_000,
      "percent": "26"}, [5_100, 5_050]),
    # A week at 52 % is 1 %.
    ({"kind": "equal_principal", "every": "week", "count": 2, "principal_minor": 10_000,
      "percent": "52"}, [5_100, 5_050]),
    # By days: 31 of 365, then 28, of 36.5 % on 10,000 and 5,000.
    ({"kind": "equal_principal", "count": 2, "principal_minor": 10_000, "percent": "36.5",
      "basis": "ACT/365F"}, [5_310, 5_140]),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "expected"), BY_HAND)
def test_instalments_by_hand(changes: dict[str, object], expected: list[int]) -> None:
    made = plan(**changes)
    assert amounts(made) == expected
    check_whole(made)


def check_whole(made: PaymentPlan) -> None:
    rows = made.instalments
    assert sum(amounts(made)) == made.total_minor == made.principal_minor + made.cost_minor
    assert (
        sum(each.principal_minor for each in rows) == made.principal_minor + made.capitalised_minor
    )
    assert rows[-1].left_minor == 0
    for each in rows:
        parts = each.principal_minor, each.interest_minor, each.deferred_interest_minor
        assert min(parts) >= 0
        assert each.amount_minor == sum(parts) > 0
    assert [each.left_minor for each in rows] == sorted((r.left_minor for r in rows), reverse=True)
    assert due(made) == sorted(due(made))


# --- days --------------------------------------------------------------------------------------

DAYS = [
    # The 31st: the last of a shorter month, and back.
    ({"first_on": "2026-01-31"}, ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]),
    ({"first_on": "2028-01-31"}, ["2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30"]),
    ({"first_on": "2027-12-30"}, ["2027-12-30", "2028-01-30", "2028-02-29", "2028-03-30"]),
    ({"first_on": "2028-02-29"}, ["2028-02-29", "2028-03-29", "2028-04-29", "2028-05-29"]),
    # A plan that begins in February and is meant for the 31st.
    ({"first_on": "2026-02-28", "day_of_month": 31},
     ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]),
    ({"first_on": "2026-02-28", "every": "last_day"},
     ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]),
    ({"first_on": "2026-02-10", "every": "last_day"},
     ["2026-02-28", "2026-03-31", "2026-04-30", "2026-05-31"]),
    ({"first_on": "2026-02-23", "every": "week"},
     ["2026-02-23", "2026-03-02", "2026-03-09", "2026-03-16"]),
    # Over the nights in which clocks change: still every fourteenth day.
    ({"first_on": "2026-03-20", "every": "fortnight"},
     ["2026-03-20", "2026-04-03", "2026-04-17", "2026-05-01"]),
    # Saturday 31 January 2026, Saturday 28 February, Tuesday 31 March, Thursday 30 April.
    ({"first_on": "2026-01-31", "calendar": {"roll": "following"}},
     ["2026-02-02", "2026-03-02", "2026-03-31", "2026-04-30"]),
    ({"first_on": "2026-01-31", "calendar": {"roll": "modified_following"}},
     ["2026-01-30", "2026-02-27", "2026-03-31", "2026-04-30"]),
    ({"first_on": "2026-01-31", "calendar": {"roll": "preceding"}},
     ["2026-01-30", "2026-02-27", "2026-03-31", "2026-04-30"]),
    # A holiday after the weekend, and a Saturday that is worked (China, Spring Festival 2026).
    ({"first_on": "2026-02-14",
      "calendar": {"roll": "following", "working_weekends": ["2026-02-14"]}},
     ["2026-02-14", "2026-03-16", "2026-04-14", "2026-05-14"]),
    ({"first_on": "2026-02-15", "calendar": {"roll": "following", "holidays": [
        f"2026-02-{day}" for day in range(15, 24)]}},
     ["2026-02-24", "2026-03-16", "2026-04-15", "2026-05-15"]),
    # A weekend of Friday and Saturday.
    ({"currency": "KWD", "first_on": "2026-02-06",
      "calendar": {"roll": "following", "weekend": ["fri", "sat"]}},
     ["2026-02-08", "2026-03-08", "2026-04-06", "2026-05-06"]),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "expected"), DAYS)
def test_each_instalment_is_due_on_its_day(changes: dict[str, object], expected: list[str]) -> None:
    assert due(plan(kind="equal_parts", count=4, **changes)) == expected


def test_a_moved_day_keeps_the_day_it_was_meant_for() -> None:
    made = plan(kind="equal_parts", count=1, first_on="2026-01-31", calendar={"roll": "following"})
    assert made.instalments[0].nominal_on == D("2026-01-31")


def test_days_that_are_really_due_bear_the_interest_under_a_day_count() -> None:
    rolled = {"calendar": {"roll": "following"}, "first_on": "2026-02-14", "percent": "36.5"}
    made = plan(kind="level_amount", count=0, amount_minor=10**9, basis="ACT/365F", **rolled)
    # From 15 January to Monday 16 February: 32 days of 0.1 %.
    assert made.instalments[0].interest_minor == 1_200_00 * 32 // 1_000


def test_a_first_day_that_rolls_to_before_the_beginning_is_refused() -> None:
    sunday = {"starts_on": "2026-02-15", "first_on": "2026-02-15"}
    assert plan(**sunday, calendar={"roll": "following"}).first_on == D("2026-02-16")
    with pytest.raises(Refused, match="moves the first day to 2026-02-13"):
        plan(**sunday, calendar={"roll": "preceding"})


def test_where_no_day_is_worked_the_plan_is_refused() -> None:
    week = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    with pytest.raises(Refused, match="no working day within 60 days of 2026-02-15"):
        plan(calendar={"roll": "following", "weekend": week})


# --- deferral ----------------------------------------------------------------------------------


def test_a_deferral_says_what_its_interest_does() -> None:
    terms = {"kind": "equal_principal", "count": 2, "principal_minor": 1_000_00, "percent": "12"}

    def deferred(interest: str) -> PaymentPlan:
        made = plan(**terms, deferral={"periods": 3, "interest": interest})
        check_whole(made)
        assert due(made) == ["2026-05-15", "2026-06-15"]
        return made

    frozen, accrued, capitalised = map(deferred, ("freeze", "accrue", "capitalise"))
    # Three months of 10.00. Frozen: shown, and in no instalment.
    assert (amounts(frozen), frozen.frozen_minor) == ([510_00, 505_00], 30_00)
    # Accrued: 15.00 more in each, without interest on it.
    assert (amounts(accrued), accrued.frozen_minor) == ([525_00, 520_00], 0)
    # Capitalised: 1,030.00 to pay off.
    assert (amounts(capitalised), capitalised.capitalised_minor) == ([525_30, 520_15], 30_00)
    assert frozen.cost_minor < accrued.cost_minor < capitalised.cost_minor


def test_a_deferral_freezes_unless_it_is_told_otherwise() -> None:
    assert plan(percent="12", deferral={"periods": 2}).frozen_minor == 24_00
    assert plan(percent="12", deferral={"periods": 2}).cost_minor == plan(percent="12").cost_minor


# --- refused -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"principal_minor": 10, "count": 12}, "count", "leave some of nothing"),
        ({"kind": "equal_parts", "principal_minor": 10, "count": 11}, "count", "of nothing"),
        ({"kind": "equal_principal", "principal_minor": 10, "count": 11}, "count", "of nothing"),
        ({"kind": "equal_parts", "percent": "1"}, "percent", "bear no interest"),
        ({"kind": "level_amount"}, "amount_minor", "belongs to the kind"),
        ({"amount_minor": 5}, "amount_minor", "belongs to the kind"),
        ({"kind": "balloon"}, "balloon_minor", "belongs to the kind"),
        ({"kind": "balloon", "balloon_minor": 1_200_01}, "balloon_minor", "above the principal"),
        ({"kind": "balloon", "balloon_minor": 1_200_00}, "count", "would not pay off anything"),
        ({"steps": [{"instalments": 1}]}, "steps", "belongs to the kind"),
        ({"count": 0}, "count", "is needed"),
        ({"kind": "level_amount", "amount_minor": 5}, "count", "follows from"),
        ({"kind": "level_amount", "count": 0, "amount_minor": 1_200, "percent": "12"},
         "amount_minor", "would not pay off anything"),
        # A year until the first instalment of many: its interest is more than the instalment.
        ({"first_on": "2027-01-15", "count": 60, "percent": "24", "basis": "ACT/365F"},
         "count", "would not pay off anything"),
        ({"kind": "step_up", "count": 0, "percent": "12", "steps": [
            {"instalments": 2, "amount_minor": 1_000}, {"instalments": 2}]},
         "steps", "would not pay off anything"),
        ({"kind": "level_amount", "count": 0, "amount_minor": 1}, "amount_minor", "more than 1200"),
        ({"kind": "step_up", "count": 0, "steps": [{"instalments": 2, "amount_minor": 120_00_00},
                                                  {"instalments": 1, "amount_minor": 1}]},
         "count", "paid off with instalment 1 of 3"),
        ({"kind": "step_up", "count": 0, "steps": [{"instalments": 1, "amount_minor": 120_00_00},
                                                  {"instalments": 1}]}, "steps", "before the last"),
        ({"kind": "step_up", "count": 0, "steps": [{"instalments": 1}, {"instalments": 1}]},
         "steps", "only the last"),
        ({"kind": "step_up", "count": 0, "steps": [{"instalments": 1200, "amount_minor": 1},
                                                  {"instalments": 1}]}, "steps", "more than 1200"),
        ({"grace_periods": 12}, "grace_periods", "leave no instalment"),
        ({"grace_periods": 1}, "grace_periods", "bears no interest"),
        ({"first_on": "2026-01-14"}, "first_on", "before starts_on"),
        ({"starts_on": "1600-01-01"}, "starts_on", "out of all reason"),
        ({"day_of_month": 14}, "day_of_month", "before the day"),
        ({"day_of_month": 20, "every": "week"}, "day_of_month", "monthly"),
        ({"principal_minor": MAX_MINOR, "percent": "9999", "count": 1200}, "percent", "comes to more"),
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be_made_is_refused_by_its_field(
    changes: dict[str, object], field: str, words: str
) -> None:
    with pytest.raises(Refused, match=words) as refused:
        plan(**changes)
    assert refused.value.field == field


# --- comparing ---------------------------------------------------------------------------------


def test_two_plans_are_compared_by_cost_and_end() -> None:
    short, long = request(percent="12", count=6), request(percent="12", count=24)
    found = compare_plans(short, long)
    assert (found.cheaper, found.sooner) == ("a", "a")
    assert found.cost_difference_minor == found.b.cost_minor - found.a.cost_minor > 0
    assert found.count_difference == 18
    assert found.last_on_difference_days == (D("2028-01-15") - D("2026-07-15")).days
    assert found.first_difference_minor < 0
    assert compare_plans(short, short).cheaper == "same"
    with pytest.raises(Refused, match=r"b\.currency"):
        compare_plans(short, request(currency="JPY"))


# --- the same, another way ---------------------------------------------------------------------


def naive_annuity(asked: PlanRequest, made: PaymentPlan) -> Fraction:
    """Periodic: P·i / (1 - (1+i)^-n), less the balloon's part. By days: two trials and a line."""
    principal, balloon = Fraction(asked.principal_minor), asked.balloon_minor
    percent = Fraction(asked.percent) / 100
    if asked.basis == "periodic":
        rate = percent / {"week": 52, "fortnight": 26, "month": 12, "last_day": 12}[asked.every]
        if not rate:
            return (principal - balloon) / made.count
        discount = 1 / (1 + rate) ** made.count
        return (principal - balloon * discount) * rate / (1 - discount)

    def left(amount: int) -> Fraction:
        owed, since = principal, asked.starts_on
        for each in made.instalments:
            owed += owed * percent * year_fraction(since, each.due_on, "ACT/365F") - amount
            since = each.due_on
        return owed

    none, one = left(0), left(1)
    return (none - balloon) / (none - one)


def naive_rows(asked: PlanRequest, made: PaymentPlan, amount: int) -> list[tuple[int, int]]:
    rows, owed, since = [], asked.principal_minor, asked.starts_on
    percent = Fraction(asked.percent) / 100
    for each in made.instalments:
        if asked.basis == "periodic":
            per_year = {"week": 52, "fortnight": 26, "month": 12, "last_day": 12}[asked.every]
            interest = round(owed * percent / per_year)
        else:
            interest = round(owed * percent * year_fraction(since, each.due_on, "ACT/365F"))
        pays = owed + interest if each.number == made.count else amount
        rows.append((pays, interest))
        owed, since = owed + interest - pays, each.due_on
    return rows


def random_plan(rng: random.Random) -> PlanRequest:
    start = date(2023, 1, 1) + timedelta(days=rng.randrange(1_500))
    kind = rng.choice(("annuity", "annuity", "balloon", "equal_principal", "equal_parts"))
    principal = rng.choice((rng.randint(1, 60), rng.randint(1, 10**6), rng.randint(1, 10**15)))
    every = rng.choice(("week", "fortnight", "month", "last_day"))
    return PlanRequest(
        currency=rng.choice(("JPY", "CNY", "KWD")),
        kind=kind,
        principal_minor=principal,
        starts_on=start,
        first_on=start + timedelta(days=rng.randrange(60)),
        every=every,
        count=rng.choice((1, 2, 3, 6, 12, 18)),
        percent="0" if kind == "equal_parts" else rng.choice(("0", "3.65", "12", "15.4", "24")),
        basis=rng.choice(("periodic", "ACT/365F")),
        balloon_minor=principal // 3 if kind == "balloon" else 0,
    )


def made_or_not(asked: PlanRequest) -> PaymentPlan | None:
    try:
        return make_plan(asked)
    except Refused:
        return None


def test_random_plans_agree_with_the_closed_formula() -> None:
    rng = random.Random(812)
    seen: Counter[str] = Counter()
    for _ in range(CASES):
        asked = random_plan(rng)
        made = made_or_not(asked)
        if made is None:
            # Only small debts are: with as many units as instalments, and some to spare.
            assert asked.principal_minor < 60 * asked.count, asked
            seen["refused"] += 1
            continue
        seen[asked.kind] += 1
        check_whole(made)
        if asked.kind in {"annuity", "balloon"}:
            exact = naive_annuity(asked, made)
            amount = made.first_minor if made.count > 1 else round(exact)
            assert amount in {round(exact), int(exact)}, asked
            if amount != round(exact):
                seen["rounded down"] += 1
                assert round(exact) * (made.count - 1) >= asked.principal_minor
            rows = [(each.amount_minor, each.interest_minor) for each in made.instalments]
            assert rows == naive_rows(asked, made, amount), asked
        else:
            assert_equal_principal(made.instalments)
    assert min(seen[each] for each in ("refused", "annuity", "balloon", "equal_parts")) > 0, seen


def assert_equal_principal(rows: tuple[Instalment, ...]) -> None:
    parts = [each.principal_minor for each in rows]
    assert set(parts[:-1]) <= {parts[0]}
    assert 0 <= parts[-1] - parts[0] < len(parts)


@given(
    st.integers(1, 10**15),
    st.lists(st.tuples(st.integers(1, 12), st.integers(1, 10**14)), min_size=1, max_size=4),
    st.sampled_from(["0", "7.3", "24"]),
)
def test_any_step_up_adds_up_or_is_refused(
    principal: int, steps: list[tuple[int, int]], percent: str
) -> None:
    asked = [{"instalments": n, "amount_minor": amount} for n, amount in steps]
    try:
        made = plan(
            kind="step_up", count=0, principal_minor=principal, percent=percent, steps=asked
        )
    except Refused:
        return
    check_whole(made)
    assert made.count == sum(n for n, _ in steps)


@given(st.integers(1, 10**9), st.integers(1, 10**8), st.sampled_from(["0", "12", "36"]))
def test_a_level_amount_is_kept_to_and_the_last_is_no_larger(
    principal: int, amount: int, percent: str
) -> None:
    terms = {"kind": "level_amount", "count": 0, "percent": percent}
    try:
        made = plan(principal_minor=principal, amount_minor=amount, **terms)
    except Refused:
        return
    check_whole(made)
    assert set(amounts(made)[:-1]) <= {amount}
    assert made.last_minor <= amount
