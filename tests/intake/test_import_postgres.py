"""Imports into the real store, where what was acknowledged is there once."""

import csv
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from duecourse.case.context import Actor, Context
from duecourse.case.errors import CaseError
from duecourse.intake.importer import BATCH_ROWS, import_payments, import_portfolio
from duecourse.intake.people import generate_portfolio, write_portfolio
from duecourse.intake.report import ImportReport
from duecourse.rules.gate import load_rulebook
from duecourse.rules.treatment import load_treatment
from duecourse.store.database import Database
from duecourse.store.engine import Engine, Outcome, Request
from duecourse.store.vault import Vault

pytestmark = pytest.mark.postgres
AS_OF = date(2026, 3, 2)
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
Into = Callable[..., ImportReport]


@pytest.fixture
def vault(database: Database) -> Vault:
    return Vault(database, bytes(range(32)))


@pytest.fixture
def new_engine(database: Database, vault: Vault) -> Callable[[], Engine]:
    """An engine as another process would have it: with nothing kept yet."""
    rules, treatment = load_rulebook(), load_treatment()

    def context_for(actor: Actor, at: datetime) -> Context:
        return Context(at=at, actor=actor, rules=rules, treatment=treatment)

    return lambda: Engine(database, vault, context_for=context_for, clock=lambda: NOON)


@pytest.fixture
def into_store(new_engine: Callable[[], Engine], vault: Vault, tmp_path: Path) -> Into:
    def run(
        path: Path, reader: Callable[..., ImportReport] = import_portfolio, **changes: Any
    ) -> ImportReport:
        asked = {"engine": new_engine(), "actor": Actor("operator-1", "operator")} | changes
        return reader(path, vault=vault, as_of=AS_OF, errors_path=tmp_path / "errors.csv", **asked)

    return run


def count_events(dsn: str) -> int:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("SELECT count(*) FROM case_events").fetchone()
        assert row is not None
        return int(row[0])


def write_rows(path: Path, rows: Iterable[dict[str, str]]) -> Path:
    rows = list(rows)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def borrowers_of(creditor: str, count: int) -> list[dict[str, str]]:
    return [row | {"creditor": creditor} for row in generate_portfolio(count, 5, AS_OF)]


class AcknowledgementLost:
    """Does the first batch, and dies before it can say so."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def execute_batch(self, requests: Sequence[Request]) -> list[Outcome | CaseError]:
        self._engine.execute_batch(requests)
        raise ConnectionError("gone before the answer")


def test_a_portfolio_is_stored_once_however_often_it_is_imported(
    tmp_path: Path, into_store: Into, dsn: str
) -> None:
    path = tmp_path / "portfolio.csv"
    rows = write_portfolio(path, BATCH_ROWS + 20, 7, AS_OF)
    first = into_store(path)
    stored = count_events(dsn)
    assert (first.accepted, first.cases_opened, first.rejected) == (rows, BATCH_ROWS + 20, 0)
    assert first.debts_placed == rows
    again = into_store(path)
    colleague = into_store(path, actor=Actor("operator-2", "operator"))
    assert (again.unchanged, colleague.unchanged) == (rows, rows)
    assert count_events(dsn) == stored


def test_an_import_whose_answer_was_lost_is_finished_by_the_next(
    tmp_path: Path, into_store: Into, new_engine: Callable[[], Engine], dsn: str
) -> None:
    rows = borrowers_of("bank-that-fails", BATCH_ROWS + 50)
    path = write_rows(tmp_path / "rows.csv", rows)
    before = count_events(dsn)
    with pytest.raises(ConnectionError):
        into_store(path, engine=AcknowledgementLost(new_engine()))
    assert count_events(dsn) > before
    report = into_store(path)
    assert (report.accepted, report.unchanged) == (len(rows), BATCH_ROWS)
    assert count_events(dsn) - before == BATCH_ROWS + 50 + len(rows)


def test_payments_are_stored_once_and_one_for_nobody_is_reported(
    tmp_path: Path, into_store: Into, dsn: str
) -> None:
    rows = borrowers_of("bank-that-is-paid", 3)
    into_store(write_rows(tmp_path / "rows.csv", rows))
    same = ("creditor", "borrower_ref", "account", "currency")
    paid = [
        {name: row[name] for name in same}
        | {"payment_id": f"P-{number}", "amount": "10.00", "value_on": "2026-03-01"}
        for number, row in enumerate([*rows, rows[0] | {"borrower_ref": "nobody"}])
    ]
    path = write_rows(tmp_path / "payments.csv", paid)
    report = into_store(path, import_payments)
    assert (report.payments_recorded, report.rejected) == (len(rows), 1)
    stored = count_events(dsn)
    assert into_store(path, import_payments).changes == 0
    assert count_events(dsn) == stored


def test_no_personal_value_of_a_row_is_stored_in_clear(
    tmp_path: Path, into_store: Into, dsn: str
) -> None:
    row = borrowers_of("bank-that-is-discreet", 1)[0]
    marks = {"name": "Zzyzx Testperson", "mobile": "+12025550199", "account": "ZZYZX-42"}
    into_store(write_rows(tmp_path / "rows.csv", [row | marks]))
    with psycopg.connect(dsn) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        dump = b"".join(_copied(connection, table) for (table,) in found.fetchall())
    assert b"bank-that-is-discreet" in dump
    assert not [mark for mark in marks.values() if mark.encode() in dump]


def _copied(connection: psycopg.Connection[Any], table: str) -> bytes:
    statement = sql.SQL("COPY {} TO STDOUT BINARY").format(sql.Identifier(table))
    with connection.cursor().copy(statement) as copy:
        return b"".join(bytes(chunk) for chunk in copy)
