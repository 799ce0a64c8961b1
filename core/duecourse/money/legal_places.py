"""Which order of payment holds where, and what a creditor agreed instead."""

from collections.abc import Collection
from functools import cache
from typing import Annotated, Final

import msgspec

from duecourse.money.books import BadProfile, read_book
from duecourse.money.legal_orders import across_order, across_orders, within_order, within_orders
from duecourse.money.slots import Future, Slot
from duecourse.money.waterfall import SLOTS_PROFILE

HOUSE: Final = "house"
# What events said before the orders had a book of their own.
_OLD_NAMES: Final = {"costs-interest-principal": HOUSE}


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`beside` is for debts of other products than these that are paid together with them."""

    jurisdiction: str
    profile: str
    products: frozenset[str] = frozenset()
    beside: str = ""


class AgreedOrder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order of payment that was agreed: one of the book, or twelve slots of one's own."""

    profile: Annotated[str, msgspec.Meta(max_length=40)]
    across: Annotated[str, msgspec.Meta(max_length=40)] = ""
    slots: Annotated[tuple[Slot, ...], msgspec.Meta(max_length=12)] = ()
    future: Future = "next"

    def __post_init__(self) -> None:
        if self.profile != SLOTS_PROFILE and self.profile not in {x.name for x in within_orders()}:
            raise ValueError(f"there is no order of payment {self.profile!r}; see docs/ledger.md")
        if self.across and self.across not in {each.name for each in across_orders()}:
            raise ValueError(f"there is no order across debts {self.across!r}; see docs/ledger.md")
        is_whole = len(set(self.slots)) == len(self.slots) == 12  # noqa: PLR2004
        if is_whole != (self.profile == SLOTS_PROFILE) or (self.slots and not is_whole):
            raise ValueError(f"`slots` are twelve, each once, and go with {SLOTS_PROFILE!r} alone")


class _Book(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    places: tuple[Place, ...]


@cache
def _places() -> tuple[Place, ...]:
    places = read_book("places.toml", _Book).places
    names = {each.name for each in within_orders()}
    for each in places:
        if each.profile not in names or each.beside not in {"", *names}:
            raise BadProfile(f"places.toml: {each.jurisdiction}: names an order that is not there")
    return places


def order_of_place(jurisdiction: str, products: Collection[str]) -> AgreedOrder:
    """The order for debts of these products; of a part of a country, that of the country."""
    country = jurisdiction.partition("-")[0]
    for place in _places():
        if place.jurisdiction == country and (
            not place.products or not place.products.isdisjoint(products)
        ):
            return AgreedOrder(profile=place.profile)
    return AgreedOrder(profile=HOUSE)


def known_order(profile: str) -> str:
    """The name of an order today; "" for one that is not known."""
    name = _OLD_NAMES.get(profile, profile)
    return name if name in {SLOTS_PROFILE, *(each.name for each in within_orders())} else ""


def order_beside(profile: str, product: str) -> str:
    """The order of a debt of another product, where the law makes a difference; else ""."""
    for place in _places():
        if place.profile == profile and place.beside and product not in place.products:
            return place.beside
    return ""


def citation_of(order: AgreedOrder) -> str:
    if order.profile == SLOTS_PROFILE:
        return "Order of the contract, slot by slot"
    within = within_order(order.profile)
    across = across_order(order.across or within.across).citation
    return within.citation if across == within.citation else f"{within.citation}; {across}"


def never_to_disputed(order: AgreedOrder) -> bool:
    if order.profile == SLOTS_PROFILE:
        return False
    return across_order(order.across or within_order(order.profile).across).never_disputed
