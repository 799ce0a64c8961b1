"""The plan agreement as a paper: what both sides sign says all that was agreed."""

from datetime import date
from typing import Any, Literal

import pytest
from msgspec.structs import replace
from tests.papers.conftest import CASE, HEAD, HOSTILE, Words, said, says, stands_inside

from duecourse.case import commands as c
from duecourse.case.agreement import PlanAgreement
from duecourse.case.agreement import agreement as agreed_in
from duecourse.case.errors import Unknown
from duecourse.case.plan_preview import PlanLine
from duecourse.case.plan_terms import FormLine, IncomeAndExpenditure, PlanTerms
from duecourse.case.restarts import Restart
from duecourse.documents import GlyphMissing, page_count, pdfa_level
from duecourse.money.amounts import MAX_MINOR, Buckets, format_minor
from duecourse.money.plan_terms import Deferral
from duecourse.papers.agreement import agreement_paper, print_agreement
from duecourse.papers.form import PaperProblem
from duecourse.papers.words import words_of
from duecourse.rules.treatment import load_treatment
from duecourse.settings import CreditorDetails
from duecourse.testing import given
from duecourse.testing.pdf import page_texts
from duecourse.testing.sample import (
    DAY,
    DEBT,
    NOON,
    OTHER_DEBT,
    PLAN,
    accept,
    debt,
    offer,
    opened,
    pay,
)

Language = Literal["zh", "en"]
LANGUAGES: list[Language] = ["zh", "en"]
TREATMENT = load_treatment()
DETAILS = CreditorDetails(ways_to_pay="https://pay.example.com", contact_line="400-000-0000")
ON = date(2026, 3, 2)
ANNUITY = PlanTerms(schedule="annuity", count=3, percent="12", first_on=date(2026, 3, 31))
RESTART = Restart(
    debt_id=DEBT, act="plan", was=date(2029, 2, 27), becomes=date(2029, 3, 2), after_expiry=False,
    says="says", zh="zh", citation="Fictional Code art. 1",
)  # fmt: skip
# These warn of the limitation period, and so have to name it.
WARNINGS = {"limitation", "restarts", "restarted"}


def plan(terms: PlanTerms = ANNUITY, **fields: Any) -> c.OfferPlan:
    asked: dict[str, Any] = {
        "plan_id": PLAN, "kind": "instalments", "currency": "CNY",
        "expires_on": date(2026, 3, 15), "terms": terms,
    }  # fmt: skip
    return c.OfferPlan(**{**asked, **fields})


def printed(story: given, language: Language = "en", on: date = ON) -> bytes:
    assert story.case is not None
    return print_agreement(
        CASE, story.case, PLAN, TREATMENT, details=DETAILS, language=language, on=on
    )


def found(story: given | None = None, **fields: Any) -> PlanAgreement:
    case = (story or given(*opened()).when(plan())).case
    assert case is not None
    return replace(agreed_in(case, PLAN, TREATMENT), **fields)


def paper(agreement: PlanAgreement, language: Language = "en", *restarts: Restart) -> bytes:
    return agreement_paper(agreement, HEAD, restarts, language, ON)


def test_an_offer_says_who_what_when_and_how_much() -> None:
    debts = (debt(principal=40_000), debt(OTHER_DEBT, balance=Buckets(fees=500, principal=19_500)))
    pdf = printed(given(*opened(*debts)).when(plan(grace_days=5)))
    assert pdfa_level(pdf) == "2B"
    assert says(
        pdf, "Plan agreement (offer)", "Fictional Bank", "林示例", "0000004D",
        "offered on 2 March 2026 and is open until 15 March 2026",
        "consumer-loan, account ending in 0001 Principal 400.00 400.00",
        "Fees 5.00; Principal 195.00 200.00 Total 600.00",
        # The fees bear no interest: 1 % of 595.00, and 1.66 of them with each.
        "1 31 March 2026 203.97 5.95 401.98", "2 30 April 2026 203.97 3.99 202.00",
        "3 31 May 2026 204.00 2.00 0.00", "Total 611.94 11.94", "To be paid in all: CNY 611.94",
        "12 % a year (the year in equal periods)", "CNY 11.94 in all",
        "within 5 days after its day", "If 2 are missed at the same time the plan ends",
        "pays the following ones in their order", "For the debtor", "For the creditor", "Date",
        "https://pay.example.com", "400-000-0000", "You may decline this plan",
        "a right of withdrawal among them",
    )  # fmt: skip


def test_an_offer_speaks_chinese_to_whom_it_is_the_language() -> None:
    story = given(*opened()).when(plan())
    assert story.case is not None
    pdf = print_agreement(CASE, story.case, PLAN, TREATMENT, details=DETAILS, language=None, on=ON)
    assert pdfa_level(pdf) == "2B"
    assert says(
        pdf, "还款协议（要约）", "债务人林示例", "2026年3月31日", "合计应付612.04元", "年利率12%",
        "同时有2期逾期的，本方案终止", "诉讼时效", "债务人（签字）",
    )  # fmt: skip
    assert pdf == printed(story, "zh")


