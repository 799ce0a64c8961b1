"""What moves the limitation clock, gathered from the events in the order in which they came.

Only that it happened is kept, with what is proved of it; what it does to a period is for the law.
An act is known by what it comes from: `payment:pay-1`, `plan:...`, `contact:...`, `filing:...`.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final
from uuid import UUID

from msgspec.structs import replace

from duecourse.case import events as e
from duecourse.case.state import Case, ClockAct
from duecourse.case.words import ENDS_ACTION, CourtOutcome

DEMANDS: Final = frozenset(
    {"reminder-first", "reminder-second", "letter-balance", "letter-before-action"}
)
"""Our texts that ask for the money. Another demand is recorded as an act, with its evidence."""
CLAIMS: Final = frozenset({"letter_of_claim", "legal_threat"})
"""What a text contains that is a demand whatever its name."""
_ARRIVED: Final = frozenset({"delivered", "read"})
_SERVED: Final[frozenset[CourtOutcome]] = frozenset({"served", "opposed", "judgment"})
_PAUSES: Final = frozenset({"", "mental_health"})


def with_clock(case: Case, event: e.Event) -> Case:
    """The case after `event`, which has been applied already, with the acts that it stands for."""
    note = NOTES.get(type(event))
    return case if note is None else note(case, event)


def _with(case: Case, key: str, act: ClockAct) -> Case:
    return replace(case, clock_acts={**case.clock_acts, key: act})


def _without(case: Case, key: str) -> Case:
    if key not in case.clock_acts:
        return case
    kept = {name: act for name, act in case.clock_acts.items() if name != key}
    return replace(case, clock_acts=kept)


def _debts_in(case: Case, currency: str) -> tuple[UUID, ...]:
    return tuple(k for k, each in case.active_debts.items() if each.debt.currency == currency)


def _promised(case: Case, event: e.PromiseMade) -> Case:
    act = ClockAct(
        act="acknowledgement",
        debt_ids=_debts_in(case, event.currency),
        on=case.today(event.at),
    )
    return _with(case, f"promise:{event.promise_id}", act)


def _plan_accepted(case: Case, event: e.PlanAccepted) -> Case:
    currency = case.plans[event.plan_id].currency
    act = ClockAct(act="plan", debt_ids=_debts_in(case, currency), on=case.today(event.at))
    return _with(case, f"plan:{event.plan_id}", act)


def _paid(case: Case, event: e.PaymentRecorded) -> Case:
    debts = tuple(each.debt_id for each in event.allocations if each.paid.total)
    if not debts:
        return case
    act = ClockAct(act="part_payment", debt_ids=debts, on=event.value_on)
    return _with(case, f"payment:{event.payment_id}", act)


def _reversed(case: Case, event: e.PaymentReversed) -> Case:
    return _without(case, f"payment:{event.payment_id}")


def _receipt(case: Case, event: e.ReceiptRecorded) -> Case:
    """A demand counts from the first day on which it is proved to have arrived."""
    contact, key = case.contacts[event.contact_id], f"contact:{event.contact_id}"
    if contact.delivery not in _ARRIVED:
        return _without(case, key)
    is_demand = contact.template in DEMANDS or CLAIMS.intersection(contact.content or ())
    if contact.holder != "debtor" or not is_demand or event.status not in _ARRIVED:
        return case
    day = case.today(event.occurred_at)
    known = case.clock_acts.get(key)
    act = ClockAct(
        act="demand",
        debt_ids=contact.debts or tuple(case.active_debts),
        on=day if known is None else min(day, known.on),
        has=("arrived", "in_writing"),
    )
    return _with(case, key, act)


def _held(case: Case, event: e.HoldPlaced) -> Case:
    if event.kind != "breathing_space" or event.variant not in _PAUSES:
        return case
    debts = tuple(case.active_debts) if event.debt_id is None else (event.debt_id,)
    act = ClockAct(
        act="breathing_space", debt_ids=debts, on=case.today(event.at), until=event.until
    )
    return _with(case, f"hold:{event.hold_id}", act)


def _hold_end_set(case: Case, event: e.HoldEndSet | e.HoldAnswered) -> Case:
    return _until(case, f"hold:{event.hold_id}", case.holds[event.hold_id].until)


def _hold_over(case: Case, event: e.HoldLifted | e.HoldExpired) -> Case:
    hold, today = case.ended_holds[event.hold_id], case.today(event.at)
    ended = today if hold.until is None else min(hold.until, today)
    return _until(case, f"hold:{event.hold_id}", ended)


def _until(case: Case, key: str, until: date | None) -> Case:
    known = case.clock_acts.get(key)
    return case if known is None else _with(case, key, replace(known, until=until))


def _filed(case: Case, event: e.ClaimFiled) -> Case:
    key = f"filing:{event.referral_id}"
    if key in case.clock_acts:
        return case
    debts = case.referrals[event.referral_id].debt_ids
    return _with(case, key, ClockAct(act="filing", debt_ids=debts, on=case.today(event.at)))


def _court(case: Case, event: e.CourtOutcomeRecorded) -> Case:
    key = f"filing:{event.referral_id}"
    filing = case.clock_acts.get(key)
    if filing is None:
        return case
    if event.outcome in _SERVED:
        filing = replace(filing, has=("served",))
    ends = event.outcome in ENDS_ACTION or event.outcome == "judgment"
    if ends and event.occurred_on >= filing.on:
        filing = replace(filing, until=event.occurred_on)
    case = _with(case, key, filing)
    if event.outcome == "judgment":
        judged = ClockAct(act="judgment", debt_ids=filing.debt_ids, on=event.occurred_on)
        return _with(case, f"judgment:{event.referral_id}", judged)
    if event.outcome == "enforcement_started":
        enforced = ClockAct(act="enforcement", debt_ids=filing.debt_ids, on=event.occurred_on)
        return _with(case, f"enforcement:{event.referral_id}", enforced)
    return case


def _recorded(case: Case, event: e.LimitationActRecorded) -> Case:
    act = ClockAct(
        act=event.act,
        debt_ids=(event.debt_id,),
        on=event.on,
        until=event.until,
        has=event.has,
    )
    return _with(case, f"act:{event.act_id}", act)


# Any: each function takes its own event class.
NOTES: Final[Mapping[type[e.Event], Callable[[Case, Any], Case]]] = {
    e.PromiseMade: _promised,
    e.PlanAccepted: _plan_accepted,
    e.PaymentRecorded: _paid,
    e.PaymentReversed: _reversed,
    e.ReceiptRecorded: _receipt,
    e.HoldPlaced: _held,
    e.HoldAnswered: _hold_end_set,
    e.HoldEndSet: _hold_end_set,
    e.HoldLifted: _hold_over,
    e.HoldExpired: _hold_over,
    e.ClaimFiled: _filed,
    e.CourtOutcomeRecorded: _court,
    e.LimitationActRecorded: _recorded,
}
