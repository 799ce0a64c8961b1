"""Commands in, events out: exactly once, in order, whoever asks and whatever is lost."""

import asyncio
import logging
import os
import threading
import weakref
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from duecourse.case.commands import Command
from duecourse.case.context import Actor, Context
from duecourse.case.decide import decide as decide_case
from duecourse.case.errors import CaseError, CaseNotFound, Invalid
from duecourse.case.events import CaseOpened, Event
from duecourse.case.evolve import evolve as evolve_case
from duecourse.case.state import Case
from duecourse.store.answers import Answer, Gathering, LoopReceiver, Outcome, Receiver, resolve
from duecourse.store.append import Entry, Mode
from duecourse.store.database import Database
from duecourse.store.drafts import MAX_BATCH, Draft
from duecourse.store.errors import (
    CaseMoved,
    DatabaseUnavailable,
    DecisionFailed,
    StoreError,
    origin,
)
from duecourse.store.log import EventLog, Recorded
from duecourse.store.pipeline import Pipeline
from duecourse.store.states import Evolve, Loaded, States
from duecourse.store.tasks import Request, Task
from duecourse.store.vault import Vault

__all__ = ["Engine", "Loaded", "Outcome", "Recorded", "Request"]

logger = logging.getLogger(__name__)

Decide = Callable[[Case | None, Command, Context], Sequence[Event]]


_ENGINES: Final["weakref.WeakSet[Engine]"] = weakref.WeakSet()


def _forked() -> None:
    for engine in _ENGINES:
        engine._fork()  # noqa: SLF001 - of this module


os.register_at_fork(after_in_child=_forked)


