"""Where a case stands in its treatment schedule, and when the next step is due."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from duecourse.case import events as e
from duecourse.case.state import Case, StepProgress
from duecourse.rules.treatment import Step, Treatment

RETRY_AFTER: Final = timedelta(hours=1)
MOST_FAILURES: Final = 3
# A rule that waits for somebody to mend the data, not for time to pass.
WAITS_FOR_DATA: Final = frozenset({"unknown_time_zone", "unknown_jurisdiction", "no_pack_in_force"})


def after_refusal(case: Case, event: e.ContactRefused) -> Mapping[str, StepProgress]:
    """A refused step is due again at the next lawful moment, or when the data is mended."""
    if not event.step:
        return case.steps
    before = case.steps.get(event.step, StepProgress())
    step = replace(
        before,
        outcome="",
        not_before=event.next_lawful_at,
        blocked=event.next_lawful_at is None and event.rule in WAITS_FOR_DATA,
    )
    return {**case.steps, event.step: step}


def after_failure(case: Case, contact_id: UUID, at: datetime) -> Mapping[str, StepProgress]:
    """A step whose message did not leave is due again, later each time."""
    return _due_again(case, contact_id, at, failures=1)


def after_recall(case: Case, contact_id: UUID, at: datetime) -> Mapping[str, StepProgress]:
    """A step whose message was called back is due again; nothing went wrong with it."""
    return _due_again(case, contact_id, at, failures=0)


def after_proof(case: Case, contact_id: UUID) -> Mapping[str, StepProgress]:
    """A step whose message left after all, though it was believed lost, is taken."""
    name = case.contacts[contact_id].step
    progress = case.steps.get(name)
    if progress is None or progress.outcome:
        return case.steps
    return {**case.steps, name: replace(progress, outcome="done", not_before=None)}


def _due_again(
    case: Case, contact_id: UUID, at: datetime, *, failures: int
) -> Mapping[str, StepProgress]:
    name = case.contacts[contact_id].step
    if not name:
        return case.steps
    before = case.steps.get(name, StepProgress())
    not_before = at + RETRY_AFTER * 2**before.failures
    step = replace(before, outcome="", failures=before.failures + failures, not_before=not_before)
    return {**case.steps, name: step}


def next_step(case: Case, treatment: Treatment) -> tuple[Step, datetime] | None:
    """The first step not yet taken and when it is due; None while the schedule rests.

    It rests while anything better than a reminder is under way: a plan, a promise, an offer on
    the table, a hold, a message in flight, legal action; and while words of the debtor wait to be
    read, which may say any of these things.
    """
    if case.stage in {"legal", "closed"} or not case.owes or _under_way(case):
        return None
    for step in treatment.steps:
        progress = case.steps.get(step.id, StepProgress())
        if progress.outcome:
            continue
        if progress.blocked or (step.do == "offer_plan" and about(case)):
            # A plan is for all that is owed, so it waits for what is disputed.
            return None
        return step, _due_at(case, treatment, step, progress)
    return None


def about(case: Case) -> tuple[UUID, ...]:
    """What the schedule speaks of: nothing named, or what is left beside debts that are held."""
    holds = [hold for hold in case.holds.values() if "outreach" in hold.blocks]
    if all(hold.debt_id is None for hold in holds):
        return ()
    return case.free_of("outreach")


def _under_way(case: Case) -> bool:
    return bool(
        case.waiting_replies
        or case.blocks("outreach")
        or any(plan.status in {"offered", "active"} for plan in case.plans.values())
        or any(promise.status == "open" for promise in case.promises.values())
        or any(
            contact.step and contact.status in {"permitted", "dispatching"}
            for contact in case.contacts.values()
        )
        or any(ref.status in {"proposed", "approved", "filing"} for ref in case.referrals.values())
    )


def _due_at(case: Case, treatment: Treatment, step: Step, progress: StepProgress) -> datetime:
    """On its day, after every pause, and never before the schedule's hour of the morning."""
    named = about(case)
    oldest = min(
        account.debt.due_on
        for key, account in case.active_debts.items()
        if account.outstanding.total and (not named or key in named)
    )
    day = _morning(case, treatment, oldest + timedelta(days=step.dpd))
    moments = [day, case.at, progress.not_before, _pause_ends(case, treatment)]
    earliest = max(each for each in moments if each is not None)
    return max(earliest, _morning(case, treatment, case.today(earliest)))


def _morning(case: Case, treatment: Treatment, day: date) -> datetime:
    return datetime.combine(day, treatment.contact_from, tzinfo=case.zone())


def _pause_ends(case: Case, treatment: Treatment) -> datetime | None:
    """After each contact of the schedule the debtor is left in peace for some days."""
    sent = [
        (contact.dispatched_at, contact.step)
        for contact in case.contacts.values()
        if contact.dispatched_at and contact.step and contact.status != "rejected"
    ]
    if not sent:
        return None
    pauses = {step.id: timedelta(days=step.pause_days) for step in treatment.steps}
    return max(at + pauses.get(step, timedelta()) for at, step in sent)
