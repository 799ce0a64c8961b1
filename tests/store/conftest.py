"""Engines over the module's database, and people who do not exist."""

import itertools
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import Actor, Context
from duecourse.case.decide import decide
from duecourse.money.amounts import Buckets
from duecourse.rules.gate import load_rulebook
from duecourse.rules.treatment import load_treatment
from duecourse.store.append import Mode
from duecourse.store.database import Database
from duecourse.store.engine import Decide, Engine, Request
from duecourse.store.vault import Vault

MASTER_KEY = bytes(range(32))
COLLECTOR = Actor("collector-1", "collector")
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
NewEngine = Callable[..., Engine]


@pytest.fixture
def fresh_dsn(server_dsn: str) -> Iterator[str]:
    """An empty database for one test."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server_dsn, autocommit=True) as server:
        server.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))
        )
        yield make_conninfo(server_dsn, dbname=name)
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def vault(database: Database) -> Vault:
    return Vault(database, MASTER_KEY)


@pytest.fixture
def new_engine(database: Database, vault: Vault) -> Iterator[NewEngine]:
    """An engine with nothing kept yet, as another process would have."""
    rules, treatment = load_rulebook(), load_treatment()
    made: list[Engine] = []

    def context_for(actor: Actor, at: datetime) -> Context:
        return Context(at=at, actor=actor, rules=rules, treatment=treatment)

    def make(
        over: Database = database,
        deciding: Decide = decide,
        clock: Callable[[], datetime] = lambda: NOON,
        mode: Mode = "auto",
    ) -> Engine:
        vault_there = vault if over is database else Vault(over, MASTER_KEY)
        made.append(
            Engine(over, vault_there, deciding, context_for=context_for, clock=clock, mode=mode)
        )
        return made[-1]

    yield make
    for engine in made:
        engine.close()


@pytest.fixture
def engine(new_engine: NewEngine) -> Engine:
    return new_engine()


_numbers = itertools.count(1)


def _debt() -> e.Debt:
    return e.Debt(
        debt_id=uuid.uuid4(),
        account=f"fictional-account-{next(_numbers)}",
        product="card",
        currency="CNY",
        balance=Buckets(principal=120_000),
        due_on=date(2026, 1, 15),
    )


@pytest.fixture
def asking() -> Callable[..., Request]:
    """A maker of requests, with new ids where none is given."""

    def ask(
        command: c.Command, case_id: UUID | None = None, command_id: UUID | None = None
    ) -> Request:
        return Request(case_id or uuid.uuid4(), command, command_id or uuid.uuid4(), COLLECTOR)

    return ask


@pytest.fixture
def opening() -> Callable[..., c.OpenCase]:
    """A maker of commands that open a case with one debt and one address."""

    def open_case(
        name: str = "Fictional Person",
        address: str = "+8613900000000",
        national_id: str = "",
        borrower_ref: str = "ref-1",
    ) -> c.OpenCase:
        point = e.ContactPoint(point_id="phone-1", kind="phone", address=address)
        return c.OpenCase(
            creditor="bank-a",
            creditor_name="Bank A",
            subject_id=uuid.uuid4(),
            borrower_ref=borrower_ref,
            debtor=e.Debtor(name=name, national_id=national_id, time_zone="Asia/Shanghai"),
            contact_points=(point,),
            debts=(_debt(),),
        )

    return open_case


@pytest.fixture
def opened(
    engine: Engine, asking: Callable[..., Request], opening: Callable[..., c.OpenCase]
) -> UUID:
    """A case that has just been opened: version 2."""
    return engine.execute_sync(asking(opening())).case_id


@pytest.fixture
def paying() -> Callable[..., c.RecordPayment]:
    def pay(payment_id: str, amount_minor: int = 100) -> c.RecordPayment:
        return c.RecordPayment(
            payment_id=payment_id,
            currency="CNY",
            amount_minor=amount_minor,
            value_on=date(2026, 3, 1),
        )

    return pay
