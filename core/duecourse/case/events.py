"""What has happened to a case. Stored for ever: add, never rename or remove.

The class name is the name in the log. Amounts are minor units; times are aware.
`PersonalText` and `Text` are sealed by the store with the subject's key.
"""

from datetime import date, datetime, time
from typing import Annotated, Final, Literal, dataclass_transform, get_args
from uuid import UUID

import msgspec

from duecourse.case.interest_terms import (
    AdjustmentKind,
    Because,
    DebtCorrection,
    InterestLine,
    InterestTerms,
)
from duecourse.case.plan_terms import (
    EarlyPayment,
    Fit,
    GraceDays,
    Missed,
    Need,
    PlanApproval,
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
    Holder,
    HoldKind,
    HoldOutcome,
    HoldVariant,
    Language,
    Licence,
    Name,
    PersonalText,
    PlanKind,
    PointKind,
    PointUse,
    ReceiptStatus,
    ReplyOutcome,
    Stage,
    Word,
)
from duecourse.money.account_terms import Change, Signed
from duecourse.money.allocation import Bucket
from duecourse.money.amounts import Buckets, Currency, Minor, PositiveMinor
from duecourse.money.figures import Percent
from duecourse.money.limitation_laws import Act as LimitationAct
from duecourse.money.limitation_laws import Contract, Feature
from duecourse.money.slots import Future, Slot
from duecourse.rules.hours import Day, LocalTime

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Line = Annotated[str, msgspec.Meta(max_length=500)]
"""Words of ours or of a creditor, never about a person: a citation, a bank's name."""

Text = Annotated[str, msgspec.Meta(max_length=500, extra={"personal": True})]
"""Free words. Whoever types them names people sooner or later, so they are sealed as well."""

OrderName = Annotated[str, msgspec.Meta(pattern=r"^([a-z0-9][a-z0-9-]{0,39})?$")]
"""An order of payment across debts. Empty: the one that goes with the order within a debt."""

LawName = Annotated[
    str, msgspec.Meta(pattern=r"^([A-Za-z][A-Za-z-]{0,15})?$", examples=["cn", "uk-ew", "US-CA"])
]
"""A law of limitation. Empty: that of the place, or what the creditor recorded."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A value inside an event. Neither it nor an event can hold itself, so no cycle is looked for."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Fact(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="type", gc=False):
    """An event. `at` is when it was recorded, by the engine's clock; it never runs backwards."""

    at: Moment


class Debtor(Record):
    """Who owes. An empty `time_zone` or `jurisdiction` is unknown, and unknown blocks contact."""

    name: PersonalText
    national_id: PersonalText = ""
    language: Language = "zh"
    time_zone: str = ""
    jurisdiction: str = ""


class ContactPoint(Record):
    """An address as the channel writes it: E.164, addr-spec, or postal lines.

    `use` is where it is known to reach the debtor; empty is not known.
    """

    point_id: Name
    kind: PointKind
    address: PersonalText
    holder: Holder = "debtor"
    use: PointUse = ""


class Debt(Record):
    """One overdue account. `due_on` is the oldest unpaid due date: days past due count from it.

    `limitation_expires_on` is the last day on which it can be taken to court, if that is known.
    """

    debt_id: UUID
    account: PersonalText
    product: Name
    currency: Currency
    balance: Buckets
    due_on: date
    contract_on: date | None = None
    limitation_expires_on: date | None = None


class AgreedHours(Record):
    """Open on `days` from `start` up to, not including, `end`, on the debtor's clock.

    `end` at or before `start` means on into the next day; 00:00 twice is the whole day. `days`
    and `channels` left out mean every one. Raises ValueError for other hours that are equal.
    """

    start: LocalTime
    end: LocalTime
    days: tuple[Day, ...] = ()
    channels: tuple[Channel, ...] = ()

    def __post_init__(self) -> None:
        if self.start == self.end != time():
            raise ValueError("`start` and `end` are the same; for a whole day write 00:00 twice")


