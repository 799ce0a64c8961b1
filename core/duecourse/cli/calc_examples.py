"""One input of each calculator: shown by `--help`, and worked out by a test."""

from typing import Final

ALLOCATE: Final = """{
  "currency": "CNY", "amount_minor": 100000,
  "as_of": "2026-03-02", "profile": "cn-561",
  "debts": [
    {"debt_id": "A-1", "due_on": "2026-01-15",
     "outstanding":
       {"costs": 12000, "interest": 30000, "principal": 500000}}
  ],
  "counterfactual": ["de-497"]
}"""

SCHEDULE: Final = """{
  "ask": "plan", "currency": "CNY", "kind": "annuity",
  "principal_minor": 1200000, "percent": "12", "count": 12,
  "starts_on": "2026-01-31", "first_on": "2026-02-28", "day_of_month": 31,
  "calendar": {"roll": "modified_following"}
}"""

INTEREST: Final = """{
  "currency": "CNY", "opening": {"principal": 1000000},
  "start": "2026-01-01", "end": "2026-07-01",
  "accruals": [{"rates": [{"since": "2026-01-01", "percent": "12"}]}],
  "entries": [
    {"on": "2026-03-01", "kind": "payment", "amount_minor": 100000}
  ],
  "freezes": [
    {"start": "2026-04-01", "end": "2026-05-01", "authority": "hardship"}
  ]
}"""

CAP: Final = """{
  "currency": "CNY", "jurisdiction": "CN", "licence": "none",
  "contract_on": "2025-06-01",
  "periods": [
    {"start": "2025-06-01", "end": "2026-06-01", "balance_minor": 10000000}
  ],
  "charged": {"interest": 2400000, "penalty": 100000}
}"""

LIMITATION: Final = """{
  "law": "cn", "starts_on": "2023-05-10", "as_of": "2026-03-01",
  "events": [
    {"on": "2024-01-05", "act": "demand", "has": ["arrived"],
     "evidence": ["sms:1"]}
  ],
  "proposed": {"on": "2026-03-02", "act": "part_payment"}
}"""
