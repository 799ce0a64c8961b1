"""A command is done once and answered rightly, whenever the connection dies."""

import asyncio
import contextlib
import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from uuid import UUID

import psycopg
import pytest
from msgspec.structs import replace
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from duecourse.case import commands as c
from duecourse.store.answers import Gathering
from duecourse.store.append import Mode
from duecourse.store.database import Database
from duecourse.store.engine import Engine, Outcome, Request
from duecourse.store.errors import DatabaseUnavailable

Asking = Callable[..., Request]
Paying = Callable[..., c.RecordPayment]
CUTS = int(os.environ.get("DUECOURSE_CUTS", "100"))


class Proxy:
    """Passes bytes to the server and back; can swallow the answer to the next append."""

    def __init__(self, dsn: str) -> None:
        self._server = conninfo_to_dict(dsn)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.dsn = make_conninfo(dsn, host="127.0.0.1", port=self._socket.getsockname()[1])
        self.cut_after_commit = False
        self.cut_before_commit = False
        self.cut_after_flush = False
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                server = self._connect()
                self._open |= {client, server}
                threading.Thread(target=self._serve, args=(client, server), daemon=True).start()

    def _connect(self) -> socket.socket:
        host, port = str(self._server.get("host", "")), self._server.get("port", 5432)
        if host.startswith("/"):
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{host}/.s.PGSQL.{port}")
            return server
        return socket.create_connection((host, int(port or 5432)))

    def _serve(self, client: socket.socket, server: socket.socket) -> None:
        back = threading.Thread(target=self._downstream, args=(client, server), daemon=True)
        back.start()
        self._upstream(client, server)
        back.join()
        for end in (client, server):
            self._open.discard(end)
            end.close()

    def _upstream(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if self.cut_before_commit and b"fictional-token" in data:
                    self.cut_before_commit = False
                    break
                server.sendall(data)
        self._cut(client, server)

    def _downstream(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                # The server sends this answer only after its commit.
                if self.cut_after_commit and b"first_position" in data:
                    self.cut_after_commit = False
                    break
                if self.cut_after_flush and b"flush_log" in data:
                    self.cut_after_flush = False
                    break
                client.sendall(data)
        self._cut(client, server)

    @staticmethod
    def _cut(*ends: socket.socket) -> None:
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._cut(self._socket)
        self._socket.close()
        open_ends = self._open.copy()
        self._cut(*open_ends)
        for end in open_ends:
            end.close()


@pytest.fixture
def proxy(migrated_dsn: str) -> Iterator[Proxy]:
    made = Proxy(migrated_dsn)
    yield made
    made.close()


@pytest.fixture
def distant(proxy: Proxy, new_engine: Callable[..., Engine]) -> Iterator[Engine]:
    """An engine that reaches the database through the proxy."""
    with Database(proxy.dsn, min_size=1, max_size=3) as database:
        yield new_engine(database)


def test_a_lost_acknowledgement_is_neither_a_conflict_nor_a_second_payment(
    proxy: Proxy, distant: Engine, asking: Asking, paying: Paying, opened: UUID
) -> None:
    for number in range(20):
        proxy.cut_after_commit = True
        outcome = distant.execute_sync(asking(paying(f"p-{number}"), opened))
        assert not proxy.cut_after_commit, "the answer was swallowed"
        assert (outcome.version, len(outcome.events)) == (3 + number, 1)
        assert outcome.position is not None
    assert len(distant.history(opened)) == 22
    assert len(distant.load(opened).case.payments) == 20


def test_a_lost_acknowledgement_of_a_batch_answers_each_of_its_commands(
    proxy: Proxy, distant: Engine, asking: Asking, opening: Callable[..., c.OpenCase]
) -> None:
    requests = [asking(opening()) for _ in range(10)]
    proxy.cut_after_commit = True
    answers = distant.execute_batch(requests)
    assert not proxy.cut_after_commit
    assert [(a.case_id, a.version) for a in answers if isinstance(a, Outcome)] == [
        (request.case_id, 2) for request in requests
    ]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["locked", "early"])
def test_each_of_many_cut_connections_had_a_right_answer_in_the_end(
    proxy: Proxy,
    new_engine: Callable[..., Engine],
    asking: Asking,
    opening: Callable[..., c.OpenCase],
    paying: Paying,
    mode: Mode,
) -> None:
    """Cut between commit and reply; with early release, every other time after the flush."""
    with Database(proxy.dsn, min_size=1, max_size=3) as database:
        engine = new_engine(database, mode=mode)
        cases = [engine.execute_sync(asking(opening())).case_id for _ in range(20)]
        expected: dict[UUID, list[tuple[int, UUID | None, int]]] = {each: [] for each in cases}
        for number in range(CUTS):
            if mode == "early" and number % 2:
                proxy.cut_after_flush = True
            else:
                proxy.cut_after_commit = True
            case_id = cases[number % len(cases)]
            request = asking(paying(f"p-{number}"), case_id)
            outcome = engine.execute_sync(request)
            assert not any([proxy.cut_after_commit, proxy.cut_after_flush]), "it was swallowed"
            version = 3 + len(expected[case_id])
            assert (outcome.version, len(outcome.events)) == (version, 1)
            assert outcome.position is not None
            expected[case_id].append((version, request.command_id, outcome.position))
        for case_id, many in expected.items():
            history = engine.history(case_id)[2:]
            assert [(each.version, each.command_id, each.position) for each in history] == many


@pytest.mark.parametrize("mode", ["locked", "early"])
def test_commands_in_flight_at_a_cut_are_all_answered_once(
    proxy: Proxy,
    new_engine: Callable[..., Engine],
    asking: Asking,
    opening: Callable[..., c.OpenCase],
    paying: Paying,
    mode: Mode,
) -> None:
    """Many coroutines on a few cases, and cuts in between at any moment."""
    asked: dict[UUID, Outcome] = {}

    async def pay(engine: Engine, client: int, cases: list[UUID]) -> None:
        for number in range(25):
            request = asking(paying(f"p-{client}-{number}"), cases[(client + number) % len(cases)])
            proxy.cut_after_commit |= number % 5 == 0
            proxy.cut_after_flush |= number % 7 == 0
            asked[request.command_id] = await engine.execute(request)

    async def pay_all(engine: Engine, cases: list[UUID]) -> None:
        paying_all = [pay(engine, client, cases) for client in range(16)]
        await asyncio.wait_for(asyncio.gather(*paying_all), 60)

    with Database(proxy.dsn, min_size=1, max_size=3) as database:
        engine = new_engine(database, mode=mode)
        cases = [engine.execute_sync(asking(opening())).case_id for _ in range(5)]
        asyncio.run(pay_all(engine, cases))
        proxy.cut_after_commit = proxy.cut_after_flush = False
        recorded = [each for case_id in cases for each in engine.history(case_id)[2:]]
    assert len(recorded) == len(asked) == 16 * 25
    for each in recorded:
        assert each.command_id is not None
        outcome = asked[each.command_id]
        assert (outcome.version, outcome.position) == (each.version, each.position)


def test_a_command_that_is_looked_up_twice_at_once_has_its_events_once(
    engine: Engine, asking: Asking, paying: Paying, opened: UUID
) -> None:
    """As when the connection is lost while it is being looked up after an earlier loss."""
    request = asking(paying("p-1"), opened)
    outcome = engine.execute_sync(request)
    task = engine._task(request, Gathering(1), 0)
    answers = engine._running()._loader._first_answers([task, task])
    assert answers == {request.command_id: replace(outcome, repeated=True)}


def test_a_command_that_never_arrived_is_sent_again(
    proxy: Proxy, distant: Engine, asking: Asking, paying: Paying, opened: UUID
) -> None:
    request = asking(paying("p-1"), opened)
    proxy.cut_before_commit = True
    marked = Request(
        request.case_id, request.command, request.command_id, request.actor, "fictional-token"
    )
    outcome = distant.execute_sync(marked)
    assert not proxy.cut_before_commit
    assert (outcome.version, outcome.repeated) == (3, False)


def test_sessions_ended_by_the_server_are_replaced(
    migrated_dsn: str, distant: Engine, asking: Asking, paying: Paying, opened: UUID
) -> None:
    with psycopg.connect(migrated_dsn, autocommit=True) as administrator:
        for number in range(5):
            administrator.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'duecourse'"
            )
            assert distant.execute_sync(asking(paying(f"p-{number}"), opened)).version == 3 + number


