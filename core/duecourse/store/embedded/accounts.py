"""As whom the server runs. PostgreSQL refuses to run as root, so root has to become another.

Preferred for root on Linux is a user namespace, in which root bears another user's number and
the files stay root's own. Where that is forbidden (most containers) the server runs as the owner
of the data, else as `postgres` or `nobody`.
"""

import contextlib
import ctypes
import hashlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from duecourse.store.embedded.binaries import Binaries
from duecourse.store.embedded.errors import EmbeddedError

Mode = Literal["self", "namespace", "setuid"]
Step = Callable[[], None]
"""Something a forked child does before it executes a program."""

_CLONE_NEWUSER = 0x10000000
_ROOT = 0


class Account(msgspec.Struct, frozen=True, kw_only=True):
    mode: Mode
    name: str
    uid: int
    gid: int

    def become(self) -> None:
        """Make this process, a forked child about to execute PostgreSQL, run as the account."""
        match self.mode:
            case "self":
                pass
            case "namespace":
                _enter_namespace(self.uid, self.gid)
            case "setuid":
                _set_user(self.uid, self.gid)

    @property
    def file_owner(self) -> tuple[int, int] | None:
        """Whose the files have to be, where that is not simply the current user."""
        return (self.uid, self.gid) if self.mode == "setuid" else None


def choose_account(binaries: Binaries, *, owner: int) -> Account:
    """Return as whom to serve data that belong to `owner` (a user's number)."""
    if os.geteuid() != _ROOT:
        return _account("self", pwd.getpwuid(os.geteuid()))
    if owner == _ROOT:
        nobody = _account("namespace", _unprivileged(_ROOT, names=("nobody",)))
        if namespaces_work(binaries, nobody):
            return nobody
    return _account("setuid", _unprivileged(owner, names=("postgres", "nobody")))


def namespaces_work(binaries: Binaries, account: Account) -> bool:
    return sys.platform == "linux" and _runs(binaries.postgres, account)


def reachable(binaries: Binaries, account: Account) -> Binaries:
    """Return the binaries, or a copy of them where the account may not enter their folder."""
    if account.mode != "setuid" or _runs(binaries.postgres, account):
        return binaries
    if binaries.source != "wheel":
        raise EmbeddedError(
            f"User {account.name}, as whom root has to run PostgreSQL, may not run "
            f"{binaries.postgres}: make its folder readable, or set DATABASE_URL."
        )
    return msgspec.structs.replace(binaries, folder=_relocate(binaries))


def _account(mode: Mode, entry: pwd.struct_passwd) -> Account:
    return Account(mode=mode, name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def _unprivileged(owner: int, *, names: tuple[str, ...]) -> pwd.struct_passwd:
    if owner != _ROOT:
        with contextlib.suppress(KeyError):
            return pwd.getpwuid(owner)
        raise EmbeddedError(
            f"The data belong to user number {owner}, whom this machine does not know: "
            "give them to a known user (chown), or choose another data folder."
        )
    for name in names:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise EmbeddedError(
        "PostgreSQL does not run as root, and this machine has no user `nobody`: "
        "run as an ordinary user, or set DATABASE_URL."
    )


def _enter_namespace(uid: int, gid: int) -> None:
    if ctypes.CDLL(None).unshare(_CLONE_NEWUSER) != 0:
        os._exit(98)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} 0 1")
    Path("/proc/self/gid_map").write_text(f"{gid} 0 1")


def _set_user(uid: int, gid: int) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _runs(program: Path, account: Account) -> bool:
    try:
        subprocess.run(  # noqa: S603 - a fixed argument list
            [program, "--version"],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            preexec_fn=account.become,
            timeout=30,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return True


def _relocate(binaries: Binaries) -> Path:
    """Copy a wheel's programs to where every user can run them, once for each version."""
    installation = binaries.folder.parent
    package = installation.parent
    stamp = f"{binaries.postgres}:{binaries.postgres.stat().st_mtime_ns}:{binaries.version}"
    digest = hashlib.sha256(stamp.encode()).hexdigest()[:16]
    copy = Path("/var/tmp") / f"duecourse-postgresql-{digest}"  # noqa: S108 - checked below
    if not copy.exists():
        _copy_wheel(installation, package, copy)
    status = copy.lstat()
    if copy.is_symlink() or status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise EmbeddedError(f"{copy} is not a folder of our own: remove it and start again.")
    return copy / package.name / installation.name / "bin"


def _copy_wheel(installation: Path, package: Path, copy: Path) -> None:
    fresh = Path(tempfile.mkdtemp(prefix=f"{copy.name}.", dir=copy.parent))
    try:
        # The programs look for their libraries beside the package's folder: keep that layout.
        shutil.copytree(installation, fresh / package.name / installation.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
        _open_to_readers(fresh)
        fresh.rename(copy)
    except OSError as error:
        shutil.rmtree(fresh, ignore_errors=True)
        raise EmbeddedError(f"PostgreSQL's programs cannot be copied to {copy}: {error}") from error


def _open_to_readers(top: Path) -> None:
    for folder, _, files in os.walk(top):
        Path(folder).chmod(0o755)
        for path in (Path(folder) / name for name in files):
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
