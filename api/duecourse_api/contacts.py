"""Contact: may we, shall we, and what was said."""

from uuid import UUID

from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from duecourse.case import commands as c
from duecourse.case.events import ContactRefused
from duecourse_api.asking import Answer, Asking
from duecourse_api.bodies import (
    Because,
    ChannelChoice,
    NewContact,
    NewConversation,
    NewReply,
    Reading,
    utc,
)
from duecourse_api.configured import (
    require_channel,
    require_channels,
    require_left,
    require_past,
    require_template,
)
from duecourse_api.routing import DryRun, PathName, changes, creates


@creates("/cases/{case_id:uuid}/contacts")
async def request_contact(
    case_id: FromPath[UUID],
    data: JSONBody[NewContact],
    asking: NamedDependency[Asking],
    *,
    dry_run: DryRun = False,
) -> Response[Answer]:
    """Ask the rules for one contact: 201 and a permission, or 200 and the refusal with its rule."""
    require_channel(asking.services, data.channel)
    require_template(asking.services, data.channel, data.template)
    command = c.RequestContact(
        contact_id=asking.new_id("contact"),
        channel=data.channel,
        template=data.template,
        point_id=data.point_id or "",
        debts=data.debts,
    )
    if dry_run:
        return await asking.try_out(case_id, command)
    response = await asking.carry_out(case_id, command, created=True)
    if any(isinstance(event, ContactRefused) for event in response.content.events):
        response.status_code = 200
    return response


@changes("/cases/{case_id:uuid}/contacts/{contact_id:uuid}/cancellation")
async def cancel_contact(
    case_id: FromPath[UUID],
    contact_id: FromPath[UUID],
    data: JSONBody[Because],
    asking: NamedDependency[Asking],
) -> Response[Answer]:
    """Call a permitted contact back before it leaves."""
    return await asking.carry_out(
        case_id, c.CancelContact(contact_id=contact_id, reason=data.reason)
    )


@creates("/cases/{case_id:uuid}/conversations")
async def log_conversation(
    case_id: FromPath[UUID], data: JSONBody[NewConversation], asking: NamedDependency[Asking]
) -> Response[Answer]:
    """Keep what was said, with whom, and what came of it."""
    require_channels(asking, [data.channel])
    require_past(asking, utc(data.occurred_at), "occurred_at")
    command = c.LogConversation(
        conversation_id=asking.new_id("conversation"),
        channel=data.channel,
        outcome=data.outcome,
        occurred_at=utc(data.occurred_at),
        initiator=data.initiator,
        party=data.party,
        arrears_reason=data.arrears_reason,
        note=data.note,
        point_id=data.point_id or "",
        debts=data.debts,
        consented_at=None if data.consented_at is None else utc(data.consented_at),
        by=data.by,
    )
    return await asking.carry_out(case_id, command, created=True)


@creates("/cases/{case_id:uuid}/replies")
async def record_reply(
    case_id: FromPath[UUID], data: JSONBody[NewReply], asking: NamedDependency[Asking]
) -> Response[Answer]:
    """Keep words of the debtor verbatim; a STOP among them is obeyed, all else waits for a person.

    Until somebody has read it the worklist says `reply_waits`, and the treatment schedule rests.
    """
    require_channels(asking, [data.channel])
    require_past(asking, utc(data.occurred_at), "occurred_at")
    command = c.RecordReply(
        reply_id=data.reply_id or str(asking.new_id("reply")),
        channel=data.channel,
        text=data.text,
        occurred_at=utc(data.occurred_at),
        point_id=data.point_id or "",
    )
    return await asking.carry_out(case_id, command, created=True)


@changes("/cases/{case_id:uuid}/replies/{reply_id:str}/read")
async def read_reply(
    case_id: FromPath[UUID],
    reply_id: PathName,
    data: JSONBody[Reading],
    asking: NamedDependency[Asking],
) -> Response[Answer]:
    """Say that a reply was read, and what it is about.

    A dispute, hardship, a death or a complaint places its hold, `asked_to_stop` stops every channel
    and `wrong_party` retires the address. Once the last reply is read the schedule goes on.
    """
    command = c.ReadReply(
        reply_id=reply_id,
        outcome=data.outcome,
        note=data.note,
        debts=data.debts,
        channel=data.channel or "",
    )
    return await asking.carry_out(case_id, command)


@creates("/cases/{case_id:uuid}/opt-outs")
async def opt_out(
    case_id: FromPath[UUID], data: JSONBody[ChannelChoice], asking: NamedDependency[Asking]
) -> Response[Answer]:
    """The debtor wants no more of a channel."""
    require_left(asking, data.channel)
    command = c.RecordOptOut(channel=data.channel, how=data.how)
    return await asking.carry_out(case_id, command, created=True)


@creates("/cases/{case_id:uuid}/opt-ins")
async def opt_in(
    case_id: FromPath[UUID], data: JSONBody[ChannelChoice], asking: NamedDependency[Asking]
) -> Response[Answer]:
    """The debtor wants a channel again."""
    require_left(asking, data.channel)
    command = c.RecordOptIn(channel=data.channel, how=data.how)
    return await asking.carry_out(case_id, command, created=True)


HANDLERS = [
    request_contact,
    cancel_contact,
    log_conversation,
    record_reply,
    read_reply,
    opt_out,
    opt_in,
]
