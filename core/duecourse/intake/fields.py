"""One check per form a field may have. Each returns the value to keep, or raises Refused."""

import re
from datetime import date, timedelta
from functools import cache
from typing import Final
from zoneinfo import available_timezones

from duecourse.case.words import Language
from duecourse.intake.problems import Refused, shown
from duecourse.money.amounts import example_amount, exponent, parse_minor
from duecourse.money.currencies import CURRENCIES, FIX, NOT_KNOWN

MAX_POSTAL_LINES: Final = 8
MAX_POSTAL_LINE: Final = 120
LONGEST_AMOUNT: Final = 40
EARLIEST: Final = date(1970, 1, 1)

_CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}", re.ASCII)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
_LOCAL_PART: Final = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}", re.ASCII)
_DOMAIN: Final = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}"
)
_JURISDICTION: Final = re.compile(r"[A-Z]{2}(?:-[A-Z0-9]{1,3})?", re.ASCII)
# Files of the zone database that are no place.
_NO_PLACE: Final = frozenset({"Factory", "localtime", "posixrules"})


def line_of_text(value: str, longest: int) -> str:
    text = value.strip()
    if len(text) > longest:
        raise Refused(f"longer than {longest} characters", "shorten it")
    if not set(text).isdisjoint("\r\n\t"):
        raise Refused("holds a line break or a tab", "write it on one line")
    return text


def code(value: str) -> str:
    found = value.strip()
    if _CODE.fullmatch(found) is None:
        raise Refused(
            "is not a code",
            "use at most 100 of A-Z a-z 0-9 . _ : - and begin with a letter or digit",
        )
    return found


def currency(value: str) -> str:
    found = value.strip()
    if found not in CURRENCIES:
        raise Refused(f"{shown(found)!r} {NOT_KNOWN}", FIX)
    return found


def amount(value: str, in_currency: str) -> int:
    """Read a plain decimal as minor units; nothing at all is nothing owed."""
    if not value.strip(" "):
        return 0
    if len(value) > LONGEST_AMOUNT:
        raise Refused("too long to be an amount", _amount_fix(in_currency))
    try:
        return parse_minor(value, in_currency)
    except ValueError as error:
        raise Refused(str(error), _amount_fix(in_currency)) from None


def _amount_fix(currency: str) -> str:
    what = "digits and a point" if exponent(currency) else "digits"
    return f"write {what} only, such as {example_amount(currency)}"


def day(value: str) -> date:
    found = value.strip()
    if _DATE.fullmatch(found) is None:
        raise Refused(f"{shown(found)!r} is not a date", "write it as year-month-day: 2026-03-31")
    try:
        read = date.fromisoformat(found)
    except ValueError:
        raise Refused(f"there is no day {found}", "correct the day or the month") from None
    if read < EARLIEST:
        raise Refused(f"{found} is before {EARLIEST}", "correct the year")
    return read


def day_until(value: str, latest: date) -> date:
    read = day(value)
    if read > latest:
        raise Refused(
            f"{read} is after {latest}, the day of this import",
            "only what has already happened is imported; correct the date or wait",
        )
    return read


def latest_value_day(today: date) -> date:
    """In the farthest time zone it may be a day later than `today`."""
    return today + timedelta(days=1)


def language(value: str) -> Language:
    match value.strip():
        case "zh":
            return "zh"
        case "en":
            return "en"
        case other:
            raise Refused(f"{shown(other)!r} is not a language we write in", "use zh or en")


def time_zone(value: str) -> str:
    """Accept a zone of the IANA database, or nothing: unknown, which blocks contact."""
    found = value.strip()
    if found and found not in _zones():
        raise Refused(
            f"{shown(found)!r} is not in the IANA time zone database",
            "use a name such as Asia/Shanghai, or leave it empty if it is not known",
        )
    return found


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones()) - _NO_PLACE


def jurisdiction(value: str) -> str:
    found = value.strip()
    if found and _JURISDICTION.fullmatch(found) is None:
        raise Refused(
            f"{shown(found)!r} is not a jurisdiction",
            "use the ISO 3166 code such as CN, GB or US-MA, or leave it empty if not known",
        )
    return found


def phone(value: str) -> str:
    found = value.strip()
    if found and _PHONE.fullmatch(found) is None:
        raise Refused(
            "is not an international phone number",
            "write + then country code and number, digits only (E.164): +12025550123",
        )
    return found


def email(value: str) -> str:
    found = value.strip()
    if not found:
        return ""
    local, at, domain = found.partition("@")
    if not at or "@" in domain:
        raise Refused("does not have exactly one @", "write one address: name@example.com")
    if _LOCAL_PART.fullmatch(local) is None or local.startswith(".") or local.endswith("."):
        raise Refused("is no address before the @", "use A-Z a-z 0-9 and .!#$%&'*+/=?^_`{|}~-")
    if len(found) > 254 or _DOMAIN.fullmatch(domain) is None:  # noqa: PLR2004 - RFC 5321
        raise Refused("has no domain after the @", "write it with its dots: example.com")
    return found


def postal(value: str) -> str:
    """Read lines split by `|` or by line breaks; returns them split by line breaks."""
    lines = [line.strip() for line in re.split(r"[|\r\n]+", value) if line.strip()]
    if len(lines) > MAX_POSTAL_LINES:
        raise Refused(f"{len(lines)} lines", f"use at most {MAX_POSTAL_LINES} lines")
    for line in lines:
        line_of_text(line, MAX_POSTAL_LINE)
    return "\n".join(lines)
