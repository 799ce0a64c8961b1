"""Finding plugins: the good ones work, whatever the bad ones do."""

import json
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from duecourse.plugins import Plugins, PluginStatus
from duecourse.settings import Table

GOOD = """
from duecourse import Accepted, Capabilities, Channel, Config, Secret, hookimpl

class Settings(Config, kw_only=True):
    token: Secret
    speed: int = 1

class Pigeon(Channel[Settings]):
    name = "pigeon"
    config_class = Settings
    capabilities = Capabilities(medium="other")

    def send(self, message):
        return Accepted(reference=message.key)

@hookimpl
def channels():
    return [Pigeon]
"""
PACKAGES = iter(range(1_000_000))
Install = Callable[[str, str], EntryPoint]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Writes a module that nothing else has imported, and an entry point to it."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name: str, source: str) -> EntryPoint:
        module = f"fictional_plugin_{next(PACKAGES)}"
        (tmp_path / f"{module}.py").write_text(source)
        return EntryPoint(name=name, value=module, group="duecourse")

    return write


def discover(*packages: EntryPoint, allow: set[str] | None = None, **channels: Table) -> Plugins:
    return Plugins.discover({"channels": channels}, allow, packages)


def line(found: Plugins, name: str) -> PluginStatus:
    (status,) = (each for each in found.listing if each.name == name)
    return status


@pytest.fixture
def pigeon(monkeypatch: pytest.MonkeyPatch) -> Table:
    monkeypatch.setenv("PIGEON_TOKEN", "coo-coo-secret")
    return {"use": "pigeon", "token": {"env": "PIGEON_TOKEN"}}


def test_a_configured_channel_is_there_under_its_own_name(install: Install, pigeon: Table) -> None:
    found = discover(install("birds", GOOD), loft=pigeon)
    assert found.channels["loft"].name == "pigeon"
    assert found.channels["loft"].config.token.reveal() == "coo-coo-secret"
    assert line(found, "pigeon") == PluginStatus(
        name="pigeon", kind="channel", state="loaded", instance="loft"
    )


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("import no_such_library", "no_such_library"),
        ("1/0", "ZeroDivisionError"),
        ("def", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit"),
        (GOOD.replace("return [Pigeon]", "raise RuntimeError('no bird')"), "no bird"),
        (GOOD.replace("return [Pigeon]", "return None"), "TypeError"),
        (GOOD.replace("return [Pigeon]", "raise SystemExit"), "SystemExit"),
        (GOOD.replace("def channels", "def chanels"), "chanels"),
        (GOOD.replace("def channels()", "def channels(extra)"), "extra"),
    ],
)
def test_a_package_that_breaks_is_listed_and_harms_nothing(
    install: Install, pigeon: Table, broken: str, says: str
) -> None:
    # Named to come first, so that it breaks before the good one is looked at.
    found = discover(install("a-bad", broken), install("birds", GOOD), loft=pigeon)
    assert set(found.channels) == {"loft"}
    bad = line(found, "a-bad")
    assert (bad.kind, bad.state) == ("package", "broken")
    assert says in bad.reason


@pytest.mark.parametrize(
    ("change", "by", "says"),
    [
        ('name = "pigeon"', 'name = "pigeon"; contract = 2', "contract 2; this is 1"),
        ("config_class = Settings", "config_class = dict", "config_class"),
        ("capabilities = Capabilities(", "capacities = Capabilities(", "capabilities"),
        ("def send(", "def sent(", "`send` is not written"),
        ('medium="other"', 'medium="other", guarantee="queryable"', "`find`"),
        ('medium="other"', 'medium="other", receipts="webhook"', "`receive`"),
        ("return [Pigeon]", "return [Settings]", "subclasses of Channel"),
    ],
)
def test_a_class_that_breaks_the_contract_is_listed_with_what_is_missing(
    install: Install, pigeon: Table, change: str, by: str, says: str
) -> None:
    found = discover(install("birds", GOOD.replace(change, by)), loft=pigeon)
    assert not found.channels
    assert any(each.state == "broken" and says in each.reason for each in found.listing)


def test_a_name_that_is_no_code_is_refused(install: Install) -> None:
    found = discover(install("birds", GOOD.replace('"pigeon"', '"a pigeon!"')))
    assert line(found, "a pigeon!").state == "broken"


