"""What channels tell us by themselves: receipts, replies, opt-outs."""

import logging
from typing import Annotated, Any, Final, Literal

import msgspec
from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, RawBody

from duecourse.channels import Channel, Forbidden, Signal, WebhookRequest
from duecourse.flow.signals import checked
from duecourse.store.references import UnmatchedSignal
from duecourse_api.problems import MALFORMED, NOT_FOUND, PROBLEMS, UNAVAILABLE, Refused
from duecourse_api.routing import OPEN, changes, reads
from duecourse_api.services import Services

MAX_WEBHOOK_BYTES: Final = 64 * 1024
MAX_QUERY_BYTES: Final = 16 * 1024
MAX_SIGNALS: Final = 1_000

log = logging.getLogger(__name__)

AnyRequest = Request[Any, Any, Any]


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
    request: AnyRequest,
    body: RawBody,
    services: NamedDependency[Services],
    channel: FromPath[str],
) -> Response[Taken]:
    """Take what a channel reports. Answered only once it is recorded; the sender may repeat."""
    return _take(request, body, services, channel)


@get(
    "/webhooks/{channel:str}",
    opt={"any_query": True},
    status_code=202,
    responses=PROBLEMS,
    security=OPEN,
    sync_to_thread=True,
)
def receive_signals_by_query(
    request: AnyRequest, services: NamedDependency[Services], channel: FromPath[str]
) -> Response[Taken]:
    """The same, from gateways that can only call an address with what they report in its query."""
    return _take(request, b"", services, channel)


def _take(request: AnyRequest, body: bytes, services: Services, channel: str) -> Response[Taken]:
    signals = _signals(request, body, services, services.channels.get(channel))
    taken = services.signals.record(channel, signals, "webhook")
    if taken.later:
        raise Refused(UNAVAILABLE, "a reference is not known yet; send this again")
    return Response(
        Taken(recorded=taken.recorded, unmatched=taken.unmatched),
        # What was taken from an address must not be answered from a cache on the way.
        headers={"Cache-Control": "no-store"},
    )


def _signals(
    request: AnyRequest, body: bytes, services: Services, channel: Channel[Any] | None
) -> list[Signal]:
    if channel is None:
        raise Refused(NOT_FOUND, "no such channel is configured")
    if len(request.scope["query_string"]) > MAX_QUERY_BYTES:
        raise Refused(MALFORMED, "the query is too long")
    raw = WebhookRequest(
        body=body,
        headers={name.lower(): value for name, value in request.headers.items()},
        query=dict(request.query_params.items()),
        # Of the real world, like the sender's own, whatever the clock of the business says.
        received_at=services.wall_clock(),
        method=request.method,
    )
    try:
        return checked(channel.receive(raw), MAX_SIGNALS)
    except NotImplementedError:
        raise Refused(NOT_FOUND, "this channel takes no webhooks") from None
    except ValueError:
        # Without its words, which may quote the body.
        raise Refused(MALFORMED, "the channel cannot read this") from None
    except Forbidden:
        raise
    except Exception as broken:  # noqa: BLE001 - a plugin may raise anything; it harms itself only
        log.warning("channel %s broke on a webhook: %s", channel.name, type(broken).__name__)
        raise Refused(UNAVAILABLE, "the channel is not working; send this again") from None


class Unmatched(msgspec.Struct, frozen=True, kw_only=True):
    """The newest first, up to the limit."""

    items: tuple[UnmatchedSignal, ...]


@reads("/signals/unmatched")
def list_unmatched(
    services: NamedDependency[Services],
    *,
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_SIGNALS)] = 200,
    channel: Annotated[
        str | None, QueryParameter(pattern=r"^[a-z][a-z0-9-]{0,31}$", description="Only of this.")
    ] = None,
    kind: Annotated[
        Literal["receipt", "reply", "opt-out"] | None, QueryParameter(description="Only these.")
    ] = None,
) -> Response[Unmatched]:
    """Receipts, replies and opt-outs that fit no contact and no address of any case.

    What a reply said is not kept, as there is no case to keep it in: its channel has it by the
    `signal_id`. Whoever finds out whose it is records it in the case.
    """
    found = services.signals.unmatched(channel or "", limit, kind or "")
    return Response(Unmatched(items=tuple(found)), headers={"Cache-Control": "no-store"})


HANDLERS = [receive_signals, receive_signals_by_query, list_unmatched]
