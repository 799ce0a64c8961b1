"""May we contact this debtor, this way, now - and what came of it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import Context
from duecourse.case.errors import Contradiction, Unknown, WrongState
from duecourse.case.evolve import evolve
from duecourse.case.holds import place_hold
from duecourse.case.lifecycle import recall, retire_contact_point
from duecourse.case.situation import situation
from duecourse.case.state import Case, Contact
from duecourse.case.words import MANUAL_CHANNELS, Channel, HoldKind, point_kind
from duecourse.rules.gate import Situation, Verdict, judge

_MINUTE: Final = timedelta(minutes=1)


class Wanted(e.Record):
    """The contact that is asked for. With no `point_id` the first usable address is taken.

    `debts` are those it is about; none means all.
    """

    contact_id: UUID
    channel: Channel
    template: str
    point_id: str = ""
    step: str = ""
    debts: tuple[UUID, ...] = ()
    medium: str = ""


def request_contact(case: Case, command: c.RequestContact, context: Context) -> list[e.Event]:
    if command.contact_id in case.contacts:
        return []
    check_debts(case, command.debts)
    wanted = Wanted(
        contact_id=command.contact_id,
        channel=command.channel,
        template=command.template,
        point_id=command.point_id,
        debts=command.debts,
    )
    answer = ask_rules(case, context, wanted)
    return [answer, *first_reminder(case, answer)]


def first_reminder(case: Case, answer: e.ContactPermitted | e.ContactRefused) -> list[e.Event]:
    """With the first permitted contact a case leaves intake."""
    if case.stage != "intake" or isinstance(answer, e.ContactRefused):
        return []
    return [e.StageMoved(at=answer.at, to="reminder", reason="the first contact was permitted")]


def ask_rules(
    case: Case, context: Context, wanted: Wanted
) -> e.ContactPermitted | e.ContactRefused:
    """Permit one contact, or say which rule forbids it and until when."""
    seen, point = _seen(
        case, context, wanted.channel, wanted.point_id, template=wanted.template, debts=wanted.debts
    )
    verdict = judge(context.rules, seen, context.at)
    # Only where it says more than the channel does.
    medium = "" if seen.channel == wanted.channel else seen.channel
    wanted = replace(wanted, point_id=point, medium=medium)
    content = context.content_of(wanted.template, wanted.channel, case.debtor.language)
    if not verdict.permitted:
        return _refusal(verdict, context.at, wanted, "request", content)
    expires_at = context.at + context.treatment.permission_lifetime
    if wanted.channel in MANUAL_CHANNELS:
        expires_at = _lawful_until(context, seen, expires_at)
    return e.ContactPermitted(
        at=context.at,
        contact_id=wanted.contact_id,
        channel=wanted.channel,
        point_id=point,
        template=wanted.template,
        language=case.debtor.language,
        expires_at=expires_at,
        step=wanted.step,
        debts=wanted.debts,
        content=content,
        medium=wanted.medium,
    )


def may_contact(
    case: Case,
    context: Context,
    channel: Channel,
    point_id: str = "",
    *,
    template: str = "",
    debts: tuple[UUID, ...] = (),
) -> tuple[Verdict, str]:
    """The verdict on one contact now, and the address it would go to."""
    seen, point = _seen(case, context, channel, point_id, template=template, debts=debts)
    return judge(context.rules, seen, context.at), point


def _seen(
    case: Case,
    context: Context,
    channel: Channel,
    point_id: str,
    *,
    template: str,
    debts: tuple[UUID, ...],
) -> tuple[Situation, str]:
    """What the rules are told of one contact now, and the address it would go to."""
    point = point_id or first_point(case, channel)
    seen = situation(
        replace(case, licence=context.licence_of(case.creditor)),
        channel,
        point,
        context.at,
        debts=debts,
        content=context.content_of(template, channel, case.debtor.language),
        medium=context.medium_of(channel),
        treatment=context.treatment,
    )
    return seen, point


def _lawful_until(context: Context, seen: Situation, latest: datetime) -> datetime:
    """The first whole minute at which the contact is lawful no more, or `latest`.

    A message is judged once more when it leaves. A call is not, so its permission must end.
    """
    moment = context.at.replace(second=0, microsecond=0) + _MINUTE
    while moment < latest:
        if not judge(context.rules, seen, moment, look_ahead=False).permitted:
            return moment
        moment += _MINUTE
    return latest


def check_debts(case: Case, debts: tuple[UUID, ...]) -> None:
    """Raises Unknown for a debt that the case never had."""
    for key in debts:
        if key not in case.debts:
            raise Unknown(f"the case has no debt {key}", "debts")


def first_point(case: Case, channel: str) -> str:
    """The debtor's first usable address for a channel; empty when there is none."""
    kind = point_kind(channel)
    for key, point in case.points.items():
        if point.kind == kind and point.holder == "debtor" and point.address:
            return key
    return ""


