"""Holds: what they stop, and when they end."""

from datetime import UTC, date, datetime
from typing import get_args

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.errors import CaseIsClosed, Invalid, TooEarly, Unknown
from duecourse.case.holds import deadlines
from duecourse.case.words import HoldKind
from duecourse.rules.protection import protection
from duecourse.testing import given
from duecourse.testing.sample import CONTACT, DEBT, NOON, OTHER_DEBT, hold, opened, request

LIFT = c.LiftHold(hold_id="hold-1", reason="answered")
EXPIRE = c.ExpireHold(hold_id="hold-1")
UNTIL = date(2026, 3, 10)
LAST_MOMENT = datetime(2026, 3, 10, 15, 59, tzinfo=UTC)  # 23:59 in Shanghai
OVER = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)


def held(kind: HoldKind = "dispute", until: date | None = None) -> given:
    return given(*opened()).when(hold(kind, until=until))


@pytest.mark.parametrize("kind", get_args(HoldKind))
def test_a_hold_blocks_what_the_law_of_the_place_says_of_its_kind(kind: HoldKind) -> None:
    law = protection(kind, "", ("CN",), NOON.date())
    story = held(kind)
    story.then(
        e.HoldPlaced(
            at=NOON,
            hold_id="hold-1",
            kind=kind,
            blocks=law.blocks,
            until=None,
            authority="said by the debtor",
            deadlines=deadlines(law.duties, NOON.date()),
            citation=law.citation,
            purpose="letters in large print" if law.needs_purpose else "",
        )
    )
    story.when(hold(kind)).then_nothing()


def test_a_hold_may_block_less_or_one_debt_only() -> None:
    command = replace(hold(), blocks=("legal",), debt_id=DEBT)
    placed = given(*opened()).when(command).then_one(e.HoldPlaced)
    assert (placed.blocks, placed.debt_id) == (("legal",), DEBT)


def test_a_hold_on_outreach_calls_messages_back_and_refuses_new_ones() -> None:
    story = given(*opened()).when(request()).when(hold())
    story.then_one(e.ContactCancelled, lambda back: back.contact_id == CONTACT)
    refused = story.when(request(contact_id=OTHER_DEBT)).then_one(e.ContactRefused)
    assert (refused.rule, refused.next_lawful_at) == ("hold_blocks", None)


def test_a_hold_that_does_not_stop_outreach_lets_messages_go() -> None:
    story = given(*opened()).when(request()).when(hold("complaint"))
    assert len(story.events) == 1


def test_a_hold_with_an_end_says_when_contact_is_lawful_again() -> None:
    refused = held(until=UNTIL).when(request()).then_one(e.ContactRefused)
    assert refused.next_lawful_at == datetime(2026, 3, 11, 1, 0, tzinfo=UTC)  # 09:00


def test_a_hold_is_not_placed_for_the_past_or_beyond_the_calendar() -> None:
    given(*opened()).when(hold(until=date(2026, 3, 1))).then_raises(Invalid, "until")
    given(*opened()).when(hold(until=date(9999, 12, 31))).then_raises(Invalid, "until")
    given(*opened()).when(hold(until=date(2026, 3, 2))).then_one(e.HoldPlaced)


def test_a_hold_on_a_debt_the_case_does_not_have_is_named() -> None:
    given(*opened()).when(replace(hold(), debt_id=OTHER_DEBT)).then_raises(Unknown, "debt_id")


def test_a_hold_is_lifted_once_and_its_id_is_spent() -> None:
    story = held().when(LIFT)
    story.then(e.HoldLifted(at=NOON, hold_id="hold-1", reason="answered"))
    story.when(LIFT).then_nothing()
    story.when(EXPIRE).then_nothing()
    story.when(hold()).then_raises(Invalid, "hold_id")
    story.when(request()).then_one(e.ContactPermitted)


def test_of_two_holds_one_goes_on() -> None:
    story = held().when(hold("bereavement", "hold-2")).when(LIFT).when(request())
    refused = story.then_one(e.ContactRefused)
    assert refused.inputs["holds"] == "bereavement"


def test_only_a_hold_of_the_case_can_be_lifted() -> None:
    given(*opened()).when(LIFT).then_raises(Unknown, "hold_id")


def test_a_hold_lasts_through_its_last_day_on_the_debtors_clock() -> None:
    story = held(until=UNTIL).when(EXPIRE, at=LAST_MOMENT)
    story.then_raises(TooEarly, "hold_id")
    story.when(EXPIRE, at=OVER).then(e.HoldExpired(at=OVER, hold_id="hold-1"))
    story.when(EXPIRE, at=OVER).then_nothing()


def test_a_hold_without_an_end_does_not_expire() -> None:
    held().when(EXPIRE, at=OVER).then_raises(TooEarly, "hold_id")


def test_a_closed_case_takes_no_hold() -> None:
    closed = given(*opened()).when(c.CloseCase(reason="sold"))
    closed.when(hold()).then_raises(CaseIsClosed)
