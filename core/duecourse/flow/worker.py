"""The worker: follows the log, and does what is due."""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from duecourse import faults
from duecourse.case.context import SYSTEM
from duecourse.case.errors import CaseError, TooEarly
from duecourse.case.timers import command_of
from duecourse.flow.filings import Filings
from duecourse.flow.outreach import Outreach, Postponed
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

    `lease_seconds` is after how long another worker takes over from one that died. It must be
    more than twice what one exchange with a channel may take.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        runner: Runner,
        timers: Timers,
        outreach: Outreach,
        filings: Filings,
        clock: Callable[[], datetime],
        lease_seconds: float,
    ) -> None:
        self._engine = engine
        self._runner = runner
        self._timers = timers
        self._outreach = outreach
        self._filings = filings
        self._clock = clock
        self._lease_seconds = lease_seconds

    def run(self, should_stop: Callable[[], bool]) -> None:
        """Work until told to stop; what is under way is finished.

        What fails again and again is tried again at longer and longer intervals.
        """
        trouble = Backoff(LONGEST_PAUSE)
        while not should_stop():
            if not trouble.is_over:
                time.sleep(IDLE_SECONDS)
                continue
            try:
                done = self.step()
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
                    self._runner.wait(IDLE_SECONDS)

    def step(self) -> int:
        """Bring the views up to date and do one batch of what is due. Returns how much was done."""
        followed = self._runner.run_once()
        now = self._clock()
        claimed = self._timers.claim(now, BATCH, self._lease_seconds)
        faults.reach("worker.claimed")
        self._decide([each for each in claimed if command_of(each.timer) is not None])
        self._act_on([each for each in claimed if command_of(each.timer) is None], now)
        return followed + len(claimed)

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

    def _act_on(self, due: Sequence[DueTimer], now: datetime) -> None:
        """One by one. A slow channel must not outlast the lease on those that still wait."""
        renew_at = time.monotonic() + self._lease_seconds / 2
        waiting = deque(due)
        while waiting:
            if time.monotonic() > renew_at:
                # What another worker has claimed meanwhile is left to it.
                waiting = deque(self._timers.lease(waiting, self._lease_seconds))
                renew_at = time.monotonic() + self._lease_seconds / 2
            if waiting:
                self._act(waiting.popleft(), now)

    def _act(self, due: DueTimer, now: datetime) -> None:
        """Timers that reach outside, one by one: a bad one harms itself only."""
        try:
            if due.timer.kind == "dispatch":
                self._outreach.dispatch(due, now)
            else:
                self._filings.file(due)
        except Postponed as later:
            self._timers.lease([due], later.seconds)
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
