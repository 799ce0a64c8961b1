"""Day counts: which part of a year lies between two dates. The first day counts, the last not."""

from calendar import isleap, monthrange
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from fractions import Fraction
from typing import Final, Literal

DayCount = Literal["ACT/365F", "ACT/360", "ACT/ACT", "30E/360"]


def year_fraction(start: date, end: date, day_count: DayCount) -> Fraction:
    """Exact. Adjoining periods add up, so that a period may be cut anywhere without a difference."""
    return _POSITIONS[day_count](end) - _POSITIONS[day_count](start)


def uneven_days(start: date, end: date, day_count: DayCount) -> Iterator[date]:
    """Every day between the two that is another part of a year than the day before; maybe more."""
    if day_count in {"ACT/365F", "ACT/360"}:
        return
    for year in range(start.year, end.year + 1):
        days = [date(year, 1, 1)] if day_count == "ACT/ACT" else _about_months_ends(year)
        yield from (day for day in days if start < day < end)


def _about_months_ends(year: int) -> Iterator[date]:
    """On a 30th nothing runs where a 31st follows; the last of February is two or three days."""
    for month in range(1, 13):
        last = monthrange(year, month)[1]
        yield from (date(year, month, day) for day in (1, last - 1, last))


def _act_365(day: date) -> Fraction:
    return Fraction(day.toordinal(), 365)


def _act_360(day: date) -> Fraction:
    return Fraction(day.toordinal(), 360)


def _act_act(day: date) -> Fraction:
    """ISDA: days in a leap year are 366ths, the others 365ths."""
    length = 366 if isleap(day.year) else 365
    return day.year + Fraction(day.timetuple().tm_yday - 1, length)


def _thirty_e(day: date) -> Fraction:
    """Eurobond basis: the 31st is the 30th; the last of February stays what it is."""
    return Fraction(day.year * 360 + day.month * 30 + min(day.day, 30), 360)


_POSITIONS: Final[Mapping[DayCount, Callable[[date], Fraction]]] = {
    "ACT/365F": _act_365,
    "ACT/360": _act_360,
    "ACT/ACT": _act_act,
    "30E/360": _thirty_e,
}
