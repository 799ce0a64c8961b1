"""Folding: what looks the same is read the same, once and for all."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from duecourse.rules.lint_text import normalise

BOTH = pytest.mark.parametrize("joined", [False, True])
TORN = st.text(
    alphabet=st.sampled_from([*"aB1@$5. ,-_*'’。、起诉牢訴\n\u200b\u0301éﬁⅨßİ①½/!?【】ー٣"]),
    max_size=40,
)


@BOTH
@given(text=st.one_of(TORN, st.text()))
@example(text="a-1-b")
@example(text="1-2-a b c d")
@example(text="a b 1 2 3")
def test_folding_again_changes_nothing(text: str, *, joined: bool) -> None:
    once = normalise(text, joined=joined).text
    assert normalise(once, joined=joined).text == once


@BOTH
@given(text=st.one_of(TORN, st.text()))
def test_every_character_knows_where_it_came_from(text: str, *, joined: bool) -> None:
    plain = normalise(text, joined=joined)
    assert len(plain.text) == len(plain.starts) == len(plain.ends)
    assert list(plain.starts) == sorted(plain.starts)
    assert all(0 <= a < b <= len(text) for a, b in zip(plain.starts, plain.ends, strict=True))


@pytest.mark.parametrize(
    ("text", "spaced", "joined"),
    [
        ("起-诉 您，坐 牢。", "起诉您,坐牢", "起诉您,坐牢"),
        ("a.r.r.e.s.t you", "a r r e s t you", "arrest you"),
        ("a r r e s t", "a r r e s t", "arrest"),
        ("p0lice", "police", "police"),
        ("Po\u200bLICE", "police", "police"),
        ("роliсе", "police", "police"),
        ("legal-aid", "legal aid", "legalaid"),
        ("We'll pay. Then?", "well pay。then", "well pay。then"),
        ("by 5pm, 24h, $500, 1,250.00", "by 5pm,24h,$500,1,250.00", "by 5pm,24h,$500,1,250.00"),
        ("後果自負", "后果自负", "后果自负"),
        ("一\n\n二\n三", "一。二三", "一。二三"),
    ],
)
def test_what_is_folded(text: str, spaced: str, joined: str) -> None:
    assert normalise(text).text == spaced
    assert normalise(text, joined=True).text == joined