class Engine:
    """Executes commands, each exactly once by its id, whatever is lost or repeated.

    Safe to call from many threads and event loops, and in many processes on one database. The
    commands that come in while others are being written are written together, next.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        decide: Decide = decide_case,
        *,
        context_for: Callable[[Actor, datetime], Context],
        clock: Callable[[], datetime],
        evolve: Evolve = evolve_case,
        kept_cases: int = 10_000,
        mode: Mode = "auto",
    ) -> None:
        self.log = EventLog(database, vault)
        self.clock = clock
        self._database = database
        self._vault = vault
        self._states = States(self.log, evolve, kept_cases)
        self._decisions = Decisions(self.log, decide, context_for, clock)
        self._mode: Mode = mode
        self._pipeline: Pipeline | None = None
        self._starting = threading.Lock()
        self._forked = False
        _ENGINES.add(self)
        self._desks: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Desk] = (
            weakref.WeakKeyDictionary()
        )

    def _fork(self) -> None:
        """A child has none of the threads, and must not touch the connections."""
        self._forked = True

    # --- commands ----------------------------------------------------------------------------

    async def execute(self, request: Request) -> Outcome:
        """Execute one command. Raises the CaseError that refuses it, or StoreError.

        After a StoreError, or when cancelled, the command may have been carried out or not; give
        it again with the same id, and it is carried out once.
        """
        loop = asyncio.get_running_loop()
        desk = self._desks.get(loop)
        if desk is None:
            desk = self._desks[loop] = _Desk(LoopReceiver(loop), [])
        future: asyncio.Future[Outcome] = loop.create_future()
        desk.tasks.append(self._task(request, desk.receiver, future))
        if len(desk.tasks) == 1:
            # What the other coroutines ask for in the same turn of the loop goes with it.
            loop.call_soon(self._hand_over, desk)
        return await future

    def execute_sync(self, request: Request) -> Outcome:
        """As `execute`, for a thread that may wait."""
        (answer,) = self.execute_batch([request])
        if isinstance(answer, CaseError):
            raise answer
        return answer

    def execute_batch(self, requests: Sequence[Request]) -> list[Outcome | CaseError]:
        """Execute up to 5,000 commands together and answer each, in order.

        Commands for one case are executed in the order given. What goes wrong with one command
        is its own answer. Raises StoreError if the store itself fails; then every command may
        safely be given again with the same id.
        """
        return [_settled(answer) for answer in self.execute_each(requests)]

    def execute_each(self, requests: Sequence[Request]) -> list[Answer]:
        """As `execute_batch`, with a StoreError as the answer of the commands that met one."""
        if len(requests) > MAX_BATCH:
            raise ValueError(f"{len(requests)} commands are too many for one batch: {MAX_BATCH}")
        gathering = Gathering(len(requests))
        tasks: list[Task] = []
        for number, request in enumerate(requests):
            try:
                tasks.append(self._task(request, gathering, number))
            except Invalid as unstorable:
                gathering.put(number, unstorable)
        gathering.pass_on()
        if tasks:
            self._running().submit(tasks)
        return gathering.wait()

    def start(self) -> None:
        """Connect now, and not with the first command: what is kept is forgotten when it does."""
        self._running().has_tried.wait()

    def close(self) -> None:
        """Stop the threads; what is under way is finished first."""
        with self._starting:
            if self._pipeline is not None:
                self._pipeline.close()
                self._pipeline = None

    def _hand_over(self, desk: "_Desk") -> None:
        tasks = desk.tasks.copy()
        desk.tasks.clear()
        try:
            self._running().submit(tasks)
        except StoreError as full:
            resolve([(task.token, full) for task in tasks])

    def _running(self) -> Pipeline:
        pipeline = self._pipeline
        if pipeline is not None and not self._forked:
            return pipeline
        if self._database.is_closed or self._forked:
            raise DatabaseUnavailable("the database was closed; open it anew, also after a fork")
        with self._starting:
            if self._pipeline is None:
                self._pipeline = Pipeline(
                    self._database, self.log, self._states, self._decisions, self._mode
                )
                self._database.close_first(self.close)
            return self._pipeline

    def _task(self, request: Request, receiver: Receiver, token: object) -> Task:
        content = (request.case_id, request.actor.id, request.command)
        try:
            fingerprint = self._vault.fingerprint(msgspec.json.encode(content))
        except ValueError as error:
            raise _unstorable(error) from None
        return Task(request, fingerprint, receiver, token)

    # --- reads ---------------------------------------------------------------------------------

    def load(self, case_id: UUID) -> Loaded:
        """The case as of now. Raises CaseNotFound."""
        loaded = self.load_many([case_id]).get(case_id)
        if loaded is None:
            raise CaseNotFound("there is no such case", "case_id")
        return loaded

    def load_many(self, case_ids: Collection[UUID]) -> dict[UUID, Loaded]:
        """The cases as of now; those that do not exist are absent."""
        return self._states.read(case_ids)

    def seen(self, case_id: UUID) -> Loaded:
        """The case as this process last saw it; another may have changed it. Raises CaseNotFound."""
        return self._states.kept(case_id) or self.load(case_id)

    def history(self, case_id: UUID, until_version: int | None = None) -> list[Recorded]:
        """The events of a case from the first on. Raises CaseNotFound."""
        found = self.log.history(case_id, until_version)
        if not found and not self.exists(case_id):
            raise CaseNotFound("there is no such case", "case_id")
        return found

    def read_log(self, after: int, limit: int = 1000) -> list[Recorded]:
        """Events of all cases beyond a position, in order."""
        return self.log.read(after, limit)

    def exists(self, case_id: UUID) -> bool:
        return self.log.exists(case_id)


class _Desk(msgspec.Struct, frozen=True):
    """What the coroutines of one loop have asked for in its present turn."""

    receiver: LoopReceiver
    tasks: list[Task]


def _settled(answer: Answer) -> Outcome | CaseError:
    if isinstance(answer, StoreError):
        raise answer
    return answer


class Decisions:
    """The pure part of the engine's work: from a task and a state to what is to be written."""

    def __init__(
        self,
        log: EventLog,
        decide: Decide,
        context_for: Callable[[Actor, datetime], Context],
        clock: Callable[[], datetime],
    ) -> None:
        self._mapper = log.mapper
        self._vault = log.vault
        self._decide = decide
        self._context_for = context_for
        self._clock = clock

    def draft(self, task: Task, before: Loaded | None) -> Draft | Outcome | CaseError:
        request = task.request
        case, version = (before.case, before.version) if before else (None, 0)
        if request.expected_version not in (None, version):
            return CaseMoved(f"the case is at version {version}; look at it again")
        try:
            now = self._clock()
            context = self._context_for(request.actor, max(now, case.at) if case else now)
            events = tuple(self._decide(case, request.command, context))
            if events:
                return Draft(task, before, events, _subject_of(case, events))
        except CaseError as no:
            return no
        except Exception as defect:  # noqa: BLE001 - one defect must not harm the rest of a batch
            return _failed(request, defect)
        return Outcome(
            case_id=request.case_id, version=version, events=(), position=None, repeated=False
        )

    def entry(self, draft: Draft) -> Entry | CaseError | None:
        request = draft.task.request
        key = self._vault.known(draft.subject_id)
        if key is None:
            return None
        first = 1 + (draft.before.version if draft.before else 0)
        seal = self._mapper.seal
        try:
            events = tuple(
                [
                    seal(request.case_id, version, event, key)
                    for version, event in enumerate(draft.events, start=first)
                ]
            )
        except ValueError as error:
            return _unstorable(error)
        return Entry(
            command_id=request.command_id,
            case_id=request.case_id,
            first_version=first,
            fingerprint=draft.task.fingerprint,
            actor=request.actor,
            causation=request.causation,
            events=events,
        )


def _failed(request: Request, defect: Exception) -> DecisionFailed:
    kind = type(request.command).__name__
    # Without a traceback, which may quote a person's data.
    logger.error("decision failed", extra={"command": kind, "error": origin(defect)})
    failed = DecisionFailed(f"{kind} failed for a defect of ours; nothing was recorded")
    failed.__cause__ = defect
    return failed


def _subject_of(case: Case | None, events: tuple[Event, ...]) -> UUID:
    if case is not None:
        return case.subject_id
    first = events[0]
    assert isinstance(first, CaseOpened), "a case's first event is CaseOpened"
    return first.subject_id


def _unstorable(error: ValueError) -> Invalid:
    # Only the kind: the words of an encoding error quote the text.
    return Invalid(f"the command holds something that cannot be stored ({type(error).__name__})")
