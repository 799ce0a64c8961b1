"""What may be asked of a case, or reported to it.

An **ask** may be refused, by an error when it makes no sense or by an event when a rule forbids
it. A **report** says what happened outside - money came, a message bounced - and is never refused.
"""

from datetime import date
from typing import Annotated, Literal, dataclass_transform
from uuid import UUID

import msgspec

from duecourse.case.events import (
    AgreedHours,
    ContactPoint,
    Debt,
    Debtor,
    FiledDocument,
    Instalment,
    LawName,
    Line,
    Moment,
    Text,
)
from duecourse.case.interest_terms import AdjustmentKind, AgreedInterest, InterestTerms
from duecourse.case.plan_terms import (
    EarlyPayment,
    GraceDays,
    IncomeAndExpenditure,
    PlanTerms,
    Waive,
)
from duecourse.case.words import (
    AnyChannel,
    AnyPoint,
    ArrearsReason,
    Blocks,
    Channel,
    CloseReason,
    ConversationOutcome,
    CourtOutcome,
    DisputeGround,
    FoundOut,
    HoldKind,
    HoldOutcome,
    HoldVariant,
    Name,
    PersonalText,
    PlanKind,
    ReceiptStatus,
    ReplyOutcome,
    Stage,
    Word,
)
from duecourse.money.account_terms import Change
from duecourse.money.amounts import Currency, Minor, PositiveMinor
from duecourse.money.limitation_laws import Act as LimitationAct
from duecourse.money.limitation_laws import Contract, Feature

