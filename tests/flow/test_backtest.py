"""Past decisions under other rules: what comes out, on what was known then."""

import uuid
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest
from backtesting import DAY, PACKS, ask_for, book, cap_of_one, dispatch, forget_all, replayed
from msgspec.structs import replace
from office import RULES, Ledger, Office

from duecourse.case import commands as c
from duecourse.flow.backtest import Backtest, Question
from duecourse.rules.backtest import Counts, as_if_always
from duecourse.rules.gate import RuleBook
from duecourse.store.database import Database
from duecourse.store.histories import histories_of
from duecourse.testing.sample import NOON, debt, open_case


@pytest.fixture
def cap(tmp_path: Path) -> Callable[..., RuleBook]:
    """A maker of the core with a cap of one contact in seven days."""
    return partial(cap_of_one, tmp_path)


@pytest.fixture
def office(new_office: Callable[..., Office], ledger: Ledger, database: Database) -> Office:
    """An office with an empty past."""
    forget_all(database.dsn)
    return new_office({"sms": ledger})


# --- what comes out ----------------------------------------------------------------------------


def test_under_the_rules_of_the_time_nothing_changes(office: Office) -> None:
    case_id = office.open()
    dispatch(office, case_id, ask_for(office, case_id))
    office.now = NOON + timedelta(hours=10, minutes=30)
    ask_for(office, case_id, "call")  # at night
    office.ask(case_id, c.RecordOptOut(channel="email", how="reply"))
    office.now = NOON + DAY
    ask_for(office, case_id, "email")
    report = replayed(office, Question(book=RULES))
    assert report.total == Counts(decisions=4, unchanged=4, still_allowed=2, still_refused=2)
    assert {group.name: group.counts.decisions for group in report.by_moment} == {
        "request": 3,
        "dispatch": 1,
    }
    assert {group.name for group in report.by_rule} == {"cn.quiet_hours", "opted_out"}


def test_a_tighter_cap_newly_refuses_exactly_what_comes_too_soon(
    office: Office, cap: Callable[..., RuleBook]
) -> None:
    patient, pressed = office.open(), office.open()
    for days, case_id in ((0, patient), (0, pressed), (3, pressed), (8, patient), (11, pressed)):
        office.now = NOON + days * DAY
        ask_for(office, case_id, "call")
        talk = c.LogConversation(
            conversation_id=uuid.uuid4(),
            channel="call",
            point_id="mobile",
            outcome="right_party_contact",
            occurred_at=office.now,
        )
        office.ask(case_id, talk)
    report = replayed(office, Question(book=cap()))
    assert (report.total.newly_refused, report.total.newly_allowed) == (1, 0)
    (group,) = report.by_rule
    assert (group.name, group.cases.newly_refused) == ("cap.one_a_week", [pressed])
    assert (group.alone, group.says) == (1, "One contact in seven days is enough.")
    (example,) = group.examples
    assert (example.at, example.inputs["count"]) == (NOON + 3 * DAY, "1")


def test_what_an_old_rule_refused_and_no_rule_refuses_now_is_told_under_the_old_one(
    office: Office,
) -> None:
    case_id = office.open()
    office.now = NOON + timedelta(hours=9, minutes=30)  # 21:30: the house's evening, not China's
    ask_for(office, case_id)
    report = replayed(office, Question(book=book("cn")))
    assert report.total == Counts(decisions=1, newly_allowed=1)
    (group,) = report.by_rule
    assert (group.name, group.cases.newly_allowed) == ("house.quiet_hours", [case_id])


def test_it_is_told_by_channel_creditor_product_place_and_stage(office: Office) -> None:
    case_id = office.open()
    office.ask(case_id, c.MoveStage(to="reminder", reason="begun"))
    office.ask(case_id, c.PlaceDebt(debt=replace(debt(uuid.uuid4()), product="card")))
    ask_for(office, case_id, "call")
    report = replayed(office, Question(book=RULES))
    groups = (
        report.by_channel, report.by_moment, report.by_creditor, report.by_product,
        report.by_jurisdiction, report.by_stage,
    )  # fmt: skip
    assert [[group.name for group in each] for each in groups] == [
        ["call"], ["request"], ["fictional-bank"], ["card, consumer-loan"], ["CN"], ["reminder"],
    ]  # fmt: skip


def test_a_refusal_at_dispatch_is_judged_without_the_permission_that_it_was_about(
    office: Office, cap: Callable[..., RuleBook]
) -> None:
    """Else the contact would count against itself."""
    case_id = office.open()
    office.now += timedelta(hours=8, minutes=30)
    contact_id = ask_for(office, case_id)
    office.now += timedelta(hours=1)  # 21:30
    dispatch(office, case_id, contact_id)
    report = replayed(office, Question(book=cap()))
    assert report.total == Counts(decisions=2, unchanged=1, still_allowed=1, newly_allowed=1)
    assert [group.counts.newly_allowed for group in report.by_moment] == [1, 0]


def test_two_versions_can_be_compared_with_each_other_whatever_was_recorded(
    office: Office, cap: Callable[..., RuleBook]
) -> None:
    case_id = office.open()
    dispatch(office, case_id, ask_for(office, case_id))
    office.now += 3 * DAY
    ask_for(office, case_id, "call")
    office.now += timedelta(hours=9, minutes=30)
    ask_for(office, case_id, "letter")
    by_record = replayed(office, Question(book=cap()))
    by_china = replayed(office, Question(book=cap(), baseline=book("cn")))
    assert (by_record.total.newly_refused, by_record.total.still_refused) == (1, 1)
    assert (by_china.total.newly_refused, by_china.total.still_refused) == (2, 0)


