"""docs/channels.md, followed line by line: the page shows what is there, and what it says works."""

import json
import os
import re
import socket
import subprocess
import sys
import tomllib
import venv
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import msgspec
import pytest
from installing import CHAT, ROOT, build_wheel, install
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from duecourse.loading import load_file
from duecourse.scaffold import Plan, write
from duecourse.testing.contract import run
from duecourse.testing.peer import Answer, HttpPeer, http_server

PAGE = ROOT / "docs" / "channels.md"
UNREACHABLE = ("No matching distribution", "Connection", "Temporary failure", "timed out", "SSL")


class Block(msgspec.Struct, frozen=True):
    """A fenced block: its language, the word after that, and what is in it."""

    language: str
    name: str
    text: str


def blocks() -> list[Block]:
    fenced = re.compile(r"^```(\w+) ?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return [Block(*found) for found in fenced.findall(PAGE.read_text("utf-8"))]


def commands(name: str) -> list[str]:
    """The lines of the blocks that are called so; the plain ones have no name."""
    found = [each.text for each in blocks() if (each.language, each.name) == ("sh", name)]
    return "".join(found).splitlines()


EXAMPLE = sorted(
    str(file.relative_to(CHAT.parent))
    for file in CHAT.rglob("*.py")
    if not any(part.startswith((".", "build", "dist")) for part in file.relative_to(CHAT).parts)
)


@pytest.mark.parametrize("name", EXAMPLE)
def test_the_page_shows_the_example_as_it_is(name: str) -> None:
    shown = [each.text for each in blocks() if each.name == name]
    assert shown == [(CHAT.parent / name).read_text("utf-8")]


def test_the_example_is_what_the_scaffold_makes_of_its_name(tmp_path: Path) -> None:
    """Apart from the code, so that the page can begin with the scaffold."""
    write(Plan.of("chat"), tmp_path)
    made = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file()}
    assert all((CHAT / name).is_file() for name in made)
    mine, theirs = (
        tomllib.loads((folder / "pyproject.toml").read_text("utf-8")) for folder in (CHAT, tmp_path)
    )
    del mine["project"]["description"], theirs["project"]["description"]
    assert mine == theirs


def test_the_example_keeps_the_contract_in_every_point(monkeypatch: pytest.MonkeyPatch) -> None:
    """But for what it does not promise: to be looked up, and to be polled."""
    monkeypatch.syspath_prepend(CHAT)
    contract = load_file("chat-contract", CHAT / "tests" / "test_contract.py").TestChat
    outcomes = {each.check: each.state for each in run(contract)}
    unchecked = {check for check, state in outcomes.items() if state != "ok"}
    assert unchecked == {"a poll may be repeated", "what was sent is found and nothing else"}
    assert set(outcomes.values()) == {"ok", "not checked"}


def closure(wanted: list[str]) -> set[str]:
    """The names of what must be installed for these requirements, each with what it needs."""
    found: set[str] = set()
    seen: set[str] = set()
    ahead = list(wanted)
    while ahead:
        text = ahead.pop()
        if text in seen:
            continue
        seen.add(text)
        requirement = Requirement(text)
        extras = {"", *requirement.extras}
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        name = canonicalize_name(requirement.name)
        found.add(name)
        ahead += [
            needed.partition(";")[0]
            for needed in _requires(name)
            if _applies(Requirement(needed), extras)
        ]
    return found


def _requires(name: str) -> list[str]:
    try:
        return requires(name) or []
    except PackageNotFoundError:
        return []


