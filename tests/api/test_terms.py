"""What rules look at is told through the API, and what they say of it comes back."""

from typing import Any
from uuid import uuid4

import pytest
from tests.api.conftest import As, Caller, a_case

AT = "2026-03-02T11:00:00+08:00"
NIGHT = "2026-03-01T23:30:00+08:00"


def post(caller: Caller, path: str, body: dict[str, Any], status: int) -> list[dict[str, Any]]:
    answer = caller.post(path, body)
    assert answer.status_code == status, answer.text
    events: list[dict[str, Any]] = answer.json()["events"]
    return events


def shown(caller: Caller, case: str) -> dict[str, Any]:
    answer = caller.get(case)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def american(collector: Caller) -> str:
    """A case in New York; at noon in Shanghai it is eleven in the evening there."""
    body = a_case()
    body["debtor"] |= {"time_zone": "Asia/Shanghai", "jurisdiction": "US"}
    return f"/cases/{collector.post('/cases', body).json()['case_id']}"


SMS = {"channel": "sms", "template": "reminder-first"}


def test_a_consent_lets_a_text_message_go_and_its_withdrawal_calls_it_back(
    collector: Caller,
) -> None:
    case = american(collector)
    (refused,) = post(collector, f"{case}/contacts", SMS, 200)
    assert refused["rule"] == "us.tcpa_consent"
    consent = {"consent": "tcpa", "given_at": AT, "how": "signed", "evidence": "page 3"}
    (given,) = post(collector, f"{case}/consents", consent, 201)
    assert given["given_at"] == "2026-03-02T03:00:00Z"
    permitted = post(collector, f"{case}/contacts", SMS, 201)[0]
    assert permitted["type"] == "ContactPermitted"
    gone = {"consent": "tcpa", "withdrawn_at": "2026-03-02T12:00:00+08:00", "how": "by post"}
    events = post(collector, f"{case}/consent-withdrawals", gone, 201)
    assert [each["type"] for each in events] == ["ConsentWithdrawn", "ContactCancelled"]
    assert post(collector, f"{case}/consent-withdrawals", gone, 200) == []
    assert post(collector, f"{case}/contacts", SMS, 200)[0]["rule"] == "us.tcpa_consent"


def test_agreed_hours_begin_and_end(collector: Caller, case: str) -> None:
    hours = {"hours": [{"start": "18:00:00", "end": "20:00:00"}], "how": "asked for it"}
    (agreed,) = post(collector, f"{case}/agreed-hours", hours, 201)
    call = {"channel": "call", "template": "talk"}
    (refused,) = post(collector, f"{case}/contacts", call, 200)
    assert refused["next_lawful_at"] == "2026-03-02T10:00:00Z"
    end = f"{case}/agreed-hours/{agreed['agreement_id']}/end"
    post(collector, end, {"how": "any time is fine"}, 200)
    post(collector, f"{case}/contacts", call, 201)


def test_hours_that_are_no_hours_are_named(collector: Caller, case: str) -> None:
    wrong = {"hours": [{"start": "18:00:00", "end": "18:00:00"}], "how": "asked"}
    answer = collector.post(f"{case}/agreed-hours", wrong)
    assert answer.status_code == 400
    assert "for a whole day write 00:00 twice" in answer.text


def test_a_medium_is_refused_and_allowed(collector: Caller, case: str) -> None:
    wish = {"medium": "sms", "how": "asked on the phone"}
    post(collector, f"{case}/refused-media", wish, 201)
    assert post(collector, f"{case}/contacts", SMS, 200)[0]["rule"] == "medium_refused"
    post(collector, f"{case}/allowed-media", wish, 201)
    post(collector, f"{case}/contacts", SMS, 201)


def test_a_possible_place_counts_until_the_place_is_settled(collector: Caller, case: str) -> None:
    london = {"time_zone": "Europe/London", "jurisdiction": "GB"}
    post(collector, f"{case}/debtor/possible-places", london, 201)
    refused = post(collector, f"{case}/contacts", SMS, 200)[0]
    assert refused["inputs"]["place"] == "GB Europe/London"
    home = {"time_zone": "Asia/Shanghai", "jurisdiction": "CN"}
    post(collector, f"{case}/debtor/place", home, 200)
    post(collector, f"{case}/contacts", SMS, 201)


def test_a_bureau_report_is_refused_until_the_debtor_was_told(collector: Caller, case: str) -> None:
    report = {"bureau": "fictional-bureau"}
    (refused,) = post(collector, f"{case}/bureau-reports", report, 200)
    assert (refused["type"], refused["act"]) == ("ActionRefused", "bureau_report")
    fact = {"fact": "told_before_reporting", "on": "2026-02-16", "how": "by letter"}
    post(collector, f"{case}/facts", fact, 201)
    (permitted,) = post(collector, f"{case}/bureau-reports", report, 201)
    assert permitted["type"] == "BureauReportPermitted"
    post(collector, f"{case}/facts", fact | {"on": None}, 201)
    post(collector, f"{case}/bureau-reports", report, 200)


