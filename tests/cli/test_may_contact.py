"""`duecourse case may-contact`: the API's answer about a contact, on the terminal."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from duecourse.intake.people import write_portfolio
from duecourse.testing.sample import NOON

Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The business's clock in a file; it shows noon in Shanghai."""
    file = tmp_path_factory.mktemp("clock") / "clock"
    file.write_text(NOON.isoformat())
    return file


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, clock: Path) -> Run:
    data = tmp_path_factory.mktemp("data")
    config = data / "duecourse.toml"
    config.write_text(f'clock = "{clock}"\n')
    environ = {k: v for k, v in os.environ.items() if not k.startswith("DUECOURSE_")}
    environ.pop("DATABASE_URL", None)

    def duecourse(*arguments: str) -> Done:
        line = [sys.executable, "-m", "duecourse", "--config", str(config), "--data", str(data)]
        return subprocess.run(
            [*line, *arguments], capture_output=True, text=True, timeout=120, check=False,
            env=environ, cwd=data,
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


@pytest.fixture(scope="module")
def debt_id(run: Run, case_id: str) -> str:
    (found,) = json.loads(run("case", "show", case_id).stdout)["debts"]
    return str(found)


@pytest.fixture
def may(run: Run, case_id: str) -> Run:
    return lambda *options: run("case", "may-contact", case_id, *options)


NIGHT = "2026-03-02T22:30:00+08:00"


def test_noon_is_now(may: Run, debt_id: str) -> None:
    done = may("--channel", "call", "--language", "en")
    noon = "2026-03-02 12:00 (Asia/Shanghai)"
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"A telephone call at {noon}, that is 2026-03-02 04:00 (UTC): allowed.",
        f"About the debts: {debt_id}.",
        "",
        "To the debtor:",
        f"  At {noon} we may call you.",
    ]


def test_a_call_at_night_is_refused_in_words_and_exits_with_three(may: Run) -> None:
    done = may("--channel", "call", "--at", NIGHT, "--language", "zh")
    assert done.returncode == 3, done.stderr
    nine = "2026年3月3日 09:00（Asia/Shanghai），即2026年3月3日 01:00（UTC）"
    lines = done.stdout.splitlines()
    assert lines[0].endswith("：不允许。")
    assert (
        "  cn.quiet_hours (禁止): 按债务人所在地时间，22:00至次日08:00不就债务进行任何联系。"
        in lines
    )
    assert f"最早可以合法联系的时刻是{nine}。" in lines
    below = lines[lines.index("可以这样告诉债务人：") :]
    assert below[1] == "  2026年3月2日 22:30（Asia/Shanghai），我们不能给您打电话。"
    assert below[-1] == f"  最早可以这样做的时刻是{nine}。"


def test_the_answer_for_programs_is_that_of_the_api(may: Run, case_id: str) -> None:
    done = may("--channel", "visit", "--at", NIGHT, "--json")
    assert done.returncode == 3
    said = json.loads(done.stdout)
    assert said["case_id"] == case_id
    assert (said["channel"], said["permitted"], said["as_of"]) == ("visit", False, "now")
    assert said["for_borrower"]["summary"]
    assert said["for_collector"]["reasons"][0]["source"]


def test_it_is_about_the_debts_that_are_named(may: Run, debt_id: str) -> None:
    done = may("--channel", "call", "--debt", debt_id, "--debt", debt_id, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["debts"] == [debt_id]


def test_a_debt_that_the_case_never_had_is_an_error(may: Run) -> None:
    nobodys = "00000000-0000-0000-0000-000000000000"
    done = may("--channel", "call", "--debt", nobodys)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"Error: --debt: the case has no debt {nobodys}; see ")


def test_a_moment_before_the_case_was_open_is_an_error(may: Run, run: Run, case_id: str) -> None:
    shown = json.loads(run("case", "show", case_id).stdout)
    opened = datetime.fromisoformat(shown["at"])
    before = (opened - timedelta(seconds=1)).isoformat()
    done = may("--channel", "call", "--at", before)
    assert done.returncode == 2
    assert done.stderr == "Error: --at: the case was not open yet; ask for a later moment\n"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--channel", "pigeon"], "Error: --channel: no such channel is configured; there are: call,"),
        (["--channel", "call", "--at", "soon"], "Error: --at: 'soon' is no moment; write it like"),
        (["--channel", "call", "--at", "2026-03-02T12:00"], "Error: --at: '2026-03-02T12:00' has no offset;"),
        (["--channel", "call", "--at", "2029-01-01T00:00:00Z"], "Error: --at: more than a year ahead; ask"),
        (["--channel", "call", "--language", "fr"], "Error: Invalid value for '--language'"),
        ([], "Error: Missing option '--channel'"),
    ],
)  # fmt: skip
def test_what_is_asked_wrongly_is_one_line_that_names_the_option(
    may: Run, options: list[str], said: str
) -> None:
    done = may(*options)
    assert done.returncode == 2
    assert done.stderr.startswith(said), done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_case_that_is_not_there_says_where_the_cases_are(run: Run, case_id: str) -> None:
    nobody = "00000000-0000-0000-0000-000000000000"
    done = run("case", "may-contact", nobody, "--channel", "call")
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: there is no case {nobody}; `duecourse case list`")
