"""Promises, plans, payments."""

from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from duecourse.case import commands as c
from duecourse.case.errors import Invalid
from duecourse.case.events import Instalment
from duecourse.case.state import Case
from duecourse.money.schedules import monthly, split
from duecourse_api.asking import Answer, Asking
from duecourse_api.bodies import (
    Acceptance,
    Because,
    Decline,
    NewPayment,
    NewPlan,
    NewPromise,
)
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


@creates("/cases/{case_id:uuid}/plans")
async def offer_plan(
    case_id: FromPath[UUID],
    data: JSONBody[NewPlan],
    asking: NamedDependency[Asking],
    *,
    dry_run: DryRun = False,
) -> Response[Answer]:
    """Put a plan to the debtor. Instalments and waiver must add up to what is owed."""
    plan_id = asking.new_id("plan")
    command = c.OfferPlan(
        plan_id=plan_id,
        kind=data.kind,
        currency=data.currency,
        instalments=_instalments(data, (await asking.load(case_id)).case, plan_id),
        expires_on=data.expires_on,
        waived_minor=data.waived_minor,
    )
    if dry_run:
        return await asking.try_out(case_id, command)
    return await asking.carry_out(case_id, command, created=True)


def _instalments(data: NewPlan, case: Case, plan_id: UUID) -> tuple[Instalment, ...]:
    if data.count is None or data.first_due_on is None:
        return tuple(
            Instalment(due_on=each.due_on, amount_minor=each.amount_minor)
            for each in data.instalments
        )
    # When the request is repeated the plan is there already: split the sum it was offered for,
    # as more may have been paid since, and the repeat must be the same command.
    offered = case.plans.get(plan_id)
    owed = case.outstanding(data.currency).total - data.waived_minor
    try:
        parts = split(offered.total_minor if offered else owed, data.count)
    except ValueError:
        raise Invalid(
            "what is owed, less the waiver, cannot be paid in so many parts", "count"
        ) from None
    days = monthly(data.first_due_on, data.count)
    return tuple(
        Instalment(due_on=day, amount_minor=part) for day, part in zip(days, parts, strict=True)
    )


@changes("/cases/{case_id:uuid}/plans/{plan_id:uuid}/acceptance")
async def accept_plan(
    case_id: FromPath[UUID],
    plan_id: FromPath[UUID],
    data: JSONBody[Acceptance],
    asking: NamedDependency[Asking],
) -> Response[Answer]:
    """The debtor agreed."""
    return await asking.carry_out(case_id, c.AcceptPlan(plan_id=plan_id, evidence=data.evidence))


@changes("/cases/{case_id:uuid}/plans/{plan_id:uuid}/decline")
async def decline_plan(
    case_id: FromPath[UUID],
    plan_id: FromPath[UUID],
    data: JSONBody[Decline],
    asking: NamedDependency[Asking],
) -> Response[Answer]:
    """The debtor said no."""
    return await asking.carry_out(case_id, c.DeclinePlan(plan_id=plan_id, reason=data.reason))


@changes("/cases/{case_id:uuid}/plans/{plan_id:uuid}/withdrawal")
async def withdraw_plan(
    case_id: FromPath[UUID],
    plan_id: FromPath[UUID],
    data: JSONBody[Because],
    asking: NamedDependency[Asking],
) -> Response[Answer]:
    """Take an offer or a running plan back."""
    return await asking.carry_out(case_id, c.WithdrawPlan(plan_id=plan_id, reason=data.reason))


@creates("/cases/{case_id:uuid}/payments")
async def record_payment(
    case_id: FromPath[UUID],
    data: JSONBody[NewPayment],
    asking: NamedDependency[Asking],
    *,
    dry_run: DryRun = False,
) -> Response[Answer]:
    """Record money that came in. The same `payment_id` counts once."""
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
    offer_plan,
    accept_plan,
    decline_plan,
    withdraw_plan,
    record_payment,
    reverse_payment,
]
