"""The process of one isolated channel: `python -m duecourse.isolation_child REQUESTS ANSWERS`.

It knows what comes over its pipe, and nothing of the database. It ends when the pipe does. A plugin is
also tried out here before the program itself loads it: see `isolation_trial`.
"""

import ctypes
import math
import os
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import Lock
from typing import Any, Final

import msgspec

from duecourse.channels import Channel, ChannelError, Forbidden, Permanent, Transient
from duecourse.contract import METHODS, written
from duecourse.guarded import ARGUMENTS, Method, Nonsense, ask, nonsense
from duecourse.isolation_wire import (
    Answer,
    Call,
    Outcome,
    Start,
    Started,
    decode,
    encode,
    frame,
    read_frame,
    write_all,
)
from duecourse.loading import Source, load, try_out
from duecourse.loading import ask as ask_for_classes
from duecourse.redaction import explain, secrets_of, spoken
from duecourse.threads import Crew, JobThread

MOST_WORDS: Final = 500
PR_SET_PDEATHSIG: Final = 1


class Child:
    """Answers calls, each in a thread of its own, until nobody calls any more."""

    def __init__(self, requests: int, answers: int) -> None:
        self._requests = requests
        self._answers = answers
        self._writing = Lock()
        self._channel: Channel[Any] | None = None
        self._secrets: tuple[str, ...] = ()
        self._crew = Crew()

    def run(self) -> None:
        while (raw := read_frame(partial(os.read, self._requests))) is not None:
            self._begin(decode(raw, Call))

    def _begin(self, call: Call) -> None:
        """As many calls come at once as the program lets; each gets a thread."""
        try:
            thread = self._crew.take()
        except (RuntimeError, MemoryError):
            # Nothing was done yet, and what is under way need not be lost for it.
            busy = "the channel has no memory for another call"
            self._tell(Answer(number=call.number, outcome="transient", words=busy), call)
            return
        thread.do(partial(self._serve, call, thread))

    def _serve(self, call: Call, thread: JobThread) -> None:
        try:
            body = self._answer(call)
        except BaseException as error:  # noqa: BLE001 - a plugin may raise anything
            answer = self._raised(call, error)
        else:
            answer = Answer(number=call.number, outcome="answer", body=msgspec.Raw(body))
        # Before the answer: the next call may be here as soon as it is told.
        self._crew.give_back(thread)
        self._tell(answer, call)

    def _answer(self, call: Call) -> bytes:
        match call.method:
            case "start":
                return self._start(call.argument)
            case "try_out":
                try_out(decode(call.argument, Source))
                return encode(None)
            case method:
                return self._ask(method, call.argument)

    def _raised(self, call: Call, error: BaseException) -> Answer:
        """What the program is told: a kind that the contract knows, or only the name of the type."""
        if call.method == "start":
            return _failed(call, explain(error, self._secrets))
        if isinstance(error, Nonsense):
            return Answer(number=call.number, outcome="nonsense")
        kinds: tuple[tuple[type[BaseException], Outcome], ...] = (
            (Transient, "transient"),
            (Permanent, "permanent"),
            (Forbidden, "forbidden"),
            (ChannelError, "channel"),
            (ValueError, "value"),
            (NotImplementedError, "unwritten"),
        )
        for kind, outcome in kinds:
            if isinstance(error, kind):
                return Answer(
                    number=call.number,
                    outcome=outcome,
                    words=_writable(spoken(error, self._secrets, MOST_WORDS)),
                    retry_after=_seconds(getattr(error, "retry_after", None)),
                )
        return _failed(call, type(error).__name__)

    def _tell(self, answer: Answer, call: Call) -> None:
        try:
            ready = frame(answer)
        except ValueError:
            ready = frame(_failed(call, "its answer is too large"))
        with self._writing:
            write_all(self._answers, ready)

    def _start(self, argument: msgspec.Raw) -> bytes:
        start: Start = decode(argument, Start)
        _limit(resource.RLIMIT_AS, start.memory_mb * 1024 * 1024)
        plugin = _find(start)
        config = decode(start.config, plugin.config_class)
        self._secrets = tuple(secrets_of(config))
        channel = plugin(config)
        methods = written(channel) & frozenset(METHODS)
        body = encode(Started(capabilities=channel.capabilities, written=methods))
        self._channel = channel
        return body

    def _ask(self, method: Method, argument: msgspec.Raw) -> bytes:
        assert self._channel is not None, "nothing is asked before it has started"
        answer = ask(self._channel, method, decode(argument, ARGUMENTS[method]))
        try:
            return encode(answer)
        except Exception:  # noqa: BLE001 - whatever a plugin's object does when it is read
            # It cannot even be written down.
            raise nonsense(method) from None


def _find(start: Start) -> type[Channel[Any]]:
    """Find the class again as the program found it, by its name in its package or file."""
    for role, plugin in ask_for_classes(load(start.source)):
        if (
            role == "channel"
            and isinstance(plugin, type)
            and issubclass(plugin, Channel)
            and getattr(plugin, "name", None) == start.plugin
        ):
            return plugin
    raise LookupError(f"{start.source.name} no longer brings a channel called {start.plugin}")


def _failed(call: Call, words: str) -> Answer:
    return Answer(number=call.number, outcome="failed", words=_writable(words))


def _writable(words: str) -> str:
    """Without the halves of characters that no encoding can write."""
    return words.encode(errors="replace").decode()


def _seconds(given: object) -> float | None:
    if isinstance(given, int | float) and math.isfinite(given) and given >= 0:
        return float(given)
    return None


def _limit(what: int, most: int) -> None:
    """Set a limit where the system has it, and never above the one there is."""
    with suppress(ValueError, OSError):
        _, hard = resource.getrlimit(what)
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (least, least))


def _end_with_parent() -> None:
    """On Linux the kernel sees to it, even when the plugin lets nothing else run here.

    It counts from the end of the parent's thread that started this process: see `isolation`.
    """
    if sys.platform == "linux":
        prctl: Callable[[int, int], int] = ctypes.CDLL(None).prctl
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> None:
    requests, answers = (int(each) for each in sys.argv[1:3])
    for pipe in (requests, answers):
        os.set_inheritable(pipe, False)
    # What a plugin prints must not get lost in a terminal's or a program's standard output.
    os.dup2(2, 1)
    _limit(resource.RLIMIT_CORE, 0)
    _end_with_parent()
    try:
        Child(requests, answers).run()
    finally:
        # Everything that the plugin started too, and without waiting for its threads.
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
