"""Interest, charges and corrections of a case, by hand."""

from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.errors import Contradiction, Invalid, NotAllowed, WrongState
from duecourse.case.interest_terms import (
    AgreedInterest,
    CapTerms,
    InterestTerms,
    PublishedRate,
    RateFrom,
)
from duecourse.case.ledger import added_since
from duecourse.case.state import Case
from duecourse.case.timers import command_of, timers_of
from duecourse.money.account_terms import Change
from duecourse.money.amounts import Buckets
from duecourse.rules.treatment import load_treatment
from duecourse.testing import LEGAL, given
from duecourse.testing.sample import (
    DEBT,
    DEBTOR,
    NOON,
    OTHER_DEBT,
    PLAN,
    SUBJECT,
    accept,
    bounce,
    debt,
    hold,
    offer,
    open_case,
    opened,
    pay,
)
from duecourse.views.worklist import worklist_row

D = date.fromisoformat
DAY = timedelta(days=1)
START = D("2026-01-01")
TREATMENT = load_treatment()


def terms(percent: str = "12", **more: Any) -> InterestTerms:
    plain = InterestTerms(
        profile="cn-private", from_on=START, rates=(RateFrom(since=START, percent=percent),)
    )
    return replace(plain, **more)


def agreed(made: InterestTerms | None = None, debt_id: Any = DEBT) -> c.SetInterestTerms:
    return c.SetInterestTerms(debt_id=debt_id, terms=made or terms(), evidence="clause 4")


def bearing(made: InterestTerms | None = None, **debtor: str) -> given:
    """10,000.00 of principal that has borne interest since New Year; today is 2 March."""
    there = replace(DEBTOR, **debtor)
    return given(*opened(debt(principal=1_000_000), debtor=there)).when(agreed(made))


def case_of(story: given) -> Case:
    assert story.case is not None
    return story.case


def owed(story: given) -> Buckets:
    return case_of(story).outstanding("CNY")


def paid(amount: int, value_on: str, payment_id: str = "pay-1") -> c.RecordPayment:
    return replace(pay(amount, payment_id), value_on=D(value_on))


def charge(amount: int, bucket: Any = "costs", on: str = "2026-03-02") -> c.AddCosts:
    return c.AddCosts(
        charge_id="fee-1", debt_id=DEBT, bucket=bucket, amount_minor=amount,
        incurred_on=D(on), ground="court fee", citation="Fee tariff no. 1",
    )  # fmt: skip


def test_without_terms_nothing_accrues() -> None:
    story = given(*opened()).when(c.AccrueInterest(), at=NOON + 300 * DAY)
    story.then_nothing()
    assert not [x for x in timers_of(case_of(story), TREATMENT) if x.kind == "accrual"]


def test_terms_are_worked_with_from_the_day_they_began() -> None:
    """60 days of 12 % on 10,000.00 are 197.26."""
    story = bearing()
    found = story.then_one(e.InterestAccrued)
    assert (found.from_on, found.to_on, found.amount_minor) == (START, D("2026-03-02"), 19_726)
    (line,) = found.lines
    assert (line.days, line.percent, line.fraction, line.amount) == (
        60, "12", "12/73", "1440000/73",
    )  # fmt: skip
    assert "art. 25" in found.citation
    story.when(agreed()).then_nothing()


def test_interest_is_posted_when_a_month_is_over_on_the_debtors_clock() -> None:
    story = bearing()
    (timer,) = [x for x in timers_of(case_of(story), TREATMENT) if x.kind == "accrual"]
    assert timer.key == "accrual/2026-04-01"
    assert timer.due_at == datetime.fromisoformat("2026-04-01T00:00:00+08:00")
    command = command_of(timer)
    assert command is not None
    story.when(command, at=timer.due_at)
    # 30 days more: 98.63 after the exact 197.2603, together 295.89
    assert story.then_one(e.InterestAccrued).amount_minor == 9_863
    assert owed(story).interest == 29_589
    (following,) = [x for x in timers_of(case_of(story), TREATMENT) if x.kind == "accrual"]
    assert following.key == "accrual/2026-05-01"
    story.when(command, at=timer.due_at).then_nothing()


def test_no_day_is_posted_before_it_is_over() -> None:
    bearing().when(c.AccrueInterest(through_on=D("2026-03-03"))).then_raises(Invalid, "through_on")


