"""The words that rules look for. One that is misspelt elsewhere would let every rule pass it by."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

from duecourse.rules.kinds import (
    Counter,
    DuringArrangement,
    DuringHold,
    ForbiddenContent,
    NeedsConsent,
    NeedsFirst,
    NotDue,
    RequiredContent,
    Rule,
)

MEDIA: Final = frozenset({"call", "visit", "sms", "email", "letter"})
LICENCES: Final = frozenset({"fdcpa_collector", "first_party"})
HOLDS: Final = frozenset(
    {
        "dispute", "validation", "breathing_space", "hardship", "vulnerability", "bereavement",
        "represented", "ceased", "complaint", "insolvency",
    }
)  # fmt: skip
"""Those that a case can have, whether a rule is about them or not."""
ALL: Final = "all"
WORKPLACE: Final = "workplace"


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules of a book know by name, beside what everybody does.

    `facts` are days on which something happened; whatever a message contains is one, too.
    """

    channels: frozenset[str]
    licences: frozenset[str]
    consents: frozenset[str]
    contents: frozenset[str]
    facts: frozenset[str]
    holds: frozenset[str]


def names_of(rules: Iterable[Rule]) -> Names:
    rules = tuple(rules)
    contents = frozenset(_contents(rules))
    return Names(
        channels=MEDIA.union(*map(_channels, rules)) - {"*"},
        licences=LICENCES.union(*(each.when.licences for each in rules)),
        consents=frozenset(each.consent for each in rules if isinstance(each, NeedsConsent)),
        contents=contents,
        facts=contents | frozenset(_facts(rules)),
        holds=frozenset(_holds(rules)),
    )


def _channels(rule: Rule) -> tuple[str, ...]:
    counted = rule.counted_channels if isinstance(rule, Counter) else ()
    return rule.channels + rule.except_channels + counted


def _contents(rules: Iterable[Rule]) -> Iterator[str]:
    for each in rules:
        if isinstance(each, RequiredContent | ForbiddenContent | DuringArrangement | NotDue):
            yield from each.contains
        if isinstance(each, RequiredContent) and each.if_contains:
            yield each.if_contains


def _facts(rules: Iterable[Rule]) -> Iterator[str]:
    for each in rules:
        yield from each.when.facts
        if isinstance(each, NeedsFirst):
            yield each.fact
        if isinstance(each, RequiredContent) and each.unless_fact:
            yield each.unless_fact


def _holds(rules: Iterable[Rule]) -> Iterator[str]:
    for each in rules:
        yield from each.when.holds
        if isinstance(each, DuringHold):
            yield from each.holds
