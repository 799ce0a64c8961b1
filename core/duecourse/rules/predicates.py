"""What each kind of rule answers. Pure and total: every situation gets an answer."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final, assert_never

import msgspec

from duecourse.rules import kinds
from duecourse.rules.clock import (
    Now,
    day_begins,
    day_ends,
    first_moment_outside,
    hold_lasts,
    is_within,
)
from duecourse.rules.conditions import When, active
from duecourse.rules.counting import FAR, over, window_name
from duecourse.rules.hours import Calendar, Hours, Week, show_hours
from duecourse.rules.situation import ActiveHold, Finding, Layer, Situation

_ALWAYS: Final = When()
_Plain = (
    kinds.ThirdParty | kinds.AddressedOnly | kinds.OptedOut | kinds.MediumRefused
    | kinds.NeedsConsent | kinds.Prohibited | kinds.Closed | kinds.NothingOwed
)  # fmt: skip


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A rule spoke: what it saw, and when it falls silent if nothing else happens.

    `is_advice` says what will have to be, before it can be judged.
    """

    inputs: dict[str, str]
    until: datetime | None = None
    is_advice: bool = False


class Origin(msgspec.Struct, frozen=True):
    """Where a rule stands: before its id, among the inputs, whose rule it is, its calendars."""

    prefix: str = ""
    pack: str = ""
    layer: Layer = "core"
    calendars: Mapping[str, Calendar] = {}


_NOWHERE: Final = Origin()


def speak(
    rule: kinds.Rule, situation: Situation, now: Now, origin: Origin = _NOWHERE
) -> Finding | None:
    """Ask one rule. A rule not in force on the debtor's day, or for other channels, is silent."""
    if not (
        situation.act in rule.acts and rule.in_force(now.day) and rule.binds(situation.channel)
    ):
        return None
    if rule.when != _ALWAYS and rule.when.answer(situation, now) == "no":
        return None
    hit = _ask(rule, situation, now, origin)
    if hit is None:
        return None
    return Finding(
        rule=origin.prefix + rule.id,
        citation=rule.citation,
        confidence=rule.confidence,
        layer=origin.layer,
        outcome="advise" if hit.is_advice else rule.outcome,
        says=rule.says,
        inputs={"pack": origin.pack, "channel": situation.channel, **hit.inputs},
        next_lawful_at=_while_it_applies(rule, hit.until, situation, now),
    )


def _while_it_applies(
    rule: kinds.Rule, until: datetime | None, situation: Situation, now: Now
) -> datetime | None:
    """A rule also falls silent when it goes out of force, and when the holds it needs end."""
    ends = [until]
    if rule.effective_to is not None:
        ends.append(_end_of(rule.effective_to, now))
    if rule.when.holds:
        ends.append(_end_of(_last_day(active(situation, rule.when.holds, now)), now))
    return min((end for end in ends if end is not None), default=None)


def _ask(rule: kinds.Rule, situation: Situation, now: Now, origin: Origin) -> Hit | None:
    match rule:
        case kinds.QuietHours():
            hit = _quiet_hours(rule, situation, now)
        case kinds.ContactHours():
            hit = _contact_hours(rule, situation, now, origin)
        case kinds.MaxContacts() | kinds.PauseAfter() | kinds.MinInterval():
            hit = _count(rule, situation, now)
        case kinds.HoldBlocks():
            holds = [hold for hold in situation.holds if rule.what in hold.blocks]
            hit = _while_held([hold for hold in holds if hold_lasts(hold.until, now)], now)
        case kinds.DuringHold():
            hit = _while_held(active(situation, rule.holds, now), now)
        case kinds.NeedsFirst():
            hit = _needs_first(rule, situation, now)
        case kinds.RequiredContent():
            hit = _required(rule, situation, now)
        case kinds.ForbiddenContent():
            hit = _forbidden(rule, situation, now)
        case _:
            inputs = _plain(rule, situation)
            hit = Hit(inputs=inputs) if inputs else None
    return hit


def _plain(rule: _Plain, situation: Situation) -> dict[str, str]:
    """Rules that time does not change: what they saw, nothing when they are silent."""
    match rule:
        case kinds.ThirdParty():
            addressed = situation.holder in {"debtor", "representative", ""}
            seen = {} if addressed else {"holder": situation.holder}
        case kinds.AddressedOnly():
            addressed = situation.holder in {"", *rule.holders}
            seen = {} if addressed else {"holder": situation.holder}
        case kinds.OptedOut():
            left = situation.opted_out & {situation.channel, "all"}
            seen = {"opted_out": ", ".join(sorted(left))} if left else {}
        case kinds.MediumRefused():
            at_work = {"workplace"} if situation.point_use == "work" else set[str]()
            refused = situation.refused_media & ({situation.channel, "all"} | at_work)
            seen = {"refused": ", ".join(sorted(refused))} if refused else {}
        case kinds.NeedsConsent():
            given = rule.consent in situation.consents
            seen = {} if given else {"needs_consent": rule.consent}
        case kinds.Prohibited():
            seen = {"act": situation.act}
        case kinds.Closed():
            is_closed = situation.is_closed or situation.stage == "closed"
            seen = {"stage": situation.stage} if is_closed else {}
        case kinds.NothingOwed():
            seen = {} if situation.has_debt else {"owed": "nothing"}
        case _:
            assert_never(rule)
    return seen


