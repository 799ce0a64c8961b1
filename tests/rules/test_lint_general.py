"""The lint on messages nobody has listed: classes of words, tone, tricks, and what stays plain."""

import tomllib
from pathlib import Path
from typing import Any

import lint_learning
import pytest

from duecourse.rules import lint as lint_module
from duecourse.rules import lint_book
from duecourse.rules.lint import LintError, LintFacts, LintLanguage, lint
from duecourse.rules.lint_text import readings
from duecourse.rules.lint_tone import HOSTILE, PLAIN, Tone, features, tone

DATA = Path(__file__).parent / "data"
LINTS = Path(lint_book.__file__).parent / "lints"
REMINDED = LintFacts(stage="reminder")


def ids(text: str, facts: LintFacts = REMINDED) -> set[str]:
    return {each.id for each in lint(text, "en", facts)}


@pytest.mark.parametrize(
    ("name", "language", "total", "least", "most"),
    [
        # As measured the first time the lint was run on them: docs/lint.md, lists 4, 5 and 7.
        ("lint-held-out-refused", "en", 62, 50, 62),
        ("lint-held-out-refused", "zh", 62, 56, 62),
        ("lint-held-out-passed", "en", 62, 0, 6),
        ("lint-held-out-passed", "zh", 62, 0, 5),
        ("lint-held-out-2-refused", "en", 30, 25, 30),
        ("lint-held-out-2-refused", "zh", 30, 29, 30),
        ("lint-held-out-2-passed", "en", 30, 0, 3),
        ("lint-held-out-2-passed", "zh", 30, 0, 2),
        ("lint-held-out-3-refused", "en", 42, 26, 42),
        ("lint-held-out-3-refused", "zh", 42, 36, 42),
        ("lint-held-out-3-passed", "en", 40, 0, 4),
        ("lint-held-out-3-passed", "zh", 40, 0, 1),
    ],
)
def test_on_the_held_out_lists_it_does_as_well_as_when_it_was_measured(
    name: str, language: str, total: int, least: int, most: int
) -> None:
    texts = tomllib.loads((DATA / f"{name}.toml").read_text("utf-8"))[language]
    assert len(texts) == total
    assert least <= sum(bool(ids(text)) for text in texts) <= most


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_shipped_weights_are_those_that_the_lists_make(language: str) -> None:
    learned = lint_learning.learn(*lint_learning.read_lists(DATA, language), language)
    shipped = (LINTS / f"{language}-tone.toml").read_text("utf-8")
    assert lint_learning.written(learned, language) == shipped


def test_nothing_is_learned_from_the_held_out_lists() -> None:
    held = tomllib.loads((DATA / "lint-held-out-refused.toml").read_text("utf-8"))
    for language in ("en", "zh"):
        refused, passed = lint_learning.read_lists(DATA, language)
        assert len(refused) > 300
        assert len(passed) > 300
        assert not set(held[language]) & {*refused, *passed}


@pytest.mark.parametrize(
    "text",
    [
        "We will never contact your employer, visit your home, or tell your family.",
        "We do not shame or report anyone, and you cannot be arrested or jailed.",
        "You have the right to complain to the ombudsman and to ask a court for more time.",
        "Citizens Advice can help you to deal with court papers.",
        "If somebody threatens you with arrest over a loan, it is a scam.",
        "我们不会联系您的家人，也不会去您的单位。",
        "您有权投诉，也可以请法院给予更长的时间。",
        "欠款不是犯罪，您不会因此坐牢。",
        "如有人冒充警察要求还款，请告诉我们。",
    ],
)
def test_a_no_and_a_right_are_plain(text: str) -> None:
    assert ids(text) == set()


@pytest.mark.parametrize("name", ["lint-held-out-3-passed", "lint-measured-4-passed"])
def test_a_letter_before_claim_passes_where_the_referral_is_proposed(name: str) -> None:
    staged = tomllib.loads((DATA / f"{name}.toml").read_text("utf-8"))["staged"]
    assert len(staged) >= 6
    proposed = LintFacts(stage="pre_legal", referral="proposed")
    assert [each["text"] for each in staged if lint(each["text"], "en", proposed)] == []
    barred = LintFacts(stage="pre_legal", referral="proposed", time_barred=True)
    assert any(ids(each["text"], barred) for each in staged)


