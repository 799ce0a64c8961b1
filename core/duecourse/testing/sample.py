"""One value of each thing a test talks about. Everybody here is fictional."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from duecourse.case import commands as c
from duecourse.case import events as e
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
    e.ContactPoint(point_id="mobile", kind="phone", address="+8613800000000"),
    e.ContactPoint(point_id="mail", kind="email", address="lin.shili@example.com"),
    e.ContactPoint(point_id="home", kind="postal", address="示例省虚构市样例路 1 号"),
)
DEBTOR = e.Debtor(name="林示例", language="zh", time_zone="Asia/Shanghai", jurisdiction="CN")


def debt(debt_id: UUID = DEBT, principal: int = 60_000, **fields: object) -> e.Debt:
    values: dict[str, object] = {
        "debt_id": debt_id,
        "account": "FICT-0001",
        "product": "consumer-loan",
        "currency": "CNY",
        "balance": Buckets(principal=principal),
        "due_on": date(2026, 2, 27),
    } | fields
    return e.Debt(**values)  # type: ignore[arg-type]


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
