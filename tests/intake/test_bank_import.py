"""Bank files into the real store: what is sure is posted once, the rest waits for a person."""

import csv
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from uuid import UUID, uuid4

import pytest
from bank_files import OTHER_PAYER, PAYER, detail, entry, file, statement, tag
from msgspec.structs import replace

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import Actor, Context
from duecourse.case.errors import Contradiction, Invalid, Unknown
from duecourse.case.state import Case
from duecourse.flow.facts import reference_of
from duecourse.flow.projector import Projector
from duecourse.intake.bank import import_bank
from duecourse.intake.bank_decisions import TWICE
from duecourse.intake.bank_report import BankReport
from duecourse.intake.posting import Bank, Choice, match_by_person, payment_id_of
from duecourse.money.amounts import Buckets
from duecourse.rules.gate import load_rulebook
from duecourse.rules.treatment import load_treatment
from duecourse.store.addresses import Addresses
from duecourse.store.bank_entries import BankEntries, Remitter, Waiting
from duecourse.store.database import Database
from duecourse.store.engine import Engine, Request
from duecourse.store.runner import Runner
from duecourse.store.timers import Timers
from duecourse.store.vault import Vault

pytestmark = pytest.mark.postgres
NOON = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
CLERK = Actor("clerk-1", "operator")


class Dying:
    """The store, up to where it should say that a decision was carried out."""

    def __init__(self, real: BankEntries) -> None:
        self._real = real

    def __getattr__(self, name: str) -> object:
        if name == "posted":
            raise ConnectionError("the store is gone")
        return getattr(self._real, name)


class Desk:
    """A house with cases to pay into, and somebody who imports files."""

    def __init__(self, database: Database, folder: Path) -> None:
        rules, treatment = load_rulebook(), load_treatment()

        def context_for(actor: Actor, at: datetime) -> Context:
            return Context(at=at, actor=actor, rules=rules, treatment=treatment)

        self.database = database
        self.vault = Vault(database, bytes(range(32)))
        self.engine = Engine(database, self.vault, context_for=context_for, clock=lambda: NOON)
        self.bank = Bank(self.engine, database, self.vault)
        addresses = Addresses(database, self.vault)
        projector = Projector(self.engine, Timers(database), addresses, treatment)
        self._runner = Runner(database, self.engine, [projector])
        self.folder = folder

    def case(self, owed: int = 100_00, account: str = "", borrower: str = "", **of: UUID) -> UUID:
        number = uuid4().hex[:10].upper()
        case_id = of.get("case_id") or self.vault.pseudonym("case", number)
        debt = e.Debt(
            debt_id=self.vault.pseudonym("debt", number),
            account=account or f"LOAN-{number}",
            product="loan",
            currency="EUR",
            balance=Buckets(principal=owed),
            due_on=date(2026, 1, 5),
        )
        command = c.OpenCase(
            creditor="fictional-bank",
            creditor_name="Fictional Bank",
            subject_id=uuid4(),
            borrower_ref=borrower or f"B-{number}",
            debtor=e.Debtor(name="Sample Testperson", language="en"),
            contact_points=(),
            debts=(debt,),
        )
        self.ask(case_id, command)
        return case_id

    def ask(self, case_id: UUID, command: c.Command) -> None:
        self.engine.execute_sync(Request(case_id, command, uuid4(), CLERK))

    def state(self, case_id: UUID) -> Case:
        return self.engine.load(case_id).case

    def bring(self, data: bytes, name: str = "statement.xml", actor: Actor = CLERK) -> BankReport:
        self._runner.catch_up()
        path = self.folder / name
        path.write_bytes(data)
        return import_bank(path, self.bank, actor, errors_path=self.folder / "errors.csv")

    def pay(self, *entries: str, **of: str) -> BankReport:
        """Bring the entries in a statement of their own."""
        return self.bring(file(statement(*entries, number=of.get("number", uuid4().hex))))

    def problems(self) -> list[dict[str, str]]:
        with (self.folder / "errors.csv").open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    def queue(self) -> list[Waiting]:
        return self.bank.entries.waiting(200)

    def paid(self, case_id: UUID) -> list[int]:
        """What was paid into a case and is still there."""
        return [x.amount_minor for x in self.state(case_id).payments.values() if not x.reversed]


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Iterator[Desk]:
    with database.connection() as connection:
        connection.execute("UPDATE bank_entries SET state = 'set_aside' WHERE state = 'unmatched'")
    made = Desk(database, tmp_path)
    yield made
    made.engine.close()


