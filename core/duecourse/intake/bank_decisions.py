"""What is decided about the transactions of a file: known before, matched, or for a person."""

from collections.abc import Iterator, Sequence
from typing import Final
from uuid import UUID

import msgspec

from duecourse.case.context import Actor
from duecourse.intake.bank_identity import Identities, has_reference
from duecourse.intake.matching import Match, NoMatch, match_credit, match_return, quotes_of
from duecourse.intake.posting import Bank, payment_id_of
from duecourse.intake.transactions import Statement, Transaction
from duecourse.store.bank_entries import BankEntry

TWICE: Final = "the bank gave another entry of this statement the same reference and words"
TO_COME: Final = "its value date is in the future: import it again then"


class Row(msgspec.Struct):
    """A transaction on its way; `entry` is what is on record of it, `before` what was.

    `forced` is why a person must look at it whatever it says; `covered`, that it came before in
    another form.
    """

    each: Transaction
    statement: Statement
    statement_id: UUID
    entry_id: UUID
    before: BankEntry | None = None
    entry: BankEntry | None = None
    forced: str = ""
    covered: bool = False

    @property
    def is_open(self) -> bool:
        return not self.covered and (self.entry is None or self.entry.state == "unmatched")


class Decisions:
    def __init__(self, bank: Bank, identities: Identities, actor: Actor) -> None:
        self._bank = bank
        self._identities = identities
        self._actor = actor

    def recognise(self, rows: Sequence[Row]) -> None:
        """Find what is on record of each; one that only looks like another's waits for a person."""
        known = self._bank.entries.get({row.entry_id for row in rows})
        twins: list[Row] = []
        for row in rows:
            entry = known.get(row.entry_id)
            if entry is None or has_reference(row.each) or _same_paper(entry, row):
                row.entry = entry
            else:
                row.entry_id = self._identities.elsewhere(row.entry_id, row.statement_id)
                row.forced = "it is like an entry of another statement, and may be the same"
                twins.append(row)
        found = self._bank.entries.get({row.entry_id for row in twins})
        for row in twins:
            row.entry = found.get(row.entry_id)
        for row in rows:
            row.before = row.entry
            if row.each.kind == "credit" and self._bank.is_to_come(row.each.value_on):
                row.forced = row.forced or TO_COME

    def details(self, rows: Sequence[Row]) -> None:
        """A batch may come as one sum in one file, and with its details in another."""
        batches = {row.entry_id: self._batch_of(row) for row in rows}
        wanted = {each for each in batches.values() if each is not None}
        by_batch: dict[UUID, list[BankEntry]] = {}
        for entry in self._bank.entries.of_batches(wanted):
            assert entry.batch is not None, "it was found by its batch"
            by_batch.setdefault(entry.batch, []).append(entry)
        replaced: set[UUID] = set()
        for row in rows:
            batch = batches[row.entry_id]
            same = by_batch.get(batch, []) if batch is not None else []
            others = [x for x in same if x.is_whole != row.each.is_whole]
            if not others:
                continue
            if row.each.is_whole:
                self._whole_after_parts(row, others)
            else:
                replaced |= self._part_after_whole(row, others)
        if replaced:
            words = "its details came in another file"
            self._bank.entries.set_aside(replaced, words, self._actor.id)

    def _whole_after_parts(self, row: Row, parts: Sequence[BankEntry]) -> None:
        total = sum(x.amount_minor for x in parts if x.what == "credit")
        if total == row.each.amount_minor and row.each.kind == "credit":
            row.covered = True
        else:
            row.forced = "its details came before, and add up to another sum"

    def _part_after_whole(self, row: Row, wholes: Sequence[BankEntry]) -> set[UUID]:
        if any(x.state in {"posting", "posted"} for x in wholes):
            row.forced = "the batch it is in was posted as one sum"
        return {x.entry_id for x in wholes if x.state == "unmatched"}

    def _batch_of(self, row: Row) -> UUID | None:
        return self._identities.batch(row.statement.account, row.each)

    def matched(self, rows: Sequence[Row]) -> Iterator[tuple[Row, Match | NoMatch]]:
        came = [row for row in rows if row.each.kind != "return"]
        went = [row for row in rows if row.each.kind == "return"]
        if came:
            yield from self._matched_credits(came)
        if went:
            yield from self._matched_returns(went)

    def _matched_credits(self, rows: Sequence[Row]) -> Iterator[tuple[Row, Match | NoMatch]]:
        quotes = [quotes_of(row.each) for row in rows]
        wanted = {name for each in quotes for name in (*each.own_field, *each.in_text)}
        keys = self._bank.keys.find(self._bank.database, wanted)
        payers = {row.entry_id: self._identities.payer(row.each) for row in rows}
        paid = self._bank.entries.cases_of_payers({x for x in payers.values() if x is not None})
        for row, named in zip(rows, quotes, strict=True):
            payer = payers[row.entry_id]
            before = paid.get(payer, set()) if payer is not None else set[UUID]()
            found = match_credit(row.each, named, keys, before, self._bank.load)
            yield row, NoMatch(reason=row.forced, candidates=_cases(found)) if row.forced else found

    def _matched_returns(self, rows: Sequence[Row]) -> Iterator[tuple[Row, Match | NoMatch]]:
        ids = {row.entry_id: self._identities.end_to_end(row.each) for row in rows}
        by_id: dict[UUID, list[BankEntry]] = {}
        for entry in self._bank.entries.to_take_back({x for x in ids.values() if x is not None}):
            assert entry.end_to_end is not None, "it was found by it"
            by_id.setdefault(entry.end_to_end, []).append(entry)
        for row in rows:
            name = ids[row.entry_id]
            same = by_id.get(name, []) if name is not None else []
            found = match_return(row.each, same)
            if row.forced:
                found = NoMatch(reason=row.forced, candidates=_cases(found))
            if isinstance(found, Match) and name is not None:
                # So that the next one of this batch takes back another payment, or none.
                by_id[name] = [*same, self.entry(row, found)]
            yield row, found

    def entry(self, row: Row, found: Match | NoMatch) -> BankEntry:
        each = row.each
        entry = BankEntry(
            entry_id=row.entry_id,
            statement_id=row.statement_id,
            message=row.statement.message,
            what=each.kind if each.kind != "debit" else "return",
            state="unmatched",
            currency=each.currency,
            amount_minor=each.amount_minor,
            booked_on=each.booked_on,
            value_on=each.value_on,
            batch=self._batch_of(row),
            is_whole=each.is_whole,
            payer=self._identities.payer(each),
            end_to_end=self._identities.end_to_end(each),
        )
        if isinstance(found, NoMatch):
            return msgspec.structs.replace(entry, reason=found.reason, candidates=found.candidates)
        return msgspec.structs.replace(
            entry,
            state="posting",
            rule=found.rule,
            case_id=found.case_id,
            debt_id=found.debt_id,
            payment_id=found.payment_id or payment_id_of(row.entry_id),
        )


def _same_paper(entry: BankEntry, row: Row) -> bool:
    """A notification and a statement speak of one entry; two statements of two, it may be."""
    is_other_kind = entry.message != row.statement.message
    return is_other_kind or entry.statement_id == row.statement_id


def _cases(found: Match | NoMatch) -> tuple[UUID, ...]:
    return (found.case_id,) if isinstance(found, Match) else found.candidates
