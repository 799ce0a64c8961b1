"""PostgreSQL may be killed at any time: what was acknowledged is on the disk."""

import os
import signal
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from uuid import UUID

import msgspec
import psycopg
import pytest
from audit import check_acknowledged, check_followed, check_log, log_of
from lives import MASTER_KEY, Ack, Notes, _context, _open, _pay, _talk, furnish
from load import Outside, Program, Task, Told
from waiting import until

from duecourse.case import commands as c
from duecourse.case import events as e
from duecourse.case.evolve import fold
from duecourse.store import embedded
from duecourse.store.answers import Gathering
from duecourse.store.append import Entry, append
from duecourse.store.database import Connection, Database
from duecourse.store.drafts import Draft
from duecourse.store.engine import Engine, Outcome, Recorded, Request
from duecourse.store.runner import Runner
from duecourse.store.vault import Vault
from duecourse.testing import COLLECTOR
from duecourse.testing.sample import NOON

KILLS = int(os.environ.get("DUECOURSE_SERVER_KILLS", "20"))
FEWEST, MOST = 200, 1500
"""Commands acknowledged between two kills, about."""
_A_LINE = msgspec.json.encode(Ack(UUID(int=0), 10, 1000, 1))


class Server:
    """One that does write to the disk."""

    def __init__(self, data: Path, *settings: str) -> None:
        self.data = data
        options = [word for setting in settings for word in ("-c", setting)]
        self.dsn = embedded.ensure(data, extra_args=options)

    def kill(self) -> None:
        """All its processes at once, with whatever they have not written yet."""
        state = embedded.describe(self.data).running
        assert state is not None
        doomed = [state.server, *_children(state.server)]
        for pid in doomed:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in doomed:
            while _is_alive(pid):
                time.sleep(0.001)

    def await_return(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                psycopg.connect(self.dsn).close()
            except psycopg.OperationalError:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            else:
                return


def _stat(pid: str | int) -> list[str]:
    """State, parent and so on of a process."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _children(pid: int) -> list[int]:
    found = []
    for each in Path("/proc").iterdir():
        with suppress(OSError):
            if each.name.isdecimal() and int(_stat(each.name)[1]) == pid:
                found.append(int(each.name))
    return found


def _is_alive(pid: int) -> bool:
    with suppress(OSError):
        return _stat(pid)[0] not in "ZX"
    return False


NewServer = Callable[..., Server]


@pytest.fixture
def new_server() -> Iterator[NewServer]:
    with tempfile.TemporaryDirectory(prefix="duecourse-") as folder:
        data = Path(folder)

        def start(*settings: str) -> Server:
            server = Server(data, *settings)
            furnish(server.dsn)
            return server

        yield start
        embedded.release(data)
        assert embedded.wait_until_stopped(data)


class Load:
    """Writers and a reader at work on a server that is killed under them."""

    def __init__(self, server: Server, writers: int, *, tells_too_early: bool = False) -> None:
        self._server = server
        self._folder = server.data / "notes"
        self._folder.mkdir()
        self._acks = Notes(self._folder, "acks")
        self._random = Random(5)

        def task(name: str) -> Task:
            return Task(
                dsn=server.dsn,
                folder=str(self._folder),
                name=name,
                tells_too_early=tells_too_early,
            )

        self._programs = [Program("writer", task(f"writer-{n}")) for n in range(writers)]
        self._programs.append(Program("reader", task("reader")))
        until(lambda: all(program.is_ready for program in self._programs))

    def await_progress(self) -> None:
        """Until some commands were acknowledged from now on: the engines are at work again."""
        known = self._acks.size()
        wanted = self._random.randint(FEWEST, MOST) * len(_A_LINE)
        until(lambda: self._acks.size() - known >= wanted, seconds=40)

    def lost(self) -> list[Ack]:
        """Of what is acknowledged by now; the rest of what must hold is checked on the way."""
        acks = self._acks.read(Ack)
        with psycopg.connect(self._server.dsn) as connection:
            return check_acknowledged(check_log(log_of(connection)), acks)

    def end(self) -> list[str]:
        """Returns what went wrong in the programs."""
        return [errors for program in self._programs if (errors := program.end())]

    def check_ended(self) -> str:
        """Everybody was told the truth, inside and outside of the database. Returns how much."""
        told = Notes(self._folder, "told").read(Told)
        with psycopg.connect(self._server.dsn) as connection:
            rows = log_of(connection)
            check_followed(connection)
        known = {(row.position, row.case_id, row.version, row.command_id) for row in rows}
        heard = {(each.position, each.case_id, each.version, each.command_id) for each in told}
        assert heard == known
        return f"{len(self._acks.read(Ack))} acknowledged, {len(rows)} events"


@pytest.mark.slow
@pytest.mark.parametrize("writers", [1, 2])
def test_a_server_killed_under_load_loses_nothing_that_was_acknowledged(
    new_server: NewServer, report: Callable[[str], None], writers: int
) -> None:
    server = new_server()
    load = Load(server, writers)
    try:
        for _ in range(KILLS // 2):
            load.await_progress()
            server.kill()
            server.await_return()
            assert load.lost() == []
        load.await_progress()
    finally:
        wrong = load.end()
    assert wrong == []
    assert load.lost() == []
    report(f"{KILLS // 2} kills: {load.check_ended()}")


@pytest.mark.slow
def test_acknowledging_before_the_flush_would_lose_commands(
    new_server: NewServer, report: Callable[[str], None]
) -> None:
    server = new_server()
    load = Load(server, 2, tells_too_early=True)
    lost: list[Ack] = []
    try:
        # Each kill may miss the moment.
        for _ in range(25):
            load.await_progress()
            server.kill()
            server.await_return()
            lost = load.lost()
            if lost:
                break
    finally:
        # They may be at a loss over what they were told and is not there.
        load.end()
    report(f"{len(lost)} acknowledged commands lost")
    assert lost


# --- written by a process that died before its flush -------------------------------------------


class Witness:
    """An engine, and an event that another process made visible and died before it was on disk."""

    def __init__(self, server: Server) -> None:
        self._dsn = server.dsn
        self._database = Database(server.dsn)
        self.engine = self._engine(self._database)
        self.case_id = self._ask(self.engine, _open("witness")).case_id
        self.command_id = uuid.uuid4()

    def write_and_die(self) -> None:
        with Database(self._dsn) as database:
            dead = self._engine(database)
            request = Request(self.case_id, _pay(1, 100), self.command_id, COLLECTOR)
            task = dead._task(request, Gathering(1), 0)
            draft = dead._decisions.draft(task, dead.load(self.case_id))
            assert isinstance(draft, Draft)
            entry = dead._decisions.entry(draft)
            assert isinstance(entry, Entry)
            with database.connect() as connection:
                assert not append(connection, [entry], "early").on_disk

    @staticmethod
    def _engine(database: Database) -> Engine:
        vault = Vault(database, MASTER_KEY)
        return Engine(database, vault, context_for=_context, clock=lambda: NOON)

    def _ask(self, engine: Engine, command: c.Command, command_id: UUID | None = None) -> Outcome:
        case_id = self.case_id if command_id else uuid.uuid4()
        return engine.execute_sync(Request(case_id, command, command_id or uuid.uuid4(), COLLECTOR))

    def ask(self, command: c.Command, command_id: UUID | None = None) -> Outcome:
        return self._ask(self.engine, command, command_id or uuid.uuid4())

    def ask_elsewhere(self, command: c.Command) -> Outcome:
        with Database(self._dsn) as database:
            return self._ask(self._engine(database), command, uuid.uuid4())

    def history(self) -> list[e.Event]:
        return [each.event for each in self.engine.history(self.case_id)]

    def close(self) -> None:
        self._database.close()


@pytest.fixture
def lazy_server(new_server: NewServer) -> Server:
    """Puts nothing on the disk that nobody waits for."""
    return new_server("wal_writer_delay=10s")


@pytest.fixture
def witness(lazy_server: Server) -> Iterator[Witness]:
    made = Witness(lazy_server)
    yield made
    made.close()


def test_what_nobody_flushed_is_lost_with_the_server(lazy_server: Server, witness: Witness) -> None:
    """Else the tests below would show nothing."""
    witness.write_and_die()
    assert len(witness.history()) == 3
    lazy_server.kill()
    lazy_server.await_return()
    assert len(witness.history()) == 2


@pytest.mark.parametrize("same_id", [True, False])
def test_a_repeat_is_acknowledged_when_the_first_is_on_the_disk(
    lazy_server: Server,
    witness: Witness,
    same_id: bool,  # noqa: FBT001
) -> None:
    witness.write_and_die()
    outcome = witness.ask(_pay(1, 100), witness.command_id if same_id else None)
    assert (outcome.version, outcome.repeated) == (3, same_id)
    lazy_server.kill()
    lazy_server.await_return()
    assert len(witness.history()) == 3


def test_nothing_outside_hears_of_what_is_not_on_the_disk(
    lazy_server: Server, witness: Witness
) -> None:
    class Fatal(Outside):
        def apply(self, connection: Connection, batch: Sequence[Recorded]) -> None:
            super().apply(connection, batch)
            if batch[-1].version == 3:
                lazy_server.kill()

    notes = Notes(lazy_server.data, "told")
    with Database(lazy_server.dsn) as database:
        runner = Runner(database, witness.engine, [Fatal(notes)], from_start=["outside"])
        assert runner.run_once() == 2
        witness.write_and_die()
        assert runner.run_once() == 0
    notes.close()
    lazy_server.await_return()
    assert [each.version for each in notes.read(Told)] == [1, 2, 3]
    assert len(witness.history()) == 3


@pytest.mark.parametrize("writes", [True, False])
@pytest.mark.parametrize("asks", [False, True])
def test_what_was_seen_and_lost_is_forgotten(
    lazy_server: Server,
    witness: Witness,
    writes: bool,  # noqa: FBT001
    asks: bool,  # noqa: FBT001
) -> None:
    if writes:
        witness.ask(_talk("no", "no_answer", NOON))
    else:
        witness.engine.close()
    seen = witness.engine.load(witness.case_id).version
    witness.write_and_die()
    assert witness.engine.load(witness.case_id).version == seen + 1
    lazy_server.kill()
    lazy_server.await_return()
    assert witness.ask_elsewhere(_pay(2, 200)).version == seen + 1
    if asks:
        assert witness.ask(_pay(3, 300)).version == seen + 2
    assert witness.engine.load(witness.case_id).case == fold(witness.history())
