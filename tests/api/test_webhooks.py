"""Receipts and replies: forged, repeated, early, lost, in any order."""

import random
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import msgspec
import pytest
from httpx import Response
from litestar import Litestar
from litestar.testing import TestClient
from tests.api.conftest import SIGNATURE, As, Caller, FakeChannel, MovableClock, a_case

from duecourse.case import commands as c
from duecourse.case.context import SYSTEM
from duecourse.case.words import ReceiptStatus, Role
from duecourse.channels import Forbidden, OptOut, Receipt, Reply, Signal, WebhookRequest
from duecourse.store import references
from duecourse.store.database import Database
from duecourse.store.engine import Request
from duecourse.store.references import ContactReference
from duecourse.testing import NOON
from duecourse_api.services import Services
from duecourse_api.webhooks import MAX_WEBHOOK_BYTES

Sent = ContactReference
Deliver = Callable[..., Response]
Follow = Callable[[], None]


@pytest.fixture
def sent(collector: Caller, case: str, services: Services, database: Database) -> Sent:
    """A message that a gateway has accepted, under the reference by which it will speak of it."""
    return send(collector, case, services, database)


def send(
    collector: Caller, case: str, services: Services, database: Database, *, accepted: bool = True
) -> Sent:
    asked = collector.post(f"{case}/contacts", {"channel": "sms", "template": "reminder-first"})
    contact_id = UUID(asked.json()["events"][0]["contact_id"])
    reference = ContactReference(
        channel="sms",
        reference=f"gw-{contact_id}",
        case_id=UUID(case[7:]),
        contact_id=contact_id,
        since=NOON,
    )
    report(
        services,
        reference,
        c.StartDispatch(contact_id=contact_id, plugin="fake", body_sha256="0" * 64),
    )
    if accepted:
        taken = c.RecordAccepted(contact_id=contact_id, reference=reference.reference)
        report(services, reference, taken)
    with database.connection() as connection:
        references.replace_rows(connection, [reference])
    return reference


def report(services: Services, sent: Sent, command: c.Command) -> None:
    services.engine.execute_sync(Request(sent.case_id, command, uuid4(), SYSTEM))


@pytest.fixture
def deliver(client: TestClient[Litestar], clock: MovableClock) -> Deliver:
    """Post signals as the gateway would."""

    def post(*signals: Signal, signature: str = SIGNATURE, path: str = "sms") -> Response:
        body = msgspec.json.encode(signals)
        return client.post(f"/webhooks/{path}", content=body, headers={"X-Signature": signature})

    return post


def receipt(
    sent: Sent, at: datetime, receipt_id: str = "r-1", status: ReceiptStatus = "delivered"
) -> Receipt:
    return Receipt(reference=sent.reference, receipt_id=receipt_id, status=status, occurred_at=at)


def reply(sent: Sent, at: datetime, text: str) -> Reply:
    return Reply(
        sender="+8615400000000", reply_id=f"m {sent.contact_id}", text=text, occurred_at=at,
        reference=sent.reference,
    )  # fmt: skip


def contact(collector: Caller, sent: Sent) -> dict:
    case = collector.get(f"/cases/{sent.case_id}").json()["case"]
    return case["contacts"][str(sent.contact_id)]


def unmatched(database: Database) -> list[tuple]:
    with database.connection() as connection:
        return connection.execute(
            "SELECT channel, signal_id, reference FROM unmatched_signals ORDER BY 1, 2"
        ).fetchall()


def test_a_receipt_reaches_its_contact(
    deliver: Deliver, sent: Sent, collector: Caller, clock: MovableClock
) -> None:
    answer = deliver(receipt(sent, clock()))
    assert (answer.status_code, answer.json()) == (202, {"recorded": 1, "unmatched": 0})
    assert contact(collector, sent)["delivery"] == "delivered"


def test_receipts_twice_and_in_any_order_end_in_one_state(
    deliver: Deliver, sent: Sent, collector: Caller, clock: MovableClock
) -> None:
    late, early = receipt(sent, clock(), "r-2", "delivered"), receipt(sent, clock(), "r-1", "sent")
    for signal in (late, early, late, early):
        assert deliver(signal).status_code == 202
    seen = contact(collector, sent)
    assert (seen["delivery"], sorted(seen["receipts"])) == ("delivered", ["r-1", "r-2"])