def account_of(desk: Desk, case_id: UUID) -> str:
    (debt,) = desk.state(case_id).debts.values()
    return debt.debt.account


def entry_of(desk: Desk) -> UUID:
    """The entry that came last."""
    rows = desk.database.run(
        lambda it: it.execute(
            "SELECT entry_id FROM bank_entries ORDER BY received_at DESC LIMIT 1"
        ).fetchall()
    )
    return UUID(str(rows[0][0]))


def ref() -> str:
    return f"REF{uuid4().hex[:12].upper()}"


def rf(body: str) -> str:
    """An RF reference with its check digits (ISO 11649)."""
    digits = "".join(str(int(each, 36)) for each in f"{body}RF00")
    return f"RF{98 - int(digits) % 97:02}{body}"


# --- the rules ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quote", "rule"),
    [
        (lambda case, account: {"structured": rf(case)}, "structured_reference"),
        (lambda case, account: {"structured": account}, "structured_reference"),
        (lambda case, account: {"text": f"Ref: {case.lower()}, thanks"}, "case_reference"),
        (lambda case, account: {"text": [f"{case[:5]}", f"{case[5:]}"]}, "case_reference"),
        (lambda case, account: {"text": f"loan{account[4:]}"}, "account_number"),
        (lambda case, account: {"text": account.replace("-", " ")}, "account_number"),
        (lambda case, account: {"e2e": case}, "case_reference"),
        (lambda case, account: {"text": rf(case)}, "case_reference"),
    ],
)
def test_a_reference_finds_its_case_however_it_is_written(
    desk: Desk, quote: Callable[[str, str], dict[str, str]], rule: str
) -> None:
    # With a letter in it, as eight digits alone may be chance.
    case_id = desk.case(case_id=UUID(hex=uuid4().hex[:31] + "a"), account=f"LOAN-{ref()}")
    quoted = quote(reference_of(case_id), account_of(desk, case_id))
    report = desk.pay(entry(30_00, detail(30_00, **quoted), ref=ref()))
    assert report.rules == {rule: 1}, report.reasons
    assert desk.paid(case_id) == [30_00]


def test_the_borrowers_reference_finds_the_case(desk: Desk) -> None:
    case_id = desk.case(borrower="KD-7731-X")
    report = desk.pay(entry(5_00, detail(5_00, text="KD 7731 X"), ref=ref()))
    assert report.rules == {"borrower_reference": 1}
    assert desk.paid(case_id) == [5_00]


def test_an_account_that_is_named_is_the_debtors_own_direction(desk: Desk) -> None:
    case_id = desk.case()
    newer = e.Debt(
        debt_id=uuid4(),
        account=f"CARD-{ref()}",
        product="card",
        currency="EUR",
        balance=Buckets(principal=50_00),
        due_on=date(2026, 2, 20),
    )
    desk.ask(case_id, c.PlaceDebt(debt=newer))
    desk.pay(entry(20_00, detail(20_00, text=newer.account), ref=ref()))
    assert desk.state(case_id).debts[newer.debt_id].outstanding.total == 30_00


def test_a_reference_with_wrong_check_digits_is_none(desk: Desk) -> None:
    case_id = desk.case()
    right = rf(reference_of(case_id))
    wrong = f"RF{(int(right[2:4]) % 97) + 1:02}{right[4:]}"
    report = desk.pay(entry(1_00, detail(1_00, structured=wrong), ref=ref()))
    assert report.fate("unmatched").count == 1
    assert desk.paid(case_id) == []


def test_two_cases_named_is_for_a_person_to_decide(desk: Desk) -> None:
    cases = [desk.case(), desk.case()]
    text = " and ".join(account_of(desk, each) for each in cases)
    report = desk.pay(entry(1_00, detail(1_00, text=text), ref=ref()))
    assert report.reasons == {"it names 2 cases": 1}
    assert desk.queue()[0].candidates == tuple(sorted(cases))


