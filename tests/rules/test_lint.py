"""The lint refuses what threatens, hurries, shames, tells others or is not true; plain words pass."""

import time
import tomllib
from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from duecourse.rules import lint_book
from duecourse.rules.lint import LintError, LintFacts, check_book, lint, shipped_book
from duecourse.rules.lint_figures import UNIT, figures

DATA = Path(__file__).parent / "data"
RESEARCH = (
    "GB/T 45251-2025", "China Banking Association", "RBI circular 2022-08-12", "12 CFR 1006.6(d)",
    "12 CFR 1006.26(b)", "CONC 7.15.2-7.15.8", "Civil Code of China art. 188, 192, 193",
)  # fmt: skip
FILED = LintFacts(stage="legal", referral="filed")


def messages(name: str) -> list[Any]:
    """Every message of a list with its language and what is true of its case."""
    document = tomllib.loads((DATA / f"{name}.toml").read_text("utf-8"))
    # Whoever is reminded may be told that a claim is possible; the older lists know no stage.
    new = "tuning" in name or "measured" in name
    values: list[tuple[str, str, LintFacts]] = [
        (text, language, LintFacts(stage="reminder" if new else ""))
        for language in ("zh", "en")
        for text in document.get(language, [])
    ]
    for staged in document.get("staged", []):
        text, language = staged.pop("text"), staged.pop("language")
        values.append((text, language, msgspec.convert(staged, LintFacts)))
    return [pytest.param(*each, id=each[0][:40]) for each in values]


def ids(text: str, facts: LintFacts | None = None) -> set[str]:
    return {each.id for each in lint(text, "en", facts or LintFacts())}


def wrong(name: str, *, refused: bool) -> tuple[int, int]:
    """How many of a list come out otherwise than written, and how many there are."""
    values: list[Any] = [each.values for each in messages(name)]
    return sum(bool(lint(*value)) != refused for value in values), len(values)


@pytest.mark.parametrize(("text", "language", "facts"), messages("lint-refused"))
def test_what_must_not_be_said_is_refused(text: str, language: Any, facts: LintFacts) -> None:
    assert lint(text, language, facts)


@pytest.mark.parametrize(("text", "language", "facts"), messages("lint-passed"))
def test_plain_words_pass(text: str, language: Any, facts: LintFacts) -> None:
    assert lint(text, language, facts) == ()


@pytest.mark.parametrize("name", ["lint-refused", "lint-passed"])
def test_the_lists_are_long_and_half_chinese(name: str) -> None:
    values: list[Any] = [each.values for each in messages(name)]
    assert len(values) >= 60
    assert sum(language == "zh" for _, language, _ in values) * 2 >= len(values)


@pytest.mark.parametrize(
    ("name", "refused", "most_wrong"),
    [
        ("lint-untouched-refused", True, 0),
        ("lint-untouched-passed", False, 0),
        ("lint-fresh-refused", True, 0),
        ("lint-fresh-passed", False, 0),
        ("lint-tuning-refused", True, 1),
        ("lint-tuning-passed", False, 0),
        ("lint-measured-1-refused", True, 0),
        ("lint-measured-1-passed", False, 1),
        ("lint-measured-2-refused", True, 6),
        ("lint-measured-2-passed", False, 0),
        ("lint-measured-3-refused", True, 0),
        ("lint-measured-3-passed", False, 0),
        ("lint-measured-4-refused", True, 0),
        ("lint-measured-4-passed", False, 0),
    ],
)
def test_on_lists_that_it_was_tuned_on_it_gets_no_worse(
    name: str, most_wrong: int, *, refused: bool
) -> None:
    count, total = wrong(name, refused=refused)
    assert total >= 30
    assert count <= most_wrong


def test_every_finding_says_why_and_no_source_is_invented() -> None:
    for each in shipped_book().lints:
        entry = each.entry
        own = entry.citation.startswith("Duecourse principle: ")
        assert own == (entry.confidence == "house"), each.name
        assert own or entry.citation.startswith(RESEARCH), each.name
        assert entry.says.endswith("."), each.name