def test_a_payment_meets_the_interest_of_its_own_day() -> None:
    story = bearing().when(paid(100_000, "2026-03-02"))
    assert [type(each) for each in story.events] == [e.PaymentRecorded]
    assert owed(story) == Buckets(principal=919_726)
    story.when(paid(100_000, "2026-03-12", "pay-2"), at=NOON + 10 * DAY)
    accrued, recorded = story.events
    assert isinstance(accrued, e.InterestAccrued)
    # 919,726 for 10 days: 3,023.76
    assert accrued.amount_minor == 3_024
    assert isinstance(recorded, e.PaymentRecorded)
    assert recorded.allocations[0].paid == Buckets(interest=3_024, principal=96_976)


def test_a_payment_learned_of_late_is_as_if_it_had_been_known_in_time() -> None:
    late = bearing().when(paid(200_000, "2026-02-01"))
    recorded, corrected = late.events
    assert isinstance(recorded, e.PaymentRecorded)
    # 31 days: 101.92, the rest to the principal
    assert recorded.allocations[0].paid == Buckets(interest=10_192, principal=189_808)
    assert isinstance(corrected, e.InterestCorrected)
    assert (corrected.because, corrected.payment_id) == ("payment", "pay-1")
    assert (corrected.from_on, corrected.through_on) == (D("2026-02-01"), D("2026-03-02"))
    # 29 days on 189,808 less: 18.10
    assert corrected.amount_minor == -1_810
    in_time = given(*opened(debt(principal=1_000_000), at=NOON - 30 * DAY))
    in_time.when(agreed(), at=NOON - 30 * DAY).when(
        paid(200_000, "2026-02-01"), at=NOON - 29 * DAY
    ).when(c.AccrueInterest())
    assert owed(in_time) == owed(late) == Buckets(principal=810_192, interest=7_724)


def test_two_payments_booked_in_the_other_order_go_where_they_would_have_gone() -> None:
    story = bearing().when(paid(100_000, "2026-03-02")).when(paid(200_000, "2026-02-01", "pay-2"))
    parts = {key: payment.allocations[0].paid for key, payment in case_of(story).payments.items()}
    assert parts["pay-2"] == Buckets(interest=10_192, principal=189_808)
    assert parts["pay-1"] == Buckets(interest=7_724, principal=92_276)


def test_a_reversal_restores_principal_and_interest() -> None:
    story = bearing()
    before = case_of(story)
    story.when(paid(200_000, "2026-02-01")).when(bounce())
    assert case_of(story).debts == before.debts
    assert case_of(story).ledger == before.ledger
    story.when(bounce()).then_nothing()


def test_money_of_a_day_to_come_counts_from_the_day_it_was_booked() -> None:
    story = bearing().when(paid(100_000, "2026-12-31"))
    assert [type(each) for each in story.events] == [e.PaymentRecorded]
    assert owed(story) == Buckets(principal=919_726)
    # 10 days on what is left
    story.when(c.AccrueInterest(), at=NOON + 10 * DAY)
    assert owed(story) == Buckets(principal=919_726, interest=3_024)


# --- caps ------------------------------------------------------------------------------------


def capped(licence: str = "none", contract_on: str = "2025-06-01") -> CapTerms:
    return CapTerms(jurisdiction="CN", licence=licence, contract_on=D(contract_on))


# licence, contract, rate, of 60 days on 1,000,000: owed, above the cap
CAPS = [
    # 4 × 3.00 %: as much as the rate
    ("none", "2025-06-01", "12", 19_726, 0),
    ("none", "2025-06-01", "24", 19_726, 19_726),
    # 4 × 3.85 % of the day of the contract: 15.4 %
    ("none", "2021-06-01", "24", 25_315, 14_137),
    ("bank", "2025-06-01", "24", 39_452, 0),
    # Rounded down, so that nothing is above it
    ("bank", "2025-06-01", "36", 39_452, 19_726),
]


@pytest.mark.parametrize(("licence", "contract_on", "percent", "is_owed", "above"), CAPS)
def test_what_is_above_the_cap_of_the_contracts_day_is_not_owed(
    licence: str, contract_on: str, percent: str, is_owed: int, above: int
) -> None:
    story = bearing(terms(percent, cap=capped(licence, contract_on)))
    assert owed(story).interest == is_owed
    found = [each for each in story.events if isinstance(each, e.InterestCapped)]
    assert sum(each.amount_minor for each in found) == above
    for each in found:
        assert each.citation
        assert "not owed" in each.says
        assert "no concession" in each.says


