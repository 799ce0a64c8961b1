"""Money that came in: where it goes, and back."""

from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.errors import Contradiction
from duecourse.case.state import Case
from duecourse.money.amounts import Buckets
from duecourse.money.legal_places import AgreedOrder
from duecourse.testing import given
from duecourse.testing.sample import (
    DEBT,
    DEBTOR,
    NOON,
    OTHER_DEBT,
    PROMISE,
    bounce,
    debt,
    hold,
    offer,
    opened,
    pay,
    promise,
    request,
)

HEADS = Buckets(costs=120_00, interest=300_00, principal=5_000_00)


def case_of(story: given) -> Case:
    assert story.case is not None
    return story.case


def test_a_payment_goes_to_costs_then_interest_then_principal() -> None:
    story = given(*opened(debt(balance=HEADS))).when(replace(pay(1_000_00), reference="FICT"))
    story.then(
        e.PaymentRecorded(
            at=NOON,
            payment_id="pay-1",
            currency="CNY",
            amount_minor=1_000_00,
            value_on=date(2026, 3, 1),
            reference="FICT",
            allocations=(
                e.Allocation(
                    debt_id=DEBT, paid=Buckets(costs=120_00, interest=300_00, principal=580_00)
                ),
            ),
            unallocated_minor=0,
            profile="cn-561",
            citation="PRC Civil Code art. 561; PRC Civil Code art. 560",
        )
    )
    assert case_of(story).outstanding("CNY") == Buckets(principal=4_420_00)
    story.when(pay(1_000_00)).then_nothing()


def test_every_head_that_is_paid_leaves_the_balance() -> None:
    heads = Buckets(costs=1, fees=2, penalty=3, interest=4, principal=5)
    story = given(*opened(debt(balance=heads))).when(pay(12))
    assert case_of(story).outstanding("CNY") == Buckets(principal=3)
    story.when(bounce())
    assert case_of(story).outstanding("CNY") == heads


def test_the_debtor_may_say_which_debt() -> None:
    two = opened(debt(), debt(OTHER_DEBT, 10_000))
    allocated = given(*two).when(pay(5_000, debt_id=OTHER_DEBT)).then_one(e.PaymentRecorded)
    assert [each.debt_id for each in allocated.allocations] == [OTHER_DEBT]


@pytest.mark.parametrize("wrong", [OTHER_DEBT, None])
def test_a_direction_to_a_debt_the_case_does_not_have_does_not_lose_the_money(wrong: None) -> None:
    story = given(*opened()).when(pay(5_000, debt_id=wrong))
    assert story.then_one(e.PaymentRecorded).unallocated_minor == 0


def test_a_withdrawn_debt_gets_nothing() -> None:
    story = given(*opened(debt(), debt(OTHER_DEBT, 10_000)))
    story.when(c.WithdrawDebt(debt_id=DEBT, reason="sold back")).when(pay(12_000, debt_id=DEBT))
    recorded = story.then_one(e.PaymentRecorded)
    assert [each.debt_id for each in recorded.allocations] == [OTHER_DEBT]
    assert recorded.unallocated_minor == 2_000


def test_what_is_paid_beyond_what_is_owed_stays_unallocated() -> None:
    story = given(*opened()).when(pay(60_001))
    assert story.then_one(e.PaymentRecorded).unallocated_minor == 1
    assert case_of(story).payments["pay-1"].unallocated_minor == 1


def test_money_of_another_currency_stays_unallocated() -> None:
    story = given(*opened()).when(pay(500, currency="USD"))
    assert story.then_one(e.PaymentRecorded).unallocated_minor == 500
    assert case_of(story).outstanding("CNY").total == 60_000


