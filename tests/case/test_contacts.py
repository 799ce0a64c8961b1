"""Permission, refusal, dispatch and what comes back."""

from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import UUID

import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.errors import Unknown, WrongState
from duecourse.case.state import RECEIPT_ORDER, Case
from duecourse.case.words import Channel, ReceiptStatus
from duecourse.testing import given
from duecourse.testing.sample import (
    CONTACT,
    DAY,
    DEBT,
    DEBTOR,
    LATE,
    NOON,
    OTHER_DEBT,
    POINTS,
    accepted,
    debt,
    dispatch,
    hold,
    opened,
    pay,
    request,
)

MAIL = UUID(int=40)
TWO_HOURS = timedelta(hours=2)
UNKNOWN = c.RecordUnknown(contact_id=CONTACT, reason="a crash while sending")
REJECTED = c.RecordRejected(contact_id=CONTACT, reason="no such number")


def permitted() -> given:
    return given(*opened()).when(request())


def sent() -> given:
    return permitted().when(dispatch())


def case_of(story: given) -> Case:
    assert story.case is not None
    return story.case


def receipt(status: ReceiptStatus, receipt_id: str = "r-1") -> c.RecordReceipt:
    return c.RecordReceipt(
        contact_id=CONTACT, receipt_id=receipt_id, status=status, occurred_at=NOON, detail="gw"
    )


def test_a_contact_at_noon_is_permitted_for_a_while_and_begins_the_reminders() -> None:
    permitted().then(
        e.ContactPermitted(
            at=NOON,
            contact_id=CONTACT,
            channel="sms",
            point_id="mobile",
            template="reminder-first",
            language="zh",
            expires_at=NOON + TWO_HOURS,
        ),
        e.StageMoved(at=NOON, to="reminder", reason="the first contact was permitted"),
    )


def test_asking_for_the_same_contact_again_gives_nothing() -> None:
    permitted().when(request()).then_nothing()


def test_a_contact_late_in_the_evening_is_refused_until_the_morning() -> None:
    refused = given(*opened()).when(request(), at=LATE).then_one(e.ContactRefused)
    assert (refused.rule, refused.moment) == ("cn.quiet_hours", "request")
    assert "GB/T 45251-2025" in refused.citation
    assert refused.inputs["local_time"].startswith("2026-03-02 22:30:00")
    assert refused.next_lawful_at == datetime(2026, 3, 3, 1, 0, tzinfo=UTC)


def test_a_refused_contact_leaves_the_case_in_intake() -> None:
    case = case_of(given(*opened()).when(request(), at=LATE))
    assert (case.stage, case.contacts) == ("intake", {})


def test_at_the_next_lawful_moment_the_same_contact_is_permitted() -> None:
    story = given(*opened()).when(request(), at=LATE)
    refused = story.then_one(e.ContactRefused)
    assert refused.next_lawful_at is not None
    story.when(request(), at=refused.next_lawful_at).then_one(e.ContactPermitted)


@pytest.mark.parametrize(
    ("debtor", "rule"),
    [
        (replace(DEBTOR, time_zone=""), "unknown_time_zone"),
        (replace(DEBTOR, time_zone="Nowhere/None"), "unknown_time_zone"),
        (replace(DEBTOR, jurisdiction=""), "unknown_jurisdiction"),
        (replace(DEBTOR, jurisdiction="ZZ"), "unknown_jurisdiction"),
    ],
)
def test_what_is_unknown_blocks(debtor: e.Debtor, rule: str) -> None:
    refused = given(*opened(debtor=debtor)).when(request()).then_one(e.ContactRefused)
    assert refused.rule == rule


@pytest.mark.parametrize(
    "point",
    [
        None,
        replace(POINTS[0], address=""),
        replace(POINTS[0], kind="email"),
        replace(POINTS[0], holder="third_party"),
    ],
)
def test_a_channel_without_an_address_of_the_debtor_is_refused(point: e.ContactPoint) -> None:
    change: c.Command = c.RetireContactPoint(point_id="mobile", reason="wrong number")
    if point is not None:
        change = c.AddContactPoint(point=point)
    story = given(*opened()).when(change).when(request())
    assert story.then_one(e.ContactRefused).rule == "no_usable_address"


