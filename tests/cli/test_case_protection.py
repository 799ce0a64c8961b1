"""`duecourse case limitation` and `case options`: the clock and what may help, on the terminal."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case.context import Actor
from duecourse.flow.house import House
from duecourse.settings import Settings, read_settings
from duecourse.store.engine import Request
from duecourse.testing.sample import NOON, open_case, pay, talk

Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]
COLLECTOR = Actor("collector-1", "collector")
CASE = UUID(int=77)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    data = tmp_path_factory.mktemp("data")
    clock = data / "clock"
    clock.write_text(NOON.isoformat())
    config = data / "duecourse.toml"
    config.write_text(f'clock = "{clock}"\n')
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
    """A debtor who lost a job, said so, and paid a part."""
    lost_job = replace(talk(initiator="debtor"), arrears_reason="unemployment")
    commands: list[c.Command] = [open_case(), lost_job, pay(1_000)]
    with House.open(settings, upgrade=True) as house:
        for command in commands:
            house.engine.execute_sync(Request(CASE, command, uuid4(), COLLECTOR))


def test_the_clock_says_its_law_its_acts_and_what_would_begin_it_anew(run: Run) -> None:
    done = run("case", "limitation", str(CASE))
    assert done.returncode == 0, done.stderr
    assert "running, last day 2029-03-01" in done.stdout
    assert "PRC Civil Code art. 188" in done.stdout
    assert "2026-03-01 part payment" in done.stdout
    assert "[event 4]" in done.stdout
    assert "careful:" in done.stdout
    assert "诉讼时效" in done.stdout


def test_the_clock_of_another_day_is_one_object_a_debt(run: Run) -> None:
    done = run("case", "limitation", str(CASE), "--on", "2029-03-02", "--json")
    (found,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (found["status"], found["days_left"]) == ("expired", 0)


def test_what_may_help_is_a_line_each_with_its_source(run: Run) -> None:
    lines = run("case", "options", str(CASE)).stdout.splitlines()
    assert lines[0].startswith("option\treason given")
    assert any(line.startswith("hold:hardship\tunemployment\t") for line in lines)
    assert all(line.split("\t")[3] for line in lines)


def test_a_case_that_is_not_there_is_said_to_be_missing(run: Run) -> None:
    done = run("case", "limitation", str(uuid4()))
    assert done.returncode == 1
    assert done.stderr.startswith("Error: there is no case")