class Instalment(Record):
    """`interest_minor` is what of the amount is interest of the plan, and not owed before it."""

    due_on: date
    amount_minor: PositiveMinor
    interest_minor: Minor = 0


class Allocation(Record):
    """The part of a payment that went to one debt, by bucket."""

    debt_id: UUID
    paid: Buckets


class FiledDocument(Record):
    """One file of a filing bundle; pages are counted from 1 across the whole bundle."""

    name: str
    sha256: str
    first_page: int = 0
    last_page: int = 0


# --- the case and what it is about ---------------------------------------------------------


class CaseOpened(Fact):
    creditor: Name
    creditor_name: Line
    subject_id: UUID
    borrower_ref: PersonalText
    debtor: Debtor
    contact_points: tuple[ContactPoint, ...]
    licence: Licence = ""


class LicenceRecorded(Fact):
    """What the collector is from now on, as the settings of the creditor say it."""

    licence: Licence


class DebtPlaced(Fact):
    debt: Debt


class DebtWithdrawn(Fact):
    debt_id: UUID
    reason: Text


class ContactPointAdded(Fact):
    point: ContactPoint


class ContactPointRetired(Fact):
    point_id: Name
    reason: Text


class DebtorMoved(Fact):
    """The place whose law and whose clock protect the debtor has changed, or is settled."""

    time_zone: str
    jurisdiction: str


class PossiblePlaceAdded(Fact):
    """The debtor may live here as well; of all these places the strictest decides."""

    time_zone: str
    jurisdiction: str


class FactRecorded(Fact):
    """What a rule waits for happened on a day. None takes back what was recorded by mistake."""

    fact: Word
    on: date | None
    how: Text


class LimitationRecorded(Fact):
    """The last day on which a debt can be taken to court. None is not known any more."""

    debt_id: UUID
    expires_on: date | None
    how: Text


class StageMoved(Fact):
    to: Stage
    reason: Text


class TreatmentStepTaken(Fact):
    """The schedule came to a step and did it, or found it could not."""

    step: Name
    outcome: Literal["done", "skipped"]
    reason: Text


class CaseClosed(Fact):
    reason: CloseReason
    note: PersonalText


class CaseReopened(Fact):
    reason: Text


# --- contact -------------------------------------------------------------------------------


class ContactPermitted(Fact):
    """Every rule agreed. Good for one contact, until `expires_at`.

    `debts` are those it is about, none meaning all. `content` names what its template says it
    contains; None is not known. `medium` is what the rules call the channel, where that is not
    its name.
    """

    contact_id: UUID
    channel: Channel
    point_id: Name
    template: Name
    language: Language
    expires_at: Moment
    step: str = ""
    debts: tuple[UUID, ...] = ()
    content: tuple[Word, ...] | None = None
    medium: str = ""


class ContactRefused(Fact):
    """A rule said no. Kept, because an auditor asks what we did not send.

    `moment` says whether the gate closed at the request or at dispatch, after a permission.
    """

    contact_id: UUID
    channel: Channel
    point_id: str
    template: str
    moment: Literal["request", "dispatch"]
    rule: str
    citation: str
    confidence: str
    says: str
    inputs: dict[str, str]
    next_lawful_at: datetime | None
    step: str = ""
    debts: tuple[UUID, ...] = ()
    content: tuple[Word, ...] | None = None
    medium: str = ""


class ContactDispatching(Fact):
    """Committed before any byte leaves. `key` is what the channel may deduplicate by."""

    contact_id: UUID
    key: str
    plugin: Name
    body_sha256: str


class ContactAccepted(Fact):
    contact_id: UUID
    reference: str
    units: int = 1


class ContactRejected(Fact):
    """The channel says it did not take the message: it was not sent."""

    contact_id: UUID
    reason: Text


class ContactUnknown(Fact):
    """Nobody can say whether the message left. It counts as a contact and is never resent."""

    contact_id: UUID
    reason: Text


class ContactReconciled(Fact):
    """A person found out what became of a contact whose outcome was unknown.

    `sent` counts as accepted from here on, `not_sent` as rejected.
    """

    contact_id: UUID
    outcome: FoundOut
    evidence: PersonalText


