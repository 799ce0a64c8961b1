"""Which days are working days where a debtor lives, as the rule packs of the place know them."""

from datetime import date

import msgspec

from duecourse.money.recurrence import Roll, WorkingDays
from duecourse.rules.gate import RuleBook
from duecourse.rules.hours import Calendar


class Holidays(msgspec.Struct, frozen=True, kw_only=True):
    """By which calendars days were moved. None: weekends only, as no holidays are known there."""

    calendars: tuple[str, ...] = ()
    known_until: date | None = None


def working_days(rules: RuleBook, jurisdiction: str, roll: Roll) -> WorkingDays:
    """Weekends and the holidays of every calendar that a pack of the place has."""
    days = (day for calendar in _calendars(rules, jurisdiction) for day in calendar.days)
    return WorkingDays(roll=roll, holidays=frozenset(days))


def holidays_of(rules: RuleBook, jurisdiction: str) -> Holidays:
    calendars = _calendars(rules, jurisdiction)
    return Holidays(
        calendars=tuple(sorted(each.name for each in calendars)),
        known_until=min((each.covers_to for each in calendars), default=None),
    )


def _calendars(rules: RuleBook, jurisdiction: str) -> list[Calendar]:
    if not jurisdiction:
        return []
    packs = [pack for pack in rules.packs if pack.covers(jurisdiction)]
    return [calendar for pack in packs for calendar in pack.calendars]
