"""The queue of bank entries, and money that is held beyond what was owed."""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.api.conftest import As, Caller, a_case

from duecourse.store.api_keys import KEY_ROLES
from duecourse.store.bank_entries import BankEntry, Remitter, What
from duecourse_api.masking import MASK
from duecourse_api.services import Services

NAME = "Sample Testperson"


@pytest.fixture
def wait(services: Services) -> Callable[..., UUID]:
    """Puts an entry into the queue, after emptying it the first time."""
    entries = services.bank.entries
    entries.set_aside([x.entry_id for x in entries.waiting(200)], "not_a_payment", "test")

    def put(minor: int = 100_00, what: What = "credit") -> UUID:
        entry = BankEntry(
            entry_id=uuid4(),
            statement_id=uuid4(),
            message="053",
            what=what,
            state="unmatched",
            currency="CNY",
            amount_minor=minor,
            booked_on=date(2026, 3, 2),
            value_on=date(2026, 3, 1),
            reason="nothing in it names a case",
        )
        remitter = Remitter(name=NAME, account="DE02500105170137075030", text=f"from {NAME}")
        entries.offer([(entry, remitter)])
        return entry.entry_id

    return put


def queue(caller: Caller, **query: object) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = caller.get("/payments/unmatched", **query).json()["items"]
    return items


def match(entry_id: UUID) -> str:
    return f"/payments/unmatched/{entry_id}/match"


def test_the_queue_has_the_longest_waiting_first_and_a_page_at_a_time(
    wait: Callable[..., UUID], by: As
) -> None:
    put = [str(wait(minor)) for minor in (1_00, 2_00, 3_00)]
    reader = by("legal")
    first = reader.get("/payments/unmatched", limit=2)
    shown = first.json()["items"][0]
    assert shown.pop("since")
    assert shown == {
        "entry_id": put[0],
        "what": "credit",
        "currency": "CNY",
        "amount_minor": 1_00,
        "booked_on": "2026-03-02",
        "value_on": "2026-03-01",
        "reason": "nothing in it names a case",
        "candidates": [],
        "payer_name": NAME,
        "payer_account": "DE02500105170137075030",
        "text": f"from {NAME}",
    }
    second = reader.get(first.headers["link"].partition(">")[0][1:])
    assert [x["entry_id"] for x in first.json()["items"] + second.json()["items"]] == put
    assert second.json()["next_cursor"] is None


def test_who_the_payer_is_is_for_those_who_see_personal_texts(
    wait: Callable[..., UUID], by: As
) -> None:
    wait()
    shown = {role: queue(by(role))[0]["payer_name"] for role in KEY_ROLES if role != "webhook"}
    assert shown == {
        "collector": NAME, "legal": NAME, "auditor": NAME, "analyst": MASK, "operator": MASK,
    }  # fmt: skip


def test_an_entry_is_matched_once(wait: Callable[..., UUID], by: As, case: str) -> None:
    entry_id, cashier = wait(), by("operator")
    body = {"case_id": case.rpartition("/")[2]}
    first, again = cashier.post(match(entry_id), body), cashier.post(match(entry_id), body)
    kinds = [x["type"] for x in first.json()["events"]]
    assert (first.status_code, kinds) == (200, ["PaymentRecorded"])
    assert first.json()["events"][0]["reference"] == MASK
    assert (again.status_code, again.json()["events"]) == (200, [])
    assert again.json()["version"] == first.json()["version"]
    assert queue(cashier) == []
    state = by("collector").get(case).json()["case"]
    assert [x["amount_minor"] for x in state["payments"].values()] == [100_00]


def test_a_match_with_another_case_is_a_contradiction(
    wait: Callable[..., UUID], collector: Caller, case: str
) -> None:
    entry_id = wait()
    assert collector.post(match(entry_id), {"case_id": case.rpartition("/")[2]}).status_code == 200
    other = collector.post("/cases", a_case()).json()["case_id"]
    answer = collector.post(match(entry_id), {"case_id": other})
    assert (answer.status_code, answer.json()["type"]) == (
        409,
        "urn:duecourse:problem:contradiction",
    )


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"debt_id": str(UUID(int=7))}, 422, "debt_id"),
        ({"payment_id": "p-1"}, 422, "payment_id"),
        ({"case_id": str(UUID(int=7))}, 404, "case_id"),
        ({"payment_id": "no name"}, 400, "payment_id"),
        ({"amount_minor": 1}, 400, ""),
    ],
)
def test_a_match_that_makes_no_sense_changes_nothing(
    wait: Callable[..., UUID],
    collector: Caller,
    case: str,
    change: dict[str, Any],
    status: int,
    field: str,
) -> None:
    entry_id = wait()
    body = {"case_id": case.rpartition("/")[2]} | change
    answer = collector.post(match(entry_id), body)
    assert answer.status_code == status, answer.text
    assert answer.json().get("field", "") in {field, "amount_minor"}
    assert [x["entry_id"] for x in queue(collector)] == [str(entry_id)]


