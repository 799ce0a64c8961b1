"""The running account of some debts: everything that happened to them, taken on its value date.

A payment that is learned of late, or goes back, is one entry more or less: worked out again, all
figures are as if it had been known in time. The order in which things were booked changes nothing.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from itertools import pairwise
from typing import Final

import msgspec

from duecourse.money.account_debt import RunningDebt
from duecourse.money.account_terms import (
    Account,
    AccountDebt,
    AccountEntry,
    AccountResult,
    Change,
    DebtResult,
    Deposit,
    DepositResult,
    What,
)
from duecourse.money.account_terms import AccountPosting as Posting
from duecourse.money.allocation import pour
from duecourse.money.amounts import Buckets
from duecourse.money.figures import Heads
from duecourse.money.legal_orders import HEADS, within_order
from duecourse.money.waterfall import (
    SLOTS_PROFILE,
    AllocationRequest,
    OwedDebt,
    allocate_payment,
)

_TURN: Final[dict[str, int]] = {"charge": 0, "adjustment": 1, "waiver": 0}


def run_account(account: Account, through: date, last: date | None = None) -> AccountResult:
    """What is owed once interest has run up to, not including, `through`.

    What happened after the day `last` is left out; without it everything counts. Raises Refused
    for terms that cannot be worked with.
    """
    run = _Run(account, through, date.max if last is None else last)
    run.go()
    return run.result()


class _Held(msgspec.Struct):
    """A deposit on its way: what of it went where, and what is left."""

    deposit: Deposit
    left: int
    parts: dict[str, Buckets]
    before: dict[str, Buckets] = {}


class _Run:
    def __init__(self, account: Account, through: date, last: date) -> None:
        self._account = account
        self._through = through
        self._debts = {each.debt_id: RunningDebt(each) for each in account.debts}
        self._deposits: dict[date, list[_Held]] = {}
        self._held: list[_Held] = []
        self._entries: dict[date, list[AccountEntry]] = {}
        for deposit in sorted(account.deposits, key=_turn):
            if deposit.on <= last:
                held = _Held(deposit, deposit.amount_minor, {})
                self._deposits.setdefault(deposit.on, []).append(held)
        for entry in sorted(account.entries, key=lambda x: (_TURN[x.kind], x.entry_id)):
            if entry.on <= last:
                self._entries.setdefault(entry.on, []).append(entry)
        self._postings: list[Posting] = []
        self._waived: dict[str, Buckets] = {}
        self._charged: dict[str, Buckets] = {}

    def go(self) -> None:
        days = self._days()
        for start, end in pairwise([days[0], *days]):
            for debt in self._debts.values():
                debt.accrue(start, min(end, self._through))
                self._note(end, "interest", "", debt, debt.book())
            self._happen(end)

    def _days(self) -> list[date]:
        """Those on which anything turns. Interest stops at `through`; what comes later still counts."""
        days = {self._through, *self._deposits, *self._entries}
        for debt in self._debts.values():
            days.update(debt.turning_days(self._through))
        if any(self._deposits.values()):
            first = min(self._deposits)
            opens = (day for each in self._account.deposits for day in each.opens.values())
            days.update(day for day in opens if day is not None and day > first)
        return sorted(days)

    # --- what happens on a day -----------------------------------------------------------------

    def _happen(self, day: date) -> None:
        """Charges and corrections come before the payments of a day, waivers after them."""
        for debt in self._debts.values() if day <= self._through else ():
            self._note(day, "release", "", debt, debt.release(day))
        entries = self._entries.get(day, [])
        for entry in entries:
            if entry.kind != "waiver":
                self._change(day, entry)
        for held in self._deposits.get(day, []):
            held.before = {key: debt.owed for key, debt in self._debts.items()}
            self._put(day, held)
            self._held.append(held)
        self._sweep(day)
        for entry in entries:
            if entry.kind == "waiver":
                self._forgive(day, entry)
        for debt in self._debts.values():
            self._note(day, "compounding", "", debt, debt.compound(day))

    def _change(self, day: date, entry: AccountEntry) -> None:
        debt = self._debts[entry.debt_id]
        change = Change()
        excess = 0
        for head in HEADS:
            wanted = getattr(entry.change, head)
            if wanted > 0:
                change = change.plus(head, debt.charge(day, head, wanted, capped=entry.capped))
            elif wanted < 0:
                taken = debt.lower(head, -wanted)
                change = change.plus(head, -taken)
                excess += -wanted - taken
        self._note(day, entry.kind, entry.entry_id, debt, change)
        self._charged[entry.entry_id] = change.raised()
        if excess:
            self._give_back(day, debt, excess)

    def _give_back(self, day: date, debt: RunningDebt, excess: int) -> None:
        """What was paid of something that was not owed is the payer's again, the latest first."""
        taken = debt.lower_any(excess)
        self._note(day, "adjustment", "", debt, taken)
        excess += taken.total
        for held in reversed(self._held):
            part = held.parts.get(debt.debt_id)
            if part is None or not excess:
                continue
            back = pour(excess, part, HEADS)
            held.parts[debt.debt_id] = part - back
            held.left += back.total
            excess -= back.total

    def _forgive(self, day: date, entry: AccountEntry) -> None:
        """As much as was said, of whatever is owed: first of the heads that it was said of."""
        debt = self._debts[entry.debt_id]
        said = entry.change.raised()
        heads = {head: min(getattr(said, head), getattr(debt.owed, head)) for head in HEADS}
        waived = Buckets(**heads)
        waived += pour(said.total - waived.total, debt.owed - waived, HEADS)
        debt.take_off(waived)
        self._waived[entry.entry_id] = waived
        self._note(day, entry.kind, entry.entry_id, debt, Change.less(waived))

    # --- payments ------------------------------------------------------------------------------

    def _sweep(self, day: date) -> None:
        """What is held pays what has come to be owed, the earlier deposit first."""
        for held in self._held:
            if held.left:
                self._put(day, held)

    def _put(self, day: date, held: _Held) -> None:
        debts = [
            debt
            for debt in self._debts.values()
            if held.left and debt.owed.total and _is_open(held.deposit, debt.debt_id, day)
        ]
        if not debts:
            return
        for key, part in self._parts(day, held, debts).items():
            debt = self._debts[key]
            debt.take_off(part)
            held.left -= part.total
            held.parts[key] = held.parts.get(key, Buckets()) + part
            self._note(day, "payment", held.deposit.payment_id, debt, Change.less(part))

    def _parts(self, day: date, held: _Held, debts: list[RunningDebt]) -> Mapping[str, Buckets]:
        deposit = held.deposit
        if len(debts) == 1 and deposit.profile != SLOTS_PROFILE:
            only = debts[0]
            order = within_order(deposit.within.get(only.debt_id) or deposit.profile)
            if only.spec.secured_on_land and order.on_land:
                order = within_order(order.on_land)
            return {only.debt_id: pour(held.left, only.owed, order.order)}
        owing = [(debt.spec, debt.owed) for debt in debts]
        currency = self._account.currency
        found = allocate_payment(allocation_request(deposit, held.left, day, owing, currency))
        return {part.debt_id: part.paid for part in found.parts if part.paid.total}

    # --- what came of it -----------------------------------------------------------------------

    def _note(self, day: date, what: What, ref: str, debt: RunningDebt, change: Change) -> None:
        if change == Change() and what in {"interest", "release", "compounding", "adjustment"}:
            return
        self._postings.append(
            Posting(
                on=day,
                what=what,
                ref=ref,
                debt_id=debt.debt_id,
                change=change,
                owed=debt.owed,
                capped=debt.capped(),
            )
        )

    def result(self) -> AccountResult:
        return AccountResult(
            through=self._through,
            debts={key: _debt_result(debt, self._through) for key, debt in self._debts.items()},
            deposits={
                held.deposit.payment_id: DepositResult(
                    parts={key: part for key, part in held.parts.items() if part.total},
                    unallocated_minor=held.left,
                    before=held.before,
                )
                for held in self._held
            },
            waived=self._waived,
            charged=self._charged,
            postings=tuple(self._postings),
        )


