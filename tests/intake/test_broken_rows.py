"""A broken row is reported with line, field and fix, and costs nobody else anything."""

import json
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from duecourse.case.context import Actor
from duecourse.intake.columns import PORTFOLIO
from duecourse.intake.importer import import_payments, import_portfolio
from duecourse.intake.mapping import load_mapping
from duecourse.store.engine import Outcome, Request

HEADER = ",".join(column.name for column in PORTFOLIO)

# What is done to one row of text, and the field that must be named for it.
TEN_WAYS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a field too few": (lambda row: row.rpartition(b",")[0], "(row)"),
    "a field too many": (lambda row: row + b",more", "(row)"),
    "a quote that is never closed": (lambda row: row.replace(b"A-2", b'"A-2'), "(row)"),
    "an amount in full-width digits": (
        lambda row: row.replace(b"1250.00", "１２５０".encode()),
        "principal",
    ),
    "an amount with a separator": (lambda row: row.replace(b"1250.00", b'"1,250.00"'), "principal"),
    "an exponent": (lambda row: row.replace(b"1250.00", b"1e3"), "principal"),
    "a day that no calendar has": (lambda row: row.replace(b"2026-02-01", b"2026-02-30"), "due_on"),
    "a due date to come": (lambda row: row.replace(b"2026-02-01", b"2026-03-03"), "due_on"),
    "bytes that are not UTF-8": (lambda row: row.replace(b"Testperson", b"\xff\xfe"), "name"),
    "a NUL": (lambda row: row.replace(b"Testperson", b"Test\0"), "name"),
    "a due date before the contract": (
        lambda row: row.replace(b"2024-06-01", b"2026-02-02"),
        "contract_on",
    ),
    "a limitation period over before it began": (
        lambda row: row.replace(b"2029-03-31", b"2026-01-31"),
        "limitation_expires_on",
    ),
    "an amount without end": (lambda row: row.replace(b"1250.00", b"9" * 3000), "principal"),
    "a currency that is none": (lambda row: row.replace(b"CNY", b"RMB"), "currency"),
    "no borrower": (lambda row: row.replace(b"B-2", b" "), "borrower_ref"),
    "a phone number without country": (lambda row: row.replace(b"+1202", b"0202"), "mobile"),
    "two e-mail addresses": (lambda row: row.replace(b"@", b"@b@"), "email"),
    "a place that is no zone": (lambda row: row.replace(b"Asia/Shanghai", b"China"), "time_zone"),
    "a jurisdiction in words": (lambda row: row.replace(b",CN,", b",China,"), "jurisdiction"),
    "a name as long as a novel": (lambda row: row.replace(b"Testperson", b"x" * 5000), "name"),
    "a line without end": (lambda row: row.replace(b"Testperson", b"x" * 70_000), "(row)"),
    "a control character": (lambda row: row.replace(b"Testperson", b"x\x1b[2J"), "name"),
    "the account of the row before": (lambda row: row.replace(b"A-2", b"A-1"), "account"),
    "nothing owed": (
        lambda row: row.replace(b"1250.00,31.25,12.50", b"0,0,0.00"),
        "principal",
    ),
}


@pytest.mark.parametrize("way", TEN_WAYS)
def test_a_broken_row_is_reported_and_its_neighbours_are_kept(
    way: str, table: Any, good: Any, importing: Any, engine: Any
) -> None:
    harm, field = TEN_WAYS[way]
    path = table([good(number) for number in (1, 2, 3)])
    header, first, second, third = path.read_bytes().splitlines()
    assert harm(second) != second
    path.write_bytes(b"\r\n".join((header, first, harm(second), third)))
    report, problems = importing(path)
    assert (report.accepted, report.rejected, report.cases_opened) == (2, 1, 2)
    assert [(each["line"], each["field"]) for each in problems] == [("3", field)]
    assert 0 < len(problems[0]["problem"]) < 200
    assert problems[0]["fix"]


def test_one_row_tells_all_that_is_wrong_with_it(table: Any, good: Any, importing: Any) -> None:
    row = good(due_on="yesterday", currency="?", mobile="12", language="de", principal="-1")
    report, problems = importing(table([row]))
    assert report.rejected == 1
    assert {each["field"] for each in problems} == {
        "due_on", "currency", "mobile", "language", "principal",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("currency", "amount", "fix"),
    [
        ("JPY", "125000.5", "write digits only, such as 1250"),
        ("JPY", "1" * 50, "write digits only, such as 1250"),
        ("CNY", "1250.555", "write digits and a point only, such as 1250.00"),
        ("KWD", "1.250,5", "write digits and a point only, such as 1250.000"),
    ],
)
def test_the_example_of_an_amount_has_the_decimals_of_its_currency(
    currency: str, amount: str, fix: str, table: Any, good: Any, importing: Any
) -> None:
    whole = {"interest": "", "penalty": "", "fees": "", "costs": ""}
    _, (problem,) = importing(table([good(currency=currency, principal=amount, **whole)]))
    assert (problem["field"], problem["fix"]) == ("principal", fix)


