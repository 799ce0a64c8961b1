"""Named ways in which interest accrues: day count, rounding, and whether it may compound."""

from functools import cache
from typing import Literal

import msgspec

from duecourse.money.books import read_book
from duecourse.money.day_counts import DayCount
from duecourse.money.figures import Confidence, Refused, Rounding


class AccrualProfile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    title: str
    day_count: DayCount
    rounding: Rounding
    compounding: Literal["forbidden", "allowed"]
    citation: str
    confidence: Confidence


class _Book(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    profiles: tuple[AccrualProfile, ...]


@cache
def _book() -> dict[str, AccrualProfile]:
    return {each.name: each for each in read_book("accrual.toml", _Book).profiles}


def accrual_profiles() -> tuple[AccrualProfile, ...]:
    return tuple(_book().values())


def accrual_profile(name: str) -> AccrualProfile:
    if name not in _book():
        there_are = ", ".join(_book())
        raise Refused("profile", f"there is no accrual profile {name!r}", f"there are {there_are}")
    return _book()[name]