def test_a_third_party_is_not_contacted_though_asked_for_by_address() -> None:
    neighbour = replace(POINTS[0], point_id="neighbour", holder="third_party")
    story = given(*opened()).when(c.AddContactPoint(point=neighbour))
    refused = story.when(request(point_id="neighbour")).then_one(e.ContactRefused)
    assert refused.rule == "third_party"
    assert refused.next_lawful_at is None


def test_the_first_usable_address_is_taken_unless_one_is_named() -> None:
    second = replace(POINTS[0], point_id="second")
    story = given(*opened()).when(c.AddContactPoint(point=second))
    assert story.when(request()).then_one(e.ContactPermitted).point_id == "mobile"
    story = given(*opened()).when(c.AddContactPoint(point=second))
    assert story.when(request(point_id="second")).then_one(e.ContactPermitted).point_id == "second"


def test_an_unused_permission_counts_against_the_cap() -> None:
    other = request("email", contact_id=MAIL)
    assert permitted().when(other).then_one(e.ContactRefused).rule == "house.written_per_day"


def test_an_expired_permission_no_longer_counts() -> None:
    other = request("email", contact_id=MAIL)
    permitted().when(other, at=NOON + TWO_HOURS).then_one(e.ContactPermitted)


@pytest.mark.parametrize("outcome", [accepted(), UNKNOWN, None])
def test_what_left_or_may_have_left_counts_against_the_cap(outcome: c.Command | None) -> None:
    story = sent() if outcome is None else sent().when(outcome)
    later = story.when(request("email", contact_id=MAIL), at=NOON + 3 * TWO_HOURS)
    assert later.then_one(e.ContactRefused).rule == "house.written_per_day"


def test_what_surely_did_not_leave_does_not_count() -> None:
    story = sent().when(REJECTED)
    story.when(request("email", contact_id=MAIL)).then_one(e.ContactPermitted)


def test_a_case_that_is_closed_or_owes_nothing_is_left_in_peace() -> None:
    closed = given(*opened()).when(c.CloseCase(reason="uneconomic")).when(request())
    assert closed.then_one(e.ContactRefused).rule == "closed"
    paid = given(*opened()).when(pay(60_000)).when(c.ReopenCase(reason="by mistake"))
    assert paid.when(request()).then_one(e.ContactRefused).rule == "nothing_owed"


def test_no_contact_about_a_debt_that_was_withdrawn() -> None:
    story = given(*opened(debt(), debt(OTHER_DEBT)))
    story.when(c.WithdrawDebt(debt_id=DEBT, reason="sold back"))
    refused = story.when(replace(request(), debts=(DEBT,))).then_one(e.ContactRefused)
    assert refused.rule == "nothing_owed"
    story.when(replace(request(), debts=(OTHER_DEBT,))).then_one(e.ContactPermitted)


# --- dispatch --------------------------------------------------------------------------------


def test_sending_begins_with_a_committed_word_of_what_is_sent() -> None:
    sent().then(
        e.ContactDispatching(
            at=NOON,
            contact_id=CONTACT,
            key=str(CONTACT),
            plugin="sms-first",
            body_sha256="ab" * 32,
        )
    ).when(dispatch()).then_nothing()


def test_only_a_permitted_contact_is_sent() -> None:
    given(*opened()).when(dispatch()).then_raises(Unknown, "contact_id")


def test_the_rules_are_asked_again_at_dispatch() -> None:
    evening = NOON.replace(hour=12, minute=30)  # 20:30, so the permission lasts into quiet hours
    story = given(*opened()).when(request(), at=evening)
    refused = story.when(dispatch(), at=evening.replace(hour=13, minute=5))
    answer = refused.then_one(e.ContactRefused)
    assert (answer.moment, answer.rule) == ("dispatch", "house.quiet_hours")
    assert case_of(refused).contacts[CONTACT].status == "cancelled"
    refused.when(dispatch(), at=evening.replace(hour=13, minute=10)).then_nothing()


