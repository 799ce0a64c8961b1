"""From a permission to a message that left - or that surely, or possibly, did not.

Before any byte leaves, `ContactDispatching` is committed with the hash of the very text. After a
crash in between, the channel's guarantee says what may be done (design, decision 9).
"""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

import msgspec

from duecourse import faults
from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import SYSTEM
from duecourse.case.evolve import evolve
from duecourse.case.situation import situation
from duecourse.case.state import Case, Contact
from duecourse.channels import Accepted, Channel, ChannelError, Outbound, Permanent, Transient
from duecourse.flow.facts import lint_facts, message_facts
from duecourse.rendering import Message, TemplateProblem, body_sha256, check_message, render
from duecourse.rules.gate import RuleBook, judge
from duecourse.settings import CreditorDetails
from duecourse.store.engine import Engine, Request
from duecourse.store.timers import DueTimer

log = logging.getLogger(__name__)

MOST_REASON: Final = 500
MOST_REFERENCE: Final = 200
RETRY_SECONDS: Final = 30.0

Report = c.RecordAccepted | c.RecordRejected | c.RecordUnknown | c.RecordPostponed


class Postponed(Exception):
    """What became of the message cannot be told yet; look again after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"again after {seconds} s")
        self.seconds = seconds


class Draft(msgspec.Struct, frozen=True):
    """A permitted contact with its text, made from the case as it was when it was permitted.

    `attempt` counts the times before that the channel was asked and was too busy.
    """

    case_id: UUID
    contact_id: UUID
    contact: Contact
    attempt: int
    body_sha256: str
    outbound: Outbound


class Outreach:
    """Sends what is permitted, and reports what came of it."""

    def __init__(
        self,
        engine: Engine,
        channels: Mapping[str, Channel[Any]],
        creditors: Mapping[str, CreditorDetails],
        rules: RuleBook,
    ) -> None:
        self._rules = rules
        self._engine = engine
        self._channels = channels
        self._creditors = creditors

    def dispatch(self, due: DueTimer, now: datetime) -> None:
        """Carry one permitted contact through. Raises Postponed when it should be tried again."""
        contact_id = UUID(due.timer.subject)
        contact = self._engine.load(due.case_id).case.contacts[contact_id]
        status = contact.status
        if status not in {"permitted", "dispatching"}:
            return
        channel = self._channels.get(contact.channel)
        if channel is None:
            missing = f"no channel {contact.channel!r} is configured"
            self._give_up(due.case_id, contact_id, status, missing)
            return
        attempt = contact.attempts - (status == "dispatching")
        try:
            draft = self._draft(due.case_id, contact_id, attempt, channel.capabilities.medium)
        except TemplateProblem as problem:
            self._give_up(due.case_id, contact_id, status, str(problem))
            return
        if status == "dispatching":
            self._report(draft, self._resume(draft, channel, now))
        else:
            self._begin(draft, channel, now)

    def _draft(self, case_id: UUID, contact_id: UUID, attempt: int, medium: str) -> Draft:
        """Make the text from the history up to the permission, so that it never changes again."""
        case: Case | None = None
        for recorded in self._engine.history(case_id):
            case = evolve(case, recorded.event)
            if _permits(recorded.event, contact_id):
                break
        assert case is not None, "a timer's case exists"
        contact = case.contacts[contact_id]
        facts = message_facts(case_id, case, contact_id, self._creditors.get(case.creditor))
        message = render(contact.template, medium, contact.language, facts)
        # What it says of the case must be true when it leaves, not only when it was permitted.
        today = self._engine.load(case_id).case
        check_message(message, contact.language, lint_facts(today, facts))
        return Draft(
            case_id=case_id,
            contact_id=contact_id,
            contact=contact,
            attempt=attempt,
            body_sha256=body_sha256(message),
            outbound=_outbound(case_id, contact_id, case, message),
        )

    def _begin(self, draft: Draft, channel: Channel[Any], now: datetime) -> None:
        """Commit to sending this text, then send it."""
        command = c.StartDispatch(
            contact_id=draft.contact_id, plugin=channel.name, body_sha256=draft.body_sha256
        )
        start = _request(draft.case_id, draft.contact_id, command, f"start/{draft.attempt}")
        outcome = self._engine.execute_sync(start)
        if not any(isinstance(event, e.ContactDispatching) for event in outcome.events):
            return
        faults.reach("outreach.started")
        # A repeat means that this answer was once given and lost: the message may have left.
        if outcome.repeated:
            self._report(draft, self._resume(draft, channel, now))
        else:
            self._report(draft, _send(draft, channel, now))

    def _resume(self, draft: Draft, channel: Channel[Any], now: datetime) -> Report:
        """Somebody began to send this and never said how it ended."""
        case = self._engine.load(draft.case_id).case
        if case.contacts[draft.contact_id].body_sha256 != draft.body_sha256:
            return _unknown(draft, "a crash while sending, and the text can no longer be made")
        match channel.capabilities.guarantee:
            case "idempotent" if self._may_still_leave(draft, case, now):
                return _send_again(draft, channel, now)
            case "idempotent":
                return _unknown(draft, "no longer permitted when it could have been tried again")
            case "queryable":
                return _look_up(draft, channel)
            case "opaque":
                return _unknown(draft, "a crash while sending; the channel cannot be asked")

    def _may_still_leave(self, draft: Draft, case: Case, now: datetime) -> bool:
        """An opt-out, a hold, a close or the night may have come since the first try."""
        contact = draft.contact
        if case.contacts[draft.contact_id].called_off:
            return False
        seen = situation(
            case,
            contact.channel,
            contact.point_id,
            now,
            without=draft.contact_id,
            debts=contact.debts,
            content=contact.content,
            medium=contact.medium,
        )
        return now < contact.expires_at and judge(self._rules, seen, now).permitted

    def _report(self, draft: Draft, report: Report) -> None:
        faults.reach("outreach.sent")
        what = f"outcome/{draft.attempt}"
        self._engine.execute_sync(_request(draft.case_id, draft.contact_id, report, what))
        faults.reach("outreach.reported")

    def _give_up(self, case_id: UUID, contact_id: UUID, status: str, reason: str) -> None:
        """What cannot be sent is called back; had it begun, nobody can say whether it left."""
        if status == "permitted":
            command: c.Command = c.CancelContact(contact_id=contact_id, reason=reason)
        else:
            command = c.RecordUnknown(contact_id=contact_id, reason=reason)
        self._engine.execute_sync(_request(case_id, contact_id, command, "given up"))


def _request(case_id: UUID, contact_id: UUID, command: c.Command, what: str) -> Request:
    """One command of each kind per contact and attempt: a repeat finds the first."""
    return Request(
        case_id=case_id,
        command=command,
        command_id=uuid5(case_id, f"{contact_id}/{what}"),
        actor=SYSTEM,
        causation=str(contact_id),
    )


def _permits(event: e.Event, contact_id: UUID) -> bool:
    return isinstance(event, e.ContactPermitted) and event.contact_id == contact_id


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


def _send(draft: Draft, channel: Channel[Any], now: datetime) -> Report:
    """Send now. What the channel raises says whether the message surely did not leave."""
    try:
        accepted = channel.send(draft.outbound)
    except Transient as busy:
        return c.RecordPostponed(
            contact_id=draft.contact_id,
            until=now + timedelta(seconds=busy.retry_after or RETRY_SECONDS),
            reason=_reason(busy, draft),
        )
    except Permanent as refused:
        return c.RecordRejected(contact_id=draft.contact_id, reason=_reason(refused, draft))
    except Exception as unclear:  # noqa: BLE001 - a plugin may raise anything; it harms itself only
        log.warning("contact %s: outcome unknown: %s", draft.contact_id, type(unclear).__name__)
        return _unknown(draft, f"the channel failed: {type(unclear).__name__}")
    return _accepted(draft, accepted)


def _send_again(draft: Draft, channel: Channel[Any], now: datetime) -> Report:
    """After a crash. That this try did not leave says nothing about the one before."""
    report = _send(draft, channel, now)
    if isinstance(report, c.RecordPostponed):
        raise Postponed((report.until - now).total_seconds())
    return report


def _reason(error: ChannelError, draft: Draft) -> str:
    """The plugin's words without the address and the name: reasons are stored in clear."""
    words = str(error)
    for personal in (draft.outbound.to, draft.outbound.to_name):
        words = words.replace(personal, "***") if personal else words
    return words[:MOST_REASON]


