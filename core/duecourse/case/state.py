"""What a case knows: the state that its events add up to. `evolve` computes it."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from duecourse.case import events as e
from duecourse.case.words import (
    Blocks,
    CloseReason,
    CourtOutcome,
    HoldKind,
    PersonalText,
    PlanKind,
    ReceiptStatus,
    Stage,
)
from duecourse.money.amounts import Buckets, sum_buckets
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


class DebtAccount(e.Record):
    """A debt with what is still outstanding on it."""

    debt: e.Debt
    outstanding: Buckets
    withdrawn: bool = False
    limitation_expires_on: date | None = None


class Contact(e.Record):
    """One permitted contact. Only `dispatching` and later may have reached anybody.

    `holder` is whom it is for; `nobody` is not known, and counts for everybody. `called_off`: what
    calls a permission back came while this one was on its way.
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
    receipts: tuple[str, ...] = ()
    debts: tuple[UUID, ...] = ()
    content: tuple[str, ...] | None = None
    holder: Literal["debtor", "representative", "third_party", "nobody"] = "nobody"


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
    currency: str
    amount_minor: int
    due_on: date
    paid_minor: int = 0
    status: Literal["open", "kept", "broken", "withdrawn"] = "open"


class Plan(e.Record):
    """`met` counts the instalments that `paid_minor` covers, from the first one on."""

    kind: PlanKind
    currency: str
    instalments: tuple[e.Instalment, ...]
    waived_minor: int
    expires_on: date
    offered_at: datetime
    status: Literal[
        "offered", "active", "completed", "broken", "declined", "lapsed", "withdrawn"
    ] = "offered"
    paid_minor: int = 0
    met: int = 0
    missed: tuple[int, ...] = ()
    waiver: tuple[e.Allocation, ...] = ()

    @property
    def total_minor(self) -> int:
        return sum(each.amount_minor for each in self.instalments)

    def covered(self) -> int:
        """How many instalments, from the first on, have been paid in full."""
        left = self.paid_minor
        for number, each in enumerate(self.instalments):
            left -= each.amount_minor
            if left < 0:
                return number
        return len(self.instalments)


class Payment(e.Record):
    """Kept with what it counted towards, so that a reversal restores exactly that."""

    recorded_at: datetime
    currency: str
    amount_minor: int
    value_on: date
    allocations: tuple[e.Allocation, ...]
    unallocated_minor: int
    promises: tuple[UUID, ...] = ()
    plans: tuple[UUID, ...] = ()
    reversed: bool = False


class Hold(e.Record):
    kind: HoldKind
    blocks: tuple[Blocks, ...]
    authority: e.Text
    since: datetime
    until: date | None = None
    debt_id: UUID | None = None


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
    payments: Mapping[str, Payment] = {}
    reversed_early: Mapping[str, e.Text] = {}
    holds: Mapping[str, Hold] = {}
    past_holds: tuple[str, ...] = ()
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

    def blocks(self, what: Blocks) -> list[str]:
        """The holds that stop `what`, by id."""
        return [key for key, hold in self.holds.items() if what in hold.blocks]

    def zone(self) -> ZoneInfo:
        """The debtor's clock, for dates; UTC while it is unknown (contact is blocked anyway)."""
        return find_zone(self.debtor.time_zone) or ZoneInfo("UTC")

    def today(self, at: datetime) -> date:
        return at.astimezone(self.zone()).date()
