"""The gate asks only the rules that can speak; asking all of them says the same."""

import pickle
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from duecourse.rules import kinds
from duecourse.rules.clock import day_begins, find_zone, now
from duecourse.rules.conditions import When
from duecourse.rules.gate import (
    FEW,
    HORIZON,
    MAX_STEPS,
    ActiveHold,
    Finding,
    PastContact,
    Place,
    RuleBook,
    Situation,
    Verdict,
    judge,
    load_rulebook,
)
from duecourse.rules.hours import Hours
from duecourse.rules.pack import EVERYWHERE, Pack
from duecourse.rules.places import path
from duecourse.rules.predicates import speak
from duecourse.rules.situation import LAYERS, OUTCOMES, Act, Limitation, Party, PointUse

START = datetime(2026, 3, 1, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)
COMMON: dict[str, Any] = {
    "says": "A rule of this test.",
    "citation": "this test",
    "confidence": "house",
    "effective_from": date(2020, 1, 1),
}
COUNTED: dict[str, Any] = {
    **COMMON, "id": "counter", "channels": ("visit",), "counts": ("conversation",)
}  # fmt: skip
DATED = Pack(
    name="dated",
    version="1",
    title="Rules that come and go",
    jurisdiction=EVERYWHERE,
    layer="house",
    time_zone="UTC",
    effective_from=date(2026, 3, 4),
    effective_to=date(2026, 3, 20),
    rules=(
        kinds.Prohibited(
            id="two_days", **COMMON | {"effective_from": date(2026, 3, 8)},
            effective_to=date(2026, 3, 9),
        ),
        kinds.Prohibited(
            id="far_on", outcome="advise", channels=("sms", "visit"), except_channels=("visit",),
            **COMMON | {"effective_from": date(2026, 3, 15)}, effective_to=date.max,
        ),
        kinds.Prohibited(
            id="pigeons", outcome="advise", channels=("carrier-pigeon",), **COMMON,
        ),
        kinds.MaxContacts(
            id="month", counts=("message", "conversation"), window="calendar_month", limit=9,
            channels=("visit", "carrier-pigeon"), when=When(holds=("dispute",)), **COMMON,
        ),
    ),
)  # fmt: skip
BOOK = load_rulebook().with_packs([DATED])
ASKED = Situation(
    channel="sms",
    point_id="p1",
    holder="debtor",
    jurisdiction="CN",
    time_zone="Asia/Shanghai",
    stage="reminder",
    is_closed=False,
    has_debt=True,
)
RULES = [rule for pack in BOOK.packs for rule in pack.rules]

TURNS = sorted(
    {day for each in (*BOOK.packs, *RULES) for day in (each.effective_from, each.effective_to)}
    - {None, date.max}
)


def words(*names: str) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(names), max_size=3)


def mostly(
    usual: st.SearchStrategy[Any] | object, others: st.SearchStrategy[Any]
) -> st.SearchStrategy[Any]:
    """What blocks for good is drawn seldom, or little else would be seen."""
    usually = usual if isinstance(usual, st.SearchStrategy) else st.just(usual)
    return st.integers(0, 7).flatmap(lambda n: usually if n else others)


def used(field: str) -> list[str]:
    """Every name that some rule's condition has in that field."""
    return sorted({name for rule in RULES for name in getattr(rule.when, field)})


