"""What each place's law gives a debtor who is on hold: what rests, until when, and what we owe.

Dated data with citations, as the rule packs are; the places and the kinds are looked up here.
"""

from collections.abc import Collection, Iterable
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import Annotated, Final, Literal

import msgspec

from duecourse.rules.names import HOLDS
from duecourse.rules.places import path
from duecourse.rules.situation import Confidence
from duecourse.rules.toml_files import BadFile, read

FOLDER: Final = "protections"
Code = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,63}\Z")]
Days = Annotated[int, msgspec.Meta(ge=1, le=3_650)]
Blocked = Literal["outreach", "legal", "accrual", "bureau"]


class Duty(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What we have to do within `days` of the day on which the hold began."""

    name: Code
    days: Days
    citation: Annotated[str, msgspec.Meta(min_length=4, max_length=300)]
    confidence: Confidence


class Protection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One kind of hold in one place.

    It `lasts_days` where nobody says until when, and no longer than `at_most_days` without a
    reason; after a treatment that has ended, `after_treatment_days` more. It may come again only
    after `once_per_months`. Our answer may be one of `answers`, and ends it `after_answer_days`
    later; after one of `open_after` it stays until what is wrong was put right, for which there
    are `put_right_days`. Nothing that a statutory `moratorium` blocks may be let go on. `ended_by`
    is whose word alone ends it before its time; where it is empty, ours does.
    """

    kind: str
    blocks: tuple[Blocked, ...]
    citation: Annotated[str, msgspec.Meta(min_length=4, max_length=300)]
    confidence: Confidence
    ends: Annotated[str, msgspec.Meta(min_length=4, max_length=300)]
    variant: str = ""
    effective_from: date = date(1900, 1, 1)
    effective_to: date | None = None
    lasts_days: Days | None = None
    at_most_days: Days | None = None
    after_treatment_days: Days | None = None
    once_per_months: Annotated[int, msgspec.Meta(ge=1, le=120)] | None = None
    needs_purpose: bool = False
    per_debt: bool = False
    duties: tuple[Duty, ...] = ()
    answers: tuple[Code, ...] = ()
    after_answer_days: Annotated[int, msgspec.Meta(ge=0, le=366)] = 0
    open_after: tuple[Code, ...] = ()
    put_right_days: Days | None = None
    moratorium: bool = False
    ended_by: Annotated[str, msgspec.Meta(max_length=150)] = ""
    note: str = ""

    def in_force(self, day: date) -> bool:
        return self.effective_from <= day and (
            self.effective_to is None or day <= self.effective_to
        )

    def last_day(self, since: date) -> date | None:
        """The day of the notice is the first day."""
        return None if self.lasts_days is None else since + timedelta(days=self.lasts_days)

    def longest(self, since: date) -> date | None:
        return None if self.at_most_days is None else since + timedelta(days=self.at_most_days)


class ProtectionPack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    jurisdiction: str
    title: str
    protections: tuple[Protection, ...]


@cache
def protection_packs() -> tuple[ProtectionPack, ...]:
    """Raises BadFile, naming the file, for one that cannot be used."""
    folder = resources.files("duecourse.rules").joinpath(FOLDER)
    files = sorted((each for each in folder.iterdir() if each.name.endswith(".toml")), key=str)
    return tuple(_checked(read(each, ProtectionPack), each.name) for each in files)


def _checked(pack: ProtectionPack, file: str) -> ProtectionPack:
    for each in pack.protections:
        where = f"{file}: {each.kind} {each.variant}".rstrip()
        if each.kind not in HOLDS:
            raise BadFile(f"{where}: there is no such kind of hold")
        if not set(each.open_after) <= set(each.answers):
            raise BadFile(f"{where}: open_after names what is no answer")
        if each.open_after and each.put_right_days is None:
            raise BadFile(f"{where}: say in put_right_days how long putting it right may take")
        if (each.moratorium or each.ended_by) and each.confidence == "house":
            raise BadFile(f"{where}: our own policy is neither a moratorium nor ended_by others")
        if each.moratorium and not each.ended_by:
            raise BadFile(f"{where}: say in ended_by whose word ends a moratorium early")
        if (each.lasts_days or 0) > (each.at_most_days or each.lasts_days or 0):
            raise BadFile(f"{where}: lasts longer than at_most_days")
    return pack


def variants_of(kind: str) -> frozenset[str]:
    """The forms of a kind of hold that any place knows, and the usual one."""
    return frozenset(
        each.variant
        for pack in protection_packs()
        for each in pack.protections
        if each.kind == kind
    )


def protection(kind: str, variant: str, places: Collection[str], on: date) -> Protection:
    """What protects a debtor who may live in any of `places`; the strictest of all decides.

    A place without a rule of its own has that of the place it lies in, at last our own.
    Raises LookupError where no place knows the variant.
    """
    found = [_of_place(kind, variant, place, on) for place in places or ("",)]
    known = [each for each in found if each is not None]
    if not known:
        raise LookupError(f"no {kind} of the form {variant!r} is known there")
    return _strictest(known)


def _of_place(kind: str, variant: str, place: str, on: date) -> Protection | None:
    for name in (*reversed(path(place)), "*"):
        for pack in protection_packs():
            if pack.jurisdiction != name:
                continue
            for each in pack.protections:
                if (each.kind, each.variant) == (kind, variant) and each.in_force(on):
                    return each
    return None


def _strictest(found: list[Protection]) -> Protection:
    """More rests, it lasts longer, and we have less time."""
    first, *others = found
    for other in others:
        if other == first:
            continue
        first = msgspec.structs.replace(
            first,
            blocks=tuple(dict.fromkeys((*first.blocks, *other.blocks))),
            confidence=other.confidence if first.confidence == "house" else first.confidence,
            moratorium=first.moratorium or other.moratorium,
            ended_by="; ".join(dict.fromkeys(x for x in (first.ended_by, other.ended_by) if x)),
            lasts_days=_longer(first.lasts_days, other.lasts_days),
            at_most_days=_longer(first.at_most_days, other.at_most_days),
            duties=tuple(_soonest((*first.duties, *other.duties))),
            answers=tuple(dict.fromkeys((*first.answers, *other.answers))),
            open_after=tuple(dict.fromkeys((*first.open_after, *other.open_after))),
            put_right_days=min(
                (x for x in (first.put_right_days, other.put_right_days) if x), default=None
            ),
            after_answer_days=max(first.after_answer_days, other.after_answer_days),
            once_per_months=None,
            citation=f"{first.citation}; {other.citation}"[:300],
        )
    return first


def _longer(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else max(one, other)


def _soonest(duties: Iterable[Duty]) -> Iterable[Duty]:
    by_name: dict[str, Duty] = {}
    for each in duties:
        known = by_name.get(each.name)
        if known is None or each.days < known.days:
            by_name[each.name] = each
    return by_name.values()
