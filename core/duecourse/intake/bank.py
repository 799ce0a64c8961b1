"""Bank files in, payments and reversals out. What fits no case waits for a person.

A decision is written down before it is carried out: an import that died half-way, or that two
people ran at once, is carried on by the next one as it was decided, and nothing is posted twice.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, Protocol
from uuid import UUID

import msgspec

from duecourse.case.context import Actor
from duecourse.intake import camt
from duecourse.intake.bank_decisions import TWICE, Decisions, Row
from duecourse.intake.bank_identity import Identities
from duecourse.intake.bank_report import BankReport, differences
from duecourse.intake.importer import Progress
from duecourse.intake.posting import Bank, carry_on, request_for, text_of
from duecourse.intake.problems import ErrorsFile, Problem, Refused
from duecourse.intake.transactions import Statement, StatementEnd, Transaction
from duecourse.intake.xml_stream import XmlRefused
from duecourse.money.amounts import format_minor
from duecourse.store.bank_entries import BankEntry, Remitter
from duecourse.store.engine import Outcome

BATCH: Final = 500


class Source(Protocol):
    """A file that was read once already, so that nothing is posted of one that is broken."""

    versions: tuple[str, ...]

    def items(self, stream: BinaryIO) -> Iterator[camt.Item]: ...


class CamtSource:
    def __init__(self, stream: BinaryIO) -> None:
        self._found = camt.survey(stream)
        self.versions = self._found.versions

    def items(self, stream: BinaryIO) -> Iterator[camt.Item]:
        return camt.read_camt(stream, self._found)


def import_bank(
    path: Path,
    bank: Bank,
    actor: Actor,
    *,
    errors_path: Path,
    source: Callable[[BinaryIO], Source] = CamtSource,
    progress: Progress | None = None,
) -> BankReport:
    """Post what is sure, and queue the rest. `source` reads the file through once before.

    Raises OSError when a file cannot be opened and StoreError when the store cannot work; running
    again then takes up where it stopped.
    """
    started = time.monotonic()
    report = BankReport(errors_path=errors_path)
    with path.open("rb") as stream:
        if errors_path.exists() and errors_path.samefile(path):
            raise ValueError("the errors file is the file that is imported; choose another")
        with ErrorsFile(errors_path) as errors:
            try:
                found = source(stream)
                report.versions = found.versions
                stream.seek(0)
                task = _Import(bank, actor, report, errors)
                size = path.stat().st_size
                items = found.items(stream)
                while task.batch(items):
                    if progress is not None:
                        progress(min(stream.tell(), size), size)
                task.finish()
            except Refused as refused:
                report.refused = (_of_the_file(refused),)
                errors.write_all(report.refused)
            report.problems = errors.count
    report.seconds = time.monotonic() - started
    return report


def _of_the_file(refused: Refused) -> Problem:
    line = refused.line if isinstance(refused, XmlRefused) else 0
    return Problem(line=line, field="(file)", problem=refused.problem, fix=refused.fix)


class _Import:
    def __init__(self, bank: Bank, actor: Actor, report: BankReport, errors: ErrorsFile) -> None:
        self._bank = bank
        self._actor = actor
        self._report = report
        self._errors = errors
        self._identities = Identities(bank.vault)
        self._decisions = Decisions(bank, self._identities, actor)
        self._statement: Statement | None = None
        self._statement_id = UUID(int=0)
        self._before: dict[UUID, set[UUID]] = {}

    def batch(self, items: Iterator[camt.Item]) -> bool:
        rows: list[Row] = []
        ends: list[tuple[Statement, StatementEnd]] = []
        went_on = False
        for item in islice(items, BATCH):
            went_on = True
            match item:
                case Statement():
                    # Two statements may have one entry; within one each is another.
                    self._both(rows)
                    rows = []
                    self._begin(item)
                case StatementEnd():
                    assert self._statement is not None, "a statement begins before it ends"
                    ends.append((self._statement, item))
                case Problem():
                    self._reject([item])
                case list():
                    self._reject(item)
                case Transaction():
                    rows += self._row(item)
        self._both(rows)
        for statement, end in ends:
            self._check_sums(statement, end)
        return went_on

    def _both(self, rows: Sequence[Row]) -> None:
        """What came in first, as some of it may be taken back in the same file."""
        self._work([row for row in rows if row.each.kind != "return"])
        self._work([row for row in rows if row.each.kind == "return"])

    def _begin(self, statement: Statement) -> None:
        self._statement = statement
        self._statement_id = self._identities.begin(statement)
        self._report.statements += 1
        if self._statement_id not in self._before and statement.message != "csv":
            known = self._bank.entries.of_statement(self._statement_id)
            self._before[self._statement_id] = {each.entry_id for each in known}

    def _reject(self, problems: list[Problem]) -> None:
        self._report.fate("rejected").count += 1
        self._errors.write_all(problems)

    def _row(self, each: Transaction) -> list[Row]:
        """Nothing for what no case is concerned with; it is counted."""
        assert self._statement is not None, "a statement begins before its entries"
        if each.kind == "debit":
            self._report.end("debits", each)
            return []
        if each.pending or not each.amount_minor:
            self._report.end("pending" if each.pending else "empty", each)
            return []
        if each.kind != "return":
            self._report.credits_read.add(each.currency, each.amount_minor)
        account = self._statement.account
        forced = TWICE if self._identities.is_told_again(account, each) else ""
        entry_id = self._identities.entry_id(account, each)
        return [Row(each, self._statement, self._statement_id, entry_id, forced=forced)]

    # --- a batch ---------------------------------------------------------------------------------

    def _work(self, rows: Sequence[Row]) -> None:
        if not rows:
            return
        self._decisions.recognise(rows)
        for row in rows:
            self._before.get(row.statement_id, set()).discard(row.entry_id)
        self._decisions.details([row for row in rows if row.is_open])
        new = [row for row in rows if row.is_open]
        offers = [
            (self._decisions.entry(row, found), row) for row, found in self._decisions.matched(new)
        ]
        offered = [(entry, _remitter(row.each)) for entry, row in offers]
        decided = self._bank.entries.offer(offered)
        for entry, row in offers:
            row.entry = decided[entry.entry_id]
        self._post(rows)
        was_new = {id(row) for row in new}
        for row in rows:
            self._count(row, is_new=id(row) in was_new)

    # --- carrying it out ---------------------------------------------------------------------------

    def _post(self, rows: Sequence[Row]) -> None:
        due = [row for row in rows if row.entry is not None and row.entry.state == "posting"]
        if not due:
            return
        requests = [
            request_for(self._bank.vault, self._actor, row.entry, row.each)
            for row in due
            if row.entry is not None
        ]
        outcomes = self._bank.engine.execute_batch(requests)
        done: set[UUID] = set()
        for row, outcome in zip(due, outcomes, strict=True):
            assert row.entry is not None, "only those with a decision are due"
            if isinstance(outcome, Outcome):
                done.add(row.entry.entry_id)
                row.entry = msgspec.structs.replace(row.entry, state="posted")
            else:
                reason = f"the case does not take it: {outcome}"
                self._bank.entries.refused(row.entry.entry_id, reason)
                row.entry = msgspec.structs.replace(row.entry, state="unmatched", reason=reason)
        self._bank.entries.posted(done, self._actor.id)

    def _count(self, row: Row, *, is_new: bool) -> None:
        entry, each = row.entry, row.each
        is_return = each.kind == "return"
        if row.before is not None:
            self._tell_changes(row, row.before)
        if row.covered or entry is None or (not is_new and entry.state != "unmatched"):
            self._report.end("unchanged_returns" if is_return else "unchanged", each)
            return
        if entry.state == "unmatched":
            self._report.end("unmatched_returns" if is_return else "unmatched", each)
            self._report.count("reasons", entry.reason)
            return
        self._report.end("reversed" if is_return else "posted", each)
        self._report.count("rules", entry.rule)
        if is_return and each.original_minor not in (None, each.amount_minor):
            self._report.warn("a return took charges besides what had come in")

    def _tell_changes(self, row: Row, entry: BankEntry) -> None:
        """What the same entry says otherwise than before. A person decides what to do about it."""
        each = row.each
        pairs = {
            "Amt": ((entry.amount_minor, entry.currency), (each.amount_minor, each.currency)),
            "BookgDt": (entry.booked_on, each.booked_on),
            "ValDt": (entry.value_on, each.value_on),
        }
        told = [
            Problem(
                line=each.line,
                field=name,
                problem=f"was {_shown(was)} when it was imported before, and is {_shown(now)} now",
                fix="what was posted stands; if it is wrong, reverse it and record it anew",
            )
            for name, (was, now) in pairs.items()
            if was != now
        ]
        self._report.changed += bool(told)
        self._errors.write_all(told)

    # --- the end -------------------------------------------------------------------------------------

    def _check_sums(self, statement: Statement, end: StatementEnd) -> None:
        for words in differences(end, whole=statement.message == "053"):
            self._report.warn(words)
            self._errors.write_all(
                [
                    Problem(
                        line=end.line, field="Bal", problem=words, fix="ask the bank which is right"
                    )
                ]
            )

    def finish(self) -> None:
        """Tell what a corrected file no longer has, and carry out what another import left."""
        carry_on(self._bank, self._actor)
        for gone in filter(None, self._before.values()):
            known = self._bank.entries.get(gone)
            self._errors.write_all(
                Problem(
                    line=0,
                    field="Ntry",
                    problem=f"an entry of {_shown((x.amount_minor, x.currency))} of {x.value_on} was"
                    " in this statement when it was imported before, and is not in it now",
                    fix="what was posted stands; if it is wrong, reverse it",
                )
                for x in known.values()
                if x.state != "set_aside"
            )
            self._report.changed += len(known)


def _shown(value: object) -> str:
    match value:
        case (int() as minor, str() as currency):
            return f"{format_minor(minor, currency)} {currency}"
        case None:
            return "nothing"
        case _:
            return str(value)


def _remitter(each: Transaction) -> Remitter:
    return Remitter(name=each.payer_name, account=each.payer_account, text=text_of(each))
