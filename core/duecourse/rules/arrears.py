"""What may help a debtor, by the reason that they gave: data with a source, and no label."""

from functools import cache
from importlib import resources
from typing import Annotated

import msgspec

from duecourse.rules.toml_files import read

Words = Annotated[str, msgspec.Meta(min_length=4, max_length=300)]


class Option(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`do` is what the house would do next: `hold:hardship`, `plan:deferral`, `statement`."""

    reasons: tuple[str, ...]
    do: Annotated[str, msgspec.Meta(pattern=r"^[a-z_]+(:[a-z_]+)?\Z")]
    en: Words
    zh: Words
    source: Words


class _Book(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    options: tuple[Option, ...]


@cache
def options_book() -> tuple[Option, ...]:
    return read(resources.files("duecourse.rules").joinpath("arrears.toml"), _Book).options
