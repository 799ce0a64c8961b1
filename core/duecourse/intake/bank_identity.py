"""One movement of money is one entry, whichever file says it, and however often."""

from typing import Literal
from uuid import UUID

from duecourse.intake.reading import Pseudonyms
from duecourse.intake.transactions import Statement, Transaction


class Identities:
    """The ids of a file's entries. The same statement gives the same ids, in the same order."""

    def __init__(self, ids: Pseudonyms) -> None:
        self._ids = ids
        self._seen: dict[int, int] = {}
        self._told: set[int] = set()

    def begin(self, statement: Statement) -> UUID:
        """The id of a statement, from whose beginning its equal entries are counted."""
        self._seen, self._told = {}, set()
        names = (statement.message, statement.account, statement.statement_id)
        return self._ids.pseudonym("bank-statement", *names)

    def entry_id(self, account: str, each: Transaction) -> UUID:
        """By the bank's reference, or by all that the entry says; then by its place among equals."""
        base = self._ids.pseudonym("bank-entry", account, each.kind, *_names(each))
        number = self._seen.get(base.int, 0)
        self._seen[base.int] = number + 1
        return base if number == 0 else self._ids.pseudonym("bank-entry", str(base), str(number))

    def is_told_again(self, account: str, each: Transaction) -> bool:
        """Whether the statement has an entry of this reference that says the very same.

        Banks number alike what they book together: of those that differ each is a movement of its
        own, and so is each detail, as details add up to their entry.
        """
        if not (each.is_whole and each.entry_ref):
            return False
        told = hash((account, each.kind, each.entry_ref, _content(each)))
        again = told in self._told
        self._told.add(told)
        return again

    def elsewhere(self, entry_id: UUID, statement_id: UUID) -> UUID:
        """The id of an entry that looks like one of another statement, and may be another one."""
        return self._ids.pseudonym("bank-entry", str(entry_id), str(statement_id))

    def batch(self, account: str, each: Transaction) -> UUID | None:
        if not each.entry_ref:
            return None
        return self._ids.pseudonym("bank-batch", account, each.entry_ref)

    def payer(self, each: Transaction) -> UUID | None:
        if not each.payer_account:
            return None
        return self._ids.pseudonym("bank-account", each.payer_account)

    def end_to_end(self, each: Transaction) -> UUID | None:
        if not each.end_to_end_id:
            return None
        return self._ids.pseudonym("end-to-end", each.end_to_end_id)


def has_reference(each: Transaction) -> bool:
    """Whether the bank named it, so that two of one name are one."""
    return bool(each.entry_ref or each.bank_refs)


def _names(each: Transaction) -> tuple[str, ...]:
    """A statement and a notification say different things about one entry; its name they share."""
    if each.is_whole and each.entry_ref:
        return _named("entry", each.entry_ref)
    if each.bank_refs:
        return _named("detail", each.bank_refs[0])
    if each.entry_ref:
        return _named("part", each.entry_ref, each.end_to_end_id, *each.others)
    return _named("content", *_content(each))


def _content(each: Transaction) -> tuple[str, ...]:
    return (
        str(each.booked_on),
        str(each.value_on),
        each.currency,
        str(each.amount_minor),
        each.end_to_end_id,
        "\n".join(each.structured),
        each.text,
        each.payer_name,
        each.payer_account,
    )


def _named(how: Literal["entry", "detail", "part", "content"], *what: str) -> tuple[str, ...]:
    return (how, *what)
