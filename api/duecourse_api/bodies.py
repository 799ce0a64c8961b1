"""What is asked for, as JSON. Each is a command without the parts that the path gives or we mint."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Final, Literal, dataclass_transform
from uuid import UUID

import msgspec

from duecourse.case import events as e
from duecourse.case.commands import Debts, Reason
from duecourse.case.interest_terms import AdjustmentKind, AgreedInterest, InterestTerms
from duecourse.case.plan_terms import (
    EarlyPayment,
    ExpenseLine,
    FormLine,
    GraceDays,
    IncomeAndExpenditure,
    LineName,
    PlanTerms,
    Waive,
)
from duecourse.case.words import (
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
    Name,
    PersonalText,
    PlanKind,
    PointKind,
    PointUse,
    ReplyOutcome,
    Stage,
    Word,
)
from duecourse.intake import fields
from duecourse.intake.posting import DismissalReason
from duecourse.intake.problems import Refused
from duecourse.money.account_terms import Change
from duecourse.money.affordability import Often
from duecourse.money.amounts import Buckets, Currency, Minor, PositiveMinor
from duecourse.money.figures import Percent
from duecourse.money.limitation_laws import Act as LimitationAct
from duecourse.money.limitation_laws import Contract, Feature
from duecourse.rules.hours import Day as WeekDay
from duecourse.rules.hours import LocalTime

# Far enough for every debt, near enough that no sum of dates leaves the calendar.
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2200
# Characters that no text needs and that PostgreSQL, gateways or mail headers may choke on.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

ZoneName = Annotated[str, msgspec.Meta(max_length=64, examples=["Asia/Shanghai"])]
Jurisdiction = Annotated[str, msgspec.Meta(max_length=6, examples=["CN"])]
Day = Annotated[date, msgspec.Meta(examples=["2026-03-31"])]
NameOrNone = Annotated[
    str, msgspec.Meta(pattern=r"^([A-Za-z0-9][A-Za-z0-9._:-]*)?$", max_length=100)
]
When = Annotated[datetime, msgspec.Meta(tz=True, examples=["2026-03-02T10:30:00+08:00"])]


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base: an unknown field, a date out of bounds or a control character is an error.

    An error of a check begins with the name of its field and a colon.
    """

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            _check(name, getattr(self, name))


def _check(name: str, value: object) -> None:
    match value:
        case str() if _CONTROL.search(value):
            raise ValueError(f"{name}: it holds a control character; remove it")
        case date() if not FIRST_YEAR <= value.year <= LAST_YEAR:
            raise ValueError(f"{name}: it must be in the years {FIRST_YEAR} to {LAST_YEAR}")


def _formed(name: str, form: Callable[[str], str], value: str) -> str:
    try:
        return form(value)
    except Refused as refused:
        raise ValueError(f"{name}: {refused.problem}; {refused.fix}") from None


def utc(moment: datetime) -> datetime:
    """The same moment in UTC, so that what is stored does not depend on who wrote it."""
    return moment.astimezone(UTC)


# --- the case and what it is about ---------------------------------------------------------


class NewDebtor(Body):
    name: PersonalText
    national_id: PersonalText = ""
    language: Language = "zh"
    time_zone: ZoneName = ""
    jurisdiction: Jurisdiction = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.name.strip() or not self.name.isprintable():
            raise ValueError("name: write it on one line, without invisible characters")
        _formed("time_zone", fields.time_zone, self.time_zone)
        _formed("jurisdiction", fields.jurisdiction, self.jurisdiction)

    def record(self) -> e.Debtor:
        return e.Debtor(
            name=self.name,
            national_id=self.national_id,
            language=self.language,
            time_zone=self.time_zone.strip(),
            jurisdiction=self.jurisdiction.strip(),
        )


def _line(value: str) -> str:
    return fields.line_of_text(value, 500)


_ADDRESS: Final[Mapping[PointKind, Callable[[str], str]]] = {
    "phone": fields.phone,
    "email": fields.email,
    "postal": fields.postal,
    "other": _line,
}


class NewContactPoint(Body):
    """An address under a name of your own. The same name again takes the place of the old one.

    `use` is where it is known to reach the debtor; left out, that is not known.
    """

    point_id: Annotated[Name, msgspec.Meta(examples=["mobile"])]
    kind: PointKind
    address: PersonalText
    holder: Holder = "debtor"
    use: PointUse = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self._address():
            raise ValueError("address: it must not be empty")

    def _address(self) -> str:
        return _formed("address", _ADDRESS[self.kind], self.address)

    def record(self) -> e.ContactPoint:
        return e.ContactPoint(
            point_id=self.point_id,
            kind=self.kind,
            address=self._address(),
            holder=self.holder,
            use=self.use,
        )


