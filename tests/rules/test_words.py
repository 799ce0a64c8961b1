"""A verdict in words: every rule in Chinese and in English, for the collector and for the debtor."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from duecourse.rules import gate, pack
from duecourse.rules.gate import ActiveHold, PastContact, Place, Situation, judge
from duecourse.rules.inputs import show_moment
from duecourse.rules.pack import Pack, RuleBook, check_pack
from duecourse.rules.situation import Arrangement, Finding, Verdict
from duecourse.rules.vocabulary import DATA, DATA_CITATIONS, DATA_TO_DEBTOR, LABELS, Language
from duecourse.rules.words import Asked, ForBorrower, ForCollector, explain

BOOK = pack.load_rulebook()
RULES = [(each.name_of(rule), rule) for each in BOOK.packs for rule in each.rules]
SHANGHAI = ZoneInfo("Asia/Shanghai")
NIGHT = datetime(2026, 3, 2, 22, 30, tzinfo=SHANGHAI)
CASE = Situation(
    channel="call",
    point_id="mobile",
    holder="debtor",
    jurisdiction="CN",
    time_zone="Asia/Shanghai",
    stage="reminder",
    is_closed=False,
    has_debt=True,
)


def words(
    language: Language, at: datetime = NIGHT, book: RuleBook = BOOK, **changes: Any
) -> tuple[ForCollector, ForBorrower]:
    situation = replace(CASE, **changes)
    asked = Asked(channel=situation.channel, at=at, time_zone=situation.time_zone)
    return explain(judge(book, situation, at), asked, language)


def told(finding: Finding, language: Language) -> tuple[ForCollector, ForBorrower]:
    """The words for one finding alone."""
    asked = Asked(channel="call", at=NIGHT, time_zone="Asia/Shanghai")
    return explain(Verdict(outcome=finding.outcome, findings=(finding,)), asked, language)


# --- every rule ------------------------------------------------------------------------------


def test_every_packaged_rule_has_chinese_words() -> None:
    assert [name for name, rule in RULES if rule.zh is None] == []


def test_a_source_is_named_in_chinese_where_it_is_ours_or_chinese() -> None:
    ours = [
        (each.name_of(rule), rule)
        for each in BOOK.packs
        if each.layer != "law" or each.jurisdiction == "CN"
        for rule in each.rules
    ]
    assert [name for name, rule in ours if not (rule.zh and rule.zh.citation)] == []


NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "fourteen": 14, "thirty": 30, "sixty": 60,
}  # fmt: skip
CHINESE = dict(zip("一两二三四五六七八九十", (1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10), strict=True))
NAMES_OF_DAYS = re.compile("(?:周|星期)[一二三四五六日]")


def figures(text: str) -> Counter[str]:
    """The figures of a text, however they are written: `22:00`, `7`, `seven`, `七`."""
    text = NAMES_OF_DAYS.sub("", text).lower()
    times = re.findall(r"\d\d:\d\d", text)
    rest = re.sub(r"\d\d:\d\d", " ", text)
    digits = [str(int(each)) for each in re.findall(r"\d+", rest)]
    english = [str(NUMBERS[each]) for each in re.findall(r"[a-z]+", rest) if each in NUMBERS]
    chinese = [str(CHINESE[each]) for each in rest if each in CHINESE]
    return Counter(times + digits + english + chinese)


def test_every_figure_of_a_rule_is_the_same_in_both_languages() -> None:
    differing = {
        name: (figures(rule.says), figures(rule.zh.says))
        for name, rule in RULES
        if rule.zh and figures(rule.says) != figures(rule.zh.says)
    }
    assert differing == {}
    assert sum(bool(figures(rule.says)) for _, rule in RULES) > 20


def test_every_figure_of_a_source_is_the_same_in_both_languages() -> None:
    differing = {
        name: (figures(rule.citation), figures(rule.zh.citation))
        for name, rule in RULES
        if rule.zh and rule.zh.citation and figures(rule.citation) != figures(rule.zh.citation)
    }
    assert differing == {}


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("at most seven calls", "最多6次"),
        ("from 21:00", "自21:30起"),
        ("a day", "1天"),
        ("7 in 7", "7天"),
    ],
)
def test_the_figures_would_be_seen_to_differ(english: str, chinese: str) -> None:
    assert figures(english) != figures(chinese)


# --- everything that a rule can see ----------------------------------------------------------


@pytest.fixture(scope="module")
def findings() -> list[Finding]:
    """What every rule says to each of its examples."""
    found: list[Finding] = []

    def speak(*arguments: Any) -> Finding | None:
        finding = asked(*arguments)
        if finding is not None:
            found.append(finding)
        return finding

    asked = pack.speak
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pack, "speak", speak)
        for each in BOOK.packs:
            check_pack(each)
    assert {each.rule for each in found} == {name for name, _ in RULES}
    return found


# Names that stay as they are in Chinese: zones, packs, marks, places.
STAYS = re.compile(
    r"[A-Z][A-Za-z_]+/[A-Za-z_]+|UTC([+-]\d\d:\d\d)?|Duecourse|规则包 [a-z-]+ [\d.]+|（(A|B-?|C)：|[A-Z]{2} "
)


def test_no_english_is_left_in_the_chinese_words(findings: list[Finding]) -> None:
    for finding in findings:
        collector, borrower = told(finding, "zh")
        (reason,), (line,) = collector.reasons, borrower.reasons
        texts = [reason.outcome, reason.says, reason.saw, reason.until, collector.next_moment]
        texts += [collector.summary, borrower.summary, borrower.next_moment]
        texts.append(line[: line.rindex("（依据：")] if "（依据：" in line else line)
        for text in texts:
            assert not re.search("[A-Za-z]", STAYS.sub("", text)), (finding.rule, text)


def test_no_chinese_is_left_in_the_english_words(findings: list[Finding]) -> None:
    for finding in findings:
        collector, borrower = told(finding, "en")
        (reason,) = collector.reasons
        texts = [reason.outcome, reason.says, reason.saw, reason.source, reason.until]
        texts += [collector.summary, borrower.summary, *borrower.reasons, borrower.next_moment]
        for text in texts:
            assert not re.search("[\u3000-\u9fff\uff00-\uffef]", text), (finding.rule, text)


def test_a_collector_sees_the_rule_its_source_and_how_sure_we_are(findings: list[Finding]) -> None:
    for finding in findings:
        for language in ("zh", "en"):
            (reason,) = told(finding, language)[0].reasons
            assert reason.rule == finding.rule
            assert finding.inputs["pack"] in reason.source
            assert reason.saw, finding.rule
        assert finding.citation in reason.source
        assert finding.confidence == "house" or f"({finding.confidence}: " in reason.source


def test_a_debtor_is_spoken_to_without_rule_ids_marks_or_names_of_ours(
    findings: list[Finding],
) -> None:
    for finding in findings:
        for language, person in (
            ("zh", "您|我们|此事"),
            ("en", r"\b([Ww]e|[Yy]ou|us)\b|This rests"),
        ):
            _, borrower = told(finding, language)
            (line,) = borrower.reasons
            text = f"{borrower.summary} {line} {borrower.next_moment}"
            assert "." not in finding.rule or finding.rule not in text
            assert not re.search(r"[a-z]_[a-z]|[Dd]uecourse|confidence|debtor", text), text
            assert "（B：" not in text
            assert "(B: " not in text
            if "act" not in finding.inputs and "days" not in finding.inputs:
                assert re.search(person, line) or "first" in line or "须先" in line, line


def test_what_several_rules_say_alike_is_told_to_the_debtor_once() -> None:
    collector, borrower = words("zh")
    assert [each.rule for each in collector.reasons] == [
        "cn.quiet_hours", "cn.quiet_hours_guide", "house.quiet_hours",
    ]  # fmt: skip
    night, house = borrower.reasons
    assert "5.3条" in night
    assert "银行业协会" in night
    assert house.endswith("（依据：本机构自定规则）")


# --- data that are missing -------------------------------------------------------------------

TWO_PLACES = (Place(jurisdiction="GB", time_zone="Europe/London"),)
MISSING: list[tuple[str, dict[str, Any]]] = [
    ("unknown_time_zone", {"time_zone": "Asia/Nowhere"}),
    ("unknown_jurisdiction", {"jurisdiction": "ZZ"}),
    ("no_usable_address", {"point_id": ""}),
    ("places_differ", {"other_places": TWO_PLACES}),
    ("part_without_pack", {"jurisdiction": "CN-GD"}),
]


@pytest.mark.parametrize(("rule", "changes"), MISSING, ids=[rule for rule, _ in MISSING])
def test_what_is_missing_is_said_in_both_languages(rule: str, changes: dict[str, Any]) -> None:
    reason = next(each for each in words("zh", **changes)[0].reasons if each.rule == rule)
    assert reason.says == DATA[rule]
    assert "Duecourse：" in reason.source
    (said,) = [
        each for each in words("en", **changes)[1].reasons if DATA_TO_DEBTOR[rule].en in each
    ]
    assert said.endswith("(Source: our own policy)")


def test_every_finding_of_the_gate_itself_has_its_words() -> None:
    noted = {"places_differ", "no_common_moment", "part_without_pack"}
    assert set(DATA) == set(DATA_TO_DEBTOR) == set(gate._UNKNOWN) | noted
    assert set(DATA_CITATIONS) == {gate.UNKNOWN_BLOCKS, gate.WHAT_IS_NOTED}


def test_a_pack_that_is_not_yet_in_force_and_places_without_a_common_moment_are_told() -> None:
    early = words("zh", datetime(2020, 3, 2, 12, tzinfo=SHANGHAI))[0].reasons
    assert DATA["no_pack_in_force"] in [each.says for each in early]
    moments = {"CN Asia/Shanghai": "2026-03-02T00:00:00+00:00"}
    finding = gate._noted("no_common_moment", gate.NO_COMMON_MOMENT, moments)
    (reason,) = told(finding, "zh")[0].reasons
    assert reason.saw == "CN Asia/Shanghai：2026年3月2日 00:00（UTC）。"


def test_without_a_clock_of_the_debtors_moments_are_in_utc() -> None:
    collector, borrower = words("en", time_zone="")
    assert collector.summary == "A telephone call at 2026-03-02 14:30 (UTC): not allowed."
    assert borrower.summary == "At 2026-03-02 14:30 (UTC) we may not call you."
    assert collector.reasons[0].saw == "Time zone: not known."


# --- whole texts -----------------------------------------------------------------------------


def test_a_call_at_night_is_refused_until_nine_in_words() -> None:
    collector, borrower = words("en")
    assert collector.summary == (
        "A telephone call at 2026-03-02 22:30 (Asia/Shanghai), that is 2026-03-02 14:30 (UTC):"
        " not allowed."
    )
    nine = "2026-03-03 09:00 (Asia/Shanghai), that is 2026-03-03 01:00 (UTC)"
    assert collector.next_moment == f"The earliest lawful moment is {nine}."
    assert collector.reasons[2].saw == (
        "The debtor's clock: 2026-03-02 22:30 (Asia/Shanghai); quiet hours: 21:00 to 09:00."
    )
    assert collector.reasons[2].until == f"Until {nine}."
    assert borrower.summary == "At 2026-03-02 22:30 (Asia/Shanghai) we may not call you."
    assert borrower.reasons[1] == (
        "We do not contact you in this way during these hours on your clock: 21:00 to 09:00."
        " (Source: our own policy)"
    )
    assert borrower.next_moment == f"The earliest moment for it is {nine}."


def test_a_call_at_night_is_refused_until_nine_in_chinese_words() -> None:
    collector, borrower = words("zh")
    nine = "2026年3月3日 09:00（Asia/Shanghai），即2026年3月3日 01:00（UTC）"
    assert collector.summary == (
        "致电，2026年3月2日 22:30（Asia/Shanghai），即2026年3月2日 14:30（UTC）：不允许。"
    )
    assert collector.next_moment == f"最早可以合法联系的时刻是{nine}。"
    assert collector.reasons[0].source == (
        "GB/T 45251-2025 第5.3条（在适当时间催收）（B：依据二手资料；规则包 cn 2026.1）。"
    )
    assert borrower.summary == "2026年3月2日 22:30（Asia/Shanghai），我们不能给您打电话。"
    assert borrower.next_moment == f"最早可以这样做的时刻是{nine}。"


def test_what_is_allowed_says_so_and_needs_no_next_moment() -> None:
    collector, borrower = words("en", NIGHT.replace(hour=12))
    assert collector.summary.endswith(": allowed.")
    assert borrower.summary == "At 2026-03-02 12:30 (Asia/Shanghai) we may call you."
    assert (collector.next_moment, borrower.next_moment, borrower.reasons) == ("", "", ())


def test_advice_is_told_although_the_visit_is_allowed() -> None:
    collector, borrower = words("zh", NIGHT.replace(hour=12), channel="visit")
    assert collector.summary.endswith("：允许，但有提示。")
    assert collector.reasons[0].outcome == "提示"
    assert borrower.reasons[0].startswith("以下事项需要您的同意：进入住所或办公场所。")
    assert collector.next_moment == ""


def test_a_presumption_is_told_from_a_prohibition() -> None:
    spoke = PastContact(
        at=NIGHT.replace(day=1, hour=12),
        channel="call",
        point_id="mobile",
        initiator="debtor",
        kind="conversation",
        party="debtor",
    )
    place = {"jurisdiction": "US", "time_zone": "America/New_York", "past": (spoke,)}
    collector, borrower = words("en", datetime(2026, 3, 3, 17, tzinfo=UTC), **place)
    assert collector.summary.endswith(": not allowed: the law presumes a violation.")
    reason = collector.reasons[0]
    assert (reason.rule, reason.outcome) == ("us.after_conversation", "presumes a violation")
    assert "Counted so far: 1; limit: 1; counted within: 7 days" in reason.saw
    assert borrower.reasons[0].startswith(
        "As many contacts with you as are allowed have been made or planned: 1 within 7 days."
    )


def test_where_no_moment_is_known_that_is_said() -> None:
    hold = ActiveHold(hold_id="h", kind="dispute", blocks=("outreach",))
    collector, borrower = words("en", NIGHT.replace(hour=12), holds=(hold,))
    assert collector.next_moment == "No lawful moment is known yet."
    assert borrower.reasons == (
        "This rests for now, because of: a dispute about the debt. (Source: our own policy)",
    )
    assert borrower.next_moment == "We cannot say yet from when on we may do so."


def test_a_hold_with_an_end_names_its_last_day() -> None:
    hold = ActiveHold(
        hold_id="h", kind="breathing_space", blocks=("outreach",), until=date(2026, 3, 31)
    )
    _, borrower = words("zh", NIGHT.replace(hour=12), holds=(hold,))
    assert borrower.reasons[0].startswith("此事暂停至2026年3月31日（含当日），原因是：债务喘息期。")
    assert "2026年4月1日 09:00（Asia/Shanghai）" in borrower.next_moment


DEMAND = frozenset({"asks_whole_sum"})
PLAN_UNTIL = Arrangement(kind="plan", until=date(2026, 3, 19))


def test_a_plan_that_is_kept_is_told_with_its_last_day() -> None:
    at = NIGHT.replace(hour=12)
    collector, borrower = words("en", at, channel="sms", content=DEMAND, arrangements=(PLAN_UNTIL,))
    (reason,) = collector.reasons
    assert reason.saw == (
        "Agreed with the debtor: a payment plan that is being kept; until: 2026-03-19;"
        " the message contains: a request to pay all that is owed."
    )
    (line,) = borrower.reasons
    assert line == (
        "This stands between you and us: a payment plan that is being kept. Up to and including"
        " 2026-03-19 what we say or write to you must not contain: a request to pay all that is owed."
        " (Source: our own policy)"
    )
    assert "2026-03-20 09:00 (Asia/Shanghai)" in borrower.next_moment
    _, chinese = words("zh", at, channel="sms", content=DEMAND, arrangements=(PLAN_UNTIL,))
    (line,) = chinese.reasons
    assert line == (
        "您与我们之间的约定有效：正在履行的还款计划。直至2026年3月19日（含当日），"
        "我们对您所说或所写的内容不得包含：还清全部欠款的要求。（依据：本机构自定规则）"
    )


def test_a_promise_without_a_known_day_and_a_debt_that_is_not_due_are_told() -> None:
    at = NIGHT.replace(hour=12)
    promised = (Arrangement(kind="promise"),)
    _, borrower = words("en", at, arrangements=promised)
    assert borrower.reasons[0].startswith(
        "This stands between you and us: a promise to pay. As long as it does, what we say"
    )
    _, borrower = words("en", at, channel="sms", content=DEMAND, due_on=date(2026, 3, 9))
    assert borrower.reasons[0].startswith(
        "What you owe is due on 2026-03-09. Until that day is over,"
    )


# --- packs of somebody else ------------------------------------------------------------------


def without_chinese(book: RuleBook) -> RuleBook:
    def plain(each: Pack) -> Pack:
        return replace(each, rules=tuple(replace(rule, zh=None) for rule in each.rules))

    return RuleBook(tuple(plain(each) for each in book.packs))


def test_a_rule_without_chinese_words_is_shown_in_english_and_says_so() -> None:
    reason = words("zh", book=without_chinese(BOOK))[0].reasons[0]
    assert reason.says == (
        "Nobody is contacted about a debt between 22:00 and 08:00 on the debtor's own clock."
        "（此规则没有中文说明，以上为英文原文）"
    )
    assert words("en", book=without_chinese(BOOK)) == words("en")


def finding_of(**inputs: str) -> Finding:
    return Finding(
        rule="other.rule",
        citation="Sample Act section 1",
        confidence="A",
        layer="law",
        outcome="block",
        says="Words of a rule of somebody else.",
        inputs={"pack": "other 1", "channel": "call", **inputs},
    )


@pytest.mark.parametrize("name", [*LABELS, "sample_fact", "pack"])
def test_a_fact_may_have_any_name(name: str) -> None:
    for inputs in ({name: "2026-03-01", "days": "30"}, {name: "2027-03-01"}, {"needs_first": name}):
        for language in ("zh", "en"):
            collector, borrower = told(finding_of(**inputs), language)
            assert collector.reasons[0].source
            assert borrower.reasons[0]


def test_names_without_words_are_shown_as_they_are() -> None:
    finding = finding_of(needs_consent="sample_consent", sample_fact="2026-03-01")
    assert told(finding, "zh")[0].reasons[0].saw == (
        "尚缺的同意：sample_consent；sample fact：2026年3月1日。"
    )


def test_a_channel_without_words_is_quoted() -> None:
    collector, borrower = words("en", NIGHT, channel="pager")
    assert collector.summary.startswith('"pager" at ')
    assert borrower.summary.endswith("we may not contact you in this way.")


def test_an_account_number_is_in_no_words() -> None:
    inputs = {"count": "3", "limit": "3", "window": "7 days", "account": "FICT-0001"}
    for language in ("zh", "en"):
        collector, borrower = told(finding_of(**inputs), language)
        assert "FICT" not in f"{collector} {borrower}"
        assert {"zh": "单个账户", "en": "one account"}[language] in collector.reasons[0].saw


# --- moments and hours -----------------------------------------------------------------------


def shown(text: str, zone: str = "Asia/Shanghai") -> Iterator[str]:
    at = datetime.fromisoformat(text)
    return (show_moment(at, zone, language) for language in ("en", "zh"))


def test_a_moment_is_shown_on_the_debtors_clock_with_the_zone_named() -> None:
    english, chinese = shown("2026-03-03T00:00:00Z")
    assert english == "2026-03-03 08:00 (Asia/Shanghai)"
    assert chinese == "2026年3月3日 08:00（Asia/Shanghai）"


def test_seconds_are_shown_where_there_are_any_and_a_fraction_is_rounded_up() -> None:
    assert next(shown("2026-03-03T00:00:31Z")) == "2026-03-03 08:00:31 (Asia/Shanghai)"
    assert next(shown("2026-03-03T00:00:31.000001Z")) == "2026-03-03 08:00:32 (Asia/Shanghai)"


def test_the_moment_that_was_asked_about_is_not_rounded_into_the_next_hour() -> None:
    last = datetime(2026, 3, 2, 20, 59, 59, 999999, tzinfo=SHANGHAI)
    assert words("en", last)[1].summary == "At 2026-03-02 20:59:59 (Asia/Shanghai) we may call you."


def test_an_hour_that_comes_twice_is_shown_with_its_offset() -> None:
    zone = "America/New_York"
    assert next(shown("2026-11-01T05:30:00Z", zone)) == (
        "2026-11-01 01:30 (America/New_York, UTC-04:00)"
    )
    assert next(shown("2026-11-01T06:30:00Z", zone)) == (
        "2026-11-01 01:30 (America/New_York, UTC-05:00)"
    )
    assert next(shown("2026-11-01T07:30:00Z", zone)) == "2026-11-01 02:30 (America/New_York)"


@pytest.mark.parametrize(
    ("hours", "english", "chinese"),
    [
        ("mon tue wed thu fri 07:30-21:00", "Monday to Friday 07:30 to 21:00", "周一至周五07:30至21:00"),
        ("mon wed 09:00-12:00", "Monday, Wednesday 09:00 to 12:00", "周一、周三09:00至12:00"),
        ("every day 20:00-00:00", "every day 20:00 to 00:00", "每天20:00至00:00"),
        ("every day 00:00-00:00", "every day the whole day", "每天全天"),
        ("sat 20:00-02:00, holiday 10:00-11:00", "Saturday 20:00 to 02:00, public holiday 10:00 to 11:00",
         "周六20:00至次日02:00，公共假日10:00至11:00"),
    ],
)  # fmt: skip
def test_hours_are_said_as_people_say_them(hours: str, english: str, chinese: str) -> None:
    finding = finding_of(open=hours)
    assert told(finding, "en")[0].reasons[0].saw == f"Hours for contact: {english}."
    assert told(finding, "zh")[0].reasons[0].saw == f"可联系时段：{chinese}。"
