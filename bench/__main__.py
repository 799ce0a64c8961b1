"""python -m bench: every contender in turn, round after round, then the table.

python -m bench --quick
python -m bench --only ours,limits --rounds 1 --seconds 0.5
"""

import argparse
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NoReturn

import psycopg

from bench import (
    backtest,
    bank_import,
    children,
    dispatch,
    growth,
    http,
    ledger,
    limits,
    ours,
    peers,
    reads,
    servers,
    stock,
    stock_follower,
    table,
)
from bench.children import output_of
from bench.contender import Contender, Failed, Sample, Skipped
from bench.servers import Disk, Server
from bench.table import Place
from duecourse.store.embedded import EmbeddedError
from duecourse.store.errors import StoreError

HERE: Final = Path(__file__).parent
PARTS: Final = (
    "limits",
    "stock",
    "django",
    "emmett",
    "ours",
    "conflicts",
    "http",
    "reads",
    "growth",
    "backtest",
    "dispatch",
    "bank import",
    "ledger",
)
ON_REAL_DISK: Final = frozenset({"limits", "stock", "django", "emmett", "ours"})
_ROUNDS: Final = 5
_QUICK_ROUNDS: Final = 3
_SECONDS: Final = 3.0
_QUICK_SECONDS: Final = 1.0
# What can go wrong with one contender without harm to the others.
_TROUBLE: Final = (Failed, EmbeddedError, StoreError, psycopg.Error, OSError)
# On the real disk of a quick run only what is needed to compare the disks.
_QUICK_ON_REAL: Final = frozenset(
    {"pgbench 32", "stock 32", "ours toy 32", "ours toy 512", "django 2x16"}
)


class Bench:
    """One run: the contenders of each disk, what they measured, and why some did not."""

    def __init__(self, asked: argparse.Namespace) -> None:
        self._asked = asked
        self.contenders: list[tuple[Server, Contender]] = []
        self.rounds: list[dict[Place, Sample]] = []
        self.troubles: dict[Place, str] = {}
        self.notes: list[str] = []
        self.version = "none"

    def prepare(self, stack: ExitStack) -> None:
        """Start the servers, before there are threads, and then all that is measured on them."""
        started = [self._start(disk, stack) for disk in self._asked.disks]
        for server in started:
            if server is not None:
                self.version = server.version
                self.notes += [f"Note: {note}." for note in server.notes]
                for part, make in self._parts(server, stack):
                    self._prepare(server, part, make)

    def _start(self, disk: Disk, stack: ExitStack) -> Server | None:
        _say(f"{disk} disk: starting its server")
        try:
            return stack.enter_context(servers.running(disk))
        except Skipped as why:
            self._trouble(disk, "everything", f"skipped: {why}")
        except _TROUBLE as why:
            self._trouble(disk, "everything", f"failed: {why}")
        return None

    def _parts(
        self, server: Server, stack: ExitStack
    ) -> Iterator[tuple[str, Callable[[], Iterator[Contender]]]]:
        makers: dict[str, Callable[[], Iterator[Contender]]] = {
            "limits": lambda: limits.contenders(server),
            "stock": lambda: stock.contenders(server),
            "django": lambda: peers.django(server),
            "emmett": lambda: peers.emmett(server),
            "ours": lambda: ours.contenders(server),
            "conflicts": lambda: ours.conflicts(server),
            "http": lambda: http.contenders(server, stack),
            "reads": lambda: reads.contenders(server),
            "stock follower": lambda: stock_follower.contenders(server),
            "growth": lambda: growth.contenders(server, big=self._asked.big),
            "backtest": lambda: backtest.contenders(server),
            "dispatch": lambda: dispatch.contenders(server),
            "bank import": lambda: bank_import.contenders(server),
            "ledger": lambda: ledger.contenders(server),
        }
        for part, make in makers.items():
            wanted = "reads" if part == "stock follower" else part
            there = server.disk == "model" or wanted in ON_REAL_DISK
            if there and wanted in self._asked.only:
                yield part, make

    def _prepare(self, server: Server, part: str, make: Callable[[], Iterator[Contender]]) -> None:
        _say(f"{server.disk} disk: preparing {part}")
        try:
            found = [each for each in make() if self._wanted(server.disk, each)]
        except Skipped as why:
            self._trouble(server.disk, part, f"skipped: {why}")
        except _TROUBLE as why:
            self._trouble(server.disk, part, f"failed: {why}")
        else:
            self.contenders += [(server, each) for each in found]

    def _wanted(self, disk: Disk, contender: Contender) -> bool:
        if not self._asked.quick:
            return True
        return contender.quick and (disk == "model" or contender.key in _QUICK_ON_REAL)

    def run(self) -> None:
        """Go round all contenders, there and back, so that a drift harms none more than others."""
        for number in range(self._asked.rounds):
            for server in {id(each): each for each, _ in self.contenders}.values():
                server.checkpoint()
            self.rounds.append({})
            for server, contender in self.contenders[:: -1 if number % 2 else 1]:
                self._measure(server, contender)

    def _measure(self, server: Server, contender: Contender) -> None:
        """What fails may succeed in the next round."""
        try:
            sample = contender.run(self._asked.seconds)
        except Skipped as why:
            self._trouble(server.disk, contender.key, f"skipped: {why}")
        except _TROUBLE as why:
            self._trouble(server.disk, contender.key, f"failed: {why}")
        else:
            self.rounds[-1][server.disk, contender.key] = sample
            which = f"round {len(self.rounds)}/{self._asked.rounds}"
            _say(f"{which}  {server.disk:5}  {contender.key:30} {sample.per_second:>12,.0f}/s")

    def _trouble(self, disk: Disk, key: str, why: str) -> None:
        self.troubles[disk, key] = why
        _say(f"{disk} disk, {key}: {why}")


