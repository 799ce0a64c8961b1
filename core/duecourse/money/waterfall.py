"""A payment put to debts in the order of a named law, with the reasons and a counterfactual.

What is forgiven goes the same way.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from fractions import Fraction
from itertools import groupby
from typing import Annotated, Final

import msgspec

from duecourse.money.allocation import Bucket, pour, pro_rata
from duecourse.money.amounts import Buckets, Currency, Minor, PositiveMinor, sum_buckets
from duecourse.money.figures import (
    Confidence,
    Heads,
    Name,
    Percent,
    Refused,
    share_of,
    within_limit,
)
from duecourse.money.legal_orders import (
    AcrossOrder,
    Criterion,
    PartPayment,
    WithinOrder,
    across_order,
    within_order,
)
from duecourse.money.slots import Future, Slot, pour_slots

MAX_DEBTS: Final = 1_000
SLOTS_PROFILE: Final = "twelve-slots"
_WAIVERS: Final = AcrossOrder(
    name="waivers",
    criteria=("earliest_due",),
    citation="No law says where a waiver goes",
    confidence="C",
)
Rank = Annotated[int, msgspec.Meta(ge=0, le=MAX_DEBTS)]


class OwedDebt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A debt, or one item of an account, as the law looks at it.

    `debtor_choice` and `creditor_choice` are 1 for the debt that was named first, 2 for the
    second, and 0 where none was named. `burden_percent` is the rate that it costs the debtor.
    `within` is an order of its own within this debt; left out, it is that of the profile.
    """

    debt_id: Name
    outstanding: Heads
    due_on: date
    arose_on: date | None = None
    secured_minor: Minor = 0
    burden_percent: Percent = "0"
    debtor_choice: Rank = 0
    creditor_choice: Rank = 0
    disputed: bool = False
    secured_on_land: bool = False
    within: Annotated[str, msgspec.Meta(max_length=40)] = ""


class AllocationRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A payment, the debts it may go to, and the profile; `slots` for an order of your own."""

    currency: Currency
    amount_minor: PositiveMinor
    as_of: date
    profile: Annotated[str, msgspec.Meta(max_length=40)]
    across: Annotated[str, msgspec.Meta(max_length=40)] = ""
    debts: Annotated[tuple[OwedDebt, ...], msgspec.Meta(max_length=MAX_DEBTS)]
    slots: Annotated[tuple[Slot, ...], msgspec.Meta(max_length=12)] = ()
    future: Future = "next"
    counterfactual: Annotated[tuple[str, ...], msgspec.Meta(max_length=10)] = ()


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What one debt got, what is left of it, and under which order."""

    debt_id: str
    paid: Buckets
    left: Buckets
    profile: str


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """Which debts had their turn together, and why before the next ones."""

    debts: tuple[str, ...]
    amount_minor: int
    because: str


class Allocation(msgspec.Struct, frozen=True, kw_only=True):
    """Where a payment goes under one profile. `parts` has every debt, also those that got nothing."""

    profile: str
    citation: str
    confidence: Confidence
    across: str
    across_citation: str
    currency: str
    amount_minor: int
    allocated_minor: int
    unallocated_minor: int
    parts: tuple[Part, ...]
    turns: tuple[Turn, ...]
    part_payment: PartPayment
    part_citation: str
    notes: tuple[str, ...] = ()
    counterfactual: tuple["Allocation", ...] = ()


BECAUSE: Final[dict[Criterion, str]] = {
    "designated": "the debtor named it",
    "creditor": "the creditor appropriated it, as the debtor named none",
    "due": "it is due already",
    "least_secured": "it is secured the least",
    "heaviest_burden": "it costs the debtor the most",
    "earliest_due": "it fell due first",
    "oldest": "it is the oldest",
}


def allocate_payment(request: AllocationRequest) -> Allocation:
    """Raises Refused for what cannot be worked with; otherwise every unit is accounted for."""
    _check(request)
    result = _allocated(request, request.profile)
    others = tuple(_allocated(request, name) for name in request.counterfactual)
    return msgspec.structs.replace(result, counterfactual=others)


def _check(request: AllocationRequest) -> None:
    seen = set[str]()
    for number, debt in enumerate(request.debts):
        if debt.debt_id in seen:
            raise Refused(f"debts[{number}].debt_id", "comes twice", "name each debt once")
        seen.add(debt.debt_id)
    if request.amount_minor <= 0:
        raise Refused("amount_minor", "nothing is paid", "give what was paid, in minor units")
    within_limit(request.amount_minor, "amount_minor")
    if bool(request.slots) != (SLOTS_PROFILE in {request.profile, *request.counterfactual}):
        raise Refused(
            "slots",
            f"the order of your own belongs to the profile {SLOTS_PROFILE!r}, and to no other",
            "give both or neither",
        )


