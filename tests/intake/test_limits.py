"""An import takes the same memory for a long file as for a short one."""

import re
import tracemalloc
from datetime import date
from pathlib import Path
from typing import Any

from duecourse.intake.columns import BANK, PAYMENTS, PORTFOLIO, Column
from duecourse.intake.people import write_portfolio
from duecourse.intake.prepare import Preparer
from duecourse.intake.rows import Lines
from duecourse.intake.seen import SeenKeys

AS_OF = date(2026, 3, 2)
IMPORT_PAGE = Path(__file__).parents[2] / "docs" / "import.md"


def peak_of(path: Path, ids: Any) -> int:
    tracemalloc.start()
    try:
        with path.open("rb") as stream, SeenKeys() as seen:
            preparer = Preparer("portfolio", ids, AS_OF, None, seen)
            assert sum(1 for _ in preparer.rows(Lines(stream), "csv", ",")) > 0
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_file(tmp_path: Path, ids: Any) -> None:
    short, long = tmp_path / "short.csv", tmp_path / "long.csv"
    write_portfolio(short, 200, 1, AS_OF)
    write_portfolio(long, 4_000, 1, AS_OF)
    peak_of(short, ids)  # the zone names and patterns are loaded once
    # Rows held in memory would take several times the file; other threads of a test run take some.
    assert peak_of(long, ids) < peak_of(short, ids) + 400_000
    assert long.stat().st_size > 900_000


def test_memory_does_not_grow_with_a_line_that_never_ends(tmp_path: Path, ids: Any) -> None:
    path = tmp_path / "endless.csv"
    header = ",".join(column.name for column in PORTFOLIO)
    path.write_bytes(header.encode() + b"\n" + b"x" * 5_000_000)
    assert peak_of(path, ids) < 1_000_000


def test_memory_does_not_grow_with_a_quote_that_is_never_closed(tmp_path: Path, ids: Any) -> None:
    path = tmp_path / "open.csv"
    write_portfolio(path, 8_000, 1, AS_OF)
    path.write_bytes(path.read_bytes().replace(b"FICTION-000001", b'"FICTION-000001', 1))
    assert path.stat().st_size > 1_900_000
    assert peak_of(path, ids) < 1_000_000


def documented(heading: str) -> list[tuple[str, ...]]:
    section = IMPORT_PAGE.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (yes|no) \| (.+?) \| (.*?) \|$", section, re.MULTILINE)
    return [tuple(cell.replace(r"\|", "|") for cell in row) for row in rows]


def as_documented(columns: tuple[Column, ...]) -> list[tuple[str, ...]]:
    return [
        (
            column.name,
            "yes" if column.is_required else "no",
            column.form,
            f"`{column.example}`" if column.example else "",
        )
        for column in columns
    ]


def test_the_page_on_imports_lists_the_columns_as_they_are() -> None:
    assert documented("Portfolio columns") == as_documented(PORTFOLIO)
    assert documented("Payment columns") == as_documented(PAYMENTS)
    assert documented("Bank columns") == as_documented(BANK)
