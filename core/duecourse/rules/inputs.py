"""What a rule saw, put into words: moments, hours, counts, names. Pure."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final

from duecourse.rules.clock import find_zone
from duecourse.rules.hours import WEEKDAYS
from duecourse.rules.situation import Finding
from duecourse.rules.vocabulary import (
    CHANNELS,
    CONTACTS,
    FACTS,
    LABELS,
    OUTCOMES,
    VALUES,
    Both,
    Language,
)

_SPAN: Final = re.compile(r"(\d\d:\d\d)-(\d\d:\d\d)")
_WINDOW: Final = re.compile(r"(\d+) (days|minutes)")
_EVERY: Final = Both("every day", "每天")
_WHOLE_DAY: Final = Both("the whole day", "全天")
_NOT_KNOWN: Final = Both("not known", "未知")
# Named beside what they belong to, or said already with the channel and the source.
_SAID_ELSEWHERE: Final = frozenset({"pack", "channel"})
_NAMES: Final[Mapping[str, Mapping[str, Both]]] = {
    "channel": CHANNELS,
    "opted_out": CHANNELS,
    "refused": CHANNELS,
    "needs_first": FACTS,
    "must_contain": VALUES["content"],
    "must_not_contain": VALUES["content"],
    "contains": VALUES["content"],
}
_FEW: Final = 2
"""So many days of the week are listed; more of them, one after the other, are said as a range."""


def show_moment(at: datetime, time_zone: str, language: Language) -> str:
    """`2026-03-03 08:00 (Asia/Shanghai)`; in UTC where the zone is not known.

    A fraction of a second is rounded up, so that a moment from which on something is lawful is
    never shown too early. A reading that comes twice is shown with its offset.
    """
    if at.microsecond:
        at = at.replace(microsecond=0) + timedelta(seconds=1)
    zone = find_zone(time_zone)
    local = at.astimezone(zone or UTC)
    name = "UTC" if zone is None else zone.key
    if local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset():
        name += f", UTC{local.isoformat()[-6:]}"
    clock = f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"
    day = _show_day(local.date(), language)
    return f"{day} {clock}（{name}）" if language == "zh" else f"{day} {clock} ({name})"


def _show_day(day: date, language: Language) -> str:
    return f"{day.year}年{day.month}月{day.day}日" if language == "zh" else day.isoformat()


def with_utc(at: datetime, time_zone: str, language: Language) -> str:
    """On the debtor's clock, and in UTC."""
    local, utc = (show_moment(at, name, language) for name in (time_zone, "UTC"))
    if local == utc:
        return utc
    return f"{local}，即{utc}" if language == "zh" else f"{local}, that is {utc}"


# --- what the rule saw -----------------------------------------------------------------------


def what_was_seen(finding: Finding, language: Language) -> Iterator[str]:
    """Each input as `label: value`."""
    colon = Both(": ", "：").into(language)
    hidden = frozenset() if finding.layer == "data" else _SAID_ELSEWHERE
    on_a_clock = {"local_time", "time_zone"} <= finding.inputs.keys()
    for key, value in finding.inputs.items():
        if key in hidden or (key == "time_zone" and on_a_clock):
            continue
        if finding.rule == "places_differ":
            shown = OUTCOMES[value].into(language) if value in OUTCOMES else value
        elif key == "local_time" and on_a_clock:
            moment = datetime.fromisoformat(value)
            shown = show_moment(moment, finding.inputs["time_zone"], language)
        else:
            shown = value_of(key, value, language)
        yield f"{label_of(key, language)}{colon}{shown}"


def label_of(key: str, language: Language) -> str:
    known = LABELS.get(key) or FACTS.get(key)
    return known.into(language) if known is not None else key.replace("_", " ")


def value_of(key: str, value: str, language: Language) -> str:
    """The value of an input; what nobody has words for is shown as it is."""
    names = _NAMES.get(key) or VALUES.get(key, {})
    if not value:
        shown = _NOT_KNOWN.into(language)
    elif key in {"quiet", "open", "agreed"}:
        shown = _hours(value, language)
    elif key == "window":
        shown = _window(value, language)
    elif "*" in names:
        shown = names["*"].into(language)
    elif names and (key not in {"day", "until"} or value in names):
        shown = _listed(value, names, language)
    else:
        shown = _moment_or_text(value, language)
    return shown


def _listed(value: str, names: Mapping[str, Both], language: Language) -> str:
    if value in names:
        return names[value].into(language)
    parts = (names[each].into(language) if each in names else each for each in value.split(", "))
    return Both(", ", "、").into(language).join(parts)


def _moment_or_text(value: str, language: Language) -> str:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value
    if moment.tzinfo is not None:
        return show_moment(moment, "UTC", language)
    # Python reads `20260331` too; a number that is no date stays one.
    return value if value.isdecimal() else _show_day(moment.date(), language)


def _window(value: str, language: Language) -> str:
    found = _WINDOW.fullmatch(value)
    if found is None:
        return _listed(value, VALUES["window"], language)
    unit = Both(f" {found[2]}", "天" if found[2] == "days" else "分钟").into(language)
    return f"{found[1]}{unit}"


def contact_of(channel: str, language: Language) -> str:
    known = CONTACTS.get(channel)
    return known.into(language) if known is not None else f'"{channel}"'


# --- hours -----------------------------------------------------------------------------------


def _hours(value: str, language: Language) -> str:
    """`mon tue wed 07:30-21:00, sat 09:00-12:00` as people say it."""
    parts = (_some_hours(each, language) for each in value.split(", "))
    return Both(", ", "，").into(language).join(parts)


def _some_hours(value: str, language: Language) -> str:
    days, _, span = value.rpartition(" ")
    found = _SPAN.fullmatch(span)
    if found is None:
        return value
    start, end = found.groups()
    if start == end:
        shown = _WHOLE_DAY.into(language)
    else:
        next_day = "次日" if end < start and end != "00:00" else ""
        shown = Both(f"{start} to {end}", f"{start}至{next_day}{end}").into(language)
    if not days:
        return shown
    named = _EVERY.into(language) if days == _EVERY.en else _days(days.split(), language)
    return Both(f"{named} {shown}", f"{named}{shown}").into(language)


def _days(days: list[str], language: Language) -> str:
    names = {day: each.into(language) for day, each in VALUES["day"].items()}
    week = [day for day in WEEKDAYS if day in days]
    first = WEEKDAYS.index(week[0]) if week else 0
    if len(week) > _FEW and tuple(week) == WEEKDAYS[first : first + len(week)]:
        named = [Both(" to ", "至").into(language).join((names[week[0]], names[week[-1]]))]
    else:
        named = [names[day] for day in week]
    others = [names.get(day, day) for day in days if day not in week]
    return Both(", ", "、").into(language).join([*named, *others])
