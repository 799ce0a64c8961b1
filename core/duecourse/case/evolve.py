"""How each event changes a case. Never refuses: it has already happened."""

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Any, Final, TypeVar
from uuid import UUID

import msgspec
from msgspec.structs import replace

from duecourse.case import events as e
from duecourse.case.evolve_clock import with_clock
from duecourse.case.evolve_holds import APPLY_HOLDS
from duecourse.case.evolve_ledger import APPLY_LEDGER, disputed_debts, kept_in_ledger
from duecourse.case.evolve_overpayments import APPLY_OVERPAYMENTS
from duecourse.case.evolve_plans import APPLY_PLANS
from duecourse.case.evolve_terms import APPLY_TERMS
from duecourse.case.state import (
    NO_PROOF,
    RECEIPT_ORDER,
    BureauReport,
    Case,
    Contact,
    Conversation,
    DebtAccount,
    Hold,
    Payment,
    Plan,
    Promise,
    Referral,
    Refusal,
    StepProgress,
    WaitingReply,
    reply_name,
)
from duecourse.case.treatment import after_failure, after_proof, after_recall, after_refusal

K = TypeVar("K")
V = TypeVar("V", bound=msgspec.Struct)


def fold(events: Iterable[e.Event], case: Case | None = None) -> Case | None:
    return reduce(evolve, events, case)


def evolve(case: Case | None, event: e.Event) -> Case:
    """Return the case after `event`."""
    if case is None:
        assert isinstance(event, e.CaseOpened), "a case's first event is CaseOpened"
        return _opened(event)
    before = replace(case, at=event.at)
    after = kept_in_ledger(before, APPLY[type(event)](before, event), event)
    return with_clock(after, event)


def _changed(many: Mapping[K, V], entry: K, /, **fields: object) -> dict[K, V]:
    """The mapping with some fields of one entry replaced."""
    return {**many, entry: replace(many[entry], **fields)}


# --- the case and what it is about ---------------------------------------------------------


def _opened(event: e.CaseOpened) -> Case:
    return Case(
        at=event.at,
        opened_at=event.at,
        creditor=event.creditor,
        creditor_name=event.creditor_name,
        subject_id=event.subject_id,
        borrower_ref=event.borrower_ref,
        debtor=event.debtor,
        points={point.point_id: point for point in event.contact_points},
        licence=event.licence,
    )


def _debt_placed(case: Case, event: e.DebtPlaced) -> Case:
    """On a case that owes nothing, a new debt begins the treatment schedule anew."""
    account = DebtAccount(
        debt=event.debt,
        outstanding=event.debt.balance,
        placed_at=event.at,
        limitation_expires_on=event.debt.limitation_expires_on,
    )
    debts = {**case.debts, event.debt.debt_id: account}
    return replace(case, debts=debts, steps=case.steps if case.owes else {})


def _debt_withdrawn(case: Case, event: e.DebtWithdrawn) -> Case:
    debts = _changed(case.debts, event.debt_id, withdrawn=True, withdrawn_at=event.at)
    return replace(case, debts=debts, contacts=_called_off(case))


def _called_off(
    case: Case,
    *,
    channel: str = "",
    point: str = "",
    debt: UUID | None = None,
    scheduled_only: bool = False,
) -> Mapping[UUID, Contact]:
    """What is on its way cannot be called back; should it not leave, it is not tried again."""
    on_their_way = [
        key
        for key, contact in case.contacts.items()
        if contact.status == "dispatching"
        and (contact.step or not scheduled_only)
        and channel in ("", contact.channel, contact.medium)
        and point in ("", contact.point_id)
        and contact.is_about(debt)
    ]
    contacts = case.contacts
    for key in on_their_way:
        contacts = _changed(contacts, key, called_off=True)
    return contacts


def _point_added(case: Case, event: e.ContactPointAdded) -> Case:
    point_id = event.point.point_id
    points = {**case.points, point_id: event.point}
    contacts = _called_off(case, point=point_id) if point_id in case.points else case.contacts
    return replace(case, points=points, contacts=contacts, steps=_unblocked(case))