class ContactPostponed(Fact):
    """The channel could not take it now, and says that nothing left; good again from `until` on."""

    contact_id: UUID
    until: Moment
    reason: Text


class ContactCancelled(Fact):
    """A permission that was never used: expired, or `recalled` by a hold, an opt-out, a payment."""

    contact_id: UUID
    reason: Text
    recalled: bool = False


class ReceiptRecorded(Fact):
    contact_id: UUID
    receipt_id: str
    status: ReceiptStatus
    occurred_at: Moment
    detail: Text


class ReplyReceived(Fact):
    """`understood` is one that says nothing but stop; every other waits for a person to read it."""

    reply_id: Name
    channel: Channel
    point_id: str
    text: PersonalText
    occurred_at: Moment
    understood: bool = False


class ReplyRead(Fact):
    reply_id: Name
    channel: Channel
    outcome: ReplyOutcome
    note: PersonalText


class ChannelOptedOut(Fact):
    channel: Channel
    how: Text


class ChannelOptedIn(Fact):
    channel: Channel
    how: Text


class ConsentGiven(Fact):
    """The debtor agreed to what a rule asks a consent for, from `given_at` on.

    With no `channel` for every channel, with no `point_id` at every address.
    """

    consent_id: Name
    consent: Word
    channel: AnyChannel
    point_id: AnyPoint
    given_at: Moment
    how: Text
    evidence: PersonalText


class ConsentWithdrawn(Fact):
    """Every consent of the name that was given before, on the channel and at the address."""

    consent: Word
    channel: AnyChannel
    point_id: AnyPoint
    withdrawn_at: Moment
    how: Text


class HoursAgreed(Fact):
    """Hours that the debtor agreed to or asked for."""

    agreement_id: Name
    hours: tuple[AgreedHours, ...]
    how: Text


class AgreedHoursEnded(Fact):
    agreement_id: Name
    how: Text


class MediumRefused(Fact):
    """The debtor asked that a channel, `all` or the `workplace` not be used."""

    medium: Channel
    how: Text


class MediumAllowed(Fact):
    medium: Channel
    how: Text


class ConversationLogged(Fact):
    """What was said, with whom. `permitted` is false when no permission covered it: a breach.

    `consented_at` is when the debtor agreed to this very contact beforehand. `by` the `group`:
    somebody else made it for the same creditor, and answers for it.
    """

    conversation_id: UUID
    channel: Channel
    point_id: str
    initiator: Literal["creditor", "debtor"]
    party: Literal["debtor", "representative", "third_party", "nobody"]
    outcome: ConversationOutcome
    arrears_reason: ArrearsReason
    note: PersonalText
    occurred_at: Moment
    permitted: bool
    contact_id: UUID | None = None
    debts: tuple[UUID, ...] = ()
    consented_at: Moment | None = None
    by: Literal["us", "group"] = "us"


# --- promises, plans, money ------------------------------------------------------------------


class PromiseMade(Fact):
    """Kept once the amount less `tolerance_minor` is paid."""

    promise_id: UUID
    currency: Currency
    amount_minor: PositiveMinor
    due_on: date
    tolerance_minor: Minor = 0


class PromiseKept(Fact):
    promise_id: UUID


class PromiseBroken(Fact):
    promise_id: UUID
    paid_minor: Minor


class PromiseWithdrawn(Fact):
    promise_id: UUID
    reason: Text


class PlanOffered(Fact):
    """A schedule put to the debtor. For a settlement, `waived_minor` is forgiven.

    Of what is paid, all that is not interest of the plan, with what is forgiven, is what was owed.
    `frozen_minor` is interest of a deferral that is not asked for. `grace_days` and
    `breaks_after_missed` are the house's terms as they were; None: whatever they are.
    `replaces` is the plan before, if that was accepted and then not kept to its end.
    `cap_unknown` are the debts that bear its interest and had no cap that it could be held to.
    """

    plan_id: UUID
    kind: PlanKind
    currency: Currency
    instalments: tuple[Instalment, ...]
    waived_minor: Minor
    expires_on: date
    terms: PlanTerms | None = None
    waive: Waive = "on_completion"
    early_payment: EarlyPayment = "ahead"
    frozen_minor: Minor = 0
    grace_days: GraceDays | None = None
    breaks_after_missed: Missed | None = None
    fit: Fit | None = None
    replaces: UUID | None = None
    approval: PlanApproval | None = None
    cap_unknown: tuple[UUID, ...] = ()