@pytest.mark.parametrize(
    ("plain", "threat"),
    [
        ("Nobody goes to prison for debt.", "People like you go to prison for debt."),
        ("Bailiffs are not involved.", "Bailiffs are not involved yet."),
        (
            "If we agree a plan, we will pause any legal action.",
            "We will put legal action on hold only if you pay.",
        ),
        ("None of your family will hear of this from us.", "All of your family will hear of this."),
        (
            "If anyone comes to your door in our name, do not pay and call the police.",
            "If anyone comes to your door tomorrow, do not be surprised.",
        ),
        ("Signing this plan does not take away your rights.", "You signed away all your rights."),
        ("Your employer cannot deduct anything for us.", "Your employer must hand your pay to us."),
        ("It is your choice whether you pay.", "Pay or see us at your door. Your choice."),
        ("您要求我们不要给您单位打电话，我们已记录。", "您要求不要打电话到单位，但我们只能打。"),
        ("协商期间，我们会暂缓起诉。", "协商失败，我们会马上起诉。"),
        ("警察不会介入民事欠款。", "警察明天会介入。"),
        ("签了协议，您仍然有权提出异议。", "签了协议，您就放弃了一切权利。"),
        ("我们没有告诉他们任何事情。", "我们已经把金额告诉他们了。"),
        ("您的单位没有义务替我们扣工资。", "您的单位必须从工资里扣给我们。"),
        ("是否还款由您决定。", "还是不还，您自己掂量。"),
    ],
)
def test_what_is_denied_or_promised_passes_and_its_threat_does_not(plain: str, threat: str) -> None:
    assert ids(plain) == set()
    assert ids(threat)


@pytest.mark.parametrize(
    "text",
    [
        "Nobody will drag you out of your house.",
        "We will never post your face or your name.",
        "没有人会去你家堵门。",
        "我们绝不会让你单位领导知道。",
    ],
)
def test_a_denial_passes_although_its_words_sound_hostile(text: str) -> None:
    assert ids(text) == set()


def test_a_denial_does_not_cover_what_else_the_sentence_threatens() -> None:
    assert ids("We will not visit you, but you will be sorry for every day you made us wait.")
    assert ids("Be grateful we haven't told your pastor yet.")


@pytest.mark.parametrize(
    "text",
    [
        "If you do not pay, we will tell your family.",
        "Dear Robin, thank you for your time and please call us, or we tell your employer.",
        "Would you like us to tell your wife?",
        "We will not rest until your neighbours know.",
        "You can expect a lawsuit.",
        "再不还款，我们就通知你的单位。",
        "感谢您的理解，请尽快还款，否则通知您的家人。",
        "我们不但会上门，还会告诉你的邻居。",
    ],
)
def test_a_no_or_kind_words_elsewhere_excuse_nothing(text: str) -> None:
    assert ids(text)


@pytest.mark.parametrize(
    "text",
    [
        "爆 tong 讯录", "爆t通x讯l录", "bao通xun录", "坐 l 牢", "明天去你dan位", "J察马上到", "警🔥察🔥马上到",
        "準備坐牢吧", "聯繫您的親友", "w3 t3ll y0ur fam1ly", "u will be arr3sted", "we r coming 2 ur h-o-u-s-e",
        "ＷＥ ＷＩＬＬ ＴＥＬＬ ＹＯＵＲ ＢＯＳＳ", "we will tell your b.o.s.s", "pay 🔥 or 🔥 be 🔥 arrested",
    ],
)  # fmt: skip
def test_letters_signs_and_short_spellings_between_hide_nothing(text: str) -> None:
    assert ids(text)


def test_a_plain_tone_excuses_a_broad_pattern_but_no_firm_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    firm, broad = "You will be arrested.", "We have eyes on you."
    assert ids(firm) >= {"en.arrest"}
    assert ids(broad) >= {"en.stalking"}
    monkeypatch.setattr(lint_module, "tone", lambda _: Tone(PLAIN - 1, {}))
    assert ids(firm) == {"en.arrest"}
    assert ids(broad) == set()


def test_a_hostile_sentence_is_found_by_its_tone_and_says_which_words_weigh() -> None:
    text = "You have one hour, you liar, enough excuses."
    found = [each for each in lint(text, "en", REMINDED) if each.id == "en.tone"]
    assert [each.quote for each in found] == ["You have one hour, you liar, enough excuses"]
    assert "most weigh: " in found[0].says
    for said in found[0].says.removesuffix(".").rpartition("most weigh: ")[2].split(", "):
        assert tone("en").weights[said] > 0


