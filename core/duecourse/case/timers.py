"""What a case will have to do by itself, and when: derived from its state alone, so rebuildable.

A timer fires at least once; the command it stands for has an id made from case, key and due
time, so it takes effect once.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

import msgspec

from duecourse.case import commands as c
from duecourse.case.grace import last_day_of_grace, rested_through
from duecourse.case.ledger import known_until
from duecourse.case.lifecycle import missing_for_legal
from duecourse.case.limitation_asks import next_warnings
from duecourse.case.plan_interest import uncharged
from duecourse.case.plans import grace_days
from duecourse.case.promises import last_day_of
from duecourse.case.state import Case, Plan
from duecourse.case.treatment import next_step
from duecourse.case.words import MANUAL_CHANNELS
from duecourse.rules.clock import day_begins, day_ends
from duecourse.rules.treatment import Treatment

COURTS: Final = "/courts"
"""The lane of what is filed. No channel can have this name."""


class Timer(msgspec.Struct, frozen=True):
    """`key` is unique within its case and names what is due: `instalment/<plan>/3`.

    What needs the outside world waits in a lane of its own: that of its channel, or of the courts.
    """

    key: str
    due_at: datetime
    lane: str = ""

    @property
    def kind(self) -> str:
        return self.key.partition("/")[0]

    @property
    def subject(self) -> str:
        return self.key.partition("/")[2]

    def command_id(self, case_id: UUID) -> UUID:
        return uuid5(case_id, f"{self.key}@{self.due_at.astimezone(UTC).isoformat()}")


def timers_of(case: Case, treatment: Treatment) -> list[Timer]:
    """Everything that is due, now or later, while the case stays as it is."""
    begun = [*_dispatches(case), *_filings(case)]
    if case.is_closed:
        return begun
    return [
        *begun,
        *_permissions(case),
        *_steps(case, treatment),
        *_promises(case, treatment),
        *_plans(case, treatment),
        *_holds(case),
        *_limitation(case),
        *_accruals(case),
    ]


def _dispatches(case: Case) -> Iterator[Timer]:
    """Also those that began: after a crash somebody has to find out what became of them."""
    for key, contact in case.contacts.items():
        if contact.channel in MANUAL_CHANNELS:
            continue
        if contact.status in {"permitted", "dispatching"}:
            due_at = contact.not_before or contact.permitted_at
            yield Timer(f"dispatch/{key}", due_at, lane=contact.channel)


def _permissions(case: Case) -> Iterator[Timer]:
    """What a person was permitted to do and did not."""
    for key, contact in case.contacts.items():
        if contact.channel in MANUAL_CHANNELS and contact.status == "permitted":
            yield Timer(f"permission/{key}", contact.expires_at)


def _steps(case: Case, treatment: Treatment) -> Iterator[Timer]:
    due = next_step(case, treatment)
    if due is not None:
        yield Timer(f"step/{due[0].id}", due[1])


def _promises(case: Case, treatment: Treatment) -> Iterator[Timer]:
    for key, promise in case.promises.items():
        last_day = last_day_of(case, promise, treatment) if promise.status == "open" else None
        if last_day is not None:
            yield Timer(f"promise/{key}{_again(case)}", _after(case, last_day))


def _plans(case: Case, treatment: Treatment) -> Iterator[Timer]:
    for key, plan in case.plans.items():
        if plan.status in {"proposed", "offered"}:
            yield Timer(f"offer/{key}", _after(case, plan.expires_on))
        if plan.status == "active":
            yield from _plan_interest(case, key, plan)
            yield from _instalments(case, key, plan, treatment)


def _instalments(case: Case, key: UUID, plan: Plan, treatment: Treatment) -> Iterator[Timer]:
    """Under a hold that stops collection and has no end, none is judged."""
    rested = rested_through(case, plan.currency)
    for number, each in enumerate(plan.instalments, start=1):
        last_day = last_day_of_grace(each.due_on, grace_days(plan, treatment), rested)
        if number > plan.met and number not in plan.missed and last_day is not None:
            yield Timer(f"instalment/{key}/{number}{_again(case)}", _after(case, last_day))


def _plan_interest(case: Case, key: UUID, plan: Plan) -> Iterator[Timer]:
    """As the day of an instalment begins, its interest is owed."""
    for number, each in enumerate(plan.instalments, start=1):
        if uncharged(plan, number):
            due_at = day_begins(case.zone(), each.due_on)
            yield Timer(f"interest/{key}/{number}{_again(case)}", due_at)


def _again(case: Case) -> str:
    """After a payment was reversed the same day is judged anew: that is another timer."""
    reversals = sum(payment.reversed for payment in case.payments.values())
    return f"/{reversals}" if reversals else ""


def _holds(case: Case) -> Iterator[Timer]:
    for key, hold in case.holds.items():
        if hold.until is not None:
            yield Timer(f"hold/{key}", _after(case, hold.until))
        for each in hold.deadlines:
            yield Timer(f"deadline/{key}/{each.name}", _after(case, each.due_on))


def _limitation(case: Case) -> Iterator[Timer]:
    for each in next_warnings(case, case.today(case.at)):
        key = f"limitation/{each.debt_id}/{each.expires_on}/{each.days}"
        yield Timer(key, _after(case, each.on - timedelta(days=1)))


def _accruals(case: Case) -> Iterator[Timer]:
    """Interest is posted when a month is over; not while an offer waits for its answer."""
    if any(plan.status in {"proposed", "offered"} for plan in case.plans.values()):
        return
    days = [
        _month_after(
            case.ledger.totals[key].through_on if key in case.ledger.totals else terms.from_on
        )
        for key, terms in case.ledger.terms.items()
        if key in case.active_debts
        and case.debts[key].outstanding.principal
        and _can_accrue(case, key)
    ]
    if days:
        yield Timer(f"accrual/{min(days)}", _after(case, min(days) - timedelta(days=1)))


def _month_after(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _can_accrue(case: Case, debt_id: UUID) -> bool:
    """Whether the month to come has a day of which the rate is known."""
    terms, totals = case.ledger.terms[debt_id], case.ledger.totals.get(debt_id)
    return (terms.from_on if totals is None else totals.through_on) < known_until(terms)


def _filings(case: Case) -> Iterator[Timer]:
    """What began must be brought to its end, whatever came in between."""
    for key, referral in case.referrals.items():
        ready = {"filing"}
        if case.stage == "legal" and not missing_for_legal(case, referral.debt_ids):
            ready.add("approved")
        if referral.status in ready:
            yield Timer(f"file/{key}", referral.approved_at or case.at, lane=COURTS)


def _after(case: Case, day: date) -> datetime:
    """The first moment, on the debtor's clock, after a day is over."""
    return day_ends(case.zone(), day)


