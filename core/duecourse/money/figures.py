"""What every calculator shares: percentages, rounding at posting, and how a refusal reads."""

import re
from fractions import Fraction
from typing import Annotated, Final, Literal

import msgspec

from duecourse.money.amounts import MAX_MINOR, Buckets, format_minor

Rounding = Literal["half_even", "half_up"]
Confidence = Literal["A", "B", "C"]
"""A: the law itself was read; B: a secondary source was; C: neither, so it may only tighten."""

PERCENT_PATTERN: Final = r"^(0|[1-9][0-9]{0,3})(\.[0-9]{1,8})?\Z"
Percent = Annotated[str, msgspec.Meta(pattern=PERCENT_PATTERN, examples=["12.5"])]
"""Text, not a float, so that what is worked with is what was written."""

SignedPercent = Annotated[
    str, msgspec.Meta(pattern=r"^-?(0|[1-9][0-9]{0,3})(\.[0-9]{1,8})?\Z", examples=["-0.88"])
]
"""For published rates, which have been below zero."""

NAME_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}\Z"
Name = Annotated[str, msgspec.Meta(pattern=NAME_PATTERN, examples=["A-1"])]
Words = Annotated[str, msgspec.Meta(max_length=400)]

_PERCENT: Final = re.compile(PERCENT_PATTERN, re.ASCII)
_SIGNED: Final = re.compile(r"-?[0-9]{1,4}(\.[0-9]{1,8})?", re.ASCII)


class Refused(ValueError):
    """An input that cannot be worked with: its field, what is wrong, and the fix."""

    def __init__(self, field: str, what: str, fix: str) -> None:
        self.field = field
        self.said = f"{what}; {fix}"
        super().__init__(f"{field}: {self.said}")


class Heads(
    Buckets, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, gc=False
):
    """Buckets as they are asked for: a head that is misspelt is refused, not taken as nothing."""

    def plain(self) -> Buckets:
        return Buckets(
            costs=self.costs,
            fees=self.fees,
            penalty=self.penalty,
            interest=self.interest,
            principal=self.principal,
        )


def share_of(percent: str, field: str = "percent") -> Fraction:
    """`12.5` as 1/8."""
    if _PERCENT.fullmatch(percent) is None:
        raise Refused(field, "is not a percentage", 'write it like "12.5"')
    return Fraction(percent) / 100


def signed_share_of(percent: str, field: str = "percent") -> Fraction:
    """As `share_of`, for published rates, which have been below zero."""
    if _SIGNED.fullmatch(percent) is None:
        raise Refused(field, "is not a percentage", 'write it like "-0.88"')
    return Fraction(percent) / 100


def decimal_text(value: Fraction) -> str:
    """A finite decimal in full, e.g. `12.5`; anything else as a fraction, e.g. `1/3`."""
    places = 0
    while (value * 10**places).denominator != 1:
        places += 1
        if places > 20:  # noqa: PLR2004 - no percentage written here has as many
            return str(value)
    digits = str(abs((value * 10**places).numerator)).rjust(places + 1, "0")
    sign = "-" if value < 0 else ""
    return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)


def posted(amount: Fraction, rounding: Rounding) -> int:
    """An exact amount as whole minor units: the only place where anything is rounded."""
    whole, rest = divmod(amount.numerator, amount.denominator)
    twice = 2 * rest
    if twice == amount.denominator:
        return whole + 1 if rounding == "half_up" or whole % 2 else whole
    return whole + (twice > amount.denominator)


MAX_SUM: Final = 2**53 - 1
"""What every reader of JSON keeps exact: a sum of several amounts may be so large."""


def within_limit(minor: int, field: str, most: int = MAX_MINOR) -> int:
    """Refuse what is larger than any amount may be, rather than carry it on."""
    if minor > most:
        raise Refused(
            field,
            f"comes to more than the {most} minor units that can be worked with",
            "take smaller amounts, a lower rate or a shorter time",
        )
    return minor


def shown(minor: int, currency: str) -> str:
    return f"{format_minor(minor, currency)} {currency}"
