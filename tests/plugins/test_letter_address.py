"""Postal addresses: what is kept, what is put right, what is refused."""

import unicodedata
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duecourse import Permanent
from duecourse_letter import PostalAddress

TURNING: Final = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}


@pytest.mark.parametrize(
    ("given", "stored", "country"),
    [
        ("虚构省样例市示例路100号", "虚构省样例市示例路100号", ""),
        ("1 Fiction Road\nSampletown", "1 Fiction Road\nSampletown", ""),
        ("  1 Fiction Road \r\n\n\u3000Sampletown\t", "1 Fiction Road\nSampletown", ""),
        (
            "Musterweg 1\n00000 Musterstadt\nGermany",
            "Musterweg 1\n00000 Musterstadt\nGERMANY",
            "DE",
        ),
        ("Musterweg 1\nDeutschland", "Musterweg 1\nDEUTSCHLAND", "DE"),
        ("1 Fiction Rd\nusa", "1 Fiction Rd\nUSA", "US"),
        ("示例路1号\n中国", "示例路1号\n中国", "CN"),
        ("1 Fiction Road\nzz1 1zz", "1 Fiction Road\nZZ1 1ZZ", ""),
        ("1 Fiction Road\nzz11zz\nuk", "1 Fiction Road\nZZ1 1ZZ\nUK", "GB"),
        # Not a postcode of the United Kingdom when the country says another.
        ("1 Fiction Road\nzz1 1zz\nIndia", "1 Fiction Road\nzz1 1zz\nINDIA", "IN"),
        # One line is a place, whatever country is called the same; Georgia is a state.
        ("Ireland", "Ireland", ""),
        ("1 Fiction Road\nGeorgia", "1 Fiction Road\nGeorgia", ""),
        ("Cafe\u0301 1", "Caf\u00e9 1", ""),
    ],
)
def test_an_address_is_kept_but_for_what_is_surely_meant(
    given: str, stored: str, country: str
) -> None:
    parsed = PostalAddress.parse(given)
    assert (str(parsed), parsed.country) == (stored, country)
    assert PostalAddress.parse(stored) == parsed


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\u3000",
        "x\n" * 9,
        "x" * 61,
        "\n" * 5000,
        *(
            f"a{character}b"
            for character in "\x00\x07\x0b\x85\xad\u061c\u200b\u200f\u2028\u202e\u2066\ufeff\ud800"
        ),
    ],
)
def test_what_is_no_postal_address_is_refused(text: str) -> None:
    with pytest.raises(Permanent, match="postal address"):
        PostalAddress.parse(text)


def test_neither_an_error_nor_a_repr_shows_the_address() -> None:
    with pytest.raises(Permanent) as refusal:
        PostalAddress.parse("Secret Lane 7" * 10)
    assert "Secret" not in str(refusal.value)
    assert repr(PostalAddress.parse("Secret Lane 7\nGermany")) == (
        "PostalAddress(2 lines, country='DE')"
    )


@given(st.text(max_size=300))
def test_any_text_is_an_address_that_stays_as_it_is_or_is_refused(text: str) -> None:
    try:
        parsed = PostalAddress.parse(text)
    except Permanent:
        return
    assert PostalAddress.parse(str(parsed)) == parsed
    assert 1 <= len(parsed.lines) <= 8
    assert all(1 <= len(line) <= 60 for line in parsed.lines)
    shown = "".join(parsed.lines)
    assert not {"Cc", "Cs", "Zl", "Zp"}.intersection(map(unicodedata.category, shown))
    assert not TURNING.intersection(map(unicodedata.bidirectional, shown))
