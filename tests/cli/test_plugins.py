"""`duecourse plugins list` and `check`, on a channel that is one file, and on the bundled ones."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from duecourse.cli import main

Run = Callable[..., "Done"]

PIGEON = """
from duecourse import Accepted, Capabilities, Channel, Config, Permanent, Secret, hookimpl

print("hello from the plugin")

class Settings(Config, kw_only=True):
    token: Secret
    speed: int = 1

class Pigeon(Channel[Settings]):
    name = "pigeon"
    config_class = Settings
    example = {"token": "fictional"}
    capabilities = Capabilities(medium="other")

    def send(self, message):
        if message.at >= message.expires_at:
            raise Permanent("too late")
        return Accepted(reference=message.key)

@hookimpl
def channels():
    return [Pigeon]
"""
SETTINGS = """
plugins = ["pigeon"]
plugin_folder = "channels"

[channels.roof]
use = "pigeon"
token = { env = "PIGEON_TOKEN" }
"""


class Done(msgspec.Struct):
    returncode: object
    stdout: str
    stderr: str


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command, in this process, in a folder with a plugin and its settings."""
    (tmp_path / "channels").mkdir()
    (tmp_path / "channels" / "pigeon.py").write_text(PIGEON)
    (tmp_path / "duecourse.toml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)

    def plugins(*arguments: str, token: str = "a-real-token") -> Done:
        monkeypatch.setenv("PIGEON_TOKEN", token)
        monkeypatch.setattr(sys, "argv", ["duecourse", "plugins", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return Done(ended.value.code or 0, out, err)

    return plugins


def test_a_configured_channel_is_checked_with_its_settings(run: Run) -> None:
    done = run("check", "roof")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok           a message is accepted" in done.stdout
    assert "not checked  a refused connection is transient: it has no setting `url`" in done.stdout
    assert "failed" not in done.stdout


def test_a_plugin_is_checked_by_its_own_name_with_its_example(run: Run) -> None:
    done = run("check", "pigeon", token="")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ok           its settings construct it" in done.stdout


def test_one_failed_check_is_told_and_ends_with_1(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "channels" / "pigeon.py"
    file.write_text(PIGEON.replace("raise Permanent", "pass  # Permanent"))
    done = run("check", "roof")
    assert done.returncode == 1
    assert "failed       an expired message is not sent: an expired message is accepted" in (
        done.stdout
    )
    assert done.stdout.splitlines()[-2].count("1 failed") == 1


def test_json_has_one_object_per_check_and_nothing_else(run: Run) -> None:
    """Though the plugin prints while it is loaded."""
    told = json.loads(run("check", "roof", "--json").stdout)
    assert {each["state"] for each in told} == {"ok", "not checked"}
    assert all(each["check"] and (each["state"] == "ok" or each["why"]) for each in told)


def test_set_changes_a_setting_and_a_wrong_one_is_named(run: Run) -> None:
    assert run("check", "roof", "--set", "speed=3").returncode == 0
    wrong = run("check", "roof", "--set", "speed=fast")
    assert (wrong.returncode, "--set speed: write the value as in a TOML" in wrong.stderr) == (
        2,
        True,
    )
    unknown = run("check", "roof", "--set", "hight=3")
    assert "--set hight: there is no such setting; there are: token, speed" in unknown.stderr
    empty = run("check", "roof", "--set", "speed")
    assert empty.returncode == 2


def test_settings_that_do_not_fit_fail_a_check_and_name_the_field(run: Run) -> None:
    done = run("check", "roof", "--set", 'speed="fast"')
    assert done.returncode == 1
    assert "failed       its settings construct it" in done.stdout
    assert "$.speed" in done.stdout


def test_a_secret_given_on_the_command_line_is_not_repeated(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "channels" / "pigeon.py"
    file.write_text(
        PIGEON.replace(
            "def send", "def __repr__(self): return self.config.token.reveal()\n    def send"
        )
    )
    done = run("check", "roof", "--set", "token=never-to-be-seen")
    assert "failed       secrets are never shown" in done.stdout
    assert "never-to-be-seen" not in done.stdout + done.stderr


def test_a_name_that_is_none_says_which_there_are(run: Run) -> None:
    done = run("check", "owl")
    assert done.returncode == 1
    assert "no plugin is called owl; there are: pigeon" in done.stderr


def test_a_broken_plugin_says_why_it_cannot_be_checked(run: Run, tmp_path: Path) -> None:
    (tmp_path / "channels" / "pigeon.py").write_text("import no_such_module")
    done = run("check", "pigeon")
    assert done.returncode == 1
    assert "it needs the module no_such_module" in done.stderr


def test_list_says_what_is_loaded_isolated_and_not_allowed(run: Run) -> None:
    done = run("list")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pigeon\tchannel\troof\tloaded\tisolated" in done.stdout
    assert "sms\tpackage\t\tnot allowed" in done.stdout
    told = {each["name"]: each for each in json.loads(run("list", "--json").stdout)}
    assert told["pigeon"]["isolated"] is True
    assert told["email"]["state"] == "not allowed"


def test_list_ends_with_1_when_something_is_broken(run: Run) -> None:
    done = run("list", token="")
    assert done.returncode == 1
    assert "PIGEON_TOKEN is not set" in done.stdout
