"""One process of an isolated channel, and the thread that starts it, hears it and buries it."""

import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from duecourse.guarded import ChannelFailed
from duecourse.isolation_wire import Answer, decode, read_frame

PASSED_ON: Final = frozenset({
    *("PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TZDIR", "TMPDIR", "LD_LIBRARY_PATH"),
    *("VIRTUAL_ENV", "PYTHONHOME", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
})  # fmt: skip
"""What a channel may know of the environment; besides, how to write a language: LC_*."""

ENDED: Final = "the channel's process ended"
LOOK_SECONDS: Final = 1.0
BURIAL_SECONDS: Final = 10.0


class Unasked(Exception):
    """The process cannot be asked, and the call was surely not handed to it."""


class _Waiting:
    """A call on its way. It is over with an answer, or with a reason why there is none."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.answer: Answer | None = None


class ChannelProcess:
    """Started at once, in a thread of its own; ended by `end`, by itself, or with this program.

    The thread lives as long as the process, because Linux ends a process that asks for it when
    the thread ends that started it.
    """

    def __init__(self) -> None:
        self.ended = False
        self._why = ""
        self._state = threading.Lock()
        self._writing = threading.Lock()
        self._waiting: dict[int, _Waiting] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._requests = -1
        self._born = threading.Event()
        self._thread = threading.Thread(target=self._live, name="isolated-channel", daemon=True)
        self._thread.start()
        self._born.wait()

    def ask(self, request: bytes, number: int, seconds: float) -> Answer:
        """Hand over a request and wait for its answer; when that takes too long, end the process.

        Raises Unasked when it was surely not handed over, else ChannelFailed.
        """
        waiting = _Waiting()
        with self._state:
            if self.ended:
                raise Unasked(self._why)
            self._waiting[number] = waiting
        try:
            until = time.monotonic() + seconds
            self._hand_over(request, until)
            if not waiting.over.wait(until - time.monotonic()):
                self.end(f"a call took longer than {seconds:g} s")
        finally:
            with self._state:
                self._waiting.pop(number, None)
        if waiting.answer is None:
            raise ChannelFailed(self._why)
        return waiting.answer

    def end(self, why: str) -> None:
        """Kill the process with all that it started, and wait until it is gone."""
        self._kill(why)
        self._thread.join(BURIAL_SECONDS)

    def _hand_over(self, request: bytes, until: float) -> None:
        """Write the whole request. A part of one is never acted upon, and ends the process."""
        if not self._writing.acquire(timeout=max(0.0, until - time.monotonic())):
            raise Unasked("the channel takes no more calls")
        try:
            rest = memoryview(request)
            while rest:
                if self._requests < 0:
                    raise Unasked(self._why)
                if not _writable(self._requests, until):
                    self._kill("it took no more calls")
                    raise Unasked("the channel takes no more calls")
                with suppress(BlockingIOError):
                    rest = rest[os.write(self._requests, rest) :]
        except OSError:
            self._kill(ENDED)
            raise Unasked(ENDED) from None
        finally:
            self._writing.release()

    def _live(self) -> None:
        """Start the process, read its answers to the end, and see that nothing is left of it."""
        answers = -1
        try:
            answers = self._start()
        except OSError as error:
            self._kill(f"the channel's process cannot be started: {error.strerror}")
        finally:
            self._born.set()
        if self._process is None:
            return
        try:
            self._listen(answers, self._process.pid)
        finally:
            self._bury(answers, self._process)

    def _start(self) -> int:
        """Start the process. Returns the pipe of its answers."""
        with ExitStack() as theirs, ExitStack() as ours:
            their_requests, requests = os.pipe()
            theirs.callback(os.close, their_requests)
            ours.callback(os.close, requests)
            answers, their_answers = os.pipe()
            theirs.callback(os.close, their_answers)
            ours.callback(os.close, answers)
            os.set_blocking(requests, False)
            module = ("-P", "-m", "duecourse.isolation_child")
            self._process = subprocess.Popen(  # noqa: S603 - our own module, two numbers
                [sys.executable, *module, str(their_requests), str(their_answers)],
                stdin=subprocess.DEVNULL,
                pass_fds=(their_requests, their_answers),
                env=environment(os.environ),
                start_new_session=True,
            )
            self._requests = requests
            ours.pop_all()
        return answers

    def _listen(self, answers: int, pid: int) -> None:
        """Take answers until there are no more: the process ended, or what it says is no answer."""
        while True:
            try:
                raw = read_frame(partial(_read, answers, pid))
                answer = None if raw is None else decode(raw, Answer)
            except (ValueError, msgspec.DecodeError):
                self._kill("it answered what is no answer")
                return
            if answer is None:
                return
            with self._state:
                waiting = self._waiting.get(answer.number)
                if waiting is not None and not self.ended:
                    waiting.answer = answer
                    waiting.over.set()

    def _kill(self, why: str) -> None:
        """From here on nothing is asked any more. The first reason stands."""
        with self._state:
            if not self.ended:
                self.ended, self._why = True, why
            process = self._process
            if process is not None and process.returncode is None:
                # Its group is its own, and stays its own until it is waited for.
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)

    def _bury(self, answers: int, process: subprocess.Popen[bytes]) -> None:
        self._kill(ENDED)
        with self._state:
            process.wait()
            if self._why == ENDED:
                self._why = _epitaph(process.returncode)
            left = list(self._waiting.values())
        for waiting in left:
            waiting.over.set()
        os.close(answers)
        with self._writing:
            os.close(self._requests)
            self._requests = -1


def environment(whole: Mapping[str, str]) -> dict[str, str]:
    """What a channel's process is told of the environment: nothing of ours, no credentials."""
    # It has to find the modules that this program finds, in the same order.
    path = [each or str(Path.cwd()) for each in sys.path if os.pathsep not in each]
    return {
        **{name: whole[name] for name in whole if name in PASSED_ON or name.startswith("LC_")},
        "PYTHONPATH": os.pathsep.join(path),
        # Each thread would else reserve a heap of its own, which counts against the memory.
        "MALLOC_ARENA_MAX": "2",
    }


def _writable(pipe: int, until: float) -> bool:
    poll = select.poll()
    poll.register(pipe, select.POLLOUT)
    return bool(poll.poll(max(0.0, until - time.monotonic()) * 1000))


def _read(pipe: int, pid: int, most: int) -> bytes:
    """Read what is there. The pipe also ends with the process, whoever else may still hold it."""
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    while not poll.poll(LOOK_SECONDS * 1000):
        if _has_ended(pid):
            return b""
    return os.read(pipe, most)


def _has_ended(pid: int) -> bool:
    """Look, and leave the waiting for it to `subprocess`. Not every system has such a look."""
    if not hasattr(os, "waitid"):
        return False
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def _epitaph(code: int) -> str:
    how = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
    return f"{ENDED} ({how})"
