"""Promises and payments."""

from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from duecourse.case import commands as c
from duecourse.intake.fields import latest_value_day
from duecourse_api.asking import Answer, Asking
from duecourse_api.bodies import (
    Because,
    NewPayment,
    NewPromise,
)
from duecourse_api.problems import INVALID_FIELD, Refused
from duecourse_api.routing import DryRun, PathName, changes, creates


@creates("/cases/{case_id:uuid}/promises")
async def make_promise(
    case_id: FromPath[UUID], data: JSONBody[NewPromise], asking: NamedDependency[Asking]
) -> Response[Answer]:
    """Keep a promise to pay. Whether it was kept is judged the day after it is due."""
    command = c.MakePromise(
        promise_id=asking.new_id("promise"),
        currency=data.currency,
        amount_minor=data.amount_minor,
        due_on=data.due_on,
    )
    return await asking.carry_out(case_id, command, created=True)


@changes("/cases/{case_id:uuid}/promises/{promise_id:uuid}/withdrawal")
async def withdraw_promise(
    case_id: FromPath[UUID],
    promise_id: FromPath[UUID],
    data: JSONBody[Because],
    asking: NamedDependency[Asking],
) -> Response[Answer]:
    """Release the debtor from a promise."""
    return await asking.carry_out(
        case_id, c.WithdrawPromise(promise_id=promise_id, reason=data.reason)
    )


@creates("/cases/{case_id:uuid}/payments")
async def record_payment(
    case_id: FromPath[UUID],
    data: JSONBody[NewPayment],
    asking: NamedDependency[Asking],
    *,
    dry_run: DryRun = False,
) -> Response[Answer]:
    """Record money that came in. The same `payment_id` counts once."""
    latest = latest_value_day(asking.services.clock().date())
    if data.value_on > latest:
        raise Refused(
            INVALID_FIELD, f"it is after {latest}; record what has come in already", "value_on"
        )
    command = c.RecordPayment(
        payment_id=data.payment_id,
        currency=data.currency,
        amount_minor=data.amount_minor,
        value_on=data.value_on,
        reference=data.reference,
        debt_id=data.debt_id,
    )
    if dry_run:
        return await asking.try_out(case_id, command)
    return await asking.carry_out(case_id, command, created=True)


@changes("/cases/{case_id:uuid}/payments/{payment_id:str}/reversal")
async def reverse_payment(
    case_id: FromPath[UUID],
    payment_id: PathName,
    data: JSONBody[Because],
    asking: NamedDependency[Asking],
) -> Response[Answer]:
    """Take a payment back exactly as it went in: it bounced, or was not ours."""
    command = c.ReversePayment(payment_id=payment_id, reason=data.reason)
    return await asking.carry_out(case_id, command)


HANDLERS = [
    make_promise,
    withdraw_promise,
    record_payment,
    reverse_payment,
]