def _profile() -> str:
    """Where real commands spend their time, on a server of its own."""
    try:
        said = output_of(children.module("bench.profile", "real"), _SECONDS)
    except Failed as why:
        said = f"failed: {why}"
    return f"\n## Where the time of real commands goes, 512 clients\n\n```\n{said.strip()}\n```\n"


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def _asked(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("--quick", action="store_true", help="smaller and noisier, in minutes")
    parser.add_argument("--big", action="store_true", help="growth to 10 M stored events too")
    parser.add_argument("--only", default=",".join(PARTS), help="parts, with commas between them")
    parser.add_argument("--disks", default="model,real")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="how long each contender runs in a round")
    asked = parser.parse_args(arguments)
    asked.whole = asked.only == ",".join(PARTS) and not asked.quick and asked.rounds is None
    asked.only = asked.only.split(",")
    asked.disks = asked.disks.split(",")
    for unknown in {*asked.only} - {*PARTS} | {*asked.disks} - {"model", "real"}:
        parser.error(f"there is no {unknown!r}; parts: {', '.join(PARTS)}; disks: model, real")
    asked.rounds = asked.rounds or (_QUICK_ROUNDS if asked.quick else _ROUNDS)
    asked.seconds = asked.seconds or (_QUICK_SECONDS if asked.quick else _SECONDS)
    return asked


def _stop(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def main() -> int:
    asked = _asked(sys.argv[1:])
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    began = time.monotonic()
    bench = Bench(asked)
    try:
        with ExitStack() as stack:
            bench.prepare(stack)
            # Called first of all at the end: nobody's second Ctrl-C leaves half of it behind.
            stack.callback(signal.signal, signal.SIGINT, signal.SIG_IGN)
            bench.run()
    except KeyboardInterrupt:
        _say("stopped; servers and databases are gone")
        return 130
    machine = table.machine_line(
        bench.version, shlex.join(["python", "-m", "bench", *sys.argv[1:]])
    )
    text = table.report(bench.rounds, bench.troubles, bench.notes, machine)
    table.write_latest(HERE / "latest.json", table.results(bench.rounds))
    if asked.whole:
        text += _profile()
        (HERE / "RESULTS.md").write_text(text)
    _say(f"\n{text}\n{time.monotonic() - began:.0f} seconds in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
