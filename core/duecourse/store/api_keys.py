"""Keys of the HTTP API. Only the hash of a secret is kept: a copy of the table opens nothing."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final, cast, get_args

import msgspec

from duecourse.case.words import Name, Role
from duecourse.store.database import Database

KEY_ROLES: Final[tuple[Role, ...]] = tuple(role for role in get_args(Role) if role != "system")
"""What a key may be made for. `system` is nobody's: the timers and the worker act as it."""

_SECRET_BYTES: Final = 32
_FORM: Final = re.compile(r"dck_([0-9a-f]{16})_([A-Za-z0-9_-]{43})", re.ASCII)
# Compared with when there is no such key, so that both answers take the same steps.
_NO_HASH: Final = bytes(32)

_INSERT: Final = "INSERT INTO api_keys (key_id, name, role, secret_sha256) VALUES (%s, %s, %s, %s)"
_FIND: Final = (
    "SELECT key_id, name, role, created_at, revoked_at, secret_sha256 FROM api_keys"
    " WHERE key_id = %s"
)
_LIST: Final = (
    "SELECT key_id, name, role, created_at, revoked_at FROM api_keys ORDER BY created_at, key_id"
)
_REVOKE: Final = (
    "UPDATE api_keys SET revoked_at = clock_timestamp() WHERE key_id = %s AND revoked_at IS NULL"
)


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key without its secret. Two keys of one name are one actor: so a key is exchanged."""

    key_id: str
    name: str
    role: Role
    created_at: datetime
    revoked_at: datetime | None


class ApiKeys:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, role: Role) -> str:
        """Make a key and return its text, `dck_<key id>_<secret>`, which nobody can ask for again.

        `name` becomes the actor in the history. Raises ValueError.
        """
        if role not in KEY_ROLES:
            raise ValueError(f"role must be one of: {', '.join(KEY_ROLES)}")
        try:
            msgspec.convert(name, Name)
        except msgspec.ValidationError:
            raise ValueError(
                "name must be at most 100 of A-Z a-z 0-9 . _ : - and begin with a letter or digit"
            ) from None
        key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(_SECRET_BYTES)
        values = (key_id, name, role, _digest(secret))
        with self._database.connection() as connection:
            connection.execute(_INSERT, values)
        return f"dck_{key_id}_{secret}"

    def find(self, text: str) -> ApiKey | None:
        """The key that `text` opens with, unless it is unknown, wrong or revoked."""
        form = _FORM.fullmatch(text)
        if form is None:
            return None
        key_id, secret = form.groups()
        row = self._database.run(lambda connection: connection.execute(_FIND, (key_id,)).fetchone())
        *key, stored = row or (None, _NO_HASH)
        if not hmac.compare_digest(_digest(secret), bytes(stored)):
            return None
        found = _api_key(key)
        return found if found.revoked_at is None else None

    def revoke(self, key_id: str) -> bool:
        """Make a key useless from now on; False if there was no such key in use."""
        with self._database.connection() as connection:
            return connection.execute(_REVOKE, (key_id,)).rowcount == 1

    def list(self) -> tuple[ApiKey, ...]:
        """Every key ever made, the oldest first."""
        with self._database.connection() as connection:
            rows = connection.execute(_LIST).fetchall()
        return tuple(_api_key(row) for row in rows)


def _digest(secret: str) -> bytes:
    # No slow hash: 256 random bits cannot be found by trying.
    return hashlib.sha256(secret.encode()).digest()


def _api_key(row: Sequence[object]) -> ApiKey:
    key_id, name, role, created_at, revoked_at = row
    return ApiKey(
        key_id=cast(str, key_id),
        name=cast(str, name),
        role=cast(Role, role),
        created_at=cast(datetime, created_at),
        revoked_at=cast(datetime | None, revoked_at),
    )
