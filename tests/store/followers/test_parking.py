"""A poisoned event stops its own case only; what waits behind it is caught up in order."""

import logging
import uuid
from collections.abc import Callable
from uuid import UUID

import psycopg
import pytest
from counter import Counter

from duecourse.case import commands as c
from duecourse.store.database import Database
from duecourse.store.engine import Engine, Request
from duecourse.store.follower import Follower
from duecourse.store.runner import NotParked, Runner, UnknownFollower

NewRunner = Callable[..., Runner]
OpenCases = Callable[[int], list[UUID]]
SeenOf = Callable[[Follower, UUID], list[int]]
Seen = Callable[[Follower], list[int]]


@pytest.fixture
def pay(
    engine: Engine, asking: Callable[..., Request], paying: Callable[..., c.RecordPayment]
) -> Callable[[UUID], None]:
    def record(case_id: UUID) -> None:
        engine.execute_sync(asking(paying(str(uuid.uuid4())), case_id))

    return record


def test_other_cases_go_on_at_once_and_the_poisoned_one_is_parked(
    runner_of: NewRunner,
    open_cases: OpenCases,
    seen_of: SeenOf,
    caplog: pytest.LogCaptureFixture,
) -> None:
    cases = open_cases(50)
    counter = Counter()
    counter.fail_at(cases[17], version=2)
    runner = runner_of(counter)
    runner.catch_up()
    assert [case for case in cases if seen_of(counter, case) != [1, 2]] == [cases[17]]
    (parked,) = runner.parked(counter.name)
    assert (parked.case_id, parked.version, parked.attempts) == (cases[17], 2, 1)
    assert parked.error.startswith("ValueError at ")
    assert seen_of(counter, cases[17]) == [1], "what came before the guilty event counts"
    (lag,) = runner.lag()
    assert (lag.events, lag.parked) == (0, 1)
    assert lag.parked_seconds > 0
    assert lag.last_error == parked.error
    told = caplog.text + str([vars(record) for record in caplog.records])
    assert "Fictional Person" not in told


def test_later_events_wait_behind_the_parked_one_and_others_are_not_delayed(
    runner_of: NewRunner, open_cases: OpenCases, seen_of: SeenOf, pay: Callable[[UUID], None]
) -> None:
    bad, good = open_cases(2)
    counter = Counter()
    counter.fail_at(bad, version=2)
    runner = runner_of(counter)
    runner.catch_up()
    for _ in range(3):
        pay(bad)
        pay(good)
        runner.catch_up()
    assert seen_of(counter, good) == [1, 2, 3, 4, 5]
    assert seen_of(counter, bad) == [1]
    counter.mend()
    (retried,) = runner.retry(counter.name, bad)
    assert (retried.events, retried.failure) == (4, None)
    assert seen_of(counter, bad) == [1, 2, 3, 4, 5]
    pay(bad)
    runner.catch_up()
    assert seen_of(counter, bad) == [1, 2, 3, 4, 5, 6]


def test_a_parked_case_is_tried_again_by_itself_with_growing_pauses(
    runner_of: NewRunner,
    open_cases: OpenCases,
    seen_of: SeenOf,
    due_now: Callable[[Follower], None],
    database: Database,
) -> None:
    (bad,) = open_cases(1)
    counter = Counter()
    counter.fail_at(bad)
    runner = runner_of(counter)
    runner.catch_up()
    query = (
        "SELECT round(extract(epoch FROM next_try_at - clock_timestamp())) FROM parked"
        " WHERE follower = %s"
    )
    pauses = []
    for _ in range(12):
        row = database.run(lambda it: it.execute(query, (counter.name,)).fetchone())
        assert row is not None
        pauses.append(int(row[0]))
        due_now(counter)
        runner.run_once()
    assert pauses == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600]
    given = len(counter.given)
    runner.run_once()
    assert len(counter.given) == given, "not before its time"
    counter.mend()
    due_now(counter)
    assert runner.run_once() == 2
    assert runner.parked(counter.name) == []
    assert seen_of(counter, bad) == [1, 2]


def test_skipping_gives_up_what_waits_and_follows_what_comes(
    runner_of: NewRunner, open_cases: OpenCases, seen_of: SeenOf, pay: Callable[[UUID], None]
) -> None:
    (bad,) = open_cases(1)
    counter = Counter()
    counter.fail_at(bad)
    runner = runner_of(counter)
    runner.catch_up()
    pay(bad)
    runner.catch_up()
    said = runner.skipping(counter.name, bad)
    assert (said.versions, said.topics) == (
        (1, 2, 3),
        ("CaseOpened", "DebtPlaced", "PaymentRecorded"),
    )
    assert runner.skip(counter.name, bad) == said
    pay(bad)
    runner.catch_up()
    assert seen_of(counter, bad) == [4]
    for ask in (runner.skip, runner.skipping, runner.retry):
        with pytest.raises(NotParked):
            ask(counter.name, bad)


