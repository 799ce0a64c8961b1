"""Holds: what protects the debtor, or the process, from going on."""

from datetime import date, timedelta
from typing import Final

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import Context
from duecourse.case.days import check_day
from duecourse.case.errors import Invalid, NotAllowed, TooEarly, Unknown
from duecourse.case.lifecycle import recall, recall_reports
from duecourse.case.state import Case, Hold
from duecourse.case.words import Blocks
from duecourse.money.recurrence import months_after
from duecourse.rules.protection import Duty, Protection, protection, variants_of

MOST_HOLDS: Final = 200


def place_hold(case: Case, command: c.PlaceHold, context: Context) -> list[e.Event]:
    """From now on what the hold blocks is blocked; contacts not yet sent are called back.

    What is not said - what it blocks, until when, what we have to do by when - the law says.
    """
    if command.hold_id in case.holds:
        return []
    if command.hold_id in case.past_holds:
        raise Invalid(f"hold {command.hold_id!r} has ended; use another hold_id", "hold_id")
    if command.debt_id is not None and command.debt_id not in case.debts:
        raise Unknown(f"the case has no debt {command.debt_id}", "debt_id")
    if len(case.holds) >= MOST_HOLDS:
        raise Invalid(f"a case may have {MOST_HOLDS} holds; lift those that have ended", "hold_id")
    today = case.today(context.at)
    law = law_of(case, command.kind, command.variant, today)
    _check_until(command.until, today)
    cut_short = bool(law.ended_by) and _is_shorter(law, today, command.until)
    if cut_short:
        check_word(law, command.evidence, context)
    _check_terms(case, command, law, today)
    placed = e.HoldPlaced(
        at=context.at,
        hold_id=command.hold_id,
        kind=command.kind,
        blocks=law.blocks if command.blocks is None else tuple(dict.fromkeys(command.blocks)),
        until=command.until or law.last_day(today),
        authority=command.authority,
        debt_id=command.debt_id,
        variant=command.variant,
        deadlines=deadlines(law.duties, today),
        citation=law.citation,
        reason=command.reason,
        purpose=command.purpose,
        deferred=command.deferred,
        evidence=command.evidence,
        cut_short=cut_short,
    )
    return [placed, *called_back(case, placed, context)]


def called_back(case: Case, placed: e.HoldPlaced, context: Context) -> list[e.Event]:
    """What waits to leave about the debts that are protected now."""
    why = f"a hold was placed: {placed.kind}"
    debt = placed.debt_id
    contacts = recall(case, context, why, debt=debt) if "outreach" in placed.blocks else []
    reports = recall_reports(case, context, why, debt=debt) if "bureau" in placed.blocks else []
    return [*contacts, *reports]


def law_of(case: Case, kind: str, variant: str, on: date) -> Protection:
    """What the law of the debtor's places gives; of several places the strictest."""
    places = [case.debtor.jurisdiction, *(each.jurisdiction for each in case.other_places)]
    try:
        return protection(kind, variant, list(dict.fromkeys(places)), on)
    except LookupError:
        known = ", ".join(sorted(each or '""' for each in variants_of(kind)))
        raise Invalid(
            f"the law of the place knows no {kind} of the form {variant!r}; elsewhere there"
            f" are: {known}",
            "variant",
        ) from None


def law_of_hold(case: Case, hold: Hold) -> Protection:
    """What the law gives a hold, of today's places and of those it was placed under.

    Who moves, or is written down elsewhere, keeps what protected them.
    """
    places = [*hold.places, case.debtor.jurisdiction]
    places += [each.jurisdiction for each in case.other_places]
    return protection(hold.kind, hold.variant, list(dict.fromkeys(places)), case.today(hold.since))


def check_word(law: Protection, evidence: str, context: Context) -> None:
    """Before the end of a hold that stands on a law: by legal staff, on the word that ends it.

    Raises NotAllowed or Invalid.
    """
    if context.actor.role != "legal":
        raise NotAllowed(
            f"the hold stands on a law ({law.citation}): only legal staff end it before its time,"
            f" with the word of {law.ended_by} as evidence",
            "evidence",
        )
    if not evidence.strip():
        raise Invalid(
            f"the hold stands on a law ({law.citation}) and ends before its time on the word of"
            f" {law.ended_by} alone; say which notice, order or letter it is, of which day",
            "evidence",
        )


def deadlines(duties: tuple[Duty, ...], since: date) -> tuple[e.HoldDeadline, ...]:
    return tuple(
        e.HoldDeadline(
            name=each.name, due_on=since + timedelta(days=each.days), citation=each.citation
        )
        for each in duties
    )


def _check_until(until: date | None, today: date) -> None:
    if until is None:
        return
    check_day(until, today, "until")
    if until < today:
        raise Invalid(f"a hold cannot end before today ({today})", "until")


