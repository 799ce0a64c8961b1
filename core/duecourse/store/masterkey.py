"""Where the master key comes from. It is kept apart from the database and its backups."""

import base64
import os
import secrets
from pathlib import Path
from typing import Final

from duecourse.store.errors import WrongMasterKey

KEY_BYTES: Final = 32
_MAX_FILE_BYTES: Final = 4096


def load_master_key(data: Path | None) -> bytes:
    """The 32-byte key from DUECOURSE_MASTER_KEY, DUECOURSE_MASTER_KEY_FILE, or `data`/master.key.

    All are base64. The last is made on first use, readable by its owner alone.
    Raises WrongMasterKey if the key is malformed, or `data` is None and no variable is set.
    """
    if text := os.environ.get("DUECOURSE_MASTER_KEY"):
        return _decode(text, "DUECOURSE_MASTER_KEY")
    if named := os.environ.get("DUECOURSE_MASTER_KEY_FILE"):
        return _decode(_read(Path(named)), named)
    if data is None:
        raise WrongMasterKey(
            "there is no master key; set DUECOURSE_MASTER_KEY_FILE (or DUECOURSE_MASTER_KEY) to"
            " 32 random bytes in base64"
        )
    path = data / "master.key"
    if not path.exists():
        _make(path)
    _refuse_open_file(path)
    return _decode(_read(path), str(path))


def _decode(text: str, source: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise WrongMasterKey(f"{source} does not hold {KEY_BYTES} bytes in base64")
    return key


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_MAX_FILE_BYTES).decode("ascii", "replace")
    except OSError as error:
        raise WrongMasterKey(f"cannot read the master key: {error}") from error


def _refuse_open_file(path: Path) -> None:
    if path.stat().st_mode & 0o077:
        raise WrongMasterKey(f"others can read {path}; run: chmod 600 {path}")


def _make(path: Path) -> None:
    """Write a new key beside `path`, then link it there: the first of two processes wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    text = base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
