"""CSV (RFC 4180) and JSON lines as rows of text, one at a time, within limits.

Whatever the bytes are, reading goes on: a spoiled row comes out as Problems in its place. A quote
that is never closed costs its own row only, because reading starts again on the next line.
"""

import csv
import json
import unicodedata
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final, Literal, NoReturn, get_args

import msgspec

from duecourse.intake.problems import Problem, Refused, shape

MAX_LINE_BYTES: Final = 64 * 1024
MAX_RECORD_LINES: Final = 12
MAX_FIELD_CHARACTERS: Final = 4_000
MAX_COLUMNS: Final = 200
WHOLE_ROW: Final = "(row)"

Delimiter = Literal[",", ";", "\t", "|"]
_SEPARATED_BY: Final[dict[Delimiter, tuple[str, str]]] = {
    ",": ("commas", "','"),
    ";": ("semicolons", "';'"),
    "\t": ("tabs", "tab"),
    "|": ("bars", "'|'"),
}
FileForm = Literal["csv", "json-lines"]


class Row(msgspec.Struct, frozen=True):
    line: int
    values: dict[str, str]


Spoiled = list[Problem]


def form_of(path: Path) -> FileForm:
    """Tell the form of a file by its name; anything but .jsonl and .ndjson is CSV."""
    return "json-lines" if path.suffix.lower() in {".jsonl", ".ndjson"} else "csv"


class _Line(msgspec.Struct, frozen=True):
    number: int
    data: bytes
    is_too_long: bool = False


