"""Channels that are asked what is new: one worker at a time, and nothing is lost or counted twice."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from msgspec.structs import replace
from office import Ledger, Office, PowerCut

from duecourse import Capabilities, Channel, Config, OptOut, Polled, Receipt, Reply, Transient
from duecourse.case import commands as c
from duecourse.channels import Signal
from duecourse.flow.polls import LONGEST_PAUSE, MAX_CURSOR_BYTES, MAX_SIGNALS, Polls, is_polled
from duecourse.flow.signals import Signals
from duecourse.store.addresses import Addresses
from duecourse.store.database import Database
from duecourse.store.errors import DatabaseUnavailable
from duecourse.store.polls import PollTable
from duecourse.store.references import References
from duecourse.store.vault import Vault

PAUSE = 30.0
LEASE = 60.0
DONE = Polled(cursor=b"end")


class Mailbox(Channel[Config]):
    """Answers by the cursor that it is given; an error is raised, a function called."""

    name = "mailbox"
    config_class = Config
    capabilities = Capabilities(medium="sms", receipts="poll", poll_seconds=PAUSE)

    def __init__(self, answers: Mapping[bytes, Any]) -> None:
        super().__init__(Config())
        self.answers = dict(answers)
        self.asked: list[bytes] = []

    def poll(self, cursor: bytes) -> Polled:
        self.asked.append(cursor)
        answer: Any = self.answers.get(cursor, DONE)
        if callable(answer):
            answer = answer()
        if isinstance(answer, BaseException):
            raise answer
        return answer  # type: ignore[no-any-return]


@pytest.fixture
def office(new_office: Callable[..., Office], ledger: Ledger) -> Office:
    return new_office({"sms": ledger})


@pytest.fixture
def contact(office: Office) -> tuple[UUID, UUID]:
    """A message that the channel took; its case, and its id, which is its key."""
    return sent(office)


def sent(office: Office) -> tuple[UUID, UUID]:
    case_id, contact_id = office.open(), uuid4()
    office.ask(
        case_id,
        c.RequestContact(contact_id=contact_id, channel="sms", template="reminder-first"),
    )
    office.work()
    return case_id, contact_id


Hire = Callable[..., Polls]


@pytest.fixture
def hire(office: Office, database: Database) -> Hire:
    """A worker that asks these channels, none of which was asked before."""

    def polls(table: PollTable | None = None, **channels: Any) -> Polls:
        with psycopg.connect(database.dsn) as owner:
            owner.execute("DELETE FROM polls")
        return hire_another(office, database, table, **channels)

    return polls


def hire_another(
    office: Office, database: Database, table: PollTable | None = None, **channels: Any
) -> Polls:
    """Another worker beside the first, with what is known of the channels as it is."""
    addresses = Addresses(database, Vault(database, bytes(range(32))))
    signals = Signals(office.engine, References(database), addresses, lambda: office.now)
    return Polls(
        channels,
        table or PollTable(database),
        signals,
        engine=office.engine,
        timers=office.timers,
        clock=lambda: office.now,
        lease_seconds=LEASE,
    )


def receipt(office: Office, contact_id: object, receipt_id: str = "r-1") -> Receipt:
    return Receipt(
        reference=str(contact_id),
        receipt_id=receipt_id,
        status="delivered",
        occurred_at=office.now,
    )


def receipts_of(office: Office, contact: tuple[UUID, UUID]) -> Sequence[str]:
    return office.case(contact[0]).contacts[contact[1]].receipts


def end_lease(database: Database) -> None:
    """Whoever held one is dead, or has taken too long."""
    database.run(lambda it: it.execute("UPDATE polls SET lease_until = '2000-01-01'"))


def cursor_of(database: Database, name: str) -> bytes:
    row = database.run(
        lambda it: it.execute("SELECT cursor FROM polls WHERE channel = %s", (name,)).fetchone()
    )
    assert row is not None
    return bytes(row[0])


# --- when ------------------------------------------------------------------------------------


def test_a_channel_is_asked_every_so_often_and_never_sooner(office: Office, hire: Hire) -> None:
    box = Mailbox({})
    polls = hire(sms=box)
    assert polls.names == ("sms",)
    assert (polls.poll("sms").recorded, polls.poll("sms").seconds) == (0, PAUSE)
    office.now += timedelta(seconds=PAUSE - 1)
    assert polls.poll("sms").seconds == 1.0
    assert box.asked == [b""]
    office.now += timedelta(seconds=1)
    polls.run_due()
    assert box.asked == [b"", b"end"]


def test_another_worker_knows_when_it_was_asked(
    office: Office, hire: Hire, database: Database
) -> None:
    box = Mailbox({})
    hire(sms=box).poll("sms")
    office.now += timedelta(seconds=PAUSE / 2)
    assert hire_another(office, database, sms=box).poll("sms").seconds == PAUSE / 2
    assert len(box.asked) == 1


def test_who_brought_something_new_is_asked_again_at_once(
    office: Office, hire: Hire, contact: tuple[UUID, UUID]
) -> None:
    box = Mailbox({
        b"": Polled(signals=(receipt(office, contact[1], "r-1"),), cursor=b"1"),
        b"1": Polled(signals=(receipt(office, contact[1], "r-2"),), cursor=b"2"),
    })  # fmt: skip
    polls = hire(sms=box)
    assert [polls.poll("sms").seconds for _ in range(4)] == [0, 0, PAUSE, PAUSE]
    assert box.asked == [b"", b"1", b"2"]
    assert receipts_of(office, contact) == ("r-1", "r-2")


@pytest.mark.parametrize("cursor", [b"", b"1"])
def test_who_brings_the_same_for_ever_is_not_asked_without_end(
    office: Office, hire: Hire, contact: tuple[UUID, UUID], cursor: bytes
) -> None:
    same = Polled(signals=(receipt(office, contact[1]),), cursor=cursor)
    polls = hire(sms=Mailbox({b"": same, b"1": replace(same, cursor=b"2"), b"2": same}))
    rounds = [polls.poll("sms").seconds for _ in range(5)]
    assert PAUSE in rounds[:2]
    assert receipts_of(office, contact) == ("r-1",)


@pytest.mark.parametrize(
    ("receipts", "inbound", "asked"),
    [
        ("poll", False, True),
        ("webhook", False, False),
        ("none", True, True),
        ("none", False, False),
    ],
)
def test_only_who_wants_to_be_asked_is_asked(
    hire: Hire, *, receipts: Any, inbound: bool, asked: bool
) -> None:
    box = Mailbox({})
    box.capabilities = Capabilities(medium="sms", receipts=receipts, inbound=inbound)
    assert is_polled(box) == asked
    assert hire(sms=box).names == (("sms",) if asked else ())
    assert not is_polled(Ledger())


# --- what is recorded ------------------------------------------------------------------------


def test_a_polled_stop_is_obeyed_and_a_one_click_opt_out_as_well(
    office: Office, hire: Hire
) -> None:
    first, second = sent(office), sent(office)
    stop = Reply(
        sender="", reply_id="m", text="STOP", occurred_at=office.now, reference=str(first[1])
    )
    click = OptOut(reference=str(second[1]), opt_out_id="o", occurred_at=office.now)
    box = Mailbox({b"": Polled(signals=(stop, click), cursor=b"1")})
    assert hire(sms=box).poll("sms").recorded == 2
    for case_id, _ in (first, second):
        assert office.case(case_id).opted_out == ("sms",)


def test_a_crash_before_the_cursor_is_stored_brings_the_signals_again_and_they_count_once(
    office: Office, hire: Hire, contact: tuple[UUID, UUID], database: Database
) -> None:
    class Fails(PollTable):
        def done(self, *_: Any, **__: Any) -> bool:
            raise PowerCut

    box = Mailbox({b"": Polled(signals=(receipt(office, contact[1]),), cursor=b"1")})
    with pytest.raises(PowerCut):
        hire(Fails(database), sms=box).poll("sms")
    assert receipts_of(office, contact) == ("r-1",)
    other = hire_another(office, database, sms=box)
    assert other.poll("sms").recorded == 0
    assert box.asked == [b""], "the lease of the dead one is not over"
    end_lease(database)
    office.now += timedelta(seconds=PAUSE)
    assert other.poll("sms").recorded == 1
    assert box.asked == [b"", b""]
    assert cursor_of(database, "sms") == b"1"
    assert receipts_of(office, contact) == ("r-1",)


def test_the_cursor_is_not_stored_when_nothing_could_be_recorded(
    office: Office, hire: Hire, contact: tuple[UUID, UUID], database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    box = Mailbox({b"": Polled(signals=(receipt(office, contact[1]),), cursor=b"1")})
    polls = hire(sms=box)

    def away(_requests: object) -> list[Any]:
        raise DatabaseUnavailable("the database went away")

    with monkeypatch.context() as patched:
        patched.setattr(office.engine, "execute_batch", away)
        with pytest.raises(DatabaseUnavailable):
            polls.poll("sms")
    assert cursor_of(database, "sms") == b""
    end_lease(database)
    assert polls.poll("sms").recorded == 1


def test_an_early_signal_keeps_the_cursor_until_its_reference_is_known(
    office: Office, hire: Hire, contact: tuple[UUID, UUID], database: Database
) -> None:
    late = uuid4()
    case_id = office.open()
    office.ask(case_id, c.RequestContact(contact_id=late, channel="sms", template="reminder-first"))
    page = (receipt(office, f"ledger-{late}", "early"), receipt(office, contact[1]))
    box = Mailbox({b"": Polled(signals=page, cursor=b"1")})
    polls = hire(sms=box)
    # The others do not wait for it.
    assert (polls.poll("sms").recorded, polls.poll("sms").seconds) == (1, PAUSE)
    assert receipts_of(office, contact) == ("r-1",)
    assert cursor_of(database, "sms") == b""
    office.work()
    office.now += timedelta(seconds=PAUSE)
    assert polls.poll("sms").recorded == 2
    assert receipts_of(office, (case_id, late)) == ("early",)
    assert cursor_of(database, "sms") == b"1"


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(days=300)])
def test_a_reference_that_never_comes_holds_for_three_leases_and_then_waits_for_a_person(
    office: Office, hire: Hire, database: Database, ahead: timedelta
) -> None:
    # Also where the clock of the peer is a year ahead.
    name = f"never-{ahead.days}"
    lost = replace(receipt(office, name, name), occurred_at=office.now + ahead)
    box = Mailbox({b"": Polled(signals=(lost,), cursor=b"1")})
    polls, rounds = hire(sms=box), 0
    while cursor_of(database, "sms") == b"" if rounds else True:
        polls.poll("sms")
        rounds += 1
        office.now += timedelta(seconds=PAUSE)
        assert rounds < 200
    assert rounds == 3 * LEASE / PAUSE + 1
    kept = [each.reference for each in References(database).unmatched("sms")]
    assert kept.count(name) == 1


def test_when_a_hold_ends_what_came_a_moment_ago_is_not_lost_with_it(
    office: Office, hire: Hire, database: Database
) -> None:
    """Another system sends by the same account: its receipts fit nothing, and never will."""
    late, case_id = uuid4(), office.open()
    office.ask(case_id, c.RequestContact(contact_id=late, channel="sms", template="reminder-first"))
    foreign = receipt(office, "of-another-system", "foreign")
    page: list[Receipt] = [foreign]
    box = Mailbox({b"": lambda: Polled(signals=tuple(page), cursor=b"1")})
    polls = hire(sms=box)
    polls.poll("sms")
    office.now += timedelta(seconds=3 * LEASE)
    page.append(receipt(office, f"ledger-{late}", "fresh"))
    polls.poll("sms")
    assert "of-another-system" in [each.reference for each in References(database).unmatched("sms")]
    office.work()
    office.now += timedelta(seconds=PAUSE)
    assert polls.poll("sms").recorded == 1
    assert receipts_of(office, (case_id, late)) == ("fresh",)
    assert cursor_of(database, "sms") == b"1"


def test_a_receipt_waits_for_the_answer_of_a_message_that_began_before_it(
    office: Office, hire: Hire, database: Database, ledger: Ledger
) -> None:
    """The gateway takes the message and reports, and its answers are lost for longer than leases."""
    late, case_id = uuid4(), office.open()
    office.ask(case_id, c.RequestContact(contact_id=late, channel="sms", template="reminder-first"))
    ledger.after = TimeoutError()
    office.work()
    assert office.case(case_id).contacts[late].status == "dispatching"
    box = Mailbox({b"": Polled(signals=(receipt(office, f"ledger-{late}", "r"),), cursor=b"1")})
    polls = hire(sms=box)
    polls.poll("sms")
    office.now += timedelta(seconds=6 * LEASE)
    polls.poll("sms")
    assert cursor_of(database, "sms") == b""
    ledger.after = None
    office.lease_over()
    with database.connection() as connection:
        connection.execute("DELETE FROM channel_rests")
    office.work()
    office.now += timedelta(seconds=PAUSE)
    polls.poll("sms")
    assert receipts_of(office, (case_id, late)) == ("r",)
    assert cursor_of(database, "sms") == b"1"


# --- one at a time ---------------------------------------------------------------------------


def test_while_one_asks_nobody_else_does(office: Office, hire: Hire, database: Database) -> None:
    others: list[float] = []
    box = Mailbox({})
    other = hire_another(office, database, sms=box)

    def meanwhile() -> Polled:
        others.append(other.poll("sms").seconds)
        return DONE

    box.answers[b""] = meanwhile
    hire(sms=box).poll("sms")
    assert others == [PAUSE]
    assert box.asked == [b""]


def test_who_was_too_slow_does_not_set_the_cursor_back(
    office: Office, hire: Hire, database: Database, contact: tuple[UUID, UUID]
) -> None:
    slow, quick = Mailbox({}), Mailbox({b"": Polled(cursor=b"newer")})
    other = hire_another(office, database, sms=quick)

    def meanwhile() -> Polled:
        end_lease(database)
        other.poll("sms")
        return Polled(signals=(receipt(office, contact[1]),), cursor=b"older")

    slow.answers[b""] = meanwhile
    assert hire(sms=slow).poll("sms").recorded == 1
    assert quick.asked == [b""]
    assert cursor_of(database, "sms") == b"newer"
    assert receipts_of(office, contact) == ("r-1",)


# --- bad channels ----------------------------------------------------------------------------


def test_one_that_raises_is_asked_later_and_later_and_harms_nobody(
    office: Office, hire: Hire, contact: tuple[UUID, UUID], caplog: pytest.LogCaptureFixture
) -> None:
    bad = Mailbox({b"": ZeroDivisionError("of Fictional Person")})
    good = Mailbox({b"": Polled(signals=(receipt(office, contact[1]),))})
    polls = hire(bad=bad, sms=good)
    assert polls.run_due() == 1
    pauses = []
    for _ in range(8):
        seconds = polls.poll("bad").seconds
        pauses.append(seconds)
        office.now += timedelta(seconds=seconds)
        polls.poll("bad")
    assert pauses == [60, 120, 240, 480, *4 * [LONGEST_PAUSE]]
    assert "ZeroDivisionError" in caplog.text
    assert "Fictional Person" not in caplog.text
    bad.answers[b""] = Transient("the peer is busy")
    office.now += timedelta(seconds=LONGEST_PAUSE)
    polls.poll("bad")
    assert "the peer is busy" in caplog.text
    bad.answers[b""] = DONE
    office.now += timedelta(seconds=LONGEST_PAUSE)
    assert polls.poll("bad").seconds == PAUSE


def nonsense(office: Office, contact_id: UUID) -> dict[str, Any]:
    good = receipt(office, contact_id)
    naive = replace(good, occurred_at=office.now.replace(tzinfo=None))
    return {
        "nothing": lambda: None,
        "a word": "Polled",
        "signals alone": (good,),
        "a cursor of text": Polled(cursor="1"),  # type: ignore[arg-type]
        "a cursor too long": Polled(cursor=b"c" * (MAX_CURSOR_BYTES + 1)),
        "words for signals": Polled(signals=("one", "two"), cursor=b"1"),  # type: ignore[arg-type]
        "one number": Polled(signals=7, cursor=b"1"),  # type: ignore[arg-type]
        "too many": Polled(signals=(good,) * (MAX_SIGNALS + 1), cursor=b"1"),
        "without a zone": Polled(signals=(good, naive), cursor=b"1"),
        "no status": Polled(
            signals=(replace(good, status="eaten"),), cursor=b"1"  # type: ignore[arg-type]
        ),
        "no reference": Polled(signals=(replace(good, reference="a\0"),), cursor=b"1"),
    }  # fmt: skip


def test_nonsense_is_not_believed_in_any_part(
    office: Office, hire: Hire, contact: tuple[UUID, UUID], database: Database
) -> None:
    for what, answer in nonsense(office, contact[1]).items():
        polls = hire(sms=Mailbox({b"": answer}))
        assert polls.poll("sms").seconds == 2 * PAUSE, what
        assert cursor_of(database, "sms") == b"", what
        assert receipts_of(office, contact) == (), what


def test_as_much_as_is_allowed_is_taken(
    office: Office, hire: Hire, contact: tuple[UUID, UUID], database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("duecourse.flow.polls.MAX_SIGNALS", 30)
    page: tuple[Signal, ...] = tuple(receipt(office, contact[1], f"r-{n}") for n in range(31))
    box = Mailbox({b"": Polled(signals=page, cursor=b"1")})
    assert hire(sms=box).poll("sms").recorded == 0
    box.answers[b""] = Polled(signals=page[:30], cursor=b"c" * MAX_CURSOR_BYTES)
    assert hire(sms=box).poll("sms").recorded == 30
    assert cursor_of(database, "sms") == b"c" * MAX_CURSOR_BYTES
    assert len(receipts_of(office, contact)) == 30


def test_one_that_cannot_be_asked_is_left_alone(
    office: Office, hire: Hire, caplog: pytest.LogCaptureFixture
) -> None:
    box = Mailbox({b"": NotImplementedError()})
    assert hire(sms=box).poll("sms").seconds > 3600
    assert caplog.text == ""
