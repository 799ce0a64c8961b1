"""Finding plugins: the good ones work, whatever the bad ones do."""

import json
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from duecourse.bounded import Bounded
from duecourse.isolation import IsolatedChannel
from duecourse.plugins import Plugins, PluginStatus
from duecourse.settings import ChannelLimits, Rate, Table

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


OPENED: list[Plugins] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """What a test discovers is closed after it: channels may have processes."""
    yield
    while OPENED:
        OPENED.pop().close()


def discover(*packages: EntryPoint, allow: set[str] | None = None, **channels: Table) -> Plugins:
    OPENED.append(Plugins.discover({"channels": channels}, allow, packages))
    return OPENED[-1]


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
        name="pigeon", kind="channel", state="loaded", instance="loft", isolated=True
    )


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ("import no_such_library", "no_such_library"),
        ("1/0", "ZeroDivisionError"),
        ("def", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("import asyncio; raise asyncio.CancelledError('off')", "CancelledError: off"),
        ("raise GeneratorExit", "GeneratorExit"),
        ("class Odd(BaseException):\n    __str__ = None\nraise Odd", "Odd"),
        (GOOD.replace("return [Pigeon]", "raise RuntimeError('no bird')"), "no bird"),
        (GOOD.replace("return [Pigeon]", "return None"), "TypeError"),
        (GOOD.replace("return [Pigeon]", "raise SystemExit"), "SystemExit"),
        (GOOD.replace("return [Pigeon]", "raise GeneratorExit"), "GeneratorExit"),
        (GOOD.replace("return [Pigeon]", "yield Pigeon; raise BaseException('no')"), "no"),
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


@pytest.mark.parametrize("where", ["raise KeyboardInterrupt", ""])
def test_ctrl_c_while_a_package_loads_is_the_operators(install: Install, where: str) -> None:
    asked = GOOD.replace("return [Pigeon]", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        discover(install("a-bad", where or asked))


@pytest.mark.parametrize(
    ("change", "by", "says"),
    [
        ('name = "pigeon"', 'name = "pigeon"; contract = 2', "contract 2; kept here: 1"),
        ("config_class = Settings", "config_class = dict", "config_class"),
        ("capabilities = Capabilities(", "capacities = Capabilities(", "capabilities"),
        ("def send(", "def sent(", "`send` is not written"),
        ('medium="other"', 'medium="other", guarantee="queryable"', "`find`"),
        ('medium="other"', 'medium="other", receipts="webhook"', "`receive`"),
        ('medium="other"', 'medium="other", receipts="poll"', "`poll`"),
        ('medium="other"', 'medium="other", inbound=True', "`receive` or `poll`"),
        ('medium="other"', 'medium="fax"', "`capabilities`: Invalid enum value"),
        ('medium="other"', 'medium="other", parallel=65', "$.parallel"),
        ('medium="other"', 'medium="other", poll_seconds="often"', "$.poll_seconds"),
        (
            'medium="other"',
            'medium="other", window=__import__("datetime").timedelta(-1)',
            "`window` must not be negative",
        ),
        ('name = "pigeon"', 'name = "pigeon"; contract = "1"', "`contract` must be the number"),
        ('name = "pigeon"', 'name = "pigeon"; contract = []', "`contract` must be the number"),
        ("speed: int = 1", "isolated: int = 1", "a field `isolated`, which is the core's"),
        ("speed: int = 1", "limits: int = 1", "a field `limits`"),
        ("speed: int = 1", "use: int = 1", "a field `use`"),
        ("Config, kw_only=True", 'Config, kw_only=True, rename={"speed": "use"}', "a field `use`"),
        ("return [Pigeon]", "return iter(lambda: Pigeon, 1)", "more than 100 classes"),
        ("return [Pigeon]", "return [Settings]", "subclasses of Channel"),
    ],
)
def test_a_class_that_breaks_the_contract_is_listed_with_what_is_missing(
    install: Install, pigeon: Table, change: str, by: str, says: str
) -> None:
    found = discover(install("birds", GOOD.replace(change, by)), loft=pigeon)
    assert GOOD.replace(change, by) != GOOD
    assert not found.channels
    assert any(each.state == "broken" and says in each.reason for each in found.listing)


EVIL = """
class Evil(type):
    def __getattribute__(self, name):
        raise SystemExit("no")
    __repr__ = None

class Worse(Exception):
    def __str__(self):
        raise self

def evil():
    class Bird(metaclass=Evil):
        pass
    return Bird

"""


@pytest.mark.parametrize(
    ("brought", "broken"),
    [("[evil()]", 1), ("[1, None, 'x', ..., type, Channel, evil()]", 7), ("1/0", 1)],
)
def test_whatever_a_hook_returns_is_listed_and_the_next_package_loads(
    install: Install, pigeon: Table, brought: str, broken: int
) -> None:
    bad = EVIL + GOOD.replace("[Pigeon]", brought)
    found = discover(install("a-bad", bad), install("birds", GOOD), loft=pigeon)
    assert set(found.channels) == {"loft"}
    assert sum(each.state == "broken" for each in found.listing) == broken


def test_a_module_that_cannot_be_looked_into_is_listed_too(install: Install, pigeon: Table) -> None:
    bad = EVIL + GOOD + "Bird = evil()"
    found = discover(install("a-bad", bad), install("birds", GOOD), loft=pigeon)
    assert set(found.channels) == {"loft"}
    assert line(found, "a-bad").reason == "SystemExit: no"


def test_an_error_that_cannot_be_told_is_named_by_its_kind(install: Install) -> None:
    found = discover(install("a-bad", EVIL + "raise Worse"))
    assert line(found, "a-bad").reason == "Worse"


def test_what_a_plugin_prints_does_not_get_into_the_output_of_the_program(
    install: Install, pigeon: Table, capsys: pytest.CaptureFixture[str]
) -> None:
    loud = "print('at import')\n" + GOOD.replace(
        "return [Pigeon]", "print('in the hook'); return [Pigeon]"
    )
    assert discover(install("birds", loud), loft={**pigeon, "isolated": False}).channels
    captured = capsys.readouterr()
    assert not captured.out
    assert "at import" in captured.err
    assert "in the hook" in captured.err


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
        ({"speed": "fast"}, "]: speed: "),
        ({"token": {"env": "NO_SUCH_TOKEN"}}, "NO_SUCH_TOKEN is not set"),
        ({"token": {"file": "/no/such/file"}}, "/no/such/file cannot be read"),
        ({"token": "hunter2-in-clear"}, "a secret is written"),
        ({"isolated": "yes"}, "]: isolated: "),
        ({"limits": {"call_secs": 1}}, "unknown field `call_secs`"),
        ({"limits": {"call_seconds": 0}}, "]: limits.call_seconds: "),
        ({"limits": {"rate": 5}}, "]: limits.rate: "),
        ({"limits": 5}, "]: limits: "),
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
    constructor = GOOD.replace(
        "    def send",
        "    def __init__(self, config):\n"
        "        raise RuntimeError('bad token ' + config.token.reveal())\n\n    def send",
    )
    settings = GOOD.replace(
        "    speed: int = 1",
        "    def __post_init__(self):\n"
        "        raise ValueError('bad token ' + self.token.reveal())",
    )
    for leaky in (constructor, settings):
        for isolated in (True, False):
            found = discover(install("birds", leaky), loft={**pigeon, "isolated": isolated})
            assert "bad token ***" in line(found, "pigeon").reason
            assert "coo-coo-secret" not in json.dumps([repr(each) for each in found.listing])


@pytest.mark.parametrize("isolated", [True, False])
@pytest.mark.parametrize(
    ("promise", "says"),
    [
        ("Capabilities(medium='other', guarantee='queryable')", "`find`"),
        ("Capabilities(medium='other', receipts='poll')", "`poll`"),
        ("Capabilities(medium='other', parallel=0)", "parallel"),
        ("Capabilities(medium=None)", "medium"),
        ("'many'", "`capabilities`"),
    ],
)
def test_a_channel_that_promises_what_it_cannot_keep_once_it_is_configured_is_broken(
    install: Install, pigeon: Table, *, promise: str, says: str, isolated: bool
) -> None:
    source = GOOD.replace(
        "    def send",
        f"    def __init__(self, config):\n        self.capabilities = {promise}\n\n    def send",
    )
    found = discover(install("birds", source), loft={**pigeon, "isolated": isolated})
    assert not found.channels
    assert says in line(found, "pigeon").reason


def test_a_channel_that_came_from_elsewhere_is_isolated_unless_the_settings_say_not(
    install: Install, pigeon: Table
) -> None:
    birds = install("birds", GOOD)
    found = discover(birds, loft=pigeon, roof={**pigeon, "isolated": False})
    assert isinstance(found.channels["loft"], IsolatedChannel)
    assert isinstance(found.channels["roof"], Bounded)
    assert {each.instance: each.isolated for each in found.listing} == {"loft": True, "roof": False}
    # The plugin's own object, for whoever needs it.
    assert type(found.channels["roof"].channel).__name__ == "Pigeon"


def test_each_channel_has_the_limits_that_the_settings_give_it(
    install: Install, pigeon: Table
) -> None:
    strict = {"call_seconds": 5, "parallel": 1, "rate": {"messages": 7, "seconds": 60}}
    found = discover(install("birds", GOOD), loft={**pigeon, "limits": strict}, roof=pigeon)
    assert found.limits == {
        "loft": ChannelLimits(call_seconds=5, parallel=1, rate=Rate(7, 60)),
        "roof": ChannelLimits(),
    }


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
    a, b = {**pigeon, "speed": 1}, {**pigeon, "speed": 2, "isolated": False}
    discover(install("birds", stubborn), a=a, b=b).close()
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
    OPENED.append(found)
    assert set(found.channels) == {"sms", "email"}
    assert {each.state for each in found.listing} <= {"loaded", "not configured"}
    assert not any(each.isolated for each in found.listing)