def test_both_languages_are_looked_for_in_every_text() -> None:
    assert "en.arrest" in ids("您好，please note: you will be arrested。")
    assert "zh.arrest" in ids("Dear Robin, 您会坐牢")


@pytest.mark.parametrize(
    ("facts", "passes"),
    [
        (LintFacts(), False),
        (LintFacts(stage="pre_legal", referral="proposed"), False),
        (LintFacts(stage="legal", referral="approved"), False),
        (FILED, True),
        (LintFacts(stage="legal", referral="filed", time_barred=True), False),
    ],
)
@pytest.mark.parametrize("text", ["A claim was filed with the court.", "我们已向法院起诉。"])
def test_a_filed_claim_is_named_only_when_there_is_one(
    text: str, facts: LintFacts, *, passes: bool
) -> None:
    assert (ids(text, facts) == set()) == passes


@pytest.mark.parametrize("referral", ["none", "proposed", "approved", "filed"])
@pytest.mark.parametrize("time_barred", [False, True])
@pytest.mark.parametrize(
    "text", ["您的情况已移交法务人员。", "Your file was passed to our lawyers."]
)
def test_legal_review_is_named_only_when_it_was_proposed(
    text: str, referral: Any, *, time_barred: bool
) -> None:
    facts = LintFacts(stage="legal", referral=referral, time_barred=time_barred)
    assert (ids(text, facts) == set()) == (referral != "none" and not time_barred)


def test_of_a_time_barred_debt_nothing_legal_is_true() -> None:
    assert LintFacts(stage="legal", referral="filed", time_barred=True).truths() == frozenset()
    barred = LintFacts(stage="pre_legal", referral="proposed", time_barred=True)
    assert {
        each.citation for each in lint("请咨询我行法律部门，案件即将进入法院", "zh", barred)
    } >= {"Civil Code of China art. 188, 192, 193 (limitation)"}


@pytest.mark.parametrize(
    "text",
    [
        "If you do not pay we will sue you",
        "We will not hesitate to sue you",
        "Do not think we will not sue you",
        "不还款将起诉",
        "别以为我们不会起诉你",
        "我们不得不起诉您",
    ],
)
def test_a_no_that_does_not_reach_the_words_excuses_nothing(text: str) -> None:
    assert ids(text)


@pytest.mark.parametrize(
    "text",
    [
        "起-诉您", "起 诉 您", "起\u200b诉您", "起\n诉您", "起.诉您", "起、诉您", "起訴您", "【起】诉您",
        "We will s.u.e you", "We will s u e you", "We will ѕue you", "We will $ue you",
        "WE WILL ＳＵＥ YOU", "We will su\u00ade you", "we w1ll sue you", "We will súe you",
    ],
)  # fmt: skip
def test_tricks_of_writing_do_not_help(text: str) -> None:
    assert ids(text) & {"zh.claim_announced", "en.claim_announced"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CNY 1,250.00 is unpaid", ["1250"]),
        ("尚有１２５０.００元未还", ["1250"]),
        ("￥1250 或 1.2万元", ["1250", "12000"]),
        ("五千元，伍仟圆，一万二千三百元", ["5000", "5000", "12300"]),
        ("you owe 500 now, pay in 3 instalments by 5 May 2026", ["500"]),
        ("应于2026年10月12日还款，逾期42天，编号4321，电话400-000-0000", []),
        ("欠款3000，还款30日内", ["3000"]),
        ("$5k", ["5000"]),
    ],
)
def test_amounts_are_found_and_nothing_else(text: str, expected: list[str]) -> None:
    assert [value for _, value in figures(text)] == [int(each) * UNIT for each in expected]


def test_an_amount_that_is_not_of_the_case_is_a_finding() -> None:
    facts = LintFacts(amounts=frozenset({"1250.00", "50"}))
    assert ids("CNY 1250 unpaid, 50.00元 paid", facts) == set()
    assert ids("CNY 1250.01 unpaid", facts) == {"core.figure"}


@given(st.text())
def test_any_text_is_read_and_every_finding_quotes_what_it_points_at(text: str) -> None:
    check_places(text)


