"""What a decision about a bank entry asks of its case, and the decision of a person."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Final, Literal
from uuid import UUID

import msgspec

from duecourse.case.commands import RecordPayment, ReturnRefund, ReversePayment
from duecourse.case.context import Actor
from duecourse.case.errors import CaseError, CaseNotFound, Contradiction, Invalid, Unknown
from duecourse.case.state import Case
from duecourse.intake.fields import latest_value_day
from duecourse.intake.reading import Pseudonyms
from duecourse.intake.transactions import Transaction
from duecourse.store.bank_entries import BankEntries, BankEntry
from duecourse.store.database import Database
from duecourse.store.engine import Engine, Outcome, Request
from duecourse.store.payment_keys import PaymentKeys
from duecourse.store.vault import Vault

MAX_REFERENCE: Final = 1_900
IMPORT: Final = "import"
AT_ONCE: Final = 500


class Bank:
    """What an import of bank files works with."""

    def __init__(self, engine: Engine, database: Database, vault: Vault) -> None:
        self.engine = engine
        self.vault = vault
        self.entries = BankEntries(database, vault)
        self.keys = PaymentKeys(vault)
        self.database = database

    def is_to_come(self, value_on: date) -> bool:
        return value_on > latest_value_day(self.engine.clock().date())

    def load(self, cases: Collection[UUID]) -> Mapping[UUID, Case]:
        return {key: found.case for key, found in self.engine.load_many(cases).items()}


def payment_id_of(entry_id: UUID) -> str:
    return f"bank-{entry_id.hex}"


def request_for(
    ids: Pseudonyms, actor: Actor, entry: BankEntry, each: Transaction | None = None, text: str = ""
) -> Request:
    """What a decision asks of its case; the same one whoever finds it."""
    assert entry.case_id is not None, "a decision names its case"
    command: RecordPayment | ReversePayment | ReturnRefund
    if entry.what == "own_return":
        command = ReturnRefund(refund_id=entry.payment_id, reason="the bank brought it back")
    elif entry.what == "return":
        code = each.return_code if each is not None and each.return_code else "not said"
        reason = f"the bank returned it: {code}"
        command = ReversePayment(payment_id=entry.payment_id, reason=reason)
    else:
        command = RecordPayment(
            payment_id=entry.payment_id,
            currency=entry.currency,
            amount_minor=entry.amount_minor,
            value_on=entry.value_on,
            reference=text if each is None else text_of(each),
            debt_id=entry.debt_id,
        )
    content = (str(entry.case_id), actor.id, msgspec.json.encode(command).decode())
    return Request(
        case_id=entry.case_id,
        command=command,
        command_id=ids.pseudonym("command", *content),
        actor=actor,
        causation=IMPORT,
    )


def text_of(each: Transaction) -> str:
    return " ".join(filter(None, (*each.structured, each.text)))[:MAX_REFERENCE]


DismissalReason = Literal["not_a_payment", "other_creditor", "duplicate", "handled_elsewhere"]


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What a person decided: the case, and what in it the money belongs to.

    `debt_id` directs a payment; `payment_id` is what a return takes back, `refund_id` what a
    return of our own money was.
    """

    case_id: UUID
    debt_id: UUID | None = None
    payment_id: str = ""
    refund_id: str = ""


def carry_on(bank: Bank, actor: Actor) -> None:
    """Carry out what was decided and then left, as by an import that died.

    The words of the payer were in its file; whoever imports that again before brings them.
    """
    while left := bank.entries.under_way(AT_ONCE):
        requests = [request_for(bank.vault, actor, entry) for entry in left]
        for entry, answer in zip(left, bank.engine.execute_batch(requests), strict=True):
            if isinstance(answer, CaseError):
                bank.entries.refused(entry.entry_id, f"the case does not take it: {answer}")
            else:
                bank.entries.posted([entry.entry_id], actor.id)


def match_by_person(bank: Bank, actor: Actor, entry_id: UUID, choice: Choice) -> Outcome:
    """Carry out what a person decided about an entry of the queue; again gives nothing new.

    Raises Unknown for an entry that is not on record, Contradiction for one that was matched
    otherwise, and the CaseError of a case that does not take it; the entry then goes on waiting.
    """
    entry = bank.entries.get([entry_id]).get(entry_id)
    if entry is None:
        raise Unknown(f"there is no bank entry {entry_id}", "entry_id")
    name = _name_of(bank, entry, choice)
    texts = bank.entries.waiting(1, only=entry_id)
    if entry.state == "unmatched":
        bank.entries.claim(entry_id, choice.case_id, choice.debt_id, name)
        entry = bank.entries.get([entry_id])[entry_id]
    if (entry.state, entry.case_id, entry.payment_id) not in {
        ("posting", choice.case_id, name),
        ("posted", choice.case_id, name),
    }:
        what = "set aside" if entry.state == "set_aside" else "matched otherwise"
        raise Contradiction(f"the entry was {what} before; reverse that first", "entry_id")
    if entry.state == "posted":
        return Outcome(case_id=choice.case_id, version=0, events=(), position=None, repeated=True)
    text = texts[0].remitter.text if texts else ""
    (answer,) = bank.engine.execute_batch([request_for(bank.vault, actor, entry, text=text)])
    if isinstance(answer, CaseError):
        bank.entries.refused(entry_id, f"the case does not take it: {answer}")
        raise answer
    bank.entries.posted([entry_id], actor.id)
    return answer


def dismiss_by_person(bank: Bank, actor: Actor, entry_id: UUID, why: DismissalReason) -> None:
    """Take an entry out of the queue; again is no more. Raises CaseError as `match_by_person`."""
    if bank.entries.set_aside([entry_id], why, actor.id):
        return
    entry = bank.entries.get([entry_id]).get(entry_id)
    if entry is None:
        raise Unknown(f"there is no bank entry {entry_id}", "entry_id")
    if entry.state != "set_aside":
        raise Contradiction("the entry was matched before; reverse that first", "entry_id")


def _name_of(bank: Bank, entry: BankEntry, choice: Choice) -> str:
    """The payment or refund that it is about; raises CaseError where the choice makes no sense."""
    case = bank.load([choice.case_id]).get(choice.case_id)
    if case is None:
        raise CaseNotFound("there is no such case", "case_id")
    _only(choice, entry.what)
    match entry.what:
        case "credit":
            if entry.state == "unmatched" and bank.is_to_come(entry.value_on):
                raise Invalid(f"{entry.value_on} has not come yet; match it then", "value_on")
            if choice.debt_id is not None and choice.debt_id not in case.debts:
                raise Unknown(f"the case has no debt {choice.debt_id}", "debt_id")
            return payment_id_of(entry.entry_id)
        case "return":
            if choice.payment_id not in case.payments:
                raise Unknown("name the payment of the case that went back", "payment_id")
            return choice.payment_id
        case "own_return":
            if choice.refund_id not in case.refunds:
                raise Unknown("name the refund of the case that came back", "refund_id")
            return choice.refund_id


def _only(choice: Choice, what: Literal["credit", "return", "own_return"]) -> None:
    fields = {"credit": "debt_id", "return": "payment_id", "own_return": "refund_id"}
    for name in set(fields.values()) - {fields[what]}:
        if getattr(choice, name):
            raise Invalid(f"{name} says nothing of a {what.replace('_', ' ')}", name)
