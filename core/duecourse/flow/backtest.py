"""Every past contact decision judged again, by other rules, on what was known at its moment.

Nothing is decided anew and nothing written: the log is read in one transaction that may not write,
each case is folded event by event, and before each answer of the gate the rules are asked. What a
contact that would now be refused led to stays as it happened.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache
from itertools import chain
from typing import Final, TypeVar
from uuid import UUID

import msgspec
from msgspec.structs import replace

from duecourse.case import events as e
from duecourse.case.evolve import evolve
from duecourse.case.limitation import limitation
from duecourse.case.situation import about_accounts, facts, past_of, pending_of, situation
from duecourse.case.state import Case
from duecourse.rules.backtest import YES, Answer, Decision, Moment, Report, Tally, answer_of
from duecourse.rules.gate import PastContact, RuleBook, Situation, judge
from duecourse.store.histories import Page

T = TypeVar("T")

_ANSWERS: Final[frozenset[type[e.Event]]] = frozenset(
    {e.ContactPermitted, e.ContactRefused, e.ContactDispatching}
)
# What of these events a rule may look at is what becomes of contacts.
_ABOUT_CONTACTS: Final[frozenset[type[e.Event]]] = frozenset(
    {
        e.ContactPermitted,
        e.ContactRefused,
        e.ContactDispatching,
        e.ContactAccepted,
        e.ContactRejected,
        e.ContactUnknown,
        e.ContactPostponed,
        e.ContactCancelled,
        e.ReceiptRecorded,
        e.ConversationLogged,
    }
)


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What would `book` have said? Set beside the record, or beside what `baseline` says.

    `since` and `until` are days on the debtor's clock, both included. `place` and `time_zone`
    are where the debtor lived for `book`; left empty, it is where the case says.
    """

    book: RuleBook
    baseline: RuleBook | None = None
    since: date | None = None
    until: date | None = None
    creditor: str = ""
    place: str = ""
    time_zone: str = ""


class Asked(msgspec.Struct, frozen=True):
    """What the gate was asked, and what it answered."""

    channel: str
    point_id: str
    moment: Moment
    answer: Answer
    without: UUID | None
    debts: tuple[UUID, ...]
    content: tuple[str, ...] | None
    medium: str


class Backtest:
    """One run. `creditors` are those whose cases were met."""

    def __init__(self, question: Question) -> None:
        self.creditors: set[str] = set()
        self._question = question
        self._tally = Tally()

    def run(self, pages: Iterable[Page]) -> Report:
        """Go through histories, case by case."""
        case_id, told = UUID(int=0), None
        for page in pages:
            for of, event in zip(page.case_ids, page.events, strict=True):
                if of is not case_id:
                    case_id, told = of, Told()
                if told is None:
                    continue
                if isinstance(event, Exception):
                    self._tally.unreadable.append(case_id)
                    told = None
                elif not self._concerns(event):
                    told = None
                else:
                    if type(event) in _ANSWERS:
                        self._look_at(case_id, told, event)
                    told.learn(event)
        return self._tally.report()

    def _concerns(self, event: e.Event) -> bool:
        """Whether the case is one that is asked about; its first event tells."""
        if not isinstance(event, e.CaseOpened):
            return True
        self.creditors.add(event.creditor)
        return self._question.creditor in ("", event.creditor)

    def _look_at(self, case_id: UUID, told: "Told", event: e.Event) -> None:
        case = told.case
        asked = asked_in(case, event) if case is not None else None
        if case is None or asked is None or not self._is_within(case, event.at):
            return
        seen = told.situation(asked, event.at)
        before, is_judged = asked.answer, False
        if self._question.baseline is not None:
            before, is_judged = self._judged(self._question.baseline, seen, event.at), True
        after = self._judged(self._question.book, self._moved(seen), event.at)
        decision = Decision(
            channel=asked.channel,
            moment=asked.moment,
            creditor=case.creditor,
            product=_named(seen.debt_types),
            jurisdiction=seen.jurisdiction or "not known",
            stage=seen.stage,
        )
        self._tally.add(case_id, event.at, decision, before, after, is_judged=is_judged)

    def _is_within(self, case: Case, at: datetime) -> bool:
        since, until = self._question.since, self._question.until
        if since is None and until is None:
            return True
        day = case.today(at)
        return (since is None or since <= day) and (until is None or day <= until)

    def _moved(self, seen: Situation) -> Situation:
        place, time_zone = self._question.place, self._question.time_zone
        if not (place or time_zone):
            return seen
        return replace(
            seen,
            jurisdiction=place or seen.jurisdiction,
            time_zone=time_zone or seen.time_zone,
            other_places=(),
        )

    @staticmethod
    def _judged(book: RuleBook, seen: Situation, at: datetime) -> Answer:
        return answer_of(judge(book, seen, at, look_ahead=False))


