"""Opening a case, and what it is about: debts, addresses, stage, closing."""

from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from duecourse.case import commands as c
from duecourse_api.asking import Answer, Asking
from duecourse_api.bodies import (
    Because,
    Closure,
    NewCase,
    NewContactPoint,
    NewDebt,
    NewPlace,
    NewStage,
)
from duecourse_api.routing import PathName, changes, creates


@creates("/cases")
async def open_case(data: JSONBody[NewCase], asking: NamedDependency[Asking]) -> Response[Answer]:
    """Open a case, or place on the open one the debts it does not have yet."""
    pseudonym = asking.services.vault.pseudonym
    case_id = pseudonym("case", data.creditor, data.borrower_ref)
    ids = [pseudonym("debt", data.creditor, each.account) for each in data.debts]
    pairs = list(zip(data.debts, ids, strict=True))
    command = c.OpenCase(
        creditor=data.creditor,
        creditor_name=data.creditor_name,
        subject_id=pseudonym("subject", data.creditor, data.borrower_ref),
        borrower_ref=data.borrower_ref,
        debtor=data.debtor.record(),
        contact_points=tuple(each.record() for each in data.contact_points),
        debts=tuple(each.record(debt_id) for each, debt_id in pairs),
        interest=tuple(
            agreed for each, debt_id in pairs if (agreed := each.agreed(debt_id)) is not None
        ),
    )
    response = await asking.carry_out(case_id, command, created=True)
    response.headers["Location"] = f"/cases/{case_id}"
    return response


@creates("/cases/{case_id:uuid}/debts")
async def place_debt(
    case_id: FromPath[UUID], data: JSONBody[NewDebt], asking: NamedDependency[Asking]
) -> Response[Answer]:
    """Place another account of the same debtor and creditor."""
    creditor = (await asking.load(case_id)).case.creditor
    debt_id = asking.services.vault.pseudonym("debt", creditor, data.account)
    command = c.PlaceDebt(debt=data.record(debt_id), interest=data.agreed(debt_id))
    return await asking.carry_out(case_id, command, created=True)


@changes("/cases/{case_id:uuid}/debts/{debt_id:uuid}/withdrawal")
async def withdraw_debt(
    case_id: FromPath[UUID],
    debt_id: FromPath[UUID],
    data: JSONBody[Because],
    asking: NamedDependency[Asking],
) -> Response[Answer]:
    """Take a debt back: recalled, sold, or never owed."""
    return await asking.carry_out(case_id, c.WithdrawDebt(debt_id=debt_id, reason=data.reason))


@creates("/cases/{case_id:uuid}/contact-points")
async def add_contact_point(
    case_id: FromPath[UUID], data: JSONBody[NewContactPoint], asking: NamedDependency[Asking]
) -> Response[Answer]:
    """Add an address, or replace the one of the same `point_id`."""
    return await asking.carry_out(case_id, c.AddContactPoint(point=data.record()), created=True)


@changes("/cases/{case_id:uuid}/contact-points/{point_id:str}/retirement")
async def retire_contact_point(
    case_id: FromPath[UUID],
    point_id: PathName,
    data: JSONBody[Because],
    asking: NamedDependency[Asking],
) -> Response[Answer]:
    """Use an address no more."""
    return await asking.carry_out(
        case_id, c.RetireContactPoint(point_id=point_id, reason=data.reason)
    )


@changes("/cases/{case_id:uuid}/debtor/place")
async def move_debtor(
    case_id: FromPath[UUID], data: JSONBody[NewPlace], asking: NamedDependency[Asking]
) -> Response[Answer]:
    """Say under whose clock and law the debtor lives."""
    command = c.MoveDebtor(time_zone=data.time_zone.strip(), jurisdiction=data.jurisdiction.strip())
    return await asking.carry_out(case_id, command)


@changes("/cases/{case_id:uuid}/stage")
async def move_stage(
    case_id: FromPath[UUID], data: JSONBody[NewStage], asking: NamedDependency[Asking]
) -> Response[Answer]:
    """Move the case to another stage, when it is ready for it."""
    return await asking.carry_out(case_id, c.MoveStage(to=data.to, reason=data.reason))


@changes("/cases/{case_id:uuid}/closure")
async def close_case(
    case_id: FromPath[UUID], data: JSONBody[Closure], asking: NamedDependency[Asking]
) -> Response[Answer]:
    """Close the case and call back every contact that has not left."""
    return await asking.carry_out(case_id, c.CloseCase(reason=data.reason, note=data.note))


@changes("/cases/{case_id:uuid}/reopening")
async def reopen_case(
    case_id: FromPath[UUID], data: JSONBody[Because], asking: NamedDependency[Asking]
) -> Response[Answer]:
    """Open a closed case again."""
    return await asking.carry_out(case_id, c.ReopenCase(reason=data.reason))


HANDLERS = [
    open_case,
    place_debt,
    withdraw_debt,
    add_contact_point,
    retire_contact_point,
    move_debtor,
    move_stage,
    close_case,
    reopen_case,
]