def test_its_own_permission_is_not_counted_at_dispatch() -> None:
    permitted().when(dispatch(), at=NOON + DAY / 24).then_one(e.ContactDispatching)


def test_an_opt_out_that_recalled_nothing_is_still_seen_at_dispatch() -> None:
    # The event alone, as an older version might have written it.
    story = given(*opened(), *permitted().events, e.ChannelOptedOut(at=NOON, channel="sms", how=""))
    refused = story.when(dispatch()).then_one(e.ContactRefused)
    assert (refused.rule, refused.moment) == ("opted_out", "dispatch")


def test_a_hold_that_recalled_nothing_is_still_seen_at_dispatch() -> None:
    placed = e.HoldPlaced(
        at=NOON, hold_id="h", kind="dispute", blocks=("outreach",), until=None, authority=""
    )
    refused = given(*opened(), *permitted().events, placed).when(dispatch())
    assert refused.then_one(e.ContactRefused).rule == "hold_blocks"


def test_a_close_that_recalled_nothing_is_still_seen_at_dispatch() -> None:
    closed = e.CaseClosed(at=NOON, reason="sold", note="")
    refused = given(*opened(), *permitted().events, closed).when(dispatch())
    assert refused.then_one(e.ContactRefused).rule == "closed"


def test_an_expired_permission_is_void() -> None:
    story = permitted()
    story.when(dispatch(), at=NOON + TWO_HOURS).then(
        e.ContactCancelled(at=NOON + TWO_HOURS, contact_id=CONTACT, reason="the permission expired")
    )


@pytest.mark.parametrize("later", [NOON, NOON + DAY / 24])
def test_a_text_that_asks_for_money_paid_since_is_not_sent(later: datetime) -> None:
    story = permitted().when(pay(10_000), at=later)
    assert "payment came in" in story.then_one(e.ContactCancelled).reason
    story.when(dispatch(), at=later).then_nothing()


def test_a_permission_to_call_outlives_a_payment() -> None:
    story = given(*opened()).when(request("call")).when(pay(10_000))
    assert not [event for event in story.events if isinstance(event, e.ContactCancelled)]


POSTPONED = c.RecordPostponed(
    contact_id=CONTACT, until=NOON + DAY / 24, reason="the gateway is busy"
)


def test_a_message_the_channel_could_not_take_has_left_nothing_and_is_asked_for_anew() -> None:
    story = permitted().when(dispatch()).when(POSTPONED)
    story.then_one(e.ContactPostponed)
    assert story.case is not None
    waiting = story.case.contacts[CONTACT]
    assert (waiting.status, waiting.dispatched_at) == ("permitted", None)
    story.when(POSTPONED).then_nothing()
    story.when(hold()).when(dispatch(), at=NOON + DAY / 24).then_nothing()


@pytest.mark.parametrize(
    "meanwhile",
    [
        pay(10_000),
        pay(60_000),
        hold(),
        c.RecordOptOut(channel="sms", how="by phone"),
        c.RetireContactPoint(point_id="mobile", reason="not theirs"),
        c.AddContactPoint(
            point=e.ContactPoint(point_id="mobile", kind="phone", address="+8613900000001")
        ),
        c.WithdrawDebt(debt_id=DEBT, reason="sold back"),
        c.CloseCase(reason="sold"),
    ],
)
def test_what_calls_a_message_off_while_the_channel_is_busy_is_heeded(
    meanwhile: c.Command,
) -> None:
    story = permitted().when(dispatch()).when(meanwhile).when(POSTPONED)
    assert story.then_one(e.ContactCancelled).recalled
    story.when(dispatch(), at=NOON + DAY / 24).then_nothing()


