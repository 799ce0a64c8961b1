"""Money that came in and fits no case, and money that is held beyond what was owed."""

import base64
import binascii
import struct
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request, Response
from litestar.concurrency import sync_to_thread
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from duecourse.case import commands as c
from duecourse.case.words import PersonalText
from duecourse.intake.posting import Choice, dismiss_by_person, match_by_person
from duecourse.store.bank_entries import MAX_PAGE, Place, Waiting, What
from duecourse_api.asking import Answer, Asking, versioned
from duecourse_api.bodies import (
    Because,
    Dismissal,
    EntryMatch,
    NewRefund,
    OverpaymentUse,
)
from duecourse_api.login import Caller
from duecourse_api.masking import masked
from duecourse_api.problems import INVALID_FIELD, Refused
from duecourse_api.routing import PathName, changes, creates, reads
from duecourse_api.services import Services

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_PLACE: Final = struct.Struct(">q16s")


class UnmatchedEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a bank file that waits `since` when for a person.

    `what` is money that came in (`credit`), a payment that went back (`return`), or money of ours
    that came back (`own_return`). `candidates` are cases it may belong to.
    """

    entry_id: UUID
    what: What
    currency: str
    amount_minor: int
    booked_on: date | None
    value_on: date
    reason: str
    candidates: tuple[UUID, ...]
    since: datetime
    payer_name: PersonalText
    payer_account: PersonalText
    text: PersonalText


class UnmatchedPage(msgspec.Struct, frozen=True, kw_only=True):
    """`next_cursor` is null on the last page."""

    items: tuple[UnmatchedEntry, ...]
    next_cursor: str | None


class Dismissed(msgspec.Struct, frozen=True, kw_only=True):
    entry_id: UUID
    why: str


@reads("/payments/unmatched")
def list_unmatched(
    request: Request[Caller, Any, Any],
    services: NamedDependency[Services],
    *,
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_PAGE)] = 50,
    cursor: Annotated[str | None, QueryParameter(max_length=40)] = None,
) -> Response[UnmatchedPage]:
    """What bank files said and no rule was sure about, longest waiting first."""
    rows = services.bank.entries.waiting(limit, None if cursor is None else _place(cursor))
    following = _cursor(rows[-1]) if len(rows) == limit else None
    headers = {"Cache-Control": "no-store"}
    if following is not None:
        query = urlencode({"limit": limit, "cursor": following})
        headers["Link"] = f'</payments/unmatched?{query}>; rel="next"'
    page = UnmatchedPage(items=tuple(map(_shown, rows)), next_cursor=following)
    return Response(page if request.user.sees_personal else masked(page), headers=headers)


def _shown(row: Waiting) -> UnmatchedEntry:
    return UnmatchedEntry(
        entry_id=row.entry_id,
        what=row.what,
        currency=row.currency,
        amount_minor=row.amount_minor,
        booked_on=row.booked_on,
        value_on=row.value_on,
        reason=row.reason,
        candidates=row.candidates,
        since=row.received_at,
        payer_name=row.remitter.name,
        payer_account=row.remitter.account,
        text=row.remitter.text,
    )


def _cursor(row: Waiting) -> str:
    moment = (row.received_at - _EPOCH) // _MICROSECOND
    place = _PLACE.pack(moment, row.entry_id.bytes)
    return base64.urlsafe_b64encode(place).rstrip(b"=").decode()


def _place(cursor: str) -> Place:
    try:
        raw = base64.b64decode(cursor + "==", altchars=b"-_", validate=True)
        moment, entry_id = _PLACE.unpack(raw)
        since = _EPOCH + moment * _MICROSECOND
    except (binascii.Error, struct.error, ValueError, OverflowError):
        raise Refused(
            INVALID_FIELD, "use next_cursor of the page before, as it is", "cursor"
        ) from None
    return since, UUID(bytes=entry_id)


@changes("/payments/unmatched/{entry_id:uuid}/match")
async def match_entry(
    request: Request[Caller, Any, Any],
    entry_id: FromPath[UUID],
    data: JSONBody[EntryMatch],
    services: NamedDependency[Services],
) -> Response[Answer]:
    """Say what an entry is: a payment into a case, or what of it went back. Once; again is no more."""
    caller = request.user
    choice = Choice(
        case_id=data.case_id,
        debt_id=data.debt_id,
        payment_id=data.payment_id,
        refund_id=data.refund_id,
    )
    outcome = await sync_to_thread(match_by_person, services.bank, caller.actor, entry_id, choice)
    loaded = await sync_to_thread(services.engine.load, data.case_id)
    answer = Answer(
        case_id=outcome.case_id,
        version=loaded.version,
        position=outcome.position,
        events=outcome.events,
        repeated=outcome.repeated,
    )
    shown = answer if caller.sees_personal else masked(answer)
    return Response(shown, headers=versioned(answer.version))


@changes("/payments/unmatched/{entry_id:uuid}/dismissal")
async def dismiss_entry(
    request: Request[Caller, Any, Any],
    entry_id: FromPath[UUID],
    data: JSONBody[Dismissal],
    services: NamedDependency[Services],
) -> Response[Dismissed]:
    """Take an entry out of the queue that no case is concerned with. What its payer wrote is gone."""
    by = request.user.actor
    await sync_to_thread(dismiss_by_person, services.bank, by, entry_id, data.why)
    return Response(Dismissed(entry_id=entry_id, why=data.why))


@changes("/cases/{case_id:uuid}/overpayments/allocation")
async def allocate_overpayment(
    case_id: FromPath[UUID], data: JSONBody[OverpaymentUse], asking: NamedDependency[Asking]
) -> Response[Answer]:
    """Use what is held beyond what was owed for what is owed now."""
    command = c.AllocateOverpayment(
        reason=data.reason, payment_id=data.payment_id, debt_id=data.debt_id
    )
    return await asking.carry_out(case_id, command)


@creates("/cases/{case_id:uuid}/refunds")
async def record_refund(
    case_id: FromPath[UUID], data: JSONBody[NewRefund], asking: NamedDependency[Asking]
) -> Response[Answer]:
    """Record money that went back to the payer; never more than is held. Counts once by its id."""
    command = c.RecordRefund(
        refund_id=data.refund_id,
        currency=data.currency,
        amount_minor=data.amount_minor,
        refunded_on=data.refunded_on,
        evidence=data.evidence,
    )
    return await asking.carry_out(case_id, command, created=True)


@changes("/cases/{case_id:uuid}/refunds/{refund_id:str}/return")
async def return_refund(
    case_id: FromPath[UUID],
    refund_id: PathName,
    data: JSONBody[Because],
    asking: NamedDependency[Asking],
) -> Response[Answer]:
    """A refund that did not arrive, or came back: it is held again."""
    return await asking.carry_out(case_id, c.ReturnRefund(refund_id=refund_id, reason=data.reason))


HANDLERS = [
    list_unmatched,
    match_entry,
    dismiss_entry,
    allocate_overpayment,
    record_refund,
    return_refund,
]
