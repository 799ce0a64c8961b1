"""A process may die between any two steps: what it acknowledged stays, and nothing is done twice."""

import itertools
import json
import os
import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from audit import check_acknowledged, check_followed, check_log, check_sent, comparable, log_of
from lives import CASES, Ack, Job, Notes, Sent
from nursery import Nursery

from duecourse import faults
from duecourse.store.append import Mode

NewDatabase = Callable[[], AbstractContextManager[str]]
HITS = int(os.environ.get("DUECOURSE_FAULT_HITS", "300"))
MODES: tuple[Mode, ...] = ("auto", "early", "locked")
KILLED = -9
SHARED_LEASE = 0.2


class World:
    """A database and what the lives in it wrote down."""

    def __init__(self, dsn: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="duecourse-"))
        self.dsn = dsn
        self._connection = psycopg.connect(dsn, autocommit=True)

    def job(self, **fields: Any) -> Job:
        return Job(dsn=self.dsn, folder=str(self.folder), **fields)

    def check(self) -> None:
        """What must hold at any time."""
        acks, sent = (self._notes(name, kind) for name, kind in (("acks", Ack), ("sent", Sent)))
        commands = check_log(log_of(self._connection))
        assert check_acknowledged(commands, acks) == []
        check_followed(self._connection)
        check_sent(sent)

    def _notes(self, name: str, kind: type[Any]) -> list[Any]:
        notes = Notes(self.folder, name)
        try:
            return notes.read(kind)
        finally:
            notes.close()

    def ending(self) -> dict[str, Any]:
        """How a life that came to its end found all cases, and what is in the views."""
        ending: dict[str, Any] = json.loads((self.folder / "summary").read_text())
        (self.folder / "summary").unlink()
        for table, order in (("worklist", "case_id"), ("timers", "case_id, key")):
            rows = self._connection.execute(
                f"SELECT to_jsonb(t) FROM {table} t WHERE case_id <> ALL (%s) ORDER BY {order}",
                ([CASES["letters"], CASES["mails"]],),
            )
            ending[table] = [row for (row,) in rows]
        return ending

    def errors(self) -> str:
        written = self.folder / "errors"
        return written.read_text() if written.exists() else ""

    def close(self) -> None:
        self._connection.close()
        shutil.rmtree(self.folder)


class Plan:
    """Who is killed where next: first each point at each of its hits, then at random."""

    def __init__(self, counts: dict[str, int], hits: int) -> None:
        self.hits: Counter[str] = Counter(dict.fromkeys(faults.POINTS, 0))
        self.lives = self.worlds = 0
        self._random = Random(3)
        self._wanted = hits
        each = [(point, n) for point in faults.POINTS for n in range(1, counts[point] + 1)]
        self._random.shuffle(each)
        self._firsts: Iterator[tuple[str, int]] = itertools.cycle(each)
        self._lock = threading.Lock()

    @property
    def is_done(self) -> bool:
        return self.hits.total() >= self._wanted

    def jobs(self, world: World, *, first: bool) -> list[Job]:
        """For a life in this world, or for two beside each other."""
        with self._lock:
            self.lives += 1
            self.worlds += first
            together = 1 + (self._random.random() < 0.2)
            return [self._job(world, together, first=first) for _ in range(together)]

    def _job(self, world: World, together: int, *, first: bool) -> Job:
        if first:
            point, hit = next(self._firsts)
        else:
            weights = [1 / (1 + self.hits[point]) for point in faults.POINTS]
            (point,) = self._random.choices(faults.POINTS, weights)
            hit = self._random.choice((1, 1, 1, 2, 3))
        needs_flush = point in {"engine.flushing", "engine.flushed"}
        return world.job(
            point=point,
            hit=hit,
            mode="early" if needs_flush else self._random.choice(MODES),
            lease_seconds=SHARED_LEASE if together > 1 else 0.0,
            swap=self._random.random() < 0.5,
        )

    def ended(self, job: Job, code: int) -> None:
        with self._lock:
            if code == KILLED:
                self.hits[job.point] += 1


def _live_in(world: World, nursery: Nursery, plan: Plan) -> None:
    """Kill until a life comes to its end."""
    for first in itertools.chain([True], itertools.repeat(False)):
        jobs = plan.jobs(world, first=first)
        codes = nursery.raise_up(*jobs)
        for job, code in zip(jobs, codes, strict=True):
            where = f"{job.point}:{job.hit} in mode {job.mode}"
            assert code in {0, KILLED}, f"{where} ended with {code}: {world.errors()}"
            plan.ended(job, code)
        world.check()
        if 0 in codes:
            return


def _undisturbed(world: World, nursery: Nursery, mode: Mode) -> dict[str, Any]:
    assert nursery.raise_up(world.job(mode=mode, count=True)) == [0], world.errors()
    world.check()
    return world.ending()


def _fill(new_database: NewDatabase, plan: Plan, expected: dict[str, Any]) -> None:
    with Nursery() as nursery:
        while not plan.is_done:
            with new_database() as dsn, closing(World(dsn)) as world:
                _live_in(world, nursery, plan)
                for name, found in comparable(world.ending(), CASES).items():
                    assert found == expected[name], name


@pytest.mark.slow
def test_killed_at_any_point_and_started_again_a_process_loses_and_doubles_nothing(
    new_database: NewDatabase, report: Callable[[str], None]
) -> None:
    with Nursery() as nursery, new_database() as dsn, closing(World(dsn)) as world:
        reference = _undisturbed(world, nursery, "early")
    counts = reference.pop("counts")
    assert set(counts) == set(faults.POINTS), "a life comes to every point, and all are listed"
    expected = comparable(reference, CASES)
    plan = Plan(counts, HITS)
    with ThreadPoolExecutor(2) as pool:
        for filling in [pool.submit(_fill, new_database, plan, expected) for _ in range(2)]:
            filling.result()
    report(f"{plan.hits.total()} hits in {plan.lives} lives of {plan.worlds} databases")
    for point, hits in plan.hits.items():
        report(f"{hits:6} {point}")
    assert min(plan.hits.values()) > 0
