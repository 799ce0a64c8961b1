"""The tables of law read naively, sharing nothing with the rules: own figures, own counting.

A week or a month is read the stricter way: as days of the calendar and as so many times 24 hours.
What is not known - what the collector is, whether a period has run out - is taken as the worse.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import cache
from typing import NamedTuple

from duecourse.case import events as e

BY_PHONE = {"call", "voice-notice"}
IN_PERSON = {"call", "visit"}
UNANSWERED = {"no_answer", "voicemail", "busy"}
ENCLOSED = {"reply_form", "information_sheet", "financial_statement", "statement_of_account"}
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Made(NamedTuple):
    """A contact that reached somebody, or was tried. `how`: sent, talk, unanswered, engaged."""

    at: datetime
    channel: str
    address: str
    party: str
    how: str
    by_us: bool
    debts: tuple[object, ...] = ()


class Act(NamedTuple):
    """A contact that is judged, as the clock on the debtor's wall shows it. `past`: days ago."""

    at: datetime
    local: datetime
    channel: str
    address: str
    holder: str
    use: str
    debts: tuple[object, ...]
    content: tuple[str, ...] | None
    past: list[tuple[Made, int]]
    holds: list[e.HoldPlaced]
    agreed: list[e.AgreedHours]
    consents: set[str]
    facts: dict[str, date]
    licence: str
    products: set[str]
    may_be_barred: bool

    @property
    def minute(self) -> float:
        return self.local.hour * 60 + self.local.minute + self.local.second / 60

    def today(self) -> list[Made]:
        return [made for made, days in self.past if days == 0]

    def in_days(self, days: int) -> list[Made]:
        hours = timedelta(hours=24 * days)
        return [made for made, ago in self.past if ago < days or self.at - made.at < hours]

    def most_about_one_debt(self, made: list[Made]) -> int:
        """What is about no debt in particular is about each."""
        if not self.debts:
            return len(made)
        return max(len([m for m in made if not m.debts or debt in m.debts]) for debt in self.debts)

    def is_agreed(self) -> bool | None:
        """Whether it is within the hours that were agreed; None when none were."""
        agreed = [
            each for each in self.agreed if not each.channels or self.channel in each.channels
        ]
        if not agreed:
            return None
        return any(self._is_within(each) for each in agreed)

    def _is_within(self, hours: e.AgreedHours) -> bool:
        start = hours.start.hour * 60 + hours.start.minute
        end = hours.end.hour * 60 + hours.end.minute
        for back in (0, 1):
            day = WEEK[(self.local.date() - timedelta(days=back)).weekday()]
            last = end if end > start else end + 1440
            if (not hours.days or day in hours.days) and start <= self.minute + back * 1440 < last:
                return True
        return False


def breaks(act: Act, place: str, *, house: bool) -> Iterator[str]:
    """What a contact breaks in a place, by name."""
    if any("outreach" in hold.blocks for hold in act.holds):
        yield "a hold protected the debtor"
    if house:
        yield from _house(act)
    country, _, part = place.partition("-")
    if country not in LAWS:
        yield "nobody knows the law there"
        return
    yield from LAWS[country](act)
    if (country, part) == ("US", "MA"):
        yield from _massachusetts(act)


def _house(act: Act) -> Iterator[str]:
    if not 9 * 60 <= act.minute < 21 * 60:
        yield "house: 21 to 9"
    if act.channel not in IN_PERSON:
        today = [m for m in act.today() if m.how == "sent" and m.channel not in IN_PERSON]
        week = [m for m in act.in_days(7) if m.how == "sent" and m.channel not in IN_PERSON]
        if len(today) >= 1 or len(week) >= 3:
            yield "house: one written a day, three a week"
        return
    ours = [m for m, _ in act.past if m.by_us and m.channel in IN_PERSON]
    talks = [m for m in ours if m.how == "talk"]
    if any(m in talks for m in act.today()) or len([m for m in act.in_days(7) if m in talks]) >= 3:
        yield "house: one conversation a day, three a week"
    if any(act.at - m.at < timedelta(hours=2) for m in ours):
        yield "house: two hours between calls"


def _china(act: Act) -> Iterator[str]:
    agreed = act.is_agreed()
    if agreed is False or (agreed is None and not 8 * 60 <= act.minute < 22 * 60):
        yield "CN: 22 to 8, or outside the hours agreed"
    ours = [m for m in act.today() if m.by_us and m.channel == act.channel]
    if act.channel == "call":
        if len([m for m in ours if m.how == "talk"]) >= 3:
            yield "CN: three conversations a day"
        tries = [m for m in ours if m.how in {"unanswered", "engaged"}]
        number = [m for m in tries if m.address in {act.address, ""}]
        if len(number) >= 6 and act.local.date() >= date(2026, 1, 30):
            yield "CN: six tries of a number a day"
    if act.channel == "voice-notice" and len([m for m in ours if m.how == "sent"]) >= 3:
        yield "CN: three voice notices a day"
    if act.channel == "visit" and ours:
        yield "CN: one visit a day"
    today = act.local.date()
    assigned, told = act.facts.get("assigned"), act.facts.get("assignment_notice")
    if assigned is not None and assigned <= today and (told is None or told > today):
        yield "CN: assigned and not told"
    yield from _threat("CN", act)


def _threat(country: str, act: Act) -> Iterator[str]:
    if act.may_be_barred and "legal_threat" in (act.content or ()):
        yield f"{country}: a threat with a period that may have run out"


