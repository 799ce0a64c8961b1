"""May this contact be made now? One function, pure and total, at request and at dispatch alike."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Final

from msgspec.structs import replace

from duecourse.rules.clock import Now, day_begins, find_zone, is_aware, now
from duecourse.rules.counting import recent
from duecourse.rules.pack import RuleBook, load_rulebook
from duecourse.rules.places import path
from duecourse.rules.situation import (
    LAYERS,
    OUTCOMES,
    ActiveHold,
    Finding,
    Outcome,
    PastContact,
    Place,
    Situation,
    Verdict,
)

__all__ = [
    "ActiveHold",
    "Finding",
    "PastContact",
    "Place",
    "RuleBook",
    "Situation",
    "Verdict",
    "judge",
    "load_rulebook",
]

ALLOWED: Final = Verdict(outcome="allow")
HORIZON: Final = timedelta(days=92)
"""How far ahead the next lawful moment is looked for."""
MAX_STEPS: Final = 400
FEW: Final = 16
"""As many past contacts are looked through sooner than made fewer."""
_YEARS: Final = range(1900, 9000)

Here = tuple[str, Situation]
"""The name of a place, and the situation there."""

UNKNOWN_BLOCKS: Final = "Duecourse: what is unknown blocks"
WHAT_IS_NOTED: Final = (
    "Duecourse: of several places the strictest decides, and what is not sure is said"
)
_UNKNOWN: Final = {
    "unknown_time_zone": "It is not known what time it is where the debtor lives.",
    "unknown_jurisdiction": "It is not known whose law protects the debtor, or it has no pack.",
    "no_pack_in_force": "No rules of the debtor's jurisdiction are in force on this day.",
    "no_usable_address": "There is no address for this channel that may be used.",
}
PLACES_DIFFER: Final = (
    "The debtor may live in any of these places, and they disagree; the strictest decides."
)
PART_WITHOUT_PACK: Final = (
    "This part of the country has no pack of its own; only the rules of the whole were asked."
)
NO_COMMON_MOMENT: Final = (
    "Each of these places has lawful moments, but none was found that is lawful in all of them."
)


def judge(
    book: RuleBook, situation: Situation, at: datetime, *, look_ahead: bool = True
) -> Verdict:
    """Ask every rule in force about one contact at `at`.

    Never raises for any situation: what is unknown blocks. Raises ValueError for an `at`
    without UTC offset, or outside the years 1900 to 8999. Without `look_ahead` the next lawful
    moment is not looked for, nor said how the places differ; the rest is the same.
    """
    if not is_aware(at) or at.year not in _YEARS:
        raise ValueError(f"judge: {at!r} is no moment with a UTC offset in years 1900 to 8999")
    at = at.astimezone(UTC)
    places = list(_places(_without_old(book, situation, at)))
    alone = [_findings_here(book, here, at) for _, here in places]
    findings = _together(places, alone) if situation.other_places else alone[0]
    if not findings:
        return ALLOWED
    next_lawful = _next_lawful(book, places, at, findings) if look_ahead else None
    if look_ahead and situation.other_places:
        findings += _disagreements(book, places, alone, at, next_lawful)
    return Verdict(
        outcome=_strictest(findings),
        findings=tuple(sorted(findings, key=_strictest_first)),
        next_lawful_at=next_lawful,
    )


def _without_old(book: RuleBook, situation: Situation, at: datetime) -> Situation:
    """The same without past contacts that no rule counts any more, if there may be many."""
    if len(situation.past) <= FEW:
        return situation
    since = at - book.reach(situation.act, situation.channel)
    return replace(situation, past=tuple(recent(situation.past, since)))


def _places(situation: Situation) -> Iterator[Here]:
    """The situation in each place where the debtor may live."""
    if not situation.other_places:
        yield "", situation
        return
    first = Place(jurisdiction=situation.jurisdiction, time_zone=situation.time_zone)
    for place in dict.fromkeys((first, *situation.other_places)):
        here = replace(
            situation,
            jurisdiction=place.jurisdiction,
            time_zone=place.time_zone,
            other_places=(),
        )
        yield f"{place.jurisdiction or '?'} {place.time_zone or '?'}", here


def _strictest(findings: list[Finding]) -> Outcome:
    outcomes: list[Outcome] = ["allow", *(finding.outcome for finding in findings)]
    return max(outcomes, key=OUTCOMES.index)


def _together(places: list[Here], alone: list[list[Finding]]) -> list[Finding]:
    """What is said of any place; what is the same everywhere is said once."""
    seen: dict[tuple[object, ...], Finding] = {}
    for (place, _), findings in zip(places, alone, strict=True):
        for finding in findings:
            key = (finding.rule, finding.next_lawful_at, *finding.inputs.items())
            if key not in seen:
                seen[key] = replace(finding, inputs=finding.inputs | {"place": place})
    return list(seen.values())


def _disagreements(
    book: RuleBook,
    places: list[Here],
    alone: list[list[Finding]],
    at: datetime,
    next_lawful: datetime | None,
) -> Iterator[Finding]:
    """What the places say one by one, where that is not the same."""
    said = {place: (here, each) for (place, here), each in zip(places, alone, strict=True)}
    outcomes: dict[str, str] = {place: _strictest(each) for place, (_, each) in said.items()}
    if len(set(outcomes.values())) > 1:
        yield _noted("places_differ", PLACES_DIFFER, outcomes)
    if next_lawful is None and any(_is_blocked(each) for _, each in said.values()):
        moments = {
            place: _next_lawful(book, [(place, here)], at, each) if _is_blocked(each) else at
            for place, (here, each) in said.items()
        }
        shown = {place: each.isoformat() for place, each in moments.items() if each is not None}
        if len(shown) == len(moments):
            yield _noted("no_common_moment", NO_COMMON_MOMENT, shown)


def _is_blocked(findings: list[Finding]) -> bool:
    return any(finding.blocks for finding in findings)


def _noted(rule: str, says: str, inputs: dict[str, str]) -> Finding:
    return Finding(
        rule=rule,
        citation=WHAT_IS_NOTED,
        confidence="house",
        layer="data",
        outcome="advise",
        says=says,
        inputs=inputs,
    )


def _findings_here(book: RuleBook, situation: Situation, at: datetime) -> list[Finding]:
    zone = find_zone(situation.time_zone)
    if zone is None:
        # Every other rule is dated on the debtor's clock: nothing more can be asked.
        return [_unknown("unknown_time_zone", {"time_zone": situation.time_zone})]
    moment = now(at, zone)
    act, channel = situation.act, situation.channel
    asked = book.asked(situation.jurisdiction, act, channel, moment.day)
    findings = [] if asked.own_law else list(_about_law(book, situation, moment))
    if act == "contact" and not (situation.point_id and situation.holder):
        findings.append(_unknown("no_usable_address", {"channel": channel}))
    for rule in asked.rules:
        finding = rule.answer(situation, moment)
        if finding is not None:
            findings.append(finding)
    return findings


def _about_law(book: RuleBook, situation: Situation, moment: Now) -> Iterator[Finding]:
    """Whether the place's law is known; of a place that has its own in force, nothing is said."""
    place, day = {"jurisdiction": situation.jurisdiction}, {"day": moment.day.isoformat()}
    law = book.law_of(situation.jurisdiction)
    if not law:
        yield _unknown("unknown_jurisdiction", place)
    elif not any(pack.in_force(moment.day) for pack in law):
        starts = [pack.effective_from for pack in law if pack.effective_from > moment.day]
        first = day_begins(moment.zone, min(starts)) if starts else None
        yield _unknown("no_pack_in_force", place | day, first)
    elif all(pack.jurisdiction != situation.jurisdiction for pack in law) and _is_part(situation):
        yield _noted("part_without_pack", PART_WITHOUT_PACK, place)


