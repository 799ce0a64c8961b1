"""The very texts of permitted contacts, made from the cases as they are when sending begins."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from duecourse.case import events as e
from duecourse.case.evolve import evolve
from duecourse.case.state import Case, Contact
from duecourse.channels import Channel, Outbound
from duecourse.flow.facts import lint_facts, message_facts
from duecourse.rendering import (
    Message,
    MessageFacts,
    TemplateProblem,
    body_sha256,
    check_message,
    render,
)
from duecourse.settings import CreditorDetails
from duecourse.store.engine import Engine
from duecourse.store.states import Loaded


class Draft(msgspec.Struct, frozen=True):
    """A permitted contact with its text.

    `contact` is as it was when the text was made, `today` the case as it is now. `attempt` counts
    the times before that the channel was asked and was too busy.
    """

    case_id: UUID
    contact_id: UUID
    contact: Contact
    today: Case
    attempt: int
    body_sha256: str
    outbound: Outbound

    @property
    def has_begun(self) -> bool:
        """Somebody began to send it and has not said how that ended."""
        return self.today.contacts[self.contact_id].status == "dispatching"


class NoDraft(msgspec.Struct, frozen=True):
    """A contact that cannot be written, and why."""

    case_id: UUID
    contact_id: UUID
    has_begun: bool
    reason: str


class _Text(msgspec.Struct, frozen=True):
    """A message, and what it was made of."""

    case: Case
    facts: MessageFacts
    message: Message


class Drafts:
    """Reads many cases at once."""

    def __init__(self, engine: Engine, creditors: Mapping[str, CreditorDetails]) -> None:
        self._engine = engine
        self._creditors = creditors

    def make(
        self, wanted: Collection[tuple[UUID, UUID]], channel: Channel[Any]
    ) -> list[Draft | NoDraft]:
        """Write the contacts, named by case and id, that are still to be sent.

        Those that were sent, refused or called back meanwhile are absent.
        """
        found = self._open(wanted)
        begun = {case_id for case_id, contact_id, case in found if _has_begun(case, contact_id)}
        histories = self._engine.log.tails(dict.fromkeys(begun, 0)) if begun else {}
        medium = channel.capabilities.medium
        return [
            self._draft(case_id, contact_id, histories.get(case_id, ()), case, medium)
            for case_id, contact_id, case in found
        ]

    def none_for(self, wanted: Collection[tuple[UUID, UUID]], reason: str) -> list[NoDraft]:
        """Those of the contacts that are still to be sent, and for this reason cannot."""
        return [
            NoDraft(case_id, contact_id, _has_begun(case, contact_id), reason)
            for case_id, contact_id, case in self._open(wanted)
        ]

    def _open(self, wanted: Collection[tuple[UUID, UUID]]) -> list[tuple[UUID, UUID, Case]]:
        cases = self._engine.load_many({case_id for case_id, _ in wanted})
        return [
            (case_id, contact_id, cases[case_id].case)
            for case_id, contact_id in wanted
            if _is_open(cases.get(case_id), contact_id)
        ]

    def _draft(
        self, case_id: UUID, contact_id: UUID, history: Iterable[e.Event], today: Case, medium: str
    ) -> Draft | NoDraft:
        now = today.contacts[contact_id]
        has_begun = _has_begun(today, contact_id)
        states = _before_it_began(history, contact_id) if has_begun else (today,)
        try:
            text = self._text(case_id, contact_id, states, now, medium)
            # What it says of the case must be true when it leaves, not only when it began.
            check_message(text.message, now.language, lint_facts(today, text.facts))
        except TemplateProblem as problem:
            return NoDraft(case_id, contact_id, has_begun, str(problem))
        return Draft(
            case_id=case_id,
            contact_id=contact_id,
            contact=text.case.contacts[contact_id],
            today=today,
            attempt=now.attempts - has_begun,
            body_sha256=body_sha256(text.message),
            outbound=_outbound(case_id, contact_id, text),
        )

    def _text(
        self, case_id: UUID, contact_id: UUID, states: Sequence[Case], now: Contact, medium: str
    ) -> _Text:
        """Made of the newest of these states that gives the text which was begun, else of the last.

        Between the making of a text and its start something may have happened.
        """
        texts = [self._made_of(case_id, contact_id, case, medium) for case in reversed(states)]
        same = (each for each in texts if body_sha256(each.message) == now.body_sha256)
        return next(same, texts[0])

    def _made_of(self, case_id: UUID, contact_id: UUID, case: Case, medium: str) -> _Text:
        contact = case.contacts[contact_id]
        facts = message_facts(case_id, case, contact_id, self._creditors.get(case.creditor))
        return _Text(case, facts, render(contact.template, medium, contact.language, facts))


def _is_open(loaded: Loaded | None, contact_id: UUID) -> bool:
    contact = loaded.case.contacts.get(contact_id) if loaded else None
    return contact is not None and contact.status in {"permitted", "dispatching"}


def _has_begun(case: Case, contact_id: UUID) -> bool:
    return case.contacts[contact_id].status == "dispatching"


def _before_it_began(history: Iterable[e.Event], contact_id: UUID) -> Sequence[Case]:
    """The case after each event from its permission until it began to be sent for the last time."""
    case: Case | None = None
    since: list[Case] = []
    begun = 0
    for event in history:
        if isinstance(event, e.ContactDispatching) and event.contact_id == contact_id:
            begun = len(since)
        case = evolve(case, event)
        if contact_id in case.contacts:
            since.append(case)
    return since[:begun]


def _outbound(case_id: UUID, contact_id: UUID, text: _Text) -> Outbound:
    case, message = text.case, text.message
    contact = case.contacts[contact_id]
    return Outbound(
        key=str(contact_id),
        contact_id=contact_id,
        case_id=case_id,
        to=case.points[contact.point_id].address,
        to_name=case.debtor.name,
        subject=message.subject,
        body=message.body,
        language=contact.language,
        sender_name=case.creditor_name,
        at=contact.permitted_at,
        expires_at=contact.expires_at,
    )