def test_two_cases_named_and_one_paid_by_this_account_before_is_that_one(desk: Desk) -> None:
    mine, other = desk.case(), desk.case()
    payer = "GB33BUKB20201555555555"
    desk.pay(entry(1_00, detail(1_00, text=account_of(desk, mine), payer=payer), ref=ref()))
    both = f"{account_of(desk, other)} {account_of(desk, mine)}"
    report = desk.pay(entry(2_00, detail(2_00, text=both, payer=payer), ref=ref()))
    assert report.rules == {"reference_and_payer": 1}
    assert (desk.paid(mine), desk.paid(other)) == ([1_00, 2_00], [])


def test_a_known_payer_and_the_amount_that_is_expected_are_enough(desk: Desk) -> None:
    case_id = desk.case(owed=80_00)
    payer = "GB94BARC10201530093459"
    desk.pay(entry(30_00, detail(30_00, text=account_of(desk, case_id), payer=payer), ref=ref()))
    strange = desk.pay(entry(7_00, detail(7_00, text="hello", payer=payer), ref=ref()))
    assert strange.reasons == {"the payer is known, and no case expects this amount": 1}
    expected = desk.pay(entry(50_00, detail(50_00, text="hello", payer=payer), ref=ref()))
    assert expected.rules == {"payer_and_amount": 1}
    assert desk.paid(case_id) == [30_00, 50_00]


def test_an_amount_alone_never_decides(desk: Desk) -> None:
    desk.case(owed=123_45)
    report = desk.pay(entry(123_45, detail(123_45, payer="IE29AIBK93115212345678"), ref=ref()))
    assert report.reasons == {"nothing in it names a case": 1}


def test_a_short_number_alone_may_be_chance(desk: Desk) -> None:
    case_id = desk.case(owed=10_00, case_id=UUID(hex=uuid4().hex[:24] + "20260302"))
    found = desk.pay(entry(1_00, detail(1_00, text="Miete 20260302"), ref=ref()))
    assert found.fate("unmatched").count == 1
    assert desk.queue()[0].candidates == (case_id,)
    expected = desk.pay(entry(10_00, detail(10_00, text="20260302"), ref=ref()))
    assert expected.rules == {"case_reference": 1}
    assert desk.paid(case_id) == [10_00]


def test_more_than_is_owed_is_posted_and_held(desk: Desk) -> None:
    case_id = desk.case(owed=10_00)
    desk.pay(entry(12_00, detail(12_00, text=account_of(desk, case_id)), ref=ref()))
    (payment,) = desk.state(case_id).payments.values()
    assert (payment.unallocated_minor, desk.state(case_id).close_reason) == (2_00, "paid")


# --- the same again ------------------------------------------------------------------------------


def test_the_same_file_twice_makes_nothing_twice(desk: Desk) -> None:
    case_id = desk.case()
    same = detail(10_00, text=account_of(desk, case_id))
    data = file(
        statement(
            entry(10_00, same, ref=ref()),
            *[entry(10_00, same)] * 2,
            entry(3_00, detail(3_00, text="who knows")),
            number=ref(),
        )
    )
    first, second = desk.bring(data), desk.bring(data, actor=Actor("clerk-2", "operator"))
    assert (first.fate("posted").count, first.fate("unmatched").count) == (3, 1)
    assert (second.fate("unchanged").count, second.fate("unmatched").count) == (3, 1)
    assert (second.changes, second.changed) == (0, 0)
    assert desk.paid(case_id) == [10_00] * 3
    assert len(desk.queue()) == 1


def test_a_notification_and_the_statement_after_it_are_one_payment(desk: Desk) -> None:
    case_id = desk.case()
    named = entry(10_00, detail(10_00, text=account_of(desk, case_id)), ref=ref())
    unnamed = entry(11_00, detail(11_00, text=account_of(desk, case_id)))
    desk.bring(file(statement(named, unnamed, number="N-1"), message="054"))
    second = desk.bring(file(statement(named, unnamed, number="S-9"), message="053"))
    assert second.fate("unchanged").count == 2
    assert desk.paid(case_id) == [10_00, 11_00]