def _is_part(situation: Situation) -> bool:
    return len(path(situation.jurisdiction)) > 1


def _unknown(rule: str, inputs: dict[str, str], until: datetime | None = None) -> Finding:
    return Finding(
        rule=rule,
        citation=UNKNOWN_BLOCKS,
        confidence="house",
        layer="data",
        outcome="block",
        says=_UNKNOWN[rule],
        inputs=inputs,
        next_lawful_at=until,
    )


def _strictest_first(finding: Finding) -> tuple[int, int, float]:
    """What never ends comes before what ends, law before house policy, the longest first."""
    until = finding.next_lawful_at
    lasts = inf if until is None else until.timestamp()
    return (
        -OUTCOMES.index(finding.outcome),
        LAYERS.index(finding.layer) + (0 if until is None else len(LAYERS)),
        -lasts,
    )


def _next_lawful(
    book: RuleBook, places: list[Here], at: datetime, findings: list[Finding]
) -> datetime | None:
    """Step to where the last of the blocking rules falls silent, and ask all of them again.

    Each rule blocks without a break until its own moment, so nothing earlier can be lawful.
    """
    moment = at
    for _ in range(MAX_STEPS):
        ends = [finding.next_lawful_at for finding in findings if finding.blocks]
        if not ends:
            return None if moment == at else moment
        known = [end for end in ends if end is not None]
        if len(known) < len(ends) or not moment < max(known) <= at + HORIZON:
            return None
        moment = max(known)
        findings = [finding for _, here in places for finding in _findings_here(book, here, moment)]
    return None
