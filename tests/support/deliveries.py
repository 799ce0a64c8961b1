"""A life that sends messages through the faulty gateway, and may be killed anywhere.

It asks for what nobody has acknowledged yet, writes down what it was told, and works until nothing
is left to do. Meanwhile some debtors opt out, and some cases are held or closed.
"""

import json
import logging
import signal
import time
import urllib.request
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from delivery_hearing import Hearing
from delivery_orders import (
    Born,
    Ended,
    Job,
    Planned,
    Stopped,
    UnderWay,
    filed,
    messages_of,
    stops_of,
)
from delivery_plants import plant
from faulty_world import LATE, SECRET, WINDOW
from lives import DETAILS, MASTER_KEY, RULES, TREATMENT, Ack, Court, Notes, Tally
from msgspec.structs import replace

from duecourse import Secret, faults
from duecourse.case.context import Actor, Context
from duecourse.flow.filings import Filings
from duecourse.flow.lanes import Lane, lanes_of
from duecourse.flow.outreach import Outreach
from duecourse.flow.projector import Projector
from duecourse.flow.signals import Signals
from duecourse.flow.worker import Worker
from duecourse.settings import ChannelLimits
from duecourse.store.addresses import Addresses
from duecourse.store.database import Database
from duecourse.store.engine import Engine, Request
from duecourse.store.pace import Pace
from duecourse.store.references import References
from duecourse.store.rests import Rests
from duecourse.store.runner import Runner
from duecourse.store.timers import DueTimer, Timers
from duecourse.store.vault import Vault
from duecourse.testing.sample import NOON
from duecourse_sms import SmsChannel, SmsConfig

SECONDS: Final = 60
"""After which a life is over in any case: it hangs."""
TIMEOUT: Final = 5.0
SOON: Final = timedelta(minutes=60)
"""What is due by then is still about the messages."""
JUMP: Final = WINDOW + timedelta(minutes=5)
THE_END: Final = LATE + timedelta(hours=2)
SHORT_REST: Final = 0.02
"""Real seconds, instead of the half minute that a worker lets something rest."""
WITHOUT_STEPS: Final = replace(TREATMENT, steps=())


class BriskTimers(Timers):
    """Nobody waits for long: what rests for half a minute does so for a moment."""

    longest = SHORT_REST

    def lease(self, claimed: Sequence[DueTimer], seconds: float) -> list[DueTimer]:
        return super().lease(claimed, min(seconds, self.longest))


