"""Interest is posted, never silently: what the account comes to, and what that adds to what is owed.

The account is always worked out whole. What it says more than was posted is the interest of the
days since; where it says that something was different all along, that is a correction.
"""

from collections.abc import Mapping
from datetime import date
from functools import reduce
from uuid import UUID

import msgspec
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import Context
from duecourse.case.errors import Invalid
from duecourse.case.evolve import evolve
from duecourse.case.interest_terms import (
    MOST_LINES,
    AccruedTotals,
    Because,
    DebtCorrection,
    InterestLine,
)
from duecourse.case.ledger import account_of, accrued_through, interest_currencies
from duecourse.case.state import Case
from duecourse.money.account import run_account
from duecourse.money.account_terms import AccountResult, Change, DebtResult
from duecourse.money.amounts import Buckets
from duecourse.money.cap_terms import NOT_OWED
from duecourse.money.figures import Refused
from duecourse.money.interest_terms import AccrualLine


class _News(msgspec.Struct, frozen=True):
    """What the account says otherwise than the case: of debts, of their totals, of payments."""

    through: date
    changes: Mapping[UUID, Change]
    totals: Mapping[UUID, AccruedTotals]
    payments: Mapping[str, e.PaymentPart]
    result: AccountResult


def accrue_interest(case: Case, command: c.AccrueInterest, context: Context) -> list[e.Event]:
    """Post the interest of the days that are over. A day comes to its end on the debtor's clock."""
    today = case.today(context.at)
    through = command.through_on or today
    if through > today:
        raise Invalid(f"the days before {through} are not over yet (today: {today})", "through_on")
    return accrued(case, context, through)


def accrued(case: Case, context: Context, through: date | None = None) -> list[e.Event]:
    """The interest of the days before `through`, of today if left out, in every currency."""
    through = through or case.today(context.at)
    return [
        event
        for currency in interest_currencies(case)
        for event in restated(case, context, currency, "time", through=through)
    ]


def restated(
    case: Case,
    context: Context,
    currency: str,
    because: Because,
    *,
    through: date | None = None,
    since: date | None = None,
    payment_id: str = "",
) -> list[e.Event]:
    """Make the case be what its account says. Nothing, where it is so already.

    `since` is the first day that may have come out otherwise, for the reader.
    """
    known = accrued_through(case, currency)
    upto = max(through, known) if through and known else through or known
    news = None if upto is None else _news(case, currency, upto)
    if news is None:
        return []
    plain = _plainly(case, context, news) if because in {"time", "terms", "hold"} else None
    if plain is not None:
        return plain
    return _correction(
        case, context, currency, news, because=because, since=since, payment_id=payment_id
    )


def taken_in(case: Case, held: e.PaymentRecorded, context: Context) -> list[e.Event] | None:
    """Put a payment, given as held whole, to the debts on its value date.

    The interest up to that day comes first. If days after it have been posted, they come out
    otherwise, and are corrected. None where the account cannot be worked out.
    """
    value_on = min(held.value_on, case.today(context.at))
    known = accrued_through(case, held.currency)
    upto = max(known, value_on) if known else value_on
    news = _news(evolve(case, held), held.currency, upto)
    if news is None:
        return None
    own = news.payments.get(held.payment_id)
    paid = held
    if own is not None:
        paid = replace(held, allocations=own.allocations, unallocated_minor=own.unallocated_minor)
    others = {key: part for key, part in news.payments.items() if key != held.payment_id}
    if not others:
        news = replace(news, payments={})
        if known is None or value_on >= known:
            before = _plainly(case, context, news)
            if before is not None:
                return [*before, paid]
        elif _fits(case, paid):
            after = evolve(case, paid)
            corrected = _correction(
                after,
                context,
                held.currency,
                news,
                because="payment",
                since=value_on,
                payment_id=held.payment_id,
            )
            return [paid, *corrected]
    before = restated(case, context, held.currency, "time", through=upto)
    after = reduce(evolve, [*before, held], case)
    corrected = restated(
        after, context, held.currency, "payment", since=value_on, payment_id=held.payment_id
    )
    return [*before, held, *corrected]


def _fits(case: Case, paid: e.PaymentRecorded) -> bool:
    """Whether every head has what is paid of it already, before anything is corrected."""
    return all(
        min(msgspec.structs.astuple(case.debts[each.debt_id].outstanding - each.paid)) >= 0
        for each in paid.allocations
    )


def thawed(case: Case, context: Context) -> list[e.Event]:
    """When a hold is over, the account is brought up to date with what it had stopped."""
    today = case.today(context.at)
    return [
        event
        for currency in interest_currencies(case)
        for event in restated(case, context, currency, "hold", through=today)
    ]


# --- what the account says -------------------------------------------------------------------


def _news(case: Case, currency: str, through: date) -> _News | None:
    """None where it cannot be worked out; what was posted then stands."""
    try:
        result = run_account(account_of(case, currency), through)
    except Refused:
        return None
    payments = {}
    for key, payment in case.payments.items():
        if payment.currency != currency or payment.reversed:
            continue
        found = result.deposits[key]
        parts = tuple(
            e.Allocation(debt_id=UUID(name), paid=part) for name, part in found.parts.items()
        )
        if dict_of(parts) != dict_of(payment.allocations):
            payments[key] = e.PaymentPart(
                payment_id=key, allocations=parts, unallocated_minor=found.unallocated_minor
            )
    return _News(
        through=through,
        changes=_changes(case, result, payments),
        totals=_totals(case, result, through),
        payments=payments,
        result=result,
    )


def dict_of(parts: tuple[e.Allocation, ...]) -> dict[UUID, Buckets]:
    return {part.debt_id: part.paid for part in parts if part.paid.total}


