"""What an act does to the limitation period of a debt, so that both sides know it beforehand."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from duecourse.case import events as e
from duecourse.case.limitation import Standing, standing
from duecourse.case.state import Case, ClockAct
from duecourse.money.limitation import AFTER

_GAINS_NOTHING: Final = AFTER[""]
_LATE_ZH: Final = (
    "诉讼时效期间此前已经届满，此行为不使其恢复；但自愿付款不得请求返还，同意履行的应依承诺履行。"
)


class Restart(e.Record):
    """An act that gives the creditor a new period, or would; `was` and `becomes` are last days.

    `after_expiry`: the period had run out before. The act does not bring it back, but may bind
    the debtor, or revive the debt; `says` tells which.
    """

    debt_id: UUID
    act: str
    was: date | None
    becomes: date | None
    after_expiry: bool
    says: e.Line
    zh: e.Line
    citation: e.Line


def restarts_of(case: Case, events: Iterable[e.Event]) -> tuple[Restart, ...]:
    """What these events, which the case has taken in, did to the period of each debt.

    An offered plan does nothing yet; told is what the debtor's yes to it would do.
    """
    return tuple(found for event in events for found in _of_event(case, event))


def _of_event(case: Case, event: e.Event) -> Iterator[Restart]:
    today = case.today(event.at)
    match event:
        case e.PaymentRecorded():
            yield from _of_act(case, f"payment:{event.payment_id}", today)
        case e.PromiseMade():
            yield from _of_act(case, f"promise:{event.promise_id}", today)
        case e.PlanAccepted():
            yield from _of_act(case, f"plan:{event.plan_id}", today)
        case e.LimitationActRecorded():
            yield from _of_act(case, f"act:{event.act_id}", today)
        case e.PlanOffered():
            yield from if_accepted(case, event.currency, today)
        case _:
            pass


def may_restart(events: Iterable[e.Event]) -> bool:
    """Whether it is worth looking at the case for what they did."""
    return any(isinstance(event, _RESTARTERS) for event in events)


_RESTARTERS: Final = (
    e.PaymentRecorded,
    e.PromiseMade,
    e.PlanAccepted,
    e.LimitationActRecorded,
    e.PlanOffered,
)


def if_accepted(case: Case, currency: str, today: date) -> Iterator[Restart]:
    """What the debtor's yes to a plan in this currency would do today."""
    debts = tuple(key for key, each in case.active_debts.items() if each.debt.currency == currency)
    yes = ClockAct(act="plan", debt_ids=debts, on=today)
    accepted = replace(case, clock_acts={**case.clock_acts, "proposed": yes})
    yield from _of_act(accepted, "proposed", today)


def _of_act(case: Case, key: str, today: date) -> Iterator[Restart]:
    act = case.clock_acts.get(key)
    for debt_id in act.debt_ids if act else ():
        found = _restart(case, debt_id, key, today)
        if found is not None:
            yield found


def _restart(case: Case, debt_id: UUID, key: str, today: date) -> Restart | None:
    act = case.clock_acts[key]
    day = max(today, act.on)
    now = standing(case, debt_id, day)
    steps = () if now.clock is None else now.clock.steps
    step = next((each for each in steps if key in each.evidence), None)
    if step is None or step.applied not in {"restarted", "too_late"}:
        return None
    late = step.applied == "too_late"
    if late and step.says == _GAINS_NOTHING:
        return None
    was = standing(case, debt_id, day, without=key).expires_on
    return Restart(
        debt_id=debt_id,
        act=act.act,
        was=was,
        becomes=now.expires_on,
        after_expiry=late,
        says=step.says if late else _says(act.act, was, now.expires_on),
        zh=_LATE_ZH if late else _says_zh(was, now.expires_on, is_judged=_is_judged(now)),
        citation=step.citation,
    )


def _says(act: str, was: date | None, becomes: date | None) -> str:
    words = act.replace("_", " ")
    until = f"until {becomes}" if becomes else "with no last day yet"
    instead = f" instead of {was}" if was else ""
    return f"This act ({words}) gives the creditor a new period, {until}{instead}."


def _is_judged(now: Standing) -> bool:
    return now.clock is not None and now.clock.after_judgment


def _says_zh(was: date | None, becomes: date | None, *, is_judged: bool) -> str:
    period = "依生效判决申请执行的期间" if is_judged else "诉讼时效期间"
    instead = f"，原届满日为{was}" if was else ""
    until = f"新的届满日为{becomes}" if becomes else "届满日尚未确定"
    return f"此行为使{period}重新计算：{until}{instead}。"
