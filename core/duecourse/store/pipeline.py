"""The thread that turns commands into events: decide, write together, answer.

While one batch is on its way to the disk, the next is being decided; what has gathered by the
time the disk is done is written next. Nothing waits for a timer, and no case for another.
"""

import contextlib
import logging
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Final

import psycopg
from psycopg import errors as pg

from duecourse import faults
from duecourse.store.answers import Answer, Outcome, Receiver
from duecourse.store.append import Entry, MissedEvent, Mode, Verdict, Written
from duecourse.store.database import Database, is_lost
from duecourse.store.drafts import Batches, Decider, Draft, Ready
from duecourse.store.errors import CaseBusy, CaseMoved, DatabaseUnavailable, StoreError, origin
from duecourse.store.loader import Fetched, Loader
from duecourse.store.log import EventLog
from duecourse.store.states import Loaded, States
from duecourse.store.tasks import Task
from duecourse.store.turns import Turns
from duecourse.store.writer import Writer

# Tasks decided at a time before looking whether the server is ready for the next batch.
SLICE: Final = 64
MAX_ATTEMPTS: Final = 5
MAX_LOSSES: Final = 10
MAX_WAITING: Final = 100_000
RECONNECT_PAUSE: Final = 0.1

logger = logging.getLogger(__name__)


