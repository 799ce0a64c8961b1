"""The one place of the bench that knows how our engine is opened and called."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final, Self
from uuid import UUID

from bench.payloads import Payload, toy_decide, toy_evolve
from duecourse.case.commands import Command
from duecourse.case.context import Actor, Context
from duecourse.case.decide import decide
from duecourse.case.evolve import evolve
from duecourse.chance import new_id
from duecourse.cycles import look_for_cycles_rarely
from duecourse.rules.gate import load_rulebook
from duecourse.rules.treatment import load_treatment
from duecourse.store.database import Database
from duecourse.store.engine import Engine, Loaded, Outcome, Request
from duecourse.store.errors import CaseMoved
from duecourse.store.follower import Follower
from duecourse.store.runner import Runner
from duecourse.store.vault import Vault
from duecourse.testing import NOON

MASTER_KEY: Final = bytes(range(32))
COLLECTOR: Final = Actor("collector-1", "collector")


class OurEngine:
    """An engine with rules and a clock that stands still at noon: the same work at every hour."""

    def __init__(self, dsn: str, payload: Payload = "real", *, kept_cases: int = 10_000) -> None:
        rules, treatment = load_rulebook(), load_treatment()

        def context_for(actor: Actor, at: datetime) -> Context:
            return Context(at=at, actor=actor, rules=rules, treatment=treatment)

        self.database = Database(dsn, application_name="duecourse-bench")
        self.engine = Engine(
            self.database,
            Vault(self.database, MASTER_KEY),
            toy_decide if payload == "toy" else decide,
            evolve=toy_evolve if payload == "toy" else evolve,
            context_for=context_for,
            clock=lambda: NOON,
            kept_cases=kept_cases,
        )
        self.engine.start()

    async def execute(self, request: Request) -> Outcome:
        return await self.engine.execute(request)

    async def ask(self, case_id: UUID, command: Command) -> Outcome:
        """Execute a command that must make something happen."""
        outcome = await self.execute(Request(case_id, command, new_id(), COLLECTOR, "bench"))
        assert outcome.events, f"{type(command).__name__} made nothing happen"
        return outcome

    async def ask_too_late(self, case_id: UUID, command: Command) -> None:
        """Ask for a version that is past, and get the no."""
        past = Request(case_id, command, new_id(), COLLECTOR, "bench", expected_version=1)
        try:
            await self.execute(past)
        except CaseMoved:
            return
        raise AssertionError("the case should have moved")

    def warm(self, case_ids: Collection[UUID]) -> None:
        """Have the cases' states at hand, as for cases in use, in a process set up as ours are."""
        self.engine.load_many(case_ids)
        look_for_cycles_rarely()

    def load(self, case_id: UUID) -> Loaded:
        return self.engine.load(case_id)

    def runner(self, followers: Sequence[Follower]) -> Runner:
        return Runner(self.database, self.engine, followers)

    def close(self) -> None:
        self.engine.close()
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
