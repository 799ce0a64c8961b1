"""The limitation clock: what dated events did to the period, and what the next act would do.

Every step names its source and its evidence, so that borrower and worker can see why a debt may or
may not be taken to court. Last days are not moved off holidays: the earliest reading is shown.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

from msgspec.structs import replace

from duecourse.money.figures import Refused
from duecourse.money.interest_terms import check_year
from duecourse.money.limitation_laws import (
    Act,
    ActRule,
    AfterExpiry,
    Earlier,
    Law,
    limitation_law,
)
from duecourse.money.limitation_period import (
    DAY,
    Interval,
    Period,
    first_period,
    last_day_of,
    years_after,
)
from duecourse.money.limitation_terms import (
    Applied,
    LimitationClock,
    LimitationEvent,
    LimitationRequest,
    LimitationStep,
    LimitationWarning,
    Status,
    WouldRestart,
)

PENDING: Final = (
    "The claim was made in time; if it ends without a judgment, nothing was gained by it."
)
AFTER: Final[dict[AfterExpiry, str]] = {
    "": "The period had run out before: the act does not bring it back.",
    "binds": "The period had run out before; a promise to pay made after it binds all the same.",
    "no_reclaim": "The period had run out before; what was paid is not given back.",
    "may_revive": "The period had run out before; in some states this act revives the debt.",
}


def limitation_clock(request: LimitationRequest) -> LimitationClock:
    """Raises Refused for a law that is not recorded, or days that make no sense."""
    law = limitation_law(request.law, request.contract)
    _check(request)
    walk, sure = _Walk(law, request), _Walk(law, request, is_strict=True)
    for event in _in_order(request):
        walk.take(event)
        sure.take(event)
    is_sure = sure.status() != "expired"
    status, expires_on = walk.status(), walk.last_day()
    restarts = tuple(_would_restart(walk, request)) if status != "expired" else ()
    earlier = _earlier(law, request)
    return LimitationClock(
        law=law.name,
        title=law.title,
        citation=f"{law.citation}; {earlier.citation}" if earlier else law.citation,
        confidence=max(law.confidence, earlier.confidence) if earlier else law.confidence,
        as_of=request.as_of,
        status=status,
        began_on=walk.period.start,
        expires_on=expires_on,
        sure_expires_on=sure.last_day(),
        days_left=_days_left(status, expires_on, request.as_of),
        may_file=status != "expired" and is_sure,
        after_judgment=walk.period.is_judgment,
        start_note=f"{law.start_note} {earlier.note}".strip() if earlier else law.start_note,
        steps=tuple(walk.steps),
        would_restart=restarts,
        warnings=(
            *_unsure(sure, status, is_sure=is_sure),
            *_warnings(walk, request, status, expires_on),
        ),
    )


def _earlier(law: Law, request: LimitationRequest) -> Earlier | None:
    """The law of before, if the claim is older than the present one."""
    earlier = law.earlier
    if earlier is None:
        return None
    is_known = earlier.then == "same_start" and request.known_on is not None
    begun = request.known_on if is_known and request.known_on else request.starts_on
    return earlier if begun < earlier.until else None


class _Walk:
    """The fold over the events, in the order of their days.

    `is_strict`: without what is marked C, and by the shortest of the readings that there are.
    """

    def __init__(self, law: Law, request: LimitationRequest, *, is_strict: bool = False) -> None:
        self.law = law
        self._request = request
        self._is_strict = is_strict
        self._starts_on = request.starts_on
        self.period = first_period(law, request.starts_on, request.known_on)
        self._intervals: list[Interval] = []
        self.steps: list[LimitationStep] = []

    def last_day(self) -> date | None:
        return last_day_of(
            self.period, self._intervals, self.law, self._starts_on, is_strict=self._is_strict
        )

    def rules(self) -> tuple[ActRule, ...]:
        return self.law.rules(is_judged=self.period.is_judgment)

    def status(self) -> Status:
        today, end = self._request.as_of, self.last_day()
        if self.period.is_first and today < self._starts_on:
            return "not_started"
        if self.period.waits or self._is_pending(today):
            return "pending"
        if end is None:
            return "suspended"
        if today > end:
            return "expired"
        covering = [each for each in self._intervals if each.covers(today)]
        if any(each.rule.effect == "suspend" for each in covering):
            return "suspended"
        return "pending" if today < self.period.start and not self.period.is_first else "running"

    def copy(self) -> "_Walk":
        other = _Walk(self.law, self._request, is_strict=self._is_strict)
        other.period, other._intervals = self.period, [*self._intervals]
        return other

    def take(self, event: LimitationEvent) -> LimitationStep:
        rule = self._rule_of(event.act)
        applied, says = self._apply(event, rule)
        step = LimitationStep(
            on=event.on,
            act=event.act,
            applied=applied,
            expires_on=self.last_day(),
            says=says,
            citation=rule.citation if rule else self.law.citation,
            confidence=rule.confidence if rule else self.law.confidence,
            evidence=event.evidence,
        )
        self.steps.append(step)
        return step

    def _rule_of(self, act: Act) -> ActRule | None:
        is_judged = self.period.is_judgment and act != "judgment"
        rule = self.law.rule_of(act, is_judged=is_judged)
        if rule is not None and self._is_strict and rule.strict_effect:
            return replace(rule, effect=rule.strict_effect)
        return rule

    def _apply(self, event: LimitationEvent, rule: ActRule | None) -> tuple[Applied, str]:
        if rule is None and self.period.is_judgment:
            return "no_effect", "There is a judgment: its own period runs."
        if rule is None or rule.effect == "none" or (self._is_strict and rule.confidence == "C"):
            return "no_effect", "It does nothing to the period here."
        if missing := sorted(rule.needs - event.has):
            words = ", ".join(missing).replace("_", " ")
            return "no_effect", f"It counts only where this is proved: {words}."
        if rule.effect != "judgment" and self._is_over(event.on):
            return "too_late", AFTER[rule.after_expiry]
        return self._effect(event, rule)

    def _is_over(self, day: date) -> bool:
        end = self.last_day()
        return end is not None and day > end and not self._is_pending(day)

    def _effect(self, event: LimitationEvent, rule: ActRule) -> tuple[Applied, str]:
        match rule.effect:
            case "restart":
                return self._restart(event, rule)
            case "judgment":
                # It settles the claim, whether or not anybody objected that it came too late.
                self.period = Period(start=event.on, years=rule.years, is_judgment=True)
                self._intervals = []
                return "judgment", f"A period of its own of {rule.years} years runs."
            case "pending":
                self._intervals.append(Interval(event.on, event.until, rule))
                return "pending", PENDING
            case _:
                self._intervals.append(Interval(event.on, self._until(event, rule), rule))
                return "suspended", "It keeps the period from running or from ending."

    def _restart(self, event: LimitationEvent, rule: ActRule) -> tuple[Applied, str]:
        if event.on <= self.period.start or self.period.waits:
            return "too_early", "No period was running that it could restart."
        begins = (event.until if rule.while_pending else event.on) or event.on
        waits = rule.while_pending and event.until is None
        years = self.period.years
        self.period = Period(
            start=begins, years=years, waits=waits, is_judgment=self.period.is_judgment
        )
        if waits:
            return (
                "restarted",
                f"While it is pending nothing runs; after it {years} years begin anew.",
            )
        earlier = self.law.earlier
        if earlier and begins < earlier.until and not self.period.is_judgment:
            return "restarted", f"The period of the law of then begins anew on {begins}."
        return "restarted", f"{years} years begin anew on {begins}."

    def _until(self, event: LimitationEvent, rule: ActRule) -> date | None:
        if not rule.max_years:
            return event.until
        most = years_after(self._starts_on, rule.max_years)
        return most if event.until is None else min(event.until, most)

    def _is_pending(self, day: date) -> bool:
        return any(i.rule.effect == "pending" and i.covers(day) for i in self._intervals)


def _in_order(request: LimitationRequest) -> Iterator[LimitationEvent]:
    """By day, and on one day what keeps the period alive before what restarts it."""
    lasting = {"filing", "suspension", "negotiation", "breathing_space", "consumer_loan_default"}
    past = [event for event in request.events if event.on <= request.as_of]
    yield from sorted(past, key=lambda event: (event.on, event.act not in lasting, event.act))


def _check(request: LimitationRequest) -> None:
    check_year(request.starts_on, "starts_on")
    check_year(request.as_of, "as_of")
    if request.known_on is not None:
        check_year(request.known_on, "known_on")
        if request.known_on < request.starts_on:
            raise Refused("known_on", "is before starts_on", "leave it out")
    named = [(f"events[{n}]", each) for n, each in enumerate(request.events)]
    if request.proposed is not None:
        named.append(("proposed", request.proposed))
    for field, event in named:
        check_year(event.on, f"{field}.on")
        if event.until is not None:
            check_year(event.until, f"{field}.until")
            if event.until < event.on:
                raise Refused(f"{field}.until", "is before its own beginning", "correct it")
    if request.proposed is not None and request.proposed.on < request.as_of:
        raise Refused("proposed.on", "is before as_of", "put what has happened into the events")


def _days_left(status: Status, expires_on: date | None, as_of: date) -> int | None:
    if expires_on is None or status == "pending":
        return None
    return max((expires_on - as_of).days, 0)


def _would_restart(walk: _Walk, request: LimitationRequest) -> Iterator[WouldRestart]:
    now = walk.last_day()
    for rule in walk.rules():
        if rule.effect != "restart":
            continue
        event = LimitationEvent(on=request.as_of, act=rule.act, has=rule.needs)
        step = walk.copy().take(event)
        if step.applied == "restarted":
            yield WouldRestart(
                act=rule.act,
                needs=tuple(sorted(rule.needs)),
                expires_on=step.expires_on,
                says=_longer(rule.act, now, step.expires_on),
                citation=rule.citation,
                confidence=rule.confidence,
            )


def _longer(act: Act, now: date | None, then: date | None) -> str:
    until = f"until {then}" if then else "until it has ended, and then anew"
    instead = f" instead of {now}" if now else ""
    words = act.replace("_", " ")
    return f"This act ({words}) would give the creditor time {until}{instead}."


def _unsure(sure: _Walk, status: Status, *, is_sure: bool) -> Iterator[LimitationWarning]:
    last_day = sure.last_day()
    if status != "expired" and not is_sure and last_day is not None:
        says = (
            "Only what rests on sources that were not read (C), or that courts read differently, keeps"
            f" the period alive after {last_day}: have the law checked before any filing or threat"
            " of court."
        )
        yield LimitationWarning(kind="unsure", on=last_day + DAY, says=says)


def _warnings(
    walk: _Walk, request: LimitationRequest, status: Status, expires_on: date | None
) -> Iterator[LimitationWarning]:
    if status == "expired" and expires_on is not None:
        gone = "The debt is extinguished. " if walk.law.extinguishes else ""
        yield LimitationWarning(
            kind="expired",
            on=expires_on + DAY,
            says=f"{gone}No filing, and no threat of court. {walk.law.after_expiry}",
        )
    elif expires_on is not None and status != "pending":
        for days in sorted(set(request.warn_days), reverse=True):
            on = expires_on - timedelta(days=days)
            reached = "reached" if on <= request.as_of else "to come"
            says = f"{days} days before the period ends on {expires_on} ({reached})."
            yield LimitationWarning(kind="before_expiry", on=on, says=says)
    if request.proposed is not None:
        step = walk.copy().take(request.proposed)
        says = step.says
        if step.applied == "restarted":
            says = (
                f"{_longer(step.act, expires_on, step.expires_on)} The borrower must know it first."
            )
        yield LimitationWarning(kind="before_act", on=request.proposed.on, says=says)
