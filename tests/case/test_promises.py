"""Promises to pay: made, kept, broken, withdrawn."""

from datetime import UTC, date, datetime

from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.errors import CaseIsClosed, Invalid, TooEarly, Unknown, WrongState
from duecourse.testing import given
from duecourse.testing.sample import DAY, NOON, PROMISE, bounce, opened, pay, promise

JUDGE = c.JudgePromise(promise_id=PROMISE)
LAST_DAY = datetime(2026, 3, 10, 15, 59, tzinfo=UTC)  # one day of grace, 23:59 in Shanghai
TOO_LATE = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)


def promised() -> given:
    return given(*opened()).when(promise())


def test_a_promise_brings_the_case_to_negotiation() -> None:
    promised().then(
        e.PromiseMade(
            at=NOON,
            promise_id=PROMISE,
            currency="CNY",
            amount_minor=20_000,
            due_on=date(2026, 3, 9),
        ),
        e.StageMoved(at=NOON, to="negotiation", reason="a promise to pay was made"),
    ).when(promise()).then_nothing()


def test_nobody_promises_more_than_is_owed_or_for_the_past() -> None:
    given(*opened()).when(promise(60_001)).then_raises(Invalid, "amount_minor")
    given(*opened()).when(promise(due_on=date(2026, 3, 1))).then_raises(Invalid, "due_on")
    given(*opened()).when(promise(due_on=date(9999, 1, 1))).then_raises(Invalid, "due_on")
    in_dollars = replace(promise(), currency="USD")
    given(*opened()).when(in_dollars).then_raises(Invalid, "amount_minor")


def test_today_is_the_debtors_today() -> None:
    late = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)  # 3 March in Shanghai
    yesterday = promise(due_on=date(2026, 3, 2))
    given(*opened()).when(yesterday, at=late).then_raises(Invalid, "due_on")


def test_a_promise_is_kept_by_the_payments_made_since() -> None:
    story = promised().when(pay(15_000))
    story.when(pay(5_000, "pay-2")).then_one(e.PromiseKept)
    story.when(JUDGE, at=TOO_LATE).then_nothing()


def test_money_paid_before_does_not_keep_it() -> None:
    story = given(*opened()).when(pay(20_000)).when(promise()).when(JUDGE, at=TOO_LATE)
    assert story.then_one(e.PromiseBroken).paid_minor == 0


def test_money_of_another_currency_does_not_keep_it() -> None:
    story = promised().when(pay(20_000, currency="USD")).when(JUDGE, at=TOO_LATE)
    story.then(e.PromiseBroken(at=TOO_LATE, promise_id=PROMISE, paid_minor=0))


def test_a_promise_is_not_judged_before_its_days_of_grace_are_over() -> None:
    story = promised().when(pay(15_000)).when(JUDGE, at=LAST_DAY)
    story.then_raises(TooEarly, "promise_id")
    story.when(JUDGE, at=TOO_LATE).then(
        e.PromiseBroken(at=TOO_LATE, promise_id=PROMISE, paid_minor=15_000)
    )
    story.when(JUDGE, at=TOO_LATE).then_nothing()


def test_a_promise_kept_with_money_that_went_back_is_open_again() -> None:
    story = promised().when(pay(20_000)).when(bounce()).when(JUDGE, at=TOO_LATE)
    story.then(e.PromiseBroken(at=TOO_LATE, promise_id=PROMISE, paid_minor=0))


def test_a_promise_found_paid_when_it_is_judged_is_kept() -> None:
    paid = pay(20_000)
    story = given(*opened(), *promised().events, given(*opened()).when(paid).events[0])
    story.when(JUDGE).then(e.PromiseKept(at=NOON, promise_id=PROMISE))


def test_a_promise_is_withdrawn_once() -> None:
    command = c.WithdrawPromise(promise_id=PROMISE, reason="lost the job")
    story = promised().when(command)
    story.then(e.PromiseWithdrawn(at=NOON, promise_id=PROMISE, reason="lost the job"))
    story.when(command).then_nothing()
    story.when(JUDGE, at=TOO_LATE).then_nothing()


def test_a_promise_that_was_judged_cannot_be_withdrawn() -> None:
    command = c.WithdrawPromise(promise_id=PROMISE, reason="lost the job")
    promised().when(pay(20_000)).when(command).then_raises(WrongState, "promise_id")


def test_a_promise_nobody_made_is_named() -> None:
    given(*opened()).when(JUDGE).then_raises(Unknown, "promise_id")
    withdraw = c.WithdrawPromise(promise_id=PROMISE, reason="no")
    given(*opened()).when(withdraw).then_raises(Unknown, "promise_id")


def test_a_closed_case_takes_no_promise() -> None:
    closed = given(*opened()).when(c.CloseCase(reason="sold"))
    closed.when(promise(), at=NOON + DAY).then_raises(CaseIsClosed)