def test_what_looks_like_an_entry_of_another_statement_waits_for_a_person(desk: Desk) -> None:
    case_id = desk.case()
    same = entry(10_00, detail(10_00, text=account_of(desk, case_id)))
    desk.pay(same, number="S-A")
    again = desk.pay(same, number="S-B")
    assert list(again.reasons) == ["it is like an entry of another statement, and may be the same"]
    assert desk.paid(case_id) == [10_00]
    assert desk.queue()[-1].candidates == (case_id,)
    assert desk.pay(same, number="S-B").fate("unmatched").count == 1
    assert len(desk.queue()) == 1


def test_an_entry_that_its_statement_has_twice_waits_the_second_time(desk: Desk) -> None:
    """One reference of the bank and the same words: one movement told twice, or two of them."""
    case_id, name = desk.case(), ref()
    said = detail(10_00, text=account_of(desk, case_id))
    other = entry(12_00, detail(12_00, text=account_of(desk, case_id)), ref=name)
    pay = partial(desk.pay, *[entry(10_00, said, ref=name)] * 2, other, number=ref())
    report = pay()
    assert (report.fate("posted").count, report.fate("unmatched").count) == (2, 1)
    assert list(report.reasons) == [TWICE]
    assert sorted(desk.paid(case_id)) == [10_00, 12_00]
    assert pay().fate("unmatched").count == 1
    assert sorted(desk.paid(case_id)) == [10_00, 12_00]


def test_equal_details_that_add_up_to_their_entry_are_two_payments(desk: Desk) -> None:
    case_id = desk.case()
    same = detail(10_00, text=account_of(desk, case_id))
    assert desk.pay(entry(20_00, same, same, ref=ref())).fate("posted").count == 2
    assert desk.paid(case_id) == [10_00, 10_00]


def test_a_statement_that_is_in_the_file_twice_counts_once(desk: Desk) -> None:
    case_id = desk.case()
    one = statement(
        entry(10_00, detail(10_00, text=account_of(desk, case_id)), ref=ref()), number=ref()
    )
    report = desk.bring(file(one, one))
    assert (report.fate("posted").count, report.fate("unchanged").count) == (1, 1)
    assert desk.paid(case_id) == [10_00]


def test_a_corrected_file_says_what_changed(desk: Desk) -> None:
    case_id, name, number = desk.case(), ref(), ref()
    said = detail(10_00, text=account_of(desk, case_id))
    gone = entry(4_00, detail(4_00, text=account_of(desk, case_id)), ref=ref())
    desk.pay(entry(10_00, said, ref=name), gone, number=number)
    report = desk.pay(entry(12_00, said, ref=name, value="2026-03-03"), number=number)
    words = [f"{x['field']}: {x['problem']}" for x in desk.problems()]
    assert words == [
        "Amt: was 10.00 EUR when it was imported before, and is 12.00 EUR now",
        "ValDt: was 2026-03-02 when it was imported before, and is 2026-03-03 now",
        (
            "Ntry: an entry of 4.00 EUR of 2026-03-02 was in this statement when it was imported"
            " before, and is not in it now"
        ),
    ]
    assert (report.changed, report.changes) == (2, 0)
    assert desk.paid(case_id) == [10_00, 4_00]


def test_an_import_that_died_before_it_was_told_is_taken_up(desk: Desk) -> None:
    """The decision stands, and is carried out as it was made, whatever would be decided today."""
    case_id = desk.case()
    data = file(statement(entry(10_00, detail(10_00, text=account_of(desk, case_id)), ref=ref())))
    real = desk.bank.entries
    desk.bank.entries = Dying(real)  # type: ignore[assignment]
    with pytest.raises(ConnectionError):
        desk.bring(data)
    desk.bank.entries = real
    desk.database.run(lambda it: it.execute("DELETE FROM payment_keys"))
    assert desk.bring(data).fate("unchanged").count == 1
    assert desk.paid(case_id) == [10_00]
    assert real.get([entry_of(desk)])[entry_of(desk)].state == "posted"


