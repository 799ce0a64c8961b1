"""One debt of a running account: what is owed of it, what accrues, and what the cap takes away."""

from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise

from duecourse.money.account_terms import AccountDebt, Change
from duecourse.money.accruing import Accruing
from duecourse.money.allocation import Bucket, pour
from duecourse.money.amounts import MAX_MINOR, Buckets
from duecourse.money.cap_terms import CapPeriod
from duecourse.money.day_counts import uneven_days
from duecourse.money.figures import Rounding
from duecourse.money.interest_entries import compounding_days
from duecourse.money.interest_terms import AccrualLine, AccruedHead
from duecourse.money.legal_orders import HEADS
from duecourse.money.under_cap import ACCRUED, CAPPED, UnderCap


class RunningDebt:
    def __init__(self, spec: AccountDebt) -> None:
        self.spec = spec
        self.debt_id = spec.debt_id
        self.owed = spec.opening
        self.accrued = Buckets()
        self._compounded = 0
        self._gross = Buckets()
        self._clipped = Buckets()
        interest = spec.interest
        self._accruing = None if interest is None else Accruing(interest)
        start = spec.due_on if interest is None else interest.start
        self._cap = None if spec.cap is None else UnderCap(spec.cap, spec.opening, start)
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
        if self._cap is None:
            self._accruing.accrue(start, end, self.owed.principal)
            return
        for first, last in pairwise(self._even(self._accruing, self._cap, start, end)):
            self._accruing.accrue(first, last, self.owed.principal)
            period = CapPeriod(start=first, end=last, balance_minor=self._lent)
            self._cap.accrue(period, self._accruing.exact())

    @property
    def _lent(self) -> int:
        """The principal that a cap is a rate on: interest that was added to it stays interest."""
        return self.owed.principal - self._compounded

    def _even(self, accruing: Accruing, cap: UnderCap, start: date, end: date) -> list[date]:
        """The two days, and those between which every day adds the same, here and to the cap."""
        days = {*accruing.turning_days(start, end), *cap.turning_days(start, end)}
        return sorted(days.union(uneven_days(start, end, accruing.profile.day_count)))

    def book(self) -> Change:
        """Add to what is owed what has accrued since, as far as the cap has room for it."""
        if self._accruing is None:
            return Change()
        gross = self._accruing.payable()
        if self._cap is None and gross == self._gross == self.accrued:
            return Change()
        self._gross = gross
        change = Change()
        for head in ACCRUED:
            wanted = self._ever_owed(head) - getattr(self.accrued, head)
            if wanted > 0 and (more := min(wanted, self._room(head))) > 0:
                change = change.plus(head, more)
                self._book(Buckets(**{head: more}))
        return change

    def _book(self, more: Buckets) -> None:
        self.owed += more
        self.accrued += more
        if self._cap is not None:
            self._cap.book(more)

    def _ever_owed(self, head: AccruedHead) -> int:
        minor: int = getattr(self._gross, head)
        return minor if self._cap is None else self._cap.ever_owed(head, minor)

    def _room(self, head: Bucket) -> int:
        room = MAX_MINOR - self.owed.total
        return room if self._cap is None else min(room, self._cap.room_to_book(head))

    def release(self, day: date) -> Change:
        if self._accruing is None or self.spec.interest is None:
            return Change()
        due = [n for n, f in enumerate(self.spec.interest.freezes) if f.released_on == day]
        for freeze in due:
            self._accruing.release(freeze)
        if due and self._cap is not None:
            self._cap.release(self._accruing.exact())
        return self.book() if due else Change()

    def compound(self, day: date) -> Change:
        unpaid = self.owed.interest
        if day not in self._compounds or not unpaid:
            return Change()
        moved = Change(interest=-unpaid, principal=unpaid)
        self.owed = moved.added_to(self.owed)
        self._compounded += unpaid
        return moved

    # --- charges and corrections ---------------------------------------------------------------

    def charge(self, day: date, head: Bucket, minor: int, *, capped: bool) -> int:
        """Add to a head what the cap has room for; what it has not is never owed.

        What arose before the terms is owed like the balance of then.
        """
        more = minor
        is_before = self._cap is not None and day < self._cap.start
        if capped and not is_before:
            more = min(minor, MAX_MINOR - self.owed.total)
            if self._cap is not None:
                more = min(more, self._cap.room_to_charge(head))
        part = Buckets(**{head: more})
        self.owed += part
        if head in CAPPED:
            self._clipped += Buckets(**{head: minor - more})
            if self._cap is not None:
                self._cap.charge(day, part)
        return more

    def lower(self, head: Bucket, minor: int) -> int:
        """Take off a head. It makes no room under the cap: what was above it would come back."""
        less: int = min(minor, getattr(self.owed, head))
        self.take_off(Buckets(**{head: less}))
        return less

    def lower_any(self, minor: int) -> Change:
        taken = pour(minor, self.owed, HEADS)
        self.take_off(taken)
        return Change.less(taken)

    def take_off(self, heads: Buckets) -> None:
        """What is paid, forgiven or corrected. Of the principal, interest that was added goes first."""
        self.owed -= heads
        self._compounded -= min(heads.principal, self._compounded)

    # --- the cap -------------------------------------------------------------------------------

    def room_beside_rates(self, since: date, until: date) -> int | None:
        return None if self._cap is None else self._cap.room_beside_rates(since, until)

    @property
    def cap_name(self) -> str:
        return "" if self._cap is None else self._cap.name

    @property
    def cap_citation(self) -> str:
        return "" if self._cap is None else self._cap.citation

    def capped(self) -> Buckets:
        """What the cap has taken away; not what is only rounded down to stay within it."""
        if self._cap is None:
            return self._clipped
        return self._clipped + self._cap.lost(self.rounding)

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
        """What one more day would add, as far as the cap lets it."""
        interest = self.spec.interest
        if interest is None or self._accruing is None or not self.owed.principal:
            return Fraction(0)
        if not interest.start <= through < interest.end:
            return Fraction(0)
        heads = self._accruing.per_diem_by_head(through, self.owed.principal)
        if self._cap is None:
            return sum(heads.values(), Fraction(0))
        return self._cap.kept_of_a_day(through, self._lent, heads)
