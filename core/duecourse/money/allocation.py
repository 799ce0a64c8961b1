"""How an amount is shared by weight, and how it fills the heads of a debt in an order."""

from collections.abc import Sequence
from typing import Literal

from duecourse.money.amounts import Buckets

Bucket = Literal["costs", "fees", "penalty", "interest", "principal"]


def pro_rata(amount_minor: int, weights: Sequence[int]) -> list[int]:
    """Share an amount by weight, as `by_weight` does.

    No share exceeds its weight, so an amount above their sum is not shared whole.
    """
    return by_weight(min(amount_minor, sum(weights)), weights)


def by_weight(amount_minor: int, weights: Sequence[int]) -> list[int]:
    """Share an amount whole, by largest remainder, earlier ones first on a tie."""
    total = sum(weights)
    if not amount_minor or not total:
        return [0] * len(weights)
    exact = [divmod(amount_minor * weight, total) for weight in weights]
    shares = [share for share, _ in exact]
    missing = amount_minor - sum(shares)
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
