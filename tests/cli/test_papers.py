"""`duecourse case statement --pdf` and `case agreement`: papers written to files."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from duecourse.case import commands as c
from duecourse.case.context import Actor
from duecourse.documents import pdfa_level
from duecourse.flow.house import House
from duecourse.settings import Settings, read_settings
from duecourse.store.engine import Request
from duecourse.testing.pdf import page_texts
from duecourse.testing.sample import NOON, PLAN, offer, open_case

Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]
COLLECTOR = Actor("collector-1", "collector")
CASE, OTHER = UUID(int=77), UUID(int=78)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    data = tmp_path_factory.mktemp("data")
    clock = data / "clock"
    clock.write_text(NOON.isoformat())
    config = data / "duecourse.toml"
    config.write_text(
        f'clock = "{clock}"\n[creditors.fictional-bank]\n'
        'ways_to_pay = "https://pay.example.com"\ncontact_line = "400-000-0000"\n'
    )
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
    commands: list[c.Command] = [open_case(), offer(30_000, 30_000)]
    with House.open(settings, upgrade=True) as house:
        for command in commands:
            house.engine.execute_sync(Request(CASE, command, uuid4(), COLLECTOR))


def test_a_statement_is_written_to_a_file_of_its_owner(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "statement.pdf"
    done = run(
        "case", "statement", str(CASE), "--on", "2026-03-31", "--language", "en", "--pdf", str(file)
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{file}: 1 page\n"
    assert pdfa_level(file.read_bytes()) == "2B"
    assert "31March2026" in page_texts(file.read_bytes())[0]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_agreement_is_written_to_a_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "plan.pdf"
    done = run("case", "agreement", str(CASE), str(PLAN), "--pdf", str(file))
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{file}: 2 pages\n"
    assert "还款协议（要约）" in page_texts(file.read_bytes())[0]


def test_what_cannot_be_made_leaves_no_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "none.pdf"
    wrong = {
        ("statement", str(OTHER)): "there is no case",
        ("statement", str(CASE), "--on", "2019-01-01"): "--on",
        ("statement", str(CASE), "--json"): "give one of them",
        ("agreement", str(OTHER), str(PLAN)): "there is no case",
        ("agreement", str(CASE), str(OTHER)): "PLAN_ID",
    }
    for words, said in wrong.items():
        done = run("case", *words, "--pdf", str(file))
        assert done.returncode != 0, words
        assert said in done.stderr, words
        assert "Traceback" not in done.stderr, words
    assert not file.exists()


def test_a_file_that_cannot_be_written_is_named(run: Run, tmp_path: Path) -> None:
    done = run("case", "statement", str(CASE), "--pdf", str(tmp_path / "no" / "folder.pdf"))
    assert done.returncode == 1
    assert "name another file" in " ".join(done.stderr.replace("│", " ").split())