def asked_in(case: Case, event: e.Event) -> Asked | None:
    """The asking of the gate that an event is the answer to, if it is one."""
    match event:
        case e.ContactPermitted():
            return Asked(
                event.channel,
                event.point_id,
                "request",
                YES,
                None,
                event.debts,
                event.content,
                event.medium,
            )
        case e.ContactDispatching():
            contact = case.contacts[event.contact_id]
            return Asked(
                contact.channel,
                contact.point_id,
                "dispatch",
                YES,
                event.contact_id,
                contact.debts,
                contact.content,
                contact.medium,
            )
        case e.ContactRefused():
            refusal = Answer(
                allowed=False,
                rule=event.rule,
                says=event.says,
                citation=event.citation,
                confidence=event.confidence,
                inputs=event.inputs,
            )
            without = event.contact_id if event.moment == "dispatch" else None
            return Asked(
                event.channel,
                event.point_id,
                event.moment,
                refusal,
                without,
                event.debts,
                event.content,
                event.medium,
            )
        case _:
            return None


@lru_cache(maxsize=10_000)
def _named(products: frozenset[str]) -> str:
    return ", ".join(sorted(products)) or "none"


# --- one case --------------------------------------------------------------------------------


class Told:
    """A case as it stood before its next event, and what the rules are told of it.

    What each contact comes to is kept until that contact changes: nearly all of a situation is
    past contacts, and nearly all of these stay as they were. They are kept by the numbers of their
    ids, which are hashed much faster than the ids themselves.
    """

    def __init__(self) -> None:
        self.case: Case | None = None
        self._bare: dict[object, Situation] = {}
        self._changed: set[UUID] = set()
        self._past: dict[int, tuple[PastContact, ...]] = {}
        self._pending: dict[int, tuple[PastContact, ...]] = {}
        self._facts: dict[int, dict[str, date]] = {}

    def learn(self, event: e.Event) -> None:
        before = self.case
        case = self.case = evolve(before, event)
        if type(event) not in _ABOUT_CONTACTS:
            self._bare.clear()
        if before is None:
            return
        if case.debtor is not before.debtor or case.points is not before.points:
            # The days of what was done are days on another clock now, or addresses are the same.
            self._changed.update(case.contacts, case.conversations)
        if case.conversations is not before.conversations:
            self._changed.update(case.conversations.keys() - before.conversations.keys())
        if case.contacts is not before.contacts:
            contact_id = getattr(event, "contact_id", None)
            self._changed.update(case.contacts if contact_id is None else (contact_id,))

    def situation(self, asked: Asked, at: datetime) -> Situation:
        """The same as of the whole case."""
        case = self.case
        assert case is not None, "a case is opened before anything is asked"
        bare = replace(case, contacts={}, conversations={})
        for key in self._changed:
            self._look_again(bare, case, key, at)
        self._changed.clear()
        seen = self._without_contacts(bare, asked, at)
        without = None if asked.without is None else asked.without.int
        return replace(
            seen,
            past=_all_but(without, self._past),
            pending=tuple(
                each
                for each in _all_but(without, self._pending)
                if (each.expires_at or each.at) > at
            ),
            facts=self._all_facts() | seen.facts if self._facts else seen.facts,
        )

    def _without_contacts(self, bare: Case, asked: Asked, at: datetime) -> Situation:
        """The same as long as nothing else happens than contacts, but for what time itself changes."""
        if bare.consents:
            self._bare.clear()
        key = (asked.channel, asked.medium, asked.point_id, asked.debts, asked.content)
        seen = self._bare.get(key)
        if seen is None:
            seen = self._bare[key] = situation(
                bare,
                asked.channel,
                asked.point_id,
                at,
                debts=asked.debts,
                content=asked.content,
                medium=asked.medium,
            )
        now = limitation(bare, about_accounts(bare, asked.debts), bare.today(at))
        return seen if seen.limitation == now else replace(seen, limitation=now)

    def _look_again(self, bare: Case, case: Case, key: UUID, at: datetime) -> None:
        """What one contact or conversation comes to by itself."""
        contact, talk = case.contacts.get(key), case.conversations.get(key)
        alone = replace(
            bare,
            contacts={} if contact is None else {key: contact},
            conversations={} if talk is None else {key: talk},
            facts={},
        )
        _keep(self._past, key.int, tuple(past_of(alone, None)))
        _keep(self._pending, key.int, tuple(pending_of(alone, at, None)))
        _keep(self._facts, key.int, facts(alone))

    def _all_facts(self) -> dict[str, date]:
        first: dict[str, date] = {}
        for each in self._facts.values():
            for fact, day in each.items():
                first[fact] = min(day, first.get(fact, day))
        return first


def _keep(kept: dict[int, T], key: int, found: T) -> None:
    if found:
        kept[key] = found
    else:
        kept.pop(key, None)


def _all_but(
    key: int | None, contacts: Mapping[int, tuple[PastContact, ...]]
) -> tuple[PastContact, ...]:
    if key not in contacts:
        return tuple(chain.from_iterable(contacts.values()))
    return tuple(chain.from_iterable(each for name, each in contacts.items() if name != key))
