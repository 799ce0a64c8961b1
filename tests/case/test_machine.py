"""Random lives of a case, with the real rules and the real treatment schedule.

Whatever is asked, reported or due, in whatever order: these things hold after every step.
"""

from collections.abc import Callable
from datetime import time, timedelta
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from msgspec.structs import astuple
from random_life import (
    PEOPLE,
    TREATMENT,
    Driver,
    amounts,
    channels,
    currencies,
    days,
    debts,
    everything,
    has,
    ids,
    names,
    openings,
    places,
    reasons,
    some,
    waits,
    words,
)

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import SYSTEM, Actor
from duecourse.case.evolve import fold
from duecourse.case.interest_terms import CapTerms, InterestTerms, RateFrom
from duecourse.case.ledger import bears_interest
from duecourse.case.overpayments import surplus
from duecourse.case.plan_terms import EarlyPayment, FormLine, IncomeAndExpenditure, PlanTerms
from duecourse.case.timers import Timer, command_of, timers_of
from duecourse.case.words import (
    ArrearsReason,
    Blocks,
    CloseReason,
    ConversationOutcome,
    CourtOutcome,
    DisputeGround,
    FoundOut,
    Holder,
    HoldKind,
    HoldOutcome,
    PlanKind,
    PointKind,
    ReceiptStatus,
    ReplyOutcome,
    Stage,
)
from duecourse.money.account_terms import Change
from duecourse.money.amounts import MAX_MINOR, Buckets, sum_buckets
from duecourse.money.limitation_laws import Act as LimitationAct
from duecourse.money.recurrence import due_days
from duecourse.money.schedules import split
from duecourse.testing import COLLECTOR, LEGAL
from duecourse.testing.sample import NOON, SUBJECT
from duecourse.views.worklist import worklist_row


