"""What holds of every judgement when several packs and several places are at stake."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from duecourse.rules.gate import PastContact, Place, Situation, Verdict, judge, load_rulebook
from duecourse.rules.hours import Hours
from duecourse.rules.pack import RuleBook
from duecourse.rules.situation import OUTCOMES, ActiveHold

BOOK = load_rulebook()
LAW = RuleBook(tuple(pack for pack in BOOK.packs if pack.layer != "house"))
SECOND = timedelta(seconds=1)
START = datetime(2026, 3, 1, tzinfo=UTC)
HOMES = [
    Place(jurisdiction="CN", time_zone="Asia/Shanghai"),
    Place(jurisdiction="US", time_zone="America/New_York"),
    Place(jurisdiction="US-MA", time_zone="America/New_York"),
    Place(jurisdiction="US-HI", time_zone="Pacific/Honolulu"),
    Place(jurisdiction="GB", time_zone="Europe/London"),
    Place(jurisdiction="DE", time_zone="Europe/Berlin"),
    Place(jurisdiction="AU", time_zone="Australia/Lord_Howe"),
    Place(jurisdiction="IN", time_zone="Asia/Kolkata"),
]
NOON = datetime(2026, 3, 2, 12, tzinfo=ZoneInfo("Asia/Shanghai"))

near = st.integers(0, 60 * 48).map(lambda n: START + n * timedelta(minutes=30))
days = st.dates(date(2026, 2, 20), date(2026, 4, 20))
places = st.sampled_from(HOMES)
contacts = st.builds(
    PastContact,
    at=near,
    channel=st.sampled_from(["sms", "call", "visit", "voice-notice"]),
    point_id=st.sampled_from(["p1", "p2", ""]),
    initiator=st.sampled_from(["creditor", "debtor"]),
    kind=st.sampled_from(["attempt", "connected", "conversation", "message"]),
    party=st.sampled_from(["debtor", "nobody", "attorney"]),
    debts=st.sampled_from([(), ("a",), ("b",)]),
    by=st.sampled_from(["us", "group"]),
    number_reached=st.booleans(),
)
holds = st.builds(
    ActiveHold,
    hold_id=st.just("h"),
    kind=st.sampled_from(["dispute", "represented", "breathing_space", "ceased"]),
    blocks=st.sampled_from([("outreach",), ()]),
    until=days,
)
hours = st.builds(
    Hours,
    start=st.sampled_from([time(7), time(18, 30)]),
    end=st.sampled_from([time(20), time(23, 30)]),
    days=st.sampled_from(
        [("mon", "tue", "sat"), ("mon", "tue", "wed", "thu", "fri", "sat", "sun")]
    ),
)


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    home = draw(places)
    return Situation(
        channel=draw(st.sampled_from(["sms", "call", "visit", "voice-notice"])),
        point_id="p1",
        holder="debtor",
        jurisdiction=home.jurisdiction,
        time_zone=home.time_zone,
        stage="reminder",
        is_closed=False,
        has_debt=True,
        holds=tuple(draw(st.lists(holds, max_size=2))),
        past=tuple(draw(st.lists(contacts, max_size=12))),
        licence=draw(st.sampled_from(["", "fdcpa_collector", "first_party"])),
        debts=draw(st.sampled_from([(), ("a",), ("a", "b")])),
        point_use=draw(st.sampled_from(["", "home", "work"])),
        consents=frozenset({"tcpa", "workplace"}),
        agreed_hours=tuple(draw(st.lists(hours, max_size=1))),
        facts=draw(st.dictionaries(st.sampled_from(["debt_adviser", "validation_notice"]), days)),
        other_places=tuple(draw(st.lists(places, max_size=2))),
    )


@settings(max_examples=400, deadline=None)
@given(situations(), near, st.data())
def test_over_several_rules_and_places_the_next_lawful_moment_is_the_first(
    situation: Situation, at: datetime, data: st.DataObject
) -> None:
    verdict = judge(LAW, situation, at)
    until = verdict.next_lawful_at
    if until is None:
        return
    assert not verdict.permitted
    assert judge(LAW, situation, until).permitted
    assert not judge(LAW, situation, max(at, until - SECOND)).permitted
    inside = data.draw(st.integers(0, max(0, int((until - at) / SECOND) - 1)))
    assert not judge(LAW, situation, at + inside * SECOND).permitted


@settings(max_examples=300, deadline=None)
@given(situations(), near, places)
def test_another_place_never_allows_more(situation: Situation, at: datetime, more: Place) -> None:
    wider = replace(situation, other_places=(*situation.other_places, more))
    assert_no_looser(judge(LAW, situation, at), judge(LAW, wider, at))


@settings(max_examples=300, deadline=None)
@given(situations(), near, st.sampled_from([pack.name for pack in BOOK.packs]))
def test_leaving_out_any_pack_but_the_only_one_of_a_place_never_forbids_more(
    situation: Situation, at: datetime, name: str
) -> None:
    fewer = RuleBook(tuple(pack for pack in BOOK.packs if pack.name != name))
    homes = (situation.jurisdiction, *(place.jurisdiction for place in situation.other_places))
    if all(fewer.law_of(home) for home in homes):
        assert_no_looser(judge(fewer, situation, at), judge(BOOK, situation, at))


def assert_no_looser(before: Verdict, after: Verdict) -> None:
    blocked = [index(v.outcome) for v in (before, after)]
    assert blocked[1] >= blocked[0] or after.outcome == before.outcome == "advise"
    assert before.permitted or moment(after) >= moment(before)


def index(outcome: str) -> int:
    # Advice only notes something, such as a part without a pack of its own.
    return max(1, [str(each) for each in OUTCOMES].index(outcome))


def moment(verdict: Verdict) -> datetime:
    return verdict.next_lawful_at or datetime.max.replace(tzinfo=UTC)


def plain(place: Place, **changes: object) -> Situation:
    asked = Situation(
        channel="letter",
        point_id="p1",
        holder="debtor",
        jurisdiction=place.jurisdiction,
        time_zone=place.time_zone,
        stage="reminder",
        is_closed=False,
        has_debt=True,
    )
    return replace(asked, **changes)


def rules(verdict: Verdict) -> set[str]:
    return {finding.rule for finding in verdict.findings}


def test_a_part_is_under_its_own_pack_and_that_of_the_whole() -> None:
    applying = {pack.name for pack in LAW.applying("US-MA")}
    assert applying == {"core", "us", "us-ma"}
    assert {pack.name for pack in LAW.applying("DE")} == {"core", "eu", "de"}
    assert "part_without_pack" in rules(judge(LAW, plain(HOMES[3]), NOON))


def test_a_base_alone_is_no_law_of_a_place() -> None:
    france = Place(jurisdiction="FR", time_zone="Europe/Paris")
    verdict = judge(LAW, plain(france), NOON)
    assert not verdict.permitted
    assert rules(verdict) >= {"unknown_jurisdiction"}


@pytest.mark.parametrize(
    ("place", "rule"),
    [
        (Place(jurisdiction="", time_zone="Asia/Shanghai"), "unknown_jurisdiction"),
        (Place(jurisdiction="CN", time_zone=""), "unknown_time_zone"),
        (Place(jurisdiction="ZZ", time_zone="Asia/Shanghai"), "unknown_jurisdiction"),
    ],
)
def test_one_unknown_place_among_known_ones_blocks(place: Place, rule: str) -> None:
    verdict = judge(LAW, plain(HOMES[0], other_places=(place,)), NOON)
    assert not verdict.permitted
    assert rules(verdict) == {rule, "places_differ"}


def test_two_places_are_asked_on_their_own_clocks_and_disagreement_is_reported() -> None:
    moved = plain(HOMES[0], other_places=(HOMES[1],))
    verdict = judge(LAW, moved, NOON)  # 23:00 in New York the evening before.
    assert rules(verdict) == {"us.quiet_hours", "us.validation_notice", "places_differ"}
    assert verdict.next_lawful_at == datetime(2026, 3, 2, 8, tzinfo=ZoneInfo("America/New_York"))
    differ = next(each for each in verdict.findings if each.rule == "places_differ")
    assert differ.inputs == {"CN Asia/Shanghai": "allow", "US America/New_York": "block"}


def test_places_without_a_common_lawful_moment_are_reported() -> None:
    # Nine to nine in Shanghai and in New York have no minute in common in summer time.
    moved = plain(HOMES[0], other_places=(HOMES[1],))
    verdict = judge(BOOK, moved, datetime(2026, 6, 1, 4, tzinfo=UTC))
    assert verdict.next_lawful_at is None
    assert "no_common_moment" in rules(verdict)


@pytest.mark.parametrize("licence", ["", "fdcpa_collector", "first_party"])
def test_who_collects_decides_and_the_unknown_is_read_strictly(licence: str) -> None:
    night = datetime(2026, 3, 2, 22, tzinfo=ZoneInfo("America/New_York"))
    verdict = judge(LAW, plain(HOMES[1], licence=licence), night)
    assert verdict.permitted == (licence == "first_party")


def test_content_is_advice_before_a_message_is_written_and_binds_after() -> None:
    email = plain(HOMES[1], channel="email", facts={"validation_notice": date(2026, 3, 1)})
    noon = datetime(2026, 3, 2, 12, tzinfo=ZoneInfo("America/New_York"))
    before = judge(LAW, email, noon)
    assert (before.outcome, before.findings[0].inputs["must_contain"]) == ("advise", "opt_out_line")
    assert judge(LAW, replace(email, content=frozenset()), noon).outcome == "block"
    assert judge(LAW, replace(email, content=frozenset({"opt_out_line"})), noon).outcome == "allow"
