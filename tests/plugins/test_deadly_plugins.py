"""Plugins that would end or block the program that loads them: listed as broken, and no harm done."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from duecourse import isolation_trial
from duecourse.isolation_process import ChannelProcess
from duecourse.isolation_trial import find_deadly
from duecourse.loading import Source
from duecourse.plugins import Plugins

GOOD = """
from duecourse import Accepted, Capabilities, Channel, Config, hookimpl

class Pigeon(Channel[Config]):
    name = "pigeon"
    config_class = Config
    capabilities = Capabilities(medium="other")

    def send(self, message):
        return Accepted(reference=message.key)

@hookimpl
def channels():
    return [Pigeon]
"""
HOOK = """
import os
from duecourse import hookimpl

@hookimpl
def {hook}():
    {first}
    os._exit(0)
"""
HANGS = "import time; time.sleep(3600)"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "plugins"
    made.mkdir()
    (made / "birds.py").write_text(GOOD)
    return made


def listed(folder: Path, **environment: str) -> Mapping[str, Mapping[str, Any]]:
    """What another process lists: one that loads what is deadly must not be ours."""
    settings = folder.parent / "settings.toml"
    settings.write_text(f'plugin_folder = "{folder}"\n[channels.loft]\nuse = "pigeon"\n')
    done = subprocess.run(
        [sys.executable, "-m", "duecourse", "--config", settings, "plugins", "list", "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, **environment},
    )
    assert done.returncode == 1, f"{done.returncode}: {done.stderr}"
    return {line["name"]: line for line in json.loads(done.stdout)}


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import os; os._exit(0)", "exit code 0"),
        ("import os; os._exit(3)", "exit code 3"),
        ("import os; os.abort()", "killed by signal 6"),
        ("import ctypes; ctypes.string_at(0)", "killed by signal 11"),
        (HOOK.format(hook="channels", first=""), "exit code 0"),
        (HOOK.format(hook="filings", first=""), "exit code 0"),
        (HOOK.format(hook="rule_packs", first=""), "exit code 0"),
        (HOOK.format(hook="channels", first="yield 1"), "exit code 0"),
    ],
    ids=["quiet", "exit", "abort", "crash", "channels", "filings", "rule_packs", "late"],
)
def test_a_plugin_that_ends_the_process_is_listed_and_the_others_work(
    folder: Path, source: str, says: str
) -> None:
    # Loaded before the good one.
    (folder / "a-bad.py").write_text(source)
    lines = listed(folder)
    assert lines["a-bad"]["state"] == "broken"
    assert says in lines["a-bad"]["reason"]
    assert "must neither end the process nor wait" in lines["a-bad"]["reason"]
    assert (lines["pigeon"]["state"], lines["pigeon"]["instance"]) == ("loaded", "loft")
    assert lines["sms-http"]["state"] == "not configured"


def test_the_same_is_true_of_an_installed_package(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "deadly_module.py").write_text("import os; os._exit(3)")
    metadata = tmp_path / "deadly-4.2.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: deadly\nVersion: 4.2\n")
    (metadata / "entry_points.txt").write_text("[duecourse]\ndeadly = deadly_module\n")
    lines = listed(folder, PYTHONPATH=str(tmp_path))
    assert (lines["deadly"]["state"], lines["deadly"]["version"]) == ("broken", "4.2")
    assert "exit code 3" in lines["deadly"]["reason"]
    assert lines["pigeon"]["state"] == "loaded"


# In this process; nothing is loaded here that was seen to be deadly. ----------------------------


def write(folder: Path, **files: str) -> list[Source]:
    for name, source in files.items():
        (folder / f"{name}.py").write_text(source)
    return [Source(name=name, file=str(folder / f"{name}.py")) for name in files]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[ChannelProcess]:
    """The processes that trials start."""
    all_of_them: list[ChannelProcess] = []

    class Counted(ChannelProcess):
        def __init__(self) -> None:
            super().__init__()
            all_of_them.append(self)

    monkeypatch.setattr(isolation_trial, "ChannelProcess", Counted)
    monkeypatch.setattr(isolation_trial, "_survived", set())
    return all_of_them


def test_a_plugin_that_never_comes_back_is_one_of_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation_trial, "TRIAL_SECONDS", 2.0)
    good, bad = write(folder, good=GOOD, bad=HANGS)
    assert find_deadly([bad, good]) == {bad: "a call took longer than 2 s"}


def test_each_of_several_is_found_and_no_neighbour_is_blamed(folder: Path) -> None:
    exits = "import os; os._exit({})"
    sources = write(folder, a=exits.format(1), b=GOOD, c=exits.format(2), d=GOOD)
    deadly = find_deadly(sources)
    assert {each.name: how[-len("(exit code 1)") :] for each, how in deadly.items()} == {
        "a": "(exit code 1)",
        "c": "(exit code 2)",
    }


def test_what_a_plugin_raises_is_no_matter_for_the_trial(folder: Path) -> None:
    sources = write(
        folder, a="1/0", b="raise SystemExit", c="raise KeyboardInterrupt", d="def", e="x = 1"
    )
    assert find_deadly([*sources, Source(name="gone", file=str(folder / "gone.py"))]) == {}


def test_a_hook_that_raises_does_not_hide_one_that_ends_the_process(folder: Path) -> None:
    raising = "\n@hookimpl\ndef rule_packs():\n    raise BaseException\n"
    (bad,) = write(folder, bad=HOOK.format(hook="channels", first="") + raising)
    assert set(find_deadly([bad])) == {bad}


def test_all_are_tried_in_one_process_and_once(folder: Path, started: list[ChannelProcess]) -> None:
    sources = write(folder, a=GOOD, b=GOOD, c=GOOD)
    for _ in range(2):
        assert find_deadly(sources) == {}
    assert len(started) == 1
    assert all(each.ended for each in started)


def test_a_file_that_was_changed_is_tried_again(
    folder: Path, started: list[ChannelProcess]
) -> None:
    (source,) = write(folder, a=GOOD)
    assert find_deadly([source]) == {}
    write(folder, a="import os; os._exit(3)")
    assert set(find_deadly([source])) == {source}
    assert set(find_deadly([source])) == {source}, "and what is deadly is never believed mended"
    write(folder, a=GOOD)
    assert find_deadly([source]) == {}


def test_what_comes_with_duecourse_or_is_not_allowed_costs_no_process(
    folder: Path, started: list[ChannelProcess]
) -> None:
    write(folder, bad="import os; os._exit(3)")
    found = Plugins.discover({}, {"sms", "email", "letter"}, folder=folder)
    found.close()
    assert started == []
    assert {each.name for each in found.listing if each.state == "not allowed"} >= {"birds", "bad"}


def test_without_a_process_to_try_it_in_nothing_of_others_is_loaded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(isolation_trial, "ChannelProcess", refuse)
    monkeypatch.setattr(isolation_trial, "_survived", set())
    found = Plugins.discover({}, folder=folder)
    found.close()
    (line,) = (each for each in found.listing if each.name == "birds")
    assert line.state == "broken"
    assert "can't start new thread" in line.reason
