"""What a case knows: the state that its events add up to. `evolve` computes it."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from duecourse.case import events as e
from duecourse.case.ledger_state import Ledger
from duecourse.case.plan_terms import EarlyPayment, Fit, Need, PlanApproval, PlanTerms, Waive
from duecourse.case.words import (
    Blocks,
    CloseReason,
    CourtOutcome,
    DisputeGround,
    FoundOut,
    HoldKind,
    HoldOutcome,
    PersonalText,
    PlanKind,
    ReceiptStatus,
    ReplyOutcome,
    Stage,
)
from duecourse.money.amounts import Buckets, sum_buckets
from duecourse.money.limitation_laws import Act as LimitationAct
from duecourse.money.limitation_laws import Contract, Feature
from duecourse.money.slots import Future, Slot
from duecourse.rules.clock import find_zone
from duecourse.rules.situation import Place

# Later in the list wins whatever the order of arrival: receipts form a lattice.
RECEIPT_ORDER: Final[tuple[ReceiptStatus, ...]] = (
    "queued",
    "deferred",
    "sent",
    "expired",
    "failed",
    "delivered",
    "read",
    "bounced",
    "returned",
    "complained",
)

NO_PROOF: Final[frozenset[ReceiptStatus]] = frozenset({"failed"})
"""All but these prove that the message left us: its peer holds it, passed it on, or lost it later.

