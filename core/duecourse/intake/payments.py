"""A row of a payments file as the report of money that came in."""

from datetime import date
from functools import partial
from typing import Final

from duecourse.case.commands import RecordPayment
from duecourse.intake import fields as f
from duecourse.intake.problems import Problem, Refused
from duecourse.intake.reading import Fields, Prepared, Pseudonyms

IDENTITY: Final = ("creditor", "payment_id")


def read_payment(
    line: int, fields: Fields, ids: Pseudonyms, as_of: date
) -> Prepared | list[Problem]:
    creditor = fields.take("creditor", f.code, "")
    borrower_ref = fields.take("borrower_ref", partial(f.line_of_text, longest=100), "")
    account = fields.take("account", partial(f.line_of_text, longest=100), "")
    currency = fields.take("currency", f.currency, "XXX")
    payment_id = fields.take("payment_id", f.code, "")
    amount = fields.take("amount", partial(_above_zero, currency=currency), 1)
    value_on = fields.take("value_on", partial(f.day_until, latest=as_of), date.max)
    reference = fields.take("reference", partial(f.line_of_text, longest=200), "")
    if fields.problems:
        return fields.problems
    command = RecordPayment(
        payment_id=payment_id,
        currency=currency,
        amount_minor=amount,
        value_on=value_on,
        reference=reference,
        debt_id=ids.pseudonym("debt", creditor, account) if account else None,
    )
    case_id = ids.pseudonym("case", creditor, borrower_ref)
    return Prepared(line=line, case_id=case_id, command=command)


def _above_zero(value: str, currency: str) -> int:
    minor = f.amount(value, currency)
    if minor == 0:
        raise Refused("the amount is zero", "leave out rows that paid nothing")
    return minor
