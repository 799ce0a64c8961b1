"""Counters against a recount by hand over random histories."""

import os
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import product
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from duecourse.rules import counting
from duecourse.rules.clock import now
from duecourse.rules.conditions import When
from duecourse.rules.gate import PastContact, Situation, judge, load_rulebook
from duecourse.rules.kinds import MaxContacts, MinInterval, PauseAfter
from duecourse.rules.pack import Pack, RuleBook

LONG = bool(os.environ.get("DUECOURSE_LONG"))
HISTORIES = 100_000 if LONG else 4_000
OF_EACH = 100_000 if LONG else 500
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
ZONES = [
    "Asia/Shanghai",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Havana",
    "Asia/Beirut",
]
START = datetime(2026, 3, 1, tzinfo=UTC)
MEANS = {
    "attempt": {"attempt"},
    "connected": {"connected", "conversation"},
    "conversation": {"conversation"},
    "contact_made": {"connected", "conversation", "message"},
    "message": {"message"},
}
WINDOWS = ["calendar_day", "calendar_week", "calendar_month", "rolling_days", "pause", "interval"]
SCOPES = ["debtor", "point", "debt", "account", "creditor_group"]
STARTS = ["event", "next_day"]
COMBINATIONS = [
    each
    for each in product(WINDOWS, SCOPES, STARTS)
    if (each[0], each[2]) != ("interval", "next_day")
]
CHANNELS = ["call", "call", "sms", "letter", "visit", "voice-notice", "email"]
PARTIES = ["debtor", "debtor", "nobody", "third_party", "representative", "attorney", "bureau"]
Counter = MaxContacts | PauseAfter | MinInterval
Combination = tuple[str, str, str]


def combination(rule: Counter) -> Combination:
    """Window × scope × start."""
    match rule:
        case MaxContacts():
            return rule.window, rule.scope, rule.starts_on
        case PauseAfter():
            return "pause", rule.scope, rule.starts_on
        case MinInterval():
            return "interval", rule.scope, rule.starts_on


def packed() -> Mapping[Combination, Sequence[Counter]]:
    """The counters of all packaged packs by combination, each speaking for itself alone."""
    found: dict[Combination, list[Counter]] = defaultdict(list)
    for pack in load_rulebook().packs:
        for rule in pack.rules:
            if isinstance(rule, Counter):
                bare = replace(
                    rule, outcome="block", when=When(), effective_from=date(2020, 1, 1), vectors=()
                )
                found[combination(rule)].append(bare)
    return dict(found)


PACKED = packed()


def random_rule(pick: Random, window: str, scope: str, starts_on: str) -> Counter:
    common: dict[str, Any] = {
        "id": "counter",
        "says": "A rule of this test.",
        "citation": "this test",
        "confidence": "house",
        "effective_from": date(2020, 1, 1),
        "channels": pick.choice([("*",), ("call",), ("call", "sms")]),
        "counts": tuple(pick.sample(sorted(MEANS), pick.randint(1, 3))),
        "scope": scope,
        "starts_on": starts_on,
        "person": pick.choice(["any", "same"]),
        "initiators": pick.choice([("creditor",), ("creditor", "debtor")]),
        "excludes": pick.choice([(), ("not_connected", "to_attorney"), ("consented",)]),
        "consent_days": pick.choice([0, 3, 7]),
    }
    days, reading = pick.choice([1, 2, 7, 10]), pick.choice(["stricter", "calendar", "hours"])
    if window == "interval":
        return MinInterval(minutes=pick.choice([1, 120, 3000]), **common)
    if window == "pause":
        return PauseAfter(days=days, reading=reading, **common)
    if window == "rolling_days":
        limit = pick.randint(1, 5)
        return MaxContacts(window="rolling_days", days=days, reading=reading, limit=limit, **common)
    return MaxContacts(window=window, limit=pick.randint(1, 5), **common)


def random_contact(pick: Random, at: datetime) -> PastContact:
    def some() -> tuple[str, ...]:
        return tuple(pick.sample(["a", "b", "c"], pick.randint(0, 2)))

    reach = pick.choice([1, 8, 40])
    moment = at - pick.randint(-60, reach * 1440) * MINUTE
    return PastContact(
        at=moment,
        channel=pick.choice(CHANNELS),
        point_id=pick.choice(["p1", "p1", "p2", ""]),
        initiator=pick.choice(["creditor", "creditor", "debtor"]),
        kind=pick.choice(["attempt", "connected", "conversation", "message"]),
        party=pick.choice(PARTIES),  # type: ignore[arg-type]
        debts=some(),
        accounts=some(),
        by=pick.choice(["us", "us", "group"]),
        number_reached=pick.random() < 0.8,
        consented_at=pick.choice(
            [None, None, moment - pick.randint(-9, 9) * DAY + pick.randint(-720, 720) * MINUTE]
        ),
    )


