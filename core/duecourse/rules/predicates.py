"""What each kind of rule answers. Pure and total: every situation gets an answer."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final, Self, assert_never

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
from duecourse.rules.hours import Calendar, Hours, Week, show_hours, show_span
from duecourse.rules.situation import ActiveHold, Arrangement, Finding, Layer, Situation

_ALWAYS: Final = When()
_Plain = (
    kinds.ThirdParty | kinds.AddressedOnly | kinds.OptedOut | kinds.MediumRefused
    | kinds.NeedsConsent | kinds.Prohibited | kinds.Closed | kinds.NothingOwed
)  # fmt: skip
_Content = (
    kinds.RequiredContent | kinds.ForbiddenContent | kinds.DuringArrangement | kinds.NotDue
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
Predicate = Callable[[Situation, Now], Hit | None]


def speak(
    rule: kinds.Rule, situation: Situation, now: Now, origin: Origin = _NOWHERE
) -> Finding | None:
    """Ask one rule. A rule not in force on the debtor's day, or for other channels, is silent."""
    if not (rule.in_force(now.day) and rule.is_about(situation.act, situation.channel)):
        return None
    return Standing.of(rule, origin).answer(situation, now)


class Standing(msgspec.Struct, frozen=True):
    """A rule where it stands, and what answers for it: made once, asked often."""

    rule: kinds.Rule
    origin: Origin
    is_conditional: bool
    predicate: Predicate

    @classmethod
    def of(cls, rule: kinds.Rule, origin: Origin) -> Self:
        return cls(rule, origin, rule.when != _ALWAYS, _predicate(rule, origin))

    def answer(self, situation: Situation, now: Now) -> Finding | None:
        """Ask the rule about an act that it is about, on a day on which it is in force."""
        if self.is_conditional and self.rule.when.answer(situation, now) == "no":
            return None
        hit = self.predicate(situation, now)
        return None if hit is None else self._finding(hit, situation, now)

    def _finding(self, hit: Hit, situation: Situation, now: Now) -> Finding:
        rule, origin = self.rule, self.origin
        return Finding(
            rule=origin.prefix + rule.id,
            citation=rule.citation,
            confidence=rule.confidence,
            layer=origin.layer,
            outcome="advise" if hit.is_advice else rule.outcome,
            says=rule.says,
            zh=rule.zh,
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


def _predicate(rule: kinds.Rule, origin: Origin) -> Predicate:
    found: Predicate
    match rule:
        case kinds.QuietHours():
            found = partial(_quiet_hours, rule)
        case kinds.ContactHours():
            found = partial(_contact_hours, rule, origin.calendars.get(rule.calendar))
        case kinds.MaxContacts() | kinds.PauseAfter() | kinds.MinInterval():
            found = partial(_count, rule)
        case kinds.HoldBlocks():
            found = partial(_hold_blocks, rule)
        case kinds.DuringHold():
            found = partial(_during_hold, rule)
        case kinds.NeedsFirst():
            found = partial(_needs_first, rule)
        case (
            kinds.RequiredContent()
            | kinds.ForbiddenContent()
            | kinds.DuringArrangement()
            | kinds.NotDue()
        ):
            found = _content(rule)
        case _:
            found = _plain(rule)
    return found


def _content(rule: _Content) -> Predicate:
    """Those about what a message contains."""
    found: Predicate
    match rule:
        case kinds.RequiredContent():
            found = partial(_required, rule)
        case kinds.ForbiddenContent():
            found = partial(_forbidden, rule)
        case kinds.DuringArrangement():
            found = partial(_during_arrangement, rule)
        case kinds.NotDue():
            found = partial(_not_due, rule)
        case _:
            assert_never(rule)
    return found


def _plain(rule: _Plain) -> Predicate:
    """Those whose answer time does not change."""
    found: Predicate
    match rule:
        case kinds.ThirdParty():
            found = _third_party
        case kinds.AddressedOnly():
            found = partial(_addressed_only, rule)
        case kinds.OptedOut():
            found = _opted_out
        case kinds.MediumRefused():
            found = _medium_refused
        case kinds.NeedsConsent():
            found = partial(_needs_consent, rule)
        case kinds.Prohibited():
            found = _prohibited
        case kinds.Closed():
            found = _closed
        case kinds.NothingOwed():
            found = _nothing_owed
        case _:
            assert_never(rule)
    return found


# --- plain facts -----------------------------------------------------------------------------


def _third_party(situation: Situation, _: Now) -> Hit | None:
    if situation.holder in {"debtor", "representative", "attorney", ""}:
        return None
    return Hit(inputs={"holder": situation.holder})


def _addressed_only(rule: kinds.AddressedOnly, situation: Situation, _: Now) -> Hit | None:
    if not situation.holder or situation.holder in rule.holders:
        return None
    return Hit(inputs={"holder": situation.holder})


def _opted_out(situation: Situation, _: Now) -> Hit | None:
    left = situation.opted_out and situation.opted_out & {situation.channel, "all"}
    return Hit(inputs={"opted_out": ", ".join(sorted(left))}) if left else None


def _medium_refused(situation: Situation, _: Now) -> Hit | None:
    if not situation.refused_media:
        return None
    at_work = {"workplace"} if situation.point_use == "work" else set[str]()
    refused = situation.refused_media & ({situation.channel, "all"} | at_work)
    return Hit(inputs={"refused": ", ".join(sorted(refused))}) if refused else None


def _needs_consent(rule: kinds.NeedsConsent, situation: Situation, _: Now) -> Hit | None:
    given = rule.consent in situation.consents
    return None if given else Hit(inputs={"needs_consent": rule.consent})


def _prohibited(situation: Situation, _: Now) -> Hit | None:
    return Hit(inputs={"act": situation.act})


def _closed(situation: Situation, _: Now) -> Hit | None:
    is_closed = situation.is_closed or situation.stage == "closed"
    return Hit(inputs={"stage": situation.stage}) if is_closed else None


def _nothing_owed(situation: Situation, _: Now) -> Hit | None:
    return None if situation.has_debt else Hit(inputs={"owed": "nothing"})


# --- hours -----------------------------------------------------------------------------------


def _quiet_hours(rule: kinds.QuietHours, situation: Situation, now: Now) -> Hit | None:
    agreed = _agreed(rule, situation)
    if agreed:
        return _outside(Week(agreed), now, "agreed")
    if not is_within(rule.start, rule.end, now.clock):
        return None
    inputs = {
        "local_time": _show(now.local),
        "time_zone": now.zone.key,
        "quiet": show_span(rule.start, rule.end),
    }
    return Hit(inputs=inputs, until=first_moment_outside(rule.start, rule.end, now))


def _contact_hours(
    rule: kinds.ContactHours, calendar: Calendar | None, situation: Situation, now: Now
) -> Hit | None:
    agreed = _agreed(rule, situation)
    if agreed:
        return _outside(Week(agreed), now, "agreed")
    hours = tuple(each for each in rule.hours if kinds.includes(each.channels, situation.channel))
    if not hours:
        return None
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
    if rule.agreement != "overrides" or not situation.agreed_hours:
        return ()
    return tuple(
        each for each in situation.agreed_hours if kinds.includes(each.channels, situation.channel)
    )


# --- holds and facts -------------------------------------------------------------------------


def _hold_blocks(rule: kinds.HoldBlocks, situation: Situation, now: Now) -> Hit | None:
    if not situation.holds:
        return None
    holds = [hold for hold in situation.holds if rule.what in hold.blocks]
    return _while_held([hold for hold in holds if hold_lasts(hold.until, now)], now)


def _during_hold(rule: kinds.DuringHold, situation: Situation, now: Now) -> Hit | None:
    return _while_held(active(situation, rule.holds, now), now)


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


def _last_day(lasting: Sequence[ActiveHold | Arrangement]) -> date | None:
    days = [each.until for each in lasting if each.until is not None]
    return max(days) if len(days) == len(lasting) else None


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


def _during_arrangement(
    rule: kinds.DuringArrangement, situation: Situation, now: Now
) -> Hit | None:
    """Until the last of them is over, if all of them have a day and nothing is paid."""
    standing = [
        each
        for each in situation.arrangements
        if each.kind in rule.arrangements and hold_lasts(each.until, now)
    ]
    if not standing:
        return None
    last = _last_day(standing)
    inputs = {
        "arrangements": ", ".join(sorted({each.kind for each in standing})),
        "until": last.isoformat() if last is not None else "judged",
    }
    return _not_to_contain(rule.contains, situation, inputs, _end_of(last, now))


def _not_due(rule: kinds.NotDue, situation: Situation, now: Now) -> Hit | None:
    due_on = situation.due_on
    if due_on is None or not hold_lasts(due_on, now):
        return None
    inputs = {"due_on": due_on.isoformat()}
    return _not_to_contain(rule.contains, situation, inputs, _end_of(due_on, now))


def _not_to_contain(
    contains: tuple[str, ...], situation: Situation, inputs: dict[str, str], until: datetime | None
) -> Hit | None:
    """What a message must not contain until then; advice as long as it is not written."""
    if situation.content is None:
        unwritten = {**inputs, "must_not_contain": ", ".join(contains)}
        return Hit(inputs=unwritten, until=until, is_advice=True)
    found = [each for each in contains if each in situation.content]
    return Hit(inputs={**inputs, "contains": ", ".join(found)}, until=until) if found else None


def _show(local: datetime) -> str:
    return local.isoformat(sep=" ", timespec="seconds")
