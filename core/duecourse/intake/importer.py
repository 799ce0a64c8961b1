"""Files in, commands out, in batches. A bad row is reported and stops nobody else.

Ids are keyed pseudonyms of what the row says, so an import that is repeated, or that died half-way
and is run again, gives the engine the same commands, and the engine changes nothing twice.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Final, Protocol

import msgspec

from duecourse.case.commands import RecordPayment
from duecourse.case.context import Actor
from duecourse.case.errors import CaseError, CaseNotFound
from duecourse.case.events import CaseOpened, DebtPlaced, PaymentRecorded
from duecourse.intake.mapping import Mapping
from duecourse.intake.prepare import FileRefused, Preparer, Ready, Skipped
from duecourse.intake.problems import ErrorsFile, Problem
from duecourse.intake.reading import Prepared, Pseudonyms
from duecourse.intake.report import ImportReport
from duecourse.intake.rows import WHOLE_ROW, Delimiter, Lines, form_of
from duecourse.intake.seen import SeenKeys
from duecourse.store.engine import Outcome, Request

BATCH_ROWS: Final = 500
_UNDIRECTED: Final = "the account is not owed on in this currency: allocated without direction"
_UNALLOCATED: Final = "more than is owed in this currency: the rest is kept unallocated"

Progress = Callable[[int, int], None]


class CommandEngine(Protocol):
    def execute_batch(self, requests: Sequence[Request]) -> list[Outcome | CaseError]: ...


def import_portfolio(
    path: Path,
    engine: CommandEngine,
    vault: Pseudonyms,
    actor: Actor,
    *,
    as_of: date,
    errors_path: Path,
    mapping: Mapping | None = None,
    delimiter: Delimiter | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Open a case for every borrower of the file and place the debts it does not have yet.

    `as_of` is the day of the import. `progress` is told bytes read and bytes in all, once per
    batch. A delimiter that is given wins over the mapping's. Raises OSError when a file cannot be
    opened, MappingError when the mapping is for another kind of file, and what the engine raises
    when it cannot work at all; running again then takes up where it stopped.
    """
    with SeenKeys() as seen:
        preparer = Preparer("portfolio", vault, as_of, mapping, seen)
        task = _Import(preparer, engine, vault, actor)
        report = ImportReport(kind="portfolio", errors_path=errors_path)
        return task.run(path, delimiter, report, progress)


def import_payments(
    path: Path,
    engine: CommandEngine,
    vault: Pseudonyms,
    actor: Actor,
    *,
    as_of: date,
    errors_path: Path,
    mapping: Mapping | None = None,
    delimiter: Delimiter | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Record every payment of the file on its case. Otherwise like `import_portfolio`."""
    with SeenKeys() as seen:
        preparer = Preparer("payments", vault, as_of, mapping, seen)
        task = _Import(preparer, engine, vault, actor)
        report = ImportReport(kind="payments", errors_path=errors_path)
        return task.run(path, delimiter, report, progress)


class _Import:
    def __init__(
        self, preparer: Preparer, engine: CommandEngine, ids: Pseudonyms, actor: Actor
    ) -> None:
        self._preparer = preparer
        self._engine = engine
        self._ids = ids
        self._actor = actor

    def run(
        self,
        path: Path,
        delimiter: Delimiter | None,
        report: ImportReport,
        progress: Progress | None,
    ) -> ImportReport:
        started = time.monotonic()
        with path.open("rb") as stream:
            _refuse_same_file(path, report.errors_path)
            size = path.stat().st_size
            with ErrorsFile(report.errors_path) as errors:
                lines = Lines(stream)
                rows = self._preparer.rows(lines, form_of(path), delimiter)
                try:
                    while self._batch(rows, errors, report):
                        if progress is not None:
                            progress(lines.bytes_read, size)
                except FileRefused as refused:
                    report.refused = refused.problems
                    errors.write_all(refused.problems)
                report.problems = errors.count
        report.seconds = time.monotonic() - started
        return report

    def _batch(self, rows: Iterator[Ready], errors: ErrorsFile, report: ImportReport) -> bool:
        """Carry out the next rows; their problems are written in the order of the lines."""
        good: list[Prepared] = []
        problems: list[Problem] = []
        before = report.rows_read
        for row in islice(rows, BATCH_ROWS):
            report.rows_read += 1
            match row:
                case Prepared():
                    good.append(row)
                case Skipped(reason=reason):
                    _count(report.skipped, (reason,))
                case _:
                    report.rejected += 1
                    problems += row
        problems += self._execute(good, report)
        errors.write_all(sorted(problems, key=lambda problem: problem.line))
        return report.rows_read > before

    def _execute(self, good: Sequence[Prepared], report: ImportReport) -> Iterable[Problem]:
        if not good:
            return
        outcomes = self._engine.execute_batch([self._request(row) for row in good])
        for row, outcome in zip(good, outcomes, strict=True):
            if isinstance(outcome, CaseError):
                report.rejected += 1
                yield _refusal(row, outcome)
            else:
                _accept(report, row, outcome)

    def _request(self, row: Prepared) -> Request:
        # With the actor, because one id is one person's one command: a colleague who imports the
        # same file asks anew, and finds nothing left to do.
        content = (str(row.case_id), self._actor.id, msgspec.json.encode(row.command).decode())
        return Request(
            case_id=row.case_id,
            command=row.command,
            command_id=self._ids.pseudonym("command", *content),
            actor=self._actor,
            causation="import",
        )


def _accept(report: ImportReport, row: Prepared, outcome: Outcome) -> None:
    report.accepted += 1
    _count(report.warnings, row.warnings)
    if outcome.repeated or not outcome.events:
        report.unchanged += 1
        return
    for event in outcome.events:
        match event:
            case CaseOpened():
                report.cases_opened += 1
            case DebtPlaced():
                report.debts_placed += 1
            case PaymentRecorded():
                report.payments_recorded += 1
                _count(report.warnings, _doubts(row, event))
            case _:
                pass


def _doubts(row: Prepared, event: PaymentRecorded) -> tuple[str, ...]:
    wanted = row.command.debt_id if isinstance(row.command, RecordPayment) else None
    is_directed = wanted is None or wanted in {part.debt_id for part in event.allocations}
    checks = ((is_directed, _UNDIRECTED), (event.unallocated_minor == 0, _UNALLOCATED))
    return tuple(words for is_fine, words in checks if not is_fine)


def _count(counts: dict[str, int], reasons: Iterable[str]) -> None:
    for reason in reasons:
        counts[reason] = counts.get(reason, 0) + 1


def _refusal(row: Prepared, error: CaseError) -> Problem:
    if isinstance(error, CaseNotFound):
        return Problem(
            line=row.line,
            field="borrower_ref",
            problem="this creditor has no case for this borrower",
            fix="import the portfolio row of the borrower first, or correct the reference",
        )
    return Problem(
        line=row.line,
        field=error.field or WHOLE_ROW,
        problem=f"the case does not take it: {error}",
        fix="correct the row, or the case, and import again",
    )


def _refuse_same_file(path: Path, errors_path: Path) -> None:
    if errors_path.exists() and errors_path.samefile(path):
        raise ValueError("the errors file is the file that is imported; choose another")
