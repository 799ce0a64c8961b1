"""What an import does to the cases, and what it does the second time: nothing."""

import json
import stat
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from duecourse.case.context import Actor
from duecourse.intake.importer import BATCH_ROWS, import_payments, import_portfolio
from duecourse.intake.problems import shape
from duecourse.money.amounts import Buckets


def payment(number: int = 1, **changes: str) -> dict[str, str]:
    return {
        "payment_id": f"P-{number}",
        "creditor": "example-bank",
        "borrower_ref": f"B-{number}",
        "account": f"A-{number}",
        "currency": "CNY",
        "amount": "500.00",
        "value_on": "2026-02-20",
        "reference": "",
    } | changes


def test_every_borrower_gets_a_case_and_every_row_a_debt(
    table: Any, good: Any, importing: Any, engine: Any
) -> None:
    rows = [good(1), good(2), good(1, account="A-1-second", principal="10")]
    report, problems = importing(table(rows))
    assert (report.cases_opened, report.debts_placed, report.accepted) == (2, 3, 3)
    assert problems == []
    balances = sorted(
        [debt.outstanding for debt in case.debts.values()] for case in engine.cases.values()
    )
    owed = Buckets(principal=125_000, interest=3_125, penalty=1_250)
    assert balances == [[owed], [owed, Buckets(principal=1_000, interest=3_125, penalty=1_250)]]


def test_the_fields_of_a_row_reach_the_case(
    table: Any, good: Any, importing: Any, engine: Any
) -> None:
    importing(table([good(postal_address=" 1 Fiction Road | |Sampletown\r\n", interest="")]))
    (case,) = engine.cases.values()
    assert case.debtor.name == "Sample Testperson"
    assert {point.point_id: point.address for point in case.points.values()} == {
        "mobile": "+12025550123",
        "email": "sample@example.com",
        "postal": "1 Fiction Road\nSampletown",
    }
    (account,) = case.debts.values()
    assert account.debt.due_on == date(2026, 2, 1)
    assert account.debt.contract_on == date(2024, 6, 1)
    assert account.limitation_expires_on == date(2029, 3, 31)


def test_a_file_imported_again_changes_nothing_and_says_so(
    table: Any, good: Any, importing: Any, engine: Any
) -> None:
    path = table([good(number) for number in range(7)])
    importing(path)
    before = dict(engine.cases)
    report, _ = importing(path)
    assert (report.accepted, report.unchanged, report.changes) == (7, 7, 0)
    assert engine.cases == before


def test_a_colleague_who_imports_the_same_file_changes_nothing(
    table: Any, good: Any, importing: Any, engine: Any
) -> None:
    path = table([good(number) for number in range(3)])
    importing(path)
    asked = len(engine.answered)
    report, problems = importing(path, actor=Actor("operator-2", "operator"))
    assert (report.unchanged, report.rejected, problems) == (3, 0, [])
    assert len(engine.answered) == asked


def test_an_import_that_died_half_way_is_finished_by_the_next(
    table: Any, good: Any, importing: Any, engine: Any
) -> None:
    path = table([good(number) for number in range(BATCH_ROWS * 2 + 5)])
    engine.dies_after = 1
    with pytest.raises(ConnectionError):
        importing(path)
    engine.dies_after = 10**9
    report, _ = importing(path)
    assert (report.unchanged, report.cases_opened) == (BATCH_ROWS, BATCH_ROWS + 5)
    assert len(engine.cases) == BATCH_ROWS * 2 + 5


def test_json_lines_say_the_same_as_csv(
    table: Any, good: Any, importing: Any, engine: Any, tmp_path: Path
) -> None:
    rows = [good(number, email="") for number in range(3)]
    importing(table(rows))
    path = tmp_path / "rows.ndjson"
    shorter = [{key: value or None for key, value in row.items()} for row in rows]
    path.write_text("\n".join(map(json.dumps, shorter)), encoding="utf-8")
    report, _ = importing(path)
    assert (report.accepted, report.unchanged) == (3, 3)


def test_a_byte_order_mark_and_a_semicolon_are_no_obstacle(
    good: Any, tmp_path: Path, engine: Any, ids: Any
) -> None:
    path = tmp_path / "excel.csv"
    lines = (";".join(good()), "", ";".join(good().values()), "")
    path.write_text("\r\n".join(lines), encoding="utf-8-sig")
    report = import_portfolio(
        path,
        engine,
        ids,
        Actor("operator-1", "operator"),
        as_of=date(2026, 3, 2),
        errors_path=tmp_path / "errors.csv",
        delimiter=";",
    )
    assert (report.accepted, report.problems) == (1, 0)


@pytest.mark.parametrize(
    ("between", "name", "option"),
    [(";", "semicolons", "';'"), ("\t", "tabs", "tab"), ("|", "bars", "'|'")],
)
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_file_that_is_separated_by_something_else_is_told_the_option(
    between: str, name: str, option: str, quote: str, good: Any, tmp_path: Path, importing: Any
) -> None:
    path = tmp_path / "other.csv"
    path.write_text(between.join(f"{quote}{each}{quote}" for each in good()) + "\n", "utf-8")
    report, (problem,) = importing(path)
    assert problem["problem"] == f"its columns are separated by {name}, not by commas"
    assert problem["fix"] == f"give --delimiter {option}, or `delimiter` in the mapping"
    assert report.rows_read == 0


def test_one_column_that_is_not_known_is_not_taken_for_another_delimiter(
    tmp_path: Path, importing: Any
) -> None:
    path = tmp_path / "odd.csv"
    path.write_text("creditor,a;b;c;d\n", "utf-8")
    _, problems = importing(path)
    assert problems[0]["problem"] == "is not a known column"


