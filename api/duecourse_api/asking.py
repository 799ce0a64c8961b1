"""One request to change a case: who asks, under which command id, and the answer it gets."""

import re
from collections.abc import Callable
from datetime import datetime
from functools import reduce
from typing import Annotated, Any, Final, Literal
from uuid import UUID, uuid5

import msgspec
from litestar import Request, Response
from litestar.concurrency import sync_to_thread
from litestar.params import HeaderParameter

from duecourse.case.commands import Command, OpenCase
from duecourse.case.context import Context
from duecourse.case.decide import decide
from duecourse.case.errors import CaseNotFound
from duecourse.case.events import Event
from duecourse.case.evolve import evolve, fold
from duecourse.case.restarts import Restart, may_restart, restarts_of
from duecourse.case.state import Case
from duecourse.chance import new_id
from duecourse.rules.names import Names
from duecourse.store.engine import Loaded
from duecourse.store.engine import Request as EngineRequest
from duecourse.store.errors import CaseMoved
from duecourse_api.login import Caller
from duecourse_api.masking import masked
from duecourse_api.problems import INVALID_FIELD, Refused
from duecourse_api.services import Services

_KEYS: Final = UUID("6f6c1d0e-4f0b-5c86-9d53-0a6d6c6b6579")
"""Namespace of the command ids that Idempotency-Keys stand for."""
_ETAG: Final = re.compile(r'"([0-9]{1,18})"', re.ASCII)
Versions = tuple[int, ...] | Literal["*"]
"""What If-Match lets through; version 0 is a case that is not there yet."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the request did: the events it made, none if there was nothing to do.

    `repeated` means that it was recorded before, and this is the first answer again. `position`
    is that of the last event in the log of all cases. `restarts_limitation`: it begins the time
    anew in which the creditor may go to court, or would when an offer is accepted; tell the debtor.
    """

    case_id: UUID
    version: int
    position: int | None
    events: tuple[Event, ...]
    repeated: bool
    restarts_limitation: tuple[Restart, ...] = ()


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    services: Services
    caller: Caller
    command_id: UUID
    if_match: Versions | None

    def new_id(self, what: str) -> UUID:
        """The same id for the same request, so that a repeat is the same command."""
        return uuid5(self.command_id, what)

    @property
    def names(self) -> Names:
        """The words that the rules look for."""
        context = self.services.context_for(self.caller.actor, self.services.clock())
        return context.rules.names

    async def load(self, case_id: UUID) -> Loaded:
        return await sync_to_thread(self.services.engine.load, case_id)

    async def carry_out(
        self, case_id: UUID, command: Command, *, created: bool = False
    ) -> Response[Answer]:
        """Execute and answer; 201 if something was `created`, else 200."""
        request = EngineRequest(
            case_id=case_id,
            command=command,
            command_id=self.command_id,
            actor=self.caller.actor,
            causation="api",
            expected_version=await self._expected_version(case_id, command),
        )
        outcome = await self.services.engine.execute(request)
        answer = Answer(
            case_id=outcome.case_id,
            version=outcome.version,
            position=outcome.position,
            events=outcome.events,
            repeated=outcome.repeated,
            restarts_limitation=await self._restarts(case_id, outcome.version, outcome.events),
        )
        return self._response(answer, 201 if created and outcome.events else 200)

    async def try_out(self, case_id: UUID, command: Command) -> Response[Answer]:
        """Answer as `carry_out` would, and record nothing."""
        loaded = await self.load(case_id)
        if await self._expected_version(case_id, command) not in (None, loaded.version):
            raise CaseMoved(f"the case is at version {loaded.version}; look at it again")
        events = decide(loaded.case, command, self.context(loaded.case))
        answer = Answer(
            case_id=case_id,
            version=loaded.version,
            position=None,
            events=tuple(events),
            repeated=False,
            restarts_limitation=restarts_of(reduce(evolve, events, loaded.case), events),
        )
        return self._response(answer, 200)

    async def _restarts(
        self, case_id: UUID, version: int, events: tuple[Event, ...]
    ) -> tuple[Restart, ...]:
        """By the case as these events left it, so that a repeat has the same answer."""
        if not may_restart(events):
            return ()
        loaded = await self.load(case_id)
        if loaded.version == version:
            return restarts_of(loaded.case, events)
        history = await sync_to_thread(self.services.engine.history, case_id, version)
        then = fold(each.event for each in history)
        return () if then is None else restarts_of(then, events)

    async def _expected_version(self, case_id: UUID, command: Command) -> int | None:
        """The one version to go on from. None: any."""
        match self.if_match:
            case None:
                return None
            case (only,):
                return only
        try:
            version = (await self.load(case_id)).version
        except CaseNotFound:
            version = 0
        if self.if_match == "*":
            if not version and isinstance(command, OpenCase):
                raise CaseMoved("If-Match is *, and the case is not there yet")
            return None
        # With none of them the engine refuses, unless it knows the request as a repeat.
        return version if version in self.if_match else self.if_match[0]

    def context(self, case: Case, at: datetime | None = None) -> Context:
        moment = self.services.clock() if at is None else at
        return self.services.context_for(self.caller.actor, max(moment, case.at))

    def _response(self, answer: Answer, status: int) -> Response[Answer]:
        shown = answer if self.caller.sees_personal else masked(answer)
        return Response(shown, status_code=status, headers=versioned(answer.version))


def versioned(version: int) -> dict[str, str]:
    """The ETag that If-Match takes; and nothing about a case is kept on the way."""
    return {"ETag": f'"{version}"', "Cache-Control": "no-store"}


IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="Any text. The same request with the same key takes effect once.",
    ),
]
IfMatch = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        max_length=200,
        description=(
            "The ETag that was read, or several, or * for any case that is there."
            " Answered with 412 when the case has moved on."
        ),
    ),
]


def asking_of(services: Services) -> Callable[..., Asking]:
    """What provides the handlers' `asking`, without asking for `services` as they do each time."""

    def provide_asking(
        request: Request[Caller, Any, Any],
        idempotency_key: IdempotencyKey = None,
        if_match: IfMatch = None,
    ) -> Asking:
        caller = request.user
        return Asking(
            services=services,
            caller=caller,
            command_id=new_id()
            if idempotency_key is None
            else uuid5(_KEYS, f"{caller.key_id}/{idempotency_key}"),
            if_match=None if if_match is None else _versions(if_match),
        )

    return provide_asking


def _versions(if_match: str) -> Versions:
    if if_match.strip() == "*":
        return "*"
    found = [_ETAG.fullmatch(each.strip()) for each in if_match.split(",")]
    versions = tuple(int(each[1]) for each in found if each is not None)
    if len(versions) < len(found):
        raise Refused(
            INVALID_FIELD, 'write the version in quotes, as the ETag has it: "7"; or *', "If-Match"
        )
    return versions
