"""Ours, through the engine: coroutines that each work on cases of their own.

python -m bench.ours DSN clients|conflicts|late|moved PAYLOAD CLIENTS SECONDS SLICE OF [SHARE]
"""

import argparse
import asyncio
import random
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from itertools import cycle
from typing import Final
from uuid import UUID

from bench import children, seeds
from bench.closed_loop import Report, report, run_coroutines, wait_for_start
from bench.contender import Contender, Sample
from bench.engine import OurEngine
from bench.payloads import Payload, asks
from bench.servers import Server

TEMPLATE: Final = "ours"
_CONFLICT_CLIENTS: Final = 128
_LATE: Final = 0.0005


def contenders(server: Server) -> Iterator[Contender]:
    seeds.open_cases(server, TEMPLATE)
    for payload in ("toy", "real"):
        for processes in (1, 2):
            for clients in (1, 8, 32, 128, 512):
                if clients >= processes:
                    yield _contender(server, payload, processes, clients)


def conflicts(server: Server) -> Iterator[Contender]:
    seeds.open_cases(server, "conflicts")
    for share in (0.0, 0.1):
        yield Contender(
            key=f"ours conflicts {share:.0%}",
            part="conflicts",
            run=partial(_conflicts, server, "conflicts", share),
        )
    yield Contender(
        key="ours late 10%",
        part="conflicts",
        run=partial(_conflicts, server, "late", 0.1),
    )
    yield Contender(
        key="ours moved 10%",
        part="conflicts",
        run=partial(_conflicts, server, "moved", 0.1),
        quick=False,
    )


def _contender(server: Server, payload: Payload, processes: int, clients: int) -> Contender:
    beside = "" if processes == 1 else f" in {processes} processes"
    quick = {("toy", 1): (1, 32, 512), ("real", 1): (32, 512), ("toy", 2): (512,)}
    return Contender(
        key=f"ours {payload} {clients}{beside}",
        part="ours",
        run=partial(_engine, server, payload, processes, clients),
        quick=clients in quick.get((payload, processes), ()),
    )


def _engine(
    server: Server, payload: Payload, processes: int, clients: int, seconds: float
) -> Sample:
    with server.fresh(TEMPLATE) as database:
        return run_on(server.dsn(database), payload, clients, seconds, processes)


def run_on(dsn: str, payload: Payload, clients: int, seconds: float, processes: int = 1) -> Sample:
    """Run `clients` in all, spread over processes, on a database with open cases."""
    each = clients // processes
    commands = [
        children.module("bench.ours", dsn, "clients", payload, each, seconds, number, processes)
        for number in range(processes)
    ]
    return children.run(commands, seconds)


def _conflicts(server: Server, action: str, share: float, seconds: float) -> Sample:
    with server.fresh("conflicts") as database:
        asked = ("toy", _CONFLICT_CLIENTS, seconds, 0, 1, share)
        command = children.module("bench.ours", server.dsn(database), action, *asked)
        return children.run([command], seconds)


# --- in the child ------------------------------------------------------------------------------


async def _clients(ours: OurEngine, mine: list[UUID], asked: argparse.Namespace) -> Report:
    """Each client goes round its cases, as states grow with what happens to a case."""
    ours.warm(mine)
    rounds = [
        cycle([(case_id, asks(asked.payload)) for case_id in mine[number :: asked.clients]])
        for number in range(asked.clients)
    ]

    async def ask(number: int) -> None:
        case_id, commands = next(rounds[number])
        await ours.ask(case_id, next(commands))

    wait_for_start()
    return await run_coroutines(ask, asked.clients, asked.seconds)


async def _between_two(
    engines: list[OurEngine], mine: list[UUID], asked: argparse.Namespace
) -> Report:
    """A client has one case, and two engines to ask; each knows only what it did itself.

    With `conflicts`, a client changes the engine for that share of its commands; the other one has
    an old state of the case then, so each change is a conflict that it must find and resolve. With
    `moved`, that share is meant for a version that is past, and is answered with a no. With `late`,
    that share comes half a millisecond later and meets no conflict: that clients fall out of step
    costs something by itself.
    """
    for engine in engines:
        engine.warm(mine)
    commands = asks(asked.payload)
    at = [number % 2 for number in range(asked.clients)]

    async def ask(number: int) -> None:
        strikes = random.random() < asked.share  # noqa: S311 - no secret
        if strikes and asked.action == "moved":
            await engines[at[number]].ask_too_late(mine[number], next(commands))
            return
        if strikes and asked.action == "late":
            await asyncio.sleep(_LATE)
        elif strikes:
            at[number] = 1 - at[number]
        await engines[at[number]].ask(mine[number], next(commands))

    wait_for_start()
    return await run_coroutines(ask, asked.clients, asked.seconds)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("dsn")
    parser.add_argument("action", choices=["clients", "conflicts", "late", "moved"])
    parser.add_argument("payload", choices=["toy", "real"])
    parser.add_argument("clients", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("slice", type=int)
    parser.add_argument("of", type=int)
    parser.add_argument("share", type=float, nargs="?", default=0.0)
    return parser.parse_args()


async def _run(asked: argparse.Namespace) -> Report:
    mine = seeds.case_ids(asked.dsn)[asked.slice :: asked.of]
    count = 1 if asked.action == "clients" else 2
    with ExitStack() as stack:
        engines = [stack.enter_context(OurEngine(asked.dsn, asked.payload)) for _ in range(count)]
        if asked.action == "clients":
            return await _clients(engines[0], mine, asked)
        return await _between_two(engines, mine, asked)


def main() -> None:
    report(asyncio.run(_run(_arguments())))


if __name__ == "__main__":
    main()
