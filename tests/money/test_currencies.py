"""Which codes are currencies that money can be owed in."""

import re

import pytest

from duecourse.money.amounts import exponent
from duecourse.money.currencies import CURRENCIES

# Those of ISO 4217 that have not two decimals, by their number of decimals.
ODD = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}


def test_every_code_is_three_capitals_and_there_are_as_many_as_in_the_list() -> None:
    assert all(re.fullmatch("[A-Z]{3}", each) for each in CURRENCIES)
    assert len(CURRENCIES) == 160


@pytest.mark.parametrize("code", ["CNY", "EUR", "USD", "GBP", "JPY", "KWD", "CLF", "XCG", "ZWG"])
def test_what_is_in_use_is_known(code: str) -> None:
    assert code in CURRENCIES


@pytest.mark.parametrize(
    "code", ["DEM", "ANG", "BGN", "HRK", "XAU", "XDR", "XTS", "XXX", "RMB", "ZZZ", "cny", ""]
)
def test_what_was_withdrawn_a_metal_or_no_code_at_all_is_not(code: str) -> None:
    assert code not in CURRENCIES


def test_each_that_has_not_two_decimals_is_known_and_all_others_have_two() -> None:
    odd = {code: places for places, codes in ODD.items() for code in codes.split()}
    assert odd.keys() <= CURRENCIES
    assert {code: exponent(code) for code in CURRENCIES} == dict.fromkeys(CURRENCIES, 2) | odd
