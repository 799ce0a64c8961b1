"""Random accounts that bear interest: whatever is booked, in whatever order, this holds.

DUECOURSE_LEDGER_CASES sets how many lives each of them is tried on.
"""

import os
from collections.abc import Iterator
from datetime import date, timedelta
from random import Random
from uuid import UUID

import msgspec
import pytest
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.accrual import restated
from duecourse.case.context import Context
from duecourse.case.decide import decide
from duecourse.case.errors import CaseError
from duecourse.case.evolve import evolve, fold
from duecourse.case.interest_terms import CapTerms, InterestTerms, RateFrom
from duecourse.case.ledger import account_of, accrued_through
from duecourse.case.state import Case
from duecourse.money.account import run_account
from duecourse.money.account_terms import Change
from duecourse.money.amounts import Buckets, sum_buckets
from duecourse.rules.gate import load_rulebook
from duecourse.rules.treatment import load_treatment
from duecourse.testing import COLLECTOR, LEGAL
from duecourse.testing.sample import DEBT, DEBTOR, NOON, OTHER_DEBT, debt, open_case

CASES = int(os.environ.get("DUECOURSE_LEDGER_CASES", "150"))
D = date.fromisoformat
DAY = timedelta(days=1)
RULES, TREATMENT = load_rulebook(), load_treatment()
PLACES = ["CN", "CN", "DE", "US", "GB", "FR"]