CHANNELS = ["sms", "email", "letter", "call", "visit", "voice-notice", "carrier-pigeon"]
CONSENTS = frozenset(rule.consent for rule in RULES if isinstance(rule, kinds.NeedsConsent))
channels = st.sampled_from(CHANNELS)
moments = st.integers(0, 28 * 48).map(lambda n: START + n * HALF_HOUR)
days = st.dates(date(2026, 2, 20), date(2026, 4, 20))
places = st.builds(
    Place,
    jurisdiction=mostly(
        st.sampled_from(["CN", "CN-31", "US", "US-MA", "US-HI", "GB", "DE", "AU", "IN"]),
        st.sampled_from(["FR", "JP", "*", ""]),
    ),
    time_zone=mostly(
        st.sampled_from(
            ["Asia/Shanghai", "America/New_York", "Europe/London", "Australia/Lord_Howe"]
        ),
        st.just("nowhere"),
    ),
)
contacts = st.builds(
    PastContact,
    at=st.integers(-20 * 48, 28 * 48).map(lambda n: START + n * HALF_HOUR),
    channel=channels,
    point_id=st.sampled_from(["p1", "p2", ""]),
    initiator=st.sampled_from(["creditor", "creditor", "debtor"]),
    kind=st.sampled_from(["attempt", "connected", "conversation", "message"]),
    party=st.sampled_from(get_args(Party)),
    expires_at=st.none() | moments,
    debts=st.sampled_from([(), ("a",), ("b",)]),
    by=st.sampled_from(["us", "group"]),
    number_reached=st.booleans(),
)
holds = st.builds(
    ActiveHold,
    hold_id=st.just("h"),
    kind=st.sampled_from(["dispute", "represented", "breathing_space", "ceased"]),
    blocks=st.sampled_from([("outreach",), ("legal", "bureau"), ()]),
    until=mostly(days, st.none()),
)
hours = st.builds(
    Hours,
    start=st.sampled_from([time(7), time(18, 30)]),
    end=st.sampled_from([time(20), time(23, 30)]),
    channels=st.sampled_from([("*",), ("call", "sms")]),
)
situations = st.builds(
    lambda home, **rest: Situation(
        jurisdiction=home.jurisdiction, time_zone=home.time_zone, **rest
    ),
    places,
    act=mostly("contact", st.sampled_from(get_args(Act))),
    channel=channels,
    point_id=mostly("p1", st.just("")),
    holder=mostly("debtor", st.sampled_from(["representative", "third_party", ""])),
    stage=mostly("reminder", st.sampled_from(["", "legal", "closed"])),
    is_closed=mostly(False, st.just(True)),
    has_debt=mostly(True, st.just(False)),
    holds=st.lists(holds, max_size=2).map(tuple),
    opted_out=mostly(frozenset(), words("sms", "call", "all")),
    past=st.lists(contacts, max_size=2 * FEW).map(tuple),
    pending=st.lists(contacts, max_size=2).map(tuple),
    licence=st.sampled_from(["", "fdcpa_collector", "first_party"]),
    debt_types=words("microfinance", *used("debt_types")),
    limitation=st.sampled_from(get_args(Limitation)),
    debts=st.sampled_from([(), ("a",), ("a", "b")]),
    point_use=st.sampled_from(get_args(PointUse)),
    refused_media=mostly(frozenset(), words("sms", "call", "workplace", "all")),
    consents=mostly(CONSENTS, words(*sorted(CONSENTS))),
    agreed_hours=st.lists(hours, max_size=1).map(tuple),
    content=st.none() | words("opt_out_line", "legal_threat", "validation_notice"),
    facts=st.dictionaries(st.sampled_from(["validation_notice", *used("facts")]), days, max_size=2),
    other_places=st.lists(places, max_size=2).map(tuple),
)  # fmt: skip


# --- by asking everybody ---------------------------------------------------------------------


def judge_by_asking_all(book: RuleBook, situation: Situation, at: datetime) -> Verdict:
    findings = everywhere(book, situation, at)
    until = first_lawful(book, situation, at, findings)
    if situation.other_places:
        findings += disagreements(book, situation, at, until)
    return Verdict(
        outcome=strictest(findings),
        findings=tuple(sorted(findings, key=rank)),
        next_lawful_at=until,
    )


def strictest(findings: list[Finding]) -> Any:
    said = [finding.outcome for finding in findings]
    return max(said, key=OUTCOMES.index, default="allow")


def rank(finding: Finding) -> tuple[int, bool, int, float]:
    until = finding.next_lawful_at
    return (
        -OUTCOMES.index(finding.outcome),
        until is not None,
        LAYERS.index(finding.layer),
        0.0 if until is None else -until.timestamp(),
    )


def homes(situation: Situation) -> dict[str, Situation]:
    home = Place(jurisdiction=situation.jurisdiction, time_zone=situation.time_zone)
    return {
        f"{each.jurisdiction or '?'} {each.time_zone or '?'}": replace(
            situation,
            jurisdiction=each.jurisdiction,
            time_zone=each.time_zone,
            other_places=(),
        )
        for each in (home, *situation.other_places)
    }


