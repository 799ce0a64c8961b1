"""A channel in a process of its own: whatever it does there, it harms only itself."""

import errno
import fcntl
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from waiting import until
from wild import MESSAGE, WILD, discover_wild, message

from duecourse import (
    Accepted,
    Attachment,
    ChannelError,
    Forbidden,
    Measure,
    Permanent,
    Transient,
    WebhookRequest,
)
from duecourse import isolation as isolation_module
from duecourse.guarded import Nonsense
from duecourse.isolation import ChannelFailed, IsolatedChannel
from duecourse.isolation_process import PASSED_ON
from duecourse.plugins import Plugins
from duecourse.settings import Table

CALL_SECONDS = 0.5
PATIENCE = 20.0
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells this")

Open = Callable[..., IsolatedChannel]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Starts wild channels, and closes them."""
    found: list[Plugins] = []

    def start(source: str = WILD, limits: Table | None = None, **settings: Any) -> IsolatedChannel:
        limits = {"call_seconds": 10, **(limits or {})}
        found.append(discover_wild(tmp_path / "plugins", source, it={**settings, "limits": limits}))
        channel = found[-1].channels.get("it")
        assert isinstance(channel, IsolatedChannel), found[-1].listing
        return channel

    yield start
    for each in found:
        each.close()


def webhook(body: str, text: str = "stop") -> WebhookRequest:
    return WebhookRequest(
        body=body.encode(),
        headers={"x-text": text},
        query={},
        received_at=datetime(2026, 3, 2, tzinfo=UTC),
    )


def ask(channel: IsolatedChannel, method: str, how: str) -> object:
    match method:
        case "normalise":
            return channel.normalise(how)
        case "receive":
            return channel.receive(webhook(how))
        case "poll":
            return channel.poll(how.encode())
        case _:
            return getattr(channel, method)(message(how))


def pid_of(channel: IsolatedChannel) -> int:
    return int(channel.normalise("process").split()[0])


# --- what it does --------------------------------------------------------------------------------


class Witness:
    """Calls another channel all the time, and remembers what was not as it should be."""

    def __init__(self, channel: IsolatedChannel) -> None:
        self.channel = channel
        self.calls = 0
        self.wrong: list[object] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.wait(0.01):
            try:
                answer: object = self.channel.send(MESSAGE)
            except Exception as error:  # noqa: BLE001 - that is what it looks for
                answer = error
            if answer != Accepted(reference="key-1"):
                self.wrong.append(answer)
            self.calls += 1

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()


class Menagerie(msgspec.Struct):
    hurried: IsolatedChannel
    patient: IsolatedChannel
    witness: Witness

    def wild(self, how: str) -> IsolatedChannel:
        """Only where a call never ends is it waited for so shortly."""
        return self.hurried if how in {"hang", "spin", "hog"} else self.patient


@pytest.fixture(scope="module")
def menagerie(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Menagerie]:
    """Wild channels for all that may be done to them, and one beside that must not notice."""
    folder = tmp_path_factory.mktemp("wild")
    found = discover_wild(
        folder,
        hurried={"limits": {"call_seconds": CALL_SECONDS}},
        patient={"limits": {"call_seconds": PATIENCE, "memory_mb": 700}},
        calm={},
    )
    hurried, patient, calm = (found.channels[name] for name in ("hurried", "patient", "calm"))
    assert isinstance(hurried, IsolatedChannel)
    assert isinstance(patient, IsolatedChannel)
    assert isinstance(calm, IsolatedChannel)
    all_of_them = Menagerie(hurried, patient, Witness(calm))
    yield all_of_them
    all_of_them.witness.stop()
    found.close()
    assert all_of_them.witness.calls > 50
    assert not all_of_them.witness.wrong


ASKED = ("normalise", "measure", "send", "find", "receive", "poll")
ENDS = {
    "hang": rf"took longer than {CALL_SECONDS:g} s",
    "raise": r"failed: RuntimeError$",
    "exit": r"failed: SystemExit$",
    "_exit": r"process ended \(exit code 3\)",
    "allocate": r"failed: MemoryError$",
    "nonsense": r"answered nonsense to `{method}`",
}
WORSE = {
    "stop": r"failed: StopIteration$",
    "spin": ENDS["hang"],
    "hog": ENDS["hang"],
    "crash": rf"process ended \(killed by signal {signal.SIGSEGV}\)",
    "interrupt": r"failed: KeyboardInterrupt$",
    "none": r"answered nonsense to `send`",
    "no units": r"answered nonsense to `send`",
    "halves": r"answered nonsense to `send`",
}


@pytest.mark.parametrize(
    ("method", "how", "says"),
    [
        *((method, how, says) for method in ASKED for how, says in ENDS.items()),
        *(("send", how, says) for how, says in WORSE.items()),
        ("receive", "many", "failed: TypeError"),
        ("normalise", "long", "answered nonsense to `normalise`"),
    ],
)
def test_whatever_a_call_does_the_caller_learns_that_it_failed_and_the_next_call_works(
    menagerie: Menagerie, method: str, how: str, says: str
) -> None:
    wild, witness = menagerie.wild(how), menagerie.witness
    began, before = time.monotonic(), witness.calls
    with pytest.raises(ChannelFailed) as failed:
        ask(wild, method, how)
    assert time.monotonic() - began < PATIENCE
    assert re.search(says.format(method=method), str(failed.value))
    assert "somebody" not in str(failed.value)
    assert not isinstance(failed.value, ChannelError)
    assert isinstance(failed.value, Nonsense) == ("nonsense" in says)
    assert wild.normalise(" as it is ") == " as it is "
    until(lambda: witness.calls > before)
    assert not witness.wrong


def test_what_a_channel_prints_does_no_harm(
    opened: Open, capfd: pytest.CaptureFixture[str]
) -> None:
    channel = opened(birth="print", checking="print", closing="print")
    for method in ASKED:
        assert ask(channel, method, "print") in {ask(channel, method, ""), "print"}
    channel.check()
    channel.close()
    captured = capfd.readouterr()
    assert not captured.out
    assert len(captured.err) > 9 * 5_000_000


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("hang", ENDS["hang"]),
        ("raise", ENDS["raise"]),
        ("exit", ENDS["exit"]),
        ("_exit", ENDS["_exit"]),
        ("allocate", ENDS["allocate"]),
    ],
)
def test_a_check_that_breaks_fails(opened: Open, how: str, says: str) -> None:
    limits = {"call_seconds": CALL_SECONDS if how == "hang" else PATIENCE, "memory_mb": 700}
    with pytest.raises(ChannelFailed, match=says):
        opened(limits=limits, checking=how).check()


@pytest.mark.parametrize("how", ["print", "nonsense"])
def test_a_check_that_returns_has_found_nothing_wrong(opened: Open, how: str) -> None:
    opened(checking=how).check()


@pytest.mark.parametrize(
    "how", ["hang", "raise", "exit", "_exit", "print", "allocate", "nonsense", "hog"]
)
def test_closing_ends_the_process_whatever_its_close_does(
    opened: Open, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation_module, "CLOSE_SECONDS", CALL_SECONDS)
    channel = opened(closing=how, limits={"memory_mb": 700})
    pid = pid_of(channel)
    channel.close()
    with pytest.raises(ProcessLookupError):  # it is not even a zombie
        os.kill(pid, 0)
    channel.close()
    with pytest.raises(Transient, match="is closed"):
        channel.send(MESSAGE)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("hang", "took longer than 1 s"),
        ("raise", "RuntimeError: the address of somebody"),
        ("quote", r"a bad token: \*\*\*"),
        ("exit", "SystemExit"),
        ("_exit", "exit code 3"),
        ("allocate", "MemoryError"),
        ("nonsense", "`capabilities`"),
    ],
)
def test_a_constructor_that_breaks_is_listed_and_the_others_are_there(
    tmp_path: Path, how: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WILD_TOKEN", "a-secret-of-the-house")
    good = discover_wild(tmp_path, good={})
    monkeypatch.setattr(isolation_module, "START_SECONDS", 1.0)
    bad = {"birth": how, "token": {"env": "WILD_TOKEN"}, "limits": {"memory_mb": 700}}
    found = discover_wild(tmp_path, bad=bad)
    (line,) = found.listing
    assert (line.state, line.isolated, found.channels) == ("broken", True, {})
    assert re.search(says, line.reason)
    assert "a-secret" not in line.reason
    assert good.channels["good"].send(MESSAGE) == Accepted(reference="key-1")
    good.close()


def test_a_channel_is_constructed_in_its_own_process_and_in_no_other(
    opened: Open, tmp_path: Path
) -> None:
    trace = tmp_path / "constructed"
    # What is constructed twice is in it twice.
    note = f"with open({str(trace)!r}, 'a') as trace: trace.write(f'{{os.getpid()}} ')"
    source = WILD.replace("super().__init__(config)", f"super().__init__(config)\n        {note}")
    channel = opened(source)
    assert trace.read_text().split() == [str(pid_of(channel))]


# --- what goes over ------------------------------------------------------------------------------


def test_messages_and_answers_arrive_as_they_were_sent(opened: Open) -> None:
    channel = opened()
    page = Attachment(name="a.pdf", media_type="application/pdf", content=bytes(range(256)) * 4096)
    sent = msgspec.structs.replace(message("repeat"), body="€ 😀 退订", attachments=(page,))
    assert channel.send(sent) == Accepted(reference=repr(sent))
    assert channel.measure(MESSAGE) == Measure(units=4)
    assert channel.find(MESSAGE) is None
    assert [each.text for each in channel.receive(webhook("", "退订"))] == ["退订"] * 2
    polled = channel.poll(b"")
    assert (polled.cursor, polled.signals[0].reference) == (b"next", "r")
    channel.check()


def test_it_is_the_channel_under_its_own_name_with_its_own_promises(opened: Open) -> None:
    source = WILD.replace(
        "super().__init__(config)",
        "super().__init__(config); self.capabilities = Capabilities(medium='sms', parallel=9)",
    )
    channel = opened(source)
    assert (channel.name, channel.capabilities.medium, channel.capabilities.parallel) == (
        *("wild", "sms"),
        9,
    )
    assert channel.written == {
        *("check", "close", "normalise", "measure", "send", "find", "receive", "poll")
    }


@pytest.mark.parametrize(
    ("how", "kind", "says"),
    [
        ("busy", Transient, "busy"),
        ("oddly busy", Transient, "busy"),
        ("refused", Permanent, r"no \*\*\*"),
        ("quoted late", Permanent, r"x{497}\*\*\*"),
        ("forbidden", Forbidden, "who is that"),
        ("unclear", ChannelError, "unclear"),
        ("wrong", ValueError, r"wrong \*\*\*"),
        ("unwritten", NotImplementedError, "later"),
    ],
)
def test_what_the_contract_lets_a_channel_raise_is_raised_without_a_secret(
    menagerie: Menagerie, how: str, kind: type[Exception], says: str
) -> None:
    with pytest.raises(kind) as raised:
        menagerie.patient.send(message(how))
    assert type(raised.value) is kind
    assert re.fullmatch(says, str(raised.value))
    if isinstance(raised.value, Transient):
        assert raised.value.retry_after == (7 if how == "busy" else None)


def test_what_a_channel_did_not_write_is_not_asked_of_it(opened: Open) -> None:
    source = WILD.replace('guarantee="queryable", receipts="poll"', "").replace(
        "def find(", "def other("
    )
    channel = opened(source)
    assert "find" not in channel.written
    with pytest.raises(NotImplementedError):
        channel.find(MESSAGE)


def test_what_cannot_be_handed_over_surely_did_not_leave(opened: Open) -> None:
    channel = opened()
    with pytest.raises(Permanent, match="cannot be handed"):
        channel.send(msgspec.structs.replace(MESSAGE, body="\ud800"))
    page = Attachment(name="a", media_type="b", content=bytes(64 * 1024 * 1024))
    with pytest.raises(Permanent, match="larger than"):
        channel.send(msgspec.structs.replace(MESSAGE, attachments=(page,)))
    assert channel.send(MESSAGE) == Accepted(reference="key-1")


def test_two_messages_are_under_way_at_once(opened: Open) -> None:
    channel = opened()
    with ThreadPoolExecutor(2) as threads:
        both = list(threads.map(channel.send, [message("meet")] * 2))
    assert both == [Accepted(reference="key-1")] * 2


def test_many_threads_each_get_their_own_answer(opened: Open) -> None:
    channel = opened()
    with ThreadPoolExecutor(16) as threads:
        addresses = [f"address {number}" for number in range(500)]
        assert list(threads.map(channel.normalise, addresses)) == addresses


# --- what it knows -------------------------------------------------------------------------------


def test_it_knows_nothing_of_the_database_and_its_credentials(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = {"DATABASE_URL", "DUECOURSE_DATA", "PGPASSWORD", "SOME_CLOUD_SECRET", "WILD_TOKEN"}
    for name in secret:
        monkeypatch.setenv(name, "postgresql://user:password@host")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    channel = opened(token={"env": "WILD_TOKEN"})
    known = set(json.loads(channel.normalise("environment")))
    assert not known & secret
    assert "LC_ALL" in known
    # What Python itself sets may come on top.
    assert known <= PASSED_ON | {"PYTHONPATH", "MALLOC_ARENA_MAX", "LC_ALL", "LC_CTYPE"} | {
        name for name in os.environ if name.startswith("LC_")
    }


def test_it_loads_nothing_of_the_database_or_the_api(opened: Open) -> None:
    loaded = json.loads(opened().send(message("modules")).reference)
    assert "duecourse.channels" in loaded
    heavy = {"psycopg", "eventsourcing", "litestar", "cryptography", "rich"}
    assert not heavy & {each.split(".")[0] for each in loaded}
    assert not [each for each in loaded if each.startswith(("duecourse.store", "duecourse.flow"))]


@LINUX
def test_a_secret_is_neither_in_its_arguments_nor_in_its_environment(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WILD_TOKEN", "a-secret-of-the-house")
    channel = opened(token={"env": "WILD_TOKEN"})
    proof = channel.send(message("proof")).reference  # it has it nevertheless
    assert proof == hashlib.sha256(b"a-secret-of-the-house").hexdigest()
    process = Path("/proc") / str(pid_of(channel))
    for file in ("cmdline", "environ"):
        assert b"a-secret" not in (process / file).read_bytes()


def test_it_has_a_session_of_its_own_no_input_and_its_limits(opened: Open) -> None:
    channel = opened(limits={"memory_mb": 700})
    pid, group, session = channel.normalise("process").split()
    assert pid == group == session
    assert channel.normalise("input") == "''"
    most = 700 * 1024 * 1024
    assert channel.normalise("limits") == f"({most}, {most}) (0, 0)"


# --- how it ends ---------------------------------------------------------------------------------


def test_a_call_that_takes_too_long_ends_all_that_were_in_flight(opened: Open) -> None:
    channel = opened(limits={"call_seconds": 1})
    before = pid_of(channel)
    with ThreadPoolExecutor(2) as threads:
        calls = [threads.submit(channel.send, message("hang")) for _ in range(2)]
        errors = [call.exception() for call in calls]
    assert [type(error) for error in errors] == [ChannelFailed] * 2
    assert all("took longer than 1 s" in str(error) for error in errors)
    with pytest.raises(ProcessLookupError):
        os.kill(before, 0)
    assert channel.send(MESSAGE) == Accepted(reference="key-1")


def test_a_process_that_ended_between_two_calls_is_started_anew(opened: Open) -> None:
    channel = opened()
    before = pid_of(channel)
    os.kill(before, signal.SIGKILL)
    until(lambda: channel._process.ended)
    assert channel.send(MESSAGE) == Accepted(reference="key-1")
    assert pid_of(channel) != before


def test_a_request_that_was_not_handed_over_whole_surely_did_not_leave(opened: Open) -> None:
    channel = opened(limits={"call_seconds": CALL_SECONDS})
    os.kill(pid_of(channel), signal.SIGSTOP)
    page = Attachment(name="a", media_type="b", content=bytes(4_000_000))
    with pytest.raises(Transient, match="takes no more calls"):
        channel.send(msgspec.structs.replace(MESSAGE, attachments=(page,)))
    assert channel.send(MESSAGE) == Accepted(reference="key-1")


def test_a_request_that_was_handed_over_and_not_answered_may_have_left(opened: Open) -> None:
    channel = opened(limits={"call_seconds": CALL_SECONDS})
    os.kill(pid_of(channel), signal.SIGSTOP)
    with pytest.raises(ChannelFailed):
        channel.send(MESSAGE)


def test_what_waits_for_a_free_place_too_long_surely_did_not_leave(opened: Open) -> None:
    source = WILD.replace('receipts="poll"', 'receipts="poll", parallel=1')
    channel = opened(source, limits={"call_seconds": 1})
    places = 1 + isolation_module.SPARE_CALLS
    with ThreadPoolExecutor(places) as threads:
        calls = [threads.submit(channel.send, message("hang")) for _ in range(places)]
        until(lambda: len(channel._process._waiting) == places)
        # Not for a second, for then the others are over.
        channel._limits = msgspec.structs.replace(channel._limits, call_seconds=0.01)
        with pytest.raises(Transient, match="as many calls as it takes"):
            channel.send(MESSAGE)
        assert [type(call.exception()) for call in calls] == [ChannelFailed] * places


def test_a_channel_that_no_longer_starts_is_transient_and_is_not_started_again_and_again(
    opened: Open, tmp_path: Path
) -> None:
    births = tmp_path / "births"
    count = f"with open({str(births)!r}, 'a') as births: births.write('.')\n"
    channel = opened(WILD.replace("class Settings", count + "class Settings"))
    file = tmp_path / "plugins" / "wild.py"
    source = file.read_text()
    file.write_text(source.replace("misbehave(config.birth)", "1 / 0"))
    os.kill(pid_of(channel), signal.SIGKILL)
    until(lambda: channel._process.ended)
    born = len(births.read_text())
    reasons = []
    for _ in range(200):
        with pytest.raises(Transient) as busy:
            channel.send(MESSAGE)
        reasons.append(str(busy.value))
    assert "does not start: ZeroDivisionError" in reasons[0]
    assert "rests" in reasons[1]
    assert busy.value.retry_after
    assert len(births.read_text()) - born <= 4
    file.write_text(source)
    until(lambda: _sends(channel))


def _sends(channel: IsolatedChannel) -> bool:
    with suppress(Transient):
        return channel.send(MESSAGE) == Accepted(reference="key-1")
    return False


def test_a_process_that_cannot_be_started_is_transient_and_leaves_nothing(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = opened()
    os.kill(pid_of(channel), signal.SIGKILL)
    until(lambda: not channel._process._thread.is_alive())
    before = _open_files()

    def no_more(*_: object, **__: object) -> None:
        raise OSError(errno.EAGAIN, "too many processes")

    with monkeypatch.context() as context:
        context.setattr(subprocess, "Popen", no_more)
        with pytest.raises(Transient, match="cannot be started: too many processes"):
            channel.send(MESSAGE)
    assert _open_files() == before
    until(lambda: _sends(channel))


def is_free(lock: Path) -> bool:
    """Whether nobody holds the lock any more: neither a process nor one that it started."""
    with lock.open("w") as mine:
        try:
            fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def test_what_it_started_ends_with_it(opened: Open, tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    channel = opened(lock=str(lock), limits={"call_seconds": 2})
    assert channel.normalise("helper") == "started"
    assert not is_free(lock)
    with pytest.raises(ChannelFailed):
        channel.send(message("_exit"))
    until(lambda: is_free(lock))


PARENT = """
import sys, threading, time
from pathlib import Path
sys.path.insert(0, sys.argv[4])
from wild import WILD, discover_wild, message
channel = discover_wild(Path(sys.argv[1]), it={"lock": sys.argv[2]}).channels["it"]
print("there")
threading.Thread(target=channel.send, args=[message(sys.argv[3])], daemon=True).start()
time.sleep(0.3)
print("called", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(
    "doing", ["", "hang", pytest.param("hog", marks=LINUX, id="what lets nothing else run")]
)
def test_it_ends_when_the_program_is_killed(tmp_path: Path, doing: str) -> None:
    lock = tmp_path / "lock"
    support = Path(__file__).parent.parent / "support"
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, tmp_path / "plugins", lock, doing, support],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "there\n"
        assert parent.stdout.readline() == "called\n"
        assert not is_free(lock)
        parent.kill()
    until(lambda: is_free(lock))


def _open_files() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


def test_it_ends_when_nobody_can_ask_it_any_more(opened: Open, tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    channel = opened(lock=str(lock))
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), channel._process._requests, inheritable=False)
    until(lambda: is_free(lock))


def test_nothing_is_left_of_a_channel_that_was_closed(tmp_path: Path) -> None:
    discover_wild(tmp_path, it={}).close()  # whatever is opened once is open now
    before = _open_files(), threading.active_count()
    for how in ("", "_exit", "hang"):
        limits = {"call_seconds": CALL_SECONDS if how == "hang" else PATIENCE}
        found = discover_wild(tmp_path, it={"limits": limits})
        channel = found.channels["it"]
        with pytest.raises(ChannelFailed) if how else nullcontext():
            channel.send(message(how))
        found.close()
    assert (_open_files(), threading.active_count()) == before
