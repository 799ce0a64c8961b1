"""Opening, debts, addresses, stages, closing."""

from collections.abc import Collection, Mapping
from typing import Final
from uuid import UUID

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.agreed_interest import with_terms
from duecourse.case.context import Context
from duecourse.case.days import check_day
from duecourse.case.errors import (
    CaseIsClosed,
    Contradiction,
    Invalid,
    StageNotReady,
    Unknown,
    WrongState,
)
from duecourse.case.evolve import evolve, fold
from duecourse.case.interest_terms import AgreedInterest
from duecourse.case.limitation import limitation
from duecourse.case.overpayments import after, used_surplus
from duecourse.case.situation import LOST
from duecourse.case.state import Case, Contact, Conversation, Plan
from duecourse.case.words import (
    ASKS_WHOLE_SUM,
    ENDS_ACTION,
    MANUAL_CHANNELS,
    NOT_CONNECTED,
    CloseReason,
    Stage,
)
from duecourse.money.amounts import MAX_MINOR, sum_buckets
from duecourse.money.currencies import CURRENCIES, FIX, NOT_KNOWN

# Where a stage may be left for by hand. Legal action starts by approval only, and closing has
# its own command; going back to negotiation is always open.
NEXT_STAGES: Final[Mapping[Stage, tuple[Stage, ...]]] = {
    "intake": ("reminder",),
    "reminder": ("negotiation", "pre_legal"),
    "negotiation": ("reminder", "pre_legal"),
    "pre_legal": ("negotiation",),
    "legal": ("negotiation",),
    "closed": (),
}
# A case closes as these by itself, once nothing is owed any more.
_BY_MONEY: Final[Mapping[CloseReason, str]] = {
    "paid": "record the payment, or choose another reason",
    "settled": "offer a settlement, which forgives the rest once it is paid",
    "forgiven": "propose an adjustment of the kind forgiveness; a second person approves it",
}
MOST_DEBTS: Final = 1000
MOST_POINTS: Final = 100


def open_case(case: Case | None, command: c.OpenCase, context: Context) -> list[e.Event]:
    """Open, or place on the open case the debts it does not have yet."""
    placed = {} if case is None else case.debts
    new = [debt for debt in command.debts if debt.debt_id not in placed]
    if len({debt.debt_id for debt in new}) < len(new):
        raise Invalid("two debts have the same debt_id; give each account its own", "debts")
    _check_debts(case, new, context, "debts")
    debts: list[e.Event] = [e.DebtPlaced(at=context.at, debt=debt) for debt in new]
    interest = [each for each in command.interest if each.debt_id not in placed]
    if case is None:
        return _with_interest(None, [_opened(command, context), *debts], interest, context)
    if debts and case.is_closed:
        debts = [*_reopened_for_debt(case, context), *debts]
    return _with_surplus(case, _with_interest(case, debts, interest, context), context)


def _with_interest(
    case: Case | None, placed: list[e.Event], interest: list[AgreedInterest], context: Context
) -> list[e.Event]:
    """The debts with the terms on which they bear interest, from the day on which those began."""
    now = fold(placed, case)
    for each in interest:
        if now is None or each.debt_id not in now.debts:
            raise Unknown(f"there is no debt {each.debt_id} to bear interest", "interest")
        agreed = with_terms(now, each.debt_id, each.terms, each.evidence, context)
        placed = [*placed, *agreed]
        now = fold(agreed, now)
    return placed


def _with_surplus(case: Case, placed: list[e.Event], context: Context) -> list[e.Event]:
    """What was held for the debtor pays the new debt at once."""
    now = after(case, placed)
    used = used_surplus(now, context, "a debt was placed") if placed else []
    return [*placed, *used, *after_surplus(after(now, used), context)] if used else placed