def test_a_message_that_would_be_tried_after_its_permission_is_rejected() -> None:
    late = replace(POSTPONED, until=NOON + TWO_HOURS)
    permitted().when(dispatch()).when(late).then_one(e.ContactRejected)


def test_who_wants_nothing_but_letters_gets_letters() -> None:
    story = given(*opened()).when(c.RecordOptOut(channel="all", how="by phone"))
    story.when(c.RecordOptIn(channel="letter", how="by phone")).then_one(e.ChannelOptedIn)
    story.when(c.RecordOptIn(channel="letter", how="by phone")).then_nothing()
    story.when(request("sms")).then_one(e.ContactRefused)
    story.when(request("letter")).then_one(e.ContactPermitted)
    story.when(c.RecordOptOut(channel="all", how="again")).then_one(e.ChannelOptedOut)
    story.when(request("letter", contact_id=UUID(int=61))).then_one(e.ContactRefused)


def test_an_opt_in_to_everything_ends_every_opt_out() -> None:
    story = given(*opened())
    for channel in ("sms", "all"):
        story.when(c.RecordOptOut(channel=channel, how="by phone"))
    story.when(c.RecordOptIn(channel="all", how="by letter")).then_one(e.ChannelOptedIn)
    story.when(request("sms")).then_one(e.ContactPermitted)


def test_a_permission_is_called_back_once_and_only_before_it_is_used() -> None:
    command = c.CancelContact(contact_id=CONTACT, reason="they called us")
    story = permitted().when(command)
    story.then(e.ContactCancelled(at=NOON, contact_id=CONTACT, reason="they called us"))
    story.when(command).then_nothing()
    sent().when(command).then_raises(WrongState, "contact_id")
    given(*opened()).when(command).then_raises(Unknown, "contact_id")


# --- what came of it ---------------------------------------------------------------------------


def test_the_channel_took_it() -> None:
    story = sent().when(accepted())
    story.then(e.ContactAccepted(at=NOON, contact_id=CONTACT, reference="gw-1"))
    story.when(accepted()).then_nothing()


def test_the_channel_refused_it() -> None:
    story = sent().when(REJECTED)
    story.then(e.ContactRejected(at=NOON, contact_id=CONTACT, reason="no such number"))
    story.when(REJECTED).then_nothing()


def test_nobody_knows_and_it_is_not_sent_again() -> None:
    story = sent().when(UNKNOWN)
    story.then(e.ContactUnknown(at=NOON, contact_id=CONTACT, reason="a crash while sending"))
    story.when(UNKNOWN).then_nothing()
    story.when(dispatch()).then_nothing()


@pytest.mark.parametrize("answer", [accepted(), REJECTED])
def test_an_unknown_outcome_may_still_become_known(answer: c.Command) -> None:
    story = sent().when(UNKNOWN).when(answer)
    assert case_of(story).contacts[CONTACT].status in {"accepted", "rejected"}


def test_a_report_of_what_was_never_permitted_names_it() -> None:
    for report in (accepted(), REJECTED, UNKNOWN, receipt("sent")):
        given(*opened()).when(report).then_raises(Unknown, "contact_id")


def test_a_receipt_counts_once() -> None:
    story = sent().when(accepted()).when(receipt("delivered"))
    story.then(
        e.ReceiptRecorded(
            at=NOON,
            contact_id=CONTACT,
            receipt_id="r-1",
            status="delivered",
            occurred_at=NOON,
            detail="gw",
        )
    )
    story.when(receipt("delivered")).then_nothing()


def test_a_complaint_to_the_carrier_is_an_opt_out() -> None:
    story = sent().when(accepted()).when(receipt("complained"))
    story.then_one(e.ReceiptRecorded)
    story.then_one(
        e.ChannelOptedOut, lambda out: out.channel == case_of(story).contacts[CONTACT].channel
    )


@pytest.mark.parametrize("order", [1, -1])
def test_receipts_in_any_order_end_in_the_same_state(order: int) -> None:
    story = sent()
    for n, status in enumerate(("queued", "sent", "delivered", "bounced")[::order]):
        story.when(receipt(status, f"r-{n}"))  # type: ignore[arg-type]
    assert case_of(story).contacts[CONTACT].delivery == "bounced"


