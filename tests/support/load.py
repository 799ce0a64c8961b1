"""Programs that work on a database without end, and write down what they were told.

    python load.py writer '{"dsn": ..., "folder": ..., "name": ...}'

Each ends when its standard input does. A writer's name makes its ids; the cases that all writers
share get the same commands, by the same ids, from each of them.
"""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from uuid import UUID, uuid5

import msgspec
from lives import MASTER_KEY, Ack, Notes, Tally, _context, _open, _pay

from duecourse.store.append import Entry, Mode, Written
from duecourse.store.database import Connection, Database
from duecourse.store.engine import Engine, Recorded, Request
from duecourse.store.follower import Tables
from duecourse.store.runner import Runner
from duecourse.store.vault import Vault
from duecourse.store.writer import Writer
from duecourse.testing import COLLECTOR
from duecourse.testing.sample import NOON

CLIENTS: Final = 16
SHARED: Final = 4
PAYMENTS: Final = 12


class Task(msgspec.Struct, frozen=True, kw_only=True):
    dsn: str
    folder: str
    name: str
    mode: Mode = "early"
    tells_too_early: bool = False
    """The planted defect: whoever asked is told before the flush."""


class Told(msgspec.Struct, frozen=True):
    """An event that something outside the database has acted on."""

    position: int
    case_id: UUID
    version: int
    command_id: UUID


class Program:
    """One of them, from outside."""

    def __init__(self, what: str, task: Task) -> None:
        self._errors = (Path(task.folder) / f"{task.name}.errors").open("w+")
        self._ready = _ready(task)
        self._process = subprocess.Popen(
            [sys.executable, __file__, what, msgspec.json.encode(task)],
            stdin=subprocess.PIPE,
            stderr=self._errors,
        )

    @property
    def is_ready(self) -> bool:
        assert self._process.poll() is None, "it ended at once"
        return self._ready.exists()

    def end(self) -> str:
        """Let it finish what is under way. Returns what went wrong in it."""
        try:
            self._process.communicate(timeout=60)
        finally:
            self._process.kill()
            self._process.wait()
            self._errors.seek(0)
            errors = self._errors.read()
            self._errors.close()
        return errors if self._process.returncode else ""


def _ready(task: Task) -> Path:
    """There once the program is at work."""
    return Path(task.folder) / f"{task.name}.ready"


def _requests(name: str, client: int) -> Iterator[Request]:
    """Cases, one after the other, each with some payments."""
    number = 0
    while True:
        number += 1
        label = f"{name}/{client}/{number}"
        case_id = uuid5(UUID(int=0), label)
        opening = _open(label)
        payments = [_pay(n, 100) for n in range(PAYMENTS)]
        for n, command in enumerate([opening, *payments]):
            yield Request(case_id, command, uuid5(case_id, str(n)), COLLECTOR)


async def _ask(
    engine: Engine, requests: Iterator[Request], acks: Notes, end: asyncio.Event
) -> None:
    for request in requests:
        outcome = await engine.execute(request)
        assert outcome.position is not None
        acks.add(Ack(request.command_id, outcome.version, outcome.position, len(outcome.events)))
        if end.is_set():
            return


async def _write(engine: Engine, task: Task) -> None:
    acks = Notes(task.folder, "acks")
    end = asyncio.Event()
    mine = [_requests(task.name, client) for client in range(CLIENTS)]
    shared = [_requests("shared", client) for client in range(SHARED)]
    async with asyncio.TaskGroup() as clients:
        for requests in (*mine, *shared):
            clients.create_task(_ask(engine, requests, acks, end))
        await asyncio.to_thread(sys.stdin.read)
        end.set()


def write(task: Task) -> None:
    if task.tells_too_early:
        written = Writer.written

        def untrue(self: Writer, entries: Sequence[Entry]) -> Written | None:
            found = written(self, entries)
            return None if found is None else Written(on_disk=True, verdicts=found.verdicts)

        Writer.written = untrue  # type: ignore[method-assign]
    with Database(task.dsn) as database:
        vault = Vault(database, MASTER_KEY)
        engine = Engine(database, vault, context_for=_context, clock=lambda: NOON, mode=task.mode)
        _ready(task).touch()
        asyncio.run(_write(engine, task))


class Outside:
    """A follower whose effects are elsewhere: it tells a file."""

    name = "outside"
    outside = True
    tables: Tables = {}  # noqa: RUF012 - as the protocol has it

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    def apply(self, connection: Connection, batch: Sequence[Recorded]) -> None:
        for each in batch:
            assert each.command_id is not None
            self._notes.add(Told(each.position, each.case_id, each.version, each.command_id))


def follow(task: Task) -> None:
    stop = threading.Event()
    with Database(task.dsn) as database:
        engine = Engine(
            database, Vault(database, MASTER_KEY), context_for=_context, clock=lambda: NOON
        )
        followers = [Tally(), Outside(Notes(task.folder, "told"))]
        runner = Runner(database, engine, followers, from_start=["outside"])
        following = threading.Thread(target=runner.run, args=(stop,))
        following.start()
        _ready(task).touch()
        sys.stdin.read()
        stop.set()
        following.join()
        # A follower that rests after several losses in a row goes on by itself, some seconds later.
        while any(each.events for each in runner.lag()):
            runner.run_once()
            time.sleep(0.05)


if __name__ == "__main__":
    {"writer": write, "reader": follow}[sys.argv[1]](
        msgspec.json.decode(sys.argv[2].encode(), type=Task)
    )