def _changes(
    case: Case, result: AccountResult, payments: Mapping[str, e.PaymentPart]
) -> dict[UUID, Change]:
    """By how much each debt comes out otherwise, beside what the payments do to it."""
    found: dict[UUID, Change] = {}
    for name, debt in result.debts.items():
        key = UUID(name)
        before, after = case.debts[key].outstanding, debt.owed
        for part in payments.values():
            before += dict_of(case.payments[part.payment_id].allocations).get(key, Buckets())
            after += dict_of(part.allocations).get(key, Buckets())
        change = Change.between(before, after)
        if change != Change():
            found[key] = change
    return found


def _totals(case: Case, result: AccountResult, through: date) -> dict[UUID, AccruedTotals]:
    """Those that are not what the case has."""
    found: dict[UUID, AccruedTotals] = {}
    for key, terms in case.ledger.terms.items():
        debt = result.debts.get(str(key))
        interest = None if debt is None else debt.running.spec.interest
        if debt is None or interest is None:
            continue
        if through < terms.from_on and key not in case.ledger.totals:
            continue
        totals = AccruedTotals(
            through_on=min(through, interest.end),
            posted=debt.accrued,
            frozen=debt.frozen,
            not_accrued=debt.not_accrued,
            capped=debt.capped,
        )
        before = case.ledger.totals.get(key)
        # On what is paid nothing accrues, and a day more is no news.
        is_paid = not debt.owed.principal and before is not None
        day = before.through_on if before is not None and is_paid else totals.through_on
        if replace(totals, through_on=day) != before:
            found[key] = totals
    return found


# --- what follows from it --------------------------------------------------------------------


def _plainly(case: Case, context: Context, news: _News) -> list[e.Event] | None:
    """The interest of the days since, debt by debt; None if anything before comes out otherwise."""
    if news.payments or not news.changes.keys() <= news.totals.keys():
        return None
    events: list[e.Event] = []
    for key, totals in news.totals.items():
        terms = case.ledger.terms[key]
        before = case.ledger.totals.get(key, AccruedTotals(through_on=terms.from_on))
        change = news.changes.get(key, Change())
        debt = news.result.debts[str(key)]
        if not _only_more(before, totals, change):
            return None
        events.append(_accrual(context, key, before=before, now=totals, change=change, debt=debt))
        capped = totals.capped - before.capped
        if capped.total:
            events.append(capped_event(context, key, capped, debt, totals.through_on))
    return events


def _only_more(before: AccruedTotals, now: AccruedTotals, change: Change) -> bool:
    pairs = [
        (before.posted, now.posted),
        (before.frozen, now.frozen),
        (before.not_accrued, now.not_accrued),
        (before.capped, now.capped),
    ]
    grown = all(min(msgspec.structs.astuple(Change.between(old, new))) >= 0 for old, new in pairs)
    posted = Change.between(before.posted, now.posted)
    # Compounding moves interest to the principal.
    moved = change.principal
    expected = posted.plus("interest", -moved).plus("principal", moved)
    return grown and now.through_on >= before.through_on and change == expected


def _accrual(
    context: Context,
    key: UUID,
    *,
    before: AccruedTotals,
    now: AccruedTotals,
    change: Change,
    debt: DebtResult,
) -> e.InterestAccrued:
    running = debt.running
    return e.InterestAccrued(
        at=context.at,
        debt_id=key,
        from_on=before.through_on,
        to_on=now.through_on,
        amount_minor=change.total,
        change=change,
        frozen=now.frozen - before.frozen,
        not_accrued=now.not_accrued - before.not_accrued,
        lines=lines_of(running.lines(before.through_on)),
        profile=running.profile,
        citation=running.profile_citation,
    )


def capped_event(
    context: Context, key: UUID, heads: Buckets, debt: DebtResult, on: date
) -> e.InterestCapped:
    return e.InterestCapped(
        at=context.at,
        debt_id=key,
        amount_minor=heads.total,
        heads=heads,
        on=on,
        cap=debt.cap,
        citation=debt.citation,
        says=NOT_OWED,
    )


def lines_of(lines: tuple[AccrualLine, ...], most: int = MOST_LINES) -> tuple[InterestLine, ...]:
    """The newest, where there are more than an event should carry; a statement has them all."""
    return tuple(
        InterestLine(
            head=each.head,
            from_on=each.start,
            to_on=each.end,
            days=each.days,
            balance_minor=each.balance_minor,
            percent=each.percent,
            per=each.per,
            fraction=each.fraction,
            amount=each.amount,
            state=each.state,
            authority=each.authority,
        )
        for each in lines[max(len(lines) - most, 0) :]
    )


def _correction(
    case: Case,
    context: Context,
    currency: str,
    news: _News,
    *,
    because: Because,
    since: date | None,
    payment_id: str,
) -> list[e.Event]:
    if not (news.changes or news.totals or news.payments):
        return []
    first = min((terms.from_on for terms in case.ledger.terms.values()), default=news.through)
    since = min(max(since or first, first), news.through)
    debts = tuple(
        DebtCorrection(
            debt_id=key,
            change=news.changes.get(key, Change()),
            totals=news.totals.get(key),
            lines=lines_of(news.result.debts[str(key)].running.lines(since)),
        )
        for key in case.debts
        if key in news.changes or key in news.totals
    )
    return [
        e.InterestCorrected(
            at=context.at,
            currency=currency,
            because=because,
            payment_id=payment_id,
            from_on=since,
            through_on=news.through,
            amount_minor=sum(change.total for change in news.changes.values()),
            debts=debts,
            payments=tuple(news.payments.values()),
        )
    ]
