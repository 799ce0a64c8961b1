"""The statement of account of a case on a day: every line, and how each figure came to be.

A pure function of the history. Where there is interest, the lines stand in the order of their value
dates, as the account is worked out; elsewhere in the order in which they were booked, which is the
one that counts there.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from fractions import Fraction
from typing import Final, Literal
from uuid import UUID

import msgspec

from duecourse.case import events as e
from duecourse.case.accrual import lines_of
from duecourse.case.errors import Invalid
from duecourse.case.evolve import evolve, fold
from duecourse.case.interest_terms import InterestLine
from duecourse.case.ledger import account_of, bears_interest
from duecourse.case.state import Case
from duecourse.case.words import Language, PersonalText
from duecourse.flow.statement_words import NOT_OWED, WORDS, interest_words, term
from duecourse.money.account import run_account
from duecourse.money.account_terms import AccountPosting, AccountResult, Change, DebtResult
from duecourse.money.amounts import Buckets, sum_buckets
from duecourse.money.figures import Refused, decimal_text, posted
from duecourse.money.interest_terms import AccrualLine

MOST_YEARS_AHEAD: Final = 10


class StatementLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One change of a debt. `balance` is what was owed of it afterwards.

    `what` is a code and `says` the same in words; `ref` is the id of the payment or the charge,
    `basis` the term or tariff that a charge stands on, as somebody wrote it.
    `interest` says how interest was worked out; `capped_minor` is what of it is above the cap.
    """

    value_on: date
    booked_on: date | None
    what: str
    says: str
    change: Change
    balance: Buckets
    ref: str = ""
    citation: str = ""
    basis: e.Text = ""
    interest: tuple[InterestLine, ...] = ()
    capped_minor: int = 0


class DebtStatement(msgspec.Struct, frozen=True, kw_only=True):
    """`frozen` is receivable and not asked for, `capped` was never owed; neither is in `balance`.

    `per_day` is what a day more would add, exact; `per_day_minor` the same, rounded.
    """

    debt_id: UUID
    account: PersonalText
    product: str
    currency: str
    due_on: date
    withdrawn: bool
    opening: Buckets
    lines: tuple[StatementLine, ...]
    balance: Buckets
    total_minor: int
    frozen: Buckets = Buckets()
    not_accrued: Buckets = Buckets()
    capped: Buckets = Buckets()
    cap: str = ""
    cap_citation: str = ""
    cap_says: str = ""
    accrual_profile: str = ""
    accrual_citation: str = ""
    day_count: str = ""
    per_day: str = "0"
    per_day_minor: int = 0


class CurrencyTotal(msgspec.Struct, frozen=True, kw_only=True):
    """`held_minor` is paid and not allocated: it is the payer's. Withdrawn debts do not count."""

    currency: str
    order: Literal["value", "booking"]
    owed: Buckets
    total_minor: int
    held_minor: int
    per_day_minor: int


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """What is owed at the beginning of the day `on`, with what came in on it."""

    case_id: UUID
    on: date
    language: Language
    creditor_name: str
    debts: tuple[DebtStatement, ...]
    totals: tuple[CurrencyTotal, ...]
    words: Mapping[str, str]


def statement(
    case_id: UUID, history: Iterable[e.Event], on: date, language: Language = "zh"
) -> Statement:
    """Raises Invalid for a day that a statement cannot be of."""
    events = list(history)
    case = fold(events)
    assert case is not None, "a case has a history"
    if not case.today(case.opened_at) <= on:
        raise Invalid(
            f"the case was opened on {case.today(case.opened_at)}; give a later day", "on"
        )
    if on.year - case.today(case.at).year > MOST_YEARS_AHEAD:
        raise Invalid(f"no more than {MOST_YEARS_AHEAD} years after the last event", "on")
    debts: list[DebtStatement] = []
    totals: list[CurrencyTotal] = []
    for currency in sorted({each.debt.currency for each in case.debts.values()}):
        found, total = _of_currency(case, events, currency, on, language)
        debts += found
        totals.append(total)
    return Statement(
        case_id=case_id,
        on=on,
        language=language,
        creditor_name=case.creditor_name,
        debts=tuple(debts),
        totals=tuple(totals),
        words={code: words[language == "en"] for code, words in WORDS.items()},
    )


