"""What a hold asks of us: the debtor's dispute and our answer, and the days by which it is due."""

from datetime import timedelta
from uuid import UUID

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import Context
from duecourse.case.errors import Contradiction, Invalid, TooEarly, Unknown
from duecourse.case.holds import check_word, hold_named, law_of, law_of_hold, place_hold
from duecourse.case.state import Case, Hold
from duecourse.rules.protection import Protection

PUT_RIGHT = "put_right"
"""What was upheld is corrected: the debt is withdrawn, adjusted, or the hold lifted with a reason."""


def raise_dispute(case: Case, command: c.RaiseDispute, context: Context) -> list[e.Event]:
    """Keep what is disputed, and hold that debt alone."""
    if command.hold_id in case.holds:
        return _again(case.holds[command.hold_id], command)
    debt_id = command.debt_id or _only_debt(case)
    account = case.debts.get(debt_id)
    if account is None:
        raise Unknown(f"the case has no debt {debt_id}", "debt_id")
    if not command.said.strip():
        raise Invalid("write down what the debtor says", "said")
    owed = account.debt.balance.total
    if command.amount_minor is not None and command.amount_minor > owed:
        raise Invalid(f"the debt was placed with {owed} minor units only", "amount_minor")
    hold = c.PlaceHold(
        hold_id=command.hold_id,
        kind="dispute",
        authority="the debtor disputes the debt",
        debt_id=debt_id,
    )
    raised = e.DisputeRaised(
        at=context.at,
        hold_id=command.hold_id,
        debt_id=debt_id,
        ground=command.ground,
        said=command.said,
        evidence=command.evidence,
        amount_minor=command.amount_minor,
    )
    placed, *others = place_hold(case, hold, context)
    return [placed, raised, *others]


def _only_debt(case: Case) -> UUID:
    debts = tuple(case.active_debts)
    if len(debts) != 1:
        raise Invalid(f"the case has {len(debts)} debts; say which one is disputed", "debt_id")
    return debts[0]


def _again(hold: Hold, command: c.RaiseDispute) -> list[e.Event]:
    told = hold.dispute
    same_debt = command.debt_id in {None, hold.debt_id}
    if told is not None and same_debt and told.ground == command.ground:
        return []
    raise Contradiction(
        f"hold {command.hold_id!r} is about something else; give the dispute an id of its own",
        "hold_id",
    )


def answer_hold(case: Case, command: c.AnswerHold, context: Context) -> list[e.Event]:
    """Our answer ends the hold after the days that the law or we leave the debtor to read it.

    An answer that says the debtor is right keeps it, until what is wrong was put right.
    """
    if command.hold_id in case.past_holds:
        if case.ended_holds[command.hold_id].outcome == command.outcome:
            return []
        raise Unknown(f"hold {command.hold_id!r} has ended; place another", "hold_id")
    hold = hold_named(case, command.hold_id)
    if hold.outcome == command.outcome:
        return []
    today, since = case.today(context.at), case.today(hold.since)
    law = law_of(case, hold.kind, hold.variant, since)
    _check_answer(law, hold, command)
    if (by_law := law_of_hold(case, hold)).ended_by:
        # What is answered here is then the word of somebody else, such as an ombudsman.
        check_word(by_law, command.evidence, context)
    if not since <= command.answered_on <= today:
        raise Invalid(f"it is a day from {since} to today ({today})", "answered_on")
    is_open = command.outcome in law.open_after
    until = command.answered_on + timedelta(days=law.after_answer_days)
    return [
        e.HoldAnswered(
            at=context.at,
            hold_id=command.hold_id,
            outcome=command.outcome,
            answered_on=command.answered_on,
            until=None if is_open else max(until, today),
            reason=command.reason,
            evidence=command.evidence,
            deadlines=_to_put_right(law, command) if is_open else (),
        )
    ]


def _check_answer(law: Protection, hold: Hold, command: c.AnswerHold) -> None:
    if command.outcome not in law.answers:
        ways = ", ".join(law.answers)
        fix = f"answer it with: {ways}" if ways else "lift it instead"
        raise Invalid(f"a {hold.kind} hold is not answered like this; {fix}", "outcome")
    if not command.reason.strip():
        raise Invalid("give the reason that the debtor is told", "reason")


def _to_put_right(law: Protection, command: c.AnswerHold) -> tuple[e.HoldDeadline, ...]:
    if law.put_right_days is None:
        return ()
    due_on = command.answered_on + timedelta(days=law.put_right_days)
    return (e.HoldDeadline(name=PUT_RIGHT, due_on=due_on, citation=law.citation),)


def judge_deadline(case: Case, command: c.JudgeDeadline, context: Context) -> list[e.Event]:
    """Say that a day has passed; one for which the answer came in time says nothing."""
    hold = case.holds.get(command.hold_id)
    if hold is None:
        return []
    due = next((each for each in hold.deadlines if each.name == command.deadline), None)
    if due is None:
        return []
    if case.today(context.at) <= due.due_on:
        raise TooEarly(f"there is time until {due.due_on}", "deadline")
    return [
        e.DeadlineMissed(
            at=context.at,
            hold_id=command.hold_id,
            deadline=due.name,
            due_on=due.due_on,
            citation=due.citation,
        )
    ]