def test_what_is_accepted_is_an_agreement_and_no_offer_any_more() -> None:
    story = given(*opened()).when(plan()).when(accept())
    text = said(printed(story))
    assert "BothsidesagreedtothisplanonMarch2" not in text
    assert "Bothsidesagreedtothisplanon2March2026" in text
    assert "offer" not in text
    assert "Toagreewastoacknowledgethedebts" in text
    assert "Youmaydecline" not in text


def test_both_schedules_are_shown_after_money_came_early() -> None:
    story = given(*opened()).when(plan(early_payment="shorten_term")).when(accept())
    before = said(printed(story))
    assert "Asitstandsnow" not in before
    assert "inall:CNY612.04" in before
    story.when(pay(30_401))
    assert says(
        printed(story), "204.01", "As it stands now after early payment", "304.01", "102.01",
        "To be paid in all: CNY 610.03", "CNY 10.03 in all",
        "Paid on this plan so far: CNY 304.01", "makes the plan shorter",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("waive", "rule"),
    [
        ("on_completion", "CNY 200.00 is forgiven once the last instalment has been paid"),
        ("in_step", "CNY 200.00 is forgiven in parts, with each instalment"),
    ],
)
def test_a_settlement_says_what_is_forgiven_and_when(waive: Any, rule: str) -> None:
    settlement = replace(offer(10_000, 30_000, kind="settlement", waived=20_000), waive=waive)
    pdf = printed(given(*opened()).when(settlement))
    parts = {"on_completion": ("0.00", "200.00"), "in_step": ("50.00", "150.00")}[waive]
    assert says(
        pdf, rule, "Settlement for less than is owed", "has settled CNY 600.00 of debt",
        f"16 March 2026 100.00 {parts[0]}", f"15 April 2026 300.00 {parts[1]}",
        "What has not been forgiven by then is not forgiven", "The plan bears no interest",
    )  # fmt: skip


def test_a_deferral_says_what_is_not_asked_for() -> None:
    deferred = replace(ANNUITY, deferral=Deferral(periods=2))
    pdf = printed(given(*opened()).when(plan(deferred, kind="deferral")))
    assert says(pdf, "Payment after a deferral", "interest of the deferral, CNY 12.00, is not")


def test_rules_are_said_as_they_are() -> None:
    assert says(
        paper(found(grace_days=0, breaks_after_missed=1, early_payment="lower_instalments")),
        "has not arrived on its day", "If one is missed the plan ends",
        "makes the following ones smaller",
    )  # fmt: skip
    assert says(paper(found(grace_days=1, basis="ACT/365F")), "within 1 day after", "(ACT/365F)")
    assert says(paper(found(percent="0")), "The instalments hold CNY 12.04 of interest")
    assert says(paper(found(replaces=DEBT)), "takes the place of an earlier plan")


def test_both_know_that_a_yes_may_start_the_limitation_period_anew() -> None:
    pdf = printed(given(*opened()).when(plan()))
    assert says(pdf, "To agree is to acknowledge", "2 March 2029 instead of", "art. 195")
    late = replace(RESTART, after_expiry=True, says="It has run out.", zh="期间已届满。")
    assert says(paper(found(), "en", late), "0001: It has run out. (Fictional Code art. 1)")
    assert says(paper(found(), "zh", late), "0001：期间已届满。（Fictional Code art. 1）")
    open_ended = replace(RESTART, was=None)
    assert says(paper(found(), "en", open_ended), "2 March 2029 instead of a day not known yet")
    none = found(acceptance_restarts_limitation=False)
    assert "limitation" not in said(paper(none))


def test_an_offer_that_is_over_is_not_put_before_anybody() -> None:
    story = given(*opened()).when(plan())
    assert printed(story, on=date(2026, 3, 15))
    with pytest.raises(PaperProblem, match="no longer open"):
        printed(story, on=date(2026, 3, 16))
    story.when(c.DeclinePlan(plan_id=PLAN, reason="too much"))
    with pytest.raises(PaperProblem, match="no longer open"):
        printed(story)


def test_what_was_only_proposed_is_no_offer() -> None:
    form = IncomeAndExpenditure(
        currency="CNY", income=(FormLine(name="wages", amount_minor=20_000),)
    )
    assess = c.RecordAffordability(assessment_id=DEBT, form=form, assessed_on=NOON.date())
    story = given(*opened()).when(assess).when(plan(override="a relative helps"))
    with pytest.raises(Unknown):
        printed(story)