def test_a_fee_has_only_the_room_that_the_cap_leaves() -> None:
    """12 % under 24 %: after 60 days 197.26 are left of 394.52. Costs are not under the cap."""
    story = bearing(terms(cap=capped("bank"))).when(charge(30_000, "fees"))
    added, above = story.events
    assert isinstance(added, e.CostsAdded)
    assert isinstance(above, e.InterestCapped)
    assert (added.amount_minor, added.posted_minor) == (30_000, 19_726)
    assert (above.amount_minor, above.heads) == (10_274, Buckets(fees=10_274))
    story = bearing(terms(cap=capped("bank"))).when(charge(30_000))
    assert story.then_one(e.CostsAdded).posted_minor == 30_000


# --- freezes ---------------------------------------------------------------------------------


def frozen(kind: Any, *, place: str = "CN", deferred: bool = False) -> given:
    """A hold from 2 to 12 March, and the account on 22 March."""
    story = bearing(jurisdiction=place)
    placed = replace(hold(kind), deferred=deferred)
    story.when(placed)
    lift = c.LiftHold(hold_id="hold-1", reason="over", evidence="the notice")
    story.when(lift, at=NOON + 10 * DAY, actor=LEGAL)
    return story.when(c.AccrueInterest(), at=NOON + 20 * DAY)


# 60 days and 10 more are 23,013.70; the 10 of the hold 3,287.67
FREEZES = [
    ("hardship", "CN", 23_014, 3_288, 0),
    ("breathing_space", "GB", 23_014, 0, 3_288),
    ("insolvency", "CN", 23_014, 0, 3_288),
    ("insolvency", "DE", 23_014, 3_288, 0),
    ("bereavement", "FR", 23_014, 3_288, 0),
]


@pytest.mark.parametrize(("kind", "place", "is_owed", "held", "never"), FREEZES)
def test_what_a_hold_stops_is_not_asked_for_when_it_ends(
    kind: str, place: str, is_owed: int, held: int, never: int
) -> None:
    story = frozen(kind, place=place)
    totals = case_of(story).ledger.totals[DEBT]
    assert owed(story).interest == is_owed
    assert (totals.frozen.interest, totals.not_accrued.interest) == (held, never)


def test_only_a_hold_with_interest_deferred_gives_it_back_and_only_where_the_law_lets_it() -> None:
    story = frozen("hardship", deferred=True)
    assert owed(story).interest == 23_014 + 3_288
    assert case_of(story).ledger.totals[DEBT].frozen == Buckets()
    story = frozen("breathing_space", place="GB", deferred=True)
    assert owed(story).interest == 23_014


def test_a_frozen_line_names_the_law_and_no_words_of_the_debtor() -> None:
    story = bearing(jurisdiction="GB").when(
        c.PlaceHold(hold_id="h", kind="breathing_space", authority="said by Lin", debt_id=DEBT)
    )
    story.when(c.AccrueInterest(), at=NOON + 5 * DAY)
    (line,) = story.then_one(e.InterestAccrued).lines
    assert line.state == "not_accrued"
    assert line.authority.startswith("breathing_space: SI 2020/1311 reg. 7")


@pytest.mark.parametrize("bucket", ["costs", "fees", "penalty"])
def test_no_charge_arises_in_a_breathing_space_then_or_later(bucket: str) -> None:
    story = frozen("breathing_space", place="GB")
    before = owed(story)
    for day in ("2026-03-02", "2026-03-11"):
        asked = charge(2_500, bucket, day)
        story.when(asked, at=NOON + 20 * DAY).then_raises(WrongState, "incurred_on")
    assert owed(story) == before
    story.when(charge(2_500, bucket, "2026-03-12"), at=NOON + 20 * DAY).then_one(e.CostsAdded)
    # Other holds, and other places, know no such law.
    for kind, place in (("hardship", "GB"), ("breathing_space", "CN")):
        story = frozen(kind, place=place)
        story.when(charge(2_500, bucket, "2026-03-05"), at=NOON + 20 * DAY).then_one(e.CostsAdded)


