"""`duecourse calc`: JSON in, JSON out, and the examples of the documentation as they are written."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from duecourse.cli import calc_examples
from duecourse.cli.calc import MAX_INPUT_BYTES, calc

DOCS = Path(__file__).resolve().parents[2] / "docs" / "calc.md"
NAMES = ("allocate", "schedule", "interest", "cap", "limitation")
EXAMPLES = {name: getattr(calc_examples, name.upper()) for name in NAMES}
WRITTEN = re.findall(
    r"```json (\w+)\n(.+?)\n```\n```json answer\n(.+?)\n```", DOCS.read_text("utf-8"), re.DOTALL
)
Run = Callable[..., subprocess.CompletedProcess[str]]


def ask(name: str, text: str) -> Result:
    return CliRunner().invoke(calc, [name], input=text)


def changed(name: str, changes: dict[str, object]) -> str:
    return json.dumps(json.loads(EXAMPLES[name]) | changes)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """The command in an empty folder, with no settings and no database."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("DUECOURSE_")}
    environ.pop("DATABASE_URL", None)

    def duecourse(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "duecourse", *arguments]
        return subprocess.run(
            line, input=text, capture_output=True, text=True, timeout=120, check=False,
            env=environ, cwd=tmp_path,
        )  # fmt: skip

    return duecourse


def assert_within(shown: object, answer: object, at: str = "answer") -> None:
    """All that is shown is in the answer; lists are shown whole, their items in part."""
    if isinstance(shown, dict):
        assert isinstance(answer, dict), at
        if not shown:
            assert answer == {}, at
        for key, value in shown.items():
            assert key in answer, f"{at}.{key}"
            assert_within(value, answer[key], f"{at}.{key}")
    elif isinstance(shown, list):
        assert isinstance(answer, list), at
        assert len(shown) == len(answer), at
        for number, value in enumerate(shown):
            assert_within(value, answer[number], f"{at}[{number}]")
    else:
        assert shown == answer, at


def test_the_documentation_has_an_example_of_each_calculator() -> None:
    assert {name for name, _, _ in WRITTEN} == set(NAMES)
    assert len(WRITTEN) == DOCS.read_text("utf-8").count("```json answer") >= 12


@pytest.mark.parametrize(("name", "asked", "shown"), WRITTEN)
def test_an_example_of_the_documentation_comes_out_as_written(
    name: str, asked: str, shown: str
) -> None:
    done = ask(name, asked)
    assert done.exit_code == 0, done.output
    assert_within(json.loads(shown), json.loads(done.output))


@pytest.mark.parametrize("name", NAMES)
def test_the_help_shows_an_example_line_by_line_that_works(name: str) -> None:
    told = CliRunner().invoke(calc, [name, "--help"]).output
    for line in EXAMPLES[name].splitlines():
        assert line.strip() in told
        assert any(each.rstrip().endswith(line) for each in told.splitlines()), line
    assert ask(name, EXAMPLES[name]).exit_code == 0


def test_a_file_and_standard_input_are_the_same_and_no_database_is_made(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "asked.json").write_text(EXAMPLES["allocate"])
    from_file = run("calc", "allocate", "asked.json")
    from_input = run("calc", "allocate", text=EXAMPLES["allocate"])
    dash = run("calc", "allocate", "-", text=EXAMPLES["allocate"])
    assert from_file.returncode == 0, from_file.stderr
    assert from_file.stdout == from_input.stdout == dash.stdout
    assert json.loads(from_file.stdout)["allocated_minor"] == 100_000
    assert [path.name for path in tmp_path.iterdir()] == ["asked.json"]


