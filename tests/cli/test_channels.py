"""Looking after the channels from the terminal."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from duecourse.cli import duecourse
from duecourse.store.database import Database
from duecourse.store.rests import Rests

Run = Callable[..., Result]


@pytest.fixture
def run(migrated_dsn: str, tmp_path: Path) -> Run:
    """The command on the module's database, with a spool of letters."""
    (tmp_path / "spool").mkdir()
    config = tmp_path / "duecourse.toml"
    config.write_text(f'[channels.letter]\nuse = "letter-spool"\nfolder = "{tmp_path / "spool"}"\n')
    key = base64.b64encode(bytes(range(32))).decode()
    environ = {"DATABASE_URL": migrated_dsn, "DUECOURSE_MASTER_KEY": key}

    def invoke(*arguments: str) -> Result:
        line = ["--config", str(config), "channels", *arguments]
        return CliRunner().invoke(duecourse, line, env=environ)

    return invoke


def test_the_list_shows_which_channel_rests_and_why_and_an_operator_ends_it(
    run: Run, database: Database
) -> None:
    listed = run("list", "--json")
    (letter,) = json.loads(listed.stdout)
    assert listed.exit_code == 0
    assert (letter["channel"], letter["plugin"], letter["due"]) == ("letter", "letter-spool", 0)
    Rests(database).suspend("letter", 60.0, "the printer is out of paper")
    resting = run("list")
    assert resting.exit_code == 1
    assert "the printer is out of paper" in resting.stdout
    assert run("resume", "letter", "--reason", "paper").stdout == "letter takes messages again\n"
    assert run("resume", "letter", "--reason", "paper").stdout == "letter does not rest\n"
    assert run("list").exit_code == 0
    lines = [json.loads(line) for line in run("events", "letter", "--json").stdout.splitlines()]
    assert [(each["kind"], each["reason"], each["actor"]) for each in lines] == [
        ("ChannelResumed", "paper", "operator"),
        ("ChannelSuspended", "the printer is out of paper", "system"),
    ]


def test_what_became_of_channels_cannot_be_changed(database: Database) -> None:
    with database.connection() as connection, pytest.raises(Exception, match="permission denied"):
        connection.execute("UPDATE channel_events SET reason = 'none'")


def test_each_channel_is_asked_whether_it_can_be_used(run: Run, tmp_path: Path) -> None:
    well = run("check")
    assert (well.exit_code, "letter-spool" in well.stdout) == (0, True)
    (tmp_path / "spool").rmdir()
    (tmp_path / "spool").write_text("no folder")
    config = tmp_path / "duecourse.toml"
    more = (
        '[channels.email]\nuse = "smtp"\nhost = "127.0.0.1"\nport = 1\nsender = "a@example.com"\n'
    )
    config.write_text(config.read_text() + more + '[channels.sms]\nuse = "sms-nowhere"\n')
    ill = run("check")
    assert ill.exit_code == 1
    for words in ("letter", "email", "sms-nowhere"):
        (line,) = [each for each in ill.stdout.splitlines() if words in each][:1]
        assert not line.rstrip().endswith("-"), line
    assert run("check", "letter").exit_code == 1


def test_a_channel_that_is_not_there_cannot_be_checked(run: Run) -> None:
    assert "there are letter" in run("check", "fax").output