Reference = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Debts = Annotated[tuple[UUID, ...], msgspec.Meta(max_length=100)]


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Ask(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag=True,
    tag_field="type",
    forbid_unknown_fields=True,
):
    """May be refused."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Report(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    tag=True,
    tag_field="type",
    forbid_unknown_fields=True,
):
    """Has happened. Never refused for the state of the case; only for naming what it never had."""


# --- the case and what it is about ---------------------------------------------------------


class OpenCase(Ask):
    """Open with at least one debt. Opening an open case places the debts it does not have yet."""

    creditor: Name
    creditor_name: Line
    subject_id: UUID
    borrower_ref: PersonalText
    debtor: Debtor
    contact_points: Annotated[tuple[ContactPoint, ...], msgspec.Meta(max_length=50)]
    debts: Annotated[tuple[Debt, ...], msgspec.Meta(min_length=1, max_length=100)]
    interest: Annotated[tuple[AgreedInterest, ...], msgspec.Meta(max_length=100)] = ()


class PlaceDebt(Ask):
    debt: Debt
    interest: AgreedInterest | None = None


class WithdrawDebt(Ask):
    debt_id: UUID
    reason: Reason


class AddContactPoint(Ask):
    point: ContactPoint


class RetireContactPoint(Ask):
    point_id: Name
    reason: Reason


class MoveDebtor(Report):
    """The debtor lives under this clock and law, and nowhere else. Empty: no longer known."""

    time_zone: str
    jurisdiction: str


class AddPossiblePlace(Ask):
    """The debtor may live here as well. `MoveDebtor` settles it."""

    time_zone: str
    jurisdiction: str


class RecordFact(Report):
    """What a rule waits for happened `on` a day; None takes back what was recorded by mistake."""

    fact: Word
    on: date | None
    how: Reason


class RecordLimitation(Report):
    """The last day on which a debt can be taken to court; None is not known any more."""

    debt_id: UUID
    expires_on: date | None
    how: Reason


class MoveStage(Ask):
    to: Stage
    reason: Reason


class FollowTreatment(Ask):
    """Take the next step of the treatment schedule, which comes with the context."""

    step: Name


class CloseCase(Ask):
    reason: CloseReason
    note: PersonalText = ""


class ReopenCase(Ask):
    reason: Reason


# --- contact -------------------------------------------------------------------------------


class RequestContact(Ask):
    """Ask the rules. With no `point_id`, the first usable address of the debtor is taken.

    `debts` are those it is about; none means all.
    """

    contact_id: UUID
    channel: Channel
    template: Name
    point_id: str = ""
    debts: Debts = ()


class StartDispatch(Ask):
    """Ask the rules again and, when they still agree, commit to sending this very text."""

    contact_id: UUID
    plugin: Name
    body_sha256: str


class CancelContact(Ask):
    contact_id: UUID
    reason: Reason


class ReconcileContact(Ask):
    """Say what became of a contact whose outcome is unknown, and how that is known."""

    contact_id: UUID
    outcome: FoundOut
    evidence: PersonalText


class RecordAccepted(Report):
    contact_id: UUID
    reference: str
    units: int = 1


class RecordRejected(Report):
    contact_id: UUID
    reason: Text


class RecordUnknown(Report):
    contact_id: UUID
    reason: Text


class RecordPostponed(Report):
    """The channel was too busy to take it, and is sure that it did not."""

    contact_id: UUID
    until: Moment
    reason: Text


class RecordReceipt(Report):
    contact_id: UUID
    receipt_id: str
    status: ReceiptStatus
    occurred_at: Moment
    detail: Text = ""


class RecordReply(Report):
    """Words of the debtor, verbatim. The core looks for an opt-out in them."""

    reply_id: Name
    channel: Channel
    text: PersonalText
    occurred_at: Moment
    point_id: str = ""


class ReadReply(Ask):
    """A person has read it. `channel` is needed only where two channels have a reply of this id."""

    reply_id: Name
    outcome: ReplyOutcome
    note: PersonalText = ""
    channel: AnyChannel = ""
    debts: Debts = ()


class RecordOptOut(Report):
    channel: Channel
    how: Reason


class RecordOptIn(Report):
    channel: Channel
    how: Reason


class RecordConsent(Report):
    """The debtor agreed to what a rule asks a consent for, from `given_at` on.

    With no `channel` for every channel, with no `point_id` at every address.
    """

    consent_id: Name
    consent: Word
    given_at: Moment
    how: Reason
    evidence: PersonalText = ""
    channel: AnyChannel = ""
    point_id: AnyPoint = ""


class WithdrawConsent(Report):
    """With no `channel` on every channel, with no `point_id` at every address."""

    consent: Word
    withdrawn_at: Moment
    how: Reason
    channel: AnyChannel = ""
    point_id: AnyPoint = ""


class AgreeHours(Report):
    """The debtor agreed to these hours or asked for them."""

    agreement_id: Name
    hours: Annotated[tuple[AgreedHours, ...], msgspec.Meta(min_length=1, max_length=50)]
    how: Reason


class EndAgreedHours(Report):
    agreement_id: Name
    how: Reason


class RefuseMedium(Report):
    """The debtor asked that a channel, `all` or the `workplace` not be used."""

    medium: Channel
    how: Reason


class AllowMedium(Report):
    medium: Channel
    how: Reason


class LogConversation(Report):
    """`consented_at` is when the debtor agreed to this very contact beforehand.

    `by` the `group`: somebody else made it for the same creditor. It counts, and is no breach of
    ours.
    """

    conversation_id: UUID
    channel: Channel
    outcome: ConversationOutcome
    occurred_at: Moment
    initiator: Literal["creditor", "debtor"] = "creditor"
    party: Literal["debtor", "representative", "third_party", "nobody"] = "debtor"
    arrears_reason: ArrearsReason = "not_stated"
    note: PersonalText = ""
    point_id: str = ""
    debts: Debts = ()
    consented_at: Moment | None = None
    by: Literal["us", "group"] = "us"


# --- promises, plans, money ------------------------------------------------------------------


class MakePromise(Ask):
    promise_id: UUID
    currency: Currency
    amount_minor: PositiveMinor
    due_on: date


class JudgePromise(Ask):
    """The day after it was due: kept or broken, by what has been paid since it was made."""

    promise_id: UUID


class WithdrawPromise(Ask):
    promise_id: UUID
    reason: Reason


class RecordAffordability(Ask):
    """What a household can pay, by its income-and-expenditure form."""

    assessment_id: UUID
    form: IncomeAndExpenditure
    assessed_on: date
    evidence: PersonalText = ""


class OfferPlan(Ask):
    """Put a schedule to the debtor: by its `instalments`, or by the `terms` that make them.

    Instalments plus the waiver must equal what is owed, and the interest of the plan if it bears
    any. `override` is why it should be offered although it is above the surplus of the household,
    or one plan too many: another person then has to approve it.
    """

    plan_id: UUID
    kind: PlanKind
    currency: Currency
    expires_on: date
    instalments: Annotated[tuple[Instalment, ...], msgspec.Meta(max_length=360)] = ()
    waived_minor: Minor = 0
    terms: PlanTerms | None = None
    waive: Waive = "on_completion"
    early_payment: EarlyPayment = "ahead"
    grace_days: GraceDays | None = None
    override: Annotated[str, msgspec.Meta(max_length=500)] = ""


class ApprovePlan(Ask):
    """By another person than the one who proposed it; it is then put to the debtor."""

    plan_id: UUID


class AcceptPlan(Ask):
    plan_id: UUID
    evidence: PersonalText


class DeclinePlan(Ask):
    plan_id: UUID
    reason: PersonalText = ""


class WithdrawPlan(Ask):
    plan_id: UUID
    reason: Reason


class LapseOffer(Ask):
    """The day after it expired: an offer that nobody answered. Never ends a plan being kept."""

    plan_id: UUID


class ChargePlanInterest(Ask):
    """On its day: the interest of an instalment is owed from now on."""

    plan_id: UUID
    number: int


class JudgeInstalment(Ask):
    """After its due day and the days of grace: met or missed; too many missed break the plan."""

    plan_id: UUID
    number: int


class RecordPayment(Report):
    """Money that came in. `debt_id`, when given, is the debtor's own direction."""

    payment_id: Name
    currency: Currency
    amount_minor: PositiveMinor
    value_on: date
    reference: PersonalText = ""
    debt_id: UUID | None = None


