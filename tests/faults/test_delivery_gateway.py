"""The faulty gateway itself: it does what its script says, and its ledger says what it did."""

import queue
import tempfile
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import UUID

import faulty_script as script
import msgspec
import pytest
from deliveries import channel_of
from delivery_orders import Job
from faulty_gateway import FaultyGateway
from faulty_script import Action, Guarantee
from faulty_world import LATE, WINDOW

from duecourse import Accepted, Forbidden, Outbound, Permanent, Transient, WebhookRequest
from duecourse.testing.sample import NOON

SEED = 7
OUTCOMES: dict[Action, type[object]] = {
    "take": Accepted,
    "take_slowly": Accepted,
    "busy": Transient,
    "limit": Transient,
    "refuse": Permanent,
    "lock_out": Permanent,
}
"""What the channel makes of an action; of any other it makes nothing that it declares."""


@pytest.fixture(scope="module")
def gateway() -> Iterator[FaultyGateway]:
    with (
        tempfile.TemporaryDirectory(prefix="duecourse-") as folder,
        FaultyGateway(Path(folder)) as made,
    ):
        yield made


def _job(gateway: FaultyGateway, guarantee: Guarantee, seed: int = SEED) -> Job:
    return Job(dsn="", folder="", gateway=gateway.url, guarantee=guarantee, seed=seed, messages=0)


def _tell(job: Job, what: str, told: object) -> None:
    url = f"{job.gateway}/{job.world}/{what}"
    with urllib.request.urlopen(url, data=msgspec.json.encode(told)) as answer:
        answer.read()


def _message(number: int) -> Outbound:
    key = UUID(int=number)
    return Outbound(
        key=str(key),
        contact_id=key,
        case_id=UUID(int=0),
        to="+8615400000000",
        to_name="林示例",
        subject="",
        body="示例文字",
        language="zh",
        sender_name="Fictional Bank",
        at=NOON,
        expires_at=NOON + timedelta(hours=2),
    )


def _messages_for(action: Action, seed: int = SEED, *then: Action) -> Outbound:
    """A message whose first tries meet these actions."""
    wanted = [action, *then]
    for number in range(1, 100_000):
        message = _message(number)
        met = [script.action(seed, message.key, n) for n in range(1, len(wanted) + 1)]
        if met == wanted:
            return message
    raise AssertionError("no such message")


def _outcome(job: Job, message: Outbound) -> object:
    channel = channel_of(job)
    try:
        return channel.send(message)
    except Exception as error:  # noqa: BLE001 - which one is what is tested
        return error
    finally:
        channel.close()


def _ledger(gateway: FaultyGateway, job: Job, entry: str, key: str) -> list[dict[str, Any]]:
    entries = gateway.entries(job.world)
    return [each for each in entries if each["entry"] == entry and each.get("key") == key]


def test_the_same_seed_gives_the_same_script_and_another_seed_another() -> None:
    keys = [_message(number).key for number in range(50)]

    def whole(seed: int) -> list[object]:
        return [
            ([script.action(seed, key, n) for n in range(1, 6)], script.sayings(seed, key))
            for key in keys
        ]

    assert whole(1) == whole(1)
    assert whole(1) != whole(2)


def test_everything_that_can_go_wrong_does_and_every_script_comes_to_an_end() -> None:
    keys = [_message(number).key for number in range(2000)]
    said = [each for key in keys for each in script.sayings(SEED, key)]
    assert {script.action(SEED, key, 1) for key in keys} == set(script.ACTIONS)
    last = {script.action(SEED, key, script.FAULTY_ATTEMPTS + 1) for key in keys}
    assert last == {"take", "refuse"}
    assert {script.answer(SEED, key, 1) for key in keys} == {"answer", "busy", "hang_up"}
    assert {each.forgery for each in said} == {"", *script.FORGERIES}
    assert {each.when for each in said} == {"before the answer", "soon", "late"}
    assert {each.names for each in said} == {"id", "key", "nobody"}
    assert {each.status for each in said if each.is_genuine} == set(script.STATUSES)


@pytest.mark.parametrize("action", script.ACTIONS)
def test_the_gateway_does_what_its_script_says_and_writes_it_down(
    gateway: FaultyGateway, action: Action
) -> None:
    job, message = _job(gateway, "opaque"), _messages_for(action)
    outcome = _outcome(job, message)
    if action in OUTCOMES:
        assert isinstance(outcome, OUTCOMES[action])
    else:
        assert action in script.UNCLEAR
        assert isinstance(outcome, Exception)
        assert not isinstance(outcome, Transient | Permanent)
    (request,) = _ledger(gateway, job, "request", message.key)
    assert request["action"] == action
    assert len(_ledger(gateway, job, "delivery", message.key)) == (action in script.TAKES)


