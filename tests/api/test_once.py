"""One effect per request, and none on a case that has moved on."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from tests.api.conftest import As, Caller, a_case

HOLD = {"kind": "dispute", "authority": "the debtor disputes the balance"}
SMS = {"channel": "sms", "template": "reminder-first"}


def test_the_same_key_twice_has_one_effect_and_one_answer(collector: Caller, case: str) -> None:
    key = {"Idempotency-Key": "one and the same: 同一个"}
    first, again = (collector.post(f"{case}/holds", HOLD, key) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json() | {"repeated": True}
    assert not first.json()["repeated"]
    assert collector.get(case).json()["version"] == first.json()["version"]


def test_the_same_key_for_something_else_is_refused(collector: Caller, case: str) -> None:
    key = {"Idempotency-Key": f"k {case}"}
    collector.post(f"{case}/holds", HOLD, key)
    other_body = collector.post(f"{case}/holds", HOLD | {"kind": "hardship"}, key)
    other_route = collector.post(f"{case}/closure", {"reason": "uneconomic"}, key)
    for answer in (other_body, other_route):
        assert answer.status_code == 422
        assert answer.json()["type"] == "urn:duecourse:problem:idempotency-key-reused"
        assert answer.json()["field"] == "Idempotency-Key"
    assert collector.get(case).json()["version"] == 3


def test_the_same_text_of_two_callers_are_two_keys(by: As, case: str) -> None:
    key = {"Idempotency-Key": f"shared {case}"}
    answers = [by(role).post(f"{case}/holds", HOLD, key) for role in ("collector", "legal")]
    assert [answer.json()["repeated"] for answer in answers] == [False, False]


def test_without_a_key_two_requests_are_two(collector: Caller, case: str) -> None:
    versions = [collector.post(f"{case}/holds", HOLD).json()["version"] for _ in range(2)]
    assert versions == [3, 4]


def test_fifty_at_once_with_one_key_have_one_effect(collector: Caller, case: str) -> None:
    body = {"payment_id": "P-1", "currency": "CNY", "amount_minor": 100, "value_on": "2026-03-02"}
    key = {"Idempotency-Key": f"race {case}"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: collector.post(f"{case}/payments", body, key), range(50)))
    assert {answer.status_code for answer in answers} == {201}
    assert sum(not answer.json()["repeated"] for answer in answers) == 1
    assert len({answer.json()["position"] for answer in answers}) == 1


@pytest.mark.parametrize("key", ["", "x" * 201])
def test_a_key_out_of_bounds_is_refused(collector: Caller, case: str, key: str) -> None:
    answer = collector.post(f"{case}/holds", HOLD, {"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["field"]) == (400, "Idempotency-Key")


def test_if_match_lets_the_version_through_that_was_read(collector: Caller, case: str) -> None:
    read = collector.get(case).headers["ETag"]
    first = collector.post(f"{case}/holds", HOLD, {"If-Match": read})
    assert first.status_code == 201
    late = collector.post(f"{case}/holds", HOLD, {"If-Match": read})
    assert (late.status_code, late.json()["status"]) == (412, 412)
    assert late.json()["type"] == "urn:duecourse:problem:case-has-moved-on"
    following = collector.post(f"{case}/holds", HOLD, {"If-Match": first.headers["ETag"]})
    assert following.status_code == 201


def test_a_repeat_with_an_old_if_match_gets_its_first_answer(collector: Caller, case: str) -> None:
    headers = {"If-Match": collector.get(case).headers["ETag"], "Idempotency-Key": f"m {case}"}
    first, again = (collector.post(f"{case}/holds", HOLD, headers) for _ in range(2))
    assert again.json() == first.json() | {"repeated": True}


def test_of_many_at_once_with_one_if_match_one_gets_through(collector: Caller, case: str) -> None:
    read = {"If-Match": collector.get(case).headers["ETag"]}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: collector.post(f"{case}/holds", HOLD, read), range(16)))
    assert sorted(answer.status_code for answer in answers) == [201] + [412] * 15


def test_if_match_holds_for_a_case_that_is_not_there_yet(collector: Caller) -> None:
    body = a_case()
    assert collector.post("/cases", body, {"If-Match": '"7"'}).status_code == 412
    assert collector.post("/cases", body, {"If-Match": '"0"'}).status_code == 201


def test_a_star_in_if_match_fits_any_case_that_is_there(collector: Caller) -> None:
    body = a_case()
    early = collector.post("/cases", body, {"If-Match": "*"})
    assert (early.status_code, early.json()["status"]) == (412, 412)
    opened = collector.post("/cases", body)
    path = f"/cases/{opened.json()['case_id']}"
    assert collector.post("/cases", body, {"If-Match": "*"}).status_code == 200
    assert collector.post(f"{path}/holds", HOLD, {"If-Match": "*"}).status_code == 201
    tried = collector.post(f"{path}/contacts", SMS, {"If-Match": "*"}, dry_run="true")
    assert tried.status_code == 200
    nobody = f"/cases/{UUID(int=1)}/holds"
    assert collector.post(nobody, HOLD, {"If-Match": "*"}).status_code == 404


def test_one_of_several_versions_in_if_match_is_enough(collector: Caller, case: str) -> None:
    versions = {"If-Match": '"7", "2"'}
    assert collector.post(f"{case}/holds", HOLD, versions).status_code == 201
    late = collector.post(f"{case}/holds", HOLD, versions)
    assert (late.status_code, late.json()["status"]) == (412, 412)
    late = collector.post(f"{case}/contacts", SMS, versions, dry_run="true")
    assert late.status_code == 412


def test_a_repeat_with_several_old_versions_gets_its_first_answer(
    collector: Caller, case: str
) -> None:
    headers = {"If-Match": '"2", "7"', "Idempotency-Key": f"l {case}"}
    first, again = (collector.post(f"{case}/holds", HOLD, headers) for _ in range(2))
    assert again.json() == first.json() | {"repeated": True}


@pytest.mark.parametrize("value", ["2", 'W/"2"', '"two"', "", "* ,", '"2",', '"2", *'])
def test_an_if_match_that_is_no_version_is_refused(
    collector: Caller, case: str, value: str
) -> None:
    answer = collector.post(f"{case}/holds", HOLD, {"If-Match": value})
    assert (answer.status_code, answer.json()["field"]) == (400, "If-Match")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("contacts", {"channel": "sms", "template": "reminder-first"}),
        (
            "plans",
            {
                "kind": "instalments", "currency": "CNY", "expires_on": "2026-03-16",
                "count": 6, "first_due_on": "2026-03-31",
            },
        ),
        (
            "payments",
            {"payment_id": "P-1", "currency": "CNY", "amount_minor": 60_000, "value_on": "2026-03-02"},
        ),
    ],
)  # fmt: skip
def test_a_dry_run_says_what_would_happen_and_records_nothing(
    collector: Caller, case: str, path: str, body: dict
) -> None:
    key = {"Idempotency-Key": f"dry {case} {path}"}
    dry = collector.post(f"{case}/{path}", body, key, dry_run="true")
    assert (dry.status_code, dry.json()["position"], dry.json()["version"]) == (200, None, 2)
    assert collector.get(case).json()["version"] == 2
    real = collector.post(f"{case}/{path}", body, key)
    assert not real.json()["repeated"]
    assert real.json()["events"] == dry.json()["events"]


@pytest.mark.parametrize("query", ["dryrun=true", "dry_run=true&dry_run=false", "dry_run=perhaps"])
def test_a_misspelt_dry_run_is_refused(collector: Caller, case: str, query: str) -> None:
    body = {"payment_id": "P-1", "currency": "CNY", "amount_minor": 1, "value_on": "2026-03-02"}
    assert collector.post(f"{case}/payments?{query}", body).status_code == 400
    assert collector.get(case).json()["version"] == 2
