"""`duecourse doctor` says what runs where and what is missing, and exits with 1 when something is."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from duecourse.channels import Secret
from duecourse.cli.doctor import Report, _look_at_calendars, _look_for_a_worker
from duecourse.flow.clock import FileClock
from duecourse.flow.house import House, dsn_of
from duecourse.intake.people import write_portfolio
from duecourse.rules.gate import load_rulebook
from duecourse.settings import Settings
from duecourse.testing.sample import NOON

CALLS_ONLY = """
name = "calls"
version = "1"
contact_from = 10:00:00
permission_minutes = 120
pause_days = 3
promise_grace_days = 1
instalment_grace_days = 3
missed_instalments_break_plan = 2

[[steps]]
id = "first-call"
dpd = 1
do = "contact"
channel = "call"
template = "reminder-first"
"""
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def environ() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("DUECOURSE_")}
    kept.pop("DATABASE_URL", None)
    return kept


@pytest.fixture
def run(tmp_path: Path, environ: dict[str, str]) -> Run:
    """The command in a folder whose schedule has people call, so that it needs no channel."""
    (tmp_path / "calls.toml").write_text(CALLS_ONLY)
    (tmp_path / "duecourse.toml").write_text('treatment = "calls.toml"')

    def duecourse(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "duecourse", *arguments],
            capture_output=True, text=True, timeout=120, check=False, env=environ, cwd=tmp_path,
        )  # fmt: skip

    return duecourse


def test_a_fresh_folder_needs_a_migration_and_then_all_is_well(run: Run) -> None:
    fresh = run("--data", ".", "doctor")
    assert fresh.returncode == 1
    assert "data folder" in fresh.stdout
    assert "duecourse migrate" in fresh.stderr
    assert run("migrate").returncode == 0
    again = run("doctor")
    assert again.returncode == 0, again.stdout + again.stderr
    assert re.search(r"PostgreSQL \d+.*, (running as process \d+|not running)", again.stdout)
    assert "0 events behind" in again.stdout
    assert "worker: nothing waits for one" in again.stdout


@pytest.mark.slow
def test_what_is_due_and_with_nobody_tells_of_a_missing_worker_until_there_is_one(
    run: Run, tmp_path: Path, environ: dict[str, str]
) -> None:
    clock = FileClock(tmp_path / "clock", start=NOON)
    with (tmp_path / "duecourse.toml").open("a") as settings:
        settings.write('\nclock = "clock"\n')
    write_portfolio(tmp_path / "rows.csv", 5, seed=1, as_of=NOON.date())
    taken_in = run("import", "portfolio", "rows.csv", "--as-of", NOON.date().isoformat())
    assert taken_in.returncode == 0, taken_in.stderr
    assert run("case", "list").returncode == 0  # which brings the views and the timers up to date
    assert "worker: nothing waits for one" in run("doctor").stdout
    clock.advance(NOON + timedelta(days=3))
    alone = run("doctor")
    assert alone.returncode == 1
    assert "due for more than a minute and nobody does them; start one" in alone.stdout
    worker = subprocess.Popen(
        [sys.executable, "-m", "duecourse", "worker", "--until-stdin-closes"],
        stdin=subprocess.PIPE, env=environ, cwd=tmp_path,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 90
        while run("doctor").returncode and time.monotonic() < deadline:
            time.sleep(0.5)
        found = run("doctor")  # by now the worker is connected, so the server runs
    finally:
        worker.communicate()
    assert found.returncode == 0, found.stdout
    assert "worker: nothing waits for one" in found.stdout
    assert "running as process " in found.stdout
    assert "State(" not in found.stdout
    assert "Binaries(" not in found.stdout


def test_the_channels_of_the_schedule_that_are_not_configured_are_named(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "duecourse.toml").write_text('[channels.letter]\nuse = "letter-spool"\n')
    assert run("migrate").returncode == 0
    done = run("doctor")
    assert done.returncode == 1
    assert "the schedule standard sends by " in done.stdout
    assert "sms" in done.stdout


def test_a_broken_plugin_is_told_in_full(run: Run, tmp_path: Path) -> None:
    with (tmp_path / "duecourse.toml").open("a") as settings:
        settings.write('\n[channels.letter]\nuse = "letter-spool"\nfoldre = "x"\n')
    assert run("migrate").returncode == 0
    done = run("doctor")
    assert done.returncode == 1
    assert "plugin letter-spool as letter: [channels.letter]: " in done.stdout
    assert "foldre" in done.stdout


@pytest.mark.parametrize(
    ("today", "is_said", "is_well"),
    [
        (date(2030, 7, 4), False, True),
        (date(2030, 7, 5), True, True),
        (date(2030, 12, 31), True, True),
        (date(2031, 1, 1), True, False),
    ],
)
def test_the_end_of_the_known_holidays_is_told_in_good_time(
    capsys: pytest.CaptureFixture[str], today: date, *, is_said: bool, is_well: bool
) -> None:
    report = Report()
    _look_at_calendars(load_rulebook(), today, report)
    said = capsys.readouterr().out
    assert ("rule pack au: its holidays au-national are known until 2030-12-31" in said) == is_said
    assert ("au.phone_hours, au.visit_hours, au.workplace_hours" in said) == is_said
    assert report.is_well == is_well


def test_what_waits_for_a_channel_that_rests_lacks_no_worker(
    migrated_dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not until its rest is over for so long that a worker would have tried it again."""
    settings = Settings(
        data=tmp_path,
        database_url=Secret(migrated_dsn),
        channels={"letter": {"use": "letter-spool", "folder": str(tmp_path)}},
    )
    with House.open(settings) as house, house.database.connection() as connection:
        connection.execute(
            "INSERT INTO timers (case_id, key, due_at, lane) VALUES (%s, 'k', %s, 'letter')",
            (uuid4(), house.clock() - timedelta(hours=1)),
        )
        house.rests.suspend("letter", 300, "the spool is full")
        resting = Report()
        _look_for_a_worker(house, resting)
        told = capsys.readouterr().out
        assert "channel letter: it rests until" in told
        assert "1 messages wait for it: the spool is full" in told
        assert "worker: nothing waits for one" in told
        assert not resting.is_well
        connection.execute("UPDATE channel_rests SET until = now() - interval '10 minutes'")
        _look_for_a_worker(house, Report())
        assert "worker: 1 things are due" in capsys.readouterr().out


def test_a_restore_without_its_rights_is_told_in_one_line_and_migrate_mends_it(
    run: Run, tmp_path: Path
) -> None:
    assert run("migrate").returncode == 0
    assert run("doctor").returncode == 0
    with psycopg.connect(dsn_of(Settings(data=tmp_path / "data"))) as connection:
        connection.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM duecourse_app")
    lost = run("doctor")
    assert lost.returncode == 1
    assert re.fullmatch(
        r"Error: the role duecourse_app lacks rights on .+; run `duecourse migrate`\n", lost.stderr
    )
    assert "applied: the rights of duecourse_app" in run("migrate").stdout
    assert run("doctor").returncode == 0
