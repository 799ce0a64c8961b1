"""Interest over a timeline: exact between the days on which something changes, rounded at posting.

Everything follows from the entries and their value dates, so that a payment that is learned of late
is simply one more entry: worked out again, all figures are as if it had been known in time.
"""

from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from itertools import pairwise

from duecourse.money.accruing import Accruing, Held, last_day_of
from duecourse.money.allocation import pour
from duecourse.money.amounts import Buckets
from duecourse.money.figures import Refused, decimal_text, posted, shown, within_limit
from duecourse.money.interest_entries import check_freezes, compounding_days, entries_by_day
from duecourse.money.interest_terms import (
    Entry,
    InterestRequest,
    InterestStatement,
    Posting,
    check_span,
)
from duecourse.money.legal_orders import within_order


def work_out_interest(request: InterestRequest) -> InterestStatement:
    """Raises Refused, naming the field, for what cannot be worked with."""
    check_span(request.start, request.end)
    check_freezes(request)
    run = _Run(request, Accruing(request))
    run.go()
    return run.statement()


class _Run:
    """The walk over the timeline. Balances are whole minor units, accrued interest is exact."""

    def __init__(self, request: InterestRequest, accruing: Accruing) -> None:
        self._request = request
        self._accruing = accruing
        self._order = within_order(request.allocation, "allocation").order
        self._entries = entries_by_day(request)
        self._compounds = set(compounding_days(request))
        self._owed = request.opening.plain()
        self._overpaid = 0
        self._booked: dict[Held, int] = {}
        self._postings: list[Posting] = []

    def go(self) -> None:
        days = self._turning_days()
        self._happen(days[0])
        for start, end in pairwise(days):
            self._accruing.accrue(start, end, self._owed.principal)
            # What has `end` as its value date lies outside the period.
            if end != self._request.end:
                self._happen(end)
        self._book()

    def _turning_days(self) -> list[date]:
        start, end = self._request.start, self._request.end
        inside = {day for day in self._marks() if start < day < end}
        return sorted(inside | {start, end})

    def _marks(self) -> Iterator[date]:
        yield from self._entries
        yield from self._compounds
        yield from self._accruing.turning_days(self._request.start, self._request.end)

    def _book(self) -> None:
        """Round what has accrued so far, and add to what is owed what it is more than before."""
        for held, whole in self._accruing.posted().items():
            within_limit(whole, "accruals")
            more = whole - self._booked.get(held, 0)
            self._booked[held] = whole
            if self._accruing.is_payable(held):
                self._add(self._accruing.head(held), more)

    def _add(self, head: str, minor: int) -> Buckets:
        more = Buckets(**{head: minor})
        self._owed += more
        within_limit(getattr(self._owed, head), head)
        return more

    # --- what happens on a day -----------------------------------------------------------------

    def _happen(self, day: date) -> None:
        entries = self._entries.get(day, [])
        due = [n for n, f in enumerate(self._request.freezes) if f.released_on == day]
        if not (entries or due or day in self._compounds):
            return
        self._book()
        for freeze in due:
            self._release(day, freeze)
        for entry in entries:
            self._post(entry)
        if day in self._compounds and self._owed.interest:
            interest = Buckets(interest=self._owed.interest)
            self._owed = self._owed - interest
            self._add("principal", interest.interest)
            self._note(day, "compounding", "", interest)

    def _release(self, day: date, freeze: int) -> None:
        self._accruing.release(freeze)
        freed = Buckets()
        for held, minor in self._booked.items():
            if held.freeze == freeze and minor:
                freed += self._add(self._accruing.head(held), minor)
        self._note(day, "release", "", freed)

    def _post(self, entry: Entry) -> None:
        unallocated = 0
        if entry.kind == "charge":
            heads = self._add(entry.head, entry.amount_minor)
        elif entry.kind == "payment":
            heads = pour(entry.amount_minor, self._owed, self._order)
            unallocated = entry.amount_minor - heads.total
            self._owed -= heads
            self._overpaid = within_limit(self._overpaid + unallocated, "entries")
        else:
            owed = getattr(self._owed, entry.head)
            if entry.amount_minor > owed:
                raise Refused(
                    "entries",
                    f"the waiver of {entry.on} is larger than the {entry.head} owed then, {owed}",
                    "waive no more than is owed",
                )
            heads = Buckets(**{entry.head: entry.amount_minor})
            self._owed -= heads
        self._note(entry.on, entry.kind, entry.entry_id, heads, unallocated)

    def _note(
        self, on: date, what: str, entry_id: str, heads: Buckets, unallocated: int = 0
    ) -> None:
        self._postings.append(
            Posting(
                on=on,
                what=what,  # type: ignore[arg-type]
                entry_id=entry_id,
                heads=heads,
                owed=self._owed,
                unallocated_minor=unallocated,
            )
        )

    # --- the statement -------------------------------------------------------------------------

    def statement(self) -> InterestStatement:
        request, accruing = self._request, self._accruing
        profile = accruing.profile
        per_diem = self._per_diem()
        return InterestStatement(
            currency=request.currency,
            profile=profile.name,
            citation=profile.citation,
            confidence=profile.confidence,
            day_count=profile.day_count,
            rounding=profile.rounding,
            allocation=request.allocation,
            start=request.start,
            end=request.end,
            opening=request.opening.plain(),
            lines=tuple(accruing.lines()),
            postings=tuple(self._postings),
            accrued=accruing.payable(),
            frozen=accruing.frozen(),
            not_accrued=accruing.not_accrued(),
            owed=self._owed,
            total_minor=self._owed.total,
            total=shown(self._owed.total, request.currency),
            overpaid_minor=self._overpaid,
            per_diem=decimal_text(per_diem),
            per_diem_minor=posted(per_diem, profile.rounding),
        )

    def _per_diem(self) -> Fraction:
        """By the rate of the day to come, or where that is not published yet, of the last day."""
        principal = self._owed.principal
        try:
            return self._accruing.per_diem(self._request.end, principal)
        except Refused:
            return self._accruing.per_diem(last_day_of(self._request, self._request.end), principal)