def test_every_receipt_has_its_place_in_the_order() -> None:
    assert sorted(RECEIPT_ORDER) == sorted(get_args(ReceiptStatus))


# --- the debtor's word -------------------------------------------------------------------------

STOP = [
    "STOP",
    "stop.",
    " Stop! ",
    "ＳＴＯＰ",  # full-width
    "ｓｔｏｐ！",
    "Unsubscribe",
    "STOP ALL",
    "T",
    "TD",
    "ｔｄ",
    "退订",
    "退订。",
    " 退订！ ",
    "停止",
    "请勿再发",
    "别再发了",
]
NOT_STOP = [
    "I will stop by the branch tomorrow",
    "don't stop",
    "停止扣款了吗？",
    "我想退订彩铃怎么办",
    "TODAY",
    "",
    "   ",
    "ok",
]


def reply(text: str, reply_id: str = "in-1", channel: Channel = "sms") -> c.RecordReply:
    return c.RecordReply(
        reply_id=reply_id, channel=channel, text=text, occurred_at=NOON, point_id="mobile"
    )


def test_a_reply_is_kept_word_for_word_and_once() -> None:
    story = given(*opened()).when(reply("我下周付，谢谢。"))
    story.then(
        e.ReplyReceived(
            at=NOON,
            reply_id="in-1",
            channel="sms",
            point_id="mobile",
            text="我下周付，谢谢。",
            occurred_at=NOON,
        )
    )
    story.when(reply("我下周付，谢谢。")).then_nothing()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("不要再打电话给我了", "call"),
        ("请勿再致电。", "call"),
        ("Stop calling me!", "call"),
        ("Please don't call again", "call"),
        ("别再联系我", "all"),
        ("请不要再骚扰我了", "all"),
        ("Do not contact me again.", "all"),
        ("Leave me alone", "all"),
        ("Stop texting me", "sms"),
        ("请打电话给我", ""),
        ("Please call me again", ""),
        ("你们联系我了吗", ""),
    ],
)
def test_a_reply_may_leave_more_than_the_channel_it_comes_on(text: str, left: str) -> None:
    story = given(*opened()).when(reply(text))
    out = [each.channel for each in story.events if isinstance(each, e.ChannelOptedOut)]
    assert out == ([left] if left else [])


@pytest.mark.parametrize("text", STOP)
def test_a_reply_that_says_stop_ends_the_channel(text: str) -> None:
    story = given(*opened()).when(reply(text))
    assert story.then_one(e.ReplyReceived).text == text
    story.then_one(e.ChannelOptedOut, lambda out: (out.channel, out.how) == ("sms", "reply"))
    assert story.when(request()).then_one(e.ContactRefused).rule == "opted_out"


@pytest.mark.parametrize("text", NOT_STOP)
def test_other_words_do_not(text: str) -> None:
    story = given(*opened()).when(reply(text))
    assert len(story.events) == 1
    assert case_of(story).opted_out == ()


def test_an_opt_out_calls_back_what_is_waiting_on_its_channel_alone() -> None:
    command = c.RecordOptOut(channel="sms", how="by letter")
    story = permitted().when(command)
    story.then(
        e.ChannelOptedOut(at=NOON, channel="sms", how="by letter"),
        e.ContactCancelled(
            at=NOON, contact_id=CONTACT, reason="the debtor opted out", recalled=True
        ),
    )
    story.when(command).then_nothing()
    by_mail = c.RecordOptOut(channel="email", how="by letter")
    permitted().when(by_mail).then(e.ChannelOptedOut(at=NOON, channel="email", how="by letter"))


def test_an_opt_out_of_all_calls_back_everything() -> None:
    story = permitted().when(c.RecordOptOut(channel="all", how="by letter"))
    story.then_one(e.ContactCancelled)
    refused = story.when(request("email", contact_id=MAIL)).then_one(e.ContactRefused)
    assert refused.rule == "opted_out"