class Life:
    def __init__(self, job: Job, engine_class: type[Engine] = Engine) -> None:
        self._job = job
        self._start = NOON + (JUMP if job.jumps and job.number else timedelta())
        self._now = self._start
        self._acks, self._stopped = Notes(job.folder, "acks"), Notes(job.folder, "stopped")
        self._messages = messages_of(job.seed, job.messages)
        self._pool = ThreadPoolExecutor(4)
        self._wire(engine_class)

    def _wire(self, engine_class: type[Engine]) -> None:
        job, database = self._job, Database(self._job.dsn, min_size=1, max_size=8, patience=20.0)
        self._database = database
        vault = Vault(database, MASTER_KEY)
        self.engine = engine_class(
            database, vault, context_for=_context, clock=self._clock, mode=job.mode
        )
        addresses, self._timers = Addresses(database, vault), BriskTimers(database)
        self._timers.longest = max(SHORT_REST, job.lease_seconds)
        projector = Projector(self.engine, self._timers, addresses, WITHOUT_STEPS)
        self._runner = Runner(database, self.engine, [projector, Tally()])
        self._channel = channel_of(job)
        channels = {"sms": self._channel}
        outreach = Outreach(self.engine, channels, {"fictional-bank": DETAILS}, RULES, self._clock)
        # Half of all tries fail here; a channel that rests would make the test wait.
        limits = ChannelLimits(suspend_after=1000)
        self._lanes: list[Lane] = list(
            lanes_of(
                channels,
                {"sms": limits},
                outreach=outreach,
                timers=self._timers,
                pace=Pace(database),
                rests=Rests(database),
                clock=self._clock,
                lease_seconds=job.lease_seconds,
            )
        )
        filings = Filings(self.engine, {"court": Court(self.engine, Notes(job.folder, "sent"))})
        self._worker = Worker(
            engine=self.engine,
            runner=self._runner,
            timers=self._timers,
            outreach=outreach,
            lanes=self._lanes,
            filings=filings,
            clock=self._clock,
            lease_seconds=job.lease_seconds,
        )
        signals = Signals(self.engine, References(database), addresses, self._clock)
        self._hearing = Hearing(self._channel, signals)

    def _clock(self) -> datetime:
        return self._now

    def live(self) -> None:
        """Everything, to the end."""
        job = self._job
        self._set_clock(self._start)
        if job.number:
            self._note_under_way()
        Notes(job.folder, "born").add(Born(job.number, time.time()))
        known = {ack.command_id for ack in self._acks.read(Ack)}
        asked = [each for message in self._messages for each in message.requests]
        self._ask([each for each in asked + filed() if each.command_id not in known])
        stopped = {each.key for each in self._stopped.read(Stopped)}
        planned = [
            each
            for each in stops_of(job, self._messages)
            if each.number <= job.number and each.message.key not in stopped
        ]
        for each in planned:
            if each.quiet:
                self._stop(each)
        self._tell_gateway("callback", self._hearing.url)
        beside = [self._pool.submit(self._stop_later, each) for each in planned if not each.quiet]
        self._work(beside)
        self._write_summary()

    def _ask(self, requests: Sequence[Request]) -> None:
        for request, outcome in zip(requests, self.engine.execute_batch(requests), strict=True):
            assert not isinstance(outcome, Exception), outcome
            assert outcome.position is not None
            events = len(outcome.events)
            self._acks.add(Ack(request.command_id, outcome.version, outcome.position, events))

    def _stop_later(self, planned: Planned) -> None:
        time.sleep(planned.after)
        self._stop(planned)

    def _stop(self, planned: Planned) -> None:
        outcome = self.engine.execute_sync(planned.request())
        assert outcome.position is not None
        quiet = planned.quiet and not self._job.together
        key, position = planned.message.key, outcome.position
        self._stopped.add(Stopped(key, planned.stop, position, time.time(), quiet))

    def _work(self, beside: Sequence[Future[None]]) -> None:
        """Until nothing is due, and nobody has anything more to say."""
        while True:
            if self._step():
                continue
            if not self._runner.is_quiet(self._now):
                time.sleep(0.002)
                continue
            due_at = self._timers.next_due()
            if due_at is not None and due_at <= self._start + SOON:
                self._set_clock(due_at)
            elif not all(each.done() for each in beside):
                time.sleep(0.002)
            elif self._now < NOON + THE_END:
                self._set_clock(NOON + THE_END)
            elif not self._pending():
                break
            else:
                time.sleep(0.002)
        for each in beside:
            each.result()

    def _step(self) -> int:
        done = 0
        if self._job.pooled:
            done = sum(lane.turn(self._pool) for lane in self._lanes)
        return done + self._worker.step()

    def _set_clock(self, now: datetime) -> None:
        self._now = now
        self._tell_gateway("clock", now.timestamp())

    def _pending(self) -> list[str]:
        with urllib.request.urlopen(f"{self._job.gateway}/{self._job.world}/pending") as answer:
            found: list[str] = json.load(answer)["pending"]
            return found

    def _tell_gateway(self, what: str, told: object) -> None:
        url, body = f"{self._job.gateway}/{self._job.world}/{what}", json.dumps(told).encode()
        with urllib.request.urlopen(url, data=body) as answer:
            answer.read()

    def _note_under_way(self) -> None:
        cases = self.engine.load_many({each.case_id for each in self._messages})
        sending = []
        for each in self._messages:
            contacts = cases[each.case_id].case.contacts if each.case_id in cases else {}
            contact = contacts.get(each.contact_id)
            if contact is not None and contact.attempts and contact.status in _NOT_ENDED:
                sending.append(each.key)
        note = UnderWay(self._job.number, sending, self._pending())
        Notes(self._job.folder, "under way").add(note)

    def _write_summary(self) -> None:
        cases = self.engine.load_many({each.case_id for each in self._messages})
        found = {
            key: Ended(each.status, each.delivery, list(each.receipts))
            for message in self._messages
            for key, each in (
                (str(key), each) for key, each in cases[message.case_id].case.contacts.items()
            )
        }
        (Path(self._job.folder) / "summary").write_bytes(msgspec.json.encode(found))

    def close(self) -> None:
        self._hearing.close()
        self._pool.shutdown()
        self._channel.close()
        self._database.close()


_NOT_ENDED: Final = frozenset({"permitted", "dispatching"})


def channel_of(job: Job) -> SmsChannel:
    channel = SmsChannel(
        SmsConfig(
            url=f"{job.gateway}/{job.world}/messages",
            token=Secret("fictional-token"),
            timeout=TIMEOUT,
            webhook_secrets=(Secret(SECRET),),
        )
    )
    believed = "idempotent" if job.plant == "blind resend" else job.guarantee
    channel.capabilities = replace(
        channel.capabilities, guarantee=believed, window=WINDOW, parallel=4
    )
    return channel


def _context(actor: Actor, at: datetime) -> Context:
    return Context(at=at, actor=actor, rules=RULES, treatment=WITHOUT_STEPS)


def live(job: Job) -> None:
    """In a process of its own."""
    signal.alarm(SECONDS)
    logging.disable()  # of what goes wrong on purpose there is a lot
    counts: Counter[str] = Counter()
    if job.count:
        faults.reach = lambda point: counts.update([point])
    elif job.point:
        faults.arm(job.point, job.hit)
    engine_class = plant(job.plant)
    life = Life(job, engine_class)
    life.live()
    if job.count:
        (Path(job.folder) / "counts").write_text(json.dumps(counts))
    life.close()
