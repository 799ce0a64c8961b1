"""Counting past contacts in a window on the debtor's clock."""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from duecourse.rules import kinds
from duecourse.rules.clock import Now, day_begins, day_ends, to_utc
from duecourse.rules.situation import PastContact, Situation

_DAY: Final = timedelta(days=1)
FAR: Final = timedelta(days=400)
"""Longer than any window or search: what lies further off changes no answer."""
_WINDOW_DAYS: Final = {"calendar_day": 1, "calendar_week": 7, "calendar_month": 31}

Span = tuple[datetime, datetime]


class Spans(msgspec.Struct, frozen=True):
    """When each counted contact begins and ceases to count, each sorted. It counts in [in, out)."""

    begins: list[datetime]
    ends: list[datetime]

    def count(self, at: datetime) -> int:
        return bisect_right(self.begins, at) - bisect_right(self.ends, at)

    def first_below(self, limit: int, after: datetime) -> datetime | None:
        later = self.ends[bisect_right(self.ends, after) :]
        return next((moment for moment in later if self.count(moment) < limit), None)


class Over(msgspec.Struct, frozen=True, kw_only=True):
    """A limit that is reached: how many count, and from when on fewer do, on every subject."""

    count: int
    limit: int
    until: datetime | None
    subject: str = ""


def over(rule: kinds.Counter, situation: Situation, now: Now) -> Over | None:
    """Count for each debt or account that the act is about; one that is over is enough."""
    limit = rule.limit if isinstance(rule, kinds.MaxContacts) else 1
    subjects = {
        subject: _spans(rule, situation, now, subject) for subject in _subjects(rule, situation)
    }
    counts = {subject: spans.count(now.at) for subject, spans in subjects.items()}
    worst = max(counts, key=lambda subject: counts[subject])
    if counts[worst] < limit:
        return None
    until = _all_below(limit, list(subjects.values()), now.at)
    return Over(count=counts[worst], limit=limit, until=until, subject=worst)


def window_name(rule: kinds.Counter) -> str:
    match rule:
        case kinds.MinInterval():
            return f"{rule.minutes} minutes"
        case kinds.MaxContacts() if rule.window != "rolling_days":
            return rule.window.replace("_", " ")
        case _:
            return f"{rule.days} days"


def _all_below(limit: int, subjects: list[Spans], at: datetime) -> datetime | None:
    """The first moment at which no subject is over; each step waits for one that is."""
    moment = at
    while full := [spans for spans in subjects if spans.count(moment) >= limit]:
        ends = [spans.first_below(limit, moment) for spans in full]
        known = [end for end in ends if end is not None]
        if len(known) < len(ends):
            return None
        moment = max(known)
    return moment


def _subjects(rule: kinds.Counter, situation: Situation) -> tuple[str, ...]:
    """What is counted for: each debt or account of the act, or the one that stands for all."""
    if rule.scope == "debt":
        return situation.debts or ("",)
    if rule.scope == "account":
        return situation.accounts or ("",)
    return ("",)


def _spans(rule: kinds.Counter, situation: Situation, now: Now, subject: str) -> Spans:
    spans = [_in_window(rule, each, now) for each in _counted(rule, situation, now, subject)]
    return Spans(sorted(begin for begin, _ in spans), sorted(end for _, end in spans))


def _counted(rule: kinds.Counter, situation: Situation, now: Now, subject: str) -> Iterator[Span]:
    """First and last moment of each contact that the rule counts; the same but for a pending.

    Nothing that ended longer ago than the window reaches can matter.
    """
    since = now.at - _reach(rule)
    for is_pending, contacts in ((False, situation.past), (True, situation.pending)):
        for contact in contacts:
            if (
                (contact.at > since or (contact.expires_at or contact.at) > since)
                and _counts(rule, contact, is_pending=is_pending)
                and _concerns(rule, contact, situation, subject)
            ):
                yield from _near(contact, now)


