"""Hours by weekday and public holiday, as the debtor's clock shows them."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Final, Literal

import msgspec

from duecourse.rules.clock import Now, changes, readings

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"]
LocalTime = Annotated[time, msgspec.Meta(tz=False)]

WEEKDAYS: Final[tuple[Day, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY: Final[tuple[Day, ...]] = (*WEEKDAYS, "holiday")
_MIDNIGHT: Final = time()
# The longest closed time that is searched: with a weekday a week and holidays on it, enough.
_SEARCH_DAYS: Final = 40


class Hours(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Open on `days` from `start` up to, not including, `end`.

    `end` at or before `start` means on into the next day; an `end` of 00:00 is midnight, and
    00:00 to 00:00 the whole day. Raises ValueError for other hours that are equal.
    """

    start: LocalTime
    end: LocalTime
    days: Annotated[tuple[Day, ...], msgspec.Meta(min_length=1)] = EVERY_DAY
    channels: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = ("*",)

    def __post_init__(self) -> None:
        if self.start == self.end != _MIDNIGHT:
            raise ValueError("`start` and `end` are the same; for a whole day write 00:00 twice")


class Calendar(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Public holidays, each named by its date. Outside the days it covers nothing is known."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
    citation: Annotated[str, msgspec.Meta(min_length=3, max_length=500)]
    covers_from: date
    covers_to: date
    days: Annotated[tuple[date, ...], msgspec.Meta(max_length=2000)]

    def __post_init__(self) -> None:
        outside = [day for day in self.days if not self.covers(day)]
        if outside:
            raise ValueError(f"`days` has {outside[0]}, which the calendar does not cover")

    def covers(self, day: date) -> bool:
        return self.covers_from <= day <= self.covers_to


class Week(msgspec.Struct, frozen=True):
    """Hours together with the calendar that says which days are holidays, if any counts."""

    hours: tuple[Hours, ...]
    calendar: Calendar | None = None

    def day_name(self, day: date) -> Day | None:
        """What kind of day it is. None where the calendar does not reach: that is not known."""
        if self.calendar is not None:
            if not self.calendar.covers(day):
                return None
            if day in self.calendar.days:
                return "holiday"
        return WEEKDAYS[day.weekday()]

    def is_open(self, local: datetime) -> bool:
        """Whether the hours hold what the clock shows."""
        shown = local.time()
        today = self._hours_of(local.date())
        before = self._hours_of(local.date() - timedelta(days=1))
        return any(
            each.start <= shown and (shown < each.end or _overnight(each)) for each in today
        ) or any(_overnight(each) and shown < each.end for each in before)

    def next_open(self, now: Now) -> datetime | None:
        """Return the first moment after `now`, in UTC, at which the hours are open.

        None when there is none within forty days. A window opens at its `start`, or where a
        change of the clock jumps into it.
        """
        opening = self._opening(now)
        horizon = opening or now.at + timedelta(days=_SEARCH_DAYS)
        jumps = (
            moment
            for moment in changes(now.zone, now.at, horizon)
            if self.is_open(moment.astimezone(now.zone))
        )
        return next(jumps, opening)

    def _opening(self, now: Now) -> datetime | None:
        days = (now.day + timedelta(days=ahead) for ahead in range(-1, _SEARCH_DAYS))
        for day, after in pairwise(days):
            if starts := list(self._starts(day, now)):
                # Where clocks go back across midnight, the next day can begin first.
                return min([*starts, *self._starts(after, now)])
        return None

    def _starts(self, day: date, now: Now) -> Iterator[datetime]:
        for each in self._hours_of(day):
            for moment in readings(now.zone, datetime.combine(day, each.start)):
                if moment > now.at and self.is_open(moment.astimezone(now.zone)):
                    yield moment

    def _hours_of(self, day: date) -> list[Hours]:
        name = self.day_name(day)
        return [each for each in self.hours if name in each.days]


def _overnight(hours: Hours) -> bool:
    return hours.end <= hours.start


def show_hours(hours: tuple[Hours, ...]) -> str:
    """`mon-fri 07:30-21:00, sat-sun 09:00-21:00`: for the inputs of a finding."""
    return ", ".join(f"{_show_days(each.days)} {show_span(each.start, each.end)}" for each in hours)


@lru_cache(maxsize=1024)
def show_span(start: time, end: time) -> str:
    return f"{start:%H:%M}-{end:%H:%M}"


def _show_days(days: tuple[Day, ...]) -> str:
    if set(days) == set(EVERY_DAY):
        return "every day"
    return " ".join(days)
