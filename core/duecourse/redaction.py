"""Words for a listing, a log or a history: one printable line, and no secret in it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from duecourse.channels import Secret

MOST_WORDS: Final = 300
# A plugin that calls sys.exit must not end the program it is loaded into.
ANYTHING: Final = (Exception, SystemExit)


def explain(error: BaseException, secrets: Iterable[str] = ()) -> str:
    """One printable line that says what went wrong."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"it needs the module {error.name}, which is not installed (see its extras)"
    said = spoken(error, secrets)
    if not (said and isinstance(error, ValueError)):
        said = f"{type(error).__name__}: {said}".rstrip(": ")
    return said[:MOST_WORDS]


@contextmanager
def contained() -> Iterator[None]:
    """Around a plugin's own code: what is no Exception becomes one. Raises KeyboardInterrupt as it is.

    A cancelled task or a closed generator is nobody's wish here; Ctrl-C may be the operator's.
    """
    try:
        yield
    except (*ANYTHING, KeyboardInterrupt):
        raise
    except BaseException as odd:  # noqa: BLE001 - a plugin may raise anything
        raise ValueError(f"{type(odd).__name__}: {spoken(odd)}".rstrip(": ")) from None


def spoken(error: BaseException, secrets: Iterable[str] = (), most: int = MOST_WORDS) -> str:
    """What an error says, if it can: a plugin's own `__str__` may fail like anything else."""
    try:
        return printable(redact(str(error), secrets), most)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - a plugin may raise anything
        return ""


def printable(text: str, most: int = MOST_WORDS) -> str:
    """Return `text` in one line without control characters, and no longer than is read."""
    # Cut twice: a plugin's words may be of any length, and splitting them costs.
    words = " ".join(text[: 4 * most].split())
    return "".join(each for each in words if each.isprintable())[:most]


def secrets_of(value: object) -> Iterator[str]:
    """Every secret that is in `value`, which may be a plugin's settings."""
    match value:
        case Secret():
            yield value.reveal()
            return
        case msgspec.Struct():
            parts: Iterable[object] = msgspec.structs.asdict(value).values()
        case tuple() | list() | set() | frozenset():
            parts = value
        case dict():
            parts = value.values()
        case _:
            return
    for part in parts:
        yield from secrets_of(part)


def redact(text: str, secrets: Iterable[str]) -> str:
    """Take `secrets` out of `text`: a plugin may have quoted one."""
    # The longest first: one may be a part of another.
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
