"""Plugins of the user's in the demo: what the command line says, and what is made of it."""

import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
import rich_click as click

from duecourse import Accepted, Capabilities, Channel, Config, Outbound, Secret
from duecourse.cli.plugin_settings import own_plugins
from duecourse.demo.setting import OwnPlugin, Setting, to_toml
from duecourse.demo.summary import Summary, missing_receipts, reporting, sent_through


class Silent(Channel[Config]):
    name = "silent"
    config_class = Config
    capabilities = Capabilities(medium="sms")

    def send(self, message: Outbound) -> Accepted:
        return Accepted(reference=message.key)


class Telling(Silent):
    capabilities = Capabilities(medium="letter", receipts="webhook")


SUMMARY = Summary(
    contacts={"sms accepted": 5, "letter accepted": 3, "email accepted": 2},
    deliveries={"sms delivered": 3, "sms failed": 1, "letter sent": 1},
)


def test_nobody_waits_for_receipts_that_a_plugin_does_not_promise() -> None:
    silent, telling = Silent(Config()), Telling(Config())
    assert reporting({}, {}) == {"sms"}
    assert reporting({"sms"}, {"sms": silent}) == set()
    assert reporting({"letter"}, {"letter": telling}) == {"sms", "letter"}


def test_what_was_taken_and_not_told_of_is_missing() -> None:
    assert missing_receipts(SUMMARY, {"sms"}) == 1
    assert missing_receipts(SUMMARY, {"sms", "letter"}) == 3
    assert missing_receipts(SUMMARY, set()) == 0


def test_only_the_messages_of_this_run_are_said_to_have_gone_through_a_plugin() -> None:
    before = {"sms accepted": 2}
    sent = sent_through({"sms": "mine", "email": "other"}, SUMMARY.contacts, before)
    assert sent == {"sms through mine": 3, "email through other": 2}


def test_a_secret_goes_into_a_file_of_its_own_that_nobody_else_reads(tmp_path: Path) -> None:
    setting = Setting(tmp_path, tmp_path, 0)
    table = {"url": "https://gateway.example.com", "token": Secret("geheim"), "timeout": 3.5}
    written = tomllib.loads(setting.own("sms", OwnPlugin("sms-foo", table)))
    file = tmp_path / "sms-token"
    assert written["channels"]["sms"] == {
        "use": "sms-foo",
        "url": "https://gateway.example.com",
        "token": {"file": str(file)},
        "timeout": 3.5,
    }
    assert file.read_text() == "geheim"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "value",
    ['a"b\\c\n\x7f\x00', "示例 😀", True, 3, 1.5, ["a", ["b"]], {"env": "X", "a b": [1]}, {}, []],
)
def test_a_value_is_written_as_toml_reads_it(value: Any) -> None:
    assert tomllib.loads(f"value = {to_toml(value)}")["value"] == value


def test_options_become_plugins_with_their_settings() -> None:
    own = own_plugins(
        ["sms=sms-http", "email=smtp"],
        ["sms.url=https://gateway.example.com", "sms.timeout=3", "sms.token=1234", "email.port=25"],
    )
    assert own == {
        "sms": (
            "sms-http",
            {"url": "https://gateway.example.com", "timeout": 3, "token": Secret("1234")},
        ),
        "email": ("smtp", {"port": 25}),
    }
    assert own_plugins([], []) == {}


@pytest.mark.parametrize(
    ("own", "changes", "words"),
    [
        (["call=sms-http"], [], "the demo sends sms, email, letter"),
        (["sms"], [], "key=value"),
        (["sms=no-such"], [], "no channel plugin is called no-such; there are:"),
        ([], ["sms.url=x"], "after --channel"),
        (["sms=sms-http"], ["url=x"], "MEDIUM.KEY=VALUE"),
        (["sms=sms-http"], ["sms.speed=1"], "--set speed: there is no such setting"),
        (["sms=sms-http"], ["sms.timeout=soon"], "--set timeout: write the value as in a TOML"),
    ],
)
def test_an_option_that_cannot_be_meant_is_refused_by_name(
    own: list[str], changes: list[str], words: str
) -> None:
    with pytest.raises(click.ClickException) as refused:
        own_plugins(own, changes)
    assert words in refused.value.format_message()