def test_a_forged_webhook_is_refused_and_changes_nothing(
    deliver: Deliver, sent: Sent, collector: Caller, clock: MovableClock
) -> None:
    answer = deliver(receipt(sent, clock(), status="bounced"), signature="guess")
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert answer.json()["type"] == "urn:duecourse:problem:bad-signature"
    assert "delivery" not in contact(collector, sent)


def test_a_receipt_that_comes_too_early_is_asked_for_again(
    deliver: Deliver, sent: Sent, collector: Caller, clock: MovableClock, database: Database
) -> None:
    unknown = ContactReference(
        channel="sms",
        reference="not-yet",
        case_id=sent.case_id,
        contact_id=sent.contact_id,
        since=clock(),
    )
    answer = deliver(receipt(unknown, clock(), "r-early"))
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    with database.connection() as connection:
        references.replace_rows(connection, [unknown])
    assert deliver(receipt(unknown, clock(), "r-early")).json()["recorded"] == 1
    assert contact(collector, sent)["delivery"] == "delivered"


def test_an_early_signal_does_not_hold_up_the_others(
    deliver: Deliver, sent: Sent, collector: Caller, clock: MovableClock
) -> None:
    unknown = ContactReference(
        channel="sms",
        reference="never",
        case_id=sent.case_id,
        contact_id=sent.contact_id,
        since=clock(),
    )
    answer = deliver(receipt(unknown, clock()), receipt(sent, clock()))
    assert answer.status_code == 503
    assert contact(collector, sent)["delivery"] == "delivered"


def test_an_old_signal_that_fits_nothing_is_kept_for_a_person(
    deliver: Deliver, sent: Sent, clock: MovableClock, database: Database
) -> None:
    lost = ContactReference(
        channel="sms",
        reference="lost-ref",
        case_id=sent.case_id,
        contact_id=sent.contact_id,
        since=clock(),
    )
    signal = receipt(lost, clock() - timedelta(hours=1, seconds=1), "r-lost")
    for _ in range(2):
        answer = deliver(signal)
        assert (answer.status_code, answer.json()) == (202, {"recorded": 0, "unmatched": 1})
    assert unmatched(database).count(("sms", "r-lost", "lost-ref")) == 1