def test_what_a_dead_import_decided_is_carried_out_by_the_next_of_any_file(desk: Desk) -> None:
    case_id, real = desk.case(), desk.bank.entries
    paid = entry(10_00, detail(10_00, text=account_of(desk, case_id)), ref=ref())

    def dies(*_: object) -> None:
        raise ConnectionError("the store is gone")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(desk.engine, "execute_batch", dies)
        with pytest.raises(ConnectionError):
            desk.bring(file(statement(paid)))
    assert (desk.paid(case_id), real.get([entry_of(desk)])[entry_of(desk)].state) == ([], "posting")
    desk.bring(file(statement()))
    assert desk.paid(case_id) == [10_00]
    assert real.under_way(10) == []


def test_a_decision_stands_whoever_comes_with_another(desk: Desk) -> None:
    """As when two people import one file at once, and one of them had other cases at hand."""
    case_id = desk.case()
    desk.pay(entry(10_00, detail(10_00, text=account_of(desk, case_id)), ref=ref()))
    made = desk.bank.entries.get([entry_of(desk)])[entry_of(desk)]
    other = replace(made, state="unmatched", case_id=None, payment_id="", reason="no idea")
    held = desk.bank.entries.offer([(other, Remitter(text="who"))])
    assert held == {made.entry_id: made}
    assert desk.queue() == []


def test_a_match_that_died_half_way_is_carried_out_with_its_words(desk: Desk) -> None:
    case_id, waiting = desk.case(), one_waiting(desk)
    name = payment_id_of(waiting.entry_id)
    assert desk.bank.entries.claim(waiting.entry_id, case_id, None, name)
    outcome = match_by_person(desk.bank, CLERK, waiting.entry_id, Choice(case_id=case_id))
    (paid,) = [x for x in outcome.events if isinstance(x, e.PaymentRecorded)]
    assert paid.reference == "from Sample Testperson"


def test_what_waits_is_tried_again_with_the_next_import(desk: Desk) -> None:
    account = f"LATE-{ref()}"
    data = file(statement(entry(10_00, detail(10_00, text=account), ref=ref())))
    assert desk.bring(data).fate("unmatched").count == 1
    case_id = desk.case(account=account)
    assert desk.bring(data).rules == {"account_number": 1}
    assert (desk.paid(case_id), desk.queue()) == ([10_00], [])


# --- batches, and their details elsewhere --------------------------------------------------------


def test_a_batch_is_posted_detail_by_detail(desk: Desk) -> None:
    cases = [desk.case() for _ in range(3)]
    parts = [detail(5_00, text=account_of(desk, each)) for each in cases]
    report = desk.pay(entry(15_00, *parts, ref=ref()))
    assert report.fate("posted").count == 3
    assert [desk.paid(each) for each in cases] == [[5_00]] * 3


def test_a_batch_with_its_details_before_is_not_counted_again(desk: Desk) -> None:
    case_id, name = desk.case(), ref()
    parts = [detail(5_00, text=account_of(desk, case_id), e2e=x) for x in ("one", "two")]
    desk.bring(file(statement(entry(10_00, *parts, ref=name)), message="054"))
    report = desk.bring(file(statement(entry(10_00, ref=name))))
    assert report.fate("unchanged").count == 1
    other = desk.bring(file(statement(entry(11_00, ref=name), number="S-2")))
    assert list(other.reasons) == ["its details came before, and add up to another sum"]


def test_a_batch_whose_details_come_later_leaves_the_queue(desk: Desk) -> None:
    case_id, name = desk.case(), ref()
    desk.bring(file(statement(entry(10_00, ref=name))))
    assert len(desk.queue()) == 1
    parts = [detail(5_00, text=account_of(desk, case_id), e2e=x) for x in ("one", "two")]
    desk.bring(file(statement(entry(10_00, *parts, ref=name)), message="054"))
    assert (desk.queue(), desk.paid(case_id)) == ([], [5_00, 5_00])


# --- money that goes back --------------------------------------------------------------------------


def paid_by_debit(desk: Desk, minor: int = 10_00) -> tuple[UUID, str]:
    case_id, e2e = desk.case(), ref()
    desk.pay(entry(minor, detail(minor, text=account_of(desk, case_id), e2e=e2e), ref=ref()))
    return case_id, e2e


