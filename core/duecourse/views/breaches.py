"""Contacts that were made without a permission, and what the rules said at that moment."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec.structs import replace

from duecourse.case import events as e
from duecourse.case.contacts import first_point
from duecourse.case.evolve import evolve
from duecourse.case.situation import situation
from duecourse.case.state import Case, Conversation
from duecourse.rules.gate import RuleBook, Verdict, judge
from duecourse.rules.situation import Outcome


class BrokenRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that forbade the contact when it was made."""

    rule: str
    citation: str
    outcome: Outcome
    says: str
    inputs: dict[str, str]


class Breach(msgspec.Struct, frozen=True, kw_only=True):
    """A contact reported without a permission that covers it.

    `reported_by` is who wrote it down, as a rule who made it. Without `rules` none forbade it: it
    would have been permitted, had anybody asked.
    """

    conversation_id: UUID
    occurred_at: datetime
    reported_at: datetime
    reported_by: str
    channel: str
    point_id: str
    rules: tuple[BrokenRule, ...]


def breaches(history: Iterable[tuple[e.Event, str]], rules: RuleBook) -> tuple[Breach, ...]:
    """Every breach in the history of a case, each event with the id of who asked for it.

    Judged as of the moment of the contact: by what was known of the case then, and by all
    contacts that had been made, also where they were written down only later.
    """
    case: Case | None = None
    states: list[Case] = []
    reported: list[tuple[e.ConversationLogged, str, int]] = []
    for event, actor in history:
        if isinstance(event, e.ConversationLogged) and not event.permitted:
            reported.append((event, actor, len(states)))
        case = evolve(case, event)
        states.append(case)
    if case is None:
        return ()
    return tuple(
        _breach(event, actor, _as_it_was(states[:before], case, event), rules)
        for event, actor, before in reported
    )


def _as_it_was(before: list[Case], latest: Case, event: e.ConversationLogged) -> Case:
    """The case at the moment of the contact; what happened before it opened meets it as it opened."""
    known = [case for case in before if case.at <= event.occurred_at]
    then = known[-1] if known else before[0]
    return replace(then, conversations=dict(_earlier(latest, event)))


def _earlier(latest: Case, event: e.ConversationLogged) -> Iterator[tuple[UUID, Conversation]]:
    for key, talk in latest.conversations.items():
        if key != event.conversation_id and talk.occurred_at <= event.occurred_at:
            yield key, talk


def _breach(event: e.ConversationLogged, actor: str, then: Case, rules: RuleBook) -> Breach:
    return Breach(
        conversation_id=event.conversation_id,
        occurred_at=event.occurred_at,
        reported_at=event.at,
        reported_by=actor,
        channel=event.channel,
        point_id=event.point_id,
        rules=tuple(
            BrokenRule(
                rule=finding.rule,
                citation=finding.citation,
                outcome=finding.outcome,
                says=finding.says,
                inputs=finding.inputs,
            )
            for finding in _verdict(event, then, rules).findings
            if finding.blocks
        ),
    )


def _verdict(event: e.ConversationLogged, then: Case, rules: RuleBook) -> Verdict:
    point = event.point_id or first_point(then, event.channel)
    seen = situation(then, event.channel, point, event.occurred_at, debts=event.debts)
    # Who answered was addressed, whoever the address belongs to.
    if event.party in {"representative", "third_party"}:
        seen = replace(seen, holder=event.party)
    return judge(rules, seen, event.occurred_at)