def _applies(requirement: Requirement, extras: set[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in extras)


def pinned(names: set[str]) -> str:
    """Their entries of requirements.lock, with the hashes."""
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    entries = re.findall(r"^[a-z0-9](?:.*\\\n)+.*\n", lock, re.MULTILINE)
    named = {canonicalize_name(re.split(r"[=\[ ]", entry)[0]): entry for entry in entries}
    assert names <= named.keys(), names - named.keys()
    return "".join(named[name] for name in sorted(names))


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A folder with a virtual environment that has the built wheel and its core dependencies."""
    folder = tmp_path_factory.mktemp("fresh")
    try:
        venv.create(folder / ".venv", with_pip=True)
    except subprocess.CalledProcessError:
        pytest.skip("this Python cannot make a virtual environment with pip")
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("DUECOURSE_", "PYTHON"))}
    environ["PATH"] = f"{folder / '.venv' / 'bin'}{os.pathsep}{environ['PATH']}"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    core = folder / "core.lock"
    core.write_text(pinned(closure(project["dependencies"])))
    (folder / "wheel").mkdir()
    wheel = build_wheel(ROOT, folder / "wheel")
    for line in (
        f"pip install --quiet --require-hashes --no-deps -r {core}",
        f"pip install --quiet --no-deps {wheel}",
    ):
        done = shell(line, folder, environ)
        if done.returncode and any(word in done.stderr for word in UNREACHABLE):
            pytest.skip(f"no package index can be reached: {done.stderr.splitlines()[-1][:200]}")
        assert done.returncode == 0, done.stderr
    return folder, environ


def shell(line: str, folder: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", line],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
def test_the_page_can_be_followed_with_only_the_core_installed(
    fresh: tuple[Path, dict[str, str]],
) -> None:
    """From the built wheel: every file that it shows is written, every command typed."""
    folder, environ = fresh
    missing = shell("python -c 'import httpx2'", folder, environ)
    assert "ModuleNotFoundError" in missing.stderr, "only the core should be there"
    typed = []
    for block in blocks():
        if block.language == "sh" and not block.name:
            for line in block.text.splitlines():
                done = shell(line, folder, environ)
                assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
                typed.append((line, done.stdout))
        elif block.name and block.language in {"python", "toml"}:
            file = folder / block.name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
    said = dict(typed)
    assert re.search(
        r"^note\tchannel\tdesk\tloaded\tisolated", said["duecourse plugins list"], re.MULTILINE
    )
    assert re.search(
        r"^chat\tchannel\t\tnot configured", said["duecourse plugins list"], re.MULTILINE
    )
    assert "failed" not in said["duecourse plugins check chat"]
    assert "ok           the same key twice is one message" in said["duecourse plugins check chat"]
    assert re.search(r"3[0-9] passed", said["pytest -q duecourse-chat"])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.mark.slow
def test_the_demo_sends_through_the_channel_of_the_page_and_through_one_without_receipts(
    tmp_path: Path,
) -> None:
    """The page's own commands, with free ports and few borrowers; e-mail goes by a scaffold."""
    (tmp_path / "chat").mkdir()
    (tmp_path / "email").mkdir()
    write(Plan.of("email-foo"), tmp_path / "source")
    chat = install(CHAT, tmp_path / "chat")
    email = install(tmp_path / "source", tmp_path / "email")
    environ = chat | {"PYTHONPATH": f"{chat['PYTHONPATH']}{os.pathsep}{email['PYTHONPATH']}"}
    room_port, api_port = free_port(), free_port()
    (room_line,), (demo_line,) = commands("room"), commands("demo")
    room_line = room_line.replace("8000", str(api_port)) + f" --port {room_port}"
    mails = HttpPeer(lambda _, reference: Answer(body=json.dumps({"id": reference}).encode()))
    with (
        http_server(mails) as mail_port,
        subprocess.Popen(
            [sys.executable, *room_line.split()[1:]], env=environ, stdout=subprocess.PIPE, text=True
        ) as room,
    ):
        try:
            assert room.stdout is not None
            assert "the room listens" in room.stdout.readline()
            done = subprocess.run(
                [
                    *(sys.executable, "-m", *demo_line.replace("9000", str(room_port)).split()),
                    *("--data", str(tmp_path / "demo"), "--port", str(api_port)),
                    *("--borrowers", "6", "--real-accounts", "0"),
                    *("--channel", "email=email-foo", "--set", "email.token=fictional"),
                    *("--set", f"email.url=http://127.0.0.1:{mail_port}/mails"),
                ],
                env=environ,
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
            )
        finally:
            room.terminate()
        shown = room.stdout.read()
    assert done.returncode == 0, done.stdout + done.stderr
    told = " ".join(done.stdout.replace("│", " ").split())
    sms = re.search(r"sms through chat (\d+)", told)
    mail = re.search(r"email through email-foo (\d+)", told)
    assert sms
    assert mail
    assert shown.count("\n") == int(sms[1]) > 0
    assert f"sms read {sms[1]}" in told
    assert len(mails.arrived()) == int(mail[1]) > 0
    settings = (tmp_path / "demo" / "demo" / "duecourse.toml").read_text()
    assert "fictional" not in settings.partition("[filings")[0].replace("(fictional)", "")
    assert not (tmp_path / "demo" / "demo" / "sms").exists()
