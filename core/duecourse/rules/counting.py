"""Counting past contacts in a window on the debtor's clock."""

from bisect import bisect_right
from datetime import date, datetime, timedelta
from typing import Final

import msgspec

from duecourse.rules import kinds
from duecourse.rules.clock import Now, day_begins, day_ends, to_utc
from duecourse.rules.situation import PastContact, Situation

_DAY: Final = timedelta(days=1)
FAR: Final = timedelta(days=400)
"""Longer than any window or search: what lies further off changes no answer."""

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
    counted = _counted(rule, situation, now)
    if len(counted) < limit:
        return None
    subjects = {
        subject: _spans(rule, situation, now, subject, counted)
        for subject in _subjects(rule, situation)
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


def _spans(
    rule: kinds.Counter,
    situation: Situation,
    now: Now,
    subject: str,
    counted: list[PastContact],
) -> Spans:
    near = [
        _near(contact, now) for contact in counted if _concerns(rule, contact, situation, subject)
    ]
    spans = [_in_window(rule, span, now) for span in near if span is not None]
    return Spans(sorted(begin for begin, _ in spans), sorted(end for _, end in spans))


def _counted(rule: kinds.Counter, situation: Situation, now: Now) -> list[PastContact]:
    """The contacts that the rule counts, whatever they were about.

    A pending permission can still become any kind of contact, with anybody.
    """
    since = now.at - rule.reach
    past = [each for each in recent(situation.past, since) if _is_of_kind(rule, each, now)]
    return [each for each in (*past, *recent(situation.pending, since)) if _fits(rule, each)]


def recent(contacts: tuple[PastContact, ...], since: datetime) -> list[PastContact]:
    """Those that had not ended by then."""
    return [
        contact
        for contact in contacts
        if contact.at > since or (contact.expires_at is not None and contact.expires_at > since)
    ]


def _fits(rule: kinds.Counter, contact: PastContact) -> bool:
    if contact.initiator not in rule.initiators:
        return False
    if rule.counted_channels:
        return kinds.includes(rule.counted_channels, contact.channel)
    return rule.binds(contact.channel)


def _is_of_kind(rule: kinds.Counter, contact: PastContact, now: Now) -> bool:
    return (
        contact.kind in rule.kinds
        and contact.party in rule.parties
        and not (rule.excludes and _is_excluded(rule, contact, now))
    )


def _is_excluded(rule: kinds.Counter, contact: PastContact, now: Now) -> bool:
    for excluded in rule.excludes:
        if excluded == "not_connected":
            found = not contact.number_reached
        elif excluded == "consented":
            found = _is_consented(contact, rule.consent_days, now)
        else:
            found = excluded == f"to_{contact.party}"
        if found:
            return True
    return False


def _is_consented(contact: PastContact, days: int, now: Now) -> bool:
    """Whether it was made on one of so many days, of which the day of the consent is the first."""
    if contact.consented_at is None:
        return False
    given, made = to_utc(contact.consented_at), to_utc(contact.at)
    if not given <= made <= min(given + (days + 1) * _DAY, now.at + FAR):
        return False  # and so far from the ends of the calendar, or without any effect
    first, day = given.astimezone(now.zone).date(), made.astimezone(now.zone).date()
    return (day - first).days < days


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


def _near(contact: PastContact, now: Now) -> Span | None:
    """First and last moment, the same but for a pending: in UTC, cut to where arithmetic is safe."""
    first = to_utc(contact.at)
    last = first if contact.expires_at is None else max(first, to_utc(contact.expires_at))
    if first > now.at + FAR:
        return None
    return max(first, now.at - FAR), min(last, now.at + FAR)


# --- windows ---------------------------------------------------------------------------------


def _in_window(rule: kinds.Counter, span: Span, now: Now) -> Span:
    """From when until when the window that ends with now holds the contact."""
    first, last = span
    if isinstance(rule, kinds.MinInterval):
        gap = timedelta(minutes=rule.minutes)
        return first - gap, last + gap
    day = first.astimezone(now.zone).date()
    begins = day_begins(now.zone, day)
    if last != first:
        day = last.astimezone(now.zone).date()
    if rule.starts_on == "next_day":
        last, day = day_ends(now.zone, day), day + _DAY
    if isinstance(rule, kinds.MaxContacts) and rule.window != "rolling_days":
        return begins, day_ends(now.zone, _last_day(rule.window, day))
    ends = []
    if rule.reading != "hours":
        ends.append(day_ends(now.zone, day + (rule.days - 1) * _DAY))
    if rule.reading != "calendar":
        ends.append(last + rule.days * _DAY)
    return begins, max(ends)


def _last_day(window: str, day: date) -> date:
    """The last day of the day, week (Monday to Sunday) or month that holds `day`."""
    if window == "calendar_week":
        return day + (6 - day.weekday()) * _DAY
    if window == "calendar_month":
        next_month = (day.replace(day=1) + 32 * _DAY).replace(day=1)
        return next_month - _DAY
    return day
