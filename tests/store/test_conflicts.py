"""A command that came too late for its case is decided again on what it missed."""

import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from msgspec.structs import replace
from psycopg import pq

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.context import SYSTEM
from duecourse.case.errors import CaseIsClosed
from duecourse.store import append
from duecourse.store.append import Entry, MissedEvent, Mode
from duecourse.store.database import Database
from duecourse.store.engine import Engine, Loaded, Request
from duecourse.store.errors import CaseMoved, UnknownTopic
from duecourse.store.loader import Loader
from duecourse.store.states import States
from duecourse.store.tasks import Task
from duecourse.store.writer import Writer

Asking = Callable[..., Request]
Opening = Callable[..., c.OpenCase]
Paying = Callable[..., c.RecordPayment]
NewEngine = Callable[..., Engine]


@pytest.fixture
def apart(migrated_dsn: str) -> Iterator[Database]:
    """The database as another process has it."""
    with Database(migrated_dsn) as database:
        yield database


@pytest.fixture
def stale(apart: Database, new_engine: NewEngine, opened: UUID) -> Engine:
    """An engine of another process that has the case at hand, as it was when it was opened."""
    engine = new_engine(apart)
    engine.start()
    engine.load(opened)
    return engine


@pytest.fixture
def reads(apart: Database, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Whatever the other process has asked the database beside its writing."""
    seen: list[object] = []
    run = apart.run

    def noted(work: Callable[..., object]) -> object:
        seen.append(work)
        return run(work)

    monkeypatch.setattr(apart, "run", noted)
    return seen


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each task given to a loader, whether its command is looked for as well."""
    seen: list[bool] = []
    fetch = Loader.fetch

    def noted(self: Loader, tasks: Sequence[Task], round_: int) -> None:
        seen.extend(task.verified for task in tasks)
        fetch(self, tasks, round_)

    monkeypatch.setattr(Loader, "fetch", noted)
    return seen


def _pay(engine: Engine, asking: Asking, paying: Paying, case_id: UUID, times: int = 1) -> None:
    engine.execute_batch([asking(paying(str(uuid.uuid4())), case_id) for _ in range(times)])


def test_a_command_that_came_too_late_is_decided_again_without_a_read(
    engine: Engine,
    stale: Engine,
    reads: list[object],
    asking: Asking,
    paying: Paying,
    opened: UUID,
) -> None:
    _pay(engine, asking, paying, opened, 3)
    assert stale.execute_sync(asking(paying("late"), opened)).version == 6
    assert stale.execute_sync(asking(paying("next"), opened)).version == 7
    assert not reads
    assert stale.load(opened) == engine.load(opened)
    assert reads


def test_sealed_words_that_were_missed_are_opened_with_the_key_at_hand(
    engine: Engine,
    stale: Engine,
    reads: list[object],
    asking: Asking,
    paying: Paying,
    opened: UUID,
) -> None:
    point = e.ContactPoint(point_id="phone-2", kind="phone", address="+8613900000002")
    engine.execute_sync(asking(c.AddContactPoint(point=point), opened))
    assert stale.execute_sync(asking(paying("late"), opened)).version == 4
    assert not reads
    kept = stale._states.kept(opened)
    assert kept is not None
    assert kept.case.points["phone-2"].address == "+8613900000002"


def test_a_key_that_is_not_at_hand_is_asked_for(
    engine: Engine,
    stale: Engine,
    reads: list[object],
    looked_up: list[bool],
    asking: Asking,
    paying: Paying,
    opened: UUID,
) -> None:
    point = e.ContactPoint(point_id="phone-2", kind="phone", address="+8613900000002")
    engine.execute_sync(asking(c.AddContactPoint(point=point), opened))
    stale.log.vault._by_id.clear()
    assert stale.execute_sync(asking(paying("late"), opened)).version == 4
    assert reads
    assert looked_up == [False]
    kept = stale._states.kept(opened)
    assert kept is not None
    assert kept.case.points["phone-2"].address == "+8613900000002"


def test_who_opens_a_case_that_was_just_opened_elsewhere_hears_of_it(
    apart: Database,
    engine: Engine,
    new_engine: NewEngine,
    asking: Asking,
    opening: Opening,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is known of the case, nor of its key: all its events were missed."""
    request, late = asking(opening()), new_engine(apart)
    begun = asking(opening(), request.case_id)
    draft = late._decisions.draft

    def interrupted(task: Task, before: Loaded | None) -> object:
        engine.execute_sync(request)
        return draft(task, before)

    monkeypatch.setattr(late._decisions, "draft", interrupted)
    outcome = late.execute_sync(begun)
    assert (outcome.version, [type(each) for each in outcome.events]) == (3, [e.DebtPlaced])
    assert late.load(request.case_id) == engine.load(request.case_id)


@pytest.mark.parametrize(("missed", "lookups"), [(50, []), (51, [False])])
def test_who_is_far_behind_reads(
    engine: Engine,
    stale: Engine,
    looked_up: list[bool],
    asking: Asking,
    paying: Paying,
    opened: UUID,
    missed: int,
    lookups: list[bool],
) -> None:
    _pay(engine, asking, paying, opened, missed)
    assert stale.execute_sync(asking(paying("late"), opened)).version == 3 + missed
    assert looked_up == lookups
    assert stale.load(opened) == engine.load(opened)


def test_an_event_that_cannot_be_read_is_reported_and_harms_no_other_case(
    database: Database,
    engine: Engine,
    stale: Engine,
    asking: Asking,
    opening: Opening,
    paying: Paying,
    opened: UUID,
) -> None:
    other = engine.execute_sync(asking(opening())).case_id
    with database.connection() as connection:
        append.append(connection, [_entry(opened, 3)])
    with pytest.raises(UnknownTopic, match=f"case {opened} version 3 is a 'Test'"):
        stale.execute_sync(asking(paying("late"), opened))
    assert stale.execute_sync(asking(paying("p-1"), other)).version == 3


def test_a_no_on_what_was_missed_is_said_only_after_another_look(
    engine: Engine, stale: Engine, looked_up: list[bool], asking: Asking, opened: UUID
) -> None:
    (debt_id,) = engine.load(opened).case.debts
    engine.execute_sync(asking(c.WithdrawDebt(debt_id=debt_id, reason="sold"), opened))
    engine.execute_sync(asking(c.CloseCase(reason="paid"), opened))
    looked_up.clear()
    retire = c.RetireContactPoint(point_id="phone-1", reason="dead")
    with pytest.raises(CaseIsClosed):
        stale.execute_sync(asking(retire, opened))
    assert looked_up == [True]


def test_who_asked_for_a_past_version_knows_the_present_one_afterwards(
    engine: Engine,
    stale: Engine,
    reads: list[object],
    asking: Asking,
    paying: Paying,
    opened: UUID,
) -> None:
    _pay(engine, asking, paying, opened)
    asked = asking(paying("late"), opened)
    meant = Request(opened, asked.command, asked.command_id, asked.actor, expected_version=2)
    with pytest.raises(CaseMoved):
        stale.execute_sync(meant)
    assert stale.execute_sync(asked).version == 4
    assert not reads


@pytest.mark.parametrize("mode", ["locked", "early"])
def test_nothing_to_do_after_what_was_missed_is_told_only_after_a_flush(
    engine: Engine,
    apart: Database,
    new_engine: NewEngine,
    asking: Asking,
    paying: Paying,
    opened: UUID,
    monkeypatch: pytest.MonkeyPatch,
    mode: Mode,
) -> None:
    """What was missed may be of a process that died before its own."""
    late = new_engine(apart, mode=mode)
    late.start()
    late.load(opened)
    engine.execute_sync(asking(paying("p-1"), opened))
    flushing, on_disk = threading.Event(), threading.Event()
    has_flushed = Writer.has_flushed

    def held_up(self: Writer) -> bool:
        if self.is_flushing:
            flushing.set()
            on_disk.wait(10)
        return has_flushed(self)

    monkeypatch.setattr(Writer, "has_flushed", held_up)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(late.execute_sync, asking(paying("p-1"), opened))
        assert flushing.wait(10)
        assert not asked.done()
        on_disk.set()
        assert (asked.result().version, asked.result().events) == (3, ())


def test_what_was_missed_and_then_lost_with_the_server_is_forgotten(
    migrated_dsn: str,
    stale: Engine,
    engine: Engine,
    asking: Asking,
    paying: Paying,
    opened: UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As when another process wrote early, and the server dies: the log goes on without it."""
    engine.execute_sync(asking(paying("p-1"), opened))
    key = stale.log.vault.known(engine.load(opened).case.subject_id)
    assert key is not None
    payment = engine.history(opened)[-1].event
    assert isinstance(payment, e.PaymentRecorded)
    ghost = replace(payment, payment_id="ghost")
    catch_up = States.catch_up

    def with_a_ghost(
        self: States, case_id: UUID, loaded: Loaded, missed: Sequence[MissedEvent]
    ) -> bool:
        monkeypatch.setattr(States, "catch_up", catch_up)
        lost = MissedEvent(4, *stale.log.mapper.seal(case_id, 4, ghost, key))
        assert catch_up(self, case_id, loaded, [*missed, lost])
        kept = self.kept(case_id)
        assert kept is not None
        assert list(kept.case.payments) == ["p-1", "ghost"]
        with psycopg.connect(migrated_dsn, autocommit=True) as administrator:
            administrator.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE application_name = 'duecourse'"
            )
        return True

    monkeypatch.setattr(States, "catch_up", with_a_ghost)
    assert stale.execute_sync(asking(paying("late"), opened)).version == 4
    assert list(stale.load(opened).case.payments) == ["p-1", "late"]


# --- the statement -----------------------------------------------------------------------------


def _entry(case_id: UUID, first: int = 1, events: int = 1, state: bytes = b"{}") -> Entry:
    return Entry(
        command_id=uuid.uuid4(),
        case_id=case_id,
        first_version=first,
        fingerprint=b"f",
        actor=SYSTEM,
        causation="",
        events=tuple(("Test", state) for _ in range(events)),
    )


def test_each_command_is_given_what_it_missed_and_no_other(database: Database) -> None:
    ours, theirs, new = (uuid.uuid4() for _ in range(3))
    with database.connection() as connection:
        append.append(connection, [_entry(ours, 1, 3, b"ours"), _entry(theirs, 1, 4, b"theirs")])
        batch = [_entry(new), _entry(theirs, 4), _entry(ours, 2), _entry(uuid.uuid4(), 2)]
        verdicts = append.append(connection, batch).verdicts
    assert [each.missed for each in verdicts] == [
        (),
        (MissedEvent(4, "Test", b"theirs"),),
        (MissedEvent(2, "Test", b"ours"), MissedEvent(3, "Test", b"ours")),
        (),
    ]


def test_without_a_conflict_nothing_is_sent_back_but_the_verdicts(database: Database) -> None:
    def send(*entries: Entry) -> list[bool]:
        """Which columns the answer has: on_disk, first_position, verdicts, and what was missed."""
        parameters = append.parameters_of(entries, "auto")
        binary = [pq.Format.BINARY] * len(parameters)
        result = connection.pgconn.exec_prepared(b"append_events", parameters, binary)
        return [result.get_value(0, column) is not None for column in range(result.nfields)]

    entry, nowhere = _entry(uuid.uuid4()), _entry(uuid.uuid4(), 2)
    with database.connect() as connection:
        append.prepare(connection)
        assert send(entry) == [True, True, False] + [False] * 4
        assert send(entry, nowhere) == [True, False, True] + [False] * 4
        assert send(entry, _entry(entry.case_id)) == [True, False, True] + [True] * 4


@pytest.mark.parametrize(
    ("cases", "events", "state", "given"),
    [
        pytest.param(25, 40, b"{}", 25, id="1,000 events"),
        pytest.param(26, 40, b"{}", 25, id="more than 1,000 events"),
        pytest.param(3, 50, b"x" * 10_000, 2, id="more than a megabyte"),
        pytest.param(2, 51, b"{}", 0, id="more than 50 events of a case"),
    ],
)
def test_no_more_is_given_than_is_quickly_sent(
    database: Database, cases: int, events: int, state: bytes, given: int
) -> None:
    ids = [uuid.uuid4() for _ in range(cases)]
    with database.connection() as connection:
        append.append(connection, [_entry(case_id, 1, events, state) for case_id in ids])
        verdicts = append.append(connection, [_entry(case_id) for case_id in ids]).verdicts
    assert {each.outcome for each in verdicts} == {"conflict"}
    assert [len(each.missed) for each in verdicts] == [events] * given + [0] * (cases - given)


def test_the_clock_of_what_was_missed_is_kept(
    new_engine: NewEngine, asking: Asking, opening: Opening, paying: Paying
) -> None:
    later = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
    ours, ahead = new_engine(), new_engine(clock=lambda: later)
    case_id = ours.execute_sync(asking(opening())).case_id
    _pay(ahead, asking, paying, case_id)
    assert ours.execute_sync(asking(paying("late"), case_id)).events[0].at == later
