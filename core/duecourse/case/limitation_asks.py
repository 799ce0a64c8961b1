"""What is told of a limitation period, and the warnings before it ends."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import Context
from duecourse.case.days import check_day
from duecourse.case.errors import Contradiction, Invalid, TooEarly, Unknown
from duecourse.case.lifecycle import recall_calls
from duecourse.case.limitation import RECORDED, WARN_DAYS, last_day, standing
from duecourse.case.state import Case, ClockAct, DebtAccount, LimitationTerms
from duecourse.money.figures import Refused
from duecourse.money.limitation_laws import limitation_law

OVER: Final = -1
"""Days left, when the last day has passed."""
_NEVER_WARNED: Final = 9_999
MOST_ACTS: Final = 500


class NextWarning(e.Record):
    """That the period of a debt ends on `expires_on`, due on the day `on`."""

    debt_id: UUID
    expires_on: date
    days: int
    on: date


def set_limitation_terms(
    case: Case, command: c.SetLimitationTerms, context: Context
) -> list[e.Event]:
    account = _account(case, command.debt_id)
    today = case.today(context.at)
    check_day(command.starts_on, today, "starts_on")
    if command.known_on is not None and command.known_on < command.starts_on:
        raise Invalid("nobody knows of it before it fell due; leave it out", "known_on")
    if command.known_on is not None:
        check_day(command.known_on, today, "known_on")
    if command.law:
        try:
            limitation_law(command.law, command.contract)
        except Refused as wrong:
            raise Invalid(str(wrong), "law") from None
    known = case.limitation_terms.get(account.debt.debt_id, LimitationTerms())
    new = (command.law, command.contract, command.starts_on, command.known_on)
    if new == (known.law, known.contract, known.starts_on, known.known_on):
        return []
    told = e.LimitationTermsSet(
        at=context.at,
        debt_id=command.debt_id,
        law=command.law,
        contract=command.contract,
        starts_on=command.starts_on,
        known_on=command.known_on,
        how=command.how,
    )
    return [told, *recall_calls(case, context, "the limitation of a debt was recorded")]


def record_limitation_act(
    case: Case, command: c.RecordLimitationAct, context: Context
) -> list[e.Event]:
    _account(case, command.debt_id)
    known = case.clock_acts.get(f"act:{command.act_id}")
    if known is not None:
        return _again(known, command)
    if len(case.clock_acts) >= MOST_ACTS:
        raise Invalid(f"a case may have {MOST_ACTS} of these; its clock is full", "act_id")
    today = case.today(context.at)
    check_day(command.on, today, "on")
    if command.on > today:
        raise Invalid(f"it is after today ({today}); record it when it has happened", "on")
    if command.until is not None and command.until < command.on:
        raise Invalid("it ends before it begins", "until")
    told = e.LimitationActRecorded(
        at=context.at,
        act_id=command.act_id,
        debt_id=command.debt_id,
        act=command.act,
        on=command.on,
        until=command.until,
        has=tuple(sorted(set(command.has))),
        evidence=command.evidence,
    )
    return [told, *recall_calls(case, context, "the limitation of a debt was recorded")]


def _again(known: ClockAct, command: c.RecordLimitationAct) -> list[e.Event]:
    asked = (command.act, (command.debt_id,), command.on, command.until, set(command.has))
    if asked == (known.act, known.debt_ids, known.on, known.until, set(known.has)):
        return []
    raise Contradiction(
        f"act {command.act_id!r} was recorded differently; give another an id of its own", "act_id"
    )


def judge_limitation(case: Case, command: c.JudgeLimitation, context: Context) -> list[e.Event]:
    """Warn, or say that it is over. What has moved since the timer was set makes nothing."""
    today = case.today(context.at)
    asked = (command.debt_id, command.expires_on)
    due = next((x for x in next_warnings(case, today) if (x.debt_id, x.expires_on) == asked), None)
    if due is None or command.days < due.days:
        return []
    if today < due.on:
        if command.days > due.days:
            return []
        raise TooEarly(f"somebody is to be warned on {due.on}", "days")
    now = standing(case, command.debt_id, today)
    law = now.clock.law if now.clock and now.clock.expires_on == due.expires_on else ""
    citation = now.clock.citation if now.clock and law else RECORDED
    if due.days != OVER:
        return [
            e.LimitationWarned(
                at=context.at,
                debt_id=due.debt_id,
                expires_on=due.expires_on,
                days=due.days,
                law=law,
                citation=citation,
            )
        ]
    over = e.LimitationExpired(
        at=context.at,
        debt_id=due.debt_id,
        expires_on=due.expires_on,
        law=law,
        citation=citation,
    )
    return [over, *recall_calls(case, context, "the limitation period of a debt has run out")]


def next_warnings(case: Case, today: date) -> Iterator[NextWarning]:
    """For each debt on which something is owed, the first warning that was not given yet.

    Of those whose day has come already, only the last is given.
    """
    for debt_id, account in case.active_debts.items():
        ends = last_day(case, account, today) if account.outstanding.total else None
        if ends is None:
            continue
        terms = case.limitation_terms.get(debt_id)
        warned = None if terms is None else terms.warned
        given = warned[1] if warned is not None and warned[0] == ends else _NEVER_WARNED
        days = _next_days(ends, today, given)
        if days is not None:
            on = ends + timedelta(days=1) if days == OVER else ends - timedelta(days=days)
            yield NextWarning(debt_id=debt_id, expires_on=ends, days=days, on=on)


def _next_days(ends: date, today: date, given: int) -> int | None:
    """Those not given yet whose day is to come, or the last of those whose day has come."""
    left = [days for days in (*WARN_DAYS, OVER) if days < given]
    come = [days for days in left if ends - timedelta(days=days) <= today]
    return come[-1] if come else next(iter(left), None)


def limitation_words(case: Case) -> Iterator[str]:
    """For the worklist: what was warned of and still is so."""
    today = case.today(case.at)
    for debt_id, account in case.active_debts.items():
        terms = case.limitation_terms.get(debt_id)
        if terms is None or terms.warned is None or not account.outstanding.total:
            continue
        if terms.warned[0] == last_day(case, account, today):
            yield "limitation_expired" if terms.warned[1] == OVER else "limitation_near"


def _account(case: Case, debt_id: UUID) -> DebtAccount:
    account = case.debts.get(debt_id)
    if account is None:
        raise Unknown(f"the case has no debt {debt_id}", "debt_id")
    return account