def _refusal(
    verdict: Verdict,
    at: datetime,
    wanted: Wanted,
    moment: Literal["request", "dispatch"],
    content: tuple[str, ...] | None,
) -> e.ContactRefused:
    first = verdict.first
    assert first is not None, "a verdict that does not permit has a finding"
    return e.ContactRefused(
        at=at,
        contact_id=wanted.contact_id,
        channel=wanted.channel,
        point_id=wanted.point_id,
        template=wanted.template,
        moment=moment,
        rule=first.rule,
        citation=first.citation,
        confidence=first.confidence,
        says=first.says,
        inputs=first.inputs,
        next_lawful_at=verdict.next_lawful_at,
        step=wanted.step,
        debts=wanted.debts,
        content=content,
        medium=wanted.medium,
    )


def start_dispatch(case: Case, command: c.StartDispatch, context: Context) -> list[e.Event]:
    """Ask the rules again: an opt-out, a hold or the evening may have come in between."""
    contact = _contact(case, command.contact_id)
    if contact.status != "permitted":
        return []
    if context.at >= contact.expires_at:
        expired = "the permission expired"
        return [e.ContactCancelled(at=context.at, contact_id=command.contact_id, reason=expired)]
    # The text that leaves is made from the template of today.
    declared = context.content_of(contact.template, contact.channel, contact.language)
    content = contact.content if declared is None else declared
    seen = situation(
        case,
        contact.channel,
        contact.point_id,
        context.at,
        without=command.contact_id,
        debts=contact.debts,
        content=content,
        medium=contact.medium,
        treatment=context.treatment,
    )
    verdict = judge(context.rules, seen, context.at)
    if not verdict.permitted:
        wanted = Wanted(
            contact_id=command.contact_id,
            channel=contact.channel,
            template=contact.template,
            point_id=contact.point_id,
            step=contact.step,
            debts=contact.debts,
            medium=contact.medium,
        )
        return [_refusal(verdict, context.at, wanted, "dispatch", content)]
    return [
        e.ContactDispatching(
            at=context.at,
            contact_id=command.contact_id,
            key=str(command.contact_id),
            plugin=command.plugin,
            body_sha256=command.body_sha256,
        )
    ]


def cancel_contact(case: Case, command: c.CancelContact, context: Context) -> list[e.Event]:
    contact = _contact(case, command.contact_id)
    if contact.status == "cancelled":
        return []
    if contact.status != "permitted":
        raise WrongState(f"the contact is {contact.status}; it cannot be called back", "contact_id")
    return [e.ContactCancelled(at=context.at, contact_id=command.contact_id, reason=command.reason)]


def record_accepted(case: Case, command: c.RecordAccepted, context: Context) -> list[e.Event]:
    """The channel's own word that it took the message stands above what anybody else said."""
    contact = _contact(case, command.contact_id)
    is_news = bool(contact.key) and contact.status != "accepted"
    if not is_news and not (_is_taken_by_receipts(contact) and command.reference):
        return []
    return [
        e.ContactAccepted(
            at=context.at,
            contact_id=command.contact_id,
            reference=command.reference,
            units=command.units,
        )
    ]