class NewDebt(Body):
    """`due_on` is the oldest unpaid due date: days past due count from it.

    `limitation_expires_on` is the last day on which it can be taken to court, if that is known.
    With `interest` it bears interest on these terms; `interest_evidence` says where they stand.
    """

    account: Annotated[PersonalText, msgspec.Meta(min_length=1)]
    product: Annotated[Name, msgspec.Meta(examples=["consumer-loan"])]
    currency: Currency
    balance: Buckets
    due_on: Day
    contract_on: Day | None = None
    limitation_expires_on: Day | None = None
    interest: InterestTerms | None = None
    interest_evidence: PersonalText = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        _formed("currency", fields.currency, self.currency)
        if self.interest is not None and not self.interest_evidence.strip():
            raise ValueError("interest_evidence: it must say where the terms are agreed")

    def agreed(self, debt_id: UUID) -> AgreedInterest | None:
        if self.interest is None:
            return None
        evidence = self.interest_evidence
        return AgreedInterest(debt_id=debt_id, terms=self.interest, evidence=evidence)

    def record(self, debt_id: UUID) -> e.Debt:
        return e.Debt(
            debt_id=debt_id,
            account=self.account,
            product=self.product,
            currency=self.currency,
            balance=self.balance,
            due_on=self.due_on,
            contract_on=self.contract_on,
            limitation_expires_on=self.limitation_expires_on,
        )


class NewCase(Body):
    """One debtor of one creditor, as the creditor knows them. Posting it again opens nothing."""

    creditor: Annotated[Name, msgspec.Meta(examples=["fictional-bank"])]
    creditor_name: Annotated[e.Line, msgspec.Meta(min_length=1, examples=["Fictional Bank"])]
    borrower_ref: Annotated[PersonalText, msgspec.Meta(min_length=1)]
    debtor: NewDebtor
    debts: Annotated[tuple[NewDebt, ...], msgspec.Meta(min_length=1, max_length=100)]
    contact_points: Annotated[tuple[NewContactPoint, ...], msgspec.Meta(max_length=50)] = ()


class Because(Body):
    """Why, in a few words that name nobody."""

    reason: Reason


class NewPlace(Body):
    """Under whose clock and law the debtor lives. Empty means: no longer known."""

    time_zone: ZoneName
    jurisdiction: Jurisdiction

    def __post_init__(self) -> None:
        super().__post_init__()
        _formed("time_zone", fields.time_zone, self.time_zone)
        _formed("jurisdiction", fields.jurisdiction, self.jurisdiction)


class NewFact(Body):
    """`on` is the day on which it happened; null takes back what was recorded by mistake."""

    fact: Annotated[Word, msgspec.Meta(examples=["told_before_reporting"])]
    on: Day | None
    how: Annotated[Reason, msgspec.Meta(examples=["the notice of 2 March, by post"])]


class NewLimitation(Body):
    """`expires_on` is the last day on which the debt can be taken to court; null: not known."""

    expires_on: Day | None
    how: Reason


class NewStage(Body):
    to: Stage
    reason: Reason


class Closure(Body):
    reason: CloseReason
    note: PersonalText = ""


# --- contact -------------------------------------------------------------------------------


class NewContact(Body):
    """With no `point_id` the first usable address of the debtor is taken.

    `channel` is a configured one, or `call` or `visit`; `template` one of those for its medium. For a
    call or a visit it is a name of your own.
    """

    channel: Channel
    template: Annotated[Name, msgspec.Meta(examples=["reminder-first"])]
    point_id: Name | None = None
    debts: Debts = ()


class NewConversation(Body):
    """`consented_at` is when the debtor agreed to this very contact beforehand.

    `by` the `group`: somebody else made it for the same creditor. It counts, and is no breach.
    """

    channel: Channel
    outcome: ConversationOutcome
    occurred_at: When
    initiator: Literal["creditor", "debtor"] = "creditor"
    party: Literal["debtor", "representative", "third_party", "nobody"] = "debtor"
    arrears_reason: ArrearsReason = "not_stated"
    note: PersonalText = ""
    point_id: Name | None = None
    debts: Debts = ()
    consented_at: When | None = None
    by: Literal["us", "group"] = "us"


