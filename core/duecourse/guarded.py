"""A channel as the core holds it: one that cannot take more time than it was given.

What the plugin answers is not believed before it is what the contract says.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any, Final, Literal

import msgspec

from duecourse.channels import (
    Accepted,
    Capabilities,
    Channel,
    Config,
    Measure,
    Outbound,
    Polled,
    Signal,
    WebhookRequest,
)

MOST_SIGNALS: Final = 10_000
MOST_ADDRESS: Final = 1000

Method = Literal["check", "close", "normalise", "measure", "send", "find", "receive", "poll"]

ARGUMENTS: Final[Mapping[Method, Any]] = {
    "check": None,
    "close": None,
    "normalise": str,
    "measure": Outbound,
    "send": Outbound,
    "find": Outbound,
    "receive": WebhookRequest,
    "poll": bytes,
}
ANSWERS: Final[Mapping[Method, Any]] = {
    "check": None,
    "close": None,
    "normalise": str,
    "measure": Measure,
    "send": Accepted,
    "find": Accepted | None,
    "receive": tuple[Signal, ...],
    "poll": Polled,
}


class ChannelFailed(Exception):
    """The channel broke off: what it was to send may have left, or not. Not a ChannelError."""


class Nonsense(ChannelFailed):
    """It answered, and not with what it may answer."""


def ask(channel: Channel[Any], method: Method, argument: object) -> object:
    """Call one method of a plugin's channel, and read what comes lazily to its end."""
    called = getattr(channel, method)
    answer = called() if ARGUMENTS[method] is None else called(argument)
    match method:
        case "check" | "close":
            return None
        case "receive":
            return _all_of(answer)
        case _:
            return answer


def _all_of(signals: Iterable[object]) -> tuple[object, ...]:
    if isinstance(signals, str | bytes | dict):
        raise TypeError("not signals")
    some = tuple(islice(signals, MOST_SIGNALS + 1))
    if len(some) > MOST_SIGNALS:
        raise TypeError("too many signals")
    return some


def believe(method: Method, answer: object) -> Any:  # noqa: ANN401 - as ANSWERS says
    """Return the answer as the contract types it; raises Nonsense when it is no such thing."""
    try:
        believed = msgspec.convert(
            msgspec.to_builtins(answer, builtin_types=(bytes,)), ANSWERS[method]
        )
    except Exception:  # noqa: BLE001 - a plugin's object may fail in any way while it is read
        raise nonsense(method) from None
    return sized(method, believed)


def sized(method: Method, answer: Any) -> Any:  # noqa: ANN401 - as above
    if method == "normalise" and len(answer) > MOST_ADDRESS:
        raise nonsense(method)
    if method == "poll" and len(answer.signals) > MOST_SIGNALS:
        raise nonsense(method)
    return answer


def nonsense(method: Method) -> Nonsense:
    return Nonsense(f"the channel answered nonsense to `{method}`")


class Guarded(Channel[Any]):
    """Hands every call to a channel that is somewhere else, under the channel's own name.

    `written` are the methods that the plugin wrote (see `contract.written`).
    """

    def __init__(
        self,
        plugin: type[Channel[Any]],
        config: Config,
        capabilities: Capabilities,
        written: frozenset[str],
    ) -> None:
        super().__init__(config)
        # Of the class elsewhere, where one class is one plugin; this one stands for many.
        vars(self).update(
            name=plugin.name,
            contract=plugin.contract,
            config_class=plugin.config_class,
            example=plugin.example,
        )
        self.capabilities = capabilities
        self.written = written

    def _call(self, method: Method, argument: object = None) -> Any:  # noqa: ANN401 - see ANSWERS
        raise NotImplementedError

    def check(self) -> None:
        self._call("check")

    def normalise(self, address: str) -> str:
        if "normalise" not in self.written:
            return super().normalise(address)
        normal: str = self._call("normalise", address)
        return normal

    def measure(self, message: Outbound) -> Measure:
        if "measure" not in self.written:
            return super().measure(message)
        measure: Measure = self._call("measure", message)
        return measure

    def send(self, message: Outbound) -> Accepted:
        accepted: Accepted = self._call("send", message)
        return accepted

    def find(self, message: Outbound) -> Accepted | None:
        found: Accepted | None = self._call("find", message)
        return found

    def receive(self, request: WebhookRequest) -> tuple[Signal, ...]:
        signals: tuple[Signal, ...] = self._call("receive", request)
        return signals

    def poll(self, cursor: bytes) -> Polled:
        polled: Polled = self._call("poll", cursor)
        return polled
