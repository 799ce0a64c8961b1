"""What a process that needs the embedded server calls."""

import os
import pwd
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from psycopg import pq
from psycopg.conninfo import make_conninfo

from duecourse.store.embedded.binaries import Binaries, find_binaries
from duecourse.store.embedded.cluster import major_version
from duecourse.store.embedded.errors import EmbeddedError
from duecourse.store.embedded.layout import PORT, Layout
from duecourse.store.embedded.locks import alone, is_held, wait_for_lock
from duecourse.store.embedded.logs import size, trim, words_since
from duecourse.store.embedded.state import State, read_state

_PAUSE = 0.02

_held: dict[Path, int] = {}
"""The clients' locks of this process. A forked child shares them until it ends, too."""
_supervisors: dict[Path, subprocess.Popen[bytes]] = {}
"""Those this process started, to be reaped when they have ended."""
_guard = threading.Lock()


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """The database as it is found, without starting or changing anything."""

    managed: bool
    """False where DATABASE_URL names a server: the rest is about data that is not used then."""
    data: Path
    socket: Path
    data_major: int | None
    """The major version of PostgreSQL that made the data; None where there are none yet."""
    binaries: Binaries | None
    """What would serve the data; None with a `problem` where nothing can."""
    problem: str
    running: State | None


def dsn_from_env(data: Path) -> str:
    """Return DATABASE_URL if that is set, else the DSN of the embedded server, started if need be.

    Raises:
        EmbeddedError: the server cannot run; the message names the fix.
    """
    return os.environ.get("DATABASE_URL") or ensure(data)


def ensure(data: Path, *, extra_args: Sequence[str] = (), timeout: float = 60) -> str:
    """Return the DSN of the embedded server below `data`, once it accepts connections.

    The server runs until every process that called this has ended or called `release`. Calling it
    again is cheap, and starts the server anew should its supervisor have been killed.
    `extra_args` are options of `postgres` for a server that this call starts; `timeout` is in
    seconds.

    Raises:
        EmbeddedError: the server cannot run; the message names the fix.
    """
    layout = Layout.of(data)
    deadline = time.monotonic() + timeout
    _make_root(layout)
    with _guard, alone(layout.start_lock, deadline=deadline):
        if layout.root not in _held:
            _held[layout.root] = wait_for_lock(layout.clients_lock, shared=True, deadline=deadline)
        try:
            _await_server(layout, extra_args, deadline)
            return _dsn(layout)
        except BaseException:
            _let_go(layout)
            raise


def release(data: Path) -> None:
    """Let go of the server: it stops soon if this process was its last client."""
    with _guard:
        _let_go(Layout.of(data))


def wait_until_stopped(data: Path, *, timeout: float = 60) -> bool:
    """Return whether the server and its supervisor ended within `timeout` seconds."""
    layout = Layout.of(data)
    deadline = time.monotonic() + timeout
    while is_held(layout.supervisor_lock):
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE)
    _reap(layout, seconds=5)
    return True


def describe(data: Path) -> Description:
    layout = Layout.of(data)
    major, binaries, state, problem = None, None, None, ""
    try:
        if layout.root.exists():
            _check_owner(layout)
        major = major_version(layout)
        state = read_state(layout) if is_held(layout.supervisor_lock) else None
        binaries = find_binaries(major)
    except (EmbeddedError, OSError) as error:
        problem = str(error)
    return Description(
        managed=not os.environ.get("DATABASE_URL"),
        data=layout.data,
        socket=layout.socket,
        data_major=major,
        binaries=binaries,
        problem=problem,
        running=state,
    )


def _make_root(layout: Layout) -> None:
    try:
        layout.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_owner(layout)
    except OSError as error:
        raise EmbeddedError(
            f"The data folder {layout.data} cannot be used: {error.strerror}. "
            "Make it writable, or choose another one."
        ) from error


def _check_owner(layout: Layout) -> None:
    me, owner = os.geteuid(), layout.root.stat().st_uid
    if me not in {0, owner}:
        raise EmbeddedError(
            f"The data in {layout.root} belong to user {_user_name(owner)}. Run as that user, "
            f"take them over (sudo chown -R {_user_name(me)} '{layout.root}'), "
            "or choose another data folder."
        )


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _let_go(layout: Layout) -> None:
    # Closed, not unlocked: a forked child that shares this lock keeps it.
    if (descriptor := _held.pop(layout.root, None)) is not None:
        os.close(descriptor)


def _await_server(layout: Layout, options: Sequence[str], deadline: float) -> None:
    log_start = size(layout.supervisor_log)
    started = False
    while not (is_held(layout.supervisor_lock) and _accepts(layout)):
        if started and _reap(layout):
            raise EmbeddedError(words_since(layout.supervisor_log, log_start))
        if not started and not is_held(layout.supervisor_lock):
            log_start = trim(layout.supervisor_log)
            _start_supervisor(layout, options)
            started = True
        if time.monotonic() > deadline:
            raise EmbeddedError(
                "PostgreSQL has not become ready in time; after a crash it may still be "
                f"recovering. See {layout.server_log}, and start again."
            )
        time.sleep(_PAUSE)


def _start_supervisor(layout: Layout, options: Sequence[str]) -> None:
    _reap(layout, seconds=1)
    program = [sys.executable, "-P", "-m", "duecourse.store.embedded.supervisor"]
    with layout.supervisor_log.open("ab") as log:
        _supervisors[layout.root] = subprocess.Popen(  # noqa: S603 - our own program
            [*program, str(layout.data), *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
        )


def _reap(layout: Layout, *, seconds: float = 0) -> bool:
    """Return whether the supervisor that this process started has ended."""
    supervisor = _supervisors.get(layout.root)
    if supervisor is None:
        return False
    try:
        supervisor.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    del _supervisors[layout.root]
    return True


def _accepts(layout: Layout) -> bool:
    address = make_conninfo(host=str(layout.sockets), port=PORT, user="postgres", dbname="postgres")
    return layout.password.exists() and pq.PGconn.ping(address.encode()) == pq.Ping.OK


def _dsn(layout: Layout) -> str:
    return make_conninfo(
        host=str(layout.sockets),
        port=PORT,
        user="postgres",
        password=layout.password.read_text(),
        dbname="postgres",
    )
