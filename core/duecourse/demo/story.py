"""Eight cases, told as what people do over the HTTP API. Everybody in it is fictional.

A scene that was played before is answered from the log, so the story can be told again.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from duecourse.intake.people import generate_payments, generate_portfolio

START: Final = date(2026, 3, 2)
DAYS: Final = 91
CLOCK: Final = ZoneInfo("Asia/Shanghai")
_NAMES: Final = "甲乙丙丁戊己庚辛"

Body = dict[str, Any]


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `path` may name what earlier scenes of the same case brought: `{plan_id}`."""

    at: datetime
    case: str
    role: str
    path: str
    body: Body
    says: str

    @property
    def key(self) -> str:
        """The same every time, so that telling the story again changes nothing."""
        return f"story:{self.case}:{self.at.isoformat()}:{self.path}"


def scenes() -> list[Scene]:
    """The story in the order of its time."""
    cases = (_paid, _kept, _broken, _disputed, _quiet, _filed, _often, _moved)
    return sorted((scene for tell in cases for scene in tell()), key=lambda scene: scene.at)


def bank_files(borrowers: int, seed: int) -> list[tuple[datetime, list[dict[str, str]]]]:
    """The payments of the imported borrowers, as the bank reports them every Monday at six."""
    payments = list(generate_payments(generate_portfolio(borrowers, seed, START), seed, START))
    files = []
    for day in range(7, DAYS, 7):
        week = range(day - 7, day)
        rows = [
            row for row in payments if (date.fromisoformat(row["value_on"]) - START).days in week
        ]
        files.append((_on(day, "06:00"), rows))
    return files


def _on(day: int, clock: str) -> datetime:
    local = datetime.combine(START + timedelta(days=day), time.fromisoformat(clock), CLOCK)
    return local.astimezone(UTC)


def _case(name: str, number: int, principal_minor: int, days_past_due: int) -> Scene:
    due_on = START - timedelta(days=days_past_due)
    return Scene(
        at=_on(0, "09:00"),
        case=name,
        role="collector",
        path="/cases",
        says="is placed with us",
        body={
            "creditor": "story-bank",
            "creditor_name": "Story Bank (fictional)",
            "borrower_ref": f"STORY-{number}",
            "debtor": {
                "name": f"{_NAMES[number - 1]}某示例",
                "language": "zh",
                "time_zone": "Asia/Shanghai",
                "jurisdiction": "CN",
            },
            "contact_points": [
                {"point_id": "mobile", "kind": "phone", "address": f"+86154000000{number:02d}"},
                {"point_id": "mail", "kind": "email", "address": f"story-{number}@example.com"},
                {
                    "point_id": "home",
                    "kind": "postal",
                    "address": f"{_NAMES[number - 1]}某示例\n虚构省示例市样板路 {number} 号",
                },
            ],
            "debts": [
                {
                    "account": f"STORY-ACCOUNT-{number}",
                    "product": "consumer-loan",
                    "currency": "CNY",
                    "balance": {"principal": principal_minor},
                    "due_on": due_on.isoformat(),
                    "contract_on": (due_on - timedelta(days=400)).isoformat(),
                    "limitation_expires_on": (due_on + timedelta(days=3 * 365)).isoformat(),
                }
            ],
        },
    )


def _act(name: str, day: int, clock: str, path: str, says: str, *, role: str = "collector",
         **body: object) -> Scene:  # fmt: skip
    return Scene(
        at=_on(day, clock), case=name, role=role, path=f"/cases/{{case_id}}{path}", says=says,
        body=dict(body),
    )  # fmt: skip


def _call(name: str, day: int, outcome: str, note: str, reason: str) -> Sequence[Scene]:
    """A permission, then the conversation held under it."""
    return [
        _act(name, day, "10:30", "/contacts", "may be called", channel="call", template="call"),
        _act(
            name, day, "10:40", "/conversations", f"is called: {outcome.replace('_', ' ')}",
            channel="call", outcome=outcome, arrears_reason=reason, note=note,
            occurred_at=_on(day, "10:35").isoformat(),
        ),
    ]  # fmt: skip


def _pay(name: str, day: int, number: int, amount_minor: int) -> Scene:
    return _act(
        name, day, "11:00", "/payments", "pays",
        payment_id=f"story-{name}-{number}", currency="CNY", amount_minor=amount_minor,
        value_on=(START + timedelta(days=day)).isoformat(),
    )  # fmt: skip


def _paid() -> list[Scene]:
    return [_case("paid", 1, 800_00, 3), _pay("paid", 4, 1, 800_00)]


