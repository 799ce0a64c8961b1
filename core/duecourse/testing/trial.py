"""One call of `send`, and everything that it said on the way."""

import io
import logging
import re
import threading
import warnings
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from typing import Any, Final, Literal, Self

import msgspec

from duecourse.channels import Accepted, Channel, Outbound, Permanent, Transient

LEAST_DIGITS: Final = 7
"""Fewer are a part of any number."""
_SEPARATOR: Final = re.compile(r"[\s().\-/]+")

Result = Literal["accepted", "transient", "permanent", "unknown", "late"]


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """`late` is a call that did not come back in time; `logged` what it logged, printed or warned of."""

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
        """What is stored in clear or may be: the words of what is raised, and the logs."""
        words = "" if self.error is None else f"{self.error} {self.error!r}"
        return f"{words}\n{self.logged}"

    def tells(self, personal: str) -> bool:
        """Whether it reports this, or the number in it, however that is written."""
        digits = _digits(personal)
        return personal in self.reported or (
            len(digits) >= LEAST_DIGITS and digits in _SEPARATOR.sub("", self.reported)
        )

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


_lock = threading.Lock()
_listeners: list[list[str]] = []
_before = ExitStack()


@contextmanager
def listening() -> Iterator[list[str]]:
    """Collect what is logged at any level, printed or warned of, in place of showing it.

    Logs and streams are the process's: threads that listen at once all hear everything, and the
    last one that ends puts back what was there.
    """
    lines: list[str] = []
    with _lock:
        if not _listeners:
            _before.enter_context(_redirected())
        _listeners.append(lines)
    try:
        yield lines
    finally:
        with _lock:
            # By identity: two that heard nothing are equal.
            _listeners[:] = [each for each in _listeners if each is not lines]
            if not _listeners:
                _before.close()


def _heard(line: str) -> None:
    for lines in tuple(_listeners):
        lines.append(line)


def _logged(_: logging.Logger, record: logging.LogRecord) -> None:
    _heard(logging.Formatter().format(record))


class _Printed(io.TextIOBase):
    def write(self, text: str, /) -> int:
        _heard(text)
        return len(text)


def _warned(message: Warning | str, *_: object, **__: object) -> None:
    _heard(str(message))


@contextmanager
def _redirected() -> Iterator[None]:
    root = logging.getLogger()
    level, show, call_handlers = root.level, warnings.showwarning, logging.Logger.callHandlers
    root.setLevel(logging.DEBUG)
    # Of the class: a logger need not pass its records on to the root, and may be made only later.
    logging.Logger.callHandlers = _logged  # type: ignore[method-assign,assignment]
    warnings.showwarning = _warned
    try:
        with redirect_stdout(_Printed()), redirect_stderr(_Printed()):
            yield
    finally:
        warnings.showwarning = show
        logging.Logger.callHandlers = call_handlers  # type: ignore[method-assign]
        root.setLevel(level)


def _digits(text: str) -> str:
    """The number that a text is, if it is one and not a sentence with numbers in it."""
    bare = _SEPARATOR.sub("", text).removeprefix("+")
    return bare if bare.isdecimal() else ""


def is_sound(given: object) -> bool:
    """Whether the core would believe this answer of `send`."""
    try:
        accepted = msgspec.convert(msgspec.to_builtins(given), Accepted)
    except (msgspec.ValidationError, TypeError):
        return False
    reference = accepted.reference
    is_printable = bool(reference.strip()) and reference.isprintable()
    return is_printable and len(reference) <= 200  # noqa: PLR2004 - what a case keeps
