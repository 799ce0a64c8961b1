"""Plans after plans: which one before was not kept, and how many a year are enough."""

from collections.abc import Iterator
from datetime import date
from uuid import UUID

from duecourse.case.state import Case
from duecourse.money.recurrence import months_after


def plan_not_kept(case: Case, today: date) -> UUID | None:
    """The last plan of the year before today that was accepted and then broken or withdrawn."""
    return next(iter(reversed(list(_not_kept(case, today)))), None)


def is_one_too_many(case: Case, today: date, most_a_year: int) -> bool:
    """Whether another plan would be more than so many re-plans within twelve months."""
    return sum(1 for _ in _not_kept(case, today)) > most_a_year


def _not_kept(case: Case, today: date) -> Iterator[UUID]:
    a_year_ago = months_after(today, -12)
    for key, plan in case.plans.items():
        accepted_at = plan.accepted_at
        if plan.status not in {"broken", "withdrawn"} or accepted_at is None:
            continue
        if case.today(accepted_at) > a_year_ago:
            yield key