def _point_retired(case: Case, event: e.ContactPointRetired) -> Case:
    points = {key: point for key, point in case.points.items() if key != event.point_id}
    contacts = _called_off(case, point=event.point_id)
    return replace(case, points=points, contacts=contacts, retired=(*case.retired, event.point_id))


def _debtor_moved(case: Case, event: e.DebtorMoved) -> Case:
    debtor = replace(case.debtor, time_zone=event.time_zone, jurisdiction=event.jurisdiction)
    return replace(case, debtor=debtor, other_places=(), steps=_unblocked(case))


def _unblocked(case: Case) -> dict[str, StepProgress]:
    return {key: replace(step, blocked=False) for key, step in case.steps.items()}


def _stage_moved(case: Case, event: e.StageMoved) -> Case:
    return replace(case, stage=event.to)


def _step_taken(case: Case, event: e.TreatmentStepTaken) -> Case:
    step = replace(case.steps.get(event.step, StepProgress()), outcome=event.outcome)
    return replace(case, steps={**case.steps, event.step: step})


def _closed(case: Case, event: e.CaseClosed) -> Case:
    return replace(
        case,
        stage="closed",
        stage_before=case.stage,
        close_reason=event.reason,
        contacts=_called_off(case),
    )


def _reopened(case: Case, _: e.CaseReopened) -> Case:
    return replace(case, stage=case.stage_before, close_reason=None)


# --- contact -------------------------------------------------------------------------------


def _permitted(case: Case, event: e.ContactPermitted) -> Case:
    point = case.points.get(event.point_id)
    contact = Contact(
        channel=event.channel,
        point_id=event.point_id,
        holder="nobody" if point is None else point.holder,
        template=event.template,
        language=event.language,
        permitted_at=event.at,
        expires_at=event.expires_at,
        step=event.step,
        debts=event.debts,
        content=event.content,
        medium=event.medium,
    )
    steps = case.steps
    if event.step:
        before = steps.get(event.step, StepProgress())
        steps = {**steps, event.step: replace(before, outcome="done", not_before=None)}
    return replace(case, contacts={**case.contacts, event.contact_id: contact}, steps=steps)


def _refused(case: Case, event: e.ContactRefused) -> Case:
    contacts = case.contacts
    if event.contact_id in contacts:
        contacts = _changed(contacts, event.contact_id, status="cancelled", cancelled_at=event.at)
    return replace(case, contacts=contacts, steps=after_refusal(case, event))


def _dispatching(case: Case, event: e.ContactDispatching) -> Case:
    contacts = _changed(
        case.contacts,
        event.contact_id,
        status="dispatching",
        attempts=case.contacts[event.contact_id].attempts + 1,
        dispatched_at=event.at,
        key=event.key,
        plugin=event.plugin,
        body_sha256=event.body_sha256,
    )
    return replace(case, contacts=contacts)


def _accepted(case: Case, event: e.ContactAccepted) -> Case:
    return _taken(case, event.contact_id, reference=event.reference)


def _rejected(case: Case, event: e.ContactRejected) -> Case:
    if case.contacts[event.contact_id].proven:
        return _taken(case, event.contact_id)
    contacts = _changed(case.contacts, event.contact_id, status="rejected")
    return replace(case, contacts=contacts, steps=after_failure(case, event.contact_id, event.at))


def _unknown(case: Case, event: e.ContactUnknown) -> Case:
    """Nothing is unknown of what has receipts: they may come before whoever sent it gives up."""
    is_known = case.contacts[event.contact_id].delivery is not None
    doubt = {"unknown_at": event.at, "doubt": event.reason}
    if is_known:
        return _taken(case, event.contact_id, **doubt)
    contacts = _changed(case.contacts, event.contact_id, status="unknown", **doubt)
    return replace(case, contacts=contacts)


def _reconciled(case: Case, event: e.ContactReconciled) -> Case:
    if event.outcome == "sent":
        return _taken(case, event.contact_id, found_out=event.outcome)
    contacts = _changed(case.contacts, event.contact_id, status="rejected", found_out=event.outcome)
    return replace(case, contacts=contacts, steps=after_failure(case, event.contact_id, event.at))


