"""Two PostgreSQL servers that differ in one thing: how long a commit to disk takes.

*real* has this machine's disk. *model* keeps its WAL in memory and makes every fdatasync last a
millisecond, as a typical cloud disk does, so that its ratios are steady from run to run.
"""

import contextlib
import ctypes
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from bench.contender import Failed, Skipped
from duecourse.store.embedded.accounts import Account, choose_account, reachable
from duecourse.store.embedded.binaries import Binaries, find_binaries
from duecourse.store.embedded.cluster import program_environment

Disk = Literal["model", "real"]

FLOOR_US: Final = 1_000
_SHIM: Final = Path(__file__).with_name("fsync_floor.c")
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a private folder is made in it
_LEAST_MEMORY: Final = 2_000_000_000
_DISK: Final = Path("/var/tmp")  # noqa: S108 - likewise; /tmp may be memory
_PORT: Final = 5432
_START_SECONDS: Final = 60
_STOP_SECONDS: Final = 60
_PR_SET_PDEATHSIG: Final = 1
# The same for every contender. A run must see no checkpoint but those the bench asks for.
_SETTINGS: Final = {
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_sync_method": "fdatasync",
    "shared_buffers": "512MB",
    "max_connections": "200",
    "checkpoint_timeout": "1h",
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_checkpoints": "off",
}


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A running server, reached through a socket in a folder of ours."""

    disk: Disk
    folder: Path
    programs: Path
    version: str
    notes: tuple[str, ...]
    _numbers: Iterator[int] = msgspec.field(default_factory=lambda: itertools.count(1))

    @property
    def port(self) -> int:
        return _PORT

    def dsn(self, database: str) -> str:
        return make_conninfo(
            "", host=str(self.folder), port=_PORT, user="postgres", dbname=database
        )

    def program(self, name: str, database: str) -> list[str]:
        """The start of the command of pgbench or psql."""
        address = ["-h", str(self.folder), "-p", str(_PORT), "-U", "postgres"]
        return [str(self.programs / name), *address, *(["-d"] if name == "psql" else []), database]

    def execute(self, command: sql.SQL | sql.Composed, database: str = "postgres") -> None:
        with psycopg.connect(self.dsn(database), autocommit=True) as connection:
            connection.execute(command)

    def create(self, name: str, template: str = "template1") -> str:
        self.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return name

    @contextlib.contextmanager
    def fresh(self, template: str = "template1") -> Iterator[str]:
        """A copy of a database, for one run."""
        name = self.create(f"run_{next(self._numbers)}", template)
        try:
            yield name
        finally:
            self.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def checkpoint(self) -> None:
        """Put behind us what earlier runs left to be written."""
        self.execute(sql.SQL("CHECKPOINT"))


@contextlib.contextmanager
def running(disk: Disk) -> Iterator[Server]:
    """A new server, gone without a trace afterwards. Raises Skipped or Failed."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(_folder(_DISK))
        found = find_binaries()
        account = choose_account(found, owner=os.geteuid())
        binaries = reachable(found, account)
        preload, notes = _preload(folder) if disk == "model" else ({}, ())
        wal, wal_notes = _wal_folder(stack) if disk == "model" else (None, ())
        for path in (folder, *folder.iterdir(), *([wal] if wal else [])):
            _give(path, account)
        _initialise(folder / "data", wal and wal / "wal", binaries, account)
        stack.enter_context(_process(folder, binaries, account, preload, _wal_size(wal)))
        server = Server(
            disk=disk,
            folder=folder,
            programs=binaries.folder,
            version=binaries.version,
            notes=(*notes, *wal_notes),
        )
        _wait_until_ready(server)
        if disk == "model":
            _check_floor(server)
        yield server


@contextlib.contextmanager
def _folder(where: Path) -> Iterator[Path]:
    folder = Path(
        tempfile.mkdtemp(prefix="duecourse-bench-", dir=where if where.is_dir() else None)
    )
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _preload(folder: Path) -> tuple[dict[str, str], tuple[str, ...]]:
    """Compile the shim; return the environment that puts it into a server."""
    compiler = next((path for name in ("cc", "gcc", "clang") if (path := shutil.which(name))), None)
    if compiler is None or sys.platform != "linux":
        raise Skipped("the model disk needs Linux and a C compiler (cc)")
    shim = folder / "fsync_floor.so"
    command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(shim), str(_SHIM), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Skipped(f"the model disk's shim does not compile: {done.stderr.strip()[-200:]}")
    return {"LD_PRELOAD": str(shim), "FSYNC_FLOOR_US": str(FLOOR_US)}, ()


def _wal_folder(stack: contextlib.ExitStack) -> tuple[Path | None, tuple[str, ...]]:
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free >= _LEAST_MEMORY:
        return stack.enter_context(_folder(_MEMORY)), ()
    gigabytes = _LEAST_MEMORY // 10**9
    return None, (f"no {gigabytes} GB in {_MEMORY}: the model disk's WAL is on the real disk",)


def _wal_size(wal: Path | None) -> dict[str, str]:
    free = shutil.disk_usage(wal or _DISK).free
    megabytes = min(4_000, free // 3_000_000)
    return {"max_wal_size": f"{megabytes}MB"}


def _give(path: Path, account: Account) -> None:
    if account.file_owner is not None:
        os.chown(path, *account.file_owner, follow_symlinks=False)


def _initialise(data: Path, wal: Path | None, binaries: Binaries, account: Account) -> None:
    options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"]
    options += ["--no-instructions", "--no-sync", *([f"--waldir={wal}"] if wal else [])]
    done = subprocess.run(
        [binaries.initdb, f"--pgdata={data}", *options],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env=program_environment(),
        preexec_fn=account.become,
    )
    if done.returncode != 0:
        raise Failed(f"initdb: {done.stderr.strip()[-400:]}")


@contextlib.contextmanager
def _process(
    folder: Path,
    binaries: Binaries,
    account: Account,
    preload: Mapping[str, str],
    more: Mapping[str, str],
) -> Iterator[None]:
    settings = {**_SETTINGS, **more, "unix_socket_directories": str(folder)}
    command = [str(binaries.postgres), "-D", str(folder / "data"), "-p", str(_PORT)]
    command += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env={**program_environment(), **preload},
            preexec_fn=lambda: _before(account),  # noqa: PLW1509 - before any thread
            # Ctrl-C is for the bench, which then stops the server itself.
            start_new_session=True,
        )
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)
            process.wait()


def _before(account: Account) -> None:
    account.become()
    if sys.platform == "linux":
        # Not even a killed bench leaves a server behind.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            server.execute(sql.SQL("SELECT 1"))
        except psycopg.OperationalError as refused:
            if time.monotonic() > deadline:
                words = (server.folder / "server.log").read_text(errors="replace").strip()
                raise Failed(f"PostgreSQL does not start: {words[-400:]}") from refused
            time.sleep(0.1)
        else:
            return


def _check_floor(server: Server) -> None:
    """A shim that was not loaded would give wrong numbers silently."""
    commits = 50
    with psycopg.connect(server.dsn("postgres"), autocommit=True) as connection:
        began = time.perf_counter()
        for _ in range(commits):
            connection.execute("SELECT pg_logical_emit_message(true, 'bench', '')")
        each_us = 1e6 * (time.perf_counter() - began) / commits
    if each_us < FLOOR_US:
        raise Skipped(f"the shim has no effect: a commit takes {each_us:.0f} us")
