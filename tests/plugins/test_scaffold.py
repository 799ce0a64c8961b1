"""`duecourse plugins new`: what it writes works before it is changed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from installing import install

from duecourse.loading import load_file
from duecourse.scaffold import CannotWrite, Plan, write
from duecourse.testing.contract import check

NAMES = ["sms-foo", "email-foo", "letter-foo", "chat-bot-2"]


def run(folder: Path, *line: str, **environ: str) -> subprocess.CompletedProcess[str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("DUECOURSE_")}
    return subprocess.run(
        [sys.executable, "-m", *line],
        cwd=folder,
        env=inherited | environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("name", NAMES)
def test_what_is_written_keeps_the_contract(name: str, tmp_path: Path) -> None:
    plan = Plan.of(name)
    write(plan, tmp_path)
    module = load_file(name, tmp_path / plan.module / "__init__.py")
    channel = getattr(module, plan.class_name)
    outcomes = {each.check: each.state for each in check(channel, channel.example)}
    assert "failed" not in outcomes.values()
    assert outcomes["a message is accepted"] == "ok"
    assert outcomes["wrong credentials are permanent"] == "ok"


@pytest.mark.slow
def test_what_is_written_passes_its_own_tests_and_the_linters(tmp_path: Path) -> None:
    done = run(tmp_path, "duecourse", "plugins", "new", "sms-foo")
    assert done.returncode == 0, done.stderr
    package = tmp_path / "duecourse-sms-foo"
    for line in (
        ("pytest", "-q", "-p", "no:cacheprovider"),
        ("ruff", "check", "--no-cache", "."),
        ("ruff", "format", "--no-cache", "--check", "."),
        ("mypy", "--strict", "--cache-dir", str(tmp_path / "mypy"), "duecourse_sms_foo", "tests"),
    ):
        clean = run(package, *line, PYTHONPATH=str(package))
        assert clean.returncode == 0, clean.stdout


def test_it_is_installed_listed_and_checked_by_its_name(tmp_path: Path) -> None:
    write(Plan.of("sms-foo"), tmp_path / "source")
    (tmp_path / "built").mkdir()
    environ = install(tmp_path / "source", tmp_path / "built")
    listed = run(tmp_path, "duecourse", "plugins", "list", **environ)
    assert "sms-foo\tchannel\t\tnot configured" in listed.stdout
    checked = run(tmp_path, "duecourse", "plugins", "check", "sms-foo", **environ)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "ok           many threads send at once" in checked.stdout


def test_the_next_steps_are_said(tmp_path: Path) -> None:
    done = run(tmp_path, "duecourse", "plugins", "new", "sms-foo", "--folder", "mine")
    for step in ("pip install -e 'mine[test]'", "pytest mine", "duecourse plugins check sms-foo"):
        assert step in done.stdout
    assert (tmp_path / "mine" / "duecourse_sms_foo" / "py.typed").read_text() == ""


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Sms",
        "sms_foo",
        "sms--foo",
        "-sms",
        "sms-",
        "2sms",
        "../sms",
        "sms foo",
        "短信",
        "a" * 41,
    ],
)
def test_a_name_that_cannot_be_a_plugins_is_refused(name: str) -> None:
    with pytest.raises(CannotWrite, match="try sms-foo"):
        Plan.of(name)


def test_a_name_that_is_taken_is_refused() -> None:
    with pytest.raises(CannotWrite, match="duecourse_sms is installed already"):
        Plan.of("sms")


@pytest.mark.parametrize("name", ["sms-http", "smtp", "letter-spool"])
def test_the_name_of_a_bundled_channel_is_refused(name: str) -> None:
    with pytest.raises(CannotWrite, match=f"{name} comes with Duecourse already"):
        Plan.of(name)


def test_nothing_is_ever_overwritten(tmp_path: Path) -> None:
    (tmp_path / "duecourse-sms-foo").mkdir()
    mine = tmp_path / "duecourse-sms-foo" / "README.md"
    mine.write_text("mine")
    done = run(tmp_path, "duecourse", "plugins", "new", "sms-foo")
    assert done.returncode == 1
    assert "nothing is overwritten" in done.stderr
    assert [file.name for file in mine.parent.iterdir()] == ["README.md"]
    assert mine.read_text() == "mine"


def test_the_medium_is_the_first_part_of_the_name() -> None:
    assert [Plan.of(name).medium for name in NAMES] == ["sms", "email", "letter", "other"]
