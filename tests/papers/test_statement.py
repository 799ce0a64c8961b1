"""The statement of account as a paper: whole, plain, and the same each time."""

from datetime import date
from typing import Any, Literal

import pytest
from msgspec.structs import replace
from tests.papers.conftest import CASE, HEAD, HOSTILE, Words, said, says, stands_inside

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.interest_terms import CapTerms, InterestLine, InterestTerms, RateFrom
from duecourse.case.state import Case
from duecourse.case.words import ERASED
from duecourse.documents import GlyphMissing, page_count, pdfa_level
from duecourse.flow.statement import Statement, StatementLine, statement
from duecourse.money.account_terms import Change
from duecourse.money.amounts import MAX_MINOR, Buckets
from duecourse.papers.form import PaperProblem, letterhead_of
from duecourse.papers.statement import MOST_LINES, statement_paper
from duecourse.papers.words import words_of
from duecourse.settings import CreditorDetails
from duecourse.testing import given
from duecourse.testing.pdf import page_texts
from duecourse.testing.sample import DAY, DEBT, NOON, OTHER_DEBT, debt, opened

Language = Literal["zh", "en"]
LANGUAGES: list[Language] = ["zh", "en"]
DETAILS = CreditorDetails(ways_to_pay="https://pay.example.com", contact_line="400-000-0000")
ON = date(2026, 3, 31)
TERMS = InterestTerms(
    profile="cn-private",
    from_on=date(2026, 1, 1),
    rates=(RateFrom(since=date(2026, 1, 1), percent="36"),),
    cap=CapTerms(jurisdiction="CN", licence="bank", contract_on=date(2025, 6, 1)),
)


def lived() -> list[e.Event]:
    """10,000.00 at 36 % under a cap, a payment that came late to the books, and a charge."""
    story = given(*opened(debt(balance=Buckets(principal=1_000_000, fees=1_234))))
    story.when(c.SetInterestTerms(debt_id=DEBT, terms=TERMS, evidence="clause 4"))
    paid = c.RecordPayment(
        payment_id="p-1", currency="CNY", amount_minor=100_000, value_on=date(2026, 1, 31)
    )
    cost = c.AddCosts(
        charge_id="c-1", debt_id=DEBT, bucket="costs", amount_minor=5_000,
        incurred_on=date(2026, 2, 10), ground="fee", citation="Fee tariff no. 1",
    )  # fmt: skip
    story.when(paid, at=NOON + DAY).when(cost, at=NOON + DAY)
    return story._history


@pytest.fixture(scope="module")
def history() -> list[e.Event]:
    return lived()


def stated(history: list[e.Event], language: Language = "en") -> Statement:
    return statement(CASE, history, ON, language)


def simple(currency: str = "CNY", language: Language = "en", **fields: Any) -> Statement:
    """A statement of one debt without interest."""
    balance = fields.pop("balance", Buckets(principal=60_000))
    events = opened(debt(balance=balance, currency=currency))
    return statement(CASE, events, ON, language)


def with_lines(found: Statement, *lines: StatementLine, **fields: Any) -> Statement:
    (only,) = found.debts
    return replace(found, debts=(replace(only, lines=lines, **fields),))


def a_line(number: int = 0, **fields: Any) -> StatementLine:
    asked: dict[str, Any] = {
        "value_on": ON, "booked_on": ON, "what": "payment", "says": f"Line-{number}",
        "change": Change(principal=-1), "balance": Buckets(principal=60_000 - number),
    }  # fmt: skip
    return StatementLine(**asked | fields)


def test_it_is_archival_and_says_each_head_and_the_total(history: list[e.Event]) -> None:
    pdf = statement_paper(stated(history), HEAD)
    assert pdfa_level(pdf) == "2B"
    assert says(
        pdf, "Statement of account", "Fictional Bank", "林示例", "0000004D",
        "the beginning of 31 March 2026", "Amounts owed (CNY)",
        "Costs50.00Fees0.00Penalty0.00Interest357.28Principal9209.60TotalCNY9616.88",
    )  # fmt: skip


def test_each_line_has_its_days_amount_and_balance_and_how_interest_came_to_be(
    history: list[e.Event],
) -> None:
    assert says(
        statement_paper(stated(history), HEAD),
        "Opening balance 10012.34",
        "30 days from 1 January 2026 at 36 % a year on 10000.00 (ACT/365F) is 295.89",
        "less 98.63 above the cap that the law sets, which was never owed (法发〔2017〕22号",
        "31 January 2026 3 March 2026 Payment Fees −12.34; Interest −197.26; Principal −790.40",
        "PRC Civil Code art. 561",
        "−1000.00 9209.60",
        "By: Fee tariff no. 1",
        "Balance on 31 March 2026 9616.88",
        "each day adds about CNY 6.06",
        "Above the cap that the law sets, and so never owed: CNY 277.27",
    )


