"""The very texts of permitted contacts, made from the cases as they were when permitted."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

import msgspec

from duecourse.case import events as e
from duecourse.case.evolve import evolve
from duecourse.case.state import Case, Contact
from duecourse.channels import Channel, Outbound
from duecourse.flow.facts import lint_facts, message_facts
from duecourse.rendering import Message, TemplateProblem, body_sha256, check_message, render
from duecourse.settings import CreditorDetails
from duecourse.store.engine import Engine
from duecourse.store.states import Loaded


class Draft(msgspec.Struct, frozen=True):
    """A permitted contact with its text.

    `contact` is as it was when permitted, `today` the case as it is now. `attempt` counts the
    times before that the channel was asked and was too busy.
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
        histories = self._engine.log.tails(dict.fromkeys({case_id for case_id, _, _ in found}, 0))
        medium = channel.capabilities.medium
        return [
            self._draft(case_id, contact_id, histories[case_id], case, medium)
            for case_id, contact_id, case in found
        ]

    def none_for(self, wanted: Collection[tuple[UUID, UUID]], reason: str) -> list[NoDraft]:
        """Those of the contacts that are still to be sent, and for this reason cannot."""
        return [
            NoDraft(case_id, contact_id, case.contacts[contact_id].status == "dispatching", reason)
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
        case = _when_permitted(history, contact_id)
        contact, now = case.contacts[contact_id], today.contacts[contact_id]
        has_begun = now.status == "dispatching"
        try:
            facts = message_facts(case_id, case, contact_id, self._creditors.get(case.creditor))
            message = render(contact.template, medium, contact.language, facts)
            # What it says of the case must be true when it leaves, not only when it was permitted.
            check_message(message, contact.language, lint_facts(today, facts))
        except TemplateProblem as problem:
            return NoDraft(case_id, contact_id, has_begun, str(problem))
        return Draft(
            case_id=case_id,
            contact_id=contact_id,
            contact=contact,
            today=today,
            attempt=now.attempts - has_begun,
            body_sha256=body_sha256(message),
            outbound=_outbound(case_id, contact_id, case, message),
        )


def _is_open(loaded: Loaded | None, contact_id: UUID) -> bool:
    contact = loaded.case.contacts.get(contact_id) if loaded else None
    return contact is not None and contact.status in {"permitted", "dispatching"}


def _when_permitted(history: Iterable[e.Event], contact_id: UUID) -> Case:
    case: Case | None = None
    for event in history:
        case = evolve(case, event)
        if isinstance(event, e.ContactPermitted) and event.contact_id == contact_id:
            return case
    raise AssertionError("a contact that is open was permitted")


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
