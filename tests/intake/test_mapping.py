"""Foreign headers in our words; a mapping that is wrong says which key."""

import io
import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from duecourse.case.context import Actor
from duecourse.intake.importer import import_payments
from duecourse.intake.mapped import months_before
from duecourse.intake.mapping import (
    From,
    Mapping,
    MappingError,
    People,
    Skip,
    Source,
    load_mapping,
    packaged_mappings,
    parse_mapping,
)
from duecourse.intake.prepare import Preparer, Skipped
from duecourse.intake.problems import Refused
from duecourse.intake.reading import Prepared
from duecourse.intake.rows import Lines
from duecourse.intake.seen import SeenKeys

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "credit_default.csv"
needs_real_file = pytest.mark.skipif(
    not SHARED.exists(), reason="the real file, ../shared/data/credit_default.csv, is not here"
)
AS_OF = date(2026, 3, 2)
OPERATOR = Actor("operator-1", "operator")
PAGE = (Path(__file__).parents[2] / "docs" / "import.md").read_text("utf-8")
MAPPINGS = PAGE.split("\n## Mappings\n")[1]

SMALL = """
kind = "payments"
ignore = ["BRANCH"]
[columns]
payment_id = { column = "NO", prefix = "pay-" }
creditor = { constant = "example-bank" }
borrower_ref = "CUSTOMER"
currency = { column = "CUR", values = { 1 = "CNY", 2 = "TWD" } }
amount = { column = "PAID", amount_in = "minor" }
value_on = "DAY"
[[skip]]
column = "CUR"
equals = "2"
reason = "not ours"
"""

