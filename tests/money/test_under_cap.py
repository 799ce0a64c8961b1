"""A cap is kept on every day, whoever looks when: by hand, and looked at every day at random."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any, Final

import msgspec
import pytest
from msgspec.structs import replace

from duecourse.money.account import run_account
from duecourse.money.account_terms import (
    Account,
    AccountDebt,
    AccountEntry,
    Change,
    DebtResult,
    Deposit,
)
from duecourse.money.amounts import Buckets
from duecourse.money.cap_terms import CapRequest
from duecourse.money.day_counts import DayCount
from duecourse.money.figures import Heads
from duecourse.money.interest_terms import Accrual, AccruedHead, Freeze, InterestRequest, RateStep

D = date.fromisoformat
DAY = timedelta(days=1)
CAPS: Final[dict[str, dict[str, Any]]] = {
    "24 %": {"currency": "CNY", "jurisdiction": "CN", "licence": "bank"},
    "first principal": {
        "currency": "CNY",
        "jurisdiction": "CN",
        "licence": "none",
        "restructured": True,
        "lent_minor": 9_000,
    },
    "base rate + 5": {
        "currency": "EUR",
        "jurisdiction": "DE",
        "licence": "bank",
        "debtor": "consumer",
    },
    "0.8 % a day": {
        "currency": "GBP",
        "jurisdiction": "GB",
        "licence": "hcstc",
        "lent_minor": 12_345,
    },
}


def steps(head: AccruedHead, *rates: tuple[str, str]) -> Accrual:
    made = tuple(RateStep(since=D(since), percent=percent) for since, percent in rates)
    return Accrual(name=head, head=head, rates=made)


def account(
    cap: str,
    *accruals: Accrual,
    entries: tuple[AccountEntry, ...] = (),
    deposits: tuple[Deposit, ...] = (),
    freezes: tuple[Freeze, ...] = (),
    day_count: DayCount | None = None,
    principal: int = 1_000_000,
    **terms: Any,
) -> Account:
    """One debt, from the day of the first rate on."""
    start, currency = accruals[0].rates[0].since, CAPS[cap]["currency"]
    interest = InterestRequest(
        currency=currency, opening=Heads(), start=start, end=D("2100-01-01"),
        accruals=accruals, freezes=freezes, day_count=day_count, **{"profile": "simple"} | terms,
    )  # fmt: skip
    limit = CapRequest(periods=(), charged=Heads(), contract_on=D("2021-06-01"), **CAPS[cap])
    debt = AccountDebt(
        debt_id="A",
        opening=Buckets(principal=principal),
        due_on=start,
        interest=interest,
        cap=limit,
    )
    return Account(currency=currency, debts=(debt,), deposits=deposits, entries=entries)


def charge(on: str, change: Change, *, name: str = "c", capped: bool = True) -> AccountEntry:
    return AccountEntry(
        entry_id=name, debt_id="A", on=D(on), kind="charge", change=change, capped=capped
    )


def found(account: Account, through: str) -> DebtResult:
    return run_account(account, D(through)).debts["A"]


def test_a_fee_within_a_hold_has_room_beside_what_accrued_before_to_its_last_fraction() -> None:
    """77 at 12 %: 0.38 by the hold. On the 24th the cap allows 1.16: 0.78 is no whole unit."""
    hold = Freeze(start=D("2026-01-16"), end=D("2026-02-01"), authority="hardship")
    fee = charge("2026-01-24", Change(fees=300))
    twelve = steps("interest", ("2026-01-01", "12"))
    debt = account("24 %", twelve, entries=(fee,), freezes=(hold,), principal=77)
    result = run_account(debt, D("2026-02-20"))
    assert result.charged["c"].fees == 0
    # 0.38 and 19 days more: 0.86
    assert result.debts["A"].owed.interest == 1


def test_what_a_fee_outside_the_cap_leaves_no_room_for_is_lost_on_its_days_only() -> None:
    """12 % under 24 %, and 10.00 that are owed whatever the cap says.

    Of the first day 3.2877 are lost; of the second 0.1370, as 2 * 6.5753 are allowed by then. Of
    all others nothing is: 73 days would be 240.00.
    """
    fee = charge("2026-01-01", Change(fees=1_000), capped=False)
    twelve = steps("interest", ("2026-01-01", "12"))
    made = account("24 %", twelve, entries=(fee,))
    assert found(made, "2026-01-02").owed.interest == 0
    assert found(made, "2026-01-03").owed.interest == 315
    assert found(made, "2026-03-15").owed.interest == 23_657


@pytest.mark.parametrize("looks", [(), ("2022-10-01",), ("2023-01-01", "2023-03-01")])
def test_a_cap_that_rises_makes_no_room_for_what_was_above_it_before(
    looks: tuple[str, ...],
) -> None:
    """6 % under base rate + 5.

    4.12 % for 184 days, 207.69, then, where 6.62 % are allowed, 181 days of 6 %, 297.53.
    """
    costs = tuple(charge(day, Change(costs=1), name=day) for day in looks)
    made = account("base rate + 5", steps("penalty", ("2022-07-01", "6")), entries=costs)
    assert found(made, "2023-07-01").owed.penalty == 50_522


def test_a_month_of_thirty_days_is_held_to_the_cap_on_each_of_its_days() -> None:
    """24 % of 360 days under 24 % of 365: 6.6667 a day, 6.5753 allowed.

    On the 30th of March nothing accrues, so that the day leaves room; until then the cap is
    reached. By 1 April 90 days are allowed (591.78), less what the 30th and 31st left (6.4840).
    """
    made = account("24 %", steps("interest", ("2026-01-01", "24")), day_count="30E/360")
    assert found(made, "2026-03-01").owed.interest == 38_794
    assert found(made, "2026-04-01").owed.interest == 58_529


def test_the_penalty_gives_way_first_and_only_on_days_that_lack_room() -> None:
    """24 % and 12 % under 24 %, after 10 days of room that no interest took.

    65.75 of room last until day 20 beside 3.2877 a day of penalty; from then on all of it is lost.
    """
    made = account(
        "24 %",
        steps("interest", ("2026-01-01", "0"), ("2026-01-11", "24")),
        steps("penalty", ("2026-01-01", "0"), ("2026-01-11", "12")),
    )
    assert found(made, "2026-01-31").owed == Buckets(
        principal=1_000_000, interest=13_151, penalty=6_575
    )
    assert found(made, "2026-03-02").owed == Buckets(
        principal=1_000_000, interest=32_877, penalty=6_575
    )


def test_interest_that_is_added_to_the_principal_stays_interest_to_a_cap() -> None:
    """24 % of the principal lent may be had; 24 % of the 2 % a month that are added may not.

    About 200.00 are added each month, and bear 4.00 a month from then on: 66 times that by the end.
    """
    made = account(
        "24 %", steps("interest", ("2026-01-01", "24")), compounding="month", profile="contract-compound"
    )  # fmt: skip
    result = found(made, "2027-01-01")
    assert result.owed.total == 1_240_000
    assert result.capped.interest == 26_398
    # What is paid goes to the interest in the principal first: 10 days of 24 % on 1,000,000.
    paid = Deposit(payment_id="p", on=D("2027-01-01"), amount_minor=240_000, profile="house")
    made = replace(made, deposits=(paid,))
    assert found(made, "2027-01-11").owed == Buckets(principal=1_000_000, interest=6_575)


def test_a_rate_that_is_the_cap_is_not_above_it_on_any_day() -> None:
    """Rounding up would be above it by a part of a unit: that is no interest of somebody's."""
    german = account("base rate + 5", steps("penalty", ("2022-07-01", "4.12")), day_count="ACT/ACT")
    chinese = account("24 %", steps("interest", ("2026-01-01", "24")), principal=77_777)
    for made in (german, chinese):
        debt = made.debts[0]
        assert debt.interest is not None
        for days in range(1, 180):
            result = run_account(made, debt.interest.start + days * DAY).debts["A"]
            assert result.capped == Buckets(), days
            assert result.owed.total - debt.opening.principal > 0


