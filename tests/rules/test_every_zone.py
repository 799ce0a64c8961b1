"""Every zone of the database, at every boundary of two years, against a table and a calendar.

The reference shares nothing with the rules: for each zone it makes a table of what the clock is
ahead of UTC from when on, and reckons by it. Zones with the same table are one to it; one of each
is swept whole, the others at some moments.
"""

import os
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import resources
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from duecourse.rules import hours as hours_module
from duecourse.rules import predicates
from duecourse.rules.clock import changes, day_begins, day_ends, find_zone
from duecourse.rules.gate import PastContact, Situation, judge
from duecourse.rules.hours import Calendar, Hours
from duecourse.rules.kinds import ContactHours, MaxContacts, QuietHours, Rule
from duecourse.rules.pack import Pack, RuleBook

LONG = bool(os.environ.get("DUECOURSE_LONG"))
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
DAY = timedelta(days=1)
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
# As far as an answer looks back and ahead.
SINCE, TO = START - 10 * DAY, END + 110 * DAY
SAMPLE = [
    "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca",
    "America/Havana", "Asia/Beirut", "Africa/Cairo", "America/Nuuk", "Antarctica/Troll",
]  # fmt: skip
HOLIDAYS = (date(2026, 3, 29), date(2026, 4, 3), date(2026, 12, 25), date(2027, 3, 28))
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
EVERY = (*WEEKDAYS, "sat", "sun", "holiday")
# Days, from, to: in minutes of the day; 1440 and more is the day after.
Window = tuple[tuple[str, ...], int, int]
OFFICE: tuple[Window, ...] = ((WEEKDAYS, 450, 1260), (("sat", "sun"), 540, 1260))
ODD: tuple[Window, ...] = (
    (("mon", "wed", "fri"), 90, 150),
    (("sat",), 1320, 1460),
    (("holiday",), 0, 1440),
    (("sun",), 30, 45),
    (("sun",), 150, 300),
    (("tue", "thu"), 1410, 1470),
)
# The quiet hours of the packs, and two that changes of the clock cut into.
QUIET = [(1320, 480), (1260, 480), (1140, 480), (1260, 540), (90, 150), (0, 60)]
COMMON: dict[str, Any] = {
    "id": "only",
    "says": "A rule of this test.",
    "citation": "this test",
    "confidence": "house",
    "effective_from": date(1970, 1, 1),
}
ASKED = Situation(
    channel="call",
    point_id="p",
    holder="debtor",
    jurisdiction="AU",
    time_zone="",
    stage="reminder",
    is_closed=False,
    has_debt=True,
)

# --- the reference ---------------------------------------------------------------------------


class Table(NamedTuple):
    """From when on the clock is how far ahead of UTC."""

    since: tuple[datetime, ...]
    ahead: tuple[timedelta, ...]

    def local(self, at: datetime) -> datetime:
        return (at + self.ahead[max(0, bisect_right(self.since, at) - 1)]).replace(tzinfo=None)

    def when(self, days: Iterable[date], minutes: Iterable[int]) -> list[datetime]:
        """All that those readings of the clock can mean, and each change of the clock."""
        minutes = list(minutes)
        found = {
            datetime.combine(day, time(), UTC) + minute * MINUTE - ahead
            for day in days
            for minute in minutes
            for ahead in set(self.ahead)
        }
        return sorted({*found, *self.since[1:]})


@cache
def table_of(name: str) -> Table:
    zone = ZoneInfo(name)

    def ahead(at: datetime) -> timedelta:
        found = at.astimezone(zone).utcoffset()
        assert found is not None
        return found

    since, offsets, at = [SINCE], [ahead(SINCE)], SINCE
    while at < TO:
        after = at + 6 * HOUR
        if ahead(after) != offsets[-1]:
            before, found = at, after
            while found - before > SECOND:
                middle = before + (found - before) // 2
                middle = middle.replace(microsecond=0)
                before, found = (
                    (middle, found) if ahead(middle) == offsets[-1] else (before, middle)
                )
            since.append(found)
            offsets.append(ahead(found))
        at = after
    return Table(tuple(since), tuple(offsets))


def names() -> list[str]:
    listed = (resources.files("tzdata") / "zones").read_text("utf-8").split()
    return sorted(set(listed) - {"Factory"})


def one_of_each() -> list[str]:
    return list({table_of(name): name for name in reversed(names())}.values())


ZONES = one_of_each() if LONG else SAMPLE


def is_open(windows: tuple[Window, ...], local: datetime) -> bool:
    minute = local.hour * 60 + local.minute
    for back in (0, 1):
        day = local.date() - back * DAY
        name = "holiday" if day in HOLIDAYS else EVERY[day.weekday()]
        for days, start, end in windows:
            if name in days and start <= minute + back * 1440 < end:
                return True
    return False


class Openings:
    """When the hours are open: they can only open where a window begins or the clock changes."""

    def __init__(self, windows: tuple[Window, ...], table: Table) -> None:
        self.windows, self.table = windows, table
        edges = {0} | {each % 1440 for _, start, end in windows for each in (start, end)}
        self.edges = edges
        days = [SINCE.date() + n * DAY for n in range((TO - SINCE).days)]
        self.begins = [at for at in table.when(days, edges) if is_open(windows, table.local(at))]

    def first_from(self, at: datetime) -> datetime:
        if is_open(self.windows, self.table.local(at)):
            return at
        return self.begins[bisect_left(self.begins, at)]


def some_days(table: Table) -> list[date]:
    """Every day where clocks change, if it is to be the whole sweep; else some, and those near."""
    step = (1 if len(table.since) > 1 else 5) if LONG else 29
    near = {(change + n * DAY).date() for change in table.since[1:] for n in range(-2, 3)}
    days = {START.date() + n * DAY for n in range(0, (END - START).days, step)}
    return sorted(days | near | set(HOLIDAYS))


