"""What is added to a debt or taken off it by people: charges, corrections, write-offs.

A charge is one person's; whatever makes a debt more or less than was said needs two.
"""

from functools import reduce
from typing import Final
from uuid import UUID

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.accrual import capped_event, restated
from duecourse.case.context import Context
from duecourse.case.days import check_day
from duecourse.case.errors import (
    CaseIsClosed,
    Contradiction,
    Invalid,
    NotAllowed,
    Unknown,
    WrongState,
)
from duecourse.case.evolve import evolve
from duecourse.case.ledger import account_of, accrued_through, bears_interest, forbids_charges
from duecourse.case.ledger_state import Adjustment
from duecourse.case.lifecycle import after_surplus, closing
from duecourse.case.overpayments import used_surplus
from duecourse.case.state import Case, DebtAccount
from duecourse.case.words import CloseReason
from duecourse.money.account import run_account
from duecourse.money.account_terms import Change
from duecourse.money.amounts import MAX_MINOR, Buckets
from duecourse.money.figures import Refused
from duecourse.money.legal_orders import HEADS

MOST_CHARGES: Final = 1_000


def _check_open(case: Case) -> None:
    """For what may itself close the case: the repeat of it is none of a closed case."""
    if case.is_closed:
        raise CaseIsClosed("the case is closed; reopen it first")


def _debt(case: Case, debt_id: UUID) -> DebtAccount:
    account = case.debts.get(debt_id)
    if account is None:
        raise Unknown(f"the case has no debt {debt_id}", "debt_id")
    if account.withdrawn:
        raise WrongState("the debt was withdrawn", "debt_id")
    return account


# --- charges ---------------------------------------------------------------------------------


def add_costs(case: Case, command: c.AddCosts, context: Context) -> list[e.Event]:
    """A charge, as far as the legal cap has room for it on the day on which it arose."""
    known = case.ledger.charges.get(command.charge_id)
    if known is not None:
        _check_same(known.debt_id == command.debt_id and known.amount_minor == command.amount_minor)
        return []
    _check_open(case)
    account = _debt(case, command.debt_id)
    today = case.today(context.at)
    check_day(command.incurred_on, today, "incurred_on")
    if command.incurred_on > today:
        raise Invalid(f"it cannot have arisen after today ({today})", "incurred_on")
    law = forbids_charges(case, command.debt_id, command.incurred_on)
    if law:
        raise WrongState(f"no charge may arise on that day, then or later ({law})", "incurred_on")
    if len(case.ledger.charges) >= MOST_CHARGES:
        raise Invalid(f"a case may have {MOST_CHARGES} charges", "charge_id")
    if account.outstanding.total + command.amount_minor > MAX_MINOR:
        raise Invalid(f"a debt may be {MAX_MINOR} minor units", "amount_minor")
    asked = _charge(command, context, 0)
    currency = account.debt.currency
    if not bears_interest(case, currency):
        return _followed(case, [_charge(command, context, command.amount_minor)], context)
    try:
        through = accrued_through(case, currency) or today
        result = run_account(account_of(evolve(case, asked), currency), through)
    except Refused as refused:
        raise Invalid(f"the account cannot be worked out: {refused}", "amount_minor") from None
    posted = result.charged[command.charge_id].total
    events: list[e.Event] = [_charge(command, context, posted)]
    if posted < command.amount_minor:
        heads = Buckets(**{command.bucket: command.amount_minor - posted})
        debt = result.debts[str(command.debt_id)]
        events.append(capped_event(context, command.debt_id, heads, debt, command.incurred_on))
    after = reduce(evolve, events, case)
    events += restated(after, context, currency, "charge", since=command.incurred_on)
    return events


def _charge(command: c.AddCosts, context: Context, posted: int) -> e.CostsAdded:
    return e.CostsAdded(
        at=context.at,
        charge_id=command.charge_id,
        debt_id=command.debt_id,
        bucket=command.bucket,
        amount_minor=command.amount_minor,
        posted_minor=posted,
        incurred_on=command.incurred_on,
        ground=command.ground,
        citation=command.citation,
    )


def _check_same(same: object) -> None:
    if not same:
        raise Contradiction("it was recorded under this id before, and differently", "charge_id")


# --- corrections and write-offs --------------------------------------------------------------


