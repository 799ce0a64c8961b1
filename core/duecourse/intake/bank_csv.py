"""A bank's CSV file, in the columns that docs/import.md shows or as a mapping says, as transactions."""

import re
from collections.abc import Iterator
from datetime import date
from functools import partial
from typing import BinaryIO, Final

from duecourse.intake import camt
from duecourse.intake import fields as f
from duecourse.intake.camt_values import reference
from duecourse.intake.columns import BANK, check_names
from duecourse.intake.mapped import map_row
from duecourse.intake.mapping import Mapping, check_kind, delimiter_of
from duecourse.intake.problems import Problem, Refused
from duecourse.intake.reading import Fields
from duecourse.intake.rows import CsvRows, Delimiter, Lines, Row
from duecourse.intake.transactions import Kind, Statement, Transaction
from duecourse.intake.xml_stream import XmlRefused

_SIGNED: Final = re.compile(r"([+-]?)(.*)", re.DOTALL)
_REQUIRED: Final = [column.name for column in BANK if column.is_required]


class CsvSource:
    """Raises Refused, and MappingError when the mapping is for another kind of file."""

    versions: tuple[str, ...] = ("CSV",)

    def __init__(
        self,
        stream: BinaryIO,
        *,
        mapping: Mapping | None,
        delimiter: Delimiter | None = None,
        as_of: date,
    ) -> None:
        if mapping is not None:
            check_kind(mapping, "bank")
        self._mapping = mapping
        self._delimiter = delimiter_of(mapping, delimiter)
        self._as_of = as_of
        self._labels = {} if mapping is None else {c.name: mapping.label(c.name) for c in BANK}
        self._account = ""
        self._rows(stream)

    def _rows(self, stream: BinaryIO) -> CsvRows:
        known, required = [c.name for c in BANK], _REQUIRED
        if self._mapping is not None:
            known, required = self._mapping.known_headers, self._mapping.required_headers
        rows = CsvRows(Lines(stream), self._delimiter, known)
        for name, wrong in check_names(rows.header, known, required):
            raise XmlRefused(rows.header_line, f"{name}: {wrong.problem}", wrong.fix)
        return rows

    def items(self, stream: BinaryIO) -> Iterator[camt.Item]:
        is_first = True
        for row in self._rows(stream):
            found = self._read(row) if isinstance(row, Row) else row
            if is_first and isinstance(found, Transaction):
                is_first = False
                yield Statement(line=1, message="csv", statement_id="", account=self._account)
            if found is not None:
                yield found

    def _read(self, row: Row) -> Transaction | list[Problem] | None:
        values = row.values
        if self._mapping is not None:
            mapped = map_row(self._mapping, row, self._as_of)
            if isinstance(mapped, list):
                return mapped
            if mapped.skip:
                return None
            values = mapped.values
        return self._transaction(row.line, Fields(row.line, values, BANK, self._labels))

    def _transaction(self, line: int, fields: Fields) -> Transaction | list[Problem]:
        take = fields.take
        text = partial(f.line_of_text, longest=100)
        currency = take("currency", f.currency, "XXX")
        signed = take("amount", partial(_signed, currency=currency), 1)
        direction = take("direction", _direction, "")
        value_on = take("value_on", f.day, date.max)
        booked_on = take("booked_on", f.day, date.max) if fields.has("booked_on") else None
        account = take("account", self._same_account, "")
        code = take("return_code", partial(f.line_of_text, longest=35), "")
        creditor_ref = take("reference", partial(f.line_of_text, longest=140), "")
        found = Transaction(
            line=line,
            kind=_kind(came_in=direction == "CRDT" if direction else signed > 0, code=code),
            currency=currency,
            amount_minor=abs(signed),
            booked_on=booked_on,
            value_on=value_on,
            entry_ref=reference(take("bank_reference", text, "")),
            end_to_end_id=reference(take("end_to_end_id", text, "")),
            structured=(creditor_ref,) if creditor_ref else (),
            text=take("text", partial(f.line_of_text, longest=1_000), ""),
            payer_name=take("payer_name", partial(f.line_of_text, longest=140), ""),
            payer_account=_bare(take("payer_account", partial(f.line_of_text, longest=50), "")),
            return_code=code,
        )
        if fields.problems:
            return fields.problems
        self._account = account
        return found

    def _same_account(self, value: str) -> str:
        found = _bare(f.line_of_text(value, longest=50))
        if self._account not in ("", found):
            raise Refused("is another account than before", "import each account by itself")
        return found


def _bare(account: str) -> str:
    return "".join(account.split()).upper()


def _signed(value: str, currency: str) -> int:
    sign, digits = _SIGNED.fullmatch(value.strip()).groups()  # type: ignore[union-attr]
    minor = f.amount(digits.strip(), currency)
    return -minor if sign == "-" else minor


def _direction(value: str) -> str:
    if value.strip() not in {"", "CRDT", "DBIT"}:
        raise Refused("is neither CRDT nor DBIT", "translate it with `values` in the mapping")
    return value.strip()


def _kind(*, came_in: bool, code: str) -> Kind:
    if came_in:
        return "own_return" if code else "credit"
    return "return" if code else "debit"