# --- hours -----------------------------------------------------------------------------------


def _quiet_hours(rule: kinds.QuietHours, situation: Situation, now: Now) -> Hit | None:
    agreed = _agreed(rule, situation)
    if agreed:
        return _outside(Week(agreed), now, "agreed")
    if not is_within(rule.start, rule.end, now.local.time()):
        return None
    inputs = {
        "local_time": _show(now.local),
        "time_zone": now.zone.key,
        "quiet": f"{rule.start:%H:%M}-{rule.end:%H:%M}",
    }
    return Hit(inputs=inputs, until=first_moment_outside(rule.start, rule.end, now))


def _contact_hours(
    rule: kinds.ContactHours, situation: Situation, now: Now, origin: Origin
) -> Hit | None:
    agreed = _agreed(rule, situation)
    if agreed:
        return _outside(Week(agreed), now, "agreed")
    hours = tuple(each for each in rule.hours if kinds.includes(each.channels, situation.channel))
    if not hours:
        return None
    calendar = origin.calendars.get(rule.calendar) if rule.calendar else None
    return _outside(Week(hours, calendar), now, "open")


def _outside(week: Week, now: Now, word: str) -> Hit | None:
    if week.is_open(now.local):
        return None
    inputs = {
        "local_time": _show(now.local),
        "time_zone": now.zone.key,
        "day": week.day_name(now.day) or "not covered by the calendar",
        word: show_hours(week.hours),
    }
    return Hit(inputs=inputs, until=week.next_open(now))


def _agreed(rule: kinds.QuietHours | kinds.ContactHours, situation: Situation) -> tuple[Hours, ...]:
    """The hours that take the place of the rule's own, if it lets them."""
    if rule.agreement != "overrides":
        return ()
    return tuple(
        each for each in situation.agreed_hours if kinds.includes(each.channels, situation.channel)
    )


# --- holds and facts -------------------------------------------------------------------------


def _while_held(holds: list[ActiveHold], now: Now) -> Hit | None:
    """Until the last of the holds ends, if all of them do and it can be foreseen."""
    if not holds:
        return None
    last = _last_day(holds)
    inputs = {
        "holds": ", ".join(sorted({hold.kind for hold in holds})),
        "until": last.isoformat() if last is not None else "lifted",
    }
    return Hit(inputs=inputs, until=_end_of(last, now))


def _last_day(holds: list[ActiveHold]) -> date | None:
    days = [hold.until for hold in holds if hold.until is not None]
    return max(days) if len(days) == len(holds) else None


def _end_of(day: date | None, now: Now) -> datetime | None:
    return None if day is None or day - now.day > FAR else day_ends(now.zone, day)


def _needs_first(rule: kinds.NeedsFirst, situation: Situation, now: Now) -> Hit | None:
    since = situation.facts.get(rule.fact)
    if since is None:
        return Hit(inputs={"needs_first": rule.fact})
    if abs(since - now.day) > FAR:
        return None if since < now.day else Hit(inputs={rule.fact: since.isoformat()})
    if rule.days:
        lawful = day_ends(now.zone, since + timedelta(days=rule.days))
    else:
        lawful = day_begins(now.zone, since)
    if lawful <= now.at:
        return None
    inputs = {rule.fact: since.isoformat(), "days": str(rule.days)}
    return Hit(inputs=inputs, until=lawful)


# --- counters --------------------------------------------------------------------------------


def _count(rule: kinds.Counter, situation: Situation, now: Now) -> Hit | None:
    found = over(rule, situation, now)
    if found is None:
        return None
    inputs = {
        "count": str(found.count),
        "limit": str(found.limit),
        "window": window_name(rule),
        "local_time": _show(now.local),
        "time_zone": now.zone.key,
    }
    if found.subject:
        inputs[rule.scope] = found.subject
    return Hit(inputs=inputs, until=found.until)


# --- content ---------------------------------------------------------------------------------


def _required(rule: kinds.RequiredContent, situation: Situation, now: Now) -> Hit | None:
    since = situation.facts.get(rule.unless_fact)
    if since is not None and since <= now.day:
        return None
    content = situation.content
    if rule.if_contains and rule.if_contains not in (content or ()):
        return None
    missing = [each for each in rule.contains if content is None or each not in content]
    if not missing:
        return None
    return Hit(inputs={"must_contain": ", ".join(missing)}, is_advice=content is None)


def _forbidden(rule: kinds.ForbiddenContent, situation: Situation, now: Now) -> Hit | None:
    content = situation.content
    if content is None:
        if rule.when == _ALWAYS or rule.when.answer(situation, now) == "yes":
            return Hit(inputs={"must_not_contain": ", ".join(rule.contains)}, is_advice=True)
        return None
    found = [each for each in rule.contains if each in content]
    return Hit(inputs={"contains": ", ".join(found)}) if found else None


def _show(local: datetime) -> str:
    return local.isoformat(sep=" ", timespec="seconds")
