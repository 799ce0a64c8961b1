"""A name that this house does not have is refused at the door, with the names that it has."""

import pytest
from httpx import Response
from litestar.testing import TestClient
from msgspec.structs import replace
from tests.api.conftest import As, Caller

from duecourse_api.app import create_app
from duecourse_api.services import Services

TALK = {
    "channel": "call",
    "outcome": "refused_to_pay",
    "occurred_at": "2026-03-02T11:30:00+08:00",
    "initiator": "debtor",
}


def refused(answer: Response, field: str) -> str:
    """The words of the refusal, after a look at its form."""
    problem = answer.json()
    assert (answer.status_code, problem.get("field")) == (422, field), answer.text
    assert problem["type"] == "urn:duecourse:problem:not-configured"
    return str(problem["detail"])


@pytest.mark.parametrize("query", [{}, {"dry_run": "true"}])
def test_a_contact_is_not_asked_for_on_a_channel_that_nobody_serves(
    collector: Caller, case: str, query: dict
) -> None:
    body = {"channel": "fax", "template": "reminder-first"}
    answer = collector.post(f"{case}/contacts", body, **query)
    assert "call, sms, visit" in refused(answer, "channel")
    assert collector.get(case).json()["version"] == 2


@pytest.mark.parametrize("template", ["reminder-frist", "letter-balance", "sms"])
def test_a_contact_is_not_asked_for_with_a_template_that_its_channel_cannot_print(
    collector: Caller, case: str, template: str
) -> None:
    answer = collector.post(f"{case}/contacts", {"channel": "sms", "template": template})
    said = refused(answer, "template")
    assert "reminder-first" in said
    assert "letter-balance" not in said
    assert collector.get(case).json()["version"] == 2


def test_people_call_without_a_template_of_ours(collector: Caller, case: str) -> None:
    answer = collector.post(f"{case}/contacts", {"channel": "call", "template": "call"})
    assert answer.status_code == 201, answer.text


def test_whether_a_channel_that_nobody_serves_may_be_used_is_not_answered(
    collector: Caller, case: str
) -> None:
    path = f"{case}/contact-permission"
    assert "call, sms, visit" in refused(collector.get(path, channel="fax"), "channel")
    assert collector.get(path, channel="call").status_code == 200


def test_a_referral_is_not_approved_for_an_adapter_that_is_not_configured(
    by: As, collector: Caller, case: str
) -> None:
    collector.post(f"{case}/conversations", TALK)
    proposed = collector.post(f"{case}/referrals", {"grounds": "refused to pay"}).json()
    referral_id = proposed["events"][-1]["referral_id"]
    path = f"{case}/referrals/{referral_id}/approval"
    assert "cn-court" in refused(by("legal").post(path, {"adapter": "cn-curt"}), "adapter")
    referral = collector.get(case).json()["case"]["referrals"][referral_id]
    assert referral.get("status", "proposed") == "proposed"
    assert by("legal").post(path, {"adapter": "cn-court"}).status_code == 200


def test_where_no_adapter_is_configured_the_refusal_says_how_to(
    services: Services, keys: dict[str, str], case: str
) -> None:
    path = f"{case}/referrals/{'0' * 8}-0000-0000-0000-{'0' * 12}/approval"
    with TestClient(create_app(replace(services, filings={}))) as client:
        caller = Caller(client, keys["legal"])
        assert "[filings." in refused(caller.post(path, {"adapter": "cn-court"}), "adapter")
