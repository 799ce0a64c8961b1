"""Instalments: their parts and their days."""

from calendar import monthrange
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duecourse.money.amounts import MAX_MINOR
from duecourse.money.recurrence import due_days
from duecourse.money.schedules import split


def test_the_last_part_takes_the_residue() -> None:
    assert split(100, 3) == [33, 33, 34]
    assert split(7, 7) == [1] * 7
    assert split(5, 1) == [5]


@pytest.mark.parametrize(("total", "count"), [(0, 1), (5, 0), (5, -1), (5, 6), (MAX_MINOR + 1, 2)])
def test_no_part_is_nothing(total: int, count: int) -> None:
    with pytest.raises(ValueError, match="cannot be paid in"):
        split(total, count)


@given(st.integers(1, MAX_MINOR), st.integers(1, 360))
def test_parts_add_up_and_differ_only_in_the_last(total: int, count: int) -> None:
    count = min(count, total)
    parts = split(total, count)
    assert sum(parts) == total
    assert len(parts) == count
    assert len(set(parts[:-1])) <= 1
    assert parts[-1] >= parts[0] >= 1
    assert parts[-1] - parts[0] < count


def test_the_last_of_january_comes_back_to_the_31st_in_march() -> None:
    assert due_days(date(2026, 1, 31), 4, "month") == [
        date(2026, 1, 31),
        date(2026, 2, 28),
        date(2026, 3, 31),
        date(2026, 4, 30),
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (date(2028, 1, 31), date(2028, 2, 29)),
        (date(2028, 1, 29), date(2028, 2, 29)),
        (date(2027, 1, 29), date(2027, 2, 28)),
        (date(2100, 1, 31), date(2100, 2, 28)),  # no leap year
        (date(2026, 12, 31), date(2027, 1, 31)),
        (date(2028, 2, 29), date(2028, 3, 29)),
    ],
)
def test_a_month_without_the_day_takes_its_last(first: date, second: date) -> None:
    assert due_days(first, 2, "month") == [first, second]


@given(st.dates(date(1970, 1, 1), date(2199, 12, 31)), st.integers(1, 360))
def test_months_follow_each_other_without_a_gap(first: date, count: int) -> None:
    days = due_days(first, count, "month")
    assert len(days) == count
    for before, after in pairwise(days):
        next_month = before.replace(day=1) + timedelta(days=32)
        assert (after.year, after.month) == (next_month.year, next_month.month)
        assert after.day == min(first.day, monthrange(after.year, after.month)[1])
