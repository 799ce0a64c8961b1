"""The account of a case in one currency, as its history left it: what `money.account` works out."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import lru_cache
from typing import Final
from uuid import UUID

from duecourse.case.interest_terms import CapTerms, InterestTerms, RateFrom
from duecourse.case.ledger_state import OtherChange
from duecourse.case.state import Case, DebtAccount, Hold, Payment
from duecourse.money.account_terms import Account, AccountDebt, AccountEntry, Change, Deposit
from duecourse.money.amounts import Buckets, sum_buckets
from duecourse.money.cap_rules import RatePart
from duecourse.money.cap_terms import CapRequest
from duecourse.money.caps import cap_for
from duecourse.money.figures import Heads, decimal_text
from duecourse.money.freezes import freeze_law
from duecourse.money.interest_terms import Accrual, Freeze, InterestRequest, RateStep
from duecourse.money.legal_places import (
    AgreedOrder,
    known_order,
    never_to_disputed,
    order_beside,
    order_of_place,
)
from duecourse.money.series import Published, series

FAR: Final = date(2200, 12, 31)
_DAY: Final = timedelta(days=1)
_PLAN_RUNS: Final = "A plan is being kept: its own interest runs, and none beside it is asked for"


def bears_interest(case: Case, currency: str) -> bool:
    """Whether anything in this currency depends on value dates."""
    return any(case.debts[key].debt.currency == currency for key in case.ledger.terms)


def interest_currencies(case: Case) -> list[str]:
    return sorted({case.debts[key].debt.currency for key in case.ledger.terms})


def accrued_through(case: Case, currency: str) -> date | None:
    """Before this day all interest that is known was posted; None before there was any."""
    days = [
        totals.through_on
        for key, totals in case.ledger.totals.items()
        if case.debts[key].debt.currency == currency
    ]
    return max(days, default=None)


def account_of(case: Case, currency: str) -> Account:
    """Everything in this currency, each on its value date."""
    debts = {key: each for key, each in case.debts.items() if each.debt.currency == currency}
    return Account(
        currency=currency,
        debts=tuple(_debt(case, key, account) for key, account in debts.items()),
        deposits=tuple(
            deposit_of(case, key, payment)
            for key, payment in case.payments.items()
            if payment.currency == currency and not payment.reversed
        ),
        entries=tuple(each for each in _entries(case) if UUID(each.debt_id) in debts),
    )


def added_since(case: Case, debt_id: UUID) -> Buckets:
    """What became of a debt since it was placed: interest, charges, corrections upwards."""
    ledger = case.ledger
    posted = ledger.totals.get(debt_id)
    charges = [
        Buckets(**{each.bucket: each.posted_minor})
        for each in ledger.charges.values()
        if each.debt_id == debt_id
    ]
    changes = [
        each.change.raised()
        for each in ledger.adjustments.values()
        if each.debt_id == debt_id and (each.status, each.kind) == ("approved", "correction")
    ]
    others = [each.change.raised() for each in ledger.others if each.debt_id == debt_id]
    interest = [] if posted is None else [posted.posted]
    return sum_buckets([*interest, *charges, *changes, *others])


# --- debts -----------------------------------------------------------------------------------


def _debt(case: Case, key: UUID, account: DebtAccount) -> AccountDebt:
    terms = case.ledger.terms.get(key)
    plain = AccountDebt(
        debt_id=str(key),
        opening=account.debt.balance,
        due_on=account.debt.due_on,
        arose_on=account.debt.contract_on,
    )
    if terms is None:
        return plain
    currency = account.debt.currency
    return AccountDebt(
        debt_id=plain.debt_id,
        opening=plain.opening,
        due_on=plain.due_on,
        arose_on=plain.arose_on,
        secured_minor=terms.secured_minor,
        secured_on_land=terms.secured_on_land,
        burden_percent=_burden(terms),
        interest=_interest(case, key, account, terms),
        cap=None if terms.cap is None else cap_request(terms, terms.cap, currency),
    )


def _burden(terms: InterestTerms) -> str:
    """What the debt costs a year at the newest rates; those of a day or a series are left out."""
    newest = [steps[-1] for steps in (terms.rates, terms.default_rates) if steps]
    percents = [step.percent for step in newest if step.per == "year" and step.percent]
    return decimal_text(sum(map(Fraction, percents), Fraction(0)))


def _interest(case: Case, key: UUID, account: DebtAccount, terms: InterestTerms) -> InterestRequest:
    end = known_until(terms)
    if account.withdrawn_at is not None:
        end = min(end, case.today(account.withdrawn_at))
    accruals = [("contract", "interest", terms.rates), ("default", "penalty", terms.default_rates)]
    return InterestRequest(
        currency=account.debt.currency,
        opening=Heads(),
        start=terms.from_on,
        end=max(end, terms.from_on),
        profile=terms.profile,
        day_count=terms.day_count,
        rounding=terms.rounding,
        accruals=tuple(
            Accrual(
                name=name,
                head=head,  # type: ignore[arg-type]
                start=max(steps[0].since, terms.from_on),
                rates=tuple(_step(each) for each in steps),
            )
            for name, head, steps in accruals
            if steps
        ),
        freezes=tuple(_freezes(case, key)),
        compounding=terms.compounding,
        published=_published(terms),
    )


def _step(rate: RateFrom) -> RateStep:
    return RateStep(
        since=rate.since, percent=rate.percent, series=rate.series, plus=rate.plus, per=rate.per
    )


def _published(terms: InterestTerms) -> tuple[Published, ...]:
    return tuple(
        Published(
            series=each.series,
            since=each.since,
            through=each.through,
            percent=each.percent,
            source=each.source,
        )
        for each in terms.published
    )


def cap_request(terms: InterestTerms, cap: CapTerms, currency: str) -> CapRequest:
    return CapRequest(
        currency=currency,
        jurisdiction=cap.jurisdiction,
        licence=cap.licence,
        debtor=cap.debtor,
        claim=cap.claim,
        contract_on=cap.contract_on,
        filed_on=cap.filed_on,
        secured_on_land=terms.secured_on_land,
        restructured=cap.restructured,
        lent_minor=cap.lent_minor,
        periods=(),
        charged=Heads(),
        published=_published(terms),
    )


@lru_cache(maxsize=4096)
def known_until(terms: InterestTerms) -> date:
    """The first day for which a rate that the terms name has not been published. Far, without one.

    Raises Refused for a series or a cap that there is not.
    """
    names = {each.series for each in (*terms.rates, *terms.default_rates) if each.series}
    if terms.cap is not None:
        for part in cap_for(cap_request(terms, terms.cap, "XXX")).parts:
            if isinstance(part, RatePart):
                names |= {x.series for x in part.spans if x.series and x.fixed_at == "each_day"}
    published = _published(terms)
    return min((series(name, published).known_through + _DAY for name in names), default=FAR)


def _freezes(case: Case, key: UUID) -> Iterator[Freeze]:
    for hold in (*case.holds.values(), *case.ended_holds.values()):
        if "accrual" in hold.blocks and hold.debt_id in (None, key):
            yield from _freeze(case, hold)
    currency = case.debts[key].debt.currency
    for plan_id, span in case.ledger.kept_plans.items():
        plan = case.plans[plan_id]
        # A reversal makes one that was completed active again.
        end = None if plan.status == "active" else span.end
        if plan.currency == currency and span.start != end:
            yield Freeze(start=span.start, end=end, authority=_PLAN_RUNS)


def forbids_charges(case: Case, debt_id: UUID, day: date) -> str:
    """Which law lets no cost, fee or penalty arise on a day, because of a hold; empty if none does."""
    for hold in (*case.holds.values(), *case.ended_holds.values()):
        law = freeze_law(hold.kind, case.debtor.jurisdiction)
        if not law.no_charges or hold.debt_id not in (None, debt_id):
            continue
        if any(each.covers(day) for each in _freeze(case, hold)):
            return law.citation
    return ""


def days_without_interest(case: Case, debt_id: UUID, start: date, end: date) -> int:
    """On how many days from one until before another a law lets no interest arise on a debt."""
    barred = [each for each in _freezes(case, debt_id) if each.effect == "not_accrued"]
    days = (start + n * _DAY for n in range((end - start).days))
    return sum(any(each.covers(day) for each in barred) for day in days)


def _freeze(case: Case, hold: Hold) -> Iterator[Freeze]:
    start, end = hold_days(case, hold)
    if start == end:
        return
    law = freeze_law(hold.kind, case.debtor.jurisdiction)
    yield Freeze(
        start=start,
        end=end,
        authority=f"{hold.kind}: {law.citation}",
        effect=law.effect,
        released_on=end if hold.deferred and law.effect == "frozen" else None,
    )


def hold_days(case: Case, hold: Hold) -> tuple[date, date | None]:
    """From the day on which a hold was placed, until before the day on which it was over."""
    start = case.today(hold.since)
    ends = [] if hold.until is None else [hold.until + _DAY]
    if hold.ended_at is not None:
        ends.append(case.today(hold.ended_at))
    return start, max(min(ends), start) if ends else None


# --- payments --------------------------------------------------------------------------------


def deposit_of(case: Case, key: str, payment: Payment) -> Deposit:
    """Money counts from its value date, and never from a day that had not come when it was booked."""
    profile = known_order(payment.profile)
    order = AgreedOrder(profile=profile, across=payment.across, slots=payment.slots)
    if not profile:
        order = order_of_place(case.debtor.jurisdiction, products_of(case, payment.currency))
    debts = {
        name: each for name, each in case.debts.items() if each.debt.currency == payment.currency
    }
    beside = {str(name): order_beside(order.profile, x.debt.product) for name, x in debts.items()}
    opens = {str(name): _opens(case, payment, name, x, order) for name, x in debts.items()}
    return Deposit(
        payment_id=key,
        on=min(payment.value_on, case.today(payment.recorded_at)),
        amount_minor=payment.amount_minor - payment.refunded_minor,
        profile=order.profile,
        across=order.across,
        designated="" if payment.debt_id is None else str(payment.debt_id),
        slots=order.slots,
        future=payment.future,
        within={name: other for name, other in beside.items() if other},
        opens={name: day for name, day in opens.items() if day != date.min},
    )


def products_of(case: Case, currency: str) -> set[str]:
    return {each.debt.product for each in case.debts.values() if each.debt.currency == currency}


def _opens(
    case: Case, payment: Payment, key: UUID, account: DebtAccount, order: AgreedOrder
) -> date | None:
    """From which day a debt can be paid with it: one that came later, or was in dispute, later."""
    booked = payment.recorded_at
    if account.withdrawn_at is not None and account.withdrawn_at <= booked:
        return None
    opens = date.min
    if account.placed_at is not None and account.placed_at > booked:
        opens = case.today(account.placed_at)
    if key in payment.disputed and never_to_disputed(order):
        return _dispute_over(case, key, booked, opens)
    return opens


def _dispute_over(case: Case, key: UUID, booked: datetime, opens: date) -> date | None:
    """When all disputes were over in which the debt was as the money came. None: not yet."""
    for hold in (*case.holds.values(), *case.ended_holds.values()):
        if hold.kind != "dispute" or hold.debt_id not in (None, key) or hold.since > booked:
            continue
        if hold.ended_at is None:
            return None
        if hold.ended_at >= booked:
            opens = max(opens, case.today(hold.ended_at))
    return opens


# --- the rest --------------------------------------------------------------------------------


def _entries(case: Case) -> Iterator[AccountEntry]:
    ledger = case.ledger
    for key, charge in ledger.charges.items():
        yield AccountEntry(
            entry_id=key,
            debt_id=str(charge.debt_id),
            on=charge.incurred_on,
            kind="charge",
            change=Change().plus(charge.bucket, charge.amount_minor),
        )
    for key, each in ledger.adjustments.items():
        if each.status == "approved" and each.change != Change():
            yield AccountEntry(
                entry_id=key,
                debt_id=str(each.debt_id),
                on=each.value_on,
                kind="adjustment" if each.kind == "correction" else "waiver",
                change=each.change,
            )
    for other in ledger.others:
        yield from _other(other)


def _other(other: OtherChange) -> Iterator[AccountEntry]:
    """What goes up was no charge of ours: it is owed as it is. What goes down is a waiver."""
    more = other.change.raised()
    less = Change.less(other.change.added_to(Buckets())).raised()
    for kind, heads in (("charge", more), ("waiver", less)):
        if heads.total:
            yield AccountEntry(
                entry_id=other.entry_id,
                debt_id=str(other.debt_id),
                on=other.on,
                kind=kind,  # type: ignore[arg-type]
                change=Change.between(Buckets(), heads),
                capped=False,
            )