class PlanProposed(Fact):
    """A plan that needs a second person before it may be offered; what it will be is `offer`."""

    offer: PlanOffered
    needs: tuple[Need, ...]
    reason: Text
    proposed_by: str


class AffordabilityAssessed(Fact):
    """What a household can pay a month, by its income-and-expenditure form.

    `lines` are those of the form, sealed; the sums stay when the key is gone, as plans are judged
    by them. Only protected expenses are taken off the income; `available_minor` is what of the
    surplus is left for this creditor.
    """

    assessment_id: UUID
    currency: Currency
    assessed_on: date
    lines: tuple[PersonalText, ...]
    evidence: PersonalText
    income_minor: Minor
    protected_expenses_minor: Minor
    other_expenses_minor: Minor
    surplus_minor: int
    reserve_percent: Percent
    available_minor: Minor


class PlanAccepted(Fact):
    plan_id: UUID
    evidence: PersonalText


class PlanDeclined(Fact):
    plan_id: UUID
    reason: PersonalText


class PlanWithdrawn(Fact):
    plan_id: UUID
    reason: Text


class PlanLapsed(Fact):
    """The offer ran out without an answer."""

    plan_id: UUID


class InstalmentMet(Fact):
    plan_id: UUID
    number: int


class InstalmentCured(Fact):
    """An instalment that was missed has been paid within the plan after all."""

    plan_id: UUID
    number: int
    days_late: int


class PlanInterestCharged(Fact):
    """The interest of an instalment is owed from `on`: its day came, or money for it did.

    Only the interest of periods that have begun is ever charged. `barred_minor` is what of it a law
    lets nobody charge, then or later, as a hold was on for days of the period.
    """

    plan_id: UUID
    number: int
    on: date
    charged: tuple[Allocation, ...]
    payment_id: str = ""
    barred_minor: Minor = 0


class PlanInterestReturned(Fact):
    """The payment that interest was charged for went back before the instalment's day."""

    plan_id: UUID
    payment_id: Name
    returned: tuple[Allocation, ...]


class PlanRescheduled(Fact):
    """What is left of a plan after money paid early, or after such money went back.

    `payment_id` is the payment that was early. Empty: the schedule is again what it was before
    so many of the changes, of which `kept` still hold.
    """

    plan_id: UUID
    instalments: tuple[Instalment, ...]
    payment_id: str = ""
    saved_minor: Minor = 0
    kept: int = 0


class InstalmentMissed(Fact):
    plan_id: UUID
    number: int
    short_minor: PositiveMinor


class PlanBroken(Fact):
    plan_id: UUID
    reason: Text


class PlanCompleted(Fact):
    plan_id: UUID


class PaymentRecorded(Fact):
    """Money came in. Σ allocations + unallocated = amount, always.

    `debt_id` is the debtor's own direction. `profile` and the rest say in which order it was put
    to the debts, so that it can be worked out again.
    """

    payment_id: Name
    currency: Currency
    amount_minor: PositiveMinor
    value_on: date
    reference: PersonalText
    allocations: tuple[Allocation, ...]
    unallocated_minor: Minor
    profile: Name
    citation: Line
    debt_id: UUID | None = None
    across: OrderName = ""
    slots: tuple[Slot, ...] = ()
    future: Future = "next"


class PaymentReversed(Fact):
    """Money that went back. It may be heard of before the payment itself, and waits for it then."""

    payment_id: Name
    reason: Text


class PaymentReallocated(Fact):
    """Money held unallocated went to debts that came, or came back, later."""

    payment_id: Name
    currency: Currency
    allocations: tuple[Allocation, ...]
    profile: Name
    citation: Line
    reason: Text


