"""Short messages: how many, cut where, in which octets; at and around every limit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duecourse_sms import count_units
from duecourse_sms.alphabets import (
    BASIC,
    EXTENSION,
    decode,
    decode_gsm7,
    encode_gsm7,
    pack,
    unpack,
)
from duecourse_sms.submission import encode_parts, parts_of
from duecourse_sms.units import is_gsm7, split

gsm7_texts = st.text(st.sampled_from(sorted(BASIC | EXTENSION)), max_size=700)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 153 * 255, 255),
        ("a" * 153 * 255 + "a", 256),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("中" * 70, 1),
        ("中" * 71, 2),
        ("中" * 134, 2),
        ("中" * 135, 3),
        ("中" * 67 * 255, 255),
        ("中" * 67 * 255 + "中", 256),
        ("a" * 69 + "中", 1),
        ("a" * 70 + "中", 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_a_text_is_billed_as_the_carrier_bills_it(text: str, units: int) -> None:
    assert count_units(text) == units


@pytest.mark.parametrize("letter", sorted(EXTENSION))
def test_a_letter_of_the_extension_table_takes_two_places(letter: str) -> None:
    assert count_units("a" * 158 + letter) == 1
    assert count_units("a" * 159 + letter) == 2


def test_an_escape_is_not_split_between_two_messages() -> None:
    # 306 septets would be two full messages, were the euro's escape and letter taken apart.
    assert count_units("a" * 152 + "€" + "a" * 152) == 3


def test_a_surrogate_pair_is_not_split_between_two_messages() -> None:
    assert count_units("中" * 66 + "😀" + "中" * 66) == 3


@given(gsm7_texts)
def test_the_parts_of_a_gsm7_text_fit_and_are_the_text(text: str) -> None:
    parts = split(text, gsm7=True)
    limit = 160 if len(parts) == 1 else 153
    assert "".join(parts) == text
    assert all(len(encode_gsm7(part)) <= limit for part in parts)


@given(texts)
def test_the_parts_of_any_text_fit_and_are_the_text(text: str) -> None:
    parts = split(text, gsm7=False)
    limit = 140 if len(parts) == 1 else 134
    assert "".join(parts) == text
    assert all(len(part.encode("utf-16-be")) <= limit for part in parts)


@given(gsm7_texts)
def test_gsm7_reads_back(text: str) -> None:
    assert decode_gsm7(encode_gsm7(text)) == text


@given(st.text(st.sampled_from(sorted(BASIC - {"@", "\r"})), max_size=160), st.sampled_from([0, 6]))
def test_packed_septets_read_back_behind_any_header(text: str, header: int) -> None:
    packed = pack(encode_gsm7(text), header)
    assert decode_gsm7(unpack(packed, header)) == text
    assert header + len(packed) <= 140 or len(text) > 153


def test_septets_are_packed_as_the_standard_shows_it() -> None:
    assert pack(encode_gsm7("hellohello")) == bytes.fromhex("e8329bfd4697d9ec37")


def test_packed_septets_begin_at_a_septet_behind_their_header() -> None:
    header = bytes.fromhex("0500030a0201")
    assert unpack(header + pack(encode_gsm7("hello"), len(header)))[7:] == encode_gsm7("hello")


def test_seven_bits_left_over_show_no_letter() -> None:
    assert pack(encode_gsm7("1234567"))[-1] >> 1 == 0x0D
    assert unpack(pack(encode_gsm7("1234567"))) == b"1234567"
    assert unpack(bytes.fromhex("31d98c56b3dd00")) == b"1234567", "zeros are what others leave"


def test_an_unknown_escape_and_no_septet_are_read_without_an_error() -> None:
    assert decode_gsm7(b"a\x1bz\xffb\x1b") == "az\ufffdb"


@pytest.mark.parametrize(
    ("octets", "coding", "text"),
    [
        (b"\x00\x1be", 0, "@€"),
        (b"caf\xe9", 3, "café"),
        (b"STOP", 1, "STOP"),
        (b"\x90\x00\x8b\xa2", 8, "退订"),
        (b"\xd8\x3d\xde\x00", 8, "😀"),
        (b"\x90\x00\x8b", 8, "退\ufffd"),
        (b"\xbd\xe2", 6, "Нт"),
        (b"\x00", 0x11, "@"),
        (b"\x90\x00", 0x18, "退"),
        (b"\x00", 0xF1, "@"),
        (b"\xe9", 0xF5, "é"),
        (b"\x00", 99, "@"),
        (b"a\x00b", 3, "a\ufffdb"),
    ],
)
def test_what_a_phone_wrote_is_read_by_its_coding(octets: bytes, coding: int, text: str) -> None:
    assert decode(octets, coding, "gsm7") == text


def test_coding_zero_is_read_as_the_smsc_writes_it() -> None:
    assert decode(pack(encode_gsm7("STOP @x")), 0, "gsm7-packed") == "STOP @x"
    assert decode(pack(encode_gsm7("STOP"), 6), 0, "gsm7-packed", header=6) == "STOP"
    assert decode(b"caf\xe9", 0, "latin-1") == "café"


@given(texts, st.sampled_from(["gsm7", "gsm7-packed", "latin-1"]))
def test_no_part_is_longer_than_a_short_message(text: str, alphabet: str) -> None:
    parts = encode_parts(text, alphabet, 7)
    assert len(parts) == len(parts_of(text, alphabet))
    septets = alphabet != "gsm7-packed" and is_gsm7(text)
    assert all(len(part.short_message) <= (160 if septets else 140) for part in parts)


def test_parts_are_joined_by_one_reference_and_numbered() -> None:
    parts = encode_parts("中" * 135, "gsm7", 200)
    assert [part.short_message[:6].hex() for part in parts] == [
        "050003c80301",
        "050003c80302",
        "050003c80303",
    ]
    assert {(part.esm_class, part.data_coding) for part in parts} == {(0x40, 8)}


def test_one_part_has_no_header() -> None:
    (part,) = encode_parts("a€", "gsm7", 200)
    assert (part.esm_class, part.data_coding, part.short_message) == (0, 0, b"a\x1be")


def test_a_letter_that_latin1_has_not_makes_the_text_ucs2() -> None:
    assert encode_parts("é", "latin-1", 0)[0].short_message == b"\xe9"
    assert encode_parts("€", "latin-1", 0)[0].data_coding == 8
    assert len(parts_of("€" + "a" * 70, "latin-1")) == 2