def after_surplus(case: Case, context: Context) -> list[e.Event]:
    """What follows when money that was held has paid something."""
    if case.is_closed:
        return []
    if not case.owes:
        return closing(case, context, "paid")
    messages = [
        each
        for each in recall(case, context, "money that was held paid a debt")
        if case.contacts[each.contact_id].channel not in MANUAL_CHANNELS
    ]
    return [*moot_promises(case, context), *messages]


def _reopened_for_debt(case: Case, context: Context) -> list[e.Event]:
    """With what was owed before all paid, the new debt is reminded of like any other."""
    reason = "another debt was placed"
    if case.owes or case.stage_before in {"intake", "reminder"}:
        return reopening(case, context, reason)
    reopened = e.CaseReopened(at=context.at, reason=reason)
    return [reopened, e.StageMoved(at=context.at, to="reminder", reason=reason)]


def _check_debts(case: Case | None, new: list[e.Debt], context: Context, field: str) -> None:
    """A case stays within what its sums and its calendar can hold."""
    for debt in new:
        if debt.currency not in CURRENCIES:
            raise Invalid(f"{debt.currency!r} {NOT_KNOWN}: {FIX}", f"{field}.currency")
        check_day(debt.due_on, context.at.date(), field)
        if debt.limitation_expires_on is not None:
            check_day(debt.limitation_expires_on, context.at.date(), field)
    placed = [] if case is None else list(case.debts.values())
    if len(placed) + len(new) > MOST_DEBTS:
        raise Invalid(f"a case may have {MOST_DEBTS} debts", field)
    owed = [account.debt.balance for account in placed] + [debt.balance for debt in new]
    if sum_buckets(owed).total > MAX_MINOR:
        raise Invalid(f"the debts of a case may add up to {MAX_MINOR} minor units", field)


def _opened(command: c.OpenCase, context: Context) -> e.CaseOpened:
    ids = [point.point_id for point in command.contact_points]
    if len(set(ids)) < len(ids):
        raise Invalid("two contact points have the same point_id", "contact_points")
    return e.CaseOpened(
        at=context.at,
        creditor=command.creditor,
        creditor_name=command.creditor_name,
        subject_id=command.subject_id,
        borrower_ref=command.borrower_ref,
        debtor=command.debtor,
        contact_points=command.contact_points,
        licence=context.licence_of(command.creditor),
    )


def place_debt(case: Case, command: c.PlaceDebt, context: Context) -> list[e.Event]:
    known = case.debts.get(command.debt.debt_id)
    if known is not None:
        if known.debt != command.debt:
            raise Contradiction(
                "the debt was placed before, and otherwise; correct it with an adjustment", "debt"
            )
        return []
    if case.is_closed:
        raise CaseIsClosed("the case is closed; reopen it first")
    _check_debts(case, [command.debt], context, "debt")
    interest = [] if command.interest is None else [command.interest]
    placed: list[e.Event] = [e.DebtPlaced(at=context.at, debt=command.debt)]
    return _with_surplus(case, _with_interest(case, placed, interest, context), context)


def withdraw_debt(case: Case, command: c.WithdrawDebt, context: Context) -> list[e.Event]:
    account = case.debts.get(command.debt_id)
    if account is None:
        raise Unknown(f"the case has no debt {command.debt_id}", "debt_id")
    if account.withdrawn:
        return []
    withdrawn = e.DebtWithdrawn(at=context.at, debt_id=command.debt_id, reason=command.reason)
    # The texts not sent yet ask for it, and a plan on the table or being kept counts it in.
    plans = _withdrawn_plans(
        case, context, "a debt of the plan was withdrawn", currency=account.debt.currency
    )
    moot = moot_promises(evolve(case, withdrawn), context)
    calls = recall(case, context, "a debt was withdrawn")
    return [withdrawn, *_holds_over(case, command.debt_id, context), *plans, *moot, *calls]


