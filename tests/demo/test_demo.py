"""The whole thing, end to end, twice on the same data, and with its processes shot at."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

SMALL = ["--borrowers", "12", "--real-accounts", "0", "--port", "8765"]


def command(data: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "duecourse", "demo", "--once", "--data", str(data), *SMALL, *more]


def summary(output: str) -> str:
    """The table at the end: what a second run or a run with accidents must print alike."""
    return output[output.index("What happened") : output.index("Look at a case")]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    data = tmp_path_factory.mktemp("demo")
    done = subprocess.run(command(data), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return data, done.stdout


def sms_ledger(data: Path) -> list[dict[str, object]]:
    lines = (data / "demo" / "sms" / "ledger.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def spooled(data: Path) -> set[str]:
    return {path.stem for path in (data / "demo" / "letters").glob("*.pdf")}


def duecourse(data: Path, *arguments: str) -> str:
    config = str(data / "demo" / "duecourse.toml")
    line = [sys.executable, "-m", "duecourse", "--config", config, *arguments]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=True).stdout


def test_all_eight_stories_come_to_their_end(played: tuple[Path, str]) -> None:
    data, output = played
    told = {case["borrower_ref"]: case for case in cases(data) if case["creditor"] == "story-bank"}
    paid, kept, broken, disputed, quiet, filed, often, moved = (
        told[f"STORY-{n}"] for n in range(1, 9)
    )
    assert paid["close_reason"] == kept["close_reason"] == "paid"
    assert [plan["status"] for plan in kept["plans"].values()] == ["completed"]
    assert [promise["status"] for promise in broken["promises"].values()] == ["broken"]
    assert [hold["kind"] for hold in disputed["holds"].values()] == ["dispute"]
    assert "conversations" not in quiet
    assert "not before 04 Mar 09:00" in output
    assert len(often["conversations"]) == 3
    assert "three conversations" in refusal(output, "weekly-cap")
    assert refusal(output, "weekly-cap").endswith("not before 10 Mar 10:35")
    assert "conversations" not in moved
    assert "07:30 to 21:00" in refusal(output, "two-places")
    assert refusal(output, "two-places").endswith("not before 12 Mar 09:00")
    assert moved["debtor"]["jurisdiction"] == "CN"
    assert [each["outcome"] for each in filed["referrals"].values()] == ["accepted"]


def refusal(output: str, case: str) -> str:
    """What is said below the line that tells of a call asked for in vain."""
    lines = output.splitlines()
    (at,) = [at for at, line in enumerate(lines) if f"of {case} is to be called" in line]
    assert lines[at + 1].strip().startswith("refused:")
    return lines[at + 1]


def test_the_contacts_are_judged_again_by_the_rules_of_another_place(
    played: tuple[Path, str],
) -> None:
    data, output = played
    report = (data / "demo" / "backtest-cn-us.md").read_text(encoding="utf-8")
    headline = re.search(r"Of ([0-9,]+) decisions ([0-9,]+) would be newly refused", output)
    assert headline
    assert headline[0] in report
    decisions, refused = (int(each.replace(",", "")) for each in headline.groups())
    assert decisions > refused > 0
    assert "by us.tcpa_consent" in output


def test_a_second_run_on_the_same_data_adds_nothing(played: tuple[Path, str]) -> None:
    data, first = played
    before = sms_ledger(data), spooled(data)
    again = subprocess.run(command(data), capture_output=True, text=True, timeout=300, check=False)
    assert again.returncode == 0, again.stderr
    assert summary(again.stdout) == summary(first)
    assert before == (sms_ledger(data), spooled(data))


def test_ledger_and_histories_agree_message_for_message(played: tuple[Path, str]) -> None:
    data, _ = played
    told = {str(entry["key"]) for entry in sms_ledger(data) if entry["entry"] == "message"}
    sent: dict[str, set[str]] = {"sms": set(), "letter": set()}
    for case in cases(data):
        for contact_id, contact in case.get("contacts", {}).items():
            if contact["channel"] in sent and contact.get("status") == "accepted":
                sent[contact["channel"]].add(contact_id)
    assert sent["sms"]
    assert sent == {"sms": told, "letter": spooled(data)}


def cases(data: Path) -> list[dict[str, Any]]:
    """The state of every case, by replay."""
    config = data / "demo" / "duecourse.toml"
    code = (
        "import msgspec, sys\n"
        "from pathlib import Path\n"
        "from duecourse.flow.house import House\n"
        "from duecourse.settings import read_settings\n"
        "from duecourse.case.evolve import evolve\n"
        f"house = House.open(read_settings(Path({str(config)!r})))\n"
        "found = {}\n"
        "for r in house.engine.read_log(0, 100000):\n"
        "    found[r.case_id] = evolve(found.get(r.case_id), r.event)\n"
        "sys.stdout.buffer.write(msgspec.json.encode(list(found.values())))\n"
        "house.close()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_replay_prints_each_event_and_the_state_that_show_gives(played: tuple[Path, str]) -> None:
    data, output = played
    case_id = re.search(r"case timeline ([0-9a-f-]{36})", output)
    assert case_id is not None, output
    lines = [
        json.loads(line) for line in duecourse(data, "case", "replay", case_id[1]).splitlines()
    ]
    assert [line["version"] for line in lines] == list(range(1, len(lines) + 1))
    for line in (lines[0], lines[len(lines) // 2], lines[-1]):
        shown = duecourse(data, "case", "show", case_id[1], "--version", str(line["version"]))
        seen = json.loads(shown)
        del seen["breaches"], seen["options"]
        assert seen == line["case"]


def test_the_api_gives_the_state_of_every_version_that_replay_prints(
    played: tuple[Path, str],
) -> None:
    data, output = played
    case_id = re.search(r"case timeline ([0-9a-f-]{36})", output)
    assert case_id is not None, output
    lines = [
        json.loads(line) for line in duecourse(data, "case", "replay", case_id[1]).splitlines()
    ]
    key = json.loads((data / "demo" / "api-keys.json").read_text())["collector"]
    config = str(data / "demo" / "duecourse.toml")
    line = [sys.executable, "-m", "duecourse", "--config", config, "serve", "--port", "8766"]
    with subprocess.Popen(line) as server:
        try:
            for each in lines:
                path = f"http://127.0.0.1:8766/cases/{case_id[1]}?version={each['version']}"
                assert fetch(path, key)["case"] == each["case"]
        finally:
            server.terminate()


def fetch(url: str, key: str) -> dict[str, Any]:
    """Ask until the server has come up."""
    for _ in range(200):
        try:
            answer = httpx2.get(url, headers={"authorization": f"Bearer {key}"})
        except httpx2.TransportError:
            time.sleep(0.1)
            continue
        found: dict[str, Any] = answer.raise_for_status().json()
        return found
    raise AssertionError(f"{url} did not answer")


@pytest.mark.slow
def test_ten_kills_lose_nothing_and_double_nothing(
    played: tuple[Path, str], tmp_path: Path
) -> None:
    """Worker, API and PostgreSQL are shot at random moments; the end is the same."""
    _, undisturbed = played
    seed = int(os.environ.get("DUECOURSE_KILL_SEED", "20260302"))
    draw = random.Random(seed)
    running = subprocess.Popen(
        command(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    kills = 0
    while kills < 10 and running.poll() is None:
        time.sleep(draw.uniform(0.3, 1.5))
        kills += shoot(tmp_path, draw.choice(["worker", "api", "postgres"]))
    output, _ = running.communicate(timeout=400)
    assert running.returncode == 0, f"seed {seed}\n{output}"
    assert kills == 10, f"seed {seed}: the demo ended after {kills} kills"
    assert summary(output) == summary(undisturbed), f"seed {seed}"
    keys = [str(entry["key"]) for entry in sms_ledger(tmp_path) if entry["entry"] == "message"]
    assert len(set(keys)) == len(keys)


@pytest.mark.slow
def test_a_demo_that_was_killed_goes_on_where_it_was(
    played: tuple[Path, str], tmp_path: Path
) -> None:
    _, undisturbed = played
    first = subprocess.Popen(command(tmp_path), stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    # Told in the middle of the story; the rest of it is lost with the process.
    while "accepts the plan" not in first.stdout.readline():
        assert first.poll() is None
    first.kill()
    first.communicate()
    again = subprocess.run(
        command(tmp_path), capture_output=True, text=True, timeout=300, check=False
    )
    assert again.returncode == 0, again.stderr
    assert summary(again.stdout) == summary(undisturbed)


def shoot(data: Path, name: str) -> int:
    """Kill one process without warning; 0 when it is not there yet."""
    files = {
        "worker": data / "demo" / "worker.pid",
        "api": data / "demo" / "api.pid",
        "postgres": data / "postgres" / "pgdata" / "postmaster.pid",
    }
    with suppress(OSError, ValueError, IndexError):
        os.kill(int(files[name].read_text().split()[0]), signal.SIGKILL)
        return 1
    return 0
