"""A bundle on disk: the whole folder, or none of it."""

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Final

from duecourse import FilingPackage, FilingProblem, Transient

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,79}(?<!\.)")


def write(parent: str, package: FilingPackage) -> None:
    """Put `package` under `parent`. Raises Transient or FilingProblem; may be repeated."""
    names = [document.name for document in package.documents]
    for name in (package.reference, *names):
        if not _NAME.fullmatch(name):
            raise FilingProblem(f"documents: {name!r} is no plain file name; prepare it again")
    if len(set(names)) != len(names):
        raise FilingProblem("documents: two have one name; prepare the bundle again")
    target = Path(parent) / package.reference
    try:
        if not target.is_dir():
            _publish(target, package)
        _compare(target, package)
        _sync(Path(parent))
    except OSError as failure:
        raise Transient(
            f"cannot write the bundle to {parent}: {failure.strerror}; make the folder, or make "
            "room in it"
        ) from None


def _publish(target: Path, package: FilingPackage) -> None:
    partial = Path(tempfile.mkdtemp(dir=target.parent, prefix=".", suffix=".part"))
    try:
        for document in package.documents:
            with (partial / document.name).open("xb") as file:
                file.write(document.content)
                file.flush()
                os.fsync(file.fileno())
        _sync(partial)
        partial.rename(target)
    except OSError:
        # Another worker may have put the bundle there first: then it is compared.
        if not target.is_dir():
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _compare(target: Path, package: FilingPackage) -> None:
    """What people add beside our documents, such as the court's receipt, is theirs."""
    for document in package.documents:
        path = target / document.name
        if not path.is_file() or path.read_bytes() != document.content:
            raise FilingProblem(
                f"{document.name}: the folder {target.name} already holds another bundle; it may "
                "have been filed, so make a new referral instead of changing it"
            )


def _sync(folder: Path) -> None:
    """A new name is lasting only once its folder is on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
