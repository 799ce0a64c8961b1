"""Talks: under a permission, or a breach; attempts that reached nobody."""

from datetime import timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.situation import situation
from duecourse.case.words import ConversationOutcome, HoldKind
from duecourse.testing import given
from duecourse.testing.sample import (
    CONTACT,
    DAY,
    DEBT,
    NOON,
    POINTS,
    TALK,
    hold,
    opened,
    request,
    talk,
)

LATER = NOON + timedelta(minutes=20)
CALL = request("call")


def test_a_talk_under_a_permission_uses_it_up() -> None:
    story = given(*opened()).when(CALL)
    command = replace(talk(at=LATER), arrears_reason="economic_pressure", note="lost her job")
    story.when(command, at=LATER).then(
        e.ConversationLogged(
            at=LATER,
            conversation_id=TALK,
            channel="call",
            point_id="",
            initiator="creditor",
            party="debtor",
            outcome="right_party_contact",
            arrears_reason="economic_pressure",
            note="lost her job",
            occurred_at=LATER,
            permitted=True,
            contact_id=CONTACT,
        )
    )
    assert story.case is not None
    assert story.case.contacts[CONTACT].status == "used"
    story.when(command, at=LATER).then_nothing()


def test_one_permission_covers_one_talk() -> None:
    story = given(*opened()).when(CALL).when(talk(at=LATER), at=LATER)
    second = replace(talk(at=LATER), conversation_id=UUID(int=99))
    assert not story.when(second, at=LATER).then_one(e.ConversationLogged).permitted


@pytest.mark.parametrize(
    "command",
    [
        talk(at=NOON - timedelta(minutes=1)),  # before the permission
        talk(at=NOON + timedelta(hours=3)),  # after it expired
        talk(at=LATER, channel="visit"),
        replace(talk(at=LATER), point_id="mail"),
    ],
)
def test_a_talk_that_no_permission_covers_is_kept_as_a_breach(command: c.LogConversation) -> None:
    story = given(*opened()).when(CALL).when(command, at=NOON + DAY)
    logged = story.then_one(e.ConversationLogged)
    assert (logged.permitted, logged.contact_id) == (False, None)


def test_a_call_from_the_debtor_is_never_a_breach() -> None:
    story = given(*opened()).when(talk(initiator="debtor"))
    assert story.then_one(e.ConversationLogged).permitted


def test_a_hold_placed_during_the_call_does_not_make_it_a_breach() -> None:
    story = given(*opened()).when(CALL).when(hold(), at=LATER + DAY / 24)
    logged = story.when(talk("disputes_debt", at=LATER), at=LATER + DAY / 12)
    assert logged.then_one(e.ConversationLogged).contact_id == CONTACT


def test_a_call_after_the_hold_is_a_breach() -> None:
    story = given(*opened()).when(CALL).when(hold())
    assert not story.when(talk(at=LATER), at=LATER).then_one(e.ConversationLogged).permitted


@pytest.mark.parametrize("channel", ["call", "sms", "letter"])
def test_who_asks_to_be_left_in_peace_is_left_in_peace(channel: str) -> None:
    story = given(*opened()).when(CALL).when(talk("asked_to_stop", at=LATER), at=LATER)
    story.then_one(e.ChannelOptedOut, lambda out: out.channel == "all")
    again = request(channel, contact_id=UUID(int=99))
    assert story.when(again, at=NOON + DAY).then_one(e.ContactRefused).rule == "opted_out"


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [("deceased", "bereavement"), ("disputes_debt", "dispute"), ("hardship_declared", "hardship")],
)
def test_what_was_said_protects_from_the_same_moment_on(
    outcome: ConversationOutcome, kind: HoldKind
) -> None:
    story = given(*opened()).when(CALL).when(talk(outcome, at=LATER), at=LATER)
    story.then_one(e.HoldPlaced, lambda placed: placed.kind == kind)


def test_a_number_that_is_somebody_elses_is_not_used_again() -> None:
    said = replace(talk("wrong_number", at=LATER), point_id="mobile")
    story = given(*opened()).when(CALL).when(said, at=LATER)
    story.then_one(e.ContactPointRetired, lambda gone: gone.point_id == "mobile")
    again = request("sms", contact_id=UUID(int=99))
    assert story.when(again, at=NOON + DAY).then_one(e.ContactRefused).rule == "no_usable_address"


