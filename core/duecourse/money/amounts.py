"""Money as integers of minor units (fen, cents, pence) with an ISO 4217 code."""

import re
from collections.abc import Iterable
from typing import Annotated, Final, Self

import msgspec

Currency = Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$", examples=["CNY"])]
MAX_MINOR: Final = 10**15
Minor = Annotated[int, msgspec.Meta(ge=0, le=MAX_MINOR, examples=[1_250_00])]
PositiveMinor = Annotated[int, msgspec.Meta(gt=0, le=MAX_MINOR, examples=[1_250_00])]

# ISO 4217 minor-unit exponents other than two.
_EXPONENTS: Final = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
# ASCII digits only: full-width digits, signs, exponents, separators and NaN are all refused.
_DECIMAL: Final = re.compile(r"(0|[1-9][0-9]*)(?:\.([0-9]+))?", re.ASCII)


def exponent(currency: str) -> int:
    """How many decimal places `currency` has (ISO 4217)."""
    return _EXPONENTS.get(currency, 2)


def parse_minor(text: str, currency: str) -> int:
    """Read a plain decimal such as `1250.00` as minor units of `currency`.

    Raises ValueError, naming what is wrong, for anything else: a sign, an exponent, a
    thousands separator, more decimals than the currency has, or too large an amount.
    """
    found = _DECIMAL.fullmatch(text.strip(" "))
    if found is None:
        like = example_amount(currency)
        raise ValueError(f"{text!r} is not an amount; write it like {like}, without separators")
    whole, decimals = found[1], found[2] or ""
    places = exponent(currency)
    if len(decimals.rstrip("0")) > places:
        raise ValueError(f"{text!r} has more decimals than {currency} allows ({places})")
    if len(whole) > len(str(MAX_MINOR)):
        raise ValueError(f"{text!r} is larger than the {MAX_MINOR} minor units a debt may have")
    minor: int = int(whole) * 10**places + int(decimals[:places].ljust(places, "0") or "0")
    if minor > MAX_MINOR:
        raise ValueError(f"{text!r} is larger than the {MAX_MINOR} minor units a debt may have")
    return minor


def example_amount(currency: str) -> str:
    """An amount as it is to be written, with the decimals that the currency has: 1250.00 or 1250."""
    return format_minor(1250 * 10 ** exponent(currency), currency)


def format_minor(minor: int, currency: str) -> str:
    """Write minor units as a plain decimal, e.g. `-1250.00`."""
    places = exponent(currency)
    sign, digits = ("-" if minor < 0 else ""), str(abs(minor)).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else sign + digits


class Buckets(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What is owed (or paid), by the heads the waterfalls of the law distinguish. Minor units."""

    costs: Minor = 0
    fees: Minor = 0
    penalty: Minor = 0
    interest: Minor = 0
    principal: Minor = 0

    @property
    def total(self) -> int:
        return self.costs + self.fees + self.penalty + self.interest + self.principal

    def __add__(self, other: Self) -> Self:
        return self._each(other, 1)

    def __sub__(self, other: Self) -> Self:
        return self._each(other, -1)

    def _each(self, other: Self, sign: int) -> Self:
        return type(self)(
            costs=self.costs + sign * other.costs,
            fees=self.fees + sign * other.fees,
            penalty=self.penalty + sign * other.penalty,
            interest=self.interest + sign * other.interest,
            principal=self.principal + sign * other.principal,
        )


def sum_buckets(many: Iterable[Buckets]) -> Buckets:
    total = Buckets()
    for each in many:
        total += each
    return total
