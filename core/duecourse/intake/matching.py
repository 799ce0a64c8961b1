"""Which case a movement of money belongs to, by which rule, and how sure that is.

Only what is sure is posted. A name is never looked at, and an amount alone never decides: the
wrong debtor would be told that they have paid.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final, Literal
from uuid import UUID

import msgspec

from duecourse.case.state import Case
from duecourse.intake.quoted_words import in_text, structured
from duecourse.intake.transactions import Transaction
from duecourse.store.bank_entries import BankEntry
from duecourse.store.payment_keys import KeyKind, PaymentKey

MOST_CANDIDATES: Final = 10
LONG_NUMBER: Final = 10
Rule = Literal[
    "structured_reference",
    "case_reference",
    "account_number",
    "borrower_reference",
    "reference_and_payer",
    "payer_and_amount",
    "end_to_end_id",
]
_IN_TEXT: Final[Sequence[tuple[KeyKind, Rule]]] = (
    ("reference", "case_reference"),
    ("account", "account_number"),
    ("borrower", "borrower_reference"),
)
SURE: Final[Mapping[Rule, Literal["certain", "likely"]]] = {
    "structured_reference": "certain",
    "case_reference": "certain",
    "account_number": "certain",
    "borrower_reference": "certain",
    "end_to_end_id": "certain",
    "reference_and_payer": "likely",
    "payer_and_amount": "likely",
}


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """`debt_id` where the payer named the account: that is the debtor's own direction."""

    case_id: UUID
    rule: Rule
    debt_id: UUID | None = None
    payment_id: str = ""


class NoMatch(msgspec.Struct, frozen=True, kw_only=True):
    reason: str
    candidates: tuple[UUID, ...] = ()


Keys = Mapping[str, tuple[PaymentKey, ...]]
Load = Callable[[Collection[UUID]], Mapping[UUID, Case]]


class Quotes(msgspec.Struct, frozen=True):
    """What of a transaction may be a reference: from a field of its own, and from words."""

    own_field: set[str]
    in_text: set[str]


def quotes_of(transaction: Transaction) -> Quotes:
    """What to look up before `match_credit` is asked."""
    return Quotes(structured(transaction), in_text(transaction))


def match_credit(
    transaction: Transaction,
    quotes: Quotes,
    keys: Keys,
    paid_before: Collection[UUID],
    load: Load,
) -> Match | NoMatch:
    """`paid_before` are the cases that the payer's account has paid into."""
    if transaction.kind != "credit":
        return NoMatch(reason="money of ours came back; see which refund it was")
    if transaction.doubt:
        return NoMatch(reason=f"a batch that cannot be split: {transaction.doubt}")
    own_field = [key for each in quotes.own_field for key in keys.get(each, ())]
    if own_field and len({each.case_id for each in own_field}) == 1:
        return _match(own_field, "structured_reference")
    named = {each: keys[each] for each in quotes.in_text if each in keys}
    if not own_field and not named:
        return _by_payer(transaction, paid_before, load)
    return _by_words(transaction, named, own_field, paid_before, load)


def _by_words(
    transaction: Transaction,
    named: Keys,
    own_field: list[PaymentKey],
    paid_before: Collection[UUID],
    load: Load,
) -> Match | NoMatch:
    found = [*own_field, *(key for many in named.values() for key in many)]
    cases = {each.case_id for each in found}
    if len(cases) > 1:
        known = cases & set(paid_before)
        if len(known) == 1:
            return _match([each for each in found if each.case_id in known], "reference_and_payer")
        return NoMatch(reason=f"it names {len(cases)} cases", candidates=_some(cases))
    (case_id,) = cases
    if not own_field and all(map(_may_be_chance, named)):
        # Eight digits may be a day or a number of theirs as well as a reference of ours.
        expected = _expecting(cases, transaction, load)
        if case_id not in paid_before and not expected:
            return NoMatch(
                reason="a short number in it may be the reference of a case, or chance",
                candidates=(case_id,),
            )
    kinds = {each.kind for each in found}
    return _match(found, next(rule for kind, rule in _IN_TEXT if kind in kinds))


def _may_be_chance(word: str) -> bool:
    return word.isdigit() and len(word) < LONG_NUMBER


def _match(found: Sequence[PaymentKey], rule: Rule) -> Match:
    debts = {each.debt_id for each in found if each.debt_id is not None}
    return Match(
        case_id=found[0].case_id, rule=rule, debt_id=debts.pop() if len(debts) == 1 else None
    )


def _by_payer(
    transaction: Transaction, paid_before: Collection[UUID], load: Load
) -> Match | NoMatch:
    if not paid_before:
        return NoMatch(reason="nothing in it names a case")
    expected = _expecting(paid_before, transaction, load)
    if len(expected) == 1:
        return Match(case_id=expected[0], rule="payer_and_amount")
    reason = (
        "the payer is known, and the amount fits several cases"
        if expected
        else "the payer is known, and no case expects this amount"
    )
    return NoMatch(reason=reason, candidates=_some(paid_before))


def _expecting(cases: Collection[UUID], transaction: Transaction, load: Load) -> list[UUID]:
    return [
        case_id
        for case_id, case in load(cases).items()
        if transaction.amount_minor in expected_amounts(case, transaction.currency)
    ]


def expected_amounts(case: Case, currency: str) -> set[int]:
    """What may be paid next: a debt or all of them, an instalment, the rest of a promise."""
    owing = [x for x in case.active_debts.values() if x.debt.currency == currency]
    amounts = {account.outstanding.total for account in owing}
    amounts.add(case.outstanding(currency).total)
    for promise in case.promises.values():
        if promise.status == "open" and promise.currency == currency:
            amounts |= {promise.amount_minor, promise.amount_minor - promise.paid_minor}
    for plan in case.plans.values():
        if plan.status == "active" and plan.currency == currency:
            due = plan.instalments[min(plan.met, len(plan.instalments) - 1)]
            amounts |= {due.amount_minor, plan.total_minor - plan.paid_minor}
    return {each for each in amounts if each > 0}


def _some(cases: Collection[UUID]) -> tuple[UUID, ...]:
    return tuple(sorted(cases)[:MOST_CANDIDATES])


def match_return(transaction: Transaction, same_id: Sequence[BankEntry]) -> Match | NoMatch:
    """`same_id` are the credits and returns that have its end-to-end id."""
    if not transaction.end_to_end_id:
        return NoMatch(reason="a return without the end-to-end id of what it takes back")
    gone = {each.payment_id for each in same_id if each.what == "return"}
    came = [
        each
        for each in same_id
        if each.what == "credit"
        and each.payment_id not in gone
        and each.currency == transaction.currency
    ]
    if not came:
        return NoMatch(reason="a return of what was never posted here")
    amounts = {transaction.amount_minor, transaction.original_minor}
    fitting = [each for each in came if each.amount_minor in amounts]
    cases = _some({each.case_id for each in came if each.case_id is not None})
    if len(fitting) > 1:
        return NoMatch(reason="a return that fits several payments", candidates=cases)
    if not fitting:
        return NoMatch(reason="a return of another amount than came in", candidates=cases)
    (found,) = fitting
    assert found.case_id is not None, "what was posted has its case"
    return Match(case_id=found.case_id, rule="end_to_end_id", payment_id=found.payment_id)
