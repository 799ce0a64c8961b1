"""A working process that may be killed anywhere: it does what is not acknowledged yet, and works.

Every life in one folder and database goes on where the last one ended. Ids and clocks are fixed,
so however often it was killed, the cases must end as in a life that nobody disturbed.
"""

import asyncio
import hashlib
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal
from uuid import UUID, uuid5

import msgspec
import psycopg

from duecourse import (
    Accepted,
    Capabilities,
    Channel,
    Config,
    FilingAdapter,
    FilingDocument,
    FilingPackage,
    FilingRequest,
    Outbound,
    faults,
)
from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import Actor, Context
from duecourse.case.evolve import fold
from duecourse.flow.filings import Filings
from duecourse.flow.lanes import lanes_of
from duecourse.flow.outreach import Outreach
from duecourse.flow.projector import Projector
from duecourse.flow.worker import Worker
from duecourse.rendering import Message, body_sha256
from duecourse.rules.gate import load_rulebook
from duecourse.rules.treatment import load_treatment
from duecourse.settings import CreditorDetails
from duecourse.store.addresses import Addresses
from duecourse.store.append import Mode
from duecourse.store.database import Connection, Database
from duecourse.store.engine import Engine, Outcome, Recorded, Request
from duecourse.store.follower import Tables
from duecourse.store.migrate import migrate
from duecourse.store.pace import Pace
from duecourse.store.rests import Rests
from duecourse.store.runner import Runner
from duecourse.store.timers import Timers
from duecourse.store.vault import Vault
from duecourse.testing import COLLECTOR, LEGAL
from duecourse.testing.sample import DEBTOR, NOON, POINTS, debt

MASTER_KEY: Final = bytes(range(32))
RULES, TREATMENT = load_rulebook(), load_treatment()
DETAILS = CreditorDetails(ways_to_pay="https://pay.example.com", contact_line="400-000-0000")
SECONDS: Final = 60
"""After which a life is over in any case: it hangs."""