def _look_up(draft: Draft, channel: Channel[Any]) -> Report:
    try:
        found = channel.find(draft.outbound)
    except ChannelError as busy:
        raise Postponed(RETRY_SECONDS) from busy
    except Exception as unclear:  # noqa: BLE001 - as above
        return _unknown(draft, f"the channel could not be asked: {type(unclear).__name__}")
    if found is None:
        return c.RecordRejected(
            contact_id=draft.contact_id, reason="a crash while sending; the channel never got it"
        )
    return _accepted(draft, found)


def _accepted(draft: Draft, given: Accepted) -> c.RecordAccepted | c.RecordUnknown:
    """What a plugin returned is not believed before it is what it says."""
    try:
        accepted = msgspec.convert(msgspec.to_builtins(given), Accepted)
    except (msgspec.ValidationError, TypeError):
        return _unknown(draft, "the channel took it and answered nonsense")
    if len(accepted.reference) > MOST_REFERENCE or not accepted.reference.isprintable():
        return _unknown(draft, "the channel took it and answered nonsense")
    return c.RecordAccepted(
        contact_id=draft.contact_id, reference=accepted.reference, units=accepted.units
    )


def _unknown(draft: Draft, reason: str) -> c.RecordUnknown:
    return c.RecordUnknown(contact_id=draft.contact_id, reason=reason)