class Reconciliation(Body):
    """What became of a contact whose outcome was unknown, and how that is known."""

    outcome: FoundOut
    evidence: Annotated[PersonalText, msgspec.Meta(min_length=1)]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.evidence.strip():
            raise ValueError("evidence: it is blank; say how it is known")


class NewReply(Body):
    """Words of the debtor, verbatim. Whether they are an opt-out is for the core to say."""

    channel: Channel
    text: PersonalText
    occurred_at: When
    reply_id: Name | None = None
    point_id: Name | None = None


class Reading(Body):
    """What a person made of a reply, and which debts it is about; with none named, all.

    `channel` is needed only where two channels have a reply of the same id.
    """

    outcome: ReplyOutcome
    note: PersonalText = ""
    debts: Debts = ()
    channel: Channel | None = None


class ChannelChoice(Body):
    channel: Channel
    how: Annotated[Reason, msgspec.Meta(examples=["asked on the phone"])]


class NewConsent(Body):
    """What the debtor agreed to. With no `channel` on every one, with no `point_id` everywhere."""

    consent: Annotated[Word, msgspec.Meta(examples=["tcpa"])]
    given_at: When
    how: Annotated[Reason, msgspec.Meta(examples=["ticked in the application form"])]
    evidence: PersonalText = ""
    channel: Channel | None = None
    point_id: Name | None = None
    consent_id: Name | None = None


class ConsentEnd(Body):
    """With no `channel` on every one, with no `point_id` everywhere."""

    consent: Annotated[Word, msgspec.Meta(examples=["tcpa"])]
    withdrawn_at: When
    how: Reason
    channel: Channel | None = None
    point_id: Name | None = None


class NewHours(Body):
    """On the debtor's clock. `days` and `channels` left out mean every one."""

    start: Annotated[LocalTime, msgspec.Meta(examples=["18:00:00"])]
    end: Annotated[LocalTime, msgspec.Meta(examples=["20:00:00"])]
    days: Annotated[tuple[WeekDay, ...], msgspec.Meta(max_length=8)] = ()
    channels: Annotated[tuple[Channel, ...], msgspec.Meta(max_length=20)] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            self.record()
        except ValueError as wrong:
            raise ValueError(f"start: {wrong}") from None

    def record(self) -> e.AgreedHours:
        return e.AgreedHours(start=self.start, end=self.end, days=self.days, channels=self.channels)


class NewAgreement(Body):
    """Hours that the debtor agreed to or asked for."""

    hours: Annotated[tuple[NewHours, ...], msgspec.Meta(min_length=1, max_length=50)]
    how: Reason
    agreement_id: Name | None = None


class MediumChoice(Body):
    """`medium` is a channel, `all` or `workplace`."""

    medium: Annotated[Channel, msgspec.Meta(examples=["workplace"])]
    how: Annotated[Reason, msgspec.Meta(examples=["asked on the phone"])]


class How(Body):
    how: Reason


# --- promises, plans, money ------------------------------------------------------------------


class NewPromise(Body):
    currency: Currency
    amount_minor: PositiveMinor
    due_on: Day


class NewInstalment(Body):
    due_on: Day
    amount_minor: PositiveMinor

    def record(self) -> e.Instalment:
        return e.Instalment(due_on=self.due_on, amount_minor=self.amount_minor)


class NewIncome(Body):
    name: LineName
    amount_minor: Minor
    every: Often = "month"


class NewExpense(Body):
    """`protected` is what a household lives on; only that is taken off the income."""

    name: LineName
    amount_minor: Minor
    every: Often = "month"
    protected: bool = True


class NewAssessment(Body):
    """An income-and-expenditure form.

    `reserve_percent` of the surplus stays with the household. With `owed_elsewhere_minor` the rest
    is shared with the other creditors by what is owed to each.
    """

    currency: Currency
    income: Annotated[tuple[NewIncome, ...], msgspec.Meta(min_length=1, max_length=100)]
    assessed_on: Day
    expenses: Annotated[tuple[NewExpense, ...], msgspec.Meta(max_length=100)] = ()
    reserve_percent: Percent = "0"
    owed_elsewhere_minor: Minor = 0
    evidence: PersonalText = ""

    def form(self) -> IncomeAndExpenditure:
        return IncomeAndExpenditure(
            currency=self.currency,
            income=tuple(
                FormLine(name=each.name, amount_minor=each.amount_minor, every=each.every)
                for each in self.income
            ),
            expenses=tuple(
                ExpenseLine(
                    name=each.name,
                    amount_minor=each.amount_minor,
                    every=each.every,
                    protected=each.protected,
                )
                for each in self.expenses
            ),
            reserve_percent=self.reserve_percent,
            owed_elsewhere_minor=self.owed_elsewhere_minor,
        )