class _View(msgspec.Struct, frozen=True):
    """The account of one currency as of a day, and the words for it."""

    case: Case
    result: AccountResult
    on: date
    language: Language


def _of_currency(
    case: Case, events: list[e.Event], currency: str, on: date, language: Language
) -> tuple[list[DebtStatement], CurrencyTotal]:
    result = None
    if bears_interest(case, currency):
        try:
            result = run_account(account_of(case, currency), on, on)
        except Refused as refused:
            raise Invalid(f"the account cannot be worked out: {refused}", "on") from None
    if result is None:
        debts, held = _as_booked(case, events, currency, on, language)
    else:
        view = _View(case, result, on, language)
        debts = [_by_value(view, UUID(name), debt) for name, debt in result.debts.items()]
        held = sum(each.unallocated_minor for each in result.deposits.values())
    active = [each for each in debts if not each.withdrawn]
    owed = sum_buckets(each.balance for each in active)
    return debts, CurrencyTotal(
        currency=currency,
        order="booking" if result is None else "value",
        owed=owed,
        total_minor=owed.total,
        held_minor=held,
        per_day_minor=sum(each.per_day_minor for each in active),
    )


# --- by value date ---------------------------------------------------------------------------


def _by_value(view: _View, key: UUID, debt: DebtResult) -> DebtStatement:
    case, on = view.case, view.on
    account = case.debts[key]
    running = debt.running
    per_day: Fraction = debt.per_diem
    return DebtStatement(
        debt_id=key,
        account=account.debt.account,
        product=account.debt.product,
        currency=account.debt.currency,
        due_on=account.debt.due_on,
        withdrawn=account.withdrawn_at is not None and case.today(account.withdrawn_at) <= on,
        opening=account.debt.balance,
        lines=tuple(_lines(view, key, debt)),
        balance=debt.owed,
        total_minor=debt.owed.total,
        frozen=debt.frozen,
        not_accrued=debt.not_accrued,
        capped=debt.capped,
        cap=debt.cap,
        cap_citation=debt.citation,
        cap_says=NOT_OWED[view.language == "en"] if debt.capped.total else "",
        accrual_profile=running.profile,
        accrual_citation=running.profile_citation,
        day_count=running.day_count,
        per_day=decimal_text(per_day),
        per_day_minor=posted(per_day, running.rounding),
    )


def _lines(view: _View, key: UUID, debt: DebtResult) -> Iterator[StatementLine]:
    """Interest between two other lines is one line, which has its parts."""
    groups = _groups(each for each in view.result.postings if each.debt_id == str(key))
    ends = [group[-1].on for group in groups if group[0].what == "interest"]
    if ends and groups[-1][0].what == "interest":
        ends[-1] = view.on
    parts = iter(debt.running.lines_between([date.min, *ends, date.max]))
    capped = 0
    for group in groups:
        if group[0].what == "interest":
            yield _interest(view, debt, group, next(parts), capped)
            capped = group[-1].capped.total
        else:
            yield _posting(view, group[0])


def _groups(postings: Iterable[AccountPosting]) -> list[list[AccountPosting]]:
    """Interest goes together, everything else alone."""
    groups: list[list[AccountPosting]] = []
    for each in postings:
        if groups and each.what == groups[-1][0].what == "interest":
            groups[-1].append(each)
        else:
            groups.append([each])
    return groups


def _interest(
    view: _View,
    debt: DebtResult,
    gathered: list[AccountPosting],
    found: list[AccrualLine],
    capped: int,
) -> StatementLine:
    last = gathered[-1]
    total = Buckets()
    for each in gathered:
        total = each.change.added_to(total)
    lines = lines_of(tuple(found), most=len(found))
    currency = view.case.debts[UUID(last.debt_id)].debt.currency
    return StatementLine(
        value_on=last.on,
        booked_on=None,
        what="interest",
        says=interest_words(lines, currency, debt.running.day_count, view.language),
        change=Change.between(Buckets(), total),
        balance=last.owed,
        citation=debt.running.profile_citation,
        interest=lines,
        capped_minor=last.capped.total - capped,
    )


