"""Peers from outside, installed on demand below .bench and kept there: Django, and Emmett from npm."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from bench import children
from bench.children import KEPT
from bench.contender import Contender, Failed, Sample, Skipped
from bench.servers import Server

_HERE: Final = Path(__file__).parent
_LOCK: Final = _HERE / "requirements-peers.lock"
_EMMETT: Final = ("@event-driven-io/emmett-postgresql@0.42.0", "pg@8.23.1")
_INSTALL_SECONDS: Final = 300


# --- Django with django-simple-history ---------------------------------------------------------


def django(server: Server) -> Iterator[Contender]:
    """Raises Skipped when it cannot be installed."""
    peer = _Django(_django_python(), server)
    peer.migrate(server.create("django"))
    for processes, threads in ((2, 16), (1, 32)):
        yield Contender(
            key=f"django {processes}x{threads}",
            part="django",
            run=partial(peer.save, processes, threads),
            quick=processes == 2,
        )


class _Django(msgspec.Struct, frozen=True):
    python: Path
    server: Server

    def migrate(self, database: str) -> None:
        done = subprocess.run(
            self._command("migrate", database, 0, 0),
            cwd=children.ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Failed((done.stderr.strip().splitlines() or ["migrate failed"])[-1])

    def save(self, processes: int, threads: int, seconds: float) -> Sample:
        with self.server.fresh("django") as database:
            command = self._command("save", database, threads, seconds)
            return children.run([command] * processes, seconds)

    def _command(self, action: str, database: str, threads: int, seconds: float) -> list[str]:
        where = [str(self.server.folder), str(self.server.port), database]
        what = [str(self.python), "-m", "bench.django_peer.run", action]
        return [*what, *where, str(threads), str(seconds)]


def _django_python() -> Path:
    folder = KEPT / "django"
    python = folder / "bin" / "python"
    stamp = folder / "installed"
    wanted = hashlib.sha256(_LOCK.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    shutil.rmtree(folder, ignore_errors=True)
    if uv := shutil.which("uv"):
        _install([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
        start = [uv, "pip", "install", "--quiet", "--python", str(python)]
    else:
        _install([sys.executable, "-m", "venv", str(folder)])
        start = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _install([*start, "--require-hashes", "-r", str(_LOCK)])
    stamp.write_text(wanted)
    return python


# --- Emmett ------------------------------------------------------------------------------------


def emmett(server: Server) -> Iterator[Contender]:
    """Raises Skipped without node or npm, or when it cannot be installed."""
    script = _emmett_script()
    for clients in (1, 8, 32):
        yield Contender(
            key=f"emmett {clients}",
            part="emmett",
            run=partial(_emmett, script, server, clients),
            quick=clients == 32,
        )


def _emmett_script() -> Path:
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise Skipped("node and npm are not installed")
    folder = KEPT / "emmett"
    stamp = folder / "installed"
    wanted = " ".join(_EMMETT)
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        # Not the nearest package.json of a folder above.
        (folder / "package.json").write_text('{"private": true}\n')
        quiet = ["--no-save", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
        _install([npm, "install", *quiet, *_EMMETT], folder)
        stamp.write_text(wanted)
    # Beside its node_modules, as node looks for imports from where a module is.
    return Path(shutil.copy(_HERE / "emmett_peer.mjs", folder))


def _emmett(script: Path, server: Server, clients: int, seconds: float) -> Sample:
    with server.fresh() as database:
        where = [str(server.folder), str(server.port), database]
        command = ["node", str(script), *where, str(clients), str(seconds)]
        return children.run([command], seconds)


def _install(command: Sequence[str], folder: Path | None = None) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=_INSTALL_SECONDS,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Skipped(f"cannot be installed: {error}") from error
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip().splitlines() or [""]
        raise Skipped(f"cannot be installed: {words[-1][:200]}")
