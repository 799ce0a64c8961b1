"""How many messages one worker sends in a second through a channel that takes them at once.

python -m bench.dispatch DSN [--messages N] [--queued N]

Each has its own case. All of it counts: the text is made and read by the lint, the rules are asked
again, two events are committed for each, and followed. `--queued` puts so many more behind them,
due as well; the peak of memory shows what that costs.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

import psycopg
from msgspec.structs import replace

from bench import children, servers
from bench.closed_loop import peak_mb, report, wait_for_start
from bench.contender import Contender, Sample
from bench.engine import COLLECTOR, MASTER_KEY
from duecourse import Accepted, Capabilities, Channel, Config, Outbound
from duecourse.case import commands as c
from duecourse.case.context import Actor, Context
from duecourse.chance import new_id
from duecourse.cycles import look_for_cycles_rarely
from duecourse.flow.filings import Filings
from duecourse.flow.lanes import lanes_of
from duecourse.flow.outreach import Outreach
from duecourse.flow.projector import Projector
from duecourse.flow.worker import Worker
from duecourse.rendering import check_templates
from duecourse.rules.gate import load_rulebook
from duecourse.rules.treatment import load_treatment
from duecourse.settings import CreditorDetails
from duecourse.store.addresses import Addresses
from duecourse.store.database import Database
from duecourse.store.engine import Engine, Request
from duecourse.store.migrate import migrate
from duecourse.store.pace import Pace
from duecourse.store.rests import Rests
from duecourse.store.runner import Runner
from duecourse.store.timers import Timers
from duecourse.store.vault import Vault
from duecourse.testing import NOON
from duecourse.testing.sample import DEBTOR, POINTS, debt

_MESSAGES: Final = 5_000
_AT_ONCE: Final = 1_000
_NAMES: Final = "晨佳凡博达海康宁安乐"
"""A letter of a given name for each digit."""
_LOOK: Final = 0.01
_DETAILS: Final = CreditorDetails(
    ways_to_pay="https://pay.example.com", contact_line="400-000-0000"
)
# Timers of cases that nobody has, in the lane and behind all others.
_QUEUE: Final = """
INSERT INTO timers (case_id, key, due_at, lane)
SELECT gen_random_uuid(), 'dispatch/' || gen_random_uuid(), %s, 'sms'
  FROM generate_series(1, %s)
"""


class _NoConfig(Config):
    pass


class Instant(Channel[_NoConfig]):
    """Takes everything at once."""

    name = "instant"
    config_class = _NoConfig
    capabilities = Capabilities(medium="sms", guarantee="idempotent")

    def send(self, message: Outbound) -> Accepted:
        return Accepted(reference=f"ref-{message.key}")


def contenders(server: servers.Server) -> Iterator[Contender]:
    yield Contender(key="dispatch", part="dispatch", run=partial(_run, server))


def _run(server: servers.Server, seconds: float) -> Sample:
    dsn = server.dsn(server.create(f"dispatch_{new_id().hex}"))
    migrate(dsn)
    return children.run([children.module("bench.dispatch", dsn)], seconds + 60)


class Office:
    """One worker. Messages are permitted at noon, and sent a minute later."""

    def __init__(self, dsn: str) -> None:
        self.now = NOON
        rules, treatment = load_rulebook(), load_treatment()

        def context_for(actor: Actor, at: datetime) -> Context:
            return Context(at=at, actor=actor, rules=rules, treatment=treatment)

        self.database = Database(dsn, application_name="duecourse-bench")
        vault = Vault(self.database, MASTER_KEY)
        self.engine = Engine(
            self.database, vault, context_for=context_for, clock=lambda: self.now, kept_cases=20_000
        )
        timers = Timers(self.database)
        projector = Projector(self.engine, timers, Addresses(self.database, vault), treatment)
        self.runner = Runner(self.database, self.engine, [projector])
        channels = {"sms": Instant(_NoConfig())}
        creditors = {"fictional-bank": _DETAILS}
        outreach = Outreach(self.engine, channels, creditors, rules, lambda: self.now)
        self.worker = Worker(
            engine=self.engine,
            runner=self.runner,
            timers=timers,
            outreach=outreach,
            lanes=lanes_of(
                channels,
                {},
                outreach=outreach,
                timers=timers,
                pace=Pace(self.database),
                rests=Rests(self.database),
                clock=lambda: self.now,
                lease_seconds=180.0,
            ),
            filings=Filings(self.engine, {}),
            clock=lambda: self.now,
            lease_seconds=180.0,
        )

    def permit(self, messages: int) -> None:
        """Open cases and ask for a message each, let the views learn of it, and see what else is due.

        The schedule asks for its first reminder, and the rules refuse it: one a day is enough.
        """
        ids = [new_id() for _ in range(messages)]
        for first in range(0, messages, _AT_ONCE):
            some = ids[first : first + _AT_ONCE]
            self._ask([(case_id, _opening(number)) for number, case_id in enumerate(some, first)])
            self._ask([(case_id, _message()) for case_id in some])
        while self.worker._follow_and_decide():  # noqa: SLF001 - the half that sends nothing
            pass
        check_templates()

    def _ask(self, asked: list[tuple[UUID, c.Command]]) -> None:
        requests = [Request(case_id, each, new_id(), COLLECTOR, "bench") for case_id, each in asked]
        assert all(getattr(each, "events", ()) for each in self.engine.execute_batch(requests))

    def sent(self) -> int:
        with self.database.connection() as connection:
            row = connection.execute(
                "SELECT count(*) FROM case_events WHERE topic = 'ContactAccepted'"
            ).fetchone()
        return int(row[0]) if row else 0

    def send_all(self, messages: int) -> float:
        """Seconds until the last of them is on record."""
        began = time.perf_counter()
        looked, done = began, False

        def is_done() -> bool:
            nonlocal looked, done
            if not done and time.perf_counter() - looked > _LOOK:
                done = self.sent() >= messages
                looked = time.perf_counter()
            return done

        self.worker.run(is_done)
        return time.perf_counter() - began


def _opening(number: int) -> c.OpenCase:
    return c.OpenCase(
        creditor="fictional-bank",
        creditor_name="Fictional Bank",
        subject_id=new_id(),
        borrower_ref=f"B-{number}",
        debtor=replace(DEBTOR, name="林" + "".join(_NAMES[int(each)] for each in str(number))),
        contact_points=tuple(POINTS[:1]),
        debts=(debt(new_id(), 10_000 + number),),
    )


def _message() -> c.RequestContact:
    return c.RequestContact(contact_id=new_id(), channel="sms", template="reminder-first")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.dispatch")
    parser.add_argument("dsn")
    parser.add_argument("--messages", type=int, default=_MESSAGES)
    parser.add_argument("--queued", type=int, default=0)
    asked = parser.parse_args()
    office = Office(asked.dsn)
    office.permit(asked.messages)
    if asked.queued:
        with psycopg.connect(asked.dsn, autocommit=True) as owner:
            owner.execute(_QUEUE, (NOON + timedelta(seconds=30), asked.queued))
            owner.execute("ANALYZE timers")
    office.now = NOON + timedelta(minutes=1)
    look_for_cycles_rarely()
    wait_for_start()
    seconds = office.send_all(asked.messages)
    report({"per_second": asked.messages / seconds, "peak_mb": peak_mb()})
    office.engine.close()
    office.database.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
