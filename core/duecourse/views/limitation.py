"""Until when each debt of a case can be taken to court, how that came to be, and the evidence."""

from collections.abc import Iterable, Iterator
from datetime import date
from uuid import UUID

import msgspec

from duecourse.case.events import Event
from duecourse.case.evolve import evolve
from duecourse.case.limitation import Standing, standing
from duecourse.case.limitation_asks import next_warnings
from duecourse.case.state import Case
from duecourse.money.limitation_laws import limitation_law
from duecourse.money.limitation_terms import LimitationClock
from duecourse.rules.situation import Limitation
from duecourse.rules.vocabulary import Both


class DebtLimitation(msgspec.Struct, frozen=True, kw_only=True):
    """Where the clock of a debt stands on a day. `expires_on` is the last day; null: open.

    `recorded_on` is what the creditor says, and wins only where it is earlier. `clock` is the law
    that ends first, with a step for each act; `evidence` says which events of the case each act
    comes from, by version. `for_borrower` is what the debtor may be told.
    """

    debt_id: UUID
    as_of: date
    status: Limitation
    expires_on: date | None
    days_left: int | None
    laws: tuple[str, ...]
    recorded_on: date | None
    clock: LimitationClock | None
    evidence: dict[str, tuple[int, ...]]
    next_warning_on: date | None
    for_borrower: Both


def debt_limitations(history: Iterable[Event], today: date) -> tuple[DebtLimitation, ...]:
    """Of every debt that was not withdrawn, as the events so far make it."""
    case: Case | None = None
    found: dict[str, list[int]] = {}
    for version, event in enumerate(history, start=1):
        before = {} if case is None else case.clock_acts
        case = evolve(case, event)
        if case.clock_acts is not before:
            _note(found, before, case, version)
    return () if case is None else tuple(_of_debts(case, today, found))


def _note(found: dict[str, list[int]], before: object, case: Case, version: int) -> None:
    known = before if isinstance(before, dict) else {}
    for key in {**known, **case.clock_acts}:
        if known.get(key) != case.clock_acts.get(key):
            found.setdefault(key, []).append(version)


def _of_debts(case: Case, today: date, found: dict[str, list[int]]) -> Iterator[DebtLimitation]:
    warnings = {each.debt_id: each.on for each in next_warnings(case, today)}
    for debt_id in case.active_debts:
        now = standing(case, debt_id, today)
        ends = now.expires_on
        yield DebtLimitation(
            debt_id=debt_id,
            as_of=today,
            status=now.status,
            expires_on=ends,
            days_left=None if ends is None else max((ends - today).days, 0),
            laws=now.laws,
            recorded_on=now.recorded_on,
            clock=now.clock,
            evidence={
                key: tuple(found.get(key, ()))
                for key, act in case.clock_acts.items()
                if debt_id in act.debt_ids
            },
            next_warning_on=warnings.get(debt_id),
            for_borrower=_for_borrower(now),
        )


def _for_borrower(now: Standing) -> Both:
    if now.status == "expired":
        after = f" {limitation_law(now.clock.law).after_expiry}" if now.clock else ""
        return Both(
            f"The time in which this debt could be taken to court ended on {now.expires_on}."
            " Nobody will sue you for it, or threaten to. You may pay if you wish to; ask for advice"
            f" first, as a payment or a promise may bind you.{after}",
            f"此笔债务的诉讼时效期间已于{now.expires_on}届满。我们不会就此起诉，也不会以起诉相威胁。"
            "您可以自愿还款；付款或承诺还款前请先咨询，因为它可能对您有约束力。",
        )
    if now.expires_on is None:
        return Both(
            "It is not known, or not settled yet, until when this debt can be taken to court.",
            "此笔债务的诉讼时效届满日尚不确定。",
        )
    would = now.clock.would_restart if now.clock else ()
    acts = ", ".join(each.act.replace("_", " ") for each in would)
    warning = f" It would begin anew with: {acts}." if acts else ""
    careful = "还款、承认债务或同意还款方案，可能使期间重新计算。" if acts else ""
    if now.clock and now.clock.after_judgment:
        return Both(
            f"There is a judgment over this debt. The time to act on it ends on {now.expires_on}."
            f"{warning}",
            f"此笔债务已有生效判决，依判决申请执行的期间至{now.expires_on}届满。{careful}",
        )
    return Both(
        f"This debt can be taken to court until {now.expires_on}.{warning}",
        f"此笔债务的诉讼时效至{now.expires_on}届满。{careful}",
    )
