"""FICTIONAL people, and a portfolio of their debts, for demonstrations and tests.

Every name says so. Telephone numbers are from the ranges kept for fiction in the United Kingdom
(Ofcom: 07700 900000-900999) and North America (555-0100 to 555-0199). China keeps no such range;
the numbers here begin with 154, a mobile prefix that China has not assigned. E-mail goes to
example.com (RFC 2606) and postal addresses lie in towns that do not exist. Nobody has an identity
number: one that passes its check could be somebody's.

The same seed and key give the same person, in any order and on any machine.
"""

import csv
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Final, Literal, TypeVar

from duecourse.intake.columns import PAYMENTS, PORTFOLIO
from duecourse.money.amounts import format_minor, parse_minor

BANNER: Final = "FICTIONAL people and debts. Any likeness to a real person is chance."
PERSON_COLUMNS: Final = (
    "name",
    "national_id",
    "language",
    "time_zone",
    "jurisdiction",
    "mobile",
    "email",
    "postal_address",
)
MAX_BORROWERS: Final = 1_000_000

Home = Literal["cn", "gb", "us"]
T = TypeVar("T")

_SURNAMES: Final = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何"
_ORDINALS: Final = "甲乙丙丁戊己庚辛壬癸"
_GIVEN: Final = (
    "Avery", "Blake", "Casey", "Drew", "Ellis", "Finley", "Gray", "Harper", "Indigo", "Jules",
)  # fmt: skip
_US_AREAS: Final = ("202", "303", "404", "503", "602", "617", "702", "808", "907", "919")

# Days past due, with how many in a hundred fall there: early arrears are the most common.
_ARREARS: Final = (
    (range(1, 31), 52),
    (range(31, 61), 24),
    (range(61, 91), 14),
    (range(91, 121), 10),
)
_HOMES: Final[tuple[tuple[Home, int], ...]] = (("cn", 90), ("gb", 5), ("us", 5))
_CURRENCIES: Final[Mapping[Home, str]] = {"cn": "CNY", "gb": "GBP", "us": "USD"}
_HEADS: Final = ("principal", "interest", "penalty", "fees", "costs")
_PRODUCTS: Final = ("card", "cash-loan", "instalment-loan", "device-loan")


def person(seed: int, key: str, home: Home = "cn") -> dict[str, str]:
    """Make up one person as columns of a portfolio."""
    draw = _Draw(seed, key)
    match home:
        case "cn":
            return _in_china(draw)
        case "gb":
            return _in_britain(draw)
        case "us":
            return _in_america(draw)


class _Draw:
    """Numbers that depend on seed, key and purpose only. Not random, and not for secrets."""

    def __init__(self, seed: int, key: str) -> None:
        self._start = f"{seed}|{key}|"

    def below(self, limit: int, what: str) -> int:
        digest = hashlib.blake2b((self._start + what).encode("utf-8", "replace"), digest_size=8)
        return int.from_bytes(digest.digest()) % limit

    def one_of(self, pool: Sequence[T], what: str) -> T:
        return pool[self.below(len(pool), what)]

    def weighted(self, pool: Sequence[tuple[T, int]], what: str) -> T:
        rest = self.below(sum(weight for _, weight in pool), what)
        for each, weight in pool:
            if rest < weight:
                return each
            rest -= weight
        raise AssertionError("the weights were summed above")


def _in_china(draw: _Draw) -> dict[str, str]:
    is_zh = draw.below(100, "language") < 92  # noqa: PLR2004 - a share in a hundred
    zh_name = f"{draw.one_of(_SURNAMES, 'surname')}示例{draw.one_of(_ORDINALS, 'ordinal')}"
    number = draw.below(900, "house") + 1
    return {
        "name": zh_name if is_zh else _english_name(draw),
        "national_id": "",
        "language": "zh" if is_zh else "en",
        "time_zone": draw.weighted((("Asia/Shanghai", 93), ("Asia/Urumqi", 7)), "zone"),
        "jurisdiction": "CN",
        "mobile": f"+86154{draw.below(10**8, 'mobile'):08d}",
        "email": _email(draw),
        "postal_address": f"虚构省示例市测试路{number}号|000000 FICTIONAL",
    }


def _in_britain(draw: _Draw) -> dict[str, str]:
    return {
        "name": _english_name(draw),
        "national_id": "",
        "language": "en",
        "time_zone": "Europe/London",
        "jurisdiction": "GB",
        "mobile": f"+447700900{draw.below(1000, 'mobile'):03d}",
        "email": _email(draw),
        "postal_address": f"{draw.below(900, 'house') + 1} Fiction Street|Sampletown|ZZ99 9ZZ",
    }