def _turn(deposit: Deposit) -> tuple[date, bool, str]:
    """On one day the directed ones first, then by name: not by who was booked first."""
    return deposit.on, not deposit.designated, deposit.payment_id


def _is_open(deposit: Deposit, debt_id: str, day: date) -> bool:
    opens = deposit.opens.get(debt_id, date.min)
    return opens is not None and opens <= day


def _debt_result(debt: RunningDebt, through: date) -> DebtResult:
    return DebtResult(
        owed=debt.owed,
        accrued=debt.accrued,
        frozen=debt.frozen(),
        not_accrued=debt.not_accrued(),
        capped=debt.capped(),
        cap=debt.cap_name,
        citation=debt.cap_citation,
        per_diem=debt.per_diem(through),
        running=debt,
    )


def allocation_request(
    deposit: Deposit,
    amount: int,
    day: date,
    owing: Iterable[tuple[AccountDebt, Buckets]],
    currency: str,
) -> AllocationRequest:
    """What the calculator is asked: these debts, and what is owed of each on the day."""
    return AllocationRequest(
        currency=currency,
        amount_minor=amount,
        as_of=day,
        profile=deposit.profile,
        across=deposit.across,
        slots=deposit.slots,
        future=deposit.future,
        debts=tuple(_owed(deposit, spec, owed) for spec, owed in owing),
    )


def _owed(deposit: Deposit, spec: AccountDebt, owed: Buckets) -> OwedDebt:
    return OwedDebt(
        debt_id=spec.debt_id,
        outstanding=Heads(**msgspec.structs.asdict(owed)),
        due_on=spec.due_on,
        arose_on=spec.arose_on,
        secured_minor=spec.secured_minor,
        burden_percent=spec.burden_percent,
        debtor_choice=int(deposit.designated == spec.debt_id),
        secured_on_land=spec.secured_on_land,
        within=deposit.within.get(spec.debt_id, ""),
    )
