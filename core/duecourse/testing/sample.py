"""One value of each thing a test talks about. Everybody here is fictional."""

from datetime import UTC, date, datetime, timedelta
from typing import Literal
from uuid import UUID

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.words import ConversationOutcome, HoldKind, PlanKind
from duecourse.money.amounts import Buckets

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)  # Monday, 12:00 in Shanghai
LATE = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)  # 22:30 in Shanghai
DAY = timedelta(days=1)
SUBJECT = UUID(int=1)
DEBT = UUID(int=2)
OTHER_DEBT = UUID(int=3)
CONTACT = UUID(int=4)
PLAN = UUID(int=5)
PROMISE = UUID(int=6)
TALK = UUID(int=7)
REFERRAL = UUID(int=8)

POINTS = (
    e.ContactPoint(point_id="mobile", kind="phone", address="+8615400000000"),
    e.ContactPoint(point_id="mail", kind="email", address="lin.shili@example.com"),
    e.ContactPoint(point_id="home", kind="postal", address="示例省虚构市样例路 1 号"),
)
DEBTOR = e.Debtor(name="林示例", language="zh", time_zone="Asia/Shanghai", jurisdiction="CN")


def debt(
    debt_id: UUID = DEBT,
    principal: int = 60_000,
    *,
    balance: Buckets | None = None,
    due_on: date = date(2026, 2, 27),
    currency: str = "CNY",
    limitation_expires_on: date | None = None,
) -> e.Debt:
    return e.Debt(
        debt_id=debt_id,
        account="FICT-0001",
        product="consumer-loan",
        currency=currency,
        balance=balance or Buckets(principal=principal),
        due_on=due_on,
        limitation_expires_on=limitation_expires_on,
    )


def open_case(*debts: e.Debt, debtor: e.Debtor = DEBTOR) -> c.OpenCase:
    return c.OpenCase(
        creditor="fictional-bank",
        creditor_name="Fictional Bank",
        subject_id=SUBJECT,
        borrower_ref="B-1",
        debtor=debtor,
        contact_points=POINTS,
        debts=debts or (debt(),),
    )


def opened(*debts: e.Debt, debtor: e.Debtor = DEBTOR, at: datetime = NOON) -> list[e.Event]:
    start = e.CaseOpened(
        at=at,
        creditor="fictional-bank",
        creditor_name="Fictional Bank",
        subject_id=SUBJECT,
        borrower_ref="B-1",
        debtor=debtor,
        contact_points=POINTS,
    )
    return [start, *(e.DebtPlaced(at=at, debt=each) for each in debts or (debt(),))]


def request(
    channel: str = "sms", contact_id: UUID = CONTACT, point_id: str = ""
) -> c.RequestContact:
    return c.RequestContact(
        contact_id=contact_id, channel=channel, template="reminder-first", point_id=point_id
    )


def dispatch(contact_id: UUID = CONTACT) -> c.StartDispatch:
    return c.StartDispatch(contact_id=contact_id, plugin="sms-first", body_sha256="ab" * 32)


def accepted(contact_id: UUID = CONTACT) -> c.RecordAccepted:
    return c.RecordAccepted(contact_id=contact_id, reference="gw-1")


def talk(
    outcome: ConversationOutcome = "right_party_contact",
    *,
    at: datetime = NOON,
    channel: str = "call",
    initiator: Literal["creditor", "debtor"] = "creditor",
) -> c.LogConversation:
    return c.LogConversation(
        conversation_id=TALK, channel=channel, outcome=outcome, occurred_at=at, initiator=initiator
    )


def offer(
    *amounts: int,
    plan_id: UUID = PLAN,
    kind: PlanKind = "instalments",
    waived: int = 0,
    first: date = date(2026, 3, 16),
    currency: str = "CNY",
) -> c.OfferPlan:
    """Due every 30 days from `first` on; open until the day before it."""
    instalments = tuple(
        e.Instalment(due_on=first + 30 * n * DAY, amount_minor=amount)
        for n, amount in enumerate(amounts)
    )
    return c.OfferPlan(
        plan_id=plan_id,
        kind=kind,
        currency=currency,
        instalments=instalments,
        waived_minor=waived,
        expires_on=first - DAY,
    )


def accept(plan_id: UUID = PLAN) -> c.AcceptPlan:
    return c.AcceptPlan(plan_id=plan_id, evidence="agreed on the phone")


def pay(
    amount: int, payment_id: str = "pay-1", debt_id: UUID | None = None, currency: str = "CNY"
) -> c.RecordPayment:
    return c.RecordPayment(
        payment_id=payment_id,
        currency=currency,
        amount_minor=amount,
        value_on=date(2026, 3, 1),
        debt_id=debt_id,
    )


def bounce(payment_id: str = "pay-1") -> c.ReversePayment:
    return c.ReversePayment(payment_id=payment_id, reason="the direct debit was returned")


def refund(amount: int, refund_id: str = "refund-1", currency: str = "CNY") -> c.RecordRefund:
    return c.RecordRefund(
        refund_id=refund_id,
        currency=currency,
        amount_minor=amount,
        refunded_on=date(2026, 3, 2),
        evidence="statement of 2 March, line 7",
    )


def promise(amount: int = 20_000, due_on: date = date(2026, 3, 9)) -> c.MakePromise:
    return c.MakePromise(promise_id=PROMISE, currency="CNY", amount_minor=amount, due_on=due_on)


def hold(
    kind: HoldKind = "dispute", hold_id: str = "hold-1", until: date | None = None
) -> c.PlaceHold:
    return c.PlaceHold(
        hold_id=hold_id,
        kind=kind,
        authority="said by the debtor",
        until=until,
        purpose="letters in large print" if kind == "vulnerability" else "",
    )


def propose(referral_id: UUID = REFERRAL) -> c.ProposeReferral:
    return c.ProposeReferral(referral_id=referral_id, grounds="nothing fairer helped")


def approve(referral_id: UUID = REFERRAL) -> c.ApproveReferral:
    return c.ApproveReferral(referral_id=referral_id, adapter="cn-court")
