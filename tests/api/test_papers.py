"""Papers through the API: who gets them, what they are called, and what is said where there is none."""

from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient
from msgspec.structs import replace
from tests.api.conftest import As, Caller, a_case

from duecourse import documents
from duecourse.documents import ExtraMissing, pdfa_level
from duecourse.settings import CreditorDetails
from duecourse.store.api_keys import KEY_ROLES
from duecourse.testing.pdf import page_texts
from duecourse_api.app import create_app
from duecourse_api.roles import SEE_PERSONAL
from duecourse_api.services import Services

DETAILS = CreditorDetails(ways_to_pay="https://pay.example.com", contact_line="400-000-0000")
PLAN = {
    "kind": "instalments", "currency": "CNY", "count": 3, "first_due_on": "2026-03-16",
    "expires_on": "2026-03-15",
}  # fmt: skip


@pytest.fixture(scope="module")
def client(services: Services) -> Iterator[TestClient[Any]]:
    """A house that has told how to pay its creditor."""
    app = create_app(replace(services, creditors={"fictional-bank": DETAILS}))
    with TestClient(app, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def offered(collector: Caller, case: str) -> str:
    """The path of a plan that was offered."""
    answer = collector.post(f"{case}/plans", PLAN)
    assert answer.status_code == 201, answer.text
    (offer,) = (each for each in answer.json()["events"] if each["type"] == "PlanOffered")
    return f"{case}/plans/{offer['plan_id']}"


def text_of(pdf: bytes) -> str:
    return "".join(page_texts(pdf))


def test_a_statement_is_a_paper(collector: Caller, case: str) -> None:
    answer = collector.get(f"{case}/statement.pdf", on="2026-03-31", language="en")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["etag"] == collector.get(f"{case}/statement").headers["etag"]
    assert pdfa_level(answer.content) == "2B"
    text = text_of(answer.content)
    assert "31March2026" in text
    assert "CNY600.00" in text
    assert "400-000-0000" in text
    assert collector.get(f"{case}/statement.pdf", on="2026-03-31", language="en").content == (
        answer.content
    )


def test_it_is_of_today_and_in_the_language_of_the_debtor(collector: Caller, case: str) -> None:
    text = text_of(collector.get(f"{case}/statement.pdf").content)
    assert "对账单" in text
    assert "2026年3月2日" in text


def test_an_agreement_is_a_paper(collector: Caller, offered: str) -> None:
    answer = collector.get(f"{offered}/agreement.pdf", language="en")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert pdfa_level(answer.content) == "2B"
    assert "Planagreement(offer)" in text_of(answer.content)
    accepted = collector.post(f"{offered}/acceptance", {"evidence": "signed"})
    assert accepted.status_code == 200, accepted.text
    assert "还款协议债权人" in text_of(collector.get(f"{offered}/agreement.pdf").content)


def test_the_name_of_a_file_tells_nothing_of_anybody(collector: Caller, offered: str) -> None:
    case = offered.split("/plans/", maxsplit=1)[0]
    names = [
        collector.get(path).headers["content-disposition"]
        for path in (f"{case}/statement.pdf", f"{offered}/agreement.pdf")
    ]
    assert names == [
        'attachment; filename="statement-2026-03-02.pdf"',
        'attachment; filename="plan-agreement.pdf"',
    ]


def test_who_may_not_see_personal_texts_gets_no_paper(by: As, offered: str) -> None:
    case = offered.split("/plans/", maxsplit=1)[0]
    for role in KEY_ROLES:
        for path in (f"{case}/statement.pdf", f"{offered}/agreement.pdf"):
            answer = by(role).get(path)
            assert answer.status_code == (200 if role in SEE_PERSONAL else 403), (role, path)
            assert (b"%PDF" in answer.content) == (role in SEE_PERSONAL)


def test_what_there_is_not_is_said_to_be_missing(collector: Caller, case: str) -> None:
    nobody = "00000000-0000-0000-0000-000000000001"
    assert collector.get(f"/cases/{nobody}/statement.pdf").status_code == 404
    answer = collector.get(f"{case}/plans/{nobody}/agreement.pdf")
    assert (answer.status_code, answer.json()["field"]) == (404, "plan_id")


@pytest.mark.parametrize(
    ("query", "field"),
    [({"on": "soon"}, "on"), ({"on": "1019-01-01"}, "on"), ({"on": "2019-01-01"}, "on"),
     ({"language": "fr"}, "language")],
)  # fmt: skip
def test_a_bad_question_names_its_field(
    collector: Caller, case: str, query: dict[str, str], field: str
) -> None:
    answer = collector.get(f"{case}/statement.pdf", **query)
    assert answer.status_code in {400, 422}, answer.text
    assert answer.json()["field"] == field


def test_an_offer_that_was_declined_has_no_paper(collector: Caller, offered: str) -> None:
    assert collector.post(f"{offered}/decline", {"reason": "too much"}).status_code == 200
    answer = collector.get(f"{offered}/agreement.pdf")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:duecourse:problem:no-paper")


def test_a_creditor_without_its_settings_is_told_what_to_write(
    collector: Caller, services: Services
) -> None:
    opened = collector.post("/cases", a_case(creditor="other-bank")).json()["case_id"]
    answer = collector.get(f"/cases/{opened}/statement.pdf")
    assert answer.status_code == 409
    assert "[creditors.other-bank]" in answer.json()["detail"]


def test_a_name_that_cannot_be_printed_is_told_by_its_characters_only(collector: Caller) -> None:
    body = a_case()
    body["debtor"]["name"] = "Robin \U00012000 Testperson"
    case = collector.post("/cases", body).json()["case_id"]
    answer = collector.get(f"/cases/{case}/statement.pdf")
    assert (answer.status_code, answer.json()["title"]) == (422, "A text cannot be printed")
    assert "U+12000" in answer.json()["detail"]
    assert "Testperson" not in answer.text


def test_a_machine_without_the_library_says_what_to_install(
    collector: Caller, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(library: str) -> None:
        raise ExtraMissing(library)

    monkeypatch.setattr(documents, "_require", missing)
    answer = collector.get(f"{case}/statement.pdf")
    assert answer.status_code == 501
    assert "duecourse[letter]" in answer.json()["detail"]
