"""The account of a case through the API: interest, charges, corrections, statements."""

from typing import Any

import pytest
from tests.api.conftest import As, Caller, a_case

TERMS = {
    "profile": "cn-private",
    "from_on": "2026-01-01",
    "rates": [{"since": "2026-01-01", "percent": "36"}],
    "cap": {"jurisdiction": "CN", "licence": "bank", "contract_on": "2025-06-01"},
}
EVIDENCE = "contract of 1 June 2025, clause 4"


def body() -> dict[str, Any]:
    opened = a_case()
    opened["debts"][0] |= {
        "balance": {"principal": 1_000_000},
        "interest": TERMS,
        "interest_evidence": EVIDENCE,
    }
    return opened


def opened(collector: Caller) -> tuple[str, str]:
    """A case that bears interest from 1 January on, and its debt."""
    case = f"/cases/{collector.post('/cases', body()).json()['case_id']}"
    (debt,) = collector.get(case).json()["case"]["debts"]
    return case, debt


def post(caller: Caller, path: str, data: dict[str, Any], status: int) -> list[dict[str, Any]]:
    answer = caller.post(path, data)
    assert answer.status_code == status, answer.text
    events: list[dict[str, Any]] = answer.json()["events"]
    return events


def kinds(events: list[dict[str, Any]]) -> list[str]:
    return [each["type"] for each in events]


