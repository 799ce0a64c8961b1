"""The API in process, over the module's database; a key for every role; people who do not exist."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from httpx import Response
from litestar import Litestar
from litestar.testing import TestClient

from duecourse.case.context import Actor, Context
from duecourse.case.decide import decide
from duecourse.channels import (
    Capabilities,
    Channel,
    Config,
    Forbidden,
    Signal,
    WebhookRequest,
)
from duecourse.flow.channel_states import states_of
from duecourse.flow.projector import Projector
from duecourse.flow.signals import Signals
from duecourse.intake.posting import Bank
from duecourse.rules.gate import load_rulebook
from duecourse.rules.treatment import load_treatment
from duecourse.store.addresses import Addresses
from duecourse.store.api_keys import KEY_ROLES, ApiKeys
from duecourse.store.database import Database
from duecourse.store.engine import Engine
from duecourse.store.migrate import pending
from duecourse.store.references import References
from duecourse.store.rests import Rests
from duecourse.store.runner import Runner
from duecourse.store.timers import Timers
from duecourse.store.unknown import UnknownContacts
from duecourse.store.vault import Vault
from duecourse.store.worklist import Worklist
from duecourse_api.app import create_app
from duecourse_api.services import Services

MASTER_KEY = bytes(range(32))
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
"""Monday, 12:00 in Shanghai."""
_numbers = itertools.count(1)


SIGNATURE = "fictional-signature"


class FakeChannel(Channel[Config]):
    """A gateway of a few lines: a JSON list of signals, signed with a word."""

    name = "fake"
    config_class = Config
    capabilities = Capabilities(medium="sms", receipts="webhook")

    def __init__(self) -> None:
        super().__init__(Config())

    def receive(self, request: WebhookRequest) -> Iterable[Signal]:
        if request.headers.get("x-signature") != SIGNATURE:
            raise Forbidden("not signed")
        return msgspec.json.decode(request.body, type=list[Signal])


class MovableClock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock(_clock: MovableClock) -> Iterator[MovableClock]:
    """The clock of the business; every test begins at noon."""
    _clock.now = NOON
    yield _clock
    _clock.now = NOON


@pytest.fixture(scope="module")
def _clock() -> MovableClock:
    return MovableClock()


@pytest.fixture(scope="module")
def channel() -> FakeChannel:
    return FakeChannel()


@pytest.fixture(scope="module")
def services(database: Database, _clock: MovableClock, channel: FakeChannel) -> Services:
    rules, treatment = load_rulebook(), load_treatment()

    def context_for(actor: Actor, at: datetime) -> Context:
        return Context(at=at, actor=actor, rules=rules, treatment=treatment)

    vault = Vault(database, MASTER_KEY)
    engine = Engine(database, vault, decide, context_for=context_for, clock=_clock)
    return Services(
        engine=engine,
        vault=vault,
        context_for=context_for,
        clock=_clock,
        channels={"sms": channel},
        filings={"cn-court"},
        worklist=Worklist(database),
        signals=Signals(engine, References(database), Addresses(database, vault), _clock),
        unknown=UnknownContacts(database),
        bank=Bank(engine, database, vault),
        keys=ApiKeys(database),
        channel_states=lambda: states_of(
            {"sms": channel}, Timers(database), Rests(database), _clock()
        ),
        missing=lambda: pending(database.dsn),
        threads=4,
    )


@pytest.fixture(scope="module")
def app(services: Services) -> Litestar:
    return create_app(services)


@pytest.fixture(scope="module")
def client(app: Litestar) -> Iterator[TestClient[Litestar]]:
    with TestClient(app, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def keys(services: Services) -> dict[str, str]:
    """The text of one key for each role."""
    return {role: services.keys.create(f"{role}-1", role) for role in KEY_ROLES}


class Caller:
    """Asks the API as one role."""

    def __init__(self, client: TestClient[Litestar], key: str) -> None:
        self._client = client
        self._key = key

    def get(self, path: str, **query: Any) -> Response:
        return self._client.get(path, params=query or None, headers=self._headers({}))

    def post(self, path: str, body: Any, headers: Mapping[str, str] = {}, **query: Any) -> Response:
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return self._client.post(
            path, content=content, params=query or None, headers=self._headers(headers)
        )

    def _headers(self, more: Mapping[str, str]) -> dict[str, bytes]:
        given = {
            "Authorization": f"Bearer {self._key}",
            "Content-Type": "application/json",
            **more,
        }
        # httpx would refuse what is not ASCII; a client may send UTF-8.
        return {name: value.encode() for name, value in given.items()}


As = Callable[[str], Caller]


@pytest.fixture
def by(client: TestClient[Litestar], keys: dict[str, str], clock: MovableClock) -> As:
    """The API as each role: `by("collector").get(...)`."""
    return lambda role: Caller(client, keys[role])


@pytest.fixture
def collector(by: As) -> Caller:
    return by("collector")


def a_case(**fields: Any) -> dict[str, Any]:
    """The body of a new case of a new borrower, who owes 600.00 since three days."""
    number = next(_numbers)
    return {
        "creditor": "fictional-bank",
        "creditor_name": "Fictional Bank",
        "borrower_ref": f"B-{number}",
        "debtor": {"name": "林示例", "time_zone": "Asia/Shanghai", "jurisdiction": "CN"},
        "contact_points": [
            {"point_id": "mobile", "kind": "phone", "address": "+8615400000000"},
            {"point_id": "email", "kind": "email", "address": "lin.shili@example.com"},
        ],
        "debts": [
            {
                "account": f"FICT-{number}",
                "product": "consumer-loan",
                "currency": "CNY",
                "balance": {"principal": 60_000},
                "due_on": "2026-02-27",
            }
        ],
    } | fields


@pytest.fixture
def case(collector: Caller) -> str:
    """The path of a case just opened: /cases/<id>."""
    answer = collector.post("/cases", a_case())
    assert answer.status_code == 201, answer.text
    return f"/cases/{answer.json()['case_id']}"


@pytest.fixture
def follow(services: Services, database: Database) -> Callable[[], None]:
    """Bring the read models up to date."""
    addresses = Addresses(database, services.vault)
    projector = Projector(services.engine, Timers(database), addresses, load_treatment())
    runner = Runner(database, services.engine, [projector])

    def run() -> None:
        runner.catch_up()

    return run
