"""The debtor's clock against a slow, naive reference that walks minute by minute."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from duecourse.rules.clock import changes, day_begins, day_ends, find_zone
from duecourse.rules.gate import PastContact, Situation, judge
from duecourse.rules.kinds import MaxContacts, QuietHours
from duecourse.rules.pack import Pack, RuleBook

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
# Zones and spans with ordinary, half-hour, double, midnight and day-long changes of the clock.
SWEEP = [
    ("Asia/Shanghai", 1988, 1990),
    ("America/New_York", 2025, 2027),
    ("Europe/London", 2025, 2026),
    ("Australia/Lord_Howe", 2025, 2027),
    ("Africa/Casablanca", 2025, 2027),
    ("America/Sao_Paulo", 2017, 2019),
    ("America/Havana", 2025, 2026),
    ("America/Nuuk", 2025, 2026),
    ("America/St_Johns", 2009, 2011),
    ("Asia/Beirut", 2025, 2026),
    ("Africa/Cairo", 2025, 2026),
    ("Pacific/Apia", 2011, 2012),
    ("Antarctica/Troll", 2025, 2026),
]
WINDOWS = [
    (time(22), time(8)),
    (time(1, 30), time(2, 30)),
    (time(2, 15), time(22)),
    (time(23, 30), time(0, 30)),
    (time(0), time(1)),
]
ASKED = Situation(
    channel="sms",
    point_id="p",
    holder="debtor",
    jurisdiction="CN",
    time_zone="",
    stage="reminder",
    is_closed=False,
    has_debt=True,
)
COMMON: dict[str, Any] = {
    "says": "A rule of this test.",
    "citation": "this test",
    "confidence": "house",
    "effective_from": date(1970, 1, 1),
}


def only(rule: QuietHours | MaxContacts) -> RuleBook:
    pack = Pack(
        name="only",
        version="1",
        title="One rule",
        jurisdiction="CN",
        time_zone="UTC",
        effective_from=date(1970, 1, 1),
        rules=(rule,),
    )
    return RuleBook((pack,))


def boundaries(zone: ZoneInfo, first: int, last: int) -> list[datetime]:
    """Moments at and around every change of the clock in those years, both included."""
    start, end = (datetime(year, 1, 1, tzinfo=UTC) for year in (first, last + 1))
    offsets = (-25 * HOUR, -9 * HOUR, -HOUR, -MINUTE, 0 * HOUR, MINUTE, 30 * MINUTE, 20 * HOUR)
    return [change + offset for change in changes(zone, start, end) for offset in offsets]


def walk_to_the_end(start: time, end: time, zone: ZoneInfo, at: datetime) -> datetime:
    while True:
        shown = at.astimezone(zone).time()
        quiet = start <= shown < end if start < end else shown >= start or shown < end
        if not quiet:
            return at
        at += MINUTE


@pytest.mark.parametrize(("name", "first", "last"), SWEEP)
def test_quiet_hours_agree_with_the_clock_on_the_wall(name: str, first: int, last: int) -> None:
    zone = ZoneInfo(name)
    situation = replace(ASKED, time_zone=name)
    moments = boundaries(zone, first, last)
    assert moments, "this zone was chosen for its changes"
    for start, end in WINDOWS:
        book = only(QuietHours(id="quiet", start=start, end=end, **COMMON))
        for at in moments:
            verdict = judge(book, situation, at)
            free = walk_to_the_end(start, end, zone, at)
            assert (verdict.next_lawful_at or at, verdict.permitted) == (free, free == at)


@pytest.mark.parametrize(("name", "first", "last"), SWEEP)
def test_days_agree_with_the_calendar_on_the_wall(name: str, first: int, last: int) -> None:
    zone = ZoneInfo(name)
    for day in {at.astimezone(zone).date() for at in boundaries(zone, first, last)}:
        noon = datetime.combine(day, time(12), UTC)
        minutes = [noon + n * MINUTE for n in range(-40 * 60, 40 * 60)]
        dates = [moment.astimezone(zone).date() for moment in minutes]
        begins = next(at for at, shown in zip(minutes, dates, strict=True) if shown >= day)
        still = max(n for n, shown in enumerate(dates) if shown <= day)
        assert (day_begins(zone, day), day_ends(zone, day)) == (begins, minutes[still + 1])


@pytest.mark.parametrize(("name", "first", "last"), SWEEP)
def test_a_daily_cap_frees_at_the_debtors_midnight_across_changes(
    name: str, first: int, last: int
) -> None:
    zone = ZoneInfo(name)
    book = only(
        MaxContacts(id="daily", limit=1, window="calendar_day", counts=("message",), **COMMON)
    )
    for at in boundaries(zone, first, last):
        sent = PastContact(
            at=at,
            channel="sms",
            point_id="p",
            initiator="creditor",
            kind="message",
            party="debtor",
        )
        verdict = judge(book, replace(ASKED, time_zone=name, past=(sent,)), at)
        day = at.astimezone(zone).date()
        last_minute = max(
            at + n * MINUTE
            for n in range(30 * 60)
            if (at + n * MINUTE).astimezone(zone).date() <= day
        )
        assert verdict.next_lawful_at == last_minute + MINUTE


def test_an_hour_that_comes_twice_is_quiet_twice() -> None:
    zone = ZoneInfo("America/New_York")
    book = only(QuietHours(id="quiet", start=time(1, 30), end=time(1, 45), **COMMON))
    situation = replace(ASKED, time_zone=zone.key)
    for fold in (0, 1):
        at = datetime(2026, 11, 1, 1, 40, tzinfo=zone, fold=fold)
        until = datetime(2026, 11, 1, 1, 45, tzinfo=zone, fold=fold).astimezone(UTC)
        assert judge(book, situation, at).next_lawful_at == until


def test_a_window_that_ends_inside_a_gap_ends_with_the_gap() -> None:
    zone = ZoneInfo("America/New_York")
    book = only(QuietHours(id="quiet", start=time(22), end=time(2, 30), **COMMON))
    at = datetime(2026, 3, 8, 1, 59, 59, tzinfo=zone)
    verdict = judge(book, replace(ASKED, time_zone=zone.key), at)
    assert verdict.next_lawful_at == datetime(2026, 3, 8, 7, tzinfo=UTC)


def test_a_day_without_midnight_begins_when_the_clock_is_put_on() -> None:
    zone = ZoneInfo("America/Sao_Paulo")
    begins = day_begins(zone, date(2018, 11, 4)).astimezone(zone)
    assert begins.time() == time(1)


def test_only_names_of_the_database_are_zones() -> None:
    assert find_zone("Asia/Urumqi") is not None
    for name in (
        "",
        "localtime",
        "posixrules",
        "Factory",
        "America",
        "/etc/localtime",
        "asia/tokyo",
    ):
        assert find_zone(name) is None
