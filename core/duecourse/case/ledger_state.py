"""What a case remembers of interest, charges and corrections: all that its account is made of.

What payments, holds and debts add to it stands with those.
"""

from collections.abc import Mapping
from datetime import date
from typing import Literal
from uuid import UUID

from duecourse.case import events as e
from duecourse.case.interest_terms import AccruedTotals, AdjustmentKind, InterestTerms
from duecourse.money.account_terms import Change
from duecourse.money.allocation import Bucket
from duecourse.money.amounts import Buckets


class Charge(e.Record):
    debt_id: UUID
    bucket: Bucket
    amount_minor: int
    posted_minor: int
    incurred_on: date
    booked_on: date
    citation: e.Text = ""


class Adjustment(e.Record):
    debt_id: UUID
    kind: AdjustmentKind
    change: Change
    value_on: date
    proposed_by: str
    reason: e.Text
    authority: e.Text
    status: Literal["proposed", "approved", "declined"] = "proposed"
    booked_on: date | None = None


class OtherChange(e.Record):
    """What else changed a debt: a waiver, the interest of a plan. `what` names the event."""

    entry_id: str
    what: str
    debt_id: UUID
    on: date
    change: Change
    payment_id: str = ""


class Span(e.Record):
    """From a day on, until before another."""

    start: date
    end: date | None = None


class WriteOff(e.Record):
    on: date
    still_owed: bool
    forgiven: Buckets = Buckets()


class Ledger(e.Record):
    """`kept_plans` are the days on which each plan was kept: its own interest runs then."""

    terms: Mapping[UUID, InterestTerms] = {}
    totals: Mapping[UUID, AccruedTotals] = {}
    charges: Mapping[str, Charge] = {}
    adjustments: Mapping[str, Adjustment] = {}
    write_offs: Mapping[UUID, WriteOff] = {}
    others: tuple[OtherChange, ...] = ()
    kept_plans: Mapping[UUID, Span] = {}
