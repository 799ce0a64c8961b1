"""How long the statement of a case takes whose account has many events.

python -m bench.ledger [--events N] [--rounds N]

Pure: the history is in memory. A third of it are payments on any value date, a tenth charges, the
rest interest and its corrections, as `decide` made them; it is folded anew for every statement, and
worked out whole. `payment_ms` is how long it takes to decide one more payment that is back-dated to
the middle, which is worked out whole as well.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from statistics import median
from typing import Final

from bench import children, servers
from bench.closed_loop import peak_mb, report, wait_for_start
from bench.contender import Contender, Sample
from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import Context
from duecourse.case.decide import decide
from duecourse.case.evolve import evolve
from duecourse.case.interest_terms import CapTerms, InterestTerms, RateFrom
from duecourse.case.state import Case
from duecourse.flow.statement import statement
from duecourse.rules.gate import load_rulebook
from duecourse.rules.treatment import load_treatment
from duecourse.testing import COLLECTOR, NOON
from duecourse.testing.sample import DEBT, SUBJECT, debt, open_case

_EVENTS: Final = 1_000
_ROUNDS: Final = 20
_DAY: Final = timedelta(days=1)
_BEGAN: Final = date(2026, 1, 1)


def contenders(_: servers.Server) -> Iterator[Contender]:
    yield Contender(key="statement", part="ledger", run=_run)


def _run(seconds: float) -> Sample:
    return children.run([children.module("bench.ledger")], seconds + 60)


class Books:
    """One debt of a million yuan, paid in small parts on every day, and now and then charged."""

    def __init__(self) -> None:
        self.at = NOON
        self.case: Case | None = None
        self.history: list[e.Event] = []
        self._rules, self._treatment = load_rulebook(), load_treatment()
        self.ask(open_case(debt(principal=100_000_000)))
        self.ask(c.SetInterestTerms(debt_id=DEBT, terms=_terms(), evidence="clause 4"))

    def decided(self, command: c.Command) -> list[e.Event]:
        context = Context(at=self.at, actor=COLLECTOR, rules=self._rules, treatment=self._treatment)
        return decide(self.case, command, context)

    def ask(self, command: c.Command) -> None:
        for event in self.decided(command):
            self.case = evolve(self.case, event)
            self.history.append(event)

    def keep(self, events: int) -> None:
        """Until the history is so long; every fifth payment is learned of ten days late."""
        number = 0
        while len(self.history) < events:
            number += 1
            self.at += _DAY
            self.ask(
                payment(f"p{number}", self.at.date() - (10 * _DAY if number % 5 == 0 else 0 * _DAY))
            )
            if number % 5 == 1:
                self.ask(_charge(f"c{number}", self.at.date()))


def payment(key: str, value_on: date) -> c.RecordPayment:
    return c.RecordPayment(payment_id=key, currency="CNY", amount_minor=12_345, value_on=value_on)


def _charge(key: str, incurred_on: date) -> c.AddCosts:
    return c.AddCosts(
        charge_id=key,
        debt_id=DEBT,
        bucket="costs",
        amount_minor=1_000,
        incurred_on=incurred_on,
        ground="a letter",
        citation="Fee tariff no. 1",
    )


def _terms() -> InterestTerms:
    return InterestTerms(
        profile="cn-private",
        from_on=_BEGAN,
        rates=(RateFrom(since=_BEGAN, percent="12"),),
        default_rates=(RateFrom(since=_BEGAN, percent="6"),),
        cap=CapTerms(jurisdiction="CN", licence="none", contract_on=date(2025, 6, 1)),
    )


def milliseconds(rounds: int, work: Callable[[], object]) -> float:
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return median(took) * 1000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.ledger")
    parser.add_argument("--events", type=int, default=_EVENTS)
    parser.add_argument("--rounds", type=int, default=_ROUNDS)
    asked = parser.parse_args()
    books = Books()
    books.keep(asked.events)
    today = books.at.date()
    middle = _BEGAN + (today - _BEGAN) // 2
    wait_for_start()
    took = milliseconds(asked.rounds, lambda: statement(SUBJECT, books.history, today))
    figures = {
        "events": len(books.history),
        "per_second": 1000 / took,
        "statement_ms": took,
        "payment_ms": milliseconds(asked.rounds, lambda: books.decided(payment("late", middle))),
        "peak_mb": peak_mb(),
    }
    report(figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
