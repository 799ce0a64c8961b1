"""Hours by weekday, holiday and agreement, against a naive walk along the clock on the wall.

Every zone is swept by test_every_zone, with a faster reference.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from duecourse.rules import hours as hours_module
from duecourse.rules.clock import changes
from duecourse.rules.gate import Situation, judge
from duecourse.rules.hours import Calendar, Hours
from duecourse.rules.kinds import ContactHours, QuietHours, Rule
from duecourse.rules.pack import Pack, RuleBook

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# Changes at midnight, of half an hour, in the afternoon of UTC, by Ramadan, and none at all.
ZONES = [
    "Asia/Shanghai", "America/New_York", "Europe/London", "Australia/Lord_Howe",
    "Africa/Casablanca", "America/Havana", "America/Santiago", "Asia/Beirut", "Africa/Cairo",
    "America/Nuuk", "Antarctica/Troll", "Australia/Adelaide", "Pacific/Apia", "Asia/Kathmandu",
]  # fmt: skip
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
HOLIDAYS = (date(2026, 3, 29), date(2026, 4, 3), date(2026, 12, 25), date(2027, 3, 28))
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
COMMON: dict[str, Any] = {
    "id": "hours",
    "says": "A rule of this test.",
    "citation": "this test",
    "confidence": "house",
    "effective_from": date(1970, 1, 1),
}
# Days, from, to: in minutes of the day; 1440 and more is the day after.
Window = tuple[tuple[str, ...], int, int]
OFFICE: tuple[Window, ...] = (
    (WEEKDAYS, 450, 1260),
    (("sat", "sun"), 540, 1260),
)
ODD: tuple[Window, ...] = (
    (("mon", "wed", "fri"), 90, 150),
    (("sat",), 1320, 1440 + 20),
    (("holiday",), 0, 1440),
    (("sun",), 30, 45),
    # Where clocks are put on from two to three, this one opens at three.
    (("sun",), 150, 300),
    (("tue", "thu"), 1410, 1440 + 30),
)
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


def book(rule: Rule) -> RuleBook:
    calendar = Calendar(
        name="days",
        citation="this test",
        covers_from=date(2025, 12, 1),
        covers_to=date(2028, 2, 1),
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


def as_hours(windows: tuple[Window, ...]) -> tuple[Hours, ...]:
    return tuple(
        Hours(days=days, start=_time(start), end=_time(end))  # type: ignore[arg-type]
        for days, start, end in windows
    )


def _time(minutes: int) -> time:
    return time(minutes // 60 % 24, minutes % 60)


def open_by_hand(windows: tuple[Window, ...], at: datetime, zone: ZoneInfo) -> bool:
    shown = at.astimezone(zone)
    minute = shown.hour * 60 + shown.minute
    for back in (0, 1):
        day = shown.date() - back * DAY
        name = "holiday" if day in HOLIDAYS else f"{day:%a}".lower()
        for days, start, end in windows:
            if name in days and start <= minute + back * 1440 < end:
                return True
    return False


def walk(windows: tuple[Window, ...], at: datetime, zone: ZoneInfo) -> datetime:
    while not open_by_hand(windows, at, zone):
        at += MINUTE
    return at


def moments(zone: ZoneInfo) -> Iterator[datetime]:
    """Around every change of the clock, and around every boundary of some days of each month."""
    for change in changes(zone, START, END):
        for offset in (-26 * HOUR, -3 * HOUR, -MINUTE, 0 * HOUR, MINUTE, 31 * MINUTE, 22 * HOUR):
            yield change + offset
    days = (START + n * DAY for n in range(730))
    for day in days:
        local = day.date()
        if local.day in {1, 28} or local in HOLIDAYS:
            for minute in (0, 90, 450, 540, 1260, 1320, 1410):
                wall = datetime.combine(local, _time(minute), zone)
                yield wall.astimezone(UTC)
                yield wall.astimezone(UTC) - MINUTE


@pytest.mark.parametrize("name", ZONES)
def test_hours_agree_with_the_clock_on_the_wall_in_every_zone(name: str) -> None:
    zone = ZoneInfo(name)
    situation = replace(ASKED, time_zone=name)
    for windows in (OFFICE, ODD):
        rules = book(ContactHours(hours=as_hours(windows), calendar="days", **COMMON))
        closed, free = END, START
        for at in sorted(moments(zone)):
            verdict = judge(rules, situation, at)
            if not closed <= at < free:  # Each closed time is walked through once.
                closed, free = at, walk(windows, at, zone)
            assert (verdict.permitted, verdict.next_lawful_at or at) == (free == at, free), at


@pytest.mark.parametrize("name", ZONES)
def test_quiet_hours_are_the_contrary_of_open_hours(name: str) -> None:
    quiet = book(QuietHours(start=time(21), end=time(8), **COMMON))
    opened = book(ContactHours(hours=(Hours(start=time(8), end=time(21)),), **COMMON))
    situation, zone = replace(ASKED, time_zone=name), ZoneInfo(name)
    for at in moments(zone):
        first, second = (judge(rules, situation, at) for rules in (quiet, opened))
        assert (first.permitted, first.next_lawful_at) == (second.permitted, second.next_lawful_at)


def test_the_walk_finds_a_planted_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were changes of the clock forgotten, the sweep would see it."""
    monkeypatch.setattr(hours_module, "changes", lambda *_: [])
    with pytest.raises(AssertionError):
        test_hours_agree_with_the_clock_on_the_wall_in_every_zone("America/New_York")


