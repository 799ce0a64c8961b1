"""Every template prints; none says what a fact did not; nothing in a fact is obeyed."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from duecourse.rendering import (
    Message,
    MessageFacts,
    PlanLine,
    TemplateProblem,
    body_sha256,
    list_templates,
    render,
)
from duecourse_sms import count_units

CODES = {
    "reminder-first",
    "reminder-second",
    "letter-balance",
    "offer-of-help",
    "plan-offer",
    "letter-before-action",
    "payment-received",
    "plan-accepted",
}
ZH = MessageFacts(
    debtor_name="林示例三",
    creditor_name="示例消费金融",
    amount="12500.00",
    currency="CNY",
    due_on=date(2026, 10, 12),
    days_past_due=42,
    account_last4="4321",
    ways_to_pay="示例应用内“还款”",
    contact_line="400-000-0000",
    reference="DC-7Q2M9K",
    plan=(
        PlanLine(due_on=date(2026, 12, 15), amount="2083.33"),
        PlanLine(due_on=date(2027, 1, 15), amount="2083.37"),
    ),
    paid_amount="300.00",
    paid_on=date(2026, 11, 20),
    answer_by=date(2026, 12, 31),
)
EN = replace(
    ZH,
    debtor_name="Robin Testperson",
    creditor_name="Sample Consumer Finance",
    ways_to_pay="the Sample app, Pay now",
    contact_line="020 7946 0000, 9am-6pm",
)
FACTS = {"zh": ZH, "en": EN}
ALL = [(t.code, m, t.language) for t in list_templates() for m in t.media]
# What a message must never say: threats, false urgency, shame.
THREATS = re.compile(
    r"immediately|urgent|final (notice|warning)|last chance|arrest|police|criminal|blacklist|"
    r"your (employer|family|neighbours)|立即|马上|最后通牒|后果自负|抓捕|坐牢|公安|刑事|上门|家人|单位|"
    r"失信|老赖|曝光|恶意",
    re.IGNORECASE,
)


def test_every_code_is_there_in_both_languages_and_the_media_it_is_used_with() -> None:
    for language in ("zh", "en"):
        found = {t.code: set(t.media) for t in list_templates() if t.language == language}
        assert set(found) == CODES
        for code, media in found.items():
            only_written = code in {"letter-balance", "letter-before-action"}
            assert media == ({"email", "letter"} if only_written else {"sms", "email", "letter"})


@pytest.mark.parametrize(("code", "medium", "language"), ALL)
def test_every_template_says_who_writes_what_is_owed_and_how_to_be_heard(
    code: str, medium: str, language: Any
) -> None:
    facts = FACTS[language]
    message = render(code, medium, language, facts)
    for fact in (
        facts.debtor_name,
        facts.creditor_name,
        facts.ways_to_pay,
        facts.contact_line,
        facts.reference,
        facts.amount if code != "plan-accepted" or medium != "sms" else facts.plan[0].amount,
    ):
        assert fact in message.body
    assert "4321" in message.body
    assert not re.search(r"[{}]|None|undefined", message.subject + message.body)


@pytest.mark.parametrize(("code", "medium", "language"), ALL)
def test_no_template_threatens_or_hurries(code: str, medium: str, language: Any) -> None:
    message = render(code, medium, language, FACTS[language])
    assert not THREATS.search(message.subject + message.body)


@pytest.mark.parametrize(("code", "medium", "language"), ALL)
def test_every_electronic_message_says_how_to_make_it_stop(
    code: str, medium: str, language: Any
) -> None:
    body = render(code, medium, language, FACTS[language]).body
    word = {"sms": {"zh": "回复TD", "en": "Reply STOP"}, "email": {"zh": "“退订”", "en": "STOP"}}
    assert medium == "letter" or word[medium][language] in body


@pytest.mark.parametrize(("code", "medium", "language"), [each for each in ALL if each[1] == "sms"])
def test_an_sms_is_one_line_in_few_units(code: str, medium: str, language: Any) -> None:
    message = render(code, medium, language, FACTS[language])
    assert message.subject == ""
    assert "\n" not in message.body
    assert count_units(message.body) <= 2


@pytest.mark.parametrize(
    ("code", "missing"),
    [
        ("plan-offer", {"plan": ()}),
        ("plan-accepted", {"plan": ()}),
        ("payment-received", {"paid_amount": ""}),
    ],
)
@pytest.mark.parametrize("medium", ["sms", "email"])
def test_a_fact_that_a_template_needs_and_lacks_is_an_error(
    code: str, missing: dict[str, Any], medium: str
) -> None:
    with pytest.raises(TemplateProblem, match="is a fact missing"):
        render(code, medium, "zh", replace(ZH, **missing))


@pytest.mark.parametrize("medium", ["sms", "email"])
def test_the_optional_facts_may_be_left_out(medium: str) -> None:
    bare = replace(ZH, paid_on=None, answer_by=None)
    assert render("plan-offer", medium, "zh", bare).body
    assert "30日" in render("letter-before-action", "letter", "zh", bare).body


@pytest.mark.parametrize(
    ("code", "medium", "says"),
    [
        ("reminder-frist", "sms", "reminder-first"),
        ("letter-before-action", "sms", "email, letter"),
        ("reminder-first", "pigeon", "sms, email, letter"),
        ("../zh/closing", "sms", "no template"),
    ],
)
def test_a_missing_template_is_named_with_what_there_is(code: str, medium: str, says: str) -> None:
    with pytest.raises(TemplateProblem, match=re.escape(says)):
        render(code, medium, "zh", ZH)


LINES = ("debtor_name", "creditor_name", "ways_to_pay", "contact_line", "reference")


@pytest.mark.parametrize("field", LINES)
@pytest.mark.parametrize(
    "mark", ["\n", "\r\n", "\x00", "\x1b", "\u202e", "\u2066", "\u2028", "\u200b"]
)
def test_breaks_controls_and_direction_marks_do_not_come_through(field: str, mark: str) -> None:
    plain = render("reminder-first", "email", "zh", replace(ZH, **{field: "林X"}))
    marked = render("reminder-first", "email", "zh", replace(ZH, **{field: f"林{mark}X{mark}"}))
    assert marked.body.count("\n") == plain.body.count("\n")
    assert marked.body.replace("林 X", "林X") == plain.body
    assert mark == "\n" or mark not in marked.subject + marked.body


@pytest.mark.parametrize("field", LINES)
def test_a_value_that_looks_like_a_template_is_only_printed(field: str) -> None:
    trick = '{{ 7 * 7 }}{% include "zh/help" %}{# x #}'
    assert trick in render("reminder-first", "sms", "zh", replace(ZH, **{field: trick})).body


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"debtor_name": ""}, "debtor_name is empty"),
        ({"debtor_name": " \u200b\n"}, "debtor_name is empty"),
        ({"debtor_name": "[erased]"}, "erased"),
        ({"debtor_name": "x" * 301}, "debtor_name is longer"),
        ({"debtor_name": "Lin https://evil.example"}, "debtor_name holds a web address"),
        ({"creditor_name": "WWW.evil.example"}, "creditor_name holds a web address"),
        ({"account_last4": "6222024321"}, "account_last4"),
        ({"amount": "1,250.00"}, "amount"),
        ({"amount": "1250.00。请加微信"}, "amount"),
        ({"amount": "-1"}, "amount"),
        ({"amount": "１２"}, "amount"),
        ({"currency": "元"}, "currency"),
        ({"plan": (PlanLine(due_on=date(2026, 1, 1), amount="x"),)}, "plan"),
        ({"days_past_due": -1}, "days_past_due"),
    ],
)
def test_a_fact_that_cannot_be_right_is_refused_naming_the_field(
    changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(TemplateProblem) as raised:
        render("reminder-first", "sms", "zh", replace(ZH, **changes))
    assert says in str(raised.value)
    assert "evil" not in str(raised.value)
    assert "6222" not in str(raised.value)


def test_a_plan_of_a_hundred_and_twenty_instalments_is_within_the_work_limit() -> None:
    plan = tuple(PlanLine(due_on=date(2026, 1, 1), amount="1.00") for _ in range(120))
    assert "第120期" in render("plan-offer", "letter", "zh", replace(ZH, plan=plan)).body


def test_the_hash_covers_subject_and_body() -> None:
    hashes = {
        body_sha256(Message(subject=subject, body=body))
        for subject, body in [("a", "b"), ("", "b"), ("a", ""), ("a", "b "), ("ab", "")]
    }
    assert len(hashes) == 5
    assert body_sha256(Message(body="b")) == body_sha256(Message(subject="", body="b"))


def test_many_threads_get_the_same_text() -> None:
    with ThreadPoolExecutor(8) as pool:
        texts = set(pool.map(lambda _: render("plan-offer", "email", "zh", ZH).body, range(200)))
    assert len(texts) == 1