def _taken(case: Case, contact_id: UUID, **fields: object) -> Case:
    """Nothing calls it off any more, whatever came while it was on its way."""
    contacts = _changed(case.contacts, contact_id, status="accepted", called_off=False, **fields)
    return replace(case, contacts=contacts, steps=after_proof(case, contact_id))


def _postponed(case: Case, event: e.ContactPostponed) -> Case:
    if case.contacts[event.contact_id].proven:
        return _taken(case, event.contact_id)
    contacts = _changed(
        case.contacts,
        event.contact_id,
        status="permitted",
        not_before=event.until,
        dispatched_at=None,
    )
    return replace(case, contacts=contacts)


def _cancelled(case: Case, event: e.ContactCancelled) -> Case:
    contacts = _changed(case.contacts, event.contact_id, status="cancelled", cancelled_at=event.at)
    after = after_recall if event.recalled else after_failure
    return replace(case, contacts=contacts, steps=after(case, event.contact_id, event.at))


def _receipt(case: Case, event: e.ReceiptRecorded) -> Case:
    """Receipts add up to the same whatever their order, and before or after what else is known."""
    contact = case.contacts[event.contact_id]
    known = contact.delivery
    seen = replace(
        contact,
        delivery=max(event.status, known or event.status, key=RECEIPT_ORDER.index),
        proven=contact.proven or event.status not in NO_PROOF,
        receipts=tuple(sorted({*contact.receipts, event.receipt_id})),
    )
    case = replace(case, contacts={**case.contacts, event.contact_id: seen})
    if not _is_settled_by_receipts(seen):
        return case
    return _taken(case, event.contact_id, dispatched_at=seen.dispatched_at or event.at)


def _is_settled_by_receipts(contact: Contact) -> bool:
    """Whether receipts say more of a contact than what was believed of it.

    One that is on its way waits for the channel's own answer, which has the reference. One that
    was never given to a channel has no receipts, whoever says so.
    """
    match contact.status:
        case "unknown":
            return True
        case "rejected" | "permitted" | "cancelled":
            return contact.proven and bool(contact.key)
        case _:
            return False


def _reply(case: Case, event: e.ReplyReceived) -> Case:
    name = reply_name(event.channel, event.reply_id)
    known = replace(case, replies=(*case.replies, name))
    if event.understood:
        return known
    reply = WaitingReply(
        reply_id=event.reply_id,
        channel=event.channel,
        point_id=event.point_id,
        text=event.text,
        occurred_at=event.occurred_at,
    )
    return replace(
        known,
        waiting_replies={**case.waiting_replies, name: reply},
        contacts=_called_off(case, scheduled_only=True),
    )


def _reply_read(case: Case, event: e.ReplyRead) -> Case:
    name = reply_name(event.channel, event.reply_id)
    waiting = {key: reply for key, reply in case.waiting_replies.items() if key != name}
    read = {**case.read_replies, name: event.outcome}
    return replace(case, waiting_replies=waiting, read_replies=read)


def _opted_out(case: Case, event: e.ChannelOptedOut) -> Case:
    if event.channel == "all":
        out = (*(each for each in case.opted_out if each != "all"), "all")
        return replace(case, opted_out=out, opted_in=(), contacts=_called_off(case))
    kept_in = tuple(channel for channel in case.opted_in if channel != event.channel)
    return replace(
        case,
        opted_out=(*case.opted_out, event.channel),
        opted_in=kept_in,
        contacts=_called_off(case, channel=event.channel),
    )


def _opted_in(case: Case, event: e.ChannelOptedIn) -> Case:
    if event.channel == "all":
        return replace(case, opted_out=(), opted_in=())
    left = tuple(channel for channel in case.opted_out if channel != event.channel)
    # Whoever wanted nothing any more, and now wants this, is left in peace by all else.
    opted_in = (*case.opted_in, event.channel) if "all" in left else case.opted_in
    return replace(case, opted_out=left, opted_in=opted_in)