class Pipeline:
    """Give it tasks from any thread; it answers each once by its receiver, whatever happens."""

    def __init__(
        self, database: Database, log: EventLog, states: States, decider: Decider, mode: Mode
    ) -> None:
        self._patience = database.patience
        self._states = states
        self._decider = decider
        self._selector = selectors.DefaultSelector()
        self._writer = Writer(database, self._selector, mode)
        self._loader = Loader(log, states, log.vault, self._hand_over)
        self._inbox: deque[Task | Fetched] = deque()
        # Tasks taken and not answered yet. Each is in one of the places below, waits for its turn,
        # or is with the loader.
        self._live: set[Task] = set()
        self._count = 0
        self._round = 0
        self._cases, self._commands = Turns(), Turns()
        self._next: deque[Task] = deque()
        self._to_fetch: list[Task] = []
        self._ready = Batches()
        self._writing: list[Ready] = []
        self._entries: list[Entry] = []
        self._unflushed: list[tuple[Task, Outcome]] = []
        self._flushing: list[tuple[Task, Outcome]] = []
        self._told: set[Receiver] = set()
        self._away_since: float | None = None
        self._connect_at = 0.0
        self._lost_again = False
        self._sleeping = False
        self._stopping = False
        self._submitting = threading.Lock()
        self.has_tried = threading.Event()
        """Set once it has connected for the first time, or has failed to."""
        self._wake_out, self._wake_in = socket.socketpair()
        self._wake_in.setblocking(False)
        self._selector.register(self._wake_in, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="duecourse-engine", daemon=True)
        self._thread.start()

    def submit(self, tasks: Sequence[Task]) -> None:
        """Raises DatabaseUnavailable, without having taken any, when too many are waiting."""
        with self._submitting:
            if self._stopping:
                raise DatabaseUnavailable("the engine is being closed; give the command again")
            if len(self._inbox) + len(self._live) > MAX_WAITING:
                raise DatabaseUnavailable("too many commands are waiting; try again")
            self._inbox.extend(tasks)
        self._wake()

    def close(self) -> None:
        """Finish what is under way, then stop."""
        with self._submitting:
            self._stopping = True
        self._wake()
        self._thread.join()
        self._loader.close()
        self._writer.close()
        self._selector.close()
        self._wake_in.close()
        self._wake_out.close()

    def _hand_over(self, fetched: Sequence[Fetched]) -> None:
        self._inbox.extend(fetched)
        self._wake()

    def _wake(self) -> None:
        if self._sleeping:
            self._sleeping = False
            # A full buffer means that it is being woken already.
            with contextlib.suppress(OSError):
                self._wake_out.send(b"\0", socket.MSG_DONTWAIT)

    # --- the thread ----------------------------------------------------------------------------

    def _run(self) -> None:
        self._connected()
        self.has_tried.set()
        while not (self._stopping and self._is_done()):
            try:
                self._turn()
            except (psycopg.Error, StoreError) as lost:
                self._start_over(lost)
            except Exception as defect:  # noqa: BLE001 - nobody may wait for ever
                self._fail_all(defect)

    def _is_done(self) -> bool:
        return not (self._live or self._inbox or self._told)

    def _turn(self) -> None:
        self._take_in()
        self._write()
        self._flush()
        self._tell()
        self._wait()
        self._settle_written()
        self._settle_flushed()

    def _take_in(self) -> None:
        budget = SLICE
        while budget and (self._next or self._inbox):
            if self._next:
                task, fetched = self._next.popleft(), None
            else:
                each = self._inbox.popleft()
                if isinstance(each, Task):
                    self._admit(each)
                    continue
                task, fetched = each.task, each
                if task not in self._live:
                    continue
            budget -= 1
            try:
                self._go_on(task, fetched)
            except Exception as defect:  # noqa: BLE001 - told to the one that met it
                self._failed(task, defect)
        if self._to_fetch:
            self._loader.fetch(self._to_fetch, self._round)
            self._to_fetch = []

    def _admit(self, task: Task) -> None:
        """One task at a time for each case, and for each command id; the others wait in order."""
        if not task.number:
            self._count += 1
            task.number = self._count
            self._live.add(task)
        elif task not in self._live:
            return
        if self._cases.take(task.request.case_id.int, task):
            self._take_command(task)

    def _take_command(self, task: Task) -> None:
        if self._commands.take(task.request.command_id.int, task):
            self._begin(task)

    def _begin(self, task: Task) -> None:
        task.has_turn = True
        self._next.append(task)

    def _go_on(self, task: Task, fetched: Fetched | None) -> None:
        if fetched is None:
            kept = self._states.kept(task.request.case_id)
            if kept is None:
                self._fetch(task)
            else:
                self._decide(task, kept)
        elif isinstance(fetched.answer, DatabaseUnavailable):
            self._answer(task, fetched.answer)
        elif fetched.round != self._round:
            # A connection was lost since; it was asked for anew.
            return
        elif fetched.answer is not None:
            self._answer_read(task, fetched.answer)
        else:
            self._decide(task, fetched.before)

    def _fetch(self, task: Task) -> None:
        task.verified = True
        self._to_fetch.append(task)

    def _decide(self, task: Task, before: Loaded | None) -> None:
        draft = self._decider.draft(task, before)
        if isinstance(draft, Draft):
            self._seal(draft)
        elif task.verified:
            self._answer_read(task, draft)
        else:
            # A no, or nothing to do, on a state that may be out of date: look again.
            self._fetch(task)

    def _seal(self, draft: Draft) -> None:
        entry = self._decider.entry(draft)
        if entry is None:
            draft.task.subject_id = draft.subject_id
            self._fetch(draft.task)
        elif isinstance(entry, Entry):
            self._ready.add(draft, entry)
        else:
            self._answer(draft.task, entry)

    # --- writing -------------------------------------------------------------------------------

    def _write(self) -> None:
        if self._writing or not self._ready:
            return
        if not self._writer.is_connected:
            if self._connected():
                self._look_again()
            return
        self._writing = self._ready.next()
        self._entries = [entry for _, entry in self._writing]
        faults.reach("engine.ready")
        self._writer.append(self._entries)
        faults.reach("engine.sent")

    def _settle_written(self) -> None:
        if not self._writer.is_connected:
            return
        try:
            written = self._writer.written(self._entries)
        except psycopg.Error as refused:
            if is_lost(refused):
                raise
            self._refused(refused)
            return
        if written is None:
            return
        faults.reach("engine.written")
        self._lost_again = False
        batch, self._writing = self._writing, []
        # The server goes on with the next batch while this one is answered. Should it be lost just
        # now, these are answered first.
        try:
            self._write()
        finally:
            self._settle(batch, written)

    def _settle(self, batch: list[Ready], written: Written) -> None:
        for (draft, _), verdict in zip(batch, written.verdicts, strict=True):
            try:
                self._settle_one(draft, verdict, on_disk=written.on_disk)
            except Exception as defect:  # noqa: BLE001 - the others of the batch have their answers
                self._failed(draft.task, defect)

    def _settle_one(self, draft: Draft, verdict: Verdict, *, on_disk: bool) -> None:
        match verdict.outcome:
            case "appended":
                self._appended(draft, verdict, on_disk=on_disk)
            case "duplicate":
                self._fetch(draft.task)
            case "conflict":
                self._again(draft, verdict.missed)

    def _appended(self, draft: Draft, verdict: Verdict, *, on_disk: bool) -> None:
        task = draft.task
        after = self._states.after(draft.before, draft.events)
        self._states.keep(task.request.case_id, after)
        outcome = Outcome(
            case_id=task.request.case_id,
            version=after.version,
            events=draft.events,
            position=verdict.position,
            repeated=False,
        )
        if on_disk:
            self._answer(task, outcome)
        else:
            self._answer_flushed(task, outcome)

    def _again(self, draft: Draft, missed: Sequence[MissedEvent]) -> None:
        """Somebody else has changed the case. What was meant for one version is meant for no other."""
        task = draft.task
        case_id, expected = task.request.case_id, task.request.expected_version
        has_caught_up = self._states.catch_up(case_id, draft.before, missed)
        task.attempts += 1
        if expected is not None:
            if not has_caught_up:
                self._states.drop(case_id)
            moved = CaseMoved(f"the case has moved on from version {expected}; look at it again")
            self._answer(task, moved)
        elif task.attempts == MAX_ATTEMPTS:
            self._answer(task, CaseBusy("others keep changing this case; try again"))
        else:
            # The statement knew no such command, and will look again: the state is enough, unless
            # nothing comes of it.
            task.verified = False
            (self._next if has_caught_up else self._to_fetch).append(task)

    def _refused(self, error: psycopg.Error) -> None:
        """The server took nothing of the batch. Find out whose fault it is, or say so."""
        batch, self._writing = self._writing, []
        logger.error("a batch was refused", extra={"error": origin(error), "commands": len(batch)})
        if isinstance(error, pg.LockNotAvailable | pg.QueryCanceled):
            busy = DatabaseUnavailable("the log is held by another session; try again")
            for draft, _ in batch:
                self._answer(draft.task, busy)
        elif len(batch) > 1:
            for draft, _ in batch:
                draft.task.alone = True
                self._fetch(draft.task)
        else:
            failed = StoreError(f"the database refused the command ({type(error).__name__})")
            failed.__cause__ = error
            self._answer(batch[0][0].task, failed)

    def _flush(self) -> None:
        """What may not be on disk is told once a flush that began afterwards has ended."""
        if self._flushing or not self._unflushed:
            return
        if not self._writer.is_connected and not self._connected():
            return
        self._flushing, self._unflushed = self._unflushed, []
        self._writer.flush()
        faults.reach("engine.flushing")

    def _settle_flushed(self) -> None:
        if self._writer.has_flushed():
            faults.reach("engine.flushed")
            self._lost_again = False
            for task, outcome in self._flushing:
                self._answer(task, outcome)
            self._flushing = []

    # --- after a loss --------------------------------------------------------------------------

    def _connected(self) -> bool:
        """Connect if it is time to; give up on what waits when the server stays away."""
        now = time.monotonic()
        if now < self._connect_at:
            return False
        try:
            self._writer.connect()
        except (psycopg.Error, StoreError) as away:
            self._connect_at = time.monotonic() + RECONNECT_PAUSE
            self._away_since = self._away_since or now
            if now - self._away_since > self._patience:
                self._give_up(away)
            return False
        self._away_since = None
        return True

    def _look_again(self) -> None:
        """What was decided before the connection was made may rest on what the server lost."""
        for task in self._ready.take_back():
            self._fetch(task)

    def _start_over(self, lost: Exception) -> None:
        """Whatever was under way may or may not be in the log, and what is kept may be ahead of it.

        Every task begins anew, in the order in which they came: it is looked up, and decided
        again if it is not found.
        """
        logger.warning("the writer's connection was lost", extra={"error": origin(lost)})
        self._writer.close()
        self._states.forget()
        # At once the first time, so that one cut cable costs nobody a pause.
        self._connect_at = time.monotonic() + (RECONNECT_PAUSE if self._lost_again else 0.0)
        self._lost_again = True
        for draft, _ in self._writing:
            draft.task.losses += 1
        away = DatabaseUnavailable("the connection was lost each time; try again")
        for task in [task for task in self._live if task.losses > MAX_LOSSES]:
            self._put(task, away)
        self._clear()
        again = sorted(self._live, key=lambda task: task.number, reverse=True)
        for task in again:
            task.has_turn = task.verified = False
        self._inbox.extendleft(again)

    def _clear(self) -> None:
        """Leave no task anywhere but among the live ones. What the loader has is of the past."""
        self._round += 1
        self._cases, self._commands = Turns(), Turns()
        self._next.clear()
        self._to_fetch = []
        self._ready.take_back()
        self._writing, self._unflushed, self._flushing = [], [], []

    def _fail_all(self, defect: Exception) -> None:
        logger.error("the engine failed", extra={"error": origin(defect)})
        failed = _defect_of_ours(defect)
        for task in [*self._live]:
            self._put(task, failed)
        self._clear()
        self._writer.close()
        self._states.forget()

    def _failed(self, task: Task, defect: Exception) -> None:
        logger.error("a command failed", extra={"error": origin(defect)})
        self._states.drop(task.request.case_id)
        self._answer(task, _defect_of_ours(defect))

    def _give_up(self, away: Exception) -> None:
        gone = DatabaseUnavailable("the database went away; try again")
        gone.__cause__ = away
        self._away_since = None
        read = [task for task, _ in self._unflushed]
        self._unflushed = []
        for task in (*self._ready.take_back(), *read):
            self._answer(task, gone)

    # --- answering -----------------------------------------------------------------------------

    def _answer(self, task: Task, answer: Answer) -> None:
        if task in self._live:
            self._put(task, answer)
        self._release(task)

    def _answer_read(self, task: Task, answer: Answer) -> None:
        """What was read may be of a process that wrote it early, and died before its flush."""
        if isinstance(answer, Outcome):
            self._answer_flushed(task, answer)
        else:
            self._answer(task, answer)

    def _answer_flushed(self, task: Task, outcome: Outcome) -> None:
        """Tell it after a flush; the next task of the case need not wait for that."""
        self._unflushed.append((task, outcome))
        self._release(task)

    def _put(self, task: Task, answer: Answer) -> None:
        self._live.discard(task)
        task.receiver.put(task.token, answer)
        self._told.add(task.receiver)

    def _release(self, task: Task) -> None:
        """Let those go on that waited for it: one for its command id, one for its case."""
        if not task.has_turn:
            return
        task.has_turn = False
        if (twin := self._commands.pass_on(task.request.command_id.int)) is not None:
            self._begin(twin)
        if (follower := self._cases.pass_on(task.request.case_id.int)) is not None:
            self._take_command(follower)

    def _tell(self) -> None:
        if not self._told:
            return
        while self._told:
            self._told.pop().pass_on()
        faults.reach("engine.told")

    def _wait(self) -> None:
        self._sleeping = True
        if self._next or self._inbox or self._to_fetch or (self._stopping and self._is_done()):
            self._sleeping = False
            return
        waits = self._ready or self._unflushed
        waits_to_connect = waits and not self._writer.is_connected
        events = self._selector.select(RECONNECT_PAUSE if waits_to_connect else None)
        self._sleeping = False
        for key, _ in events:
            if key.fileobj is self._wake_in:
                with contextlib.suppress(BlockingIOError):
                    self._wake_in.recv(4096)


def _defect_of_ours(defect: Exception) -> StoreError:
    failed = StoreError(f"a defect of ours ({type(defect).__name__}); give the command again")
    failed.__cause__ = defect
    return failed
