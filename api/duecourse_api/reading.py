"""Looking at cases: the worklist, a case now or then, its history, and whether it may be contacted."""

import base64
import binascii
from datetime import datetime
from functools import partial
from itertools import takewhile
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from litestar import Request, Response
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from duecourse.case.arrears import Suggestion, options
from duecourse.case.context import Actor
from duecourse.case.errors import CaseNotFound
from duecourse.case.events import Event
from duecourse.case.evolve import fold
from duecourse.case.state import Case
from duecourse.case.words import HoldKind, Language, Stage
from duecourse.flow.permission import NoSuchMoment, Permission, Question, answer
from duecourse.store.engine import Recorded
from duecourse.store.worklist import MAX_PAGE, Filters
from duecourse.views.attention import Attention
from duecourse.views.breaches import Breach, breaches
from duecourse.views.worklist import WorklistRow
from duecourse_api.asking import versioned
from duecourse_api.configured import require_channel
from duecourse_api.login import Caller
from duecourse_api.masking import masked
from duecourse_api.problems import INVALID_FIELD, Refused
from duecourse_api.routing import reads
from duecourse_api.services import Services

MAX_HISTORY: Final = 500
_NO_STORE: Final = {"Cache-Control": "no-store"}

Asker = Request[Caller, Any, Any]
Code = QueryParameter(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$", max_length=100)


class WorklistPage(msgspec.Struct, frozen=True, kw_only=True):
    """`next_cursor` is null on the last page."""

    items: tuple[WorklistRow, ...]
    next_cursor: str | None


class CaseView(msgspec.Struct, frozen=True, kw_only=True):
    """A case as it stood after `version` events, at the moment `as_of`.

    `breaches` are the contacts reported without a permission, with the rules that forbade them;
    `options` what may help, by the reasons that the debtor gave.
    """

    case_id: UUID
    version: int
    as_of: datetime
    case: Case
    breaches: tuple[Breach, ...] = ()
    options: tuple[Suggestion, ...] = ()


class HistoryItem(msgspec.Struct, frozen=True, kw_only=True):
    """`position` orders the events of all cases; `command_id` is shared by what one ask did."""

    version: int
    position: int
    recorded_at: datetime
    actor: Actor
    command_id: UUID | None
    causation: str
    event: Event


class History(msgspec.Struct, frozen=True, kw_only=True):
    """`next_after` is null when this is the end."""

    case_id: UUID
    items: tuple[HistoryItem, ...]
    next_after: int | None


@reads("/cases")
def list_cases(
    services: NamedDependency[Services],
    *,
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_PAGE)] = 50,
    cursor: Annotated[str | None, QueryParameter(max_length=40)] = None,
    stage: Annotated[Stage | None, QueryParameter()] = None,
    creditor: Annotated[str | None, Code] = None,
    attention: Annotated[Attention | None, QueryParameter()] = None,
    hold: Annotated[HoldKind | None, QueryParameter()] = None,
) -> Response[WorklistPage]:
    """The worklist, a page at a time. It follows the log within moments."""
    filters = Filters(stage=stage, creditor=creditor, attention=attention, hold=hold)
    rows = services.worklist.page(filters, limit, _after(cursor))
    following = _cursor(rows[-1].case_id) if len(rows) == limit else None
    headers = dict(_NO_STORE)
    if following is not None:
        asked = {"limit": limit, **msgspec.structs.asdict(filters), "cursor": following}
        query = urlencode({name: value for name, value in asked.items() if value is not None})
        headers["Link"] = f'</cases?{query}>; rel="next"'
    return Response(WorklistPage(items=tuple(rows), next_cursor=following), headers=headers)


def _cursor(case_id: UUID) -> str:
    return base64.urlsafe_b64encode(case_id.bytes).rstrip(b"=").decode()