def _check_terms(case: Case, command: c.PlaceHold, law: Protection, today: date) -> None:
    """What goes beyond the law is possible, as nobody may go unprotected; but not unexplained.

    Nor is less than the law gives; of our own policy less may be asked.
    """
    if law.needs_purpose and not command.purpose.strip():
        raise Invalid("say what is done otherwise for the debtor, and no more than that", "purpose")
    is_explained = bool(command.reason.strip())
    is_shorter = _is_shorter(law, today, command.until)
    check_blocks(law, command.blocks, is_explained=is_explained)
    if is_explained:
        return
    if is_shorter and not law.ended_by and law.confidence != "house":
        raise Invalid(
            f"the law gives it until {law.last_day(today)} ({law.citation}); leave until out, or give"
            " the reason for shorter",
            "until",
        )
    longest = law.longest(today)
    if longest is not None and command.until is not None and command.until > longest:
        raise Invalid(
            f"the law gives it until {longest} ({law.citation}); give the reason for longer",
            "until",
        )
    before = _latest_start(case, command)
    if law.once_per_months and before and today < months_after(before, law.once_per_months):
        raise Invalid(
            f"there was one on {before}, and the law gives one in {law.once_per_months} months"
            f" ({law.citation}); give the reason for another",
            "reason",
        )


def check_blocks(law: Protection, blocks: tuple[Blocks, ...] | None, *, is_explained: bool) -> None:
    """Raises Invalid for less than the law blocks; of a moratorium whatever the reason."""
    missing = [each for each in law.blocks if blocks is not None and each not in blocks]
    if not missing or law.confidence == "house" or (is_explained and not law.moratorium):
        return
    reason = "" if law.moratorium else ", or give the reason for less"
    raise Invalid(
        f"the law also blocks {', '.join(missing)} ({law.citation}); add it, or leave blocks"
        f" out{reason}",
        "blocks",
    )


def _is_shorter(law: Protection, since: date, until: date | None) -> bool:
    """Whether it would end before the law's day; what ends with a word only, on any day."""
    if until is None:
        return False
    usual = law.last_day(since)
    return bool(law.ended_by) if usual is None else until < usual


def _latest_start(case: Case, command: c.PlaceHold) -> date | None:
    alike = [*case.holds.values(), *case.ended_holds.values()]
    return max(
        (
            case.today(hold.since)
            for hold in alike
            if (hold.kind, hold.variant) == (command.kind, command.variant)
        ),
        default=None,
    )


def lift_hold(case: Case, command: c.LiftHold, context: Context) -> list[e.Event]:
    """One that stands on a law, before its time, only on the word that ends it."""
    if command.hold_id in case.past_holds:
        return []
    hold = hold_named(case, command.hold_id)
    law = law_of_hold(case, hold)
    is_over = hold.until is not None and hold.until < case.today(context.at)
    cut_short = bool(law.ended_by) and not is_over
    if cut_short:
        check_word(law, command.evidence, context)
    return [
        e.HoldLifted(
            at=context.at,
            hold_id=command.hold_id,
            reason=command.reason,
            evidence=command.evidence,
            cut_short=cut_short,
        )
    ]


def expire_hold(case: Case, command: c.ExpireHold, context: Context) -> list[e.Event]:
    hold = case.holds.get(command.hold_id)
    if hold is None:
        return []
    if hold.until is None or case.today(context.at) <= hold.until:
        raise TooEarly(f"the hold lasts until {hold.until or 'it is lifted'}", "hold_id")
    return [e.HoldExpired(at=context.at, hold_id=command.hold_id)]


def set_hold_end(case: Case, command: c.SetHoldEnd, context: Context) -> list[e.Event]:
    """Another end, with its reason; or the one that the law counts from the end of a treatment.

    Of one that stands on a law a sooner one, only on the word that ends it.
    """
    if (command.until is None) == (command.treatment_ended_on is None):
        raise Invalid("give either this or treatment_ended_on", "until")
    hold = hold_named(case, command.hold_id)
    today = case.today(context.at)
    until, citation = command.until, ""
    if command.treatment_ended_on is not None:
        until, citation = _after_treatment(case, hold, command.treatment_ended_on)
        # The days may have passed before anybody told us: then it ends with today.
        until = max(until, today)
    _check_until(until, today)
    if hold.until == until:
        return []
    law = law_of_hold(case, hold)
    cut_short = bool(law.ended_by) and (until or date.max) < (hold.until or date.max)
    if cut_short:
        check_word(law, command.evidence, context)
    return [
        e.HoldEndSet(
            at=context.at,
            hold_id=command.hold_id,
            until=until,
            reason=command.reason,
            citation=citation,
            evidence=command.evidence,
            cut_short=cut_short,
        )
    ]


def _after_treatment(case: Case, hold: Hold, ended_on: date) -> tuple[date, str]:
    since = case.today(hold.since)
    law = law_of_hold(case, hold)
    if law.after_treatment_days is None:
        raise Invalid("this hold does not depend on a treatment; give until", "treatment_ended_on")
    check_day(ended_on, since, "treatment_ended_on")
    return ended_on + timedelta(days=law.after_treatment_days), law.citation


def hold_named(case: Case, hold_id: str) -> Hold:
    """Raises Unknown for a hold that the case does not have now."""
    hold = case.holds.get(hold_id)
    if hold is None:
        raise Unknown(f"the case has no hold {hold_id!r}", "hold_id")
    return hold
