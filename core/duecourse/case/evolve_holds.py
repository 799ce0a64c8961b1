"""How a case changes with what protects the debtor, and with what is told about limitation."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from duecourse.case import events as e
from duecourse.case.state import Case, Dispute, Hold, LimitationTerms


def _disputed(case: Case, event: e.DisputeRaised) -> Case:
    dispute = Dispute(
        ground=event.ground,
        said=event.said,
        evidence=event.evidence,
        amount_minor=event.amount_minor,
    )
    return _hold(case, event.hold_id, dispute=dispute)


def _answered(case: Case, event: e.HoldAnswered) -> Case:
    return _hold(
        case,
        event.hold_id,
        outcome=event.outcome,
        answered_on=event.answered_on,
        until=event.until,
        deadlines=event.deadlines,
        missed=(),
    )


def _end_set(case: Case, event: e.HoldEndSet) -> Case:
    cut_short = case.holds[event.hold_id].cut_short or event.cut_short
    return _hold(case, event.hold_id, until=event.until, cut_short=cut_short)


def _deadline_missed(case: Case, event: e.DeadlineMissed) -> Case:
    hold = case.holds[event.hold_id]
    still_due = tuple(each for each in hold.deadlines if each.name != event.deadline)
    return _hold(case, event.hold_id, deadlines=still_due, missed=(*hold.missed, event.deadline))


def _ended(case: Case, event: e.HoldLifted | e.HoldExpired) -> Case:
    holds = {key: hold for key, hold in case.holds.items() if key != event.hold_id}
    hold = case.holds[event.hold_id]
    early = isinstance(event, e.HoldLifted) and event.cut_short
    ended = replace(hold, ended_at=event.at, cut_short=hold.cut_short or early)
    return replace(
        case,
        holds=holds,
        past_holds=(*case.past_holds, event.hold_id),
        ended_holds={**case.ended_holds, event.hold_id: ended},
    )


def _hold(case: Case, hold_id: str, **fields: object) -> Case:
    changed: Hold = replace(case.holds[hold_id], **fields)
    return replace(case, holds={**case.holds, hold_id: changed})


# --- limitation ------------------------------------------------------------------------------


def _terms_set(case: Case, event: e.LimitationTermsSet) -> Case:
    terms = LimitationTerms(
        law=event.law,
        contract=event.contract,
        starts_on=event.starts_on,
        known_on=event.known_on,
    )
    return replace(case, limitation_terms={**case.limitation_terms, event.debt_id: terms})


def _warned(case: Case, event: e.LimitationWarned) -> Case:
    return _with_warning(case, event, event.days)


def _expired(case: Case, event: e.LimitationExpired) -> Case:
    return _with_warning(case, event, -1)


def _with_warning(case: Case, event: e.LimitationWarned | e.LimitationExpired, days: int) -> Case:
    terms = case.limitation_terms.get(event.debt_id, LimitationTerms())
    told = replace(terms, warned=(event.expires_on, days))
    return replace(case, limitation_terms={**case.limitation_terms, event.debt_id: told})


def _same(case: Case, _: e.Event) -> Case:
    """The clock itself is kept in one place, for all events that move it."""
    return case


# Any: each function takes its own event class.
APPLY_HOLDS: Final[Mapping[type[e.Event], Callable[[Case, Any], Case]]] = {
    e.HoldLifted: _ended,
    e.HoldExpired: _ended,
    e.DisputeRaised: _disputed,
    e.HoldAnswered: _answered,
    e.HoldEndSet: _end_set,
    e.DeadlineMissed: _deadline_missed,
    e.LimitationTermsSet: _terms_set,
    e.LimitationActRecorded: _same,
    e.LimitationWarned: _warned,
    e.LimitationExpired: _expired,
}
