"""Views built anew from the log are the live ones; a difference is found, and mended by a switch."""

import threading
from collections.abc import Callable, Sequence
from uuid import UUID

import pytest
from counter import Counter
from office import Ledger, Office

from duecourse.flow.projector import Projector
from duecourse.store import timers as timer_rows
from duecourse.store.database import Connection, Database
from duecourse.store.engine import Recorded
from duecourse.store.rebuild import CannotRebuild, Difference, Rebuild, Rebuilt
from duecourse.testing.sample import hold

VIEWS = (
    "worklist",
    "timers",
    "contact_references",
    "contact_addresses",
    "unknown_contacts",
    "payment_keys",
)


@pytest.fixture
def office(new_office: Callable[..., Office], ledger: Ledger) -> Office:
    """Ten cases, some with a story."""
    made = new_office({"sms": ledger, "email": ledger, "letter": ledger})
    cases = [made.open() for _ in range(10)]
    made.pass_days(4)
    for case_id in cases[:3]:
        made.ask(case_id, hold())
    made.runner.catch_up()
    return made


@pytest.fixture
def case_id(office: Office) -> UUID:
    case_id = office.open()
    office.runner.catch_up()
    return case_id


def rebuild_of(office: Office, database: Database, batch: int = 7) -> Rebuild:
    """In small batches, so that there are several."""
    projector = office.runner.named("views")
    return Rebuild(database, office.engine.log, office.runner, projector, batch=batch)


def total(built: Rebuilt) -> int:
    return sum(each.total for each in built.tables)


def table(built: Rebuilt, name: str) -> Difference:
    (found,) = [each for each in built.tables if each.table == name]
    return found


def rows(database: Database, query: str) -> Sequence[tuple[object, ...]]:
    return database.run(lambda it: it.execute(query.encode()).fetchall())


def all_timers(database: Database, office: Office) -> None:
    """Earlier tests swept their timers away; let every case have its own again."""
    rebuild_of(office, database).run(switch=True)


def test_what_is_built_anew_is_what_is_live(office: Office, database: Database) -> None:
    all_timers(database, office)
    steps: list[tuple[int, int]] = []
    built = rebuild_of(office, database).run(progress=lambda at, end: steps.append((at, end)))
    assert (total(built), built.failures, built.switched) == (0, (), False)
    assert tuple(each.table for each in built.tables) == VIEWS
    assert table(built, "worklist").rows == len(rows(database, "SELECT FROM worklist"))
    assert len(steps) > 3
    assert steps[-1] == (built.position, built.position)
    assert rows(database, "SELECT FROM pg_namespace WHERE nspname LIKE 'rebuild%'") == []


def test_planted_differences_are_found_and_named(
    office: Office, database: Database, case_id: UUID
) -> None:
    all_timers(database, office)
    changed, surplus = rows(database, "SELECT case_id FROM worklist ORDER BY opened_at LIMIT 2")
    rows_of = "SELECT * FROM worklist ORDER BY case_id"
    right = rows(database, rows_of)

    def plant(connection: Connection) -> None:
        connection.execute("DELETE FROM worklist WHERE case_id = %s", (case_id,))
        connection.execute("UPDATE worklist SET stage = 'legal' WHERE case_id = %s", changed)
        connection.execute("INSERT INTO timers VALUES (%s, 'nothing', now())", surplus)

    database.run(plant)
    built = rebuild_of(office, database).run()
    worklist, timers = table(built, "worklist"), table(built, "timers")
    assert (worklist.missing, worklist.surplus, worklist.changed) == (1, 0, 1)
    assert set(worklist.keys) == {str(case_id), str(changed[0])}
    assert (timers.missing, timers.surplus, timers.changed) == (0, 1, 0)
    assert timers.keys == (f"{surplus[0]} nothing",)
    assert rows(database, rows_of) != right, "nothing was switched"
    assert rebuild_of(office, database).run(switch=True).switched
    assert rows(database, rows_of) == right
    assert total(rebuild_of(office, database).run()) == 0


