"""`duecourse rules backtest`: the report, for people and for programs, and what is asked wrongly."""

import base64
import json
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from office import Office

from duecourse.case import commands as c
from duecourse.cli import duecourse
from duecourse.cli.backtest_text import Asked, markdown
from duecourse.rules.backtest import YES, Answer, Decision, Tally
from duecourse.store.database import Database
from duecourse.testing.sample import NOON

Run = Callable[..., Result]
CHINA_BESIDE_AMERICA = ("--baseline", "cn", "--pack", "us", "--place", "US")


@pytest.fixture(scope="module")
def cases(database: Database) -> list[UUID]:
    """Two cases, each asked for a message by day and a call by night."""
    office = Office(database, {}, {}, {})
    opened = [office.open(), office.open()]
    for case_id in opened:
        office.now = max(office.now, NOON)
        for channel, at in (("sms", NOON), ("call", NOON + timedelta(hours=9, minutes=30))):
            office.now = at
            office.ask(
                case_id,
                c.RequestContact(
                    contact_id=uuid.uuid4(), channel=channel, template="reminder-first"
                ),
            )
    return sorted(opened)


@pytest.fixture
def run(migrated_dsn: str, cases: list[UUID]) -> Run:
    """The command on the module's database."""
    key = base64.b64encode(bytes(range(32))).decode()
    environ = {"DATABASE_URL": migrated_dsn, "DUECOURSE_MASTER_KEY": key, "COLUMNS": "500"}

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(duecourse, ["rules", "backtest", *arguments], env=environ)

    return invoke


def refusal(done: Result) -> str:
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    return " ".join(done.stderr.replace("│", "").split())


def test_china_beside_america_is_told_in_words_and_tables(run: Run, cases: list[UUID]) -> None:
    done = run(*CHINA_BESIDE_AMERICA)
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    assert done.stdout.startswith("# Back-test: us 2026.1\n")
    assert (
        "**Of 4 decisions 4 would be newly refused and 0 newly allowed; 0 stay as they were"
        " (0 allowed, 0 refused), and 0 cannot be replayed.**"
    ) in done.stdout
    assert "as if every debtor lived in US" in done.stdout
    assert re.search(
        r"\| `us.quiet_hours` \| 2 \| 2 \| .*12 CFR 1006.6\(b\)\(1\) \(A\)", done.stdout
    )
    for case_id in cases:
        assert f"[{str(case_id)[-8:]}](/cases/{case_id})" in done.stdout
    assert "| sms | 2 | 2 |" in done.stdout
    assert "All decisions have in common: moment when asked for, creditor" in done.stdout


def test_json_names_every_case_and_what_was_asked(run: Run, cases: list[UUID]) -> None:
    report = json.loads(run("--pack", "cn", "--json", "--since", "2026-03-02").stdout)
    assert [pack["name"] for pack in report["asked"]["packs"]] == ["core", "cn"]
    assert (report["asked"]["baseline"], report["asked"]["since"]) == (None, "2026-03-02")
    assert report["total"]["newly_allowed"] == 2
    (rule,) = report["by_rule"]
    assert rule["name"] == "house.quiet_hours"
    assert rule["cases"]["newly_allowed"] == list(map(str, cases))
    for table in ("channel", "moment", "creditor", "product", "jurisdiction", "stage"):
        groups = report[f"by_{table}"]
        assert sum(group["counts"]["decisions"] for group in groups) == 4


def test_without_a_pack_the_whole_book_as_it_is_today_is_asked(run: Run) -> None:
    report = json.loads(run("--json").stdout)
    assert report["total"]["unchanged"] == report["total"]["decisions"] == 4
    assert {"core", "house", "cn", "us"} < {pack["name"] for pack in report["asked"]["packs"]}


def test_the_house_policy_is_asked_only_if_it_is_chosen(run: Run) -> None:
    with_house = json.loads(run("--pack", "cn", "--pack", "house", "--json").stdout)
    assert with_house["total"]["still_refused"] == 2


def test_the_report_can_go_to_a_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "report.md"
    done = run("--pack", "cn", "--out", str(file))
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("Of 4 decisions 0 would be newly refused and 2 newly allowed;")
    assert file.read_text("utf-8") == run("--pack", "cn").stdout


def test_what_cannot_be_replayed_is_counted_with_what_helps(run: Run) -> None:
    said = run("--pack", "us").stdout
    assert "4 cannot be replayed" in said
    assert re.search(r"\| 4 \| no pack asked holds where the debtor lives; .*`--place`", said)


def test_a_pack_that_is_broken_is_named_with_its_fault(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('name = "mine"\nversion = 1\n', "utf-8")
    assert "mine.toml: Expected `str`, got `int` - at `$.version`" in refusal(
        run("--pack", str(file))
    )
    assert "mine.toml:" in refusal(run("--baseline", str(file)))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--pack", "nope"], "--pack: 'nope' is no file and no installed pack; those are"),
        (["--baseline", "nope"], "--baseline: 'nope' is no file and no installed pack;"),
        (["--baseline", "recorded", "--baseline", "cn"], "choose the one or the others"),
        (["--place", "Us"], "--place: 'Us' is no place; write it as ISO 3166 does"),
        (["--pack", "us", "--place", "FR"], "none of the packs asked is the law of FR; add its"),
        (["--tz", "Mars/Base"], "--tz: there is no time zone 'Mars/Base'; use an IANA name"),
        (["--since", "2026-03-02", "--until", "2026-03-01"], "--until: is before --since;"),
        (["--since", "yesterday"], "'yesterday' does not match the format '%Y-%m-%d'"),
        (["--creditor", "nobody"], "--creditor: no case is of 'nobody'; there are fictional-bank"),
        (["--out", "nowhere/report.md"], "--out: there is no folder 'nowhere'; make it"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_asked_wrongly_is_said_with_the_fix(
    run: Run, arguments: list[str], words: str
) -> None:
    assert words in refusal(run(*arguments))


# --- the words alone -------------------------------------------------------------------------


def asked() -> Asked:
    return Asked(
        packs=[], baseline=None, since=None, until=None, creditor="", place="", time_zone="",
        as_if_in_force=False, position=1,
    )  # fmt: skip


def decision(creditor: str = "bank") -> Decision:
    return Decision(
        channel="sms", moment="request", creditor=creditor, product="card", jurisdiction="CN",
        stage="reminder",
    )  # fmt: skip


def test_links_are_capped_and_the_rest_is_counted() -> None:
    tally = Tally()
    no = Answer(allowed=False, rule="cn.cap", says="a | b")
    for number in range(12):
        tally.add(UUID(int=number), NOON, decision(), YES, no)
    said = markdown(asked(), tally.report())
    (line,) = (line for line in said.splitlines() if line.startswith("- `cn.cap` newly refuses"))
    assert line.count("/cases/") == 5
    assert line.endswith("and 7 more")
    assert r"a \| b" in said


def test_a_long_table_is_cut_and_says_so() -> None:
    tally = Tally()
    for number in range(60):
        tally.add(UUID(int=number), NOON, decision(f"bank-{number:02}"), YES, YES)
    said = markdown(asked(), tally.report())
    assert "| bank-49 |" in said
    assert "| bank-50 |" not in said
    assert "And 10 more; `--json` has them all." in said


def test_cases_that_cannot_be_read_are_told() -> None:
    tally = Tally()
    tally.unreadable.append(UUID(int=7))
    said = markdown(asked(), tally.report())
    assert "The history of 1 case cannot be read to the end" in said
    assert f"/cases/{UUID(int=7)}" in said
