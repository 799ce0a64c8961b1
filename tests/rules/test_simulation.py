"""Careless and hostile collectors against the real decisions, under the eyes of a naive witness."""

import inspect
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import naive_law
import pytest
import witness
from collectors import simulate
from msgspec.structs import replace
from strategies import PLACES, STRATEGIES

from duecourse.rules import counting, predicates
from duecourse.rules.clock import Now, now
from duecourse.rules.gate import RuleBook, load_rulebook
from duecourse.rules.pack import Pack
from duecourse.rules.treatment import load_treatment

CONTACTS = 1_000_000 if os.environ.get("DUECOURSE_LONG") else 20_000
ENOUGH = 40_000
"""After so many contacts a bug that is there should have been seen."""
BOOK, TREATMENT = load_rulebook(), load_treatment()

THIRD_PARTY = (
    "third_party cn.third_party cn.third_party_data us.third_party uk.third_party eu.third_party"
    " in.third_party"
)
# What the witness says once these rules are left out, and where: each rule that can stop a contact.
# One that others back up is left out together with them.
WATCHED: Sequence[tuple[str, str, str]] = (
    ("closed", "the case is closed", ""),
    ("nothing_owed", "nothing is owed", ""),
    ("arrangement_kept", "a promise to pay was open", ""),
    ("not_due_yet", "it was not due yet", ""),
    ("opted_out", "the debtor had opted out", ""),
    ("hold_blocks", "a hold protected the debtor", ""),
    ("medium_refused us.medium_request uk.medium_request", "refused the medium", ""),
    (THIRD_PARTY, "a third party was addressed", ""),
    ("cn.quiet_hours cn.quiet_hours_guide", "CN: 22 to 8", "CN"),
    ("cn.conversations_per_day", "CN: three conversations", "CN"),
    ("cn.voice_notices_per_day", "CN: three voice notices", "CN"),
    ("cn.attempts_per_number", "CN: six tries", "CN"),
    ("cn.visits_per_day", "CN: one visit", "CN"),
    ("cn.assignment_notice", "CN: assigned", "CN"),
    ("cn.no_threat_after_limitation", "CN: a threat", "CN"),
    ("us.quiet_hours", "US: 21 to 8", "US"),
    ("us.known_inconvenience", "US: an inconvenient time", "US"),
    ("us.attorney", "US: represented", "US"),
    ("us.ceased", "US: ceased", "US"),
    ("us.disputed", "US: disputed", "US"),
    ("us.workplace", "US: at work", "US"),
    ("us.work_email", "US: at work", "US"),
    ("us.opt_out_line", "US: no opt-out line", "US"),
    ("us.itemization_date", "US: a validation notice", "US"),
    ("us.time_barred_threat", "US: a threat", "US"),
    ("us.seven_in_seven", "US: seven calls", "US"),
    ("us.after_conversation", "US: seven days after", "US"),
    ("us.tcpa_consent", "US: TCPA", "US"),
    ("us-ma.calls_per_week", "US-MA: two calls", "US-MA"),
    ("uk.requested_hours", "GB: not at the times", "GB"),
    ("uk.breathing_space", "GB: a breathing space", "GB"),
    ("uk.barred_and_refused", "GB: a barred debt refused", "GB"),
    ("uk.adviser_pause", "GB: thirty days", "GB"),
    ("uk.barred_threat", "GB: a threat", "GB"),
    ("uk.letter_of_claim_encloses", "GB: a letter of claim", "GB"),
    ("in.call_hours", "IN: 19 to 8", "IN"),
    ("au.phone_hours", "AU: hours of the telephone", "AU"),
    ("au.visit_hours", "AU: hours of visits", "AU"),
    ("au.workplace_hours", "AU: hours at work", "AU"),
    ("au.contacts_per_week", "AU: 3 contacts", "AU"),
    ("au.contacts_per_month", "AU: 10 contacts", "AU"),
    ("house.quiet_hours", "house: 21 to 9", ""),
    ("house.written_per_day", "house: one written", ""),
    ("house.written_per_week", "house: one written", ""),
    ("house.spoken_per_day", "house: one conversation", ""),
    ("house.spoken_per_week", "house: one conversation", ""),
    ("house.rest_between_calls", "house: two hours", ""),
)


@pytest.mark.slow
def test_no_unlawful_contact_reaches_a_channel(report: Callable[[str], None]) -> None:
    tally = simulate(CONTACTS, BOOK, TREATMENT)
    for line in tally.lines():
        report(line)
    assert tally.unlawful == []
    assert tally.asked >= CONTACTS
    assert set(tally.by) == set(STRATEGIES)
    assert set(tally.left) >= {place for place, _ in PLACES}
    assert tally.answers["refused at dispatch"] > 2


def test_the_witness_shares_no_code_with_the_rules() -> None:
    for module in (naive_law, witness):
        assert "duecourse.rules" not in inspect.getsource(module)


# --- the witness is worth something ---------------------------------------------------------


def without(rules: set[str], book: RuleBook = BOOK) -> RuleBook:
    def rest(pack: Pack) -> Pack:
        kept = tuple(rule for rule in pack.rules if pack.name_of(rule) not in rules)
        return replace(pack, rules=kept)

    return RuleBook(tuple(rest(pack) for pack in book.packs))


@pytest.mark.parametrize(("left_out", "seen", "where"), WATCHED, ids=lambda each: each or "any")
def test_a_rule_left_out_is_missed_by_the_witness(left_out: str, seen: str, where: str) -> None:
    places = [place for place in PLACES if place[0].startswith(where)]
    book = without(set(left_out.split()))
    tally = simulate(ENOUGH, book, TREATMENT, places=places, until=seen)
    assert any(seen in broken for broken in tally.unlawful)


def test_every_rule_that_can_stop_a_contact_is_watched() -> None:
    stopping = {
        pack.name_of(rule)
        for pack in BOOK.packs
        for rule in pack.rules
        if "contact" in rule.acts and rule.outcome != "advise"
    }
    assert {name for names, _, _ in WATCHED for name in names.split()} == stopping


def on_the_servers_clock(at: datetime) -> Now:
    return now(at, ZoneInfo("UTC"))


def test_days_of_the_server_instead_of_the_debtors_are_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is counted by the days of UTC lets a contact through before the debtor's midnight."""
    right = counting._in_window

    def wrong(rule: Any, span: Any, then: Any) -> Any:
        return right(rule, span, on_the_servers_clock(then.at))

    monkeypatch.setattr(counting, "_in_window", wrong)
    tally = simulate(CONTACTS, fresh(), TREATMENT, until="seven days after a conversation")
    assert tally.asked < CONTACTS
    assert any("seven days after a conversation" in broken for broken in tally.unlawful)


def test_quiet_hours_on_the_clock_of_the_server_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = predicates._quiet_hours

    def wrong(rule: Any, situation: Any, then: Any) -> Any:
        return right(rule, situation, on_the_servers_clock(then.at))

    monkeypatch.setattr(predicates, "_quiet_hours", wrong)
    tally = simulate(CONTACTS, fresh(), TREATMENT, until="22 to 8")
    assert tally.asked < CONTACTS
    assert any("CN: 22 to 8" in broken for broken in tally.unlawful)


def fresh() -> RuleBook:
    """A book that has not made up its mind yet how each rule answers."""
    return without(set())
