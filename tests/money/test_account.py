"""Running accounts: whatever the order, and day by day another way.

DUECOURSE_ACCOUNT_CASES sets how many. Each is checked against `Naive`, which knows nothing of the
calculator: a million of them take about an hour.
"""

import os
import random
from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from typing import Literal

import msgspec
import pytest
from msgspec.structs import replace

from duecourse.money.account import run_account
from duecourse.money.account_terms import (
    Account,
    AccountDebt,
    AccountEntry,
    AccountResult,
    Change,
    Deposit,
)
from duecourse.money.amounts import MAX_MINOR, Buckets
from duecourse.money.cap_terms import CapRequest
from duecourse.money.day_counts import DayCount
from duecourse.money.figures import Heads
from duecourse.money.interest_terms import Accrual, Freeze, InterestRequest, RateStep

CASES = int(os.environ.get("DUECOURSE_ACCOUNT_CASES", "1500"))
D = date.fromisoformat
DAY = timedelta(days=1)
START = D("2026-01-01")
HEADS = ("costs", "fees", "interest", "penalty", "principal")
PLACES = {
    "house": HEADS,
    "cn-561": HEADS,
    "de-497": ("costs", "principal", "fees", "interest", "penalty"),
}


# 24 % a year of fees, penalty and interest together.
CAP = CapRequest(
    currency="CNY", jurisdiction="CN", licence="bank", contract_on=D("2025-06-01"),
    periods=(), charged=Heads(),
)  # fmt: skip


def debt(
    name: str = "A",
    *,
    percent: str | None = "12",
    penalty: str = "",
    falls_on: date | None = None,
    capped: bool = False,
    freezes: tuple[Freeze, ...] = (),
    due_on: date = START,
    day_count: DayCount | None = None,
    **opening: int,
) -> AccountDebt:
    """From `falls_on` on there is no interest; the penalty runs on."""
    steps = [("contract", "interest", percent), ("default", "penalty", penalty)]
    falls = () if falls_on is None else (RateStep(since=falls_on, percent="0"),)
    interest = InterestRequest(
        currency="CNY",
        opening=Heads(),
        start=START,
        end=D("2100-01-01"),
        profile="simple",
        accruals=tuple(
            Accrual(
                name=kind,
                head=head,  # type: ignore[arg-type]
                rates=(
                    RateStep(since=START, percent=rate),
                    *(falls if head == "interest" else ()),
                ),
            )
            for kind, head, rate in steps
            if rate
        ),
        day_count=day_count,
        freezes=freezes,
    )
    return AccountDebt(
        debt_id=name,
        opening=Buckets(**opening),
        due_on=due_on,
        interest=None if percent is None else interest,
        cap=CAP if capped else None,
    )


def deposit(name: str, on: date, amount: int, **more: object) -> Deposit:
    plain = {"payment_id": name, "on": on, "amount_minor": amount, "profile": "cn-561"} | more
    return msgspec.convert(plain, Deposit)


def charge(
    name: str,
    on: date,
    amount: int,
    head: str = "costs",
    debt_id: str = "A",
    *,
    capped: bool = True,
) -> AccountEntry:
    return AccountEntry(
        entry_id=name,
        debt_id=debt_id,
        on=on,
        kind="charge",
        change=Change().plus(head, amount),  # type: ignore[arg-type]
        capped=capped,
    )


# --- another way: one day after the other ------------------------------------------------------