class ReversePayment(Report):
    payment_id: Name
    reason: Reason


class AllocateOverpayment(Ask):
    """Use what is held unallocated: of one payment or of all, for one debt or for all."""

    reason: Reason
    payment_id: Annotated[str, msgspec.Meta(max_length=100)] = ""
    debt_id: UUID | None = None


class RecordRefund(Ask):
    """Money that went back to the payer, out of what is held unallocated."""

    refund_id: Name
    currency: Currency
    amount_minor: PositiveMinor
    refunded_on: date
    evidence: PersonalText


class ReturnRefund(Ask):
    """A refund that did not arrive, or came back."""

    refund_id: Name
    reason: Reason


# --- interest, charges, corrections ----------------------------------------------------------


class SetInterestTerms(Ask):
    """The debt bears interest on these terms, in the place of any that it had."""

    debt_id: UUID
    terms: InterestTerms
    evidence: PersonalText


class AccrueInterest(Ask):
    """Add the interest of the days before `through_on` to what is owed; left out, before today."""

    through_on: date | None = None


class AddCosts(Ask):
    """A charge on a debt: costs of collection or of court, a fee, a flat penalty."""

    charge_id: Name
    debt_id: UUID
    bucket: Literal["costs", "fees", "penalty"]
    amount_minor: PositiveMinor
    incurred_on: date
    ground: Reason
    citation: Annotated[Text, msgspec.Meta(min_length=1)]


class ProposeAdjustment(Ask):
    """What a debt should be more or less, or that it be written off; a second person approves it.

    `change` is for a correction alone.
    """

    adjustment_id: Name
    debt_id: UUID
    kind: AdjustmentKind
    value_on: date
    reason: Reason
    authority: Reason
    change: Change = Change()


class ApproveAdjustment(Ask):
    """By another person than who proposed it."""

    adjustment_id: Name


class DeclineAdjustment(Ask):
    adjustment_id: Name
    reason: Reason


# --- holds -----------------------------------------------------------------------------------


class PlaceHold(Ask):
    """Stop what the hold protects from, for all debts or for one.

    `blocks` left out means all that this kind blocks, `until` left out as long as the law says.
    A `reason` is needed where it lasts longer or shorter, blocks less, or comes sooner again, than
    the law gives; what a statutory moratorium blocks is blocked whatever the reason.
    `purpose` says what is done otherwise for a debtor who needs care, never what is wrong.
    `deferred`: interest that it holds back is owed when it ends, where the law lets it.
    `evidence` is what whoever the law names wrote, where it is to end before the law's day.
    """

    hold_id: Name
    kind: HoldKind
    authority: Reason
    blocks: tuple[Blocks, ...] | None = None
    until: date | None = None
    debt_id: UUID | None = None
    variant: HoldVariant = ""
    reason: Text = ""
    purpose: Text = ""
    deferred: bool = False
    evidence: PersonalText = ""


class LiftHold(Ask):
    """End a hold. One that stands on a law ends early by legal staff alone, on `evidence`."""

    hold_id: Name
    reason: Reason
    evidence: PersonalText = ""


class ExpireHold(Ask):
    hold_id: Name


class RaiseDispute(Ask):
    """The debtor disputes a debt: it is held until we have answered. Others go on.

    `debt_id` may be left out where the case has one debt. `amount_minor` is how much of it is not
    owed, where only a part is disputed.
    """

    hold_id: Name
    ground: DisputeGround
    said: PersonalText
    evidence: PersonalText = ""
    debt_id: UUID | None = None
    amount_minor: PositiveMinor | None = None


