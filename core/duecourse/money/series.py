"""Published reference rates as dated series: LPR, base rate. Beyond what is known they refuse."""

from bisect import bisect_right
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from itertools import pairwise
from typing import Annotated

import msgspec

from duecourse.money.books import BadProfile, read_book
from duecourse.money.figures import Confidence, Name, Refused, SignedPercent, Words, signed_share_of


class Point(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "from"}):
    since: date
    percent: str


class RateSeries(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Each rate holds from its day until the next; the last one through `known_through`."""

    name: str
    title: str
    source: str
    confidence: Confidence
    known_through: date
    note: str = ""
    rates: Annotated[tuple[Point, ...], msgspec.Meta(min_length=1)]

    def share_on(self, day: date, field: str) -> Fraction:
        if not self.rates[0].since <= day <= self.known_through:
            raise Refused(
                field,
                f"{self.name} is known from {self.rates[0].since} through {self.known_through},"
                f" not on {day}",
                "give the published rate in `published`, with its source",
            )
        at = bisect_right(self.rates, day, key=lambda point: point.since) - 1
        return signed_share_of(self.rates[at].percent)

    def changes_between(self, start: date, end: date) -> list[date]:
        """The days between on which another rate begins to hold, or none is known any more."""
        turns = [*(point.since for point in self.rates), self.known_through + timedelta(days=1)]
        return [day for day in turns if start < day < end]


class Published(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rate that the packaged series does not have yet, and where it was read."""

    series: Name
    since: date
    through: date
    percent: SignedPercent
    source: Words


class _Book(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    series: tuple[RateSeries, ...]


@cache
def _book() -> dict[str, RateSeries]:
    book = {each.name: each for each in read_book("series.toml", _Book).series}
    for each in book.values():
        for point in each.rates:
            signed_share_of(point.percent)
        if any(a.since >= b.since for a, b in pairwise(each.rates)):
            raise BadProfile(f"series.toml: {each.name}: the days must rise")
    return book


def all_series() -> tuple[RateSeries, ...]:
    return tuple(_book().values())


def series(name: str, published: tuple[Published, ...] = (), field: str = "series") -> RateSeries:
    """The packaged series, continued by what was published since. Raises Refused for a gap."""
    book = _book()
    if name not in book:
        raise Refused(field, f"there is no series {name!r}", f"there are {', '.join(book)}")
    found = book[name]
    for more in sorted((each for each in published if each.series == name), key=lambda e: e.since):
        if more.since > found.known_through + timedelta(days=1) or more.through < more.since:
            raise Refused(
                "published",
                f"{name} is known through {found.known_through}, and this rate is for"
                f" {more.since} to {more.through}",
                "let it begin no later than the day after",
            )
        if more.since <= found.rates[-1].since:
            raise Refused(
                "published",
                f"{name} has a rate of {found.rates[-1].since} already",
                "give later rates only",
            )
        found = msgspec.structs.replace(
            found,
            rates=(*found.rates, Point(more.since, more.percent)),
            known_through=max(found.known_through, more.through),
        )
    return found
