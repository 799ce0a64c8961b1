"""One debt under a cap: what it has room for, and what it takes away for good.

A cap is kept on every day. What accrues on a day on which it has no room for it is never owed:
room of later days is for what accrues later. So it does not matter on which days anybody looks.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from math import floor
from typing import Final, TypeAlias

from duecourse.money.allocation import Bucket
from duecourse.money.amounts import MAX_MINOR, Buckets
from duecourse.money.cap_rules import CapPart, MultiplePart, RatePart, TotalCostPart
from duecourse.money.cap_terms import CapPeriod, CapRequest
from duecourse.money.caps import CapMeter
from duecourse.money.figures import Rounding, posted
from duecourse.money.interest_terms import AccruedHead

Exact: TypeAlias = dict[AccruedHead, Fraction]
Amounts: TypeAlias = Mapping[AccruedHead, Fraction | int]

# Interest is owed before the penalty is, where the cap has no room for both.
ACCRUED: Final[tuple[AccruedHead, ...]] = ("interest", "penalty")
CAPPED: Final = frozenset({"fees", "penalty", "interest"})


class UnderCap:
    """Raises Refused where it is not known which cap applies, or what it was on a day."""

    def __init__(self, request: CapRequest, opening: Buckets, start: date) -> None:
        self.start = start
        self._meter = CapMeter(request, start)
        self._parts = self._meter.cap.parts
        self._opening = opening
        self._lent = request.lent_minor
        self._allowed = self._meter.exact()
        self._charged = Buckets()
        self._booked = Buckets()
        self._kept = dict.fromkeys(ACCRUED, Fraction(0))
        self._lost = dict.fromkeys(ACCRUED, Fraction(0))

    @property
    def name(self) -> str:
        return self._meter.cap.name

    @property
    def citation(self) -> str:
        return self._meter.cap.citation

    def turning_days(self, start: date, end: date) -> set[date]:
        return self._meter.turning_days(start, end)

    def charge(self, day: date, charged: Buckets) -> None:
        """Before the start it is a part of what was owed then."""
        if day < self.start:
            self._opening += charged
        else:
            self._charged += charged

    def book(self, accrued: Buckets) -> None:
        """What has accrued and is owed now, in whole units; it has been asked whether it may."""
        self._booked += accrued

    # --- day by day ----------------------------------------------------------------------------

    def accrue(self, period: CapPeriod, accrued: Mapping[AccruedHead, Fraction]) -> None:
        """On each day of the period as much accrued as on the others, and came to this in all.

        A part of a unit counts as such: one that is only rounded away is not lost.
        """
        self._meter.add(period)
        before, self._allowed = self._allowed, self._meter.exact()
        self._take(accrued, before, (period.end - period.start).days)

    def release(self, accrued: Mapping[AccruedHead, Fraction]) -> None:
        """What a hold had held back has accrued now, all at once."""
        self._take(accrued, self._allowed, 1)

    def _take(
        self, accrued: Mapping[AccruedHead, Fraction], before: Sequence[Fraction], days: int
    ) -> None:
        none = Fraction(0)
        kept = {head: accrued.get(head, none) - self._lost[head] for head in ACCRUED}
        excess = self._excess(self._kept, before)
        if max(*excess, *self._excess(kept, self._allowed)) <= 0:
            self._kept = kept
            return
        more = {head: (kept[head] - self._kept[head]) / days for head in ACCRUED}
        grown = [(new - old) / days for new, old in zip(self._allowed, before, strict=True)]
        self._pass(more, grown, excess, days)

    def _pass(
        self, more: Exact, grown: Sequence[Fraction], excess: Sequence[Fraction], days: int
    ) -> None:
        """Go through equal days, as many at once as lose the same.

        What is lost of a day only turns with how full the parts are. As long as it stays, that goes
        one way; so if the last of some days loses what the first does, all between them do.
        """
        while days:
            lost = self._lost_of_a_day(more, grown, excess)
            per_day = [
                sum((more[head] - lost[head] for head in _accrued_heads(part)), -growth)
                for part, growth in zip(self._parts, grown, strict=True)
            ]
            step = days
            while step > 1 and lost != self._lost_of_a_day(
                more, grown, [x + (step - 1) * y for x, y in zip(excess, per_day, strict=True)]
            ):
                step //= 2
            excess = [x + step * y for x, y in zip(excess, per_day, strict=True)]
            for head in ACCRUED:
                self._lost[head] += step * lost[head]
                self._kept[head] += step * (more[head] - lost[head])
            days -= step

    def _lost_of_a_day(
        self, more: Exact, grown: Sequence[Fraction], excess: Sequence[Fraction]
    ) -> Exact:
        """Of what accrues on a day, as much as is above the cap after it; the penalty first."""
        left = dict(more)
        for part, growth, before in zip(self._parts, grown, excess, strict=True):
            heads = _accrued_heads(part)
            above = sum((left[head] for head in heads), before - growth)
            for head in reversed(heads):
                less = max(min(above, left[head]), Fraction(0))
                left[head] -= less
                above -= less
        return {head: more[head] - left[head] for head in ACCRUED}

    def kept_of_a_day(
        self, day: date, balance: int, more: Mapping[AccruedHead, Fraction]
    ) -> Fraction:
        """Of what one more day would add, that which the cap leaves."""
        period = CapPeriod(start=day, end=day + timedelta(days=1), balance_minor=balance)
        plain = {head: more.get(head, Fraction(0)) for head in ACCRUED}
        excess = self._excess(self._kept, self._allowed)
        lost = self._lost_of_a_day(plain, self._meter.growth(period), excess)
        return sum(plain.values(), Fraction(0)) - sum(lost.values(), Fraction(0))

    # --- in whole units ------------------------------------------------------------------------

    def lost(self, rounding: Rounding) -> Buckets:
        return Buckets(**{head: posted(self._lost[head], rounding) for head in ACCRUED})

    def ever_owed(self, head: AccruedHead, minor: int) -> int:
        """Of what a head came to; rounded down once the cap took a part of it."""
        return min(minor, floor(self._kept[head])) if self._lost[head] else minor

    def room_to_book(self, head: Bucket) -> int:
        """What can be added to a head of what has accrued, in whole units, rounded down."""
        return self._room(head, self._in_whole_units())

    def room_to_charge(self, head: Bucket) -> int:
        """The same for a charge: what has accrued by then comes before it, to its last fraction."""
        whole: Amounts = self._in_whole_units()
        return self._room(head, {each: max(whole[each], self._kept[each]) for each in ACCRUED})

    def room_beside_rates(self, since: date, until: date) -> int | None:
        """What a cap that is no rate on a balance leaves for interest until a day. None: no such."""
        if since < until:
            self._meter.add(CapPeriod(start=since, end=until, balance_minor=0))
            self._allowed = self._meter.exact()
        rooms = self._rooms(self._in_whole_units())
        beside = (
            room
            for part, room in zip(self._parts, rooms, strict=True)
            if "interest" in part.heads and not isinstance(part, RatePart)
        )
        return min(beside, default=None)

    def _room(self, head: Bucket, accrued: Amounts) -> int:
        rooms = zip(self._parts, self._rooms(accrued), strict=True)
        return max(min((room for part, room in rooms if head in part.heads), default=MAX_MINOR), 0)

    def _rooms(self, accrued: Amounts) -> list[int]:
        return [floor(-each) for each in self._excess(accrued, self._allowed)]

    def _in_whole_units(self) -> dict[AccruedHead, int]:
        return {head: getattr(self._booked, head) for head in ACCRUED}

    def _excess(self, accrued: Amounts, allowed: Sequence[Fraction]) -> list[Fraction]:
        """By how much each part is exceeded; below zero, what it has room for."""
        return [
            self._counted(part, accrued) - limit
            for part, limit in zip(self._parts, allowed, strict=True)
        ]

    def _counted(self, part: CapPart, accrued: Amounts) -> Fraction | int:
        """What counts under a part: of a rate, what was charged since; of a total, all of it."""
        total = _of(self._charged, part) + sum(accrued[head] for head in _accrued_heads(part))
        if isinstance(part, MultiplePart | TotalCostPart):
            total += _of(self._opening, part)
        if isinstance(part, TotalCostPart):
            total += max(self._opening.principal - self._lent, 0)
        return total


def _accrued_heads(part: CapPart) -> list[AccruedHead]:
    return [head for head in ACCRUED if head in part.heads]


def _of(heads: Buckets, part: CapPart) -> int:
    return sum(getattr(heads, head) for head in part.heads if head in CAPPED)
