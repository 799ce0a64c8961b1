"""Looking after the followers from the terminal."""

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from uuid import UUID

import psycopg
import pytest
from click.testing import CliRunner, Result
from office import Office

from duecourse.cli import duecourse
from duecourse.store.database import Database

Run = Callable[..., Result]
SPOILED = b'{"words": "Fictional Person"}'


@pytest.fixture
def run(migrated_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command on the module's database."""
    key = base64.b64encode(bytes(range(32))).decode()
    environ = {"DATABASE_URL": migrated_dsn, "DUECOURSE_MASTER_KEY": key}

    def invoke(*arguments: str, answer: str | None = None) -> Result:
        return CliRunner().invoke(duecourse, ["followers", *arguments], env=environ, input=answer)

    return invoke


@pytest.fixture
def office(database: Database) -> Office:
    return Office(database, {}, {}, {})


@pytest.fixture
def spoiled(office: Office, migrated_dsn: str) -> Iterator[tuple[UUID, Callable[[], object]]]:
    """A case whose second event cannot be read, and the way to mend it."""
    case_id = office.open()
    whole = write_state(migrated_dsn, case_id, SPOILED)
    yield case_id, lambda: write_state(migrated_dsn, case_id, whole)
    write_state(migrated_dsn, case_id, whole)
    office.runner.catch_up()
    office.runner.retry("views")


@pytest.fixture
def parked(spoiled: tuple[UUID, Callable[[], object]], database: Database) -> UUID:
    # Another process, which does not have the case at hand.
    Office(database, {}, {}, {}).runner.catch_up()
    return spoiled[0]


def write_state(dsn: str, case_id: UUID, state: bytes) -> bytes:
    where = " WHERE (originator_id, originator_version) = (%s, 2)"
    with psycopg.connect(dsn) as owner:
        row = owner.execute("SELECT state FROM case_events" + where, (case_id,)).fetchone()
        owner.execute("ALTER TABLE case_events DISABLE TRIGGER case_events_append_only")
        owner.execute("UPDATE case_events SET state = %s" + where, (state, case_id))
        owner.execute("ALTER TABLE case_events ENABLE ALWAYS TRIGGER case_events_append_only")
    assert row is not None
    return bytes(row[0])


def test_the_list_tells_lag_and_what_is_parked(run: Run, parked: UUID) -> None:
    (views,) = json.loads(run("list", "--json").stdout)
    assert (views["name"], views["part"], views["parts"]) == ("views", 0, 1)
    assert (views["events"], views["parked"]) == (0, 1)
    assert views["last_error"].startswith("StateUnreadable at ")
    table = run("list").stdout
    assert "views\t1 of 1\t" in table
    assert "StateUnreadable" in table
    (line,) = run("parked", "views", "--json").stdout.splitlines()
    assert json.loads(line)["case_id"] == str(parked)
    assert str(parked) in run("parked", "views").stdout


def test_a_retry_says_how_it_went(
    run: Run, parked: UUID, spoiled: tuple[UUID, Callable[[], object]]
) -> None:
    vain = run("retry", "views", str(parked))
    assert vain.exit_code == 1
    assert f"case {parked}: still parked at version" in vain.stdout
    assert "Fictional" not in vain.output
    spoiled[1]()
    done = run("retry", "views")
    assert done.exit_code == 0, done.output
    assert f"case {parked}: caught up, 2 events" in done.stdout
    assert "nothing is parked" in run("retry", "views").stdout


def test_a_skip_says_what_it_gives_up_and_asks_first(run: Run, parked: UUID) -> None:
    refused = run("skip", "views", str(parked), answer="n\n")
    assert refused.exit_code == 1
    assert "version 2  DebtPlaced" in refused.stdout
    assert str(parked) in run("parked", "views").stdout
    done = run("skip", "views", str(parked), "--yes")
    assert "skipped 2 events" in done.stdout
    assert str(parked) not in run("parked", "views").stdout


@pytest.mark.parametrize("ask", [("retry",), ("skip", "--yes")])
def test_what_is_not_there_is_named(run: Run, office: Office, ask: tuple[str, ...]) -> None:
    office.runner.catch_up()
    nobody = str(uuid.uuid4())
    unknown = run(*ask, "somebody", nobody).exception
    assert "there is no follower 'somebody'; there are: views" in str(unknown)
    assert "has not parked" in str(run(*ask, "views", nobody).exception)


def test_a_rebuild_compares_and_switches_when_told(
    run: Run, office: Office, database: Database
) -> None:
    case_id = office.open()
    office.runner.catch_up()
    database.run(
        lambda it: it.execute("UPDATE worklist SET stage = 'legal' WHERE case_id = %s", (case_id,))
    )
    compared = run("rebuild", "views")
    assert compared.exit_code == 1
    assert str(case_id) in compared.stdout
    assert "nothing was switched" in compared.stdout
    switched = run("rebuild", "views", "--switch")
    assert switched.exit_code == 0, switched.output
    assert run("rebuild", "views").exit_code == 0


def test_a_restart_asks_first(run: Run, office: Office) -> None:
    office.runner.catch_up()
    assert run("restart", "views", "--from-start", answer="n\n").exit_code == 1
    assert run("restart", "views").exit_code == 2
    assert run("restart", "views", "--from-start", "--yes").exit_code == 0
    (views,) = json.loads(run("list", "--json").stdout)
    assert views["position"] == 0
