"""The command, from the outside: on a data folder of its own, with a server it starts itself."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from duecourse.cli import duecourse
from duecourse.intake.people import generate_portfolio, write_portfolio
from duecourse.testing.sample import NOON

Run = Callable[..., subprocess.CompletedProcess[str]]
DAY = NOON.date()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    data = tmp_path_factory.mktemp("data")
    environ = {k: v for k, v in os.environ.items() if not k.startswith("DUECOURSE_")}
    environ.pop("DATABASE_URL", None)

    def duecourse(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "duecourse", "--data", str(data), *arguments]
        return subprocess.run(
            line, capture_output=True, text=True, timeout=120, check=False, env=environ | more,
            cwd=data,
        )  # fmt: skip

    return duecourse


@pytest.fixture(scope="module")
def portfolio(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of five fictional borrowers, imported."""
    file = tmp_path_factory.mktemp("files") / "portfolio.csv"
    write_portfolio(file, 5, seed=1, as_of=DAY)
    done = run("import", "portfolio", str(file), "--as-of", DAY.isoformat())
    assert done.returncode == 0, done.stderr
    return file


def test_a_portfolio_is_taken_in_once(run: Run, portfolio: Path) -> None:
    again = run("import", "portfolio", str(portfolio), "--as-of", DAY.isoformat())
    assert again.returncode == 0, again.stderr
    assert "changes            0" in again.stdout


def test_bad_rows_are_reported_with_line_field_and_fix(
    run: Run, portfolio: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.csv"
    head, first, *_ = portfolio.read_text().splitlines()
    broken.write_text(f"{head}\n{first.replace('FICTION-000001', 'B-NEW').replace('.', 'x')}\n")
    done = run("import", "portfolio", str(broken), "--as-of", DAY.isoformat())
    assert done.returncode == 0
    assert "rejected           1" in done.stdout
    assert "2,principal," in (tmp_path / "broken.csv.errors.csv").read_text()
    done = run("import", "portfolio", str(broken), "--as-of", DAY.isoformat(), "--strict")
    assert done.returncode == 3, "for a script that must not miss it"


def test_payments_are_taken_in_and_allocated(run: Run, portfolio: Path, tmp_path: Path) -> None:
    row = next(generate_portfolio(5, 1, DAY))
    file = tmp_path / "payments.csv"
    file.write_text(
        "payment_id,creditor,borrower_ref,currency,amount,value_on\n"
        f"P-1,{row['creditor']},{row['borrower_ref']},{row['currency']},1.00,{DAY}\n"
        f"P-2,{row['creditor']},nobody,{row['currency']},1.00,{DAY}\n"
    )
    done = run("import", "payments", str(file), "--as-of", DAY.isoformat())
    assert "payments recorded  1" in done.stdout
    assert "rejected           1" in done.stdout


def test_a_case_can_be_shown_at_every_version_that_replay_prints(
    run: Run, portfolio: Path, case_id: str
) -> None:
    lines = [json.loads(line) for line in run("case", "replay", case_id).stdout.splitlines()]
    assert [line["version"] for line in lines] == list(range(1, len(lines) + 1))
    for line in lines:
        shown = json.loads(run("case", "show", case_id, "--version", str(line["version"])).stdout)
        assert isinstance(shown.pop("options"), list)
        assert shown == line["case"] | {"breaches": []}


def test_the_timeline_tells_what_happened_and_who_did_it(run: Run, case_id: str) -> None:
    timeline = run("case", "timeline", case_id).stdout
    assert "CaseOpened" in timeline
    assert "import" in timeline
    assert timeline.splitlines()[0].split("\t")[1] == "when (UTC)"


def test_the_timeline_shows_what_lies_deeper_in_an_event(run: Run, case_id: str) -> None:
    events = [
        json.loads(line)["event"] for line in run("case", "replay", case_id).stdout.splitlines()
    ]
    added = next(each for each in events if each.get("debts") or each.get("debt"))
    path, debt = ("debt", added["debt"]) if "debt" in added else ("debts.0", added["debts"][0])
    principal = debt["balance"]["principal"]
    assert f"{path}.balance.principal={principal}" in run("case", "timeline", case_id).stdout


@pytest.fixture
def case_id(run: Run, portfolio: Path) -> str:
    """One of the imported cases."""
    listed = [json.loads(line) for line in run("case", "list", "--json").stdout.splitlines()]
    assert len(listed) == 5
    return str(listed[0]["case_id"])


def test_ids_are_whole_where_the_list_is_narrow(run: Run, portfolio: Path, case_id: str) -> None:
    narrow = {"COLUMNS": "40"}
    assert case_id in run("case", "list", **narrow).stdout
    key = run("keys", "create", "a-name-that-is-longer-than-most", "--role", "collector").stdout
    assert key.split("_")[1] in run("keys", "list", **narrow).stdout
    assert "import" in run("case", "timeline", case_id, **narrow).stdout


def test_the_lists_for_programs_are_json(run: Run) -> None:
    plugins = json.loads(run("plugins", "list", "--json").stdout)
    assert {each["name"] for each in plugins} >= {"sms-http", "smtp", "letter-spool", "cn-court"}
    packs = json.loads(run("rules", "list", "--json").stdout)
    assert all(rule["citation"] for pack in packs for rule in pack["rules"])


def test_a_key_is_shown_once_and_can_be_revoked(run: Run, portfolio: Path) -> None:
    key = run("keys", "create", "anna", "--role", "collector").stdout.strip()
    key_id = key.split("_")[1]
    listed = run("keys", "list").stdout
    assert key_id in listed
    assert key.split("_", 2)[2] not in listed
    assert run("keys", "revoke", key_id).returncode == 0
    assert run("keys", "revoke", key_id).returncode == 1


def test_a_mistake_is_one_line_without_a_traceback(run: Run, portfolio: Path) -> None:
    nobody = run("case", "show", "00000000-0000-0000-0000-000000000000")
    assert nobody.returncode == 1
    assert "there is no" in nobody.stderr
    assert "Traceback" not in nobody.stderr


def test_the_command_works_with_the_core_alone_and_names_the_extra_that_is_missing() -> None:
    extras = ["httpx2", "phonenumbers", "email_validator", "typst", "pikepdf", "uvicorn"]
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({[*extras, 'litestar', 'aiosmtpd']!r}))\n"
        "from duecourse.cli import main\n"
        "main()\n"
    )
    for arguments, said in ((["plugins", "list"], "broken"), (["serve"], "duecourse[api]")):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
        )
        assert said in done.stdout + done.stderr
        assert "Traceback" not in done.stderr


def test_every_command_is_there_under_its_name_and_says_what_it_is_for() -> None:
    context = click.Context(duecourse)
    for name in duecourse.list_commands(context):
        command = duecourse.get_command(context, name)
        assert command is not None
        assert (command.name, bool(command.help)) == (name, True)


def test_a_command_does_not_load_what_only_others_need() -> None:
    code = (
        "import sys; from duecourse.cli import main; sys.argv[1:] = ['calc', '--help']\n"
        "try:\n    main()\n"
        "finally:\n    sys.exit('duecourse.flow.house' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0
