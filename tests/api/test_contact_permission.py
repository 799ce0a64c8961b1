"""May I contact this person? Answered in words, for the collector and for the borrower."""

import json
import uuid
from datetime import datetime
from typing import Any

import pytest
from tests.api.conftest import As, Caller, MovableClock, a_case

from duecourse_api.problems import Problem
from duecourse_api.roles import READERS, SEE_PERSONAL

NIGHT = "2026-03-02T22:30:00+08:00"
NINE = "2026-03-03 09:00 (Asia/Shanghai), that is 2026-03-03 01:00 (UTC)"
ADDRESS = "示例省虚构市样例路 1 号"


@pytest.fixture
def case(collector: Caller) -> str:
    """A case whose debtor can be called, written to and visited."""
    home = {"point_id": "home", "kind": "postal", "address": ADDRESS}
    body = a_case()
    body["contact_points"].append(home)
    answer = collector.post("/cases", body)
    assert answer.status_code == 201, answer.text
    return f"/cases/{answer.json()['case_id']}"


def may(caller: Caller, case: str, **query: Any) -> dict:
    answer = caller.get(f"{case}/contact-permission", **query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] == f'"{answer.json()["version"]}"'
    return answer.json()


@pytest.mark.parametrize(
    ("way", "wished", "deed"),
    [
        ("call", "A telephone call", "call you"),
        ("visit", "A visit", "visit you"),
        ("sms", "A text message", "send you a text message"),
    ],
)
def test_a_contact_at_night_is_refused_with_its_reasons_and_the_next_moment(
    collector: Caller, case: str, way: str, wished: str, deed: str
) -> None:
    said = may(collector, case, channel=way, at=NIGHT, language="en")
    assert (said["permitted"], said["language"]) == (False, "en")
    to_collector, to_borrower = said["for_collector"], said["for_borrower"]
    assert to_collector["summary"].startswith(f"{wished} at 2026-03-02 22:30 (Asia/Shanghai)")
    assert to_collector["next_moment"] == f"The earliest lawful moment is {NINE}."
    assert [each["rule"] for each in to_collector["reasons"]] == [
        each["rule"] for each in said["findings"]
    ]
    assert "B: a secondary source was read" in to_collector["reasons"][0]["source"]
    assert to_borrower["summary"] == f"At 2026-03-02 22:30 (Asia/Shanghai) we may not {deed}."
    assert NINE in to_borrower["next_moment"]
    assert datetime.fromisoformat(said["next_lawful_at"]) == datetime.fromisoformat(
        "2026-03-03T01:00:00Z"
    )


def test_at_the_moment_that_was_named_the_contact_is_allowed(collector: Caller, case: str) -> None:
    night = may(collector, case, channel="call", at=NIGHT)
    assert may(collector, case, channel="call", at=night["next_lawful_at"])["permitted"]
    before = may(collector, case, channel="call", at="2026-03-03T08:59:59+08:00")
    assert not before["permitted"]


def test_the_words_are_in_the_debtors_language_unless_another_is_asked_for(
    collector: Caller, case: str
) -> None:
    chinese = may(collector, case, channel="call", at=NIGHT)
    assert chinese["language"] == "zh"
    assert chinese["for_borrower"]["summary"] == (
        "2026年3月2日 22:30（Asia/Shanghai），我们不能给您打电话。"
    )
    english = may(collector, case, channel="call", at=NIGHT, language="en")
    assert english["findings"] == chinese["findings"]
    debtor = {"name": "Example Debtor", "language": "en", "time_zone": "Asia/Shanghai"}
    opened = collector.post("/cases", a_case(debtor=debtor | {"jurisdiction": "CN"}))
    other = f"/cases/{opened.json()['case_id']}"
    assert may(collector, other, channel="call", at=NIGHT)["language"] == "en"


def test_without_a_moment_now_is_meant(collector: Caller, case: str, clock: MovableClock) -> None:
    assert may(collector, case, channel="call", language="en")["for_borrower"] == {
        "summary": "At 2026-03-02 12:00 (Asia/Shanghai) we may call you.",
        "reasons": [],
        "next_moment": "",
    }
    clock.advance(hours=11)
    assert not may(collector, case, channel="call")["permitted"]


def test_a_moment_to_come_is_asked_of_the_case_as_it_is_now(collector: Caller, case: str) -> None:
    tomorrow = "2026-03-03T12:00:00+08:00"
    assert may(collector, case, channel="sms", at=tomorrow)["permitted"]
    collector.post(f"{case}/opt-outs", {"channel": "sms", "how": "asked on the phone"})
    said = may(collector, case, channel="sms", at=tomorrow)
    assert (said["as_of"], said["permitted"]) == ("now", False)
    assert said["for_borrower"]["reasons"][0].startswith("您已要求不再以这种方式联系您。")


def test_a_moment_that_is_past_is_asked_of_the_case_as_it_was(
    collector: Caller, case: str, clock: MovableClock
) -> None:
    clock.advance(minutes=30)
    collector.post(f"{case}/opt-outs", {"channel": "sms", "how": "asked on the phone"})
    then = may(collector, case, channel="sms", at="2026-03-02T12:29:59+08:00")
    assert (then["as_of"], then["version"], then["permitted"]) == ("then", 2, True)
    since = may(collector, case, channel="sms", at="2026-03-02T12:30:00+08:00")
    assert (since["as_of"], since["version"], since["permitted"]) == ("now", 3, False)
    assert may(collector, case, channel="sms")["version"] == 3


