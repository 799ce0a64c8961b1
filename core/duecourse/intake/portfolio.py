"""A row of a portfolio as the command that opens its case and places its debt."""

from datetime import date
from functools import partial
from typing import Final

from duecourse.case.commands import OpenCase
from duecourse.case.events import ContactPoint, Debt, Debtor
from duecourse.intake import fields as f
from duecourse.intake.problems import Problem, Refused
from duecourse.intake.reading import Fields, Prepared, Pseudonyms
from duecourse.money.amounts import MAX_MINOR, Buckets

IDENTITY: Final = ("creditor", "account")
_NO_DAY: Final = date.max


def read_placement(
    line: int, fields: Fields, ids: Pseudonyms, as_of: date
) -> Prepared | list[Problem]:
    """Check every field; the ids come from the references and the vault's key, never from names."""
    creditor = fields.take("creditor", f.code, "")
    creditor_name = fields.take("creditor_name", partial(f.line_of_text, longest=200), "")
    borrower_ref = fields.take("borrower_ref", partial(f.line_of_text, longest=100), "")
    debtor = _debtor(fields)
    points = _contact_points(fields)
    debt = _debt(fields, ids, creditor, as_of)
    if fields.problems:
        return fields.problems
    command = OpenCase(
        creditor=creditor,
        creditor_name=creditor_name,
        subject_id=ids.pseudonym("subject", creditor, borrower_ref),
        borrower_ref=borrower_ref,
        debtor=debtor,
        contact_points=points,
        debts=(debt,),
    )
    return Prepared(
        line=line,
        case_id=ids.pseudonym("case", creditor, borrower_ref),
        command=command,
        warnings=_warnings(debtor, points),
    )


def _debtor(fields: Fields) -> Debtor:
    return Debtor(
        name=fields.take("name", partial(f.line_of_text, longest=200), ""),
        national_id=fields.take("national_id", partial(f.line_of_text, longest=50), ""),
        language=fields.take("language", f.language, "zh"),
        time_zone=fields.take("time_zone", f.time_zone, ""),
        jurisdiction=fields.take("jurisdiction", f.jurisdiction, ""),
    )


def _contact_points(fields: Fields) -> tuple[ContactPoint, ...]:
    mobile = fields.take("mobile", f.phone, "")
    email = fields.take("email", f.email, "")
    postal = fields.take("postal_address", f.postal, "")
    points = (
        ContactPoint(point_id="mobile", kind="phone", address=mobile),
        ContactPoint(point_id="email", kind="email", address=email),
        ContactPoint(point_id="postal", kind="postal", address=postal),
    )
    return tuple(point for point in points if point.address)


def _debt(fields: Fields, ids: Pseudonyms, creditor: str, as_of: date) -> Debt:
    account = fields.take("account", partial(f.line_of_text, longest=100), "")
    currency = fields.take("currency", f.currency, "XXX")
    product = fields.take("product", f.code, "")
    due_on = fields.take("due_on", partial(f.day_until, latest=as_of), _NO_DAY)
    return Debt(
        debt_id=ids.pseudonym("debt", creditor, account),
        account=account,
        product=product,
        currency=currency,
        balance=_balance(fields, currency),
        due_on=due_on,
        contract_on=_contract_on(fields, due_on),
        limitation_expires_on=_limitation(fields, due_on),
    )


def _balance(fields: Fields, currency: str) -> Buckets:
    amount = partial(f.amount, in_currency=currency)
    before = len(fields.problems)
    balance = Buckets(
        principal=fields.take("principal", amount, 0),
        interest=fields.take("interest", amount, 0),
        penalty=fields.take("penalty", amount, 0),
        fees=fields.take("fees", amount, 0),
        costs=fields.take("costs", amount, 0),
    )
    if len(fields.problems) > before:
        return balance
    if balance.total == 0:
        fields.note("principal", Refused("nothing is owed", "leave out accounts that are settled"))
    if balance.total > MAX_MINOR:
        fields.note("principal", Refused("more is owed than one debt may have", "check the unit"))
    return balance


def _contract_on(fields: Fields, due_on: date) -> date | None:
    if not fields.has("contract_on"):
        return None
    contract_on = fields.take("contract_on", f.day, None)
    if contract_on is not None and contract_on > due_on:
        fields.note(
            "contract_on",
            Refused(f"{contract_on} is after due_on, {due_on}", "correct one of the two"),
        )
    return contract_on


def _limitation(fields: Fields, due_on: date) -> date | None:
    if not fields.has("limitation_expires_on"):
        return None
    last = fields.take("limitation_expires_on", f.day, None)
    if last is not None and due_on != _NO_DAY and last < due_on:
        fields.note(
            "limitation_expires_on",
            Refused(f"{last} is before due_on, {due_on}", "correct one of the two"),
        )
    return last


def _warnings(debtor: Debtor, points: tuple[ContactPoint, ...]) -> tuple[str, ...]:
    checks = (
        (debtor.time_zone, "time zone not known: contact is blocked until it is"),
        (debtor.jurisdiction, "jurisdiction not known: contact is blocked until it is"),
        (points, "no mobile, e-mail or postal address"),
    )
    return tuple(words for known, words in checks if not known)