def _conversation(case: Case, event: e.ConversationLogged) -> Case:
    contacts = case.contacts
    if event.contact_id is not None:
        contacts = _changed(contacts, event.contact_id, status="used")
    talk = Conversation(
        channel=event.channel,
        point_id=event.point_id,
        initiator=event.initiator,
        party=event.party,
        outcome=event.outcome,
        arrears_reason=event.arrears_reason,
        occurred_at=event.occurred_at,
        permitted=event.permitted,
        debts=event.debts,
        consented_at=event.consented_at,
        by=event.by,
    )
    talks = {**case.conversations, event.conversation_id: talk}
    return replace(case, conversations=talks, contacts=contacts)


# --- promises, plans, money ------------------------------------------------------------------


def _promised(case: Case, event: e.PromiseMade) -> Case:
    promise = Promise(
        currency=event.currency,
        amount_minor=event.amount_minor,
        due_on=event.due_on,
        tolerance_minor=event.tolerance_minor,
    )
    return replace(case, promises={**case.promises, event.promise_id: promise})


def _promise_kept(case: Case, event: e.PromiseKept) -> Case:
    return replace(case, promises=_changed(case.promises, event.promise_id, status="kept"))


def _promise_broken(case: Case, event: e.PromiseBroken) -> Case:
    return replace(case, promises=_changed(case.promises, event.promise_id, status="broken"))


def _promise_withdrawn(case: Case, event: e.PromiseWithdrawn) -> Case:
    return replace(case, promises=_changed(case.promises, event.promise_id, status="withdrawn"))


def _plan_accepted(case: Case, event: e.PlanAccepted) -> Case:
    plans = _changed(case.plans, event.plan_id, status="active", accepted_at=event.at)
    return replace(case, plans=plans)


def _plan_declined(case: Case, event: e.PlanDeclined) -> Case:
    return replace(case, plans=_changed(case.plans, event.plan_id, status="declined"))


def _plan_withdrawn(case: Case, event: e.PlanWithdrawn) -> Case:
    return replace(case, plans=_changed(case.plans, event.plan_id, status="withdrawn"))


def _plan_lapsed(case: Case, event: e.PlanLapsed) -> Case:
    return replace(case, plans=_changed(case.plans, event.plan_id, status="lapsed"))


def _instalment_met(case: Case, event: e.InstalmentMet) -> Case:
    missed = tuple(n for n in case.plans[event.plan_id].missed if n != event.number)
    plans = _changed(case.plans, event.plan_id, met=event.number, missed=missed)
    return replace(case, plans=plans)


def _instalment_missed(case: Case, event: e.InstalmentMissed) -> Case:
    missed = (*case.plans[event.plan_id].missed, event.number)
    return replace(case, plans=_changed(case.plans, event.plan_id, missed=missed))


def _plan_broken(case: Case, event: e.PlanBroken) -> Case:
    return replace(case, plans=_changed(case.plans, event.plan_id, status="broken"))


def _plan_completed(case: Case, event: e.PlanCompleted) -> Case:
    return replace(case, plans=_changed(case.plans, event.plan_id, status="completed"))


def _paid(case: Case, event: e.PaymentRecorded) -> Case:
    promises = {
        key: replace(each, paid_minor=each.paid_minor + event.amount_minor)
        for key, each in case.promises.items()
        if each.status == "open" and each.currency == event.currency
    }
    plans = {
        key: replace(each, paid_minor=each.paid_minor + event.amount_minor)
        for key, each in case.plans.items()
        if each.status == "active" and each.currency == event.currency
    }
    payment = Payment(
        recorded_at=event.at,
        currency=event.currency,
        amount_minor=event.amount_minor,
        value_on=event.value_on,
        allocations=event.allocations,
        unallocated_minor=event.unallocated_minor,
        promises=tuple(promises),
        plans=tuple(plans),
        debt_id=event.debt_id,
        profile=event.profile,
        across=event.across,
        slots=event.slots,
        future=event.future,
        disputed=disputed_debts(case),
    )
    return replace(
        case,
        debts=_with(case, event.allocations, -1),
        payments={**case.payments, event.payment_id: payment},
        promises={**case.promises, **promises},
        plans={**case.plans, **plans},
    )


