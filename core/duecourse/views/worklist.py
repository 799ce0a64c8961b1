"""One line of the worklist per case, without a word that names a person."""

from collections.abc import Iterator
from datetime import date, datetime
from uuid import UUID

import msgspec

from duecourse.case.grace import is_resting, rested_through
from duecourse.case.lifecycle import missing_for_legal
from duecourse.case.limitation_asks import limitation_words
from duecourse.case.overpayments import owed_back, surplus_currencies
from duecourse.case.plan_limits import has_cap
from duecourse.case.state import Case, Contact
from duecourse.case.treatment import next_step
from duecourse.case.words import MANUAL_CHANNELS, Stage
from duecourse.rules.treatment import Treatment


class WorklistRow(msgspec.Struct, frozen=True, kw_only=True):
    """`attention` says why a person should look; empty when the case runs by itself.

    `oldest_due_on` is what days past due count from; None when nothing is owed.
    """

    case_id: UUID
    creditor: str
    stage: Stage
    opened_at: datetime
    updated_at: datetime
    currency: str
    outstanding_minor: int
    oldest_due_on: date | None
    holds: tuple[str, ...]
    plan: str
    next_step: str
    next_step_at: datetime | None
    attention: tuple[str, ...]


def worklist_row(case_id: UUID, case: Case, treatment: Treatment) -> WorklistRow:
    owing = [each for each in case.active_debts.values() if each.outstanding.total]
    currencies = sorted({each.debt.currency for each in owing})
    step = next_step(case, treatment)
    return WorklistRow(
        case_id=case_id,
        creditor=case.creditor,
        stage=case.stage,
        opened_at=case.opened_at,
        updated_at=case.at,
        currency="+".join(currencies),
        outstanding_minor=case.outstanding(currencies[0]).total if len(currencies) == 1 else 0,
        oldest_due_on=min((each.debt.due_on for each in owing), default=None),
        holds=tuple(sorted({hold.kind for hold in case.holds.values()})),
        plan=_plan(case),
        next_step=step[0].id if step else "",
        next_step_at=step[1] if step else None,
        attention=tuple(_attention(case)),
    )


def _is_unknown(contact: Contact) -> bool:
    return contact.status == "unknown" and contact.delivery is None


def _is_not_sent(case: Case) -> bool:
    """The newest message was called back, and nothing that protects the debtor says why.

    It had no channel, no template or a missing fact; a hold or a payment is no trouble.
    """
    messages = [each for each in case.contacts.values() if each.channel not in MANUAL_CHANNELS]
    if not messages or messages[-1].status != "cancelled":
        return False
    newest = messages[-1]
    step = case.steps.get(newest.step)
    # A step counts what failed; called back by a payment or the like, none did.
    failed = step is None or step.failures > 0
    return (
        failed and not case.blocks("outreach") and not {newest.channel, "all"} & set(case.opted_out)
    )


def _filing_waits(case: Case) -> bool:
    """Approved, and then something fairer or a hold came in between."""
    return any(
        each.status == "approved" and bool(missing_for_legal(case, each.debt_ids))
        for each in case.referrals.values()
    )


def _is_refused(case: Case, referral_id: UUID) -> bool:
    """The rules forbade it when they were last asked, and nobody has taken it back."""
    is_open = case.referrals[referral_id].status in {"proposed", "failed"}
    return is_open and referral_id in case.refusals


def _is_unassessed(case: Case) -> bool:
    """A plan is being kept of which nobody knows whether the household can."""
    plan = case.plans[case.active_plan] if case.active_plan else None
    if plan is None or plan.fit is None or plan.fit.verdict != "unknown":
        return False
    return not any(each.currency == plan.currency for each in case.assessments.values())


def _has_no_cap(case: Case) -> bool:
    """A plan with interest is offered or kept, and of a debt that bears it no cap is known."""
    return any(
        not has_cap(case, key)
        for plan in case.plans.values()
        if plan.status in {"offered", "active"}
        for key in plan.cap_unknown
    )


def _plan(case: Case) -> str:
    """The status of the newest plan, if there is one."""
    return list(case.plans.values())[-1].status if case.plans else ""


def _overdue(case: Case) -> list[str]:
    """What we owe the debtor and did not do by its day: `answer_overdue`."""
    return sorted({f"{name}_overdue" for hold in case.holds.values() for name in hold.missed})


def _is_cut_short(case: Case) -> bool:
    """A hold that stands on a law was ended, or is to end, before its time: an auditor looks."""
    return any(each.cut_short for each in (*case.holds.values(), *case.ended_holds.values()))


def _on_hold(case: Case) -> list[str]:
    """What is agreed and not judged, as a hold stops collection; or did, and the grace runs anew."""
    words: list[str] = []
    for what, currency, due_on in _unjudged(case):
        rested = rested_through(case, currency)
        if is_resting(case, currency):
            words.append(f"{what}_on_hold")
        elif rested is not None and due_on <= rested:
            words.append(f"{what}_resumed")
    return words


def _unjudged(case: Case) -> Iterator[tuple[str, str, date]]:
    """Each open promise, and the next instalment, with the day on which it is due."""
    for promise in case.promises.values():
        if promise.status == "open":
            yield "promise", promise.currency, promise.due_on
    if case.active_plan:
        plan = case.plans[case.active_plan]
        for number, each in enumerate(plan.instalments, start=1):
            if number > plan.met and number not in plan.missed:
                yield "plan", plan.currency, each.due_on
                return


def _has_adjustment(case: Case) -> bool:
    """One person proposed it, and it waits for another."""
    return any(each.status == "proposed" for each in case.ledger.adjustments.values())


def _attention(case: Case) -> list[str]:
    """What waits for a person, in the field's words."""
    waiting = [
        (any(step.blocked for step in case.steps.values()), "data_missing"),
        (any(_is_unknown(each) for each in case.contacts.values()), "outcome_unknown"),
        (_is_not_sent(case), "contact_not_sent"),
        (any(each.status == "proposed" for each in case.referrals.values()), "referral_proposed"),
        (any(_is_refused(case, key) for key in case.referrals), "legal_refused"),
        (any(each.status == "failed" for each in case.referrals.values()), "filing_failed"),
        (_filing_waits(case), "filing_waits"),
        (any(hold.kind == "dispute" for hold in case.holds.values()), "disputed"),
        (_is_cut_short(case), "hold_cut_short"),
        (any(plan.status == "proposed" for plan in case.plans.values()), "plan_proposed"),
        (_has_adjustment(case), "adjustment_proposed"),
        (_is_unassessed(case), "affordability_unknown"),
        (_has_no_cap(case), "cap_unknown"),
        (any(plan.status == "broken" for plan in case.plans.values()), "plan_broken"),
        (any(each.status == "broken" for each in case.promises.values()), "promise_broken"),
        (any(not talk.permitted for talk in case.conversations.values()), "contact_breach"),
    ]
    told = dict.fromkeys((*_overdue(case), *_on_hold(case), *limitation_words(case)))
    waiting += [(True, word) for word in told]
    open_only = [] if case.is_closed else [word for is_so, word in waiting if is_so]
    # What somebody wrote, and money that is not ours or that we are owed, stays after the close.
    always = [
        (bool(case.waiting_replies), "reply_waits"),
        (bool(surplus_currencies(case)), "overpaid"),
        (bool(owed_back(case)), "owed_back"),
    ]
    return [*open_only, *(word for is_so, word in always if is_so)]
