"""Caps: the one of the licence and the day, what it takes away, and that it is no discount."""

import os
import random
from collections import Counter
from datetime import date, timedelta
from fractions import Fraction

import msgspec
import pytest
from msgspec.structs import astuple

from duecourse.money.amounts import Buckets
from duecourse.money.cap_terms import CapPeriod, CapRequest, CapResult
from duecourse.money.caps import apply_cap, periods_of
from duecourse.money.figures import Heads, Refused
from duecourse.money.interest import work_out_interest
from duecourse.money.interest_terms import InterestRequest
from duecourse.money.series import all_series, series

CASES = int(os.environ.get("DUECOURSE_MONEY_CASES", "10000")) * 4 // 100
YEAR = [{"start": "2025-01-01", "end": "2026-01-01", "balance_minor": 10_000_00}]


def cap(**changes: object) -> CapResult:
    plain = {
        "currency": "CNY",
        "jurisdiction": "CN",
        "licence": "none",
        "contract_on": "2025-01-02",
        "periods": YEAR,
        "charged": {"interest": 5_000_00},
    }
    return apply_cap(msgspec.convert(plain | changes, CapRequest))


# Four times the one-year LPR, as courts and press name it for contracts of these days.
FOUR_TIMES = [
    ("2020-08-20", "15.4"),
    ("2021-12-19", "15.4"),
    ("2021-12-20", "15.2"),
    ("2022-01-20", "14.8"),
    ("2022-08-21", "14.8"),
    ("2022-08-22", "14.6"),
    ("2023-06-20", "14.2"),
    ("2023-08-21", "13.8"),
    ("2024-07-22", "13.4"),
    ("2024-10-20", "13.4"),
    ("2024-10-21", "12.4"),
    ("2025-05-19", "12.4"),
    ("2025-05-20", "12"),
    ("2026-10-19", "12"),
]


@pytest.mark.parametrize(("contract_on", "percent"), FOUR_TIMES)
def test_private_lending_is_capped_by_the_lpr_of_its_contract(
    contract_on: str, percent: str
) -> None:
    found = cap(contract_on=contract_on)
    (line,) = found.checks[0].lines
    assert line.percent == percent
    # A year on 10,000.00, whatever the LPR did later.
    assert found.collectible.interest == int(Fraction(percent) * 100_00)
    assert "SPC private lending rules" in found.citation


# BGB § 288(1): base rate plus five, as published for each half-year.
BASE_PLUS_FIVE = [
    ("2014-01-01", "4.37"), ("2014-07-01", "4.27"), ("2015-01-01", "4.17"),
    ("2016-07-01", "4.12"), ("2022-12-31", "4.12"), ("2023-01-01", "6.62"),
    ("2023-07-01", "8.12"), ("2024-01-01", "8.62"), ("2024-07-01", "8.37"),
    ("2025-01-01", "7.27"), ("2025-07-01", "6.27"), ("2026-01-01", "6.27"),
    ("2026-06-30", "6.27"), ("2026-07-01", "6.52"), ("2026-12-31", "6.52"),
]  # fmt: skip


@pytest.mark.parametrize(("day", "percent"), BASE_PLUS_FIVE)
def test_default_interest_in_germany_follows_the_base_rate(day: str, percent: str) -> None:
    end = date.fromisoformat(day) + timedelta(days=1)
    found = cap(
        currency="EUR", jurisdiction="DE", contract_on="2010-01-01",
        periods=[{"start": day, "end": end.isoformat(), "balance_minor": 1}],
    )  # fmt: skip
    assert found.cap == "de-288-consumer"
    assert found.checks[0].lines[0].percent == percent


def test_the_half_years_are_worked_out_one_by_one() -> None:
    found = cap(
        currency="EUR", jurisdiction="DE", contract_on="2023-01-01",
        periods=[{"start": "2024-04-01", "end": "2024-10-01", "balance_minor": 10_000_00}],
        charged={"interest": 900_00, "penalty": 600_00},
    )  # fmt: skip
    # 8.62 % for 91 of 366 days and 8.37 % for 92: 214.3224… + 210.3934… = 424.71, rounded down.
    assert found.collectible == Buckets(interest=900_00, penalty=424_71)
    assert [line.fraction for line in found.checks[0].lines] == ["91/366", "46/183"]


TRADE = {"jurisdiction": "DE", "currency": "EUR", "debtor": "business"}