def test_where_clocks_go_back_across_midnight_the_next_day_can_open_first() -> None:
    # In St. John's one minute past midnight became one minute past eleven, on 7 November 2010.
    zone = ZoneInfo("America/St_Johns")
    windows: tuple[Window, ...] = ((("sat",), 1410, 1420), (("sun",), 0, 1))
    rules = book(ContactHours(hours=as_hours(windows), **COMMON))
    at = datetime(2010, 11, 6, 23, 45, tzinfo=zone).astimezone(UTC)
    verdict = judge(rules, replace(ASKED, time_zone=zone.key), at)
    assert verdict.next_lawful_at == walk(windows, at, zone) == at + 15 * MINUTE


def test_outside_its_calendar_a_day_is_closed() -> None:
    rules = book(ContactHours(hours=as_hours(OFFICE), calendar="days", **COMMON))
    verdict = judge(rules, replace(ASKED, time_zone="UTC"), datetime(2028, 3, 1, 12, tzinfo=UTC))
    assert verdict.findings[0].inputs["day"] == "not covered by the calendar"
    assert verdict.next_lawful_at is None


@pytest.mark.parametrize("agreement", ["overrides", ""])
def test_agreed_hours_count_only_where_the_rule_says_so(agreement: str) -> None:
    agreed = (Hours(start=time(20), end=time(23), channels=("call",)),)
    situation = replace(ASKED, time_zone="UTC", agreed_hours=agreed)
    night = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)
    rules = book(QuietHours(start=time(22), end=time(8), agreement=agreement, **COMMON))  # type: ignore[arg-type]
    assert judge(rules, situation, night).permitted == bool(agreement)
    assert not judge(rules, replace(situation, channel="sms"), night).permitted


def test_hours_by_channel_bind_only_the_channels_they_name() -> None:
    only = (Hours(start=time(9), end=time(17), channels=("visit",)),)
    rules = book(ContactHours(hours=only, **COMMON))
    late = datetime(2026, 3, 2, 18, tzinfo=UTC)
    situation = replace(ASKED, time_zone="UTC")
    assert judge(rules, situation, late).permitted
    assert not judge(rules, replace(situation, channel="visit"), late).permitted


def test_hours_that_are_no_window_are_refused() -> None:
    with pytest.raises(ValueError, match="`start` and `end` are the same"):
        Hours(start=time(9), end=time(9))
    assert Hours(start=time(0), end=time(0))