def test_a_return_takes_back_the_payment_of_its_end_to_end_id(desk: Desk) -> None:
    case_id, e2e = paid_by_debit(desk)
    back = entry(10_00, detail(10_00, e2e=e2e, returned="AC04"), ref=ref(), credit=False)
    report = desk.pay(back)
    assert report.rules == {"end_to_end_id": 1}
    assert (desk.paid(case_id), report.fate("reversed").minor) == ([], {"EUR": 10_00})
    last = desk.engine.history(case_id)[-1].event
    assert isinstance(last, e.PaymentReversed)
    assert last.reason == "the bank returned it: AC04"
    assert desk.state(case_id).outstanding("EUR").total == 100_00


def test_a_return_in_the_same_file_as_its_payment_is_found(desk: Desk) -> None:
    case_id, e2e = desk.case(), ref()
    came = entry(10_00, detail(10_00, text=account_of(desk, case_id), e2e=e2e), ref=ref())
    went = entry(10_00, detail(10_00, e2e=e2e), ref=ref(), credit=False, reversal=True)
    report = desk.pay(went, came)
    assert (report.fate("posted").count, report.fate("reversed").count) == (1, 1)
    assert desk.paid(case_id) == []


def test_a_return_with_charges_takes_back_what_had_come_in(desk: Desk) -> None:
    case_id, e2e = paid_by_debit(desk)
    back = detail(13_50, original=10_00, e2e=e2e, returned="MD06")
    report = desk.pay(entry(13_50, back, ref=ref(), credit=False))
    assert desk.paid(case_id) == []
    assert report.warnings == {"a return took charges besides what had come in": 1}


@pytest.mark.parametrize(
    ("back", "why"),
    [
        ({"minor": 4_00}, "a return of another amount than came in"),
        ({"minor": 10_00, "e2e": "NEVER-SEEN"}, "a return of what was never posted here"),
        ({"minor": 10_00, "e2e": "NOTPROVIDED"}, "a return without the end-to-end id"),
    ],
)
def test_a_return_that_fits_no_payment_waits(desk: Desk, back: dict[str, str], why: str) -> None:
    case_id, e2e = paid_by_debit(desk)
    asked = {"e2e": e2e} | back
    minor = int(asked.pop("minor"))
    report = desk.pay(
        entry(minor, detail(minor, returned="AC04", **asked), ref=ref(), credit=False)
    )
    assert next(iter(report.reasons)).startswith(why)
    assert desk.paid(case_id) == [10_00]


def test_one_payment_is_taken_back_once(desk: Desk) -> None:
    case_id, e2e = paid_by_debit(desk)
    desk.pay(entry(10_00, detail(10_00, text=account_of(desk, case_id), e2e=e2e), ref=ref()))
    back = detail(10_00, e2e=e2e, returned="AC04")
    both = desk.pay(*[entry(10_00, back, ref=ref(), credit=False)] * 1)
    assert list(both.reasons) == ["a return that fits several payments"]
    assert desk.paid(case_id) == [10_00, 10_00]


# --- the queue -----------------------------------------------------------------------------------


def one_waiting(desk: Desk, minor: int = 10_00, **of: object) -> Waiting:
    desk.pay(entry(minor, detail(minor, text="from Sample Testperson"), ref=ref(), **of))  # type: ignore[arg-type]
    return desk.queue()[-1]


def test_a_person_matches_what_waited_and_its_words_go_with_it(desk: Desk) -> None:
    case_id, waiting = desk.case(), one_waiting(desk)
    choice = Choice(case_id=case_id)
    outcome = match_by_person(desk.bank, CLERK, waiting.entry_id, choice)
    (paid,) = [x for x in outcome.events if isinstance(x, e.PaymentRecorded)]
    assert (paid.amount_minor, paid.reference) == (10_00, "from Sample Testperson")
    assert desk.queue() == []
    assert not match_by_person(desk.bank, CLERK, waiting.entry_id, choice).events
    assert desk.paid(case_id) == [10_00]
    rows = desk.database.run(
        lambda it: it.execute(
            "SELECT sealed FROM bank_entries WHERE entry_id = %s", (waiting.entry_id,)
        ).fetchall()
    )
    assert rows == [(None,)]