SEEN: Final = """
CREATE TABLE seen (position bigint, case_id uuid, version bigint);
GRANT SELECT, INSERT ON seen TO duecourse_app;
"""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One life. With a `point` it ends at the `hit`-th time that this is reached."""

    dsn: str
    folder: str
    mode: Mode = "auto"
    point: str = ""
    hit: int = 1
    lease_seconds: float = 0.0
    swap: bool = False
    """The cases that were asked for by coroutines are asked for by a thread, and the other way."""
    count: bool = False
    """Write down how often each point is reached."""


class Ack(msgspec.Struct, frozen=True):
    """What a caller was told, as it wrote it down."""

    command_id: UUID
    version: int
    position: int
    events: int


class Sent(msgspec.Struct, frozen=True):
    """A call of a channel or a court. `begun`: the log already said that it would come."""

    by: str
    key: str
    text: str
    begun: bool


# --- what is to be done ------------------------------------------------------------------------


def _id(*parts: object) -> UUID:
    return uuid5(UUID(int=2026), "/".join(map(str, parts)))


def _open(name: str, points: Sequence[e.ContactPoint] = POINTS[:1]) -> c.OpenCase:
    return c.OpenCase(
        creditor="fictional-bank",
        creditor_name="Fictional Bank",
        subject_id=_id("subject", name),
        borrower_ref=f"B-{name}",
        debtor=DEBTOR,
        contact_points=tuple(points),
        debts=(debt(_id("debt", name)),),
    )


def _pay(number: int, amount: int) -> c.RecordPayment:
    return c.RecordPayment(
        payment_id=f"pay-{number}",
        currency="CNY",
        amount_minor=amount,
        value_on=date(2026, 3, 1),
        reference="fictional reference",
    )


def _contact(name: str, channel: str, template: str = "reminder-first") -> c.RequestContact:
    return c.RequestContact(contact_id=_id("contact", name), channel=channel, template=template)


def _talk(name: str, outcome: Any, at: datetime) -> c.LogConversation:
    return c.LogConversation(
        conversation_id=_id("talk", name),
        channel="call",
        outcome=outcome,
        occurred_at=at,
        initiator="debtor",
    )


def _promise(name: str, amount: int, due_on: date) -> c.MakePromise:
    return c.MakePromise(
        promise_id=_id("promise", name), currency="CNY", amount_minor=amount, due_on=due_on
    )


class Day(msgspec.Struct, frozen=True):
    """What people ask for on a day, by case; then the worker does what is due."""

    at: datetime
    commands: dict[str, list[tuple[c.Command, Actor]]]


def _by(actor: Actor, *commands: c.Command) -> list[tuple[c.Command, Actor]]:
    return [(command, actor) for command in commands]


_PLAN = c.OfferPlan(
    plan_id=_id("plan"),
    kind="instalments",
    currency="CNY",
    instalments=(
        e.Instalment(due_on=date(2026, 3, 8), amount_minor=20_000),
        e.Instalment(due_on=date(2026, 4, 8), amount_minor=20_000),
    ),
    expires_on=date(2026, 3, 5),
)
_REFERRAL = _id("referral")
DAYS: Final = (
    Day(
        NOON,
        {
            "payer": _by(COLLECTOR, _open("payer"), _pay(1, 5_000), _pay(2, 5_000)),
            "promiser": _by(COLLECTOR, _open("promiser")),
            "planner": _by(COLLECTOR, _open("planner"), _pay(1, 20_000), _PLAN),
            "refuser": _by(COLLECTOR, _open("refuser"), _talk("no", "refused_to_pay", NOON)),
        },
    ),
    Day(
        NOON + timedelta(days=1),
        {
            "payer": _by(COLLECTOR, c.ReversePayment(payment_id="pay-2", reason="returned")),
            "promiser": _by(COLLECTOR, _promise("broken", 10_000, date(2026, 3, 4))),
            "planner": _by(COLLECTOR, c.AcceptPlan(plan_id=_PLAN.plan_id, evidence="on the phone")),
            "refuser": [
                *_by(COLLECTOR, c.ProposeReferral(referral_id=_REFERRAL, grounds="refused to pay")),
                *_by(LEGAL, c.ApproveReferral(referral_id=_REFERRAL, adapter="court")),
            ],
            "letters": _by(COLLECTOR, _open("letters", POINTS[2:]), _contact("letter", "letter")),
        },
    ),
    Day(
        NOON + timedelta(days=7),
        {
            "payer": _by(COLLECTOR, _pay(3, 1_000), _contact("payer-2", "sms")),
            "promiser": _by(COLLECTOR, _talk("yes", "right_party_contact", NOON)),
            "mails": _by(COLLECTOR, _open("mails", POINTS[1:2]), _contact("mail", "email")),
            "late": _by(COLLECTOR, _open("late"), _pay(1, 60_000)),
        },
    ),
)
CASES: Final = {name: _id("case", name) for day in DAYS for name in day.commands}
ASKED_CONTACTS: Final = (_id("contact", "letter"), _id("contact", "mail"))
UNCERTAIN: Final = frozenset({CASES["letters"], CASES["mails"]})
"""Cases whose channel cannot repeat: after a crash their messages may be unknown or called off."""


def requests_of(day: int) -> dict[str, list[Request]]:
    return {
        name: [
            Request(CASES[name], command, _id("command", day, name, n), actor)
            for n, (command, actor) in enumerate(many)
        ]
        for name, many in DAYS[day].commands.items()
    }


def furnish(dsn: str) -> None:
    """The tables, that of the tally, and the key of the identities."""
    migrate(dsn)
    with psycopg.connect(dsn) as owner:
        owner.execute(SEEN)
    with Database(dsn) as database:
        Vault(database, MASTER_KEY)


# --- notes that survive ------------------------------------------------------------------------


class Notes:
    """Lines in a file, each written in one go, so that a killed writer leaves none half done."""

    def __init__(self, folder: str | Path, name: str) -> None:
        self._path = Path(folder) / name
        self._file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)

    def add(self, note: object) -> None:
        line = msgspec.json.encode(note) + b"\n"
        assert os.write(self._file, line) == len(line)

    def read(self, kind: type[Any]) -> list[Any]:
        return [
            msgspec.json.decode(line, type=kind) for line in self._path.read_bytes().splitlines()
        ]

    def size(self) -> int:
        return os.fstat(self._file).st_size

    def close(self) -> None:
        os.close(self._file)


class _NoConfig(Config):
    pass


class Peer(Channel[_NoConfig]):
    """A channel whose other end keeps a ledger on disk."""

    name = "peer"
    config_class = _NoConfig
    capabilities = Capabilities(medium="sms")

    def __init__(
        self,
        medium: Literal["sms", "email", "letter"],
        guarantee: Literal["idempotent", "queryable", "opaque"],
        engine: Engine,
        notes: Notes,
    ) -> None:
        super().__init__(_NoConfig())
        self.capabilities = Capabilities(medium=medium, guarantee=guarantee)
        self._engine = engine
        self._notes = notes

    def send(self, message: Outbound) -> Accepted:
        text = body_sha256(Message(subject=message.subject, body=message.body))
        begun = any(
            isinstance(each.event, e.ContactDispatching)
            and each.event.contact_id == message.contact_id
            and each.event.body_sha256 == text
            for each in self._engine.history(message.case_id)
        )
        self._notes.add(Sent(self.capabilities.medium, message.key, text, begun))
        return Accepted(reference=f"ref-{message.key}")

    def find(self, message: Outbound) -> Accepted | None:
        sent = any(each.key == message.key for each in self._notes.read(Sent))
        return Accepted(reference=f"ref-{message.key}") if sent else None


class Court(FilingAdapter[_NoConfig]):
    name = "court"
    config_class = _NoConfig

    def __init__(self, engine: Engine, notes: Notes) -> None:
        super().__init__(_NoConfig())
        self._engine = engine
        self._notes = notes

    def prepare(self, request: FilingRequest) -> FilingPackage:
        content = msgspec.json.encode(request)
        document = FilingDocument(name="claim.json", content=content)
        return FilingPackage(reference=f"court-{request.referral_id}", documents=(document,))

    def submit(self, package: FilingPackage) -> str:
        text = hashlib.sha256(package.documents[0].content).hexdigest()
        history = self._engine.history(CASES["refuser"])
        begun = any(isinstance(each.event, e.FilingStarted) for each in history)
        self._notes.add(Sent("court", package.reference, text, begun))
        return package.reference


class Tally:
    """A follower in two parts that writes down every event it was given."""

    name = "tally"
    parts = 2
    tables: Tables = {}  # noqa: RUF012 - as the protocol has it

    def apply(self, connection: Connection, batch: Sequence[Recorded]) -> None:
        connection.execute(
            "INSERT INTO seen SELECT * FROM unnest(%s::bigint[], %s::uuid[], %s::bigint[])",
            (
                [each.position for each in batch],
                [each.case_id for each in batch],
                [each.version for each in batch],
            ),
        )


# --- a life ------------------------------------------------------------------------------------


class Life:
    def __init__(self, job: Job) -> None:
        self._job = job
        self._now = NOON
        self._acks = Notes(job.folder, "acks")
        self._days = Notes(job.folder, "days")
        self._known = {ack.command_id for ack in self._acks.read(Ack)}
        self._database = Database(job.dsn, min_size=1, max_size=5, patience=20.0)
        vault = Vault(self._database, MASTER_KEY)
        self.engine = Engine(
            self._database,
            vault,
            context_for=_context,
            clock=lambda: self._now,
            mode=job.mode,
        )
        timers = Timers(self._database)
        projector = Projector(self.engine, timers, Addresses(self._database, vault), TREATMENT)
        self._runner = Runner(self._database, self.engine, [projector, Tally()])
        sent = Notes(job.folder, "sent")
        channels: dict[str, Channel[Any]] = {
            "sms": Peer("sms", "idempotent", self.engine, sent),
            "email": Peer("email", "queryable", self.engine, sent),
            "letter": Peer("letter", "opaque", self.engine, sent),
        }
        creditors = {"fictional-bank": DETAILS}
        outreach = Outreach(self.engine, channels, creditors, RULES, lambda: self._now)
        self._worker = Worker(
            engine=self.engine,
            runner=self._runner,
            timers=timers,
            outreach=outreach,
            lanes=lanes_of(
                channels,
                {},
                outreach=outreach,
                timers=timers,
                pace=Pace(self._database),
                rests=Rests(self._database),
                clock=lambda: self._now,
                lease_seconds=job.lease_seconds,
            ),
            filings=Filings(self.engine, {"court": Court(self.engine, sent)}),
            clock=lambda: self._now,
            lease_seconds=job.lease_seconds,
        )

    def live(self) -> None:
        """Everything, to the end."""
        over = self._days.read(int)
        for number, day in enumerate(DAYS):
            if number in over:
                continue
            self._now = day.at
            asyncio.run(self._ask(requests_of(number)))
            self._work()
            self._days.add(number)

    async def _ask(self, requests: dict[str, list[Request]]) -> None:
        asking = []
        for number, many in enumerate(requests.values()):
            missing = [each for each in many if each.command_id not in self._known]
            if (number % 2 == 0) is self._job.swap:
                asking.append(asyncio.to_thread(self._ask_waiting, missing))
            else:
                asking.append(self._ask_one_by_one(missing))
        await asyncio.gather(*asking)

    async def _ask_one_by_one(self, requests: Sequence[Request]) -> None:
        for each in requests:
            self._acknowledged(each, await self.engine.execute(each))

    def _ask_waiting(self, requests: Sequence[Request]) -> None:
        for each in requests:
            self._acknowledged(each, self.engine.execute_sync(each))

    def _acknowledged(self, request: Request, outcome: Outcome) -> None:
        assert outcome.position is not None
        events = len(outcome.events)
        self._acks.add(Ack(request.command_id, outcome.version, outcome.position, events))

    def _work(self) -> None:
        """Until nothing is due, whoever has it."""
        while True:
            if self._worker.step():
                continue
            if self._runner.is_quiet(self._now):
                return
            time.sleep(0.005)

    def summary(self) -> dict[str, Any]:
        """How each case ended, by what the log says; what is kept of it must say the same."""
        found: dict[str, Any] = {}
        for name, case_id in CASES.items():
            history = self.engine.history(case_id)
            case = fold([each.event for each in history])
            assert self.engine.load(case_id).case == case
            found[name] = [
                [type(each.event).__name__, msgspec.to_builtins(each.event)] for each in history
            ]
        return found

    def close(self) -> None:
        self._database.close()


def _context(actor: Actor, at: datetime) -> Context:
    return Context(at=at, actor=actor, rules=RULES, treatment=TREATMENT)


def live(job: Job) -> None:
    """In a process of its own."""
    signal.alarm(SECONDS)
    counts: Counter[str] = Counter()
    if job.count:
        faults.reach = lambda point: counts.update([point])
    elif job.point:
        faults.arm(job.point, job.hit)
    life = Life(job)
    life.live()
    summary = life.summary() | ({"counts": counts} if job.count else {})
    (Path(job.folder) / "summary").write_text(json.dumps(summary, sort_keys=True))
    life.close()
