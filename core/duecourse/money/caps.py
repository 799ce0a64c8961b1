"""Legal caps on interest, penalty and fees: what is above one is not owed, and so no discount."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

import msgspec

from duecourse.money.amounts import Buckets
from duecourse.money.cap_rules import (
    AmountPart,
    Cap,
    CapPart,
    CapSpan,
    MultiplePart,
    RatePart,
    TotalCostPart,
    caps,
)
from duecourse.money.cap_terms import (
    CapCheck,
    CapLine,
    CapPeriod,
    CapRequest,
    CapResult,
    InterestCapped,
)
from duecourse.money.day_counts import DayCount, uneven_days, year_fraction
from duecourse.money.figures import (
    MAX_SUM,
    Refused,
    decimal_text,
    share_of,
    within_limit,
)
from duecourse.money.interest_terms import AccrualLine, check_span, check_year
from duecourse.money.series import series


def apply_cap(request: CapRequest) -> CapResult:
    """Raises Refused where it is not known which cap applies, or what it was on the day."""
    _check(request)
    cap = cap_for(request)
    left = request.charged.plain()
    checks: list[CapCheck] = []
    capped: list[InterestCapped] = []
    for part in cap.parts:
        allowed, lines = _allowed(part, request)
        charged = sum(getattr(left, head) for head in part.heads)
        checks.append(
            CapCheck(
                part=part.name,
                heads=part.heads,
                allowed_minor=allowed,
                charged_minor=charged,
                lines=lines,
            )
        )
        if charged > allowed:
            taken = _clip(left, part, charged - allowed)
            left -= taken
            capped.append(
                InterestCapped(
                    part=part.name,
                    amount_minor=taken.total,
                    heads=taken,
                    citation=cap.citation,
                )
            )
    return CapResult(
        cap=cap.name,
        title=cap.title,
        citation=cap.citation,
        confidence=cap.confidence,
        currency=request.currency,
        charged=request.charged.plain(),
        collectible=left,
        capped_minor=sum(each.amount_minor for each in capped),
        capped=tuple(capped),
        checks=tuple(checks),
        notes=tuple(each for each in (cap.note, cap.warning) if each),
    )


def periods_of(lines: Iterable[AccrualLine]) -> tuple[CapPeriod, ...]:
    """The balances that interest was worked out on: each day once, whatever ran on it."""
    lines = tuple(lines)
    days = sorted({day for line in lines for day in (line.start, line.end)})
    found: list[CapPeriod] = []
    for start, end in pairwise(days):
        on = next((line for line in lines if line.start <= start and end <= line.end), None)
        if on is not None:
            found.append(CapPeriod(start=start, end=end, balance_minor=on.balance_minor))
    return tuple(found)


def cap_for(request: CapRequest) -> Cap:
    """The one cap for this licence, debtor and day. Raises Refused, naming those there are."""
    here = [each for each in caps() if each.jurisdiction == request.jurisdiction]
    if not here:
        known = ", ".join(sorted({each.jurisdiction for each in caps()}))
        raise Refused("jurisdiction", "no cap is recorded for this place", f"there are {known}")
    fits = [
        each
        for each in here
        if (not each.licences or request.licence in each.licences)
        and (not each.debtors or request.debtor in each.debtors)
        and (not each.claims or request.claim in each.claims)
        and each.on_land == (request.secured_on_land and _has_land(here, request))
        and each.restructured == request.restructured
    ]
    if not fits:
        words = ", ".join(sorted({word for each in here for word in each.licences}))
        raise Refused(
            "licence",
            f"no cap of {request.jurisdiction} is recorded for {request.licence!r}"
            f"{' that was rolled over' if request.restructured else ''}",
            f"licences it knows: {words or 'any'}",
        )
    for each in fits:
        if each.is_of(request.contract_on):
            return each
    raise Refused(
        "contract_on",
        f"no cap of {request.jurisdiction} is recorded for a contract of {request.contract_on}",
        "look at the law of that day",
    )


def _has_land(here: list[Cap], request: CapRequest) -> bool:
    return any(
        each.on_land and request.debtor in each.debtors and request.claim in each.claims
        for each in here
    )


def _check(request: CapRequest) -> None:
    check_year(request.contract_on, "contract_on")
    if request.filed_on is not None:
        check_year(request.filed_on, "filed_on")
    for number, period in enumerate(request.periods):
        check_span(period.start, period.end, f"periods[{number}].")
    if any(a.end > b.start for a, b in pairwise(request.periods)):
        raise Refused("periods", "overlap or are not in order", "sort them, each day once")
    within_limit(request.charged.total, "charged", MAX_SUM)


# --- what a part allows ------------------------------------------------------------------------


def _allowed(part: CapPart, request: CapRequest) -> tuple[int, tuple[CapLine, ...]]:
    """In whole minor units, rounded down."""
    match part:
        case RatePart():
            lines = [
                line for period in request.periods for line in _rate_lines(part, period, request)
            ]
            return _sum(lines), tuple(_written(lines))
        case MultiplePart():
            lent = _lent(request)
            amount = lent * share_of(part.percent)
            return amount.numerator // amount.denominator, ()
        case AmountPart():
            if request.currency != part.currency:
                raise Refused(
                    "currency", f"the cap is set in {part.currency}", f"convert to {part.currency}"
                )
            return part.amount_minor, ()
        case TotalCostPart():
            lent = _lent(request)
            start, end = request.periods[0].start, request.periods[-1].end
            share = _share(part.span, start, request)
            line = _Line(start, end, lent, share, year_fraction(start, end, "ACT/365F"))
            return lent + _sum([line]), tuple(_written([line]))


class CapMeter:
    """A cap as time goes by: what its parts allow so far; of the total cost, above what was lent.

    It counts from `start`; what the total may cost, from the day of the contract. Raises Refused,
    as `apply_cap` does, where it is not known what the cap is.
    """

    def __init__(self, request: CapRequest, start: date) -> None:
        self.cap = cap_for(request)
        self._request = request
        self._exact = [Fraction(0)] * len(self.cap.parts)
        self._fixed = [
            _allowed(part, request)[0] if isinstance(part, MultiplePart | AmountPart) else 0
            for part in self.cap.parts
        ]
        for number, part in enumerate(self.cap.parts):
            if isinstance(part, TotalCostPart):
                self._exact[number] = self._of_total(part, request.contract_on, start)

    def _of_total(self, part: TotalCostPart, start: date, end: date) -> Fraction:
        share = _share(part.span, start, self._request)
        return _lent(self._request) * share * year_fraction(start, end, "ACT/365F")

    def add(self, period: CapPeriod) -> None:
        """So much was owed of the principal from one day until before another."""
        for number, more in enumerate(self.growth(period)):
            self._exact[number] += more

    def growth(self, period: CapPeriod) -> list[Fraction]:
        """What each part allows more for it."""
        return [self._growth(part, period) for part in self.cap.parts]

    def _growth(self, part: CapPart, period: CapPeriod) -> Fraction:
        match part:
            case RatePart():
                lines = _rate_lines(part, period, self._request)
                return sum((line.amount for line in lines), Fraction(0))
            case TotalCostPart():
                return self._of_total(part, period.start, period.end)
            case _:
                return Fraction(0)

    def turning_days(self, start: date, end: date) -> set[date]:
        """Those between the two before and after which a day does not allow the same."""
        period = CapPeriod(start=start, end=end, balance_minor=0)
        return {
            day
            for part in self.cap.parts
            if isinstance(part, RatePart)
            for day in (
                *_changes(part, period, self._request),
                *uneven_days(start, end, part.day_count),
            )
        }

    def per_day(self, day: date, balance: int) -> list[tuple[CapPart, Fraction]]:
        """What the parts that are a rate allow for one day more."""
        period = CapPeriod(start=day, end=day + timedelta(days=1), balance_minor=balance)
        return [
            (part, more)
            for part, more in zip(self.cap.parts, self.growth(period), strict=True)
            if isinstance(part, RatePart)
        ]

    def exact(self) -> list[Fraction]:
        return [exact + fixed for exact, fixed in zip(self._exact, self._fixed, strict=True)]


class _Line(msgspec.Struct, frozen=True):
    start: date
    end: date
    balance: int
    share: Fraction
    span: Fraction

    @property
    def amount(self) -> Fraction:
        return self.balance * self.share * self.span


def _rate_lines(part: RatePart, period: CapPeriod, request: CapRequest) -> Iterator[_Line]:
    days = sorted({period.start, period.end, *_changes(part, period, request)})
    for start, end in pairwise(days):
        share = _share(_span(part, start), start, request)
        span = _length(start, end, part.per, part.day_count)
        yield _Line(start, end, period.balance_minor, share, span)


def _length(start: date, end: date, per: str, day_count: DayCount) -> Fraction:
    return Fraction((end - start).days) if per == "day" else year_fraction(start, end, day_count)


def _changes(part: RatePart, period: CapPeriod, request: CapRequest) -> Iterator[date]:
    for span in part.spans:
        for day in (span.since, span.until and span.until + timedelta(days=1)):
            if day is not None and period.start < day < period.end:
                yield day
        if span.fixed_at == "each_day" and span.series:
            source = series(span.series, request.published)
            yield from source.changes_between(period.start, period.end)


def _span(part: RatePart, day: date) -> CapSpan:
    for span in part.spans:
        if span.covers(day):
            return span
    raise Refused("periods", f"the cap says nothing of {day}", "look at the law of that day")


def _share(span: CapSpan, day: date, request: CapRequest) -> Fraction:
    if span.percent:
        return share_of(span.percent)
    fixed: dict[str, tuple[str, date | None]] = {
        "contract": ("contract_on", request.contract_on),
        "filing": ("filed_on", request.filed_on),
        "each_day": ("periods", day),
    }
    field, at = fixed[span.fixed_at]
    if at is None:
        raise Refused(field, "the cap is that of this day", "give the day of the suit, or today")
    source = series(span.series, request.published)
    # A rate below zero with its points: nothing may be charged, but nothing is owed back.
    return max(source.share_on(at, field) * span.times + share_of(span.plus), Fraction(0))


def _lent(request: CapRequest) -> int:
    if not request.lent_minor:
        raise Refused("lent_minor", "the cap is measured by what was lent", "give it")
    return request.lent_minor


def _sum(lines: list[_Line]) -> int:
    total = sum((line.amount for line in lines), Fraction(0))
    return within_limit(total.numerator // total.denominator, "periods", MAX_SUM)


def _written(lines: list[_Line]) -> Iterator[CapLine]:
    for line in lines:
        yield CapLine(
            start=line.start,
            end=line.end,
            balance_minor=line.balance,
            percent=decimal_text(line.share * 100),
            fraction=str(line.span),
            amount=str(line.amount),
        )


def _clip(owed: Buckets, part: CapPart, excess: int) -> Buckets:
    taken: dict[str, int] = {}
    for head in part.heads:
        taken[head] = min(excess, getattr(owed, head))
        excess -= taken[head]
    return Buckets(**taken)
