"""`duecourse case statement` and `case allocation`, over a real log, with an order of one's own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case.context import Actor
from duecourse.case.interest_terms import CapTerms, InterestTerms, RateFrom
from duecourse.flow.house import House
from duecourse.settings import Settings, read_settings
from duecourse.store.engine import Request
from duecourse.testing.sample import DEBT, NOON, debt, open_case, pay

Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]
COLLECTOR = Actor("collector-1", "collector")
CASE = UUID(int=78)
START = date(2026, 1, 1)
TERMS = InterestTerms(
    profile="cn-private",
    from_on=START,
    rates=(RateFrom(since=START, percent="36"),),
    cap=CapTerms(jurisdiction="CN", licence="bank", contract_on=date(2025, 6, 1)),
)
HOUSE = """
clock = "{clock}"

[creditors.fictional-bank]
ways_to_pay = "https://pay.example.com"
contact_line = "400-000-0000"

[creditors.fictional-bank.allocation]
profile = "de-497"
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    data = tmp_path_factory.mktemp("data")
    clock = data / "clock"
    clock.write_text(NOON.isoformat())
    config = data / "duecourse.toml"
    config.write_text(HOUSE.format(clock=clock))
    environ = {k: v for k, v in os.environ.items() if not k.startswith("DUECOURSE_")}
    environ.pop("DATABASE_URL", None)
    lived(read_settings(config, environ | {"DUECOURSE_DATA": str(data)}))

    def duecourse(*arguments: str) -> Done:
        line = [sys.executable, "-m", "duecourse", "--config", str(config), "--data", str(data)]
        return subprocess.run(
            [*line, *arguments], capture_output=True, text=True, timeout=120, check=False,
            env=environ, cwd=data,
        )  # fmt: skip

    return duecourse


def lived(settings: Settings) -> None:
    """Interest above the cap, and two payments, of which the later one is learned of first."""
    late = replace(pay(100_000, "late"), value_on=date(2026, 1, 31))
    commands: list[c.Command] = [
        open_case(debt(principal=1_000_000)),
        c.SetInterestTerms(debt_id=DEBT, terms=TERMS, evidence="clause 4"),
        replace(pay(50_000), value_on=date(2026, 3, 1)),
        late,
    ]
    with House.open(settings, upgrade=True) as house:
        for command in commands:
            house.engine.execute_sync(Request(CASE, command, uuid4(), COLLECTOR))


def test_a_statement_shows_every_line_in_the_order_of_its_value_date(run: Run) -> None:
    done = run("case", "statement", str(CASE), "--language", "en")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "Statement of account 2026-03-02: Fictional Bank"
    rows = [line.split("\t") for line in lines if line.startswith("2026-")]
    assert [row[0] for row in rows] == [
        "2026-01-31", "2026-01-31", "2026-03-01", "2026-03-01", "2026-03-02",
    ]  # fmt: skip
    assert "Interest: 30 days from 2026-01-01, 36 % a year on 10000.00 CNY" in done.stdout
    assert "Above the legal cap, not owed:" in done.stdout
    assert "法发〔2017〕22号" in done.stdout


def test_the_same_for_programs_is_one_object_of_any_day(run: Run) -> None:
    now, later = (
        json.loads(run("case", "statement", str(CASE), "--on", day, "--json").stdout)
        for day in ("2026-03-02", "2026-03-12")
    )
    (before,), (after,) = now["totals"], later["totals"]
    grown = after["total_minor"] - before["total_minor"]
    assert abs(grown - 10 * before["per_day_minor"]) <= 10
    assert now["debts"][0]["lines"][1]["ref"] == "late"
    # Consumer loans under § 497: the principal before the interest, which waits.
    assert now["debts"][0]["lines"][1]["change"] == {"principal": -100_000}


def test_a_payment_is_shown_under_two_orders(run: Run) -> None:
    done = run("case", "allocation", str(CASE), "late", "--profile", "cn-561", "--json")
    found = json.loads(done.stdout)
    assert found["as_it_was"]["profile"] == "de-497"
    assert found["otherwise"]["parts"][0]["paid"] == {"interest": 19_726, "principal": 80_274}
    shown = run("case", "allocation", str(CASE), "late", "--profile", "cn-561").stdout
    assert "de-497: BGB § 497(3)" in shown
    assert "cn-561: PRC Civil Code art. 561" in shown


def test_what_cannot_be_shown_is_told_with_its_option(run: Run) -> None:
    early = (NOON - timedelta(days=900)).date()
    done = run("case", "statement", str(CASE), "--on", str(early))
    assert (done.returncode, done.stderr[:20]) == (2, "Error: --on: the cas")
    done = run("case", "allocation", str(CASE), "late", "--profile", "none")
    assert done.returncode == 2
    assert "there is no order of payment 'none'" in done.stderr
    assert run("case", "allocation", str(CASE), "nothing").returncode == 2
    assert run("case", "statement", str(uuid4())).returncode == 1
