"""Days that come again, and what is done when one of them is no working day."""

from calendar import monthrange
from datetime import date, timedelta
from typing import Annotated, Final, Literal

import msgspec

from duecourse.money.figures import Refused

Every = Literal["week", "fortnight", "month", "last_day"]
Roll = Literal["none", "following", "modified_following", "preceding"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
PER_YEAR: Final[dict[Every, int]] = {"week": 52, "fortnight": 26, "month": 12, "last_day": 12}
MAX_ROLL_DAYS: Final = 60
_NAMES: Final[tuple[Weekday, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class WorkingDays(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The days on which nothing can be paid, as their place has them, and where a due date goes."""

    roll: Roll = "none"
    weekend: frozenset[Weekday] = frozenset({"sat", "sun"})
    holidays: Annotated[frozenset[date], msgspec.Meta(max_length=10_000)] = frozenset()
    working_weekends: Annotated[frozenset[date], msgspec.Meta(max_length=1_000)] = frozenset()

    def is_working(self, day: date) -> bool:
        if day in self.working_weekends:
            return True
        return day not in self.holidays and _NAMES[day.weekday()] not in self.weekend


def months_after(first: date, count: int, day_of_month: int = 0) -> date:
    """The same day of a later month, or its last day where it has no such day."""
    year, month = divmod(first.year * 12 + first.month - 1 + count, 12)
    last = monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day_of_month or first.day, last))


def due_days(first: date, count: int, every: Every, day_of_month: int = 0) -> list[date]:
    """`count` days from `first` on. `day_of_month` holds a monthly plan to a day that `first` lacks."""
    match every:
        case "week" | "fortnight":
            step = timedelta(days=7 if every == "week" else 14)
            return [first + step * number for number in range(count)]
        case "month":
            return [months_after(first, number, day_of_month) for number in range(count)]
        case "last_day":
            return [months_after(first, number, 31) for number in range(count)]


def rolled(day: date, calendar: WorkingDays) -> date:
    """Where a due date goes that is no working day. Raises Refused when there is none near."""
    match calendar.roll:
        case "none":
            return day
        case "preceding":
            return _next_working(day, calendar, -1)
        case "following":
            return _next_working(day, calendar, 1)
        case "modified_following":
            after = _next_working(day, calendar, 1)
            return after if after.month == day.month else _next_working(day, calendar, -1)


def _next_working(day: date, calendar: WorkingDays, step: int) -> date:
    for distance in range(MAX_ROLL_DAYS + 1):
        found = day + timedelta(days=step * distance)
        if calendar.is_working(found):
            return found
    raise Refused(
        "calendar", f"no working day within {MAX_ROLL_DAYS} days of {day}", "check the holidays"
    )