@pytest.mark.parametrize(
    ("changes", "name", "percent"),
    [
        ({"licence": "bank"}, "cn-financial", "24"),
        ({"licence": "small_loan"}, "cn-local-financial", "24"),
        ({"contract_on": "2019-01-01", "filed_on": "2024-11-01"}, "cn-private-lending-before", "12.4"),
        ({"jurisdiction": "DE", "currency": "EUR", "secured_on_land": True}, "de-497-land", "4.77"),
        ({"jurisdiction": "DE", "currency": "EUR", "debtor": "business"}, "de-288-business-loan", "7.27"),
        ({**TRADE, "claim": "goods_or_services"}, "de-288-business", "11.27"),
        ({**TRADE, "claim": "goods_or_services", "contract_on": "2014-07-28"},
         "de-288-business-before", "10.27"),
        ({**TRADE, "claim": "goods_or_services", "secured_on_land": True},
         "de-288-business", "11.27"),
        ({**TRADE, "secured_on_land": True}, "de-288-business-loan", "7.27"),
        ({"jurisdiction": "DE", "currency": "EUR", "claim": "goods_or_services"}, "de-288-consumer", "7.27"),
        ({"jurisdiction": "DE", "currency": "EUR", "claim": "goods_or_services",
          "secured_on_land": True}, "de-288-consumer", "7.27"),
    ],
)  # fmt: skip
def test_the_cap_is_that_of_the_licence_the_debtor_and_the_contract(
    changes: dict[str, object], name: str, percent: str
) -> None:
    found = cap(**changes)
    assert (found.cap, found.checks[0].lines[0].percent) == (name, percent)


def test_an_older_private_loan_keeps_its_cap_until_the_day_before_the_rules() -> None:
    found = cap(
        contract_on="2019-01-01",
        filed_on="2020-09-01",
        periods=[{"start": "2020-08-10", "end": "2020-08-30", "balance_minor": 365_000_00}],
    )
    # Ten days of 24 % (240.00 a day), then ten of 15.4 % (154.00 a day).
    assert [(line.start.day, line.percent) for line in found.checks[0].lines] == [
        (10, "24"), (20, "15.4"),
    ]  # fmt: skip
    assert found.collectible.interest == 3_940_00


def test_interest_penalty_and_fees_are_counted_together_and_fees_go_first() -> None:
    found = cap(charged={"costs": 50_00, "fees": 30_00, "penalty": 500_00, "interest": 1_000_00})
    # 12.4 % of 10,000.00 are 1,240.00; the costs of collection are not among the heads.
    assert found.checks[0].charged_minor == 1_530_00
    (capped,) = found.capped
    assert (capped.amount_minor, capped.heads) == (290_00, Buckets(fees=30_00, penalty=260_00))
    assert found.collectible == Buckets(costs=50_00, penalty=240_00, interest=1_000_00)


def test_what_is_capped_is_named_not_owed_with_its_source_and_never_a_discount() -> None:
    (capped,) = cap().capped
    assert capped.citation == "SPC private lending rules (2020-12-29) art. 25, 28, 29"
    assert "not owed" in capped.says
    told = msgspec.json.encode(cap()).decode().lower()
    for word in ("discount", "waive", "forgiv", "reduction", "减免", "优惠", "折扣"):
        assert word not in told


def test_what_is_below_the_cap_is_left_alone() -> None:
    found = cap(charged={"interest": 1_240_00})
    assert (found.capped, found.capped_minor) == ((), 0)
    assert found.collectible == Buckets(interest=1_240_00)
    assert cap(charged={"interest": 1_240_01}).capped_minor == 1


def test_a_rolled_over_loan_costs_no_more_than_its_first_principal_and_capped_interest() -> None:
    found = cap(
        restructured=True,
        lent_minor=10_000_00,
        periods=[{"start": "2025-01-02", "end": "2027-01-02", "balance_minor": 13_000_00}],
        charged={"principal": 13_000_00, "interest": 1_500_00},
    )
    # Two years of 12.4 % on 10,000.00: 12,480.00 in all, of 14,500.00 asked for.
    assert found.checks[0].allowed_minor == 12_480_00
    assert found.collectible == Buckets(principal=12_480_00)
    assert "art. 27" in found.citation


