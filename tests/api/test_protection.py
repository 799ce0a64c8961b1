"""Disputes, answers, limitation and what may help, through the API."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from tests.api.conftest import As, Caller, MovableClock, a_case

DISPUTE = {"ground": "already_paid", "said": "paid in cash", "evidence": "a receipt"}


def post(caller: Caller, path: str, body: dict[str, Any], status: int) -> dict[str, Any]:
    answer = caller.post(path, body)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def get(caller: Caller, path: str, **query: Any) -> dict[str, Any]:
    answer = caller.get(path, **query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def only_debt(caller: Caller, case: str) -> str:
    (debt_id,) = get(caller, case)["case"]["debts"]
    return str(debt_id)


def test_a_dispute_is_raised_answered_and_seen_in_the_history(collector: Caller, case: str) -> None:
    events = post(collector, f"{case}/disputes", DISPUTE | {"hold_id": "d-1"}, 201)["events"]
    assert [each["type"] for each in events] == ["HoldPlaced", "DisputeRaised"]
    assert events[0]["deadlines"][0]["name"] == "answer"
    assert post(collector, f"{case}/disputes", DISPUTE | {"hold_id": "d-1"}, 200)["events"] == []
    answer = {"outcome": "rejected", "answered_on": "2026-03-02", "reason": "none was made"}
    (answered,) = post(collector, f"{case}/holds/d-1/answer", answer, 200)["events"]
    assert answered["until"] == "2026-03-09"
    end = {"until": "2026-03-31", "reason": "documents are awaited"}
    (moved,) = post(collector, f"{case}/holds/d-1/end", end, 200)["events"]
    assert moved["type"] == "HoldEndSet"
    wrong = answer | {"outcome": "verified"}
    assert post(collector, f"{case}/holds/d-1/answer", wrong, 422)["field"] == "outcome"


def test_what_the_debtor_said_is_masked_for_those_who_need_not_read_it(
    by: As, collector: Caller, case: str
) -> None:
    post(collector, f"{case}/disputes", DISPUTE, 201)
    assert "paid in cash" in collector.get(f"{case}/history").text
    for path in (case, f"{case}/history"):
        assert "paid in cash" not in by("analyst").get(path).text


def test_a_payment_tells_beforehand_and_afterwards_what_it_does_to_the_limitation(
    collector: Caller, case: str
) -> None:
    payment = {"payment_id": "p-1", "currency": "CNY", "amount_minor": 1_000}
    body = payment | {"value_on": "2026-03-02"}
    tried = post(collector, f"{case}/payments?dry_run=true", body, 200)["restarts_limitation"]
    (said,) = post(collector, f"{case}/payments", body, 201)["restarts_limitation"]
    assert tried == [said]
    assert said["act"] == "part_payment"
    assert said["becomes"] == "2029-03-02"
    assert said["was"] < said["becomes"]
    assert said["zh"]
    assert said["says"]


def test_a_repeat_tells_the_same_although_more_has_happened(collector: Caller, case: str) -> None:
    body = {"payment_id": "p-1", "currency": "CNY", "amount_minor": 1_000, "value_on": "2026-03-01"}
    key = {"Idempotency-Key": str(uuid4())}
    first = collector.post(f"{case}/payments", body, key).json()
    later = body | {"payment_id": "p-2", "value_on": "2026-03-02"}
    post(collector, f"{case}/payments", later, 201)
    again = collector.post(f"{case}/payments", body, key).json()
    assert again["repeated"]
    assert again["restarts_limitation"] == first["restarts_limitation"] != []


def test_a_promise_warns_of_the_limitation_and_a_message_does_not(
    collector: Caller, case: str
) -> None:
    promise = {"currency": "CNY", "amount_minor": 1_000, "due_on": "2026-03-20"}
    (said,) = post(collector, f"{case}/promises", promise, 201)["restarts_limitation"]
    assert said["act"] == "acknowledgement"
    message = {"channel": "sms", "template": "reminder-first"}
    assert post(collector, f"{case}/contacts", message, 201)["restarts_limitation"] == []


def test_the_clock_is_shown_with_its_acts_and_the_events_they_come_from(
    collector: Caller, case: str
) -> None:
    debt_id = only_debt(collector, case)
    act = {
        "act": "demand", "on": "2026-02-28", "has": ["arrived"], "evidence": "the returned slip",
        "act_id": "letter-1",
    }  # fmt: skip
    acts = f"{case}/debts/{debt_id}/limitation/acts"
    version = post(collector, acts, act, 201)["version"]
    assert post(collector, acts, act, 200)["events"] == []
    (found,) = get(collector, f"{case}/limitation")["debts"]
    assert (found["status"], found["expires_on"]) == ("running", "2029-02-28")
    assert found["laws"] == ["cn"]
    (step,) = found["clock"]["steps"]
    assert step["evidence"] == ["act:letter-1"]
    assert found["evidence"] == {"act:letter-1": [version]}
    assert {each["act"] for each in found["clock"]["would_restart"]} >= {"part_payment", "plan"}
    (over,) = get(collector, f"{case}/limitation", on="2029-03-01")["debts"]
    assert over["status"] == "expired"
    assert (
        "not sue" in over["for_borrower"]["en"] or "Nobody will sue" in over["for_borrower"]["en"]
    )


def test_the_terms_of_a_debt_say_which_law_it_is_under(collector: Caller, case: str) -> None:
    terms = f"{case}/debts/{only_debt(collector, case)}/limitation/terms"
    body = {"starts_on": "2025-01-01", "how": "English law, clause 9", "law": "uk-ew"}
    post(collector, terms, body, 200)
    (found,) = get(collector, f"{case}/limitation")["debts"]
    assert (found["laws"], found["expires_on"]) == (["uk-ew"], "2031-01-01")
    assert post(collector, terms, body | {"law": "atlantis"}, 422)["field"] == "law"


@pytest.mark.parametrize("on", ["1200-01-01", "9999-12-31", "yesterday"])
def test_a_day_out_of_all_reason_is_refused(collector: Caller, case: str, on: str) -> None:
    answer = collector.get(f"{case}/limitation", on=on)
    assert answer.status_code == 400
    assert answer.json()["field"] == "on"


def test_what_may_help_is_shown_by_itself_and_with_the_case(collector: Caller, case: str) -> None:
    talk = {
        "channel": "call", "outcome": "right_party_contact", "initiator": "debtor",
        "occurred_at": "2026-03-02T11:00:00+08:00", "arrears_reason": "unemployment",
    }  # fmt: skip
    post(collector, f"{case}/conversations", talk, 201)
    options = get(collector, f"{case}/options")["options"]
    assert "hold:hardship" in {each["do"] for each in options}
    assert all(each["zh"] and each["en"] and each["source"] for each in options)
    assert get(collector, case)["options"] == options


def test_a_case_that_is_not_there_has_no_clock_and_no_options(collector: Caller) -> None:
    for what in ("limitation", "options"):
        assert collector.get(f"/cases/{uuid4()}/{what}").status_code == 404


def test_a_breathing_space_has_its_end_from_the_law(collector: Caller, clock: MovableClock) -> None:
    clock.advance(hours=5)
    body = a_case()
    body["debtor"] |= {"time_zone": "Europe/London", "jurisdiction": "GB", "language": "en"}
    case = f"/cases/{collector.post('/cases', body).json()['case_id']}"
    space = {"kind": "breathing_space", "authority": "the register's notice", "hold_id": "bs"}
    placed = post(collector, f"{case}/holds", space, 201)["events"][0]
    assert placed["until"] == "2026-05-01"
    longer = space | {"hold_id": "bs-2", "until": "2026-08-01"}
    assert post(collector, f"{case}/holds", longer, 422)["field"] == "until"


def is_listed(caller: Caller, case: str, word: str) -> bool:
    """Whether the worklist asks for a person to look at the case, by this word."""
    listed = get(caller, "/cases", attention=word, limit=200)["items"]
    return case.removeprefix("/cases/") in {each["case_id"] for each in listed}


@pytest.fixture
def breathing(collector: Caller, clock: MovableClock) -> str:
    """The path of a case in the United Kingdom with a breathing space `bs` until 1 May."""
    clock.advance(hours=5)
    body = a_case()
    body["debtor"] |= {"time_zone": "Europe/London", "jurisdiction": "GB", "language": "en"}
    case = f"/cases/{collector.post('/cases', body).json()['case_id']}"
    space = {"kind": "breathing_space", "authority": "the register's notice", "hold_id": "bs"}
    post(collector, f"{case}/holds", space, 201)
    return case


@pytest.mark.parametrize(
    ("way", "body"),
    [
        ("lift", {"reason": "felt like it"}),
        ("end", {"reason": "felt like it", "until": "2026-03-02"}),
    ],
)
def test_a_breathing_space_ends_early_only_by_legal_staff_on_evidence_that_an_auditor_sees(
    by: As, follow: Callable[[], None], breathing: str, way: str, body: dict[str, Any]
) -> None:
    path, told = f"{breathing}/holds/bs/{way}", body | {"evidence": "the notice of 2 March"}
    for tried in (body, told):
        refused = post(by("collector"), path, tried, 403)
        assert refused["field"] == "evidence"
        assert "legal staff" in refused["detail"]
    missing = post(by("legal"), path, body, 422)
    assert missing["field"] == "evidence"
    assert "the debt advice provider" in missing["detail"]
    permission = get(by("collector"), f"{breathing}/contact-permission", channel="sms")
    assert not permission["permitted"]
    (ended,) = post(by("legal"), path, told, 200)["events"]
    assert (ended["evidence"], ended["cut_short"]) == ("the notice of 2 March", True)
    history = by("auditor").get(f"{breathing}/history").text
    assert "the notice of 2 March" in history
    assert "the notice of 2 March" not in by("analyst").get(f"{breathing}/history").text
    follow()
    assert is_listed(by("auditor"), breathing, "hold_cut_short")
    shown = get(by("auditor"), breathing)["case"]
    holds = {**shown.get("holds", {}), **shown.get("ended_holds", {})}
    assert holds["bs"]["cut_short"]


def test_insolvency_until_tomorrow_is_taken_from_legal_staff_on_evidence(
    by: As, breathing: str
) -> None:
    body = {"kind": "insolvency", "authority": "said so", "until": "2026-03-03", "reason": "so"}
    assert post(by("collector"), f"{breathing}/holds", body, 403)["field"] == "evidence"
    assert post(by("legal"), f"{breathing}/holds", body, 422)["field"] == "evidence"
    (placed, *_) = post(
        by("legal"), f"{breathing}/holds", body | {"evidence": "the order of 1 March"}, 201
    )["events"]
    assert (placed["cut_short"], placed["evidence"]) == (True, "the order of 1 March")


def test_the_worklist_says_that_a_promise_rests_while_a_hold_stops_collection(
    collector: Caller, follow: Callable[[], None], case: str
) -> None:
    promise = {"currency": "CNY", "amount_minor": 1_000, "due_on": "2026-03-09"}
    post(collector, f"{case}/promises", promise, 201)
    mourning = {"kind": "bereavement", "authority": "the daughter", "hold_id": "m"}
    post(collector, f"{case}/holds", mourning, 201)
    follow()
    assert is_listed(collector, case, "promise_on_hold")
    post(collector, f"{case}/holds/m/lift", {"reason": "the estate is settled"}, 200)
    follow()
    assert not is_listed(collector, case, "promise_on_hold")
