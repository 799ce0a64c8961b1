"""What may help this debtor: suggestions from the reasons they gave and from what is open."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from duecourse.case import events as e
from duecourse.case.state import Case, Conversation
from duecourse.case.words import ArrearsReason, ConversationOutcome
from duecourse.rules.arrears import Option, options_book

# What was said by the outcome alone, where nobody wrote down a reason.
_MEANS: Final[dict[ConversationOutcome, ArrearsReason]] = {
    "disputes_debt": "dispute_over_debt",
    "hardship_declared": "economic_pressure",
    "deceased": "bereavement",
    "paid_already": "payment_system_failure",
    "refused_to_pay": "unwilling_to_pay",
}
_SAYS_NOTHING: Final = frozenset({"not_stated", "other"})
_HELD: Final = {
    "dispute": "dispute_over_debt",
    "validation": "fraud_or_identity",
    "hardship": "economic_pressure",
    "bereavement": "bereavement",
}


class Suggestion(e.Record):
    """`is_done`: it is under way already. `said_at` is when the reason was last given."""

    do: str
    reason: str
    said_at: datetime
    is_done: bool
    en: str
    zh: str
    source: str


def options(case: Case) -> tuple[Suggestion, ...]:
    """By the newest reason first; what two reasons suggest is said once. Empty when closed."""
    if case.is_closed or not case.owes:
        return ()
    found: dict[str, Suggestion] = {}
    for reason, said_at in sorted(_reasons(case).items(), key=lambda each: each[1], reverse=True):
        for option in options_book():
            if reason in option.reasons and option.do not in found:
                found[option.do] = _suggestion(case, option, reason, said_at)
    return tuple(found.values())


def _reasons(case: Case) -> dict[str, datetime]:
    """What the debtor gave as a reason, or is held for, with the last time it was said."""
    said: dict[str, datetime] = {}
    for talk in case.conversations.values():
        reason = _reason(talk)
        if reason:
            said[reason] = max(talk.occurred_at, said.get(reason, talk.occurred_at))
    for hold in case.holds.values():
        if reason := _HELD.get(hold.kind, ""):
            said.setdefault(reason, hold.since)
    return said


def _reason(talk: Conversation) -> str:
    """Of the debtor or who acts for them; what others say of a debtor is no reason of theirs."""
    if talk.party not in {"debtor", "representative"} and talk.outcome != "deceased":
        return ""
    if talk.arrears_reason not in _SAYS_NOTHING:
        return talk.arrears_reason
    return next((reason for outcome, reason in _MEANS.items() if outcome == talk.outcome), "")


def _suggestion(case: Case, option: Option, reason: str, said_at: datetime) -> Suggestion:
    return Suggestion(
        do=option.do,
        reason=reason,
        said_at=said_at,
        is_done=_is_done(case, option.do),
        en=option.en,
        zh=option.zh,
        source=option.source,
    )


def _is_done(case: Case, do: str) -> bool:
    what, _, kind = do.partition(":")
    return any(_of(case, what, kind))


def _of(case: Case, what: str, kind: str) -> Iterator[bool]:
    if what == "hold":
        yield from (hold.kind == kind for hold in case.holds.values())
    if what == "plan":
        yield from (
            plan.kind == kind and plan.status in {"offered", "active"}
            for plan in case.plans.values()
        )
