"""The references that a payer may quote, and that a payment is found by."""

from collections.abc import Iterator
from uuid import UUID

from duecourse.case.state import Case
from duecourse.flow.facts import reference_of
from duecourse.store.payment_keys import WHOLE_CASE, Quoted


def quoted(case_id: UUID, case: Case) -> Iterator[Quoted]:
    """Ours, as messages print it; the creditor's name for the borrower; each account's number."""
    yield Quoted(reference_of(case_id), WHOLE_CASE, "reference")
    yield Quoted(case.borrower_ref, WHOLE_CASE, "borrower")
    for debt_id, account in case.debts.items():
        yield Quoted(account.debt.account, debt_id, "account")