def test_a_charge_of_before_the_terms_is_not_under_the_cap_of_their_days() -> None:
    before = charge("2025-12-20", Change(fees=3_000))
    made = account("24 %", steps("interest", ("2026-01-01", "12")), entries=(before,))
    result = run_account(made, D("2026-12-31"))
    assert result.charged["c"].fees == 3_000
    assert result.debts["A"].owed == Buckets(principal=1_000_000, fees=3_000, interest=119_671)
    # Of a cap on all costs it takes its part: 123.45 in all.
    made = account(
        "0.8 % a day", steps("interest", ("2026-01-01", "300")), entries=(before,), principal=12_345
    )
    assert found(made, "2026-12-31").owed.interest == 12_345 - 3_000


def test_a_day_more_adds_what_the_cap_leaves_of_it() -> None:
    over, under = steps("interest", ("2026-01-01", "36")), steps("interest", ("2026-01-01", "12"))
    assert found(account("24 %", over), "2026-02-01").per_diem == Fraction(240_000, 365)
    assert found(account("24 %", under), "2026-02-01").per_diem == Fraction(120_000, 365)
    # 125 days of 0.8 % are as much as was lent: then nothing is added any more.
    dear = account("0.8 % a day", steps("interest", ("2026-01-01", "300")), principal=12_345)
    assert found(dear, "2026-05-01").per_diem == Fraction(12_345 * 8, 1_000)
    result = found(dear, "2026-06-01")
    assert (result.owed.interest, result.per_diem) == (12_345, 0)


