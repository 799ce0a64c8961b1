"""Interest on a timeline: by hand, and day by day another way."""

import os
import random
from collections import Counter
from datetime import date, timedelta
from fractions import Fraction
from itertools import permutations

import msgspec
import pytest
from msgspec.structs import replace

from duecourse.money.amounts import MAX_MINOR, Buckets
from duecourse.money.figures import Heads, Refused
from duecourse.money.interest import work_out_interest
from duecourse.money.interest_terms import (
    Accrual,
    Entry,
    Freeze,
    InterestRequest,
    InterestStatement,
    RateStep,
)
from duecourse.money.legal_orders import within_order
from duecourse.money.series import series

CASES = int(os.environ.get("DUECOURSE_MONEY_CASES", "10000")) * 3 // 100
D = date.fromisoformat
DAY = timedelta(days=1)
HEADS = ("costs", "fees", "penalty", "interest", "principal")


def request(changes: dict[str, object]) -> InterestRequest:
    plain = {
        "currency": "CNY",
        "opening": {"principal": 1_000_000},
        "start": "2026-01-01",
        "end": "2026-02-01",
        "accruals": [{"rates": [{"since": "2026-01-01", "percent": "12"}]}],
    }
    return msgspec.convert(plain | changes, InterestRequest)


def work(**changes: object) -> InterestStatement:
    return work_out_interest(request(changes))


def rate(percent: str, **more: object) -> list[dict[str, object]]:
    return [{"rates": [{"since": "1900-01-01", "percent": percent, **more}]}]


# principal, percent, start, end, day count, rounding, interest
ACCRUED = [
    # 1,000,000 × 12 % × 31/365 = 10,191.78
    (1_000_000, "12", "2026-01-01", "2026-02-01", "ACT/365F", "half_even", 10_192),
    # 1,000,000 × 12 % × 31/360 = 10,333.33
    (1_000_000, "12", "2026-01-01", "2026-02-01", "ACT/360", "half_even", 10_333),
    # 1,000,000 × 12 % × 30/360 = 10,000 exactly
    (1_000_000, "12", "2026-01-01", "2026-02-01", "30E/360", "half_even", 10_000),
    # JPY 1,000,000 × 14.6 % × 100/365 = 40,000 exactly
    (1_000_000, "14.6", "2026-01-01", "2026-04-11", "ACT/365F", "half_up", 40_000),
    # KWD 1,000.000 × 7 % × 90/360 = 17.500
    (1_000_000, "7", "2026-01-01", "2026-04-01", "ACT/360", "half_up", 17_500),
    # A leap year: 366/365 of a year's interest, 366/366, 360/360
    (1_000_000, "10", "2024-01-01", "2025-01-01", "ACT/365F", "half_even", 100_274),
    (1_000_000, "10", "2024-01-01", "2025-01-01", "ACT/ACT", "half_even", 100_000),
    (1_000_000, "10", "2024-01-01", "2025-01-01", "30E/360", "half_even", 100_000),
    # 29 February alone: 1,000,000 × 36.5 % / 365 = 1,000
    (1_000_000, "36.5", "2024-02-29", "2024-03-01", "ACT/365F", "half_even", 1_000),
    # One unit: 0.24 is nothing, 0.72 is one, and a half goes where the rounding sends it.
    (1, "24", "2026-01-01", "2027-01-01", "ACT/365F", "half_even", 0),
    (1, "36", "2025-01-01", "2027-01-01", "ACT/365F", "half_even", 1),
    (1, "50", "2026-01-01", "2027-01-01", "ACT/365F", "half_even", 0),
    (1, "50", "2026-01-01", "2027-01-01", "ACT/365F", "half_up", 1),
    (3, "50", "2026-01-01", "2027-01-01", "ACT/365F", "half_even", 2),
    # The largest debt, to the last unit: 10^15 × 0.00000001 %
    (MAX_MINOR, "0.00000001", "2026-01-01", "2027-01-01", "ACT/365F", "half_even", 100_000),
    (MAX_MINOR, "99", "2026-01-01", "2027-01-01", "ACT/365F", "half_even", 99 * 10**13),
    # No rate, no time
    (1_000_000, "0", "2026-01-01", "2027-01-01", "ACT/365F", "half_even", 0),
    (1_000_000, "12", "2026-01-01", "2026-01-01", "ACT/365F", "half_even", 0),
]