def test_the_second_plugin_of_a_name_is_refused_and_the_first_works(
    install: Install, pigeon: Table
) -> None:
    other = GOOD.replace("speed: int = 1", "speed: int = 2")
    found = discover(install("b-second", other), install("a-first", GOOD), loft=pigeon)
    assert found.channels["loft"].config.speed == 1
    assert any("another package" in each.reason for each in found.listing)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"tokn": 1}, "unknown field `tokn`"),
        ({"speed": "fast"}, "$.speed"),
        ({"token": {"env": "NO_SUCH_TOKEN"}}, "NO_SUCH_TOKEN is not set"),
        ({"token": {"file": "/no/such/file"}}, "/no/such/file cannot be read"),
        ({"token": "hunter2-in-clear"}, "a secret is written"),
        ({"use": "pigeot"}, "there are: pigeon"),
        ({"use": 7}, "there are: pigeon"),
    ],
)
def test_a_wrong_setting_is_named_and_other_instances_work(
    install: Install, pigeon: Table, change: Table, says: str
) -> None:
    found = discover(install("birds", GOOD), bad={**pigeon, **change}, loft=pigeon)
    assert set(found.channels) == {"loft"}
    (bad,) = (each for each in found.listing if each.instance == "bad")
    assert bad.state == "broken"
    assert says in bad.reason
    assert "hunter2" not in bad.reason


def test_an_error_that_quotes_a_secret_is_shown_without_it(install: Install, pigeon: Table) -> None:
    leaky = GOOD.replace(
        "    def send",
        "    def __init__(self, config):\n"
        "        raise RuntimeError('bad token ' + config.token.reveal())\n\n    def send",
    )
    found = discover(install("birds", leaky), loft=pigeon)
    assert "bad token ***" in line(found, "pigeon").reason
    assert "coo-coo-secret" not in json.dumps([repr(each) for each in found.listing])


@pytest.mark.parametrize("instance", ["call", "visit", "sms", "email", "letter", "Bad Name"])
def test_a_channel_is_not_called_what_it_is_not(
    install: Install, pigeon: Table, instance: str
) -> None:
    found = discover(install("birds", GOOD), **{instance: pigeon})
    assert not found.channels
    assert line(found, "pigeon").state == "broken"


def test_what_the_settings_do_not_allow_is_not_even_imported(
    install: Install, pigeon: Table, tmp_path: Path
) -> None:
    trace = tmp_path / "imported"
    curious = install("curious", f"open({str(trace)!r}, 'w').close()")
    found = discover(curious, install("birds", GOOD), allow={"birds"}, loft=pigeon)
    assert not trace.exists()
    assert line(found, "curious").state == "not allowed"
    assert set(found.channels) == {"loft"}


def test_a_module_without_hooks_is_listed_as_offering_nothing(install: Install) -> None:
    nothing = line(discover(install("empty", "")), "empty")
    assert (nothing.state, "offers no channel" in nothing.reason) == ("loaded", True)


def test_a_plugin_that_no_setting_uses_is_listed_as_such(install: Install) -> None:
    assert line(discover(install("birds", GOOD)), "pigeon").state == "not configured"


def test_closing_closes_every_channel_even_when_one_breaks(
    install: Install, pigeon: Table, tmp_path: Path
) -> None:
    stubborn = GOOD.replace(
        "    def send",
        "    def close(self):\n"
        f"        open({str(tmp_path)!r} + '/closed-' + str(self.config.speed), 'w').close()\n"
        "        raise SystemExit\n\n    def send",
    )
    discover(install("birds", stubborn), a={**pigeon, "speed": 1}, b={**pigeon, "speed": 2}).close()
    assert {path.name for path in tmp_path.glob("closed-*")} == {"closed-1", "closed-2"}


def test_the_bundled_plugins_are_found_and_configured(pigeon: Table) -> None:
    sms = {"use": "sms-http", "url": "https://sms.example/messages", "timeout": 5}
    email = {
        "use": "smtp",
        "host": "127.0.0.1",
        "security": "none",
        "timeout": 5,
        "sender": "a@example.com",
        "unsubscribe": "b@example.com",
    }
    tables = {"sms": {**sms, "token": pigeon["token"]}, "email": email}
    found = Plugins.discover({"channels": tables})
    assert set(found.channels) == {"sms", "email"}
    assert {each.state for each in found.listing} <= {"loaded", "not configured"}
