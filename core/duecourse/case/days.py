"""Days that a case can be about."""

from datetime import date
from typing import Final

from duecourse.case.errors import Invalid

FARTHEST_YEARS: Final = 100


def check_day(day: date, today: date, field: str) -> None:
    """Refuse a day so far off that it is a slip of the keyboard, or leaves the calendar."""
    if abs(day.year - today.year) > FARTHEST_YEARS:
        raise Invalid(f"{day} is more than {FARTHEST_YEARS} years from today; check it", field)