def _reach(rule: kinds.Counter) -> timedelta:
    match rule:
        case kinds.MinInterval():
            return timedelta(minutes=rule.minutes)
        case kinds.MaxContacts() if rule.window != "rolling_days":
            return (_WINDOW_DAYS[rule.window] + 3) * _DAY
        case _:
            return (rule.days + 3) * _DAY


def _counts(rule: kinds.Counter, contact: PastContact, *, is_pending: bool) -> bool:
    """A pending permission can still become any kind of contact, with anybody."""
    if rule.counted_channels:
        fits = kinds.includes(rule.counted_channels, contact.channel)
    else:
        fits = rule.binds(contact.channel)
    return (
        fits
        and contact.initiator in rule.initiators
        and (
            is_pending
            or (
                contact.kind in rule.kinds
                and contact.party in rule.parties
                and not _is_excluded(rule, contact)
            )
        )
    )


def _is_excluded(rule: kinds.Counter, contact: PastContact) -> bool:
    for excluded in rule.excludes:
        if excluded == "not_connected":
            found = not contact.number_reached
        elif excluded == "consented":
            found = _is_consented(contact, rule.consent_days * _DAY)
        else:
            found = excluded == f"to_{contact.party}"
        if found:
            return True
    return False


def _is_consented(contact: PastContact, within: timedelta) -> bool:
    if contact.consented_at is None:
        return False
    return timedelta(0) <= to_utc(contact.at) - to_utc(contact.consented_at) <= within


def _concerns(
    rule: kinds.Counter, contact: PastContact, situation: Situation, subject: str
) -> bool:
    """Whether the contact falls into the rule's scope; what is not known about it counts."""
    if rule.person == "same" and situation.holder:
        others = set(kinds.EVERYBODY) - {"nobody", situation.holder}
        if contact.party in others:
            return False
    match rule.scope:
        case "creditor_group":
            return True
        case "point":
            concerns = contact.point_id in {situation.point_id, ""}
        case "debt":
            concerns = not subject or not contact.debts or subject in contact.debts
        case "account":
            concerns = not subject or not contact.accounts or subject in contact.accounts
        case _:
            concerns = True
    return concerns and contact.by == "us"


def _near(contact: PastContact, now: Now) -> Iterator[Span]:
    """Moments in UTC, cut to where date arithmetic is safe."""
    first = to_utc(contact.at)
    last = first if contact.expires_at is None else max(first, to_utc(contact.expires_at))
    if first <= now.at + FAR:
        yield max(first, now.at - FAR), min(last, now.at + FAR)


# --- windows ---------------------------------------------------------------------------------


def _in_window(rule: kinds.Counter, span: Span, now: Now) -> Span:
    """From when until when the window that ends with now holds the contact."""
    first, last = span
    if isinstance(rule, kinds.MinInterval):
        gap = timedelta(minutes=rule.minutes)
        return first - gap, last + gap
    begins = day_begins(now.zone, first.astimezone(now.zone).date())
    day = last.astimezone(now.zone).date()
    if rule.starts_on == "next_day":
        last, day = day_ends(now.zone, day), day + _DAY
    if isinstance(rule, kinds.MaxContacts) and rule.window != "rolling_days":
        return begins, day_ends(now.zone, _last_day(rule.window, day))
    by_calendar = day_ends(now.zone, day + (rule.days - 1) * _DAY)
    by_hours = last + rule.days * _DAY
    ends = {"calendar": by_calendar, "hours": by_hours, "stricter": max(by_calendar, by_hours)}
    return begins, ends[rule.reading]


def _last_day(window: str, day: date) -> date:
    """The last day of the day, week (Monday to Sunday) or month that holds `day`."""
    if window == "calendar_week":
        return day + (6 - day.weekday()) * _DAY
    if window == "calendar_month":
        next_month = (day.replace(day=1) + 32 * _DAY).replace(day=1)
        return next_month - _DAY
    return day
