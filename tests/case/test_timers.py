"""What is due and when: from the state alone, with a command for each."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.errors import TooEarly
from duecourse.case.state import Case
from duecourse.case.timers import Timer, command_of, timers_of
from duecourse.rules.treatment import load_treatment
from duecourse.testing import LEGAL, given
from duecourse.testing.sample import (
    CONTACT,
    DEBTOR,
    NOON,
    PLAN,
    PROMISE,
    REFERRAL,
    SUBJECT,
    accept,
    accepted,
    approve,
    dispatch,
    hold,
    offer,
    opened,
    pay,
    promise,
    propose,
    request,
    talk,
)

TREATMENT = load_treatment()
UNTIL = promise().due_on


def all_timers(story: given) -> dict[str, datetime]:
    assert isinstance(story.case, Case)
    found = timers_of(story.case, TREATMENT)
    return {timer.key: timer.due_at.astimezone(UTC) for timer in found}


def timers(story: given) -> dict[str, datetime]:
    """Without those that warn of a day that is far off, and are there in every case."""
    found = all_timers(story).items()
    return {key: due for key, due in found if not key.startswith(("limitation/", "deadline/"))}


def at(month: int, day: int, hour: int = 16) -> datetime:
    """16:00 in UTC is midnight in Shanghai."""
    return datetime(2026, month, day, hour, tzinfo=UTC)


def test_a_permitted_message_is_to_be_sent_at_once() -> None:
    story = given(*opened()).when(request())
    assert timers(story)[f"dispatch/{CONTACT}"] == NOON


def test_a_message_that_was_begun_is_looked_after_until_its_fate_is_known() -> None:
    story = given(*opened()).when(request()).when(dispatch())
    assert timers(story)[f"dispatch/{CONTACT}"] == NOON
    assert f"dispatch/{CONTACT}" not in timers(story.when(accepted()))


def test_a_permitted_call_waits_for_a_person_and_then_expires() -> None:
    story = given(*opened()).when(request("call"))
    key = f"permission/{CONTACT}"
    assert f"dispatch/{CONTACT}" not in timers(story)
    assert timers(story)[key] == NOON + timedelta(hours=2)
    assert key not in timers(story.when(talk()))


def test_the_next_step_of_the_schedule_is_due() -> None:
    assert timers(given(*opened())) == {"step/first-reminder": NOON}


def test_a_promise_is_judged_the_day_after_its_grace() -> None:
    story = given(*opened()).when(promise())
    assert timers(story) == {f"promise/{PROMISE}": at(3, 10)}


def test_an_offer_lapses_the_day_after_it_expires() -> None:
    assert timers(given(*opened()).when(offer(60_000))) == {f"offer/{PLAN}": at(3, 15)}


def test_each_instalment_not_met_yet_is_judged_after_its_grace() -> None:
    story = given(*opened()).when(offer(20_000, 40_000)).when(accept())
    first, second = f"instalment/{PLAN}/1", f"instalment/{PLAN}/2"
    assert timers(story) == {first: at(3, 19), second: at(4, 18)}
    assert timers(story.when(pay(20_000))) == {second: at(4, 18)}


def test_an_instalment_that_was_missed_is_not_judged_again() -> None:
    story = given(*opened()).when(offer(20_000, 40_000)).when(accept())
    story.when(c.JudgeInstalment(plan_id=PLAN, number=1), at=at(3, 19))
    assert set(timers(story)) == {f"instalment/{PLAN}/2"}


def test_a_hold_with_an_end_ends_on_the_debtors_clock() -> None:
    story = given(*opened()).when(hold(until=UNTIL))
    assert timers(story) == {"hold/hold-1": at(3, 9)}
    story.when(c.MoveDebtor(time_zone="Europe/London", jurisdiction="GB"))
    assert timers(story) == {"hold/hold-1": at(3, 10, 0)}
    assert timers(given(*opened()).when(hold())) == {}


def test_a_day_whose_last_hour_comes_twice_ends_after_the_second() -> None:
    # In Nuuk, on the night to 25 October 2026, midnight comes back as 23:00.
    story = given(*opened(debtor=replace(DEBTOR, time_zone="America/Nuuk")))
    story.when(hold(until=date(2026, 10, 24)))
    due = timers(story)["hold/hold-1"]
    assert due == at(10, 25, 2)
    story.when(c.ExpireHold(hold_id="hold-1"), at=due - timedelta(minutes=1))
    story.then_raises(TooEarly, "hold_id")
    story.when(c.ExpireHold(hold_id="hold-1"), at=due).then_one(e.HoldExpired)


def approved() -> given:
    story = given(*opened()).when(request("call")).when(talk("refused_to_pay")).when(propose())
    return story.when(approve(), actor=LEGAL)


def test_an_approved_referral_is_filed_at_once() -> None:
    assert timers(approved()) == {f"file/{REFERRAL}": NOON}


@pytest.mark.parametrize("between", [hold("insolvency"), promise(), offer(60_000)])
def test_filing_waits_for_a_hold_and_for_everything_fairer(between: c.Command) -> None:
    assert f"file/{REFERRAL}" not in timers(approved().when(between))


def test_nothing_is_due_on_a_closed_case_but_to_learn_the_fate_of_a_message() -> None:
    story = (
        given(*opened()).when(request()).when(dispatch()).when(promise()).when(hold(until=UNTIL))
    )
    story.when(c.CloseCase(reason="sold"))
    assert set(timers(story)) == {f"dispatch/{CONTACT}"}


def test_the_same_timer_always_stands_for_the_same_command() -> None:
    timer = Timer("hold/hold-1", NOON)
    in_shanghai = Timer("hold/hold-1", NOON.astimezone(ZoneInfo("Asia/Shanghai")))
    assert timer.command_id(SUBJECT) == in_shanghai.command_id(SUBJECT)
    others = {Timer("hold/hold-2", NOON), Timer("hold/hold-1", NOON + timedelta(seconds=1))}
    ids = {each.command_id(SUBJECT) for each in others} | {timer.command_id(UUID(int=9))}
    assert len(ids | {timer.command_id(SUBJECT)}) == 4


@pytest.mark.parametrize(
    ("key", "command"),
    [
        ("step/first-reminder", c.FollowTreatment(step="first-reminder")),
        (f"promise/{PROMISE}", c.JudgePromise(promise_id=PROMISE)),
        (f"offer/{PLAN}", c.LapseOffer(plan_id=PLAN)),
        (f"instalment/{PLAN}/3", c.JudgeInstalment(plan_id=PLAN, number=3)),
        ("hold/court:order.7", c.ExpireHold(hold_id="court:order.7")),
        (
            f"permission/{CONTACT}",
            c.CancelContact(contact_id=CONTACT, reason="the permission expired"),
        ),
        (f"dispatch/{CONTACT}", None),
        (f"file/{REFERRAL}", None),
    ],
)
def test_each_timer_stands_for_a_command_or_for_work_outside(
    key: str, command: c.Command | None
) -> None:
    assert command_of(Timer(key, NOON)) == command