def test_the_limitation_of_a_debt_comes_with_it_or_is_recorded(collector: Caller) -> None:
    body = a_case()
    body["debts"][0]["limitation_expires_on"] = "2029-02-27"
    case = f"/cases/{collector.post('/cases', body).json()['case_id']}"
    ((debt_id, account),) = shown(collector, case)["case"]["debts"].items()
    assert account["limitation_expires_on"] == "2029-02-27"
    later = {"expires_on": "2030-01-01", "how": "acknowledged in writing"}
    post(collector, f"{case}/debts/{debt_id}/limitation", later, 200)
    ((_, account),) = shown(collector, case)["case"]["debts"].items()
    assert account["limitation_expires_on"] == "2030-01-01"
    answer = collector.post(f"{case}/debts/{uuid4()}/limitation", later)
    assert answer.status_code == 404


def test_a_contact_is_about_some_debts_of_the_case(collector: Caller, case: str) -> None:
    (debt_id,) = shown(collector, case)["case"]["debts"]
    permitted = post(collector, f"{case}/contacts", SMS | {"debts": [debt_id]}, 201)[0]
    assert permitted["debts"] == [debt_id]
    answer = collector.post(f"{case}/contacts", SMS | {"debts": [str(uuid4())]})
    assert answer.status_code == 422
    assert "debts" in answer.text


def test_a_call_without_permission_is_taken_and_shown_as_a_breach(
    by: As, collector: Caller, case: str
) -> None:
    assert shown(collector, case)["breaches"] == []
    talk = {"channel": "call", "outcome": "right_party_contact", "occurred_at": NIGHT}
    (logged,) = post(collector, f"{case}/conversations", talk | {"note": "canary-note"}, 201)
    assert logged["permitted"] is False
    (breach,) = shown(collector, case)["breaches"]
    assert breach["conversation_id"] == logged["conversation_id"]
    assert breach["reported_by"] == "collector-1"
    assert breach["occurred_at"] == "2026-03-01T15:30:00Z"
    assert {"cn.quiet_hours", "house.quiet_hours"} <= {each["rule"] for each in breach["rules"]}
    version = shown(collector, case)["version"]
    assert collector.get(f"{case}?version={version - 1}").json()["breaches"] == []
    assert collector.get(f"{case}?version={version}").json()["breaches"] == [breach]
    seen = by("analyst").get(case)
    assert seen.json()["breaches"] == [breach]
    assert "canary" not in seen.text


@pytest.mark.parametrize("role", ["webhook", "operator"])
def test_systems_may_tell_what_protects_the_debtor_and_not_what_loosens(
    by: As, case: str, role: str
) -> None:
    caller = by(role)
    gone = {"consent": "tcpa", "withdrawn_at": AT, "how": "by post"}
    assert caller.post(f"{case}/consent-withdrawals", gone).status_code == 201
    given = {"consent": "tcpa", "given_at": AT, "how": "signed"}
    assert caller.post(f"{case}/consents", given).status_code == 403
    wish = {"medium": "sms", "how": "asked"}
    assert caller.post(f"{case}/refused-media", wish).status_code == 201
    assert caller.post(f"{case}/allowed-media", wish).status_code == 403


@pytest.mark.parametrize(
    ("path", "body", "field", "known"),
    [
        ("refused-media", {"medium": "phone", "how": "asked"}, "medium", "call"),
        ("allowed-media", {"medium": "phone", "how": "asked"}, "medium", "call"),
        ("opt-outs", {"channel": "phone", "how": "asked"}, "channel", "call"),
        ("opt-ins", {"channel": "phone", "how": "asked"}, "channel", "call"),
        ("facts", {"fact": "asigned", "on": "2026-01-01", "how": "seen"}, "fact", "assigned"),
        (
            "consents",
            {"consent": "tpca", "given_at": "2026-03-01T04:00:00Z", "how": "asked"},
            "consent",
            "tcpa",
        ),
        (
            "agreed-hours",
            {
                "hours": [{"start": "18:00:00", "end": "20:00:00", "channels": ["phone"]}],
                "how": "x",
            },
            "hours",
            "call",
        ),
        (
            "conversations",
            {"channel": "phone", "outcome": "no_answer", "occurred_at": "2026-03-01T04:00:00Z"},
            "channel",
            "call",
        ),
    ],
)
def test_a_word_that_no_rule_would_see_is_refused_with_those_that_there_are(
    collector: Caller, case: str, path: str, body: dict[str, object], field: str, known: str
) -> None:
    answer = collector.post(f"{case}/{path}", body)
    problem = answer.json()
    assert (answer.status_code, problem["field"]) == (422, field), answer.text
    assert known in problem["detail"]


def test_what_is_reported_has_happened(collector: Caller, case: str) -> None:
    talk = {"channel": "call", "outcome": "no_answer", "occurred_at": "2031-03-01T04:00:00Z"}
    answer = collector.post(f"{case}/conversations", talk)
    assert (answer.status_code, answer.json()["field"]) == (400, "occurred_at")
