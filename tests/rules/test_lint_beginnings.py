"""What a match can begin with is found wherever the pattern is, and mostly not elsewhere."""

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duecourse.rules.lint import shipped_book
from duecourse.rules.lint_beginnings import beginnings
from duecourse.rules.lint_text import readings

DATA = Path(__file__).parent / "data"
TEXTS = [
    text
    for file in sorted(DATA.glob("lint-*.toml"))
    for texts in tomllib.loads(file.read_text("utf-8")).values()
    if isinstance(texts, list)
    for text in texts
    if isinstance(text, str)
]


@pytest.mark.parametrize(
    ("pattern", "begin", "other"),
    [
        ("abc|xyz", "ax", "bcyz"),
        ("(?:ab)?c", "ac", "b"),
        ("a{0,2}b{1,3}c", "ab", "c"),
        ("[a-c](?=x)", "abc", "x"),
        ("(?<![a-z])(?:(?:no|not)|never) way", "n", "way"),
        ("(?!x)ab", "a", "xb"),
        ("(a|b|)c", "abc", "d"),
    ],
)
def test_a_match_begins_with_one_of_these(pattern: str, begin: str, other: str) -> None:
    found = beginnings([re.compile(pattern), None])
    assert found is not None
    assert all(found.fullmatch(each) for each in begin)
    assert not any(found.search(each) for each in other)


@pytest.mark.parametrize("pattern", ["a?", ".b", "[^a]b", r"\wa", "", "(?i)ab", "(?i:ab)"])
def test_what_can_begin_with_anything_is_always_read(pattern: str) -> None:
    assert beginnings([re.compile("x"), re.compile(pattern)]) is None


def test_no_lint_that_finds_anything_in_a_message_is_passed_over() -> None:
    spoken = 0
    for view in (view.text for text in TEXTS[::6] for view in readings(text)):
        for each in shipped_book().lints:
            if any(pattern and pattern.search(view) for pattern in (each.firm, each.broad)):
                spoken += 1
                assert each.may_speak(view), (each.name, view)
    assert spoken > 1_000


@settings(max_examples=80)
@given(st.data())
def test_no_match_that_a_lint_can_have_begins_with_anything_else(data: st.DataObject) -> None:
    each = data.draw(st.sampled_from(shipped_book().lints))
    pattern = data.draw(st.sampled_from([each.firm or each.broad, each.broad or each.firm]))
    assert pattern is not None
    found = pattern.search(data.draw(st.from_regex(pattern)))
    assert found is not None
    assert each.may_speak(found[0])
