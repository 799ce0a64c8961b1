"""A foreign file's headers in our words, as a TOML file that only declares.

    kind = "portfolio"                      # or "payments", or "bank"
    delimiter = ","
    ignore = ["BRANCH"]                     # foreign columns that are not read

    [source.ID]                             # what a foreign column must hold
    form = "integer"
    at_least = 1

    [[skip]]                                # rows that are not for us; counted, not errors
    column = "MONTHS"
    below = 1
    reason = "not overdue"

    [columns]                               # our columns
    account = "ID"
    borrower_ref = { column = "ID", prefix = "B-" }
    creditor = { constant = "example-bank" }
    language = { column = "LANG", values = { C = "zh", E = "en" } }
    principal = { column = "BALANCE", amount_in = "thousands" }
    fees = { column = "FEES", decimal = "comma" }            # 1.234,56
    contract_on = { column = "SIGNED", day = "dd.mm.yyyy" }
    due_on = { months_overdue = "MONTHS" }  # that many months before the day of the import

    [people]                                # contact data of plainly fictional people
    key = "ID"
    seed = 1

Every row is checked against `source` before `skip` is asked, so a broken row is always reported.
"""

import tomllib
from collections.abc import Mapping as MappingOf
from importlib import resources
from pathlib import Path
from typing import Final, Literal, TypeVar, dataclass_transform

import msgspec

from duecourse.input_words import misfit
from duecourse.intake.columns import BANK, PAYMENTS, PORTFOLIO, Column
from duecourse.intake.people import PERSON_COLUMNS
from duecourse.intake.rows import Delimiter

MAX_MAPPING_BYTES: Final = 64 * 1024
Kind = Literal["portfolio", "payments"]
MappingKind = Literal["portfolio", "payments", "bank"]
T = TypeVar("T")

_COLUMNS: Final[MappingOf[MappingKind, tuple[Column, ...]]] = {
    "portfolio": PORTFOLIO,
    "payments": PAYMENTS,
    "bank": BANK,
}


class MappingError(Exception):
    """The mapping cannot be used; the message names the key and what to do about it."""


class MappingNotFound(MappingError):
    """There is no such mapping."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Source(_Part):
    """What a foreign column must hold.

    `scientific` also takes whole numbers that a statistics program wrote as `2.00E+05`.
    """

    form: Literal["text", "integer"] = "text"
    at_least: int | None = None
    at_most: int | None = None
    scientific: bool = False
    may_be_empty: bool = False


class Skip(_Part):
    """Rows that are not for us: below or above a number, or equal to a text."""

    column: str
    reason: str
    below: int | None = None
    above: int | None = None
    equals: str | None = None


class From(_Part):
    """Where one of our columns comes from: exactly one of the first three."""

    column: str | None = None
    constant: str | None = None
    months_overdue: str | None = None
    prefix: str = ""
    values: dict[str, str] = {}
    amount_in: Literal["units", "minor", "thousands", "ten_thousands"] = "units"
    decimal: Literal["point", "comma"] = "point"
    day: Literal["iso", "dd.mm.yyyy", "dd/mm/yyyy", "mm/dd/yyyy", "yyyymmdd"] = "iso"

    @property
    def source(self) -> str | None:
        return self.column if self.column is not None else self.months_overdue


class People(_Part):
    key: str
    seed: int


class Mapping(_Part):
    kind: MappingKind
    columns: dict[str, From]
    source: dict[str, Source] = {}
    skip: tuple[Skip, ...] = ()
    ignore: tuple[str, ...] = ()
    delimiter: Delimiter = ","
    people: People | None = None

    @property
    def required_headers(self) -> list[str]:
        """The foreign columns that a row cannot be read without."""
        used = [each.source for each in self.columns.values() if each.source is not None]
        used += [*self.source, *(each.column for each in self.skip)]
        return list(dict.fromkeys([*used, *([self.people.key] if self.people else [])]))

    @property
    def known_headers(self) -> list[str]:
        return [*self.required_headers, *self.ignore]

    def label(self, column: str) -> str:
        """Name one of our columns so that the file's owner finds it."""
        origin = self.columns.get(column)
        if origin is None:
            return column
        return f"{origin.source} ({column})" if origin.source else f"{column} (in the mapping)"


def packaged_mappings() -> list[str]:
    """The names that come with Duecourse, for `--mapping NAME`."""
    folder = resources.files("duecourse.intake") / "mappings"
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    )


