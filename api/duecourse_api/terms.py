"""What the debtor agreed to or asked for, and what is learnt that rules look at."""

from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from duecourse.case import commands as c
from duecourse_api.asking import Answer, Asking
from duecourse_api.bodies import (
    ConsentEnd,
    How,
    MediumChoice,
    NewAgreement,
    NewConsent,
    NewFact,
    NewLimitation,
    NewPlace,
    utc,
)
from duecourse_api.configured import (
    require_channels,
    require_consent,
    require_fact,
    require_medium,
)
from duecourse_api.routing import PathName, changes, creates


@creates("/cases/{case_id:uuid}/consents")
async def record_consent(
    case_id: FromPath[UUID], data: JSONBody[NewConsent], asking: NamedDependency[Asking]
) -> Response[Answer]:
    """Keep what the debtor agreed to, when and how."""
    require_consent(asking, data.consent, data.channel)
    command = c.RecordConsent(
        consent_id=data.consent_id or str(asking.new_id("consent")),
        consent=data.consent,
        given_at=utc(data.given_at),
        how=data.how,
        evidence=data.evidence,
        channel=data.channel or "",
        point_id=data.point_id or "",
    )
    return await asking.carry_out(case_id, command, created=True)


@creates("/cases/{case_id:uuid}/consent-withdrawals")
async def withdraw_consent(
    case_id: FromPath[UUID], data: JSONBody[ConsentEnd], asking: NamedDependency[Asking]
) -> Response[Answer]:
    """End a consent; what waits on the channel is called back."""
    require_consent(asking, data.consent, data.channel)
    command = c.WithdrawConsent(
        consent=data.consent,
        withdrawn_at=utc(data.withdrawn_at),
        how=data.how,
        channel=data.channel or "",
        point_id=data.point_id or "",
    )
    return await asking.carry_out(case_id, command, created=True)


@creates("/cases/{case_id:uuid}/agreed-hours")
async def agree_hours(
    case_id: FromPath[UUID], data: JSONBody[NewAgreement], asking: NamedDependency[Asking]
) -> Response[Answer]:
    """Keep the hours that the debtor agreed to or asked for."""
    for each in data.hours:
        require_channels(asking, each.channels, "hours")
    command = c.AgreeHours(
        agreement_id=data.agreement_id or str(asking.new_id("agreement")),
        hours=tuple(each.record() for each in data.hours),
        how=data.how,
    )
    return await asking.carry_out(case_id, command, created=True)


@changes("/cases/{case_id:uuid}/agreed-hours/{agreement_id:str}/end")
async def end_agreed_hours(
    case_id: FromPath[UUID],
    agreement_id: PathName,
    data: JSONBody[How],
    asking: NamedDependency[Asking],
) -> Response[Answer]:
    """The agreed hours hold no longer."""
    command = c.EndAgreedHours(agreement_id=agreement_id, how=data.how)
    return await asking.carry_out(case_id, command)


@creates("/cases/{case_id:uuid}/refused-media")
async def refuse_medium(
    case_id: FromPath[UUID], data: JSONBody[MediumChoice], asking: NamedDependency[Asking]
) -> Response[Answer]:
    """The debtor asked that a channel, or the workplace, not be used."""
    require_medium(asking, data.medium)
    return await asking.carry_out(
        case_id, c.RefuseMedium(medium=data.medium, how=data.how), created=True
    )


@creates("/cases/{case_id:uuid}/allowed-media")
async def allow_medium(
    case_id: FromPath[UUID], data: JSONBody[MediumChoice], asking: NamedDependency[Asking]
) -> Response[Answer]:
    """The debtor has nothing against it any more."""
    require_medium(asking, data.medium)
    return await asking.carry_out(
        case_id, c.AllowMedium(medium=data.medium, how=data.how), created=True
    )


@creates("/cases/{case_id:uuid}/debtor/possible-places")
async def add_possible_place(
    case_id: FromPath[UUID], data: JSONBody[NewPlace], asking: NamedDependency[Asking]
) -> Response[Answer]:
    """Say where the debtor may live as well; the strictest place decides until one is settled."""
    command = c.AddPossiblePlace(
        time_zone=data.time_zone.strip(), jurisdiction=data.jurisdiction.strip()
    )
    return await asking.carry_out(case_id, command, created=True)


@creates("/cases/{case_id:uuid}/facts")
async def record_fact(
    case_id: FromPath[UUID], data: JSONBody[NewFact], asking: NamedDependency[Asking]
) -> Response[Answer]:
    """Keep the day of something that a rule waits for, such as a letter of claim."""
    require_fact(asking, data.fact)
    command = c.RecordFact(fact=data.fact, on=data.on, how=data.how)
    return await asking.carry_out(case_id, command, created=True)


@changes("/cases/{case_id:uuid}/debts/{debt_id:uuid}/limitation")
async def record_limitation(
    case_id: FromPath[UUID],
    debt_id: FromPath[UUID],
    data: JSONBody[NewLimitation],
    asking: NamedDependency[Asking],
) -> Response[Answer]:
    """Say until when a debt can be taken to court."""
    command = c.RecordLimitation(debt_id=debt_id, expires_on=data.expires_on, how=data.how)
    return await asking.carry_out(case_id, command)


HANDLERS = [
    record_consent,
    withdraw_consent,
    agree_hours,
    end_agreed_hours,
    refuse_medium,
    allow_medium,
    add_possible_place,
    record_fact,
    record_limitation,
]