def _with(case: Case, allocations: Iterable[e.Allocation], sign: int) -> Mapping[UUID, DebtAccount]:
    debts = dict(case.debts)
    for each in allocations:
        account = debts[each.debt_id]
        owed = account.outstanding
        outstanding = owed + each.paid if sign > 0 else owed - each.paid
        debts[each.debt_id] = replace(account, outstanding=outstanding)
    return debts


def _reversed(case: Case, event: e.PaymentReversed) -> Case:
    payment = case.payments.get(event.payment_id)
    if payment is None:
        early = {**case.reversed_early, event.payment_id: event.reason}
        return replace(case, reversed_early=early)
    promises = {key: _promise_less(case.promises[key], payment) for key in payment.promises}
    plans = {key: _plan_less(case.plans[key], payment) for key in payment.plans}
    return replace(
        case,
        debts=_with(case, payment.allocations, +1),
        payments=_changed(case.payments, event.payment_id, reversed=True),
        promises={**case.promises, **promises},
        plans={**case.plans, **plans},
    )


def _promise_less(promise: Promise, payment: Payment) -> Promise:
    """A promise kept with money that went back is open again; the calendar will judge it."""
    paid = promise.paid_minor - payment.amount_minor
    reopen = promise.status == "kept" and paid < promise.enough_minor
    return replace(promise, paid_minor=paid, status="open" if reopen else promise.status)


def _plan_less(plan: Plan, payment: Payment) -> Plan:
    less = replace(plan, paid_minor=plan.paid_minor - payment.amount_minor)
    covered = less.covered()
    reopen = less.status == "completed" and covered < len(less.instalments)
    return replace(
        less,
        met=min(less.met, covered),
        cured=tuple(number for number in less.cured if number <= covered),
        status="active" if reopen else less.status,
    )


# --- holds and legal action --------------------------------------------------------------------


def _hold_placed(case: Case, event: e.HoldPlaced) -> Case:
    hold = Hold(
        kind=event.kind,
        blocks=event.blocks,
        authority=event.authority,
        since=event.at,
        until=event.until,
        debt_id=event.debt_id,
        variant=event.variant,
        deadlines=event.deadlines,
        purpose=event.purpose,
        deferred=event.deferred,
        places=(case.debtor.jurisdiction, *(each.jurisdiction for each in case.other_places)),
        cut_short=event.cut_short,
    )
    contacts = case.contacts
    if "outreach" in event.blocks:
        contacts = _called_off(case, debt=event.debt_id)
    return replace(case, holds={**case.holds, event.hold_id: hold}, contacts=contacts)


def _referral_proposed(case: Case, event: e.LegalReferralProposed) -> Case:
    referral = Referral(
        grounds=event.grounds, debt_ids=event.debt_ids, proposed_by=event.proposed_by
    )
    return replace(case, referrals={**case.referrals, event.referral_id: referral})


def _referral_approved(case: Case, event: e.LegalReferralApproved) -> Case:
    refusals = {key: each for key, each in case.refusals.items() if key != event.referral_id}
    return _referral(
        replace(case, refusals=refusals), event.referral_id, status="approved",
        adapter=event.adapter, approved_by=event.approved_by, approved_at=event.at,
    )  # fmt: skip


def _referral_declined(case: Case, event: e.LegalReferralDeclined) -> Case:
    return _referral(case, event.referral_id, status="declined")


def _referral_withdrawn(case: Case, event: e.LegalReferralWithdrawn) -> Case:
    return _referral(case, event.referral_id, status="withdrawn")


def _filing_started(case: Case, event: e.FilingStarted) -> Case:
    return _referral(case, event.referral_id, status="filing")


def _filed(case: Case, event: e.ClaimFiled) -> Case:
    return _referral(
        case, event.referral_id, status="filed", adapter=event.adapter,
        reference=event.reference, documents=event.documents, problems=(),
    )  # fmt: skip


def _filing_failed(case: Case, event: e.FilingFailed) -> Case:
    return _referral(case, event.referral_id, status="failed", problems=event.problems)


