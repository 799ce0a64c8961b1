"""Contenders run in processes of their own, which begin at the same moment."""

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Final

import msgspec

from bench.contender import Failed, Sample, together

ROOT: Final = Path(__file__).resolve().parent.parent
KEPT: Final = ROOT / ".bench"
"""What is made on demand and kept between runs: the peers' installations."""
_PATIENCE: Final = 60.0
"""Seconds that a child may take beyond those it was told to."""
_TOLD: Final = 400


def module(name: str, *arguments: object) -> list[str]:
    """The command of one of our own modules."""
    return [sys.executable, "-m", name, *map(str, arguments)]


def run(
    commands: Sequence[Sequence[str]], seconds: float, environment: Mapping[str, str] | None = None
) -> Sample:
    """Run children side by side and add up what they report. Raises Failed."""
    with contextlib.ExitStack() as stack:
        errors = [stack.enter_context(tempfile.TemporaryFile()) for _ in commands]
        children = [
            stack.enter_context(_started(command, error, environment))
            for command, error in zip(commands, errors, strict=True)
        ]
        watch = threading.Timer(seconds + _PATIENCE, _end, (children,))
        watch.start()
        stack.callback(watch.cancel)
        lines = _conversation(children)
        for child, error in zip(children, errors, strict=True):
            if child.wait() != 0:
                raise Failed(last_words(error) or f"ended with {child.returncode}")
        return together([msgspec.json.decode(line, type=Sample) for line in lines])


def _conversation(children: Sequence[subprocess.Popen[str]]) -> list[str]:
    # A child that failed has closed its pipes; why is found out afterwards.
    for child in children:
        assert child.stdout is not None
        child.stdout.readline()
    for child in children:
        assert child.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write("go\n")
            child.stdin.flush()
    return [child.stdout.readline() if child.stdout else "" for child in children]


def _end(children: Sequence[subprocess.Popen[str]]) -> None:
    for child in children:
        child.kill()


@contextlib.contextmanager
def _started(
    command: Sequence[str], error: IO[bytes], environment: Mapping[str, str] | None
) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=error,
        text=True,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
    )
    try:
        yield child
    finally:
        child.kill()
        with contextlib.suppress(BrokenPipeError):
            child.communicate()


def last_words(error: IO[bytes]) -> str:
    """The last line that a child wrote to its stderr."""
    error.seek(0)
    lines = error.read().decode(errors="replace").strip().splitlines()
    return lines[-1][-_TOLD:] if lines else ""


def output_of(command: Sequence[str], seconds: float) -> str:
    """What a program prints. Raises Failed."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=seconds + _PATIENCE, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Failed(str(error)) from error
    if done.returncode != 0:
        raise Failed((done.stderr.strip() or done.stdout.strip())[-_TOLD:])
    return done.stdout
