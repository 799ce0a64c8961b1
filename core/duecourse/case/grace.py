"""Until when an instalment or a promise may be paid: no day of a hold that stops collection counts.

The days on which they are due stay as agreed; when such a hold is over, the days of grace begin anew.
"""

from datetime import date, timedelta
from typing import Final

from duecourse.case.state import Case, Hold

STOPS_COLLECTION: Final = frozenset({"outreach", "legal"})
"""Who may be neither asked for the money nor taken to court for it may leave it unpaid for now.

Not so who is spoken to through somebody else, or asked not to be written to.
"""
_DAY: Final = timedelta(days=1)


def rested_through(case: Case, currency: str) -> date | None:
    """The last day on which collection rested, of late or to come; `date.max` until it is lifted.

    A plan and a promise are for all that is owed in a currency, so a hold of one debt is enough.
    """
    holds = (*case.holds.values(), *case.ended_holds.values())
    days = [_last_day(case, each) for each in holds if _stops(case, each, currency)]
    return max(days, default=None)


def is_resting(case: Case, currency: str) -> bool:
    return any(_stops(case, each, currency) for each in case.holds.values())


def last_day_of_grace(due_on: date, grace_days: int, rested: date | None) -> date | None:
    """The last day on which it is in time; None while nobody can say."""
    if rested == date.max:
        return None
    begins = due_on if rested is None else max(due_on, rested + _DAY)
    return begins + timedelta(days=grace_days)


def _stops(case: Case, hold: Hold, currency: str) -> bool:
    if not set(hold.blocks) >= STOPS_COLLECTION:
        return False
    return hold.debt_id is None or case.debts[hold.debt_id].debt.currency == currency


def _last_day(case: Case, hold: Hold) -> date:
    """Of one that is lifted, the day of that; one that ended by itself did so on its last day."""
    until = date.max if hold.until is None else hold.until
    return until if hold.ended_at is None else min(until, case.today(hold.ended_at))