def test_opting_in_again_opens_the_channel() -> None:
    command = c.RecordOptIn(channel="sms", how="asked on the phone")
    story = given(*opened()).when(reply("TD")).when(command)
    story.then(e.ChannelOptedIn(at=NOON, channel="sms", how="asked on the phone"))
    story.when(command).then_nothing()
    story.when(request()).then_one(e.ContactPermitted)


def test_reports_are_taken_by_a_closed_case() -> None:
    closed = sent().when(c.CloseCase(reason="sold"))
    closed.when(accepted()).then_one(e.ContactAccepted)
    closed.when(receipt("bounced")).then_one(e.ReceiptRecorded)
    closed.when(reply("STOP")).then_one(e.ChannelOptedOut)
    closed.when(c.RecordOptIn(channel="sms", how="asked")).then_one(e.ChannelOptedIn)
    closed.when(c.RecordOptOut(channel="sms", how="asked")).then_one(e.ChannelOptedOut)
    closed.when(c.MoveDebtor(time_zone="", jurisdiction="")).then_one(e.DebtorMoved)


@pytest.mark.parametrize("report", [REJECTED, UNKNOWN])
def test_an_outcome_is_taken_by_a_closed_case(report: c.Command) -> None:
    assert len(sent().when(c.CloseCase(reason="sold")).when(report).events) == 1


def test_a_hold_in_between_calls_the_message_back() -> None:
    story = permitted().when(hold())
    story.then_one(e.ContactCancelled, lambda back: back.reason == "a hold was placed: dispute")
    story.when(dispatch()).then_nothing()


SECOND = {"sms": "sms", "sms-second": "sms", "chat": "chat"}
TWIN = e.ContactPoint(point_id="sms-second", kind="other", address="+8615400000000")


def of_two_gateways() -> given:
    story = given(*opened(), media=SECOND)
    return story.when(c.AddContactPoint(point=TWIN))


def second(contact_id: UUID = CONTACT) -> c.RequestContact:
    return request("sms-second", contact_id, "sms-second")


def test_a_second_gateway_is_judged_as_the_medium_that_it_is() -> None:
    permitted = of_two_gateways().when(second()).then_one(e.ContactPermitted)
    assert (permitted.channel, permitted.medium) == ("sms-second", "sms")
    american = replace(DEBTOR, jurisdiction="US", time_zone="America/New_York")
    story = given(*opened(debtor=american), media=SECOND).when(c.AddContactPoint(point=TWIN))
    refused = story.when(second(), at=NOON + DAY / 2).then_one(e.ContactRefused)
    assert (refused.rule, refused.medium) == ("us.tcpa_consent", "sms")


@pytest.mark.parametrize("left", ["sms", "sms-second"])
def test_whoever_leaves_one_gateway_has_left_the_medium(left: str) -> None:
    story = of_two_gateways().when(second()).when(c.RecordOptOut(channel=left, how="asked"))
    assert story.then_one(e.ChannelOptedOut).channel == "sms"
    assert story.then_one(e.ContactCancelled).contact_id == CONTACT
    for channel in ("sms", "sms-second"):
        asked = replace(second(MAIL), channel=channel, point_id="")
        assert story.when(asked, at=NOON + DAY).then_one(e.ContactRefused).rule == "opted_out"


def test_a_stop_sent_to_one_gateway_holds_for_the_other() -> None:
    stop = c.RecordReply(reply_id="r-1", channel="sms-second", text="STOP", occurred_at=NOON)
    story = of_two_gateways().when(stop)
    assert story.when(request(), at=NOON + DAY).then_one(e.ContactRefused).rule == "opted_out"


def test_at_dispatch_a_second_gateway_is_judged_as_its_medium_again() -> None:
    story = of_two_gateways().when(second())
    story.when(c.RefuseMedium(medium="sms", how="asked"))
    assert story.then_one(e.ContactCancelled).contact_id == CONTACT
