"""What each kind of rule answers. Pure and total: every situation gets an answer."""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final, assert_never

import msgspec

from duecourse.rules import kinds
from duecourse.rules.clock import (
    Now,
    day_begins,
    day_ends,
    first_moment_outside,
    is_within,
    to_utc,
)
from duecourse.rules.situation import Finding, Layer, PastContact, Situation

_DAY: Final = timedelta(days=1)
# Longer than any window or search: what lies further off changes no answer.
_FAR: Final = timedelta(days=400)


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A rule spoke: what it saw, and when it falls silent if nothing else happens."""

    inputs: dict[str, str]
    until: datetime | None = None


class Origin(msgspec.Struct, frozen=True):
    """Where a rule stands: before its id, among the inputs, and whose rule it is."""

    prefix: str = ""
    pack: str = ""
    layer: Layer = "core"


_NOWHERE: Final = Origin()


def speak(
    rule: kinds.Rule, situation: Situation, now: Now, origin: Origin = _NOWHERE
) -> Finding | None:
    """Ask one rule. A rule not in force on the debtor's day, or for other channels, is silent."""
    if not (rule.in_force(now.day) and rule.binds(situation.channel)):
        return None
    hit = _ask(rule, situation, now)
    if hit is None:
        return None
    return Finding(
        rule=origin.prefix + rule.id,
        citation=rule.citation,
        confidence=rule.confidence,
        layer=origin.layer,
        outcome=rule.outcome,
        says=rule.says,
        inputs={"pack": origin.pack, "channel": situation.channel, **hit.inputs},
        next_lawful_at=_while_in_force(rule, hit.until, now),
    )


def _while_in_force(rule: kinds.Rule, until: datetime | None, now: Now) -> datetime | None:
    """A rule also falls silent on the day it goes out of force."""
    if rule.effective_to is None or rule.effective_to > now.day + _FAR:
        return until
    end = day_ends(now.zone, rule.effective_to)
    return end if until is None else min(until, end)


def _ask(rule: kinds.Rule, situation: Situation, now: Now) -> Hit | None:
    match rule:
        case kinds.QuietHours():
            hit = _quiet_hours(rule, now)
        case kinds.MaxContacts():
            hit = _max_contacts(rule, situation, now)
        case kinds.MinInterval():
            hit = _min_interval(rule, situation, now)
        case kinds.HoldBlocks():
            hit = _hold_blocks(rule, situation, now)
        case kinds.ThirdParty():
            addressed = situation.holder in {"debtor", "representative", ""}
            hit = None if addressed else Hit(inputs={"holder": situation.holder})
        case kinds.OptedOut():
            left = situation.opted_out & {situation.channel, "all"}
            hit = Hit(inputs={"opted_out": ", ".join(sorted(left))}) if left else None
        case kinds.Closed():
            is_closed = situation.is_closed or situation.stage == "closed"
            hit = Hit(inputs={"stage": situation.stage}) if is_closed else None
        case kinds.NothingOwed():
            hit = None if situation.has_debt else Hit(inputs={"owed": "nothing"})
        case _:
            assert_never(rule)
    return hit


def _quiet_hours(rule: kinds.QuietHours, now: Now) -> Hit | None:
    if not is_within(rule.start, rule.end, now.local.time()):
        return None
    inputs = {
        "local_time": _show(now.local),
        "time_zone": now.zone.key,
        "quiet": f"{rule.start:%H:%M}-{rule.end:%H:%M}",
    }
    return Hit(inputs=inputs, until=first_moment_outside(rule.start, rule.end, now))


def _hold_blocks(rule: kinds.HoldBlocks, situation: Situation, now: Now) -> Hit | None:
    active = [
        hold
        for hold in situation.holds
        if rule.what in hold.blocks and (hold.until is None or _lasts(hold.until, now))
    ]
    if not active:
        return None
    days = [hold.until for hold in active if hold.until is not None]
    last = max(days) if len(days) == len(active) else None
    inputs = {
        "holds": ", ".join(sorted({hold.kind for hold in active})),
        "until": last.isoformat() if last is not None else "lifted",
    }
    if last is None or last - now.day > _FAR:
        return Hit(inputs=inputs)
    return Hit(inputs=inputs, until=day_ends(now.zone, last))