def test_it_tells_how_to_pay_whom_to_ask_and_how_to_disagree(history: list[e.Event]) -> None:
    assert says(
        statement_paper(stated(history), HEAD),
        "https://pay.example.com", "Please give the reference 0000004D", "400-000-0000",
        "Tell us which line is wrong and why", "you may complain to us",
    )  # fmt: skip
    paid = simple(balance=Buckets())
    assert "Howyoucanpay" not in said(statement_paper(paid, HEAD))


def test_it_speaks_chinese(history: list[e.Event]) -> None:
    pdf = statement_paper(stated(history, "zh"), HEAD)
    assert pdfa_level(pdf) == "2B"
    assert says(
        pdf, "对账单", "2026年3月31日", "合计9616.88元", "自2026年1月1日起30天，年利率36%",
        "减去利息上限以外的98.63，这部分从来不是您的债务", "每日约增加利息6.06元", "如有异议",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("currency", "total", "per"),
    [("JPY", "JPY60000", "59999"), ("KWD", "KWD60.000", "59.999"), ("CNY", "CNY600.00", "599.99")],
)
def test_sums_have_the_decimals_of_their_currency(currency: str, total: str, per: str) -> None:
    found = with_lines(simple(currency), a_line(1))
    assert says(statement_paper(found, HEAD), f"Total{total}", per)
    assert says(statement_paper(replace(found, language="zh"), HEAD), "合计")


def test_the_same_statement_is_the_same_bytes(history: list[e.Event]) -> None:
    assert statement_paper(stated(history), HEAD) == statement_paper(stated(lived()), HEAD)


def test_an_account_number_is_never_printed_in_full(history: list[e.Event]) -> None:
    text = said(statement_paper(stated(history), HEAD))
    assert "accountendingin0001" in text
    assert "FICT" not in text


def test_a_debt_of_each_currency_has_its_own_sum() -> None:
    events = opened(debt(), debt(OTHER_DEBT, 20_000, currency="JPY"))
    assert says(
        statement_paper(statement(CASE, events, ON, "en"), HEAD),
        "Amountsowed(CNY)", "CNY600.00", "Amountsowed(JPY)", "JPY20000",
    )  # fmt: skip


def test_what_is_held_back_taken_back_or_unused_is_said() -> None:
    found = simple()
    part = InterestLine(
        head="penalty", from_on=ON, to_on=ON, days=1, balance_minor=60_000, percent="0.05",
        per="day", fraction="1", amount="30", state="frozen", authority="Fictional Act s. 7",
    )  # fmt: skip
    line = a_line(what="interest", interest=(part, replace(part, head="interest", state="accrued")))
    kept = with_lines(
        found, line, frozen=Buckets(penalty=30), not_accrued=Buckets(interest=2), withdrawn=True
    )
    totals = (replace(found.totals[0], held_minor=777),)
    assert says(
        statement_paper(replace(kept, totals=totals), HEAD),
        "Penalty: 1 day from 31 March 2026 at 0.05 % a day on 600.00",
        "0.30, held back and not asked for (Fictional Act s. 7)",
        "Interest: 1 day from",
        "Interest held back: CNY 0.30",
        "by law did not arise: CNY 0.02",
        "we hold CNY 7.77",
        "The creditor has taken this debt back",
    )


def test_a_thousand_lines_break_over_pages_that_have_headers_and_numbers() -> None:
    lines = [a_line(number) for number in range(1, 1_001)]
    pdf = statement_paper(with_lines(simple(), *lines), HEAD)
    texts = page_texts(pdf)
    count = page_count(pdf)
    assert count > 10
    for number, text in enumerate(texts, start=1):
        assert f"{number}/{count}" in text
        assert ("ValuedateBooked" in text) == ("Line-" in text)
    all_text = "".join(texts)
    assert all(f"Line-{number}" in all_text for number in (1, 500, 1_000))
    assert all_text.count("Line-") == 1_000


def test_a_line_is_torn_only_if_it_fills_a_page_by_itself() -> None:
    part = InterestLine(
        head="interest", from_on=ON, to_on=ON, days=1, balance_minor=1, percent="1", per="year",
        fraction="1", amount="1",
    )  # fmt: skip
    short = [
        a_line(n, says=f"Line-{n}", citation=f"{'word ' * (n % 90)}End-{n}") for n in range(1, 200)
    ]
    for text in page_texts(statement_paper(with_lines(simple(), *short), HEAD)):
        assert text.count("Line-") == text.count("End-")
    long = a_line(what="interest", interest=(part,) * 200)
    pdf = statement_paper(with_lines(simple(), long), HEAD)
    assert said(pdf).count("1dayfrom31March2026") == 200
    assert all(stands_inside(pdf, page) for page in range(page_count(pdf)))