def everywhere(book: RuleBook, situation: Situation, at: datetime) -> list[Finding]:
    if not situation.other_places:
        return list(here(book, situation, at))
    found: list[Finding] = []
    for name, home in homes(situation).items():
        for finding in here(book, home, at):
            known = [replace(each, inputs=each.inputs | {"place": name}) for each in found]
            named = replace(finding, inputs=finding.inputs | {"place": name})
            if named not in known:
                found.append(named)
    return found


def here(book: RuleBook, situation: Situation, at: datetime) -> Iterator[Finding]:
    zone = find_zone(situation.time_zone)
    if zone is None:
        yield missing("unknown_time_zone", {"time_zone": situation.time_zone})
        return
    moment = now(at, zone)
    place = {"jurisdiction": situation.jurisdiction}
    law = book.law_of(situation.jurisdiction)
    if not law:
        yield missing("unknown_jurisdiction", place)
    elif not any(pack.in_force(moment.day) for pack in law):
        coming = [p.effective_from for p in law if p.effective_from > moment.day]
        until = day_begins(zone, min(coming)) if coming else None
        yield missing("no_pack_in_force", place | {"day": f"{moment.day}"}, until)
    elif situation.jurisdiction not in {pack.jurisdiction for pack in law} and (
        len(path(situation.jurisdiction)) > 1
    ):
        yield missing("part_without_pack", place, outcome="advise")
    if situation.act == "contact" and not (situation.point_id and situation.holder):
        yield missing("no_usable_address", {"channel": situation.channel})
    for pack in book.applying(situation.jurisdiction):
        for rule in pack.rules if pack.in_force(moment.day) else ():
            finding = speak(rule, situation, moment, pack.origin)
            if finding is not None:
                yield finding


def missing(
    rule: str, inputs: dict[str, str], until: datetime | None = None, outcome: Any = "block"
) -> Finding:
    """Without its words, which `shorn` takes away from those of the gate as well."""
    return Finding(
        rule=rule,
        citation="",
        confidence="house",
        layer="data",
        outcome=outcome,
        says="",
        inputs=inputs,
        next_lawful_at=until,
    )


def shorn(verdict: Verdict) -> Verdict:
    findings = tuple(
        replace(each, says="", citation="", zh=None) if each.layer == "data" else each
        for each in verdict.findings
    )
    return replace(verdict, findings=findings)


def first_lawful(
    book: RuleBook, situation: Situation, at: datetime, findings: list[Finding]
) -> datetime | None:
    moment = at
    for _ in range(MAX_STEPS):
        ends = [finding.next_lawful_at for finding in findings if finding.blocks]
        known = [end for end in ends if end is not None]
        if not ends:
            return None if moment == at else moment
        if len(known) < len(ends) or max(known) <= moment or max(known) > at + HORIZON:
            return None
        moment = max(known)
        findings = everywhere(book, situation, moment)
    return None


def disagreements(
    book: RuleBook, situation: Situation, at: datetime, until: datetime | None
) -> Iterator[Finding]:
    said = {name: list(here(book, home, at)) for name, home in homes(situation).items()}
    outcomes = {name: strictest(findings) for name, findings in said.items()}
    if len(set(outcomes.values())) > 1:
        yield missing("places_differ", outcomes, outcome="advise")
    is_blocked = {name: any(each.blocks for each in findings) for name, findings in said.items()}
    if until is not None or not any(is_blocked.values()):
        return
    moments = {
        name: first_lawful(book, home, at, said[name]) if is_blocked[name] else at
        for name, home in homes(situation).items()
    }
    shown = {name: each.isoformat() for name, each in moments.items() if each is not None}
    if len(shown) == len(moments):
        yield missing("no_common_moment", shown, outcome="advise")


# --- claims ----------------------------------------------------------------------------------


@settings(max_examples=600, deadline=None)
@given(situations, moments)
def test_asking_only_the_rules_that_can_speak_says_what_asking_all_says(
    situation: Situation, at: datetime
) -> None:
    assert shorn(judge(BOOK, situation, at)) == judge_by_asking_all(BOOK, situation, at)


@settings(max_examples=200, deadline=None)
@given(situations, st.sampled_from(TURNS), st.sampled_from([-1, 0, 1]), st.times())
def test_it_does_on_the_days_on_which_rules_come_and_go(
    situation: Situation, turn: date, off: int, hour: time
) -> None:
    at = datetime.combine(turn + off * timedelta(days=1), hour, UTC)
    assert shorn(judge(BOOK, situation, at)) == judge_by_asking_all(BOOK, situation, at)