def test_money_of_a_day_to_come_waits_for_that_day(desk: Desk) -> None:
    account, number = f"SOON-{ref()}", uuid4().hex
    case_id = desk.case(account=account)
    soon = entry(1_000, detail(1_000, text=account), ref=ref(), value="2199-01-01")
    near = entry(500, detail(500, text=account), ref=ref(), value="2026-03-03")
    report = desk.pay(soon, near, number=number)
    assert (report.fate("posted").count, report.fate("unmatched").count) == (1, 1)
    assert desk.paid(case_id) == [500]
    (waiting,) = desk.queue()
    assert "value date is in the future" in waiting.reason
    with pytest.raises(Invalid) as refused:
        match_by_person(desk.bank, CLERK, waiting.entry_id, Choice(case_id=case_id))
    assert refused.value.field == "value_on"
    assert [x.entry_id for x in desk.queue()] == [waiting.entry_id]


def test_what_waited_for_its_day_is_posted_when_the_day_has_come(desk: Desk) -> None:
    account, number, own = f"SOON-{ref()}", uuid4().hex, ref()
    case_id = desk.case(account=account)
    soon = entry(1_000, detail(1_000, text=account), ref=own, value="2026-03-09")
    desk.pay(soon, number=number)
    assert desk.paid(case_id) == []
    desk.engine.clock = lambda: NOON + timedelta(days=8)
    desk.pay(soon, number=number)
    assert desk.paid(case_id) == [1_000]
    assert desk.queue() == []


def test_what_is_matched_is_not_matched_to_another_case(desk: Desk) -> None:
    first, second, waiting = desk.case(), desk.case(), one_waiting(desk)
    match_by_person(desk.bank, CLERK, waiting.entry_id, Choice(case_id=first))
    with pytest.raises(Contradiction):
        match_by_person(desk.bank, CLERK, waiting.entry_id, Choice(case_id=second))
    assert (desk.paid(first), desk.paid(second)) == ([10_00], [])


def test_a_choice_that_makes_no_sense_changes_nothing(desk: Desk) -> None:
    case_id, waiting = desk.case(), one_waiting(desk)
    choice = Choice(case_id=case_id)
    for wrong, error in (
        (replace(choice, debt_id=uuid4()), Unknown),
        (replace(choice, payment_id="p-1"), Invalid),
        (replace(choice, refund_id="r-1"), Invalid),
    ):
        with pytest.raises(error):
            match_by_person(desk.bank, CLERK, waiting.entry_id, wrong)
    with pytest.raises(Unknown):
        match_by_person(desk.bank, CLERK, uuid4(), choice)
    assert [x.entry_id for x in desk.queue()] == [waiting.entry_id]


def test_a_return_is_matched_to_the_payment_that_a_person_names(desk: Desk) -> None:
    case_id, _ = paid_by_debit(desk)
    (payment_id,) = desk.state(case_id).payments
    waiting = one_waiting(desk, credit=False, reversal=True)
    choice = Choice(case_id=case_id, payment_id=payment_id)
    match_by_person(desk.bank, CLERK, waiting.entry_id, choice)
    assert (desk.paid(case_id), desk.queue()) == ([], [])


def test_money_of_ours_that_came_back_is_never_a_payment(desk: Desk) -> None:
    case_id = desk.case(owed=10_00)
    desk.pay(entry(12_00, detail(12_00, text=account_of(desk, case_id)), ref=ref()))
    desk.ask(
        case_id,
        c.RecordRefund(
            refund_id="refund-1",
            currency="EUR",
            amount_minor=2_00,
            refunded_on=NOON.date(),
            evidence="transfer of 2 March",
        ),
    )
    back = detail(2_00, text=account_of(desk, case_id), returned="AC04")
    report = desk.pay(entry(2_00, back, ref=ref()))
    assert list(report.reasons) == ["money of ours came back; see which refund it was"]
    assert desk.paid(case_id) == [12_00]
    (waiting,) = desk.queue()
    choice = Choice(case_id=case_id, refund_id="refund-1")
    match_by_person(desk.bank, CLERK, waiting.entry_id, choice)
    assert desk.state(case_id).refunds["refund-1"].returned


