"""When a promise to pay is kept: in full, or but for what the house tolerates."""

from fractions import Fraction

from duecourse.case.state import Promise
from duecourse.rules.treatment import Treatment


def tolerance_of(amount_minor: int, treatment: Treatment) -> int:
    """What may be missing of a promise, and never all of it. Fixed when the promise is made."""
    share = int(amount_minor * Fraction(treatment.promise_tolerance_percent) / 100)
    return min(max(share, treatment.promise_tolerance_minor), amount_minor - 1)


def is_kept(promise: Promise) -> bool:
    return promise.paid_minor >= promise.enough_minor
