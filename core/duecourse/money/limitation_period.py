"""The arithmetic of a limitation period: its last day, given what stopped it on the way."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import msgspec
from msgspec.structs import replace

from duecourse.money.limitation_laws import ActRule, Earlier, Law
from duecourse.money.recurrence import months_after

DAY = timedelta(days=1)


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """`years` that began on `start` (itself not counted). It may wait for the end of a suit."""

    start: date
    years: int
    waits: bool = False
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


def first_period(law: Law, starts_on: date, known_on: date | None) -> Period:
    known_on = known_on or starts_on
    begins = _year_end(known_on) if law.starts == "year_end" else known_on
    return Period(start=begins, years=law.years, is_first=True)


def _year_end(day: date) -> date:
    return date(day.year, 12, 31)


def last_day_of(
    period: Period,
    intervals: Sequence[Interval],
    law: Law,
    starts_on: date,
    *,
    is_strict: bool = False,
) -> date | None:
    """None while it is open, as what keeps it from running has no end yet.

    `is_strict`: where the law of before is not known for sure, its shortest period.
    """
    if period.waits:
        return None
    if period.is_judgment:
        return _stretched(period.start, period.years, intervals)
    end = _own_last_day(period, intervals, law, starts_on, is_strict=is_strict)
    if end is not None and law.long_stop == "always":
        return min(end, years_after(starts_on, law.long_stop_years))
    return end


def _own_last_day(
    period: Period, intervals: Sequence[Interval], law: Law, starts_on: date, *, is_strict: bool
) -> date | None:
    earlier = law.earlier
    if earlier is None:
        return _new_last_day(period, intervals, law, starts_on)
    if earlier.then == "same_start":
        if period.start < earlier.until:
            old = _stretched(period.start, earlier.years, intervals, pauses_until=date.max)
            if old is not None and old < earlier.until:
                return old
        return _new_last_day(period, intervals, law, starts_on)
    begun = starts_on if period.is_first else period.start
    if begun >= earlier.until:
        return _new_last_day(period, intervals, law, starts_on)
    eve = earlier.until - DAY
    anew = replace(period, start=max(period.start, eve))
    new = _new_last_day(anew, intervals, law, max(starts_on, eve))
    old = _old_last_day(period, begun, intervals, earlier, is_strict=is_strict)
    return _earliest(new, old)


def _old_last_day(
    period: Period,
    begun: date,
    intervals: Sequence[Interval],
    earlier: Earlier,
    *,
    is_strict: bool,
) -> date | None:
    """The short periods of before began at the end of a year, the long one on its day.

    What suspended a period before the change is left out: that law is not recorded.
    """
    since = [
        replace(each, start=max(each.start, earlier.until))
        for each in intervals
        if each.end is None or each.end >= earlier.until
    ]
    if is_strict and earlier.shortest_years:
        start = _year_end(begun) if period.is_first else begun
        return _stretched(start, earlier.shortest_years, since)
    return _stretched(begun, earlier.years, since)


def _new_last_day(
    period: Period, intervals: Sequence[Interval], law: Law, starts_on: date
) -> date | None:
    pauses_until = law.earlier.until if law.earlier else date.min
    end = _stretched(period.start, period.years, intervals, pauses_until=pauses_until)
    if period.is_first and law.long_stop == "first_period":
        return _earliest(end, _stretched(starts_on, law.long_stop_years, intervals))
    return end


def _earliest(*days: date | None) -> date | None:
    return min((day for day in days if day is not None), default=None)


def _stretched(
    start: date, years: int, intervals: Iterable[Interval], *, pauses_until: date = date.min
) -> date | None:
    """Interval by interval, as each counts only if the period was still alive when it began.

    An obstacle that ended before `pauses_until` only holds up the days that were left.
    """
    run = _Run(start, years)
    for each in sorted(intervals, key=lambda interval: interval.start):
        if each.start > run.last_day:
            break
        if each.rule.effect == "pending":
            continue
        if each.end is None:
            return None
        if months_after(each.end, each.rule.tail_months) > run.start:
            run.stop(each, each.end, pauses_until)
    return run.last_day


class _Run:
    """Years that run by the calendar, until something stops them, or keeps them from ending."""

    def __init__(self, start: date, years: int) -> None:
        self.years = years
        self._not_before = date.min
        self._begin(start)

    @property
    def last_day(self) -> date:
        return max(self._ends, self._not_before)

    def _begin(self, start: date) -> None:
        self.start = self._counted = start
        self._ends = years_after(start, self.years)
        self._window = months_after(self._ends, -6)

    def stop(self, interval: Interval, end: date, pauses_until: date) -> None:
        rule = interval.rule
        match rule.effect:
            case "suspend":
                self._suspend(interval.start, months_after(end, rule.tail_months))
                self._no_sooner_than(months_after(end, rule.floor_months))
            case "obstacle" if end >= pauses_until:
                if end > months_after(self.last_day, -6):
                    self._no_sooner_than(months_after(end, 6))
            case "obstacle" | "pause" if end > self._window:
                self._pause(interval.start, end)
            case "floor" if self.last_day <= end:
                self._no_sooner_than(end + timedelta(days=rule.floor_days))
            case _:
                pass

    def _suspend(self, first: date, last: date) -> None:
        if first - DAY <= self.start:
            # Nothing has run yet: the whole years are still to come, by the calendar.
            self._begin(last)
        else:
            self._add(first, last)

    def _pause(self, first: date, last: date) -> None:
        """What was left of the last six months goes on after it, and is never more than these."""
        six_months, before = months_after(last, 6), self._ends
        if first - DAY <= self._window:
            # Nothing of them has run yet, so they are still to come, by the calendar.
            self._window = self._counted = last
            self._ends = max(before, six_months)
        else:
            self._add(first, last)
            self._ends = max(before, min(self._ends, six_months))

    def _add(self, first: date, last: date) -> None:
        """Each of these days once, if two intervals cover it.

        Where all days have run and only something else keeps it from ending, none is added.
        """
        if first > self._ends:
            self._no_sooner_than(last)
            return
        self._ends += max(last - max(first - DAY, self._counted), timedelta())
        self._counted = max(self._counted, last)

    def _no_sooner_than(self, day: date) -> None:
        self._not_before = max(self._not_before, day)
