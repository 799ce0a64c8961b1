"""One debt of a running account: what is owed of it, what accrues, and what the cap takes away."""

from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction
from math import floor
from typing import Final

from duecourse.money.account_terms import AccountDebt, Change
from duecourse.money.accruing import Accruing
from duecourse.money.allocation import Bucket, pour
from duecourse.money.amounts import MAX_MINOR, Buckets
from duecourse.money.cap_rules import CapPart, MultiplePart, RatePart, TotalCostPart
from duecourse.money.cap_terms import CapPeriod
from duecourse.money.caps import CapMeter
from duecourse.money.figures import Rounding
from duecourse.money.interest_entries import compounding_days
from duecourse.money.interest_terms import AccrualLine
from duecourse.money.legal_orders import HEADS

# Interest is owed before the penalty is, where the cap has no room for both.
_ACCRUED: Final[tuple[Bucket, ...]] = ("interest", "penalty")
_CAPPED: Final = frozenset({"fees", "penalty", "interest"})


class RunningDebt:
    def __init__(self, spec: AccountDebt) -> None:
        self.spec = spec
        self.debt_id = spec.debt_id
        self.owed = spec.opening
        self.accrued = Buckets()
        self._gross = Buckets()
        self._charged = Buckets()
        self._clipped = Buckets()
        self._lost = dict.fromkeys(_ACCRUED, Fraction(0))
        self._kept = dict.fromkeys(_ACCRUED, Fraction(0))
        self._at_cap = False
        interest = spec.interest
        self._accruing = None if interest is None else Accruing(interest)
        start = spec.due_on if interest is None else interest.start
        self._meter = None if spec.cap is None else CapMeter(spec.cap, start)
        self._compounds = frozenset() if interest is None else frozenset(compounding_days(interest))

    def turning_days(self, through: date) -> Iterator[date]:
        interest = self.spec.interest
        if interest is None or self._accruing is None or interest.start >= through:
            return
        end = min(through, interest.end)
        if interest.start < end:
            yield from self._accruing.turning_days(interest.start, end)
        yield from (day for day in self._compounds if day < end)

    # --- interest ------------------------------------------------------------------------------

    def accrue(self, start: date, end: date) -> None:
        interest = self.spec.interest
        if interest is None or self._accruing is None:
            return
        start, end = max(start, interest.start), min(end, interest.end)
        if start >= end or not self.owed.principal:
            return
        self._accruing.accrue(start, end, self.owed.principal)
        if self._meter is not None:
            self._meter.add(CapPeriod(start=start, end=end, balance_minor=self.owed.principal))

    def book(self) -> Change:
        """Add to what is owed what has accrued since, as far as the cap has room for it.

        What it has no room for by then is never owed: room of later days is for what accrues later.
        """
        if self._accruing is None:
            return Change()
        gross = self._accruing.payable()
        if self._meter is None and gross == self._gross == self.accrued:
            return Change()
        self._gross = gross
        self._at_cap = self._lose(self._accruing)
        change = Change()
        for head in _ACCRUED:
            wanted = self._ever_owed(head) - getattr(self.accrued, head)
            more = min(wanted, self._room(head))
            self._at_cap |= more < wanted
            if more > 0:
                self.accrued += Buckets(**{head: more})
                self._add(head, more)
                change = change.plus(head, more)
        return change

    def _lose(self, accruing: Accruing) -> bool:
        """Set apart for good what is above the cap of what has accrued since, the penalty first.

        It is exact: a unit that is only rounded away is not lost, and no day looked at costs one.
        """
        if self._meter is None:
            return False
        before = dict(self._kept)
        for head in _ACCRUED:
            self._kept[head] = accruing.exact(head) - self._lost[head]
        lost = False
        for part, allowed in self._meter.exact():
            heads = [head for head in _ACCRUED if head in part.heads]
            others = self._used(part) - sum(getattr(self.accrued, head) for head in heads)
            excess = sum((self._kept[head] for head in heads), others - allowed)
            for head in reversed(heads):
                less = max(min(excess, self._kept[head] - before[head]), Fraction(0))
                self._lost[head] += less
                self._kept[head] -= less
                excess -= less
                lost |= less > 0
        return lost

    def _ever_owed(self, head: Bucket) -> int:
        """Of what has accrued, in whole units; rounded down once the cap took a part of it."""
        minor: int = getattr(self._gross, head)
        return min(minor, floor(self._kept[head])) if self._lost[head] else minor

    def release(self, day: date) -> Change:
        if self._accruing is None or self.spec.interest is None:
            return Change()
        due = [n for n, f in enumerate(self.spec.interest.freezes) if f.released_on == day]
        for freeze in due:
            self._accruing.release(freeze)
        return self.book() if due else Change()

    def compound(self, day: date) -> Change:
        unpaid = self.owed.interest
        if day not in self._compounds or not unpaid:
            return Change()
        moved = Change(interest=-unpaid, principal=unpaid)
        self.owed = moved.added_to(self.owed)
        return moved

    # --- charges and corrections ---------------------------------------------------------------

    def charge(self, head: Bucket, minor: int, *, capped: bool) -> int:
        """Add to a head what the cap has room for; what it has not is never owed."""
        more = min(minor, self._room(head)) if capped else minor
        self._add(head, more)
        if head in _CAPPED and more < minor:
            self._clipped += Buckets(**{head: minor - more})
        return more

    def lower(self, head: Bucket, minor: int) -> int:
        """Take off a head. It makes no room under the cap: what was above it would come back."""
        less: int = min(minor, getattr(self.owed, head))
        part = Buckets(**{head: less})
        self.owed -= part
        return less

    def lower_any(self, minor: int) -> Change:
        taken = pour(minor, self.owed, HEADS)
        self.owed -= taken
        return Change.less(taken)

    def _add(self, head: Bucket, minor: int) -> None:
        part = Buckets(**{head: minor})
        self.owed += part
        if head in _CAPPED:
            self._charged += part

    # --- the cap -------------------------------------------------------------------------------

    def _room(self, head: Bucket) -> int:
        room = MAX_MINOR - self.owed.total
        if self._meter is None:
            return room
        for part, allowed in self._meter.allowed():
            if head in part.heads:
                room = min(room, allowed - self._used(part))
        return max(room, 0)

    def room_beside_rates(self, since: date, until: date) -> int | None:
        """What a cap that is no rate on a balance leaves for interest until a day. None: no such."""
        if self._meter is None:
            return None
        if since < until:
            self._meter.add(CapPeriod(start=since, end=until, balance_minor=0))
        rooms = [
            allowed - self._used(part)
            for part, allowed in self._meter.allowed()
            if "interest" in part.heads and not isinstance(part, RatePart)
        ]
        return min(rooms, default=None)

    def _used(self, part: CapPart) -> int:
        """What counts under a part: of a rate, what was charged since; of a total, all of it."""
        used: int = sum(getattr(self._charged, head) for head in part.heads if head in _CAPPED)
        if isinstance(part, MultiplePart | TotalCostPart):
            used += sum(getattr(self.spec.opening, h) for h in part.heads if h in _CAPPED)
        if isinstance(part, TotalCostPart) and self.spec.cap is not None:
            used += max(self.spec.opening.principal - self.spec.cap.lent_minor, 0)
        return used

    @property
    def cap_name(self) -> str:
        return "" if self._meter is None else self._meter.cap.name

    @property
    def cap_citation(self) -> str:
        return "" if self._meter is None else self._meter.cap.citation

    def capped(self) -> Buckets:
        return self._gross - self.accrued + self._clipped

    # --- what can be asked at the end ----------------------------------------------------------

    def frozen(self) -> Buckets:
        return Buckets() if self._accruing is None else self._accruing.frozen()

    def not_accrued(self) -> Buckets:
        return Buckets() if self._accruing is None else self._accruing.not_accrued()

    def lines(
        self, since: date | None = None, until: date | None = None
    ) -> tuple[AccrualLine, ...]:
        return () if self._accruing is None else tuple(self._accruing.lines(since, until))

    def lines_between(self, cuts: Sequence[date]) -> list[list[AccrualLine]]:
        if self._accruing is None:
            return [[] for _ in cuts[1:]]
        return self._accruing.lines_between(cuts)

    @property
    def day_count(self) -> str:
        return "" if self._accruing is None else self._accruing.profile.day_count

    @property
    def rounding(self) -> Rounding:
        return "half_even" if self._accruing is None else self._accruing.profile.rounding

    @property
    def profile(self) -> str:
        return "" if self._accruing is None else self._accruing.profile.name

    @property
    def profile_citation(self) -> str:
        return "" if self._accruing is None else self._accruing.profile.citation

    def per_diem(self, through: date) -> Fraction:
        """What one more day would add; where the cap has no room left, what it allows for a day."""
        interest = self.spec.interest
        if interest is None or self._accruing is None or not self.owed.principal:
            return Fraction(0)
        if not interest.start <= through < interest.end:
            return Fraction(0)
        heads = self._accruing.per_diem_by_head(through, self.owed.principal)
        total = sum(heads.values(), Fraction(0))
        if self._meter is None or not self._at_cap:
            return total
        for part, allowed in self._meter.per_day(through, self.owed.principal):
            charged = sum((heads.get(head, Fraction(0)) for head in part.heads), Fraction(0))
            total -= max(charged - allowed, Fraction(0))
        return total