def boundaries(openings: Openings) -> Iterator[datetime]:
    """Just before, at and after each edge, as the clock shows it then or around a change."""
    table = openings.table
    for at in table.when(some_days(table), openings.edges):
        local = table.local(at)
        shown = local.hour * 60 + local.minute in openings.edges
        near = any(abs(at - change) <= 3 * HOUR for change in table.since[1:])
        if START <= at < END and (shown or near):
            yield from (at - SECOND, at, at + MINUTE)


# --- the sweep -------------------------------------------------------------------------------


def only(rule: Rule) -> RuleBook:
    calendar = Calendar(
        name="days",
        citation="this test",
        covers_from=date(2025, 12, 1),
        covers_to=date(2028, 5, 1),
        days=HOLIDAYS,
    )
    pack = Pack(
        name="only",
        version="1",
        title="One rule",
        jurisdiction="AU",
        time_zone="UTC",
        effective_from=date(1970, 1, 1),
        calendars=(calendar,),
        rules=(rule,),
    )
    return RuleBook((pack,))


def clock(minutes: int) -> time:
    return time(minutes // 60 % 24, minutes % 60)


def quiet(start: int, end: int) -> tuple[RuleBook, tuple[Window, ...]]:
    opens = end if end < start else end - 1440
    windows: tuple[Window, ...] = ((EVERY, end, start if end < start else start + 1440),)
    assert opens < start
    return only(QuietHours(start=clock(start), end=clock(end), **COMMON)), windows


def open_within(windows: tuple[Window, ...]) -> tuple[RuleBook, tuple[Window, ...]]:
    hours = tuple(
        Hours(days=days, start=clock(start), end=clock(end))  # type: ignore[arg-type]
        for days, start, end in windows
    )
    return only(ContactHours(hours=hours, calendar="days", **COMMON)), windows


RULES = [*(quiet(*each) for each in QUIET), open_within(OFFICE), open_within(ODD)]


def sweep(name: str, choose: Callable[[list[datetime]], list[datetime]]) -> int:
    situation, asked = replace(ASKED, time_zone=name), 0
    for book, windows in RULES:
        openings = Openings(windows, table_of(name))
        for at in choose(list(boundaries(openings))):
            verdict = judge(book, situation, at)
            free = openings.first_from(at)
            assert (verdict.permitted, verdict.next_lawful_at or at) == (free == at, free), (
                f"{name} at {at}: by the table {free}, but {verdict}"
            )
            asked += 1
    return asked


@pytest.mark.parametrize("name", ZONES)
def test_hours_agree_with_the_table_at_every_boundary(
    name: str, report: Callable[[str], None]
) -> None:
    asked = sweep(name, lambda moments: moments)
    report(f"{name}: {asked} moments")
    assert asked > 1000


@pytest.mark.parametrize("name", ZONES)
def test_days_begin_and_end_and_caps_free_as_the_table_says(name: str) -> None:
    zone, table = ZoneInfo(name), table_of(name)
    book = only(MaxContacts(limit=1, window="calendar_day", counts=("message",), **COMMON))
    for day in some_days(table):
        near = table.when((day + n * DAY for n in range(-1, 3)), [0])
        shown = [table.local(at).date() for at in near]
        begins = next(at for at, seen in zip(near, shown, strict=True) if seen >= day)
        # The clock may go back across midnight, and show the day before once more.
        ends = max(at for at in near if table.local(at - SECOND).date() <= day)
        assert (day_begins(zone, day), day_ends(zone, day)) == (begins, ends), day
        assert table.local(begins).date() >= day > table.local(begins - SECOND).date()
        sent = PastContact(
            at=begins,
            channel="call",
            point_id="p",
            initiator="creditor",
            kind="message",
            party="debtor",
        )
        situation = replace(ASKED, time_zone=name, past=(sent,))
        assert judge(book, situation, ends - SECOND).next_lawful_at == ends
        assert judge(book, situation, ends).permitted


def test_zones_of_one_table_show_the_same_and_are_judged_the_same() -> None:
    step = HOUR if LONG else 11 * DAY
    hours = [START + n * step for n in range(int((END - START) / step))]
    for name in names() if LONG else [*SAMPLE, *names()[::8]]:
        zone, table = find_zone(name), table_of(name)
        assert zone is not None, name
        found = [since for since in table.since[1:] if START < since <= END]
        assert changes(zone, START, END) == found, name
        around = [since + n * SECOND for since in table.since[1:] for n in (-1, 0)]
        for at in (*hours, *around):
            assert at.astimezone(zone).replace(tzinfo=None) == table.local(at), (name, at)


@pytest.mark.parametrize("nth", [0, 1, 2, 3])
def test_every_zone_by_its_own_name_agrees_at_some_boundaries(nth: int) -> None:
    every = 997 if LONG else 4999
    for name in names()[nth::4] if LONG else SAMPLE[nth::4]:
        assert sweep(name, lambda moments: moments[nth::every]) >= len(RULES)


@pytest.mark.parametrize("where", [hours_module, predicates])
def test_the_sweep_finds_planted_bugs(where: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were changes of the clock forgotten, the sweep would see it."""
    right = predicates.first_moment_outside
    if where is hours_module:
        monkeypatch.setattr(hours_module, "changes", lambda *_: [])
    else:
        monkeypatch.setattr(
            predicates,
            "first_moment_outside",
            lambda start, end, now: right(start, end, now) + (HOUR if now.local.fold else 0 * HOUR),
        )
    with pytest.raises(AssertionError, match="by the table"):
        sweep("America/New_York", lambda moments: moments)