def test_few_known_words_say_nothing_about_the_tone(monkeypatch: pytest.MonkeyPatch) -> None:
    loud = Tone(HOSTILE, {"zebra": 100, "lamp": 100})
    monkeypatch.setattr(lint_module, "tone", lambda _: loud)
    assert "en.tone" not in ids("zebra lamp")
    louder = Tone(HOSTILE, dict.fromkeys(features("zebra lamp cup", "en"), 100))
    monkeypatch.setattr(lint_module, "tone", lambda _: louder)
    assert "en.tone" in ids("zebra lamp cup")


@pytest.mark.parametrize(
    ("facts", "passes"),
    [
        (LintFacts(stage="pre_legal"), False),
        (LintFacts(stage="pre_legal", referral="approved"), True),
    ],
)
@pytest.mark.parametrize(
    "text",
    ["We will issue a claim in the county court on 4 May.", "我们将于5月4日向法院起诉。"],
)
def test_a_decided_claim_may_be_announced_and_its_tone_is_left_alone(
    text: str, facts: LintFacts, *, passes: bool
) -> None:
    assert (ids(text, facts) == set()) == passes


def test_how_a_true_legal_sentence_sounds_is_left_to_the_legal_lints(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "We will issue a claim in the county court on 4 May."
    loud = Tone(HOSTILE, dict.fromkeys(features("we will issue a claim", "en"), 100))
    monkeypatch.setattr(lint_module, "tone", lambda _: loud)
    assert "en.tone" in ids(text)
    assert "en.tone" not in ids(text, LintFacts(stage="pre_legal", referral="approved"))


def test_letters_among_characters_are_read_as_them_and_as_nothing() -> None:
    assert [each.text for each in readings("bao通xun录")][2:] == ["爆通讯录", "通录"]
    assert [each.text for each in readings("u r late")] == ["you are late", "you are late"]


DOCUMENT: dict[str, Any] = {
    "language": "en",
    "negators": ["not"],
    "joiners": ["or "],
    "reach": ["[ ,](a|or|sue|you)(?![a-z])"],
    "undone_by": ["think"],
    "harmless": ["for example……"],
    "words": {"we": ["we|our <kind>"], "kind": ["people"]},
}
LINT: dict[str, Any] = {
    "id": "tell",
    "kind": "threat",
    "says": "Nobody is told.",
    "citation": "Duecourse principle: no fear",
    "confidence": "house",
    "caught": ["our people~2 tell"],
    "passes": ["plain"],
}


def book(words: dict[str, list[str]], **changes: Any) -> lint_book.LintBook:
    return lint_book.parse(DOCUMENT | {"words": words, "lints": [LINT | changes]})


def test_a_pattern_is_composed_of_classes_and_of_a_few_words_between() -> None:
    words = {"kind": ["people|friends"], "we": ["we|our <kind>"]}
    (only,) = book(words, patterns=["<we>~2 tell"]).lints
    assert only.firm is not None
    for said in ("we tell", "we will surely tell", "our friends will tell"):
        assert only.firm.search(said), said
    for said in ("we will all surely tell", "well tell", "our tell"):
        assert not only.firm.search(said), said


@pytest.mark.parametrize(
    ("words", "changes", "says"),
    [
        ({}, {"patterns": ["<we> tell"]}, "no class of words <we>"),
        ({"we": ["our <kind>"], "kind": ["x"]}, {"patterns": ["<we>"]}, "no class of words <kind>"),
        ({}, {}, "give it `patterns` or `broad`"),
        ({}, {"patterns": ["(a|b){0,9} c"]}, "write repeats as"),
    ],
)
def test_a_pattern_that_cannot_be_composed_does_not_load(
    words: dict[str, list[str]], changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(LintError, match=says):
        book(words, **changes)


NAMES = ["Story Bank (fictional)", "Last Warning Collections Ltd", "老赖克星示例银行", "林示例"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("words", "language"),
    [
        ("{}：您的借款已到期，请在方便时付款，有困难可与我们联系。", "zh"),
        ("{}: your payment was due on 1 March. If it is hard to pay, tell us.", "en"),
    ],
)
def test_a_name_has_no_tone(name: str, words: str, language: LintLanguage) -> None:
    facts = LintFacts(stage="reminder", names=frozenset({name}))
    found = lint(words.format(name), language, facts)
    assert [each.id for each in found if each.id.endswith(".tone")] == []