class NewPlan(Body):
    """`terms`, or `instalments`, or `count` and `first_due_on` for equal parts of what is owed.

    `override` is why it should be offered although it is above the surplus of the household, or
    one plan too many: another person has to approve it then.
    """

    kind: PlanKind
    currency: Currency
    expires_on: Day
    waived_minor: Minor = 0
    instalments: Annotated[tuple[NewInstalment, ...], msgspec.Meta(max_length=360)] = ()
    count: Annotated[int, msgspec.Meta(ge=1, le=360, examples=[6])] | None = None
    first_due_on: Day | None = None
    frequency: Literal["monthly"] = "monthly"
    terms: PlanTerms | None = None
    waive: Waive = "on_completion"
    early_payment: EarlyPayment = "ahead"
    grace_days: GraceDays | None = None
    override: Annotated[str, msgspec.Meta(max_length=500)] = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        split = self.count is not None and self.first_due_on is not None
        neither = self.count is None and self.first_due_on is None
        if self.terms is not None:
            _check("terms", self.terms.first_on)
            if self.instalments or not neither:
                raise ValueError("terms: give nothing else that makes the instalments")
        elif not (neither if self.instalments else split):
            raise ValueError("instalments: give either these, or count and first_due_on")


class TwoPlans(Body):
    """Of one currency, so that they can be compared."""

    a: NewPlan
    b: NewPlan

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.a.currency != self.b.currency:
            raise ValueError("b: it is of another currency; compare like with like")


class Acceptance(Body):
    """`evidence` says how the debtor agreed: words, a signature, the number of a recording."""

    evidence: Annotated[PersonalText, msgspec.Meta(min_length=1)]


class Decline(Body):
    reason: PersonalText = ""


class EntryMatch(Body):
    """What an entry of a bank file is, and of which case.

    `debt_id` directs a payment to a debt. For one that went back name the `payment_id`; for money
    of ours that came back, the `refund_id`.
    """

    case_id: UUID
    debt_id: UUID | None = None
    payment_id: NameOrNone = ""
    refund_id: NameOrNone = ""


class Dismissal(Body):
    """Why no case is concerned with an entry."""

    why: DismissalReason


class OverpaymentUse(Body):
    """All that is held, or that of one payment; for all that is owed, or for one debt."""

    reason: Reason
    payment_id: NameOrNone = ""
    debt_id: UUID | None = None


class NewRefund(Body):
    """`refund_id` is yours and unique in the case. `evidence` is how it is known."""

    refund_id: Annotated[Name, msgspec.Meta(examples=["refund-2026-000123"])]
    currency: Currency
    amount_minor: PositiveMinor
    refunded_on: Day
    evidence: PersonalText

    def __post_init__(self) -> None:
        super().__post_init__()
        _formed("currency", fields.currency, self.currency)


class NewPayment(Body):
    """`payment_id` is yours and unique in the case. `debt_id` is the debtor's own direction."""

    payment_id: Annotated[Name, msgspec.Meta(examples=["bank-2026-000123"])]
    currency: Currency
    amount_minor: PositiveMinor
    value_on: Day
    reference: PersonalText = ""
    debt_id: UUID | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _formed("currency", fields.currency, self.currency)


# --- interest, charges, corrections ----------------------------------------------------------


class NewInterestTerms(Body):
    """On which terms a debt bears interest; `evidence` says where they are agreed."""

    terms: InterestTerms
    evidence: Annotated[PersonalText, msgspec.Meta(min_length=1)]


class Accrual(Body):
    """The days before `through_on`; left out, those before today."""

    through_on: Day | None = None


class NewCosts(Body):
    """A charge, and the law or the contract term that it stands on."""

    debt_id: UUID
    bucket: Literal["costs", "fees", "penalty"]
    amount_minor: PositiveMinor
    incurred_on: Day
    ground: Annotated[Reason, msgspec.Meta(examples=["court fee of the payment order"])]
    citation: Annotated[e.Text, msgspec.Meta(min_length=1, examples=["Fee tariff no. 1"])]
    charge_id: Name | None = None


