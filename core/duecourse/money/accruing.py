"""Interest as it runs: exact between the days on which something changes, rounded when posted.

It knows rates, days and freezes; the principal that it runs on is somebody else's, and told to it.
"""

from bisect import bisect_right
from calendar import isleap
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import msgspec

from duecourse.money.accrual_profiles import AccrualProfile, accrual_profile
from duecourse.money.amounts import Buckets
from duecourse.money.day_counts import DayCount, year_fraction
from duecourse.money.figures import Refused, decimal_text, posted
from duecourse.money.interest_terms import (
    Accrual,
    AccrualLine,
    AccruedHead,
    Freeze,
    InterestRequest,
)
from duecourse.money.rates import RateTable


class Held(NamedTuple):
    """Where the interest of a segment goes: which accrual, and which freeze holds it (-1: none)."""

    accrual: int
    freeze: int


class _Segment(NamedTuple):
    start: date
    end: date
    balance: int
    share: Fraction
    per: str
    held: Held


class Accruing:
    """Raises Refused, naming the field, for terms that cannot be worked with."""

    def __init__(self, request: InterestRequest) -> None:
        self.profile = _profile(request)
        self._request = request
        self._table = RateTable(request)
        self._exact: dict[Held, Fraction] = defaultdict(Fraction)
        self._segments: list[_Segment] = []
        self._released: set[int] = set()

    def turning_days(self, start: date, end: date) -> list[date]:
        """`start`, `end`, and the days between on which a rate, a freeze or an accrual turns."""
        inside = {day for day in self._marks(start, end) if start < day < end}
        return sorted(inside | {start, end})

    def _marks(self, start: date, end: date) -> Iterator[date]:
        yield from self._table.changes(start, end)
        for freeze in self._request.freezes:
            yield from (d for d in (freeze.start, freeze.end, freeze.released_on) if d)
        for accrual in self._request.accruals:
            yield from (day for day in (accrual.start, accrual.end) if day)

    def accrue(self, start: date, end: date, balance: int) -> None:
        """Run on a balance; in one go over whatever turns between the two days."""
        if not balance or start >= end:
            return
        for first, last in pairwise(self.turning_days(start, end)):
            for number, accrual in enumerate(self._request.accruals):
                if not _runs(accrual, first):
                    continue
                share, per = self._table.on(number, first)
                held = Held(number, _freeze_of(self._request.freezes, accrual, first))
                self._exact[held] += balance * share * self._span(first, last, per)
                self._remember(_Segment(first, last, balance, share, per, held))

    def _span(self, start: date, end: date, per: str) -> Fraction:
        if per == "day":
            return Fraction((end - start).days)
        return year_fraction(start, end, self.profile.day_count)

    def _remember(self, new: _Segment) -> None:
        """Adjoining segments that differ in nothing are one line."""
        for at in range(len(self._segments) - 1, -1, -1):
            old = self._segments[at]
            if old.held.accrual != new.held.accrual:
                continue
            if old.end == new.start and old[2:] == new[2:]:
                self._segments[at] = old._replace(end=new.end)
                return
            break
        self._segments.append(new)

    def release(self, freeze: int) -> None:
        """What the freeze held back is payable from now on."""
        self._released.add(freeze)

    def posted(self) -> dict[Held, int]:
        """The sums so far, each rounded as a whole: what was posted before does not matter."""
        return {held: posted(sum_, self.profile.rounding) for held, sum_ in self._exact.items()}

    def is_payable(self, held: Held) -> bool:
        return held.freeze < 0 or held.freeze in self._released

    def head(self, held: Held) -> AccruedHead:
        return self._request.accruals[held.accrual].head

    def payable(self) -> Buckets:
        return self.total(held for held in self._exact if self.is_payable(held))

    def exact(self) -> dict[AccruedHead, Fraction]:
        """What is payable of each head that has accrued, before it is rounded."""
        found: dict[AccruedHead, Fraction] = defaultdict(Fraction)
        for held, sum_ in self._exact.items():
            if self.is_payable(held):
                found[self.head(held)] += sum_
        return found

    def frozen(self) -> Buckets:
        return self.total(
            held
            for held in self._exact
            if not self.is_payable(held) and self._effect(held) == "frozen"
        )

    def not_accrued(self) -> Buckets:
        return self.total(held for held in self._exact if self._effect(held) == "not_accrued")

    def total(self, which: Iterable[Held]) -> Buckets:
        booked = self.posted()
        total = Buckets()
        for held in which:
            total += Buckets(**{self.head(held): booked[held]})
        return total

    def _effect(self, held: Held) -> str:
        return "" if held.freeze < 0 else self._request.freezes[held.freeze].effect

    def lines(self, since: date | None = None, until: date | None = None) -> Iterator[AccrualLine]:
        """How the sums came to be, from a day on and before another.

        `minor` adds up to what was posted.
        """
        first, last = since or date.min, until or date.max
        if first < last:
            yield from self.lines_between([date.min, first, last, date.max])[1]

    def lines_between(self, cuts: Sequence[date]) -> list[list[AccrualLine]]:
        """The same, cut into the times between some days, which are in order."""
        found: list[list[AccrualLine]] = [[] for _ in cuts[1:]]
        so_far: dict[Held, Fraction] = defaultdict(Fraction)
        for each in self._segments:
            start = each.start
            at = bisect_right(cuts, start) - 1
            while start < each.end:
                end = min(each.end, cuts[at + 1])
                amount = self._amount(each, start, end)
                before = posted(so_far[each.held], self.profile.rounding)
                so_far[each.held] += amount
                minor = posted(so_far[each.held], self.profile.rounding) - before
                found[at].append(self._line(each._replace(start=start, end=end), amount, minor))
                start, at = end, at + 1
        return found

    def _amount(self, each: _Segment, start: date, end: date) -> Fraction:
        return each.balance * each.share * self._span(start, end, each.per)

    def _line(self, each: _Segment, amount: Fraction, minor: int) -> AccrualLine:
        accrual, freeze = self._request.accruals[each.held.accrual], each.held.freeze
        return AccrualLine(
            accrual=accrual.name,
            head=accrual.head,
            start=each.start,
            end=each.end,
            days=(each.end - each.start).days,
            balance_minor=each.balance,
            percent=decimal_text(each.share * 100),
            per=each.per,  # type: ignore[arg-type]
            fraction=str(self._span(each.start, each.end, each.per)),
            amount=str(amount),
            minor=minor,
            state="accrued" if freeze < 0 else self._request.freezes[freeze].effect,
            authority="" if freeze < 0 else self._request.freezes[freeze].authority,
        )

    def per_diem(self, last: date, balance: int) -> Fraction:
        """What one more day would add, as the terms stand on the day `last`."""
        return sum(self.per_diem_by_head(last, balance).values(), Fraction(0))

    def per_diem_by_head(self, last: date, balance: int) -> dict[AccruedHead, Fraction]:
        found: dict[AccruedHead, Fraction] = defaultdict(Fraction)
        for number, accrual in enumerate(self._request.accruals):
            if _runs(accrual, last) and _freeze_of(self._request.freezes, accrual, last) < 0:
                share, per = self._table.on(number, last)
                year = 1 if per == "day" else _days_of_a_year(self.profile.day_count, last)
                found[accrual.head] += balance * share / year
        return found