def test_a_stop_by_reply_is_kept_verbatim_and_obeyed(
    deliver: Deliver, sent: Sent, collector: Caller, clock: MovableClock
) -> None:
    answers = [deliver(reply(sent, clock(), "TD")) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    case = f"/cases/{sent.case_id}"
    assert collector.get(case).json()["case"]["opted_out"] == ["sms"]
    items = collector.get(f"{case}/history").json()["items"]
    replies = [item for item in items if item["event"]["type"] == "ReplyReceived"]
    assert [item["event"]["text"] for item in replies] == ["TD"]
    assert replies[0]["actor"] == {"id": "channel:sms", "role": "webhook"}


def test_a_stop_to_nothing_in_particular_is_heard_in_every_case_of_the_sender(
    deliver: Deliver, sent: Sent, collector: Caller, services: Services, follow: Follow
) -> None:
    case = services.engine.load(sent.case_id).case
    number = next(point.address for point in case.points.values() if point.kind == "phone")
    follow()
    signal = Reply(sender=number, reply_id="m-8", text="STOP", occurred_at=case.at)
    assert deliver(signal).json() == {"recorded": 1, "unmatched": 0}
    assert collector.get(f"/cases/{sent.case_id}").json()["case"]["opted_out"] == ["sms"]


def test_a_reply_of_a_stranger_waits_for_a_person(
    deliver: Deliver, sent: Sent, clock: MovableClock, database: Database
) -> None:
    signal = Reply(sender="+8613899999999", reply_id="m-9", text="?", occurred_at=clock())
    assert deliver(signal).json() == {"recorded": 0, "unmatched": 1}
    assert ("sms", "m-9", "") in unmatched(database)
    assert "+86138" not in str(unmatched(database))


@pytest.mark.parametrize("role", ["collector", "legal", "analyst", "auditor", "operator"])
def test_everybody_who_works_here_sees_what_fits_no_case(
    deliver: Deliver, sent: Sent, clock: MovableClock, by: As, role: Role
) -> None:
    deliver(Reply(sender="+8613899999999", reply_id=f"u-{role}", text="?", occurred_at=clock()))
    deliver(receipt(sent, clock(), "r-1", "delivered"))
    answer = by(role).get("/signals/unmatched", kind="reply", limit=1)
    (item,) = answer.json()["items"]
    assert (item["channel"], item["kind"], item["signal_id"]) == ("sms", "reply", f"u-{role}")
    assert by(role).get("/signals/unmatched", channel="fax").json() == {"items": []}
    assert by("webhook").get("/signals/unmatched").status_code == 403


def test_one_id_for_two_statements_leaves_the_first(
    deliver: Deliver, sent: Sent, collector: Caller, clock: MovableClock
) -> None:
    deliver(receipt(sent, clock(), "r-1", "delivered"))
    second = deliver(receipt(sent, clock(), "r-1", "complained"))
    assert second.json() == {"recorded": 0, "unmatched": 1}
    assert contact(collector, sent)["delivery"] == "delivered"


def test_a_very_long_reply_and_a_strange_id_can_be_read_back(
    deliver: Deliver, sent: Sent, collector: Caller, clock: MovableClock
) -> None:
    assert deliver(reply(sent, clock(), "长" * 5000)).status_code == 202
    items = collector.get(f"/cases/{sent.case_id}/history").json()["items"]
    assert items[-1]["event"]["text"] == "长" * 2000


@pytest.mark.parametrize("path", ["fax", "..", "%00", "sms%2fsms"])
def test_an_unknown_channel_is_not_found(
    deliver: Deliver, sent: Sent, clock: MovableClock, path: str
) -> None:
    assert deliver(receipt(sent, clock()), path=path).status_code == 404


def garbled(**fields: str) -> bytes:
    """A receipt with something wrong in it."""
    receipt = {
        "type": "Receipt",
        "reference": "a",
        "receipt_id": "r-1",
        "status": "sent",
        "occurred_at": "2026-03-02T04:00:00Z",
    }
    return msgspec.json.encode([receipt | fields])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[{}]",
        b"[" * 60_000,
        garbled(reference="a\0"),
        garbled(occurred_at="2026-03-02T04:00:00"),
        garbled(occurred_at="0001-01-01T00:00:00+14:00"),
        garbled(status="eaten"),
    ],
)
def test_garbage_is_refused_without_an_accident(client: TestClient[Litestar], body: bytes) -> None:
    answer = client.post("/webhooks/sms", content=body, headers={"X-Signature": SIGNATURE})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_large_webhook_is_refused_before_the_channel_sees_it(
    client: TestClient[Litestar],
) -> None:
    body = b" " * (MAX_WEBHOOK_BYTES + 1)
    answer = client.post("/webhooks/sms?gateway=3", content=body)
    assert answer.status_code == 413


def test_a_broken_plugin_harms_itself_only(
    client: TestClient[Litestar], channel: FakeChannel, collector: Caller
) -> None:
    channel.receive = lambda _request: 1 / 0
    try:
        answer = client.post("/webhooks/sms", content=b"[]")
    finally:
        del channel.receive
    assert answer.status_code == 503, "the gateway may send it again once the plugin is mended"
    assert "ZeroDivision" not in answer.text
    assert collector.post("/cases", a_case()).status_code == 201


# --- by query --------------------------------------------------------------------------------


@pytest.fixture
def by_query(client: TestClient[Litestar], channel: FakeChannel) -> Iterator[list[WebhookRequest]]:
    """The gateway calls an address with what it reports in the query; what the channel was given."""
    seen: list[WebhookRequest] = []

    def receive(request: WebhookRequest) -> Iterable[Signal]:
        seen.append(request)
        if request.method != "GET":
            raise Forbidden("only by query")
        if request.query.get("word") != SIGNATURE:
            raise Forbidden("not signed")
        yield Receipt(
            reference=request.query["id"],
            receipt_id=request.query["id"] + request.query["dlr"],
            status={"1": "delivered", "8": "sent"}[request.query["dlr"]],  # type: ignore[arg-type]
            occurred_at=datetime.fromisoformat(request.query["at"]),
        )

    channel.receive = receive  # type: ignore[method-assign]
    yield seen
    del channel.receive


