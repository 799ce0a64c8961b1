"""While a hold stops collection nothing is missed or broken; after it, the days of grace begin anew."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.errors import TooEarly
from duecourse.case.timers import Timer, timers_of
from duecourse.rules.treatment import load_treatment
from duecourse.testing import LEGAL, given
from duecourse.testing.sample import (
    DAY,
    DEBT,
    DEBTOR,
    NOON,
    OTHER_DEBT,
    PLAN,
    PROMISE,
    SUBJECT,
    accept,
    bounce,
    debt,
    hold,
    offer,
    opened,
    pay,
    promise,
)
from duecourse.views.worklist import worklist_row

TREATMENT = load_treatment()
FIRST = date(2026, 3, 16)  # when the first of three instalments is due; three days of grace
JUDGE = c.JudgeInstalment(plan_id=PLAN, number=1)
JUDGE_PROMISE = c.JudgePromise(promise_id=PROMISE)  # due on 9 March; one day of grace
STOPS: list[Any] = ["breathing_space", "bereavement", "insolvency", "dispute", "vulnerability"]
GOES_ON: list[Any] = ["represented", "ceased", "complaint", "hardship"]


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)  # noon in Shanghai


def after(day: date) -> datetime:
    """The first moment after a day in Shanghai."""
    return datetime(day.year, day.month, day.day, 16, tzinfo=UTC)


def kept(place: str = "CN") -> given:
    """A plan of three instalments of 200.00, in two debts of one case."""
    there = replace(DEBTOR, jurisdiction=place)
    story = given(*opened(debt(principal=40_000), debt(OTHER_DEBT, 20_000), debtor=there))
    return story.when(offer(20_000, 20_000, 20_000)).when(accept())


def promised() -> given:
    return given(*opened()).when(promise())


def due(story: given, kind: str) -> list[Timer]:
    assert story.case is not None
    return [each for each in timers_of(story.case, TREATMENT) if each.kind == kind]


def attention(story: given) -> tuple[str, ...]:
    assert story.case is not None
    return worklist_row(SUBJECT, story.case, TREATMENT).attention


def lift(day: date) -> tuple[c.LiftHold, datetime]:
    return c.LiftHold(hold_id="hold-1", reason="over", evidence="the notice"), at(day)


# --- while it lasts ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", STOPS)
@pytest.mark.parametrize("place", ["CN", "GB"])
def test_under_a_hold_that_stops_collection_nothing_is_missed_or_broken(
    kind: Any, place: str
) -> None:
    story = kept(place).when(hold(kind, until=None)).when(promise())
    for number in (1, 2, 3):
        judge = c.JudgeInstalment(plan_id=PLAN, number=number)
        story.when(judge, at=NOON + 59 * DAY).then_raises(TooEarly, "number")
    story.when(JUDGE_PROMISE, at=NOON + 59 * DAY).then_raises(TooEarly, "promise_id")
    assert {"plan_on_hold", "promise_on_hold"} <= set(attention(story))


@pytest.mark.parametrize("kind", GOES_ON)
def test_a_hold_that_does_not_stop_collection_leaves_the_days_of_grace_as_they_are(
    kind: Any,
) -> None:
    story = kept().when(hold(kind)).when(promise())
    assert not {"plan_on_hold", "promise_on_hold"} & set(attention(story))
    story.when(JUDGE, at=after(FIRST + 3 * DAY)).then_one(e.InstalmentMissed)
    story.when(JUDGE_PROMISE, at=after(FIRST + 3 * DAY)).then_one(e.PromiseBroken)


def test_while_nobody_knows_when_the_hold_ends_nothing_waits_to_be_judged() -> None:
    story = kept().when(hold("bereavement")).when(promise())
    assert not due(story, "instalment")
    assert not due(story, "promise")


def test_one_disputed_debt_stops_the_plan_that_is_for_all_of_them() -> None:
    story = kept().when(replace(hold(), debt_id=OTHER_DEBT)).when(promise())
    story.when(JUDGE, at=NOON + 90 * DAY).then_raises(TooEarly, "number")
    story.when(JUDGE_PROMISE, at=NOON + 90 * DAY).then_raises(TooEarly, "promise_id")


def test_a_disputed_debt_of_another_currency_stops_nothing() -> None:
    other = c.PlaceDebt(debt=debt(OTHER_DEBT, 1, currency="USD"))
    disputed = replace(hold(), debt_id=OTHER_DEBT)
    story = given(*opened()).when(offer(20_000, 20_000, 20_000)).when(accept())
    story.when(promise()).when(other).when(disputed)
    story.when(JUDGE, at=after(FIRST + 3 * DAY)).then_one(e.InstalmentMissed)
    story.when(JUDGE_PROMISE, at=after(FIRST + 3 * DAY)).then_one(e.PromiseBroken)


def test_payments_under_a_hold_count_as_usual() -> None:
    story = kept().when(hold("bereavement")).when(promise(amount=20_000))
    story.when(pay(20_000), at=at(FIRST))
    assert story.then_one(e.InstalmentMet).number == 1
    assert story.then_one(e.PromiseKept).promise_id == PROMISE
    story.when(*lift(date(2026, 4, 1)))
    story.when(JUDGE, at=NOON + 90 * DAY).then_nothing()


# --- when it is over ---------------------------------------------------------------------------


def test_after_a_hold_that_was_lifted_the_days_of_grace_begin_on_the_next_day() -> None:
    story = kept().when(hold("bereavement")).when(promise())
    story.when(*lift(date(2026, 4, 1)))
    assert {"plan_resumed", "promise_resumed"} <= set(attention(story))
    instalments = {each.subject[-1]: each.due_at for each in due(story, "instalment")}
    assert instalments["1"] == after(date(2026, 4, 5))  # 2 April and three days of grace
    assert instalments["2"] == after(date(2026, 4, 18))  # due later, so as it was agreed
    assert [each.due_at for each in due(story, "promise")] == [after(date(2026, 4, 3))]
    story.when(JUDGE, at=after(date(2026, 4, 5)) - DAY / 24).then_raises(TooEarly, "number")
    story.when(JUDGE_PROMISE, at=after(date(2026, 4, 3)) - DAY / 24).then_raises(TooEarly)
    story.when(JUDGE, at=after(date(2026, 4, 5))).then_one(e.InstalmentMissed)
    story.when(JUDGE_PROMISE, at=after(date(2026, 4, 5))).then_one(e.PromiseBroken)
    assert not {"plan_resumed", "promise_resumed"} & set(attention(story))


def test_a_hold_with_a_last_day_says_already_when_the_grace_is_over() -> None:
    story = kept().when(hold("bereavement", until=date(2026, 3, 31)))
    before = due(story, "instalment")
    assert before[0].due_at == after(date(2026, 4, 4))
    story.when(c.ExpireHold(hold_id="hold-1"), at=at(date(2026, 4, 3))).then_one(e.HoldExpired)
    assert due(story, "instalment") == before
    story.when(JUDGE, at=after(date(2026, 4, 4))).then_one(e.InstalmentMissed)


def test_a_hold_that_began_in_the_days_of_grace_gives_all_of_them_anew() -> None:
    story = kept().when(hold("bereavement"), at=at(FIRST + 3 * DAY))
    story.when(*lift(FIRST + 4 * DAY))
    story.when(JUDGE, at=after(FIRST + 7 * DAY)).then_raises(TooEarly, "number")
    story.when(JUDGE, at=after(FIRST + 8 * DAY)).then_one(e.InstalmentMissed)


def test_a_hold_that_was_over_before_the_day_changes_nothing() -> None:
    story = kept().when(hold("bereavement")).when(*lift(FIRST - DAY))
    assert "plan_resumed" not in attention(story)
    assert due(story, "instalment")[0].due_at == after(FIRST + 3 * DAY)


def test_of_two_holds_the_one_that_ends_last_counts() -> None:
    story = kept().when(hold("bereavement")).when(hold("dispute", "hold-2", until=None))
    story.when(*lift(date(2026, 4, 1)))
    story.when(JUDGE, at=NOON + 90 * DAY).then_raises(TooEarly, "number")
    answered = c.LiftHold(hold_id="hold-2", reason="answered")
    story.when(answered, at=at(date(2026, 4, 10)))
    assert due(story, "instalment")[0].due_at == after(date(2026, 4, 14))


def test_what_was_missed_before_the_hold_stays_missed() -> None:
    story = (
        kept()
        .when(JUDGE, at=after(FIRST + 3 * DAY))
        .when(hold("bereavement"), at=at(FIRST + 5 * DAY))
    )
    assert story.case is not None
    assert story.case.plans[PLAN].missed == (1,)
    story.when(*lift(date(2026, 4, 1))).when(pay(20_000), at=at(date(2026, 4, 2)))
    assert story.then_one(e.InstalmentCured).days_late == 17


def test_a_plan_is_as_agreed_after_the_hold_and_can_be_missed_and_broken() -> None:
    story = kept()
    assert story.case is not None
    agreed = story.case.plans[PLAN].instalments
    story.when(hold("bereavement")).when(*lift(date(2026, 4, 20)))
    assert story.case.plans[PLAN].instalments == agreed
    over = after(date(2026, 4, 24))
    story.when(JUDGE, at=over).then_one(e.InstalmentMissed)
    story.when(replace(JUDGE, number=2), at=over).then_one(e.PlanBroken)


def test_a_payment_that_goes_back_after_the_hold_leaves_the_days_of_grace_that_are_left() -> None:
    story = kept().when(hold("bereavement")).when(pay(20_000), at=at(FIRST))
    story.when(*lift(date(2026, 4, 1))).when(bounce(), at=at(date(2026, 4, 2)))
    assert due(story, "instalment")[0].due_at == after(date(2026, 4, 5))
    assert "plan_resumed" in attention(story)


def test_a_breathing_space_in_the_united_kingdom_ends_by_itself_and_then_grace_begins() -> None:
    story = kept("GB").when(hold("breathing_space"))
    last = NOON.date() + 60 * DAY
    assert due(story, "instalment")[0].due_at == after(last + 4 * DAY)
    cancelled = c.LiftHold(hold_id="hold-1", reason="cancelled", evidence="the notice")
    story.when(cancelled, at=at(date(2026, 4, 1)), actor=LEGAL)
    assert due(story, "instalment")[0].due_at == after(date(2026, 4, 5))


def test_a_hold_of_one_debt_that_was_withdrawn_still_counts_until_that_day() -> None:
    story = promised().when(replace(hold(), debt_id=DEBT))
    story.when(c.WithdrawDebt(debt_id=DEBT, reason="sold"), at=at(date(2026, 3, 20)))
    assert story.case is not None
    assert all(each.status != "broken" for each in story.case.promises.values())
