"""A message that was asked for and never left waits for a person."""

from uuid import UUID

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case.context import SYSTEM
from duecourse.rules.treatment import load_treatment
from duecourse.testing import given
from duecourse.testing.sample import (
    CONTACT,
    NOON,
    SUBJECT,
    accepted,
    dispatch,
    hold,
    opened,
    pay,
    request,
)
from duecourse.views.worklist import worklist_row

TREATMENT = load_treatment()
NEXT = UUID(int=CONTACT.int + 1)
LATER = NOON.replace(day=6)
GIVEN_UP = c.CancelContact(contact_id=CONTACT, reason="no channel 'sms' is configured")


def attention(story: given) -> tuple[str, ...]:
    assert story.case is not None
    return worklist_row(SUBJECT, story.case, TREATMENT).attention


def test_a_message_that_could_not_be_sent_waits_until_another_one_left() -> None:
    story = given(*opened()).when(request()).when(GIVEN_UP, actor=SYSTEM)
    assert attention(story) == ("contact_not_sent",)
    story.when(request(contact_id=NEXT), at=LATER).when(dispatch(NEXT), at=LATER)
    assert attention(story.when(accepted(NEXT), at=LATER)) == ()


def test_a_step_whose_message_could_not_be_sent_waits_too() -> None:
    story = given(*opened()).when(c.FollowTreatment(step="first-reminder"), actor=SYSTEM)
    assert story.case is not None
    (contact_id,) = story.case.contacts
    story.when(replace(GIVEN_UP, contact_id=contact_id), actor=SYSTEM)
    assert attention(story) == ("contact_not_sent",)


def test_a_reminder_that_a_payment_called_back_waits_for_nobody() -> None:
    story = given(*opened()).when(c.FollowTreatment(step="first-reminder"), actor=SYSTEM)
    assert attention(story.when(pay(100))) == ()


@pytest.mark.parametrize(
    "command", [hold("ceased"), hold("dispute"), c.RecordOptOut(channel="sms", how="said so")]
)
def test_what_protects_the_debtor_explains_why_nothing_left(command: c.Command) -> None:
    story = given(*opened()).when(request()).when(command)
    assert "contact_not_sent" not in attention(story)


def test_a_hold_that_lets_messages_through_explains_nothing() -> None:
    story = given(*opened()).when(hold("hardship")).when(request()).when(GIVEN_UP, actor=SYSTEM)
    assert attention(story) == ("contact_not_sent",)


def test_a_call_that_nobody_made_is_no_message() -> None:
    story = given(*opened()).when(request("call")).when(GIVEN_UP, actor=SYSTEM)
    assert attention(story) == ()