def record_rejected(case: Case, command: c.RecordRejected, context: Context) -> list[e.Event]:
    contact = _contact(case, command.contact_id)
    if not _is_open(contact) and not (_is_taken_by_receipts(contact) and not contact.proven):
        return []
    return [e.ContactRejected(at=context.at, contact_id=command.contact_id, reason=command.reason)]


def _is_open(contact: Contact) -> bool:
    return contact.status in {"dispatching", "unknown"}


def _is_taken_by_receipts(contact: Contact) -> bool:
    """Whether only its receipts say so, and neither the channel nor a person."""
    return contact.status == "accepted" and not contact.reference and contact.found_out is None


def reconcile_contact(case: Case, command: c.ReconcileContact, context: Context) -> list[e.Event]:
    """Settle what nobody knew. What was found out once stands, until the channel says better."""
    contact = _contact(case, command.contact_id)
    if contact.found_out == command.outcome:
        return []
    if contact.found_out is not None:
        found = contact.found_out.replace("_", " ")
        raise Contradiction(f"somebody found out before that it was {found}", "outcome")
    if contact.status != "unknown":
        raise WrongState(
            f"the contact is {contact.status}; only one that is unknown is reconciled", "contact_id"
        )
    return [
        e.ContactReconciled(
            at=context.at,
            contact_id=command.contact_id,
            outcome=command.outcome,
            evidence=command.evidence,
        )
    ]


def record_unknown(case: Case, command: c.RecordUnknown, context: Context) -> list[e.Event]:
    if _contact(case, command.contact_id).status != "dispatching":
        return []
    return [e.ContactUnknown(at=context.at, contact_id=command.contact_id, reason=command.reason)]


def record_postponed(case: Case, command: c.RecordPostponed, context: Context) -> list[e.Event]:
    """To be tried again, unless the permission will be over by then, or a receipt says it left."""
    contact = _contact(case, command.contact_id)
    if contact.status != "dispatching":
        return []
    if command.until >= contact.expires_at:
        reason = command.reason
        return [e.ContactRejected(at=context.at, contact_id=command.contact_id, reason=reason)]
    postponed = e.ContactPostponed(
        at=context.at,
        contact_id=command.contact_id,
        until=command.until,
        reason=command.reason,
    )
    if contact.proven or not (contact.called_off or _has_paid_since(case, contact)):
        return [postponed]
    why = "called off while the channel was busy"
    return [
        postponed,
        e.ContactCancelled(at=context.at, contact_id=command.contact_id, reason=why, recalled=True),
    ]


def _has_paid_since(case: Case, contact: Contact) -> bool:
    since = contact.dispatched_at or contact.permitted_at
    return any(payment.recorded_at >= since for payment in case.payments.values())


def record_receipt(case: Case, command: c.RecordReceipt, context: Context) -> list[e.Event]:
    """Keep a receipt, in whatever order it comes. A complaint to the carrier is an opt-out too."""
    contact = _contact(case, command.contact_id)
    if command.receipt_id in contact.receipts:
        return []
    receipt = e.ReceiptRecorded(
        at=context.at,
        contact_id=command.contact_id,
        receipt_id=command.receipt_id,
        status=command.status,
        occurred_at=command.occurred_at,
        detail=command.detail,
    )
    if command.status != "complained":
        return [receipt]
    medium = contact.medium or contact.channel
    # As the receipt leaves it: what left is not called back.
    case = evolve(case, receipt)
    return [receipt, *opt_out_of(case, context, medium, "complained to the carrier")]


def record_opt_out(case: Case, command: c.RecordOptOut, context: Context) -> list[e.Event]:
    return opt_out_of(case, context, context.medium_of(command.channel), command.how)


def opt_out_of(case: Case, context: Context, channel: Channel, how: str) -> list[e.Event]:
    """The end of a channel, or of all; nothing where it had ended."""
    if channel in case.opted_out and not (channel == "all" and case.opted_in):
        return []
    out = e.ChannelOptedOut(at=context.at, channel=channel, how=how)
    stopped = "" if channel == "all" else channel
    return [out, *recall(case, context, "the debtor opted out", channel=stopped)]


