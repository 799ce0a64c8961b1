"""What channels tell us by themselves: receipts and replies."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

import msgspec
from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.params import FromPath, RawBody

from duecourse.case import commands as c
from duecourse.case.context import Actor
from duecourse.case.errors import CaseError
from duecourse.case.words import Name
from duecourse.channels import Channel, Receipt, Reply, Signal, WebhookRequest
from duecourse.store.engine import Request as EngineRequest
from duecourse.store.errors import CaseBusy, CommandIdReused, DecisionFailed
from duecourse.store.references import ContactReference
from duecourse_api.bodies import FIRST_YEAR, LAST_YEAR, utc
from duecourse_api.problems import MALFORMED, NOT_FOUND, UNAVAILABLE, Refused
from duecourse_api.routing import OPEN, changes
from duecourse_api.services import Services

MAX_WEBHOOK_BYTES: Final = 64 * 1024
MAX_SIGNALS: Final = 1_000
# By then every sender of repute has repeated itself often enough for us to have caught up.
EARLY: Final = timedelta(hours=1)
MAX_REPLY: Final = 2000
_SIGNALS: Final = UUID("2f2f7c0e-93a5-5d10-8f5e-7369676e616c")
"""Namespace of the names made from ids of a channel that are not of the form of ours."""

logger = logging.getLogger(__name__)


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """`unmatched` signals fit no contact; they are kept for a person to look at."""

    recorded: int
    unmatched: int


@changes(
    "/webhooks/{channel:str}",
    request_max_body_size=MAX_WEBHOOK_BYTES,
    opt={"any_query": True},
    status_code=202,
    security=OPEN,
    sync_to_thread=True,
)
def receive_signals(
    request: Request[Any, Any, Any],
    body: RawBody,
    services: NamedDependency[Services],
    channel: FromPath[str],
) -> Response[Taken]:
    """Take what a channel reports. Answered only once it is recorded; the sender may repeat."""
    at = services.clock()
    signals = _signals(request, body, services, services.channels.get(channel))
    outcomes = [_take(services, channel, signal, at) for signal in signals]
    if None in outcomes:
        # The message was accepted a moment ago and its reference is still on its way to us.
        raise Refused(UNAVAILABLE, "a reference is not known yet; send this again")
    recorded = sum(outcome is True for outcome in outcomes)
    return Response(Taken(recorded=recorded, unmatched=len(outcomes) - recorded))


def _signals(
    request: Request[Any, Any, Any],
    body: bytes,
    services: Services,
    channel: Channel[Any] | None,
) -> list[Signal]:
    if channel is None:
        raise Refused(NOT_FOUND, "no such channel is configured")
    raw = WebhookRequest(
        body=body,
        headers={name.lower(): value for name, value in request.headers.items()},
        query=dict(request.query_params.items()),
        # Of the real world, like the sender's own, whatever the clock of the business says.
        received_at=services.wall_clock(),
    )
    try:
        return _checked(channel.receive(raw))
    except NotImplementedError:
        raise Refused(NOT_FOUND, "this channel takes no webhooks") from None
    except ValueError:
        # Without its words, which may quote the body.
        raise Refused(MALFORMED, "the channel cannot read this") from None


def _checked(signals: Iterable[Signal]) -> list[Signal]:
    """Signals that are what they say: what a plugin makes of a body is not believed until here."""
    checked: list[Signal] = []
    for given in signals:
        if len(checked) == MAX_SIGNALS:
            raise ValueError("too many signals in one webhook")
        signal: Signal = msgspec.convert(msgspec.to_builtins(given), Signal)
        when = signal.occurred_at
        if when.tzinfo is None or not FIRST_YEAR <= when.year <= LAST_YEAR:
            raise ValueError("a signal without a time zone, or from no time of ours")
        if not signal.reference.isprintable():
            raise ValueError("a reference that nobody can have given")
        checked.append(msgspec.structs.replace(signal, occurred_at=utc(when)))
    return checked


def _take(services: Services, channel: str, signal: Signal, at: datetime) -> bool | None:
    """True: recorded. False: fits no contact. None: its reference may still come."""
    found = services.references.find(channel, signal.reference) if signal.reference else None
    if found is not None and _record(services, found, signal):
        return True
    is_early = found is None and signal.reference and at - signal.occurred_at < EARLY
    if is_early:
        return None
    if isinstance(signal, Reply) and _record_by_sender(services, channel, signal):
        return True
    services.references.note_unmatched(channel, _id_of(signal), signal.reference)
    return False


def _record_by_sender(services: Services, channel: str, reply: Reply) -> bool:
    """A reply to nothing in particular is heard in the cases that have the sender's address.

    Most of them say stop, and whoever says so means every case, not only the last one written of.
    """
    heard = [
        _execute(
            services,
            channel,
            EngineRequest(
                case_id=found.case_id,
                command=_reply(channel, reply, found.point_id),
                command_id=uuid5(found.case_id, f"signal/{channel}/{_id_of(reply)}"),
                actor=_sender(channel),
                causation=f"webhook:{channel}",
            ),
        )
        for found in services.addresses.find(channel, reply.sender)
    ]
    return any(heard)


def _record(services: Services, contact: ContactReference, signal: Signal) -> bool:
    channel = contact.channel
    request = EngineRequest(
        case_id=contact.case_id,
        command=_command(services, contact, signal),
        # With the contact: some gateways count the receipts of each message from one.
        command_id=uuid5(contact.contact_id, f"signal/{channel}/{_id_of(signal)}"),
        actor=_sender(channel),
        causation=f"webhook:{channel}",
    )
    return _execute(services, channel, request)


def _sender(channel: str) -> Actor:
    return Actor(f"channel:{channel}", "webhook")


def _execute(services: Services, channel: str, request: EngineRequest) -> bool:
    try:
        services.engine.execute_sync(request)
    except CommandIdReused:
        # One id, other words: the first stands, and a person looks at the second.
        logger.warning("signal id used twice", extra={"channel": channel})
        return False
    except (CaseBusy, DecisionFailed):
        raise
    except CaseError:
        return False
    return True


def _command(services: Services, contact: ContactReference, signal: Signal) -> c.Command:
    match signal:
        case Receipt():
            return c.RecordReceipt(
                contact_id=contact.contact_id,
                receipt_id=_name(signal.receipt_id),
                status=signal.status,
                occurred_at=signal.occurred_at,
                detail=signal.detail[:500],
            )
        case Reply():
            case = services.engine.load(contact.case_id).case
            known = case.contacts.get(contact.contact_id)
            return _reply(contact.channel, signal, known.point_id if known else "")


def _reply(channel: str, reply: Reply, point_id: str) -> c.RecordReply:
    return c.RecordReply(
        reply_id=_name(reply.reply_id),
        channel=channel,
        text=reply.text[:MAX_REPLY],
        occurred_at=reply.occurred_at,
        point_id=point_id,
    )


def _id_of(signal: Signal) -> str:
    return _name(signal.receipt_id if isinstance(signal, Receipt) else signal.reply_id)


def _name(given: str) -> str:
    """The channel's id as it is, or one made from it where it is not of the form of ours."""
    try:
        return msgspec.convert(given, Name)
    except msgspec.ValidationError:
        return str(uuid5(_SIGNALS, given))


HANDLERS = [receive_signals]
