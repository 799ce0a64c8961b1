"""Moments and days on the debtor's own clock, with gaps and folds as people live them."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from importlib import resources
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

_SECOND: Final = timedelta(seconds=1)
_MIDNIGHT: Final = time()
# Clocks never change twice within this time (over all zones of the database since 1970).
_STEP: Final = timedelta(hours=3)
_STEPS_A_DAY: Final = 8
_EARLIEST: Final = datetime.min.replace(tzinfo=UTC)
_LATEST: Final = datetime.max.replace(tzinfo=UTC)


class Now(msgspec.Struct, frozen=True, kw_only=True):
    """A moment together with what the debtor's clock shows then."""

    at: datetime
    zone: ZoneInfo
    local: datetime
    day: date
    clock: time


def now(at: datetime, zone: ZoneInfo) -> Now:
    at = at.astimezone(UTC)
    local = at.astimezone(zone)
    return Now(at=at, zone=zone, local=local, day=local.date(), clock=local.time())


@cache
def _zone_names() -> frozenset[str]:
    # "Factory" is the database's word for "not set up".
    names = (resources.files("tzdata") / "zones").read_text("utf-8").split()
    return frozenset(names) - {"Factory"}


@lru_cache(maxsize=1024)
def find_zone(name: str) -> ZoneInfo | None:
    """Return the zone of that name, or None.

    Only names of the packaged database count. `localtime`, which some systems offer, is the
    server's own clock and no answer; a path is none either.
    """
    return ZoneInfo(name) if name in _zone_names() else None


def is_aware(moment: datetime) -> bool:
    return moment.utcoffset() is not None


def to_utc(moment: datetime) -> datetime:
    """`moment` in UTC; the ends of the calendar stand for what lies beyond them."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return _EARLIEST if moment.year == 1 else _LATEST


@lru_cache(maxsize=8192)
def day_begins(zone: ZoneInfo, day: date) -> datetime:
    """Return the first moment, in UTC, at which the date in `zone` is `day` or later."""
    first, second = readings(zone, datetime.combine(day, _MIDNIGHT))
    if second < first:  # Midnight falls into a gap: the day begins where the gap ends.
        return _change_within(zone, second, first)
    return first


@lru_cache(maxsize=8192)
def day_ends(zone: ZoneInfo, day: date) -> datetime:
    """Return the moment, in UTC, from which the date in `zone` is later than `day` for good.

    Where clocks go back across midnight a date can come again for an hour.
    """
    midnight = datetime.combine(day + timedelta(days=1), _MIDNIGHT)
    first, second = readings(zone, midnight)
    if second < first:
        return _change_within(zone, second, first)
    comes_again = (second - _SECOND).astimezone(zone).date() <= day
    return second if comes_again else first


def hold_lasts(until: date | None, now: Now) -> bool:
    """Whether the day `until` is not over yet; without one there is no end."""
    if until is None:
        return True
    if abs(until - now.day) > timedelta(days=1):
        return until > now.day
    return now.at < day_ends(now.zone, until)


def first_moment_outside(start: time, end: time, now: Now) -> datetime:
    """Return the first moment, in UTC, at which the clock is outside [start, end).

    `end` before `start` means overnight. What the clock shows decides, so in a fold the window
    may close and open once more.
    """
    ends = next(moment for moment in _showing(now.zone, end, now.day) if moment > now.at)
    # A change of the clock can end the window as well, by jumping over its end or back over
    # its beginning.
    jumps = changes(now.zone, now.at, ends)
    outside = (
        moment for moment in jumps if not is_within(start, end, moment.astimezone(now.zone).time())
    )
    return next(outside, ends)


@lru_cache(maxsize=8192)
def _showing(zone: ZoneInfo, shown: time, day: date) -> list[datetime]:
    """When the clock shows that time, from the day before `day` to three days after, sorted."""
    days = (day + timedelta(days=n) for n in range(-1, 4))
    moments = {moment for each in days for moment in readings(zone, datetime.combine(each, shown))}
    return sorted(moment for moment in moments if moment.astimezone(zone).time() == shown)


def is_within(start: time, end: time, moment: time) -> bool:
    """Whether [start, end) holds `moment`: 22:00 is in the night of 22:00-08:00, 08:00 is not."""
    if start < end:
        return start <= moment < end
    return moment >= start or moment < end


def changes(zone: ZoneInfo, after: datetime, until: datetime) -> list[datetime]:
    """Return the moments in (after, until] at which the clock of `zone` is put on or back.

    Both are in UTC.
    """
    days = range(after.toordinal(), until.toordinal() + 1)
    return [moment for day in days for moment in _changes_on(zone, day) if after < moment <= until]


@lru_cache(maxsize=8192)
def _changes_on(zone: ZoneInfo, day: int) -> tuple[datetime, ...]:
    """Those after the midnight with which the day begins in UTC, up to the one that ends it."""
    begins = datetime.combine(date.fromordinal(day), _MIDNIGHT, UTC)
    steps = [begins + number * _STEP for number in range(_STEPS_A_DAY + 1)]
    return tuple(
        _change_within(zone, before, after)
        for before, after in pairwise(steps)
        if _offset(zone, before) != _offset(zone, after)
    )


def readings(zone: ZoneInfo, local: datetime) -> tuple[datetime, datetime]:
    """Both moments that `local` can mean (PEP 495): equal, unless in a fold or in a gap."""
    first, second = (local.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    return first.astimezone(UTC), second.astimezone(UTC)


def _change_within(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The first second with the offset of `after`; `before` still has another one."""
    new = _offset(zone, after)
    low = before.replace(microsecond=0)
    steps = -(-(after - low) // _SECOND)
    first, last = 0, int(steps)
    while last - first > 1:
        middle = (first + last) // 2
        if _offset(zone, low + middle * _SECOND) == new:
            last = middle
        else:
            first = middle
    return low + last * _SECOND


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta | None:
    return moment.astimezone(zone).utcoffset()
