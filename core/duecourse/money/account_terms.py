"""What a running account is made of, and what it comes to."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self

import msgspec

from duecourse.money.allocation import Bucket
from duecourse.money.amounts import MAX_MINOR, Buckets, Currency
from duecourse.money.cap_terms import CapRequest
from duecourse.money.figures import Percent
from duecourse.money.interest_terms import InterestRequest
from duecourse.money.slots import Future, Slot

EntryKind = Literal["charge", "adjustment", "waiver"]
What = Literal["interest", "release", "compounding", "payment", "charge", "adjustment", "waiver"]
Signed = Annotated[int, msgspec.Meta(ge=-MAX_MINOR, le=MAX_MINOR)]


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """More or less of each head, in minor units."""

    costs: Signed = 0
    fees: Signed = 0
    penalty: Signed = 0
    interest: Signed = 0
    principal: Signed = 0

    @classmethod
    def between(cls, before: Buckets, after: Buckets) -> Self:
        return cls(
            costs=after.costs - before.costs,
            fees=after.fees - before.fees,
            penalty=after.penalty - before.penalty,
            interest=after.interest - before.interest,
            principal=after.principal - before.principal,
        )

    @classmethod
    def less(cls, heads: Buckets) -> Self:
        return cls.between(heads, Buckets())

    @property
    def total(self) -> int:
        return self.costs + self.fees + self.penalty + self.interest + self.principal

    def plus(self, head: Bucket, minor: int) -> Self:
        return msgspec.structs.replace(self, **{head: getattr(self, head) + minor})

    def added_to(self, heads: Buckets) -> Buckets:
        return Buckets(
            costs=heads.costs + self.costs,
            fees=heads.fees + self.fees,
            penalty=heads.penalty + self.penalty,
            interest=heads.interest + self.interest,
            principal=heads.principal + self.principal,
        )

    def raised(self) -> Buckets:
        """What it adds; nothing for the heads that it lowers."""
        return Buckets(
            costs=max(self.costs, 0),
            fees=max(self.fees, 0),
            penalty=max(self.penalty, 0),
            interest=max(self.interest, 0),
            principal=max(self.principal, 0),
        )


class AccountDebt(msgspec.Struct, frozen=True, kw_only=True):
    """A debt as it stood at the beginning.

    Interest runs from the start of `interest` until before its end, and nothing accrues without
    it; the balances in it and in `cap` are not looked at, as they are those of the account.
    """

    debt_id: str
    opening: Buckets
    due_on: date
    arose_on: date | None = None
    secured_minor: int = 0
    secured_on_land: bool = False
    burden_percent: Percent = "0"
    interest: InterestRequest | None = None
    cap: CapRequest | None = None


class Deposit(msgspec.Struct, frozen=True, kw_only=True):
    """A payment. A debt in `opens` can be paid from that day on, or with None not at all.

    `within` is for debts in which another order holds than that of the profile.
    """

    payment_id: str
    on: date
    amount_minor: int
    profile: str
    across: str = ""
    designated: str = ""
    slots: tuple[Slot, ...] = ()
    future: Future = "next"
    within: Mapping[str, str] = {}
    opens: Mapping[str, date | None] = {}


class AccountEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A charge, a correction either way, or what is forgiven: `change` says what, by heads.

    Only what is `capped` is subject to the cap; a waiver has amounts above 0.
    """

    entry_id: str
    debt_id: str
    on: date
    kind: EntryKind
    change: Change
    capped: bool = True


class Account(msgspec.Struct, frozen=True, kw_only=True):
    currency: Currency
    debts: tuple[AccountDebt, ...]
    deposits: tuple[Deposit, ...] = ()
    entries: tuple[AccountEntry, ...] = ()


class AccountPosting(msgspec.Struct, frozen=True, kw_only=True):
    """What changed on a value date, and what of the debt was owed after it.

    `capped` is what the cap has taken away by then.
    """

    on: date
    what: What
    ref: str
    debt_id: str
    change: Change
    owed: Buckets
    capped: Buckets


class DebtResult(msgspec.Struct, frozen=True, kw_only=True):
    """`accrued` is what interest and penalty came to since the start, without what was capped.

    `running` can still be asked for its lines.
    """

    owed: Buckets
    accrued: Buckets
    frozen: Buckets
    not_accrued: Buckets
    capped: Buckets
    cap: str
    citation: str
    per_diem: Any
    running: Any


class DepositResult(msgspec.Struct, frozen=True, kw_only=True):
    """`before` is what was owed when its turn came, by debt."""

    parts: Mapping[str, Buckets]
    unallocated_minor: int
    before: Mapping[str, Buckets]


class AccountResult(msgspec.Struct, frozen=True, kw_only=True):
    """`waived` and `charged` are what an entry came to, by its id."""

    through: date
    debts: Mapping[str, DebtResult]
    deposits: Mapping[str, DepositResult]
    waived: Mapping[str, Buckets]
    charged: Mapping[str, Buckets]
    postings: tuple[AccountPosting, ...]