def test_high_cost_credit_has_three_caps_at_once() -> None:
    def hcstc(days: int, **charged: int) -> CapResult:
        start = date(2025, 3, 1)
        end = start + timedelta(days=days)
        return cap(
            currency="GBP", jurisdiction="GB", licence="hcstc", lent_minor=200_00,
            periods=[{"start": str(start), "end": str(end), "balance_minor": 200_00}],
            charged=charged,
        )  # fmt: skip

    # 0.8 % a day of 200.00 are 1.60: 48.00 in thirty days.
    assert hcstc(30, interest=60_00).collectible == Buckets(interest=48_00)
    assert hcstc(30, interest=48_00, penalty=20_00).collectible == Buckets(
        interest=48_00, penalty=15_00
    )
    # In 200 days 320.00 by the day, and with 15.00 still no more than the 200.00 that were lent.
    long = hcstc(200, interest=320_00, penalty=15_00)
    assert long.collectible == Buckets(interest=200_00)
    assert [each.part for each in long.capped] == ["total-cost"]


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"jurisdiction": "FR"}, "jurisdiction", "no cap is recorded"),
        ({"licence": "unheard-of"}, "licence", "licences it knows"),
        ({"jurisdiction": "GB", "currency": "GBP"}, "licence", "hcstc"),
        ({"contract_on": "2010-01-01"}, "contract_on", "no cap of CN"),
        ({"contract_on": "2026-10-20"}, "contract_on", "through 2026-10-19"),
        ({"contract_on": "1800-01-01"}, "contract_on", "out of all reason"),
        ({"contract_on": "2019-01-01", "periods": [{"start": "2021-01-01", "end": "2021-02-01",
                                                   "balance_minor": 1}]}, "filed_on", "day of the suit"),
        ({"restructured": True}, "lent_minor", "what was lent"),
        ({"restructured": True, "licence": "bank"}, "licence", "rolled over"),
        ({"jurisdiction": "DE", "currency": "EUR",
          "periods": [{"start": "2026-12-31", "end": "2027-01-02", "balance_minor": 1}]},
         "periods", "not on 2027-01-01"),
        ({"jurisdiction": "GB", "licence": "hcstc", "lent_minor": 5}, "currency", "GBP"),
        ({"periods": [*YEAR, *YEAR]}, "periods", "overlap"),
        ({"periods": [{"start": "2025-01-02", "end": "2025-01-01", "balance_minor": 1}]},
         "periods[0].end", "before the start"),
    ],
)  # fmt: skip
def test_where_it_is_not_known_which_cap_holds_none_is_guessed(
    changes: dict[str, object], field: str, words: str
) -> None:
    with pytest.raises(Refused, match=words) as refused:
        cap(**changes)
    assert refused.value.field == field


def test_a_rate_published_since_is_taken_with_its_source() -> None:
    lpr = {
        "series": "cn-lpr-1y", "since": "2026-10-20", "through": "2026-12-31",
        "percent": "2.9", "source": "publication of 20 October 2026",
    }  # fmt: skip
    span = [{"start": "2026-11-01", "end": "2027-11-01", "balance_minor": 10_000_00}]
    found = cap(contract_on="2026-11-01", published=[lpr], periods=span)
    assert found.collectible.interest == 1_160_00
    with pytest.raises(Refused, match="day after"):
        cap(contract_on="2026-11-01", published=[{**lpr, "since": "2026-10-25"}], periods=span)


def test_every_series_has_a_source_and_ends_where_it_is_no_longer_known() -> None:
    for each in all_series():
        assert each.source
        assert each.rates[-1].since <= each.known_through
        with pytest.raises(Refused, match="known from"):
            each.share_on(each.known_through + timedelta(days=1), "day")
        with pytest.raises(Refused, match="known from"):
            each.share_on(each.rates[0].since - timedelta(days=1), "day")


def test_the_balances_of_a_statement_are_what_its_charges_are_capped_on() -> None:
    statement = work_out_interest(
        msgspec.convert(
            {
                "currency": "CNY", "opening": {"principal": 10_000_00},
                "start": "2025-06-01", "end": "2026-06-01", "profile": "cn-private",
                "accruals": [
                    {"rates": [{"since": "2025-06-01", "percent": "24"}]},
                    {"name": "default", "head": "penalty", "start": "2025-12-01",
                     "rates": [{"since": "2025-06-01", "percent": "18"}]},
                ],
                "entries": [{"on": "2025-09-01", "kind": "payment", "amount_minor": 5_604_93}],
            },
            InterestRequest,
        )
    )  # fmt: skip
    periods = periods_of(statement.lines)
    assert [(str(each.start), str(each.end), each.balance_minor) for each in periods] == [
        ("2025-06-01", "2025-09-01", 10_000_00),
        ("2025-09-01", "2025-12-01", 5_000_00),
        ("2025-12-01", "2026-06-01", 5_000_00),
    ]
    charged = Heads(interest=statement.accrued.interest, penalty=statement.accrued.penalty)
    asked = CapRequest(
        currency="CNY", jurisdiction="CN", licence="none", contract_on=date(2025, 6, 1),
        periods=periods, charged=charged,
    )  # fmt: skip
    # 12 %: 302.46 + 149.58 + 299.17, rounded down together.
    assert apply_cap(asked).checks[0].allowed_minor == 751_23