def test_rates_that_are_the_cap_are_never_told_as_above_it() -> None:
    """24 % under 24 %, posted every 29 days: a unit that is rounded down is nobody's."""
    story = bearing(terms("24", cap=capped("bank")))
    for month in range(1, 13):
        story.when(c.AccrueInterest(), at=NOON + month * 29 * DAY)
        kinds = {type(each) for each in story.events}
        assert kinds == {e.InterestAccrued}, month


def test_a_hold_on_one_debt_freezes_no_other() -> None:
    story = given(*opened(debt(principal=1_000_000), debt(OTHER_DEBT, 1_000_000)))
    story.when(agreed()).when(agreed(debt_id=OTHER_DEBT))
    story.when(replace(hold("hardship"), debt_id=DEBT))
    story.when(c.AccrueInterest(), at=NOON + 10 * DAY)
    debts = case_of(story).debts
    assert debts[DEBT].outstanding.interest == 19_726
    assert debts[OTHER_DEBT].outstanding.interest == 23_014


def test_while_a_plan_is_kept_no_interest_is_asked_for_beside_it() -> None:
    story = bearing()
    total = owed(story).total
    story.when(offer(total)).when(accept(), at=NOON + 2 * DAY)
    story.when(c.AccrueInterest(), at=NOON + 10 * DAY)
    assert owed(story).total == total
    assert case_of(story).ledger.totals[DEBT].frozen.interest == 3_288
    story.when(c.WithdrawPlan(plan_id=PLAN, reason="asked"), at=NOON + 10 * DAY)
    story.when(c.AccrueInterest(), at=NOON + 20 * DAY)
    assert owed(story).total == total + 3_288


def test_an_offer_is_of_the_sum_of_today_and_nothing_is_posted_while_it_is_open() -> None:
    story = bearing()
    later = NOON + 3 * DAY
    story.when(offer(1_019_726 + 986), at=later)
    assert isinstance(story.events[0], e.InterestAccrued)
    assert not [x for x in timers_of(case_of(story), TREATMENT) if x.kind == "accrual"]


# --- rates that are published ------------------------------------------------------------------


def floating(*more: PublishedRate) -> InterestTerms:
    rates = (RateFrom(since=START, series="de-base", plus="5"),)
    return InterestTerms(
        profile="de-default", from_on=START, rates=(), default_rates=rates, published=more
    )


def test_a_rate_that_was_published_may_be_below_zero() -> None:
    new = PublishedRate(
        series="de-base", since=D("2027-01-01"), through=D("2027-06-30"), percent="-0.88",
        source="the gazette",
    )  # fmt: skip
    assert msgspec.convert(msgspec.to_builtins(new), PublishedRate) == new
    story = bearing(floating(new))
    later = datetime.fromisoformat("2027-02-01T12:00:00+08:00")
    before = owed(story.when(c.AccrueInterest(through_on=D("2027-01-01")), at=later)).penalty
    story.when(c.AccrueInterest(through_on=D("2027-02-01")), at=later)
    # 10,000.00 at 5 - 0.88 points for 31 days
    assert owed(story).penalty - before == 3_499


def test_interest_stops_where_no_rate_is_known_and_a_payment_is_taken_all_the_same() -> None:
    """Known through 2026: 181 days of 1.27 + 5 points, 184 of 1.52 + 5: 31,092.33 + 32,868.16."""
    story = bearing(floating())
    later = datetime.fromisoformat("2027-03-01T12:00:00+08:00")
    story.when(c.AccrueInterest(), at=later)
    assert owed(story).penalty == 63_960
    assert not [x for x in timers_of(case_of(story), TREATMENT) if x.kind == "accrual"]
    story.when(paid(100_000, "2027-02-01"), at=later)
    assert story.then_one(e.PaymentRecorded).unallocated_minor == 0
    new = PublishedRate(
        series="de-base", since=D("2027-01-01"), through=D("2027-06-30"), percent="1.77",
        source="the gazette",
    )  # fmt: skip
    story.when(agreed(floating(new)), at=later)
    # 31 days more before the payment, 6.77 %: 5,749.86
    changed = story.then_one(e.InterestCorrected)
    assert changed.because == "terms"
    (part,) = case_of(story).payments["pay-1"].allocations
    assert part.paid == Buckets(penalty=69_710, principal=30_290)


