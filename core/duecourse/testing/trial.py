"""One call of `send`, and everything that it said on the way."""

import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, Self

import msgspec

from duecourse.channels import Accepted, Channel, ChannelError, Outbound, Permanent, Transient

Result = Literal["accepted", "transient", "permanent", "unknown", "late"]


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """`late` is a call that did not come back in time; `logged` what went to the logs."""

    result: Result
    given: Any = None
    error: BaseException | None = None
    logged: str = ""

    @classmethod
    def of(cls, channel: Channel[Any], message: Outbound, patience: float) -> Self:
        done: list[Self] = []

        def send() -> None:
            try:
                given = channel.send(message)
            except BaseException as error:  # noqa: BLE001 - what is raised is what is looked at
                done.append(cls(result=_class_of(error), error=error))
            else:
                done.append(cls(result="accepted", given=given))

        with listening() as lines:
            thread = threading.Thread(target=send, daemon=True)
            thread.start()
            thread.join(patience)
        logged = "\n".join(lines)
        if not done:
            return cls(result="late", logged=logged)
        return msgspec.structs.replace(done[0], logged=logged)

    @property
    def reported(self) -> str:
        """What is stored in clear: the words of a ChannelError, and the logs."""
        words = str(self.error) if isinstance(self.error, ChannelError) else ""
        return f"{words}\n{self.logged}"

    @property
    def shown(self) -> str:
        """What a traceback would show, and the logs."""
        return "\n".join([*words_of(self.error), self.logged])

    def __str__(self) -> str:
        return f"{self.result} ({type(self.error).__name__})" if self.error else self.result


def _class_of(error: BaseException) -> Result:
    if isinstance(error, Transient):
        return "transient"
    return "permanent" if isinstance(error, Permanent) else "unknown"


def words_of(error: BaseException | None) -> Iterable[str]:
    """The error and those behind it, as far as a traceback follows them."""
    while error is not None:
        yield f"{error} {error!r}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


@contextmanager
def listening() -> Iterator[list[str]]:
    """Collect what is logged at the level that `duecourse --verbose` shows, in place of showing it."""
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(logging.Formatter().format(record))

    root = logging.getLogger()
    level, handlers = root.level, root.handlers
    root.setLevel(logging.INFO)
    root.handlers = [Keep()]
    try:
        yield lines
    finally:
        root.handlers = handlers
        root.setLevel(level)


def is_sound(given: object) -> bool:
    """Whether the core would believe this answer of `send`."""
    try:
        accepted = msgspec.convert(msgspec.to_builtins(given), Accepted)
    except (msgspec.ValidationError, TypeError):
        return False
    reference = accepted.reference
    return 0 < len(reference) <= 200 and reference.isprintable()  # noqa: PLR2004 - what a case keeps