def _holds_over(case: Case, debt_id: UUID, context: Context) -> list[e.Event]:
    """What protected this debt alone has nothing left to protect."""
    return [
        e.HoldLifted(at=context.at, hold_id=key, reason="the debt was withdrawn")
        for key, hold in case.holds.items()
        if hold.debt_id == debt_id
    ]


def _withdrawn_plans(
    case: Case, context: Context, reason: str, *, currency: str = ""
) -> list[e.Event]:
    return [
        e.PlanWithdrawn(at=context.at, plan_id=key, reason=reason)
        for key, plan in case.plans.items()
        if plan.status in {"proposed", "offered", "active"} and currency in ("", plan.currency)
    ]


def moot_promises(case: Case, context: Context) -> list[e.Event]:
    """Nobody breaks a promise to pay what is not owed any more."""
    return [
        e.PromiseWithdrawn(at=context.at, promise_id=key, reason="nothing is owed any more")
        for key, promise in case.promises.items()
        if promise.status == "open" and not case.outstanding(promise.currency).total
    ]


def add_contact_point(case: Case, command: c.AddContactPoint, context: Context) -> list[e.Event]:
    if case.points.get(command.point.point_id) == command.point:
        return []
    if len(case.points) >= MOST_POINTS and command.point.point_id not in case.points:
        raise Invalid(f"a case may have {MOST_POINTS} contact points; retire one", "point")
    added = e.ContactPointAdded(at=context.at, point=command.point)
    if command.point.point_id not in case.points:
        return [added]
    # What was to go to the address before must not.
    return [added, *recall(case, context, "its address changed", point=command.point.point_id)]


def retire_contact_point(
    case: Case, command: c.RetireContactPoint, context: Context
) -> list[e.Event]:
    if command.point_id not in case.points:
        if command.point_id in case.retired:
            return []
        raise Unknown(f"the case has no contact point {command.point_id!r}", "point_id")
    retired = e.ContactPointRetired(at=context.at, point_id=command.point_id, reason=command.reason)
    return [retired, *recall(case, context, "its address was retired", point=command.point_id)]


def move_debtor(case: Case, command: c.MoveDebtor, context: Context) -> list[e.Event]:
    debtor = case.debtor
    same = (debtor.time_zone, debtor.jurisdiction) == (command.time_zone, command.jurisdiction)
    if same and not case.other_places:
        return []
    moved = e.DebtorMoved(
        at=context.at, time_zone=command.time_zone, jurisdiction=command.jurisdiction
    )
    return [moved, *recall_calls(case, context, "the debtor lives somewhere else")]


def move_stage(case: Case, command: c.MoveStage, context: Context) -> list[e.Event]:
    if command.to == case.stage:
        return []
    if command.to not in NEXT_STAGES[case.stage]:
        ways = ", ".join(NEXT_STAGES[case.stage]) or "none"
        raise WrongState(f"from {case.stage} a case may move to: {ways}", "to")
    missing = missing_for(case, command.to)
    if missing:
        raise StageNotReady(f"not ready for {command.to}: {'; '.join(missing)}", "to")
    moved = e.StageMoved(at=context.at, to=command.to, reason=command.reason)
    return [moved, *_called_off(case, context, command.to)]


def _called_off(case: Case, context: Context, to: Stage) -> list[e.Event]:
    """Going back to talking takes back what was proposed or approved but not filed yet.

    So does going back to reminders: a court may have answered what was never filed here.
    """
    if case.stage not in {"pre_legal", "legal"} and to != "reminder":
        return []
    return withdrawn_referrals(case, context, f"the case left the stage {case.stage}")


def withdrawn_referrals(case: Case, context: Context, reason: str) -> list[e.Event]:
    """Take back every referral that has not begun to be filed."""
    return [
        e.LegalReferralWithdrawn(at=context.at, referral_id=key, reason=reason)
        for key, referral in case.referrals.items()
        if referral.status in {"proposed", "approved", "failed"}
    ]