def _posting(view: _View, each: AccountPosting) -> StatementLine:
    booked_on, what, basis = _booking(view.case, each)
    payment = view.case.payments.get(each.ref) if each.what == "payment" else None
    return StatementLine(
        value_on=each.on,
        booked_on=booked_on,
        what=what,
        says=term(what, view.language),
        change=each.change,
        balance=each.owed,
        ref=each.ref,
        citation="" if payment is None else payment.profile,
        basis=basis,
    )


def _booking(case: Case, each: AccountPosting) -> tuple[date | None, str, str]:
    """When it was booked, what it is called, and what a charge stands on."""
    ledger = case.ledger
    if each.what == "payment":
        payment = case.payments[each.ref]
        return case.today(payment.recorded_at), "payment", ""
    if each.ref in ledger.charges:
        charge = ledger.charges[each.ref]
        return charge.booked_on, charge.bucket, charge.citation
    if each.ref in ledger.adjustments:
        adjustment = ledger.adjustments[each.ref]
        return adjustment.booked_on, adjustment.kind, ""
    other = next((x for x in ledger.others if x.entry_id == each.ref), None)
    if other is not None:
        return other.on, other.what, ""
    return None, each.what, ""


# --- as it was booked ------------------------------------------------------------------------


def _as_booked(
    case: Case, events: list[e.Event], currency: str, on: date, language: Language
) -> tuple[list[DebtStatement], int]:
    """Every event that changed what a debt owes, whatever it was, up to the end of the day."""
    lines: dict[UUID, list[StatementLine]] = {}
    before: Case | None = None
    for event in events:
        after = evolve(before, event)
        if after.today(event.at) > on:
            break
        basis = event.citation if isinstance(event, e.CostsAdded) else ""
        for key, change in _changed(before, after, currency):
            lines.setdefault(key, []).append(
                StatementLine(
                    value_on=_value_day(after, event),
                    booked_on=after.today(event.at),
                    what=type(event).__name__,
                    says=term(type(event).__name__, language),
                    change=change,
                    balance=after.debts[key].outstanding,
                    ref=str(_ref(event)),
                    citation="" if basis else getattr(event, "citation", ""),
                    basis=basis,
                )
            )
        before = after
    then = before or case
    debts = [
        DebtStatement(
            debt_id=key,
            account=account.debt.account,
            product=account.debt.product,
            currency=currency,
            due_on=account.debt.due_on,
            withdrawn=account.withdrawn,
            opening=account.debt.balance,
            lines=tuple(lines.get(key, ())),
            balance=account.outstanding,
            total_minor=account.outstanding.total,
        )
        for key, account in then.debts.items()
        if account.debt.currency == currency
    ]
    held = [
        x.unallocated_minor
        for x in then.payments.values()
        if x.currency == currency and not x.reversed
    ]
    return debts, sum(held)


def _changed(before: Case | None, after: Case, currency: str) -> Iterator[tuple[UUID, Change]]:
    if before is None or before.debts is after.debts:
        return
    for key, account in after.debts.items():
        known = before.debts.get(key)
        if known is None or account.debt.currency != currency:
            continue
        if known.outstanding != account.outstanding:
            yield key, Change.between(known.outstanding, account.outstanding)


def _value_day(after: Case, event: e.Event) -> date:
    for field in ("value_on", "incurred_on"):
        day = getattr(event, field, None)
        if isinstance(day, date):
            return day
    payment_id = getattr(event, "payment_id", "")
    payment = after.payments.get(payment_id)
    return after.today(event.at) if payment is None else payment.value_on


def _ref(event: e.Event) -> object:
    for field in ("payment_id", "charge_id", "adjustment_id", "plan_id"):
        found = getattr(event, field, None)
        if found:
            return found
    return ""
