"""The account of a case: terms of interest, charges, corrections, statements, where money went."""

from datetime import date
from typing import Annotated
from uuid import UUID

from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from duecourse.case import commands as c
from duecourse.case.words import Language
from duecourse.flow.counterfactual import PaymentAllocation, payment_allocation
from duecourse.flow.statement import Statement, statement
from duecourse_api.asking import Answer, Asking, versioned
from duecourse_api.bodies import (
    FIRST_YEAR,
    LAST_YEAR,
    Accrual,
    Because,
    NewAdjustment,
    NewCosts,
    NewInterestTerms,
)
from duecourse_api.login import Caller
from duecourse_api.masking import masked
from duecourse_api.problems import INVALID_FIELD, Refused
from duecourse_api.routing import PathName, changes, creates, reads
from duecourse_api.services import Services

Profile = QueryParameter(
    pattern=r"^[a-z0-9][a-z0-9-]{0,39}$",
    description="An order of payment to compare with: cn-561, de-367, de-497, us, uk, house.",
)


@reads("/cases/{case_id:uuid}/statement")
def show_statement(
    request: Request[Caller, object, object],  # type: ignore[type-var]
    services: NamedDependency[Services],
    case_id: FromPath[UUID],
    *,
    on: Annotated[
        date | None, QueryParameter(description="Today on the debtor's clock, if left out.")
    ] = None,
    language: Annotated[
        Language | None, QueryParameter(description="The debtor's, if left out.")
    ] = None,
) -> Response[Statement]:
    """What is owed on a day, each line that it came from, and how interest was worked out."""
    history = services.engine.history(case_id)
    case = services.engine.load(case_id).case
    if on is not None and not FIRST_YEAR <= on.year <= LAST_YEAR:
        raise Refused(INVALID_FIELD, f"it must be in the years {FIRST_YEAR} to {LAST_YEAR}", "on")
    day = on or case.today(max(services.clock(), case.at))
    seen = statement(
        case_id, (each.event for each in history), day, language or case.debtor.language
    )
    shown = seen if request.user.sees_personal else masked(seen)
    return Response(shown, headers=versioned(len(history)))


@reads("/cases/{case_id:uuid}/payments/{payment_id:str}/allocation")
def show_allocation(
    services: NamedDependency[Services],
    case_id: FromPath[UUID],
    payment_id: PathName,
    profile: Annotated[str | None, Profile] = None,
) -> Response[PaymentAllocation]:
    """Where a payment went and by which law; with `profile`, where it would have gone otherwise."""
    history = services.engine.history(case_id)
    found = payment_allocation((each.event for each in history), payment_id, profile)
    return Response(found, headers=versioned(len(history)))


@changes("/cases/{case_id:uuid}/debts/{debt_id:uuid}/interest")
async def set_interest_terms(
    case_id: FromPath[UUID],
    debt_id: FromPath[UUID],
    data: JSONBody[NewInterestTerms],
    asking: NamedDependency[Asking],
) -> Response[Answer]:
    """Say on which terms a debt bears interest, and what caps it. Without terms none accrues."""
    command = c.SetInterestTerms(debt_id=debt_id, terms=data.terms, evidence=data.evidence)
    return await asking.carry_out(case_id, command)


@changes("/cases/{case_id:uuid}/interest/accrual")
async def accrue_interest(
    case_id: FromPath[UUID], data: JSONBody[Accrual], asking: NamedDependency[Asking]
) -> Response[Answer]:
    """Post the interest of the days that are over. It happens by itself when a month ends."""
    return await asking.carry_out(case_id, c.AccrueInterest(through_on=data.through_on))


@creates("/cases/{case_id:uuid}/costs")
async def add_costs(
    case_id: FromPath[UUID], data: JSONBody[NewCosts], asking: NamedDependency[Asking]
) -> Response[Answer]:
    """Add a charge to a debt, as far as the legal cap has room for it."""
    command = c.AddCosts(
        charge_id=data.charge_id or str(asking.new_id("charge")),
        debt_id=data.debt_id,
        bucket=data.bucket,
        amount_minor=data.amount_minor,
        incurred_on=data.incurred_on,
        ground=data.ground,
        citation=data.citation,
    )
    return await asking.carry_out(case_id, command, created=True)


@creates("/cases/{case_id:uuid}/adjustments")
async def propose_adjustment(
    case_id: FromPath[UUID], data: JSONBody[NewAdjustment], asking: NamedDependency[Asking]
) -> Response[Answer]:
    """Propose that a debt be corrected, written off or forgiven. Another person approves it."""
    command = c.ProposeAdjustment(
        adjustment_id=data.adjustment_id or str(asking.new_id("adjustment")),
        debt_id=data.debt_id,
        kind=data.kind,
        value_on=data.value_on,
        reason=data.reason,
        authority=data.authority,
        change=data.change,
    )
    return await asking.carry_out(case_id, command, created=True)


@changes("/cases/{case_id:uuid}/adjustments/{adjustment_id:str}/approval")
async def approve_adjustment(
    case_id: FromPath[UUID], adjustment_id: PathName, asking: NamedDependency[Asking]
) -> Response[Answer]:
    """Let it take effect. Whoever proposed it cannot."""
    return await asking.carry_out(case_id, c.ApproveAdjustment(adjustment_id=adjustment_id))


@changes("/cases/{case_id:uuid}/adjustments/{adjustment_id:str}/decline")
async def decline_adjustment(
    case_id: FromPath[UUID],
    adjustment_id: PathName,
    data: JSONBody[Because],
    asking: NamedDependency[Asking],
) -> Response[Answer]:
    """Leave the debt as it is."""
    command = c.DeclineAdjustment(adjustment_id=adjustment_id, reason=data.reason)
    return await asking.carry_out(case_id, command)


HANDLERS = [
    show_statement,
    show_allocation,
    set_interest_terms,
    accrue_interest,
    add_costs,
    propose_adjustment,
    approve_adjustment,
    decline_adjustment,
]
