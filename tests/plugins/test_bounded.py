"""A channel beside us: its calls may take only so long, and what it answers is not believed."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from waiting import until
from wild import MESSAGE, message

from duecourse import (
    Accepted,
    Capabilities,
    Channel,
    Config,
    Measure,
    Outbound,
    Permanent,
    Polled,
    Transient,
)
from duecourse.bounded import MOST_ABANDONED, Bounded
from duecourse.contract import written
from duecourse.guarded import ChannelFailed
from duecourse.settings import ChannelLimits

CALL_SECONDS = 0.5


class Nothing(Config):
    pass


class Slow(Channel[Nothing]):
    """Waits for its release when the message says so; else does what it says."""

    name = "slow"
    config_class = Nothing
    capabilities = Capabilities(medium="other")

    def __init__(self, config: Nothing) -> None:
        super().__init__(config)
        self.release = threading.Event()
        self.meeting = threading.Barrier(2)
        self.threads: set[int] = set()
        self.closed = 0

    def close(self) -> None:
        self.closed += 1

    def normalise(self, address: str) -> str:
        self.threads.add(threading.get_ident())
        return address

    def send(self, message: Outbound) -> Any:
        match message.to:
            case "wait":
                self.release.wait()
            case "meet":
                self.meeting.wait()
            case "busy":
                raise Transient("busy", 7)
            case "refused":
                raise Permanent("refused")
            case "timeout":
                raise TimeoutError("the peer's")
            case "exit":
                raise SystemExit
            case "nonsense":
                return object()
            case "no reference":
                return Accepted(reference=None)  # type: ignore[arg-type]
        return Accepted(reference=message.key)

    def measure(self, message: Outbound) -> Measure:
        return Measure(units=0 if message.to == "nonsense" else 1)

    def poll(self, cursor: bytes) -> Polled:
        return Polled(signals=(1,) if cursor else (), cursor=b"\xff")  # type: ignore[arg-type]


@pytest.fixture
def slow() -> Slow:
    return Slow(Nothing())


@pytest.fixture
def bounded(slow: Slow) -> Iterator[Bounded]:
    made = Bounded(slow, slow.capabilities, ChannelLimits(call_seconds=CALL_SECONDS))
    yield made
    slow.release.set()
    made._seconds = 20  # to close it
    made.close()


def test_it_is_the_channel_under_its_own_name_with_its_own_promises(
    slow: Slow, bounded: Bounded
) -> None:
    assert (bounded.name, bounded.config, bounded.channel) == ("slow", slow.config, slow)
    assert bounded.capabilities == slow.capabilities
    assert written(bounded) == written(slow) == {"close", "normalise", "measure", "send", "poll"}
    assert bounded.send(MESSAGE) == Accepted(reference="key-1")
    assert bounded.measure(MESSAGE) == Measure(units=1)
    assert bounded.poll(b"") == Polled(cursor=b"\xff")
    with pytest.raises(NotImplementedError):
        bounded.find(MESSAGE)


def test_a_call_that_takes_too_long_fails_and_other_calls_work(bounded: Bounded) -> None:
    with pytest.raises(ChannelFailed, match=r"took longer than 0\.5 s"):
        bounded.send(message("wait"))
    assert bounded.send(MESSAGE) == Accepted(reference="key-1")


def test_when_too_many_calls_have_not_come_back_no_more_are_made_until_one_does(
    slow: Slow, bounded: Bounded
) -> None:
    with ThreadPoolExecutor(MOST_ABANDONED) as threads:
        calls = [threads.submit(bounded.send, message("wait")) for _ in range(MOST_ABANDONED)]
        assert {type(call.exception()) for call in calls} == {ChannelFailed}
    with pytest.raises(Transient, match="have not come back"):
        bounded.send(MESSAGE)
    slow.release.set()
    for thread in bounded._abandoned:
        thread.join(20)
    assert bounded.send(MESSAGE) == Accepted(reference="key-1")
    assert not bounded._abandoned


@pytest.mark.parametrize(
    ("how", "kind"), [("busy", Transient), ("refused", Permanent), ("timeout", TimeoutError)]
)
def test_what_the_channel_raises_comes_through(
    bounded: Bounded, how: str, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as raised:
        bounded.send(message(how))
    assert type(raised.value) is kind


@pytest.mark.parametrize("how", ["nonsense", "no reference"])
def test_nonsense_is_not_believed(bounded: Bounded, how: str) -> None:
    with pytest.raises(ChannelFailed, match="nonsense to `send`"):
        bounded.send(message(how))
    with pytest.raises(ChannelFailed, match="nonsense to `measure`"):
        bounded.measure(message("nonsense"))
    with pytest.raises(ChannelFailed, match="nonsense to `poll`"):
        bounded.poll(b"x")


def test_a_channel_that_exits_ends_only_its_call(bounded: Bounded) -> None:
    with pytest.raises(ChannelFailed, match="SystemExit"):
        bounded.send(message("exit"))
    assert bounded.send(MESSAGE) == Accepted(reference="key-1")


def test_two_messages_are_under_way_at_once(slow: Slow) -> None:
    bounded = Bounded(slow, slow.capabilities, ChannelLimits(call_seconds=20))
    with ThreadPoolExecutor(2) as threads:
        both = list(threads.map(bounded.send, [message("meet")] * 2))
    assert both == [Accepted(reference="key-1")] * 2
    bounded.close()


def test_one_caller_after_the_other_meets_the_same_thread(slow: Slow, bounded: Bounded) -> None:
    for number in range(20):
        assert bounded.normalise(str(number)) == str(number)
    assert len(slow.threads) == 1
    assert slow.threads != {threading.get_ident()}


def test_closing_closes_the_channel_and_leaves_no_thread(slow: Slow) -> None:
    before = threading.active_count()
    bounded = Bounded(slow, slow.capabilities, ChannelLimits())
    bounded.send(MESSAGE)
    bounded.close()
    bounded.close()
    assert slow.closed == 2
    until(lambda: threading.active_count() <= before)


def test_a_channel_whose_signals_never_end_is_not_read_for_ever() -> None:
    class Endless(Slow):
        def receive(self, request: object) -> Any:
            while True:
                yield msgspec.UNSET

    endless = Endless(Nothing())
    bounded = Bounded(endless, endless.capabilities, ChannelLimits(call_seconds=20))
    with pytest.raises(TypeError, match="too many signals"):
        bounded.receive(None)  # type: ignore[arg-type]
    bounded.close()
