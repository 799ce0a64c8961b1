"""Contacts of which nobody can say whether they left, and what a person finds out about them."""

import base64
import binascii
import struct
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from duecourse.case import commands as c
from duecourse.case.events import Text
from duecourse.store.unknown import MAX_PAGE, Place
from duecourse.views.unknown import UnknownContact
from duecourse_api.asking import Answer, Asking
from duecourse_api.bodies import Reconciliation
from duecourse_api.login import Caller
from duecourse_api.masking import masked
from duecourse_api.problems import INVALID_FIELD, Refused
from duecourse_api.routing import changes, reads
from duecourse_api.services import Services

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_PLACE: Final = struct.Struct(">q16s16s")


class InDoubt(msgspec.Struct, frozen=True, kw_only=True):
    """A contact of which nobody knows `since` when whether it left.

    The channel had it under the id of the contact as its key. `reason` is in the words of whoever
    sent it, and hidden from those who see no personal texts.
    """

    case_id: UUID
    contact_id: UUID
    channel: str
    plugin: str
    since: datetime
    reason: Text


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """`next_cursor` is null on the last page."""

    items: tuple[InDoubt, ...]
    next_cursor: str | None


@reads("/contacts/unknown")
def list_unknown(
    request: Request[Caller, Any, Any],
    services: NamedDependency[Services],
    *,
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_PAGE)] = 50,
    cursor: Annotated[str | None, QueryParameter(max_length=60)] = None,
    channel: Annotated[
        str | None, QueryParameter(pattern=r"^[a-z][a-z0-9-]{0,31}$", description="Only of this.")
    ] = None,
) -> Response[Queue]:
    """The contacts of all cases that wait for a person to find out about them, oldest first.

    It follows the log within moments.
    """
    after = None if cursor is None else _place(cursor)
    rows = services.unknown.page(limit, after, channel)
    following = _cursor(rows[-1]) if len(rows) == limit else None
    headers = {"Cache-Control": "no-store"}
    if following is not None:
        asked = {"limit": limit, "channel": channel, "cursor": following}
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        headers["Link"] = f'</contacts/unknown?{query}>; rel="next"'
    queue = Queue(items=_with_reasons(services, rows), next_cursor=following)
    return Response(queue if request.user.sees_personal else masked(queue), headers=headers)


def _with_reasons(services: Services, rows: list[UnknownContact]) -> tuple[InDoubt, ...]:
    """The reasons are sealed in the cases, so that erasing a person erases them as well."""
    cases = services.engine.load_many({row.case_id for row in rows})
    return tuple(
        InDoubt(
            **msgspec.structs.asdict(row),
            reason=cases[row.case_id].case.contacts[row.contact_id].doubt,
        )
        for row in rows
    )


def _cursor(row: UnknownContact) -> str:
    moment = (row.since - _EPOCH) // _MICROSECOND
    place = _PLACE.pack(moment, row.case_id.bytes, row.contact_id.bytes)
    return base64.urlsafe_b64encode(place).rstrip(b"=").decode()


def _place(cursor: str) -> Place:
    try:
        raw = base64.b64decode(cursor + "==", altchars=b"-_", validate=True)
        moment, case_id, contact_id = _PLACE.unpack(raw)
        since = _EPOCH + moment * _MICROSECOND
    except (binascii.Error, struct.error, ValueError, OverflowError):
        raise Refused(
            INVALID_FIELD, "use next_cursor of the page before, as it is", "cursor"
        ) from None
    return since, UUID(bytes=case_id), UUID(bytes=contact_id)


@changes("/cases/{case_id:uuid}/contacts/{contact_id:uuid}/reconcile")
async def reconcile_contact(
    case_id: FromPath[UUID],
    contact_id: FromPath[UUID],
    data: JSONBody[Reconciliation],
    asking: NamedDependency[Asking],
) -> Response[Answer]:
    """Say whether a contact left of which nobody knew. `not_sent` frees its place under the caps."""
    command = c.ReconcileContact(
        contact_id=contact_id, outcome=data.outcome, evidence=data.evidence
    )
    return await asking.carry_out(case_id, command)


HANDLERS = [list_unknown, reconcile_contact]
