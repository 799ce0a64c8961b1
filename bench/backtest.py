"""How many past contact decisions a back-test judges in a second, reading included.

python -m bench.backtest [CASES] [ROUNDS] [--on DSN]

The history lies in a PostgreSQL of its own. Processor time is this process's, all threads of it;
the server works on the next page meanwhile, and the wall has both. With --on it is a child of the
bench, and goes once through a history that is there already.
"""

import argparse
import random
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

import psycopg
from msgspec.structs import replace

from bench import children, servers
from bench.closed_loop import peak_mb, report, wait_for_start
from bench.contender import Contender, Sample
from bench.engine import COLLECTOR, MASTER_KEY
from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import Context
from duecourse.case.decide import decide
from duecourse.case.evolve import evolve
from duecourse.case.state import Case
from duecourse.chance import new_id
from duecourse.flow.backtest import Backtest, Question
from duecourse.rules.gate import RuleBook, load_rulebook
from duecourse.rules.treatment import load_treatment
from duecourse.store.database import Database
from duecourse.store.histories import histories_of
from duecourse.store.log import EventLog
from duecourse.store.mapper import Mapper
from duecourse.store.migrate import migrate
from duecourse.store.vault import Vault
from duecourse.testing.sample import DEBTOR, POINTS, debt

_LIVES: Final = 200
"""Different lives; more cases repeat them under other ids."""
_DECISIONS: Final = 40
_CASES: Final = 1_000
_FIRST_DAY: Final = datetime(2026, 2, 2, tzinfo=UTC)
_GATE: Final = (e.ContactPermitted, e.ContactRefused, e.ContactDispatching)
_COLUMNS: Final = "originator_id, originator_version, topic, state, actor_id, actor_role, causation"


def contenders(server: servers.Server) -> Iterator[Contender]:
    dsn = server.dsn(server.create("backtest"))
    migrate(dsn)
    with Database(dsn, application_name="duecourse-bench") as database:
        _write(dsn, Vault(database, MASTER_KEY), _CASES)
    yield Contender(key="backtest", part="backtest", run=partial(_in_a_child, dsn))


def _in_a_child(dsn: str, seconds: float) -> Sample:
    return children.run([children.module("bench.backtest", "--on", dsn)], seconds)


class Life:
    """What happens to one debtor: messages, calls, money, a dispute, and a no to e-mail."""

    def __init__(self, seed: int, book: RuleBook) -> None:
        self._random = random.Random(seed)  # noqa: S311 - the same lives every time
        self._book = book
        self._treatment = load_treatment()
        self._at = _FIRST_DAY
        self._case: Case | None = None
        self.events: list[e.Event] = []

    def live(self) -> list[e.Event]:
        self._ask(
            c.OpenCase(
                creditor=self._random.choice(["fictional-bank", "sample-credit"]),
                creditor_name="Fictional",
                subject_id=UUID(int=1),
                borrower_ref="B-1",
                debtor=DEBTOR,
                contact_points=POINTS,
                debts=(debt(new_id(), principal=900_000),),
            )
        )
        while self._decisions() < _DECISIONS:
            day = self._at.date() + timedelta(days=self._random.choice([1, 1, 2, 2, 3, 7]))
            hour = self._random.choice([1, 2, 3, 5, 6, 8, 9, 10, 12, 14])
            self._at = datetime(day.year, day.month, day.day, hour, 30, tzinfo=UTC)
            self._contact()
            self._other()
        return self.events

    def _decisions(self) -> int:
        return sum(isinstance(event, _GATE) for event in self.events)

    def _contact(self) -> None:
        contact_id = new_id()
        channel = self._random.choice(["sms", "sms", "sms", "email", "letter", "call", "call"])
        template = "call" if channel == "call" else "reminder-first"
        if not self._permitted(
            c.RequestContact(contact_id=contact_id, channel=channel, template=template)
        ):
            return
        self._at += timedelta(minutes=self._random.choice([1, 5, 40]))
        if channel == "call":
            self._ask(
                c.LogConversation(
                    conversation_id=new_id(),
                    channel="call",
                    point_id="mobile",
                    outcome=self._random.choice(["no_answer", "right_party_contact", "busy"]),
                    occurred_at=self._at,
                    initiator="creditor",
                    note="Asked what is still owed and how to pay it.",
                )
            )
            return
        self._ask(c.StartDispatch(contact_id=contact_id, plugin=channel, body_sha256="ab" * 32))
        assert self._case is not None
        if self._case.contacts[contact_id].status == "dispatching":
            self._ask(c.RecordAccepted(contact_id=contact_id, reference="gw-1"))
            self._ask(
                c.RecordReceipt(
                    contact_id=contact_id,
                    receipt_id=str(new_id()),
                    status="delivered",
                    occurred_at=self._at,
                )
            )

    def _other(self) -> None:
        match self._random.randrange(12):
            case 0:
                self._ask(
                    c.RecordPayment(
                        payment_id=str(new_id()),
                        currency="CNY",
                        amount_minor=100,
                        value_on=date(2026, 3, 1),
                        reference="fictional transfer",
                    )
                )
            case 1:
                hold_id = str(new_id())
                self._ask(c.PlaceHold(hold_id=hold_id, kind="dispute", authority="on the phone"))
                self._contact()
                self._ask(c.LiftHold(hold_id=hold_id, reason="explained and accepted"))
            case 2 if self._decisions() > _DECISIONS // 2:
                self._ask(c.RecordOptOut(channel="email", how="reply"))
            case _:
                pass

    def _permitted(self, command: c.RequestContact) -> bool:
        return any(isinstance(event, e.ContactPermitted) for event in self._ask(command))

    def _ask(self, command: c.Command) -> Sequence[e.Event]:
        context = Context(at=self._at, actor=COLLECTOR, rules=self._book, treatment=self._treatment)
        events = decide(self._case, command, context)
        for event in events:
            self._case = evolve(self._case, event)
        self.events += events
        return events