def missing_for(case: Case, to: Stage) -> list[str]:
    """What a stage still waits for, in words. Going back asks for nothing."""
    if to == "pre_legal":
        return missing_for_legal(case)
    if to == "negotiation" and case.stage == "reminder" and not _has_been_reached(case):
        return ["nothing has been sent to the debtor and nobody has spoken with them"]
    return []


def missing_for_legal(case: Case, debts: Collection[UUID] = ()) -> list[str]:
    """Court is the last way: it waits for everything fairer to have been tried.

    A claim is about `debts`; when none are named, about any for which a court may be asked.
    """
    held = case.blocks("legal", debts)
    checks = [
        (not case.owes, "nothing is owed"),
        (not _has_been_reached(case), "the debtor has not been reached in any way"),
        (not _help_was_tried(case), "no plan was offered and answered or lapsed, and no refusal"),
        (case.active_plan is not None, "a plan is being kept"),
        (_has_open_offer(case), "an offered plan is still open"),
        (_has_open_promise(case), "a promise to pay is still open"),
        (_has_open_claim(case), "a claim is before the court already"),
        (bool(case.waiting_replies), "a reply of the debtor waits to be read"),
        (bool(held), f"held by: {', '.join(held)}"),
        (not held and not debts and _is_barred(case), "the limitation period has run out"),
    ]
    return [words for is_missing, words in checks if is_missing]


def claimable(case: Case) -> tuple[UUID, ...]:
    """The debts for which a court may be asked: no hold stops it, and there still is time."""
    today = case.today(case.at)
    return tuple(
        key
        for key in case.free_of("legal")
        if limitation(case, [case.debts[key]], today) != "expired"
    )


def _is_barred(case: Case) -> bool:
    return case.owes and not claimable(case)


def _has_been_reached(case: Case) -> bool:
    sent = any(_arrived(contact) for contact in case.contacts.values())
    spoken = any(_with_debtor(talk) for talk in case.conversations.values())
    return sent or spoken or bool(case.replies)


def _arrived(contact: Contact) -> bool:
    return contact.status == "accepted" and contact.delivery not in LOST


def _with_debtor(talk: Conversation) -> bool:
    return talk.party == "debtor" and talk.outcome not in NOT_CONNECTED


def _help_was_tried(case: Case) -> bool:
    refused = any(talk.outcome == "refused_to_pay" for talk in case.conversations.values())
    answered = any(plan.status in {"declined", "broken"} for plan in case.plans.values())
    passed_over = any(
        plan.status == "lapsed" and _was_heard_of(case, plan) for plan in case.plans.values()
    )
    return refused or answered or passed_over


def _was_heard_of(case: Case, plan: Plan) -> bool:
    """Whether the debtor was reached while the offer was open: in writing after it, or by voice."""
    day = case.today(plan.offered_at)
    written = any(
        contact.permitted_at >= plan.offered_at and _arrived(contact)
        for contact in case.contacts.values()
    )
    spoken = any(
        day <= case.today(talk.occurred_at) <= plan.expires_on and _with_debtor(talk)
        for talk in case.conversations.values()
    )
    return written or spoken


def _has_open_offer(case: Case) -> bool:
    return any(plan.status in {"proposed", "offered"} for plan in case.plans.values())


def _has_open_promise(case: Case) -> bool:
    return any(promise.status == "open" for promise in case.promises.values())


def _has_open_claim(case: Case) -> bool:
    return any(
        referral.status == "filed" and referral.outcome not in ENDS_ACTION
        for referral in case.referrals.values()
    )


def close_case(case: Case, command: c.CloseCase, context: Context) -> list[e.Event]:
    if command.reason in _BY_MONEY and case.owes:
        raise WrongState(f"something is still owed: {_BY_MONEY[command.reason]}", "reason")
    return closing(case, context, command.reason, command.note)


