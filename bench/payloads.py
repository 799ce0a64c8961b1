"""What our clients ask: a toy, to be set beside a bare INSERT, and what a collector's day is made of."""

import itertools
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final, Literal

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import Context
from duecourse.case.decide import decide
from duecourse.case.evolve import evolve
from duecourse.case.state import Case
from duecourse.chance import new_id
from duecourse.testing.sample import DEBTOR, NOON, POINTS, debt

Payload = Literal["toy", "real"]

_WORDS: Final = "Supplied the missing payslip, which was checked against the register and accepted."
_MOVED: Final = c.MoveDebtor(time_zone="Asia/Shanghai", jurisdiction=_WORDS)
TOY_EVENT: Final = e.DebtorMoved(at=NOON, time_zone="Asia/Shanghai", jurisdiction=_WORDS)
"""About 200 bytes with nothing sealed."""


def opening() -> c.OpenCase:
    """A case of its own subject, who owes more than a run's payments come to."""
    return c.OpenCase(
        creditor="fictional-bank",
        creditor_name="Fictional Bank",
        subject_id=new_id(),
        borrower_ref="B-1",
        debtor=DEBTOR,
        contact_points=POINTS,
        debts=(debt(new_id(), principal=900_000_000),),
    )


def toy_decide(case: Case | None, command: c.Command, context: Context) -> Sequence[e.Event]:
    """One event for each command, and no thought."""
    if isinstance(command, c.MoveDebtor):
        return (
            e.DebtorMoved(
                at=context.at, time_zone=command.time_zone, jurisdiction=command.jurisdiction
            ),
        )
    return decide(case, command, context)


def toy_evolve(case: Case | None, event: e.Event) -> Case:
    if case is not None and isinstance(event, e.DebtorMoved):
        return case
    return evolve(case, event)


def asks(payload: Payload) -> Iterator[c.Command]:
    """What one case is asked, without end; every command makes at least one event."""
    return itertools.repeat(_MOVED) if payload == "toy" else _days()


def _days() -> Iterator[c.Command]:
    """Money comes in, people talk, messages are asked for, holds come and go."""
    while True:
        hold_id = str(new_id())
        yield _payment()
        yield _conversation()
        yield _contact("sms")
        yield c.PlaceHold(
            hold_id=hold_id, kind="dispute", authority="said on the phone that a fee is wrong"
        )
        yield _payment()
        yield c.LiftHold(hold_id=hold_id, reason="the fee was explained and accepted")
        yield _contact("email")
        yield _conversation()


def _payment() -> c.RecordPayment:
    return c.RecordPayment(
        payment_id=str(new_id()),
        currency="CNY",
        amount_minor=100,
        value_on=date(2026, 3, 1),
        reference="fictional transfer",
    )


def _conversation() -> c.LogConversation:
    return c.LogConversation(
        conversation_id=new_id(),
        channel="call",
        outcome="right_party_contact",
        occurred_at=NOON,
        initiator="debtor",
        note="Asked what is still owed and how to pay it.",
    )


def _contact(channel: str) -> c.RequestContact:
    return c.RequestContact(contact_id=new_id(), channel=channel, template="reminder-first")