# place, product, what goes first of costs 120.00, interest 300.00, principal 5,000.00
PLACES = [
    ("CN", "consumer-loan", "cn-561", Buckets(costs=120_00, interest=300_00, principal=580_00)),
    ("DE", "consumer-loan", "de-497", Buckets(costs=120_00, principal=880_00)),
    ("DE", "lease", "de-367", Buckets(costs=120_00, interest=300_00, principal=580_00)),
    ("US", "consumer-loan", "us", Buckets(costs=120_00, interest=300_00, principal=580_00)),
    ("US-CA", "consumer-loan", "us", Buckets(costs=120_00, interest=300_00, principal=580_00)),
    ("GB", "consumer-loan", "uk", Buckets(costs=120_00, interest=300_00, principal=580_00)),
    ("FR", "consumer-loan", "house", Buckets(costs=120_00, interest=300_00, principal=580_00)),
    ("", "consumer-loan", "house", Buckets(costs=120_00, interest=300_00, principal=580_00)),
]


@pytest.mark.parametrize(("place", "product", "profile", "paid"), PLACES)
def test_each_place_has_its_own_order(
    place: str, product: str, profile: str, paid: Buckets
) -> None:
    there = replace(DEBTOR, jurisdiction=place)
    owed = replace(debt(balance=HEADS), product=product)
    found = given(*opened(owed, debtor=there)).when(pay(1_000_00)).then_one(e.PaymentRecorded)
    assert (found.profile, found.allocations[0].paid) == (profile, paid)
    assert found.citation


def test_beside_a_consumer_loan_another_debt_keeps_its_own_order() -> None:
    """One payment for both: BGB § 497(3) is for the loan alone."""
    lease = replace(debt(OTHER_DEBT, balance=HEADS, due_on=date(2026, 2, 1)), product="lease")
    there = replace(DEBTOR, jurisdiction="DE")
    story = given(*opened(debt(balance=HEADS), lease, debtor=there)).when(pay(5_420_00 + 1_000_00))
    found = {x.debt_id: x.paid for x in story.then_one(e.PaymentRecorded).allocations}
    assert found == {OTHER_DEBT: HEADS, DEBT: Buckets(costs=120_00, principal=880_00)}
    story = given(*opened(debt(balance=HEADS), lease, debtor=there)).when(pay(1_000_00))
    (part,) = story.then_one(e.PaymentRecorded).allocations
    assert part.paid == Buckets(costs=120_00, interest=300_00, principal=580_00)


def test_nothing_goes_to_a_disputed_debt_in_the_united_states() -> None:
    there = replace(DEBTOR, jurisdiction="US")
    disputed = c.PlaceHold(hold_id="d", kind="dispute", authority="said so", debt_id=DEBT)
    story = given(*opened(debt(), debt(OTHER_DEBT, 10_000), debtor=there)).when(disputed)
    story.when(pay(70_000))
    found = story.then_one(e.PaymentRecorded)
    assert [each.debt_id for each in found.allocations] == [OTHER_DEBT]
    assert found.unallocated_minor == 60_000
    # The debtor's own direction does not change that (15 USC 1692h).
    story = given(*opened(debt(), debtor=there)).when(disputed).when(pay(70_000, debt_id=DEBT))
    assert story.then_one(e.PaymentRecorded).allocations == ()


def test_an_order_that_cannot_be_meant_is_refused() -> None:
    whole = tuple(
        f"{time}.{head}"
        for time in ("past_due", "due", "in_advance")
        for head in ("penalty", "fee", "principal", "interest")
    )
    wrong: list[dict[str, Any]] = [
        {"profile": "no-such"},
        {"profile": "cn-561", "across": "no-such"},
        {"profile": "cn-561", "slots": whole},
        {"profile": "cn-561", "slots": ("due.fee",) * 12},
        {"profile": "twelve-slots", "slots": ("due.fee",) * 12},
        {"profile": "twelve-slots"},
    ]
    for each in wrong:
        with pytest.raises(ValueError, match=r"order|slots"):
            AgreedOrder(**each)


