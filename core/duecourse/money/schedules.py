"""Dates and amounts of instalments."""

from calendar import monthrange
from datetime import date

from duecourse.money.amounts import MAX_MINOR


def split(total_minor: int, count: int) -> list[int]:
    """Equal parts of an amount; the last one takes the residue.

    Raises ValueError when there would be a part of nothing.
    """
    if not 1 <= count <= total_minor <= MAX_MINOR:
        raise ValueError(f"{total_minor} cannot be paid in {count} instalments")
    part = total_minor // count
    return [part] * (count - 1) + [total_minor - part * (count - 1)]


def monthly(first: date, count: int) -> list[date]:
    """The same day of each month from `first` on; a month without that day takes its last."""
    days = []
    for index in range(count):
        year, month = divmod(first.year * 12 + first.month - 1 + index, 12)
        last = monthrange(year, month + 1)[1]
        days.append(date(year, month + 1, min(first.day, last)))
    return days
