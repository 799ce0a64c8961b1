"""Consents, agreed hours, refused media: what the debtor said, and what the gate makes of it."""

from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.errors import Unknown
from duecourse.testing import given
from duecourse.testing.sample import CONTACT, DEBTOR, NOON, POINTS, dispatch, hold, opened, request

AMERICAN = replace(DEBTOR, time_zone="America/New_York", jurisdiction="US", language="en")
NOON_THERE = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = UUID(int=CONTACT.int + 1)
CONSENT = c.RecordConsent(
    consent_id="tcpa-1",
    consent="tcpa",
    given_at=NOON_THERE - 30 * 24 * HOUR,
    how="ticked in the application",
    evidence="application form, page 3",
)
WITHDRAWAL = c.WithdrawConsent(consent="tcpa", withdrawn_at=NOON_THERE, how="said on the phone")


def american() -> given:
    return given(*opened(debtor=AMERICAN, at=NOON_THERE))


def asked(story: given, channel: str = "sms", point_id: str = "", *, at: datetime) -> str:
    """The rule that refuses, or nothing."""
    story.when(request(channel, point_id=point_id), at=at)
    refusals = [each.rule for each in story.events if isinstance(each, e.ContactRefused)]
    return refusals[0] if refusals else ""


# --- consents --------------------------------------------------------------------------------


def test_an_american_gets_a_text_message_with_the_consent_and_none_without() -> None:
    assert asked(american(), at=NOON_THERE) == "us.tcpa_consent"
    story = american().when(CONSENT, at=NOON_THERE)
    story.then(
        e.ConsentGiven(
            at=NOON_THERE,
            consent_id="tcpa-1",
            consent="tcpa",
            channel="",
            point_id="",
            given_at=CONSENT.given_at,
            how="ticked in the application",
            evidence="application form, page 3",
        )
    )
    story.when(CONSENT, at=NOON_THERE).then_nothing()
    assert asked(story, at=NOON_THERE) == ""
    story.when(dispatch(), at=NOON_THERE + HOUR).then_one(e.ContactDispatching)


def test_a_consent_counts_from_the_moment_it_is_given() -> None:
    story = american().when(replace(CONSENT, given_at=NOON_THERE + HOUR), at=NOON_THERE)
    assert asked(story, at=NOON_THERE) == "us.tcpa_consent"
    assert asked(story, at=NOON_THERE + HOUR) == ""


def test_a_withdrawn_consent_calls_back_what_waits_and_refuses_what_comes() -> None:
    story = american().when(CONSENT, at=NOON_THERE).when(request(), at=NOON_THERE)
    story.when(WITHDRAWAL, at=NOON_THERE)
    assert story.then_one(e.ContactCancelled).recalled
    story.when(WITHDRAWAL, at=NOON_THERE).then_nothing()
    story.when(request(contact_id=SECOND), at=NOON_THERE)
    assert story.then_one(e.ContactRefused).rule == "us.tcpa_consent"


def test_a_withdrawal_for_one_channel_leaves_the_others_waiting() -> None:
    story = american().when(CONSENT, at=NOON_THERE).when(request("email"), at=NOON_THERE)
    story.when(replace(WITHDRAWAL, channel="sms"), at=NOON_THERE)
    story.then_one(e.ConsentWithdrawn)
    assert len(story.events) == 1


def test_a_message_that_was_permitted_under_a_consent_withdrawn_since_is_stopped_at_dispatch() -> (
    None
):
    """The second check, for a permission that was not called back."""
    history = american().when(CONSENT, at=NOON_THERE).when(request(), at=NOON_THERE)
    assert history.case is not None
    gone = e.ConsentWithdrawn(
        at=NOON_THERE,
        consent="tcpa",
        channel="",
        point_id="",
        withdrawn_at=NOON_THERE,
        how="by post",
    )
    consent = american().when(CONSENT, at=NOON_THERE).events
    permitted = history.events
    story = given(*opened(debtor=AMERICAN, at=NOON_THERE), *consent, *permitted, gone)
    refused = story.when(dispatch(), at=NOON_THERE).then_one(e.ContactRefused)
    assert (refused.rule, refused.moment) == ("us.tcpa_consent", "dispatch")


def test_an_old_consent_written_down_after_the_withdrawal_stays_withdrawn() -> None:
    story = american().when(WITHDRAWAL, at=NOON_THERE).when(CONSENT, at=NOON_THERE + HOUR)
    assert asked(story, at=NOON_THERE + HOUR) == "us.tcpa_consent"
    again = replace(CONSENT, consent_id="tcpa-2", given_at=NOON_THERE + HOUR)
    assert asked(story.when(again, at=NOON_THERE + HOUR), at=NOON_THERE + HOUR) == ""


@pytest.mark.parametrize(
    ("scope", "point", "rule"),
    [
        ({"point_id": "mobile"}, "mobile", ""),
        ({"point_id": "mobile"}, "second", "us.tcpa_consent"),
        ({"channel": "sms"}, "second", ""),
        ({"channel": "voice-notice"}, "mobile", "us.tcpa_consent"),
    ],
)
def test_a_consent_is_for_its_channel_and_its_address(
    scope: dict[str, str], point: str, rule: str
) -> None:
    second = replace(POINTS[0], point_id="second")
    story = american().when(c.AddContactPoint(point=second), at=NOON_THERE)
    story.when(replace(CONSENT, **scope), at=NOON_THERE)
    assert asked(story, point_id=point, at=NOON_THERE) == rule


