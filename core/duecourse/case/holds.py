"""Holds: what protects the debtor, or the process, from going on."""

from datetime import date

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import Context
from duecourse.case.days import check_day
from duecourse.case.errors import Invalid, TooEarly, Unknown
from duecourse.case.lifecycle import recall, recall_reports
from duecourse.case.state import Case
from duecourse.case.words import HOLD_BLOCKS


def place_hold(case: Case, command: c.PlaceHold, context: Context) -> list[e.Event]:
    """From now on what the hold blocks is blocked; contacts not yet sent are called back."""
    if command.hold_id in case.holds:
        return []
    if command.hold_id in case.past_holds:
        raise Invalid(f"hold {command.hold_id!r} has ended; use another hold_id", "hold_id")
    _check_until(command.until, case.today(context.at))
    if command.debt_id is not None and command.debt_id not in case.debts:
        raise Unknown(f"the case has no debt {command.debt_id}", "debt_id")
    blocks = HOLD_BLOCKS[command.kind] if command.blocks is None else command.blocks
    placed = e.HoldPlaced(
        at=context.at,
        hold_id=command.hold_id,
        kind=command.kind,
        blocks=blocks,
        until=command.until,
        authority=command.authority,
        debt_id=command.debt_id,
    )
    why = f"a hold was placed: {command.kind}"
    contacts = recall(case, context, why) if "outreach" in blocks else []
    reports = recall_reports(case, context, why) if "bureau" in blocks else []
    return [placed, *contacts, *reports]


def _check_until(until: date | None, today: date) -> None:
    if until is None:
        return
    check_day(until, today, "until")
    if until < today:
        raise Invalid(f"a hold cannot end before today ({today})", "until")


def lift_hold(case: Case, command: c.LiftHold, context: Context) -> list[e.Event]:
    if command.hold_id in case.past_holds:
        return []
    if command.hold_id not in case.holds:
        raise Unknown(f"the case has no hold {command.hold_id!r}", "hold_id")
    return [e.HoldLifted(at=context.at, hold_id=command.hold_id, reason=command.reason)]


def expire_hold(case: Case, command: c.ExpireHold, context: Context) -> list[e.Event]:
    hold = case.holds.get(command.hold_id)
    if hold is None:
        return []
    if hold.until is None or case.today(context.at) <= hold.until:
        raise TooEarly(f"the hold lasts until {hold.until or 'it is lifted'}", "hold_id")
    return [e.HoldExpired(at=context.at, hold_id=command.hold_id)]