def record_opt_in(case: Case, command: c.RecordOptIn, context: Context) -> list[e.Event]:
    channel, out = context.medium_of(command.channel), case.opted_out
    stopped = bool(out) if channel == "all" else not {channel, "all"}.isdisjoint(out)
    if not stopped or channel in case.opted_in:
        return []
    return [e.ChannelOptedIn(at=context.at, channel=channel, how=command.how)]


def log_conversation(case: Case, command: c.LogConversation, context: Context) -> list[e.Event]:
    """Keep what was said. Without a permission that covers it, it shows as a breach."""
    if command.conversation_id in case.conversations:
        return []
    check_debts(case, command.debts)
    is_ours = command.initiator == "creditor" and command.by == "us"
    covering = _covering(case, command) if is_ours else None
    talk = e.ConversationLogged(
        at=context.at,
        conversation_id=command.conversation_id,
        channel=command.channel,
        point_id=command.point_id,
        initiator=command.initiator,
        party=command.party,
        outcome=command.outcome,
        arrears_reason=command.arrears_reason,
        note=command.note,
        occurred_at=command.occurred_at,
        permitted=not is_ours or covering is not None,
        contact_id=covering,
        debts=command.debts,
        consented_at=command.consented_at,
        by=command.by,
    )
    said = heeded(
        case,
        context,
        command.outcome,
        hold_id=f"talk-{command.conversation_id}",
        authority="said in a conversation",
        how="asked in a conversation",
        point_id=command.point_id,
        debts=command.debts,
    )
    return [talk, *said]


# What a debtor says or writes protects them from the moment on at which a person hears it.
_HOLDS_BY_OUTCOME: Final[Mapping[str, HoldKind]] = {
    "complaint": "complaint",
    "deceased": "bereavement",
    "disputes_debt": "dispute",
    "hardship_declared": "hardship",
}


def heeded(
    case: Case,
    context: Context,
    outcome: str,
    *,
    hold_id: str,
    authority: str,
    how: str,
    point_id: str,
    debts: tuple[UUID, ...],
) -> list[e.Event]:
    """What follows by itself from what was said; a person may lift or change it afterwards."""
    kind = _HOLDS_BY_OUTCOME.get(outcome)
    # Who disputes one debt has said nothing of the others.
    debt_id = debts[0] if kind == "dispute" and len(debts) == 1 else None
    if kind is not None and not _is_held(case, kind, debt_id):
        said = c.PlaceHold(hold_id=hold_id, kind=kind, authority=authority, debt_id=debt_id)
        return place_hold(case, said, context)
    if outcome == "asked_to_stop":
        return opt_out_of(case, context, "all", how)
    if outcome in {"wrong_number", "wrong_party"} and point_id in case.points:
        gone = c.RetireContactPoint(point_id=point_id, reason="somebody else answered")
        return retire_contact_point(case, gone, context)
    return []


def _is_held(case: Case, kind: HoldKind, debt_id: UUID | None) -> bool:
    """Whether holds of the kind protect this debt already; all of them, when none is named."""
    held = {hold.debt_id for hold in case.holds.values() if hold.kind == kind}
    wanted = set(case.active_debts) if debt_id is None else {debt_id}
    return None in held or (bool(wanted) and wanted <= held)


def _covering(case: Case, command: c.LogConversation) -> UUID | None:
    """The unused permission under which a conversation took place, if there is one.

    One that was called back counts for what happened before: a debtor who disputes on the phone
    is often put on hold first, and the conversation is written down after.
    """
    return next(
        (
            key
            for key, contact in case.contacts.items()
            if contact.status in {"permitted", "cancelled"}
            and contact.channel == command.channel
            and command.point_id in ("", contact.point_id)
            and contact.permitted_at <= command.occurred_at < contact.expires_at
            and command.occurred_at <= (contact.cancelled_at or command.occurred_at)
        ),
        None,
    )


def _contact(case: Case, contact_id: UUID) -> Contact:
    contact = case.contacts.get(contact_id)
    if contact is None:
        raise Unknown(f"the case has no permitted contact {contact_id}", "contact_id")
    return contact