class Lines:
    """The physical lines of a file. `bytes_read` is for the progress bar."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._again: deque[_Line] = deque()
        self._number = 0
        self.bytes_read = 0

    def take(self) -> _Line | None:
        if self._again:
            return self._again.popleft()
        data = self._read()
        if not data:
            return None
        self._number += 1
        if self._number == 1:
            data = data.removeprefix(b"\xef\xbb\xbf")
        if len(data) <= MAX_LINE_BYTES:
            return _Line(self._number, data)
        while data and not data.endswith(b"\n"):
            data = self._read()
        return _Line(self._number, b"", is_too_long=True)

    def _read(self) -> bytes:
        data = self._stream.readline(MAX_LINE_BYTES + 1)
        self.bytes_read += len(data)
        return data

    def give_back(self, lines: Sequence[_Line]) -> None:
        self._again.extendleft(reversed(lines))

    def skip_blank(self) -> _Line | None:
        """Take the next line that has something in it."""
        while (line := self.take()) is not None:
            if line.is_too_long or line.data.strip():
                return line
        return None


def read_json_lines(lines: Lines) -> Iterator[Row | Spoiled]:
    while (line := lines.skip_blank()) is not None:
        try:
            values = _json_object(line)
        except Refused as refused:
            yield [_row_problem(line.number, refused)]
        else:
            yield _checked(line.number, values)


def _json_object(line: _Line) -> dict[str, str]:
    _refuse_too_long(line)
    try:
        found = json.loads(
            line.data.decode("utf-8", "surrogateescape"),
            object_pairs_hook=_without_repeats,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
    except Refused:
        raise
    except (ValueError, RecursionError):
        raise Refused("not JSON", "write one JSON object on each line") from None
    if not isinstance(found, dict):
        raise Refused("not a JSON object", 'write one object per line: {"creditor": "...", ...}')
    if len(found) > MAX_COLUMNS:
        raise Refused(f"more than {MAX_COLUMNS} fields", "leave out what is not documented")
    return {key: _json_text(key, value) for key, value in found.items()}


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Refused("a field is given twice", "give each field once")
    return found


def _refuse_number(_: str) -> NoReturn:
    raise Refused(
        "a number with a point or an exponent", 'write amounts as text: "1250.00", in quotes'
    )


def _json_text(key: str, value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            return value
        case int() if not isinstance(value, bool):
            return str(value)
        case _:
            raise Refused(f"{_name(key)} is not text", "write every value as text in quotes")


class CsvRows:
    """A CSV file: its header first, then its rows. Raises Refused when the header is unusable.

    A header without one of the `known` names may be one that is separated by something else.
    """

    def __init__(self, lines: Lines, delimiter: Delimiter, known: Collection[str] = ()) -> None:
        if delimiter not in get_args(Delimiter):
            raise Refused(f"{delimiter[:9]!r} is no delimiter", "use a comma, ; | or a tab")
        self._lines = lines
        self._delimiter = delimiter
        line = lines.skip_blank()
        if line is None:
            raise Refused("the file is empty", "export it again, with a header line")
        if line.data.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise Refused("the file is UTF-16", "save it as UTF-8")
        _refuse_no_text(line.data)
        self.header_line = line.number
        self.header = self._header(line, known)
        _check_header(self.header)

    def _header(self, line: _Line, known: Collection[str]) -> tuple[str, ...]:
        try:
            found = tuple(name.strip() for name in self._record(line))
        except Refused:
            self._refuse_other_delimiter(line, 1)
            raise
        if not any(name in known for name in found):
            self._refuse_other_delimiter(line, len(found))
        return found

    def _refuse_other_delimiter(self, line: _Line, columns: int) -> None:
        """Raise Refused when another one splits the header into more columns."""
        text = line.data.decode("utf-8", "surrogateescape")
        counts = {each: _columns_by(each, text) for each in _SEPARATED_BY}
        best = max(_SEPARATED_BY, key=lambda each: counts[each])
        if counts[best] > columns:
            name, option = _SEPARATED_BY[best]
            raise Refused(
                f"its columns are separated by {name}, not by {_SEPARATED_BY[self._delimiter][0]}",
                f"give --delimiter {option}, or `delimiter` in the mapping",
            )

    def __iter__(self) -> Iterator[Row | Spoiled]:
        while (line := self._lines.skip_blank()) is not None:
            try:
                values = self._record(line, len(self.header))
            except Refused as refused:
                yield [_row_problem(line.number, refused)]
            else:
                yield _checked(line.number, dict(zip(self.header, values, strict=True)))

    def _record(self, first: _Line, columns: int | None = None) -> list[str]:
        """Read one record. When it is spoiled, its later lines are given back to be read again."""
        _refuse_too_long(first)
        taken = [first]
        text = first.data.decode("utf-8", "surrogateescape")
        while text.count('"') % 2 and len(taken) < MAX_RECORD_LINES:
            line = self._lines.take()
            if line is None:
                break
            taken.append(line)
            text += line.data.decode("utf-8", "surrogateescape")
        try:
            return self._fields(text, columns)
        except Refused:
            self._lines.give_back(taken[1:])
            raise

    def _fields(self, text: str, columns: int | None) -> list[str]:
        if text.count('"') % 2:
            raise Refused("a quote is opened and not closed", 'close it, or double it: ""')
        try:
            (values,) = csv.reader((text,), delimiter=self._delimiter, strict=True)
        except (csv.Error, ValueError):
            raise Refused(
                "quotes or line ends are not as in RFC 4180",
                "put the field in quotes, double the quotes inside it, end lines with LF or CRLF",
            ) from None
        if columns is not None and len(values) != columns:
            raise Refused(
                f"{len(values)} fields where the header has {columns}",
                f"give {columns} fields; put a field that has {self._delimiter!r} in it in quotes",
            )
        return values


def _columns_by(delimiter: Delimiter, text: str) -> int:
    try:
        (values,) = csv.reader((text,), delimiter=delimiter, strict=True)
    except (csv.Error, ValueError):
        return 0
    return len(values)


def _refuse_no_text(header: bytes) -> None:
    if header.lstrip().startswith(b"<?xml"):
        raise Refused(
            "the file is XML",
            "a bank's statement is for `duecourse import bank`, without --mapping and --delimiter",
        )
    if header.startswith(b"PK\x03\x04"):
        raise Refused("the file is a spreadsheet or an archive", "export the sheet as CSV in UTF-8")
    if b"\0" in header:
        raise Refused("the file is not text", "export it as CSV in UTF-8")
    try:
        header.decode()
    except UnicodeDecodeError:
        raise Refused("the file is not UTF-8", "save it as UTF-8") from None


def _check_header(header: Sequence[str]) -> None:
    if len(header) > MAX_COLUMNS:
        raise Refused(f"{len(header)} columns", f"at most {MAX_COLUMNS} are read")
    for name in header:
        if not name:
            raise Refused("a column has no name", "name it or leave it out")
        check_characters(name)
        if header.count(name) > 1:
            raise Refused(f"two columns are named {_name(name)}", "keep one of them")


def check_characters(value: str) -> None:
    """Raise Refused for what no field may hold: broken UTF-8, NUL and other controls, a novel."""
    if "\0" in value:
        raise Refused("holds a NUL character", "remove it; the export may be damaged")
    if value.isascii() and value.isprintable() and len(value) <= MAX_FIELD_CHARACTERS:
        return
    if len(value) > MAX_FIELD_CHARACTERS:
        raise Refused(f"longer than {MAX_FIELD_CHARACTERS} characters", "shorten it")
    kinds = {unicodedata.category(each) for each in value if each not in "\r\n\t"}
    if "Cs" in kinds:
        raise Refused("is not valid UTF-8", "save the file as UTF-8")
    if "Cc" in kinds:
        raise Refused("holds a control character", "remove it")


def _checked(line: int, values: dict[str, str]) -> Row | Spoiled:
    problems = []
    for name, value in values.items():
        try:
            check_characters(name)
            check_characters(value)
        except Refused as refused:
            problems.append(
                Problem(
                    line=line,
                    field=_name(name),
                    problem=refused.problem,
                    fix=refused.fix,
                    value=shape(value),
                )
            )
    return problems or Row(line, values)


def _refuse_too_long(line: _Line) -> None:
    if line.is_too_long:
        raise Refused(
            f"the line is longer than {MAX_LINE_BYTES} bytes",
            "shorten it, or look for a line end that is missing",
        )


def _row_problem(line: int, refused: Refused) -> Problem:
    return Problem(line=line, field=WHOLE_ROW, problem=refused.problem, fix=refused.fix)


def _name(name: str) -> str:
    """Write a field's name so that it can be printed whatever is in it."""
    cut = name[:60]
    return cut if cut.isprintable() else ascii(cut)