def closing(case: Case, context: Context, reason: CloseReason, note: str = "") -> list[e.Event]:
    """Close, and end what was under way: nothing of it may come back to life on its own."""
    why = "the case was closed"
    return [
        *recall(case, context, why),
        *recall_reports(case, context, why),
        *at_rest(case, context, why),
        *withdrawn_referrals(case, context, why),
        e.CaseClosed(at=context.at, reason=reason, note=note),
    ]


def at_rest(case: Case, context: Context, reason: str) -> list[e.Event]:
    """What the debtor had agreed to is not judged while the case is closed, nor afterwards."""
    return [
        *_withdrawn_plans(case, context, reason),
        *_withdrawn_promises(case, context, reason),
    ]


def _withdrawn_promises(case: Case, context: Context, reason: str) -> list[e.Event]:
    return [
        e.PromiseWithdrawn(at=context.at, promise_id=key, reason=reason)
        for key, promise in case.promises.items()
        if promise.status == "open"
    ]


def reopen_case(case: Case, command: c.ReopenCase, context: Context) -> list[e.Event]:
    if not case.is_closed:
        return []
    return reopening(case, context, command.reason)


def reopening(case: Case, context: Context, reason: str) -> list[e.Event]:
    """Reopen where the case was, but in no legal stage that nothing holds it in any more."""
    reopened = e.CaseReopened(at=context.at, reason=reason)
    if case.stage_before not in {"pre_legal", "legal"} or _is_at_law(case):
        return [reopened]
    return [reopened, e.StageMoved(at=context.at, to="negotiation", reason=reason)]


def _is_at_law(case: Case) -> bool:
    handed_over = any(referral.status == "filing" for referral in case.referrals.values())
    return handed_over or _has_open_claim(case)


def recall(
    case: Case,
    context: Context,
    reason: str,
    *,
    channel: str = "",
    point: str = "",
    debt: UUID | None = None,
    scheduled_only: bool = False,
) -> list[e.ContactCancelled]:
    """Cancel the permissions that nobody has used yet, or those of them that the schedule asked for."""
    return [
        e.ContactCancelled(at=context.at, contact_id=key, reason=reason, recalled=True)
        for key, contact in case.contacts.items()
        if contact.status == "permitted"
        and (contact.step or not scheduled_only)
        and channel in ("", contact.channel, contact.medium)
        and point in ("", contact.point_id)
        and contact.is_about(debt)
    ]


def recall_calls(case: Case, context: Context, reason: str) -> list[e.Event]:
    """Cancel the permissions to call or visit: what is now known may speak against them.

    A message is judged once more when it leaves, and the answer kept; a call is not.
    """
    manual = {key for key, each in case.contacts.items() if each.channel in MANUAL_CHANNELS}
    return [each for each in recall(case, context, reason) if each.contact_id in manual]


def recall_demands(
    case: Case, context: Context, reason: str, *, currency: str
) -> list[e.ContactCancelled]:
    """Cancel the permissions to ask for all that is owed in this currency."""
    debts = {key for key, account in case.debts.items() if account.debt.currency == currency}
    return [
        each
        for each in recall(case, context, reason)
        if _is_demand(case.contacts[each.contact_id], debts, context)
    ]


def _is_demand(contact: Contact, debts: Collection[UUID], context: Context) -> bool:
    """By what its template declares today, as when it leaves."""
    declared = context.content_of(contact.template, contact.channel, contact.language)
    content = contact.content if declared is None else declared
    is_about = not contact.debts or any(each in debts for each in contact.debts)
    return is_about and ASKS_WHOLE_SUM in (content or ())


def recall_reports(
    case: Case, context: Context, reason: str, *, debt: UUID | None = None
) -> list[e.Event]:
    """Cancel the permissions to tell a bureau that may still be used."""
    return [
        e.BureauReportCancelled(at=context.at, report_id=key, reason=reason)
        for key, report in case.bureau_reports.items()
        if report.cancelled_at is None
        and context.at < report.expires_at
        and (debt is None or debt in report.debt_ids)
    ]
