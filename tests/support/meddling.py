"""What happens to a case while somebody tries to reach its debtor."""

from collections.abc import Sequence
from datetime import date, datetime, time
from random import Random
from uuid import UUID

from strategies import CHANNELS, DAY, MINUTE, PLACES, POINTS, UNKNOWN, Place

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import Actor
from duecourse.case.state import Case
from duecourse.case.words import Blocks, HoldKind
from duecourse.money.amounts import Buckets
from duecourse.testing import COLLECTOR, LEGAL

STOPPED: Sequence[HoldKind] = (
    "dispute", "breathing_space", "breathing_space", "represented", "ceased", "ceased", "complaint",
    "validation",
)  # fmt: skip
BLOCKED: Sequence[tuple[Blocks, ...] | None] = (None, ("outreach",), ("legal",), ("legal",))
HOURS = ((20, 23), (9, 12), (22, 2), (0, 0), (7, 21))


class Meddling:
    """A case that can be changed in every way that protects a debtor, or no longer does."""

    pick: Random
    at: datetime
    home: Place

    @property
    def current(self) -> Case:
        raise NotImplementedError

    def do(self, command: c.Command, actor: Actor = COLLECTOR) -> list[e.Event]:
        raise NotImplementedError

    def new_id(self) -> UUID:
        raise NotImplementedError

    def new_name(self, kind: str) -> str:
        return f"{kind}-{self.new_id().int}"

    def do_change(self) -> None:
        """Something happens to the case."""
        changes = (
            self.hold, self.hold, self.opt_out, self.opt_in, self.reply, self.pay, self.close,
            self.move, self.may_live, self.retire, self.add_point, self.consent, self.no_consent,
            self.agree, self.refuse, self.learn, self.learn, self.withdraw, self.make_peace,
            self.promise, self.promise,
        )  # fmt: skip
        self.pick.choice(changes)()

    def today(self) -> date:
        return self.current.today(self.at)

    def debt(self) -> e.Debt:
        """A small one is so old that no court may be asked any more, wherever the debtor lives.

        A card may not be due yet.
        """
        product = self.pick.choice(["card", "card", "card", "microfinance"])
        due_on = date(2025 if product == "card" else 2012, 12, 1)
        if product == "card" and self.pick.random() < 0.2:
            due_on = self.at.date() + self.pick.randint(0, 9) * DAY
        return e.Debt(
            debt_id=self.new_id(),
            account="FICT-1",
            product=product,
            currency="CNY",
            balance=Buckets(principal=60_000),
            due_on=due_on,
        )

    def hold(self) -> None:
        until = self.today() + self.pick.randint(0, 5) * DAY
        hold_id, kind = self.new_name("hold"), self.pick.choice(STOPPED)
        # Of the adviser's, which is no moratorium, less may be blocked.
        is_advised = kind == "breathing_space" and self.home[0].startswith("GB")
        self.do(
            c.PlaceHold(
                hold_id=hold_id,
                kind=kind,
                variant="adviser" if is_advised else "",
                authority="said so",
                blocks=self.pick.choice(BLOCKED),
                until=self.pick.choice([None, until, until]),
                debt_id=self.pick.choice([None, None, *self.current.debts]),
                reason="said so",
                evidence="the adviser's letter",
            ),
            LEGAL,
        )

    def opt_out(self) -> None:
        self.do(c.RecordOptOut(channel=self.pick.choice(["all", *CHANNELS]), how="said so"))

    def opt_in(self) -> None:
        self.do(c.RecordOptIn(channel=self.pick.choice(["all", *CHANNELS]), how="said so"))

    def reply(self) -> None:
        self.do(
            c.RecordReply(
                reply_id=self.new_name("reply"),
                channel=self.pick.choice(["sms", "email"]),
                text=self.pick.choice(["STOP", "why?"]),
                occurred_at=self.at,
            )
        )

    def pay(self) -> None:
        payment = self.new_name("pay")
        self.do(
            c.RecordPayment(
                payment_id=payment,
                currency="CNY",
                amount_minor=self.pick.choice([1, 60_000, 120_000]),
                value_on=self.at.date(),
            )
        )
        if self.pick.random() < 0.3:
            self.do(c.ReversePayment(payment_id=payment, reason="it bounced"))

    def promise(self) -> None:
        self.do(
            c.MakePromise(
                promise_id=self.new_id(),
                currency="CNY",
                amount_minor=self.pick.choice([100, 60_000]),
                due_on=self.today() + self.pick.randint(0, 9) * DAY,
            )
        )

    def withdraw(self) -> None:
        debt = self.pick.choice(list(self.current.debts))
        self.do(c.WithdrawDebt(debt_id=debt, reason="recalled"))

    def close(self) -> None:
        self.do(c.CloseCase(reason="uneconomic"))

    def move(self) -> None:
        self.home = self.pick.choice(PLACES)
        place = self.pick.choice(UNKNOWN) if self.pick.random() < 0.2 else self.home
        self.do(c.MoveDebtor(jurisdiction=place[0], time_zone=place[1]))

    def may_live(self) -> None:
        place = self.pick.choice([*PLACES, *PLACES, *UNKNOWN])
        self.do(c.AddPossiblePlace(jurisdiction=place[0], time_zone=place[1]))

    def retire(self) -> None:
        if points := list(self.current.points):
            self.do(c.RetireContactPoint(point_id=self.pick.choice(points), reason="not theirs"))

    def add_point(self) -> None:
        self.do(c.AddContactPoint(point=self.pick.choice(POINTS)))

    def consent(self, consent: str = "") -> None:
        self.do(
            c.RecordConsent(
                consent_id=self.new_name("consent"),
                consent=consent or self.pick.choice(["tcpa", "workplace", "work_email"]),
                given_at=self.at - self.pick.choice([0, 0, 3000]) * MINUTE,
                how="said so",
                channel=self.pick.choice(["", "", "sms", "call"]),
                point_id=self.pick.choice(["", "", "mobile", "office"]),
            )
        )

    def no_consent(self) -> None:
        self.do(
            c.WithdrawConsent(
                consent=self.pick.choice(["tcpa", "workplace", "work_email"]),
                withdrawn_at=self.at,
                how="said so",
                channel=self.pick.choice(["", "sms"]),
                point_id=self.pick.choice(["", "office"]),
            )
        )

    def agree(self) -> None:
        start, end = self.pick.choice(HOURS)
        hours = e.AgreedHours(
            start=time(start),
            end=time(end),
            days=self.pick.choice([(), (), ("mon", "tue", "wed", "sat")]),
            channels=self.pick.choice([(), (), ("call", "sms")]),
        )
        self.do(c.AgreeHours(agreement_id=self.new_name("hours"), hours=(hours,), how="said so"))

    def refuse(self) -> None:
        medium = self.pick.choice(["all", "workplace", "workplace", *CHANNELS])
        self.do(c.RefuseMedium(medium=medium, how="said so"))

    def learn(self) -> None:
        on = self.today() + self.pick.randint(-31, 1) * DAY
        self.do(
            c.RecordFact(
                fact=self.pick.choice(
                    ["debt_adviser", "debt_adviser", "assigned", "assignment_notice"]
                ),
                on=self.pick.choice([on, on, None]),
                how="heard of",
            )
        )

    def make_peace(self) -> None:
        """Take back what stops contact, so that there is something to stop again."""
        self.do(c.ReopenCase(reason="again"))
        self.do(c.RecordOptIn(channel="all", how="said so"))
        for key in list(self.current.holds):
            self.do(c.LiftHold(hold_id=key, reason="answered", evidence="the notice"), LEGAL)
        for medium in self.current.refused_media:
            self.do(c.AllowMedium(medium=medium, how="said so"))
        for key in list(self.current.agreed_hours):
            self.do(c.EndAgreedHours(agreement_id=key, how="said so"))
        for fact in list(self.current.facts):
            self.do(c.RecordFact(fact=fact, on=None, how="heard of"))
        self.do(c.MoveDebtor(jurisdiction=self.home[0], time_zone=self.home[1]))
        for point in POINTS:
            if point.point_id not in self.current.points:
                self.do(c.AddContactPoint(point=point))
        for promise_id in list(self.current.promises):
            self.do(c.WithdrawPromise(promise_id=promise_id, reason="again"))
        if not self.current.owes:
            self.do(c.PlaceDebt(debt=self.debt()))
