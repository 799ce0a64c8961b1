"""The words of the papers: whole in both languages, and none without a use."""

import re
from importlib.resources import files

import pytest

from duecourse.papers.words import Words, words_of

PAPERS = ["statement", "agreement"]


@pytest.mark.parametrize("paper", PAPERS)
def test_both_languages_have_the_same_places(paper: str) -> None:
    assert len(words_of(paper)) > 20
    for code, both in words_of(paper).items():
        assert both.zh, code
        assert both.en, code
        places = [set(re.findall(r"{(\w+)}", each)) - {"unit"} for each in (both.zh, both.en)]
        assert places[0] == places[1], code
        assert "  " not in both.en, code


@pytest.mark.parametrize("paper", PAPERS)
def test_chinese_is_chinese_and_english_is_english(paper: str) -> None:
    for code, both in words_of(paper).items():
        assert re.search("[\u4e00-\u9fff\uff00-\uffef]", both.zh), code
        assert not re.search("[\u2e80-\u9fff\uff00-\uffef]", both.en), code


@pytest.mark.parametrize("paper", PAPERS)
def test_no_words_are_without_a_use(paper: str) -> None:
    source = (files("duecourse") / "papers" / f"{paper}.py").read_text("utf-8")
    heads = {"costs", "fees", "penalty", "interest", "principal"}
    named = {"year", "day", "frozen", "not_accrued", "instalments", "deferral", "settlement"}
    named |= {"ahead", "shorten_term", "lower_instalments", *heads}
    assert [
        code for code in words_of(paper) if code not in named and f'"{code}"' not in source
    ] == []


def test_a_value_is_no_place_for_another_one() -> None:
    say = Words("statement", "en")
    assert "{balance}" in say("made_of", parts="{balance} {0.__class__}")
