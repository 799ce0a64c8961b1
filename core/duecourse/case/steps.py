"""Taking the next step of the treatment schedule."""

from datetime import date, timedelta
from typing import Final, assert_never
from uuid import UUID, uuid5

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.affordability import current_assessment
from duecourse.case.contacts import Wanted, ask_rules, first_reminder, may_contact
from duecourse.case.context import Context
from duecourse.case.legal import proposal
from duecourse.case.lifecycle import missing_for_legal
from duecourse.case.plan_drawing import drawn_up
from duecourse.case.plan_terms import MOST_INSTALMENTS
from duecourse.case.plans import to_negotiation
from duecourse.case.replans import is_one_too_many
from duecourse.case.state import Case, StepProgress
from duecourse.case.treatment import MOST_FAILURES, WAITS_FOR_DATA, about, next_step
from duecourse.money.recurrence import due_days
from duecourse.money.schedules import split
from duecourse.rules.treatment import Step

MOST_WORDS: Final = 500  # events.Text

WRITTEN: Final = ("email", "letter", "sms")


def follow_treatment(case: Case, command: c.FollowTreatment, context: Context) -> list[e.Event]:
    """Do the step that is due. A stale or early ask does nothing."""
    due = next_step(case, context.treatment)
    if due is None:
        return []
    step, when = due
    if step.id != command.step or when > context.at:
        return []
    progress = case.steps.get(step.id, StepProgress())
    if progress.failures >= MOST_FAILURES:
        return [_taken(step, context, "skipped", "it was tried too often and did not leave")]
    match step.do:
        case "contact":
            return _contact(case, step, context, progress)
        case "offer_plan":
            return _offer(case, step, context, progress)
        case "propose_referral":
            return _propose(case, step, context)
        case _:
            assert_never(step.do)


def _contact(case: Case, step: Step, context: Context, progress: StepProgress) -> list[e.Event]:
    answer = ask_rules(case, context, _wanted(case, step, progress, step.channel))
    events: list[e.Event] = [answer, *first_reminder(case, answer)]
    if isinstance(answer, e.ContactRefused) and _never(answer):
        events.append(_taken(step, context, "skipped", f"refused for good: {answer.rule}"))
    return events


def _wanted(case: Case, step: Step, progress: StepProgress, channel: str) -> Wanted:
    tries = sum(contact.step == step.id for contact in case.contacts.values())
    return Wanted(
        contact_id=_id(case, step, f"{tries}/{progress.not_before or ''}"),
        channel=channel,
        template=step.template,
        step=step.id,
        debts=about(case),
    )


def _never(answer: e.ContactRefused) -> bool:
    """Whether neither time nor mended data will turn the refusal: the next channel's turn."""
    return answer.next_lawful_at is None and answer.rule not in WAITS_FOR_DATA


def _offer(case: Case, step: Step, context: Context, progress: StepProgress) -> list[e.Event]:
    """Offer to pay by monthly instalments. An offer nobody hears of is none: it needs a contact."""
    offered = _instalments(case, step, context)
    if isinstance(offered, str):
        return [_taken(step, context, "skipped", offered)]
    channel = _open_channel(case, step, context)
    answer = ask_rules(case, context, _wanted(case, step, progress, channel))
    if isinstance(answer, e.ContactRefused):
        if _never(answer):
            reason = f"the offer cannot be sent: {answer.rule}"
            return [answer, _taken(step, context, "skipped", reason)]
        return [answer]
    return [offered, *to_negotiation(case, context, "a plan was offered"), answer]


def _open_channel(case: Case, step: Step, context: Context) -> str:
    """The step's channel, else another written one that is permitted now."""
    for channel in (step.channel, *(each for each in WRITTEN if each != step.channel)):
        verdict, _ = may_contact(case, context, channel, template=step.template, debts=about(case))
        if verdict.permitted:
            return channel
    return step.channel


def _instalments(case: Case, step: Step, context: Context) -> e.PlanOffered | str:
    """What is owed in the currency of the oldest debt, in equal parts, or why there is no plan.

    Where the household's form is known, in so many more parts that they fit into its surplus: a
    schedule has no second person to ask.
    """
    owing = [each for each in case.active_debts.values() if each.outstanding.total]
    currency = min(owing, key=lambda account: account.debt.due_on).debt.currency
    owed = case.outstanding(currency).total
    today = case.today(context.at)
    if is_one_too_many(case, today, context.treatment.replans_per_year):
        return "too many plans were not kept within twelve months; a person has to look"
    parts = _affordable(case, currency, min(step.instalments, owed), today, context)
    if not parts:
        return "the household has no surplus that a plan would fit into; review it for hardship"
    days = due_days(today + timedelta(days=step.first_after_days), len(parts), "month")
    command = c.OfferPlan(
        plan_id=_id(case, step, f"plan/{len(case.plans)}"),
        kind="instalments",
        currency=currency,
        instalments=tuple(
            e.Instalment(due_on=day, amount_minor=part)
            for day, part in zip(days, parts, strict=True)
        ),
        expires_on=today + timedelta(days=step.offer_days),
    )
    return drawn_up(case, command, context)


def _affordable(case: Case, currency: str, count: int, today: date, context: Context) -> list[int]:
    """Equal parts of what is owed, at least so many; empty when none are small enough."""
    owed = case.outstanding(currency).total
    found = current_assessment(case, currency, today, context.treatment)
    if found is None:
        return split(owed, count)
    most = found[1].available_minor
    counts = range(count, min(MOST_INSTALMENTS, owed) + 1)
    return next((parts for n in counts if max(parts := split(owed, n)) <= most), [])


def _propose(case: Case, step: Step, context: Context) -> list[e.Event]:
    missing = missing_for_legal(case)
    if missing:
        return [_taken(step, context, "skipped", f"not ready: {'; '.join(missing)}")]
    grounds = f"{step.dpd} days past due; reminders and an offered plan led to nothing"
    proposed = proposal(case, context, _id(case, step, f"referral/{len(case.referrals)}"), grounds)
    return [*proposed, _taken(step, context, "done", "legal review was proposed")]


def _taken(step: Step, context: Context, outcome: str, reason: str) -> e.TreatmentStepTaken:
    return e.TreatmentStepTaken(
        at=context.at,
        step=step.id,
        outcome="done" if outcome == "done" else "skipped",
        reason=reason[:MOST_WORDS],
    )


def _id(case: Case, step: Step, what: str) -> UUID:
    """An id that the same try of the same step of a case always gets, and no other."""
    return uuid5(case.subject_id, f"{case.creditor}/{step.id}/{what}")
