"""`duecourse case plan-preview`: the API's view of a plan, on the terminal."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from duecourse.intake.people import write_portfolio
from duecourse.testing.sample import NOON

Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]
PLAN: dict[str, Any] = {
    "kind": "instalments",
    "currency": "CNY",
    "expires_on": "2026-03-16",
    "terms": {"schedule": "equal_parts", "count": 6, "first_on": "2026-03-31"},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    data = tmp_path_factory.mktemp("data")
    clock = data / "clock"
    clock.write_text(NOON.isoformat())
    config = data / "duecourse.toml"
    config.write_text(f'clock = "{clock}"\n')
    environ = {k: v for k, v in os.environ.items() if not k.startswith("DUECOURSE_")}
    environ.pop("DATABASE_URL", None)

    def duecourse(*arguments: str, stdin: str = "") -> Done:
        line = [sys.executable, "-m", "duecourse", "--config", str(config), "--data", str(data)]
        return subprocess.run(
            [*line, *arguments], input=stdin, capture_output=True, text=True, timeout=120,
            check=False, env=environ, cwd=data,
        )  # fmt: skip

    return duecourse


@pytest.fixture(scope="module")
def case_id(run: Run, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The case of one fictional borrower, opened at noon."""
    file = tmp_path_factory.mktemp("files") / "portfolio.csv"
    write_portfolio(file, 1, seed=1, as_of=NOON.date())
    done = run("import", "portfolio", str(file), "--as-of", NOON.date().isoformat())
    assert done.returncode == 0, done.stderr
    (line,) = run("case", "list", "--json").stdout.splitlines()
    return str(json.loads(line)["case_id"])


Preview = Callable[..., Done]


@pytest.fixture
def preview(run: Run, case_id: str) -> Preview:
    return lambda plan, *options: run(
        "case", "plan-preview", case_id, "-", *options, stdin=json.dumps(plan)
    )


def test_a_plan_is_shown_and_nothing_is_recorded(run: Run, preview: Preview, case_id: str) -> None:
    before = run("case", "show", case_id).stdout
    done = preview(PLAN, "--json")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert plan["total_minor"] == plan["owed_minor"]
    assert plan["count"] == len(plan["schedule"]) == 6
    assert plan["schedule"][-1]["left_minor"] == 0
    assert run("case", "show", case_id).stdout == before


def test_people_read_when_how_much_and_whether_it_fits(preview: Preview) -> None:
    done = preview(PLAN)
    assert done.returncode == 0, done.stderr
    assert "6 instalments, 2026-03-31 to 2026-08-31" in done.stdout
    assert "fits: unknown, as there is no form" in done.stdout
    assert "2026-04-30" in done.stdout


def test_two_plans_are_compared(preview: Preview) -> None:
    longer = PLAN | {"terms": PLAN["terms"] | {"count": 12}}
    done = preview({"a": PLAN, "b": longer})
    assert done.returncode == 0, done.stderr
    assert "cheaper: same, sooner over: a, lighter: b" in done.stdout


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (PLAN | {"terms": PLAN["terms"] | {"first_on": "2026-03-01"}}, "terms.first_on: "),
        (PLAN | {"surprise": 1}, "surprise"),
        ({"a": PLAN, "b": PLAN | {"waived_minor": 1}}, "b.waived_minor: "),
        ({"a": PLAN}, "`b`"),
        (
            {"a": PLAN, "b": PLAN | {"kind": "settled"}},
            "FILE: b.kind: is not one of the values that are known here; use one of: settlement, ",
        ),
    ],
)
def test_what_is_wrong_is_told_in_one_line(preview: Preview, plan: object, words: str) -> None:
    done = preview(plan)
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_what_is_no_plan_and_no_case_is_said(run: Run, case_id: str) -> None:
    done = run("case", "plan-preview", case_id, "-", stdin="not JSON")
    assert (done.returncode, "not JSON" in done.stderr) == (2, True)
    nowhere = "00000000-0000-0000-0000-000000000009"
    done = run("case", "plan-preview", nowhere, "-", stdin=json.dumps(PLAN))
    assert (done.returncode, "there is no case" in done.stderr) == (1, True)


def test_of_a_plan_with_interest_the_debts_without_a_known_cap_are_named(preview: Preview) -> None:
    terms = PLAN["terms"] | {"schedule": "annuity", "percent": "6"}
    done = preview(PLAN | {"terms": terms})
    assert done.returncode == 0, done.stderr
    assert "no cap is known of debt" in done.stdout
    assert "no cap is known" not in preview(PLAN).stdout
