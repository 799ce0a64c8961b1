"""What a debtor writes back reaches a person, and until then the schedule keeps still."""

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import SYSTEM
from duecourse.case.errors import Contradiction, Invalid, Unknown
from duecourse.case.lifecycle import missing_for_legal
from duecourse.case.timers import timers_of
from duecourse.rules.treatment import load_treatment
from duecourse.testing import given
from duecourse.testing.sample import (
    DEBT,
    NOON,
    OTHER_DEBT,
    SUBJECT,
    accepted,
    debt,
    dispatch,
    opened,
    request,
)
from duecourse.views.worklist import worklist_row

TREATMENT = load_treatment()
LATER = NOON.replace(day=3)
STEP = c.FollowTreatment(step="first-reminder")


def said(text: str, reply_id: str = "in-1", channel: str = "sms") -> c.RecordReply:
    return c.RecordReply(
        reply_id=reply_id, channel=channel, text=text, occurred_at=NOON, point_id="mobile"
    )


def read(outcome: str = "answered", reply_id: str = "in-1") -> c.ReadReply:
    return c.ReadReply(reply_id=reply_id, outcome=outcome)  # type: ignore[arg-type]


def attention(story: given) -> tuple[str, ...]:
    assert story.case is not None
    return worklist_row(SUBJECT, story.case, TREATMENT).attention


def due(story: given) -> set[str]:
    assert story.case is not None
    return {timer.kind for timer in timers_of(story.case, TREATMENT)}


def reminded() -> given:
    """The schedule's first reminder is permitted and has not left."""
    return given(*opened()).when(STEP, actor=SYSTEM)


WORDS = [
    "I dispute this debt, it is not mine",
    "my husband died",
    "I am in hospital",
    "我要投诉你们骚扰",
    "ok",
    "",
    "STOP, I dispute this",
    "Cease and desist",
]


@pytest.mark.parametrize("text", WORDS)
def test_words_that_nobody_understood_wait_for_a_person(text: str) -> None:
    story = given(*opened()).when(said(text))
    assert attention(story) == ("reply_waits",)
    assert attention(story.when(read())) == ()


@pytest.mark.parametrize("text", ["STOP", "退订", "No more calls", "别烦我"])
def test_a_reply_that_only_says_stop_waits_for_nobody(text: str) -> None:
    story = given(*opened()).when(said(text))
    assert "reply_waits" not in attention(story)
    assert "step" in due(story), "other channels of the schedule go on, as the rules allow"


@pytest.mark.parametrize("text", WORDS)
def test_the_schedule_rests_until_every_reply_was_read(text: str) -> None:
    story = given(*opened()).when(said(text)).when(said("hello?", "in-2"))
    assert "step" not in due(story)
    story.when(STEP, actor=SYSTEM, at=LATER).then_nothing()
    story.when(read(), at=LATER)
    assert "step" not in due(story), "one more waits"
    story.when(read(reply_id="in-2"), at=LATER)
    assert "step" in due(story)


@pytest.mark.parametrize("text", WORDS)
def test_a_reminder_that_was_permitted_before_the_reply_does_not_leave(text: str) -> None:
    story = reminded()
    assert story.case is not None
    (contact_id,) = story.case.contacts
    story.when(said(text))
    assert story.then_one(e.ContactCancelled).contact_id == contact_id
    story.when(dispatch(contact_id)).then_nothing()


def test_a_reminder_on_its_way_is_not_tried_again_after_a_reply() -> None:
    story = reminded()
    assert story.case is not None
    (contact_id,) = story.case.contacts
    story.when(dispatch(contact_id)).when(said("my husband died"))
    busy = c.RecordPostponed(contact_id=contact_id, until=NOON, reason="busy")
    assert story.when(busy).then_one(e.ContactCancelled).contact_id == contact_id


def test_what_a_person_asked_for_still_leaves_and_a_person_may_write() -> None:
    story = given(*opened()).when(request()).when(said("Who are you?"))
    assert not any(isinstance(each, e.ContactCancelled) for each in story.events)
    story.when(dispatch()).then_one(e.ContactDispatching)
    assert story.when(accepted()).case is not None


