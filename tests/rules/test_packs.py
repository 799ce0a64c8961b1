"""A pack loads when it is well formed and its examples prove it, and otherwise says why."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from duecourse.rules.gate import load_rulebook
from duecourse.rules.pack import PackError, check_pack
from duecourse.rules.toml_files import BadFile

GOOD = """
name = "sample"
version = "1"
title = "A sample"
jurisdiction = "XX"
time_zone = "Asia/Shanghai"
effective_from = 2026-01-01

[[rules]]
id = "quiet_hours"
kind = "quiet_hours"
says = "Nobody is contacted at night."
citation = "Sample Act section 1"
confidence = "A"
effective_from = 2026-01-01
start = 22:00:00
end = 08:00:00
vectors = [
  { at = 2026-03-02T21:59:59, expect = "allow" },
  { at = 2026-03-02T22:00:00, expect = "block", next = 2026-03-03T08:00:00 },
]
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> Path:
        file = tmp_path / "sample.toml"
        file.write_text(text, "utf-8")
        return file

    return write


def test_the_packaged_packs_load_and_every_rule_has_its_source() -> None:
    book = load_rulebook()
    assert {pack.name for pack in book.packs} == {
        "core", "house", "cn", "us", "us-ma", "uk", "eu", "de", "au", "in",
    }  # fmt: skip
    for pack in book.packs:
        for rule in pack.rules:
            assert rule.citation
            assert len(rule.vectors) >= 2
            assert (rule.confidence == "house") == (pack.layer != "law")


def test_a_pack_of_ones_own_is_added_from_a_file_or_a_folder(write: Write, tmp_path: Path) -> None:
    for extra in (write(GOOD), tmp_path):
        assert [pack.name for pack in load_rulebook(extra).law_of("XX")] == ["sample"]


def test_a_house_policy_for_a_place_does_not_make_its_law_known(write: Write) -> None:
    policy = GOOD.replace('jurisdiction = "XX"', 'jurisdiction = "XX"\nlayer = "house"')
    book = load_rulebook(write(policy))
    assert "sample" in {pack.name for pack in book.applying("XX")}
    assert book.law_of("XX") == ()


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("22:00:00\nend", "22:00:01\nend", r"pack sample, rule quiet_hours, vector 2 .*expected block"),
        ("2026-03-03T08:00:00", "2026-03-03T09:00:00", r"vector 2 .*rule says 2026-03-03 08:00:00"),
        ('expect = "allow"', 'expect = "block"', r'rule quiet_hours: has no vector with expect = "allow"'),
        ("vectors = [", "examples = [", r"unknown field `examples`.*rules\[0\]"),
        ("start = ", "begin = ", r"missing required field `start`|unknown field `begin`"),
        ("title = ", "titel = ", r"titel|title"),
        ('kind = "quiet_hours"', 'kind = "loud_hours"', r"loud_hours.*rules\[0\]\.kind"),
        ('confidence = "A"', 'confidence = "sure"', r"sure.*confidence"),
        ("end = 08:00:00", "end = 22:00:00", r"`start` and `end` are the same"),
        ("T21:59:59", "T21:59:59Z", r"vectors\[0\]\.at"),
        ("effective_from = 2026-01-01\nstart", "effective_from = 2026-06-01\nstart", r"vector 2 .*allow"),
        ('time_zone = "Asia/Shanghai"', 'time_zone = "Asia/Nowhere"', r"no such time zone: 'Asia/Nowhere'"),
        ('time_zone = "Asia/Shanghai"', 'time_zone = ""', r"no such time zone"),
        ('jurisdiction = "XX"', 'jurisdiction = "China"', r"jurisdiction"),
        ('confidence = "A"', 'confidence = "C"\nagreement = "overrides"', r"quiet_hours: confidence C may only tighten"),
        ("start = 22:00:00\nend = 08:00:00", 'calendar = "none"\nhours = [{ start = 08:00:00, end = 22:00:00 }]', r"unknown field `calendar`|has no calendar 'none'"),
        ('jurisdiction = "XX"', 'jurisdiction = "XX"\nmembers = ["Mars"]', r"members"),
        ("start = ", 'when = { licence = "x" }\nstart = ', r"unknown field `licence`.*when"),
        ("start = ", 'acts = ["dance"]\nstart = ', r"dance.*acts"),
        ('name = "sample"', 'name = "house"', r"pack house: there are two of this name"),
        ("version", "= version", r"sample\.toml: is not TOML"),
    ],
)  # fmt: skip
def test_a_bad_pack_is_refused_and_says_where(
    write: Write, old: str, new: str, complaint: str
) -> None:
    assert old in GOOD
    with pytest.raises(BadFile, match=complaint):
        load_rulebook(write(GOOD.replace(old, new)))


def test_a_rule_without_examples_does_not_load(write: Write) -> None:
    with pytest.raises(PackError, match="pack sample, rule quiet_hours: has no vector"):
        load_rulebook(write(GOOD[: GOOD.index("vectors")]))


