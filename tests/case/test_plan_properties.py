"""Random lives of plans: whatever is agreed, paid, bounced or due, these things hold.

DUECOURSE_PLAN_LIVES sets how many; the same ones each time.
"""

import os
from datetime import date, datetime, timedelta
from random import Random
from uuid import UUID

import msgspec
from msgspec.structs import astuple, replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.affordability import per_month
from duecourse.case.context import Actor, Context
from duecourse.case.decide import decide
from duecourse.case.errors import CaseError
from duecourse.case.evolve import evolve, fold
from duecourse.case.interest_terms import InterestTerms, RateFrom
from duecourse.case.overpayments import surplus
from duecourse.case.plan_terms import FormLine, IncomeAndExpenditure, PlanTerms
from duecourse.case.state import Case
from duecourse.case.timers import command_of, timers_of
from duecourse.case.words import PlanKind
from duecourse.money.amounts import Buckets, sum_buckets
from duecourse.money.plan_terms import Deferral, Kind, PlanStep
from duecourse.rules.gate import load_rulebook
from duecourse.rules.treatment import load_treatment
from duecourse.testing import COLLECTOR, LEGAL
from duecourse.testing.sample import NOON, debt, opened

LIVES = int(os.environ.get("DUECOURSE_PLAN_LIVES", "750"))
RULES, TREATMENT = load_rulebook(), load_treatment()
DAY = timedelta(days=1)
EVENTS = msgspec.json.Decoder(e.Event)


