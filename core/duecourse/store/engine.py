"""Commands in, events out: read, decide, append, answer."""

import logging
import threading
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
from duecourse.store.append import Entry, Verdict, append
from duecourse.store.database import Database
from duecourse.store.errors import (
    CaseBusy,
    CaseMoved,
    CommandIdReused,
    DatabaseUnavailable,
    DecisionFailed,
    origin,
)
from duecourse.store.log import EventLog, Recorded
from duecourse.store.states import Evolve, Loaded, States
from duecourse.store.vault import SubjectKey, Vault

__all__ = ["Engine", "Loaded", "Outcome", "Recorded", "Request"]

MAX_BATCH: Final = 5_000
MAX_EVENTS_PER_COMMAND: Final = 500
MAX_ATTEMPTS: Final = 5
_MAX_LABEL: Final = 500

logger = logging.getLogger(__name__)

Decide = Callable[[Case | None, Command, Context], Sequence[Event]]


class Request(msgspec.Struct, frozen=True):
    """A command for a case. `causation` says what led to it, such as `timer:reminder`.

    With `expected_version` it is meant for that version only, and CaseMoved at any other.
    Neither it nor the actor's id may tell anything about the debtor: they are stored in clear.
    """

    case_id: UUID
    command: Command
    command_id: UUID
    actor: Actor
    causation: str = ""
    expected_version: int | None = None

    def __post_init__(self) -> None:
        for name, text in (("actor.id", self.actor.id), ("causation", self.causation)):
            if len(text) > _MAX_LABEL or not text.isprintable():
                raise ValueError(f"{name} must be at most {_MAX_LABEL} printable characters")


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a command did. `position` is that of its last event, None if it had none to record.

    `repeated` means that the command was recorded before: this is the first answer again.
    """

    case_id: UUID
    version: int
    events: tuple[Event, ...]
    position: int | None
    repeated: bool


class _Task(msgspec.Struct):
    """A request on its way. `verified`: decide on a state read from the log, not a kept one."""

    number: int
    request: Request
    fingerprint: bytes
    attempts: int = 0
    verified: bool = False


class _Draft(msgspec.Struct, frozen=True):
    task: _Task
    before: Loaded | None
    events: tuple[Event, ...]
    subject_id: UUID


Answers = dict[int, Outcome | CaseError]


class Engine:
    """Executes commands, each exactly once by its id, whatever is lost or repeated.

    Safe to call from many threads, and in many processes on one database. A process writes one
    batch at a time; a caller with many commands should hand them over together.
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
    ) -> None:
        self.log = EventLog(database, vault)
        self._database = database
        self._vault = vault
        self._decide = decide
        self._context_for = context_for
        self._clock = clock
        self._states = States(self.log, evolve, kept_cases)
        self._writing = threading.Lock()

    # --- commands ----------------------------------------------------------------------------

    def execute(self, request: Request) -> Outcome:
        """Execute one command; raises the CaseError that `execute_batch` would return."""
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
        if len(requests) > MAX_BATCH:
            raise ValueError(f"{len(requests)} commands are too many for one batch: {MAX_BATCH}")
        answers: Answers = {}
        waiting = self._tasks(requests, answers)
        if not self._writing.acquire(timeout=self._database.patience):
            raise DatabaseUnavailable("too many commands are waiting; try again")
        try:
            while waiting:
                ready, later = _one_per_case(waiting)
                waiting = self._round(ready, answers) + later
        finally:
            self._writing.release()
        return [answers[number] for number in range(len(requests))]

    def _tasks(self, requests: Sequence[Request], answers: Answers) -> list[_Task]:
        tasks = []
        for number, request in enumerate(requests):
            try:
                tasks.append(_Task(number, request, self._fingerprint(request)))
            except ValueError as error:
                answers[number] = _unstorable(error)
        return tasks

    def _fingerprint(self, request: Request) -> bytes:
        content = (request.case_id, request.actor.id, request.command)
        return self._vault.fingerprint(msgspec.json.encode(content))

    def _round(self, tasks: list[_Task], answers: Answers) -> list[_Task]:
        """Take each task once through; return those that must go again."""
        states = self._states_for(tasks)
        # Looked up after the states were read: when a state already shows what the command did,
        # the command is found, and not decided a second time on its own effects.
        drafts, again = [], []
        for task in self._answer_repeated(tasks, answers):
            before = states.get(task.request.case_id)
            draft = self._draft(task, before)
            if isinstance(draft, _Draft):
                drafts.append(draft)
            elif not task.verified:
                # A no, or nothing to do, on a state that may be out of date: look again.
                task.verified = True
                again.append(task)
            else:
                answers[task.number] = draft
        return again + self._append(drafts, answers)

    def _states_for(self, tasks: list[_Task]) -> dict[UUID, Loaded]:
        states: dict[UUID, Loaded] = {}
        unread: list[UUID] = []
        for task in tasks:
            case_id = task.request.case_id
            kept = None if task.verified else self._states.kept(case_id)
            if kept is None:
                task.verified = True
                unread.append(case_id)
            else:
                states[case_id] = kept
        return states | self._states.read(unread)

    def _answer_repeated(self, tasks: list[_Task], answers: Answers) -> list[_Task]:
        """Answer the tasks whose command id is recorded; return the others."""
        known = self.log.answered([task.request.command_id for task in tasks])
        same: list[_Task] = []
        for task in tasks:
            first = known.get(task.request.command_id)
            if first is not None and first.fingerprint == task.fingerprint:
                same.append(task)
            elif first is not None:
                answers[task.number] = CommandIdReused(
                    f"command id {task.request.command_id} was used before for something else",
                    "command_id",
                )
        recorded = self.log.of_commands([task.request.command_id for task in same]) if same else {}
        for task in same:
            answers[task.number] = _first_answer(recorded[task.request.command_id])
        return [task for task in tasks if task.request.command_id not in known]

    def _draft(self, task: _Task, before: Loaded | None) -> _Draft | Outcome | CaseError:
        request = task.request
        case, version = (before.case, before.version) if before else (None, 0)
        if request.expected_version not in (None, version):
            return CaseMoved(f"the case is at version {version}; look at it again")
        try:
            now = self._clock()
            context = self._context_for(request.actor, max(now, case.at) if case else now)
            events = tuple(self._decide(case, request.command, context))
            if events:
                return _Draft(task, before, events, _subject_of(case, events))
        except CaseError as no:
            return no
        except Exception as defect:  # noqa: BLE001 - one defect must not harm the rest of a batch
            kind = type(request.command).__name__
            logger.error(  # noqa: TRY400 - a traceback may quote a person's data
                "decision failed", extra={"command": kind, "error": origin(defect)}
            )
            failed = DecisionFailed(f"{kind} failed for a defect of ours; nothing was recorded")
            failed.__cause__ = defect
            return failed
        return Outcome(
            case_id=request.case_id,
            version=version,
            events=(),
            position=None,
            repeated=False,
        )

    def _append(self, drafts: list[_Draft], answers: Answers) -> list[_Task]:
        """Append in one transaction; answer what is settled and return what must go again."""
        keys = self._vault.ensure({draft.subject_id for draft in drafts}) if drafts else {}
        entries: list[tuple[_Draft, Entry]] = []
        for draft in drafts:
            try:
                entries.append((draft, self._entry(draft, keys[draft.subject_id])))
            except ValueError as error:
                answers[draft.task.number] = _unstorable(error)
        if not entries:
            return []
        batch = [entry for _, entry in entries]
        # Safe to repeat after a loss: what was written by the first try is then a duplicate.
        verdicts = self._database.run(lambda connection: append(connection, batch))
        return self._settle([draft for draft, _ in entries], verdicts, answers)

    def _entry(self, draft: _Draft, key: SubjectKey) -> Entry:
        request = draft.task.request
        first = _first_version(draft)
        seal = self.log.mapper.seal
        return Entry(
            command_id=request.command_id,
            case_id=request.case_id,
            first_version=first,
            fingerprint=draft.task.fingerprint,
            actor=request.actor,
            causation=request.causation,
            events=tuple(
                seal(request.case_id, version, event, key)
                for version, event in enumerate(draft.events, start=first)
            ),
        )

    def _settle(
        self, drafts: list[_Draft], verdicts: list[Verdict], answers: Answers
    ) -> list[_Task]:
        again: list[_Task] = []
        duplicates: list[_Task] = []
        for draft, verdict in zip(drafts, verdicts, strict=True):
            task = draft.task
            match verdict.outcome:
                case "appended":
                    answers[task.number] = self._appended(draft, verdict.positions[-1])
                case "duplicate":
                    duplicates.append(task)
                case "conflict":
                    task.attempts += 1
                    task.verified = True
                    again.append(task)
        lost = self._answer_repeated(duplicates, answers) if duplicates else []
        assert not lost, "a duplicate is recorded"
        for task in again:
            if task.attempts >= MAX_ATTEMPTS:
                answers[task.number] = CaseBusy("others keep changing this case; try again")
        return [task for task in again if task.attempts < MAX_ATTEMPTS]

    def _appended(self, draft: _Draft, position: int) -> Outcome:
        case_id = draft.task.request.case_id
        after = self._states.after(draft.before, draft.events)
        self._states.keep(case_id, after)
        return Outcome(
            case_id=case_id,
            version=after.version,
            events=draft.events,
            position=position,
            repeated=False,
        )

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


def _one_per_case(tasks: list[_Task]) -> tuple[list[_Task], list[_Task]]:
    """The first task of each case (and of each command id), and the rest in their order."""
    ready: list[_Task] = []
    later: list[_Task] = []
    taken: set[UUID] = set()
    for task in tasks:
        names = {task.request.case_id, task.request.command_id}
        (later if names & taken else ready).append(task)
        taken |= names
    return ready, later


def _subject_of(case: Case | None, events: tuple[Event, ...]) -> UUID:
    if case is not None:
        return case.subject_id
    first = events[0]
    assert isinstance(first, CaseOpened), "a case's first event is CaseOpened"
    return first.subject_id


def _first_version(draft: _Draft) -> int:
    return 1 + (draft.before.version if draft.before else 0)


def _first_answer(recorded: list[Recorded]) -> Outcome:
    last = recorded[-1]
    return Outcome(
        case_id=last.case_id,
        version=last.version,
        events=tuple(each.event for each in recorded),
        position=last.position,
        repeated=True,
    )


def _unstorable(error: ValueError) -> Invalid:
    # Only the kind: the words of an encoding error quote the text.
    return Invalid(f"the command holds something that cannot be stored ({type(error).__name__})")
