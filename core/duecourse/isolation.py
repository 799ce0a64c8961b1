"""Running a channel in a process of its own, so that what it does can harm only itself.

The process has no credentials in its environment, a limit of memory, and so many seconds for a
call. It guards against mistakes: it is no jail for a plugin that means harm.
"""

import threading
import time
from contextlib import suppress
from itertools import count
from typing import Any, Final, Literal

import msgspec

from duecourse.channels import (
    Channel,
    ChannelError,
    Config,
    Forbidden,
    Permanent,
    Transient,
)
from duecourse.contract import check_capabilities
from duecourse.guarded import ANSWERS, ChannelFailed, Guarded, Method, nonsense, sized
from duecourse.isolation_process import ChannelProcess, Unasked
from duecourse.isolation_wire import Answer, Call, Start, Started, decode, encode, frame
from duecourse.loading import Source
from duecourse.redaction import redact, secrets_of
from duecourse.settings import ChannelLimits

__all__ = ["ChannelFailed", "IsolatedChannel"]

START_SECONDS: Final = 30.0
FIRST_REST: Final = 0.5
MOST_COUNTED: Final = 10
CLOSE_SECONDS: Final = 5.0
LONGEST_REST: Final = 30.0
SPARE_CALLS: Final = 4
"""Beside the messages on their way: for a webhook, a poll, a look-up, a check."""
_KINDS: Final[dict[str, type[Exception]]] = {
    "permanent": Permanent,
    "forbidden": Forbidden,
    "channel": ChannelError,
    "value": ValueError,
    "unwritten": NotImplementedError,
}


class IsolatedChannel(Guarded):
    """The channel `plugin` of `source`, in a process of its own.

    A call raises what the channel raised where the contract knows it, and otherwise ChannelFailed:
    the outcome is unknown. While the process cannot be started it raises Transient: nothing was
    handed over. The first process is started here; raises ValueError when it cannot be.
    """

    def __init__(
        self,
        plugin: type[Channel[Any]],
        config: Config,
        source: Source,
        limits: ChannelLimits,
    ) -> None:
        self._secrets = tuple(secrets_of(config))
        self._limits = limits
        start = Start(
            source=source,
            plugin=plugin.name,
            config=msgspec.Raw(encode(config)),
            memory_mb=limits.memory_mb,
        )
        self._begin = _frame("start", 0, encode(start))
        self._starting = threading.Lock()
        self._numbers = count(1)
        self._closed = False
        self._failures = 0
        self._rests_until = 0.0
        self._process, started = self._launch()
        try:
            promised = check_capabilities(started.capabilities, started.written)
        except TypeError:
            self._process.end("it does not keep the contract")
            raise
        super().__init__(plugin, config, promised, started.written)
        self._slots = threading.BoundedSemaphore(
            min(promised.parallel, limits.parallel) + SPARE_CALLS
        )

    def close(self) -> None:
        """Give the channel a moment to let go of its connections, then end its process."""
        with self._starting:
            process, closed, self._closed = self._process, self._closed, True
        if not closed and not process.ended:
            number = next(self._numbers)
            with suppress(Unasked, ChannelFailed):
                process.ask(_frame("close", number, encode(None)), number, CLOSE_SECONDS)
        process.end("it was closed")

    def _call(self, method: Method, argument: object = None) -> Any:  # noqa: ANN401 - as in Guarded
        seconds = self._limits.call_seconds
        number = next(self._numbers)
        request = _request(method, number, argument)
        if not self._slots.acquire(timeout=seconds):
            raise Transient("the channel is busy with as many calls as it takes at once")
        try:
            answer = self._running().ask(request, number, seconds)
        except Unasked as never:
            raise Transient(redact(str(never), self._secrets)) from None
        finally:
            self._slots.release()
        self._failures, self._rests_until = 0, 0.0
        return self._read(method, answer)

    def _running(self) -> ChannelProcess:
        """The process, started anew when it ended. One that keeps ending is started ever later."""
        with self._starting:
            if self._closed:
                raise Unasked("the channel is closed")
            if not self._process.ended:
                return self._process
            rest = self._rests_until - time.monotonic()
            if rest > 0:
                raise Transient("the channel keeps breaking off, and rests", retry_after=rest)
            try:
                self._process, _ = self._launch()
            except ValueError as broken:
                raise Unasked(f"the channel does not start: {broken}") from None
            finally:
                # Until the next start, unless it answers before.
                rest = min(LONGEST_REST, FIRST_REST * 2**self._failures)
                self._failures = min(self._failures + 1, MOST_COUNTED)
                self._rests_until = time.monotonic() + rest
            return self._process

    def _launch(self) -> tuple[ChannelProcess, Started]:
        try:
            process = ChannelProcess()
        except RuntimeError as error:
            raise ValueError(f"its process cannot be started: {error}") from None
        try:
            answer = process.ask(self._begin, 0, START_SECONDS)
            if answer.outcome == "answer":
                started: Started = decode(answer.body, Started)
                return process, started
            reason = redact(answer.words, self._secrets)
        except (Unasked, ChannelFailed) as broken:
            reason = str(broken)
        except msgspec.DecodeError as error:
            reason = f"TypeError: `capabilities`: {error}"
        process.end("it did not start")
        raise ValueError(reason)

    def _read(self, method: Method, answer: Answer) -> Any:  # noqa: ANN401 - as in Guarded
        if answer.outcome != "answer":
            raise self._raised(method, answer)
        try:
            return sized(method, decode(answer.body, ANSWERS[method]))
        except (msgspec.DecodeError, ValueError):
            raise nonsense(method) from None

    def _raised(self, method: Method, answer: Answer) -> Exception:
        words = redact(answer.words, self._secrets)
        if answer.outcome == "transient":
            return Transient(words, answer.retry_after)
        if answer.outcome == "nonsense":
            return nonsense(method)
        kind = _KINDS.get(answer.outcome)
        return kind(words) if kind else ChannelFailed(f"the channel failed: {words}")


def _request(method: Method, number: int, argument: object) -> bytes:
    """Raises Permanent on what cannot be handed over: it never can be."""
    try:
        return _frame(method, number, encode(argument))
    except (ValueError, TypeError, NotImplementedError) as error:
        words = type(error).__name__ if isinstance(error, UnicodeError) else str(error)
        raise Permanent(f"this cannot be handed to the channel: {words}") from None


def _frame(method: Method | Literal["start"], number: int, argument: bytes) -> bytes:
    return frame(Call(number=number, method=method, argument=msgspec.Raw(argument)))