CALENDAR = """
[[calendars]]
name = "days"
citation = "this test"
covers_from = 2026-01-01
covers_to = 2026-12-31
days = [2026-03-03]
"""


def by_hours(text: str, calendar: str) -> str:
    """The sample with hours of a calendar instead of quiet hours."""
    hours = 'hours = [{ days = ["mon", "tue", "wed"], start = 08:00:00, end = 22:00:00 }]'
    text = text.replace("start = 22:00:00\nend = 08:00:00", f'calendar = "days"\n{hours}')
    text = text.replace('kind = "quiet_hours"', 'kind = "contact_hours"')
    return text.replace("\n[[rules]]", f"{calendar}\n[[rules]]").replace("-03T08", "-04T08")


def test_hours_take_their_holidays_from_a_calendar_of_the_pack(write: Write) -> None:
    assert load_rulebook(write(by_hours(GOOD, CALENDAR))).law_of("XX")
    with pytest.raises(PackError, match="rule quiet_hours: the pack has no calendar 'days'; add"):
        load_rulebook(write(by_hours(GOOD, "")))
    with pytest.raises(BadFile, match=r"`days` has 2027-01-01, which the calendar does not cover"):
        load_rulebook(write(by_hours(GOOD, CALENDAR.replace("[2026-03-03]", "[2027-01-01]"))))


def easter(year: int) -> date:
    """The Sunday, by the Gregorian reckoning of golden number, epact and Sunday letter."""
    golden, century = year % 19 + 1, year // 100 + 1
    leap, moon = 3 * century // 4 - 12, (8 * century + 5) // 25 - 5
    epact = (11 * golden + 20 + moon - leap) % 30
    epact += epact == 24 or (epact == 25 and golden > 11)
    full = 44 - epact + 30 * (epact > 23)
    sunday = full + 7 - (5 * year // 4 - leap - 10 + full) % 7
    return date(year, 3, 1) + timedelta(days=sunday - 1)


def with_mondays(*holidays: date) -> set[date]:
    """The days, and for each at a weekend the next working day that is not one of them already."""
    kept = set(holidays)
    for day in holidays:
        following = (day + timedelta(days=ahead) for ahead in range(1, 6))
        if day.weekday() > 4:
            kept.add(next(each for each in following if each.weekday() < 5 and each not in kept))
    return kept


def test_the_australian_calendar_has_every_national_holiday_of_its_years_and_few_others() -> None:
    (pack,) = (pack for pack in load_rulebook().packs if pack.name == "au")
    (calendar,) = pack.calendars
    years = range(calendar.covers_from.year, calendar.covers_to.year + 1)
    assert (calendar.covers_from, calendar.covers_to) == (
        date(years[0], 1, 1),
        date(years[-1], 12, 31),
    )
    wanted: set[date] = set()
    for year in years:
        june = date(year, 6, 1)
        wanted |= {easter(year) - timedelta(2), easter(year) + timedelta(1)}
        wanted |= with_mondays(date(year, 1, 1)) | with_mondays(date(year, 1, 26))
        wanted |= with_mondays(date(year, 4, 25))
        wanted |= with_mondays(date(year, 12, 25), date(year, 12, 26))
        wanted.add(june + timedelta(days=-june.weekday() % 7 + 7))
    assert set(calendar.days) == wanted


def test_every_figure_of_the_law_packs_is_guarded_by_an_example() -> None:
    """Change one figure of a rule by a little, and an example no longer comes out."""
    unguarded = []
    for pack in load_rulebook().packs:
        for number, rule in enumerate(pack.rules):
            for field in ("limit", "days", "minutes", "consent_days"):
                figure = getattr(rule, field, 0)
                if not figure or (
                    field == "days" and getattr(rule, "window", "") not in ("", "rolling_days")
                ):
                    continue
                changed = replace(rule, **{field: figure + 1})
                rules = (*pack.rules[:number], changed, *pack.rules[number + 1 :])
                try:
                    check_pack(replace(pack, rules=rules))
                except PackError:
                    continue
                unguarded.append(f"{pack.name_of(rule)}: {field}")
    assert unguarded == []


def test_two_rules_of_one_id_are_refused(write: Write) -> None:
    with pytest.raises(PackError, match="rule quiet_hours: there are two rules of this id"):
        load_rulebook(write(GOOD + GOOD[GOOD.index("[[rules]]") :]))


def test_an_example_in_an_hour_that_never_was_is_refused(write: Write) -> None:
    lost = '{ at = 2026-03-08T02:30:00, time_zone = "America/New_York", expect = "block" },\n]'
    with pytest.raises(PackError, match="clocks in America/New_York never show 2026-03-08 02:30"):
        load_rulebook(write(GOOD.replace("\n]", "\n  " + lost)))


def test_a_pack_that_is_not_there_or_far_too_large_is_refused(write: Write, tmp_path: Path) -> None:
    with pytest.raises(BadFile, match=r"gone\.toml: cannot be read"):
        load_rulebook(tmp_path / "gone.toml")
    with pytest.raises(BadFile, match="larger than"):
        load_rulebook(write("#" * 1_000_001))
