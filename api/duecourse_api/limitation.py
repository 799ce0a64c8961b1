"""Until when a debt can be taken to court; what moves that day; and what may help the debtor."""

from datetime import date
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from duecourse.case import commands as c
from duecourse.case.arrears import Suggestion, options
from duecourse.views.limitation import DebtLimitation, debt_limitations
from duecourse_api.asking import Answer, Asking, versioned
from duecourse_api.bodies import FIRST_YEAR, LAST_YEAR, NewLimitationAct, NewLimitationTerms
from duecourse_api.problems import INVALID_FIELD, Refused
from duecourse_api.routing import changes, creates, reads
from duecourse_api.services import Services


class LimitationView(msgspec.Struct, frozen=True, kw_only=True):
    case_id: UUID
    version: int
    debts: tuple[DebtLimitation, ...]


class OptionsView(msgspec.Struct, frozen=True, kw_only=True):
    case_id: UUID
    version: int
    options: tuple[Suggestion, ...]


@reads("/cases/{case_id:uuid}/limitation")
def show_limitation(
    services: NamedDependency[Services],
    case_id: FromPath[UUID],
    on: Annotated[
        date | None, QueryParameter(description="Today on the debtor's clock, if left out.")
    ] = None,
) -> Response[LimitationView]:
    """Until when each debt can be taken to court, by which law and which acts, with evidence."""
    history = services.engine.history(case_id)
    case = services.engine.load(case_id).case
    today = case.today(max(services.clock(), case.at)) if on is None else _checked(on)
    debts = debt_limitations((each.event for each in history), today)
    seen = LimitationView(case_id=case_id, version=len(history), debts=debts)
    return Response(seen, headers=versioned(seen.version))


def _checked(on: date) -> date:
    if not FIRST_YEAR <= on.year <= LAST_YEAR:
        raise Refused(INVALID_FIELD, f"it must be in the years {FIRST_YEAR} to {LAST_YEAR}", "on")
    return on


@reads("/cases/{case_id:uuid}/options")
def show_options(
    services: NamedDependency[Services], case_id: FromPath[UUID]
) -> Response[OptionsView]:
    """What may help this debtor, by the reasons that they gave; each with its source."""
    loaded = services.engine.load(case_id)
    seen = OptionsView(case_id=case_id, version=loaded.version, options=options(loaded.case))
    return Response(seen, headers=versioned(loaded.version))


@changes("/cases/{case_id:uuid}/debts/{debt_id:uuid}/limitation/terms")
async def set_limitation_terms(
    case_id: FromPath[UUID],
    debt_id: FromPath[UUID],
    data: JSONBody[NewLimitationTerms],
    asking: NamedDependency[Asking],
) -> Response[Answer]:
    """Say by which law, and from which day, the period of a debt runs."""
    command = c.SetLimitationTerms(
        debt_id=debt_id,
        starts_on=data.starts_on,
        how=data.how,
        law=data.law,
        contract=data.contract,
        known_on=data.known_on,
    )
    return await asking.carry_out(case_id, command)


@creates("/cases/{case_id:uuid}/debts/{debt_id:uuid}/limitation/acts")
async def record_limitation_act(
    case_id: FromPath[UUID],
    debt_id: FromPath[UUID],
    data: JSONBody[NewLimitationAct],
    asking: NamedDependency[Asking],
) -> Response[Answer]:
    """Keep an act that may move the clock: an acknowledgement, a registered letter, a judgment."""
    command = c.RecordLimitationAct(
        act_id=data.act_id or str(asking.new_id("limitation act")),
        debt_id=debt_id,
        act=data.act,
        on=data.on,
        evidence=data.evidence,
        until=data.until,
        has=data.has,
    )
    return await asking.carry_out(case_id, command, created=True)


HANDLERS = [show_limitation, show_options, set_limitation_terms, record_limitation_act]
