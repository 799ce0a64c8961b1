"""A file as a stream of what to ask of which case, without asking it yet."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Final

import msgspec

from duecourse.intake import payments, portfolio
from duecourse.intake.columns import PAYMENTS, PORTFOLIO, Column, check_names
from duecourse.intake.mapped import Mapped, map_row
from duecourse.intake.mapping import Kind, Mapping, check_kind, delimiter_of
from duecourse.intake.problems import Problem, Refused
from duecourse.intake.reading import Fields, Prepared, Pseudonyms
from duecourse.intake.rows import (
    CsvRows,
    Delimiter,
    FileForm,
    Lines,
    Row,
    Spoiled,
    read_json_lines,
)
from duecourse.intake.seen import SeenKeys

_FILE: Final = "(file)"
_HEADER: Final = "(header)"

Read = Callable[[int, Fields, Pseudonyms, date], Prepared | list[Problem]]


class Skipped(msgspec.Struct, frozen=True):
    """A good row that the mapping says is not for us."""

    reason: str


Ready = Prepared | Skipped | Spoiled


class FileRefused(Exception):
    """The file as a whole cannot be read: its header, its encoding, or nothing in it."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(problem.problem for problem in problems))
        self.problems = tuple(problems)


class _RowForm(msgspec.Struct, frozen=True):
    """`identity` are the columns that together may come once in a file."""

    columns: tuple[Column, ...]
    identity: tuple[str, str]
    read: Read


_ROW_FORMS: Final[dict[Kind, _RowForm]] = {
    "portfolio": _RowForm(PORTFOLIO, portfolio.IDENTITY, portfolio.read_placement),
    "payments": _RowForm(PAYMENTS, payments.IDENTITY, payments.read_payment),
}


def _required(form: _RowForm) -> list[str]:
    return [column.name for column in form.columns if column.is_required]


class Preparer:
    """Reads the rows of one file. `as_of` is the day of the import."""

    def __init__(
        self, kind: Kind, ids: Pseudonyms, as_of: date, mapping: Mapping | None, seen: SeenKeys
    ) -> None:
        if mapping is not None:
            check_kind(mapping, kind)
        self._kind = kind
        self._form = _ROW_FORMS[kind]
        self._ids = ids
        self._as_of = as_of
        self._mapping = mapping
        self._seen = seen
        columns = self._form.columns
        self._labels = {} if mapping is None else {c.name: mapping.label(c.name) for c in columns}
        self._known = [c.name for c in columns] if mapping is None else mapping.known_headers
        self._required = _required(self._form) if mapping is None else mapping.required_headers

    def rows(
        self, lines: Lines, form: FileForm, delimiter: Delimiter | None = None
    ) -> Iterator[Ready]:
        """Read on to the end. A delimiter wins over the mapping's.

        Raises FileRefused before the first row, and nothing after it.
        """
        found = self._json_rows(lines) if form == "json-lines" else self._csv(lines, delimiter)
        for row in found:
            yield self._ready(row) if isinstance(row, Row) else row

    def _csv(self, lines: Lines, delimiter: Delimiter | None) -> Iterator[Row | Spoiled]:
        try:
            rows = CsvRows(lines, delimiter_of(self._mapping, delimiter), self._known)
        except Refused as refused:
            problem = Problem(line=1, field=_HEADER, problem=refused.problem, fix=refused.fix)
            raise FileRefused([problem]) from None
        problems = self._check_names(rows.header_line, rows.header, self._required)
        if problems:
            raise FileRefused(self._other_kind(rows) or problems)
        return iter(rows)

    def _other_kind(self, rows: CsvRows) -> list[Problem]:
        """Say so where the header is right, but for another kind of file."""
        for kind, form in _ROW_FORMS.items():
            names, required = [c.name for c in form.columns], _required(form)
            if kind != self._kind and not check_names(rows.header, names, required):
                problem = f"this is the header of a {kind} file"
                fix = f"use `duecourse import {kind}`"
                return [Problem(line=rows.header_line, field=_HEADER, problem=problem, fix=fix)]
        return []

    def _json_rows(self, lines: Lines) -> Iterator[Row | Spoiled]:
        is_empty = True
        for row in read_json_lines(lines):
            is_empty = False
            # A row says what it has; what it lacks is reported by the field's own check.
            unknown = self._check_names(row.line, row.values, ()) if isinstance(row, Row) else []
            yield unknown or row
        if is_empty:
            problem = Problem(
                line=0, field=_FILE, problem="the file is empty", fix="export it again"
            )
            raise FileRefused([problem])

    def _check_names(
        self, line: int, names: Iterable[str], required: Iterable[str]
    ) -> list[Problem]:
        return [
            Problem(line=line, field=name, problem=refused.problem, fix=refused.fix)
            for name, refused in check_names(tuple(names), self._known, required)
        ]

    def _ready(self, row: Row) -> Ready:
        mapped = self._mapped(row)
        if isinstance(mapped, list):
            return mapped
        ready: Ready = Skipped(mapped.skip) if mapped.skip else self._read(row.line, mapped.values)
        if isinstance(ready, list):
            return ready
        return self._repeat_of(row.line, mapped.values) or ready

    def _mapped(self, row: Row) -> Mapped | Spoiled:
        if self._mapping is None:
            return Mapped(row.values)
        return map_row(self._mapping, row, self._as_of)

    def _read(self, line: int, values: dict[str, str]) -> Prepared | Spoiled:
        fields = Fields(line, values, self._form.columns, self._labels)
        return self._form.read(line, fields, self._ids, self._as_of)

    def _repeat_of(self, line: int, values: dict[str, str]) -> Spoiled:
        """Report a second row for what may come once: nobody can tell which of them is right."""
        name = self._form.identity[-1]
        parts = [values.get(each, "").strip() for each in self._form.identity]
        key = self._ids.pseudonym("row", self._kind, *parts)
        earlier = self._seen.earlier_line(key, line)
        if earlier is None:
            return []
        label = self._labels.get(name, name)
        return [
            Problem(
                line=line,
                field=label,
                problem=f"line {earlier} already has this {name}",
                fix="keep the row that is right and remove the other",
            )
        ]
