"""Runners over the module's database, and followers that write down what they are given."""

from collections.abc import Callable, Iterator
from uuid import UUID

import psycopg
import pytest
from counter import TABLE

from duecourse.case import commands as c
from duecourse.store.database import Database
from duecourse.store.engine import Engine, Request
from duecourse.store.follower import Follower
from duecourse.store.runner import Runner


@pytest.fixture(scope="module", autouse=True)
def _table_of_the_test(migrated_dsn: str) -> None:
    with psycopg.connect(migrated_dsn) as owner:
        owner.execute(TABLE)


@pytest.fixture
def seen(database: Database) -> Callable[[Follower], list[int]]:
    """The positions that a follower has written down, in the order in which it did."""

    def positions(follower: Follower) -> list[int]:
        query = "SELECT position FROM seen WHERE follower = %s ORDER BY place"
        rows = database.run(
            lambda connection: connection.execute(query, (follower.name,)).fetchall()
        )
        return [row[0] for row in rows]

    return positions


@pytest.fixture
def seen_of(database: Database) -> Callable[[Follower, UUID], list[int]]:
    """The versions of a case that a follower has written down, in the order in which it did."""

    def versions(follower: Follower, case_id: UUID) -> list[int]:
        query = "SELECT version FROM seen WHERE follower = %s AND case_id = %s ORDER BY place"
        with database.connection() as connection:
            rows = connection.execute(query, (follower.name, case_id)).fetchall()
        return [row[0] for row in rows]

    return versions


@pytest.fixture
def runner_of(database: Database, engine: Engine) -> Iterator[Callable[..., Runner]]:
    made: list[Runner] = []

    def make(
        *followers: Follower, batch: int = 1_000, over: Database = database, **options: object
    ) -> Runner:
        made.append(Runner(over, engine, followers, batch=batch, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for runner in made:
        runner.close()


@pytest.fixture
def open_cases(
    engine: Engine, asking: Callable[..., Request], opening: Callable[..., c.OpenCase]
) -> Callable[[int], list[UUID]]:
    """Opens so many cases, of two events each."""

    def make(number: int) -> list[UUID]:
        requests = [asking(opening()) for _ in range(number)]
        engine.execute_batch(requests)
        return [request.case_id for request in requests]

    return make


@pytest.fixture
def some_events(engine: Engine, open_cases: Callable[[int], list[UUID]]) -> list[int]:
    """The positions of everything in the log: at least 40 events."""
    open_cases(20)
    return [each.position for each in engine.read_log(0, 10_000)]


@pytest.fixture
def due_now(database: Database) -> Callable[[Follower], None]:
    """Lets the pause of everything that a follower has parked be over."""

    def make(follower: Follower) -> None:
        query = "UPDATE parked SET next_try_at = clock_timestamp() WHERE follower = %s"
        with database.connection() as connection:
            connection.execute(query, (follower.name,))

    return make
