"""Opening, changing and reading cases over HTTP."""

from collections.abc import Callable
from typing import get_args

import msgspec
import pytest
from httpx import Response
from tests.api.conftest import As, Caller, MovableClock, a_case

from duecourse.case.events import Event
from duecourse.case.evolve import fold
from duecourse.views.attention import Attention


def made(answer: Response) -> list[str]:
    assert answer.status_code in {200, 201}, answer.text
    return [event["type"] for event in answer.json()["events"]]


def test_a_case_is_opened_once_however_often_it_is_posted(collector: Caller) -> None:
    body = a_case()
    first, second = (collector.post("/cases", body) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.headers["Location"] == f"/cases/{first.json()['case_id']}"
    assert made(first) == ["CaseOpened", "DebtPlaced"]
    assert made(second) == []
    assert second.json()["version"] == first.json()["version"] == 2


def test_ids_say_nothing_about_the_borrower(collector: Caller) -> None:
    body = a_case()
    opened = collector.post("/cases", body).json()["events"][0]
    other = collector.post("/cases", a_case()).json()["events"][0]
    assert opened["subject_id"] != other["subject_id"]
    assert body["borrower_ref"] not in opened["subject_id"]


def test_another_account_is_placed_on_the_open_case(collector: Caller, case: str) -> None:
    debt = a_case()["debts"][0]
    first, again = (collector.post(f"{case}/debts", debt) for _ in range(2))
    assert (made(first), made(again)) == (["DebtPlaced"], [])
    debt_id = first.json()["events"][0]["debt"]["debt_id"]
    taken = collector.post(f"{case}/debts/{debt_id}/withdrawal", {"reason": "recalled"})
    assert made(taken) == ["DebtWithdrawn"]


def test_addresses_are_added_replaced_and_retired(collector: Caller, case: str) -> None:
    point = {"point_id": "home", "kind": "postal", "address": "示例省虚构市样例路 1 号"}
    assert made(collector.post(f"{case}/contact-points", point)) == ["ContactPointAdded"]
    gone = collector.post(f"{case}/contact-points/home/retirement", {"reason": "moved"})
    assert made(gone) == ["ContactPointRetired"]
    unknown = collector.post(f"{case}/contact-points/attic/retirement", {"reason": "moved"})
    assert (unknown.status_code, unknown.json()["field"]) == (404, "point_id")


def test_the_debtor_may_move_under_another_clock(collector: Caller, case: str) -> None:
    moved = collector.post(
        f"{case}/debtor/place", {"time_zone": "Asia/Urumqi", "jurisdiction": "CN"}
    )
    assert made(moved) == ["DebtorMoved"]
    nowhere = collector.post(
        f"{case}/debtor/place", {"time_zone": "Asia/Nowhere", "jurisdiction": "CN"}
    )
    assert (nowhere.status_code, nowhere.json()["field"]) == (400, "time_zone")


def test_a_stage_closing_and_reopening(collector: Caller, case: str) -> None:
    early = collector.post(f"{case}/stage", {"to": "pre_legal", "reason": "at once"})
    assert (early.status_code, early.json()["type"]) == (409, "urn:duecourse:problem:wrong-state")
    ready = collector.post(f"{case}/stage", {"to": "reminder", "reason": "checked"})
    assert made(ready) == ["StageMoved"]
    closed = collector.post(f"{case}/closure", {"reason": "uneconomic"})
    assert made(closed) == ["CaseClosed"]
    late = collector.post(f"{case}/stage", {"to": "negotiation", "reason": "late"})
    assert late.json()["type"] == "urn:duecourse:problem:case-is-closed"
    assert made(collector.post(f"{case}/reopening", {"reason": "mistake"})) == ["CaseReopened"]


def test_a_contact_is_permitted_or_refused_with_its_rule(
    collector: Caller, case: str, clock: MovableClock
) -> None:
    body = {"channel": "sms", "template": "reminder-first"}
    permitted = collector.post(f"{case}/contacts", body)
    assert permitted.status_code == 201
    contact_id = permitted.json()["events"][0]["contact_id"]
    back = collector.post(f"{case}/contacts/{contact_id}/cancellation", {"reason": "wait"})
    assert made(back) == ["ContactCancelled"]
    clock.advance(hours=11)
    refused = collector.post(f"{case}/contacts", body)
    assert refused.status_code == 200
    (event,) = refused.json()["events"]
    assert event["type"] == "ContactRefused"
    assert event["rule"]
    assert event["citation"]
    assert event["next_lawful_at"] > clock().isoformat()


def test_may_i_answers_as_a_request_would_and_records_nothing(
    collector: Caller, case: str, clock: MovableClock
) -> None:
    path = f"{case}/contact-permission"
    now = collector.get(path, channel="sms").json()
    assert (now["permitted"], now["point_id"], now["findings"]) == (True, "mobile", [])
    night = collector.get(path, channel="sms", at="2026-03-02T22:30:00+08:00").json()
    assert not night["permitted"]
    asked_again = collector.get(path, channel="sms", at=night["next_lawful_at"]).json()
    assert asked_again["permitted"]
    assert collector.get(case).json()["version"] == 2


@pytest.mark.parametrize(
    "at", ["2026-03-01T00:00:00Z", "2028-01-01T00:00:00Z", "2026-03-03T12:00:00", "soon"]
)
def test_may_i_refuses_a_moment_it_cannot_judge(collector: Caller, case: str, at: str) -> None:
    answer = collector.get(f"{case}/contact-permission", channel="sms", at=at)
    assert (answer.status_code, answer.json()["field"]) == (400, "at")


def test_a_conversation_is_kept_with_its_reason_for_arrears(collector: Caller, case: str) -> None:
    body = {
        "channel": "call",
        "outcome": "hardship_declared",
        "occurred_at": "2026-03-02T11:30:00+08:00",
        "initiator": "debtor",
        "arrears_reason": "economic_pressure",
    }
    answer = collector.post(f"{case}/conversations", body)
    event, hold = answer.json()["events"]
    assert (hold["type"], hold["kind"]) == ("HoldPlaced", "hardship")
    assert (event["type"], event["permitted"]) == ("ConversationLogged", True)
    assert event["occurred_at"] == "2026-03-02T03:30:00Z"


def test_a_reply_with_stop_is_kept_verbatim_and_obeyed(collector: Caller, case: str) -> None:
    reply = {"channel": "sms", "text": " 退订 ", "occurred_at": "2026-03-02T11:59:00+08:00"}
    answer = collector.post(f"{case}/replies", reply)
    assert made(answer) == ["ReplyReceived", "ChannelOptedOut"]
    assert answer.json()["events"][0]["text"] == " 退订 "
    assert not collector.get(f"{case}/contact-permission", channel="sms").json()["permitted"]
    back = collector.post(f"{case}/opt-ins", {"channel": "sms", "how": "asked on the phone"})
    assert made(back) == ["ChannelOptedIn"]
    out = collector.post(f"{case}/opt-outs", {"channel": "sms", "how": "asked on the phone"})
    assert made(out) == ["ChannelOptedOut"]


def test_a_reply_in_other_words_is_on_the_worklist_until_it_was_read(
    collector: Caller, by: As, case: str, follow: Callable[[], None]
) -> None:
    def waiting() -> set[str]:
        follow()
        page = collector.get("/cases", attention="reply_waits", limit=200).json()
        return {f"/cases/{item['case_id']}" for item in page["items"]}

    reply = {
        "channel": "sms",
        "reply_id": "in-1",
        "text": "I dispute this debt, it is not mine",
        "occurred_at": "2026-03-02T11:59:00+08:00",
    }
    assert made(collector.post(f"{case}/replies", reply)) == ["ReplyReceived"]
    assert case in waiting()
    shown = collector.get(case).json()["case"]["waiting_replies"]["sms/in-1"]
    assert shown["text"] == reply["text"]
    masked = by("analyst").get(case).json()["case"]["waiting_replies"]["sms/in-1"]
    assert masked["text"] == "•••"
    path, body = f"{case}/replies/in-1/read", {"outcome": "disputes_debt", "note": "says not mine"}
    for role in ("analyst", "auditor", "webhook", "operator"):
        assert by(role).post(path, body).status_code == 403
    assert made(collector.post(path, body)) == ["ReplyRead", "HoldPlaced"]
    assert made(collector.post(path, body)) == []
    assert collector.post(path, {"outcome": "answered"}).status_code == 409
    assert collector.post(f"{case}/replies/in-2/read", body).status_code == 404
    assert case not in waiting()


def test_promises_are_made_and_released(collector: Caller, case: str) -> None:
    body = {"currency": "CNY", "amount_minor": 20_000, "due_on": "2026-03-20"}
    answer = collector.post(f"{case}/promises", body)
    assert made(answer) == ["PromiseMade", "StageMoved"]
    promise_id = answer.json()["events"][0]["promise_id"]
    released = collector.post(f"{case}/promises/{promise_id}/withdrawal", {"reason": "illness"})
    assert made(released) == ["PromiseWithdrawn"]
    too_much = collector.post(f"{case}/promises", body | {"amount_minor": 60_001})
    assert (too_much.status_code, too_much.json()["field"]) == (422, "amount_minor")


PLAN = {
    "kind": "instalments",
    "currency": "CNY",
    "expires_on": "2026-03-16",
    "count": 7,
    "first_due_on": "2026-03-31",
}


def test_a_plan_in_equal_parts_adds_up_to_what_is_owed(collector: Caller, case: str) -> None:
    offered = collector.post(f"{case}/plans", PLAN)
    assert offered.status_code == 201, offered.text
    parts = offered.json()["events"][0]["instalments"]
    assert sum(part["amount_minor"] for part in parts) == 60_000
    assert [part["due_on"] for part in parts][:3] == ["2026-03-31", "2026-04-30", "2026-05-31"]
    plan_id = offered.json()["events"][0]["plan_id"]
    accepted = collector.post(f"{case}/plans/{plan_id}/acceptance", {"evidence": "by phone"})
    assert "PlanAccepted" in made(accepted)
    ended = collector.post(f"{case}/plans/{plan_id}/withdrawal", {"reason": "debtor asked"})
    assert made(ended) == ["PlanWithdrawn"]


def test_an_explicit_plan_is_offered_and_declined(collector: Caller, case: str) -> None:
    body = {
        "kind": "settlement",
        "currency": "CNY",
        "expires_on": "2026-03-16",
        "waived_minor": 10_000,
        "instalments": [{"due_on": "2026-03-10", "amount_minor": 50_000}],
    }
    offered = collector.post(f"{case}/plans", body)
    plan_id = offered.json()["events"][0]["plan_id"]
    assert made(collector.post(f"{case}/plans/{plan_id}/decline", {})) == ["PlanDeclined"]
    short = collector.post(f"{case}/plans", body | {"waived_minor": 9_999})
    assert (short.status_code, short.json()["field"]) == (422, "instalments")


def test_a_repeated_plan_is_the_same_plan_although_money_came_in_between(
    collector: Caller, case: str
) -> None:
    key = {"Idempotency-Key": f"plan of {case}"}
    first = collector.post(f"{case}/plans", PLAN, key)
    paid = {"payment_id": "P-1", "currency": "CNY", "amount_minor": 100, "value_on": "2026-03-02"}
    collector.post(f"{case}/payments", paid)
    again = collector.post(f"{case}/plans", PLAN, key)
    assert again.json() == first.json() | {"repeated": True}


def test_a_payment_counts_once_and_is_reversed_exactly(collector: Caller, case: str) -> None:
    body = {
        "payment_id": "P-1",
        "currency": "CNY",
        "amount_minor": 10_000,
        "value_on": "2026-03-02",
    }
    answers = [collector.post(f"{case}/payments", body) for _ in range(2)]
    assert [made(each) for each in answers] == [["PaymentRecorded"], []]
    back = collector.post(f"{case}/payments/P-1/reversal", {"reason": "bounced"})
    assert made(back) == ["PaymentReversed"]
    (debt,) = collector.get(case).json()["case"]["debts"].values()
    assert debt["outstanding"] == {"principal": 60_000}


def test_a_hold_stops_contact_until_it_is_lifted(collector: Caller, case: str) -> None:
    placed = collector.post(f"{case}/holds", {"kind": "dispute", "authority": "the debtor"})
    assert placed.status_code == 201
    hold_id = placed.json()["events"][0]["hold_id"]
    path = f"{case}/contact-permission"
    assert not collector.get(path, channel="sms").json()["permitted"]
    lifted = collector.post(f"{case}/holds/{hold_id}/lift", {"reason": "settled"})
    assert made(lifted) == ["HoldLifted"]
    assert collector.get(path, channel="sms").json()["permitted"]


@pytest.fixture
def referral(collector: Caller, case: str) -> str:
    """The path of a referral on a case whose debtor spoke with us and refused."""
    talk = {
        "channel": "call",
        "outcome": "refused_to_pay",
        "occurred_at": "2026-03-02T11:30:00+08:00",
        "initiator": "debtor",
    }
    collector.post(f"{case}/conversations", talk)
    proposed = collector.post(f"{case}/referrals", {"grounds": "refused to pay"})
    assert proposed.status_code == 201, proposed.text
    event = proposed.json()["events"][-1]
    return f"{case}/referrals/{event['referral_id']}"


def test_legal_staff_approve_what_a_collector_proposed(by: As, referral: str) -> None:
    refused = by("collector").post(f"{referral}/approval", {"adapter": "cn-court"})
    assert refused.status_code == 403
    assert made(by("legal").post(f"{referral}/approval", {"adapter": "cn-court"}))[0] == (
        "LegalReferralApproved"
    )
    answer = by("legal").post(
        f"{referral}/outcomes", {"outcome": "mediated", "occurred_on": "2026-03-02"}
    )
    assert made(answer) == ["CourtOutcomeRecorded", "StageMoved"]


def test_nobody_approves_what_they_proposed(by: As, case: str, collector: Caller) -> None:
    talk = {
        "channel": "call",
        "outcome": "refused_to_pay",
        "occurred_at": "2026-03-02T11:30:00+08:00",
        "initiator": "debtor",
    }
    collector.post(f"{case}/conversations", talk)
    proposed = by("legal").post(f"{case}/referrals", {"grounds": "refused to pay"}).json()
    path = f"{case}/referrals/{proposed['events'][-1]['referral_id']}/approval"
    answer = by("legal").post(path, {"adapter": "cn-court"})
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:duecourse:problem:not-allowed")


@pytest.mark.parametrize(
    ("way", "event"),
    [("decline", "LegalReferralDeclined"), ("withdrawal", "LegalReferralWithdrawn")],
)
def test_a_referral_is_declined_or_withdrawn(by: As, referral: str, way: str, event: str) -> None:
    answer = by("legal").post(f"{referral}/{way}", {"reason": "talk again"})
    assert made(answer) == [event, "StageMoved"]


# --- reading -----------------------------------------------------------------------------------


@pytest.fixture
def lived(collector: Caller, case: str, clock: MovableClock) -> str:
    """A case to which something happened on each of five days."""
    hold = {"kind": "hardship", "authority": "the debtor", "hold_id": "h-1"}
    steps = [
        ("contacts", {"channel": "sms", "template": "reminder-first"}),
        ("holds", hold),
        ("payments", {"payment_id": "P-1", "currency": "CNY", "amount_minor": 5, "value_on": "2026-03-05"}),
        ("holds/h-1/lift", {"reason": "over"}),
        ("promises", {"currency": "CNY", "amount_minor": 500, "due_on": "2026-03-20"}),
    ]  # fmt: skip
    for path, body in steps:
        clock.advance(days=1)
        assert collector.post(f"{case}/{path}", body).status_code in {200, 201}
    return case


def history_of(auditor: Caller, case: str) -> list[dict]:
    return auditor.get(f"{case}/history").json()["items"]


def test_the_state_at_every_version_is_the_folded_history(by: As, lived: str) -> None:
    items = history_of(by("auditor"), lived)
    events = [msgspec.convert(item["event"], Event) for item in items]
    assert len(events) > 6
    for version in range(1, len(events) + 1):
        answer = by("auditor").get(lived, version=version)
        expected = msgspec.json.decode(msgspec.json.encode(fold(events[:version])))
        assert answer.json()["case"] == expected
        assert answer.headers["ETag"] == f'"{version}"'
    assert by("auditor").get(lived).json()["case"] == expected


def test_the_state_at_a_moment_is_what_had_happened_by_then(by: As, lived: str) -> None:
    items = history_of(by("auditor"), lived)
    for day in range(1, 8):
        moment = f"2026-03-{day + 1:02}T04:00:00Z"
        version = sum(item["event"]["at"] <= moment for item in items)
        answer = by("auditor").get(lived, as_of=moment).json()
        assert (answer["version"], answer["as_of"]) == (version, moment)
        assert answer["case"] == by("auditor").get(lived, version=version).json()["case"]


def test_before_its_opening_and_after_its_last_version_there_is_no_case(
    collector: Caller, case: str
) -> None:
    before = collector.get(case, as_of="2026-03-02T03:59:59.999999Z")
    after = collector.get(case, version=3)
    assert (before.status_code, before.json()["field"]) == (404, "as_of")
    assert (after.status_code, after.json()["field"]) == (404, "version")
    both = collector.get(case, version=1, as_of="2026-03-02T04:00:00Z")
    assert both.status_code == 400


def test_the_history_names_who_and_when_and_comes_in_pages(by: As, lived: str) -> None:
    whole = history_of(by("auditor"), lived)
    assert {item["actor"]["id"] for item in whole} == {"collector-1"}
    assert all(item["command_id"] and item["recorded_at"] for item in whole)
    paged, path = [], f"{lived}/history?limit=3"
    while path:
        answer = by("auditor").get(path)
        paged += answer.json()["items"]
        path = answer.links.get("next", {}).get("url", "")
    assert paged == whole


def test_the_worklist_comes_in_pages_and_by_filter(
    collector: Caller, case: str, follow: Callable[[], None]
) -> None:
    held = f"/cases/{collector.post('/cases', a_case(creditor='other-bank')).json()['case_id']}"
    collector.post(f"{held}/holds", {"kind": "dispute", "authority": "the debtor"})
    follow()
    rows, path = [], "/cases?limit=2"
    while path:
        answer = collector.get(path)
        rows += answer.json()["items"]
        path = answer.links.get("next", {}).get("url", "")
    assert [row["case_id"] for row in rows] == sorted({row["case_id"] for row in rows})
    assert {case[7:], held[7:]} <= {row["case_id"] for row in rows}
    for name, value in [
        ("creditor", "other-bank"), ("hold", "dispute"), ("attention", "disputed"),
    ]:  # fmt: skip
        found = {row["case_id"] for row in collector.get("/cases", **{name: value}).json()["items"]}
        assert held[7:] in found
        assert case[7:] not in found
    assert collector.get("/cases", stage="legal").json() == {"items": [], "next_cursor": None}


def test_a_field_that_is_missing_is_named(collector: Caller, case: str) -> None:
    answer = collector.post(f"{case}/payments", {"payment_id": "bank-1", "currency": "CNY"})
    problem = answer.json()
    assert (answer.status_code, problem["field"]) == (400, "amount_minor")
    assert "missing" in problem["detail"]


def test_a_case_id_that_is_none_is_explained(collector: Caller) -> None:
    answer = collector.get("/cases/B-1")
    assert answer.status_code == 404
    assert "UUID" in answer.json()["detail"]


def test_the_worklist_is_asked_by_its_own_words_and_the_schema_lists_them(
    collector: Caller,
) -> None:
    problem = collector.get("/cases", attention="bogus").json()
    assert (problem["status"], problem["field"]) == (400, "attention")
    described = collector.get("/schema/openapi.json").json()
    (parameter,) = (
        each
        for each in described["paths"]["/cases"]["get"]["parameters"]
        if each["name"] == "attention"
    )
    listed = str(parameter["schema"])
    assert all(f"'{word}'" in listed for word in get_args(Attention))
    for word in get_args(Attention):
        assert collector.get("/cases", attention=word).status_code == 200
