"""A follower cut into parts: shared by workers, and every event still counts once, in order."""

from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from counter import Counter

from duecourse.store import positions
from duecourse.store.database import Connection, Database
from duecourse.store.follower import Follower
from duecourse.store.positions import Slot
from duecourse.store.runner import Runner

NewRunner = Callable[..., Runner]
OpenCases = Callable[[int], list[UUID]]
Seen = Callable[[Follower], list[int]]


def slots(database: Database, counter: Counter) -> list[Slot]:
    return database.run(lambda it: positions.slots_of(it, [counter.name])).get(counter.name, [])


def in_order_of_each_case(database: Database, counter: Counter) -> bool:
    query = "SELECT case_id, version FROM seen WHERE follower = %s ORDER BY place"
    versions: dict[UUID, list[int]] = defaultdict(list)
    for case_id, version in database.run(lambda it: it.execute(query, (counter.name,)).fetchall()):
        versions[case_id].append(version)
    return all(each == list(range(1, len(each) + 1)) for each in versions.values())


def test_workers_share_the_parts_and_every_event_is_applied_once_in_order(
    runner_of: NewRunner, some_events: list[int], seen: Seen, database: Database
) -> None:
    counter = Counter(parts=4)
    runners = [runner_of(counter, batch=6) for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(Runner.catch_up, runners))
    assert sum(done) == len(some_events)
    assert sorted(seen(counter)) == some_events
    assert in_order_of_each_case(database, counter)
    assert slots(database, counter) == [Slot(part, 4, some_events[-1]) for part in range(4)]


def test_while_one_worker_is_at_a_part_another_does_the_others(
    runner_of: NewRunner, some_events: list[int], seen: Seen, database: Database
) -> None:
    counter = Counter(parts=2)
    runner = runner_of(counter)
    runner.run_once()
    database.run(lambda it: positions.cut(it, counter.name, 2, 0))

    with database.connection() as other, other.transaction():
        assert positions.take(other, counter.name, 0) is not None
        runner.run_once()
    assert [slot.position for slot in slots(database, counter)] == [0, some_events[-1]]


def test_another_number_of_parts_loses_nothing_and_repeats_nothing(
    runner_of: NewRunner,
    open_cases: OpenCases,
    some_events: list[int],
    seen: Seen,
    database: Database,
) -> None:
    counter = Counter(parts=3)
    runner_of(counter).catch_up()
    open_cases(20)
    # One part ahead of the others, as when its worker was the only one left.
    with database.connection() as other, other.transaction():
        for part in (0, 2):
            assert positions.take(other, counter.name, part) is not None
        runner_of(counter).run_once()
    assert len({slot.position for slot in slots(database, counter)}) == 2
    # What comes after the foremost part is not for the others to run ahead to.
    open_cases(10)
    before = len(seen(counter))
    counter.parts = 2
    runner = runner_of(counter)
    runner.run_once()
    assert len(seen(counter)) > before
    assert len({slot.position for slot in slots(database, counter)}) == 1
    assert {slot.parts for slot in slots(database, counter)} == {2}
    runner.catch_up()
    assert len(seen(counter)) == len(set(seen(counter))) == len(some_events) + 60
    assert in_order_of_each_case(database, counter)


def test_parts_far_from_each_other_go_on_as_they_are_until_they_meet(
    runner_of: NewRunner, some_events: list[int], seen: Seen, database: Database
) -> None:
    counter = Counter(parts=2)

    def far_apart(connection: Connection) -> None:
        positions.cut(connection, counter.name, 2, 0)
        positions.move(connection, counter.name, 1, some_events[-1])

    database.run(far_apart)
    counter.parts = 5
    runner = runner_of(counter, batch=8)
    runner.run_once()
    assert {slot.parts for slot in slots(database, counter)} == {2}
    runner.catch_up()
    assert slots(database, counter) == [Slot(part, 5, some_events[-1]) for part in range(5)]
    assert len(seen(counter)) == len(set(seen(counter)))


def test_a_parked_case_stays_parked_whatever_part_it_is_in(
    runner_of: NewRunner, open_cases: OpenCases, seen_of: Callable[[Follower, UUID], list[int]]
) -> None:
    (bad,) = open_cases(1)
    counter = Counter(parts=3)
    counter.fail_at(bad)
    runner_of(counter).catch_up()
    counter.parts = 7
    runner = runner_of(counter)
    runner.catch_up()
    assert sum(lag.parked for lag in runner.lag()) == 1
    counter.mend()
    assert runner.retry(counter.name)[0].events == 2
    assert seen_of(counter, bad) == [1, 2]


def test_the_parts_of_a_case_are_those_in_which_the_log_is_read(
    some_events: list[int], engine: object, database: Database
) -> None:
    query = """
    SELECT count(*) FROM case_events
     WHERE part_of_case(originator_id, 5) <> (uuid_hash(originator_id) & 2147483647) %% 5
    """
    assert database.run(lambda it: it.execute(query, ()).fetchone()) == (0,)
