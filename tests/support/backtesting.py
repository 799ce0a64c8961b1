"""What back-tests are tried on: packs, an office with an empty past, and what happens there."""

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from office import RULES, Office

from duecourse.case import commands as c
from duecourse.flow.backtest import Backtest, Question
from duecourse.rules.backtest import Report
from duecourse.rules.gate import RuleBook
from duecourse.rules.pack import load_pack
from duecourse.store.histories import histories_of

PACKS = {pack.name: pack for pack in RULES.packs}
DAY = timedelta(days=1)

CAP = """
name = "cap"
version = "1"
title = "A cap of one"
jurisdiction = "CN"
time_zone = "Asia/Shanghai"
effective_from = {since}

[[rules]]
id = "one_a_week"
kind = "max_contacts"
says = "One contact in seven days is enough."
citation = "Sample Act section 1"
confidence = "A"
effective_from = {since}
counts = ["message", "conversation"]
window = "rolling_days"
days = 7
limit = 1
vectors = [
  {{ at = 2026-12-12T12:00:00, expect = "allow" }},
  {{ at = 2026-12-12T12:00:00, past = [{{ at = 2026-12-11T12:00:00 }}], expect = "block" }},
]
"""


def cap_of_one(folder: Path, since: str = "2025-01-01") -> RuleBook:
    """The core and a cap of one contact in seven days, in force from a day on."""
    file = folder / "cap.toml"
    file.write_text(CAP.format(since=since), "utf-8")
    return RuleBook((PACKS["core"], load_pack(file)))


def book(*names: str) -> RuleBook:
    return RuleBook(tuple(PACKS[name] for name in ("core", *names)))


def replayed(office: Office, question: Question) -> Report:
    with histories_of(office.engine.log) as histories:
        return Backtest(question).run(histories.read())


def ask_for(office: Office, case_id: UUID, channel: str = "sms", **fields: Any) -> UUID:
    contact_id = uuid.uuid4()
    command = c.RequestContact(
        contact_id=contact_id, channel=channel, template="reminder-first", **fields
    )
    office.ask(case_id, command)
    return contact_id


def dispatch(office: Office, case_id: UUID, contact_id: UUID) -> None:
    office.ask(case_id, c.StartDispatch(contact_id=contact_id, plugin="p", body_sha256="0"))


def forget_all(dsn: str) -> None:
    """Empty the log, which only an owner can and nobody may."""
    with psycopg.connect(dsn) as owner:
        owner.execute("ALTER TABLE case_events DISABLE TRIGGER case_events_append_only")
        owner.execute("DELETE FROM case_events")
        owner.execute("ALTER TABLE case_events ENABLE ALWAYS TRIGGER case_events_append_only")