class Books:
    """The account of somebody, as it is kept by the commands of a case."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.at = NOON
        self.events: list[e.Event] = []
        self.case: Case | None = None
        home = msgspec.structs.replace(DEBTOR, jurisdiction=random.choice(PLACES))
        product = random.choice(["consumer-loan", "lease"])
        debts = [
            msgspec.structs.replace(
                debt(
                    key, balance=self.heads(), due_on=D("2026-01-05") - random.randint(0, 90) * DAY
                ),
                product=product,
                contract_on=D("2025-06-01"),
            )
            for key in (DEBT, OTHER_DEBT)[: random.randint(1, 2)]
        ]
        self.ask(open_case(*debts, debtor=home))
        self.keys = [each.debt_id for each in debts]
        for key in self.keys[: random.randint(1, 2)]:
            self.ask(c.SetInterestTerms(debt_id=key, terms=self.terms(), evidence="contract"))
        assert self.state.ledger.terms

    @property
    def state(self) -> Case:
        assert self.case is not None
        return self.case

    def heads(self) -> Buckets:
        pick = self.random.choice
        return Buckets(
            costs=pick([0, 0, 12_000]),
            interest=pick([0, 30_000]),
            principal=pick([1, 500_000, 1_000_000, 77]),
        )

    def terms(self) -> InterestTerms:
        pick = self.random.choice
        start = D("2026-01-05") - self.random.randint(-90, 60) * DAY
        rates = [RateFrom(since=start, percent=pick(["0", "12", "24", "36.5"]))]
        if self.random.random() < 0.3:
            rates.append(RateFrom(since=start + 40 * DAY, percent=pick(["3", "18"])))
        cap = CapTerms(
            jurisdiction="CN", licence=pick(["none", "bank"]), contract_on=D("2025-06-01")
        )
        compounds = self.random.random() < 0.2
        return InterestTerms(
            profile="cn-card" if compounds else pick(["cn-private", "de-default", "thirty-360"]),
            from_on=start,
            rates=tuple(rates),
            default_rates=pick([(), (RateFrom(since=start + 20 * DAY, percent="6"),)]),
            compounding="month" if compounds else "",
            cap=pick([None, cap, cap]),
        )

    def context(self, *, second: bool = False) -> Context:
        actor = LEGAL if second else COLLECTOR
        return Context(at=self.at, actor=actor, rules=RULES, treatment=TREATMENT)

    def ask(self, command: c.Command, *, second: bool = False) -> list[e.Event]:
        try:
            events = decide(self.case, command, self.context(second=second))
        except CaseError:
            assert not isinstance(command, c.Report)
            return []
        for event in events:
            self.case = evolve(self.case, event)
            self.nothing_is_below_zero()
        self.events += events
        return events

    def day(self, most: int = 120) -> date:
        return self.at.date() - self.random.randint(0, most) * DAY

    def pay(self, key: str) -> c.RecordPayment:
        return c.RecordPayment(
            payment_id=key,
            currency="CNY",
            amount_minor=self.random.choice([1, 500, 40_000, 250_000, 1_500_000]),
            value_on=self.day(),
            debt_id=self.random.choice([None, None, *self.keys]),
        )

    def anything(self, number: int) -> Iterator[tuple[c.Command, bool]]:
        pick, key = self.random.choice, f"n{number}"
        on = pick(self.keys)
        paid = [k for k, payment in self.state.payments.items() if not payment.reversed]
        head = pick(["costs", "fees", "penalty"])
        kind = pick(["hardship", "breathing_space", "insolvency", "dispute"])
        change = Change().plus(pick(["principal", "interest"]), pick([-500, -1, 300]))
        what = self.random.random() * (1.0 if self.state.active_plan else 1.06)
        if what < 0.35:
            yield self.pay(key), False
        elif what < 0.5 and paid:
            yield c.ReversePayment(payment_id=pick(paid), reason="returned"), False
        elif what < 0.65:
            yield c.AccrueInterest(through_on=pick([None, self.day(30)])), False
        elif what < 0.75:
            yield c.AddCosts(
                charge_id=key, debt_id=on, bucket=head, amount_minor=pick([100, 20_000]),
                incurred_on=self.day(40), ground="court fee", citation="tariff",
            ), False  # fmt: skip
        elif what < 0.85:
            yield c.PlaceHold(
                hold_id=key, kind=kind, authority="asked", debt_id=pick([None, on]),
                deferred=pick([True, False]),
            ), False  # fmt: skip
        elif what < 0.92 and self.state.holds:
            held = pick(list(self.state.holds))
            yield c.LiftHold(hold_id=held, reason="over", evidence="the notice"), True
        elif what < 0.97:
            yield c.ProposeAdjustment(
                adjustment_id=key, debt_id=on, kind="correction", change=change,
                value_on=self.day(40), reason="wrong", authority="the bank",
            ), False  # fmt: skip
            yield c.ApproveAdjustment(adjustment_id=key), True
        elif what < 0.98:
            yield c.SetInterestTerms(debt_id=on, terms=self.terms(), evidence="a notice"), False
        else:
            yield from self.plan()

    def plan(self) -> Iterator[tuple[c.Command, bool]]:
        """Offered for what is owed today, or for half of it, and accepted a day later or never."""
        key = UUID(int=self.random.getrandbits(64))
        yield c.AccrueInterest(), False
        total = self.state.outstanding("CNY").total
        waived = self.random.choice([0, total // 2])
        parts = (total - waived,) if total - waived < 2 else (1, total - waived - 1)
        instalments = tuple(
            e.Instalment(due_on=self.at.date() + (20 + 20 * n) * DAY, amount_minor=part)
            for n, part in enumerate(parts)
        )
        yield c.OfferPlan(
            plan_id=key, kind="settlement" if waived else "instalments", currency="CNY",
            instalments=instalments, expires_on=self.at.date() + 9 * DAY, waived_minor=waived,
        ), False  # fmt: skip
        self.at += DAY
        if self.random.random() < 0.8:
            yield c.AcceptPlan(plan_id=key, evidence="said so"), False

    def live(self, steps: int) -> None:
        for number in range(steps):
            self.at += self.random.choice([0, 0, 1, 3, 29]) * DAY
            for command, second in self.anything(number):
                self.ask(command, second=second)
            self.check()

    # --- what always holds -------------------------------------------------------------------

    def nothing_is_below_zero(self) -> None:
        for account in self.state.debts.values():
            assert min(msgspec.structs.astuple(account.outstanding)) >= 0, self.events[-1]

    def check(self) -> None:
        case = self.state
        for payment in case.payments.values():
            spent = sum_buckets(each.paid for each in payment.allocations).total
            assert spent + payment.unallocated_minor == payment.amount_minor
            assert payment.unallocated_minor >= 0
        through = accrued_through(case, "CNY")
        if through is None:
            return
        result = run_account(account_of(case, "CNY"), through)
        for name, found in result.debts.items():
            assert case.debts[UUID(name)].outstanding == found.owed
            totals = case.ledger.totals.get(UUID(name))
            assert totals is None or totals.posted == found.accrued
        assert restated(case, self.context(), "CNY", "surplus") == []
        for key, payment in case.payments.items():
            if not payment.reversed:
                parts = {str(each.debt_id): each.paid for each in payment.allocations}
                assert parts == result.deposits[key].parts


@pytest.mark.parametrize("seed", range(CASES))
def test_the_case_is_at_every_moment_what_its_account_says(seed: int) -> None:
    books = Books(Random(seed))
    books.live(25)
    assert fold(books.events) == books.state
    decoder = msgspec.json.Decoder(e.Event)
    assert fold(decoder.decode(msgspec.json.encode(each)) for each in books.events) == books.state


def sums(case: Case) -> tuple[object, ...]:
    """What is owed, what accrued, and where each payment went."""
    return (
        {key: account.outstanding for key, account in case.debts.items()},
        {key: replace(each, through_on=NOON.date()) for key, each in case.ledger.totals.items()},
        {
            key: ({each.debt_id: each.paid for each in x.allocations}, x.unallocated_minor)
            for key, x in case.payments.items()
            if not x.reversed
        },
    )


def booked(seed: int, order: Random, *, also: bool) -> Case:
    """The same payments, booked in an order of chance, with interest posted in between or not."""
    books = Books(Random(seed))
    books.at = NOON + 90 * DAY
    payments = [books.pay(f"p{n}") for n in range(books.random.randint(2, 6))]
    order.shuffle(payments)
    for payment in payments:
        if also and order.random() < 0.5:
            books.ask(c.AccrueInterest(through_on=(NOON + order.randint(0, 90) * DAY).date()))
        books.ask(payment)
    if also:
        extra = books.pay("extra")
        books.ask(extra)
        books.ask(c.ReversePayment(payment_id="extra", reason="returned"))
    books.ask(c.AccrueInterest())
    books.check()
    if books.state.is_closed:
        books.ask(c.ReopenCase(reason="to compare"))
        books.ask(c.AccrueInterest())
    return books.state


@pytest.mark.parametrize("seed", range(CASES))
def test_the_order_of_booking_changes_nothing(seed: int) -> None:
    first = booked(seed, Random(1), also=False)
    for other in range(2, 4):
        assert sums(booked(seed, Random(other), also=True)) == sums(first)


@pytest.mark.parametrize("seed", range(CASES))
def test_a_reversal_restores_exactly_what_was(seed: int) -> None:
    books = Books(Random(seed))
    books.live(8)
    books.ask(c.AccrueInterest())
    if books.state.is_closed:
        return
    before = books.state
    books.ask(books.pay("last"))
    books.ask(c.ReversePayment(payment_id="last", reason="returned"))
    assert sums(books.state) == sums(before)