@pytest.mark.parametrize(("guarantee", "times"), [("idempotent", 1), ("opaque", 2)])
def test_only_an_idempotent_gateway_knows_a_repeat(
    gateway: FaultyGateway, guarantee: Guarantee, times: int
) -> None:
    job, message = _job(gateway, guarantee, 8), _messages_for("take_and_hang_up", 8, "take")
    first, second = _outcome(job, message), _outcome(job, message)
    assert isinstance(first, Exception)
    assert isinstance(second, Accepted)
    assert len(_ledger(gateway, job, "delivery", message.key)) == times


def test_an_idempotent_gateway_forgets_a_key_when_its_window_is_over(
    gateway: FaultyGateway,
) -> None:
    job, message = _job(gateway, "idempotent", 9), _messages_for("take", 9, "take", "take")
    for later, deliveries in ((timedelta(), 1), (WINDOW - timedelta(seconds=1), 1), (WINDOW, 2)):
        _tell(job, "clock", (NOON + later).timestamp())
        _outcome(job, message)
        assert len(_ledger(gateway, job, "delivery", message.key)) == deliveries


def test_a_queryable_gateway_says_whether_it_took_a_message(gateway: FaultyGateway) -> None:
    job, channel = _job(gateway, "queryable"), channel_of(_job(gateway, "queryable"))
    taken, missed = _messages_for("take_and_fail"), _messages_for("hang_up")
    found = []
    for message in (taken, missed):
        _outcome(job, message)
        # Its faults come to an end too.
        for _ in range(script.FAULTY_ATTEMPTS):
            _try(channel.find, message)
        found.append(channel.find(message))
    channel.close()
    assert [isinstance(each, Accepted) for each in found] == [True, False]


def _try(call: Any, *given: object) -> None:
    with suppress(Exception):
        call(*given)


class Listener:
    """Keeps what arrives; answers each webhook with 503 the first time."""

    def __init__(self) -> None:
        self.arrived: queue.Queue[WebhookRequest] = queue.Queue()
        seen: set[str] = set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                is_new = headers["webhook-id"] not in seen
                seen.add(headers["webhook-id"])
                self.send_response(503 if is_new else 202)
                self.end_headers()
                received_at = datetime.now(UTC)
                outer.arrived.put(
                    WebhookRequest(body=body, headers=headers, query={}, received_at=received_at)
                )

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


def test_reports_come_again_until_answered_late_ones_late_and_forgeries_show(
    gateway: FaultyGateway, listener: Listener
) -> None:
    job = _job(gateway, "opaque", 10)
    channel = channel_of(job)
    taken = [_message(number) for number in range(40)]
    said: dict[str, script.Saying] = {}
    for message in taken:
        _outcome(job, message)
        for delivery in _ledger(gateway, job, "delivery", message.key):
            for saying in script.sayings(10, message.key):
                said[f"{delivery['id']}-{saying.name}"] = saying
    _tell(job, "clock", NOON.timestamp())
    _tell(job, "callback", listener.url)
    soon = {name for name, saying in said.items() if saying.when != "late"}
    arrived = [*_arrivals(listener, said, soon)]
    assert {each.headers["webhook-id"] for each in arrived} == soon
    _tell(job, "clock", (NOON + LATE).timestamp())
    arrived += _arrivals(listener, said, set(said) - soon)
    times = Counter(each.headers["webhook-id"] for each in arrived)
    assert times == {name: saying.times + 1 for name, saying in said.items()}
    for each in arrived:
        is_forged = bool(said[each.headers["webhook-id"]].forgery)
        assert _is_forbidden(channel, each) == is_forged
    channel.close()
    assert any(saying.forgery for saying in said.values())
    assert soon < set(said)


def _arrivals(
    listener: Listener, said: dict[str, script.Saying], names: set[str]
) -> Iterator[WebhookRequest]:
    """As many as there must be of these: once in vain, and then as often as they are said."""
    for _ in range(sum(said[name].times + 1 for name in names)):
        yield listener.arrived.get(timeout=30)


def _is_forbidden(channel: Any, request: WebhookRequest) -> bool:
    try:
        channel.receive(request)
    except Forbidden:
        return True
    return False
