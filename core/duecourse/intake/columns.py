"""The documented columns of the files we read. docs/import.md shows the same table."""

import difflib
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from duecourse.intake.problems import Refused, shown


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """`is_personal` keeps the value out of the errors file: only its shape is shown there."""

    name: str
    form: str
    example: str
    is_required: bool = False
    is_personal: bool = False


def _column(
    name: str, form: str, example: str, *, required: bool = False, personal: bool = False
) -> Column:
    return Column(name=name, form=form, example=example, is_required=required, is_personal=personal)


_UNITS: Final = "decimal in whole units of the currency"
_AMOUNT: Final = f"{_UNITS}; empty is 0"

PORTFOLIO: Final[tuple[Column, ...]] = (
    _column("creditor", "code: A-Z a-z 0-9 . _ : -", "example-bank", required=True),
    _column("creditor_name", "text, up to 200", "Example Bank (fictional)", required=True),
    _column("borrower_ref", "text, up to 100", "B-000123", required=True, personal=True),
    _column("name", "text, up to 200", "Sample Testperson", required=True, personal=True),
    _column("national_id", "text, up to 50", "", personal=True),
    _column("language", "zh or en", "en", required=True),
    _column("time_zone", "IANA zone; empty: not known, blocks contact", "Asia/Shanghai"),
    _column("jurisdiction", "CN, GB, US-MA; empty: not known, blocks contact", "CN"),
    _column("mobile", "E.164: + and digits", "+12025550123", personal=True),
    _column("email", "one address", "sample@example.com", personal=True),
    _column(
        "postal_address",
        "1 to 8 lines, split by `|` or a line break",
        "1 Fiction Road|Sampletown",
        personal=True,
    ),
    _column("account", "text, up to 100", "A-000123-1", required=True, personal=True),
    _column("product", "code", "card", required=True),
    _column("currency", "ISO 4217", "CNY", required=True),
    _column("principal", _UNITS, "1250.00", required=True),
    _column("interest", _AMOUNT, "31.25"),
    _column("penalty", _AMOUNT, "12.50"),
    _column("fees", _AMOUNT, "0.00"),
    _column("costs", _AMOUNT, "0.00"),
    _column("due_on", "ISO 8601 day: oldest unpaid due date, not in the future", "2026-03-31",
            required=True),
    _column("contract_on", "ISO 8601 day, not after due_on", "2024-06-01"),
    _column("limitation_expires_on",
            "ISO 8601 day: the last on which a court can be asked; empty: not known", "2029-03-31"),
)  # fmt: skip

PAYMENTS: Final[tuple[Column, ...]] = (
    _column("payment_id", "code, one per payment", "P-2026-000001", required=True),
    _column("creditor", "code, as in the portfolio", "example-bank", required=True),
    _column(
        "borrower_ref", "text, as in the portfolio", "B-000123", required=True, personal=True
    ),
    _column("account", "as in the portfolio; the debtor's own direction", "A-000123-1",
            personal=True),
    _column("currency", "ISO 4217", "CNY", required=True),
    _column("amount", f"{_UNITS}, above 0", "500.00", required=True),
    _column("value_on", "ISO 8601 day, not in the future", "2026-04-10", required=True),
    _column("reference", "text, up to 200", "card 2026-04", personal=True),
)  # fmt: skip


BANK: Final[tuple[Column, ...]] = (
    _column("account", "text, up to 50: ours, the same in the whole file", "DE02120300000000202051"),
    _column("bank_reference", "text, up to 100: the bank's own, one per entry", "2026030200012"),
    _column("end_to_end_id", "text, up to 100: travels with the payment", "E2E-2026-77"),
    _column("booked_on", "ISO 8601 day", "2026-03-02"),
    _column("value_on", "ISO 8601 day", "2026-03-02", required=True),
    _column("currency", "ISO 4217", "EUR", required=True),
    _column("amount", f"{_UNITS}; a minus is money out", "50.00", required=True),
    _column("direction", "CRDT or DBIT; empty: the sign of the amount says it", "CRDT"),
    _column("return_code", "code: why a payment went back", ""),
    _column("reference", "text, up to 140: a creditor reference of its own field",
            "RF18539007547034", personal=True),
    _column("text", "text, up to 1000: what the payer wrote", "thanks, B-000123", personal=True),
    _column("payer_name", "text, up to 140", "Sample Testperson", personal=True),
    _column("payer_account", "text, up to 50", "DE02500105170137075030", personal=True),
)  # fmt: skip


def check_names(
    given: Sequence[str], known: Iterable[str], required: Iterable[str]
) -> list[tuple[str, Refused]]:
    """Say which names are not known and which required ones are missing."""
    known = tuple(known)
    found = [
        (shown(name), Refused("is not a known column", _suggest(name, known)))
        for name in given
        if name not in known
    ]
    found += [
        (name, Refused("the column is missing", f"add the column {name}"))
        for name in required
        if name not in given
    ]
    return found


def _suggest(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name[:100], known, n=1, cutoff=0.5)
    if close:
        return f"rename it to {close[0]}, or remove it"
    return "remove it, or give a --mapping that says what it is"