class RefundPart(Record):
    """What of a refund came out of one payment."""

    payment_id: Name
    amount_minor: PositiveMinor


class RefundRecorded(Fact):
    """Money held unallocated was paid back to the payer. Σ parts = amount, always."""

    refund_id: Name
    currency: Currency
    amount_minor: PositiveMinor
    refunded_on: date
    evidence: PersonalText
    parts: tuple[RefundPart, ...]


class RefundReturned(Fact):
    """A refund did not arrive, or came back: the money is held again."""

    refund_id: Name
    reason: Text


class BalanceWaived(Fact):
    """Forgiven by the creditor, as the settlement said: on completion, or with a stage of it."""

    plan_id: UUID
    waived: tuple[Allocation, ...]
    stage: int = 0


class WaiverRevoked(Fact):
    """The settlement is no longer met (a payment bounced), so what it forgave is owed again.

    With `after_stage` only what was forgiven with the stages after that one.
    """

    plan_id: UUID
    after_stage: int = 0


# --- interest, charges, corrections ----------------------------------------------------------


class InterestTermsSet(Fact):
    """A debt bears interest on these terms, in the place of any that it had."""

    debt_id: UUID
    terms: InterestTerms
    evidence: PersonalText


class InterestAccrued(Fact):
    """Interest of some days was added to a debt; the last day of it is the one before `to_on`.

    `change` is what is owed more, without what the cap took away. `frozen` and `not_accrued` are
    what a hold kept out of it. `citation` is of the accrual profile.
    """

    debt_id: UUID
    from_on: date
    to_on: date
    amount_minor: Signed
    change: Change
    frozen: Buckets
    not_accrued: Buckets
    lines: tuple[InterestLine, ...]
    profile: Name
    citation: Line


class InterestCapped(Fact):
    """What the legal cap took away. It was never owed, and is no concession of the creditor."""

    debt_id: UUID
    amount_minor: PositiveMinor
    heads: Buckets
    on: date
    cap: Name
    citation: Line
    says: Line


class PaymentPart(Record):
    """Where a payment went, as it is known now."""

    payment_id: Name
    allocations: tuple[Allocation, ...]
    unallocated_minor: Minor


class InterestCorrected(Fact):
    """The debts of a currency were worked out again, as something was learned of their past.

    One fact for all of them, as a part of it alone would not add up. `payments` are those that
    went elsewhere than was said before; `payment_id` the one that it was about, if it was one.
    """

    currency: Currency
    because: Because
    payment_id: str
    from_on: date
    through_on: date
    amount_minor: Signed
    debts: tuple[DebtCorrection, ...]
    payments: tuple[PaymentPart, ...]


class CostsAdded(Fact):
    """A charge on a debt. `posted_minor` is what of it the cap has room for: only that is owed."""

    charge_id: Name
    debt_id: UUID
    bucket: Bucket
    amount_minor: PositiveMinor
    posted_minor: Minor
    incurred_on: date
    ground: Text
    citation: Text


class AdjustmentProposed(Fact):
    """What one person would change of a debt, until another one approves it."""

    adjustment_id: Name
    debt_id: UUID
    kind: AdjustmentKind
    change: Change
    value_on: date
    reason: Text
    authority: Text
    proposed_by: str


class AdjustmentDeclined(Fact):
    adjustment_id: Name
    reason: Text
    declined_by: str


class DebtAdjusted(Fact):
    """A debt was found to be more or less than was said, by heads, as of `value_on`."""

    adjustment_id: Name
    debt_id: UUID
    change: Change
    value_on: date
    reason: Text
    authority: Text
    proposed_by: str
    approved_by: str


class DebtWrittenOff(Fact):
    """The creditor wrote a debt off in its books. If it is `still_owed`, nothing else changes.

    Otherwise `forgiven` is what was owed and is owed no more.
    """

    adjustment_id: Name
    debt_id: UUID
    value_on: date
    still_owed: bool
    forgiven: Buckets
    reason: Text
    authority: Text
    proposed_by: str
    approved_by: str


