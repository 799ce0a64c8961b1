"""What is known of a case reaches the rules: licence, content, facts, limitation, debts, places."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.errors import Invalid, Unknown
from duecourse.case.situation import situation
from duecourse.case.terms import MOST_PLACES
from duecourse.testing import given
from duecourse.testing.sample import (
    CONTACT,
    DAY,
    DEBT,
    DEBTOR,
    NOON,
    OTHER_DEBT,
    TALK,
    accepted,
    debt,
    dispatch,
    opened,
    request,
    talk,
)

AMERICAN = replace(DEBTOR, time_zone="America/New_York", jurisdiction="US", language="en")
NINE_PM_THERE = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)
NOON_THERE = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
SECOND = UUID(int=CONTACT.int + 1)
FICTIONAL_BANK = "fictional-bank"
THREAT = c.RequestContact(contact_id=CONTACT, channel="letter", template="letter-before-action")
DECLARED = {
    ("letter-before-action", "letter", "zh"): ("letter_of_claim", "legal_threat"),
    ("reminder-first", "email", "zh"): ("opt_out_line",),
    ("reminder-first", "email", "en"): ("opt_out_line",),
    ("bare", "email", "en"): (),
}
IN_TIME = c.RecordLimitation(debt_id=DEBT, expires_on=date(2029, 2, 27), how="three years")


def case_seen(story: given, **options: object) -> object:
    assert story.case is not None
    return situation(story.case, "sms", "mobile", NOON, **options)  # type: ignore[arg-type]


# --- licence ---------------------------------------------------------------------------------


def american(*, licence: str) -> given:
    events = opened(debtor=AMERICAN, at=NOON_THERE)
    return given(*events, licences={FICTIONAL_BANK: licence})


def test_what_the_collector_is_goes_on_record_before_the_rules_are_asked() -> None:
    story = american(licence="first_party")
    story.when(request("call"), at=NOON_THERE)
    recorded, permitted, *_ = story.events
    assert recorded == e.LicenceRecorded(at=NOON_THERE, licence="first_party")
    assert isinstance(permitted, e.ContactPermitted)
    story.when(request("call", contact_id=SECOND), at=NOON_THERE)
    assert not [each for each in story.events if isinstance(each, e.LicenceRecorded)]


def test_a_licence_that_the_settings_no_longer_name_is_not_known_any_more() -> None:
    opening = replace(opened(debtor=AMERICAN, at=NOON_THERE)[0], licence="first_party")
    story = given(opening, *opened(debtor=AMERICAN, at=NOON_THERE)[1:])
    story.when(request("call"), at=NOON_THERE)
    assert story.then_one(e.LicenceRecorded).licence == ""


def test_a_case_opens_with_the_licence_of_its_creditor() -> None:
    story = given(licences={FICTIONAL_BANK: "fdcpa_collector", "other": "first_party"})
    opening = c.OpenCase(
        creditor=FICTIONAL_BANK,
        creditor_name="Fictional Bank",
        subject_id=UUID(int=1),
        borrower_ref="B-1",
        debtor=AMERICAN,
        contact_points=(),
        debts=(debt(),),
    )
    assert story.when(opening).then_one(e.CaseOpened).licence == "fdcpa_collector"


def test_rules_for_collectors_bind_collectors_and_whoever_is_not_known() -> None:
    """At nine in the evening the house policy forbids it to all, and federal law to a collector."""
    for licence, rule in (("fdcpa_collector", "us.quiet_hours"), ("", "us.quiet_hours")):
        story = american(licence=licence).when(request("call"), at=NINE_PM_THERE)
        refused = story.then_one(e.ContactRefused)
        assert refused.rule == rule
    story = american(licence="first_party").when(request("call"), at=NINE_PM_THERE)
    assert story.then_one(e.ContactRefused).rule == "house.quiet_hours"


# --- content ---------------------------------------------------------------------------------


def test_what_a_template_declares_is_recorded_with_the_permission() -> None:
    story = given(*opened(), contents=DECLARED).when(request("email"))
    assert story.then_one(e.ContactPermitted).content == ("opt_out_line",)
    story = given(*opened(), contents=DECLARED).when(request("call"))
    assert story.then_one(e.ContactPermitted).content is None


def test_a_message_without_the_line_that_the_law_asks_for_is_refused_at_the_request() -> None:
    bare = replace(request("email"), template="bare")
    story = given(*opened(debtor=AMERICAN, at=NOON_THERE), contents=DECLARED)
    refused = story.when(bare, at=NOON_THERE).then_one(e.ContactRefused)
    assert (refused.rule, refused.content) == ("us.opt_out_line", ())
    story.when(request("email"), at=NOON_THERE).then_one(e.ContactPermitted)


def test_a_threat_needs_a_limitation_period_that_is_known_to_run() -> None:
    old = given(*opened(debt(due_on=date(2023, 3, 1))), contents=DECLARED)
    refused = old.when(THREAT).then_one(e.ContactRefused)
    assert refused.rule == "cn.no_threat_after_limitation"
    given(*opened(), contents=DECLARED).when(THREAT).then_one(e.ContactPermitted)


def test_a_permitted_threat_does_not_leave_once_the_limitation_period_has_run_out() -> None:
    story = given(*opened(), contents=DECLARED).when(IN_TIME).when(THREAT)
    story.when(replace(IN_TIME, expires_on=date(2026, 3, 1)))
    refused = story.when(dispatch()).then_one(e.ContactRefused)
    assert (refused.rule, refused.moment) == ("cn.no_threat_after_limitation", "dispatch")
    assert refused.content == ("letter_of_claim", "legal_threat")


# --- limitation ------------------------------------------------------------------------------


def limitation(story: given, at: datetime = NOON, debts: tuple[UUID, ...] = ()) -> str:
    assert story.case is not None
    return situation(story.case, "sms", "mobile", at, debts=debts).limitation


def test_the_last_day_still_counts_as_running() -> None:
    last = date(2026, 3, 2)
    story = given(*opened(replace(debt(), limitation_expires_on=last)))
    assert limitation(story) == "running"
    assert limitation(story, NOON + DAY) == "expired"


def test_one_expired_debt_makes_all_expired_and_one_unknown_not_known() -> None:
    runs = replace(debt(), limitation_expires_on=date(2029, 1, 1))
    story = given(*opened(runs, debt(OTHER_DEBT), debtor=AMERICAN))
    assert limitation(story) == ""
    assert limitation(story, debts=(DEBT,)) == "running"
    over = c.RecordLimitation(debt_id=OTHER_DEBT, expires_on=date(2020, 1, 1), how="too old")
    assert limitation(story.when(over)) == "expired"
    story.when(over).then_nothing()
    assert limitation(story.when(replace(over, expires_on=None))) == ""


def test_a_limitation_is_recorded_for_a_debt_of_the_case_only() -> None:
    unknown = replace(IN_TIME, debt_id=UUID(int=99))
    given(*opened()).when(unknown).then_raises(Unknown, "debt_id")


# --- facts -----------------------------------------------------------------------------------


def test_a_recorded_fact_is_seen_and_can_be_taken_back() -> None:
    fact = c.RecordFact(fact="told_before_reporting", on=date(2026, 3, 1), how="by post")
    story = given(*opened()).when(fact)
    assert story.case is not None
    assert case_seen(story).facts == {"told_before_reporting": date(2026, 3, 1)}  # type: ignore[attr-defined]
    story.when(fact).then_nothing()
    story.when(replace(fact, on=None)).then_one(e.FactRecorded)
    assert case_seen(story).facts == {}  # type: ignore[attr-defined]
    story.when(replace(fact, on=None)).then_nothing()


def letter_sent() -> given:
    story = given(*opened(), contents=DECLARED).when(IN_TIME).when(THREAT)
    return story.when(dispatch()).when(accepted())


def test_a_letter_that_was_taken_tells_the_day_of_what_it_contains() -> None:
    facts = case_seen(letter_sent()).facts  # type: ignore[attr-defined]
    assert facts["letter_of_claim"] == date(2026, 3, 2)


def test_a_letter_that_came_back_tells_nothing() -> None:
    back = c.RecordReceipt(
        contact_id=CONTACT, receipt_id="r-1", status="returned", occurred_at=NOON
    )
    assert case_seen(letter_sent().when(back)).facts == {}  # type: ignore[attr-defined]


def test_an_email_tells_something_only_once_it_was_delivered() -> None:
    story = given(*opened(), contents=DECLARED).when(request("email"))
    story.when(dispatch()).when(accepted())
    assert case_seen(story).facts == {}  # type: ignore[attr-defined]
    here = c.RecordReceipt(
        contact_id=CONTACT, receipt_id="r-1", status="delivered", occurred_at=NOON
    )
    assert case_seen(story.when(here)).facts == {"opt_out_line": date(2026, 3, 2)}  # type: ignore[attr-defined]


# --- debts and addresses ---------------------------------------------------------------------


def test_a_call_about_one_debt_does_not_count_for_another() -> None:
    """After a conversation about one debt, that debt rests for seven days; another may be called about."""
    story = given(
        *opened(debt(), debt(OTHER_DEBT), debtor=AMERICAN, at=NOON_THERE),
        licences={FICTIONAL_BANK: "fdcpa_collector"},
    )
    story.when(replace(request("call"), debts=(DEBT,)), at=NOON_THERE)
    said = replace(talk(at=NOON_THERE), debts=(DEBT,), point_id="mobile")
    story.when(said, at=NOON_THERE)
    assert story.then_one(e.ConversationLogged).debts == (DEBT,)
    later = NOON_THERE + DAY
    again = replace(request("call", contact_id=SECOND), debts=(DEBT,))
    assert story.when(again, at=later).then_one(e.ContactRefused).rule == "us.after_conversation"
    about_both = replace(again, debts=())
    assert story.when(about_both, at=later).then_one(e.ContactRefused).debts == ()
    other = replace(again, debts=(OTHER_DEBT,))
    assert story.when(other, at=later).then_one(e.ContactPermitted).debts == (OTHER_DEBT,)


@pytest.mark.parametrize(
    "command",
    [
        replace(request("call"), debts=(UUID(int=99),)),
        replace(talk(), conversation_id=TALK, debts=(UUID(int=99),)),
    ],
)
def test_a_debt_that_the_case_never_had_is_named(command: c.Command) -> None:
    given(*opened()).when(command).then_raises(Unknown, "debts")


def test_a_call_that_was_agreed_to_beforehand_does_not_count_against_the_cap() -> None:
    """Seven calls in seven days, the first of which the debtor had asked for."""
    story = given(
        *opened(debtor=AMERICAN, at=NOON_THERE), licences={FICTIONAL_BANK: "fdcpa_collector"}
    )
    for day in range(7):
        missed = replace(
            talk("no_answer", at=NOON_THERE + day * DAY),
            conversation_id=UUID(int=200 + day),
            consented_at=None if day else NOON_THERE,
        )
        story.when(missed, at=NOON_THERE + day * DAY)
    at = NOON_THERE + 6 * DAY + timedelta(hours=3)
    story.when(request("call"), at=at).then_one(e.ContactPermitted)
    one_more = replace(talk("no_answer", at=at), conversation_id=UUID(int=300))
    story.when(one_more, at=at)
    refused = story.when(request("call", contact_id=SECOND), at=at + timedelta(hours=2))
    assert refused.then_one(e.ContactRefused).rule == "us.seven_in_seven"


# --- places ----------------------------------------------------------------------------------

LONDON = c.AddPossiblePlace(time_zone="Europe/London", jurisdiction="GB")


def test_of_two_places_the_strictest_decides_until_one_is_settled() -> None:
    """At noon in Shanghai it is four in the morning in London."""
    story = given(*opened()).when(request())
    story.when(LONDON).then_one(e.ContactCancelled, lambda event: event.recalled)
    story.when(LONDON).then_nothing()
    refused = story.when(request(contact_id=SECOND)).then_one(e.ContactRefused)
    assert refused.inputs["place"] == "GB Europe/London"
    settled = c.MoveDebtor(time_zone="Asia/Shanghai", jurisdiction="CN")
    story.when(settled).then_one(e.DebtorMoved)
    story.when(request(contact_id=SECOND)).then_one(e.ContactPermitted)
    story.when(settled).then_nothing()


def test_the_place_that_is_known_already_is_no_other_place() -> None:
    known = c.AddPossiblePlace(time_zone="Asia/Shanghai", jurisdiction="CN")
    given(*opened()).when(known).then_nothing()


def test_a_case_holds_so_many_places_and_no_more() -> None:
    story = given(*opened())
    for number in range(MOST_PLACES):
        story.when(c.AddPossiblePlace(time_zone="Europe/London", jurisdiction=f"US-{number}"))
    story.when(LONDON).then_raises(Invalid)
