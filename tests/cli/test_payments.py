"""Bank files on the terminal: imported, listed where they wait, matched by a person."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from bank_files import PAYER, detail, entry, file, statement
from click.testing import CliRunner, Result
from office import Office

from duecourse.cli import duecourse
from duecourse.flow.facts import reference_of
from duecourse.store.database import Database

Run = Callable[..., Result]


@pytest.fixture
def run(migrated_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    key = base64.b64encode(bytes(range(32))).decode()
    environ = {"DATABASE_URL": migrated_dsn, "DUECOURSE_MASTER_KEY": key}
    config = tmp_path_factory.mktemp("settings") / "duecourse.toml"
    config.touch()

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(duecourse, ["--config", str(config), *arguments], env=environ)

    return invoke


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database, {}, {}, {})


@pytest.fixture
def bank_file(tmp_path: Path, office: Office) -> tuple[Path, UUID]:
    """Two payments, of which one quotes a case."""
    case_id = office.open()
    account = next(iter(office.case(case_id).debts.values())).debt.account
    words = f"{reference_of(case_id)} {account}"
    known = entry(30_00, detail(30_00, text=words, currency="CNY"), ref=uuid4().hex, currency="CNY")
    other = entry(7_00, detail(7_00, text="hello", currency="CNY"), ref=uuid4().hex, currency="CNY")
    path = tmp_path / "statement.xml"
    path.write_bytes(file(statement(known, other, number=uuid4().hex)))
    return path, case_id


def test_a_bank_file_is_taken_in_and_what_waits_is_matched(
    run: Run, office: Office, bank_file: tuple[Path, UUID]
) -> None:
    path, case_id = bank_file
    done = run("import", "bank", str(path))
    assert done.exit_code == 0, done.output
    assert "credits read        2 (37.00 CNY)\n" in done.stdout
    assert "posted              1 (30.00 CNY)\n" in done.stdout
    assert "unmatched           1 (7.00 CNY)\n" in done.stdout
    assert "1: nothing in it names a case" in done.stdout
    again = run("import", "bank", str(path))
    assert "unchanged           1 (30.00 CNY)\n" in again.stdout
    assert "changes             0\n" in again.stdout

    (line,) = run("payments", "unmatched", "--json").stdout.splitlines()
    row = json.loads(line)
    assert (row["amount_minor"], row["what"]) == (7_00, "credit")
    assert "remitter" not in row
    assert PAYER not in run("payments", "unmatched").stdout
    assert PAYER in run("payments", "unmatched", "--texts").stdout

    matched = run("payments", "match", row["entry_id"], str(case_id))
    assert (matched.exit_code, matched.stdout) == (0, "posted\n"), matched.output
    repeat = run("payments", "match", row["entry_id"], str(case_id))
    assert repeat.stdout == "it was posted already\n"
    assert run("payments", "unmatched", "--json").stdout == ""
    paid = [x.amount_minor for x in office.engine.load(case_id).case.payments.values()]
    assert paid == [30_00, 7_00]


def test_a_bank_file_that_is_none_is_a_clear_error(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "bomb.xml"
    path.write_bytes(b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>')
    done = run("import", "bank", str(path))
    assert done.exit_code == 1
    assert "declares a document type or entities" in done.output


def test_a_match_that_makes_no_sense_is_a_clear_error(run: Run, office: Office) -> None:
    case_id = str(office.open())
    for arguments, words in (
        ((str(uuid4()), case_id), "there is no bank entry"),
        (("no-id", case_id), "not a valid"),
    ):
        done = run("payments", "match", *arguments)
        assert done.exit_code != 0
        assert words in done.output


def test_a_csv_of_a_bank_is_taken_in(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "bank.csv"
    path.write_text(
        "value_on,currency,amount,text\n2026-03-02,CNY,5.00,who\n2026-03-02,CNY,x,who\n"
    )
    done = run("import", "bank", str(path))
    assert done.exit_code == 0, done.output
    assert "unmatched           1 (5.00 CNY)\n" in done.stdout
    assert "rejected            1\n" in done.stdout
    assert "3,amount," in (tmp_path / "bank.csv.errors.csv").read_text()
    assert run("import", "bank", str(path), "--strict").exit_code == 3