class NewAdjustment(Body):
    """`change` is for a correction, by heads; amounts below zero make the debt less."""

    debt_id: UUID
    kind: AdjustmentKind
    value_on: Day
    reason: Reason
    authority: Annotated[Reason, msgspec.Meta(examples=["head of accounts"])]
    change: Change = Change()
    adjustment_id: Name | None = None


# --- holds and legal action ------------------------------------------------------------------


class NewHold(Body):
    """`blocks` left out means all that this kind blocks, `until` left out as long as the law says.

    `reason` says why it lasts longer or shorter, blocks less, or comes sooner again, than the law
    gives; a statutory moratorium never blocks less. `purpose` is what is done otherwise for a
    debtor who needs care, never what is wrong. `deferred`: the interest that it holds back is
    owed when it ends, where the law lets it. `evidence` is for an `until` before the law's day, of
    a hold that stands on a law: what the court or the adviser wrote; legal staff alone may.
    """

    kind: HoldKind
    authority: Annotated[Reason, msgspec.Meta(examples=["the debtor disputes the balance"])]
    blocks: Annotated[tuple[Blocks, ...], msgspec.Meta(min_length=1, max_length=4)] | None = None
    until: Day | None = None
    debt_id: UUID | None = None
    hold_id: Name | None = None
    variant: Annotated[HoldVariant, msgspec.Meta(examples=["mental_health"])] = ""
    reason: Annotated[e.Text, msgspec.Meta(examples=["the adviser asked for ten more days"])] = ""
    purpose: Annotated[e.Text, msgspec.Meta(examples=["letters in large print"])] = ""
    deferred: bool = False
    evidence: Annotated[PersonalText, msgspec.Meta(examples=["the notice of 12 March"])] = ""


class NewDispute(Body):
    """What the debtor says is wrong with a debt; which one, unless the case has only one.

    `amount_minor`: how much of it is not owed.
    """

    ground: DisputeGround
    said: Annotated[PersonalText, msgspec.Meta(min_length=1)]
    evidence: PersonalText = ""
    debt_id: UUID | None = None
    amount_minor: PositiveMinor | None = None
    hold_id: Name | None = None


class HoldAnswer(Body):
    """What we answered, on which day, and on what grounds."""

    outcome: HoldOutcome
    answered_on: Day
    reason: Annotated[PersonalText, msgspec.Meta(min_length=1)]
    evidence: PersonalText = ""


class HoldEnd(Body):
    """Either `until`, or the day on which a treatment ended, from which the law counts.

    A hold that stands on a law ends sooner than it would only with `evidence`, by legal staff.
    """

    reason: Reason
    until: Day | None = None
    treatment_ended_on: Day | None = None
    evidence: Annotated[PersonalText, msgspec.Meta(examples=["the notice of 12 March"])] = ""


class HoldLift(Body):
    """Why. A hold that stands on a law (breathing space, insolvency) also needs `evidence`.

    It is the word of whom the law names - the court, the adviser - and legal staff enter it.
    """

    reason: Reason
    evidence: Annotated[PersonalText, msgspec.Meta(examples=["the notice of 12 March"])] = ""


class NewLimitationTerms(Body):
    """`starts_on` is when the debt fell due or was accelerated. No `law`: that of the place."""

    starts_on: Day
    how: Reason
    law: Annotated[e.LawName, msgspec.Meta(examples=["uk-ew"])] = ""
    contract: Contract = "written"
    known_on: Day | None = None


class NewLimitationAct(Body):
    """What may move the clock. `has` is what is proved of it; `until` the last day of what lasts."""

    act: LimitationAct
    on: Day
    evidence: Annotated[PersonalText, msgspec.Meta(min_length=1)]
    until: Day | None = None
    has: Annotated[tuple[Feature, ...], msgspec.Meta(max_length=4)] = ()
    act_id: Name | None = None


class NewReferral(Body):
    grounds: Reason


class Approval(Body):
    """`adapter` is the configured filing adapter that makes the bundle."""

    adapter: Annotated[Name, msgspec.Meta(examples=["cn-court"])]


class NewBureauReport(Body):
    """`debts` left out means all on which money is owed."""

    bureau: Annotated[Name, msgspec.Meta(examples=["fictional-bureau"])]
    debts: Debts = ()


class NewOutcome(Body):
    outcome: CourtOutcome
    occurred_on: Day
    court_reference: PersonalText = ""
    note: PersonalText = ""