def random_pending(pick: Random, at: datetime) -> PastContact:
    contact = random_contact(pick, at)
    expires = pick.choice([None, contact.at + pick.randint(0, 3000) * MINUTE])
    return replace(contact, expires_at=expires)


def random_situation(pick: Random, at: datetime, zone: str, channel: str = "call") -> Situation:
    return Situation(
        channel=channel,
        point_id="p1",
        holder=pick.choice(["debtor", "debtor", "representative"]),
        jurisdiction="CN",
        time_zone=zone,
        stage="reminder",
        is_closed=False,
        has_debt=True,
        past=tuple(random_contact(pick, at) for _ in range(pick.randint(0, 10))),
        pending=tuple(random_pending(pick, at) for _ in range(pick.choice([0, 0, 1]))),
        debts=tuple(pick.sample(["a", "b"], pick.randint(0, 2))),
        accounts=tuple(pick.sample(["a", "b"], pick.randint(0, 2))),
    )


# --- by hand ---------------------------------------------------------------------------------


def count_by_hand(rule: Counter, situation: Situation, at: datetime) -> int:
    """The largest count over what the act is about."""
    subjects = {"debt": situation.debts, "account": situation.accounts}.get(rule.scope) or (None,)
    return max(
        sum(
            counts(rule, each, situation, subject, pending=pending)
            and any(
                holds(rule, moment, at, ZoneInfo(situation.time_zone))
                for moment in moments(each, at)
            )
            for pending, contacts in ((False, situation.past), (True, situation.pending))
            for each in contacts
        )
        for subject in subjects
    )


def moments(each: PastContact, at: datetime) -> list[datetime]:
    """When it was; a pending one may be made at any moment: now, or as near to now as it can."""
    last = each.expires_at or each.at
    return [each.at, last, at] if each.at <= at <= last else [each.at, last]


def counts(
    rule: Counter, each: PastContact, situation: Situation, subject: str | None, *, pending: bool
) -> bool:
    about = {"debt": each.debts, "account": each.accounts}.get(rule.scope, ())
    others = {"debtor", "representative", "third_party", "attorney", "bureau", "creditor"}
    named = rule.counted_channels or rule.channels
    concerned = (
        ("*" in named or each.channel in named)
        and (bool(rule.counted_channels) or each.channel not in rule.except_channels)
        and each.initiator in rule.initiators
        and (rule.scope == "creditor_group" or each.by == "us")
        and not (rule.scope == "point" and each.point_id == "p2")
        and not (subject and about and subject not in about)
        and not (rule.person == "same" and each.party in others - {situation.holder})
    )
    kind = any(each.kind in MEANS[word] for word in rule.counts) and each.party in rule.parties
    return concerned and (
        pending or (kind and not excluded(rule, each, ZoneInfo(situation.time_zone)))
    )


def excluded(rule: Counter, each: PastContact, zone: ZoneInfo) -> bool:
    return (
        ("not_connected" in rule.excludes and not each.number_reached)
        or any(
            f"to_{party}" in rule.excludes and each.party == party
            for party in ("attorney", "bureau", "creditor")
        )
        or (
            "consented" in rule.excludes
            and each.consented_at is not None
            and each.consented_at <= each.at
            and (each.at.astimezone(zone).date() - each.consented_at.astimezone(zone).date()).days
            < rule.consent_days
        )
    )


def holds(rule: Counter, contact: datetime, at: datetime, zone: ZoneInfo) -> bool:
    """Whether the window that ends with `at` holds the contact."""
    if isinstance(rule, MinInterval):
        return abs(at - contact) < rule.minutes * MINUTE or at == contact - rule.minutes * MINUTE
    day, today = contact.astimezone(zone).date(), at.astimezone(zone).date()
    if day > today:
        return False
    first = day if rule.starts_on == "event" else day + DAY
    if isinstance(rule, MaxContacts) and rule.window != "rolling_days":
        same = {
            "calendar_day": first == today,
            "calendar_week": first.isocalendar()[:2] == today.isocalendar()[:2],
            "calendar_month": (first.year, first.month) == (today.year, today.month),
        }
        return day == today or same[rule.window]
    by_calendar = today < first + rule.days * DAY
    since = contact if rule.starts_on == "event" else last_minute(zone, day) + MINUTE
    by_hours = at - since < rule.days * DAY
    return {
        "calendar": by_calendar,
        "hours": by_hours,
        "stricter": by_calendar or by_hours,
    }[rule.reading]