def statement(caller: Caller, case: str, **query: str) -> dict[str, Any]:
    answer = caller.get(f"{case}/statement", **query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_case_is_opened_with_its_terms_and_bears_interest_at_once(collector: Caller) -> None:
    events = collector.post("/cases", body()).json()["events"]
    assert kinds(events) == [
        "CaseOpened", "DebtPlaced", "InterestTermsSet", "InterestAccrued", "InterestCapped",
    ]  # fmt: skip
    accrued, capped = events[3:]
    # 60 days at 36 % are 59,178.08; the cap lets 24 % of it be owed, 39,452.05
    assert (accrued["from_on"], accrued["to_on"]) == ("2026-01-01", "2026-03-02")
    assert (accrued["amount_minor"], capped["amount_minor"]) == (39_452, 19_726)
    assert capped["says"].startswith("Above the legal cap, and so not owed.")
    assert "discount" not in capped["says"]


def test_a_statement_says_how_each_figure_came_to_be(collector: Caller) -> None:
    case, debt = opened(collector)
    paid = {
        "payment_id": "p-1", "currency": "CNY", "amount_minor": 100_000, "value_on": "2026-01-31",
    }  # fmt: skip
    assert kinds(post(collector, f"{case}/payments", paid, 201))[-1] == "InterestCorrected"
    cost = {
        "debt_id": debt, "bucket": "costs", "amount_minor": 5_000, "incurred_on": "2026-02-10",
        "ground": "court fee", "citation": "Fee tariff no. 1",
    }  # fmt: skip
    post(collector, f"{case}/costs", cost, 201)
    seen = statement(collector, case, on="2026-03-02", language="en")
    (found,) = seen["debts"]
    assert [(each["value_on"], each["what"]) for each in found["lines"]] == [
        ("2026-01-31", "interest"),
        ("2026-01-31", "payment"),
        ("2026-02-10", "interest"),
        ("2026-02-10", "costs"),
        ("2026-03-02", "interest"),
    ]
    first, payment, *_, last = found["lines"]
    # 30 days at 24 % of 36: 19,726.03 of 29,589.04
    assert (first["change"], first["capped_minor"]) == ({"interest": 19_726}, 9_863)
    assert "30 days from 2026-01-01, 36 % a year on 10000.00 CNY (ACT/365F)" in first["says"]
    assert payment["change"] == {"interest": -19_726, "principal": -80_274}
    assert (payment["booked_on"], payment["ref"]) == ("2026-03-02", "p-1")
    assert last["balance"] == found["balance"]
    # 919,726 at 24 % a day: 604.75; what is above the cap is not in it.
    assert found["per_day_minor"] == 605
    assert found["cap_says"].startswith("Above the legal cap, and so never owed")
    (total,) = seen["totals"]
    assert total["total_minor"] == found["total_minor"] == sum(found["balance"].values())
    shown = collector.get(case).json()["case"]["debts"][debt]["outstanding"]
    assert {name: x for name, x in shown.items() if x} == found["balance"]


def test_a_statement_is_of_any_day_and_in_both_languages(collector: Caller) -> None:
    case, _ = opened(collector)
    now, later = (statement(collector, case, on=day) for day in ("2026-03-02", "2026-04-01"))
    assert now["words"]["statement"] == "对账单"
    assert now["debts"][0]["lines"][0]["says"].startswith("利息：自2026-01-01起60天")
    assert later["totals"][0]["total_minor"] > now["totals"][0]["total_minor"]
    assert collector.get(f"{case}/statement", on="2019-01-01").json()["field"] == "on"
    assert collector.get(f"{case}/statement", on="1019-01-01").status_code == 400
    assert collector.get(f"{case}/statement", on="soon").status_code == 400


def test_without_terms_nothing_accrues_and_the_lines_are_as_they_were_booked(
    collector: Caller, case: str
) -> None:
    paid = {
        "payment_id": "p-1", "currency": "CNY", "amount_minor": 10_000, "value_on": "2026-01-31",
    }  # fmt: skip
    post(collector, f"{case}/payments", paid, 201)
    seen = statement(collector, case, on="2026-12-31")
    (found,) = seen["debts"]
    assert [each["what"] for each in found["lines"]] == ["PaymentRecorded"]
    assert seen["totals"][0]["order"] == "booking"
    assert found["per_day_minor"] == 0


def test_who_may_not_see_the_account_number_sees_the_rest(collector: Caller, by: As) -> None:
    case, _ = opened(collector)
    seen = statement(by("analyst"), case)
    assert seen["debts"][0]["account"] == "•••"
    assert seen["totals"] == statement(collector, case)["totals"]


def test_a_payment_is_shown_under_another_order(collector: Caller) -> None:
    """The vector of domain.md § 5: 1,000.00 on 120.00 / 300.00 / 5,000.00."""
    opened = a_case(borrower_ref="B-vector")
    opened["debts"][0] |= {
        "account": "FICT-V",
        "balance": {"costs": 12_000, "interest": 30_000, "principal": 500_000},
    }
    path = f"/cases/{collector.post('/cases', opened).json()['case_id']}"
    paid = {
        "payment_id": "p-1", "currency": "CNY", "amount_minor": 100_000, "value_on": "2026-03-01",
    }  # fmt: skip
    post(collector, f"{path}/payments", paid, 201)
    found = collector.get(f"{path}/payments/p-1/allocation", profile="de-497").json()
    ours, other = found["as_it_was"], found["otherwise"]
    assert ours["profile"] == "cn-561"
    assert "art. 561" in ours["citation"]
    assert ours["parts"][0]["paid"] == {"costs": 12_000, "interest": 30_000, "principal": 58_000}
    assert found["recorded"][0]["paid"] == ours["parts"][0]["paid"]
    assert other["parts"][0]["paid"] == {"costs": 12_000, "principal": 88_000}
    assert other["parts"][0]["left"]["interest"] == 30_000
    assert "497" in other["citation"]
    assert other["part_payment"] == "must_be_accepted"
    wrong = collector.get(f"{path}/payments/p-1/allocation", profile="no-such-order")
    assert (wrong.status_code, wrong.json()["field"]) == (422, "profile")
    assert collector.get(f"{path}/payments/p-9/allocation").status_code == 404


def test_a_correction_takes_two_people(collector: Caller, by: As) -> None:
    case, debt = opened(collector)
    proposed = {
        "debt_id": debt, "kind": "correction", "value_on": "2026-01-01", "adjustment_id": "adj-1",
        "reason": "counted twice", "authority": "accounts", "change": {"principal": -100_000},
    }  # fmt: skip
    legal = by("legal")
    post(legal, f"{case}/adjustments", proposed, 201)
    before = statement(collector, case)["totals"][0]["owed"]
    own = legal.post(f"{case}/adjustments/adj-1/approval", b"")
    assert own.status_code == 403
    assert collector.post(f"{case}/adjustments/adj-1/approval", b"").status_code == 403
    assert statement(collector, case)["totals"][0]["owed"] == before


def test_terms_that_cannot_be_worked_with_are_refused_by_their_field(collector: Caller) -> None:
    case, debt = opened(collector)
    path = f"{case}/debts/{debt}/interest"
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"profile": "no-such"}, "profile"),
        ({"compounding": "month"}, "compounding"),
        ({"rates": [{"since": "2026-02-01", "series": "no-such"}]}, "series"),
        ({"cap": TERMS["cap"] | {"licence": "unheard-of"}}, "licence"),  # type: ignore[operator]
    ]
    for changed, field in wrong:
        answer = collector.post(path, {"terms": TERMS | changed, "evidence": EVIDENCE})
        assert answer.status_code == 422, answer.text
        assert field in answer.json()["field"], answer.text


@pytest.mark.parametrize("percent", ["1e3", "-1", "12,5", "１２", "12.123456789"])
def test_a_rate_is_a_plain_decimal(collector: Caller, percent: str) -> None:
    case, debt = opened(collector)
    terms = TERMS | {"rates": [{"since": "2026-01-01", "percent": percent}]}
    answer = collector.post(f"{case}/debts/{debt}/interest", {"terms": terms, "evidence": EVIDENCE})
    assert answer.status_code == 400