def load_mapping(name: str) -> Mapping:
    """Read a mapping by its packaged name or from a file. Raises MappingError, naming the key."""
    if name in packaged_mappings():
        data = (resources.files("duecourse.intake") / "mappings" / f"{name}.toml").read_bytes()
        return parse_mapping(data)
    try:
        with Path(name).open("rb") as stream:
            return parse_mapping(stream.read(MAX_MAPPING_BYTES + 1))
    except OSError as error:
        ours = ", ".join(packaged_mappings())
        raise MappingNotFound(
            f"cannot read {name!r}: {error.strerror}; give a file, or one of: {ours}"
        ) from None


def delimiter_of(mapping: Mapping | None, given: Delimiter | None) -> Delimiter:
    """What is given wins over what the mapping says; without either it is a comma."""
    if given is not None:
        return given
    return mapping.delimiter if mapping is not None else ","


def check_kind(mapping: Mapping, kind: MappingKind) -> None:
    """Raise MappingError when the mapping is for another kind of file."""
    if mapping.kind != kind:
        raise MappingError(
            f"kind: it is for {mapping.kind}, not for {kind};"
            f" use `duecourse import {mapping.kind}`, or another mapping"
        )


def parse_mapping(data: bytes) -> Mapping:
    if len(data) > MAX_MAPPING_BYTES:
        raise MappingError(f"the file: is larger than {MAX_MAPPING_BYTES} bytes; shorten it")
    try:
        tree = tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise MappingError(f"the file: is not TOML in UTF-8: {error}; correct it there") from None
    columns = {name: _origin(name, value) for name, value in _table(tree, "columns").items()}
    source = {
        name: _convert(value, Source, f"source.{name}")
        for name, value in _table(tree, "source").items()
    }
    mapping = _convert(tree | {"columns": {}, "source": {}}, Mapping, "")
    mapping = msgspec.structs.replace(mapping, columns=columns, source=source)
    _check(mapping)
    return mapping


def _table(tree: dict[str, object], key: str) -> dict[str, object]:
    found = tree.get(key, {})
    if not isinstance(found, dict):
        raise MappingError(f"{key} must be a table; write [{key}]")
    return found


def _origin(name: str, value: object) -> From:
    if isinstance(value, str):
        return From(column=value)
    origin = _convert(value, From, f"columns.{name}")
    given = [origin.column, origin.constant, origin.months_overdue]
    if sum(each is not None for each in given) != 1:
        raise MappingError(
            f"columns.{name}: give exactly one of column, constant and months_overdue"
        )
    return origin


def _convert(value: object, to: type[T], where: str) -> T:
    try:
        return msgspec.convert(value, to)
    except msgspec.ValidationError as error:
        wrong = misfit(error, to)
        field = ".".join(each for each in (where, wrong.field) if each) or "the file"
        raise MappingError(f"{field}: {wrong.said}") from None


def _check(mapping: Mapping) -> None:
    """Refuse what could only fail later, row by row."""
    names = {column.name for column in _COLUMNS[mapping.kind]}
    for name in mapping.columns:
        if name not in names:
            raise MappingError(
                f"columns.{name}: a {mapping.kind} file has no column {name}; leave it out"
            )
    given = {*mapping.columns, *(PERSON_COLUMNS if mapping.people else ())}
    for column in _COLUMNS[mapping.kind]:
        if column.is_required and column.name not in given:
            raise MappingError(f"columns.{column.name}: is required; say where it comes from")
    for name, origin in mapping.columns.items():
        if origin.months_overdue is not None:
            _needs_integer(mapping, origin.months_overdue, f"columns.{name}.months_overdue")
    for number, skip in enumerate(mapping.skip):
        _check_skip(mapping, skip, f"skip[{number}]")
    if mapping.people and mapping.kind != "portfolio":
        raise MappingError("people: only a portfolio has people; leave them out")


def _check_skip(mapping: Mapping, skip: Skip, where: str) -> None:
    if sum(each is not None for each in (skip.below, skip.above, skip.equals)) != 1:
        raise MappingError(f"{where}: give exactly one of below, above and equals")
    if skip.equals is None:
        _needs_integer(mapping, skip.column, f"{where}.column")


def _needs_integer(mapping: Mapping, name: str, where: str) -> None:
    source = mapping.source.get(name)
    if source is None or source.form != "integer" or source.may_be_empty:
        raise MappingError(
            f'{where}: {name} is compared as a number; add [source.{name}] with form = "integer" '
            "and without may_be_empty"
        )