def test_a_consent_that_is_withdrawn_for_one_address_holds_for_the_others() -> None:
    second = replace(POINTS[0], point_id="second")
    story = american().when(c.AddContactPoint(point=second), at=NOON_THERE)
    story.when(CONSENT, at=NOON_THERE)
    story.when(replace(WITHDRAWAL, point_id="mobile"), at=NOON_THERE)
    assert asked(story, point_id="mobile", at=NOON_THERE) == "us.tcpa_consent"
    assert asked(story, point_id="second", at=NOON_THERE) == ""


# --- hours -----------------------------------------------------------------------------------

EVENING = c.AgreeHours(
    agreement_id="a-1",
    hours=(e.AgreedHours(start=time(18), end=time(20)),),
    how="works during the day",
)


def test_agreed_hours_take_the_place_of_the_law_s_where_it_lets_them() -> None:
    story = given(*opened()).when(EVENING).when(request("call"))
    refused = story.then_one(e.ContactRefused)
    assert refused.inputs["agreed"] == "every day 18:00-20:00"
    assert refused.next_lawful_at == NOON + 6 * HOUR
    story.when(request("call"), at=NOON + 6 * HOUR).then_one(e.ContactPermitted)


def test_hours_agreed_for_letters_say_nothing_of_calls() -> None:
    letters = e.AgreedHours(start=time(18), end=time(20), channels=("letter",))
    story = given(*opened()).when(replace(EVENING, hours=(letters,)))
    story.when(request("call")).then_one(e.ContactPermitted)


def test_hours_that_are_agreed_call_back_what_was_permitted_before() -> None:
    story = given(*opened()).when(request()).when(EVENING)
    story.then_one(e.HoursAgreed)
    story.then_one(e.ContactCancelled, lambda event: event.recalled)
    story.when(EVENING).then_nothing()


def test_agreed_hours_end_once_and_only_if_there_were_any() -> None:
    story = given(*opened()).when(EVENING)
    end = c.EndAgreedHours(agreement_id="a-1", how="changed their mind")
    story.when(replace(end, agreement_id="a-2")).then_raises(Unknown, "agreement_id")
    story.when(end).then(e.AgreedHoursEnded(at=NOON, agreement_id="a-1", how="changed their mind"))
    assert story.case is not None
    assert story.case.agreed_hours == {}
    story.when(end).then_nothing().when(EVENING).then_nothing()


def test_hours_that_never_begin_are_no_hours() -> None:
    with pytest.raises(ValueError, match="are the same"):
        e.AgreedHours(start=time(9), end=time(9))


# --- media -----------------------------------------------------------------------------------


def test_a_refused_medium_is_not_used_until_it_is_allowed_again() -> None:
    story = given(*opened()).when(request())
    refusal = c.RefuseMedium(medium="sms", how="asked")
    story.when(refusal).then(
        e.MediumRefused(at=NOON, medium="sms", how="asked"),
        e.ContactCancelled(
            at=NOON,
            contact_id=CONTACT,
            reason="the debtor asked not to be reached like this: sms",
            recalled=True,
        ),
    )
    story.when(refusal).then_nothing()
    story.when(request(contact_id=SECOND))
    assert story.then_one(e.ContactRefused).rule == "medium_refused"
    allowed = c.AllowMedium(medium="sms", how="asked")
    story.when(allowed).when(request(contact_id=SECOND)).then_one(e.ContactPermitted)
    story.when(allowed).then_nothing()


def test_a_refused_workplace_calls_back_what_goes_there_and_nothing_else() -> None:
    office = replace(POINTS[0], point_id="office", use="work")
    story = given(*opened()).when(c.AddContactPoint(point=office))
    story.when(request("call", point_id="office"))
    story.when(c.RefuseMedium(medium="workplace", how="asked"))
    story.then_one(e.ContactCancelled)
    story.when(request("call", contact_id=SECOND, point_id="office"))
    assert story.then_one(e.ContactRefused).rule == "medium_refused"
    story.when(request("call", contact_id=SECOND, point_id="mobile")).then_one(e.ContactPermitted)


def test_at_work_an_american_is_called_with_consent_only() -> None:
    office = replace(POINTS[0], point_id="office", use="work")
    story = american().when(c.AddContactPoint(point=office), at=NOON_THERE)
    assert asked(story, "call", "office", at=NOON_THERE) == "us.workplace"
    word = replace(CONSENT, consent="workplace", point_id="office")
    assert asked(story.when(word, at=NOON_THERE), "call", "office", at=NOON_THERE) == ""


@pytest.mark.parametrize("kind", ["vulnerability", "bereavement"])
def test_the_vulnerable_and_the_bereaved_are_left_in_peace_by_default(kind: str) -> None:
    story = given(*opened()).when(request()).when(hold(kind))  # type: ignore[arg-type]
    story.then_one(e.ContactCancelled, lambda event: event.recalled)
    for channel in ("sms", "email", "letter", "call", "visit"):
        story.when(request(channel, contact_id=SECOND)).then_one(e.ContactRefused)
