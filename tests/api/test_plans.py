"""Plans over HTTP: looked at, compared, proposed, approved, agreed."""

from typing import Any

import pytest
from httpx import Response
from tests.api.conftest import As, Caller, a_case

from duecourse_api.examples import EXAMPLES
from duecourse_api.masking import MASK

BY_TERMS: dict[str, Any] = {
    "kind": "instalments",
    "currency": "CNY",
    "expires_on": "2026-03-16",
    "terms": {"schedule": "annuity", "count": 3, "percent": "12", "first_on": "2026-03-31"},
}
FORM: dict[str, Any] = {
    "currency": "CNY",
    "assessed_on": "2026-03-02",
    "income": [{"name": "wages of the household", "amount_minor": 20_000}],
}
OVERRIDE = {"override": "a relative pays half of it"}


def made(answer: Response) -> list[str]:
    assert answer.status_code in {200, 201}, answer.text
    return [event["type"] for event in answer.json()["events"]]


def test_a_dry_run_shows_the_whole_plan_and_records_nothing(collector: Caller, case: str) -> None:
    seen = collector.post(f"{case}/plans", BY_TERMS, dry_run=True)
    assert (seen.status_code, made(seen)[0]) == (200, "PlanOffered")
    plan = seen.json()["plan"]
    assert (plan["owed_minor"], plan["total_minor"], plan["cost_minor"]) == (60_000, 61_204, 1_204)
    assert plan["fit"]["verdict"] == "unknown"
    assert plan["cap_unknown"] == [*collector.get(case).json()["case"]["debts"]]
    without = BY_TERMS | {"terms": BY_TERMS["terms"] | {"percent": "0"}}
    seen_too = collector.post(f"{case}/plans", without, dry_run=True).json()
    assert seen_too["plan"]["cap_unknown"] == []
    assert [line["left_minor"] for line in plan["schedule"]] == [40_199, 20_200, 0]
    assert (seen.json()["position"], seen.json()["version"]) == (None, 2)
    assert "plans" not in collector.get(case).json()["case"]


def test_a_dry_run_and_the_offer_answer_alike(collector: Caller, case: str) -> None:
    tried = collector.post(f"{case}/plans", BY_TERMS, dry_run=True).json()
    offered = collector.post(f"{case}/plans", BY_TERMS)
    assert offered.status_code == 201
    assert offered.json()["plan"] == tried["plan"]
    assert tried.keys() == offered.json().keys()


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"terms": BY_TERMS["terms"] | {"percent": "12,5"}}, 400, "terms.percent"),
        ({"terms": BY_TERMS["terms"] | {"first_on": "2026-03-01"}}, 422, "terms.first_on"),
        ({"terms": BY_TERMS["terms"] | {"first_on": "9999-03-01"}}, 400, "terms"),
        ({"terms": BY_TERMS["terms"] | {"count": 361}}, 400, "terms.count"),
        ({"terms": BY_TERMS["terms"] | {"interest": "5"}}, 400, "terms.interest"),
        ({"count": 3, "first_due_on": "2026-03-31"}, 400, "terms"),
        ({"waived_minor": 1}, 422, "waived_minor"),
        ({"terms": None}, 400, "instalments"),
        ({"kind": "deferral"}, 422, "terms.deferral"),
    ],
)
def test_a_dry_run_checks_what_the_offer_checks(
    collector: Caller, case: str, change: dict[str, Any], status: int, field: str
) -> None:
    for dry_run in (True, False):
        answer = collector.post(f"{case}/plans", BY_TERMS | change, dry_run=dry_run)
        assert (answer.status_code, answer.json()["field"]) == (status, field), answer.text


def test_an_offer_by_terms_is_one_however_often_it_is_asked_for(
    collector: Caller, case: str
) -> None:
    key = {"Idempotency-Key": f"terms of {case}"}
    first = collector.post(f"{case}/plans", BY_TERMS, key)
    paid = {"payment_id": "P-1", "currency": "CNY", "amount_minor": 100, "value_on": "2026-03-02"}
    collector.post(f"{case}/payments", paid)
    assert collector.post(f"{case}/plans", BY_TERMS, key).json() == first.json() | {
        "repeated": True
    }


def test_two_plans_are_seen_beside_each_other_and_nothing_is_recorded(
    collector: Caller, case: str
) -> None:
    longer = BY_TERMS | {"terms": BY_TERMS["terms"] | {"count": 12}}
    answer = collector.post(f"{case}/plans/comparison", {"a": BY_TERMS, "b": longer})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["cheaper"], found["sooner"], found["lighter"]) == ("a", "a", "b")
    assert found["a"]["total_minor"] == 61_204
    assert answer.headers["ETag"] == '"2"'
    assert collector.get(case).json()["version"] == 2