@cache
def last_minute(zone: ZoneInfo, day: date) -> datetime:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    minutes = (noon + n * MINUTE for n in range(-30 * 60, 30 * 60))
    return max(each for each in minutes if each.astimezone(zone).date() <= day)


def disagreement(rule: Counter, situation: Situation, at: datetime, pick: Random) -> str:
    limit = rule.limit if isinstance(rule, MaxContacts) else 1
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
    counted = count_by_hand(rule, situation, at)
    if verdict.permitted != (counted < limit):
        return f"by hand {counted} of {limit}, but {verdict}"
    if verdict.permitted:
        return ""
    until = verdict.next_lawful_at
    finding = verdict.findings[0]
    if until is None or (finding.inputs["count"], finding.next_lawful_at) != (str(counted), until):
        return f"by hand {counted}, but {verdict}"
    inside = at + pick.randrange(max(1, int((until - at) / MINUTE))) * MINUTE
    free = [
        count_by_hand(rule, situation, each) < limit for each in (inside, until - MINUTE, until)
    ]
    return "" if free == [False, False, True] else f"{until} is not the first lawful moment"


def recount(histories: int, rules: Sequence[Counter] = ()) -> list[str]:
    """The disagreements over as many random histories: of these rules in turn, or of random ones."""
    pick = Random(20261127)
    found = []
    for number in range(histories):
        if rules:
            rule = rules[number % len(rules)]
            if isinstance(rule, MaxContacts):  # So that small histories reach it as well.
                rule = replace(rule, limit=pick.randint(1, rule.limit))
        else:
            rule = random_rule(pick, *COMBINATIONS[number % len(COMBINATIONS)])
        at = START + pick.randint(0, 60 * 1440) * MINUTE
        channel = pick.choice([each for each in CHANNELS if rule.binds(each)])
        situation = random_situation(pick, at, pick.choice(ZONES), channel)
        if wrong := disagreement(rule, situation, at, pick):
            found.append(f"{wrong}\n{rule}\n{at} {situation}")
    return found


def test_counters_agree_with_a_recount_by_hand() -> None:
    assert recount(HISTORIES) == []


@pytest.mark.parametrize("used", PACKED, ids="-".join)
def test_every_combination_that_a_pack_uses_agrees_with_a_recount(
    used: Combination, report: Callable[[str], None]
) -> None:
    """Whatever counter a pack brings is recounted here, with its own counts and initiators."""
    rules = PACKED[used]
    assert recount(OF_EACH, rules) == []
    report(f"{OF_EACH} histories of {' × '.join(used)}, by {len(rules)} rules")


def test_the_random_rules_have_every_combination_that_a_pack_uses() -> None:
    assert set(PACKED) <= set(COMBINATIONS)
    initiators = {each for rules in PACKED.values() for rule in rules for each in rule.initiators}
    assert initiators <= {"creditor", "debtor"}


@pytest.mark.parametrize("bug", ["server_midnight", "first_day", "scope"])
def test_the_recount_finds_planted_bugs(bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right_window, right_scope = counting._in_window, counting._concerns
    if bug == "server_midnight":

        def window(rule: Any, span: Any, now: Any) -> Any:
            return right_window(rule, span, replace(now, zone=ZoneInfo("UTC")))

        monkeypatch.setattr(counting, "_in_window", window)
    elif bug == "first_day":

        def longer(rule: Any, span: Any, now: Any) -> Any:
            begins, ends = right_window(rule, span, now)
            return begins, ends + DAY

        monkeypatch.setattr(counting, "_in_window", longer)
    else:
        monkeypatch.setattr(
            counting,
            "_concerns",
            lambda rule, contact, situation, _: right_scope(rule, contact, situation, ""),
        )
    assert recount(600)


def test_of_several_debts_the_last_to_be_free_decides_not_the_one_with_most_contacts() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    rule = random_rule(Random(1), "pause", "debt", "event")
    rule = replace(rule, days=7, reading="calendar", counts=("attempt",), person="any", excludes=())
    made = replace(
        random_contact(Random(1), START),
        channel="call",
        kind="attempt",
        initiator="creditor",
        by="us",
    )
    past = tuple(
        replace(made, at=datetime(2026, 3, day, 12, tzinfo=zone), debts=(debt,))
        for day, debt in ((2, "a"), (3, "a"), (5, "b"))
    )
    at = datetime(2026, 3, 6, 12, tzinfo=zone)
    situation = replace(random_situation(Random(1), at, zone.key), past=past, pending=())
    found = counting.over(rule, replace(situation, debts=("a", "b")), now(at, zone))
    assert found is not None
    assert (found.subject, found.count) == ("a", 2)
    assert found.until == datetime(2026, 3, 12, tzinfo=zone)