That it failed is also said of what was never taken. It ends a doubt all the same: whoever can name
the message had it in hand, and it reached nobody.
"""


def reply_name(channel: str, reply_id: str) -> str:
    """How a case remembers a reply: two channels may count theirs alike."""
    return f"{channel}/{reply_id}"


class WaitingReply(e.Record):
    """Words that no person has read yet, and that say more than to stop."""

    reply_id: str
    channel: str
    point_id: str
    text: PersonalText
    occurred_at: datetime


class DebtAccount(e.Record):
    """A debt with what is still outstanding on it."""

    debt: e.Debt
    outstanding: Buckets
    withdrawn: bool = False
    placed_at: datetime | None = None
    withdrawn_at: datetime | None = None
    limitation_expires_on: date | None = None


class Contact(e.Record):
    """One permitted contact. Only `dispatching` and later may have reached anybody.

    `holder` is whom it is for; `nobody` is not known, and counts for everybody. `called_off`: what
    calls a permission back came while this one was on its way. `delivery` is the furthest that any
    of its receipts says it came, and `proven` that one of them proves that it left, whatever else
    was believed. `doubt` is why nobody knew since `unknown_at` what became of it, and `found_out`
    what a person then said.
    """

    channel: str
    point_id: str
    template: str
    language: Literal["zh", "en"]
    permitted_at: datetime
    expires_at: datetime
    step: str = ""
    status: Literal[
        "permitted", "used", "dispatching", "accepted", "rejected", "unknown", "cancelled"
    ] = "permitted"
    attempts: int = 0
    called_off: bool = False
    not_before: datetime | None = None
    dispatched_at: datetime | None = None
    cancelled_at: datetime | None = None
    medium: str = ""
    key: str = ""
    plugin: str = ""
    body_sha256: str = ""
    reference: str = ""
    delivery: ReceiptStatus | None = None
    proven: bool = False
    receipts: tuple[str, ...] = ()
    unknown_at: datetime | None = None
    doubt: e.Text = ""
    found_out: FoundOut | None = None
    debts: tuple[UUID, ...] = ()
    content: tuple[str, ...] | None = None
    holder: Literal["debtor", "representative", "third_party", "nobody"] = "nobody"

    def is_about(self, debt_id: UUID | None) -> bool:
        """Whether it speaks of this debt, or of all of them; None stands for any."""
        return debt_id is None or not self.debts or debt_id in self.debts


class Conversation(e.Record):
    channel: str
    point_id: str
    initiator: Literal["creditor", "debtor"]
    party: Literal["debtor", "representative", "third_party", "nobody"]
    outcome: str
    arrears_reason: str
    occurred_at: datetime
    permitted: bool
    debts: tuple[UUID, ...] = ()
    consented_at: datetime | None = None
    by: Literal["us", "group"] = "us"


class Consent(e.Record):
    """Given on a channel and at an address; empty means every one."""

    consent: str
    channel: str
    point_id: str
    given_at: datetime
    how: e.Text
    evidence: PersonalText


class Withdrawal(e.Record):
    """Of every consent of the name given before, on a channel and at an address."""

    consent: str
    channel: str
    point_id: str
    withdrawn_at: datetime


class StepProgress(e.Record):
    """How a step of the treatment schedule stands. `blocked` waits for mended data."""

    outcome: Literal["", "done", "skipped"] = ""
    failures: int = 0
    not_before: datetime | None = None
    blocked: bool = False


class Promise(e.Record):
    """Kept once `enough_minor` is paid. A broken one with something paid was kept in part."""

    currency: str
    amount_minor: int
    due_on: date
    paid_minor: int = 0
    status: Literal["open", "kept", "broken", "withdrawn"] = "open"
    tolerance_minor: int = 0

    @property
    def enough_minor(self) -> int:
        return self.amount_minor - self.tolerance_minor

    @property
    def is_kept_in_part(self) -> bool:
        return self.status == "broken" and self.paid_minor > 0


class Assessment(e.Record):
    """What of a household's income-and-expenditure form plans are judged by. A month's sums."""

    currency: str
    assessed_on: date
    surplus_minor: int
    available_minor: int


class PlanCharge(e.Record):
    """Interest of a plan that is owed by now. `payment_id`: charged as that money came early.

    `barred_minor` is never charged.
    """

    number: int
    charged: tuple[e.Allocation, ...]
    payment_id: str = ""
    barred_minor: int = 0


class PlanChange(e.Record):
    """The instalments as they were before money that came early changed them."""

    payment_id: str
    before: tuple[e.Instalment, ...]


class Plan(e.Record):
    """`met` counts the instalments that `paid_minor` covers, from the first one on.

    `instalments` are as they stand now, `changes` what they were before each early payment.
    `waived_stages` says of each part of `waiver` with which stage it was forgiven; 0 is the end.
    `drawn_at` is when its sum was that of the debts, which for one that was proposed is then.
    """

    kind: PlanKind
    currency: str
    instalments: tuple[e.Instalment, ...]
    waived_minor: int
    expires_on: date
    offered_at: datetime
    status: Literal[
        "proposed", "offered", "active", "completed", "broken", "declined", "lapsed", "withdrawn"
    ] = "offered"
    paid_minor: int = 0
    met: int = 0
    missed: tuple[int, ...] = ()
    waiver: tuple[e.Allocation, ...] = ()
    waived_stages: tuple[int, ...] = ()
    terms: PlanTerms | None = None
    waive: Waive = "on_completion"
    early_payment: EarlyPayment = "ahead"
    frozen_minor: int = 0
    grace_days: int | None = None
    breaks_after_missed: int | None = None
    fit: Fit | None = None
    replaces: UUID | None = None
    approval: PlanApproval | None = None
    needs: tuple[Need, ...] = ()
    proposed_by: str = ""
    accepted_at: datetime | None = None
    drawn_at: datetime | None = None
    cured: tuple[int, ...] = ()
    charges: tuple[PlanCharge, ...] = ()
    changes: tuple[PlanChange, ...] = ()
    cap_unknown: tuple[UUID, ...] = ()

    @property
    def total_minor(self) -> int:
        return sum(each.amount_minor for each in self.instalments)

    @property
    def since(self) -> datetime:
        """From when on the plan takes the place of what runs on the debts without it."""
        return self.drawn_at or self.offered_at

    @property
    def interest_minor(self) -> int:
        """What of the total is interest of the plan."""
        return sum(each.interest_minor for each in self.instalments)

    def covered(self, more_minor: int = 0) -> int:
        """How many instalments, from the first on, are paid in full, or would be with more."""
        left = self.paid_minor + more_minor
        for number, each in enumerate(self.instalments):
            left -= each.amount_minor
            if left < 0:
                return number
        return len(self.instalments)


class Payment(e.Record):
    """Kept with what it counted towards, so that a reversal restores exactly that.

    `debt_id` and what follows say in which order it goes to the debts, and which of them were in
    dispute when it came.
    """

    recorded_at: datetime
    currency: str
    amount_minor: int
    value_on: date
    allocations: tuple[e.Allocation, ...]
    unallocated_minor: int
    promises: tuple[UUID, ...] = ()
    plans: tuple[UUID, ...] = ()
    reversed: bool = False
    refunded_minor: int = 0
    debt_id: UUID | None = None
    profile: str = ""
    across: str = ""
    slots: tuple[Slot, ...] = ()
    future: Future = "next"
    disputed: tuple[UUID, ...] = ()


class Refund(e.Record):
    currency: str
    amount_minor: int
    refunded_on: date
    parts: tuple[e.RefundPart, ...]
    returned: bool = False


class Dispute(e.Record):
    """What the debtor says is wrong with a debt."""

    ground: DisputeGround
    said: PersonalText
    evidence: PersonalText
    amount_minor: int | None = None


class Hold(e.Record):
    """`deadlines` are those still to be met, `missed` those that were not, until our answer.

    `places` are those of which the debtor was known to be when it was placed. `cut_short`: it stands
    on a law, and its end was brought forward on the word of whom the law names.
    """

    kind: HoldKind
    blocks: tuple[Blocks, ...]
    authority: e.Text
    since: datetime
    until: date | None = None
    debt_id: UUID | None = None
    variant: str = ""
    deadlines: tuple[e.HoldDeadline, ...] = ()
    missed: tuple[str, ...] = ()
    purpose: e.Text = ""
    dispute: Dispute | None = None
    outcome: HoldOutcome | None = None
    answered_on: date | None = None
    ended_at: datetime | None = None
    deferred: bool = False
    places: tuple[str, ...] = ()
    cut_short: bool = False

    def protects(self, debts: Collection[UUID]) -> bool:
        """Whether it is about any of these debts; about all of them, when none are named."""
        return self.debt_id is None or not debts or self.debt_id in debts


class ClockAct(e.Record):
    """What moved, or may have moved, the limitation clock of these debts."""

    act: LimitationAct
    debt_ids: tuple[UUID, ...]
    on: date
    until: date | None = None
    has: tuple[Feature, ...] = ()


class LimitationTerms(e.Record):
    """`warned` is how many days before which last day somebody was last warned; -1: it is over."""

    law: str = ""
    contract: Contract = "written"
    starts_on: date | None = None
    known_on: date | None = None
    warned: tuple[date, int] | None = None


class Referral(e.Record):
    grounds: e.Text
    debt_ids: tuple[UUID, ...]
    proposed_by: str
    status: Literal[
        "proposed", "approved", "declined", "withdrawn", "filing", "filed", "failed"
    ] = "proposed"
    adapter: str = ""
    approved_by: str = ""
    approved_at: datetime | None = None
    reference: str = ""
    documents: tuple[e.FiledDocument, ...] = ()
    problems: tuple[e.Text, ...] = ()
    outcome: CourtOutcome | None = None
    court_reference: PersonalText = ""


class Refusal(e.Record):
    """The last no of the rules to legal action or to a bureau report."""

    at: datetime
    rule: str
    citation: str
    says: str
    next_lawful_at: datetime | None


class BureauReport(e.Record):
    """Permitted once, until `expires_at` or `cancelled_at`. No adapter sends it yet."""

    bureau: str
    debt_ids: tuple[UUID, ...]
    permitted_at: datetime
    expires_at: datetime
    cancelled_at: datetime | None = None


class Case(e.Record):
    """One debtor × one creditor. `at` is when the last event was recorded.

    `opted_in` are the exceptions to an opt-out of `all`. `reversed_early` are payments that went
    back before they were heard of, each with the reason. `refusals` are those of referrals and
    bureau reports that the rules still forbade when they were last asked.
    """

    at: datetime
    opened_at: datetime
    creditor: str
    creditor_name: str
    subject_id: UUID
    borrower_ref: PersonalText
    debtor: e.Debtor
    points: Mapping[str, e.ContactPoint]
    licence: str = ""
    retired: tuple[str, ...] = ()
    stage: Stage = "intake"
    stage_before: Stage = "intake"
    close_reason: CloseReason | None = None
    debts: Mapping[UUID, DebtAccount] = {}
    contacts: Mapping[UUID, Contact] = {}
    conversations: Mapping[UUID, Conversation] = {}
    replies: tuple[str, ...] = ()
    waiting_replies: Mapping[str, WaitingReply] = {}
    read_replies: Mapping[str, ReplyOutcome] = {}
    opted_out: tuple[str, ...] = ()
    opted_in: tuple[str, ...] = ()
    consents: Mapping[str, Consent] = {}
    withdrawals: tuple[Withdrawal, ...] = ()
    agreed_hours: Mapping[str, tuple[e.AgreedHours, ...]] = {}
    past_agreements: tuple[str, ...] = ()
    refused_media: tuple[str, ...] = ()
    other_places: tuple[Place, ...] = ()
    facts: Mapping[str, date] = {}
    steps: Mapping[str, StepProgress] = {}
    promises: Mapping[UUID, Promise] = {}
    plans: Mapping[UUID, Plan] = {}
    assessments: Mapping[UUID, Assessment] = {}
    payments: Mapping[str, Payment] = {}
    ledger: Ledger = msgspec.field(default_factory=Ledger)
    reversed_early: Mapping[str, e.Text] = {}
    refunds: Mapping[str, Refund] = {}
    holds: Mapping[str, Hold] = {}
    past_holds: tuple[str, ...] = ()
    ended_holds: Mapping[str, Hold] = {}
    clock_acts: Mapping[str, ClockAct] = {}
    limitation_terms: Mapping[UUID, LimitationTerms] = {}
    referrals: Mapping[UUID, Referral] = {}
    bureau_reports: Mapping[UUID, BureauReport] = {}
    refusals: Mapping[UUID, Refusal] = {}

    @property
    def is_closed(self) -> bool:
        return self.stage == "closed"

    @property
    def active_debts(self) -> dict[UUID, DebtAccount]:
        return {key: account for key, account in self.debts.items() if not account.withdrawn}

    def outstanding(self, currency: str) -> Buckets:
        return sum_buckets(
            account.outstanding
            for account in self.debts.values()
            if not account.withdrawn and account.debt.currency == currency
        )

    @property
    def owes(self) -> bool:
        return any(
            not account.withdrawn and account.outstanding.total for account in self.debts.values()
        )

    @property
    def active_plan(self) -> UUID | None:
        return next((key for key, plan in self.plans.items() if plan.status == "active"), None)

    def blocks(self, what: Blocks, debts: Collection[UUID] = ()) -> list[str]:
        """The holds that stop `what` about these debts, by id.

        With none named, those that leave nothing of what is owed to go on with.
        """
        holds = {key: hold for key, hold in self.holds.items() if what in hold.blocks}
        if debts:
            return [key for key, hold in holds.items() if hold.protects(debts)]
        return [] if not holds or self.free_of(what) else list(holds)

    def free_of(self, what: Blocks) -> tuple[UUID, ...]:
        """The debts on which something is owed and about which no hold stops `what`."""
        holds = [hold for hold in self.holds.values() if what in hold.blocks]
        if any(hold.debt_id is None for hold in holds):
            return ()
        held = {hold.debt_id for hold in holds}
        return tuple(key for key in self._owing if key not in held)

    @property
    def disputed(self) -> frozenset[UUID]:
        """The debts that the debtor disputes, whatever we answered, while the hold lasts."""
        disputes = [hold for hold in self.holds.values() if hold.kind == "dispute"]
        if any(hold.debt_id is None for hold in disputes):
            return frozenset(self.debts)
        return frozenset(hold.debt_id for hold in disputes if hold.debt_id is not None)

    @property
    def _owing(self) -> list[UUID]:
        return [
            key
            for key, account in self.debts.items()
            if not account.withdrawn and account.outstanding.total
        ]

    def zone(self) -> ZoneInfo:
        """The debtor's clock, for dates; UTC while it is unknown (contact is blocked anyway)."""
        return find_zone(self.debtor.time_zone) or ZoneInfo("UTC")

    def today(self, at: datetime) -> date:
        return at.astimezone(self.zone()).date()