# --- holds -----------------------------------------------------------------------------------


class HoldDeadline(Record):
    """What we have to do while a hold lasts, by the end of a day on the debtor's clock."""

    name: Word
    due_on: date
    citation: Line = ""


class HoldPlaced(Fact):
    """With a `debt_id` it protects that debt alone.

    `citation` is of the rule that gave it its end and its deadlines. `reason` says why it lasts
    longer than the law gives it, `purpose` what is done otherwise for a debtor who needs care.
    With `deferred` the interest that it held back joins what is owed when it ends, where the law
    lets it; otherwise it never does. `cut_short`: it stands on a law and ends before the law's day,
    on `evidence` of the word of whom the law names.
    """

    hold_id: Name
    kind: HoldKind
    blocks: tuple[Blocks, ...]
    until: date | None
    authority: Text
    debt_id: UUID | None = None
    variant: HoldVariant = ""
    deadlines: tuple[HoldDeadline, ...] = ()
    citation: Line = ""
    reason: Text = ""
    purpose: Text = ""
    deferred: bool = False
    evidence: PersonalText = ""
    cut_short: bool = False


class HoldLifted(Fact):
    """`cut_short`: it stood on a law and ended before its time, on `evidence`."""

    hold_id: Name
    reason: Text
    evidence: PersonalText = ""
    cut_short: bool = False


class HoldExpired(Fact):
    hold_id: Name


class DisputeRaised(Fact):
    """What the debtor disputes of a debt. The hold of the same id protects it until our answer.

    `amount_minor` is how much of it is not owed, as the debtor says; None is all or not said.
    """

    hold_id: Name
    debt_id: UUID
    ground: DisputeGround
    said: PersonalText
    evidence: PersonalText
    amount_minor: Minor | None = None


class HoldAnswered(Fact):
    """What we answered, on which day. The hold lasts through `until`; None: until it is lifted."""

    hold_id: Name
    outcome: HoldOutcome
    answered_on: date
    until: date | None
    reason: PersonalText
    evidence: PersonalText
    deadlines: tuple[HoldDeadline, ...] = ()


class HoldEndSet(Fact):
    """A hold ends on another day than was known when it was placed. None: when it is lifted.

    `cut_short`: it stands on a law and ends sooner than it would have, on `evidence`.
    """

    hold_id: Name
    until: date | None
    reason: Text
    citation: Line = ""
    evidence: PersonalText = ""
    cut_short: bool = False


class DeadlineMissed(Fact):
    """We did not do by its day what a hold asks of us. The hold goes on."""

    hold_id: Name
    deadline: Word
    due_on: date
    citation: Line = ""


# --- limitation ------------------------------------------------------------------------------


class LimitationTermsSet(Fact):
    """By which law, from which day and for which kind of contract the period of a debt runs.

    `starts_on` is when it fell due or was accelerated; `known_on` when the creditor came to know.
    """

    debt_id: UUID
    law: LawName
    contract: Contract
    starts_on: date
    known_on: date | None
    how: Text


class LimitationActRecorded(Fact):
    """An act that may move the clock of a debt and that no other event tells of.

    `has` says what is proved of it; `until` is the last day of what lasts.
    """

    act_id: Name
    debt_id: UUID
    act: LimitationAct
    on: date
    until: date | None
    has: tuple[Feature, ...]
    evidence: PersonalText


class LimitationWarned(Fact):
    """The period of a debt ends on `expires_on`, in so many days."""

    debt_id: UUID
    expires_on: date
    days: int
    law: LawName
    citation: Line


class LimitationExpired(Fact):
    """The last day on which a debt could be taken to court has passed."""

    debt_id: UUID
    expires_on: date
    law: LawName
    citation: Line


# --- legal action ----------------------------------------------------------------------------


class LegalReferralProposed(Fact):
    referral_id: UUID
    grounds: Text
    debt_ids: tuple[UUID, ...]
    proposed_by: str


class LegalReferralApproved(Fact):
    referral_id: UUID
    adapter: Name
    approved_by: str