class CaseMachine(Driver):
    # --- what is due ---------------------------------------------------------------------------

    @initialize(opening=openings())
    def open(self, opening: c.OpenCase) -> None:
        assert self.ask(opening)

    @rule(wait=waits)
    def time_passes(self, wait: timedelta) -> None:
        self.at += wait

    @rule(wait=st.integers(1, 9))
    def another_noon_comes(self, wait: int) -> None:
        noon = self.at.replace(hour=NOON.hour, minute=0)
        self.at = noon + timedelta(days=wait)

    @rule()
    def the_next_timer_fires(self) -> None:
        timers = sorted(timers_of(self.case, TREATMENT), key=lambda timer: timer.due_at)
        if timers and timers[0].due_at < self.at + timedelta(days=500):
            self.at = max(self.at, timers[0].due_at)
            self.fire(timers[0])

    @rule(data=st.data())
    def any_due_timer_fires(self, data: st.DataObject) -> None:
        due = [timer for timer in timers_of(self.case, TREATMENT) if timer.due_at <= self.at]
        if due:
            self.fire(data.draw(st.sampled_from(due)))

    def fire(self, timer: Timer) -> None:
        command = command_of(timer)
        if command is not None:
            outcome = self.ask(command, SYSTEM)
            assert isinstance(outcome, list), f"a due timer was refused: {outcome!r}"
            assert timer not in timers_of(self.case, TREATMENT), "a timer fires for ever"
        elif timer.kind == "dispatch":
            self.ask(c.StartDispatch(contact_id=UUID(timer.subject), plugin="p", body_sha256="0"))

    # --- the case ------------------------------------------------------------------------------

    @rule(opening=openings())
    def open_again(self, opening: c.OpenCase) -> None:
        self.ask(opening)

    @rule(debt=debts())
    def place_debt(self, debt: e.Debt) -> None:
        self.ask(c.PlaceDebt(debt=debt))

    @rule(data=st.data(), holder=some(Holder), kind=some(PointKind))
    def add_point(self, data: st.DataObject, holder: Any, kind: Any) -> None:
        key = self.known(data, ["p1", "p2", "p3", "mobile"])
        point = e.ContactPoint(point_id=key, kind=kind, address="somewhere", holder=holder)
        self.ask(c.AddContactPoint(point=point))

    @rule(to=some(Stage), reason=reasons)
    def move_stage(self, to: Any, reason: str) -> None:
        self.ask(c.MoveStage(to=to, reason=reason))

    @rule(step=st.sampled_from([step.id for step in TREATMENT.steps] + ["no-such-step"]))
    def follow_treatment(self, step: str) -> None:
        self.ask(c.FollowTreatment(step=step), SYSTEM)

    @rule(data=st.data(), reason=reasons, what=st.sampled_from("dprroc"))
    def trouble(self, data: st.DataObject, reason: str, what: str) -> None:
        """What ends most of the life in a case: one rule, so that lives stay interesting."""
        home = data.draw(places)
        debts, points = self.case.debts, [*self.case.points, "p1"]
        commands: dict[str, Callable[[], c.Command]] = {
            "d": lambda: c.WithdrawDebt(debt_id=self.known(data, debts), reason=reason),
            "p": lambda: c.RetireContactPoint(point_id=self.known(data, points), reason=reason),
            "r": lambda: c.MoveDebtor(time_zone=home[0], jurisdiction=home[1]),
            "o": lambda: c.RecordOptOut(channel=data.draw(everything), how=reason),
            "c": lambda: c.CloseCase(reason=data.draw(some(CloseReason))),
        }
        self.ask(commands[what]())

    @precondition(lambda self: self.case.is_closed)
    @rule(reason=reasons)
    def reopen(self, reason: str) -> None:
        self.ask(c.ReopenCase(reason=reason))

    @rule(
        data=st.data(),
        what=st.sampled_from("cwhemalpfb"),
        channel=st.sampled_from(["", "sms", "email"]),
        key=names,
        ago=st.sampled_from([timedelta(0), timedelta(days=3), timedelta(days=-1)]),
        how=reasons,
    )
    def learn(self, data: st.DataObject, what: str, channel: str, key: str, **said: Any) -> None:
        """What the debtor agreed to or asked for, and what rules wait for."""
        moment, how = self.at - said["ago"], said["how"]
        day = self.day(data.draw(days) % 4000)
        hours = (e.AgreedHours(start=time(data.draw(st.integers(0, 23))), end=time(20, 30)),)
        commands: dict[str, Callable[[], c.Command]] = {
            "c": lambda: c.RecordConsent(
                consent_id=key, consent="visit", given_at=moment, how=how, channel=channel
            ),
            "w": lambda: c.WithdrawConsent(
                consent="visit", withdrawn_at=moment, how=how, channel=channel
            ),
            "h": lambda: c.AgreeHours(agreement_id=key, hours=hours, how=how),
            "e": lambda: c.EndAgreedHours(agreement_id=key, how=how),
            "m": lambda: c.RefuseMedium(medium=channel or "workplace", how=how),
            "a": lambda: c.AllowMedium(medium=channel or "workplace", how=how),
            "l": lambda: c.RecordLimitation(
                debt_id=self.known(data, self.case.debts), expires_on=day, how=how
            ),
            "p": lambda: c.AddPossiblePlace(time_zone="Europe/London", jurisdiction="GB"),
            "f": lambda: c.RecordFact(fact="told_before_reporting", on=day, how=how),
            "b": lambda: c.RequestBureauReport(report_id=data.draw(ids), bureau="bureau-1"),
        }
        self.ask(commands[what]())

    # --- contact -------------------------------------------------------------------------------

    @rule(data=st.data(), channel=channels)
    def request_contact(self, data: st.DataObject, channel: str) -> None:
        point = self.known(data, ["", "", "nowhere", *self.case.points])
        key = data.draw(ids)
        self.ask(
            c.RequestContact(contact_id=key, channel=channel, template="words", point_id=point)
        )

    @rule(key=ids, channel=st.sampled_from(["sms", "email", "letter"]))
    def send(self, key: UUID, channel: str) -> None:
        self.ask(c.RequestContact(contact_id=key, channel=channel, template="words"))
        if key in self.case.contacts:
            self.ask(c.StartDispatch(contact_id=key, plugin="p", body_sha256="0" * 64))
            self.ask(c.RecordAccepted(contact_id=key, reference="ref-1"))

    @rule(key=ids, channel=st.sampled_from(["sms", "email"]), what=st.sampled_from("ohcpr"))
    def something_comes_in_between(self, key: UUID, channel: str, what: str) -> None:
        """Between the permission and the dispatch of a message."""
        self.ask(c.RequestContact(contact_id=key, channel=channel, template="words"))
        between: dict[str, c.Command] = {
            "o": c.RecordOptOut(channel=channel, how="asked"),
            "h": c.PlaceHold(hold_id=f"h{len(self.events)}", kind="dispute", authority="said so"),
            "c": c.CloseCase(reason="sold"),
            "p": c.RecordPayment(
                payment_id="p1", currency="CNY", amount_minor=1, value_on=self.day(0)
            ),
            "r": c.MoveDebtor(time_zone="", jurisdiction="CN"),
        }
        self.ask(between[what])
        self.nothing_unsent_is_left_on_a_case_that_rests()
        if key in self.case.contacts:
            self.ask(c.StartDispatch(contact_id=key, plugin="p", body_sha256="0" * 64))

    @has("contacts")
    @rule(data=st.data(), then=st.sampled_from(["none", "accepted", "rejected", "unknown", "busy"]))
    def dispatch(self, data: st.DataObject, then: str) -> None:
        key = self.known(data, self.case.contacts)
        self.ask(c.StartDispatch(contact_id=key, plugin="sms-first", body_sha256="0" * 64))
        reports: dict[str, Callable[[], c.Command]] = {
            "accepted": lambda: c.RecordAccepted(contact_id=key, reference="ref-1"),
            "rejected": lambda: c.RecordRejected(contact_id=key, reason="no such number"),
            "unknown": lambda: c.RecordUnknown(contact_id=key, reason="a crash"),
            "busy": lambda: c.RecordPostponed(contact_id=key, until=self.at, reason="busy"),
        }
        if then in reports:
            self.ask(reports[then]())

    @has("contacts")
    @rule(data=st.data(), reason=reasons)
    def cancel_contact(self, data: st.DataObject, reason: str) -> None:
        key = self.known(data, self.case.contacts)
        self.ask(c.CancelContact(contact_id=key, reason=reason))

    @has("contacts")
    @rule(data=st.data(), outcome=some(FoundOut))
    def reconcile(self, data: st.DataObject, outcome: Any) -> None:
        key = self.known(data, self.case.contacts)
        self.ask(c.ReconcileContact(contact_id=key, outcome=outcome, evidence="in the log"))

    @has("contacts")
    @rule(data=st.data(), status=some(ReceiptStatus), receipt=names)
    def receipt(self, data: st.DataObject, status: Any, receipt: str) -> None:
        key = self.known(data, self.case.contacts)
        self.ask(
            c.RecordReceipt(contact_id=key, receipt_id=receipt, status=status, occurred_at=self.at)
        )

    @rule(reply=names, channel=channels, text=words)
    def reply(self, reply: str, channel: str, text: str) -> None:
        self.ask(c.RecordReply(reply_id=reply, channel=channel, text=text, occurred_at=self.at))

    @has("waiting_replies")
    @rule(data=st.data(), outcome=some(ReplyOutcome), note=words)
    def read_reply(self, data: st.DataObject, outcome: Any, note: str) -> None:
        reply = self.case.waiting_replies[self.known(data, self.case.waiting_replies)]
        self.ask(
            c.ReadReply(reply_id=reply.reply_id, channel=reply.channel, outcome=outcome, note=note)
        )

    @has("opted_out")
    @rule(channel=everything, how=reasons)
    def opt_in(self, channel: str, how: str) -> None:
        self.ask(c.RecordOptIn(channel=channel, how=how))

    @rule(
        key=ids,
        channel=channels,
        outcome=some(ConversationOutcome),
        initiator=st.sampled_from(["creditor", "debtor"]),
        party=st.sampled_from(["debtor", "representative", "third_party", "nobody"]),
        reason=some(ArrearsReason),
        ago=st.sampled_from([timedelta(0), timedelta(minutes=30), timedelta(days=3)]),
    )
    def conversation(self, key: UUID, ago: timedelta, reason: Any, **said: Any) -> None:
        command = c.LogConversation(
            conversation_id=key, arrears_reason=reason, occurred_at=self.at - ago, **said
        )
        self.ask(command)

    # --- promises, plans, money ------------------------------------------------------------------

    @rule(key=ids, currency=currencies, amount=amounts, due=days)
    def promise(self, key: UUID, currency: str, amount: int, due: int) -> None:
        command = c.MakePromise(
            promise_id=key, currency=currency, amount_minor=amount, due_on=self.day(due)
        )
        self.ask(command)

    @has("promises")
    @rule(data=st.data(), reason=reasons, judge=st.booleans())
    def end_promise(self, data: st.DataObject, reason: str, judge: bool) -> None:  # noqa: FBT001
        key = self.known(data, self.case.promises)
        self.ask(
            c.JudgePromise(promise_id=key)
            if judge
            else c.WithdrawPromise(promise_id=key, reason=reason)
        )

    @rule(
        key=ids,
        kind=some(PlanKind),
        currency=currencies,
        count=st.integers(1, 4),
        first=days,
        expires=days,
        waived=st.sampled_from([0, 0, 100, 4_000]),
    )
    def offer_plan(
        self,
        *,
        key: UUID,
        kind: Any,
        currency: str,
        count: int,
        first: int,
        expires: int,
        waived: int,
    ) -> None:
        total = max(self.case.outstanding(currency).total - waived, count)
        due = due_days(self.day(first), count, "month")
        instalments = tuple(
            e.Instalment(due_on=day, amount_minor=part)
            for day, part in zip(due, split(total, count), strict=True)
        )
        command = c.OfferPlan(
            plan_id=key,
            kind=kind,
            currency=currency,
            instalments=instalments,
            expires_on=self.day(expires),
            waived_minor=waived,
        )
        self.ask(command)

    @has("plans")
    @rule(data=st.data(), reason=reasons, what=st.sampled_from("aaaadwlpc"))
    def answer_plan(self, data: st.DataObject, reason: str, what: str) -> None:
        key = self.known(data, self.case.plans)
        commands: dict[str, c.Command] = {
            "a": c.AcceptPlan(plan_id=key, evidence="yes, said by phone"),
            "d": c.DeclinePlan(plan_id=key, reason=reason),
            "w": c.WithdrawPlan(plan_id=key, reason=reason),
            "l": c.LapseOffer(plan_id=key),
            "p": c.ApprovePlan(plan_id=key),
            "c": c.ChargePlanInterest(plan_id=key, number=1),
        }
        self.ask(commands[what], LEGAL if what == "p" else COLLECTOR)

    @rule(key=ids, available=amounts, ago=st.sampled_from([0, 1, 400]))
    def assess(self, key: UUID, available: int, ago: int) -> None:
        """So much is left a month, by a form of so many days ago."""
        form = IncomeAndExpenditure(
            currency="CNY", income=(FormLine(name="wages", amount_minor=available),)
        )
        command = c.RecordAffordability(assessment_id=key, form=form, assessed_on=self.day(-ago))
        self.ask(command)

    @rule(
        key=ids,
        schedule=st.sampled_from(["annuity", "equal_principal", "equal_parts"]),
        count=st.integers(1, 4),
        early=some(EarlyPayment),
        override=st.sampled_from(["", "because"]),
    )
    def offer_by_terms(
        self, *, key: UUID, schedule: Any, count: int, early: Any, override: str
    ) -> None:
        command = c.OfferPlan(
            plan_id=key,
            kind="instalments",
            currency="CNY",
            expires_on=self.day(3),
            terms=PlanTerms(
                first_on=self.day(3),
                schedule=schedule,
                count=count,
                percent="0" if schedule == "equal_parts" else "24",
            ),
            early_payment=early,
            override=override,
        )
        self.ask(command)
        self.ask(c.AcceptPlan(plan_id=key, evidence="yes, said by phone"))

    @has("plans")
    @rule(data=st.data(), number=st.integers(0, 4))
    def judge_instalment(self, data: st.DataObject, number: int) -> None:
        key = self.known(data, self.case.plans)
        self.ask(c.JudgeInstalment(plan_id=key, number=number))

    @rule(key=ids, count=st.integers(1, 4), waived=st.sampled_from([0, 0, 100]))
    def offer_and_accept(self, key: UUID, count: int, waived: int) -> None:
        self.offer_plan(
            key=key,
            kind="settlement",
            currency="CNY",
            count=count,
            first=3,
            expires=3,
            waived=waived,
        )
        self.ask(c.AcceptPlan(plan_id=key, evidence="yes, said by phone"))

    @rule(data=st.data(), key=names, currency=currencies, amount=amounts)
    def pay(self, data: st.DataObject, key: str, currency: str, amount: int) -> None:
        to = self.known(data, [None, *self.case.debts])
        command = c.RecordPayment(
            payment_id=key,
            currency=currency,
            amount_minor=amount,
            value_on=self.day(-1),
            debt_id=to,
        )
        self.ask(command)

    @rule(data=st.data(), key=names)
    def pay_what_is_due(self, data: st.DataObject, key: str) -> None:
        """What the plan being kept still asks for, or everything."""
        plan = self.case.plans[self.case.active_plan] if self.case.active_plan else None
        currency = plan.currency if plan else data.draw(currencies)
        owed = self.case.outstanding(currency).total
        amount = plan.total_minor - plan.paid_minor if plan else owed
        if amount > 0:
            command = c.RecordPayment(
                payment_id=key, currency=currency, amount_minor=amount, value_on=self.day(0)
            )
            self.ask(command)

    @rule(data=st.data(), reason=reasons)
    def reverse(self, data: st.DataObject, reason: str) -> None:
        key = self.known(data, [*self.case.payments, "d4"])
        self.ask(c.ReversePayment(payment_id=key, reason=reason))

    @rule(data=st.data(), key=names, currency=currencies, part=st.sampled_from([1, 2]))
    def refund(self, data: st.DataObject, key: str, currency: str, part: int) -> None:
        amount = min(surplus(self.case, currency) // part, MAX_MINOR) or data.draw(amounts)
        command = c.RecordRefund(
            refund_id=key,
            currency=currency,
            amount_minor=amount,
            refunded_on=self.day(0),
            evidence="seen in the statement",
        )
        self.ask(command)

    @rule(data=st.data(), reason=reasons, returned=st.booleans())
    def use_what_is_held(self, data: st.DataObject, reason: str, returned: bool) -> None:  # noqa: FBT001
        if returned:
            key = self.known(data, [*self.case.refunds, "d4"])
            self.ask(c.ReturnRefund(refund_id=key, reason=reason))
            return
        payment = self.known(data, ["", *self.case.payments])
        debt = self.known(data, [None, *self.case.debts])
        self.ask(c.AllocateOverpayment(reason=reason, payment_id=payment, debt_id=debt))

    @rule(
        data=st.data(),
        key=names,
        what=st.sampled_from("cccppapfi"),
        amount=st.sampled_from([1, 700, -700]),
        day=st.integers(-40, 0),
    )
    def account(self, data: st.DataObject, key: str, what: str, amount: int, day: int) -> None:
        """Charges, corrections, forgiveness, terms of interest."""
        to, on = self.known(data, self.case.debts), self.day(day)
        terms = InterestTerms(
            profile="cn-private",
            from_on=on,
            rates=(RateFrom(since=on, percent="24"),),
            cap=CapTerms(jurisdiction="CN", licence="none", contract_on=on),
        )
        proposal = c.ProposeAdjustment(
            adjustment_id=key,
            debt_id=to,
            kind="forgiveness" if what == "f" else "correction",
            value_on=on,
            reason="wrong",
            authority="the bank",
            change=Change() if what == "f" else Change(principal=amount),
        )
        commands: dict[str, c.Command] = {
            "c": c.AddCosts(
                charge_id=key,
                debt_id=to,
                bucket=data.draw(st.sampled_from(["costs", "fees", "penalty"])),
                amount_minor=abs(amount),
                incurred_on=on,
                ground="court fee",
                citation="the tariff",
            ),
            "p": proposal,
            "f": proposal,
            "a": c.AccrueInterest(),
            "i": c.SetInterestTerms(debt_id=to, terms=terms, evidence="clause 4"),
        }
        self.ask(commands[what], PEOPLE[0])
        if what in "pf":
            self.ask(c.ApproveAdjustment(adjustment_id=key), data.draw(st.sampled_from(PEOPLE)))

    # --- holds and legal action --------------------------------------------------------------------

    @rule(
        data=st.data(),
        key=names,
        kind=some(HoldKind),
        until=st.none() | days,
        blocks=st.none() | st.lists(some(Blocks), unique=True).map(tuple),
    )
    def place_hold(
        self, data: st.DataObject, key: str, kind: Any, until: int | None, blocks: Any
    ) -> None:
        on = self.known(data, [None, *self.case.debts])
        command = c.PlaceHold(
            hold_id=key,
            kind=kind,
            authority="said by the debtor",
            blocks=blocks,
            until=None if until is None else self.day(until),
            debt_id=on,
            purpose="letters in large print",
        )
        self.ask(command)

    @has("debts")
    @rule(data=st.data(), key=names, ground=some(DisputeGround))
    def dispute(self, data: st.DataObject, key: str, ground: Any) -> None:
        on = self.known(data, self.case.debts)
        self.ask(c.RaiseDispute(hold_id=key, debt_id=on, ground=ground, said="not all of it"))

    @has("holds")
    @rule(data=st.data(), outcome=some(HoldOutcome), until=days)
    def answer_or_move_a_hold(self, data: st.DataObject, outcome: Any, until: int) -> None:
        key = self.known(data, self.case.holds)
        if data.draw(st.booleans()):
            moved = c.SetHoldEnd(
                hold_id=key, until=self.day(until), reason="documents", evidence="the order"
            )
            self.ask(moved, data.draw(st.sampled_from(PEOPLE)))
            return
        command = c.AnswerHold(
            hold_id=key, outcome=outcome, answered_on=self.day(0), reason="looked into"
        )
        self.ask(command)

    @has("debts")
    @rule(data=st.data(), key=names, act=some(LimitationAct), on=days)
    def something_moves_the_clock(self, data: st.DataObject, key: str, act: Any, on: int) -> None:
        debt_id = self.known(data, self.case.debts)
        if data.draw(st.booleans()):
            day = self.day(on - 1_000)
            self.ask(c.SetLimitationTerms(debt_id=debt_id, starts_on=day, how="the contract"))
            return
        told = c.RecordLimitationAct(
            act_id=key, debt_id=debt_id, act=act, on=self.day(-on), evidence="a letter"
        )
        self.ask(told)

    @has("holds")
    @rule(data=st.data(), reason=reasons, expire=st.booleans())
    def end_hold(self, data: st.DataObject, reason: str, expire: bool) -> None:  # noqa: FBT001
        key = self.known(data, self.case.holds)
        lift = c.LiftHold(hold_id=key, reason=reason, evidence="the order")
        self.ask(c.ExpireHold(hold_id=key) if expire else lift, data.draw(st.sampled_from(PEOPLE)))

    @rule(key=ids, actor=st.sampled_from(PEOPLE), reason=reasons)
    def propose(self, key: UUID, actor: Actor, reason: str) -> None:
        self.ask(c.ProposeReferral(referral_id=key, grounds=reason), actor)

    @rule(key=ids, first=st.sampled_from(PEOPLE), second=st.sampled_from(PEOPLE))
    def refer(self, key: UUID, first: Actor, second: Actor) -> None:
        """By two people, who may be one; after a call in which the debtor refused."""
        refusal = c.LogConversation(
            conversation_id=key,
            channel="call",
            outcome="refused_to_pay",
            occurred_at=self.at,
            initiator="debtor",
        )
        self.ask(refusal)
        self.ask(c.ProposeReferral(referral_id=key, grounds="nothing else helped"), first)
        if key in self.case.referrals:
            self.ask(c.ApproveReferral(referral_id=key, adapter="cn-court"), second)

    @has("referrals")
    @rule(data=st.data(), actor=st.sampled_from(PEOPLE), what=st.sampled_from("aaadw"))
    def answer_referral(self, data: st.DataObject, actor: Actor, what: str) -> None:
        key = self.known(data, self.case.referrals)
        commands: dict[str, c.Command] = {
            "a": c.ApproveReferral(referral_id=key, adapter="cn-court"),
            "d": c.DeclineReferral(referral_id=key, reason="too early"),
            "w": c.WithdrawReferral(referral_id=key, reason="settled"),
        }
        self.ask(commands[what], actor)

    @has("referrals")
    @rule(data=st.data(), outcome=some(CourtOutcome), what=st.sampled_from("sfpc"))
    def court(self, data: st.DataObject, outcome: Any, what: str) -> None:
        key = self.known(data, self.case.referrals)
        commands: dict[str, c.Command] = {
            "s": c.StartFiling(referral_id=key),
            "f": c.RecordFiling(
                referral_id=key, adapter="a", reference="r-1", bundle_sha256="0", documents=()
            ),
            "p": c.RecordFilingFailure(referral_id=key, adapter="a", problems=("no contract",)),
            "c": c.RecordCourtOutcome(
                referral_id=key, outcome=outcome, occurred_on=self.day(-1), note="a note"
            ),
        }
        self.ask(commands[what])

    # --- what always holds ---------------------------------------------------------------------------

    @invariant()
    def the_state_is_what_the_events_add_up_to(self) -> None:
        assert fold(self.events) == self.case

    @invariant()
    def money_is_neither_made_nor_lost(self) -> None:
        case = self.case
        for payment in case.payments.values():
            allocated = sum(each.paid.total for each in payment.allocations)
            kept = payment.unallocated_minor + payment.refunded_minor
            assert allocated + kept == payment.amount_minor
            assert min(payment.unallocated_minor, payment.refunded_minor) >= 0
        assert all(min(astuple(each.outstanding)) >= 0 for each in case.debts.values())
        settled = [p.allocations for p in case.payments.values() if not p.reversed]
        settled += [plan.waiver for plan in case.plans.values()]
        for key, account in case.debts.items():
            gone = sum_buckets(
                each.paid for many in settled for each in many if each.debt_id == key
            )
            # With interest the account of its own says what is owed; it has its own properties.
            if not bears_interest(case, account.debt.currency):
                assert account.outstanding + gone == self.charged(key, account.debt.balance)

    def charged(self, debt_id: UUID, balance: Buckets) -> Buckets:
        """With what people added to the debt, or took off it."""
        for charge in self.case.ledger.charges.values():
            if charge.debt_id == debt_id:
                balance += Buckets(**{charge.bucket: charge.posted_minor})
        for each in self.case.ledger.adjustments.values():
            if each.debt_id == debt_id and each.status == "approved":
                forgiven = each.kind == "forgiveness"
                change = Change.less(each.change.raised()) if forgiven else each.change
                balance = change.added_to(balance)
        interest = (each for plan in self.case.plans.values() for each in plan.charges)
        return balance + sum_buckets(
            part.paid for each in interest for part in each.charged if part.debt_id == debt_id
        )

    @invariant()
    def plans_add_up(self) -> None:
        plans = self.case.plans.values()
        assert sum(plan.status == "active" for plan in plans) <= 1
        for plan in plans:
            if plan.status == "active":
                assert plan.met == plan.covered() < len(plan.instalments)
            assert bool(plan.waiver) <= (plan.status == "completed")

    @invariant()
    def what_counts_towards_a_plan_or_a_promise_was_paid_and_kept(self) -> None:
        case = self.case
        kept = [payment for payment in case.payments.values() if not payment.reversed]
        for key, plan in case.plans.items():
            assert plan.paid_minor == sum(p.amount_minor for p in kept if key in p.plans)
        for key, promise in case.promises.items():
            assert promise.paid_minor == sum(p.amount_minor for p in kept if key in p.promises)
            assert promise.status != "kept" or promise.paid_minor >= promise.enough_minor

    @invariant()
    def nothing_unsent_is_left_on_a_case_that_rests(self) -> None:
        waiting = [c for c in self.case.contacts.values() if c.status == "permitted"]
        held = [each for each in waiting if self.is_held("outreach", each.debts)]
        assert (waiting if self.case.is_closed else held) == []
        assert not [contact for contact in waiting if self.has_opted_out(contact.channel)]

    @invariant()
    def legal_action_is_one_and_ends_with_what_it_was_for(self) -> None:
        statuses = [referral.status for referral in self.case.referrals.values()]
        assert sum(status in {"approved", "filing"} for status in statuses) <= 1
        if self.case.stage == "legal":
            assert {"approved", "filing", "failed", "filed"} & set(statuses)
        if self.case.stage in {"intake", "reminder", "closed"}:
            assert not {"proposed", "approved"} & set(statuses)

    @invariant()
    def nothing_agreed_is_open_on_a_closed_case(self) -> None:
        if self.case.is_closed:
            assert not [p for p in self.case.plans.values() if p.status in {"offered", "active"}]
            assert not [p for p in self.case.promises.values() if p.status == "open"]

    @invariant()
    def timers_and_the_worklist_are_total(self) -> None:
        timers = timers_of(self.case, TREATMENT)
        assert len({timer.key for timer in timers}) == len(timers)
        for timer in timers:
            assert timer.due_at.utcoffset() is not None
            command_of(timer)
        assert worklist_row(SUBJECT, self.case, TREATMENT).case_id == SUBJECT


TestRandomLives = CaseMachine.TestCase
# Lives are long stories: three times as many as other examples.
TestRandomLives.settings = settings(max_examples=2 * settings().max_examples)
