"""The limitation clock of each debt, as its events and the law of the place make it.

A last day that the creditor recorded counts beside it, and wins only where it is earlier. Of
several places in which the debtor may live, the one with the earliest end decides.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from duecourse.case import events as e
from duecourse.case.state import Case, ClockAct, DebtAccount, LimitationTerms
from duecourse.money.figures import Refused
from duecourse.money.limitation import limitation_clock
from duecourse.money.limitation_laws import Contract, law_names, limitation_law
from duecourse.money.limitation_period import first_period, last_day_of
from duecourse.money.limitation_terms import (
    LimitationClock,
    LimitationEvent,
    LimitationRequest,
)
from duecourse.rules.places import path
from duecourse.rules.situation import Limitation

WARN_DAYS: Final = (180, 30)
"""So many days before the last one somebody is warned, and once more when it is over."""
LAWS: Final[Mapping[str, tuple[str, ...]]] = {
    "CN": ("cn",),
    "DE": ("de",),
    "GB-EAW": ("uk-ew",),
    "GB-ENG": ("uk-ew",),
    "GB-WLS": ("uk-ew",),
    "GB-SCT": ("uk-sc",),
    # Northern Ireland has a law of its own that is not recorded here.
    "GB-NIR": (),
    # Which of the two is not known; the terms of the debt can say it.
    "GB": ("uk-ew", "uk-sc"),
}
RECORDED: Final = "the last day that the creditor recorded"
"""The source of a last day that no law of ours has worked out."""
_NO_TERMS: Final = LimitationTerms()
_LASTING: Final = frozenset({"judgment"})


class Standing(e.Record):
    """Where the period of a debt stands. `expires_on` is the last day; None: open, or not known.

    `laws` are those that were asked, none meaning that only a recorded day is known; `clock` is
    the one that ends first. `is_sure`: what keeps it alive does not rest on a source that nobody
    read, or on a reading that courts do not share, under any of the laws.
    """

    status: Limitation
    expires_on: date | None
    is_sure: bool = True
    laws: tuple[str, ...] = ()
    recorded_on: date | None = None
    clock: LimitationClock | None = None


def standing(case: Case, debt_id: UUID, today: date, *, without: str = "") -> Standing:
    """The whole clock of one debt on a day. `without` leaves out one act, to see what it did."""
    account = case.debts[debt_id]
    laws = laws_of(case, debt_id)
    terms, acts = _terms(case, account), acts_of(case, debt_id, without)
    clocks = [_clock(law, terms, acts, today) for law in laws or ()]
    first = min((each for each in clocks if each is not None), key=_sooner, default=None)
    projected = None if first is None else first.expires_on
    recorded = account.limitation_expires_on
    ends = min((day for day in (projected, recorded) if day is not None), default=None)
    is_known = first is not None or recorded is not None
    is_over = ends is not None and ends < today
    return Standing(
        status="expired" if is_over else "running" if is_known else "",
        expires_on=ends,
        is_sure=all(each is None or each.may_file for each in clocks),
        laws=laws or (),
        recorded_on=recorded,
        clock=first,
    )


def _sooner(clock: LimitationClock) -> tuple[bool, date]:
    """Those with no last day end after all that have one."""
    return clock.expires_on is None, clock.expires_on or date.max


def laws_of(case: Case, debt_id: UUID) -> tuple[str, ...] | None:
    """The laws that may apply to a debt; None where a place has none that is recorded here."""
    terms = case.limitation_terms.get(debt_id, _NO_TERMS)
    if terms.law:
        return (terms.law,)
    found: list[str] = []
    for place in (case.debtor.jurisdiction, *(each.jurisdiction for each in case.other_places)):
        laws = _laws_of_place(place)
        if not laws:
            return None
        found += laws
    return tuple(dict.fromkeys(found))


@lru_cache(maxsize=1024)
def _laws_of_place(place: str) -> tuple[str, ...]:
    for name in reversed(path(place)):
        if name in LAWS:
            return LAWS[name]
        if name.startswith("US-") and name in law_names():
            return (name,)
    return ()


Terms = tuple[Contract, date, date | None]


def _terms(case: Case, account: DebtAccount) -> Terms:
    """From the day on which the debt fell due, unless another was recorded."""
    terms = case.limitation_terms.get(account.debt.debt_id, _NO_TERMS)
    return terms.contract, terms.starts_on or account.debt.due_on, terms.known_on


def acts_of(case: Case, debt_id: UUID, without: str = "") -> tuple[LimitationEvent, ...]:
    """What moved the clock of one debt; `evidence` names what it comes from."""
    return tuple(
        _as_event(key, act)
        for key, act in case.clock_acts.items()
        if debt_id in act.debt_ids and key != without
    )


def _as_event(key: str, act: ClockAct) -> LimitationEvent:
    until = None if act.until is None else max(act.until, act.on)
    proved = frozenset(act.has)
    return LimitationEvent(on=act.on, act=act.act, until=until, has=proved, evidence=(key,))


@lru_cache(maxsize=4096)
def _clock(
    law: str, terms: Terms, acts: tuple[LimitationEvent, ...], today: date
) -> LimitationClock | None:
    """None for days that no clock can be worked out for: centuries ago, or to come."""
    contract, starts_on, known_on = terms
    asked = LimitationRequest(
        law=law,
        contract=contract,
        starts_on=starts_on,
        known_on=known_on,
        events=acts,
        as_of=today,
        warn_days=WARN_DAYS,
    )
    try:
        return limitation_clock(asked)
    except Refused:
        return None


@lru_cache(maxsize=4096)
def _first_last_day(law: str, contract: Contract, starts_on: date, known_on: date | None) -> date:
    """When the period would end if nothing had happened. No act but a judgment makes it shorter."""
    rules = limitation_law(law, contract)
    ends = last_day_of(first_period(rules, starts_on, known_on), (), rules, starts_on)
    assert ends is not None, "a period that nothing stops ends"
    return ends


def limitation(case: Case, accounts: Iterable[DebtAccount], today: date) -> Limitation:
    """Whether what is owed can still be taken to court on this day, which itself still counts.

    One debt expired makes the whole expired; one not known, not known.
    """
    seen = [_state(case, each, today) for each in accounts if each.outstanding.total]
    if "expired" in seen:
        return "expired"
    return "running" if seen and "" not in seen else ""


def _state(case: Case, account: DebtAccount, today: date) -> Limitation:
    """As `standing` has it, without the clock where it is plain; not known where it is not sure."""
    recorded = account.limitation_expires_on
    if recorded is not None and recorded < today:
        return "expired"
    debt_id = account.debt.debt_id
    laws = laws_of(case, debt_id)
    if laws is None:
        return _known(standing(case, debt_id, today))
    judged = any(act.act in _LASTING for act in case.clock_acts.values())
    terms = _terms(case, account)
    if not judged and all(today <= _first_last_day(law, *terms) for law in laws):
        return "running"
    return _known(standing(case, debt_id, today))


def _known(now: Standing) -> Limitation:
    return now.status if now.is_sure or now.status == "expired" else ""


def last_day(case: Case, account: DebtAccount, today: date) -> date | None:
    """The last day of a debt's period, counting what is dated later than today as well."""
    recorded = account.limitation_expires_on
    debt_id = account.debt.debt_id
    laws = laws_of(case, debt_id)
    if laws is None:
        return recorded
    terms, acts = _terms(case, account), acts_of(case, debt_id)
    days: list[date | None] = [recorded]
    if acts:
        # Without what proves them many debts have the same acts, whose clock is kept.
        bare = tuple(replace(act, evidence=()) for act in acts)
        clocks = [_clock(law, terms, bare, max(today, *(act.on for act in acts))) for law in laws]
        days += [each.expires_on for each in clocks if each is not None]
    else:
        days += [_first_last_day(law, *terms) for law in laws]
    return min((day for day in days if day is not None), default=None)
