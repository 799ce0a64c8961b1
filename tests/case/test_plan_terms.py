"""Plans by their terms: the days and amounts that come out, and what is refused."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.errors import Invalid
from duecourse.case.plan_terms import PlanTerms
from duecourse.case.words import PlanKind
from duecourse.money.plan_terms import Deferral, PlanStep
from duecourse.testing import given
from duecourse.testing.sample import DEBTOR, NOON, PLAN, accept, debt, opened, pay

ENDLESS = date(2026, 3, 30)


def by(
    terms: PlanTerms,
    kind: PlanKind = "instalments",
    *,
    plan_id: UUID = PLAN,
    currency: str = "CNY",
    waived: int = 0,
    expires: date = ENDLESS,
) -> c.OfferPlan:
    return c.OfferPlan(
        plan_id=plan_id, kind=kind, currency=currency, expires_on=expires, terms=terms,
        waived_minor=waived,
    )  # fmt: skip


def terms(**fields: Any) -> PlanTerms:
    asked: dict[str, Any] = {"first_on": date(2026, 3, 31), "count": 6, **fields}
    return PlanTerms(**asked)


def rows(offer: e.PlanOffered) -> list[tuple[str, int, int]]:
    return [
        (each.due_on.isoformat(), each.amount_minor, each.interest_minor)
        for each in offer.instalments
    ]


def offered(command: c.OfferPlan, *debts: e.Debt, at: datetime = NOON) -> e.PlanOffered:
    return given(*opened(*debts)).when(command, at=at).then_one(e.PlanOffered)


# Each worked by hand. What is owed is 600.00 CNY unless the row says otherwise; the offer is of 2 March.
SCHEDULES = [
    # 31 January's like: the last day where a month lacks the 31st, and back to it.
    (
        terms(count=4, first_on=date(2026, 3, 31)),
        [("2026-03-31", 15_000, 0), ("2026-04-30", 15_000, 0), ("2026-05-31", 15_000, 0), ("2026-06-30", 15_000, 0)],
    ),
    (
        terms(count=3, first_on=date(2027, 1, 31)),
        [("2027-01-31", 20_000, 0), ("2027-02-28", 20_000, 0), ("2027-03-31", 20_000, 0)],
    ),
    # The residue is in the last one.
    (
        terms(count=7, first_on=date(2026, 3, 15)),
        [(f"2026-{month:02}-15", 8_571 if month < 9 else 8_574, 0) for month in range(3, 10)],
    ),
    # Weekly and fortnightly go by days.
    (
        terms(count=3, every="week", first_on=date(2026, 3, 9)),
        [("2026-03-09", 20_000, 0), ("2026-03-16", 20_000, 0), ("2026-03-23", 20_000, 0)],
    ),
    (
        terms(count=2, every="fortnight", first_on=date(2026, 3, 9)),
        [("2026-03-09", 30_000, 0), ("2026-03-23", 30_000, 0)],
    ),
    # The last day of each month, whatever the first one was.
    (
        terms(count=3, every="last_day", first_on=date(2026, 4, 30)),
        [("2026-04-30", 20_000, 0), ("2026-05-31", 20_000, 0), ("2026-06-30", 20_000, 0)],
    ),
    # 12 % a year is 1 % a month: A = 600.00 · 0.01 / (1 - 1.01^-3) = 204.01 (204.0133).
    # 6.00 of 600.00, 4.02 (4.0199) of 401.99, 2.02 of 202.00: the last is 202.00 + 2.02.
    (
        terms(schedule="annuity", count=3, percent="12"),
        [("2026-03-31", 20_401, 600), ("2026-04-30", 20_401, 402), ("2026-05-31", 20_402, 202)],
    ),
    # 200.00 each, and 1 % of 600.00, 400.00, 200.00.
    (
        terms(schedule="equal_principal", count=3, percent="12"),
        [("2026-03-31", 20_600, 600), ("2026-04-30", 20_400, 400), ("2026-05-31", 20_200, 200)],
    ),
    # 250.00 each as long as it takes: 244.00 and 6.00; 246.44 and 3.56; 109.56 and 1.10 (1.0956).
    (
        terms(schedule="level_amount", amount_minor=25_000, count=0, percent="12"),
        [("2026-03-31", 25_000, 600), ("2026-04-30", 25_000, 356), ("2026-05-31", 11_066, 110)],
    ),
    # Without interest 50.00, 50.00 and then what is left.
    (
        terms(schedule="step_up", count=0, steps=(PlanStep(instalments=2, amount_minor=5_000), PlanStep(instalments=2))),
        [("2026-03-31", 5_000, 0), ("2026-04-30", 5_000, 0), ("2026-05-31", 25_000, 0), ("2026-06-30", 25_000, 0)],
    ),
    # Interest only for one month, then the annuity of two.
    (
        terms(schedule="annuity", count=3, percent="12", grace_periods=1),
        [("2026-03-31", 600, 600), ("2026-04-30", 30_451, 600), ("2026-05-31", 30_450, 301)],
    ),
    # A leap year: 29 February 2028, and 30 May again.
    (
        terms(count=3, first_on=date(2028, 1, 30)),
        [("2028-01-30", 20_000, 0), ("2028-02-29", 20_000, 0), ("2028-03-30", 20_000, 0)],
    ),
    # Day counts: 29 days of 36.5 % are 29/1000 of 600.00.
    (
        terms(schedule="equal_principal", count=1, percent="36.5", basis="ACT/365F"),
        [("2026-03-31", 61_740, 1_740)],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "expected"), SCHEDULES)
def test_terms_come_out_as_worked_by_hand(
    asked: PlanTerms, expected: list[tuple[str, int, int]]
) -> None:
    offer = offered(by(asked))
    assert rows(offer) == expected
    assert offer.terms == asked
    assert sum(each.amount_minor - each.interest_minor for each in offer.instalments) == 60_000


def test_a_balloon_is_what_is_left_for_the_end() -> None:
    """1 % a month; 200.00 are left for the end: A = (600.00 - 200.00/1.01^3) / 2.940985 = 138.01."""
    offer = offered(by(terms(schedule="balloon", count=3, percent="12", balloon_minor=20_000)))
    assert rows(offer) == [
        ("2026-03-31", 13_801, 600), ("2026-04-30", 13_801, 468), ("2026-05-31", 33_801, 335),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("interest", "expected", "frozen"),
    [
        # Two months of 6.00 are not asked for.
        ("freeze", [20_401, 20_401, 20_402], 1_200),
        # They are, in three parts.
        ("accrue", [20_801, 20_801, 20_802], 0),
        # They bear interest themselves: the annuity of 612.00.
        ("capitalise", [20_809, 20_809, 20_810], 0),
    ],
)
def test_a_deferral_says_what_its_interest_does(
    interest: Any, expected: list[int], frozen: int
) -> None:
    deferral = Deferral(periods=2, interest=interest)
    asked = terms(schedule="annuity", count=3, percent="12", deferral=deferral)
    offer = offered(by(asked, "deferral"))
    assert [each.amount_minor for each in offer.instalments] == expected
    assert offer.instalments[0].due_on == date(2026, 5, 31)
    assert offer.frozen_minor == frozen
    assert sum(each.amount_minor - each.interest_minor for each in offer.instalments) == 60_000
    assert all(each.interest_minor <= each.amount_minor for each in offer.instalments)


def test_a_deferral_freezes_unless_it_says_otherwise() -> None:
    asked = terms(schedule="annuity", count=3, percent="12", deferral=Deferral(periods=2))
    assert offered(by(asked, "deferral")).frozen_minor == 1_200


# Good Friday to Easter Monday 2026 are 3 to 6 April.
@pytest.mark.parametrize(
    ("roll", "due"),
    [
        ("none", "2026-04-03"),
        ("following", "2026-04-07"),
        ("modified_following", "2026-04-07"),
        ("preceding", "2026-04-02"),
    ],
)
def test_a_day_rolls_by_the_calendar_of_the_debtors_place(roll: Any, due: str) -> None:
    australian = replace(DEBTOR, jurisdiction="AU", time_zone="Australia/Sydney")
    command = by(terms(count=1, first_on=date(2026, 4, 3), roll=roll))
    offer = given(*opened(debtor=australian)).when(command).then_one(e.PlanOffered)
    assert rows(offer) == [(due, 60_000, 0)]


def test_without_a_calendar_of_the_place_only_weekends_are_known() -> None:
    assert rows(offered(by(terms(count=1, first_on=date(2026, 4, 3), roll="following")))) == [
        ("2026-04-03", 60_000, 0)
    ]
    assert rows(offered(by(terms(count=1, first_on=date(2026, 4, 4), roll="following")))) == [
        ("2026-04-06", 60_000, 0)
    ]


def test_a_rolled_day_does_not_drag_the_next_ones_along() -> None:
    offer = offered(by(terms(count=3, first_on=date(2026, 5, 31), roll="modified_following")))
    assert [due for due, _, _ in rows(offer)] == ["2026-05-29", "2026-06-30", "2026-07-31"]


def test_today_is_the_debtors_today_when_clocks_change() -> None:
    """In Santiago clocks go back on 5 April: at 03:30 UTC it is still the 4th there."""
    chilean = replace(DEBTOR, time_zone="America/Santiago")
    story = given(*opened(debtor=chilean))
    at = datetime(2026, 4, 5, 3, 30, tzinfo=UTC)
    command = by(terms(count=2, first_on=date(2026, 4, 4)), expires=date(2026, 4, 4))
    assert rows(story.when(command, at=at).then_one(e.PlanOffered))[0][0] == "2026-04-04"


# --- currencies and sizes --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("currency", "owed", "amounts"),
    [
        # 0.5 % a month of 100 000 yen: A = 33 667.22; 500, 334 (334.165), 168 (167.5, half even).
        ("JPY", 100_000, [33_667, 33_667, 33_668]),
        # 1 % of 100.000 dinars: A = 34.00221; 1.000, 0.670 (0.66998), 0.337 (0.33666).
        ("KWD", 100_000, [34_002, 34_002, 34_003]),
        ("CNY", 3, [1, 1, 1]),
    ],
)
def test_an_annuity_is_in_whole_minor_units_of_its_currency(
    currency: str, owed: int, amounts: list[int]
) -> None:
    percent = {"JPY": "6", "KWD": "12", "CNY": "0"}[currency]
    asked = terms(schedule="annuity", count=3, percent=percent)
    offer = offered(by(asked, currency=currency), debt(principal=owed, currency=currency))
    assert sum(each.amount_minor - each.interest_minor for each in offer.instalments) == owed
    assert [each.amount_minor for each in offer.instalments] == amounts


def test_a_debt_of_one_unit_is_paid_in_one_part_and_not_in_two() -> None:
    one = debt(principal=1)
    assert rows(offered(by(terms(count=1)), one)) == [("2026-03-31", 1, 0)]
    story = given(*opened(one)).when(by(terms(count=2)))
    story.then_raises(Invalid, "terms.count")


def test_the_largest_debt_is_paid_to_the_last_unit() -> None:
    large = debt(principal=10**15)
    offer = offered(by(terms(count=7)), large)
    assert sum(each.amount_minor for each in offer.instalments) == 10**15
    dear = terms(schedule="equal_principal", count=1, percent="12")
    given(*opened(large)).when(by(dear)).then_raises(Invalid, "terms.percent")


@pytest.mark.parametrize("schedule", ["annuity", "equal_principal", "equal_parts"])
def test_at_a_rate_of_zero_every_kind_is_equal_parts(schedule: Any) -> None:
    offer = offered(by(terms(schedule=schedule, count=6, percent="0")))
    assert {amount for _, amount, _ in rows(offer)} == {10_000}


# --- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (by(terms(count=0)), "terms.count"),
        (by(terms(count=0, schedule="level_amount")), "terms.amount_minor"),
        (by(terms(percent="5")), "terms.percent"),  # equal parts bear none
        (by(terms(first_on=date(2026, 3, 1))), "terms.first_on"),
        (by(terms(first_on=date(2190, 3, 1))), "terms"),
        (by(terms(day_of_month=15)), "terms.day_of_month"),
        (by(terms(deferral=Deferral(periods=1))), "terms.deferral"),
        (by(terms(), "deferral"), "terms.deferral"),
        (by(terms(schedule="annuity", percent="5"), "settlement", waived=10), "terms.percent"),
        (by(terms(), "settlement", waived=60_000), "waived_minor"),
        (by(terms(), waived=10), "waived_minor"),
        (by(terms(), currency="USD"), "currency"),
        (by(terms(grace_periods=6, schedule="annuity", percent="5")), "terms.grace_periods"),
        (by(terms(balloon_minor=60_001, schedule="balloon")), "terms.balloon_minor"),
        (by(terms(schedule="level_amount", count=0, amount_minor=100)), "terms.count"),
        (by(terms(schedule="level_amount", count=0, amount_minor=1)), "terms.amount_minor"),
        (replace(by(terms()), terms=None), "instalments"),
        (replace(by(terms()), instalments=(e.Instalment(due_on=ENDLESS, amount_minor=60_000),)), "instalments"),
        (replace(by(terms()), terms=None, instalments=(e.Instalment(due_on=ENDLESS, amount_minor=60_001, interest_minor=1),)), "instalments"),
        (replace(by(terms()), waive="in_step"), "waive"),
        (replace(by(terms(schedule="balloon", percent="5", balloon_minor=9)), early_payment="shorten_term"), "early_payment"),
        (replace(by(terms(schedule="annuity", percent="5", grace_periods=1)), early_payment="lower_instalments"), "early_payment"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_plan_is_refused_by_the_field(command: c.OfferPlan, field: str) -> None:
    given(*opened()).when(command).then_raises(Invalid, field)


def test_early_money_cannot_change_the_stages_that_a_settlement_forgives_by() -> None:
    settlement = replace(by(terms(), "settlement", waived=10), waive="in_step")
    refused = replace(settlement, early_payment="shorten_term")
    given(*opened()).when(refused).then_raises(Invalid, "early_payment")
    given(*opened()).when(settlement).then_one(e.PlanOffered)


def test_an_offer_by_terms_is_accepted_kept_and_completed() -> None:
    story = given(*opened()).when(by(terms(count=2))).when(accept())
    story.when(pay(30_000)).then_one(e.InstalmentMet)
    story.when(pay(30_000, "pay-2")).then_one(e.PlanCompleted)
    assert story.then_one(e.CaseClosed).reason == "paid"


def test_the_same_offer_again_makes_nothing() -> None:
    given(*opened()).when(by(terms())).when(by(terms())).then_nothing()