def test_what_is_no_payment_is_dismissed(wait: Callable[..., UUID], collector: Caller) -> None:
    entry_id = wait()
    path = f"/payments/unmatched/{entry_id}/dismissal"
    for _ in range(2):
        answer = collector.post(path, {"why": "not_a_payment"})
        assert (answer.status_code, answer.json()["why"]) == (200, "not_a_payment")
    assert queue(collector) == []
    missing = collector.post(f"/payments/unmatched/{uuid4()}/dismissal", {"why": "duplicate"})
    assert missing.status_code == 404


@pytest.mark.parametrize("cursor", ["", "AAAA", "!" * 10, "f" * 32, "é"])
def test_a_made_up_cursor_is_refused(collector: Caller, cursor: str) -> None:
    answer = collector.get("/payments/unmatched", cursor=cursor)
    assert (answer.status_code, answer.json()["field"]) == (400, "cursor")


# --- held beyond what was owed -------------------------------------------------------------------

REFUND = {
    "refund_id": "refund-1",
    "currency": "CNY",
    "amount_minor": 50_00,
    "refunded_on": "2026-03-02",
    "evidence": f"transfer to {NAME}",
}


@pytest.fixture
def overpaid(collector: Caller, case: str) -> str:
    """A case that holds 100.00 beyond its 600.00."""
    body = {
        "payment_id": "p-1",
        "currency": "CNY",
        "amount_minor": 700_00,
        "value_on": "2026-03-02",
    }
    assert collector.post(f"{case}/payments", body).status_code == 201
    return case


def test_a_refund_counts_once_and_can_come_back(overpaid: str, by: As) -> None:
    treasurer = by("legal")
    first = treasurer.post(f"{overpaid}/refunds", REFUND)
    again = treasurer.post(f"{overpaid}/refunds", REFUND)
    assert (first.status_code, again.status_code, again.json()["events"]) == (201, 200, [])
    assert first.json()["events"][0]["parts"] == [{"payment_id": "p-1", "amount_minor": 50_00}]
    more = treasurer.post(
        f"{overpaid}/refunds", REFUND | {"refund_id": "r-2", "amount_minor": 50_01}
    )
    assert (more.status_code, more.json()["field"]) == (422, "amount_minor")
    back = treasurer.post(f"{overpaid}/refunds/refund-1/return", {"reason": "account closed"})
    assert [x["type"] for x in back.json()["events"]] == ["RefundReturned"]
    shown = treasurer.get(overpaid).json()["case"]["payments"]["p-1"]
    assert shown["unallocated_minor"] == 100_00


def test_a_collector_does_not_say_that_money_left(overpaid: str, collector: Caller) -> None:
    assert collector.post(f"{overpaid}/refunds", REFUND).status_code == 403


def test_what_is_held_is_used_for_the_next_debt(overpaid: str, collector: Caller) -> None:
    debt = a_case()["debts"][0] | {"balance": {"principal": 30_00}}
    reopened = collector.post(f"{overpaid}/reopening", {"reason": "another account"})
    assert reopened.status_code == 200
    placed = collector.post(f"{overpaid}/debts", debt)
    kinds = [x["type"] for x in placed.json()["events"]]
    assert kinds == ["DebtPlaced", "PaymentReallocated", "CaseClosed"]
    nothing = collector.post(f"{overpaid}/overpayments/allocation", {"reason": "asked"})
    assert (nothing.status_code, nothing.json()["events"]) == (200, [])


def test_the_worklist_shows_who_has_paid_too_much(
    overpaid: str, by: As, follow: Callable[[], None]
) -> None:
    follow()
    rows = by("operator").get("/cases", attention="overpaid", limit=200).json()["items"]
    assert overpaid.rpartition("/")[2] in {row["case_id"] for row in rows}


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_a_payment_of_a_day_to_come_is_refused_by_its_field(
    collector: Caller, case: str, query: str
) -> None:
    body = {"payment_id": "p-9", "currency": "CNY", "amount_minor": 1, "value_on": "2026-03-04"}
    refused = collector.post(f"{case}/payments{query}", body)
    assert (refused.status_code, refused.json()["field"]) == (400, "value_on")
    # In the farthest time zone it is tomorrow already.
    taken = collector.post(f"{case}/payments{query}", body | {"value_on": "2026-03-03"})
    assert taken.status_code == (200 if query else 201)