def test_a_gateway_that_can_only_get_reports_by_query(
    client: TestClient[Litestar],
    by_query: list[WebhookRequest],
    sent: Sent,
    collector: Caller,
    clock: MovableClock,
) -> None:
    query = {"word": SIGNATURE, "id": sent.reference, "at": clock().isoformat()}
    for dlr in ("1", "8", "1"):
        answer = client.get("/webhooks/sms", params={**query, "dlr": dlr}, headers={"X-Any": "1"})
        assert (answer.status_code, answer.json()) == (202, {"recorded": 1, "unmatched": 0})
        assert answer.headers["cache-control"] == "no-store"
    seen = contact(collector, sent)
    assert (seen["delivery"], len(seen["receipts"])) == ("delivered", 2)
    assert {(each.method, each.body, each.headers["x-any"]) for each in by_query} == {
        ("GET", b"", "1")
    }


def test_a_query_is_answered_as_a_body_is(
    client: TestClient[Litestar],
    by_query: list[WebhookRequest],
    sent: Sent,
    collector: Caller,
    clock: MovableClock,
) -> None:
    query = {"word": SIGNATURE, "id": sent.reference, "at": clock().isoformat(), "dlr": "1"}
    asked = {
        401: {**query, "word": "guess"},
        503: {**query, "id": "not-heard-of"},
        400: {**query, "id": "a\0"},
    }
    for status, bad in asked.items():
        assert client.get("/webhooks/sms", params=bad).status_code == status
    assert client.get("/webhooks/fax", params=query).status_code == 404
    seen = len(by_query)
    assert client.get("/webhooks/sms", params={"q": "x" * 20_000}).status_code == 400
    assert len(by_query) == seen, "a very long query is refused before the channel sees it"
    assert "delivery" not in contact(collector, sent)


def test_a_channel_that_wants_a_body_believes_no_query(
    client: TestClient[Litestar], sent: Sent, collector: Caller
) -> None:
    assert client.get("/webhooks/sms", params={"id": sent.reference}).status_code == 401
    signed = client.get("/webhooks/sms", headers={"X-Signature": SIGNATURE})
    assert signed.status_code == 400
    assert "delivery" not in contact(collector, sent)


# --- in any order ----------------------------------------------------------------------------


def test_a_sample_of_all_orders_ends_in_one_state_through_the_api(
    deliver: Deliver, collector: Caller, services: Services, database: Database, clock: MovableClock
) -> None:
    draw = random.Random(60_302)
    statuses: tuple[ReceiptStatus, ...] = ("queued", "sent", "failed", "delivered", "read")
    ends = set()
    for _ in range(12):
        opened = collector.post("/cases", a_case()).json()["case_id"]
        sent = send(collector, f"/cases/{opened}", services, database)
        order = [*statuses, draw.choice(statuses)]
        draw.shuffle(order)
        for status in order:
            assert deliver(receipt(sent, clock(), status, status)).status_code == 202
        seen = contact(collector, sent)
        ends.add((seen["status"], seen["delivery"], tuple(seen["receipts"])))
    assert ends == {("accepted", "read", tuple(sorted(statuses)))}


def test_a_receipt_before_the_accept_keeps_its_place(
    deliver: Deliver,
    collector: Caller,
    case: str,
    services: Services,
    database: Database,
    clock: MovableClock,
) -> None:
    sent = send(collector, case, services, database, accepted=False)
    assert deliver(receipt(sent, clock())).status_code == 202
    assert contact(collector, sent)["status"] == "dispatching"
    report(services, sent, c.RecordAccepted(contact_id=sent.contact_id, reference="gw"))
    seen = contact(collector, sent)
    assert (seen["status"], seen["delivery"], seen["reference"]) == ("accepted", "delivered", "gw")


# --- one click -------------------------------------------------------------------------------


def test_a_one_click_opt_out_is_obeyed_once(
    deliver: Deliver, sent: Sent, collector: Caller, clock: MovableClock
) -> None:
    out = OptOut(reference=sent.reference, opt_out_id="o-1", occurred_at=clock(), how="one click")
    answers = [deliver(out).json() for _ in range(2)]
    assert answers == 2 * [{"recorded": 1, "unmatched": 0}]
    items = collector.get(f"/cases/{sent.case_id}/history").json()["items"]
    outs = [item["event"] for item in items if item["event"]["type"] == "ChannelOptedOut"]
    assert [(out["channel"], out["how"]) for out in outs] == [("sms", "one click")]
    ask = {"channel": "sms", "template": "reminder-first"}
    refused = collector.post(f"/cases/{sent.case_id}/contacts", ask).json()["events"][0]
    assert (refused["type"], refused["rule"]) == ("ContactRefused", "opted_out")