class Life:
    def __init__(self, seed: int) -> None:
        self.random = random = Random(seed)
        self.at: datetime = NOON
        size = random.choice([1, 7, 60_000, 60_000, 10**6, 10**12, 10**15 // 3])
        self.debts = [
            debt(UUID(int=200 + n), balance=self.balance(size), currency="CNY")
            for n in range(random.choice([1, 1, 2, 3]))
        ]
        self.events: list[e.Event] = list(opened(*self.debts))
        case = fold(self.events)
        assert case is not None
        self.case: Case = case
        self.made = 0
        self.bears_interest = random.random() < 0.25
        if self.bears_interest:
            self.set_interest_terms()

    def set_interest_terms(self) -> None:
        terms = InterestTerms(
            profile="cn-private",
            from_on=self.today() - 20 * DAY,
            rates=(RateFrom(since=self.today() - 20 * DAY, percent="12"),),
        )
        self.ask(c.SetInterestTerms(debt_id=self.debts[0].debt_id, terms=terms, evidence="e"))

    def balance(self, size: int) -> Buckets:
        draw = self.random.choice
        part = max(size // 50, 0)
        return Buckets(
            costs=draw([0, 0, part]), fees=draw([0, 0, part]), penalty=draw([0, part]),
            interest=draw([0, part]), principal=size,
        )  # fmt: skip

    def ask(self, command: c.Command, actor: Actor = COLLECTOR) -> list[e.Event] | None:
        context = Context(at=self.at, actor=actor, rules=RULES, treatment=TREATMENT)
        try:
            events = decide(self.case, command, context)
        except CaseError:
            assert not isinstance(command, c.Report), "a report was refused"
            return None
        for event in events:
            assert EVENTS.decode(msgspec.json.encode(event)) == event
            self.check(event)
            self.case = evolve(self.case, event)
        self.events += events
        return events

    def check(self, event: e.Event) -> None:
        if not isinstance(event, e.PlanOffered):
            return
        pays_off = sum(each.amount_minor - each.interest_minor for each in event.instalments)
        assert pays_off + event.waived_minor == self.case.outstanding(event.currency).total
        assert min(each.amount_minor for each in event.instalments) > 0
        newest = list(self.case.assessments.values())[-1:]
        for form in newest:
            fits = per_month(event.instalments, event.terms) <= form.available_minor
            assert fits or event.approval is not None, "above the surplus, and one person alone"

    # --- what happens ------------------------------------------------------------------------

    def live(self, steps: int) -> None:
        whatever = [
            self.form, self.offer, self.offer, self.accept, self.accept, self.approve, self.pay,
            self.pay, self.pay, self.pay_and_bounce, self.bounce, self.wait, self.wait,
            self.withdraw,
        ]  # fmt: skip
        for _ in range(steps):
            self.random.choice(whatever)()
            self.always()
        assert fold(self.events) == self.case

    def new(self) -> int:
        self.made += 1
        return self.made

    def today(self) -> date:
        return self.case.today(self.at)

    def form(self) -> None:
        owed = self.case.outstanding("CNY").total
        income = self.random.choice([0, owed // 12, owed // 3, owed, 10**15])
        if self.random.random() < 0.4:
            form = IncomeAndExpenditure(
                currency="CNY", income=(FormLine(name="wages", amount_minor=income),)
            )
            self.ask(
                c.RecordAffordability(
                    assessment_id=UUID(int=1000 + self.new()), form=form, assessed_on=self.today()
                )
            )

    def offer(self) -> None:
        draw, owed = self.random.choice, self.case.outstanding("CNY").total
        kind: PlanKind = draw(["instalments", "instalments", "settlement", "deferral"])
        waived = draw([owed // 3, 1]) if kind == "settlement" else 0
        command = c.OfferPlan(
            plan_id=UUID(int=2000 + self.new()),
            kind=kind,
            currency="CNY",
            expires_on=self.today() + 14 * DAY,
            terms=self.terms(kind, owed),
            waived_minor=waived,
            waive=draw(["on_completion", "in_step"]) if kind == "settlement" else "on_completion",
            early_payment=draw(["ahead", "shorten_term", "lower_instalments"]),
            override=draw(["", "a reason"]),
        )
        self.ask(command)

    def terms(self, kind: PlanKind, owed: int) -> PlanTerms:
        draw = self.random.choice
        schedule: Kind = draw(
            ["annuity", "equal_principal", "equal_parts", "level_amount", "balloon", "step_up"]
        )
        bears = schedule != "equal_parts" and kind != "settlement"
        steps = (PlanStep(instalments=2, amount_minor=owed // 9 or 1), PlanStep(instalments=3))
        return PlanTerms(
            first_on=self.today() + draw([0, 5, 30]) * DAY,
            schedule=schedule,
            every=draw(["week", "fortnight", "month", "month", "last_day"]),
            count=0 if schedule in {"level_amount", "step_up"} else draw([1, 2, 3, 6, 12]),
            percent=draw(["0", "0", "6", "24", "0.125"]) if bears else "0",
            basis=draw(["periodic", "ACT/365F", "ACT/ACT", "30E/360"]),
            amount_minor=max(owed // 5, 1) if schedule == "level_amount" else 0,
            balloon_minor=max(owed // 4, 1) if schedule == "balloon" else 0,
            steps=steps if schedule == "step_up" else (),
            grace_periods=draw([0, 0, 1]) if schedule in {"annuity", "equal_principal"} else 0,
            deferral=Deferral(periods=2, interest=draw(["freeze", "accrue", "capitalise"]))
            if kind == "deferral"
            else None,
            roll=draw(["none", "following", "preceding"]),
        )

    def accept(self) -> None:
        offers = [key for key, plan in self.case.plans.items() if plan.status == "offered"]
        if offers:
            self.ask(c.AcceptPlan(plan_id=offers[-1], evidence="by phone"))

    def approve(self) -> None:
        waiting = [key for key, plan in self.case.plans.items() if plan.status == "proposed"]
        if waiting:
            self.ask(c.ApprovePlan(plan_id=waiting[-1]), LEGAL)

    def payment(self) -> c.RecordPayment:
        draw, owed = self.random.choice, self.case.outstanding("CNY").total
        plan = self.case.plans[self.case.active_plan] if self.case.active_plan else None
        amounts = [owed, owed // 3, 1, owed + 5]
        if plan is not None:
            due = plan.instalments[min(plan.met, len(plan.instalments) - 1)].amount_minor
            amounts += [due, due, due, due + owed // 7, due * 2, due - 1]
        return c.RecordPayment(
            payment_id=f"p-{self.new()}",
            currency="CNY",
            amount_minor=min(max(draw(amounts), 1), 10**15),
            value_on=self.today() - draw([0, 0, 2]) * DAY,
            debt_id=draw([None, None, *self.case.debts]),
        )

    def pay(self) -> None:
        self.ask(self.payment())

    def pay_and_bounce(self) -> None:
        """All that a payment did is undone when it goes back at once."""
        if surplus(self.case, "CNY"):
            return
        self.fire_until(self.at)
        if self.bears_interest:
            self.ask(c.AccrueInterest())
        before = self.case
        payment = self.payment()
        self.ask(payment)
        self.ask(c.ReversePayment(payment_id=payment.payment_id, reason="no money on the account"))
        assert owed_on(self.case) == owed_on(before)
        if before.active_plan is not None:
            was, now = before.plans[before.active_plan], self.case.plans[before.active_plan]
            # What was missed, and paid by this money, is judged again: no more than that differs.
            assert replace(now, missed=was.missed) == was
        assert self.case.is_closed == before.is_closed

    def bounce(self) -> None:
        kept = [key for key, each in self.case.payments.items() if not each.reversed]
        if kept and self.random.random() < 0.5:
            self.ask(c.ReversePayment(payment_id=self.random.choice(kept), reason="r"))

    def withdraw(self) -> None:
        if self.case.active_plan and self.random.random() < 0.2:
            self.ask(c.WithdrawPlan(plan_id=self.case.active_plan, reason="lost the job"))

    def wait(self) -> None:
        """So many days go by, and what is due of plans happens on its day."""
        until = self.at + self.random.choice([1, 5, 20, 40]) * DAY
        self.fire_until(until)
        self.at = max(self.at, until)

    def fire_until(self, until: datetime) -> None:
        for _ in range(60):
            due = [
                timer
                for timer in timers_of(self.case, TREATMENT)
                if timer.kind in {"interest", "instalment", "offer", "accrual"}
                and timer.due_at <= until
            ]
            if not due:
                break
            first = min(due, key=lambda timer: timer.due_at)
            self.at = max(self.at, first.due_at)
            command = command_of(first)
            assert command is not None
            assert self.ask(command) is not None, "a due timer was refused"
            assert first not in timers_of(self.case, TREATMENT), "a timer fires for ever"
            self.always()

    # --- what holds -----------------------------------------------------------------------------

    def always(self) -> None:
        case = self.case
        kept = [p.allocations for p in case.payments.values() if not p.reversed]
        kept += [plan.waiver for plan in case.plans.values()]
        charged = [each.charged for plan in case.plans.values() for each in plan.charges]
        for key, account in case.debts.items():
            gone = sum_buckets(x.paid for many in kept for x in many if x.debt_id == key)
            added = sum_buckets(x.paid for many in charged for x in many if x.debt_id == key)
            if not self.bears_interest:
                assert account.outstanding + gone == account.debt.balance + added
            assert min(astuple(account.outstanding)) >= 0
        for plan in case.plans.values():
            if plan.status == "active":
                assert plan.met == plan.covered() < len(plan.instalments)
                settles = plan.total_minor - plan.interest_minor
                agreed = plan.changes[0].before if plan.changes else plan.instalments
                assert settles == sum(x.amount_minor - x.interest_minor for x in agreed)
            assert sum(x.paid.total for x in plan.waiver) <= plan.waived_minor


def owed_on(case: Case) -> dict[UUID, Buckets]:
    return {key: account.outstanding for key, account in case.debts.items()}


def test_plans_add_up_whatever_happens() -> None:
    seen: set[str] = set()
    for seed in range(LIVES):
        life = Life(seed)
        try:
            life.live(30)
        except Exception as error:
            raise AssertionError(f"life {seed}: {error}") from error
        seen |= {type(event).__name__ for event in life.events}
    assert seen >= {
        "PlanOffered", "PlanProposed", "PlanAccepted", "PlanInterestCharged", "PlanRescheduled",
        "PlanInterestReturned", "InstalmentMet", "InstalmentMissed", "InstalmentCured",
        "PlanBroken", "PlanCompleted", "PlanWithdrawn", "PlanLapsed", "BalanceWaived",
        "WaiverRevoked", "AffordabilityAssessed",
    }  # fmt: skip
