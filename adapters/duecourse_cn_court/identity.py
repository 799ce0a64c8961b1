"""The two Chinese identity codes, with their check characters."""

from datetime import date
from typing import Final, Literal

import msgspec

# GB 32100-2015, table 2 and its weights 3**i mod 31. The letters I, O, S, V and Z do not occur.
_CREDIT_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS: Final = tuple(pow(3, place, 31) for place in range(17))

# GB 11643-1999: ISO 7064 MOD 11-2.
_PERSON_WEIGHTS: Final = tuple(pow(2, 17 - place, 11) for place in range(17))
_PERSON_CHECK: Final = "10X98765432"
_PERSON_DIGITS: Final = frozenset("0123456789")
# GB/T 2260 provinces; 81 to 83 are residence permits of Hong Kong, Macau and Taiwan people.
_PROVINCES: Final = frozenset(
    str(code)
    for first, last in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71))
    for code in range(first, last + 1)
) | {"81", "82", "83"}

_LENGTH: Final = 18
"""Of either code, its check character included."""


class Particulars(msgspec.Struct, frozen=True, kw_only=True):
    """What an identity number says of the person."""

    born_on: date
    sex: Literal["男", "女"]


def credit_code_fault(code: str) -> str:
    """What is wrong with a unified social credit code (GB 32100-2015); empty when nothing is."""
    if len(code) != _LENGTH:
        return f"has {len(code)} characters, a unified social credit code has 18"
    if any(character not in _CREDIT_ALPHABET for character in code):
        return "holds a character that GB 32100-2015 does not use (I, O, S, V, Z, lower case)"
    values = [_CREDIT_ALPHABET.index(character) for character in code]
    weighted = sum(v * w for v, w in zip(values[:17], _CREDIT_WEIGHTS, strict=True))
    if values[17] != -weighted % 31:
        return "fails its check character (GB 32100-2015); compare it with the business licence"
    return ""


def particulars(number: str, on: date) -> Particulars:
    """Read an 18-digit identity number (GB 11643). Raises ValueError that never shows it."""
    if len(number) != _LENGTH:
        raise ValueError(f"has {len(number)} characters, an identity number has 18")
    if not set(number[:17]) <= _PERSON_DIGITS or number[17] not in _PERSON_CHECK:
        raise ValueError("must be 17 digits and a digit or X")
    if number[:2] not in _PROVINCES:
        raise ValueError("begins with no province (GB/T 2260)")
    born_on = _birthday(number[6:14])
    if not date(1900, 1, 1) <= born_on <= on:
        raise ValueError("gives a birth date before 1900 or in the future")
    weighted = sum(int(d) * w for d, w in zip(number[:17], _PERSON_WEIGHTS, strict=True))
    if number[17] != _PERSON_CHECK[weighted % 11]:
        raise ValueError("fails its check character (GB 11643); compare it with the identity card")
    return Particulars(born_on=born_on, sex="男" if int(number[16]) % 2 else "女")


def _birthday(digits: str) -> date:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        raise ValueError("gives a birth date that no calendar has") from None