def _lasts(until: date, now: Now) -> bool:
    """Whether the day `until` is not over yet."""
    if abs(until - now.day) > _DAY:
        return until > now.day
    return now.at < day_ends(now.zone, until)


# --- counters --------------------------------------------------------------------------------


class Spans(msgspec.Struct, frozen=True):
    """When each counted contact begins and ceases to count, each sorted. It counts in [in, out)."""

    begins: list[datetime]
    ends: list[datetime]

    def count(self, at: datetime) -> int:
        return bisect_right(self.begins, at) - bisect_right(self.ends, at)

    def first_below(self, limit: int, after: datetime) -> datetime | None:
        later = self.ends[bisect_right(self.ends, after) :]
        return next((moment for moment in later if self.count(moment) < limit), None)


def _max_contacts(rule: kinds.MaxContacts, situation: Situation, now: Now) -> Hit | None:
    contacts = list(_counted(rule, situation, now, (rule.days + 2) * _DAY))
    if len(contacts) < rule.limit:
        return None
    spans = [_in_window(rule, first, last, now) for first, last in contacts]
    return _over(rule.limit, spans, now, window=_window_name(rule))


def _min_interval(rule: kinds.MinInterval, situation: Situation, now: Now) -> Hit | None:
    gap = timedelta(minutes=rule.minutes)
    spans = [(first - gap, last + gap) for first, last in _counted(rule, situation, now, gap)]
    return _over(1, spans, now, window=f"{rule.minutes} minutes")


def _over(limit: int, spans: list[tuple[datetime, datetime]], now: Now, window: str) -> Hit | None:
    sorted_spans = Spans(sorted(begin for begin, _ in spans), sorted(end for _, end in spans))
    count = sorted_spans.count(now.at)
    if count < limit:
        return None
    inputs = {
        "count": str(count),
        "limit": str(limit),
        "window": window,
        "local_time": _show(now.local),
        "time_zone": now.zone.key,
    }
    return Hit(inputs=inputs, until=sorted_spans.first_below(limit, now.at))


def _counted(
    rule: kinds.Counter, situation: Situation, now: Now, reach: timedelta
) -> Iterator[tuple[datetime, datetime]]:
    """First and last moment of each contact that the rule counts; the same but for a pending.

    Nothing that ended longer ago than `reach` can matter.
    """
    since = now.at - reach
    for is_pending, contacts in ((False, situation.past), (True, situation.pending)):
        for contact in contacts:
            if (
                (contact.at > since or (contact.expires_at or contact.at) > since)
                and _counts(rule, contact, is_pending=is_pending)
                and (rule.scope == "debtor" or contact.point_id in {situation.point_id, ""})
            ):
                yield from _near(contact, now)


def _counts(rule: kinds.Counter, contact: PastContact, *, is_pending: bool) -> bool:
    """A pending permission can still become any kind of contact, with anybody."""
    if rule.counted_channels:
        fits = kinds.includes(rule.counted_channels, contact.channel)
    else:
        fits = rule.binds(contact.channel)
    return (
        fits
        and contact.initiator in rule.initiators
        and (is_pending or (contact.kind in rule.counts and contact.party in rule.parties))
    )


def _near(contact: PastContact, now: Now) -> Iterator[tuple[datetime, datetime]]:
    """Moments in UTC, cut to where date arithmetic is safe."""
    first = to_utc(contact.at)
    last = first if contact.expires_at is None else max(first, to_utc(contact.expires_at))
    if first <= now.at + _FAR:
        yield max(first, now.at - _FAR), min(last, now.at + _FAR)


def _in_window(
    rule: kinds.MaxContacts, first: datetime, last: datetime, now: Now
) -> tuple[datetime, datetime]:
    """From when until when the window that ends with today holds the contact."""
    begins = day_begins(now.zone, first.astimezone(now.zone).date())
    last_day = last.astimezone(now.zone).date() + (rule.days - 1) * _DAY
    by_calendar, by_hours = day_ends(now.zone, last_day), last + rule.days * _DAY
    if rule.window == "calendar_day" or rule.reading == "calendar":
        return begins, by_calendar
    return begins, by_hours if rule.reading == "hours" else max(by_calendar, by_hours)


def _window_name(rule: kinds.MaxContacts) -> str:
    return "calendar day" if rule.window == "calendar_day" else f"{rule.days} days"


def _show(local: datetime) -> str:
    return local.isoformat(sep=" ", timespec="seconds")