def _in_america(draw: _Draw) -> dict[str, str]:
    zone, jurisdiction = draw.one_of(
        (("America/New_York", "US-MA"), ("America/Los_Angeles", "US-CA")), "state"
    )
    area = draw.one_of(_US_AREAS, "area")
    return {
        "name": _english_name(draw),
        "national_id": "",
        "language": "en",
        "time_zone": zone,
        "jurisdiction": jurisdiction,
        "mobile": f"+1{area}55501{draw.below(100, 'mobile'):02d}",
        "email": _email(draw),
        "postal_address": f"{draw.below(900, 'house') + 1} Fiction Avenue|Sampletown, ZZ 00000",
    }


def _english_name(draw: _Draw) -> str:
    return f"{draw.one_of(_GIVEN, 'given')} Testperson"


def _email(draw: _Draw) -> str:
    return f"fictional-{draw.below(16**10, 'email'):010x}@example.com"


def generate_portfolio(count: int, seed: int, as_of: date) -> Iterator[dict[str, str]]:
    """Yield the rows of `count` fictional borrowers; about one in twelve has two accounts."""
    if not 0 <= count <= MAX_BORROWERS:
        raise ValueError(f"count must be between 0 and {MAX_BORROWERS}, not {count}")
    for number in range(1, count + 1):
        draw = _Draw(seed, f"borrower-{number}")
        home = draw.weighted(_HOMES, "home")
        borrower = _with_gaps(draw, person(seed, f"borrower-{number}", home))
        for account in range(1, 3 if draw.below(12, "accounts") == 0 else 2):
            yield {
                "creditor": "example-finance",
                "creditor_name": "示例消费金融 Example Finance (FICTIONAL)",
                "borrower_ref": f"FICTION-{number:06d}",
                **borrower,
                **_debt(_Draw(seed, f"account-{number}-{account}"), home, as_of),
                "account": f"FICTION-{number:06d}-{account}",
            }


def _with_gaps(draw: _Draw, borrower: dict[str, str]) -> dict[str, str]:
    """Leave out what lenders' files leave out."""
    gaps = (("email", 12), ("mobile", 3), ("postal_address", 5), ("time_zone", 3))
    missing = {name: "" for name, share in gaps if draw.below(100, f"gap-{name}") < share}
    return borrower | missing


def _debt(draw: _Draw, home: Home, as_of: date) -> dict[str, str]:
    currency = _CURRENCIES[home]
    days = draw.one_of(draw.weighted(_ARREARS, "bucket"), "days")
    principal = draw.weighted(((500_00, 5), (3_000_00, 4), (20_000_00, 2)), "size")
    principal += draw.below(principal * 2, "principal")
    due_on = as_of - timedelta(days=days)
    return {
        "product": draw.one_of(_PRODUCTS, "product"),
        "currency": currency,
        "principal": format_minor(principal, currency),
        # 12 % and 4 % a year on the days past due: plausible figures, not a legal computation.
        "interest": format_minor(principal * 12 * days // 36_500, currency),
        "penalty": format_minor(principal * 4 * days // 36_500, currency),
        "fees": "0.00",
        "costs": "0.00",
        "due_on": due_on.isoformat(),
        "contract_on": (due_on - timedelta(days=90 + draw.below(900, "age"))).isoformat(),
        # Three years, as in China: a plausible day, not a legal computation either.
        "limitation_expires_on": (due_on + timedelta(days=3 * 365)).isoformat(),
    }


def write_portfolio(path: Path, count: int, seed: int, as_of: date) -> int:
    """Write `generate_portfolio` as CSV in our own columns; returns the number of rows."""
    names = [column.name for column in PORTFOLIO]
    return _write(path, names, generate_portfolio(count, seed, as_of))


def generate_payments(
    portfolio: Iterable[Mapping[str, str]], seed: int, start: date
) -> Iterator[dict[str, str]]:
    """Yield what these fictional borrowers pay: some all of it, some in two halves, some nothing.

    How many do is invented, and says nothing about what reminders achieve.
    """
    for row in portfolio:
        draw = _Draw(seed, f"payments-{row['account']}")
        currency = row["currency"]
        owed = sum(parse_minor(row[head], currency) for head in _HEADS)
        half = owed // 2
        parts = draw.weighted((((owed,), 45), ((half, owed - half), 20), ((), 35)), "parts")
        day = start + timedelta(days=2 + draw.below(40, "day"))
        for number, part in enumerate(parts, start=1):
            yield {
                "payment_id": f"{row['account']}-{number}",
                "creditor": row["creditor"],
                "borrower_ref": row["borrower_ref"],
                "account": row["account"],
                "currency": currency,
                "amount": format_minor(part, currency),
                "value_on": (day + timedelta(days=30 * (number - 1))).isoformat(),
                "reference": f"FICTION {row['account']}",
            }


def write_payments(path: Path, payments: Iterable[Mapping[str, str]]) -> int:
    """Write payments as CSV in our own columns; returns the number of rows."""
    return _write(path, [column.name for column in PAYMENTS], payments)


def _write(path: Path, names: Sequence[str], rows: Iterable[Mapping[str, str]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, names, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow(row)
            count += 1
    return count