def refused(caller: Caller, status: int, path: str, **query: Any) -> Problem:
    answer = caller.get(f"{path}/contact-permission", **query)
    assert answer.status_code == status, answer.text
    return Problem(**answer.json())


def test_a_moment_before_the_case_was_open_is_an_error(collector: Caller, case: str) -> None:
    problem = refused(collector, 400, case, channel="sms", at="2026-03-02T11:59:59+08:00")
    assert (problem.field, problem.detail) == (
        "at", "the case was not open yet; ask for a later moment",
    )  # fmt: skip


def test_a_moment_more_than_a_year_ahead_is_an_error(collector: Caller, case: str) -> None:
    problem = refused(collector, 400, case, channel="sms", at="2027-03-04T00:00:00Z")
    assert (problem.field, problem.detail) == (
        "at", "more than a year ahead; ask for a moment within a year",
    )  # fmt: skip


def test_an_unknown_channel_is_named_with_those_that_there_are(
    collector: Caller, case: str
) -> None:
    problem = refused(collector, 422, case, channel="pigeon")
    assert problem.field == "channel"
    assert "call, sms, visit" in problem.detail


def test_an_unknown_case_is_not_found(collector: Caller) -> None:
    nobody = "/cases/00000000-0000-0000-0000-000000000000"
    assert refused(collector, 404, nobody, channel="call").field == "case_id"


@pytest.fixture
def two_debts(collector: Caller) -> tuple[str, str, str]:
    """A case with two debts, and the ids of both; the first is in dispute."""
    body = a_case()
    (first,) = body["debts"]
    body["debts"].append(first | {"account": first["account"] + "-2"})
    case = f"/cases/{collector.post('/cases', body).json()['case_id']}"
    disputed, other = collector.get(case).json()["case"]["debts"]
    dispute = {"debt_id": disputed, "ground": "already_paid", "said": "paid in February"}
    answer = collector.post(f"{case}/disputes", dispute)
    assert answer.status_code < 300, answer.text
    return case, disputed, other


def test_it_is_asked_about_the_debts_that_are_named_as_a_contact_is(
    collector: Caller, two_debts: tuple[str, str, str]
) -> None:
    case, disputed, other = two_debts
    for debts in ([], [disputed], [other], [disputed, other], [other, other]):
        said = may(collector, case, channel="sms", debts=debts)
        assert said["permitted"] == (set(debts) == {other}), debts
        assert sorted(said["debts"]) == sorted(set(debts) or {disputed, other})
        wanted = {"channel": "sms", "template": "reminder-first", "debts": debts}
        asked = collector.post(f"{case}/contacts", wanted)
        assert asked.status_code == (201 if said["permitted"] else 200), asked.text
        if said["permitted"]:
            # One more message on this day would be one too many.
            contact = asked.json()["events"][0]["contact_id"]
            collector.post(f"{case}/contacts/{contact}/cancellation", {"reason": "only a test"})


def test_a_debt_that_the_case_never_had_is_an_error_that_names_it(
    collector: Caller, case: str
) -> None:
    nobodys = str(uuid.uuid4())
    problem = refused(collector, 422, case, channel="sms", debts=nobodys)
    assert (problem.field, problem.detail) == ("debts", f"the case has no debt {nobodys}")
    assert refused(collector, 400, case, channel="sms", debts="the-big-one").field == "debts"


def test_a_language_without_words_is_refused(collector: Caller, case: str) -> None:
    assert refused(collector, 400, case, channel="call", language="fr").field == "language"


def test_an_address_of_somebody_else_is_not_used(collector: Caller, case: str) -> None:
    brother = {"point_id": "brother", "kind": "phone", "address": "+8615400000001"}
    added = collector.post(f"{case}/contact-points", brother | {"holder": "third_party"})
    assert added.status_code == 201
    said = may(collector, case, channel="call", point_id="brother", language="en")
    assert (said["permitted"], said["point_id"]) == (False, "brother")
    assert said["for_collector"]["reasons"][0]["saw"] == "The address belongs to: somebody else."
    assert said["for_borrower"]["reasons"][0].startswith(
        "We speak about a debt only with the person who owes it"
    )


def test_no_name_address_or_account_is_in_the_answer_for_any_role(by: As) -> None:
    assert READERS - SEE_PERSONAL
    body = a_case()
    body["contact_points"].append({"point_id": "home", "kind": "postal", "address": ADDRESS})
    opened = by("collector").post("/cases", body)
    case = f"/cases/{opened.json()['case_id']}"
    secrets = [body["debtor"]["name"], body["borrower_ref"], body["debts"][0]["account"]]
    secrets += [each["address"] for each in body["contact_points"]]
    for role in READERS:
        for channel in ("call", "visit", "sms"):
            text = json.dumps(may(by(role), case, channel=channel, at=NIGHT), ensure_ascii=False)
            assert [secret for secret in secrets if secret in text] == []
            assert "•••" not in text


def test_the_schema_describes_the_words(collector: Caller) -> None:
    schemas = collector.get("/schema/openapi.json").json()["components"]["schemas"]
    assert set(schemas["Permission"]["required"]) >= {"for_collector", "for_borrower", "language"}
    assert set(schemas["ForBorrower"]["properties"]) == {"summary", "reasons", "next_moment"}
    assert "saw" in schemas["Reason"]["properties"]