def _united_states(act: Act) -> Iterator[str]:
    if act.channel in {"sms", "voice-notice"} and "tcpa" not in act.consents:
        yield "US: TCPA consent"
    if act.licence in {"", "fdcpa_collector"}:
        yield from _debt_collector(act)
        yield from _calls_of_debt_collector(act)


def _debt_collector(act: Act) -> Iterator[str]:
    if not 8 * 60 <= act.minute < 21 * 60:
        yield "US: 21 to 8"
    if act.is_agreed() is False:
        yield "US: an inconvenient time"
    holds = {hold.kind for hold in act.holds}
    if "represented" in holds and act.holder != "representative":
        yield "US: represented"
    if "ceased" in holds:
        yield "US: ceased"
    if holds & {"dispute", "validation"}:
        yield "US: disputed"
    needed = "work_email" if act.channel == "email" else "workplace"
    if act.use == "work" and needed not in act.consents:
        yield "US: at work"
    written = act.content is not None and act.channel in {"email", "sms"}
    if written and "opt_out_line" not in (act.content or ()):
        yield "US: no opt-out line"
    if "validation_notice" in (act.content or ()) and "itemization_date" not in (act.content or ()):
        yield "US: a validation notice without its date"
    yield from _threat("US", act)


def _calls_of_debt_collector(act: Act) -> Iterator[str]:
    if act.channel not in BY_PHONE:
        return
    # Per person: a call that nobody answered was meant for whoever is called now.
    calls = [
        (m, ago)
        for m, ago in act.past
        if m.channel in BY_PHONE and m.party in {act.holder, "nobody"}
    ]
    week = act.in_days(7)
    counted = [m for m, _ in calls if m in week and m.by_us and m.how != "engaged"]
    if act.most_about_one_debt(counted) >= 7:
        yield "US: seven calls in seven days"
    if act.most_about_one_debt([m for m, ago in calls if m.how == "talk" and ago < 7]):
        yield "US: seven days after a conversation"


def _massachusetts(act: Act) -> Iterator[str]:
    calls = [m for m in act.in_days(7) if m.channel in BY_PHONE and m.by_us]
    if act.channel in BY_PHONE and act.most_about_one_debt(calls) >= 2:
        yield "US-MA: two calls in seven days"


def _britain(act: Act) -> Iterator[str]:
    holds = {hold.kind for hold in act.holds}
    if "breathing_space" in holds:
        yield "GB: a breathing space"
    if act.may_be_barred and holds & {"ceased", "dispute"}:
        yield "GB: a barred debt refused"
    if act.is_agreed() is False:
        yield "GB: not at the times asked for"
    adviser = act.facts.get("debt_adviser")
    if adviser is not None and 0 <= (act.local.date() - adviser).days <= 30:
        yield "GB: thirty days with an adviser"
    content = set(act.content or ())
    if "letter_of_claim" in content and len(content & ENCLOSED) < 4:
        yield "GB: a letter of claim without what it encloses"
    yield from _threat("GB", act)


def _germany(_: Act) -> Iterator[str]:
    """Nobody but the debtor is addressed, as everywhere."""
    yield from ()


def _australia(act: Act) -> Iterator[str]:
    day = act.local.date()
    weekend, off = day.weekday() >= 5, _is_holiday(day)
    if act.channel in BY_PHONE and (off or not (540 if weekend else 450) <= act.minute < 21 * 60):
        yield "AU: hours of the telephone"
    if act.channel == "visit" and (off or not 540 <= act.minute < 21 * 60):
        yield "AU: hours of visits"
    at_work = act.use == "work" and act.channel in {*BY_PHONE, "visit"}
    if at_work and (off or weekend or not 540 <= act.minute < 17 * 60):
        yield "AU: hours at work"
    if act.channel == "visit":
        return
    for days, most in ((7, 3), (31, 10)):
        reached = [
            m
            for m in act.in_days(days)
            if m.by_us and m.channel != "visit" and m.how in {"sent", "talk"}
        ]
        if act.most_about_one_debt(reached) >= most:
            yield f"AU: {most} contacts in {days} days"


def _india(act: Act) -> Iterator[str]:
    night = not 8 * 60 <= act.minute < 19 * 60
    if act.channel in BY_PHONE and night and act.products != {"microfinance"}:
        yield "IN: 19 to 8"


LAWS = {
    "CN": _china, "US": _united_states, "GB": _britain, "DE": _germany, "AU": _australia,
    "IN": _india,
}  # fmt: skip

# --- Australian holidays, by reckoning ----------------------------------------------------------


@cache
def _is_holiday(day: date) -> bool:
    """A national public holiday, or the working day kept in its place. Anzac Day is not moved."""
    year = day.year
    easter = _easter(year)
    fixed = [date(year, 1, 1), date(year, 1, 26), date(year, 12, 25), date(year, 12, 26)]
    kept = {date(year, 4, 25), easter - timedelta(days=2), easter + timedelta(days=1), *fixed}
    for holiday in fixed:
        if holiday.weekday() >= 5:
            instead = holiday
            while instead.weekday() >= 5 or instead in kept:
                instead += timedelta(days=1)
            kept.add(instead)
    return day in kept


def _easter(year: int) -> date:
    """The Sunday after the first full moon of the church's spring."""
    golden = year % 19
    century = year // 100
    moon = (century - century // 4 - (8 * century + 13) // 25 + 19 * golden + 15) % 30
    moon -= moon // 28 * (1 - 29 // (moon + 1) * ((21 - golden) // 11))
    weekday = (year + year // 4 + moon + 2 - century + century // 4) % 7
    return date(year, 3, 28) + timedelta(days=moon - weekday)
