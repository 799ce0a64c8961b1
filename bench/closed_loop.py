"""Closed-loop clients: each asks again as soon as it has its answer.

Only the standard library, as peers import it from virtual environments of their own. A child says
that it is ready, waits for the word to begin, and reports one line of JSON.
"""

import asyncio
import contextlib
import json
import resource
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

Report = dict[str, float]
WARM_UP = 0.25
"""The part of a run's time that goes before it, uncounted."""


class Tally:
    """Counts what ends between `begins` and `ends`, on the clock of this process."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.latencies: list[float] = []
        self.begins = time.perf_counter() + min(0.5, WARM_UP * seconds)
        self.ends = self.begins + seconds

    def note(self, asked: float) -> bool:
        """Note an answer to what was asked at that time; False when it is time to stop."""
        now = time.perf_counter()
        if self.begins <= now < self.ends:
            self.latencies.append(now - asked)
        return now < self.ends

    def report(self) -> Report:
        return {
            "per_second": len(self.latencies) / self._seconds,
            **percentiles(self.latencies),
            "peak_mb": peak_mb(),
        }


def percentiles(latencies: Sequence[float]) -> Report:
    """In milliseconds; nothing when there is nothing to say."""
    if not latencies:
        return {}
    ordered = sorted(latencies)
    at = {"p50_ms": 0.50, "p99_ms": 0.99}
    return {name: 1000 * ordered[int(share * len(ordered))] for name, share in at.items()}


def peak_mb() -> float:
    """The most memory that this process has had, in megabytes."""
    with contextlib.suppress(OSError):
        # Linux hands a parent's peak down through ru_maxrss.
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(each.split()[1]) / 1e3 for each in lines if each.startswith("VmHWM"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def wait_for_start() -> None:
    """Say that everything is prepared, and wait until the other children are ready too."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    if not sys.stdin.readline():
        sys.exit("the bench has gone")


def report(result: Report) -> None:
    sys.stdout.write(json.dumps(result) + "\n")
    sys.stdout.flush()


def run_threads(ask: Callable[[int], object], clients: int, seconds: float) -> Report:
    """`ask` gets the number of its client."""
    tally = Tally(seconds)
    defects: list[BaseException] = []

    def client(number: int) -> None:
        try:
            while True:
                asked = time.perf_counter()
                ask(number)
                if not tally.note(asked):
                    return
        except BaseException as defect:  # noqa: BLE001 - raised below, in the main thread
            defects.append(defect)

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if defects:
        raise defects[0]
    return tally.report()


async def run_coroutines(
    ask: Callable[[int], Awaitable[object]], clients: int, seconds: float
) -> Report:
    """`ask` gets the number of its client."""
    tally = Tally(seconds)

    async def client(number: int) -> None:
        while True:
            asked = time.perf_counter()
            await ask(number)
            if not tally.note(asked):
                return

    await asyncio.gather(*map(client, range(clients)))
    return tally.report()