# --- the same, another way ---------------------------------------------------------------------


def day_by_day(asked: CapRequest) -> int:
    """What is allowed, added up one day after the other."""
    total = Fraction(0)
    for period in asked.periods:
        day = period.start
        while day < period.end:
            total += period.balance_minor * percent_of(asked, day) / 100 / days_of(asked, day)
            day += timedelta(days=1)
    return int(total)


def days_of(asked: CapRequest, day: date) -> int:
    leap = day.year % 4 == 0 and (day.year % 100 != 0 or day.year % 400 == 0)
    return 366 if leap and asked.jurisdiction == "DE" else 365


def percent_of(asked: CapRequest, day: date) -> Fraction:
    def published(name: str, on: date) -> Fraction:
        return Fraction([each.percent for each in series(name).rates if each.since <= on][-1])

    if asked.jurisdiction == "DE":
        is_trade = asked.debtor == "business" and asked.claim == "goods_or_services"
        points = Fraction(9 if is_trade else 5)
        if asked.debtor == "consumer" and asked.secured_on_land and asked.claim == "loan":
            points = Fraction("2.5")
        return max(published("de-base", day) + points, Fraction(0))
    if asked.licence == "bank" or (asked.contract_on.year == 2019 and day < date(2020, 8, 20)):
        return Fraction(24)
    on = asked.contract_on if asked.contract_on.year > 2019 else asked.filed_on
    assert on is not None
    return 4 * published("cn-lpr-1y", on)


def random_request(rng: random.Random) -> CapRequest:
    german = rng.random() < 0.5
    top = rng.choice((3, 10**4, 10**8, 10**13))
    day = date(2019, 9, 1) + timedelta(days=rng.randrange(1_800))
    periods = []
    for _ in range(rng.randint(1, 3)):
        day += timedelta(days=rng.choice((0, 3)))
        end = day + timedelta(days=rng.choice((0, 1, 9, 40)))
        periods.append(CapPeriod(start=day, end=end, balance_minor=rng.randrange(top)))
        day = end
    return CapRequest(
        currency="EUR" if german else "CNY",
        jurisdiction="DE" if german else "CN",
        licence="none" if german else rng.choice(("none", "none", "bank")),
        debtor=rng.choice(("consumer", "business")),
        claim=rng.choice(("loan", "goods_or_services")),
        contract_on=rng.choice((date(2019, 9, 1), date(2020, 9, 1), date(2023, 7, 1))),
        filed_on=date(2021, 1, 1),
        secured_on_land=rng.random() < 0.3,
        periods=tuple(periods),
        charged=Heads(
            fees=rng.randrange(top // 10 + 1),
            penalty=rng.randrange(top // 10 + 1),
            interest=rng.randrange(top // 10 + 1),
        ),
    )


def test_random_charges_are_never_left_above_the_cap() -> None:
    rng = random.Random(29)
    seen: Counter[str] = Counter()
    for _ in range(CASES):
        asked = random_request(rng)
        if asked.jurisdiction == "DE" and asked.debtor == "business":
            asked = msgspec.structs.replace(asked, contract_on=date(2019, 9, 1))
        found = apply_cap(asked)
        (check,) = found.checks
        allowed = day_by_day(asked)
        assert check.allowed_minor == allowed, asked
        left = sum(getattr(found.collectible, head) for head in check.heads)
        charged = sum(getattr(found.charged, head) for head in check.heads)
        assert left == min(charged, allowed)
        assert min(astuple(found.collectible)) >= 0
        assert found.collectible.total + found.capped_minor == found.charged.total
        seen[found.cap] += 1
        seen["capped" if found.capped else "below"] += 1
    assert len(seen) == 9, seen
