"""Day counts and rounding: published examples, and what must hold for any dates."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duecourse.money.day_counts import DayCount, uneven_days, year_fraction
from duecourse.money.figures import Refused, decimal_text, posted, share_of, signed_share_of

F = Fraction
# ISDA, "EMU and market conventions: recent developments" (1998), its worked periods.
ACT_ACT = [
    ("2003-11-01", "2004-05-01", F(61, 365) + F(121, 366)),
    ("1999-02-01", "1999-07-01", F(150, 365)),
    ("1999-07-01", "2000-07-01", F(184, 365) + F(182, 366)),
    ("2002-08-15", "2003-07-15", F(334, 365)),
    ("2003-07-15", "2004-01-15", F(170, 365) + F(14, 366)),
    ("1999-07-30", "2000-01-30", F(155, 365) + F(29, 366)),
    ("2000-01-30", "2000-06-30", F(152, 366)),
    ("1999-11-30", "2000-04-30", F(32, 365) + F(120, 366)),
]
# 30E/360 (ISDA 2006 section 4.16(g)): well-known cases around months' ends and February.
THIRTY_E = [
    ("2007-01-15", "2007-01-30", 15),
    ("2007-01-15", "2007-02-15", 30),
    ("2007-01-15", "2007-07-15", 180),
    ("2007-09-30", "2008-03-31", 180),
    ("2007-09-30", "2007-10-31", 30),
    ("2007-09-30", "2008-09-30", 360),
    ("2007-01-15", "2007-01-31", 15),
    ("2007-01-31", "2007-02-28", 28),
    ("2007-02-28", "2007-03-31", 32),
    ("2006-08-31", "2007-02-28", 178),
    ("2007-02-28", "2007-08-31", 182),
    ("2007-02-14", "2007-02-28", 14),
    ("2007-02-26", "2008-02-29", 363),
    ("2008-02-29", "2009-02-28", 359),
    ("2008-02-29", "2008-03-30", 31),
    ("2008-02-29", "2008-03-31", 31),
]
ACTUAL = [
    ("ACT/365F", "2024-01-01", "2025-01-01", F(366, 365)),
    ("ACT/365F", "2026-01-01", "2027-01-01", F(1)),
    ("ACT/365F", "2024-02-28", "2024-03-01", F(2, 365)),
    ("ACT/360", "2026-01-01", "2026-01-31", F(1, 12)),
    ("ACT/360", "2024-01-01", "2025-01-01", F(366, 360)),
    ("ACT/ACT", "2024-01-01", "2025-01-01", F(1)),
    ("ACT/ACT", "2000-01-01", "2400-01-01", F(400)),
    # Nights in which clocks are put on and back are days like others.
    ("ACT/365F", "2026-03-29", "2026-03-30", F(1, 365)),
    ("ACT/365F", "2026-10-25", "2026-10-26", F(1, 365)),
]
PERIODS = [
    *(("ACT/ACT", *each) for each in ACT_ACT),
    *(("30E/360", start, end, F(days, 360)) for start, end, days in THIRTY_E),
    *ACTUAL,
]
ROUNDED = [
    (F(1, 2), 0, 1),
    (F(3, 2), 2, 2),
    (F(5, 2), 2, 3),
    (F(7, 2), 4, 4),
    (F(24999, 10000), 2, 2),
    (F(25001, 10000), 3, 3),
    (F(1, 3), 0, 0),
    (F(2, 3), 1, 1),
    (F(0), 0, 0),
    (F(10**15), 10**15, 10**15),
    (F(2 * 10**15 + 1, 2), 10**15, 10**15 + 1),
]


@pytest.mark.parametrize(("day_count", "start", "end", "fraction"), PERIODS)
def test_a_period_is_the_part_of_a_year_that_is_published(
    day_count: DayCount, start: str, end: str, fraction: Fraction
) -> None:
    days = date.fromisoformat(start), date.fromisoformat(end)
    assert year_fraction(*days, day_count) == fraction


days = st.dates(date(1900, 1, 1), date(2200, 12, 31))
COUNTS: list[DayCount] = ["ACT/365F", "ACT/360", "ACT/ACT", "30E/360"]


@given(days, days, days, st.sampled_from(COUNTS))
def test_a_period_may_be_cut_anywhere(a: date, b: date, c: date, count: DayCount) -> None:
    first, middle, last = sorted((a, b, c))
    parts = year_fraction(first, middle, count) + year_fraction(middle, last, count)
    assert parts == year_fraction(first, last, count)
    assert year_fraction(first, first, count) == 0
    assert year_fraction(first, last, count) >= 0


@given(days, st.integers(0, 800))
def test_actual_days_are_those_counted_one_by_one(start: date, length: int) -> None:
    end = start + timedelta(days=length)
    leap = [
        day.year % 4 == 0 and (day.year % 100 != 0 or day.year % 400 == 0)
        for day in (start + timedelta(days=n) for n in range(length))
    ]
    assert year_fraction(start, end, "ACT/ACT") == F(sum(leap), 366) + F(leap.count(False), 365)
    assert year_fraction(start, end, "ACT/360") == F(length, 360)


@pytest.mark.parametrize(("amount", "even", "up"), ROUNDED)
def test_halves_go_to_even_or_up_as_the_profile_has_it(
    amount: Fraction, even: int, up: int
) -> None:
    assert posted(amount, "half_even") == even
    assert posted(amount, "half_up") == up


@given(st.fractions(0, 10**6))
def test_rounding_is_that_of_python_and_never_further_than_a_half(amount: Fraction) -> None:
    assert posted(amount, "half_even") == round(amount)
    assert abs(posted(amount, "half_up") - amount) <= F(1, 2)


@pytest.mark.parametrize(
    "text", ["", "1e3", "NaN", "+5", "-5", "5.", ".5", "1,5", "１２", "01", "99999", "5\n", "5 "]
)
def test_a_percentage_is_a_plain_decimal(text: str) -> None:
    with pytest.raises(Refused, match="is not a percentage"):
        share_of(text)


def test_percentages_are_exact_and_written_back() -> None:
    assert share_of("12.5") == F(1, 8)
    assert signed_share_of("-0.88") == F(-88, 10_000)
    assert [decimal_text(F(each)) for each in ("12.50", "0", "-0.88", "1/3", "7")] == [
        "12.5", "0", "-0.88", "1/3", "7",
    ]  # fmt: skip


@pytest.mark.parametrize("day_count", ["ACT/365F", "ACT/360", "ACT/ACT", "30E/360"])
def test_between_uneven_days_every_day_is_the_same_part_of_a_year(day_count: DayCount) -> None:
    start, end = date(2023, 1, 20), date(2025, 3, 20)
    days = [start + timedelta(days=n) for n in range((end - start).days)]
    parts = [year_fraction(day, day + timedelta(days=1), day_count) for day in days]
    turns = {days[n] for n in range(1, len(days)) if parts[n] != parts[n - 1]}
    assert turns <= set(uneven_days(start, end, day_count))
    assert len(turns) == {"ACT/ACT": 2, "30E/360": 36}.get(day_count, 0)