BAD_TERMS: list[tuple[dict[str, Any], str]] = [
    ({"profile": "no-such"}, "terms.profile"),
    ({"rates": ()}, "terms.rates"),
    ({"rates": (RateFrom(since=START),)}, "terms.accruals[0].rates[0]"),
    ({"rates": (RateFrom(since=START, series="no"),)}, "terms.series"),
    ({"rates": (RateFrom(since=START, percent="2000"),)}, "terms.rates[0]"),
    ({"compounding": "month"}, "terms.compounding"),
    ({"cap": capped("unheard-of")}, "terms.cap.licence"),
    ({"cap": capped(contract_on="1999-01-01")}, "terms.cap.contract_on"),
    ({"cap": replace(capped(), jurisdiction="ZZ")}, "terms.cap.jurisdiction"),
    ({"cap": replace(capped(), restructured=True)}, "terms.cap.lent_minor"),
    ({"cap": capped(contract_on="2019-06-01")}, "terms.cap.filed_on"),
    (
        {
            "cap": CapTerms(
                jurisdiction="GB", licence="hcstc", contract_on=D("2025-06-01"), lent_minor=1
            )
        },
        "terms.cap",
    ),
    ({"from_on": D("1800-01-01")}, "terms.from_on"),
]


@pytest.mark.parametrize(("changed", "field"), BAD_TERMS)
def test_terms_that_cannot_be_worked_with_are_refused(changed: dict[str, Any], field: str) -> None:
    story = given(*opened()).when(agreed(replace(terms(), **changed)))
    story.then_raises(Invalid, field)


def test_a_case_is_opened_and_a_debt_placed_with_terms() -> None:
    first = AgreedInterest(debt_id=DEBT, terms=terms(), evidence="clause 4")
    story = given().when(replace(open_case(debt(principal=1_000_000)), interest=(first,)))
    assert owed(story) == Buckets(interest=19_726, principal=1_000_000)
    second = replace(first, debt_id=OTHER_DEBT)
    placed = c.PlaceDebt(debt=debt(OTHER_DEBT, 1_000_000), interest=second)
    story.when(placed)
    assert owed(story) == Buckets(interest=39_452, principal=2_000_000)
    story.when(placed).then_nothing()


# --- charges and corrections -------------------------------------------------------------------


def test_a_charge_counts_once_and_another_under_its_name_is_refused() -> None:
    story = given(*opened()).when(charge(5_000))
    assert owed(story) == Buckets(costs=5_000, principal=60_000)
    story.when(charge(5_000)).then_nothing()
    story.when(charge(6_000)).then_raises(Contradiction)
    given(*opened()).when(charge(1, on="2026-03-03")).then_raises(Invalid, "incurred_on")


def proposal(kind: Any = "correction", **change: int) -> c.ProposeAdjustment:
    return c.ProposeAdjustment(
        adjustment_id="adj-1", debt_id=DEBT, kind=kind, value_on=START,
        reason="counted twice", authority="head of accounts", change=Change(**change),
    )  # fmt: skip


APPROVE = c.ApproveAdjustment(adjustment_id="adj-1")


def test_a_correction_needs_a_second_person_and_holds_from_its_own_day() -> None:
    story = bearing().when(proposal(principal=-200_000))
    assert owed(story).principal == 1_000_000
    story.when(APPROVE).then_raises(NotAllowed)
    story.when(APPROVE, actor=LEGAL)
    adjusted, corrected = story.events
    assert isinstance(adjusted, e.DebtAdjusted)
    assert isinstance(corrected, e.InterestCorrected)
    assert adjusted.proposed_by != adjusted.approved_by
    # 60 days on 200,000 less: 39.45
    assert owed(story) == Buckets(principal=800_000, interest=15_781)
    story.when(APPROVE, actor=LEGAL).then_nothing()


def test_no_more_is_taken_off_than_is_owed() -> None:
    bearing().when(proposal(costs=-1)).then_raises(Invalid, "change")
    bearing().when(proposal()).then_raises(Invalid, "change")
    bearing().when(proposal("write_off", costs=1)).then_raises(Invalid, "change")


def test_a_written_off_debt_is_owed_on_and_a_forgiven_one_is_not() -> None:
    story = bearing().when(proposal("write_off")).when(APPROVE, actor=LEGAL)
    written_off = story.then_one(e.DebtWrittenOff)
    assert written_off.still_owed
    assert owed(story).principal == 1_000_000
    story = bearing().when(proposal("forgiveness")).when(APPROVE, actor=LEGAL)
    assert story.then_one(e.DebtWrittenOff).forgiven.principal == 1_000_000
    assert not case_of(story).owes
    assert story.then_one(e.CaseClosed).reason == "forgiven"
    story.when(APPROVE, actor=LEGAL).then_nothing()