def test_a_database_that_stays_away_is_reported_in_time(proxy: Proxy) -> None:
    with Database(proxy.dsn, patience=0.2) as database:
        # The pool has its connection now, so none is on its way while the proxy closes.
        database.run(lambda connection: connection.execute("SELECT 1").fetchone())
        proxy.close()
        with pytest.raises(DatabaseUnavailable, match="went away"):
            database.run(lambda connection: connection.execute("SELECT 1").fetchone())


def test_what_a_rollback_let_go_of_is_prepared_again(
    migrated_dsn: str, new_engine: Callable[..., Engine], opened: UUID
) -> None:
    with Database(migrated_dsn, min_size=1, max_size=1) as database:
        engine = new_engine(database)
        assert engine.load(opened).version == 2
        with database.connection() as connection, connection.transaction(force_rollback=True):
            connection.execute("SELECT 1", prepare=True)
        assert engine.load(opened).version == 2


def test_an_error_of_the_work_itself_is_not_tried_again(database: Database) -> None:
    tries: list[uuid.UUID] = []

    def fail(connection: psycopg.Connection[tuple[object, ...]]) -> None:
        tries.append(uuid.uuid4())
        connection.execute("SELECT 1/0")

    with pytest.raises(psycopg.errors.DivisionByZero):
        database.run(fail)
    assert len(tries) == 1