def _days_of_a_year(day_count: DayCount, day: date) -> int:
    if day_count == "ACT/ACT":
        return 366 if isleap(day.year) else 365
    return 365 if day_count == "ACT/365F" else 360


def last_day_of(request: InterestRequest, end: date) -> date:
    return max(request.start, end - timedelta(days=1))


def _profile(request: InterestRequest) -> AccrualProfile:
    profile = accrual_profile(request.profile)
    if request.compounding and profile.compounding == "forbidden":
        raise Refused(
            "compounding",
            f"the profile {profile.name!r} does not let interest bear interest"
            f" ({profile.citation.replace(';', ',')})",
            "leave it out, or choose a profile that allows it",
        )
    return msgspec.structs.replace(
        profile,
        day_count=request.day_count or profile.day_count,
        rounding=request.rounding or profile.rounding,
    )


def _runs(accrual: Accrual, day: date) -> bool:
    return (accrual.start is None or accrual.start <= day) and (
        accrual.end is None or day < accrual.end
    )


def _freeze_of(freezes: tuple[Freeze, ...], accrual: Accrual, day: date) -> int:
    """The freeze in force: one under which nothing arises goes before one that only holds back."""
    found = [
        number
        for number, each in enumerate(freezes)
        if accrual.head in each.heads and each.covers(day)
    ]
    return min(found, key=lambda n: freezes[n].effect == "frozen", default=-1)
