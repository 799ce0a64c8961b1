"""Trying out a plugin in a process of its own before it is loaded into this one.

What it raises can be contained here; code that ends its process, or that never comes back, cannot.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from duecourse.guarded import ChannelFailed
from duecourse.isolation_process import ChannelProcess, Unasked
from duecourse.isolation_wire import Call, encode, frame
from duecourse.loading import Source

TRIAL_SECONDS: Final = 30.0

_survived: Final[set[tuple[Source, tuple[int, ...]]]] = set()
"""What this process need not try again, with what tells one version of a file from another.

A package is imported once in the life of a process, so it has no versions here.
"""


def find_deadly(sources: Sequence[Source]) -> dict[Source, str]:
    """The plugins whose loading would end or block this process, each with how it does.

    All are tried in one process. Only when that fails each gets its own: a thread that the one
    began may end the process while the next one is loaded.
    """
    untried = [each for each in sources if (each, _version(each)) not in _survived]
    fate = _fate(untried) if untried else ""
    deadly: dict[Source, str] = {}
    if fate and len(untried) == 1:
        deadly = {untried[0]: fate}
    elif fate:
        deadly = {each: its for each in untried if (its := _fate([each]))}
    _survived.update((each, _version(each)) for each in untried if each not in deadly)
    return deadly


def _fate(sources: Sequence[Source]) -> str:
    """How a process ends that loads these; nothing where it does not."""
    try:
        process = ChannelProcess()
    except RuntimeError as error:
        return f"no process can be started to try it: {error}"
    try:
        for number, source in enumerate(sources):
            argument = msgspec.Raw(encode(source))
            call = Call(number=number, method="try_out", argument=argument)
            process.ask(frame(call), number, TRIAL_SECONDS)
    except (Unasked, ChannelFailed) as ended:
        return str(ended)
    finally:
        process.end("the trial is over")
    return ""


def _version(source: Source) -> tuple[int, ...]:
    if not source.file:
        return ()
    try:
        status = Path(source.file).stat()
    except OSError:
        return ()
    return (status.st_mtime_ns, status.st_size, status.st_ino)
