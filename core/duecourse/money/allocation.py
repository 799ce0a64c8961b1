"""Which debt, and which head of it, a payment goes to: the waterfalls of the law."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, Literal, TypeVar

import msgspec

from duecourse.money.amounts import Buckets

K = TypeVar("K")
Bucket = Literal["costs", "fees", "penalty", "interest", "principal"]


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """The order in which a payment clears the heads of one debt, and the law that sets it."""

    name: str
    order: tuple[Bucket, ...]
    citation: str


# Costs of collection (with fees), then interest (with penalty interest), then the principal.
CN_561: Final = Profile(
    name="cn-561",
    order=("costs", "fees", "interest", "penalty", "principal"),
    citation="PRC Civil Code art. 561; across debts art. 560",
)
CONTRACT: Final = Profile(
    name="costs-interest-principal",
    order=CN_561.order,
    citation="Default order of the house: no statutory order is recorded for this place",
)
PROFILES: Final[Mapping[str, Profile]] = {"CN": CN_561}


def profile_for(jurisdiction: str) -> Profile:
    return PROFILES.get(jurisdiction, CONTRACT)


class Owed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One debt as the waterfall sees it. `designated` is the debtor's own direction."""

    outstanding: Buckets
    due_on: date
    designated: bool = False


def allocate(amount_minor: int, owed: Mapping[K, Owed], profile: Profile) -> dict[K, Buckets]:
    """Split a payment over debts: the designated first, then the earliest due; ties pro rata.

    The parts never exceed what is owed; what is left over is the caller's to hold unallocated.
    """
    ranks: dict[tuple[bool, date], list[tuple[K, Buckets]]] = {}
    for key, each in owed.items():
        ranks.setdefault((not each.designated, each.due_on), []).append((key, each.outstanding))
    parts: dict[K, Buckets] = {}
    left = amount_minor
    for rank in sorted(ranks):
        shares = pro_rata(left, [outstanding.total for _, outstanding in ranks[rank]])
        for (key, outstanding), share in zip(ranks[rank], shares, strict=True):
            if share:
                parts[key] = pour(share, outstanding, profile.order)
        left -= sum(shares)
    return parts


def pro_rata(amount_minor: int, weights: Sequence[int]) -> list[int]:
    """Share an amount by weight, by largest remainder, earlier ones first on a tie.

    No share exceeds its weight, so an amount above their sum is not shared whole.
    """
    total = sum(weights)
    amount = min(amount_minor, total)
    if not amount:
        return [0] * len(weights)
    exact = [divmod(amount * weight, total) for weight in weights]
    shares = [share for share, _ in exact]
    missing = amount - sum(shares)
    if missing:
        by_remainder = sorted(range(len(weights)), key=lambda i: -exact[i][1])
        for index in by_remainder[:missing]:
            shares[index] += 1
    return shares


def pour(amount_minor: int, into: Buckets, order: Sequence[Bucket]) -> Buckets:
    """Fill the buckets in `order` with what is owed in each, until the amount is used up."""
    filled: dict[str, int] = {}
    left = amount_minor
    for bucket in order:
        part = filled[bucket] = min(left, getattr(into, bucket))
        left -= part
    return Buckets(**filled)
