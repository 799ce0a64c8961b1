"""What the simulation found, each as a claim of its own."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.rules.gate import RuleBook, load_rulebook
from duecourse.testing import given
from duecourse.testing.sample import (
    CONTACT,
    DEBT,
    DEBTOR,
    NOON,
    OTHER_DEBT,
    debt,
    dispatch,
    opened,
    pay,
    request,
    talk,
)

HOUR = timedelta(hours=1)
CONSUMER = replace(DEBTOR, time_zone="America/New_York", jurisdiction="US")
MORNING = datetime.fromisoformat("2026-03-02T09:00-05:00")
LAWYER = e.ContactPointAdded(
    at=NOON,
    point=e.ContactPoint(
        point_id="lawyer", kind="phone", address="+8615400000001", holder="representative"
    ),
)
LAW = RuleBook(tuple(pack for pack in load_rulebook().packs if pack.name != "house"))


@pytest.mark.parametrize(("called", "allowed"), [("lawyer", False), ("mobile", True)])
def test_a_call_to_a_representative_counts_for_the_representative_and_nobody_else(
    called: str,
    allowed: bool,  # noqa: FBT001 - a column of the table
) -> None:
    story = given(*opened(debtor=CONSUMER), LAWYER, rules=LAW)
    story.when(request("call", point_id="lawyer"), at=MORNING)
    story.when(dispatch(), at=MORNING)
    again = request("call", UUID(int=99), point_id=called)
    (answer, *_) = story.when(again, at=MORNING + HOUR).events
    assert isinstance(answer, e.ContactPermitted) == allowed


def test_whoever_asked_to_stop_while_the_case_was_closed_is_left_alone_when_it_is_reopened() -> (
    None
):
    story = given(*opened())
    story.when(c.CloseCase(reason="uneconomic"))
    story.when(talk("asked_to_stop"))
    story.when(c.ReopenCase(reason="another look"))
    (answer,) = story.when(request()).events
    assert isinstance(answer, e.ContactRefused)
    assert answer.rule == "opted_out"


def test_a_death_told_while_the_case_was_closed_protects_when_it_is_reopened() -> None:
    story = given(*opened())
    story.when(c.CloseCase(reason="uneconomic"))
    story.when(talk("deceased"))
    story.when(c.ReopenCase(reason="another look"))
    (answer,) = story.when(request()).events
    assert isinstance(answer, e.ContactRefused)
    assert answer.inputs["holds"] == "bereavement"


def test_nobody_is_asked_for_a_paid_debt_while_another_is_owed() -> None:
    story = given(*opened(debt(), debt(OTHER_DEBT)))
    story.when(pay(60_000, debt_id=DEBT))
    about_paid = c.RequestContact(
        contact_id=CONTACT, channel="sms", template="reminder-first", debts=(DEBT,)
    )
    (answer,) = story.when(about_paid).events
    assert isinstance(answer, e.ContactRefused)
    assert answer.rule == "nothing_owed"
