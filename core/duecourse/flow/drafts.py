"""The very texts of permitted contacts, made from the cases as they are when sending begins."""

from collections.abc import Collection, Iterable, Mapping
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

    `contact` is as it was when the text was made of the `facts`, `today` the case as it is now, at
    its `version`. `attempt` counts the times before that the channel was asked and was too busy.
    """

    case_id: UUID
    contact_id: UUID
    contact: Contact
    today: Case
    version: int
    facts: MessageFacts
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
        begun = {case_id for case_id, contact_id, now in found if _has_begun(now.case, contact_id)}
        histories = self._engine.log.tails(dict.fromkeys(begun, 0)) if begun else {}
        medium = channel.capabilities.medium
        return [
            self._draft(case_id, contact_id, histories.get(case_id, ()), today, medium)
            for case_id, contact_id, today in found
        ]

    def none_for(self, wanted: Collection[tuple[UUID, UUID]], reason: str) -> list[NoDraft]:
        """Those of the contacts that are still to be sent, and for this reason cannot."""
        return [
            NoDraft(case_id, contact_id, _has_begun(today.case, contact_id), reason)
            for case_id, contact_id, today in self._open(wanted)
        ]

    def says_the_same(self, draft: Draft, case: Case) -> bool:
        """Whether the text would be made of the same facts if it were made of the case now."""
        try:
            return self._facts(draft.case_id, draft.contact_id, case) == draft.facts
        except TemplateProblem:
            return False

    def _open(self, wanted: Collection[tuple[UUID, UUID]]) -> list[tuple[UUID, UUID, Loaded]]:
        cases = self._engine.load_many({case_id for case_id, _ in wanted})
        return [
            (case_id, contact_id, cases[case_id])
            for case_id, contact_id in wanted
            if _is_open(cases.get(case_id), contact_id)
        ]

    def _draft(
        self,
        case_id: UUID,
        contact_id: UUID,
        history: Iterable[e.Event],
        today: Loaded,
        medium: str,
    ) -> Draft | NoDraft:
        now = today.case.contacts[contact_id]
        has_begun = _has_begun(today.case, contact_id)
        case = _when_begun(history, contact_id) if has_begun else today.case
        try:
            facts = self._facts(case_id, contact_id, case)
            message = render(now.template, medium, now.language, facts)
            # What it says of the case must be true when it leaves, not only when it began.
            check_message(message, now.language, lint_facts(today.case, facts))
        except TemplateProblem as problem:
            return NoDraft(case_id, contact_id, has_begun, str(problem))
        return Draft(
            case_id=case_id,
            contact_id=contact_id,
            contact=case.contacts[contact_id],
            today=today.case,
            version=today.version,
            facts=facts,
            attempt=now.attempts - has_begun,
            body_sha256=body_sha256(message),
            outbound=_outbound(case_id, contact_id, case, message),
        )

    def _facts(self, case_id: UUID, contact_id: UUID, case: Case) -> MessageFacts:
        return message_facts(case_id, case, contact_id, self._creditors.get(case.creditor))


def _is_open(loaded: Loaded | None, contact_id: UUID) -> bool:
    contact = loaded.case.contacts.get(contact_id) if loaded else None
    return contact is not None and contact.status in {"permitted", "dispatching"}


def _has_begun(case: Case, contact_id: UUID) -> bool:
    return case.contacts[contact_id].status == "dispatching"


def _when_begun(history: Iterable[e.Event], contact_id: UUID) -> Case:
    """The case before it began to be sent for the last time, of which its text was made."""
    begun, case = None, None
    for event in history:
        if isinstance(event, e.ContactDispatching) and event.contact_id == contact_id:
            begun = case
        case = evolve(case, event)
    assert begun is not None, "a contact that is being sent was permitted, and began"
    return begun


def _outbound(case_id: UUID, contact_id: UUID, case: Case, message: Message) -> Outbound:
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
