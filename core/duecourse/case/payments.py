"""Promises to pay, and money that came in."""

from functools import reduce

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.accrual import restated
from duecourse.case.allocating import received
from duecourse.case.context import Context
from duecourse.case.days import check_day
from duecourse.case.errors import Contradiction, Invalid, TooEarly, Unknown, WrongState
from duecourse.case.evolve import evolve
from duecourse.case.lifecycle import (
    after_surplus,
    at_rest,
    closing,
    moot_promises,
    recall_demands,
    reopening,
)
from duecourse.case.overpayments import used_surplus
from duecourse.case.plan_interest import charges_before
from duecourse.case.plans import plan_progress, to_negotiation, undone_by_reversal
from duecourse.case.promises import is_kept, last_day_of, tolerance_of
from duecourse.case.state import Case, Payment, Promise
from duecourse.case.words import MANUAL_CHANNELS


def make_promise(case: Case, command: c.MakePromise, context: Context) -> list[e.Event]:
    if command.promise_id in case.promises:
        return []
    owed = case.outstanding(command.currency).total
    if command.amount_minor > owed:
        raise Invalid(f"only {owed} minor units of {command.currency} are owed", "amount_minor")
    today = case.today(context.at)
    check_day(command.due_on, today, "due_on")
    if command.due_on < today:
        raise Invalid(f"a promise cannot be due before today ({today})", "due_on")
    made = e.PromiseMade(
        at=context.at,
        promise_id=command.promise_id,
        currency=command.currency,
        amount_minor=command.amount_minor,
        due_on=command.due_on,
        tolerance_minor=tolerance_of(command.amount_minor, context.treatment),
    )
    why = "a promise to pay was made"
    recalled = recall_demands(case, context, why, currency=command.currency)
    return [made, *to_negotiation(case, context, why), *recalled]


def judge_promise(case: Case, command: c.JudgePromise, context: Context) -> list[e.Event]:
    promise = _promise(case, command)
    if promise.status != "open":
        return []
    if is_kept(promise):
        return [e.PromiseKept(at=context.at, promise_id=command.promise_id)]
    last_day = last_day_of(case, promise, context.treatment)
    if last_day is None:
        raise TooEarly("a hold stops collection; wait until it is over", "promise_id")
    if case.today(context.at) <= last_day:
        raise TooEarly(f"the promise may be kept until {last_day}", "promise_id")
    return [
        e.PromiseBroken(at=context.at, promise_id=command.promise_id, paid_minor=promise.paid_minor)
    ]


def withdraw_promise(case: Case, command: c.WithdrawPromise, context: Context) -> list[e.Event]:
    promise = _promise(case, command)
    if promise.status == "withdrawn":
        return []
    if promise.status != "open":
        raise WrongState(f"the promise is already {promise.status}", "promise_id")
    return [e.PromiseWithdrawn(at=context.at, promise_id=command.promise_id, reason=command.reason)]


def _promise(case: Case, command: c.JudgePromise | c.WithdrawPromise) -> Promise:
    promise = case.promises.get(command.promise_id)
    if promise is None:
        raise Unknown(f"the case has no promise {command.promise_id}", "promise_id")
    return promise


def record_payment(case: Case, command: c.RecordPayment, context: Context) -> list[e.Event]:
    """Allocate by the law of the place, then say which promises and instalments it met."""
    known = case.payments.get(command.payment_id)
    if known is not None:
        _check_same(known, command)
        return []
    charged = (
        [] if command.payment_id in case.reversed_early else charges_before(case, command, context)
    )
    case = reduce(evolve, charged, case)
    paid = received(case, command, context)
    if command.payment_id in case.reversed_early:
        reason = case.reversed_early[command.payment_id]
        back = e.PaymentReversed(at=context.at, payment_id=command.payment_id, reason=reason)
        return [*paid, back]
    after = reduce(evolve, paid, case)
    met = [*_kept(after, context), *plan_progress(after, context, command.payment_id)]
    recalled = _called_back(case, context)
    events = [*charged, *paid, *met, *recalled]
    if case.is_closed or not case.owes:
        return events
    after = reduce(evolve, met, after)
    if after.owes:
        return [*events, *moot_promises(after, context)]
    settled = any(isinstance(event, e.BalanceWaived) for event in met)
    after = reduce(evolve, recalled, after)
    return [*events, *closing(after, context, "settled" if settled else "paid")]


def _check_same(known: Payment, command: c.RecordPayment) -> None:
    """The same payment again is a repeat; another one under its name must not get lost."""
    if (known.amount_minor, known.currency) == (command.amount_minor, command.currency):
        return
    raise Contradiction(
        f"payment {command.payment_id!r} is recorded with {known.amount_minor} minor units of"
        f" {known.currency}; give another payment an id of its own",
        "payment_id",
    )


def _called_back(case: Case, context: Context) -> list[e.Event]:
    """A text was made when it was permitted: none may ask for money that has since been paid."""
    return [
        e.ContactCancelled(at=context.at, contact_id=key, recalled=True, reason="a payment came in")
        for key, contact in case.contacts.items()
        if contact.status == "permitted" and contact.channel not in MANUAL_CHANNELS
    ]


def _kept(case: Case, context: Context) -> list[e.Event]:
    return [
        e.PromiseKept(at=context.at, promise_id=key)
        for key, promise in case.promises.items()
        if promise.status == "open" and is_kept(promise)
    ]


def reverse_payment(case: Case, command: c.ReversePayment, context: Context) -> list[e.Event]:
    """Take a payment back exactly as it went in; what depended on it is owed again."""
    payment = case.payments.get(command.payment_id)
    if command.payment_id in case.reversed_early or (payment and payment.reversed):
        return []
    back = e.PaymentReversed(at=context.at, payment_id=command.payment_id, reason=command.reason)
    if payment is None:
        return [back]
    after = evolve(case, back)
    lost = undone_by_reversal(case, after, command.payment_id, context)
    events: list[e.Event] = [back, *lost]
    for event in events[1:]:
        after = evolve(after, event)
    corrected = restated(
        after, context, payment.currency, "reversal",
        since=payment.value_on, payment_id=command.payment_id,
    )  # fmt: skip
    after = reduce(evolve, corrected, after)
    events += corrected
    used = used_surplus(after, context, "a payment was reversed")
    after = reduce(evolve, used, after)
    events += used
    if case.close_reason in {"paid", "settled"} and after.owes:
        events += reopening(case, context, "a payment was reversed")
    elif case.is_closed:
        events += at_rest(after, context, "the case is closed")
    elif used:
        events += after_surplus(after, context)
    return events
