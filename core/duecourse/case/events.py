"""What has happened to a case. Stored for ever: add, never rename or remove.

The class name is the name in the log. Amounts are minor units; times are aware.
`PersonalText` and `Text` are sealed by the store with the subject's key.
"""

from datetime import date, datetime, time
from typing import Annotated, Final, Literal, dataclass_transform, get_args
from uuid import UUID

import msgspec

from duecourse.case.words import (
    AnyChannel,
    AnyPoint,
    ArrearsReason,
    Blocks,
    Channel,
    CloseReason,
    ConversationOutcome,
    CourtOutcome,
    Holder,
    HoldKind,
    Language,
    Licence,
    Name,
    PersonalText,
    PlanKind,
    PointKind,
    PointUse,
    ReceiptStatus,
    Stage,
    Word,
)
from duecourse.money.amounts import Buckets, Currency, Minor, PositiveMinor
from duecourse.rules.hours import Day, LocalTime

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Line = Annotated[str, msgspec.Meta(max_length=500)]
"""Words of ours or of a creditor, never about a person: a citation, a bank's name."""

Text = Annotated[str, msgspec.Meta(max_length=500, extra={"personal": True})]
"""Free words. Whoever types them names people sooner or later, so they are sealed as well."""


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
    due_on: date
    amount_minor: PositiveMinor


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
    reply_id: Name
    channel: Channel
    point_id: str
    text: PersonalText
    occurred_at: Moment


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
    promise_id: UUID
    currency: Currency
    amount_minor: PositiveMinor
    due_on: date


class PromiseKept(Fact):
    promise_id: UUID


class PromiseBroken(Fact):
    promise_id: UUID
    paid_minor: Minor


class PromiseWithdrawn(Fact):
    promise_id: UUID
    reason: Text


class PlanOffered(Fact):
    """A schedule put to the debtor. For a settlement, `waived_minor` is forgiven on completion."""

    plan_id: UUID
    kind: PlanKind
    currency: Currency
    instalments: tuple[Instalment, ...]
    waived_minor: Minor
    expires_on: date


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
    """Money came in. Σ allocations + unallocated = amount, always."""

    payment_id: Name
    currency: Currency
    amount_minor: PositiveMinor
    value_on: date
    reference: PersonalText
    allocations: tuple[Allocation, ...]
    unallocated_minor: Minor
    profile: Name
    citation: Line


class PaymentReversed(Fact):
    """Money that went back. It may be heard of before the payment itself, and waits for it then."""

    payment_id: Name
    reason: Text


class BalanceWaived(Fact):
    """Forgiven by the creditor, as the completed settlement said."""

    plan_id: UUID
    waived: tuple[Allocation, ...]


class WaiverRevoked(Fact):
    """The settlement is no longer met (a payment bounced), so what it forgave is owed again."""

    plan_id: UUID


# --- holds -----------------------------------------------------------------------------------


class HoldPlaced(Fact):
    hold_id: Name
    kind: HoldKind
    blocks: tuple[Blocks, ...]
    until: date | None
    authority: Text
    debt_id: UUID | None = None


class HoldLifted(Fact):
    hold_id: Name
    reason: Text


class HoldExpired(Fact):
    hold_id: Name


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
    | ContactUnknown | ContactPostponed | ContactCancelled | ReceiptRecorded | ReplyReceived
    | ChannelOptedOut | ChannelOptedIn | ConsentGiven | ConsentWithdrawn | HoursAgreed
    | AgreedHoursEnded | MediumRefused | MediumAllowed | ConversationLogged
    | PromiseMade | PromiseKept | PromiseBroken | PromiseWithdrawn
    | PlanOffered | PlanAccepted | PlanDeclined | PlanWithdrawn | PlanLapsed
    | InstalmentMet | InstalmentMissed | PlanBroken | PlanCompleted
    | PaymentRecorded | PaymentReversed | BalanceWaived | WaiverRevoked
    | HoldPlaced | HoldLifted | HoldExpired
    | LegalReferralProposed | LegalReferralApproved | LegalReferralDeclined
    | LegalReferralWithdrawn | FilingStarted | ClaimFiled | FilingFailed | CourtOutcomeRecorded
    | ActionRefused | BureauReportPermitted | BureauReportCancelled
)  # fmt: skip

EVENT_CLASSES: Final[tuple[type[Event], ...]] = get_args(Event)