def test_a_switch_leaves_the_lease_on_a_timer_that_is_right(
    office: Office, database: Database, case_id: UUID
) -> None:
    all_timers(database, office)
    claimed = office.timers.claim(office.now, limit=1, lease_seconds=60)
    assert len(claimed) == 1
    rebuild_of(office, database).run(switch=True)
    assert office.timers.lease(claimed, 60) == claimed


def test_a_case_that_has_moved_on_since_is_no_difference(
    office: Office, database: Database, case_id: UUID
) -> None:
    all_timers(database, office)
    office.ask(case_id, hold())
    assert total(rebuild_of(office, database).run(switch=True)) == 0
    office.runner.catch_up()
    assert total(rebuild_of(office, database).run()) == 0


def test_a_switch_while_events_go_on_ends_in_the_right_rows(
    office: Office, database: Database
) -> None:
    all_timers(database, office)
    stop = threading.Event()

    def go_on() -> None:
        while not stop.is_set():
            office.ask(office.open(), hold())

    def follow() -> None:
        office.runner.run(stop)

    busy = [threading.Thread(target=work) for work in (go_on, follow)]
    for each in busy:
        each.start()
    try:
        built = [rebuild_of(office, database, batch=50).run(switch=True) for _ in range(3)]
    finally:
        stop.set()
        for each in busy:
            each.join()
    assert [total(each) for each in built] == [0, 0, 0]
    office.runner.catch_up()
    assert total(rebuild_of(office, database).run()) == 0


def test_the_live_view_is_served_and_followed_while_another_is_built(
    office: Office, database: Database
) -> None:
    served: list[int] = []

    def progress(_at: int, _end: int) -> None:
        if len(served) < 3:
            office.open()
            assert office.runner.catch_up() > 0
            served.append(len(rows(database, "SELECT FROM worklist")))

    rebuild_of(office, database).run(progress=progress)
    assert served == list(range(served[0], served[0] + 3))


def test_nothing_is_switched_while_a_case_cannot_be_replayed(
    office: Office, database: Database, case_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply = Projector.apply

    def fail(self: Projector, connection: Connection, batch: Sequence[Recorded]) -> None:
        if any(each.case_id == case_id for each in batch):
            raise ValueError
        apply(self, connection, batch)

    monkeypatch.setattr(Projector, "apply", fail)
    built = rebuild_of(office, database).run(switch=True)
    assert [each.case_id for each in built.failures] == [case_id]
    assert not built.switched
    assert rows(database, f"SELECT FROM worklist WHERE case_id = '{case_id}'") == [()]


def test_a_switch_takes_in_what_was_parked(
    office: Office, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = office.open()

    def fail(*_: object) -> None:
        raise ValueError

    monkeypatch.setattr(timer_rows.Timers, "replace", fail)
    office.runner.catch_up()
    assert [each.case_id for each in office.runner.parked("views")] == [case_id]
    monkeypatch.undo()
    built = rebuild_of(office, database).run(switch=True)
    assert table(built, "worklist").missing == 1
    assert office.runner.parked("views") == []
    assert total(rebuild_of(office, database).run()) == 0


def test_two_rebuilds_of_one_follower_do_not_mix(office: Office, database: Database) -> None:
    refused: list[str] = []

    def progress(_at: int, _end: int) -> None:
        if not refused:
            with pytest.raises(CannotRebuild, match="already") as no:
                rebuild_of(office, database).run()
            refused.append(str(no.value))

    rebuild_of(office, database).run(progress=progress)
    assert refused


@pytest.mark.parametrize(
    ("follower", "said"),
    [(Counter(outside=True), "effects elsewhere"), (Counter(), "what tables")],
)
def test_what_cannot_be_built_anew_says_why(
    office: Office, database: Database, follower: Counter, said: str
) -> None:
    with pytest.raises(CannotRebuild, match=said):
        Rebuild(database, office.engine.log, office.runner, follower)
