"""Made-up people can be told from real ones, and are the same every time."""

import re
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import phonenumbers
import pytest

from duecourse.intake.people import MAX_BORROWERS, generate_portfolio, person, write_portfolio

AS_OF = date(2026, 3, 2)
ROWS = list(generate_portfolio(500, 1, AS_OF))
FICTIONAL_NUMBER = re.compile(r"\+447700900\d{3}|\+1\d{3}55501\d{2}|\+86154\d{8}|")


def test_everybody_can_be_seen_to_be_fictional() -> None:
    for row in ROWS:
        assert "示例" in row["name"] or "Testperson" in row["name"]
        assert FICTIONAL_NUMBER.fullmatch(row["mobile"]), row["mobile"]
        assert row["email"].endswith("@example.com") or not row["email"]
        assert row["national_id"] == ""
        assert "FICTIONAL" in row["creditor_name"]


def test_a_chinese_number_of_ours_belongs_to_no_operator() -> None:
    numbers = {row["mobile"] for row in ROWS if row["mobile"].startswith("+86")}
    assert len(numbers) > 400
    assert not any(phonenumbers.is_valid_number(phonenumbers.parse(each)) for each in numbers)
    assert all(phonenumbers.is_possible_number(phonenumbers.parse(each)) for each in numbers)


def test_the_same_seed_gives_the_same_people_and_another_gives_others() -> None:
    assert (
        list(generate_portfolio(50, 1, AS_OF))
        == ROWS[: len(list(generate_portfolio(50, 1, AS_OF)))]
    )
    assert list(generate_portfolio(50, 2, AS_OF)) != list(generate_portfolio(50, 1, AS_OF))
    assert person(1, "7") == person(1, "7") != person(1, "8")


def test_the_demonstration_has_some_of_everything() -> None:
    days = [(AS_OF - date.fromisoformat(row["due_on"])).days for row in ROWS]
    assert min(days) >= 1
    assert 110 < max(days) <= 120
    buckets = Counter((each - 1) // 30 for each in days)
    assert sorted(buckets) == [0, 1, 2, 3]
    assert buckets[0] > buckets[1] > buckets[2]
    zones = Counter(row["time_zone"] for row in ROWS)
    assert {"Asia/Shanghai", "Asia/Urumqi", "Europe/London", ""} <= zones.keys()
    assert {row["language"] for row in ROWS if row["jurisdiction"] == "CN"} == {"zh", "en"}
    assert 20 < sum(not row["email"] for row in ROWS) < 120
    assert len({row["borrower_ref"] for row in ROWS}) == 500 < len(ROWS)


def test_what_is_written_is_imported_without_a_problem(tmp_path: Path, importing: Any) -> None:
    path = tmp_path / "portfolio.csv"
    rows = write_portfolio(path, 120, 3, AS_OF)
    report, problems = importing(path)
    assert problems == []
    assert (report.accepted, report.cases_opened, report.debts_placed) == (rows, 120, rows)


@pytest.mark.parametrize("count", [-1, MAX_BORROWERS + 1])
def test_a_count_that_makes_no_sense_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="count"):
        next(generate_portfolio(count, 1, AS_OF))