def test_what_was_declined_cannot_be_approved() -> None:
    decline = c.DeclineAdjustment(adjustment_id="adj-1", reason="no")
    story = bearing().when(proposal(principal=-1)).when(decline)
    story.when(APPROVE, actor=LEGAL).then_raises(WrongState)


def test_a_settlement_forgives_the_rest_and_a_reversal_makes_all_of_it_owed_again() -> None:
    story = bearing()
    before = owed(story)
    story.when(offer(500_000, kind="settlement", waived=before.total - 500_000)).when(accept())
    story.when(paid(500_000, "2026-03-05"), at=NOON + 5 * DAY)
    assert story.then_one(e.CaseClosed).reason == "settled"
    assert not case_of(story).owes
    # What is worked out later keeps to it.
    story.when(c.ReopenCase(reason="a question"), at=NOON + 6 * DAY)
    story.when(c.AccrueInterest(), at=NOON + 6 * DAY)
    assert not case_of(story).owes
    story.when(bounce(), at=NOON + 7 * DAY)
    assert owed(story) == before


def test_interest_of_a_plan_is_beside_the_account_and_stays_when_it_is_worked_out_again() -> None:
    story = bearing()
    event = e.PlanOffered(
        at=NOON, plan_id=PLAN, kind="instalments", currency="CNY", waived_minor=0,
        expires_on=D("2026-03-20"),
        instalments=(
            e.Instalment(
                due_on=D("2026-03-10"), amount_minor=owed(story).total + 7_000, interest_minor=7_000
            ),
        ),
    )  # fmt: skip
    story = given(*story._history, event).when(accept())
    charge_it = c.ChargePlanInterest(plan_id=PLAN, number=1)
    story.when(charge_it, at=NOON + 9 * DAY)
    assert owed(story).interest == 19_726 + 7_000
    story.when(paid(100_000, "2026-02-01"), at=NOON + 9 * DAY)
    # 31 days on 1,000,000 (101.92), 29 on 910,192 (86.78), and that of the plan
    assert owed(story) == Buckets(principal=910_192, interest=8_678 + 7_000)


def test_a_claim_says_what_was_added_since_the_debt_was_placed() -> None:
    story = bearing().when(charge(5_000)).when(proposal(principal=700))
    story.when(APPROVE, actor=LEGAL)
    added = added_since(case_of(story), DEBT)
    assert added == Buckets(costs=5_000, interest=19_740, principal=700)
    assert owed(story) == Buckets(principal=1_000_000) + added


def test_a_correction_that_waits_for_a_second_person_is_on_the_worklist() -> None:
    story = bearing().when(proposal(principal=-1))
    row = worklist_row(SUBJECT, case_of(story), TREATMENT)
    assert "adjustment_proposed" in row.attention
    assert row.outstanding_minor == owed(story).total
    story.when(APPROVE, actor=LEGAL)
    assert "adjustment_proposed" not in worklist_row(SUBJECT, case_of(story), TREATMENT).attention


@pytest.mark.parametrize("kind", ["hardship", "insolvency"])
def test_what_the_cap_took_away_does_not_come_back_during_a_hold(kind: Any) -> None:
    """Owed 986 of 2,959 on 2 March; sixty days on hold add nothing, and the cap stays what it took."""
    lent = replace(debt(principal=100_000), contract_on=D("2025-06-01"))
    agreed = InterestTerms(
        profile="cn-private",
        from_on=D("2026-01-31"),
        rates=(RateFrom(since=D("2026-01-31"), percent="36"),),
        cap=CapTerms(jurisdiction="CN", licence="none", contract_on=D("2025-06-01")),
    )
    story = given(*opened(lent)).when(
        c.SetInterestTerms(debt_id=DEBT, terms=agreed, evidence="contract")
    )
    hold = c.PlaceHold(hold_id="h", kind=kind, authority="asked", debt_id=None)
    story.when(c.AccrueInterest()).when(hold)
    story.when(c.AccrueInterest(), at=NOON + 60 * DAY)
    assert story.case is not None
    totals = story.case.ledger.totals[DEBT]
    assert story.case.outstanding("CNY").interest == 986
    assert (totals.posted.interest, totals.capped.interest) == (986, 1_973)
