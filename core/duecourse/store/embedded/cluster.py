"""The data of the embedded server: made once, and taken over after a crash."""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path

from duecourse.store.embedded.accounts import Account
from duecourse.store.embedded.binaries import Binaries
from duecourse.store.embedded.errors import EmbeddedError
from duecourse.store.embedded.layout import Layout

_INITDB_SECONDS = 300
_SHUTDOWN_SECONDS = 60
_TOLD = 1500  # characters of another program's last words that an error repeats


def major_version(layout: Layout) -> int | None:
    """Return the major version of the data, or None where there are none yet."""
    try:
        text = (layout.cluster / "PG_VERSION").read_text()
    except FileNotFoundError:
        return None
    return int(text.strip().partition(".")[0])


def owner(layout: Layout) -> int:
    """Whose the data are; of new data, whose folder they go into."""
    return (layout.cluster if layout.cluster.exists() else layout.data).stat().st_uid


def program_environment() -> dict[str, str]:
    """This process's environment without what would redirect PostgreSQL's programs (PGPORT …)."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def prepare(layout: Layout, binaries: Binaries, account: Account) -> None:
    """Make the cluster if there is none, and give the account what it has to own."""
    _make_socket_folder(layout, account)
    _give_cluster(layout, account)
    give_files(layout, account)
    if major_version(layout) is None:
        _write_password(layout, account)
        _initialise(layout, binaries, account)
    elif not layout.password.exists():
        raise EmbeddedError(
            f"{layout.password} is missing, and without it nobody can log in to the data in "
            f"{layout.cluster}: restore that file from a backup."
        )


def _make_socket_folder(layout: Layout, account: Account) -> None:
    folder = layout.sockets
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if folder.is_symlink() or status.st_uid not in {os.geteuid(), account.uid}:
        raise EmbeddedError(f"{folder} belongs to somebody else: remove it and start again.")
    folder.chmod(0o700)


def give_files(layout: Layout, account: Account) -> None:
    """Let the account own our files, so that it can also run all this by itself, without root."""
    if account.file_owner is None:
        return
    for path in (layout.root, layout.sockets, *layout.root.iterdir()):
        os.chown(path, *account.file_owner, follow_symlinks=False)


def _give_cluster(layout: Layout, account: Account) -> None:
    if account.file_owner is None or not layout.cluster.exists():
        return
    if layout.cluster.stat().st_uid == account.uid:
        return
    for folder, folders, files in os.walk(layout.cluster):
        for name in (*folders, *files):
            os.chown(Path(folder) / name, *account.file_owner, follow_symlinks=False)
    # Last, for it says that all of it has been given.
    os.chown(layout.cluster, *account.file_owner)


def _write_password(layout: Layout, account: Account) -> None:
    fresh = layout.password.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(fresh, flags, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(32))
        file.flush()
        os.fsync(file.fileno())
        if account.file_owner is not None:
            os.fchown(file.fileno(), *account.file_owner)
    fresh.replace(layout.password)


def _initialise(layout: Layout, binaries: Binaries, account: Account) -> None:
    """Run initdb beside the final place, so that one cut short never looks finished."""
    shutil.rmtree(layout.unfinished_cluster, ignore_errors=True)
    options = ["--username=postgres", "--encoding=UTF8", "--locale=C", "--data-checksums"]
    options += ["--auth=scram-sha-256", f"--pwfile={layout.password}", "--no-instructions"]
    done = subprocess.run(  # noqa: S603 - a fixed argument list
        [binaries.initdb, f"--pgdata={layout.unfinished_cluster}", *options],
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        cwd="/",
        env=program_environment(),
        preexec_fn=account.become,
        timeout=_INITDB_SECONDS,
    )
    if done.returncode != 0:
        raise EmbeddedError(_initdb_failed(layout, account, done.stderr[-_TOLD:].strip()))
    if layout.cluster.exists():
        layout.cluster.rmdir()
    layout.unfinished_cluster.rename(layout.cluster)
    _sync_folder(layout.root)


def _initdb_failed(layout: Layout, account: Account, words: str) -> str:
    hint = (
        f" User {account.name}, as whom root has to run PostgreSQL, must be able to reach "
        f"{layout.data}: choose a data folder outside root's home, or run as an ordinary user."
        if account.mode == "setuid" and "denied" in words
        else ""
    )
    return f"initdb could not make the data in {layout.cluster}: {words}{hint}"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def take_over(layout: Layout) -> None:
    """End a server that outlived its supervisor, and disown pids that are a stranger's now.

    Only the holder of the supervisor's lock may call this.
    """
    for path in layout.pid_files:
        pid = _read_pid(path)
        if pid is None:
            continue
        if _is_our_server(pid, layout):
            _end(pid, layout)
        elif _is_alive(pid):
            _disown(path)


def _read_pid(path: Path) -> int | None:
    try:
        return int(path.read_text().split(maxsplit=1)[0])
    except (OSError, ValueError, IndexError):
        return None


def _is_our_server(pid: int, layout: Layout) -> bool:
    line = _command_line(pid)
    program = Path(line.partition(" -D ")[0]).name
    return program == "postgres" and f" -D {layout.cluster} -p " in line


def _command_line(pid: int) -> str:
    """Return a process's arguments, parted by spaces; empty if it is gone or a zombie."""
    if not Path("/proc/self/cmdline").exists():
        return _listed_command_line(pid)
    try:
        return os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes()).replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _listed_command_line(pid: int) -> str:
    listing = ["/bin/ps", "-ww", "-o", "args=", "-p", str(pid)]
    return subprocess.run(  # noqa: S603 - a fixed argument list
        listing, check=False, capture_output=True, text=True
    ).stdout.strip()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _end(pid: int, layout: Layout) -> None:
    deadline = time.monotonic() + _SHUTDOWN_SECONDS
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGINT)
    while _is_our_server(pid, layout):
        if time.monotonic() > deadline:
            raise EmbeddedError(f"The PostgreSQL server with pid {pid} does not stop: end it.")
        time.sleep(0.05)


def _disown(path: Path) -> None:
    # The file has to stay: PostgreSQL finds in it the shared memory that orphaned backends of the
    # old server may still be writing through. It takes its parent's pid for a stale one.
    _, separator, rest = path.read_text().partition("\n")
    path.write_text(f"{os.getpid()}{separator}{rest}")
