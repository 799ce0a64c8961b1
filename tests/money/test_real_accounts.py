"""Every account of the public data set of card accounts, replayed as a ledger month by month.

The file is not part of the project; where it is not there the test says so and is skipped. It has
six statement balances and six payments for each account, and no purchases, fees or interest: those
are what remains, and are the charge of the month. Amounts are whole dollars.
"""

import csv
import os
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final, Literal, NamedTuple

import pytest

from duecourse.money.account import run_account
from duecourse.money.account_terms import Account, AccountDebt, AccountEntry, Change, Deposit
from duecourse.money.amounts import Buckets

_SHARED: Final = Path(__file__).parents[3] / "shared" / "data" / "credit_default.csv"
DATA: Final = Path(os.environ.get("DUECOURSE_CREDIT_DEFAULT", _SHARED))
# X12 to X17 are the statements of September back to April, X18 to X23 what was paid in each month.
STATEMENTS: Final = [f"X{n}" for n in range(17, 11, -1)]
PAYMENTS: Final = [f"X{n}" for n in range(23, 17, -1)]
MONTHS: Final = range(4, 10)

Rule = Literal[
    "unchanged",
    "charged",
    "credited",
    "overpaid",
    "in_credit",
    "paid_off",
]


class Month(NamedTuple):
    """`before` and `after` are what is owed, or below zero what is held for the customer."""

    before: int
    paid: int
    after: int

    @property
    def charge(self) -> int:
        """What the statement has besides the payment: bought, charged, or credited."""
        return self.after - self.before + self.paid


def rows() -> Iterator[dict[str, int]]:
    with DATA.open(newline="") as stream:
        for row in csv.DictReader(stream):
            yield {name: whole(value) for name, value in row.items()}


def whole(text: str) -> int:
    """Some cells are written by a spreadsheet as 1.00E+05; each is a whole number all the same."""
    value = Decimal(text)
    assert value == int(value), text
    return int(value)


def months(row: dict[str, int]) -> list[Month]:
    """From one statement to the next: the payment of the month is on the later one."""
    balances = [row[name] for name in STATEMENTS]
    paid = [row[name] for name in PAYMENTS]
    return [Month(balances[n], paid[n + 1], balances[n + 1]) for n in range(len(balances) - 1)]


def account_of(row: dict[str, int]) -> Account:
    """The balance of April, then each month its charge on the 1st and its payment on the 20th.

    A balance below zero is money held for the customer: a payment before it all began.
    """
    deposits, entries = [], []
    opening = row[STATEMENTS[0]]
    if opening < 0:
        deposits.append(_deposit("opening", date(2005, 4, 30), -opening))
    for month, each in zip(MONTHS[1:], months(row), strict=True):
        if each.charge > 0:
            change = Change(principal=each.charge)
            entries.append(_entry(f"charge-{month}", date(2005, month, 1), "charge", change))
        elif each.charge < 0:
            # A credit pays like money does: what of it is above the balance is held.
            deposits.append(_deposit(f"credit-{month}", date(2005, month, 1), -each.charge))
        if each.paid:
            deposits.append(_deposit(f"paid-{month}", date(2005, month, 20), each.paid))
    debt = AccountDebt(
        debt_id="card", opening=Buckets(principal=max(opening, 0)), due_on=date(2005, 4, 30)
    )
    return Account(currency="TWD", debts=(debt,), deposits=tuple(deposits), entries=tuple(entries))


def _deposit(name: str, on: date, amount: int) -> Deposit:
    return Deposit(payment_id=name, on=on, amount_minor=amount, profile="house")


def _entry(
    name: str, on: date, kind: Literal["charge", "adjustment"], change: Change
) -> AccountEntry:
    return AccountEntry(entry_id=name, debt_id="card", on=on, kind=kind, change=change)


def rule(each: Month) -> Rule:
    """What explains a month beside its payment."""
    if each.before < 0 or each.after < 0:
        return "overpaid" if each.after < 0 <= each.before else "in_credit"
    if each.charge == 0:
        return "unchanged"
    if each.charge > 0:
        return "charged"
    return "paid_off" if each.after == 0 else "credited"


@pytest.mark.skipif(not DATA.exists(), reason=f"the public data set is not at {DATA.name}")
def test_every_account_reconciles_month_by_month() -> None:
    explained: Counter[Rule] = Counter()
    accounts = 0
    for row in rows():
        account = account_of(row)
        accounts += 1
        for month, each in zip(MONTHS[1:], months(row), strict=True):
            last = date(2005, month, 28)
            result = run_account(account, last, last)
            held = sum(x.unallocated_minor for x in result.deposits.values())
            owed = result.debts["card"].owed.total
            assert owed - held == each.after, (row["ID"], month)
            assert not (owed and held), (row["ID"], month)
            explained[rule(each)] += 1
    assert accounts == 20_000
    assert sum(explained.values()) == 5 * accounts
    assert explained == COUNTS


COUNTS: Final[Counter[Rule]] = Counter(
    {
        "charged": 85_661,
        "unchanged": 10_816,
        "in_credit": 2_189,
        "overpaid": 940,
        "credited": 379,
        "paid_off": 15,
    }
)
"""Of 100,000 months: bought or charged something; nothing besides the payment; money held before or
after; more paid than owed; a credit; a credit of all that was left. None is unexplained."""