def test_a_statement_in_xml_is_told_where_it_belongs(tmp_path: Path, importing: Any) -> None:
    path = tmp_path / "camt.xml"
    path.write_text("<?xml version='1.0'?>\n<Document/>\n", "utf-8")
    _, (problem,) = importing(path)
    assert problem["problem"] == "the file is XML"
    assert "duecourse import bank" in problem["fix"]


@pytest.mark.parametrize("delimiter", ["", "ab", '"', "\n"])
def test_what_cannot_split_fields_refuses_the_file(
    delimiter: str, table: Any, good: Any, engine: Any, ids: Any
) -> None:
    path = table([good()])
    report = import_portfolio(
        path,
        engine,
        ids,
        Actor("operator-1", "operator"),
        as_of=date(2026, 3, 2),
        errors_path=path.with_suffix(".errors"),
        delimiter=delimiter,  # type: ignore[arg-type]  # as a command line may give it
    )
    assert "no delimiter" in report.refused[0].problem


def test_what_is_not_known_is_accepted_and_counted(table: Any, good: Any, importing: Any) -> None:
    bare = good(2, time_zone="", jurisdiction="", mobile="", email="", postal_address="")
    report, _ = importing(table([good(1), bare]))
    assert report.accepted == 2
    assert report.warnings == {
        "time zone not known: contact is blocked until it is": 1,
        "jurisdiction not known: contact is blocked until it is": 1,
        "no mobile, e-mail or postal address": 1,
    }


def test_the_errors_file_shows_no_personal_value_and_only_to_its_owner(
    table: Any, good: Any, importing: Any, tmp_path: Path
) -> None:
    (tmp_path / "errors.csv").touch(0o644)
    report, problems = importing(table([good(mobile="0154 1234", currency="RMB")]))
    shown = {each["field"]: each["value"] for each in problems}
    assert shown == {"mobile": "9999 9999", "currency": "RMB"}
    assert stat.S_IMODE(report.errors_path.stat().st_mode) == 0o600
    assert "1234" not in report.errors_path.read_text(encoding="utf-8")


def test_a_shape_keeps_what_is_wrong_and_drops_who_it_is() -> None:
    assert shape("李 shili-７1") == "x xxxxx-９9"


def test_a_cell_of_the_errors_file_is_never_a_formula(
    table: Any, good: Any, importing: Any
) -> None:
    _, problems = importing(table([good(currency="=1+1")]))
    assert problems[0]["value"] == "'=1+1"


def test_the_errors_file_may_not_be_the_file_itself(
    table: Any, good: Any, engine: Any, ids: Any
) -> None:
    path = table([good()])
    before = path.read_bytes()
    with pytest.raises(ValueError, match="choose another"):
        import_portfolio(
            path, engine, ids, Actor("o", "operator"), as_of=date(2026, 3, 2), errors_path=path
        )
    assert path.read_bytes() == before


def test_progress_runs_from_the_first_batch_to_the_last_byte(
    table: Any, good: Any, engine: Any, ids: Any, tmp_path: Path
) -> None:
    path = table([good(number) for number in range(BATCH_ROWS + 1)])
    told: list[tuple[int, int]] = []
    import_portfolio(
        path,
        engine,
        ids,
        Actor("operator-1", "operator"),
        as_of=date(2026, 3, 2),
        errors_path=tmp_path / "errors.csv",
        progress=lambda done, of: told.append((done, of)),
    )
    size = path.stat().st_size
    assert [of for _, of in told] == [size, size]
    assert told[0][0] < size == told[-1][0]


def test_payments_go_to_their_cases_once(
    table: Any, good: Any, importing: Any, engine: Any
) -> None:
    importing(table([good(1), good(2)]))
    path = table([payment(1), payment(2, account="")], "payments.csv")
    report, problems = importing(path, reader=import_payments)
    assert (report.payments_recorded, report.warnings, problems) == (2, {}, [])
    again, _ = importing(path, reader=import_payments)
    assert (again.accepted, again.unchanged) == (2, 2)
    assert {case.outstanding("CNY").total for case in engine.cases.values()} == {79_375}


def test_a_payment_for_nobody_is_reported_with_its_fix(
    table: Any, good: Any, importing: Any
) -> None:
    importing(table([good(1)]))
    path = table([payment(1), payment(9)], "payments.csv")
    report, problems = importing(path, reader=import_payments)
    assert (report.accepted, report.rejected) == (1, 1)
    assert (problems[0]["line"], problems[0]["field"]) == ("3", "borrower_ref")
    assert "import the portfolio row" in problems[0]["fix"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": "0.00"}, "amount"),
        ({"amount": "-5"}, "amount"),
        ({"amount": ""}, "amount"),
        ({"value_on": "2026-03-03"}, "value_on"),
        ({"payment_id": "P 1"}, "payment_id"),
    ],
)
def test_a_payment_that_cannot_be_is_reported(
    changes: dict[str, str], field: str, table: Any, importing: Any
) -> None:
    report, problems = importing(table([payment(1, **changes)]), reader=import_payments)
    assert report.rejected == 1
    assert [each["field"] for each in problems] == [field]


def test_a_payment_that_fits_badly_is_recorded_and_counted(
    table: Any, good: Any, importing: Any
) -> None:
    importing(table([good(1)]))
    path = table([payment(1, account="A-typo", amount="99999.00")], "payments.csv")
    report, _ = importing(path, reader=import_payments)
    assert report.payments_recorded == 1
    assert len(report.warnings) == 2