# --- where and when ------------------------------------------------------------------------------


def test_china_is_judged_by_the_law_of_america_on_the_clock_of_either(office: Office) -> None:
    case_id = office.open()
    ask_for(office, case_id, "letter")
    ask_for(office, case_id, "call")  # noon in Shanghai, 23:00 in New York
    at_home = replayed(office, Question(book=book("us"), place="US"))
    moved = replayed(office, Question(book=book("us"), place="US", time_zone="America/New_York"))
    assert at_home.total.not_replayable == moved.total.not_replayable == 0
    refused = {group.name for group in moved.by_rule if group.counts.newly_refused}
    assert "us.quiet_hours" in refused
    assert "us.quiet_hours" not in {group.name for group in at_home.by_rule}
    assert [group.name for group in moved.by_jurisdiction] == ["CN"]


def test_who_may_live_in_several_places_is_judged_in_the_one_that_is_named(office: Office) -> None:
    case_id = office.open()
    office.ask(case_id, c.AddPossiblePlace(time_zone="Asia/Tokyo", jurisdiction="JP"))
    ask_for(office, case_id, "letter")  # refused: the law of Japan is not known
    report = replayed(office, Question(book=book("us"), place="US"))
    assert report.total == Counts(decisions=1, newly_allowed=1)


def test_of_a_place_without_a_pack_nothing_is_said(office: Office) -> None:
    ask_for(office, office.open(), "call")
    report = replayed(office, Question(book=book("us")))
    assert report.total == Counts(decisions=1, not_replayable=1)
    assert report.not_replayable == {"no_pack_for_the_place": 1}
    assert report.by_rule == []
    beside = replayed(office, Question(book=book("us"), baseline=book("uk"), place="US"))
    assert beside.not_replayable == {"no_baseline_for_the_place": 1}


def test_a_pack_says_nothing_about_days_before_it_unless_it_is_asked_as_if_in_force(
    office: Office, cap: Callable[..., RuleBook]
) -> None:
    case_id = office.open()
    dispatch(office, case_id, ask_for(office, case_id))
    office.now += 3 * DAY
    ask_for(office, case_id, "call")
    later = cap(since="2026-12-01")
    report = replayed(office, Question(book=later))
    assert report.not_replayable == {"no_pack_in_force": 3}
    assert report.total == Counts(decisions=3, not_replayable=3)
    report = replayed(office, Question(book=as_if_always(later)))
    assert report.total == Counts(decisions=3, newly_refused=1, unchanged=2, still_allowed=2)


def test_a_rule_that_a_newer_one_replaced_is_not_brought_back() -> None:
    old, new = PACKS["core"].rules[:2]
    pack = replace(
        PACKS["core"],
        rules=(
            replace(old, effective_to=date(2025, 12, 31)),
            replace(new, effective_from=date(2026, 1, 1)),
        ),
    )
    (undated,) = as_if_always(RuleBook((pack,))).packs
    assert [rule.id for rule in undated.rules] == [new.id]
    assert undated.in_force(date(1999, 1, 1))
    assert undated.rules[0].in_force(date(1999, 1, 1))


def test_a_refusal_for_want_of_a_law_is_unchanged_where_the_law_is_still_wanting(
    office: Office,
) -> None:
    case_id = office.open()
    office.ask(case_id, c.MoveDebtor(time_zone="Asia/Shanghai", jurisdiction="ZZ"))
    ask_for(office, case_id)
    report = replayed(office, Question(book=RULES))
    assert report.total == Counts(decisions=1, unchanged=1, still_refused=1)


def test_days_are_those_of_the_debtors_clock_and_both_ends_count(office: Office) -> None:
    case_id = office.open()
    midnight = NOON + timedelta(hours=12)
    for at in (midnight - timedelta(minutes=1), midnight, midnight + DAY):
        office.now = at
        ask_for(office, case_id)
    third, fourth = date(2026, 3, 3), date(2026, 3, 4)
    counts = {
        (since, until): replayed(
            office, Question(book=RULES, since=since, until=until)
        ).total.decisions
        for since, until in ((None, None), (third, None), (third, third), (fourth, fourth))
    }
    assert list(counts.values()) == [3, 2, 1, 1]


def test_only_the_cases_of_a_creditor_are_asked_about(office: Office) -> None:
    ask_for(office, office.open())
    other = uuid.uuid4()
    opening = replace(open_case(debt(uuid.uuid4())), creditor="other-bank", subject_id=other)
    office.ask(other, opening)
    ask_for(office, other)
    ask_for(office, other, "call")
    test = Backtest(Question(book=RULES, creditor="other-bank"))
    with histories_of(office.engine.log) as histories:
        report = test.run(histories.read())
    assert report.total.decisions == 2
    assert [group.name for group in report.by_creditor] == ["other-bank"]
    assert test.creditors == {"fictional-bank", "other-bank"}


# --- frozen inputs -------------------------------------------------------------------------------


def test_an_opt_out_that_came_later_changes_no_earlier_decision(
    office: Office, cap: Callable[..., RuleBook]
) -> None:
    case_id = office.open()
    ask_for(office, case_id, "call")
    office.ask(case_id, c.RecordOptOut(channel="all", how="said so"))
    office.ask(case_id, c.PlaceHold(hold_id="h", kind="ceased", authority="in writing"))
    office.ask(case_id, c.MoveDebtor(time_zone="", jurisdiction=""))
    report = replayed(office, Question(book=cap()))
    assert report.total == Counts(decisions=1, unchanged=1, still_allowed=1)
