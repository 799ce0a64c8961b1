"""What holds of every judgement, tried on random situations."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from duecourse.rules import gate
from duecourse.rules.gate import (
    ActiveHold,
    PastContact,
    Place,
    Situation,
    Verdict,
    judge,
    load_rulebook,
)
from duecourse.rules.hours import Hours
from duecourse.rules.kinds import HoldBlocks, MaxContacts, MinInterval, QuietHours, Rule
from duecourse.rules.pack import Pack, RuleBook
from duecourse.rules.situation import OUTCOMES

BOOK = load_rulebook()
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
START = datetime(2026, 3, 1, tzinfo=UTC)
ZONES = [
    "Asia/Shanghai",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "America/Havana",
    "Pacific/Kiritimati",
]
CHANNELS = ["sms", "email", "letter", "call", "visit", "voice-notice"]
# Every place that a packaged pack is about, and what lies in or beside it.
PLACES = sorted(
    {pack.jurisdiction for pack in BOOK.packs} - {"*", "EU"} | {"US-CA", "FR", "ZZ", ""}
)
KNOWN = sorted(place for place in PLACES if BOOK.law_of(place) and place != "US-CA")

moments = st.integers(0, 60 * 86400).map(lambda seconds: START + seconds * SECOND)
near = st.one_of(moments, st.integers(0, 60 * 48).map(lambda n: START + n * timedelta(minutes=30)))
contacts = st.builds(
    PastContact,
    at=near,
    channel=st.sampled_from(CHANNELS),
    point_id=st.sampled_from(["p1", "p2", ""]),
    initiator=st.sampled_from(["creditor", "creditor", "debtor"]),
    kind=st.sampled_from(["attempt", "connected", "conversation", "message"]),
    party=st.sampled_from(["debtor", "representative", "third_party", "nobody"]),
    expires_at=st.none() | near,
)
holds = st.builds(
    ActiveHold,
    hold_id=st.just("h"),
    kind=st.sampled_from(["dispute", "complaint"]),
    blocks=st.sampled_from([("outreach",), ("legal",)]),
    until=st.dates(date(2026, 2, 1), date(2026, 6, 1)),
)
situations = st.builds(
    Situation,
    channel=st.sampled_from(CHANNELS),
    point_id=st.sampled_from(["p1", "p2"]),
    holder=st.just("debtor"),
    jurisdiction=st.just("CN"),
    time_zone=st.sampled_from(ZONES),
    stage=st.just("reminder"),
    is_closed=st.just(False),
    has_debt=st.just(True),
    holds=st.lists(holds, max_size=2).map(tuple),
    past=st.lists(contacts, max_size=12).map(tuple),
    pending=st.lists(contacts, max_size=2).map(tuple),
)
all_holds = st.builds(
    ActiveHold,
    hold_id=st.just("h"),
    kind=st.sampled_from(["dispute", "represented", "ceased", "breathing_space", "validation"]),
    blocks=st.sampled_from([("outreach",), ("legal",)]),
    until=st.none() | st.dates(date(2026, 2, 1), date(2026, 6, 1)),
)
a_place = st.builds(
    Place, jurisdiction=st.sampled_from(PLACES), time_zone=st.sampled_from([*ZONES, ""])
)
a_known_place = st.builds(
    Place, jurisdiction=st.sampled_from(KNOWN), time_zone=st.sampled_from(ZONES)
)
agreed = st.sampled_from([(9, 12), (10, 20), (17, 23), (20, 2)]).map(
    lambda pair: Hours(start=time(pair[0]), end=time(pair[1]))
)
# Whatever a rule of any pack may look at, in any place.
everywhere = st.builds(
    Situation,
    act=st.sampled_from(["contact", "contact", "contact", "legal_action", "bureau_report"]),
    channel=st.sampled_from(CHANNELS),
    point_id=st.sampled_from(["p1", "p2"]),
    holder=st.sampled_from(["debtor", "debtor", "representative", "third_party"]),
    jurisdiction=st.sampled_from(KNOWN),
    time_zone=st.sampled_from(ZONES),
    stage=st.just("reminder"),
    is_closed=st.just(False),
    has_debt=st.just(True),
    holds=st.lists(all_holds, max_size=1).map(tuple),
    past=st.lists(contacts, max_size=12).map(tuple),
    pending=st.lists(contacts, max_size=2).map(tuple),
    licence=st.sampled_from(["", "fdcpa_collector", "first_party"]),
    debt_types=st.sampled_from(
        [frozenset[str](), frozenset({"card"}), frozenset({"microfinance"})]
    ),
    limitation=st.sampled_from(["", "running", "expired"]),
    point_use=st.sampled_from(["", "home", "work"]),
    refused_media=st.sampled_from([frozenset[str](), frozenset[str](), frozenset({"workplace"})]),
    consents=st.sampled_from([frozenset({"tcpa", "workplace", "work_email"}), frozenset[str]()]),
    agreed_hours=st.lists(agreed, max_size=1).map(tuple),
    content=st.sampled_from([None, frozenset({"opt_out_line"}), frozenset({"legal_threat"})]),
    facts=st.dictionaries(
        st.sampled_from(["debt_adviser", "assigned", "told_before_reporting", "letter_of_claim"]),
        st.dates(date(2026, 2, 1), date(2026, 4, 1)),
        max_size=3,
    ),
    other_places=st.lists(a_known_place, max_size=1).map(tuple),
)


@settings(max_examples=250, deadline=None)
@given(everywhere, near, st.data())
def test_in_every_place_the_next_lawful_moment_is_lawful_and_none_before_it_is(
    situation: Situation, at: datetime, data: st.DataObject
) -> None:
    check_next(situation, at, data)


@settings(max_examples=250, deadline=None)
@given(everywhere, a_place, near)
def test_adding_a_place_never_allows_more(situation: Situation, place: Place, at: datetime) -> None:
    before = judge(BOOK, situation, at)
    also = replace(situation, other_places=(*situation.other_places, place))
    after = judge(BOOK, also, at)
    assert OUTCOMES.index(after.outcome) >= OUTCOMES.index(before.outcome)
    assert before.permitted or _moment(after) >= _moment(before)
    alone = replace(
        situation, jurisdiction=place.jurisdiction, time_zone=place.time_zone, other_places=()
    )
    there = judge(BOOK, alone, at)
    assert OUTCOMES.index(after.outcome) >= OUTCOMES.index(there.outcome)
    assert there.permitted or _moment(after) >= _moment(there)


@settings(max_examples=250, deadline=None)
@given(everywhere, near, st.randoms(use_true_random=False))
def test_leaving_rules_out_of_any_pack_never_forbids_more(
    situation: Situation, at: datetime, pick: Any
) -> None:
    fewer = RuleBook(
        tuple(
            replace(pack, rules=tuple(rule for rule in pack.rules if pick.random() < 0.6))
            for pack in BOOK.packs
        )
    )
    more, less = judge(BOOK, situation, at), judge(fewer, situation, at)
    assert OUTCOMES.index(more.outcome) >= OUTCOMES.index(less.outcome)
    assert less.permitted or _moment(more) >= _moment(less)


def check_next(situation: Situation, at: datetime, data: st.DataObject) -> None:
    verdict = judge(BOOK, situation, at)
    until = verdict.next_lawful_at
    if until is None:
        return
    assert not verdict.permitted
    assert judge(BOOK, situation, until).permitted
    assert not judge(BOOK, situation, max(at, until - SECOND)).permitted
    between = st.integers(0, int((until - at) / SECOND) - 1) if until - at > SECOND else st.just(0)
    assert not judge(BOOK, situation, at + data.draw(between) * SECOND).permitted


@settings(max_examples=300, deadline=None)
@given(situations, near, st.data())
def test_the_next_lawful_moment_is_lawful_and_none_before_it_is(
    situation: Situation, at: datetime, data: st.DataObject
) -> None:
    check_next(situation, at, data)


@settings(max_examples=100, deadline=None)
@given(situations, near)
def test_with_holds_that_end_a_next_moment_is_always_found(
    situation: Situation, at: datetime
) -> None:
    # Everything drawn here ends within the horizon, so "not known" would be a wrong answer.
    early = tuple(replace(hold, until=date(2026, 3, 20)) for hold in situation.holds)
    verdict = judge(BOOK, replace(situation, holds=early), START + (at - START) / 10)
    assert verdict.permitted or verdict.next_lawful_at is not None


COMMON: dict[str, Any] = {
    "id": "added",
    "says": "An added rule, drawn at random.",
    "citation": "drawn at random",
    "confidence": "C",
    "effective_from": date(2026, 3, 10),
}
IN_FORCE: dict[str, Any] = {**COMMON, "effective_from": date(2020, 1, 1)}
times = st.times(time(0), time(23, 59)).map(lambda t: t.replace(microsecond=0))
added_rules: st.SearchStrategy[Rule] = st.one_of(
    st.tuples(times, times)
    .filter(lambda pair: pair[0] != pair[1])
    .map(lambda pair: QuietHours(start=pair[0], end=pair[1], **COMMON)),
    st.integers(1, 4).map(
        lambda n: MaxContacts(
            limit=n, window="rolling_days", days=n, counts=("message", "conversation"), **COMMON
        )
    ),
    st.integers(1, 4000).map(lambda n: MinInterval(minutes=n, counts=("message",), **COMMON)),
    st.just(HoldBlocks(what="legal", outcome="presumed_violation", **COMMON)),
    st.just(HoldBlocks(what="legal", outcome="advise", **COMMON)),
)


@settings(max_examples=250, deadline=None)
@given(everywhere, near, added_rules, st.sampled_from([*KNOWN, "*", "EU"]), st.booleans())
def test_adding_a_pack_never_allows_more(
    situation: Situation,
    at: datetime,
    rule: Rule,
    jurisdiction: str,
    base: bool,  # noqa: FBT001 - drawn
) -> None:
    pack = Pack(
        name="added",
        version="1",
        title="Added",
        jurisdiction=jurisdiction,
        base=base,
        members=frozenset({"DE"}) if jurisdiction == "EU" else frozenset(),
        time_zone="UTC",
        effective_from=date(2020, 1, 1),
        rules=(rule,),
    )
    before = judge(BOOK, situation, at)
    after = judge(BOOK.with_packs([pack]), situation, at)
    assert OUTCOMES.index(after.outcome) >= OUTCOMES.index(before.outcome)
    assert before.permitted or _moment(after) >= _moment(before)


def _moment(verdict: Verdict) -> datetime:
    return verdict.next_lawful_at or datetime.max.replace(tzinfo=UTC)


any_moment = st.datetimes(timezones=st.sampled_from([UTC, *map(ZoneInfo, ZONES)]))
anything = st.builds(
    Situation,
    channel=st.text(),
    point_id=st.text(),
    holder=st.text(),
    jurisdiction=st.one_of(st.sampled_from(["CN", "*"]), st.text()),
    time_zone=st.one_of(st.sampled_from(ZONES), st.text()),
    stage=st.text(),
    is_closed=st.booleans(),
    has_debt=st.booleans(),
    holds=st.lists(
        st.builds(
            ActiveHold,
            hold_id=st.text(),
            kind=st.text(),
            blocks=st.lists(st.sampled_from(["outreach", ""])).map(tuple),
            until=st.none() | st.dates(),
        )
    ).map(tuple),
    opted_out=st.frozensets(st.text()),
    past=st.lists(
        st.builds(
            PastContact,
            at=any_moment,
            channel=st.text(),
            point_id=st.text(),
            initiator=st.sampled_from(["creditor", "debtor"]),
            kind=st.sampled_from(["attempt", "conversation", "message"]),
            party=st.just("debtor"),
            expires_at=st.none() | any_moment,
        )
    ).map(tuple),
)


@settings(max_examples=300, deadline=None)
@given(
    anything,
    st.datetimes(
        datetime(1900, 1, 2),  # noqa: DTZ001 - hypothesis adds the zone
        datetime(8999, 12, 30),  # noqa: DTZ001
        timezones=st.just(UTC),
    ),
)
def test_every_situation_gets_an_answer(situation: Situation, at: datetime) -> None:
    verdict = judge(BOOK, situation, at)
    assert verdict.permitted == (verdict.first is None)
    said = [finding.outcome for finding in verdict.findings]
    assert verdict.outcome == max(said, key=OUTCOMES.index, default="allow")
    assert said == sorted(said, key=OUTCOMES.index, reverse=True)


@settings(max_examples=400, deadline=None)
@given(
    situations,
    near,
    st.builds(
        MaxContacts,
        limit=st.integers(1, 4),
        window=st.just("rolling_days"),
        days=st.integers(1, 9),
        reading=st.sampled_from(["stricter", "calendar", "hours"]),
        scope=st.sampled_from(["debtor", "point"]),
        counts=st.just(("message", "attempt")),
        **{key: st.just(value) for key, value in IN_FORCE.items()},
    ),
)
@example(  # The day's first second still counts on its day, the last of the day before does not.
    situation=Situation(
        channel="sms",
        point_id="p1",
        holder="debtor",
        jurisdiction="CN",
        time_zone="Asia/Shanghai",
        stage="reminder",
        is_closed=False,
        has_debt=True,
        past=(
            PastContact(
                at=datetime(2026, 3, 1, 16, tzinfo=UTC),
                channel="sms",
                point_id="p1",
                initiator="creditor",
                kind="message",
                party="debtor",
            ),
        ),
    ),
    at=datetime(2026, 3, 2, 15, 59, 59, tzinfo=UTC),
    rule=MaxContacts(
        limit=1, window="calendar_day", reading="calendar", counts=("message",), **IN_FORCE
    ),
)
def test_counters_agree_with_counting_on_fingers(
    situation: Situation, at: datetime, rule: MaxContacts
) -> None:
    pack = Pack(
        name="only",
        version="1",
        title="One counter",
        jurisdiction="CN",
        time_zone="UTC",
        effective_from=date(2020, 1, 1),
        rules=(rule,),
    )
    verdict = judge(RuleBook((pack,)), situation, at)
    counted = list(_fingers(rule, situation, at))
    assert verdict.permitted == (len(counted) < rule.limit)
    if not verdict.permitted:
        assert verdict.findings[0].inputs["count"] == str(len(counted))


def _fingers(rule: MaxContacts, situation: Situation, at: datetime) -> Iterator[PastContact]:
    zone = ZoneInfo(situation.time_zone)
    today = at.astimezone(zone).date()
    first_day = today - (rule.days - 1) * DAY
    wanted = [p for p in situation.past if p.kind in rule.counts]
    for each in [*wanted, *situation.pending]:
        begin = each.at
        end = max(each.at, each.expires_at or each.at)
        by_day = end.astimezone(zone).date() >= first_day
        by_hours = at - end < rule.days * DAY
        inside = {"calendar": by_day, "hours": by_hours, "stricter": by_day or by_hours}
        if (
            each.initiator == "creditor"
            and (rule.scope == "debtor" or each.point_id in {situation.point_id, ""})
            and begin.astimezone(zone).date() <= today
            and inside[rule.reading]
        ):
            yield each


# --- the properties are worth something -----------------------------------------------------


def _one_place(situation: Situation) -> Iterator[tuple[str, Situation]]:
    yield "first", replace(situation, other_places=())


def _mildest(findings: Any) -> Any:
    return min((f.outcome for f in findings), key=OUTCOMES.index, default="allow")


def _in_place_of_the_house(book: RuleBook, packs: list[Pack]) -> RuleBook:
    return RuleBook((*(pack for pack in book.packs if pack.layer == "law"), *packs))


_next = gate._next_lawful


def _off_by(wrong: timedelta) -> Any:
    def moved(*args: Any) -> datetime | None:
        moment = _next(*args)
        return None if moment is None else moment + wrong

    return moved


NEXT = (
    test_in_every_place_the_next_lawful_moment_is_lawful_and_none_before_it_is,
    (everywhere, near, st.data()),
)
ONE_MORE_PLACE = test_adding_a_place_never_allows_more, (everywhere, a_place, near)
FEWER_RULES = (
    test_leaving_rules_out_of_any_pack_never_forbids_more,
    (everywhere, near, st.randoms(use_true_random=False)),
)
ONE_MORE_PACK = (
    test_adding_a_pack_never_allows_more,
    (everywhere, near, added_rules, st.just("*"), st.booleans()),
)


@pytest.mark.parametrize(
    ("name", "bug", "claim"),
    [
        ("_places", _one_place, ONE_MORE_PLACE),
        ("_strictest", _mildest, ONE_MORE_PLACE),
        ("_strictest", _mildest, FEWER_RULES),
        ("RuleBook.with_packs", _in_place_of_the_house, ONE_MORE_PACK),
        ("_next_lawful", _off_by(timedelta(hours=1)), NEXT),
        ("_next_lawful", _off_by(-SECOND), NEXT),
    ],
)
def test_a_planted_bug_breaks_the_claim(
    name: str, bug: Any, claim: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"duecourse.rules.gate.{name}", bug)
    test, drawn = claim
    # The first example that fails will do; a smaller one would take long to find.
    quickly = settings(
        max_examples=500, deadline=None, phases=[Phase.generate], report_multiple_bugs=False
    )
    with pytest.raises(AssertionError):
        quickly(given(*drawn)(test.hypothesis.inner_test))()
