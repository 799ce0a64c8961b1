"""What the gate says of one contact, rule by rule."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from duecourse.rules.gate import (
    ActiveHold,
    PastContact,
    Situation,
    Verdict,
    judge,
    load_rulebook,
)
from duecourse.rules.kinds import QuietHours
from duecourse.rules.pack import Pack, RuleBook

BOOK = load_rulebook()
LAW_ONLY = RuleBook(tuple(pack for pack in BOOK.packs if pack.layer != "house"))
SHANGHAI = ZoneInfo("Asia/Shanghai")
PERMITTED = Situation(
    channel="sms",
    point_id="mobile",
    holder="debtor",
    jurisdiction="CN",
    time_zone="Asia/Shanghai",
    stage="reminder",
    is_closed=False,
    has_debt=True,
)


def local(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, minute, second, tzinfo=SHANGHAI)


NOON = local(2, 12)


def contact(at: datetime, **changes: Any) -> PastContact:
    made = PastContact(
        at=at,
        channel="sms",
        point_id="mobile",
        initiator="creditor",
        kind="message",
        party="debtor",
    )
    return replace(made, **changes)


def ask(at: datetime = NOON, book: RuleBook = BOOK, **changes: Any) -> Verdict:
    return judge(book, replace(PERMITTED, **changes), at)


def rules(verdict: Verdict) -> list[str]:
    return [finding.rule for finding in verdict.findings]


def test_a_plain_reminder_at_noon_is_allowed_and_nothing_is_said_against_it() -> None:
    assert ask() == Verdict(outcome="allow")


def test_the_last_second_before_ten_at_night_is_lawful_and_ten_is_not() -> None:
    assert ask(local(2, 21, 59, 59), LAW_ONLY).permitted
    verdict = ask(local(2, 22), LAW_ONLY)
    assert rules(verdict) == ["cn.quiet_hours", "cn.quiet_hours_guide"]
    assert verdict.next_lawful_at == local(3, 8)


def test_eight_in_the_morning_is_lawful_and_the_second_before_is_not() -> None:
    assert not ask(local(3, 7, 59, 59), LAW_ONLY).permitted
    assert ask(local(3, 8), LAW_ONLY).permitted


def test_house_policy_is_tighter_than_law_and_named_after_it() -> None:
    verdict = ask(local(2, 23))
    assert rules(verdict) == ["cn.quiet_hours", "cn.quiet_hours_guide", "house.quiet_hours"]
    assert verdict.first is not None
    assert verdict.first.confidence == "B"
    assert verdict.next_lawful_at == local(3, 9)


def test_the_debtors_night_counts_and_not_the_servers() -> None:
    noon_utc = datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert ask(noon_utc, time_zone="Asia/Shanghai").permitted
    assert not ask(noon_utc, time_zone="America/New_York").permitted


def test_the_day_of_a_cap_begins_at_the_debtors_midnight_and_not_the_servers() -> None:
    # 00:30 in Shanghai is still the day before in UTC; 23:59 is the day before everywhere.
    sent = contact(local(2, 0, 30))
    assert "house.written_per_day" in rules(ask(local(2, 20), past=(sent,)))
    assert ask(local(2, 9), past=(contact(local(1, 23, 59, 59)),)).permitted


def test_the_server_midnight_frees_nothing() -> None:
    # Between these two it becomes midnight in UTC, but not in Shanghai.
    verdict = ask(local(2, 9), past=(contact(local(2, 7, 30)),))
    assert rules(verdict) == ["house.written_per_day"]
    assert verdict.next_lawful_at == local(3, 9)


def test_the_fourth_message_of_a_week_waits_until_the_first_is_a_week_old() -> None:
    past = tuple(contact(local(day, 10)) for day in (2, 4, 6))
    verdict = ask(local(8, 12), past=past)
    assert rules(verdict) == ["house.written_per_week"]
    assert verdict.next_lawful_at == local(9, 10)


def test_two_permissions_cannot_slip_past_one_cap() -> None:
    verdict = ask(pending=(contact(NOON),))
    assert rules(verdict) == ["house.written_per_day"]


def test_a_permission_counts_on_the_day_it_may_still_be_used() -> None:
    pending = contact(local(1, 23), expires_at=local(2, 12, 30))
    assert rules(ask(NOON, pending=(pending,))) == ["house.written_per_day"]
    assert ask(local(3, 9), pending=(pending,)).permitted


def test_a_pending_call_counts_as_the_conversation_it_may_become() -> None:
    pending = contact(local(2, 9), channel="call", kind="attempt", party="nobody")
    assert "house.spoken_per_day" in rules(ask(channel="call", pending=(pending,)))
    assert ask(channel="call", past=(pending,)).permitted


def test_a_fourth_conversation_in_a_day_is_unlawful_and_unanswered_calls_are_not_counted() -> None:
    hours = (9, 13, 17)
    talks = tuple(contact(local(2, h), channel="call", kind="conversation") for h in hours)
    tries = tuple(replace(talk, kind="attempt", party="nobody") for talk in talks)
    late = local(2, 20)
    assert rules(ask(late, LAW_ONLY, channel="call", past=talks)) == ["cn.conversations_per_day"]
    assert ask(late, LAW_ONLY, channel="call", past=talks[:2] + tries).permitted


def test_a_seventh_attempt_waits_unless_it_goes_to_another_number() -> None:
    tries = tuple(
        contact(local(2, hour), channel="call", kind="attempt", party="nobody")
        for hour in range(8, 14)
    )
    verdict = ask(local(2, 20), LAW_ONLY, channel="call", past=tries)
    assert rules(verdict) == ["cn.attempts_per_number"]
    assert ask(local(2, 20), LAW_ONLY, channel="call", past=tries, point_id="work").permitted


def test_an_attempt_at_an_unknown_number_counts_for_every_number() -> None:
    tries = tuple(
        contact(local(2, hour), channel="call", kind="attempt", party="nobody", point_id="")
        for hour in range(8, 14)
    )
    assert not ask(local(2, 20), LAW_ONLY, channel="call", past=tries).permitted


def test_what_the_debtor_begins_uses_up_nothing() -> None:
    replies = tuple(contact(local(2, hour), initiator="debtor") for hour in (8, 9, 10))
    assert ask(past=replies).permitted


def test_a_hold_protects_to_the_end_of_its_last_day_on_the_debtors_clock() -> None:
    hold = ActiveHold(
        hold_id="h1", kind="dispute", blocks=("outreach", "legal"), until=date(2026, 3, 5)
    )
    verdict = ask(holds=(hold,))
    assert rules(verdict) == ["hold_blocks"]
    assert verdict.findings[0].next_lawful_at == local(6, 0)
    assert verdict.next_lawful_at == local(6, 9)
    assert ask(local(6, 9), holds=(hold,)).permitted


def test_a_hold_without_end_gives_no_next_moment() -> None:
    hold = ActiveHold(hold_id="h1", kind="bereavement", blocks=("outreach",))
    ending = ActiveHold(hold_id="h2", kind="dispute", blocks=("outreach",), until=date(2026, 3, 5))
    verdict = ask(holds=(ending, hold))
    assert not verdict.permitted
    assert verdict.next_lawful_at is None


def test_a_hold_on_legal_action_leaves_reminders_alone() -> None:
    assert ask(holds=(ActiveHold(hold_id="h1", kind="complaint", blocks=("legal",)),)).permitted


def test_a_moment_beyond_the_horizon_is_not_promised() -> None:
    hold = ActiveHold(hold_id="h1", kind="dispute", blocks=("outreach",), until=date(2026, 9, 1))
    verdict = ask(holds=(hold,))
    assert verdict.next_lawful_at is None
    assert verdict.findings[0].next_lawful_at == datetime(2026, 9, 2, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"opted_out": frozenset({"sms"})}, "opted_out"),
        ({"opted_out": frozenset({"all"})}, "opted_out"),
        ({"is_closed": True}, "closed"),
        ({"stage": "closed"}, "closed"),
        ({"has_debt": False}, "nothing_owed"),
        ({"holder": "third_party"}, "third_party"),
        ({"holder": ""}, "no_usable_address"),
        ({"point_id": ""}, "no_usable_address"),
        ({"time_zone": ""}, "unknown_time_zone"),
        ({"time_zone": "localtime"}, "unknown_time_zone"),
        ({"time_zone": "../../etc/passwd"}, "unknown_time_zone"),
        ({"time_zone": "Factory"}, "unknown_time_zone"),
        ({"jurisdiction": ""}, "unknown_jurisdiction"),
        ({"jurisdiction": "*"}, "unknown_jurisdiction"),
        ({"jurisdiction": "XX"}, "unknown_jurisdiction"),
    ],
)
def test_these_stop_every_contact_and_time_does_not_help(
    changes: dict[str, Any], rule: str
) -> None:
    verdict = ask(**changes)
    assert verdict.outcome == "block"
    assert verdict.first is not None
    assert verdict.first.rule == rule
    assert verdict.next_lawful_at is None


def test_an_opt_out_of_one_channel_leaves_the_others() -> None:
    assert ask(channel="email", opted_out=frozenset({"sms"})).permitted


def test_a_representative_may_be_addressed() -> None:
    assert ask(holder="representative").permitted


def test_before_a_pack_is_in_force_nothing_is_permitted_until_it_is() -> None:
    eve = datetime(2025, 2, 27, 12, tzinfo=SHANGHAI)
    verdict = ask(eve)
    assert rules(verdict) == ["no_pack_in_force"]
    assert verdict.next_lawful_at == datetime(2025, 2, 28, 9, tzinfo=SHANGHAI)


def test_an_empty_rule_book_permits_nothing() -> None:
    assert rules(ask(book=RuleBook())) == ["unknown_jurisdiction"]


def test_advice_lets_pass_a_presumption_does_not_and_the_strictest_decides() -> None:
    advice, presumption = mild("advise"), mild("presumed_violation")
    assert ask(book=BOOK.with_packs([advice])).permitted
    assert ask(book=BOOK.with_packs([advice])).first is None
    verdict = ask(local(2, 23), BOOK.with_packs([presumption, advice]))
    outcomes = [finding.outcome for finding in verdict.findings]
    assert outcomes == ["block"] * 3 + ["presumed_violation", "advise"]
    assert verdict.outcome == "block"
    verdict = ask(local(3, 12), BOOK.with_packs([presumption, advice]))
    assert verdict.outcome == "presumed_violation"
    assert verdict.next_lawful_at == local(4, 9)


def mild(outcome: Literal["advise", "presumed_violation"]) -> Pack:
    """Speaks, less than strictly, until the end of 3 March 2026."""
    rule = QuietHours(
        id="mild",
        says="A rule that speaks all day but for a second.",
        citation="this test",
        confidence="C",
        effective_from=date(2020, 1, 1),
        effective_to=date(2026, 3, 3),
        start=time(0),
        end=time(23, 59, 59),
        outcome=outcome,
    )
    return Pack(
        name=outcome.replace("_", "-"),
        version="1",
        title="Mild",
        jurisdiction="CN",
        time_zone="UTC",
        effective_from=date(2020, 1, 1),
        rules=(rule,),
    )


def test_what_can_never_be_mended_is_named_before_missing_data() -> None:
    verdict = ask(opted_out=frozenset({"all"}), point_id="")
    assert rules(verdict) == ["opted_out", "no_usable_address"]


def test_every_finding_is_cited_and_shows_the_pack_that_said_it() -> None:
    verdict = ask(local(2, 23), past=(contact(NOON),), holder="third_party", is_closed=True)
    assert len(verdict.findings) > 5
    for finding in verdict.findings:
        assert finding.citation
        assert finding.says.endswith(".")
        assert finding.inputs["pack"]


def test_moments_without_an_offset_are_refused_at_the_door() -> None:
    naive = datetime(2026, 3, 2, 12)  # noqa: DTZ001 - what is tested
    with pytest.raises(ValueError, match="UTC offset"):
        judge(BOOK, PERMITTED, naive)
    with pytest.raises(ValueError, match="UTC offset"):
        contact(naive)
    with pytest.raises(ValueError, match="expires_at"):
        contact(NOON, expires_at=naive)


def test_moments_out_of_all_reason_are_refused_at_the_door() -> None:
    for year in (1, 9999):
        with pytest.raises(ValueError, match="1900"):
            judge(BOOK, PERMITTED, datetime(year, 1, 1, tzinfo=UTC))


def test_a_past_contact_anywhere_in_time_is_no_trouble() -> None:
    ends = (datetime.min.replace(tzinfo=SHANGHAI), datetime.max.replace(tzinfo=UTC))
    west = datetime.max.replace(tzinfo=ZoneInfo("America/New_York"))
    assert ask(past=tuple(contact(at) for at in (*ends, west))).permitted
    endless = contact(NOON - timedelta(days=1), expires_at=west)
    assert not ask(pending=(endless,)).permitted