def _allocated(request: AllocationRequest, profile: str) -> Allocation:
    if profile == SLOTS_PROFILE:
        return _by_slots(request)
    within = within_order(profile)
    across = across_order(request.across or within.across)
    asked = [d for d in request.debts if not (across.never_disputed and d.disputed)]
    groups = _groups(asked, across, request.as_of)
    paid: dict[str, Buckets] = {}
    turns: list[Turn] = []
    left = request.amount_minor
    for number, (rank, debts) in enumerate(groups):
        shares = pro_rata(left, [debt.outstanding.total for debt in debts])
        for debt, share in zip(debts, shares, strict=True):
            paid[debt.debt_id] = pour(
                share, debt.outstanding.plain(), _order_for(debt, within).order
            )
        left -= sum(shares)
        if sum(shares):
            following = groups[number + 1][0] if number + 1 < len(groups) else None
            because = _because(rank, following, across, shared=len(debts) > 1)
            names = tuple(debt.debt_id for debt in debts)
            turns.append(Turn(debts=names, amount_minor=sum(shares), because=because))
    parts = tuple(_part(d, paid.get(d.debt_id), _order_for(d, within).name) for d in request.debts)
    return Allocation(
        profile=within.name,
        citation=within.citation,
        confidence=within.confidence,
        across=across.name,
        across_citation=across.citation,
        currency=request.currency,
        amount_minor=request.amount_minor,
        allocated_minor=request.amount_minor - left,
        unallocated_minor=left,
        parts=parts,
        turns=tuple(turns),
        part_payment=within.part_payment,
        part_citation=within.part_citation,
        notes=_notes(request, within, across),
    )


def forgiven(
    amount_minor: int, debts: Iterable[OwedDebt], order: Sequence[Bucket]
) -> dict[str, Buckets]:
    """Where a waiver goes: to the debt due first, and in it to the heads in `order`."""
    parts: dict[str, Buckets] = {}
    left = amount_minor
    for _, group in _groups(debts, _WAIVERS, date.min):
        shares = pro_rata(left, [debt.outstanding.total for debt in group])
        for debt, share in zip(group, shares, strict=True):
            if share:
                parts[debt.debt_id] = pour(share, debt.outstanding.plain(), order)
        left -= sum(shares)
    return parts


def _groups(
    debts: Iterable[OwedDebt], across: AcrossOrder, as_of: date
) -> list[tuple[tuple[int | Fraction, ...], list[OwedDebt]]]:
    """Which debts have their turn together, in their order, and the rank that they share."""
    ranks = [(_rank(debt, across, as_of), debt) for debt in debts]
    ranks.sort(key=lambda each: each[0])
    return [
        (rank, [debt for _, debt in group])
        for rank, group in groupby(ranks, key=lambda each: each[0])
    ]


def _by_slots(request: AllocationRequest) -> Allocation:
    owed = [(debt.outstanding.plain(), debt.due_on) for debt in request.debts]
    paid = pour_slots(request.amount_minor, owed, request.slots, request.as_of, request.future)
    spent = sum_buckets(paid).total
    return Allocation(
        profile=SLOTS_PROFILE,
        citation="Order of the contract, as given in `slots`",
        confidence="C",
        across=SLOTS_PROFILE,
        across_citation=f"Slot by slot; ahead of time: {request.future}",
        currency=request.currency,
        amount_minor=request.amount_minor,
        allocated_minor=spent,
        unallocated_minor=request.amount_minor - spent,
        parts=tuple(
            _part(debt, part, SLOTS_PROFILE) for debt, part in zip(request.debts, paid, strict=True)
        ),
        turns=(),
        part_payment="not_said",
        part_citation="",
    )


def _part(debt: OwedDebt, paid: Buckets | None, profile: str) -> Part:
    paid = paid or Buckets()
    left = debt.outstanding.plain() - paid
    return Part(debt_id=debt.debt_id, paid=paid, left=left, profile=profile)


def _order_for(debt: OwedDebt, within: WithinOrder) -> WithinOrder:
    within = within_order(debt.within, "within") if debt.within else within
    return within_order(within.on_land) if debt.secured_on_land and within.on_land else within


def _rank(debt: OwedDebt, across: AcrossOrder, as_of: date) -> tuple[int | Fraction, ...]:
    return tuple(_KEYS[criterion](debt, as_of) for criterion in across.criteria)


def _security(debt: OwedDebt) -> Fraction:
    total = debt.outstanding.total
    return Fraction(min(debt.secured_minor, total), total) if total else Fraction(0)


_KEYS: Final[dict[Criterion, Callable[[OwedDebt, date], int | Fraction]]] = {
    "designated": lambda debt, _: debt.debtor_choice or MAX_DEBTS + 1,
    "creditor": lambda debt, _: debt.creditor_choice or MAX_DEBTS + 1,
    "due": lambda debt, as_of: debt.due_on > as_of,
    "least_secured": lambda debt, _: _security(debt),
    "heaviest_burden": lambda debt, _: -share_of(debt.burden_percent, "burden_percent"),
    "earliest_due": lambda debt, _: debt.due_on.toordinal(),
    "oldest": lambda debt, _: (debt.arose_on or debt.due_on).toordinal(),
}


def _because(
    rank: Sequence[int | Fraction],
    following: Sequence[int | Fraction] | None,
    across: AcrossOrder,
    *,
    shared: bool,
) -> str:
    """The criterion by which the next debts had to wait."""
    reason = "no other debt is left"
    if following is not None:
        first = next(i for i, (a, b) in enumerate(zip(rank, following, strict=True)) if a != b)
        reason = BECAUSE[across.criteria[first]]
    return f"{reason}; equal debts share by what is owed" if shared else reason


def _notes(request: AllocationRequest, within: WithinOrder, across: AcrossOrder) -> tuple[str, ...]:
    notes = [each for each in (within.note, across.note) if each]
    if across.never_disputed:
        kept_out = [d.debt_id for d in request.debts if d.disputed]
        if kept_out:
            notes.append(f"disputed, so nothing may go to it: {', '.join(kept_out)}")
    return tuple(notes)