class LegalReferralDeclined(Fact):
    referral_id: UUID
    reason: Text
    declined_by: str


class LegalReferralWithdrawn(Fact):
    referral_id: UUID
    reason: Text


class FilingStarted(Fact):
    """Committed before anything is handed over: from here on the claim may be with the court."""

    referral_id: UUID
    adapter: Name


class ClaimFiled(Fact):
    """The bundle is ready and handed over; `reference` is ours until the court gives its own."""

    referral_id: UUID
    adapter: Name
    reference: Name
    bundle_sha256: str
    documents: tuple[FiledDocument, ...]


class FilingFailed(Fact):
    """The adapter cannot make a lawful bundle from what the case holds; a person must mend it."""

    referral_id: UUID
    adapter: Name
    problems: tuple[Text, ...]


class ActionRefused(Fact):
    """A rule said no to legal action or to a bureau report, as `ContactRefused` is for contacts.

    `ref` is the referral or the report. A filing refused at the last look is a failed one.
    """

    act: Literal["legal_action", "bureau_report"]
    ref: UUID
    moment: Literal["request", "approval", "filing"]
    rule: str
    citation: str
    confidence: str
    says: str
    inputs: dict[str, str]
    next_lawful_at: datetime | None


class BureauReportPermitted(Fact):
    """Every rule agreed that a bureau may be told of these debts, once, until `expires_at`."""

    report_id: UUID
    bureau: Name
    debt_ids: tuple[UUID, ...]
    expires_at: Moment


class BureauReportCancelled(Fact):
    """The permission was called back before anybody used it."""

    report_id: UUID
    reason: Text


class CourtOutcomeRecorded(Fact):
    referral_id: UUID
    outcome: CourtOutcome
    court_reference: PersonalText
    occurred_on: date
    note: PersonalText


Event = (
    CaseOpened | DebtPlaced | DebtWithdrawn | ContactPointAdded | ContactPointRetired | DebtorMoved
    | LicenceRecorded | PossiblePlaceAdded | FactRecorded | LimitationRecorded
    | StageMoved | TreatmentStepTaken | CaseClosed | CaseReopened
    | ContactPermitted | ContactRefused | ContactDispatching | ContactAccepted | ContactRejected
    | ContactUnknown | ContactReconciled | ContactPostponed | ContactCancelled
    | ReceiptRecorded | ReplyReceived | ReplyRead
    | ChannelOptedOut | ChannelOptedIn | ConsentGiven | ConsentWithdrawn | HoursAgreed
    | AgreedHoursEnded | MediumRefused | MediumAllowed | ConversationLogged
    | PromiseMade | PromiseKept | PromiseBroken | PromiseWithdrawn
    | PlanOffered | PlanAccepted | PlanDeclined | PlanWithdrawn | PlanLapsed
    | InstalmentMet | InstalmentMissed | PlanBroken | PlanCompleted
    | PlanProposed | AffordabilityAssessed | InstalmentCured
    | PlanInterestCharged | PlanInterestReturned | PlanRescheduled
    | PaymentRecorded | PaymentReversed | BalanceWaived | WaiverRevoked
    | PaymentReallocated | RefundRecorded | RefundReturned
    | InterestTermsSet | InterestAccrued | InterestCapped | InterestCorrected
    | CostsAdded | AdjustmentProposed | AdjustmentDeclined | DebtAdjusted | DebtWrittenOff
    | HoldPlaced | HoldLifted | HoldExpired
    | DisputeRaised | HoldAnswered | HoldEndSet | DeadlineMissed
    | LimitationTermsSet | LimitationActRecorded | LimitationWarned | LimitationExpired
    | LegalReferralProposed | LegalReferralApproved | LegalReferralDeclined
    | LegalReferralWithdrawn | FilingStarted | ClaimFiled | FilingFailed | CourtOutcomeRecorded
    | ActionRefused | BureauReportPermitted | BureauReportCancelled
)  # fmt: skip

EVENT_CLASSES: Final[tuple[type[Event], ...]] = get_args(Event)
