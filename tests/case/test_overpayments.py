"""Money held beyond what was owed: it pays what comes later, or goes back, and is never lost."""

from datetime import date
from random import Random

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.errors import Contradiction, Invalid, Unknown
from duecourse.case.evolve import fold
from duecourse.case.overpayments import owed_back, surplus
from duecourse.case.state import Case
from duecourse.money.amounts import Buckets
from duecourse.rules.treatment import load_treatment
from duecourse.testing import given
from duecourse.testing.sample import (
    DEBT,
    NOON,
    OTHER_DEBT,
    bounce,
    debt,
    offer,
    open_case,
    opened,
    pay,
    refund,
    request,
)
from duecourse.views.worklist import worklist_row

TREATMENT = load_treatment()
USE = c.AllocateOverpayment(reason="agreed by letter")
BACK = c.ReturnRefund(refund_id="refund-1", reason="the account was closed")


class Standing(given):
    """A case as it stands, however it came to be so."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self._start = case

    @property
    def case(self) -> Case | None:
        return fold(self._history, self._start)


def case_of(story: given) -> Case:
    assert story.case is not None
    return story.case


def attention(story: given) -> set[str]:
    case = case_of(story)
    row = worklist_row(case.subject_id, case, TREATMENT)
    return set(row.attention) & {"overpaid", "owed_back"}


def kinds(story: given) -> list[str]:
    return [type(event).__name__ for event in story.events]


def overpaid(by: int = 200_00) -> given:
    """Owed 600.00, paid that and more; closed as paid."""
    return given(*opened(debt(principal=600_00))).when(pay(600_00 + by))


def test_what_is_held_pays_a_debt_that_is_placed_later() -> None:
    heads = Buckets(costs=10_00, interest=20_00, principal=500_00)
    story = overpaid().when(open_case(debt(OTHER_DEBT, balance=heads)))
    assert kinds(story) == ["CaseReopened", "DebtPlaced", "PaymentReallocated"]
    used = story.then_one(e.PaymentReallocated)
    assert used.allocations == (
        e.Allocation(
            debt_id=OTHER_DEBT, paid=Buckets(costs=10_00, interest=20_00, principal=170_00)
        ),
    )
    assert (used.payment_id, used.profile) == ("pay-1", "cn-561")
    assert "561" in used.citation
    case = case_of(story)
    assert case.debts[OTHER_DEBT].outstanding == Buckets(principal=330_00)
    assert (surplus(case, "CNY"), attention(story)) == (0, set())


def test_a_debt_that_is_placed_by_itself_is_paid_as_well() -> None:
    story = given(*opened(debt(principal=600_00))).when(pay(900_00))
    story.when(c.ReopenCase(reason="another account"))
    story.when(c.PlaceDebt(debt=debt(OTHER_DEBT, 300_00)))
    assert kinds(story) == ["DebtPlaced", "PaymentReallocated", "CaseClosed"]
    assert case_of(story).close_reason == "paid"


def test_a_debt_that_is_paid_by_what_is_held_closes_the_case_again() -> None:
    story = overpaid().when(open_case(debt(OTHER_DEBT, 50_00)))
    assert kinds(story)[-2:] == ["PaymentReallocated", "CaseClosed"]
    assert (surplus(case_of(story), "CNY"), attention(story)) == (150_00, {"overpaid"})


def test_another_currency_is_not_touched() -> None:
    story = overpaid().when(open_case(replace(debt(OTHER_DEBT, 50_00), currency="USD")))
    assert "PaymentReallocated" not in kinds(story)
    assert surplus(case_of(story), "CNY") == 200_00


def test_a_debt_that_was_there_is_not_paid_twice() -> None:
    story = overpaid()
    story.when(open_case(debt(principal=600_00))).then_nothing()


def test_a_reversal_takes_back_what_was_used_later_as_well() -> None:
    story = overpaid().when(open_case(debt(OTHER_DEBT, 500_00)))
    story.when(bounce())
    case = case_of(story)
    assert case.debts[DEBT].outstanding == Buckets(principal=600_00)
    assert case.debts[OTHER_DEBT].outstanding == Buckets(principal=500_00)
    assert (surplus(case, "CNY"), owed_back(case)) == (0, {})


def test_what_a_reversal_leaves_owed_is_paid_by_what_another_payment_left() -> None:
    story = overpaid().when(pay(450_00, "pay-2"))
    assert surplus(case_of(story), "CNY") == 650_00
    story.when(bounce())
    assert kinds(story) == ["PaymentReversed", "PaymentReallocated", "CaseReopened"]
    case = case_of(story)
    assert (case.outstanding("CNY").total, surplus(case, "CNY")) == (150_00, 0)


def test_a_case_that_stays_paid_after_a_reversal_stays_closed() -> None:
    story = overpaid().when(pay(600_00, "pay-2")).when(bounce())
    assert kinds(story) == ["PaymentReversed", "PaymentReallocated"]
    case = case_of(story)
    assert (case.close_reason, case.owes, surplus(case, "CNY")) == ("paid", False, 0)


def test_a_refund_comes_out_of_the_payments_that_came_first() -> None:
    story = overpaid(100_00).when(pay(50_00, "pay-2")).when(refund(120_00))
    recorded = story.then_one(e.RefundRecorded)
    assert recorded.parts == (
        e.RefundPart(payment_id="pay-1", amount_minor=100_00),
        e.RefundPart(payment_id="pay-2", amount_minor=20_00),
    )
    assert surplus(case_of(story), "CNY") == 30_00
    story.when(refund(120_00)).then_nothing()


def test_no_more_goes_back_than_is_held() -> None:
    story = overpaid()
    story.when(refund(200_01)).then_raises(Invalid)
    story.when(refund(1, currency="USD")).then_raises(Invalid)
    story.when(refund(200_00)).then_one(e.RefundRecorded)
    story.when(refund(1, "refund-2")).then_raises(Invalid)
    assert attention(story) == set()


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"evidence": " "}, Invalid),
        ({"refunded_on": date(2026, 3, 3)}, Invalid),
        ({"refunded_on": date(2026, 2, 28)}, Invalid),  # before the money came
        ({"amount_minor": 2}, Contradiction),
    ],
)
def test_a_refund_that_makes_no_sense_is_refused(
    change: dict[str, object], error: type[Exception]
) -> None:
    story = overpaid()
    if error is Contradiction:
        story.when(refund(1))
    story.when(replace(refund(1), **change)).then_raises(error)


def test_a_refund_that_came_back_is_held_again_and_used() -> None:
    story = overpaid().when(refund(200_00)).when(BACK)
    story.then_one(e.RefundReturned)
    assert surplus(case_of(story), "CNY") == 200_00
    story.when(BACK).then_nothing()
    story.when(c.ReturnRefund(refund_id="other", reason="r")).then_raises(Unknown)
    story = overpaid().when(refund(200_00)).when(open_case(debt(OTHER_DEBT, 80_00))).when(BACK)
    assert kinds(story) == ["RefundReturned", "PaymentReallocated", "CaseClosed"]
    assert surplus(case_of(story), "CNY") == 120_00


def test_a_reversal_of_what_was_refunded_says_that_we_are_owed_it() -> None:
    story = overpaid().when(refund(150_00)).when(bounce())
    case = case_of(story)
    assert case.outstanding("CNY").total == 600_00, "the debt is what it was, and no more"
    assert (owed_back(case), surplus(case, "CNY")) == ({"CNY": 150_00}, 0)
    assert attention(story) == {"owed_back"}
    story.when(BACK)
    assert (owed_back(case_of(story)), attention(story)) == ({}, set())
    assert case_of(story).outstanding("CNY").total == 600_00


def test_it_can_be_told_for_which_debt_and_of_which_payment() -> None:
    third = OTHER_DEBT.__class__(int=77)
    story = given(*opened(debt(principal=1_00)))
    for number in (1, 2):
        story.when(pay(100_00, f"pay-{number}"))
    held = case_of(story)
    debts = {
        key: replace(
            held.debts[DEBT],
            debt=debt(key, 80_00),
            outstanding=Buckets(principal=80_00),
        )
        for key in (OTHER_DEBT, third)
    }
    # As after a dispute that kept the money from them: owed, and held, at once.
    owing = replace(held, debts={**held.debts, **debts}, stage="reminder", close_reason=None)
    story = Standing(owing)
    story.when(replace(USE, payment_id="pay-2", debt_id=third))
    used = story.then_one(e.PaymentReallocated)
    assert (used.payment_id, used.allocations[0].debt_id) == ("pay-2", third)
    assert case_of(story).debts[OTHER_DEBT].outstanding.total == 80_00
    story.when(replace(USE, payment_id="pay-9")).then_raises(Unknown)
    story.when(replace(USE, debt_id=OTHER_DEBT.__class__(int=9))).then_raises(Unknown)
    story.when(USE)
    assert kinds(story) == ["PaymentReallocated", "CaseClosed"]
    assert case_of(story).owes is False


def test_there_is_nothing_to_use() -> None:
    given(*opened(debt())).when(USE).then_nothing()
    overpaid().when(USE).then_nothing()


def test_a_text_that_asks_for_money_that_was_held_is_called_back() -> None:
    story = given(*opened(debt(principal=100_00))).when(pay(150_00))
    story.when(c.ReopenCase(reason="r")).when(c.PlaceDebt(debt=debt(OTHER_DEBT, 500_00)))
    assert kinds(story) == ["DebtPlaced", "PaymentReallocated"]
    story.when(request())
    held = case_of(story)
    payments = {
        key: replace(x, unallocated_minor=5_00, amount_minor=x.amount_minor + 5_00)
        for key, x in held.payments.items()
    }
    story = Standing(replace(held, payments=payments))
    story.when(USE)
    assert kinds(story) == ["PaymentReallocated", "ContactCancelled"]


@pytest.mark.parametrize("seed", range(200))
def test_every_minor_unit_is_somewhere(seed: int) -> None:
    """Paid in = on debts + held + paid back, whatever happens in whatever order."""
    random = Random(seed)
    story = given(*opened(debt(principal=random.randint(1, 500))))
    placed = story.case and sum(x.debt.balance.total for x in story.case.debts.values())
    for number in range(12):
        command: c.Command = random.choice(
            [
                pay(random.randint(1, 400), f"pay-{number}"),
                pay(random.randint(1, 400), f"pay-{number}"),
                bounce(f"pay-{random.randrange(12)}"),
                refund(random.randint(1, 300), f"refund-{number}"),
                c.ReturnRefund(refund_id=f"refund-{random.randrange(12)}", reason="r"),
                c.ReopenCase(reason="r"),
                USE,
                open_case(debt(DEBT.__class__(int=1000 + number), random.randint(1, 300))),
                offer(10),
            ]
        )
        story.when(command)
    case = case_of(story)
    kept = [x for x in case.payments.values() if not x.reversed]
    on_debts = sum(x.debt.balance.total - x.outstanding.total for x in case.debts.values())
    back = sum(x.refunded_minor for x in kept)
    held = surplus(case, "CNY")
    assert placed
    assert sum(x.amount_minor for x in kept) == on_debts + held + back
    refunds = [x.amount_minor for x in case.refunds.values() if not x.returned]
    assert sum(refunds) == back + owed_back(case).get("CNY", 0)
    assert not (held and case.owes), "nothing is held while it could pay"
    assert all(x.unallocated_minor >= 0 <= x.refunded_minor for x in case.payments.values())
    assert case.at == NOON
