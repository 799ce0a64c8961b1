"""Where the embedded server keeps its things, all below `<data>/postgres`."""

import hashlib
from pathlib import Path
from typing import Self

import msgspec

PORT = 5432
"""Names the socket file only: the server has no TCP port."""

# A socket's path may have 103 bytes on macOS and 107 on Linux, the lock file's suffix included.
_LONGEST_SOCKET_PATH = 103


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    data: Path
    root: Path
    sockets: Path
    """The folder of the server's socket: below `root`, or in /tmp where that path is too long."""

    @classmethod
    def of(cls, data: Path) -> Self:
        folder = data.expanduser().resolve()
        root = folder / "postgres"
        return cls(data=folder, root=root, sockets=_socket_folder(root))

    @property
    def cluster(self) -> Path:
        return self.root / "pgdata"

    @property
    def unfinished_cluster(self) -> Path:
        return self.root / "pgdata.new"

    @property
    def password(self) -> Path:
        return self.root / "password"

    @property
    def clients_lock(self) -> Path:
        """Every client holds it shared; the supervisor stops when it gets it alone."""
        return self.root / "clients.lock"

    @property
    def start_lock(self) -> Path:
        """Held by the one client that is starting a supervisor."""
        return self.root / "start.lock"

    @property
    def supervisor_lock(self) -> Path:
        """Held by the supervisor as long as it lives."""
        return self.root / "supervisor.lock"

    @property
    def server_log(self) -> Path:
        return self.root / "server.log"

    @property
    def supervisor_log(self) -> Path:
        return self.root / "supervisor.log"

    @property
    def state(self) -> Path:
        """What the supervisor runs, for `describe`."""
        return self.root / "server.json"

    @property
    def socket(self) -> Path:
        return self.sockets / f".s.PGSQL.{PORT}"

    @property
    def pid_files(self) -> tuple[Path, Path]:
        return self.cluster / "postmaster.pid", self.socket.with_name(self.socket.name + ".lock")


def _socket_folder(root: Path) -> Path:
    folder = root / "run"
    if len(bytes(folder / f".s.PGSQL.{PORT}.lock")) <= _LONGEST_SOCKET_PATH:
        return folder
    digest = hashlib.sha256(bytes(root)).hexdigest()[:16]
    # Not the TMPDIR of this process: every process has to find the same folder.
    return Path("/tmp") / f"duecourse-{digest}"  # noqa: S108 - its owner is checked before use