def propose_adjustment(case: Case, command: c.ProposeAdjustment, context: Context) -> list[e.Event]:
    known = case.ledger.adjustments.get(command.adjustment_id)
    if known is not None:
        same = (known.debt_id, known.kind, known.change, known.value_on)
        if same != (command.debt_id, command.kind, command.change, command.value_on):
            raise Contradiction("another one was proposed under this id", "adjustment_id")
        return []
    account = _debt(case, command.debt_id)
    today = case.today(context.at)
    check_day(command.value_on, today, "value_on")
    if command.value_on > today:
        raise Invalid(f"it cannot hold from after today ({today})", "value_on")
    if (command.kind == "correction") == (command.change == Change()):
        raise Invalid("a correction says by how much, and nothing else does", "change")
    if len(case.ledger.adjustments) >= MOST_CHARGES:
        raise Invalid(f"a case may have {MOST_CHARGES} adjustments", "adjustment_id")
    _check_change(account, command.change)
    return [
        e.AdjustmentProposed(
            at=context.at,
            adjustment_id=command.adjustment_id,
            debt_id=command.debt_id,
            kind=command.kind,
            change=command.change,
            value_on=command.value_on,
            reason=command.reason,
            authority=command.authority,
            proposed_by=context.actor.id,
        )
    ]


def _check_change(account: DebtAccount, change: Change) -> None:
    for head in HEADS:
        owed = getattr(account.outstanding, head)
        if owed + getattr(change, head) < 0:
            raise Invalid(f"only {owed} minor units of {head} are owed", "change")
    if account.outstanding.total + change.total > MAX_MINOR:
        raise Invalid(f"a debt may be {MAX_MINOR} minor units", "change")


def _adjustment(case: Case, key: str) -> Adjustment:
    found = case.ledger.adjustments.get(key)
    if found is None:
        raise Unknown(f"the case has no adjustment {key!r}", "adjustment_id")
    return found


def decline_adjustment(case: Case, command: c.DeclineAdjustment, context: Context) -> list[e.Event]:
    found = _adjustment(case, command.adjustment_id)
    if found.status == "declined":
        return []
    if found.status != "proposed":
        raise WrongState("it has been approved", "adjustment_id")
    return [
        e.AdjustmentDeclined(
            at=context.at,
            adjustment_id=command.adjustment_id,
            reason=command.reason,
            declined_by=context.actor.id,
        )
    ]


def approve_adjustment(case: Case, command: c.ApproveAdjustment, context: Context) -> list[e.Event]:
    """Four eyes: it takes effect when another person than the one who proposed it agrees."""
    found = _adjustment(case, command.adjustment_id)
    if found.status == "approved":
        return []
    if found.status != "proposed":
        raise WrongState("it has been declined; propose another", "adjustment_id")
    _check_open(case)
    if context.actor.id == found.proposed_by:
        raise NotAllowed("whoever proposed it cannot approve it", "adjustment_id")
    account = _debt(case, found.debt_id)
    if found.kind == "correction":
        _check_change(account, found.change)
        return _followed(case, [_adjusted(command.adjustment_id, found, context)], context)
    forgiven = account.outstanding if found.kind == "forgiveness" else Buckets()
    written_off = e.DebtWrittenOff(
        at=context.at,
        adjustment_id=command.adjustment_id,
        debt_id=found.debt_id,
        value_on=found.value_on,
        still_owed=found.kind == "write_off",
        forgiven=forgiven,
        reason=found.reason,
        authority=found.authority,
        proposed_by=found.proposed_by,
        approved_by=context.actor.id,
    )
    return _followed(case, [written_off], context)


def _adjusted(key: str, found: Adjustment, context: Context) -> e.DebtAdjusted:
    return e.DebtAdjusted(
        at=context.at,
        adjustment_id=key,
        debt_id=found.debt_id,
        change=found.change,
        value_on=found.value_on,
        reason=found.reason,
        authority=found.authority,
        proposed_by=found.proposed_by,
        approved_by=context.actor.id,
    )


def _followed(
    case: Case, events: list[e.CostsAdded | e.DebtAdjusted | e.DebtWrittenOff], context: Context
) -> list[e.Event]:
    """With what it changes of the account; a case on which nothing is owed any more is closed."""
    first = events[0]
    after = reduce(evolve, events, case)
    currency = case.debts[first.debt_id].debt.currency
    since = first.incurred_on if isinstance(first, e.CostsAdded) else first.value_on
    changed = restated(after, context, currency, "adjustment", since=since)
    after = reduce(evolve, changed, after)
    used = used_surplus(after, context, "a debt was corrected")
    after = reduce(evolve, used, after)
    done: list[e.Event] = [*events, *changed, *used]
    if used:
        return [*done, *after_surplus(after, context)]
    if case.owes and not after.owes:
        why: CloseReason = "forgiven" if isinstance(first, e.DebtWrittenOff) else "cured"
        return [*done, *closing(after, context, why)]
    return done