def ids(book: RuleBook, act: str, channel: str, day: date) -> set[str]:
    asked = book.asked("CN", act, channel, day).rules
    return {standing.origin.prefix + standing.rule.id for standing in asked}


def test_a_rule_for_another_channel_act_place_or_day_is_not_even_asked() -> None:
    by_sms = ids(BOOK, "contact", "sms", date(2026, 3, 8))
    assert {"closed", "cn.quiet_hours", "house.written_per_day", "dated.two_days"} <= by_sms
    others = {
        "cn.conversations_per_day",
        "house.spoken_per_day",
        "hold_blocks_legal",
        "us.quiet_hours",
    }
    assert not by_sms & others
    assert "hold_blocks_legal" in ids(BOOK, "legal_action", "letter", date(2026, 3, 8))
    assert "dated.two_days" in ids(BOOK, "contact", "sms", date(2026, 3, 9))
    assert "dated.two_days" not in ids(BOOK, "contact", "sms", date(2026, 3, 7))
    assert "dated.two_days" not in ids(BOOK, "contact", "sms", date(2026, 3, 10))


@pytest.mark.parametrize(
    ("counter", "last"),
    [
        (kinds.MaxContacts(window="calendar_month", limit=1, **COUNTED), "2026-04-01T00:00"),
        (kinds.MaxContacts(window="rolling_days", days=92, limit=1, **COUNTED), "2026-06-01T00:30"),
        (kinds.PauseAfter(days=92, starts_on="next_day", **COUNTED), "2026-06-02T00:00"),
        (kinds.MinInterval(minutes=92 * 24 * 60, **COUNTED), "2026-06-01T00:30"),
    ],
    ids=["month", "rolling", "pause", "interval"],
)
def test_however_many_contacts_there_were_the_oldest_that_counts_is_counted(
    counter: kinds.Counter, last: str
) -> None:
    zone = ZoneInfo(ASKED.time_zone)
    pack = replace(DATED, rules=(counter,), effective_from=date(2020, 1, 1), effective_to=None)
    visit = PastContact(
        at=datetime(2026, 3, 1, 0, 30, tzinfo=zone),
        channel="visit",
        point_id="p1",
        initiator="creditor",
        kind="conversation",
        party="debtor",
    )
    past = (visit, *FEW * [replace(visit, initiator="debtor")])
    asked = replace(ASKED, channel="visit", past=past)
    ends = datetime.fromisoformat(last).replace(tzinfo=zone)
    book = RuleBook((pack,))

    def found(at: datetime) -> list[str]:
        return [each.rule for each in judge(book, asked, at).findings if each.layer != "data"]

    assert found(ends - timedelta(seconds=1)) == ["dated.counter"]
    assert found(ends) == []


def test_whom_to_ask_is_looked_up_once_for_all_days_between_two_turns() -> None:
    asked = [BOOK.asked("CN", "contact", "sms", date(2026, 5, day)) for day in (2, 30)]
    assert asked[0] is asked[1]


def test_a_pack_and_a_book_that_were_asked_are_still_plain_data() -> None:
    fresh = load_rulebook().with_packs([DATED])
    judge(BOOK, replace(ASKED, channel="call"), START)
    assert fresh == BOOK
    assert msgspec.json.encode(BOOK) == msgspec.json.encode(fresh)
    assert pickle.loads(pickle.dumps(BOOK)) == fresh


def test_a_changed_copy_of_a_pack_that_was_asked_speaks_for_itself() -> None:
    judge(BOOK, ASKED, START)
    changed = replace(DATED, name="changed", rules=DATED.rules[:1], effective_from=date(2020, 1, 1))
    verdict = judge(RuleBook((changed,)), ASKED, datetime(2026, 3, 8, 4, tzinfo=UTC))
    assert "changed.two_days" in [finding.rule for finding in verdict.findings]
    again = judge(RuleBook((changed,)), ASKED, datetime(2026, 3, 12, 4, tzinfo=UTC))
    assert "changed.two_days" not in [finding.rule for finding in again.findings]
