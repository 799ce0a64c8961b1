"""Amounts of instalments."""

from duecourse.money.amortisation import spread
from duecourse.money.amounts import MAX_MINOR


def split(total_minor: int, count: int) -> list[int]:
    """Equal parts of an amount; the last one takes the residue.

    Raises ValueError when there would be a part of nothing.
    """
    if not 1 <= count <= total_minor <= MAX_MINOR:
        raise ValueError(f"{total_minor} cannot be paid in {count} instalments")
    return spread(total_minor, count)