# --- looked at every day -----------------------------------------------------------------------


def drawn(seed: int) -> tuple[Account, date, date]:
    draw = random.Random(seed)
    start = draw.choice([D("2022-05-20"), D("2023-11-20"), D("2024-05-20"), D("2025-12-01")])

    def day(most: int = 400) -> date:
        return start + draw.randint(0, most) * DAY

    def rates() -> Iterator[tuple[str, str]]:
        percents = ["0", "3", "5.5", "6", "7", "12", "24", "36", "100", "300"]
        yield str(start), draw.choice(percents)
        if draw.random() < 0.4:
            yield str(day(300) + DAY), draw.choice(percents)

    freezes: tuple[Freeze, ...] = ()
    if draw.random() < 0.4:
        begins = day(200)
        ends = begins + draw.randint(1, 90) * DAY
        back = draw.choice([None, ends])
        freezes = (Freeze(start=begins, end=ends, released_on=back, authority="hardship"),)
    heads: list[AccruedHead] = ["interest", "penalty"]
    entries = tuple(
        charge(
            str(day()),
            Change().plus(draw.choice(["costs", "fees", "penalty"]), draw.choice([1, 30, 300])),
            name=f"c{number}",
            capped=draw.random() < 0.7,
        )
        for number in range(draw.randint(0, 2))
    )
    deposits = tuple(
        Deposit(payment_id=f"p{n}", on=day(), amount_minor=draw.choice([1, 99, 5_000]), profile="house")
        for n in range(draw.randint(0, 2))
    )  # fmt: skip
    made = account(
        draw.choice(list(CAPS)),
        *(steps(head, *rates()) for head in draw.sample(heads, draw.choice([1, 1, 2]))),
        entries=entries,
        deposits=deposits,
        freezes=freezes,
        day_count=draw.choice([None, "ACT/360", "30E/360", "ACT/ACT"]),
        principal=draw.choice([1, 77, 10_000, 999_999]),
    )
    return made, start, day()


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_it_does_not_matter_on_which_days_anybody_looks(first: int) -> None:
    for seed in range(first, first + 100):
        made, start, through = drawn(seed)
        days = [start + n * DAY for n in range((through - start).days)]
        looks = tuple(charge(str(day), Change(), name=f"look-{day}") for day in days)
        once = run_account(made, through).debts["A"].owed
        looked = run_account(replace(made, entries=(*made.entries, *looks)), through)
        daily = looked.debts["A"].owed
        taken = [msgspec.structs.astuple(each.capped) for each in looked.postings]
        assert all(
            min(b - a for a, b in zip(one, other, strict=True)) >= 0
            for one, other in pairwise(taken)
        ), seed
        interest = made.debts[0].interest
        assert interest is not None
        # Of two heads that share a cap, the one that is rounded up first has the last unit.
        apart = len(interest.accruals) - 1
        gaps = zip(msgspec.structs.astuple(once), msgspec.structs.astuple(daily), strict=True)
        assert max(abs(one - other) for one, other in gaps) <= apart, seed
