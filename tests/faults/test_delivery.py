"""A gateway that fails in every way, and processes that die anywhere: what left is what is known.

DUECOURSE_DELIVERY_RUNS says how many messages at least are to be on their way when their process
dies, each with a script of its own.
"""

import itertools
import os
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from delivery_worlds import KILLED, Ground, World
from faulty_gateway import FaultyGateway
from faulty_script import Guarantee
from nursery import Nursery

from duecourse import faults

NewDatabase = Callable[[], AbstractContextManager[str]]
RUNS = int(os.environ.get("DUECOURSE_DELIVERY_RUNS", "150"))
MESSAGES = 40
GUARANTEES: tuple[Guarantee, ...] = ("idempotent", "queryable", "opaque")
SHORT_LEASE, LONG_LEASE = 0.2, 1.0
"""Shorter than a slow answer; and longer, where a second worker's question must not overtake."""


class Plan:
    """Which worlds there are and who is killed where next: each point first, then the rarest."""

    def __init__(self, counts: dict[str, int], runs: int) -> None:
        self.hits: Counter[str] = Counter(dict.fromkeys(faults.POINTS, 0))
        self.sending: set[tuple[str, str]] = set()
        self.reporting: set[tuple[str, str]] = set()
        self.worlds: Counter[Guarantee] = Counter()
        self.lives = 0
        self._counts = counts
        self._wanted = runs
        self._random = Random(11)
        self._seeds = itertools.count(1)
        points = list(faults.POINTS)
        self._random.shuffle(points)
        self._firsts = itertools.cycle(points)
        self._lock = threading.Lock()

    @property
    def is_done(self) -> bool:
        crossed = len(self.sending) + len(self.reporting)
        is_mixed = len(self.worlds) == len(GUARANTEES)
        return crossed >= self._wanted and is_mixed and min(self.hits.values()) > 0

    def world(self) -> dict[str, Any]:
        with self._lock:
            seed = next(self._seeds)
            assert seed < 100 + self._wanted, f"some point is never reached: {self.hits}"
            return {
                "seed": seed,
                # Drawn, so that no point goes with one of them only.
                "guarantee": self._random.choice(GUARANTEES),
                "messages": MESSAGES,
                "jumps": self._random.random() < 0.2,
            }

    def lives_of(self, guarantee: Guarantee, *, first: bool) -> list[dict[str, Any]]:
        with self._lock:
            self.lives += 1
            together = 1 + (self._random.random() < 0.2)
            return [self._life(guarantee, together, first=first) for _ in range(together)]

    def _life(self, guarantee: Guarantee, together: int, *, first: bool) -> dict[str, Any]:
        if first:
            point = next(self._firsts)
            hit = self._random.randint(1, self._counts[point])
        else:
            weights = [1 / (1 + self.hits[point]) for point in faults.POINTS]
            (point,) = self._random.choices(faults.POINTS, weights)
            hit = self._random.choice((1, 1, 2, 3, 5, 8))
        needs_flush = point in {"engine.flushing", "engine.flushed"}
        lease = LONG_LEASE if guarantee == "queryable" else SHORT_LEASE
        return {
            "point": point,
            "hit": hit,
            "mode": "early" if needs_flush else self._random.choice(("auto", "early", "locked")),
            "lease_seconds": lease if together > 1 else 0.0,
            "pooled": self._random.random() < 0.5,
        }

    def ended(self, point: str, code: int) -> None:
        with self._lock:
            if code == KILLED:
                self.hits[point] += 1

    def over(self, world: World, killed: Sequence[str]) -> None:
        """Count the scripts that a kill came across, each once for each point."""
        with self._lock:
            self.worlds[world.job.guarantee] += 1
            for each in world.under_way():
                point = killed[each.number - 1]
                self.sending |= {(point, key) for key in each.sending}
                self.reporting |= {
                    (point, f"{world.job.world}/{name.rpartition('-')[0]}")
                    for name in each.reporting
                }


def _live_out(world: World, plan: Plan) -> list[str]:
    """Kill until a life comes to its end. Returns where."""
    killed: list[str] = []
    for first in itertools.chain([True], itertools.repeat(False)):
        lives = plan.lives_of(world.job.guarantee, first=first)
        codes = world.live(*lives)
        for each, code in zip(lives, codes, strict=True):
            plan.ended(each["point"], code)
        if 0 in codes:
            return killed
        killed.append(lives[0]["point"])
    raise AssertionError


def _fill(new_database: NewDatabase, plan: Plan) -> None:
    with _ground() as (gateway, nursery):
        while not plan.is_done:
            with (
                new_database() as dsn,
                World(Ground(gateway, nursery, dsn), **plan.world()) as world,
            ):
                killed = _live_out(world, plan)
                assert world.failures() == [], world.where()
                plan.over(world, killed)


@contextmanager
def _ground() -> Iterator[tuple[FaultyGateway, Nursery]]:
    with (
        tempfile.TemporaryDirectory(prefix="duecourse-") as folder,
        FaultyGateway(Path(folder)) as gateway,
        Nursery("deliveries") as nursery,
    ):
        yield gateway, nursery


def _undisturbed(new_database: NewDatabase) -> dict[str, int]:
    """How often a life comes to each point that nobody kills."""
    with (
        _ground() as (gateway, nursery),
        new_database() as dsn,
        World(
            Ground(gateway, nursery, dsn), seed=0, guarantee="idempotent", messages=MESSAGES
        ) as world,
    ):
        assert world.live({"count": True, "mode": "early"}) == [0]
        assert world.failures() == [], world.where()
        return world.counts()


@pytest.mark.slow
def test_whatever_fails_and_whoever_dies_the_ledger_of_the_gateway_and_the_cases_agree(
    new_database: NewDatabase, report: Callable[[str], None]
) -> None:
    counts = _undisturbed(new_database)
    assert set(counts) == set(faults.POINTS), "a life comes to every point, and all are listed"
    plan = Plan(counts, RUNS)
    with ThreadPoolExecutor(2) as pool:
        for filling in [pool.submit(_fill, new_database, plan) for _ in range(2)]:
            filling.result()
    report(f"{plan.hits.total()} hits on {plan.lives} lives, across scripts of messages:")
    worlds = ", ".join(f"{many} {name}" for name, many in sorted(plan.worlds.items()))
    report(f"worlds: {worlds}")
    report(f"{len(plan.sending)} on their way out, {len(plan.reporting)} still to be reported on")
    for point, hits in plan.hits.items():
        report(f"{hits:6} {point}")
