"""Phone numbers: as they are stored, and as a network names who wrote."""

from typing import Annotated, Final

import msgspec
import phonenumbers
from phonenumbers import PhoneNumber

from duecourse import Permanent

Region = Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")]
MOST_SENDER: Final = 50
_INTERNATIONAL: Final = 1
_NATIONAL: Final = 2
_UNKNOWN: Final = 0


def check_region(region: str) -> None:
    """Raises ValueError for a region that has no numbers."""
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"default_region {region} is no known region")


def e164(address: str, region: str) -> str:
    """The number in E.164. The message of Permanent does not repeat it."""
    number = _parse(address, region)
    if number is None or not _is_possible(number):
        raise Permanent("not a phone number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def sender_of(address: str, region: str, ton: int = _UNKNOWN) -> str:
    """Who wrote, in the form in which addresses are stored; `ton` is SMPP's type of number.

    A short code or a name is kept as it came, though no case will know it.
    """
    given = "".join(letter for letter in address if letter.isprintable()).strip()[:MOST_SENDER]
    bare = given.removeprefix("+")
    if not (bare.isascii() and bare.isdigit()):
        return _stored(given, region) or given
    if given != bare or ton == _INTERNATIONAL:
        return _stored(f"+{bare}", region) or given
    if ton == _NATIONAL:
        return _stored(bare, region) or given
    return _guess(bare, region) or given


def _guess(digits: str, region: str) -> str | None:
    """Networks leave the + away without saying whether a number is national."""
    written = (digits, f"+{digits}")
    assigned = [each for each in written if _is_valid(each, region)]
    # The tables of assigned ranges lag; of numbers outside them the longer form is likelier.
    possible = [f"+{digits}", digits]
    for each in [*assigned, *possible]:
        if stored := _stored(each, region):
            return stored
    return None


def _stored(address: str, region: str) -> str | None:
    try:
        return e164(address, region)
    except Permanent:
        return None


def _is_valid(address: str, region: str) -> bool:
    number = _parse(address, region)
    return number is not None and phonenumbers.is_valid_number(number)


def _is_possible(number: PhoneNumber) -> bool:
    # "Possible", not "valid": the tables of assigned ranges lag behind the carriers, and the
    # gateway knows better. They would also refuse the numbers that are kept for fiction.
    reason = phonenumbers.is_possible_number_with_reason(number)
    return not number.extension and reason == phonenumbers.ValidationResult.IS_POSSIBLE


def _parse(address: str, region: str) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(address, region)
    except phonenumbers.NumberParseException:
        return None
