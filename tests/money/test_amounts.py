"""Amounts: what is read, what is refused, and what is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duecourse.money.amounts import MAX_MINOR, Buckets, exponent, format_minor, parse_minor

READ = [
    ("0", "CNY", 0),
    ("0.00", "CNY", 0),
    ("1250.00", "CNY", 125_000),
    ("1250", "CNY", 125_000),
    ("1250.5", "CNY", 125_050),
    ("0.01", "CNY", 1),
    ("0.010000", "CNY", 1),
    (" 12.30 ", "CNY", 1_230),
    ("1250", "JPY", 1_250),
    ("1250.000", "JPY", 1_250),
    ("1.234", "KWD", 1_234),
    ("1.2340", "KWD", 1_234),
    ("1.2345", "CLF", 12_345),
    ("10000000000000.00", "CNY", MAX_MINOR),
    ("1000000000000000", "JPY", MAX_MINOR),
]
REFUSED = [
    ("1,250", "JPY", "write it like 1250, without separators"),
    ("1,250", "KWD", "write it like 1250.000, without separators"),
    ("", "CNY", "is not an amount"),
    (" ", "CNY", "is not an amount"),
    ("１２５０.００", "CNY", "is not an amount"),  # full-width digits
    ("١٢٣", "CNY", "is not an amount"),  # Arabic-Indic digits
    ("1e3", "CNY", "is not an amount"),
    ("1E3", "CNY", "is not an amount"),
    ("NaN", "CNY", "is not an amount"),
    ("Infinity", "CNY", "is not an amount"),
    ("+5", "CNY", "is not an amount"),
    ("-5.00", "CNY", "is not an amount"),
    ("−5", "CNY", "is not an amount"),
    ("1,000", "CNY", "is not an amount"),
    ("1 000", "CNY", "is not an amount"),
    ("1_000", "CNY", "is not an amount"),
    (".5", "CNY", "is not an amount"),
    ("5.", "CNY", "is not an amount"),
    ("01.00", "CNY", "is not an amount"),
    ("1.2.3", "CNY", "is not an amount"),
    ("0x10", "CNY", "is not an amount"),
    ("¥5", "CNY", "is not an amount"),
    ("5\n", "CNY", "is not an amount"),
    ("\t5", "CNY", "is not an amount"),
    ("0.001", "CNY", "more decimals than CNY allows"),
    ("1.5", "JPY", "more decimals than JPY allows"),
    ("1.2345", "KWD", "more decimals than KWD allows"),
    ("10000000000000.01", "CNY", "larger than"),
    ("1000000000000001", "JPY", "larger than"),
    ("9" * 5_000, "CNY", "larger than"),
]


@pytest.mark.parametrize(("text", "currency", "minor"), READ)
def test_a_plain_decimal_is_read_as_minor_units(text: str, currency: str, minor: int) -> None:
    assert parse_minor(text, currency) == minor


@pytest.mark.parametrize(("text", "currency", "complaint"), REFUSED)
def test_anything_else_is_refused_and_named(text: str, currency: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_minor(text, currency)


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (0, "CNY", "0.00"),
        (5, "CNY", "0.05"),
        (-5, "CNY", "-0.05"),
        (125_000, "CNY", "1250.00"),
        (125_000, "JPY", "125000"),
        (5, "KWD", "0.005"),
        (-1_234, "KWD", "-1.234"),
    ],
)
def test_minor_units_are_written_with_the_places_of_the_currency(
    minor: int, currency: str, text: str
) -> None:
    assert format_minor(minor, currency) == text


@given(st.integers(0, MAX_MINOR), st.sampled_from(["JPY", "CNY", "KWD", "CLF"]))
def test_what_is_written_is_read_back(minor: int, currency: str) -> None:
    assert parse_minor(format_minor(minor, currency), currency) == minor


@given(st.text(max_size=12))
def test_no_text_gives_anything_but_an_amount_or_a_value_error(text: str) -> None:
    try:
        minor = parse_minor(text, "CNY")
    except ValueError:
        return
    assert 0 <= minor <= MAX_MINOR
    assert set(text) <= set("0123456789. ")


@pytest.mark.parametrize(("currency", "places"), [("CNY", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4)])
def test_the_places_are_those_of_iso_4217(currency: str, places: int) -> None:
    assert exponent(currency) == places


def test_buckets_add_and_subtract_head_by_head() -> None:
    one = Buckets(costs=1, fees=2, penalty=3, interest=4, principal=5)
    two = Buckets(costs=10, fees=20, penalty=30, interest=40, principal=50)
    assert one.total == 15
    assert one + two == Buckets(costs=11, fees=22, penalty=33, interest=44, principal=55)
    assert one + two - one == two
