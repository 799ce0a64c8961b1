"""When a rule speaks at all: who collects, what is owed, how far the case has come."""

from typing import Annotated, Literal

import msgspec

from duecourse.rules.clock import Now, hold_lasts
from duecourse.rules.situation import ActiveHold, Limitation, PointUse, Situation

Word = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
Names = tuple[Word, ...]
Answer = Literal["no", "unknown", "yes"]


class When(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of these must hold; what is left empty holds always.

    A rule only takes away, so where licence, debt type, stage or limitation are not known it
    applies. `holds`, `point_uses` and `facts` need knowledge: laws bind who knows of a lawyer or
    a workplace. `holds` means any of them, `facts` all of them.
    """

    licences: Names = ()
    debt_types: Names = ()
    except_debt_types: Names = ()
    stages: Names = ()
    limitation: Limitation = ""
    holds: Names = ()
    point_uses: tuple[PointUse, ...] = ()
    facts: Names = ()

    def answer(self, situation: Situation, now: Now) -> Answer:
        """Whether the rule applies; `unknown` is as good as `yes` unless the rule says."""
        if self.holds and not active(situation, self.holds, now):
            return "no"
        if self.point_uses and situation.point_use not in self.point_uses:
            return "no"
        if self.facts and not _have_come(self.facts, situation, now):
            return "no"
        answers = (
            _one_of(self.licences, situation.licence) if self.licences else "yes",
            _any_of(self.debt_types, situation.debt_types) if self.debt_types else "yes",
            _not_only(self.except_debt_types, situation.debt_types)
            if self.except_debt_types
            else "yes",
            _one_of(self.stages, situation.stage) if self.stages else "yes",
            _one_of((self.limitation,), situation.limitation) if self.limitation else "yes",
        )
        return "no" if "no" in answers else "unknown" if "unknown" in answers else "yes"


def active(situation: Situation, holds: Names, now: Now) -> list[ActiveHold]:
    """The holds of these kinds that have not ended."""
    return [hold for hold in situation.holds if hold.kind in holds and hold_lasts(hold.until, now)]


def _one_of(wanted: Names, seen: str) -> Answer:
    if not seen:
        return "unknown"
    return "yes" if seen in wanted else "no"


def _any_of(wanted: Names, seen: frozenset[str]) -> Answer:
    if not seen:
        return "unknown"
    return "no" if seen.isdisjoint(wanted) else "yes"


def _not_only(excepted: Names, seen: frozenset[str]) -> Answer:
    """An exception holds only when every debt falls under it."""
    if not seen:
        return "unknown"
    return "no" if seen <= set(excepted) else "yes"


def _have_come(facts: Names, situation: Situation, now: Now) -> bool:
    days = [situation.facts.get(fact) for fact in facts]
    return all(day is not None and day <= now.day for day in days)