def _kept() -> list[Scene]:
    name = "plan-kept"
    return [
        _case(name, 2, 3_000_00, 20),
        *_call(name, 1, "plan_discussed", "收入减少, 希望分三期 (fictional)", "economic_pressure"),
        _act(
            name, 1, "10:45", "/plans", "is offered three instalments",
            kind="instalments", currency="CNY", count=3,
            first_due_on=(START + timedelta(days=8)).isoformat(),
            expires_on=(START + timedelta(days=8)).isoformat(),
        ),
        _act(
            name, 2, "09:30", "/plans/{plan_id}/acceptance", "accepts the plan",
            evidence="agreed in writing (fictional)",
        ),
        *(_pay(name, day, number, 1_000_00) for number, day in enumerate((8, 39, 69), start=1)),
    ]  # fmt: skip


def _broken() -> list[Scene]:
    name = "promise-broken"
    return [
        _case(name, 3, 1_500_00, 15),
        *_call(name, 2, "promise_to_pay", "承诺下周付款 (fictional)", "oversight"),
        _act(
            name, 2, "10:45", "/promises", "promises to pay within five days",
            currency="CNY", amount_minor=1_500_00,
            due_on=(START + timedelta(days=7)).isoformat(),
        ),
    ]  # fmt: skip


def _disputed() -> list[Scene]:
    name = "disputed"
    return [
        _case(name, 4, 2_200_00, 10),
        _act(
            name, 1, "20:15", "/replies", "writes back",
            reply_id="story-reply-1", channel="sms", text="我不认可这笔欠款 (fictional)",
            occurred_at=_on(1, "20:10").isoformat(),
        ),
        _act(
            name, 2, "09:05", "/replies/story-reply-1/read", "disputes the debt: everything stops",
            outcome="disputes_debt", note="read by a collector (fictional)",
        ),
    ]  # fmt: skip


def _quiet() -> list[Scene]:
    name = "quiet-hours"
    return [
        _case(name, 5, 900_00, 8),
        _act(
            name, 1, "22:30", "/contacts", "is to be called at half past ten at night",
            channel="call", template="call",
        ),
    ]  # fmt: skip


def _filed() -> list[Scene]:
    name = "filed"
    return [
        _case(name, 6, 12_000_00, 95),
        *_call(name, 1, "refused_to_pay", "明确表示不还款 (fictional)", "unwilling_to_pay"),
        _act(
            name, 2, "10:00", "/referrals", "is proposed for legal action",
            grounds="refused to pay in a conversation; 97 days past due",
        ),
        _act(
            name, 3, "10:00", "/referrals/{referral_id}/approval", "is approved by legal staff",
            role="legal", adapter="cn-court",
        ),
        _act(
            name, 10, "15:00", "/referrals/{referral_id}/outcomes", "is accepted by the court",
            role="legal", outcome="accepted", court_reference="(2026)虚构0001民初1号",
            occurred_on=(START + timedelta(days=10)).isoformat(),
        ),
    ]  # fmt: skip


def _often() -> list[Scene]:
    name, said = "weekly-cap", "愿意付款, 请发账单 (fictional)"
    talks = [_call(name, day, "right_party_contact", said, "oversight") for day in (1, 2, 4)]
    return [
        _case(name, 7, 1_100_00, 12),
        *(scene for talk in talks for scene in talk),
        _act(
            name, 5, "10:30", "/contacts", "is to be called a fourth time within a week",
            channel="call", template="call",
        ),
    ]  # fmt: skip


def _moved() -> list[Scene]:
    name = "two-places"
    return [
        _case(name, 8, 1_300_00, 9),
        _act(
            name, 8, "11:00", "/debtor/possible-places", "may be living in Australia now",
            jurisdiction="AU", time_zone="Australia/Sydney",
        ),
        _act(
            name, 9, "18:30", "/contacts", "is to be called: evening in Shanghai, night in Sydney",
            channel="call", template="call",
        ),
        _act(
            name, 12, "10:00", "/debtor/place", "lives in Shanghai after all",
            jurisdiction="CN", time_zone="Asia/Shanghai",
        ),
    ]  # fmt: skip


def brought(answer: Mapping[str, Any]) -> dict[str, str]:
    """The ids that an answer brings for later scenes of the same case."""
    found = {"case_id": answer["case_id"]}
    for event in answer["events"]:
        found |= {
            key: event[key] for key in ("plan_id", "referral_id", "contact_id") if key in event
        }
    return found