def _after(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    try:
        return UUID(bytes=base64.b64decode(cursor + "==", altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise Refused(
            INVALID_FIELD, "use next_cursor of the page before, as it is", "cursor"
        ) from None


@reads("/cases/{case_id:uuid}")
def show_case(
    request: Asker,
    services: NamedDependency[Services],
    case_id: FromPath[UUID],
    version: Annotated[int | None, QueryParameter(ge=1, le=10**9)] = None,
    as_of: Annotated[
        datetime | None,
        QueryParameter(description="RFC 3339 with an offset; write its + as %2B."),
    ] = None,
) -> Response[CaseView]:
    """The case now, after one of its versions, or as it stood at a moment."""
    if version is not None and as_of is not None:
        raise Refused(INVALID_FIELD, "give version or as_of, not both", "as_of")
    if version is None and as_of is None:
        loaded = services.engine.load(case_id)
        seen = CaseView(
            case_id=case_id, version=loaded.version, as_of=loaded.case.at, case=loaded.case
        )
    else:
        seen = _then(services.engine.history(case_id, version), version, as_of)
    seen = _with_breaches(seen, request.user.actor, services)
    seen = msgspec.structs.replace(seen, options=options(seen.case))
    shown = seen if request.user.sees_personal else masked(seen)
    return Response(shown, headers=versioned(seen.version))


def _then(history: list[Recorded], version: int | None, as_of: datetime | None) -> CaseView:
    """Fold the events up to a version, or those recorded by a moment."""
    if version is not None and version > len(history):
        raise CaseNotFound(f"the case has had {len(history)} versions so far", "version")
    if as_of is not None:
        moment = _aware(as_of, "as_of")
        history = list(takewhile(lambda each: each.event.at <= moment, history))
    case = fold(each.event for each in history)
    if case is None:
        raise CaseNotFound("the case was not open yet", "as_of")
    return CaseView(
        case_id=history[-1].case_id, version=len(history), as_of=as_of or case.at, case=case
    )


def _with_breaches(seen: CaseView, asker: Actor, services: Services) -> CaseView:
    """The history is read again only where there is a breach to be shown."""
    if all(talk.permitted for talk in seen.case.conversations.values()):
        return seen
    history = services.engine.history(seen.case_id, seen.version)
    rules = services.context_for(asker, seen.case.at).rules
    found = breaches(((each.event, each.actor.id) for each in history), rules)
    return msgspec.structs.replace(seen, breaches=found)


def _aware(moment: datetime, field: str) -> datetime:
    if moment.tzinfo is None:
        raise Refused(INVALID_FIELD, "write it with its offset, such as Z or %2B08:00", field)
    return moment


@reads("/cases/{case_id:uuid}/history")
def show_history(
    request: Asker,
    services: NamedDependency[Services],
    case_id: FromPath[UUID],
    after: Annotated[int, QueryParameter(ge=0, le=10**9)] = 0,
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_HISTORY)] = 100,
) -> Response[History]:
    """Every event in order, with who asked for it and when it was recorded."""
    recorded = services.engine.history(case_id, after + limit + 1)[after:]
    items = tuple(_item(each) for each in recorded[:limit])
    following = items[-1].version if len(recorded) > limit else None
    headers = dict(_NO_STORE)
    if following is not None:
        query = urlencode({"after": following, "limit": limit})
        headers["Link"] = f'</cases/{case_id}/history?{query}>; rel="next"'
    history = History(case_id=case_id, items=items, next_after=following)
    return Response(history if request.user.sees_personal else masked(history), headers=headers)


def _item(recorded: Recorded) -> HistoryItem:
    return HistoryItem(
        version=recorded.version,
        position=recorded.position,
        recorded_at=recorded.recorded_at,
        actor=recorded.actor,
        command_id=recorded.command_id,
        causation=recorded.causation,
        event=recorded.event,
    )


@reads("/cases/{case_id:uuid}/contact-permission")
def may_we_contact(
    request: Asker,
    services: NamedDependency[Services],
    case_id: FromPath[UUID],
    *,
    channel: Annotated[str, QueryParameter(pattern=r"^[a-z][a-z0-9-]{0,31}$")],
    at: Annotated[
        datetime | None,
        QueryParameter(description="Now, if left out. RFC 3339; write its + as %2B."),
    ] = None,
    point_id: Annotated[str | None, Code] = None,
    language: Annotated[
        Language | None, QueryParameter(description="Of the words. The debtor's, if left out.")
    ] = None,
    debts: Annotated[
        list[UUID] | None,
        QueryParameter(max_items=100, description="What it is about; may be given again. Or all."),
    ] = None,
) -> Response[Permission]:
    """Ask the rules without asking for anything: may we, and if not, why and when.

    A moment to come is asked of the case as it is now; one that is past, of the case as it was.
    """
    require_channel(services, channel)
    question = Question(
        channel=channel,
        at=None if at is None else _aware(at, "at"),
        point_id=point_id or "",
        language=language,
        debts=tuple(debts or ()),
    )
    context_for = partial(services.context_for, request.user.actor)
    try:
        permission = answer(services.engine, case_id, question, context_for, services.clock())
    except NoSuchMoment as wrong:
        raise Refused(INVALID_FIELD, str(wrong), "at") from None
    return Response(permission, headers=versioned(permission.version))


HANDLERS = [list_cases, show_case, show_history, may_we_contact]