def test_a_comparison_names_the_plan_and_the_field_that_is_wrong(
    collector: Caller, case: str
) -> None:
    wrong = BY_TERMS | {"terms": BY_TERMS["terms"] | {"first_on": "2026-03-01"}}
    answer = collector.post(f"{case}/plans/comparison", {"a": BY_TERMS, "b": wrong})
    assert (answer.status_code, answer.json()["field"]) == (422, "b.terms.first_on")
    dollars = BY_TERMS | {"currency": "USD"}
    answer = collector.post(f"{case}/plans/comparison", {"a": BY_TERMS, "b": dollars})
    assert (answer.status_code, answer.json()["field"]) == (400, "b")


def test_a_comparison_shows_what_does_not_fit_and_says_that_it_does_not(
    collector: Caller, case: str
) -> None:
    collector.post(f"{case}/affordability", FORM)
    longer = BY_TERMS | {"terms": BY_TERMS["terms"] | {"count": 12}}
    found = collector.post(f"{case}/plans/comparison", {"a": BY_TERMS, "b": longer}).json()
    assert (found["a"]["fit"]["verdict"], found["a"]["needs"]) == ("above", ["above_surplus"])
    assert (found["b"]["fit"]["verdict"], found["b"]["needs"]) == ("fits", [])


def test_above_the_surplus_it_takes_two_persons(by: As, case: str) -> None:
    collector, legal = by("collector"), by("legal")
    assert made(collector.post(f"{case}/affordability", FORM)) == ["AffordabilityAssessed"]
    refused = collector.post(f"{case}/plans", BY_TERMS)
    assert (refused.status_code, refused.json()["field"]) == (422, "override")
    asked = collector.post(f"{case}/plans", BY_TERMS | OVERRIDE)
    assert made(asked) == ["PlanProposed"]
    assert asked.json()["plan"]["needs"] == ["above_surplus"]
    path = f"{case}/plans/{asked.json()['events'][0]['offer']['plan_id']}"
    assert collector.post(f"{path}/approval", {}).status_code == 403
    approved = legal.post(f"{path}/approval", {})
    assert made(approved)[0] == "PlanOffered"
    approval = approved.json()["events"][0]["approval"]
    assert approval == {
        "needs": ["above_surplus"], "proposed_by": "collector-1", "approved_by": "legal-1",
    }  # fmt: skip
    assert approved.json()["plan"]["count"] == 3
    assert made(legal.post(f"{path}/approval", {})) == []
    assert "PlanAccepted" in made(collector.post(f"{path}/acceptance", {"evidence": "by phone"}))


def test_the_agreement_has_the_figures_and_hides_the_person_from_those_who_need_not_know(
    by: As, case: str
) -> None:
    collector, analyst = by("collector"), by("analyst")
    offered = collector.post(f"{case}/plans", BY_TERMS)
    path = f"{case}/plans/{offered.json()['events'][0]['plan_id']}/agreement"
    found = collector.get(path).json()
    assert (found["debtor_name"], found["total_minor"], found["interest_minor"]) == (
        "林示例", 61_204, 1_204,
    )  # fmt: skip
    assert found["debts"][0]["account_last4"] != MASK
    hidden = analyst.get(path).json()
    assert (hidden["debtor_name"], hidden["debts"][0]["account_last4"]) == (MASK, MASK)
    assert hidden["total_minor"] == 61_204


def test_there_is_no_agreement_on_a_plan_that_there_is_not(collector: Caller, case: str) -> None:
    path = f"{case}/plans/00000000-0000-0000-0000-000000000009/agreement"
    assert collector.get(path).status_code == 404


def test_the_lines_of_a_form_are_hidden_from_those_who_need_not_know(by: As, case: str) -> None:
    by("collector").post(f"{case}/affordability", FORM | {"evidence": "pay slip seen"})
    seen = by("collector").get(f"{case}/history").text
    assert "wages of the household" in seen
    hidden = by("analyst").get(f"{case}/history").text
    assert "wages of the household" not in hidden
    assert "pay slip" not in hidden


@pytest.mark.parametrize(
    "change",
    [
        {"income": []},
        {"income": [{"name": "", "amount_minor": 1}]},
        {"income": [{"name": "wages", "amount_minor": -1}]},
        {"income": [{"name": "wages", "amount_minor": 1, "every": "day"}]},
        {"reserve_percent": "x"},
    ],
)
def test_a_form_that_is_not_one_is_refused(
    collector: Caller, case: str, change: dict[str, Any]
) -> None:
    assert collector.post(f"{case}/affordability", FORM | change).status_code == 400


def test_a_reserve_of_more_than_all_names_its_field(collector: Caller, case: str) -> None:
    answer = collector.post(f"{case}/affordability", FORM | {"reserve_percent": "101"})
    assert (answer.status_code, answer.json()["field"]) == (422, "form.reserve_percent")


def test_the_examples_of_the_schema_are_taken(collector: Caller) -> None:
    opened = collector.post("/cases", a_case())
    case = f"/cases/{opened.json()['case_id']}"
    assert made(collector.post(f"{case}/affordability", EXAMPLES["NewAssessment"]))
    assert collector.post(f"{case}/plans/comparison", EXAMPLES["TwoPlans"]).status_code == 200
