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
from duecourse.case.lifecycle import missing_for_legal
from duecourse.case.state import Case
from duecourse.case.treatment import next_step
from duecourse.case.words import MANUAL_CHANNELS
from duecourse.rules.clock import day_ends
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
        if promise.status == "open":
            due_at = _after(case, promise.due_on, treatment.promise_grace_days)
            yield Timer(f"promise/{key}{_again(case)}", due_at)


def _plans(case: Case, treatment: Treatment) -> Iterator[Timer]:
    for key, plan in case.plans.items():
        if plan.status == "offered":
            yield Timer(f"offer/{key}", _after(case, plan.expires_on))
        if plan.status == "active":
            for number, each in enumerate(plan.instalments, start=1):
                if number > plan.met and number not in plan.missed:
                    due_at = _after(case, each.due_on, treatment.instalment_grace_days)
                    yield Timer(f"instalment/{key}/{number}{_again(case)}", due_at)


def _again(case: Case) -> str:
    """After a payment was reversed the same day is judged anew: that is another timer."""
    reversals = sum(payment.reversed for payment in case.payments.values())
    return f"/{reversals}" if reversals else ""


def _holds(case: Case) -> Iterator[Timer]:
    for key, hold in case.holds.items():
        if hold.until is not None:
            yield Timer(f"hold/{key}", _after(case, hold.until))


def _filings(case: Case) -> Iterator[Timer]:
    """What began must be brought to its end, whatever came in between."""
    ready = (
        {"filing"} if case.stage != "legal" or missing_for_legal(case) else {"filing", "approved"}
    )
    for key, referral in case.referrals.items():
        if referral.status in ready:
            yield Timer(f"file/{key}", referral.approved_at or case.at, lane=COURTS)


def _after(case: Case, day: date, grace_days: int = 0) -> datetime:
    """The first moment, on the debtor's clock, after a day and its days of grace are over."""
    return day_ends(case.zone(), day + timedelta(days=grace_days))


def command_of(timer: Timer) -> c.Command | None:
    """The command a timer stands for; None for those that need the outside world first."""
    make = COMMANDS.get(timer.kind)
    return None if make is None else make(timer.subject)


def _judge_instalment(subject: str) -> c.JudgeInstalment:
    plan_id, number, *_ = subject.split("/")
    return c.JudgeInstalment(plan_id=UUID(plan_id), number=int(number))


COMMANDS: Final[Mapping[str, Callable[[str], c.Command]]] = {
    "step": lambda step: c.FollowTreatment(step=step),
    "promise": lambda promise: c.JudgePromise(promise_id=UUID(promise.partition("/")[0])),
    "instalment": _judge_instalment,
    "offer": lambda plan: c.LapseOffer(plan_id=UUID(plan)),
    "hold": lambda hold: c.ExpireHold(hold_id=hold),
    "permission": lambda contact: c.CancelContact(
        contact_id=UUID(contact), reason="the permission expired"
    ),
}