@pytest.mark.parametrize(
    ("principal", "percent", "start", "end", "count", "rounding", "interest"), ACCRUED
)
def test_simple_interest_by_hand(
    principal: int,
    percent: str,
    start: str,
    end: str,
    count: str,
    rounding: str,
    interest: int,
) -> None:
    found = work(
        opening={"principal": principal}, start=start, end=end, day_count=count,
        rounding=rounding, accruals=rate(percent),
    )  # fmt: skip
    assert found.owed == Buckets(interest=interest, principal=principal)


def test_five_ten_thousandths_a_day_is_a_rate_by_the_day() -> None:
    # 5,000.00 × 0.05 % × 30 days = 75.00
    found = work(opening={"principal": 500_000}, end="2026-01-31", accruals=rate("0.05", per="day"))
    assert found.owed.interest == 7_500
    assert (found.per_diem, found.per_diem_minor) == ("250", 250)


@pytest.mark.parametrize(
    ("currency", "total"),
    [("JPY", "1010192 JPY"), ("CNY", "10101.92 CNY"), ("KWD", "1010.192 KWD")],
)
def test_a_total_is_written_with_the_places_of_its_currency(currency: str, total: str) -> None:
    found = work(currency=currency)
    assert (found.total_minor, found.total) == (1_010_192, total)


def test_each_figure_says_how_it_came_to_be() -> None:
    found = work(
        end="2026-03-01",
        accruals=[
            {
                "rates": [
                    {"since": "2026-01-01", "percent": "12"},
                    {"since": "2026-02-01", "percent": "18.25"},
                ]
            }
        ],
    )
    one, two = found.lines
    assert (one.start, one.end, one.days, one.percent) == (
        D("2026-01-01"),
        D("2026-02-01"),
        31,
        "12",
    )
    assert (one.balance_minor, one.fraction, one.amount) == (1_000_000, "31/365", "744000/73")
    # 1,000,000 × 18.25 % × 28/365 = 14,000; with the 10,191.78 before: 24,191.78
    assert (two.percent, two.fraction, two.amount) == ("18.25", "28/365", "14000")
    assert (one.minor, two.minor, found.owed.interest) == (10_192, 14_000, 24_192)


def test_lines_are_posted_so_that_their_sum_is_the_rounded_sum() -> None:
    # A day of 0.4 units, five times over: 2 in all, though each alone is nothing.
    rates = [
        {"since": f"2026-01-0{n}", "percent": "14.6" if n % 2 else "14.60000001"}
        for n in range(1, 6)
    ]
    found = work(opening={"principal": 1_000}, end="2026-01-06", accruals=[{"rates": rates}])
    assert len(found.lines) == 5
    assert sum(line.minor for line in found.lines) == found.owed.interest == 2


def test_a_payment_takes_the_interest_until_its_value_date_and_then_principal() -> None:
    found = work(
        end="2026-03-01",
        entries=[{"on": "2026-02-01", "kind": "payment", "amount_minor": 110_192}],
    )
    (posting,) = found.postings
    assert posting.heads == Buckets(interest=10_192, principal=100_000)
    # The day of the payment bears interest on what is left: 900,000 × 12 % × 28/365 = 8,284.93;
    # with the 10,191.78 before, 18,476.71, of which 10,192 are posted.
    assert found.owed == Buckets(interest=8_285, principal=900_000)


def test_a_payment_learned_of_late_is_worked_out_from_its_value_date() -> None:
    late = {
        "on": "2026-01-11",
        "kind": "payment",
        "amount_minor": 500_000,
        "booked_on": "2026-03-05",
    }
    known = {"end": "2026-04-01", "entries": [late]}
    before = work(**known, known_by="2026-03-04")
    after = work(**known, known_by="2026-03-05")
    in_time = work(**{**known, "entries": [{**late, "booked_on": None}]})
    assert before.owed.principal == 1_000_000
    assert (after.owed, after.lines) == (in_time.owed, in_time.lines)
    assert after.owed.interest < before.owed.interest


def test_a_reversal_leaves_what_would_have_been_without_the_payment() -> None:
    payment = {"on": "2026-01-11", "kind": "payment", "amount_minor": 400_000, "entry_id": "P-1"}
    undone = {"on": "2026-01-20", "kind": "reversal", "reverses": "P-1"}
    found = work(entries=[payment, undone])
    assert (found.owed, found.lines, found.postings) == (work().owed, work().lines, ())
    # On the 15th nobody knew yet that it would be reversed.
    assert work(entries=[payment, undone], known_by="2026-01-15").owed.principal < 1_000_000