def _lives(cases: int, book: RuleBook) -> Iterator[list[e.Event]]:
    lives = [Life(seed, book).live() for seed in range(min(cases, _LIVES))]
    for number in range(cases):
        opened, *others = lives[number % len(lives)]
        assert isinstance(opened, e.CaseOpened)
        yield [replace(opened, subject_id=new_id()), *others]


def _write(dsn: str, vault: Vault, cases: int) -> int:
    """Put the histories into the log in the order of time, as they would have come; how many."""
    rows: list[tuple[datetime, UUID, int, str, bytes]] = []
    mapper = Mapper(vault)
    for events in _lives(cases, load_rulebook()):
        case_id, opened = new_id(), events[0]
        assert isinstance(opened, e.CaseOpened)
        key = vault.ensure([opened.subject_id])[opened.subject_id]
        for version, event in enumerate(events, 1):
            rows.append((event.at, case_id, version, *mapper.seal(case_id, version, event, key)))
    rows.sort(key=lambda row: row[0])
    with (
        psycopg.connect(dsn) as connection,
        connection.cursor().copy(f"COPY case_events ({_COLUMNS}) FROM STDIN") as copy,
    ):
        for _, *row in rows:
            copy.write_row((*row, "collector-1", "collector", "bench"))
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE case_events")
    return len(rows)


class Run:
    """One back-test over the whole log, timed."""

    def __init__(self, log: EventLog, question: Question) -> None:
        wall, spent = time.perf_counter(), time.process_time()
        with histories_of(log) as histories:
            self.report = Backtest(question).run(histories.read())
        self.spent = time.process_time() - spent
        self.wall = time.perf_counter() - wall

    @property
    def rates(self) -> tuple[float, float]:
        decisions = self.report.total.decisions
        return decisions / self.spent, decisions / self.wall


def _questions() -> dict[str, Question]:
    packs = {pack.name: pack for pack in load_rulebook().packs}
    cn, us = (RuleBook((packs["core"], packs[name])) for name in ("cn", "us"))
    return {
        "the whole book": Question(book=load_rulebook()),
        "cn": Question(book=cn),
        "us, as if in the US": Question(book=us, place="US"),
        "cn beside us, as if in the US": Question(book=us, baseline=cn, place="US"),
    }


def _once(dsn: str) -> None:
    """Report the decisions for each second of processor time."""
    with Database(dsn, application_name="duecourse-bench") as database:
        log = EventLog(database, Vault(database, MASTER_KEY))
        question = Question(book=load_rulebook())
        wait_for_start()
        run = Run(log, question)
        report({"per_second": run.rates[0], "peak_mb": peak_mb()})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("cases", type=int, nargs="?", default=2_000)
    parser.add_argument("rounds", type=int, nargs="?", default=5)
    parser.add_argument("--on", metavar="DSN", default="")
    asked = parser.parse_args()
    if asked.on:
        _once(asked.on)
        return
    out = sys.stdout
    with servers.running("real") as server:
        dsn = server.dsn(server.create("backtest"))
        migrate(dsn)
        with Database(dsn, application_name="duecourse-bench") as database:
            log = EventLog(database, Vault(database, MASTER_KEY))
            events = _write(dsn, log.vault, asked.cases)
            out.write(f"{asked.cases} cases, {events} events\n\n")
            out.write("| back-test | decisions | newly refused | newly allowed")
            out.write(" | per CPU second | low | high | per second of wall |\n")
            out.write("|---|--:|--:|--:|--:|--:|--:|--:|\n")
            for name, question in _questions().items():
                runs = [Run(log, question) for _ in range(asked.rounds)]
                out.write(_row(name, runs))
                out.flush()


def _row(name: str, runs: Sequence[Run]) -> str:
    total = runs[0].report.total
    by_cpu = [run.rates[0] for run in runs]
    wall = statistics.median(run.rates[1] for run in runs)
    counts = f"{total.decisions:,} | {total.newly_refused:,} | {total.newly_allowed:,}"
    rates = (statistics.median(by_cpu), min(by_cpu), max(by_cpu), wall)
    return f"| {name} | {counts} | {' | '.join(f'{each:,.0f}' for each in rates)} |\n"


if __name__ == "__main__":
    main()