@given(
    st.lists(
        st.sampled_from(
            ["起", "-", "诉", "坐 牢", "you ", "a.r.r.e.s.t", "ed", "不会", "。", "\u200b", "ﬁ", "é", "\n",
             "sue", " we will ", "0", "立即还款", "CNY 5", "５元", "\ufdfa", "İ", "ß", "p0lice", "'"]
        )
    ).map("".join)
)  # fmt: skip
def test_places_are_right_in_torn_and_mixed_text(text: str) -> None:
    check_places(text)


def check_places(text: str) -> None:
    for each in lint(text, "zh", LintFacts(amounts=frozenset())):
        start, end = each.where
        assert 0 <= start < end <= len(text)
        assert text[start:end] == each.quote


def test_a_finding_points_at_the_words_as_they_were_written() -> None:
    found = {each.id: each for each in lint("您好。等着坐\u200b-牢吧", "zh", LintFacts())}[
        "zh.arrest"
    ]
    assert found.quote == "坐\u200b-牢"


@pytest.mark.parametrize(
    "piece",
    [
        "Dear Robin, if you have paid, thank you. ", "如您目前还款有困难，请告诉我们。", "pay ", "will ",
        "a.", "不会", "联系您的", "1,", "一", "\n ", "we will contact your ", "起-", "坐牢", "sue you ", "your ", "if you do not pay we will ", "你的家人",
        "再不还就",
    ],
)  # fmt: skip
def test_long_texts_take_time_in_proportion(piece: str) -> None:
    def seconds(length: int) -> float:
        text = (piece * length)[:length]
        start = time.perf_counter()
        lint(text, "en", LintFacts(amounts=frozenset({"1.00"})))
        return time.perf_counter() - start

    seconds(1000)
    short, long = min(seconds(2_500) for _ in range(2)), min(seconds(10_000) for _ in range(2))
    assert long < max(10 * short, 0.2)
    assert long < 5  # under one second on a quiet machine; generous for a busy one


GOOD: dict[str, Any] = {
    "language": "en",
    "negators": ["not"],
    "undone_by": ["think"],
    "harmless": ["for example……"],
    "lints": [
        {
            "id": "arrest",
            "kind": "threat",
            "says": "Nobody is arrested for debt.",
            "citation": "Duecourse principle: no fear",
            "confidence": "house",
            "patterns": ["arrest"],
            "caught": ["we arrest you"],
            "passes": ["we do not arrest you"],
        }
    ],
}


def loaded(**changes: Any) -> lint_book.LintBook:
    document = deepcopy(GOOD)
    document["lints"][0] |= changes
    book = lint_book.parse(document)
    check_book(book)
    return book


def test_a_lint_with_both_examples_loads() -> None:
    (only,) = loaded().lints
    assert only.name == "en.arrest"
    assert only.firm is not None
    assert only.firm.search("we arrest you")
    assert only.broad is None


@pytest.mark.parametrize("field", ["caught", "passes"])
def test_a_lint_without_an_example_does_not_load(field: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        loaded(**{field: []})
    document = deepcopy(GOOD)
    del document["lints"][0][field]
    with pytest.raises(msgspec.ValidationError, match=field):
        lint_book.parse(document)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"caught": ["we sue you"]}, "does not catch"),
        ({"passes": ["an arrest"]}, "should pass"),
        ({"patterns": ["arrest.*"]}, "write repeats as"),
        ({"patterns": ["(arrest){2,3}"]}, "write repeats as"),
        ({"patterns": ["arr.{2,}"]}, "write repeats as"),
        ({"patterns": ["arrest……………………x"]}, "too many gaps"),
        ({"patterns": ["arrest)"]}, "unbalanced"),
        ({"patterns": ["arrest"], "unless": "claim_filed", "negatable": True}, None),
    ],
)
def test_a_lint_that_does_not_do_as_it_says_does_not_load(
    changes: dict[str, Any], says: str | None
) -> None:
    if says is None:
        loaded(**changes)
        return
    with pytest.raises(LintError, match=says):
        loaded(**changes)


def test_two_lints_of_one_id_do_not_load() -> None:
    document = deepcopy(GOOD)
    document["lints"] *= 2
    with pytest.raises(LintError, match="two of this id"):
        lint_book.parse(document)
