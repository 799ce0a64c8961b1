"""Reads for the engine what it does not have at hand, many cases at a time."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from uuid import UUID

import msgspec
import psycopg

from duecourse import faults
from duecourse.store.answers import Answer, Outcome
from duecourse.store.errors import CommandIdReused, DatabaseUnavailable, StoreError, origin
from duecourse.store.log import EventLog, Recorded
from duecourse.store.states import Loaded, States
from duecourse.store.tasks import Task
from duecourse.store.vault import Vault

logger = logging.getLogger(__name__)


class Fetched(msgspec.Struct, frozen=True):
    """The case of a task as the log has it now, or the answer that there is already.

    `round` is the one in which it was asked for.
    """

    task: Task
    round: int
    before: Loaded | None
    answer: Answer | None = None


Wanted = tuple[Task, int]


class Loader:
    """One thread. What is asked for while it reads is read together next time."""

    def __init__(
        self,
        log: EventLog,
        states: States,
        vault: Vault,
        hand_over: Callable[[Sequence[Fetched]], None],
    ) -> None:
        self._log = log
        self._states = states
        self._vault = vault
        self._hand_over = hand_over
        self._wanted: deque[Wanted] = deque()
        self._work = threading.Semaphore(0)
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="duecourse-loader", daemon=True)
        self._thread.start()

    def fetch(self, tasks: Sequence[Task], round_: int) -> None:
        self._wanted.extend((task, round_) for task in tasks)
        self._work.release()

    def close(self) -> None:
        self._stopping = True
        self._work.release()
        self._thread.join()

    def _run(self) -> None:
        while True:
            self._work.acquire()
            if self._stopping:
                return
            wanted = [self._wanted.popleft() for _ in range(len(self._wanted))]
            if wanted:
                fetched = self._fetched(wanted)
                faults.reach("engine.fetched")
                self._hand_over(fetched)

    def _fetched(self, wanted: Sequence[Wanted]) -> list[Fetched]:
        try:
            return self._read(wanted)
        except DatabaseUnavailable as away:
            return [Fetched(task, round_, None, away) for task, round_ in wanted]
        except Exception as error:  # noqa: BLE001 - one case that cannot be read harms itself only
            if len(wanted) > 1:
                return [each for one in wanted for each in self._fetched([one])]
            ((task, round_),) = wanted
            return [Fetched(task, round_, None, _as_store_error(error))]

    def _read(self, wanted: Sequence[Wanted]) -> list[Fetched]:
        tasks = [task for task, _ in wanted]
        states = self._states.read({task.request.case_id for task in tasks})
        # After the states: when a state already shows what a command did, the command is found
        # here, and not decided a second time on its own effects.
        answers = self._first_answers([task for task in tasks if task.verified])
        if subjects := {task.subject_id for task in tasks if task.subject_id is not None}:
            self._vault.ensure(subjects)
        return [
            Fetched(
                task,
                round_,
                states.get(task.request.case_id),
                answers.get(task.request.command_id),
            )
            for task, round_ in wanted
        ]

    def _first_answers(self, tasks: Sequence[Task]) -> dict[UUID, Answer]:
        """For the commands that were recorded before: what they did, or that they were others."""
        if not tasks:
            return {}
        known = self._log.answered([task.request.command_id for task in tasks])
        if not known:
            return {}
        answers: dict[UUID, Answer] = {}
        # A set: after a loss a task may be read for twice at once.
        same: set[UUID] = set()
        for task in tasks:
            command_id = task.request.command_id
            if known.get(command_id, task.fingerprint) != task.fingerprint:
                answers[command_id] = CommandIdReused(
                    f"command id {command_id} was used before for something else", "command_id"
                )
            elif command_id in known:
                same.add(command_id)
        recorded = self._log.of_commands(list(same)) if same else {}
        return answers | {each: _first_answer(events) for each, events in recorded.items()}


def _first_answer(recorded: Sequence[Recorded]) -> Outcome:
    last = recorded[-1]
    return Outcome(
        case_id=last.case_id,
        version=last.version,
        events=tuple(each.event for each in recorded),
        position=last.position,
        repeated=True,
    )


def _as_store_error(error: Exception) -> StoreError:
    if isinstance(error, StoreError):
        return error
    logger.error("reading for a command failed", extra={"error": origin(error)})
    kind = "the database" if isinstance(error, psycopg.Error) else "a defect of ours"
    failed = StoreError(f"{kind} kept the case from being read ({type(error).__name__})")
    failed.__cause__ = error
    return failed