class AnswerHold(Ask):
    """Our answer to a dispute, a request for verification, a complaint, or to hardship."""

    hold_id: Name
    outcome: HoldOutcome
    answered_on: date
    reason: PersonalText
    evidence: PersonalText = ""


class SetHoldEnd(Ask):
    """Another last day; or the day on which a treatment ended, from which the law counts.

    Sooner than it was, of a hold that stands on a law: by legal staff alone, on `evidence`.
    """

    hold_id: Name
    reason: Reason
    until: date | None = None
    treatment_ended_on: date | None = None
    evidence: PersonalText = ""


class JudgeDeadline(Ask):
    """The day after: was it done? A deadline that was met, or has moved, makes nothing."""

    hold_id: Name
    deadline: Word


# --- limitation ------------------------------------------------------------------------------


class SetLimitationTerms(Ask):
    """By which law and from which day the period of a debt runs. No `law`: that of the place."""

    debt_id: UUID
    starts_on: date
    how: Reason
    law: LawName = ""
    contract: Contract = "written"
    known_on: date | None = None


class RecordLimitationAct(Ask):
    """An act that may move the clock: an acknowledgement, a registered letter, a judgment."""

    act_id: Name
    debt_id: UUID
    act: LimitationAct
    on: date
    evidence: PersonalText
    until: date | None = None
    has: Annotated[tuple[Feature, ...], msgspec.Meta(max_length=4)] = ()


class JudgeLimitation(Ask):
    """On its day: is the period of a debt about to end, or over?"""

    debt_id: UUID
    expires_on: date
    days: Annotated[int, msgspec.Meta(ge=-1, le=3_650)]


# --- legal action ----------------------------------------------------------------------------


class ProposeReferral(Ask):
    referral_id: UUID
    grounds: Reason


class ApproveReferral(Ask):
    """By legal staff, and never by the person who proposed it."""

    referral_id: UUID
    adapter: Name


class DeclineReferral(Ask):
    referral_id: UUID
    reason: Reason


class WithdrawReferral(Ask):
    referral_id: UUID
    reason: Reason


class StartFiling(Ask):
    """Commit to handing the claim over, if nothing fairer stands in the way any more."""

    referral_id: UUID


class RecordFiling(Report):
    referral_id: UUID
    adapter: Name
    reference: Name
    bundle_sha256: str
    documents: tuple[FiledDocument, ...]


class RecordFilingFailure(Report):
    referral_id: UUID
    adapter: Name
    problems: tuple[str, ...]


class RequestBureauReport(Ask):
    """May a credit bureau be told of these debts? None named means all on which money is owed."""

    report_id: UUID
    bureau: Name
    debts: Debts = ()


class RecordCourtOutcome(Report):
    referral_id: UUID
    outcome: CourtOutcome
    occurred_on: date
    court_reference: PersonalText = ""
    note: PersonalText = ""


Command = (
    OpenCase | PlaceDebt | WithdrawDebt | AddContactPoint | RetireContactPoint | MoveDebtor
    | AddPossiblePlace | RecordFact | RecordLimitation
    | MoveStage | FollowTreatment | CloseCase | ReopenCase
    | RequestContact | StartDispatch | CancelContact | ReconcileContact
    | RecordAccepted | RecordRejected | RecordUnknown | RecordPostponed | RecordReceipt | RecordReply | ReadReply | RecordOptOut | RecordOptIn
    | RecordConsent | WithdrawConsent | AgreeHours | EndAgreedHours | RefuseMedium | AllowMedium
    | LogConversation
    | MakePromise | JudgePromise | WithdrawPromise
    | OfferPlan | AcceptPlan | DeclinePlan | WithdrawPlan | LapseOffer | JudgeInstalment
    | RecordAffordability | ApprovePlan | ChargePlanInterest
    | RecordPayment | ReversePayment | AllocateOverpayment | RecordRefund | ReturnRefund
    | SetInterestTerms | AccrueInterest | AddCosts
    | ProposeAdjustment | ApproveAdjustment | DeclineAdjustment
    | PlaceHold | LiftHold | ExpireHold | RaiseDispute | AnswerHold | SetHoldEnd | JudgeDeadline
    | SetLimitationTerms | RecordLimitationAct | JudgeLimitation
    | ProposeReferral | ApproveReferral | DeclineReferral | WithdrawReferral
    | StartFiling | RecordFiling | RecordFilingFailure | RecordCourtOutcome | RequestBureauReport
)  # fmt: skip