def test_charges_penalties_and_waivers_go_to_their_heads() -> None:
    found = work(
        entries=[
            {"on": "2026-01-05", "kind": "charge", "head": "penalty", "amount_minor": 2_500},
            {"on": "2026-01-06", "kind": "charge", "head": "costs", "amount_minor": 9_000},
            {"on": "2026-01-31", "kind": "waiver", "head": "penalty", "amount_minor": 500},
        ]
    )
    assert found.owed == Buckets(costs=9_000, penalty=2_000, interest=10_192, principal=1_000_000)


def test_a_drawdown_bears_interest_from_its_day() -> None:
    found = work(entries=[{"on": "2026-01-22", "kind": "charge", "amount_minor": 1_000_000}])
    # 1,000,000 × 21/365 + 2,000,000 × 10/365, at 12 %: 13,479.45
    assert found.owed == Buckets(interest=13_479, principal=2_000_000)


def test_frozen_interest_stays_receivable_apart_and_is_not_waived() -> None:
    freeze = {"start": "2026-02-01", "end": "2026-03-01", "authority": "SI 2020/1311 reg. 7"}
    span = {"end": "2026-04-01", "accruals": rate("36.5")}
    found, free = work(**span, freezes=[freeze]), work(**span)
    # 1,000 a day: 28 of the 90 days are frozen.
    assert (found.owed.interest, found.frozen.interest) == (62_000, 28_000)
    assert free.owed.interest == 90_000
    assert [line.state for line in found.lines] == ["accrued", "frozen", "accrued"]
    assert found.lines[1].authority == "SI 2020/1311 reg. 7"
    released = work(**span, freezes=[{**freeze, "released_on": "2026-03-15"}])
    assert (released.owed, released.frozen) == (free.owed, Buckets())
    (note,) = released.postings
    assert (note.what, note.heads) == ("release", Buckets(interest=28_000))


def test_a_payment_never_goes_to_frozen_interest() -> None:
    found = work(
        accruals=rate("36.5"),
        freezes=[{"start": "2026-01-01", "authority": "hardship"}],
        entries=[{"on": "2026-01-11", "kind": "payment", "amount_minor": 50_000}],
    )
    assert found.postings[0].heads == Buckets(principal=50_000)
    # Ten days of 1,000 and 21 days of 950.
    assert (found.owed, found.frozen.interest) == (Buckets(principal=950_000), 29_950)


def test_where_the_law_lets_none_arise_it_is_shown_and_cannot_be_released() -> None:
    freeze = {"start": "2026-01-11", "authority": "moratorium", "effect": "not_accrued"}
    found = work(accruals=rate("36.5"), freezes=[freeze])
    assert (found.owed.interest, found.frozen, found.not_accrued.interest) == (
        10_000, Buckets(), 21_000,
    )  # fmt: skip
    with pytest.raises(Refused, match="never accrued"):
        work(freezes=[{**freeze, "end": "2026-01-12", "released_on": "2026-01-13"}])


def test_a_freeze_may_hold_the_penalty_and_let_the_interest_run() -> None:
    found = work(
        accruals=[*rate("36.5"), {"name": "default", "head": "penalty", **rate("3.65")[0]}],
        freezes=[{"start": "2026-01-01", "authority": "hardship", "heads": ["penalty"]}],
    )
    assert (found.owed.interest, found.owed.penalty, found.frozen.penalty) == (31_000, 0, 3_100)


def test_german_default_interest_is_base_rate_plus_five_from_half_year_to_half_year() -> None:
    found = work(
        start="2024-04-01",
        end="2024-10-01",
        profile="de-default",
        currency="EUR",
        accruals=[
            {
                "name": "default",
                "head": "penalty",
                "rates": [{"since": "2024-04-01", "series": "de-base", "plus": "5"}],
            }
        ],
    )
    # 10,000.00 EUR: 8.62 % for 91 days and 8.37 % for 92 days, of 366: 214.32 + 210.39
    assert [(line.percent, line.days) for line in found.lines] == [("8.62", 91), ("8.37", 92)]
    assert found.owed.penalty == 42_472
    assert found.day_count == "ACT/ACT"


