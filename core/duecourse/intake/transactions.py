"""What a bank says that came in or went back, whatever file it said it in."""

from datetime import date
from typing import Literal

import msgspec

Kind = Literal["credit", "return", "own_return", "debit"]
Message = Literal["053", "054", "csv"]


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """One movement of money: an entry, or one of the details that a batch entry is made of.

    `kind`: money in; money that went back to the payer; money of ours that came back to us; money
    out. `bank_refs` are the bank's own references, `others` those that travel with the payment;
    both empty where the bank gives none. `structured` are creditor references, `text` is what the
    payer wrote. `original_minor` is what a return says of the payment it takes back. `doubt` is
    why the parts of a batch were not believed, and the batch taken as one.
    """

    line: int
    kind: Kind
    currency: str
    amount_minor: int
    booked_on: date | None
    value_on: date
    pending: bool = False
    is_whole: bool = True
    entry_ref: str = ""
    bank_refs: tuple[str, ...] = ()
    end_to_end_id: str = ""
    others: tuple[str, ...] = ()
    structured: tuple[str, ...] = ()
    text: str = ""
    payer_name: str = ""
    payer_account: str = ""
    return_code: str = ""
    original_minor: int | None = None
    doubt: str = ""

    def __repr__(self) -> str:
        """Without a word about the payer."""
        return f"Transaction(line={self.line}, kind={self.kind!r}, is_whole={self.is_whole})"


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A statement, or notification, of one account."""

    line: int
    message: Message
    statement_id: str
    account: str
    version: str = ""


class StatementEnd(msgspec.Struct, frozen=True, kw_only=True):
    """What the bank says that it all adds up to; None where it does not say.

    `booked` are the signed sums of the booked entries, `credits` how many came in and their sum.
    """

    line: int
    currency: str
    opening_minor: int | None
    closing_minor: int | None
    booked_minor: int
    credit_count: int
    credit_minor: int
    said_credit_count: int | None
    said_credit_minor: int | None
