"""The profiles as data: TOML beside this file, read once, with errors that name the entry."""

import tomllib
from importlib import resources
from typing import Final, TypeVar

import msgspec

T = TypeVar("T")
_FOLDER: Final = "duecourse.money.profiles"


class BadProfile(ValueError):
    """A packaged profile that cannot be used: a fault of the package, not of the asker."""


def read_book(name: str, kind: type[T]) -> T:
    """Read `profiles/<name>` as `kind`."""
    try:
        document = tomllib.loads(resources.files(_FOLDER).joinpath(name).read_text("utf-8"))
        return msgspec.convert(document, kind)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise BadProfile(f"{name}: {error}") from error