PERIOD = {"start": "2025-06-01", "end": "2026-06-01", "balance_minor": 1}
PUBLISHED = {
    "series": "de-base",
    "since": "2027-01-01",
    "through": "2027-06-30",
    "source": "gazette",
}
BAD = [
    ("allocate", {"amount_minor": 10**15 + 1}, "amount_minor: is above the limit"),
    ("allocate", {"amount_minor": 0}, "amount_minor: Expected int >= 1"),
    ("allocate", {"amount_minor": 1.5}, "amount_minor: Expected int"),
    ("allocate", {"amount_minor": "5"}, "amount_minor: Expected int"),
    ("allocate", {"amount_minor": True}, "amount_minor: Expected int"),
    ("allocate", {"currency": "cny"}, "currency: is not a currency"),
    ("allocate", {"currency": "ZZZ"}, "currency: 'ZZZ' is not a currency; use the ISO 4217 code"),
    ("schedule", {"currency": "DEM"}, "currency: 'DEM' is not a currency"),
    ("interest", {"currency": "XAU"}, "currency: 'XAU' is not a currency"),
    ("cap", {"currency": "RMB"}, "currency: 'RMB' is not a currency"),
    ("allocate", {"as_of": "2026-02-30"}, "as_of: Invalid RFC3339"),
    ("allocate", {"profile": "cn-562"}, "profile: there is no order 'cn-562'"),
    ("allocate", {"amout": 1}, "unknown field amout"),
    ("allocate", {"debts": [{"debt_id": "A", "due_on": "2026-01-01", "outstanding": {"fines": 1}}]},
     "debts[0].outstanding: Object contains unknown field fines"),
    ("allocate", {"debts": [{"debt_id": "A", "due_on": "2026-01-01", "outstanding": {"fees": -1}}]},
     "debts[0].outstanding.fees: Expected int >= 0"),
    ("allocate", {"debts": [{"debt_id": "A B", "due_on": "2026-01-01", "outstanding": {}}]},
     "debts[0].debt_id: is not a name"),
    ("schedule", {"percent": 12}, "percent: Expected str, got int"),
    ("schedule", {"percent": "１２"}, "percent: is not a percentage"),
    ("schedule", {"percent": "12%"}, "percent: is not a percentage; write it as text"),
    ("schedule", {"percent": "12%"}, 'such as "12.5"'),
    ("schedule", {"every": "weekly"}, ("every: is not one of the values that are known here; use one"
     " of: week, fortnight, last_day, month")),
    ("cap", {"jurisdiction": "China"}, 'use the two capitals of ISO 3166, such as "CN"'),
    ("cap", {"published": [PUBLISHED | {"percent": "0.88-"}]}, 'such as "-0.88"'),
    ("cap", {"periods": [PERIOD | {"start": "1026-06-01"}]}, "periods[0].start: 1026-06-01 is out"),
    ("cap", {"periods": [PERIOD, PERIOD | {"end": "9026-06-01"}]}, "periods[1].end: 9026-06-01"),
    ("schedule", {"ask": "loan"}, "ask: is not one of the values that are known here; use one of: plan, "),
    ("schedule", {"kind": "weird"}, "; use one of: annuity, balloon, "),
    ("schedule", {"count": 1201}, "count: Expected int <= 1200"),
    ("interest", {"day_count": "30/360"}, "use one of: 30E/360, ACT/360, ACT/365F, ACT/ACT"),
    ("interest", {"compounding": "month"}, "compounding: the profile 'simple' does not let"),
    ("cap", {"licence": "what"}, "licence: no cap of CN is recorded for 'what'"),
    ("cap", {"contract_on": "2027-06-01"}, "contract_on: cn-lpr-1y is known from"),
    ("limitation", {"law": "atlantis"}, "law: there is no limitation law 'atlantis'"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "changes", "said"), BAD)
def test_bad_input_is_told_by_its_field_with_a_fix(
    name: str, changes: dict[str, object], said: str
) -> None:
    done = CliRunner().invoke(calc, [name], input=changed(name, changes), standalone_mode=False)
    assert isinstance(done.exception, click.UsageError)
    assert said in done.exception.format_message()


@pytest.mark.parametrize("which", ["a", "b"])
def test_of_two_plans_the_one_whose_currency_is_none_is_named(which: str) -> None:
    one = json.loads(EXAMPLES["schedule"])
    one.pop("ask")
    asked = {"ask": "compare", "a": one, "b": one} | {which: one | {"currency": "ZZZ"}}
    done = CliRunner().invoke(calc, ["schedule"], input=json.dumps(asked), standalone_mode=False)
    assert isinstance(done.exception, click.UsageError)
    assert f"{which}.currency: 'ZZZ' is not a currency" in done.exception.format_message()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("[]", "Expected object"),
        ("{}", "missing required field"),
        ('{"currency": NaN}', "is not JSON"),
        ('{"currency": "CNY", "currency": "JPY"}', "a field comes twice"),
        ("[" * 100_000, "is not JSON"),
        ('{"currency": ' + "9" * 5_000 + "}", "is not JSON"),
        ("\ufeff{}", "is not JSON"),
        (" " * (MAX_INPUT_BYTES + 1), "is larger than"),
    ],
    ids=lambda text: text[:20],
)
def test_what_is_no_question_is_told_in_one_line(run: Run, text: str, said: str) -> None:
    done = run("calc", "interest", text=text)
    assert done.returncode == 2
    assert re.fullmatch(r"Error: [^;]+; .+\n", done.stderr), done.stderr[:300]
    assert said in done.stderr


def test_a_refusal_is_one_line_with_the_file_the_field_and_the_fix(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "asked.json").write_text(changed("schedule", {"count": 0}))
    done = run("calc", "schedule", "asked.json")
    assert done.returncode == 2
    assert done.stderr == "Error: asked.json: count: is needed for the kind 'annuity'; correct it\n"
    assert done.stdout == ""


def test_a_published_rate_may_be_below_zero() -> None:
    """A loan between businesses in Germany: base rate + 5 points, here -0.88 + 5."""
    asked = {
        "currency": "EUR", "opening": {"principal": 1_000_000}, "profile": "de-default",
        "start": "2027-01-01", "end": "2027-02-01", "published": [PUBLISHED | {"percent": "-0.88"}],
        "accruals": [{"head": "penalty", "rates": [
            {"since": "2027-01-01", "series": "de-base", "plus": "5"}]}],
    }  # fmt: skip
    done = ask("interest", json.dumps(asked))
    assert done.exit_code == 0, done.output
    assert [line["percent"] for line in json.loads(done.output)["lines"]] == ["4.12"]


def test_the_profiles_are_listed_with_source_and_confidence() -> None:
    books = json.loads(CliRunner().invoke(calc, ["profiles"]).output)
    assert set(books) == {"allocation", "across", "accrual", "caps", "series", "limitation"}
    for name, entries in books.items():
        assert entries
        for each in entries:
            assert each.get("citation") or each.get("source"), name
            assert each["confidence"] in {"A", "B", "C"}