FAULTS = {
    "not TOML": ("kind = ", "not TOML"),
    "an unknown key": ('colums = "x"\n' + SMALL, "colums"),
    "an unknown key of a column": (SMALL.replace("prefix", "prefixx"), "columns.payment_id"),
    "a column we do not have": (SMALL.replace("value_on", "value_date"), "columns.value_date"),
    "a required column left out": (SMALL.replace('borrower_ref = "CUSTOMER"', ""), "borrower_ref"),
    "two origins": (
        SMALL.replace('prefix = "pay-"', 'constant = "x"'),
        "columns.payment_id: give exactly one",
    ),
    "an unknown kind": (SMALL.replace('"payments"', '"cases"'), "kind"),
    "a unit that is none": (
        SMALL.replace('"minor"', '"thousand"'),
        "amount_in: is not one of the values that are known here; use one of: thousands, ",
    ),
    "a text that is compared": (SMALL.replace('equals = "2"', "below = 2"), "[source.CUR]"),
    "a skip without a question": (SMALL.replace('equals = "2"', ""), "skip[0]"),
    "months of a text": (
        SMALL.replace('"DAY"', '{ months_overdue = "M" }'),
        "columns.value_on.months_overdue",
    ),
    "people who pay": (SMALL + '[people]\nkey = "NO"\nseed = 1\n', "people"),
    "a delimiter that is none": (
        'delimiter = "ab"\n' + SMALL,
        'delimiter: is not one of the values that are known here; use one of: "\\t", ",", ";", "|"',
    ),
    "a table that is none": ('columns = 3\nkind = "payments"', "columns must be a table"),
    "a source that is misspelt": (SMALL + '[source.NO]\nfrom = "integer"\n', "source.NO"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_mapping_that_is_wrong_names_its_key(fault: str) -> None:
    text, key = FAULTS[fault]
    with pytest.raises(MappingError) as caught:
        parse_mapping(text.encode())
    assert key in str(caught.value)


def test_a_mapping_that_is_not_there_names_the_ones_that_are() -> None:
    with pytest.raises(MappingError, match="credit-default"):
        load_mapping("no-such-mapping")


def test_every_packaged_mapping_can_be_loaded() -> None:
    assert [load_mapping(name).kind for name in packaged_mappings()] == ["portfolio"]


def test_a_mapping_for_another_kind_of_file_is_refused(table: Any, importing: Any) -> None:
    with pytest.raises(MappingError, match="kind"):
        importing(table([{"NO": "1"}]), mapping=parse_mapping(SMALL.encode()))


def foreign(**changes: str) -> dict[str, str]:
    row = {"NO": "7", "CUSTOMER": "B-1", "CUR": "1", "PAID": "50000", "DAY": "2026-02-20"}
    return row | {"BRANCH": "north"} | changes


def test_a_mapping_renames_prefixes_translates_scales_and_skips(
    table: Any, good: Any, importing: Any, engine: Any
) -> None:
    importing(table([good(1)]))
    path = table([foreign(), foreign(NO="8", CUR="2")], "foreign.csv")
    report, _ = importing(path, mapping=parse_mapping(SMALL.encode()), reader=import_payments)
    assert (report.processed, report.skipped) == (2, {"not ours": 1})
    (case,) = engine.cases.values()
    assert case.payments["pay-7"].amount_minor == 50_000


def test_a_foreign_row_is_reported_under_its_own_header(table: Any, importing: Any) -> None:
    path = table([foreign(CUR="9"), foreign(DAY="20.02.2026"), foreign(PAID="1e3")])
    _, problems = importing(path, mapping=parse_mapping(SMALL.encode()), reader=import_payments)
    assert [(each["line"], each["field"]) for each in problems] == [
        ("2", "CUR"),
        ("3", "DAY (value_on)"),
        ("4", "PAID (amount)"),
    ]


def test_a_delimiter_that_is_given_wins_over_the_mappings(
    tmp_path: Path, good: Any, table: Any, importing: Any, engine: Any, ids: Any
) -> None:
    importing(table([good(1)]))
    path = tmp_path / "bars.csv"
    rows = ("|".join(foreign()), "|".join(foreign().values()), "")
    path.write_text("\n".join(rows), "utf-8")
    mapping = parse_mapping(b'delimiter = ";"\n' + SMALL.encode())
    report = import_payments(
        path, engine, ids, OPERATOR, as_of=AS_OF, errors_path=tmp_path / "errors.csv",
        mapping=mapping, delimiter="|",
    )  # fmt: skip
    assert (report.payments_recorded, report.problems) == (1, 0)


def test_a_column_the_mapping_does_not_know_refuses_the_file(table: Any, importing: Any) -> None:
    report, problems = importing(
        table([foreign(NOTES="x")]), mapping=parse_mapping(SMALL.encode()), reader=import_payments
    )
    assert [each["field"] for each in problems] == ["NOTES"]
    assert report.rows_read == 0


@pytest.mark.parametrize(
    ("day", "months", "before"),
    [
        (date(2026, 3, 31), 1, date(2026, 2, 28)),
        (date(2028, 3, 31), 1, date(2028, 2, 29)),
        (date(2026, 3, 2), 3, date(2025, 12, 2)),
        (date(2026, 12, 31), 12, date(2025, 12, 31)),
    ],
)
def test_months_overdue_count_back_to_a_day_that_exists(
    day: date, months: int, before: date
) -> None:
    assert months_before(day, months) == before


def test_centuries_overdue_are_not_believed() -> None:
    with pytest.raises(Refused, match="months overdue"):
        months_before(AS_OF, 601)


# --- as docs/import.md has it -------------------------------------------------------------------


def test_the_page_on_imports_has_every_key_of_a_mapping_with_every_value_it_may_have() -> None:
    table = MAPPINGS.split("\n| key |")[1].split("\n\n")[0].replace("\\|", "|")
    for kind in (Mapping, From, Source, Skip, People):
        for field in msgspec.structs.fields(kind):
            assert f"`{field.name}`" in table or f"[{field.name}" in table, (kind, field.name)
            for value in getattr(field.type, "__args__", ()):
                if isinstance(value, str):
                    shown = json.dumps(value) if field.name == "delimiter" else value
                    assert f"`{shown}`" in table, (field.name, value)


@pytest.mark.parametrize("text", re.findall(r"```toml\n(.+?)```", MAPPINGS, re.DOTALL))
def test_a_mapping_of_the_page_on_imports_can_be_used(text: str) -> None:
    assert parse_mapping(text.encode()).columns


def test_the_file_of_payments_on_the_page_is_read_with_the_mapping_below_it(ids: Any) -> None:
    sample, text = re.findall(r"```csv\n(.+?)```\n```toml\n(.+?)```", MAPPINGS, re.DOTALL)[0]
    with SeenKeys() as seen:
        preparer = Preparer("payments", ids, AS_OF, parse_mapping(text.encode()), seen)
        first, second, third = preparer.rows(Lines(io.BytesIO(sample.encode())), "csv")
    assert isinstance(first, Prepared)
    assert isinstance(second, Prepared)
    assert third == Skipped("a credit note")
    paid = [(each.command.payment_id, each.command.amount_minor) for each in (first, second)]
    assert paid == [("P-20", 1_000_50), ("P-21", 5_50)]
    assert [each.command.value_on.day for each in (first, second)] == [1, 2]


# --- the real file: 20,000 accounts ----------------------------------------------------------


@needs_real_file
def test_every_row_of_the_real_file_is_for_us_or_not_and_none_is_broken(ids: Any) -> None:
    rows = list(_real_rows(SHARED, ids))
    skipped = [row.reason for row in rows if isinstance(row, Skipped)]
    assert len(rows) == 20_000
    assert not [row for row in rows if isinstance(row, list)]
    assert skipped.count("not overdue") == 15_236
    # 4,764 accounts are overdue; for 1,189 of them the latest bill is zero or a credit.
    assert len(rows) - len(skipped) == 4_764 - 1_189


@needs_real_file
def test_the_bill_and_the_months_of_a_real_account_become_its_debt(ids: Any) -> None:
    (first, *_) = (row for row in _real_rows(SHARED, ids) if not isinstance(row, Skipped))
    (debt,) = first.command.debts
    assert (debt.account, debt.currency, debt.balance.principal) == ("UCI-CARD-1", "TWD", 391_300)
    assert debt.due_on == date(2026, 1, 2)
    assert "FICTIONAL" in first.command.creditor_name


def _real_rows(path: Path, ids: Any) -> Any:
    with path.open("rb") as stream, SeenKeys() as seen:
        preparer = Preparer("portfolio", ids, AS_OF, load_mapping("credit-default"), seen)
        yield from preparer.rows(Lines(stream), "csv", ",")


def _field(number: int, text: bytes) -> Callable[[bytes], bytes]:
    def put(row: bytes) -> bytes:
        cells = row.split(b",")
        cells[number] = text
        return b",".join(cells)

    return put


TEN_WAYS: tuple[tuple[Callable[[bytes], bytes], str], ...] = (
    (lambda row: row.rpartition(b",")[0], "(row)"),
    (lambda row: row + b",1", "(row)"),
    (_field(1, b'"20000'), "(row)"),
    (_field(12, "３９１３".encode()), "X12"),
    (_field(12, b"1e5"), "X12"),
    (_field(12, b"NaN"), "X12"),
    (_field(6, b"two"), "X6"),
    (_field(6, b"99"), "X6"),
    (_field(0, b""), "ID"),
    (_field(3, b"\xff"), "X3"),
    (_field(13, b"\0"), "X13"),
    (_field(5, b"-1"), "X5"),
    (_field(23, b"9" * 5_000), "X23"),
    (_field(0, b"1"), "ID (account)"),
)


@needs_real_file
def test_two_hundred_broken_rows_of_the_real_file_cost_nobody_else_anything(
    tmp_path: Path, importing: Any
) -> None:
    lines = SHARED.read_bytes().splitlines()
    expected = {}
    for number in range(200):
        harm, field = TEN_WAYS[number % len(TEN_WAYS)]
        place = 50 + number * 99
        lines[place] = harm(lines[place])
        expected[str(place + 1)] = field
    path = tmp_path / "broken.csv"
    path.write_bytes(b"\r\n".join(lines))
    mapping = load_mapping("credit-default")
    report, problems = importing(path, mapping=mapping)
    assert (report.rows_read, report.processed, report.rejected) == (20_000, 19_800, 200)
    assert {each["line"]: each["field"] for each in problems} == expected
    assert len(problems) == 200
    assert all(each["fix"] for each in problems)
    again, _ = importing(path, mapping=mapping)
    assert (again.processed, again.rejected, again.changes) == (19_800, 200, 0)
