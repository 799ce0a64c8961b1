"""One whole example of every request body, for the schema. Everybody here is fictional."""

from collections.abc import Mapping
from typing import Any, Final

EXAMPLES: Final[Mapping[str, Any]] = {
    "NewCase": {
        "creditor": "fictional-bank",
        "creditor_name": "Fictional Bank",
        "borrower_ref": "B-100042",
        "debtor": {
            "name": "林示例",
            "language": "zh",
            "time_zone": "Asia/Shanghai",
            "jurisdiction": "CN",
        },
        "contact_points": [
            {"point_id": "mobile", "kind": "phone", "address": "+8613800000000"},
            {"point_id": "email", "kind": "email", "address": "lin.shili@example.com"},
        ],
        "debts": [
            {
                "account": "FICT-0001",
                "product": "consumer-loan",
                "currency": "CNY",
                "balance": {"principal": 60_000, "interest": 1_250},
                "due_on": "2026-02-27",
            }
        ],
    },
    "NewDebt": {
        "account": "FICT-0002",
        "product": "credit-card",
        "currency": "CNY",
        "balance": {"principal": 20_000},
        "due_on": "2026-02-15",
    },
    "NewContactPoint": {
        "point_id": "home",
        "kind": "postal",
        "address": "示例省虚构市样例路 1 号",
    },
    "NewPlace": {"time_zone": "Asia/Shanghai", "jurisdiction": "CN"},
    "NewStage": {"to": "reminder", "reason": "the account was checked"},
    "Because": {"reason": "entered by mistake"},
    "Closure": {"reason": "uneconomic", "note": "agreed with the creditor"},
    "NewContact": {"channel": "sms", "template": "reminder-first"},
    "Reconciliation": {
        "outcome": "not_sent",
        "evidence": "the gateway's log of 2 March has no message with this key",
    },
    "NewConversation": {
        "channel": "call",
        "outcome": "hardship_declared",
        "occurred_at": "2026-03-02T10:30:00+08:00",
        "initiator": "debtor",
        "arrears_reason": "reduced_income",
        "note": "hours were cut in January; asks for six instalments",
    },
    "NewReply": {
        "channel": "sms",
        "text": "退订",
        "occurred_at": "2026-03-02T10:30:00+08:00",
    },
    "ChannelChoice": {"channel": "sms", "how": "asked on the phone"},
    "NewConsent": {
        "consent": "tcpa",
        "given_at": "2026-02-02T10:30:00+08:00",
        "how": "ticked in the application form",
        "evidence": "application form, page 3",
        "channel": "sms",
    },
    "ConsentEnd": {
        "consent": "tcpa",
        "withdrawn_at": "2026-03-02T10:30:00+08:00",
        "how": "said on the phone",
        "channel": "sms",
    },
    "NewAgreement": {
        "hours": [{"start": "18:00:00", "end": "20:00:00", "days": ["mon", "wed"]}],
        "how": "asked on the phone; works during the day",
    },
    "How": {"how": "any time is fine again"},
    "MediumChoice": {"medium": "workplace", "how": "asked on the phone"},
    "NewFact": {
        "fact": "told_before_reporting",
        "on": "2026-03-02",
        "how": "the notice of 2 March, by post",
    },
    "NewLimitation": {"expires_on": "2029-02-27", "how": "acknowledged in writing"},
    "NewDispute": {
        "ground": "already_paid",
        "said": "paid in cash at the branch in January",
        "evidence": "a receipt of 12 January, photographed",
        "amount_minor": 20_000,
    },
    "HoldAnswer": {
        "outcome": "partly",
        "answered_on": "2026-03-02",
        "reason": "the payment of 12 January was found and booked; the rest is owed",
        "evidence": "the statement of the branch for January",
    },
    "HoldEnd": {"until": "2026-03-31", "reason": "the documents are expected by then"},
    "NewLimitationTerms": {
        "starts_on": "2026-02-27",
        "how": "the last instalment under clause 4",
    },
    "NewLimitationAct": {
        "act": "demand",
        "on": "2026-03-02",
        "has": ["arrived", "in_writing"],
        "evidence": "the returned slip of a registered letter",
    },
    "NewBureauReport": {"bureau": "fictional-bureau"},
    "NewPromise": {"currency": "CNY", "amount_minor": 20_000, "due_on": "2026-03-20"},
    "NewAssessment": {
        "currency": "CNY",
        "assessed_on": "2026-03-02",
        "income": [{"name": "wages", "amount_minor": 620_000}],
        "expenses": [
            {"name": "rent", "amount_minor": 210_000},
            {"name": "food", "amount_minor": 45_000, "every": "week"},
            {"name": "streaming", "amount_minor": 3_000, "protected": False},
        ],
        "reserve_percent": "10",
        "evidence": "filled in together on the phone; pay slip of February seen",
    },
    "TwoPlans": {
        "a": {
            "kind": "instalments",
            "currency": "CNY",
            "expires_on": "2026-03-16",
            "terms": {"schedule": "equal_parts", "count": 6, "first_on": "2026-03-31"},
        },
        "b": {
            "kind": "instalments",
            "currency": "CNY",
            "expires_on": "2026-03-16",
            "terms": {
                "schedule": "annuity",
                "count": 12,
                "percent": "6",
                "first_on": "2026-03-31",
                "every": "last_day",
                "roll": "following",
            },
            "early_payment": "shorten_term",
        },
    },
    "NewPlan": {
        "kind": "instalments",
        "currency": "CNY",
        "expires_on": "2026-03-16",
        "count": 6,
        "first_due_on": "2026-03-31",
    },
    "Acceptance": {"evidence": "agreed on the phone, recording 2026-03-02/17"},
    "Decline": {"reason": "cannot pay anything before April"},
    "NewPayment": {
        "payment_id": "bank-2026-000123",
        "currency": "CNY",
        "amount_minor": 10_000,
        "value_on": "2026-03-02",
    },
    "EntryMatch": {"case_id": "00000000-0000-0000-0000-000000000001"},
    "Dismissal": {"why": "not_a_payment"},
    "OverpaymentUse": {"reason": "the debtor agreed by letter"},
    "NewRefund": {
        "refund_id": "refund-2026-000123",
        "currency": "CNY",
        "amount_minor": 5_000,
        "refunded_on": "2026-03-02",
        "evidence": "transfer of 2 March, statement line 7",
    },
    "NewHold": {"kind": "dispute", "authority": "the debtor disputes the balance"},
    "NewReferral": {"grounds": "no answer to three offers of a plan"},
    "Approval": {"adapter": "cn-court"},
    "NewOutcome": {"outcome": "accepted", "occurred_on": "2026-03-02"},
}
"""By the name of the body's class."""
