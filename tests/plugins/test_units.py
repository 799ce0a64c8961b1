"""Short-message counting, at and around every limit."""

import pytest

from duecourse_sms import count_units


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("中" * 70, 1),
        ("中" * 71, 2),
        ("中" * 134, 2),
        ("中" * 135, 3),
        ("a" * 69 + "中", 1),
        ("a" * 70 + "中", 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_a_text_is_billed_as_the_carrier_bills_it(text: str, units: int) -> None:
    assert count_units(text) == units


def test_an_escape_is_not_split_between_two_messages() -> None:
    # 306 septets would be two full messages, were the euro's escape and letter taken apart.
    assert count_units("a" * 152 + "€" + "a" * 152) == 3


def test_a_surrogate_pair_is_not_split_between_two_messages() -> None:
    assert count_units("中" * 66 + "😀" + "中" * 66) == 3