def test_what_nobody_can_read_is_refused() -> None:
    many = with_lines(simple(), *[a_line()] * (MOST_LINES + 1))
    with pytest.raises(PaperProblem, match="take it as JSON"):
        statement_paper(many, HEAD)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_largest_sums_and_the_longest_words_stay_inside_the_margins(
    language: Language,
) -> None:
    huge = MAX_MINOR
    most = Buckets(costs=huge, fees=huge, penalty=huge, interest=huge, principal=huge)
    line = a_line(
        says="W" * 300, change=Change.less(most), balance=most, citation="漢" * 90 + "M" * 400
    )
    found = with_lines(
        simple("KWD", balance=most, language=language), line, product="X" * 200,
        accrual_citation="Y" * 300, day_count="ACT/365F", cap_citation="Z" * 300,
    )  # fmt: skip
    head = replace(HEAD, debtor_name="N" * 500, contact_line="tel" * 200)
    pdf = statement_paper(found, head)
    assert all(stands_inside(pdf, page) for page in range(page_count(pdf)))


def test_no_text_is_ever_markup() -> None:
    part = InterestLine(
        head="interest", from_on=ON, to_on=ON, days=1, balance_minor=1, percent="1", per="year",
        fraction="1", amount="1", state="frozen", authority=f"A{HOSTILE}",
    )  # fmt: skip
    lines = (
        a_line(says=f"B{HOSTILE}", citation=f"C{HOSTILE}"),
        a_line(what="interest", interest=(part,), capped_minor=1),
    )
    found = with_lines(
        simple(), *lines, product=f"D{HOSTILE}", accrual_citation=f"E{HOSTILE}",
        day_count=f"F{HOSTILE}", cap_citation=f"G{HOSTILE}", capped=Buckets(interest=1),
    )  # fmt: skip
    head = replace(
        HEAD, creditor_name=f"H{HOSTILE}", debtor_name=f"I{HOSTILE}", ways_to_pay=f"J{HOSTILE}",
        contact_line=f"K{HOSTILE}", reference=f"L{HOSTILE}",
    )  # fmt: skip
    for language in LANGUAGES:
        pdf = statement_paper(replace(found, language=language), head)
        assert says(pdf, *(f"{letter}{HOSTILE}" for letter in "ABCDEFGHIJKL"))


@pytest.mark.parametrize("name", ["欧阳娜娜", "Łukasz O’Neill", "Jürgen Müller-Lüdenscheidt"])
def test_names_are_printed_as_they_are(name: str) -> None:
    assert says(statement_paper(simple(), replace(HEAD, debtor_name=name)), name)


def test_a_name_that_no_font_shows_is_refused_by_its_characters_only() -> None:
    with pytest.raises(GlyphMissing) as refused:
        statement_paper(simple(), replace(HEAD, debtor_name="Robin \U000f0001 Testperson"))
    assert "U+F0001" in str(refused.value)
    assert "Testperson" not in str(refused.value)
    with pytest.raises(GlyphMissing, match=r"U\+202E"):
        statement_paper(simple(), replace(HEAD, debtor_name="a\u202eb"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_message_lint_finds_nothing_in_it(
    history: list[e.Event], words: Words, language: Language
) -> None:
    statement_paper(stated(history, language), HEAD)
    assert len(words.texts) > 40
    assert words.findings(language) == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_message_lint_finds_nothing_in_what_it_may_say_even_of_a_debt_out_of_time(
    words: Words, language: Language
) -> None:
    words.texts = [getattr(each, language) for each in words_of("statement").values()]
    assert words.findings(language) == words.findings(language, time_barred=True) == set()


def case_of(**debtor: Any) -> Case:
    found = given(*opened()).case
    assert found is not None
    return replace(found, debtor=replace(found.debtor, **debtor))


def test_the_letterhead_needs_the_settings_of_the_creditor() -> None:
    assert letterhead_of(CASE, case_of(), DETAILS) == HEAD
    for details in (None, replace(DETAILS, ways_to_pay=" "), replace(DETAILS, contact_line="")):
        with pytest.raises(PaperProblem, match=r"\[creditors\.fictional-bank\]"):
            letterhead_of(CASE, case_of(), details)


def test_nothing_is_written_to_an_erased_person() -> None:
    with pytest.raises(PaperProblem, match="erased"):
        letterhead_of(CASE, case_of(name=ERASED), DETAILS)
    found = with_lines(simple(), account=ERASED)
    with pytest.raises(PaperProblem, match="erased"):
        statement_paper(found, HEAD)


def test_a_text_that_is_missing_or_endless_is_refused_by_its_name() -> None:
    with pytest.raises(PaperProblem, match="debtor_name is empty"):
        letterhead_of(CASE, case_of(name=" "), DETAILS)
    with pytest.raises(PaperProblem, match="contact_line is longer than"):
        letterhead_of(CASE, case_of(), replace(DETAILS, contact_line="x" * 2_001))
