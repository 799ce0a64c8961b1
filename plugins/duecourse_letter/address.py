"""Postal addresses: the lines of an envelope, as they are stored and as they are printed."""

import re
import unicodedata
from typing import Final, Self

import msgspec

from duecourse import Permanent

MAX_LINES: Final = 8
MAX_LINE: Final = 60
MAX_RAW: Final = 4_000
# Controls, what cannot be seen, and what turns the direction of writing.
_NOT_POSTAL: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_UK_POSTCODE: Final = re.compile(
    r"([a-z]{1,2}[0-9][a-z0-9]?) ?([0-9][a-z]{2})", re.ASCII | re.IGNORECASE
)
# The Universal Postal Union asks for the country last and in capitals. Only names that are
# nothing else: Georgia is a state as well, Jersey a town.
_COUNTRIES: Final = {
    name: code
    for code, names in {
        "AT": ("AUSTRIA", "ÖSTERREICH"),
        "AU": ("AUSTRALIA",),
        "CH": ("SWITZERLAND", "SCHWEIZ"),
        "CN": ("CHINA", "P.R. CHINA", "PR CHINA", "中国", "中华人民共和国"),
        "DE": ("GERMANY", "DEUTSCHLAND"),
        "FR": ("FRANCE",),
        "GB": ("UNITED KINGDOM", "GREAT BRITAIN", "UK"),
        "IE": ("IRELAND",),
        "IN": ("INDIA",),
        "NL": ("NETHERLANDS", "THE NETHERLANDS"),
        "NZ": ("NEW ZEALAND",),
        "US": ("UNITED STATES", "UNITED STATES OF AMERICA", "USA"),
    }.items()
    for name in names
}


class PostalAddress(msgspec.Struct, frozen=True):
    """1 to 8 lines of at most 60 characters, without the addressee's name.

    `country` is the ISO code when the last line names a country that we know, else empty: a
    letter within a country has no such line.
    """

    lines: tuple[str, ...]
    country: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the stored form. Raises Permanent, which never repeats the address."""
        if len(text) > MAX_RAW:
            raise Permanent(f"a postal address has at most {MAX_LINES} lines of {MAX_LINE}")
        raw = unicodedata.normalize("NFC", text).replace("\r\n", "\n").split("\n")
        lines = [line for line in (each.strip(" \t\u3000") for each in raw) if line]
        if not 1 <= len(lines) <= MAX_LINES:
            raise Permanent(f"a postal address has 1 to {MAX_LINES} lines; this has {len(lines)}")
        for number, line in enumerate(lines, start=1):
            _check(number, line)
        # A lone word is a place, whatever country is called the same.
        country = _COUNTRIES.get(lines[-1].upper(), "") if len(lines) > 1 else ""
        if country:
            lines[-1] = lines[-1].upper()
        code_at = len(lines) - (2 if country else 1)
        if country in {"", "GB"} and (code := _UK_POSTCODE.fullmatch(lines[code_at])):
            lines[code_at] = f"{code[1]} {code[2]}".upper()
        return cls(lines=tuple(lines), country=country)

    def __str__(self) -> str:
        """The stored form."""
        return "\n".join(self.lines)

    def __repr__(self) -> str:
        """Without the address, which is nobody's business in a log."""
        return f"PostalAddress({len(self.lines)} lines, country={self.country!r})"


def _check(number: int, line: str) -> None:
    if len(line) > MAX_LINE:
        raise Permanent(
            f"line {number} of the postal address has {len(line)} characters; "
            f"at most {MAX_LINE} fit, break it in two"
        )
    if _NOT_POSTAL.search(line):
        raise Permanent(
            f"line {number} of the postal address holds a control character; type it anew"
        )
