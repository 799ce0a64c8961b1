"""The worker: follows the log, and does what is due."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Final

from duecourse import faults
from duecourse.case.context import SYSTEM
from duecourse.case.errors import CaseError, TooEarly
from duecourse.case.timers import COURTS, command_of
from duecourse.flow.filings import Filings
from duecourse.flow.lanes import Lane, settle
from duecourse.flow.outreach import Outreach
from duecourse.flow.polls import Polls
from duecourse.flow.tries import Inline
from duecourse.store.backoff import Backoff
from duecourse.store.engine import Engine, Request
from duecourse.store.errors import CaseBusy, DatabaseUnavailable, StoreError, origin
from duecourse.store.runner import Runner
from duecourse.store.timers import DueTimer, Timers

log = logging.getLogger(__name__)

BATCH: Final = 100
RETRY_SECONDS: Final = 30.0
IDLE_SECONDS: Final = 0.25
LONGEST_PAUSE: Final = 5.0


class Worker:
    """One of any number; timers are shared out by leases.

    Every channel has a lane of its own, and so have the courts: a slow one keeps nobody waiting.
    `lease_seconds` is after how long another worker takes over from one that died. `configured`
    names the channels of the settings: what is to go by one that is broken waits for it, and what
    is to go by one that nobody knows is called back.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        runner: Runner,
        timers: Timers,
        outreach: Outreach,
        lanes: Iterable[Lane],
        filings: Filings,
        polls: Polls | None = None,
        clock: Callable[[], datetime],
        lease_seconds: float,
        configured: Collection[str] = (),
    ) -> None:
        self._engine = engine
        self._runner = runner
        self._timers = timers
        self._outreach = outreach
        self._lanes = tuple(lanes)
        self._filings = filings
        self._polls = polls
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._known = {"", COURTS, *configured, *(lane.name for lane in self._lanes)}

    def run(self, should_stop: Callable[[], bool]) -> None:
        """Work until told to stop; what is under way is finished.

        What fails again and again is tried again at longer and longer intervals.
        """
        with ExitStack() as stack:
            turns: dict[str, Callable[[], int]] = {COURTS: self._file}
            for name in self._polls.names if self._polls else ():
                turns[f"{name}, asked"] = partial(self._poll, name)
            for lane in self._lanes:
                pool = ThreadPoolExecutor(lane.at_once, thread_name_prefix=lane.name)
                turns[lane.name] = partial(lane.turn, stack.enter_context(pool))
            threads = [
                threading.Thread(target=_keep_on, args=(turn, should_stop), name=name)
                for name, turn in turns.items()
            ]
            for thread in threads:
                thread.start()
            _keep_on(self._follow_and_decide, should_stop, self._runner.wait)
            for thread in threads:
                thread.join()

    def step(self) -> int:
        """Bring the views up to date and do one batch of what is due, all in this thread.

        Returns how much was done.
        """
        done = self._follow_and_decide()
        done += sum(lane.turn(Inline()) for lane in self._lanes)
        done += self._polls.run_due() if self._polls else 0
        return done + self._file()

    def _poll(self, name: str) -> int:
        assert self._polls is not None, "only what polls names is polled"
        return self._polls.poll(name).recorded

    def _follow_and_decide(self) -> int:
        followed = self._runner.run_once()
        now = self._clock()
        claimed = self._timers.claim(now, BATCH, self._lease_seconds, "")
        faults.reach("worker.claimed")
        self._decide([each for each in claimed if command_of(each.timer) is not None])
        return followed + len(claimed) + self._call_back_strays(now)

    def _decide(self, due: Sequence[DueTimer]) -> None:
        """Timers that only need a decision go through the engine together."""
        requests = [request for each in due if (request := _request(each)) is not None]
        answers = self._engine.execute_each(requests)
        later: list[DueTimer] = []
        for each, answer in zip(due, answers, strict=True):
            if isinstance(answer, DatabaseUnavailable):
                raise answer
            if isinstance(answer, CaseError | StoreError):
                log.info("timer %s of %s: %s", each.timer.key, each.case_id, answer)
            # A case that cannot be read rests for a while; the others claimed with it go on.
            if isinstance(answer, TooEarly | CaseBusy | StoreError):
                later.append(each)
        faults.reach("worker.decided")
        self._timers.lease(later, RETRY_SECONDS)
        self._timers.done([each for each in due if each not in later])

    def _call_back_strays(self, now: datetime) -> int:
        """What is to go by a channel that nobody knows."""
        strays = self._timers.claim_strays(now, BATCH, self._lease_seconds, self._known)
        for lane, many in groupby(sorted(strays, key=_lane_of), _lane_of):
            settle(self._timers, self._outreach.call_back(lane, list(many)))
        return len(strays)

    def _file(self) -> int:
        """One by one. A slow court must not outlast the lease on those that still wait."""
        waiting = deque(self._timers.claim(self._clock(), BATCH, self._lease_seconds, COURTS))
        claimed = len(waiting)
        renew_at = time.monotonic() + self._lease_seconds / 2
        while waiting:
            if time.monotonic() > renew_at:
                # What another worker has claimed meanwhile is left to it.
                waiting = deque(self._timers.lease(waiting, self._lease_seconds))
                renew_at = time.monotonic() + self._lease_seconds / 2
            if waiting:
                self._file_one(waiting.popleft())
        return claimed

    def _file_one(self, due: DueTimer) -> None:
        """A bad one harms itself only."""
        try:
            self._filings.file(due)
        except CaseError as refused:
            log.info("timer %s of %s: %s", due.timer.key, due.case_id, refused)
            self._timers.done([due])
        except DatabaseUnavailable:
            raise
        except Exception as defect:  # noqa: BLE001 - one bad timer must not stop the others
            # Without its words, which may quote a person's data.
            log.error(  # noqa: TRY400 - a traceback quotes them too
                "timer %s of %s failed: %s", due.timer.key, due.case_id, origin(defect)
            )
            self._timers.lease([due], RETRY_SECONDS)
        else:
            self._timers.done([due])


def _keep_on(
    turn: Callable[[], int],
    should_stop: Callable[[], bool],
    wait: Callable[[float], object] = time.sleep,
) -> None:
    """Take turns until told to stop, at longer and longer intervals while they fail."""
    trouble = Backoff(LONGEST_PAUSE)
    while not should_stop():
        if not trouble.is_over:
            time.sleep(IDLE_SECONDS)
            continue
        try:
            done = turn()
        except DatabaseUnavailable:
            log.warning("the database is away; the worker waits for it")
            trouble.failed()
        except Exception as defect:  # noqa: BLE001 - the others' reminders go on
            log.error(  # noqa: TRY400 - a traceback may quote a person's data
                "the worker stumbled and goes on in %s s: %s", trouble.failed(), origin(defect)
            )
        else:
            trouble.succeeded()
            if not done:
                wait(IDLE_SECONDS)


def _lane_of(due: DueTimer) -> str:
    return due.timer.lane


def _request(due: DueTimer) -> Request | None:
    command = command_of(due.timer)
    if command is None:
        return None
    return Request(
        case_id=due.case_id,
        command=command,
        command_id=due.timer.command_id(due.case_id),
        actor=SYSTEM,
        causation=due.timer.key,
    )
