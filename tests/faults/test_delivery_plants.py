"""Each bug that the checks of deliveries are there for is caught by the one that is meant for it."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from delivery_plants import Plant
from delivery_worlds import KILLED, Ground, World
from faulty_gateway import FaultyGateway
from faulty_script import Guarantee
from nursery import Nursery

NewDatabase = Callable[[], AbstractContextManager[str]]
FOUND: dict[tuple[Plant, Guarantee], str] = {
    ("no durable start", "idempotent"): "unannounced",
    ("no durable start", "opaque"): "unannounced",
    ("blind resend", "opaque"): "sent blindly",
    ("last receipt wins", "idempotent"): "another state",
    ("no second gate", "queryable"): "not left alone",
    ("no gate before a repeat", "idempotent"): "not left alone",
    ("forgeries are believed", "opaque"): "other receipts",
}
TRIES = 5


@pytest.fixture(scope="module")
def peers() -> Iterator[tuple[FaultyGateway, Nursery]]:
    with (
        tempfile.TemporaryDirectory(prefix="duecourse-") as folder,
        FaultyGateway(Path(folder)) as gateway,
        Nursery("deliveries") as nursery,
    ):
        yield gateway, nursery


@contextmanager
def _lived(
    new_database: NewDatabase,
    peers: tuple[FaultyGateway, Nursery],
    seed: int,
    guarantee: Guarantee,
    plant: Plant = "",
) -> Iterator[World]:
    """A world of two lives, the first of which died with messages on their way."""
    with (
        new_database() as dsn,
        World(
            Ground(*peers, dsn),
            seed=seed,
            guarantee=guarantee,
            messages=30,
            stopped=0.7,
            plant=plant,
        ) as world,
    ):
        assert world.live({"point": "outreach.sent", "hit": 13}) == [KILLED]
        assert world.live({}) == [0]
        yield world


@pytest.mark.parametrize(
    ("seed", "plant", "guarantee"), [(seed, *bug) for seed, bug in enumerate(FOUND, start=1000)]
)
def test_a_planted_bug_is_caught(
    new_database: NewDatabase,
    peers: tuple[FaultyGateway, Nursery],
    seed: int,
    plant: Plant,
    guarantee: Guarantee,
) -> None:
    # Which messages are caught on their way depends on how quick the machine is.
    for number in range(TRIES):
        with _lived(new_database, peers, seed + 100 * number, guarantee, plant) as world:
            found = world.failures()
        if any(each.startswith(FOUND[plant, guarantee]) for each in found):
            return
    pytest.fail(f"not found in {TRIES} worlds, the last of which had: {found}")


@pytest.mark.parametrize(
    ("seed", "guarantee"), [(2000, "idempotent"), (2001, "queryable"), (2002, "opaque")]
)
def test_without_a_bug_nothing_is_found(
    new_database: NewDatabase,
    peers: tuple[FaultyGateway, Nursery],
    seed: int,
    guarantee: Guarantee,
) -> None:
    with _lived(new_database, peers, seed, guarantee) as world:
        assert world.failures() == []


@pytest.mark.parametrize(("seed", "guarantee"), [(3000, "idempotent"), (3001, "queryable")])
def test_an_unclear_answer_is_found_out_as_a_crash_is(
    new_database: NewDatabase,
    peers: tuple[FaultyGateway, Nursery],
    seed: int,
    guarantee: Guarantee,
) -> None:
    with _lived(new_database, peers, seed, guarantee) as world:
        assert world.failures() == []
