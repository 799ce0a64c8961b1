"""Contacts of which nobody knows whether they left: the queue, and what a person finds out."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from tests.api.conftest import As, Caller, MovableClock, a_case

from duecourse.case import commands as c
from duecourse.case.context import SYSTEM
from duecourse.store.api_keys import KEY_ROLES
from duecourse.store.database import Database
from duecourse.store.engine import Request
from duecourse_api.masking import MASK
from duecourse_api.services import Services

REASON = "a crash while sending to Fictional Person"
EVIDENCE = {"outcome": "not_sent", "evidence": "not in the gateway's log; asked Fictional Person"}


class Lost:
    """Makes contacts of which nobody knows what became."""

    def __init__(self, collector: Caller, services: Services, follow: Callable[[], None]) -> None:
        self._collector = collector
        self._services = services
        self.follow = follow

    def __call__(self, channel: str = "sms") -> tuple[UUID, UUID]:
        case_id = UUID(self._collector.post("/cases", a_case()).json()["case_id"])
        contact_id = uuid4()
        ask = c.RequestContact(contact_id=contact_id, channel=channel, template="reminder-first")
        start = c.StartDispatch(contact_id=contact_id, plugin="fake", body_sha256="0" * 64)
        for command in (ask, start, c.RecordUnknown(contact_id=contact_id, reason=REASON)):
            self._services.engine.execute_sync(Request(case_id, command, uuid4(), SYSTEM))
        self.follow()
        return case_id, contact_id


@pytest.fixture
def lose(
    collector: Caller, services: Services, follow: Callable[[], None], database: Database
) -> Lost:
    follow()
    database.run(lambda it: it.execute("DELETE FROM unknown_contacts"))
    return Lost(collector, services, follow)


def path(lost: tuple[UUID, UUID]) -> str:
    return f"/cases/{lost[0]}/contacts/{lost[1]}/reconcile"


def queue(caller: Caller, **query: object) -> list[str]:
    return [item["contact_id"] for item in caller.get("/contacts/unknown", **query).json()["items"]]


def test_the_queue_has_the_longest_waiting_first_and_a_page_at_a_time(
    lose: Lost, by: As, clock: MovableClock
) -> None:
    lost = []
    for _ in range(5):
        lost.append(lose())
        clock.advance(minutes=1)
    reader = by("legal")
    first = reader.get("/contacts/unknown", limit=2)
    assert first.json()["items"][0] == {
        "case_id": str(lost[0][0]),
        "contact_id": str(lost[0][1]),
        "channel": "sms",
        "plugin": "fake",
        "since": (clock() - timedelta(minutes=5)).isoformat().replace("+00:00", "Z"),
        "reason": REASON,
    }
    seen, answer = [], first
    while True:
        seen += [item["contact_id"] for item in answer.json()["items"]]
        if answer.json()["next_cursor"] is None:
            break
        answer = reader.get(answer.headers["link"].partition(">")[0][1:])
    assert seen == [str(contact_id) for _, contact_id in lost]


def test_two_of_one_moment_are_both_on_their_page(lose: Lost, by: As) -> None:
    lost = {str(lose()[1]) for _ in range(3)}
    reader = by("operator")
    seen, cursor = [], {}
    for _ in range(3):
        page = reader.get("/contacts/unknown", limit=1, **cursor).json()
        seen += [item["contact_id"] for item in page["items"]]
        cursor = {"cursor": page["next_cursor"]}
    assert set(seen) == lost
    assert queue(reader, **cursor) == []


def test_the_queue_of_one_channel(lose: Lost, collector: Caller) -> None:
    _, by_text = lose()
    _, by_mail = lose("email")
    assert queue(collector, channel="email") == [str(by_mail)]
    assert set(queue(collector)) == {str(by_text), str(by_mail)}


@pytest.mark.parametrize("cursor", ["", "AAAA", "!" * 10, "f" * 54, "x" * 61, "é"])
def test_a_made_up_cursor_is_refused(collector: Caller, cursor: str) -> None:
    answer = collector.get("/contacts/unknown", cursor=cursor)
    assert (answer.status_code, answer.json()["field"]) == (400, "cursor")


def test_the_reason_is_for_those_who_see_personal_texts(lose: Lost, by: As) -> None:
    lose()
    shown = {
        role: by(role).get("/contacts/unknown").json()["items"][0]["reason"]
        for role in KEY_ROLES
        if role != "webhook"
    }
    assert shown == {
        "collector": REASON, "legal": REASON, "auditor": REASON, "analyst": MASK, "operator": MASK,
    }  # fmt: skip


@pytest.mark.parametrize("outcome", ["sent", "not_sent"])
def test_what_is_found_out_is_recorded_once_and_leaves_the_queue(
    lose: Lost, by: As, outcome: str
) -> None:
    lost, other = lose(), lose()
    operator = by("operator")
    found = {**EVIDENCE, "outcome": outcome}
    answer = operator.post(path(lost), found)
    assert answer.status_code == 200
    (event,) = answer.json()["events"]
    assert (event["type"], event["outcome"]) == ("ContactReconciled", outcome)
    assert event["evidence"] == MASK, "an operator sees no personal text, not even their own"
    assert operator.post(path(lost), found).json()["events"] == []
    lose.follow()
    assert queue(operator) == [str(other[1])]
    case = by("auditor").get(f"/cases/{lost[0]}/history").json()["items"][-1]
    assert case["event"]["evidence"] == EVIDENCE["evidence"]
    assert case["actor"] == {"id": "operator-1", "role": "operator"}


def test_the_evidence_is_sealed(lose: Lost, by: As, database: Database) -> None:
    lost = lose()
    by("legal").post(path(lost), EVIDENCE)
    states = database.run(
        lambda it: it.execute(
            "SELECT state FROM case_events WHERE originator_id = %s", (lost[0],)
        ).fetchall()
    )
    stored = b"".join(bytes(state) for (state,) in states)
    assert b"ContactReconciled" in stored
    rows = database.run(lambda it: it.execute("SELECT * FROM unknown_contacts").fetchall())
    assert b"Fictional Person" not in stored
    assert "Fictional Person" not in str(rows)


def test_other_states_are_a_clear_error(lose: Lost, by: As) -> None:
    legal, lost = by("legal"), lose()
    legal.post(path(lost), EVIDENCE)
    twice = legal.post(path(lost), {**EVIDENCE, "outcome": "sent"})
    assert (twice.status_code, twice.json()["type"]) == (
        409,
        "urn:duecourse:problem:contradiction",
    )
    never = legal.post(path((lost[0], uuid4())), EVIDENCE)
    assert never.status_code == 404
    for bad in ({"outcome": "lost"}, {"evidence": ""}, {"evidence": "  "}, {"evidence": "\0"}):
        answer = legal.post(path(lost), {**EVIDENCE, **bad})
        assert (answer.status_code, answer.json()["field"]) == (400, *bad)


def test_who_wants_to_make_the_next_contact_does_not_find_out_about_the_last(
    lose: Lost, by: As
) -> None:
    lost = lose()
    for role in KEY_ROLES:
        if role not in {"operator", "legal"}:
            assert by(role).post(path(lost), EVIDENCE).status_code == 403
    lose.follow()
    assert queue(by("collector")) == [str(lost[1])]


def test_a_receipt_takes_it_from_the_queue(lose: Lost, by: As, services: Services) -> None:
    case_id, contact_id = lose()
    late = c.RecordReceipt(
        contact_id=contact_id, receipt_id="r-1", status="failed",
        occurred_at=services.clock(),
    )  # fmt: skip
    services.engine.execute_sync(Request(case_id, late, uuid4(), SYSTEM))
    lose.follow()
    assert queue(by("operator")) == []
