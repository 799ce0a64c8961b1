"""A process that has imported everything and forks lives off itself, before any thread is in it.

As a program it reads a list of jobs per line, lets them live beside each other, and writes how
each of them ended: an exit code, or a signal as a negative number.
"""

import faulthandler
import gc
import importlib
import os
import subprocess
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import msgspec

from duecourse.rendering import check_templates


class Nursery:
    """The process, from outside. `program` is the module of the lives, with `Job` and `live`."""

    def __init__(self, program: str = "lives") -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def raise_up(self, *jobs: msgspec.Struct) -> list[int]:
        """Let these live to their ends, and tell how they ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(msgspec.json.encode(jobs) + b"\n")
        self._process.stdin.flush()
        return msgspec.json.decode(self._process.stdout.readline(), type=list[int])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def _fork(program: ModuleType, job: Any) -> int:
    if pid := os.fork():
        return pid
    code = 1
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1):
            os.dup2(nothing, stream)
        # Where a life crashes in a library, this says in which call of ours.
        faulthandler.enable((Path(job.folder) / "errors").open("a"))
        program.live(job)
        code = 0
    except BaseException:  # noqa: BLE001 - told to the test by the exit code
        with (Path(job.folder) / "errors").open("a") as errors:
            traceback.print_exc(file=errors)
    finally:
        os._exit(code)


def _ended(pids: Sequence[int]) -> list[int]:
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]


def main() -> None:
    program = importlib.import_module(sys.argv[1])
    # What each process makes once, at the first message, is made here for all of them.
    assert not check_templates()
    gc.collect()
    gc.freeze()
    for line in sys.stdin.buffer:
        jobs = msgspec.json.decode(line, type=list[program.Job])  # type: ignore[name-defined]
        codes = _ended([_fork(program, job) for job in jobs])
        sys.stdout.buffer.write(msgspec.json.encode(codes) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
