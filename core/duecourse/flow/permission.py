"""May we contact this debtor - now, later, or then? The answer, and its words for both sides."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Final, Literal
from uuid import UUID

import msgspec

from duecourse.case.contacts import check_debts, may_contact
from duecourse.case.context import Context
from duecourse.case.evolve import fold
from duecourse.case.situation import about_accounts
from duecourse.case.state import Case
from duecourse.case.words import Language
from duecourse.rules.situation import Finding, Outcome
from duecourse.rules.words import Asked, ForBorrower, ForCollector, explain
from duecourse.store.engine import Engine

# The rules look no further ahead than about a year.
FURTHEST: Final = timedelta(days=366)


class NoSuchMoment(ValueError):
    """Nothing can be said of this moment; the message says why, and what to ask instead."""


class Permission(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules would answer. It permits nothing: ask for a contact to get a permission.

    `as_of` says which case was judged: the one of `now`, or, for a moment before its last event,
    the one of `then`, which had had `version` events. `debts` are those that it was about. Words
    are in `language`.
    """

    case_id: UUID
    version: int
    as_of: Literal["now", "then"]
    channel: str
    point_id: str
    debts: tuple[UUID, ...]
    at: datetime
    time_zone: str
    outcome: Outcome
    permitted: bool
    findings: tuple[Finding, ...]
    next_lawful_at: datetime | None
    language: Language
    for_collector: ForCollector
    for_borrower: ForBorrower


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """`at` is now if left out, `language` the debtor's, `point_id` the first usable address.

    With no `debts` it is about all that the case has.
    """

    channel: str
    at: datetime | None = None
    point_id: str = ""
    language: Language | None = None
    debts: tuple[UUID, ...] = ()


def answer(
    engine: Engine,
    case_id: UUID,
    question: Question,
    context_for: Callable[[datetime], Context],
    now: datetime,
) -> Permission:
    """Judge one contact and record nothing. Raises CaseNotFound, NoSuchMoment, or Unknown.

    A moment to come is asked of the case as it is now. One before the case's last event is asked
    of the case as it was known then, under the rules that are loaded now, each by its own dates.
    """
    loaded = engine.load(case_id)
    case, version = loaded.case, loaded.version
    at = max(now, case.at) if question.at is None else question.at
    if at > max(now, case.at) + FURTHEST:
        raise NoSuchMoment("more than a year ahead; ask for a moment within a year")
    is_past = at < case.at
    if is_past:
        case, version = _then(engine, case_id, at)
    debts = tuple(dict.fromkeys(question.debts))
    check_debts(case, debts)
    verdict, point = may_contact(
        case, context_for(at), question.channel, question.point_id, debts=debts
    )
    language = question.language or case.debtor.language
    asked = Asked(channel=question.channel, at=at, time_zone=case.debtor.time_zone)
    for_collector, for_borrower = explain(verdict, asked, language)
    return Permission(
        case_id=case_id,
        version=version,
        as_of="then" if is_past else "now",
        channel=question.channel,
        point_id=point,
        debts=debts or tuple(each.debt.debt_id for each in about_accounts(case, ())),
        at=at,
        time_zone=case.debtor.time_zone,
        outcome=verdict.outcome,
        permitted=verdict.permitted,
        findings=verdict.findings,
        next_lawful_at=verdict.next_lawful_at,
        language=language,
        for_collector=for_collector,
        for_borrower=for_borrower,
    )


def _then(engine: Engine, case_id: UUID, at: datetime) -> tuple[Case, int]:
    """The case after the events that were recorded by that moment."""
    history = list(takewhile(lambda each: each.event.at <= at, engine.history(case_id)))
    case = fold(each.event for each in history)
    if case is None:
        raise NoSuchMoment("the case was not open yet; ask for a later moment")
    return case, len(history)
