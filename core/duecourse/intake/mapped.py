"""One foreign row in our columns, as its mapping says."""

import calendar
import re
from datetime import date
from decimal import Decimal
from typing import Final

import msgspec

from duecourse.intake.mapping import From, Mapping, Skip, Source
from duecourse.intake.people import person
from duecourse.intake.problems import Problem, Refused, shape
from duecourse.intake.rows import Row
from duecourse.money.amounts import exponent

MAX_MONTHS: Final = 600
_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,17}", re.ASCII)
_SCIENTIFIC: Final = re.compile(r"([1-9])\.00E\+0([1-9])", re.ASCII)
_DECIMAL: Final = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,10})?", re.ASCII)
_COMMA: Final = re.compile(r"[+-]?[0-9]{1,3}(?:[. '\u00a0\u202f]?[0-9]{3})*(?:,[0-9]{1,10})?")
_NO_THOUSANDS: Final = str.maketrans("", "", ". '\u00a0\u202f")
_DAYS: Final = {
    "dd.mm.yyyy": re.compile(r"(?P<d>[0-9]{2})\.(?P<m>[0-9]{2})\.(?P<y>[0-9]{4})"),
    "dd/mm/yyyy": re.compile(r"(?P<d>[0-9]{2})/(?P<m>[0-9]{2})/(?P<y>[0-9]{4})"),
    "mm/dd/yyyy": re.compile(r"(?P<m>[0-9]{2})/(?P<d>[0-9]{2})/(?P<y>[0-9]{4})"),
    "yyyymmdd": re.compile(r"(?P<y>[0-9]{4})(?P<m>[0-9]{2})(?P<d>[0-9]{2})"),
}
_SHIFT: Final = {"thousands": 3, "ten_thousands": 4}


class Mapped(msgspec.Struct, frozen=True):
    """`skip` is why the row is not for us; empty when it is."""

    values: dict[str, str]
    skip: str = ""


def map_row(mapping: Mapping, row: Row, as_of: date) -> Mapped | list[Problem]:
    """Check the foreign row whole, then rename, and say whether it is for us."""
    raw = dict(row.values)
    problems = []
    for name, source in mapping.source.items():
        try:
            raw[name] = _as_declared(raw.get(name, ""), source)
        except Refused as refused:
            problems.append(_problem(row, name, refused))
    if problems:
        return problems
    skip = next((each.reason for each in mapping.skip if _is_skipped(raw, each)), "")
    return _renamed(mapping, Row(row.line, raw), as_of, skip)


def _renamed(mapping: Mapping, row: Row, as_of: date, skip: str) -> Mapped | list[Problem]:
    values = _person(mapping, row)
    problems = []
    for name, origin in mapping.columns.items():
        try:
            values[name] = as_written_here(origin, _value(origin, row, as_of))
        except Refused as refused:
            problems.append(_problem(row, origin.source or name, refused))
    currency = values.get("currency", "")
    for name, origin in mapping.columns.items():
        if name in values and origin.amount_in != "units":
            values[name] = _in_units(values[name], origin, currency)
    return problems or Mapped(values, skip)


def _as_declared(value: str, source: Source) -> str:
    found = value.strip(" ")
    if not found:
        if source.may_be_empty:
            return ""
        raise Refused("is empty", "fill it in")
    return found if source.form == "text" else str(_integer(found, source))


def _integer(text: str, source: Source) -> int:
    scientific = _SCIENTIFIC.fullmatch(text) if source.scientific else None
    if scientific is not None:
        number = int(scientific[1] + "0" * int(scientific[2]))
    elif _INTEGER.fullmatch(text) is not None:
        number = int(text)
    else:
        raise Refused("is not a whole number", "write digits only, such as 1250")
    if source.at_least is not None and number < source.at_least:
        raise Refused(f"{number} is less than {source.at_least}", "correct the number")
    if source.at_most is not None and number > source.at_most:
        raise Refused(f"{number} is more than {source.at_most}", "correct the number")
    return number


def _is_skipped(raw: dict[str, str], skip: Skip) -> bool:
    value = raw.get(skip.column, "")
    if skip.below is not None:
        return int(value) < skip.below
    if skip.above is not None:
        return int(value) > skip.above
    return value == skip.equals


def _value(origin: From, row: Row, as_of: date) -> str:
    if origin.constant is not None:
        return origin.constant
    if origin.months_overdue is not None:
        return months_before(as_of, int(row.values[origin.months_overdue])).isoformat()
    value = row.values.get(origin.column or "", "")
    if origin.values:
        if value not in origin.values:
            choices = ", ".join(list(origin.values)[:10])
            raise Refused("is not among the values of the mapping", f"use one of: {choices}")
        value = origin.values[value]
    return f"{origin.prefix}{value}" if value else ""


def months_before(day: date, months: int) -> date:
    """Go back whole months; the 31st becomes the last day of a shorter month."""
    if months > MAX_MONTHS:
        raise Refused(f"{months} months overdue", f"at most {MAX_MONTHS} are believed")
    # A row that is not overdue is skipped, and asks for no date.
    year, month = divmod(day.year * 12 + day.month - 1 - max(months, 0), 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def as_written_here(origin: From, value: str) -> str:
    """An amount or a day as we write it. What is neither stays, for its own check to refuse."""
    if origin.decimal == "comma" and _COMMA.fullmatch(value):
        return value.translate(_NO_THOUSANDS).replace(",", ".")
    found = _DAYS[origin.day].fullmatch(value) if origin.day in _DAYS else None
    return f"{found['y']}-{found['m']}-{found['d']}" if found else value


def _in_units(value: str, origin: From, currency: str) -> str:
    # What is not a plain decimal stays as it is, for the amount check to refuse.
    if _DECIMAL.fullmatch(value) is None:
        return value
    shift = -exponent(currency) if origin.amount_in == "minor" else _SHIFT[origin.amount_in]
    return f"{Decimal(value).scaleb(shift):f}"


def _person(mapping: Mapping, row: Row) -> dict[str, str]:
    if mapping.people is None:
        return {}
    return person(mapping.people.seed, row.values.get(mapping.people.key, ""))


def _problem(row: Row, name: str, refused: Refused) -> Problem:
    # A foreign column may hold anything about anybody, so only its shape is shown.
    value = shape(row.values.get(name, ""))
    return Problem(line=row.line, field=name, problem=refused.problem, fix=refused.fix, value=value)
