"""When a promise to pay is kept: in full, or but for what the house tolerates."""

from datetime import date
from fractions import Fraction

from duecourse.case.grace import last_day_of_grace, rested_through
from duecourse.case.state import Case, Promise
from duecourse.rules.treatment import Treatment


def tolerance_of(amount_minor: int, treatment: Treatment) -> int:
    """What may be missing of a promise, and never all of it. Fixed when the promise is made."""
    share = int(amount_minor * Fraction(treatment.promise_tolerance_percent) / 100)
    return min(max(share, treatment.promise_tolerance_minor), amount_minor - 1)


def is_kept(promise: Promise) -> bool:
    return promise.paid_minor >= promise.enough_minor


def last_day_of(case: Case, promise: Promise, treatment: Treatment) -> date | None:
    """The last day on which it can be kept; None while a hold without an end stops collection."""
    rested = rested_through(case, promise.currency)
    return last_day_of_grace(promise.due_on, treatment.promise_grace_days, rested)