def command_of(timer: Timer) -> c.Command | None:
    """The command a timer stands for; None for those that need the outside world first."""
    make = COMMANDS.get(timer.kind)
    return None if make is None else make(timer.subject)


def _judge_instalment(subject: str) -> c.JudgeInstalment:
    plan_id, number, *_ = subject.split("/")
    return c.JudgeInstalment(plan_id=UUID(plan_id), number=int(number))


def _judge_limitation(subject: str) -> c.JudgeLimitation:
    debt_id, expires_on, days = subject.split("/")
    return c.JudgeLimitation(
        debt_id=UUID(debt_id), expires_on=date.fromisoformat(expires_on), days=int(days)
    )


def _judge_deadline(subject: str) -> c.JudgeDeadline:
    hold_id, deadline = subject.split("/")
    return c.JudgeDeadline(hold_id=hold_id, deadline=deadline)


def _charge_interest(subject: str) -> c.ChargePlanInterest:
    plan_id, number, *_ = subject.split("/")
    return c.ChargePlanInterest(plan_id=UUID(plan_id), number=int(number))


COMMANDS: Final[Mapping[str, Callable[[str], c.Command]]] = {
    "step": lambda step: c.FollowTreatment(step=step),
    "promise": lambda promise: c.JudgePromise(promise_id=UUID(promise.partition("/")[0])),
    "instalment": _judge_instalment,
    "interest": _charge_interest,
    "offer": lambda plan: c.LapseOffer(plan_id=UUID(plan)),
    "accrual": lambda day: c.AccrueInterest(through_on=date.fromisoformat(day)),
    "hold": lambda hold: c.ExpireHold(hold_id=hold),
    "deadline": _judge_deadline,
    "limitation": _judge_limitation,
    "permission": lambda contact: c.CancelContact(
        contact_id=UUID(contact), reason="the permission expired"
    ),
}