def test_a_stop_among_other_words_is_obeyed_and_calls_nothing_back_twice() -> None:
    story = reminded().when(said("STOP, I dispute this"))
    kinds = [type(each) for each in story.events]
    assert kinds == [e.ReplyReceived, e.ContactCancelled, e.ChannelOptedOut]


@pytest.mark.parametrize(
    ("outcome", "hold"),
    [
        ("disputes_debt", "dispute"),
        ("hardship_declared", "hardship"),
        ("deceased", "bereavement"),
        ("complaint", "complaint"),
    ],
)
def test_what_a_person_reads_out_of_it_protects_at_once(outcome: str, hold: str) -> None:
    story = given(*opened()).when(said("it is not mine")).when(read(outcome))
    placed = story.then_one(e.HoldPlaced)
    assert (placed.kind, placed.authority) == (hold, "said in a reply")
    assert "reply_waits" not in attention(story)


def test_a_dispute_of_one_debt_leaves_the_other_alone() -> None:
    story = given(*opened(debt(), debt(OTHER_DEBT, 1))).when(said("not mine"))
    command = replace(read("disputes_debt"), debts=(DEBT,))
    assert story.when(command).then_one(e.HoldPlaced).debt_id == DEBT


def test_who_asks_in_other_words_to_be_left_alone_is() -> None:
    story = given(*opened()).when(said("enough of you people")).when(read("asked_to_stop"))
    assert story.then_one(e.ChannelOptedOut).channel == "all"


def test_the_number_of_somebody_else_is_used_no_more() -> None:
    story = given(*opened()).when(said("you have the wrong person")).when(read("wrong_party"))
    assert story.then_one(e.ContactPointRetired).point_id == "mobile"


def test_a_reply_is_read_once_and_not_differently() -> None:
    story = given(*opened()).when(said("hm")).when(read())
    assert story.then_one(e.ReplyRead).outcome == "answered"
    story.when(read()).then_nothing()
    story.when(read("disputes_debt")).then_raises(Contradiction)


def test_only_a_reply_that_came_is_read_and_of_two_alike_the_channel_is_named() -> None:
    given(*opened()).when(read()).then_raises(Unknown, "reply_id")
    story = given(*opened()).when(said("hm")).when(said("hm", channel="email"))
    story.when(read()).then_raises(Invalid, "channel")
    story.when(replace(read(), channel="email"))
    assert story.then_one(e.ReplyRead).channel == "email"
    assert attention(story) == ("reply_waits",), "the other one"


def test_a_reply_to_a_closed_case_waits_too_and_can_be_read() -> None:
    story = given(*opened()).when(c.CloseCase(reason="sold")).when(said("I paid twice"))
    assert attention(story) == ("reply_waits",)
    story.when(read("disputes_debt")).then_one(e.ReplyRead)
    assert len(story.events) == 1
    assert attention(story) == ()


def test_nothing_goes_to_court_over_words_that_nobody_read() -> None:
    story = given(*opened()).when(said("not mine"))
    assert story.case is not None
    assert "a reply of the debtor waits to be read" in missing_for_legal(story.case)


def test_a_reply_of_before_it_was_asked_whether_it_was_understood_waits() -> None:
    old = e.ReplyReceived(
        at=NOON, reply_id="old", channel="sms", point_id="", text="not mine", occurred_at=NOON
    )
    story = given(*opened(), old)
    assert attention(story.when(c.RecordOptOut(channel="email", how="asked"))) == ("reply_waits",)


def test_what_waits_is_in_the_case_for_whoever_reads_it() -> None:
    story = given(*opened()).when(said("my husband died"))
    assert story.case is not None
    (waiting,) = story.case.waiting_replies.values()
    assert (waiting.text, waiting.channel, waiting.point_id) == ("my husband died", "sms", "mobile")