class Naive:
    """The same law, told as slowly as can be: every day is lived through."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.debts = {each.debt_id: each for each in account.debts}
        self.owed = {key: msgspec.structs.asdict(each.opening) for key, each in self.debts.items()}
        self.kept, self.lost, self.run, self.held, self.back = (
            {key: {"interest": Fraction(0), "penalty": Fraction(0)} for key in self.debts}
            for _ in range(5)
        )
        self.added = {key: {"interest": 0, "penalty": 0, "fees": 0} for key in self.debts}
        self.allowed = {key: Fraction(0) for key in self.debts}
        self.left = {each.payment_id: each.amount_minor for each in account.deposits}
        self.paid: dict[str, dict[str, int]] = {}
        self.came: list[Deposit] = []

    def live(self, through: date) -> None:
        days = [each.on for each in (*self.account.deposits, *self.account.entries)]
        day = min([START, *days])
        turning = {through, *days, *turning_days(self.account)}
        while True:
            self.morning(day, turning, through)
            if day >= through and day >= max([through, *days]):
                return
            if day < through:
                self.evening(day)
            day += DAY

    def evening(self, day: date) -> None:
        for key, each in self.debts.items():
            if each.interest is None or day < START:
                continue
            principal = self.owed[key]["principal"]
            self.allowed[key] += Fraction(principal * 24, 36500)
            more = {"interest": Fraction(0), "penalty": Fraction(0)}
            for accrual in each.interest.accruals:
                percent = [step.percent for step in accrual.rates if step.since <= day][-1]
                year = part_of_a_year(day, each.interest.day_count or "ACT/365F")
                more[accrual.head] += principal * Fraction(percent) / 100 * year
            frozen = any(
                f.start <= day and (f.end is None or day < f.end) for f in each.interest.freezes
            )
            for head, amount in more.items():
                (self.held if frozen else self.run)[key][head] += amount
            if not frozen:
                self.gain(key, more)

    def gain(self, key: str, more: dict[str, Fraction]) -> None:
        """What is above the cap of the day is lost, of the penalty first."""
        above = Fraction(0)
        if self.debts[key].cap is not None:
            counted = self.added[key]["fees"] + sum(self.kept[key].values(), Fraction(0))
            above = counted + sum(more.values()) - self.allowed[key]
        for head in ("penalty", "interest"):
            less = min(max(above, Fraction(0)), more[head])
            self.kept[key][head] += more[head] - less
            self.lost[key][head] += less
            above -= less

    def release(self, key: str) -> None:
        self.back[key], self.held[key] = self.held[key], dict.fromkeys(self.held[key], Fraction(0))
        self.gain(key, self.back[key])

    def room(self, key: str) -> int:
        if self.debts[key].cap is None:
            return MAX_MINOR
        return int(self.allowed[key] // 1) - sum(self.added[key].values())

    def room_for_a_fee(self, key: str) -> int:
        """Beside what has accrued by then, booked or not."""
        if self.debts[key].cap is None:
            return MAX_MINOR
        added = self.added[key]
        beside = sum(max(x, Fraction(added[head])) for head, x in self.kept[key].items())
        return max(0, int((self.allowed[key] - added["fees"] - beside) // 1))

    def payable(self, key: str, head: str) -> int:
        """What ran and what a hold held back are rounded for themselves."""
        both = round(self.run[key][head]) + round(self.back[key][head])
        return min(both, int(self.kept[key][head] // 1)) if self.lost[key][head] else both

    def morning(self, day: date, turning: set[date], through: date) -> None:
        for key, each in self.debts.items():
            freezes = () if each.interest is None else each.interest.freezes
            if day <= through and any(freeze.released_on == day for freeze in freezes):
                self.release(key)
            # Where two heads share a cap, the one that was rounded up first has the last unit.
            if day in turning or not shares_a_cap(each):
                self.book(key)
        for entry in self.account.entries:
            if entry.on == day:
                self.charged(entry)
        today = [each for each in self.account.deposits if each.on == day]
        for paying in sorted(today, key=lambda x: (x.designated == "", x.payment_id)):
            self.came.append(paying)
            self.pay(paying)
        for paying in self.came:
            self.pay(paying)

    def book(self, key: str) -> None:
        for head in ("interest", "penalty"):
            more = min(self.payable(key, head) - self.added[key][head], self.room(key))
            if more > 0:
                self.added[key][head] += more
                self.owed[key][head] += more

    def charged(self, entry: AccountEntry) -> None:
        key = entry.debt_id
        for head in HEADS:
            amount = getattr(entry.change, head)
            if head == "fees":
                amount = min(amount, self.room_for_a_fee(key)) if entry.capped else amount
                self.added[key]["fees"] += amount
            self.owed[key][head] += amount

    def pay(self, paying: Deposit) -> None:
        order = sorted(self.account.debts, key=lambda x: (x.debt_id != paying.designated, x.due_on))
        for each in order:
            for head in PLACES[paying.profile]:
                part = min(self.left[paying.payment_id], self.owed[each.debt_id][head])
                self.left[paying.payment_id] -= part
                self.owed[each.debt_id][head] -= part
                heads = self.paid.setdefault(paying.payment_id, {})
                heads[each.debt_id] = heads.get(each.debt_id, 0) + part


def part_of_a_year(day: date, day_count: DayCount) -> Fraction:
    if day_count == "30E/360":
        after = day + DAY
        months = 12 * (after.year - day.year) + after.month - day.month
        return Fraction(30 * months + min(after.day, 30) - min(day.day, 30), 360)
    return Fraction(1, 360 if day_count == "ACT/360" else 365)


def shares_a_cap(each: AccountDebt) -> bool:
    return each.cap is not None and each.interest is not None and len(each.interest.accruals) > 1


def turning_days(account: Account) -> Iterator[date]:
    for interest in (each.interest for each in account.debts if each.interest is not None):
        for freeze in interest.freezes:
            yield from (day for day in (freeze.start, freeze.end, freeze.released_on) if day)
        yield from (step.since for accrual in interest.accruals for step in accrual.rates)


def accounts(seed: int) -> tuple[Account, date]:
    draw = random.Random(seed)
    debts = []
    for number in range(draw.randint(1, 3)):
        capped = draw.random() < 0.4
        frozen: tuple[Freeze, ...] = ()
        if draw.random() < 0.3:
            begins = START + draw.randint(0, 40) * DAY
            ends = draw.choice([None, begins + draw.randint(1, 20) * DAY])
            back = draw.choice([None, ends])
            frozen = (Freeze(start=begins, end=ends, released_on=back, authority="hardship"),)
        debts.append(
            debt(
                "ABC"[number],
                percent=draw.choice([None, "0", "12", "24.5", "36", "100"]),
                penalty=draw.choice(["", "6", "18.25"]),
                falls_on=draw.choice([None, None, START + draw.randint(1, 50) * DAY]),
                day_count=draw.choice([None, None, "ACT/360", "30E/360"]),
                capped=capped,
                freezes=frozen,
                due_on=START - (10 * number + draw.randint(1, 9)) * DAY,
                principal=draw.choice([0, 1, 77, 10_000, 999_999, 10**15 // 4]),
                interest=draw.choice([0, 0, 250]),
                costs=draw.choice([0, 120]),
            )
        )
    names = [each.debt_id for each in debts]
    profile = draw.choice(["house", "cn-561"])
    deposits = tuple(
        deposit(
            f"p{number}",
            START + draw.randint(-5, 60) * DAY,
            draw.choice([1, 99, 5_000, 400_000, 10**14]),
            profile=profile,
            designated=draw.choice(["", "", *names]),
        )
        for number in range(draw.randint(0, 5))
    )
    entries = tuple(
        charge(
            f"c{number}",
            START + draw.randint(0, 60) * DAY,
            draw.choice([1, 300, 5_000]),
            draw.choice(["costs", "fees", "fees", "principal"]),
            draw.choice(names),
            capped=draw.random() < 0.8,
        )
        for number in range(draw.randint(0, 2))
    )
    account = Account(currency="CNY", debts=tuple(debts), deposits=deposits, entries=entries)
    return account, START + draw.randint(0, 60) * DAY


def below_zero(result: AccountResult) -> Iterator[object]:
    for posting in result.postings:
        if min(msgspec.structs.astuple(posting.owed)) < 0:
            yield posting


@pytest.mark.parametrize("first", range(0, CASES, 500))
def test_an_account_is_what_living_through_its_days_comes_to(first: int) -> None:
    for seed in range(first, min(first + 500, CASES)):
        account, through = accounts(seed)
        result, naive = run_account(account, through), Naive(account)
        naive.live(through)
        for name, found in result.debts.items():
            assert msgspec.structs.asdict(found.owed) == naive.owed[name], (seed, name)
        for name, left in naive.left.items():
            taken = result.deposits[name]
            assert taken.unallocated_minor == left, (seed, name)
            parts = {key: part.total for key, part in taken.parts.items()}
            assert parts == {key: x for key, x in naive.paid.get(name, {}).items() if x}, seed
        assert not list(below_zero(result)), seed
        for name, debt_ in ((each.debt_id, each) for each in account.debts):
            if debt_.cap is not None:
                fees = [e for e in account.entries if e.debt_id == name]
                charged = result.debts[name].accrued.total + sum(
                    result.charged[e.entry_id].fees for e in fees
                )
                beside = sum(e.change.fees for e in fees if not e.capped)
                assert charged <= naive.allowed[name] + beside, (seed, name)
        for paying in account.deposits:
            taken = result.deposits[paying.payment_id]
            spent = sum(part.total for part in taken.parts.values())
            assert spent + taken.unallocated_minor == paying.amount_minor


@pytest.mark.parametrize("first", range(0, CASES, 500))
def test_no_order_of_entries_and_no_day_looked_at_in_between_changes_it(first: int) -> None:
    for seed in range(first, min(first + 500, CASES), 5):
        account, through = accounts(seed)
        mixed = replace(
            account,
            deposits=tuple(random.Random(seed).sample(account.deposits, len(account.deposits))),
            entries=account.entries[::-1],
        )
        one, other = run_account(account, through), run_account(mixed, through)
        assert {k: x.owed for k, x in one.debts.items()} == {
            k: x.owed for k, x in other.debts.items()
        }
        assert {k: x.parts for k, x in one.deposits.items()} == {
            k: x.parts for k, x in other.deposits.items()
        }


# --- by hand -----------------------------------------------------------------------------------


def owed(account: Account, through: str) -> Buckets:
    return run_account(account, D(through)).debts["A"].owed


def plain(*deposits: Deposit, entries: tuple[AccountEntry, ...] = (), **terms: object) -> Account:
    made = debt(**({"principal": 1_000_000} | terms))  # type: ignore[arg-type]
    return Account(currency="CNY", debts=(made,), deposits=deposits, entries=entries)


def test_interest_runs_on_what_is_left_of_the_principal() -> None:
    """1,000,000 at 12 %: 31 days are 10,191.78; what is paid beyond goes to the principal."""
    account = plain(deposit("p", D("2026-02-01"), 200_000))
    # 810,192 left of the principal bear 28 days: 7,458.21
    assert owed(account, "2026-02-01") == Buckets(principal=810_192)
    assert owed(account, "2026-03-01") == Buckets(principal=810_192, interest=7_458)


def test_the_day_of_a_payment_bears_interest_on_what_is_left_after_it() -> None:
    account = plain(deposit("p", START, 1_000_000))
    assert owed(account, "2027-01-01") == Buckets()


def test_frozen_interest_is_kept_apart_and_joins_only_when_it_is_released() -> None:
    freeze = Freeze(start=D("2026-01-11"), end=D("2026-01-21"), authority="hardship")
    result = run_account(plain(freezes=(freeze,)), D("2026-02-01")).debts["A"]
    # 21 days are owed (6,904.11), 10 are frozen (3,287.67)
    assert (result.owed.interest, result.frozen.interest) == (6_904, 3_288)
    released = replace(freeze, released_on=D("2026-01-21"))
    result = run_account(plain(freezes=(released,)), D("2026-02-01")).debts["A"]
    # Each is rounded for itself: 6,904 + 3,288
    assert (result.owed.interest, result.frozen.interest) == (10_192, 0)
    never = replace(freeze, effect="not_accrued")
    result = run_account(plain(freezes=(never,)), D("2026-02-01")).debts["A"]
    assert (result.owed.interest, result.not_accrued.interest) == (6_904, 3_288)


def test_what_is_above_the_cap_is_never_owed() -> None:
    """36 % under a cap of 24 %: of 365 days 240,000 are owed, 120,000 are not."""
    result = run_account(plain(percent="36", capped=True), D("2027-01-01")).debts["A"]
    assert (result.owed.interest, result.capped.interest) == (240_000, 120_000)
    assert result.cap == "cn-financial"


@pytest.mark.parametrize("effect", ["frozen", "not_accrued"])
@pytest.mark.parametrize("until", ["2026-01-31", "2026-02-01", "2026-03-01", "2027-01-01"])
def test_what_was_above_the_cap_does_not_come_back_while_interest_is_stopped(
    effect: Literal["frozen", "not_accrued"], until: str
) -> None:
    """30 days of 36 % under 24 %: 19,726 of 29,589, and no more however long the hold lasts."""
    hold = Freeze(start=D("2026-01-31"), authority="hardship", effect=effect)
    result = run_account(plain(percent="36", capped=True, freezes=(hold,)), D(until)).debts["A"]
    assert (result.owed.interest, result.capped.interest) == (19_726, 9_863)
    assert result.per_diem == 0


def test_what_was_above_the_cap_does_not_come_back_when_the_rate_falls() -> None:
    """Room that later days leave is for what accrues later: none at 0 %."""
    account = plain(percent="36", capped=True)
    interest = account.debts[0].interest
    assert interest is not None
    steps = (*interest.accruals[0].rates, RateStep(since=D("2026-01-31"), percent="0"))
    falling = replace(interest, accruals=(replace(interest.accruals[0], rates=steps),))
    account = replace(account, debts=(replace(account.debts[0], interest=falling),))
    result = run_account(account, D("2027-01-01")).debts["A"]
    assert (result.owed.interest, result.capped.interest) == (19_726, 9_863)


def test_what_a_hold_held_back_is_given_back_within_the_cap_of_its_days() -> None:
    """30 days, then 60 of a deferred hold, all at 36 % under 24 %: 90 days of 24 %."""
    hold = Freeze(
        start=D("2026-01-31"), end=D("2026-04-01"), released_on=D("2026-04-01"), authority="asked"
    )
    result = run_account(plain(percent="36", capped=True, freezes=(hold,)), D("2026-04-01"))
    assert result.debts["A"].owed.interest == 59_178


def test_a_fee_is_owed_as_far_as_the_cap_has_room_on_its_day() -> None:
    """12 % under 24 %: after 73 days the cap allows 48,000, and the interest is 24,000."""
    fee = charge("fee", D("2026-03-15"), 30_000, "fees")
    result = run_account(plain(entries=(fee,), capped=True), D("2026-03-15"))
    assert result.charged["fee"].fees == 24_000
    assert result.debts["A"].capped == Buckets(fees=6_000)
    # The costs of enforcement are not under it.
    cost = charge("cost", D("2026-03-15"), 30_000, "costs")
    assert owed(plain(entries=(cost,), capped=True), "2026-03-15").costs == 30_000


def test_what_was_never_owed_is_given_back_to_who_paid_it() -> None:
    """Paid off on the 1st, and found on the 10th to have been 200,000 less."""
    less = AccountEntry(
        entry_id="x", debt_id="A", on=D("2026-01-10"), kind="adjustment", change=Change(principal=-200_000)
    )  # fmt: skip
    result = run_account(plain(deposit("p", START, 1_000_000), entries=(less,)), D("2026-02-01"))
    assert result.debts["A"].owed == Buckets()
    assert result.deposits["p"].unallocated_minor == 200_000


def test_a_disputed_debt_is_paid_only_once_the_dispute_is_over() -> None:
    shut = deposit("p", D("2026-01-11"), 100, opens={"A": None})
    assert run_account(plain(shut), D("2026-02-01")).deposits["p"].unallocated_minor == 100
    later = deposit("p", D("2026-01-11"), 100, opens={"A": D("2026-01-21")})
    result = run_account(plain(later), D("2026-02-01"))
    assert result.deposits["p"].parts == {"A": Buckets(interest=100)}
    assert [each.on for each in result.postings if each.what == "payment"] == [D("2026-01-21")]


# currency, principal, percent, days, interest
VECTORS = [
    ("JPY", 1_000_000, "14.6", 100, 40_000),
    ("KWD", 1_000_000, "7.3", 50, 10_000),
    ("CNY", 1, "100", 182, 0),
    ("CNY", 1, "100", 183, 1),
    ("CNY", 10**15 // 4, "24", 365, 24 * 10**13 // 4),
    ("CNY", 5_000_00, "0", 365, 0),
    ("EUR", 365_000_00, "1", 1, 10_00),
    ("EUR", 365_000_00, "1", 59, 590_00),
]


@pytest.mark.parametrize(("currency", "principal", "percent", "days", "interest"), VECTORS)
def test_interest_by_hand(
    currency: str, principal: int, percent: str, days: int, interest: int
) -> None:
    account = plain(principal=principal, percent=percent)
    made = replace(account, currency=currency)
    assert owed(made, str(START + days * DAY)).interest == interest


def test_interest_beyond_the_largest_amount_is_not_posted() -> None:
    account = plain(principal=MAX_MINOR, percent="1000")
    assert owed(account, "2030-01-01").total == MAX_MINOR