def _action_refused(case: Case, event: e.ActionRefused) -> Case:
    refusal = Refusal(
        at=event.at,
        rule=event.rule,
        citation=event.citation,
        says=event.says,
        next_lawful_at=event.next_lawful_at,
    )
    refused = replace(case, refusals={**case.refusals, event.ref: refusal})
    if event.moment != "filing":
        return refused
    return _referral(refused, event.ref, status="failed", problems=(event.says,))


def _bureau_cancelled(case: Case, event: e.BureauReportCancelled) -> Case:
    reports = _changed(case.bureau_reports, event.report_id, cancelled_at=event.at)
    return replace(case, bureau_reports=reports)


def _bureau_permitted(case: Case, event: e.BureauReportPermitted) -> Case:
    report = BureauReport(
        bureau=event.bureau,
        debt_ids=event.debt_ids,
        permitted_at=event.at,
        expires_at=event.expires_at,
    )
    refusals = {key: each for key, each in case.refusals.items() if key != event.report_id}
    reports = {**case.bureau_reports, event.report_id: report}
    return replace(case, bureau_reports=reports, refusals=refusals)


def _court(case: Case, event: e.CourtOutcomeRecorded) -> Case:
    known = case.referrals[event.referral_id].court_reference
    return _referral(
        case, event.referral_id, outcome=event.outcome,
        court_reference=event.court_reference or known,
    )  # fmt: skip


def _referral(case: Case, key: UUID, **fields: object) -> Case:
    return replace(case, referrals=_changed(case.referrals, key, **fields))


# Any: each function takes its own event class; a test checks that every class is here.
APPLY: Final[Mapping[type[e.Event], Callable[[Case, Any], Case]]] = {
    e.DebtPlaced: _debt_placed,
    e.DebtWithdrawn: _debt_withdrawn,
    e.ContactPointAdded: _point_added,
    e.ContactPointRetired: _point_retired,
    e.DebtorMoved: _debtor_moved,
    e.StageMoved: _stage_moved,
    e.TreatmentStepTaken: _step_taken,
    e.CaseClosed: _closed,
    e.CaseReopened: _reopened,
    e.ContactPermitted: _permitted,
    e.ContactRefused: _refused,
    e.ContactDispatching: _dispatching,
    e.ContactAccepted: _accepted,
    e.ContactRejected: _rejected,
    e.ContactUnknown: _unknown,
    e.ContactReconciled: _reconciled,
    e.ContactPostponed: _postponed,
    e.ContactCancelled: _cancelled,
    e.ReceiptRecorded: _receipt,
    e.ReplyReceived: _reply,
    e.ReplyRead: _reply_read,
    e.ChannelOptedOut: _opted_out,
    e.ChannelOptedIn: _opted_in,
    e.ConversationLogged: _conversation,
    e.PromiseMade: _promised,
    e.PromiseKept: _promise_kept,
    e.PromiseBroken: _promise_broken,
    e.PromiseWithdrawn: _promise_withdrawn,
    e.PlanAccepted: _plan_accepted,
    e.PlanDeclined: _plan_declined,
    e.PlanWithdrawn: _plan_withdrawn,
    e.PlanLapsed: _plan_lapsed,
    e.InstalmentMet: _instalment_met,
    e.InstalmentMissed: _instalment_missed,
    e.PlanBroken: _plan_broken,
    e.PlanCompleted: _plan_completed,
    e.PaymentRecorded: _paid,
    e.PaymentReversed: _reversed,
    e.HoldPlaced: _hold_placed,
    e.LegalReferralProposed: _referral_proposed,
    e.LegalReferralApproved: _referral_approved,
    e.LegalReferralDeclined: _referral_declined,
    e.LegalReferralWithdrawn: _referral_withdrawn,
    e.FilingStarted: _filing_started,
    e.ClaimFiled: _filed,
    e.FilingFailed: _filing_failed,
    e.CourtOutcomeRecorded: _court,
    e.ActionRefused: _action_refused,
    e.BureauReportPermitted: _bureau_permitted,
    e.BureauReportCancelled: _bureau_cancelled,
    **APPLY_TERMS,
    **APPLY_HOLDS,
    **APPLY_PLANS,
    **APPLY_OVERPAYMENTS,
    **APPLY_LEDGER,
}
