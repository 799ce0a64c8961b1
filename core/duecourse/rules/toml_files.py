"""Reading TOML that people write: small, strict, and with errors that name the place."""

import tomllib
from datetime import date, datetime, time
from importlib.resources.abc import Traversable
from typing import Final, TypeVar

import msgspec

MAX_BYTES: Final = 1_000_000

T = TypeVar("T")


class BadFile(ValueError):
    """A rule pack or treatment that cannot be used; the message says where and why."""


def read(file: Traversable, kind: type[T]) -> T:
    """Read `file` as `kind`. Raises BadFile, naming the key, for anything that does not fit."""
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise BadFile(f"{file.name}: cannot be read: {error.strerror}") from error
    if len(raw) > MAX_BYTES:
        raise BadFile(f"{file.name}: larger than {MAX_BYTES} bytes")
    try:
        document = tomllib.loads(raw.decode("utf-8"))
        return msgspec.convert(document, kind, builtin_types=(datetime, date, time))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadFile(f"{file.name}: is not TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise BadFile(f"{file.name}: {error}") from error