def test_nothing_about_the_payer_is_in_the_tables_or_the_errors(desk: Desk) -> None:
    case_id = desk.case()
    desk.pay(
        entry(1_00, detail(1_00, text="from Sample Testperson"), ref=ref()),
        entry(2_00, detail(2_00, text=account_of(desk, case_id), e2e="E2E-SECRET-1"), ref=ref()),
        entry(3_00, detail(3_00), value="nonsense"),
    )
    tables = desk.database.run(
        lambda it: repr(
            [
                it.execute("SELECT * FROM bank_entries").fetchall(),
                it.execute("SELECT * FROM payment_keys").fetchall(),
            ]
        ).encode()
    )
    said = tables + (desk.folder / "errors.csv").read_bytes()
    for secret in ("Testperson", PAYER, PAYER[4:], account_of(desk, case_id), "E2E-SECRET"):
        assert secret.encode() not in said
    assert desk.queue()[-1].remitter.name == "Sample Testperson"


# --- it adds up ----------------------------------------------------------------------------------


def test_a_statement_that_does_not_add_up_is_imported_and_named(desk: Desk) -> None:
    case_id = desk.case()
    paid = entry(10_00, detail(10_00, text=account_of(desk, case_id)), ref=ref())
    summary = tag("TxsSummry", tag("TtlCdtNtries", tag("NbOfNtries", "2"), tag("Sum", "11")))
    data = file(statement(paid, number=ref(), opening=0, closing=9_00, summary=summary))
    report = desk.bring(data)
    assert [x["problem"] for x in desk.problems()] == list(report.warnings)
    assert sorted(report.warnings) == [
        "1 credit entries are in it, and the statement says 2",
        "credit entries add up to 10.00 EUR, and the statement says 11.00: a difference of -1.00",
        (
            "opening balance and entries add up to 10.00 EUR, and the statement says 9.00:"
            " a difference of 1.00"
        ),
    ]
    assert desk.paid(case_id) == [10_00]


def test_a_broken_file_posts_nothing_of_its_good_beginning(desk: Desk) -> None:
    case_id = desk.case()
    paid = entry(10_00, detail(10_00, text=account_of(desk, case_id)), ref=ref())
    report = desk.bring(file(statement(paid, *[entry(1)] * 1_500))[:-20])
    assert "well-formed" in report.refused[0].problem
    assert desk.paid(case_id) == []


@pytest.mark.parametrize("seed", range(3))
def test_what_was_done_adds_up_to_what_came_in(desk: Desk, seed: int) -> None:
    """Credits read = posted + waiting + known before + rejected, to the cent, again and again."""
    random = Random(seed)
    cases = [desk.case(owed=random.randint(1, 500_00)) for _ in range(8)]
    entries, total = [], 0
    for _ in range(60):
        parts = []
        for _ in range(random.choice([1, 1, 1, 3])):
            known = account_of(desk, random.choice(cases))
            text = random.choice([known, known, "no idea", "2026"])
            parts.append((random.randint(1, 300_00), text))
        minor = sum(each for each, _ in parts)
        credit = random.random() < 0.8
        total += minor if credit else 0
        payer = random.choice([PAYER, OTHER_PAYER])
        details = (detail(x, text=text, payer=payer, e2e=ref()) for x, text in parts)
        entries.append(entry(minor, *details, ref=random.choice([ref(), ref(), ""]), credit=credit))
    data = file(statement(*entries, number=ref()))
    before = sum(sum(desk.paid(each)) for each in cases)
    first = desk.bring(data)
    done = sum(sum(desk.paid(each)) for each in cases) - before
    sums = {name: first.fate(name).minor.get("EUR", 0) for name in ("posted", "unmatched")}
    assert sums["posted"] == done > 0
    assert sums["posted"] + sums["unmatched"] == total == first.credits_read.minor["EUR"]
    second = desk.bring(data)
    assert (
        second.fate("unchanged").minor["EUR"]
        + sum(second.fate(name).minor.get("EUR", 0) for name in ("posted", "unmatched"))
        == total
    )
    for case_id in cases:
        case = desk.state(case_id)
        paid = sum(desk.paid(case_id))
        owed = sum(x.debt.balance.total for x in case.debts.values())
        held = sum(x.unallocated_minor for x in case.payments.values())
        assert owed - case.outstanding("EUR").total + held == paid