def test_calls_that_nobody_answers_do_not_count_as_conversations() -> None:
    story = given(*opened())
    for n in range(3):
        contact = request("call", contact_id=UUID(int=100 + n))
        at = NOON + n * timedelta(hours=2)
        attempt = replace(talk("no_answer", at=at), conversation_id=UUID(int=200 + n))
        story.when(contact, at=at).then_one(e.ContactPermitted)
        story.when(attempt, at=at)


def test_a_conversation_counts_for_the_day() -> None:
    story = given(*opened()).when(CALL).when(talk())
    again = request("call", contact_id=UUID(int=99))
    refused = story.when(again, at=NOON + timedelta(hours=4)).then_one(e.ContactRefused)
    assert refused.rule == "house.spoken_per_day"


def test_a_talk_with_a_closed_case_is_kept() -> None:
    closed = given(*opened()).when(c.CloseCase(reason="sold"))
    closed.when(talk(initiator="debtor")).then_one(e.ConversationLogged)


def test_a_permission_to_call_ends_with_the_lawful_hours_of_the_debtor() -> None:
    evening = NOON.replace(hour=12, minute=40, second=30)  # 20:40:30 in Shanghai
    story = given(*opened()).when(CALL, at=evening)
    expires_at = story.then_one(e.ContactPermitted).expires_at
    assert expires_at == NOON.replace(hour=13), "the house is quiet from nine on"
    before, then = expires_at - timedelta(seconds=1), expires_at
    late = story.when(talk(at=then), at=then + DAY / 24).then_one(e.ConversationLogged)
    assert not late.permitted
    other = replace(talk(at=before), conversation_id=UUID(int=98))
    assert story.when(other, at=then + DAY / 24).then_one(e.ConversationLogged).permitted


def test_one_number_under_two_names_is_tried_no_oftener_than_under_one() -> None:
    twin = replace(POINTS[0], point_id="again")
    story = given(*opened()).when(c.AddContactPoint(point=twin))
    for number, point_id in enumerate(["mobile", "again"] * 3):
        at = NOON + timedelta(minutes=number)
        tried = replace(talk("no_answer", at=at), conversation_id=UUID(int=50 + number))
        story.when(replace(tried, point_id=point_id), at=at)
    refused = story.when(request("call", point_id="again"), at=LATER).then_one(e.ContactRefused)
    assert refused.rule == "cn.attempts_per_number"


def test_calls_to_a_number_that_is_kept_no_longer_count_for_every_number() -> None:
    story = given(*opened())
    for number in range(6):
        at = NOON + timedelta(minutes=number)
        tried = replace(talk("no_answer", at=at), conversation_id=UUID(int=50 + number))
        story.when(replace(tried, point_id="mobile"), at=at)
    again = c.AddContactPoint(point=replace(POINTS[0], point_id="again"))
    gone = c.RetireContactPoint(point_id="mobile", reason="entered anew")
    story.when(again, at=LATER).when(gone, at=LATER)
    assert story.when(CALL, at=LATER).then_one(e.ContactRefused).rule == "cn.attempts_per_number"


def test_a_call_from_the_debtor_leaves_our_own_permission_as_it_was() -> None:
    theirs = replace(talk("no_answer", at=LATER, initiator="debtor"), conversation_id=UUID(int=97))
    story = given(*opened()).when(CALL).when(theirs, at=LATER)
    assert story.then_one(e.ConversationLogged).contact_id is None
    ours = story.when(talk(at=LATER), at=LATER).then_one(e.ConversationLogged)
    assert (ours.permitted, ours.contact_id) == (True, CONTACT)


def test_what_an_agency_said_for_the_same_creditor_counts_and_is_no_breach_of_ours() -> None:
    story = given(*opened()).when(replace(talk(), by="group"))
    assert story.then_one(e.ConversationLogged).permitted
    assert story.case is not None
    (past,) = situation(story.case, "call", "mobile", LATER).past
    assert (past.by, past.kind) == ("group", "conversation")


@pytest.mark.parametrize(
    "since",
    [
        c.MoveDebtor(time_zone="America/New_York", jurisdiction="US"),
        c.RecordFact(fact="assigned", on=NOON.date(), how="by letter"),
        c.RecordLimitation(debt_id=DEBT, expires_on=NOON.date(), how="from the contract"),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_may_speak_against_a_call_calls_its_permission_back(since: c.Command) -> None:
    sms = UUID(int=41)
    story = given(*opened()).when(CALL).when(request("sms", sms)).when(since)
    (cancelled,) = [each for each in story.events if isinstance(each, e.ContactCancelled)]
    assert cancelled.contact_id == CONTACT, "the message is judged again when it leaves"
    late = story.when(talk(at=LATER), at=LATER).then_one(e.ConversationLogged)
    assert not late.permitted
