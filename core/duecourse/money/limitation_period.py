"""The arithmetic of a limitation period: its last day, given what stopped it on the way."""

from collections.abc import Sequence
from datetime import date, timedelta

import msgspec

from duecourse.money.limitation_laws import ActRule, Law
from duecourse.money.recurrence import months_after

DAY = timedelta(days=1)


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """A period that began on `start` (itself not counted). No `last_day`: it waits for an end."""

    start: date
    last_day: date | None
    is_first: bool = False
    is_judgment: bool = False


class Interval(msgspec.Struct, frozen=True):
    """Days, both included, on which an act kept the period from running; open without an end."""

    start: date
    end: date | None
    rule: ActRule

    def covers(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day <= self.end)


def years_after(day: date, years: int) -> date:
    """The same day of a later year; 29 February becomes the 28th."""
    return months_after(day, 12 * years)


def first_period(law: Law, starts_on: date, known_on: date) -> Period:
    begins = date(known_on.year, 12, 31) if law.starts == "year_end" else known_on
    last_day = years_after(begins, law.years)
    if law.long_stop:
        last_day = min(last_day, years_after(starts_on, law.long_stop_years))
    return Period(start=begins, last_day=last_day, is_first=True)


def last_day_of(
    period: Period, intervals: Sequence[Interval], law: Law, starts_on: date
) -> date | None:
    """None while it is open, as what keeps it from running has no end yet."""
    if period.last_day is None or period.is_judgment:
        return period.last_day
    end = _stretched(period.start, period.last_day, intervals)
    if end is not None and law.long_stop == "always":
        return min(end, years_after(starts_on, law.long_stop_years))
    return end


def _stretched(start: date, last_day: date, intervals: Sequence[Interval]) -> date | None:
    """Interval by interval, as each counts only if the period was still alive when it began."""
    counted = start
    for each in sorted(intervals, key=lambda interval: interval.start):
        if each.start > last_day:
            break
        if each.rule.effect == "pending":
            continue
        if each.end is None:
            return None
        until = months_after(each.end, each.rule.tail_months)
        if until <= start:
            continue
        match each.rule.effect:
            case "suspend":
                # Days that two of them cover are added once.
                added = until - max(each.start - DAY, counted)
                last_day += max(added, timedelta())
                counted = max(counted, until)
                last_day = max(last_day, months_after(each.end, each.rule.floor_months))
            case "obstacle" if each.end > months_after(last_day, -6):
                last_day = max(last_day, months_after(each.end, 6))
            case "floor" if last_day <= each.end:
                last_day = each.end + timedelta(days=each.rule.floor_days)
            case _:
                pass
    return last_day