def test_a_series_is_not_guessed_beyond_what_was_published() -> None:
    steps = [{"rates": [{"since": "2026-01-01", "series": "de-base", "plus": "5"}]}]
    with pytest.raises(
        Refused, match="known from 2002-01-01 through 2026-12-31, not on 2027-01-01"
    ):
        work(end="2027-01-02", accruals=steps)
    # Nor where the accrual is over before the statement is.
    with pytest.raises(Refused, match="not on 2027-01-01"):
        work(end="2027-03-01", accruals=[{**steps[0], "end": "2027-02-01"}])
    more = {
        "series": "de-base", "since": "2027-01-01", "through": "2027-06-30",
        "percent": "1.77", "source": "Bundesanzeiger",
    }  # fmt: skip
    assert work(end="2027-01-02", accruals=steps, published=[more]).owed.interest


def test_default_interest_begins_when_default_does_and_the_contract_rate_may_end() -> None:
    found = work(
        accruals=[
            {"end": "2026-01-11", **rate("36.5")[0]},
            {"name": "default", "head": "penalty", "start": "2026-01-11", **rate("73")[0]},
        ]
    )
    assert (found.owed.interest, found.owed.penalty) == (10_000, 42_000)


def test_compounding_only_where_the_profile_allows_it() -> None:
    with pytest.raises(Refused, match="does not let interest bear interest"):
        work(compounding="month")
    found = work(
        profile="contract-compound", compounding="month", end="2026-03-01", accruals=rate("36.5")
    )
    # January: 31,000 become principal; February: 1,031 a day.
    assert found.owed == Buckets(interest=28_868, principal=1_031_000)
    assert [posting.what for posting in found.postings] == ["compounding"]
    assert work(end="2026-03-01", accruals=rate("36.5")).owed.interest == 59_000


def test_an_overpayment_is_held_and_makes_nothing_negative() -> None:
    found = work(entries=[{"on": "2026-01-02", "kind": "payment", "amount_minor": 2_000_000}])
    # One day of interest: 328.77, and nothing after it.
    assert (found.owed, found.overpaid_minor) == (Buckets(), 2_000_000 - 1_000_329)
    assert found.lines[-1].end == D("2026-01-02")