def test_a_name_that_no_follower_has_is_told_with_those_that_there_are(
    runner_of: NewRunner,
) -> None:
    counter = Counter()
    with pytest.raises(UnknownFollower, match=counter.name):
        runner_of(counter).retry("somebody")


def test_many_poisoned_cases_and_their_neighbours(
    runner_of: NewRunner, open_cases: OpenCases, seen_of: SeenOf
) -> None:
    cases = open_cases(40)
    bad = {case for number, case in enumerate(cases) if number % 3 == 0}
    counter = Counter()
    counter.fault = lambda each: ValueError() if each.case_id in bad else None
    runner = runner_of(counter, batch=25)
    runner.catch_up()
    assert {each.case_id for each in runner.parked(counter.name)} == bad
    assert all(seen_of(counter, case) == [1, 2] for case in cases if case not in bad)
    counter.mend()
    assert len(runner.retry(counter.name)) == len(bad)
    assert all(seen_of(counter, case) == [1, 2] for case in cases)


def test_a_constraint_that_an_event_breaks_is_its_own_fault(
    runner_of: NewRunner, open_cases: OpenCases, seen_of: SeenOf
) -> None:
    bad, good = open_cases(2)
    counter = Counter()
    counter.fault = lambda each: psycopg.errors.CheckViolation() if each.case_id == bad else None
    runner = runner_of(counter)
    runner.catch_up()
    assert [each.case_id for each in runner.parked(counter.name)] == [bad]
    assert seen_of(counter, good) == [1, 2]


@pytest.fixture
def spoil(migrated_dsn: str) -> Callable[[UUID, int, bytes], bytes]:
    """Overwrites a stored event, as no application can, and returns what it was."""

    def overwrite(case_id: UUID, version: int, state: bytes) -> bytes:
        with psycopg.connect(migrated_dsn) as owner:
            row = owner.execute(
                "SELECT state FROM case_events WHERE (originator_id, originator_version) = (%s, %s)",
                (case_id, version),
            ).fetchone()
            owner.execute("ALTER TABLE case_events DISABLE TRIGGER case_events_append_only")
            owner.execute(
                "UPDATE case_events SET state = %s"
                " WHERE (originator_id, originator_version) = (%s, %s)",
                (state, case_id, version),
            )
            owner.execute("ALTER TABLE case_events ENABLE ALWAYS TRIGGER case_events_append_only")
        assert row is not None
        return bytes(row[0])

    return overwrite


@pytest.fixture
def thirty(open_cases: OpenCases) -> tuple[UUID, list[UUID]]:
    """A case, and others before and after it."""
    cases = open_cases(31)
    return cases.pop(11), cases


@pytest.fixture
def runner_and_seen(runner_of: NewRunner, seen_of: SeenOf) -> tuple[NewRunner, SeenOf]:
    return runner_of, seen_of


@pytest.mark.parametrize(("parts", "version"), [(1, 1), (1, 2), (3, 2)])
def test_an_event_that_cannot_be_read_parks_its_case_only(
    parts: int,
    version: int,
    thirty: tuple[UUID, list[UUID]],
    runner_and_seen: tuple[NewRunner, SeenOf],
    spoil: Callable[[UUID, int, bytes], bytes],
) -> None:
    (bad, others), (runner_of, seen_of) = thirty, runner_and_seen
    whole = spoil(bad, version, b'{"secret": "Fictional Person"}')
    counter = Counter(parts=parts)
    runner = runner_of(counter)
    runner.catch_up()
    (parked,) = runner.parked(counter.name)
    assert (parked.case_id, parked.version) == (bad, version)
    assert parked.error.startswith("StateUnreadable at ")
    assert "Fictional" not in parked.error
    assert seen_of(counter, bad) == list(range(1, version))
    assert all(seen_of(counter, case) == [1, 2] for case in others)
    (again,) = runner.retry(counter.name, bad)
    assert again.failure is not None
    assert runner.parked(counter.name)[0].attempts == 2
    spoil(bad, version, whole)
    assert runner.retry(counter.name, bad)[0].failure is None
    assert seen_of(counter, bad) == [1, 2]


def test_only_the_guilty_event_is_in_the_log_of_errors(
    runner_of: NewRunner, open_cases: OpenCases, caplog: pytest.LogCaptureFixture
) -> None:
    bad, *_ = open_cases(5)
    counter = Counter()
    counter.fail_at(bad)
    runner_of(counter).catch_up()
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert vars(record)["case_id"] == str(bad)