def test_an_agreement_that_has_ended_says_so() -> None:
    story = given(*opened()).when(plan()).when(accept())
    story.when(c.WithdrawPlan(plan_id=PLAN, reason="debtor asked"), at=NOON + DAY)
    assert says(printed(story), "It is no longer in force")
    done = found(status="completed", accepted_on=ON)
    assert says(paper(done), "It has been completed")


@pytest.mark.parametrize(("currency", "total"), [("JPY", "JPY60000"), ("KWD", "KWD60.000")])
def test_sums_have_the_decimals_of_their_currency(currency: str, total: str) -> None:
    story = given(*opened(debt(currency=currency))).when(offer(20_000, 40_000, currency=currency))
    parts = [format_minor(minor, currency) for minor in (20_000, 40_000)]
    assert says(printed(story), f"Tobepaidinall:{total}", *parts)


def many(count: int) -> tuple[PlanLine, ...]:
    return tuple(
        PlanLine(
            number=number, due_on=ON + 30 * number * DAY, amount_minor=1, amount="0.01",
            principal_minor=1, interest_minor=0, waived_minor=0, left_minor=count - number,
        )
        for number in range(1, count + 1)
    )  # fmt: skip


def test_a_long_schedule_breaks_over_pages_that_have_headers_and_numbers() -> None:
    lines = many(360)
    pdf = paper(found(instalments=lines, current=lines, total_minor=360))
    texts, count = page_texts(pdf), page_count(pdf)
    assert count > 5
    for number, text in enumerate(texts, start=1):
        assert f"{number}/{count}" in text
    headed = [text for text in texts if "No.Dueon" in text]
    assert len(headed) == sum("0.01" in text for text in texts) > 5


def test_the_same_agreement_is_the_same_bytes() -> None:
    assert paper(found(), "en", RESTART) == paper(found(), "en", RESTART)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_largest_sums_and_the_longest_words_stay_inside_the_margins(
    language: Language,
) -> None:
    most = MAX_MINOR
    lines = tuple(
        replace(each, amount_minor=most, interest_minor=most, waived_minor=most, left_minor=most)
        for each in many(3)
    )
    long = tuple(
        replace(each, product="X" * 300, owed=Buckets(fees=most, penalty=most, principal=most))
        for each in found().debts
    )
    agreement = found(
        currency="KWD", instalments=lines, current=lines, debts=long, total_minor=most,
        settled_minor=most, waived_minor=most, interest_minor=most, frozen_minor=most,
    )  # fmt: skip
    head = replace(HEAD, creditor_name="C" * 400, debtor_name="N" * 400, ways_to_pay="pay" * 200)
    pdf = agreement_paper(agreement, head, (RESTART,), language, ON)
    assert all(stands_inside(pdf, page) for page in range(page_count(pdf)))


def test_no_text_is_ever_markup() -> None:
    (owed,) = found().debts
    agreement = found(
        debts=(replace(owed, product=f"A{HOSTILE}", account_last4='#a"$'),), percent=f"B{HOSTILE}",
        basis=f"C{HOSTILE}",
    )  # fmt: skip
    late = replace(
        RESTART, after_expiry=True, says=f"D{HOSTILE}", zh=f"D{HOSTILE}", citation=f"E{HOSTILE}"
    )
    head = replace(
        HEAD, creditor_name=f"F{HOSTILE}", debtor_name=f"G{HOSTILE}", ways_to_pay=f"H{HOSTILE}",
        contact_line=f"I{HOSTILE}", reference=f"J{HOSTILE}",
    )  # fmt: skip
    for language in LANGUAGES:
        pdf = agreement_paper(agreement, head, (late,), language, ON)
        assert says(pdf, '#a"$', *(f"{letter}{HOSTILE}" for letter in "ABCDEFGHIJ"))


def test_a_name_that_no_font_shows_is_refused_by_its_characters_only() -> None:
    head = replace(HEAD, debtor_name="Robin \U000f0001 Testperson")
    with pytest.raises(GlyphMissing) as refused:
        agreement_paper(found(), head, (), "en", ON)
    assert "U+F0001" in str(refused.value)
    assert "Testperson" not in str(refused.value)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_message_lint_finds_nothing_in_it(words: Words, language: Language) -> None:
    settlement = offer(10_000, 30_000, kind="settlement", waived=20_000)
    for offered in (plan(), settlement):
        story = given(*opened()).when(offered)
        printed(story, language)
        assert len(words.texts) > 40
        assert words.findings(language) == set()
        printed(story.when(accept()), language)
        assert words.findings(language) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_message_lint_finds_nothing_in_what_it_may_say_even_of_a_debt_out_of_time(
    words: Words, language: Language
) -> None:
    texts = {code: getattr(each, language) for code, each in words_of("agreement").items()}
    words.texts = list(texts.values())
    assert words.findings(language) == set()
    words.texts = [text for code, text in texts.items() if code not in WARNINGS]
    assert words.findings(language, time_barred=True) == set()
