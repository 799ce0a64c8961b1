"""The orders of payment that the law sets, by name: within one debt and across several."""

from functools import cache
from typing import Annotated, Final, Literal, TypeVar

import msgspec

from duecourse.money.allocation import Bucket
from duecourse.money.books import BadProfile, read_book
from duecourse.money.figures import Confidence, Refused

HEADS: Final[tuple[Bucket, ...]] = ("costs", "fees", "penalty", "interest", "principal")
Criterion = Literal[
    "designated", "creditor", "due", "least_secured", "heaviest_burden", "earliest_due", "oldest"
]
Order = TypeVar("Order")
PartPayment = Literal["must_be_accepted", "may_be_refused", "not_said"]


class WithinOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which head of a debt is cleared first. `on_land` takes its place for debts secured on land."""

    name: str
    title: str
    order: Annotated[tuple[Bucket, ...], msgspec.Meta(min_length=5, max_length=5)]
    across: str
    citation: str
    confidence: Confidence
    part_payment: PartPayment
    part_citation: str = ""
    on_land: str = ""
    note: str = ""


class AcrossOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of several debts is paid first; debts that are equal in all of it share pro rata."""

    name: str
    criteria: Annotated[tuple[Criterion, ...], msgspec.Meta(min_length=1)]
    citation: str
    confidence: Confidence
    never_disputed: bool = False
    note: str = ""


class _Book(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    within: tuple[WithinOrder, ...]
    across: tuple[AcrossOrder, ...]


@cache
def _book() -> tuple[dict[str, WithinOrder], dict[str, AcrossOrder]]:
    book = read_book("allocation.toml", _Book)
    within = {each.name: each for each in book.within}
    across = {each.name: each for each in book.across}
    for each in book.within:
        if set(each.order) != set(HEADS):
            raise BadProfile(f"allocation.toml: {each.name}: every head once in the order")
        if each.across not in across or each.on_land not in {"", *within}:
            raise BadProfile(f"allocation.toml: {each.name}: names an order that is not there")
    return within, across


def within_orders() -> tuple[WithinOrder, ...]:
    return tuple(_book()[0].values())


def across_orders() -> tuple[AcrossOrder, ...]:
    return tuple(_book()[1].values())


def within_order(name: str, field: str = "profile") -> WithinOrder:
    return _found(_book()[0], name, field)


def across_order(name: str, field: str = "across") -> AcrossOrder:
    return _found(_book()[1], name, field)


def _found(book: dict[str, Order], name: str, field: str) -> Order:
    if name not in book:
        raise Refused(field, f"there is no order {name!r}", f"there are {', '.join(book)}")
    return book[name]
