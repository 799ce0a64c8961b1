"""Plugins that are one file each: loaded like packages, and no file harms another."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from wild import MESSAGE

from duecourse import Accepted
from duecourse.isolation import IsolatedChannel
from duecourse.loading import MOST_FILE_BYTES
from duecourse.one_file import MOST_FILES
from duecourse.plugins import Plugins, PluginStatus
from duecourse.rules.pack import PackError

PIGEON = """
from __future__ import annotations

from duecourse import Accepted, Capabilities, Channel, Config, hookimpl

Prefix = str

class Settings(Config):
    prefix: Prefix = "coo-"

class Pigeon(Channel[Settings]):
    name = "pigeon"
    config_class = Settings
    capabilities = Capabilities(medium="other")

    def send(self, message):
        return Accepted(reference=self.config.prefix)

    def normalise(self, address):
        return __file__

@hookimpl
def channels():
    return [Pigeon]
"""
PACK = """
from pathlib import Path
from duecourse import hookimpl

@hookimpl
def rule_packs():
    return [Path(__file__).with_name("sample.toml")]
"""

DOCS = (Path(__file__).parents[2] / "docs/rules.md").read_text("utf-8")
(SAMPLE,) = (
    block
    for block in re.findall(r"```toml\n(.*?)```", DOCS, re.DOTALL)
    if block.startswith('name = "sample"')
)

Discover = Callable[..., Plugins]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "plugins"
    made.mkdir()
    return made


@pytest.fixture
def discover(folder: Path) -> Iterator[Discover]:
    """Finds what is in the folder, and makes a channel of the pigeon where there is one."""
    opened: list[Plugins] = []

    def find(
        allow: set[str] | None = None, *packages: EntryPoint, where: Path = folder, **loft: object
    ) -> Plugins:
        table = {"use": "pigeon", **loft}
        opened.append(Plugins.discover({"channels": {"loft": table}}, allow, packages, where))
        return opened[-1]

    yield find
    for each in opened:
        each.close()


def line(found: Plugins, name: str) -> PluginStatus:
    (status,) = (each for each in found.listing if each.name == name and each.kind == "package")
    return status


def test_a_file_with_a_channel_is_a_plugin_and_its_channel_is_isolated(
    folder: Path, discover: Discover
) -> None:
    (folder / "birds.py").write_text(PIGEON)
    channel = discover(prefix="roo-").channels["loft"]
    assert isinstance(channel, IsolatedChannel)
    assert channel.send(MESSAGE) == Accepted(reference="roo-")
    assert channel.normalise("where") == str(folder / "birds.py")


def test_it_may_also_run_beside_us_when_the_settings_say_so(
    folder: Path, discover: Discover
) -> None:
    (folder / "birds.py").write_text(PIGEON)
    found = discover(isolated=False)
    assert not isinstance(found.channels["loft"], IsolatedChannel)
    assert found.channels["loft"].normalise("where") == str(folder / "birds.py")


def test_the_folder_may_be_named_from_where_we_are(
    folder: Path, discover: Discover, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "birds.py").write_text(PIGEON)
    monkeypatch.chdir(folder.parent)
    assert set(discover(where=Path("plugins")).channels) == {"loft"}


def test_a_file_is_read_anew_and_leaves_nothing_beside_it(folder: Path, discover: Discover) -> None:
    (folder / "birds.py").write_text(PIGEON)
    assert discover().channels["loft"].config.prefix == "coo-"
    (folder / "birds.py").write_text(PIGEON.replace("coo-", "roo-"))  # of the same size
    assert discover().channels["loft"].config.prefix == "roo-"
    assert [each.name for each in folder.iterdir()] == ["birds.py"]


@pytest.mark.parametrize("name", ["_birds.py", ".birds.py", "birds.txt", "birds.py.orig", "py"])
def test_what_is_not_called_like_a_plugin_is_none(
    folder: Path, discover: Discover, name: str
) -> None:
    (folder / name).write_text("raise SystemExit")
    (folder / "doves.py").write_text(PIGEON)
    found = discover()
    assert [each.name for each in found.listing] == ["pigeon"]
    assert not found.missing


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import no_such_library", "no_such_library"),
        ("1/0", "ZeroDivisionError"),
        ("def", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("\0", "null bytes"),
        ("# coding: nonsense", "nonsense"),
        (PIGEON.replace("[Pigeon]", "1/0"), "ZeroDivisionError"),
        (PIGEON.replace("def channels", "def chanels"), "chanels"),
        ("#" * (MOST_FILE_BYTES + 1), f"larger than {MOST_FILE_BYTES} bytes"),
    ],
    ids=lambda value: value if len(value) < 50 else "",
)
def test_a_file_that_breaks_is_listed_and_the_next_one_loads(
    folder: Path, discover: Discover, source: str, says: str
) -> None:
    (folder / "a-bad.py").write_text(source)
    (folder / "birds.py").write_text(PIGEON)
    found = discover()
    assert set(found.channels) == {"loft"}
    assert line(found, "a-bad").state == "broken"
    assert says in line(found, "a-bad").reason


def test_what_is_called_like_a_file_and_is_none_is_listed_without_waiting_for_it(
    folder: Path, discover: Discover
) -> None:
    os.mkfifo(folder / "pipe.py")
    (folder / "inner.py").mkdir()
    (folder / "nowhere.py").symlink_to("gone")
    (folder / "round.py").symlink_to("round.py")
    (folder / "birds.py").write_text(PIGEON)
    found = discover()
    assert set(found.channels) == {"loft"}
    for name in ("pipe", "inner", "nowhere", "round"):
        assert line(found, name).reason == "it is not a file", name


def test_a_link_is_followed_within_the_folder_and_not_out_of_it(
    folder: Path, discover: Discover, tmp_path: Path
) -> None:
    # As a mounted configuration has them.
    (folder / "..2026").mkdir()
    (folder / "..2026" / "birds.py").write_text(PIGEON)
    (folder / "birds.py").symlink_to("..2026/birds.py")
    (tmp_path / "outside.py").write_text("raise SystemExit('it was run')")
    (folder / "outside.py").symlink_to(tmp_path / "outside.py")
    found = discover()
    assert set(found.channels) == {"loft"}
    assert "leads out of the folder" in line(found, "outside").reason


def test_a_folder_may_itself_be_a_link(folder: Path, discover: Discover, tmp_path: Path) -> None:
    (folder / "birds.py").write_text(PIGEON)
    (tmp_path / "link").symlink_to(folder)
    assert set(discover(where=tmp_path / "link").channels) == {"loft"}


def test_a_file_needs_a_name_that_the_settings_can_name(folder: Path, discover: Discover) -> None:
    (folder / "my birds.py").write_text(PIGEON)
    found = discover()
    assert "short code" in line(found, "my birds").reason
    assert not found.channels


def test_the_settings_allow_a_file_by_its_name(folder: Path, discover: Discover) -> None:
    (folder / "birds.py").write_text(PIGEON)
    (folder / "curious.py").write_text(f"open({str(folder / 'trace')!r}, 'w').close()")
    found = discover({"birds"})
    assert set(found.channels) == {"loft"}
    assert line(found, "curious").state == "not allowed"
    assert not (folder / "trace").exists()
    assert not found.missing


def test_a_file_that_the_settings_insist_on_has_to_be_there(discover: Discover) -> None:
    with pytest.raises(PackError, match=r"plugin birds: .*not installed"):
        discover({"birds"}).rulebook()


def test_an_installed_plugin_wins_over_a_file_of_its_name(
    folder: Path, discover: Discover, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "installed_birds.py").write_text(PIGEON.replace("coo-", "installed"))
    monkeypatch.syspath_prepend(tmp_path)
    (folder / "birds.py").write_text(PIGEON)
    found = discover(None, EntryPoint("birds", "installed_birds", "duecourse"))
    assert found.channels["loft"].config.prefix == "installed"
    assert line(found, "birds").state == "broken"
    assert "an installed plugin called birds; rename the file" in line(found, "birds").reason


def test_too_many_files_cannot_be_meant(folder: Path, discover: Discover) -> None:
    for number in range(MOST_FILES + 1):
        (folder / f"birds-{number}.py").write_text(PIGEON)
    found = discover()
    assert f"more than {MOST_FILES} plugins" in line(found, "plugin_folder").reason
    assert not found.channels


def test_a_folder_that_is_not_there_is_told_and_keeps_everybody_from_judging(
    discover: Discover, tmp_path: Path
) -> None:
    found = discover(where=tmp_path / "gone")
    assert "correct the setting `plugin_folder`" in line(found, "plugin_folder").reason
    with pytest.raises(PackError, match="plugin_folder"):
        found.rulebook()


# --- rules ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (PACK, "sample.toml: cannot be read"),
        (PACK.replace("[Path", "1/0 #"), "ZeroDivisionError"),
        (PACK.replace("@hookimpl\n", ""), "`rule_packs` has no @hookimpl"),
        ("import no_such_library", "its rule packs are not known: it needs the module"),
        ("#" * (MOST_FILE_BYTES + 1), "its rule packs are not known: it is larger than"),
    ],
    ids=["no pack", "hook", "unmarked", "import", "huge"],
)
def test_whatever_keeps_a_pack_from_loading_keeps_everybody_from_judging(
    folder: Path, discover: Discover, source: str, says: str
) -> None:
    (folder / "rules-of-ours.py").write_text(source)
    with pytest.raises(PackError, match=r"^plugin rules-of-ours: ") as refused:
        discover().rulebook()
    assert says in str(refused.value)


def test_a_pack_beside_the_file_is_judged_by(folder: Path, discover: Discover) -> None:
    (folder / "rules-of-ours.py").write_text(PACK)
    (folder / "sample.toml").write_text(SAMPLE)
    assert discover().rulebook().law_of("ZZ")


def test_the_commands_judge_by_the_same_files(folder: Path, tmp_path: Path) -> None:
    (folder / "rules-of-ours.py").write_text(PACK)
    (folder / "sample.toml").write_text(SAMPLE)
    settings = tmp_path / "settings.toml"
    settings.write_text(f'plugins = ["rules-of-ours"]\nplugin_folder = "{folder}"\n')
    done = subprocess.run(
        [sys.executable, "-m", "duecourse", "--config", settings, "rules", "list"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "sample.quiet_hours" in done.stdout