def test_a_consumer_loan_pays_off_principal_while_interest_runs() -> None:
    entries = [{"on": "2026-01-11", "kind": "payment", "amount_minor": 500_000}]
    found = work(entries=entries, allocation="de-497", accruals=rate("36.5"))
    assert found.owed == Buckets(interest=10_000 + 10_500, principal=500_000)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"end": "2025-12-31"}, "end"),
        ({"start": "1899-12-31"}, "start"),
        ({"end": "2201-01-01"}, "end"),
        ({"profile": "x"}, "profile"),
        ({"allocation": "x"}, "allocation"),
        ({"accruals": [{"rates": [{"since": "1900-01-01"}]}]}, "accruals[0].rates[0]"),
        ({"accruals": rate("1", series="de-base")}, "accruals[0].rates[0]"),
        ({"accruals": [{"rates": [{"since": "2026-01-02", "percent": "1"}]}]}, "accruals[0].rates"),
        ({"accruals": [{"rates": [*rate("1")[0]["rates"], *rate("1")[0]["rates"]]}]},  # type: ignore[misc]
         "accruals[0].rates"),
        ({"accruals": [{"rates": [{"since": "1900-01-01", "series": "no"}]}]},
         "accruals[0].rates[0].series"),
        ({"entries": [{"on": "2026-02-01", "kind": "payment", "amount_minor": 1}]}, "entries[0].on"),
        ({"entries": [{"on": "2025-12-31", "kind": "payment", "amount_minor": 1}]}, "entries[0].on"),
        ({"entries": [{"on": "2026-01-02", "kind": "payment"}]}, "entries[0].amount_minor"),
        ({"entries": [{"on": "2026-01-02", "kind": "reversal"}]}, "entries[0].reverses"),
        ({"entries": [{"on": "2026-01-02", "kind": "reversal", "reverses": "x"}]},
         "entries[0].reverses"),
        ({"entries": [{"on": "2026-01-02", "kind": "payment", "amount_minor": 1, "entry_id": "a"}] * 2},
         "entries"),
        ({"entries": [{"on": "2026-01-02", "kind": "waiver", "head": "fees", "amount_minor": 1}]},
         "entries"),
        ({"freezes": [{"start": "2026-01-02", "authority": "a", "heads": []}]}, "freezes[0].heads"),
        ({"freezes": [{"start": "2026-01-02", "end": "2026-01-02", "authority": "a"}]},
         "freezes[0].end"),
        ({"freezes": [{"start": "2026-01-02", "end": "2026-01-09", "authority": "a",
                       "released_on": "2026-01-08"}]}, "freezes[0].released_on"),
        ({"opening": {"principal": MAX_MINOR}, "accruals": rate("101"), "end": "2027-01-01"},
         "accruals"),
        ({"opening": {"principal": MAX_MINOR},
          "entries": [{"on": "2026-01-01", "kind": "charge", "amount_minor": 1}]}, "principal"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_by_its_field(
    changes: dict[str, object], field: str
) -> None:
    with pytest.raises(Refused) as refused:
        work(**changes)
    assert refused.value.field == field


def test_the_order_of_a_days_entries_does_not_change_the_total() -> None:
    day = [
        {"on": "2026-01-11", "kind": "payment", "amount_minor": 5_000},
        {"on": "2026-01-11", "kind": "payment", "amount_minor": 70_000},
        {"on": "2026-01-11", "kind": "charge", "head": "costs", "amount_minor": 9_000},
        {"on": "2026-01-11", "kind": "charge", "amount_minor": 11},
    ]
    found = {
        (each.owed.total, each.owed.interest, each.overpaid_minor)
        for each in (work(entries=list(order)) for order in permutations(day))
    }
    assert len(found) == 1


# --- day by day --------------------------------------------------------------------------------


class Diary:
    """One day after the other, with nothing but additions."""

    def __init__(self, asked: InterestRequest) -> None:
        self.asked = asked
        self.owed = Counter({head: getattr(asked.opening, head) for head in HEADS})
        self.exact: dict[tuple[int, bool], Fraction] = {}
        self.booked: dict[tuple[int, bool], int] = {}
        self.over = 0
        today = asked.start
        while today < asked.end:
            self.live(today)
            today += DAY
        self.book()

    @property
    def frozen(self) -> Counter[str]:
        held: Counter[str] = Counter()
        for (number, is_frozen), whole in self.booked.items():
            if is_frozen:
                held[self.asked.accruals[number].head] += whole
        return held

    def live(self, today: date) -> None:
        undone = {each.reverses for each in self.asked.entries if each.kind == "reversal"}
        entries = [
            each
            for each in self.asked.entries
            if each.on == today and each.kind != "reversal" and each.entry_id not in undone
        ]
        if entries:
            self.book()
        for each in entries:
            if each.kind == "charge":
                self.owed[each.head] += each.amount_minor
        for each in entries:
            if each.kind == "payment":
                self.pay(each.amount_minor)
        for number, accrual in enumerate(self.asked.accruals):
            if (accrual.start or today) <= today < (accrual.end or date.max):
                self.accrue(number, today)

    def pay(self, left: int) -> None:
        for head in within_order(self.asked.allocation).order:
            part = min(left, self.owed[head])
            self.owed[head] -= part
            left -= part
        self.over += left

    def accrue(self, number: int, today: date) -> None:
        accrual = self.asked.accruals[number]
        percent = [step.percent for step in accrual.rates if step.since <= today][-1]
        frozen = any(
            accrual.head in each.heads and each.start <= today < (each.end or date.max)
            for each in self.asked.freezes
        )
        share = Fraction(percent) / 100 * one_day(today, str(self.asked.day_count))
        key = (number, frozen)
        self.exact[key] = self.exact.get(key, Fraction(0)) + self.owed["principal"] * share

    def book(self) -> None:
        for key, amount in self.exact.items():
            if not key[1]:
                head = self.asked.accruals[key[0]].head
                self.owed[head] += round(amount) - self.booked.get(key, 0)
            self.booked[key] = round(amount)


def one_day(day: date, count: str) -> Fraction:
    if count == "ACT/ACT":
        leap = day.year % 4 == 0 and (day.year % 100 != 0 or day.year % 400 == 0)
        return Fraction(1, 366 if leap else 365)
    if count == "30E/360":
        after = day + DAY
        months = (after.year - day.year) * 12 + after.month - day.month
        return Fraction(30 * months + min(after.day, 30) - min(day.day, 30), 360)
    return Fraction(1, 365 if count == "ACT/365F" else 360)


def random_request(rng: random.Random) -> InterestRequest:
    start = date(2023, 11, 1) + timedelta(days=rng.randrange(500))
    length = rng.choice((0, 1, 5, 20, 45, 70))
    end = start + timedelta(days=length)

    def day() -> date:
        return start + timedelta(days=rng.randrange(max(length, 1)))

    top = rng.choice((3, 1_000, 10**6, 10**12))
    rates = sorted({start, *(day() for _ in range(rng.randrange(3)))})
    steps = tuple(
        RateStep(since=each, percent=rng.choice(("0", "3.65", "12", "15.4", "24")))
        for each in rates
    )
    accruals = [Accrual(rates=steps, end=rng.choice((None, None, end)))]
    if rng.random() < 0.4:
        since = day()
        step = RateStep(since=start, percent="8.12")
        accruals.append(Accrual(name="default", head="penalty", start=since, rates=(step,)))
    entries: list[Entry] = []
    for number in range(rng.randrange(5) if length else 0):
        kind = rng.choice(("payment", "payment", "charge"))
        head = rng.choice(("costs", "fees", "principal")) if kind == "charge" else "principal"
        entries.append(
            Entry(
                on=day(), kind=kind, head=head, amount_minor=rng.randint(1, top), entry_id=str(number)  # type: ignore[arg-type]
            )
        )  # fmt: skip
    if entries and rng.random() < 0.3:
        entries.append(Entry(on=day(), kind="reversal", reverses=entries[0].entry_id))
    freezes = ()
    if rng.random() < 0.4:
        since = day()
        until = rng.choice((None, since + DAY, since + 9 * DAY))
        freezes = (Freeze(start=since, end=until, authority="hold"),)
    return InterestRequest(
        currency="CNY",
        opening=Heads(interest=rng.randrange(top), principal=rng.randrange(top)),
        start=start,
        end=end,
        day_count=rng.choice(("ACT/365F", "ACT/360", "ACT/ACT", "30E/360")),
        rounding="half_even",
        accruals=tuple(accruals),
        entries=tuple(entries),
        freezes=freezes,
        allocation=rng.choice(("cn-561", "de-497")),
    )


def test_random_timelines_agree_with_day_by_day() -> None:
    rng = random.Random(195)
    seen: Counter[str] = Counter()
    for _ in range(CASES):
        asked = random_request(rng)
        found = work_out_interest(asked)
        diary = Diary(asked)
        owed, frozen, over = diary.owed, diary.frozen, diary.over
        assert found.owed == Buckets(**owed), asked
        assert found.frozen == Buckets(**frozen), asked
        assert found.overpaid_minor == over
        posted = sum(line.minor for line in found.lines)
        assert posted == (found.accrued + found.frozen + found.not_accrued).total
        shuffled = list(asked.entries)
        rng.shuffle(shuffled)
        again = work_out_interest(replace(asked, entries=tuple(shuffled)))
        assert (again.owed, again.frozen, again.overpaid_minor) == (found.owed, found.frozen, over)
        seen.update(
            frozen=bool(frozen.total()), over=bool(over), lines=len(found.lines) > 2, idle=not found.lines
        )  # fmt: skip
    assert all(seen.values()), seen


def test_a_day_more_is_a_day_of_its_own_year_and_at_its_own_rate() -> None:
    def per_diem(end: str, day_count: str) -> str:
        asked = {
            "currency": "EUR", "opening": {"principal": 366 * 365 * 100}, "start": "2023-06-01",
            "end": end, "profile": "simple", "day_count": day_count,
            "accruals": [{"rates": [{"since": "2023-06-01", "percent": "10"},
                                    {"since": "2024-07-01", "percent": "5"}]}],
        }  # fmt: skip
        return work_out_interest(msgspec.convert(asked, InterestRequest)).per_diem

    assert per_diem("2023-12-31", "ACT/ACT") == "3660"
    assert per_diem("2024-01-01", "ACT/ACT") == "3650"
    assert per_diem("2024-01-01", "ACT/365F") == "3660"
    assert per_diem("2024-06-30", "ACT/ACT") == "3650"
    assert per_diem("2024-07-01", "ACT/ACT") == "1825"
    asked = {
        "currency": "EUR", "opening": {"principal": 36_500}, "start": "2025-06-01",
        "end": str(series("de-base").known_through + timedelta(days=1)), "profile": "simple",
        "accruals": [{"rates": [{"since": "2025-06-01", "series": "de-base", "plus": "5"}]}],
    }  # fmt: skip
    # Of the day to come no rate is published yet.
    assert Fraction(work_out_interest(msgspec.convert(asked, InterestRequest)).per_diem) > 0
