"""A worker over the module's database, with a clock and channels in the test's hands."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from msgspec.structs import replace

from duecourse import Accepted, Capabilities, Channel, Config, Outbound
from duecourse.case import commands as c
from duecourse.case.context import Actor, Context
from duecourse.case.state import Case
from duecourse.case.timers import command_of
from duecourse.flow.breaker import Breaker
from duecourse.flow.filings import Filings
from duecourse.flow.house import contents_of, media_of
from duecourse.flow.lanes import lanes_of, settle
from duecourse.flow.outreach import Outreach
from duecourse.flow.projector import Projector
from duecourse.flow.tries import Hands, Inline
from duecourse.flow.worker import Worker
from duecourse.rules.gate import load_rulebook
from duecourse.rules.treatment import load_treatment
from duecourse.settings import ChannelLimits, CreditorDetails
from duecourse.store.addresses import Addresses
from duecourse.store.database import Database
from duecourse.store.engine import Engine, Outcome, Request
from duecourse.store.pace import Pace
from duecourse.store.rests import Rests
from duecourse.store.runner import Runner
from duecourse.store.timers import DueTimer, Timers
from duecourse.store.vault import Vault
from duecourse.testing import COLLECTOR
from duecourse.testing.sample import NOON, debt, open_case

RULES, TREATMENT = load_rulebook(), load_treatment()
DETAILS = CreditorDetails(ways_to_pay="https://pay.example.com", contact_line="400-000-0000")


class NoConfig(Config):
    pass


class Ledger(Channel[NoConfig]):
    """Remembers what it was given; `trouble` is raised before or after it takes a message."""

    name = "ledger"
    config_class = NoConfig
    capabilities = Capabilities(medium="sms", guarantee="idempotent")

    def __init__(
        self, medium: Literal["sms", "email", "letter"] = "sms", beside: "Ledger | None" = None
    ) -> None:
        super().__init__(NoConfig())
        self.capabilities = Capabilities(medium=medium, guarantee="idempotent")
        self.taken: list[Outbound] = beside.taken if beside else []
        self.before: BaseException | None = None
        self.after: BaseException | None = None

    def send(self, message: Outbound) -> Accepted:
        if self.before is not None:
            raise self.before
        if message.key not in {each.key for each in self.taken}:
            self.taken.append(message)
        if self.after is not None:
            raise self.after
        return Accepted(reference=f"ledger-{message.key}")

    def find(self, message: Outbound) -> Accepted | None:
        found = message.key in {each.key for each in self.taken}
        return Accepted(reference=f"ledger-{message.key}") if found else None


class PowerCut(KeyboardInterrupt):
    """What no handler around a channel catches: the process is gone."""


class Office:
    """One worker and everything around it."""

    def __init__(
        self,
        database: Database,
        channels: Mapping[str, Channel[Any]],
        filings: Mapping[str, Any],
        creditors: Mapping[str, CreditorDetails],
        limits: Mapping[str, ChannelLimits] | None = None,
        configured: Collection[str] = (),
    ) -> None:
        self.now = NOON
        self.database = database
        self.channels = channels
        self._licences = {code: each.licence for code, each in creditors.items()}
        self._contents = contents_of(channels)
        self._media = media_of(channels)
        vault = Vault(database, bytes(range(32)))
        self.engine = Engine(
            database,
            vault,
            context_for=self._context,
            clock=lambda: self.now,
        )
        self.timers = Timers(database)
        projector = Projector(self.engine, self.timers, Addresses(database, vault), TREATMENT)
        self.runner = Runner(database, self.engine, [projector])
        self.rests = Rests(database)
        self.outreach = Outreach(self.engine, channels, creditors, RULES, lambda: self.now)
        self.worker = Worker(
            engine=self.engine,
            runner=self.runner,
            timers=self.timers,
            outreach=self.outreach,
            lanes=lanes_of(
                channels,
                limits or {},
                outreach=self.outreach,
                timers=self.timers,
                pace=Pace(database),
                rests=self.rests,
                clock=lambda: self.now,
                lease_seconds=0.0,
            ),
            filings=Filings(self.engine, filings),
            clock=lambda: self.now,
            lease_seconds=0.0,
            configured=configured,
        )

    def _context(self, actor: Actor, at: datetime) -> Context:
        return Context(
            at=at,
            actor=actor,
            rules=RULES,
            treatment=TREATMENT,
            licences=self._licences,
            contents=self._contents,
            media=self._media,
        )

    def open(self, **fields: object) -> UUID:
        case_id = uuid.uuid4()
        opening = open_case(debt(uuid.uuid4(), **fields))
        self.ask(case_id, replace(opening, subject_id=uuid.uuid4()))
        return case_id

    def ask(self, case_id: UUID, command: c.Command, actor: Actor = COLLECTOR) -> Outcome:
        return self.engine.execute_sync(Request(case_id, command, uuid.uuid4(), actor))

    def case(self, case_id: UUID) -> Case:
        return self.engine.load(case_id).case

    def work_decisions(self) -> None:
        """Do what needs a decision only, and leave what is to be sent."""
        self.runner.catch_up()
        due = self.timers.claim(self.now, 100, 0.0)
        self.worker._decide([each for each in due if command_of(each.timer) is not None])
        self.runner.catch_up()

    def due(self, channel: str) -> list[DueTimer]:
        """What is to leave by a channel now, claimed for no time at all."""
        return self.timers.claim(self.now, 100, 0.0, channel)

    def lease_over(self) -> None:
        """What rests for a while has rested: the leases are on the clock of the server."""
        with self.database.connection() as connection:
            connection.execute("UPDATE timers SET lease_until = NULL")

    def dispatch(self, channel: str, due: Sequence[DueTimer]) -> None:
        """Send what was claimed, whatever has become of the claim since."""
        breaker = Breaker(channel, ChannelLimits(), self.rests)
        settle(self.timers, self.outreach.dispatch(channel, due, Hands(breaker, Inline(), 1)))

    def work(self) -> None:
        """Do everything that is due now."""
        while self.worker.step():
            pass

    def pass_days(self, days: int) -> None:
        """Let the days go by, with the worker at work at noon of each."""
        for _ in range(days):
            self.now += timedelta(days=1)
            self.work()
