"""Settlements: less than is owed, at once or in stages, and exactly when the rest is waived."""

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import Annotated, Final, Literal

import msgspec

from duecourse.money.allocation import Bucket, pour
from duecourse.money.amounts import Buckets, Currency, PositiveMinor
from duecourse.money.figures import MAX_SUM, Heads, Name, Refused, shown, within_limit
from duecourse.money.interest_terms import check_year
from duecourse.money.legal_orders import within_order

WAIVED_FIRST: Final[tuple[Bucket, ...]] = ("penalty", "fees", "interest", "costs", "principal")


class Stage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    on: date
    amount_minor: PositiveMinor


class SettlementRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One stage is a lump sum.

    `on_completion`: nothing is waived until the last stage is paid. `in_step`: with each stage, as
    large a part of what will be waived as of what will be paid.
    """

    currency: Currency
    owed: Heads
    stages: Annotated[tuple[Stage, ...], msgspec.Meta(min_length=1, max_length=120)]
    waive: Literal["on_completion", "in_step"] = "on_completion"
    allocation: Name = "house"


class SettledStage(msgspec.Struct, frozen=True, kw_only=True):
    """A stage once it is paid; `owed_if_missed_minor` is what is still owed if it is not."""

    on: date
    amount_minor: int
    paid: Buckets
    waived: Buckets
    left: Buckets
    owed_if_missed_minor: int


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """`paid_minor` and `waived_minor` make up what is owed, to the unit."""

    currency: str
    owed_minor: int
    paid_minor: int
    waived_minor: int
    paid: str
    waived: str
    waive: str
    allocation: str
    citation: str
    stages: tuple[SettledStage, ...]


def settle(request: SettlementRequest) -> Settlement:
    """Raises Refused for stages that are out of order or come to more than is owed."""
    owed = request.owed.plain()
    total = within_limit(owed.total, "owed", MAX_SUM)
    pays = sum(stage.amount_minor for stage in request.stages)
    if not total:
        raise Refused("owed", "nothing is owed", "give what is, by heads")
    if pays > total:
        raise Refused(
            "stages", f"come to {pays} minor units, and only {total} are owed", "take less"
        )
    for number, stage in enumerate(request.stages):
        check_year(stage.on, f"stages[{number}].on")
    if any(a.on >= b.on for a, b in pairwise(request.stages)):
        raise Refused("stages", "are not in the order of their days", "sort them, each day once")
    order = within_order(request.allocation, "allocation")
    return Settlement(
        currency=request.currency,
        owed_minor=total,
        paid_minor=pays,
        waived_minor=total - pays,
        paid=shown(pays, request.currency),
        waived=shown(total - pays, request.currency),
        waive=request.waive,
        allocation=order.name,
        citation=order.citation,
        stages=tuple(_stages(request, owed, order.order)),
    )


def _stages(
    request: SettlementRequest, owed: Buckets, order: tuple[Bucket, ...]
) -> Iterator[SettledStage]:
    pays = sum(stage.amount_minor for stage in request.stages)
    to_waive = owed.total - pays
    so_far = waived_so_far = 0
    for stage in request.stages:
        before = owed.total
        paid = pour(stage.amount_minor, owed, order)
        owed -= paid
        so_far += stage.amount_minor
        # Whole units, rounded down on the way: the last stage waives the residue.
        in_step = to_waive * so_far // pays
        reached = in_step if request.waive == "in_step" or so_far == pays else 0
        waived = pour(reached - waived_so_far, owed, WAIVED_FIRST)
        owed -= waived
        waived_so_far = reached
        yield SettledStage(
            on=stage.on,
            amount_minor=stage.amount_minor,
            paid=paid,
            waived=waived,
            left=owed,
            owed_if_missed_minor=before,
        )
