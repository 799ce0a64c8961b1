"""How many payments of a bank's file are posted in a second, with the database on the same core.

python -m bench.bank_import DSN [--payments N] [--per-case N] [--followed] [--any-core]

A camt.053 statement, each entry with the account of a debt as its creditor reference, and with more
cases than are kept in memory. The file is read through, and each payment matched, posted and
allocated; `followed` counts until the views know of it, too. This process and the server's share
one core, unless told otherwise.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from bench import children, servers
from bench.closed_loop import peak_mb, report, wait_for_start
from bench.contender import Contender, Sample
from bench.engine import COLLECTOR, MASTER_KEY
from duecourse.case import commands as c
from duecourse.case.context import Actor, Context
from duecourse.chance import new_id
from duecourse.cycles import look_for_cycles_rarely
from duecourse.flow.projector import Projector
from duecourse.intake.bank import import_bank
from duecourse.intake.posting import Bank
from duecourse.rules.gate import load_rulebook
from duecourse.rules.treatment import load_treatment
from duecourse.store.addresses import Addresses
from duecourse.store.database import Database
from duecourse.store.engine import Engine, Request
from duecourse.store.migrate import migrate
from duecourse.store.runner import Runner
from duecourse.store.timers import Timers
from duecourse.store.vault import Vault
from duecourse.testing import NOON
from duecourse.testing.sample import DEBTOR, POINTS, debt

_PAYMENTS: Final = 30_000
_PER_CASE: Final = 1
_AT_ONCE: Final = 1_000
_CLERK: Final = Actor("clerk-1", "operator")
_HEAD: Final = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
<GrpHdr><MsgId>BENCH</MsgId></GrpHdr><Stmt><Id>BENCH-1</Id>
<Acct><Id><IBAN>DE02120300000000202051</IBAN></Id><Ccy>CNY</Ccy></Acct>
"""
_ENTRY: Final = """<Ntry><Amt Ccy="CNY">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>
<BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{day}</Dt></ValDt><AcctSvcrRef>REF-{number}</AcctSvcrRef>
<NtryDtls><TxDtls><Refs><EndToEndId>E2E-{number}</EndToEndId></Refs><Amt Ccy="CNY">{amount}</Amt>
<RltdPties><Dbtr><Pty><Nm>Sample Testperson</Nm></Pty></Dbtr></RltdPties>
<RmtInf><Strd><CdtrRefInf><Tp><CdOrPrtry><Cd>SCOR</Cd></CdOrPrtry></Tp><Ref>{account}</Ref>
</CdtrRefInf></Strd></RmtInf></TxDtls></NtryDtls></Ntry>
"""
_TAIL: Final = "</Stmt></BkToCstmrStmt></Document>\n"


def contenders(server: servers.Server) -> Iterator[Contender]:
    for key, how in (("bank import", ()), ("bank import followed", ("--followed",))):
        yield Contender(key=key, part="bank import", run=partial(_run, server, how))


def _run(server: servers.Server, how: Sequence[str], seconds: float) -> Sample:
    dsn = server.dsn(server.create(f"bank_{new_id().hex}"))
    migrate(dsn)
    return children.run([children.module("bench.bank_import", dsn, *how)], seconds + 180)


class Desk:
    """A house with a case for every few payments."""

    def __init__(self, dsn: str) -> None:
        rules, treatment = load_rulebook(), load_treatment()

        def context_for(actor: Actor, at: datetime) -> Context:
            return Context(at=at, actor=actor, rules=rules, treatment=treatment)

        self.database = Database(dsn, application_name="duecourse-bench")
        vault = Vault(self.database, MASTER_KEY)
        self.engine = Engine(self.database, vault, context_for=context_for, clock=lambda: NOON)
        projector = Projector(
            self.engine, Timers(self.database), Addresses(self.database, vault), treatment
        )
        self.runner = Runner(self.database, self.engine, [projector])
        self.bank = Bank(self.engine, self.database, vault)
        self._vault = vault

    def open(self, accounts: list[str]) -> None:
        for first in range(0, len(accounts), _AT_ONCE):
            requests = [
                Request(
                    self._vault.pseudonym("case", account),
                    self._opening(account),
                    new_id(),
                    COLLECTOR,
                    "bench",
                )
                for account in accounts[first : first + _AT_ONCE]
            ]
            assert all(getattr(each, "events", ()) for each in self.engine.execute_batch(requests))
        self.runner.catch_up()

    def _opening(self, account: str) -> c.OpenCase:
        owed = debt(self._vault.pseudonym("debt", account), 10_000_00)
        return c.OpenCase(
            creditor="fictional-bank",
            creditor_name="Fictional Bank",
            subject_id=new_id(),
            borrower_ref=f"B-{account}",
            debtor=DEBTOR,
            contact_points=tuple(POINTS[:1]),
            debts=(replace(owed, account=account),),
        )

    def close(self) -> None:
        self.engine.close()
        self.database.close()


def write_file(path: Path, accounts: list[str], payments: int) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.write(_HEAD)
        for number in range(payments):
            day = date(2026, 2, 1) + timedelta(days=number % 28)
            stream.write(
                _ENTRY.format(
                    number=number,
                    day=day,
                    amount=f"{10 + number % 90}.{number % 100:02}",
                    account=accounts[number % len(accounts)],
                )
            )
        stream.write(_TAIL)


def pin(database: Database) -> None:
    """Let this process and those of the server, also the ones to come, have one core together."""
    core = {max(os.sched_getaffinity(0))}
    with database.connection() as connection:
        pids = {pid for (pid,) in connection.execute("SELECT pid FROM pg_stat_activity")}
    for pid in {0, *pids, *map(_parent, pids)}:
        os.sched_setaffinity(pid, core)


def _parent(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(each.split()[1]) for each in lines if each.startswith("PPid"))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.bank_import")
    parser.add_argument("dsn")
    parser.add_argument("--payments", type=int, default=_PAYMENTS)
    parser.add_argument("--per-case", type=int, default=_PER_CASE)
    parser.add_argument("--followed", action="store_true")
    parser.add_argument("--any-core", action="store_true")
    asked = parser.parse_args()
    accounts = [f"LOAN-{number:07}" for number in range(-(-asked.payments // asked.per_case))]
    desk = Desk(asked.dsn)
    desk.open(accounts)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "statement.xml"
        write_file(path, accounts, asked.payments)
        if not asked.any_core:
            pin(desk.database)
        look_for_cycles_rarely()
        wait_for_start()
        began, spent = time.perf_counter(), time.process_time()
        done = import_bank(path, desk.bank, _CLERK, errors_path=Path(folder) / "errors.csv")
        if asked.followed:
            desk.runner.catch_up()
        seconds, spent = time.perf_counter() - began, time.process_time() - spent
    assert done.fate("posted").count == asked.payments, "each fits its debt"
    report(
        {
            "per_second": asked.payments / seconds,
            "cpu_ms": 1000 * spent / asked.payments,
            "peak_mb": peak_mb(),
        }
    )
    desk.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
