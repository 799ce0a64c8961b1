"""What the rules are told of a past moment is what the whole case was then; every answer counts."""

import uuid
from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from uuid import UUID

from anybody import Anybody, lives
from backtesting import DAY, book
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from office import RULES

from duecourse import testing
from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.evolve import evolve
from duecourse.case.situation import situation
from duecourse.flow.backtest import Backtest, Question, Told, asked_in
from duecourse.rules.backtest import Counts, Report
from duecourse.rules.gate import Situation
from duecourse.store.histories import Page
from duecourse.testing.sample import CONTACT, NOON, accept, offer, opened, promise

GATE = (e.ContactPermitted, e.ContactRefused, e.ContactDispatching)


def of_one(events: Sequence[e.Event], question: Question) -> Report:
    """The back-test of one case."""
    return Backtest(question).run([Page([UUID(int=1)] * len(events), events)])


def in_order(seen: Situation) -> Situation:
    """Contacts count whatever their order."""
    past, pending = (tuple(sorted(each, key=repr)) for each in (seen.past, seen.pending))
    return replace(seen, past=past, pending=pending)


def check_what_is_told(life: Sequence[e.Event]) -> None:
    """It is the case as it was before the event, whatever of it was kept from earlier."""
    told, case = Told(), None
    for event in life:
        if case is not None and (asked := asked_in(case, event)) is not None:
            whole = situation(
                case, asked.channel, asked.point_id, event.at, asked.without,
                debts=asked.debts, content=asked.content,
            )  # fmt: skip
            assert in_order(told.situation(asked, event.at)) == in_order(whole)
        told.learn(event)
        case = evolve(case, event)


@given(lives)
def test_what_the_rules_are_told_is_the_case_as_it_was_before_the_event(
    life: list[e.Event],
) -> None:
    check_what_is_told(life)


def asked_of(somebody: Anybody, channel: str) -> UUID:
    contact_id = uuid.uuid4()
    command = c.RequestContact(contact_id=contact_id, channel=channel, template="reminder-first")
    somebody.ask(command)
    return contact_id


def test_the_day_of_a_letter_is_another_one_once_the_debtor_has_moved() -> None:
    somebody = Anybody(Random(1))
    somebody.at = NOON + timedelta(hours=6, minutes=30)  # 18:30 in Shanghai
    letter = asked_of(somebody, "letter")
    somebody.ask(c.StartDispatch(contact_id=letter, plugin="p", body_sha256="0"))
    somebody.ask(c.RecordAccepted(contact_id=letter, reference="r"))
    somebody.at += 3 * DAY
    asked_of(somebody, "call")
    # By this clock, six hours ahead of Shanghai, the letter left on the next day.
    somebody.ask(c.MoveDebtor(time_zone="Pacific/Kiritimati", jurisdiction="CN"))
    asked_of(somebody, "call")
    check_what_is_told(somebody.events)
    told = Told()
    for event in somebody.events[:-1]:
        told.learn(event)
    assert told.case is not None
    asked = asked_in(told.case, somebody.events[-1])
    assert asked is not None
    assert told.situation(asked, somebody.at).facts["letter_of_claim"] == date(2026, 3, 3)


def test_a_contact_is_left_out_of_its_own_judgement_under_whatever_kind_its_id_is_known() -> None:
    somebody = Anybody(Random(1))
    message = asked_of(somebody, "sms")
    talk = c.LogConversation(
        conversation_id=message,
        channel="visit",
        outcome="right_party_contact",
        occurred_at=somebody.at,
    )
    somebody.ask(talk)
    somebody.ask(c.StartDispatch(contact_id=message, plugin="p", body_sha256="0"))
    assert isinstance(somebody.events[-1], e.ContactDispatching)
    check_what_is_told(somebody.events)


@given(lives)
def test_no_decision_of_any_life_changes_under_its_own_rules(life: list[e.Event]) -> None:
    total = of_one(life, Question(book=RULES)).total
    assert total.unchanged == total.decisions == sum(isinstance(each, GATE) for each in life)


@given(lives, st.sampled_from(["cn", "us", "uk", "house"]), st.sampled_from(["", "US"]))
def test_every_decision_is_in_one_of_the_counts_of_every_table(
    life: list[e.Event], name: str, place: str
) -> None:
    report = of_one(life, Question(book=book(name), place=place if name == "us" else ""))
    decisions = sum(isinstance(each, GATE) for each in life)
    assert adds_up(report.total) == decisions
    assert sum(report.not_replayable.values()) == report.total.not_replayable
    tables = (
        report.by_channel, report.by_moment, report.by_creditor, report.by_product,
        report.by_jurisdiction, report.by_stage,
    )  # fmt: skip
    for groups in tables:
        assert sum(adds_up(group.counts) for group in groups) == decisions
    for count in ("newly_refused", "newly_allowed", "still_refused"):
        of_rules = sum(getattr(group.counts, count) for group in report.by_rule)
        assert of_rules == getattr(report.total, count)


def after(*commands: c.Command) -> list[e.Event]:
    events = opened()
    for command in commands:
        events += testing.given(*events).when(command).events
    return events


def test_a_demand_that_was_sent_under_a_plan_or_a_promise_would_now_be_refused() -> None:
    permitted = e.ContactPermitted(
        at=NOON, contact_id=CONTACT, channel="email", point_id="mail", template="reminder-first",
        language="zh", expires_at=NOON + DAY, content=("asks_whole_sum", "opt_out_line"),
    )  # fmt: skip
    planned = after(offer(20_000, 20_000, 20_000), accept())
    for before, count in ((planned, 1), (after(promise()), 1), (after(), 0)):
        report = of_one([*before, permitted], Question(book=RULES))
        assert report.total.newly_refused == count
        assert [group.name for group in report.by_rule if group.counts.newly_refused] == (
            ["arrangement_kept"] * count
        )


def adds_up(counts: Counts) -> int:
    assert counts.unchanged == counts.still_allowed + counts.still_refused
    parts = (counts.unchanged, counts.newly_refused, counts.newly_allowed, counts.not_replayable)
    assert sum(parts) == counts.decisions
    return counts.decisions