def test_an_order_that_was_agreed_goes_before_that_of_the_place() -> None:
    agreed = {"fictional-bank": AgreedOrder(profile="de-497")}
    found = given(*opened(debt(balance=HEADS)), orders=agreed).when(pay(1_000_00))
    assert found.then_one(e.PaymentRecorded).allocations[0].paid.interest == 0
    slots = tuple(
        f"{time}.{head}"
        for head in ("principal", "interest", "fee", "penalty")
        for time in ("past_due", "due", "in_advance")
    )
    own = {"fictional-bank": AgreedOrder(profile="twelve-slots", slots=slots)}  # type: ignore[arg-type]
    found = given(*opened(debt(balance=HEADS)), orders=own).when(pay(1_000_00))
    recorded = found.then_one(e.PaymentRecorded)
    assert recorded.allocations[0].paid == Buckets(principal=1_000_00)
    assert recorded.slots == slots


def test_a_paid_case_closes_itself_and_calls_its_messages_back() -> None:
    story = given(*opened()).when(request()).when(pay(60_000))
    story.then_one(e.ContactCancelled)
    story.then_one(e.CaseClosed, lambda closed: closed.reason == "paid")


def test_a_case_that_still_owes_does_not_close() -> None:
    story = given(*opened(debt(), debt(OTHER_DEBT, 1, currency="USD"))).when(pay(60_000))
    assert not case_of(story).is_closed


def test_a_payment_is_taken_by_a_closed_case_and_leaves_it_closed() -> None:
    closed = given(*opened()).when(c.CloseCase(reason="sold")).when(pay(60_000))
    assert len(closed.events) == 1
    assert case_of(closed).close_reason == "sold"


def test_a_payment_is_taken_whatever_holds() -> None:
    story = given(*opened()).when(hold("insolvency")).when(pay(100))
    story.then_one(e.PaymentRecorded)


def test_a_reversal_restores_exactly_what_was() -> None:
    two = (debt(balance=HEADS), debt(OTHER_DEBT, 7, due_on=date(2026, 2, 27)))
    before = case_of(given(*opened(*two)).when(offer(5_420_07)))
    story = given(*opened(*two)).when(offer(5_420_07)).when(pay(3_333_33)).when(bounce())
    story.then(
        e.PaymentReversed(at=NOON, payment_id="pay-1", reason="the direct debit was returned")
    )
    after = case_of(story)
    assert replace(after, payments={}) == before
    assert after.payments["pay-1"].reversed
    story.when(bounce()).then_nothing()


def test_a_paid_case_reopens_when_its_payment_bounces() -> None:
    story = given(*opened()).when(pay(60_000)).when(bounce())
    story.then_one(e.CaseReopened)
    assert case_of(story).stage == "intake"
    assert case_of(story).outstanding("CNY").total == 60_000


def test_a_case_paid_without_the_money_that_bounced_stays_closed() -> None:
    story = given(*opened()).when(pay(60_000)).when(pay(500, "pay-2")).when(bounce("pay-2"))
    assert len(story.events) == 1
    assert case_of(story).is_closed


def test_a_case_closed_for_another_reason_stays_closed_when_money_bounces() -> None:
    story = given(*opened()).when(pay(100)).when(c.CloseCase(reason="sold")).when(bounce())
    assert len(story.events) == 1


def test_a_reversal_heard_of_before_its_payment_waits_for_it() -> None:
    story = given(*opened()).when(bounce())
    story.then_one(e.PaymentReversed)
    story.when(bounce()).then_nothing()
    story.when(pay(60_000))
    assert [type(event) for event in story.events] == [e.PaymentRecorded, e.PaymentReversed]
    assert story.case is not None
    assert story.case.outstanding("CNY").total == 60_000
    story.when(pay(60_000)).then_nothing()
    story.when(bounce()).then_nothing()


def test_another_payment_under_the_same_id_is_not_taken_for_a_repeat() -> None:
    story = given(*opened()).when(pay(10_000))
    story.when(pay(10_000)).then_nothing()
    story.when(pay(20_000)).then_raises(Contradiction, "payment_id")


def test_a_promise_ends_with_what_it_was_for() -> None:
    story = given(*opened(debt(), debt(OTHER_DEBT, 500, currency="USD")))
    story.when(promise()).when(c.WithdrawDebt(debt_id=DEBT, reason="sold back"))
    assert story.then_one(e.PromiseWithdrawn).promise_id == PROMISE