def test_a_quote_left_open_does_not_swallow_the_quoted_rows_after_it(
    tmp_path: Path, good: Any, importing: Any
) -> None:
    def line(number: int, name: str) -> str:
        return ",".join((good(number) | {"name": name}).values())

    names = ['"Open Testperson', '"Closed, Testperson"', "Plain", '"Two\nlines"', '"Last, One"']
    lines = [HEADER, *(line(number, name) for number, name in enumerate(names))]
    path = tmp_path / "quotes.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    report, problems = importing(path)
    assert report.accepted == 3
    assert [(each["line"], each["field"]) for each in problems] == [("2", "(row)"), ("5", "name")]


@pytest.mark.parametrize(
    ("content", "field", "fix"),
    [
        (b"", "(header)", "export it again"),
        (HEADER.encode("utf-16"), "(header)", "save it as UTF-8"),
        (HEADER.replace("fees", "costs").encode(), "(header)", "keep one"),
        (HEADER.replace("due_on", "due_date").encode(), "due_date", "rename it to due_on"),
        (HEADER.replace(",principal", "").encode(), "principal", "add the column"),
    ],
)
def test_a_header_that_cannot_be_used_refuses_the_file(
    content: bytes, field: str, fix: str, tmp_path: Path, importing: Any
) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(content + b"\r\n1,2,3" if content else content)
    report, problems = importing(path)
    assert report.refused[0].field == problems[0]["field"] == field
    assert fix in problems[0]["fix"]
    assert (report.rows_read, report.cases_opened) == (0, 0)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("{", "(row)"),
        ("[1]", "(row)"),
        ("[" * 30_000, "(row)"),
        ('{"principal": 1250.00}', "(row)"),
        ('{"principal": NaN}', "(row)"),
        ('{"account": "A-2", "account": "A-3"}', "(row)"),
        ('{"account": {"number": 2}}', "(row)"),
        ('{"name": "\\ud800"}', "name"),
        ('{"nmae": "Sample"}', "nmae"),
        ('{"principal": ' + "9" * 5000 + "}", "(row)"),
    ],
)
def test_a_broken_json_line_is_reported_and_its_neighbours_are_kept(
    text: str, field: str, good: Any, tmp_path: Path, importing: Any
) -> None:
    path = tmp_path / "rows.jsonl"
    lines = [json.dumps(good(1)), text, json.dumps(good(3))]
    path.write_text("\n".join(lines), encoding="utf-8")
    report, problems = importing(path)
    assert (report.accepted, report.rejected) == (2, 1)
    assert [(each["line"], each["field"]) for each in problems] == [("2", field)]


class PlainIds:
    def pseudonym(self, kind: str, *parts: str) -> UUID:
        return uuid5(NAMESPACE_OID, repr((kind, parts)))


class NoEngine:
    def execute_batch(self, requests: list[Request]) -> list[Outcome]:
        return [
            Outcome(case_id=each.case_id, version=1, events=(), position=1, repeated=False)
            for each in requests
        ]


PIECES = st.sampled_from(
    [HEADER.encode(), b"\n", b"\r\n", b",", b'"', b'""', b"\0", b"\xff", b"\xef\xbb\xbf", b"1e5"]
)
CONTENT = st.binary(max_size=400) | st.lists(PIECES | st.binary(max_size=9)).map(b"".join)


@given(
    content=CONTENT,
    name=st.sampled_from(["f.csv", "f.jsonl"]),
    start=st.sampled_from([b"", HEADER.encode() + b"\n"]),
)
@example(content=b'"' * 3, name="f.csv", start=HEADER.encode())
@example(content=b"{}", name="f.jsonl", start=b"")
def test_no_file_whatever_its_bytes_raises(content: bytes, name: str, start: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(start + content)
        for read, mapping in (
            (import_portfolio, None),
            (import_payments, None),
            (import_portfolio, load_mapping("credit-default")),
        ):
            report = read(
                path,
                NoEngine(),  # type: ignore[arg-type]  # answers nothing but acceptance
                PlainIds(),
                Actor("operator-1", "operator"),
                as_of=date(2026, 3, 2),
                errors_path=Path(folder, "errors.csv"),
                mapping=mapping,
            )
            assert report.rows_read == report.processed + report.rejected
            assert report.problems >= report.rejected
