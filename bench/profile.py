"""Where the time of our commands goes: stacks of the busiest thread, looked at all the while.

python -m bench.profile toy|real [CLIENTS [SECONDS]]
"""

import argparse
import asyncio
import ctypes
import sys
import threading
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Final, Self

from bench import seeds, servers
from bench.children import ROOT
from bench.closed_loop import run_coroutines
from bench.engine import OurEngine
from bench.payloads import Payload, asks

_EVERY: Final = 0.002
_SWITCH: Final = 0.000_001
_PR_SET_TIMERSLACK: Final = 29
_SHOWN: Final = 30
_IDLE: Final = frozenset({"wait", "acquire", "select"})
"""Where a thread stands that has nothing to do, in the standard library."""


class Sampler:
    """Looks at all threads but its own, every so often."""

    def __init__(self) -> None:
        self.looks: Counter[str] = Counter()
        self.within: dict[str, Counter[str]] = {}
        self.itself: dict[str, Counter[str]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def __enter__(self) -> Self:
        # Or it would look mostly where a thread lets go of the interpreter by itself.
        sys.setswitchinterval(_SWITCH)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1)
        while not self._stop.wait(_EVERY):
            names = {each.ident: each.name for each in threading.enumerate()}
            for ident, frame in sys._current_frames().items():  # noqa: SLF001 - there is no other way
                if ident != self._thread.ident:
                    self._note(names.get(ident, "?"), frame)

    def _note(self, thread: str, frame: FrameType) -> None:
        if frame.f_code.co_name in _IDLE and _is_library(frame):
            return
        self.looks[thread] += 1
        self.itself.setdefault(thread, Counter())[_place(frame)] += 1
        within = {_place(each) for each in _stack(frame) if not _is_frame_of_all(each)}
        self.within.setdefault(thread, Counter()).update(within)


def _stack(frame: FrameType | None) -> list[FrameType]:
    found = []
    while frame is not None:
        found.append(frame)
        frame = frame.f_back
    return found


def _is_library(frame: FrameType) -> bool:
    return Path(frame.f_code.co_filename).name in {"threading.py", "selectors.py"}


def _is_frame_of_all(frame: FrameType) -> bool:
    """What everything runs in, and so says nothing."""
    path = Path(frame.f_code.co_filename)
    return path.name in {"threading.py", "runners.py", "base_events.py"} or "runpy" in path.name


def _place(frame: FrameType) -> str:
    code = frame.f_code
    path = Path(code.co_filename)
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else Path(*path.parts[-2:])
    if "site-packages" in path.parts:
        shown = Path(*path.parts[path.parts.index("site-packages") + 1 :])
    return f"{shown}:{code.co_qualname}"


async def _work(dsn: str, payload: Payload, clients: int, seconds: float) -> tuple[Sampler, float]:
    mine = seeds.case_ids(dsn)
    with OurEngine(dsn, payload) as ours:
        ours.warm(mine)
        lives = [asks(payload) for _ in mine]
        turns = [0] * clients

        async def ask(number: int) -> None:
            turns[number] += 1
            which = (number + clients * turns[number]) % len(mine)
            await ours.ask(mine[which], next(lives[which]))

        with Sampler() as sampler:
            done = await run_coroutines(ask, clients, seconds)
    return sampler, done["per_second"]


def _told(sampler: Sampler) -> str:
    lines = []
    for thread, looks in sampler.looks.most_common(2):
        lines += [f"\n{thread}: {looks} looks; share within, share in itself, where"]
        for place, count in sampler.within[thread].most_common(_SHOWN):
            itself = sampler.itself[thread][place] / looks
            lines.append(f"{count / looks:6.1%} {itself:6.1%}  {place}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("payload", choices=["toy", "real"])
    parser.add_argument("clients", type=int, nargs="?", default=512)
    parser.add_argument("seconds", type=float, nargs="?", default=5.0)
    asked = parser.parse_args()
    with servers.running("model") as server:
        dsn = server.dsn(seeds.open_cases(server, "profile"))
        sampler, rate = asyncio.run(_work(dsn, asked.payload, asked.clients, asked.seconds))
    sys.stdout.write(f"{rate:,.0f} commands a second\n{_told(sampler)}\n")


if __name__ == "__main__":
    main()
