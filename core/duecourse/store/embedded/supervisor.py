"""The parent of the embedded PostgreSQL: a program of its own, started by the first client.

    python -m duecourse.store.embedded.supervisor DATA [OPTION OF POSTGRES ...]

It restarts the server when that crashes, and stops it when the last client has gone.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from duecourse.store.embedded import accounts, cluster
from duecourse.store.embedded.accounts import Account
from duecourse.store.embedded.binaries import Binaries, find_binaries
from duecourse.store.embedded.errors import EmbeddedError
from duecourse.store.embedded.layout import PORT, Layout
from duecourse.store.embedded.locks import alone, open_lock, try_lock
from duecourse.store.embedded.logs import trim, words_since
from duecourse.store.embedded.state import State, write_state

_PAUSE = 0.1
_WAIT_FOR_PREDECESSOR = 120
_SHUTDOWN_SECONDS = 60
_SETTLED_SECONDS = 2
_QUICK_CRASHES = 40
_PR_SET_PDEATHSIG = 1


class Server:
    """One `postgres`, started anew when it crashes."""

    def __init__(
        self, layout: Layout, binaries: Binaries, account: Account, options: Sequence[str]
    ) -> None:
        self._layout = layout
        self._binaries = binaries
        self._account = account
        self._command = [*_command(layout, binaries), *options]
        self._quick_crashes = 0
        self._start()

    def keep_running(self) -> None:
        """Start the server again if it has ended. Raises EmbeddedError if it cannot run."""
        if self._process.poll() is None:
            return
        if time.monotonic() - self._started > _SETTLED_SECONDS:
            self._quick_crashes = 0
        elif self._may_settle():
            self._quick_crashes += 1
        else:
            words = words_since(self._layout.server_log, self._log_start)
            raise EmbeddedError(f"PostgreSQL does not start: {words}")
        self._start()

    def stop(self) -> None:
        """Shut down cleanly: sessions are cut off, what was committed is on disk."""
        if self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_SHUTDOWN_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()

    def _may_settle(self) -> bool:
        # The server leaves its pid file behind only when it was killed, or when processes of a
        # killed one have not ended yet. A wrong setting or damaged data would not mend.
        killed = self._layout.pid_files[0].exists()
        return killed and self._quick_crashes < _QUICK_CRASHES

    def _start(self) -> None:
        cluster.take_over(self._layout)
        self._log_start = trim(self._layout.server_log)
        self._started = time.monotonic()
        with self._layout.server_log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program and settings
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=cluster.program_environment(),
                preexec_fn=_before_postgres(self._account),  # noqa: PLW1509 - one thread
            )
        self._write_state()

    def _write_state(self) -> None:
        state = State(
            supervisor=os.getpid(),
            server=self._process.pid,
            version=self._binaries.version,
            source=self._binaries.source,
            folder=str(self._binaries.folder),
            mode=self._account.mode,
            user=self._account.name,
        )
        write_state(self._layout, state)
        cluster.give_files(self._layout, self._account)


def _command(layout: Layout, binaries: Binaries) -> list[str]:
    """Settings that must hold whatever the data's own configuration says."""
    quoted = str(layout.sockets).replace('"', '""')
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": f'"{quoted}"',
        "unix_socket_permissions": "0700",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_checkpoints": "off",
        # A statement that failed may carry personal data, and the log keeps it in clear.
        "log_min_error_statement": "panic",
    }
    command = [str(binaries.postgres), "-D", str(layout.cluster), "-p", str(PORT)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    return command


def _before_postgres(account: Account) -> accounts.Step:
    supervisor = os.getpid()

    def step() -> None:
        account.become()
        if sys.platform == "linux":
            _die_with(supervisor)

    return step


def _die_with(supervisor: int) -> None:
    """Have the kernel ask the server to shut down when the supervisor is killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
    if os.getppid() != supervisor:
        os._exit(99)


def supervise(layout: Layout, options: Sequence[str]) -> None:
    """Serve until the last client has gone. Raises EmbeddedError."""
    with alone(layout.supervisor_lock, deadline=time.monotonic() + _WAIT_FOR_PREDECESSOR):
        found = find_binaries(cluster.major_version(layout))
        account = accounts.choose_account(found, owner=cluster.owner(layout))
        binaries = accounts.reachable(found, account)
        cluster.prepare(layout, binaries, account)
        _serve_clients(layout, Server(layout, binaries, account, options))


def _serve_clients(layout: Layout, server: Server) -> None:
    clients = open_lock(layout.clients_lock)
    try:
        # Once this lock is ours no client is left, and a new one waits until the server is down.
        while not try_lock(clients, shared=False):
            server.keep_running()
            time.sleep(_PAUSE)
    finally:
        server.stop()
        layout.state.unlink(missing_ok=True)


def main(arguments: Sequence[str]) -> int:
    data, *options = arguments
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    try:
        supervise(Layout.of(Path(data)), options)
    except (EmbeddedError, OSError, subprocess.SubprocessError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
