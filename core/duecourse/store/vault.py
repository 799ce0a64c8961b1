"""Keys: one data key per subject, wrapped by a master key that the database never sees."""

import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, LiteralString
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap,
    aes_key_wrap,
)

from duecourse import faults
from duecourse.store.database import Connection, Database
from duecourse.store.errors import WrongMasterKey
from duecourse.store.masterkey import KEY_BYTES, load_master_key

__all__ = ["SubjectKey", "Vault", "load_master_key"]


_CACHED_KEYS: Final = 50_000
_IDENTITY_KEY: Final = "identity-key"


class SubjectKey(msgspec.Struct, frozen=True):
    """The data key of one subject. Replaced, never changed: `key_id` names this very key."""

    key_id: int
    cipher: AESGCM


class Vault:
    """Makes, finds and caches data keys; derives identifiers and fingerprints.

    Raises WrongMasterKey when opened with another key than the database was made with.
    """

    def __init__(self, database: Database, master_key: bytes) -> None:
        if len(master_key) != KEY_BYTES:
            raise WrongMasterKey(f"a master key has {KEY_BYTES} bytes")
        self._database = database
        self._wrapping_key = _derive(master_key, "wrap")
        identity = self._identity_key()
        self._pseudonym_key = _derive(identity, "pseudonym")
        # To be copied: `hmac.digest` lets go of the interpreter, and each caller would wait for it.
        self._fingerprint = hmac.new(_derive(identity, "fingerprint"), digestmod="sha256")
        self._lock = threading.Lock()
        # By the numbers of the ids, which are hashed much faster than the ids themselves.
        self._by_subject: OrderedDict[int, SubjectKey] = OrderedDict()
        self._by_id: OrderedDict[int, SubjectKey] = OrderedDict()

    def ensure(self, subject_ids: Iterable[UUID]) -> dict[UUID, SubjectKey]:
        """The key of each subject, made now for those that have none yet."""
        wanted = set(subject_ids)
        kept = self._cached(self._by_subject, {each.int for each in wanted})
        keys = {each: kept[each.int] for each in wanted if each.int in kept}
        if missing := list(wanted - keys.keys()):
            keys |= self._database.run(lambda connection: self._fetch(connection, missing))
        if missing := list(wanted - keys.keys()):
            keys |= self._database.run(lambda connection: self._create(connection, missing))
        return keys

    def known(self, subject_id: UUID) -> SubjectKey | None:
        """The key of a subject if it is at hand, without asking the database."""
        return self._by_subject.get(subject_id.int)

    def known_keys(self, key_ids: Iterable[int]) -> dict[int, AESGCM] | None:
        """The keys if all are at hand, without asking the database; else None."""
        wanted = set(key_ids)
        keys = self._cached(self._by_id, wanted)
        if len(keys) < len(wanted):
            return None
        return {key_id: key.cipher for key_id, key in keys.items()}

    def keys(self, key_ids: Iterable[int]) -> dict[int, AESGCM]:
        """The keys that still exist. One that is absent was destroyed, and its texts are erased."""
        wanted = set(key_ids)
        keys = self._cached(self._by_id, wanted)
        if missing := list(wanted - keys.keys()):
            query = (
                "SELECT subject_id, key_id, wrapped FROM subject_keys"
                " WHERE key_id = ANY(%s::bigint[])"
            )
            found = self._database.run(lambda connection: self._select(connection, query, missing))
            keys |= {key.key_id: key for key in found.values()}
        return {key_id: key.cipher for key_id, key in keys.items()}

    def pseudonym(self, kind: str, *parts: str) -> UUID:
        """An id that is always the same for the same parts, and tells nothing without the key."""
        digest = hmac.digest(self._pseudonym_key, _framed(kind, *parts), "sha256")
        # RFC 9562 §5.8: version 8 for ids of one's own making.
        bits = int.from_bytes(digest[:16], "big")
        bits = bits & ~(0xF << 76) | (8 << 76)
        bits = bits & ~(0x3 << 62) | (2 << 62)
        return UUID(int=bits)

    def fingerprint(self, content: bytes) -> bytes:
        """A keyed digest, so that short or guessable content cannot be found by trying."""
        code = self._fingerprint.copy()
        code.update(content)
        return code.digest()

    def _identity_key(self) -> bytes:
        """The key of pseudonyms and fingerprints; that it unwraps proves the master key.

        It is random and wrapped rather than derived, so that ids outlive a new master key.
        """
        offered = aes_key_wrap(self._wrapping_key, secrets.token_bytes(KEY_BYTES))
        stored = self._database.run(lambda connection: _stored_once(connection, offered))
        try:
            return aes_key_unwrap(self._wrapping_key, stored)
        except InvalidUnwrap as wrong:
            raise WrongMasterKey(
                "this database was made with another master key; set DUECOURSE_MASTER_KEY or"
                " DUECOURSE_MASTER_KEY_FILE to that one, or restore the file master.key"
            ) from wrong

    def _fetch(self, connection: Connection, subject_ids: list[UUID]) -> dict[UUID, SubjectKey]:
        query = "SELECT subject_id, key_id, wrapped FROM subject_keys WHERE subject_id = ANY(%s::uuid[])"
        return self._select(connection, query, subject_ids)

    def _create(self, connection: Connection, subject_ids: list[UUID]) -> dict[UUID, SubjectKey]:
        wrapped = [
            aes_key_wrap(self._wrapping_key, secrets.token_bytes(KEY_BYTES)) for _ in subject_ids
        ]
        # Sorted, so that two processes that make the same keys wait for each other, not in a ring.
        # On disk when this returns: a key that is kept here and lost there would seal for ever.
        connection.execute(
            "INSERT INTO subject_keys (subject_id, wrapped)"
            " SELECT * FROM unnest(%s::uuid[], %s::bytea[]) ON CONFLICT DO NOTHING",
            (sorted(subject_ids), wrapped),
        )
        faults.reach("vault.made")
        return self._fetch(connection, subject_ids)

    def _select(
        self, connection: Connection, query: LiteralString, ids: list[UUID] | list[int]
    ) -> dict[UUID, SubjectKey]:
        rows = connection.execute(query, (ids,)).fetchall()
        found = {subject_id: self._unwrap(key_id, wrapped) for subject_id, key_id, wrapped in rows}
        with self._lock:
            for subject_id, key in found.items():
                _remember(self._by_subject, subject_id.int, key)
                _remember(self._by_id, key.key_id, key)
        return found

    def _unwrap(self, key_id: int, wrapped: bytes) -> SubjectKey:
        try:
            return SubjectKey(key_id, AESGCM(aes_key_unwrap(self._wrapping_key, wrapped)))
        except InvalidUnwrap as wrong:
            raise WrongMasterKey(
                f"subject key {key_id} was not wrapped by this master key"
            ) from wrong

    def _cached(
        self, cache: OrderedDict[int, SubjectKey], wanted: set[int]
    ) -> dict[int, SubjectKey]:
        with self._lock:
            found = {each: cache[each] for each in wanted if each in cache}
            for each in found:
                cache.move_to_end(each)
        return found


def _remember(cache: OrderedDict[int, SubjectKey], name: int, key: SubjectKey) -> None:
    cache[name] = key
    cache.move_to_end(name)
    if len(cache) > _CACHED_KEYS:
        cache.popitem(last=False)


def _stored_once(connection: Connection, offered: bytes) -> bytes:
    connection.execute(
        "INSERT INTO settings (name, value) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        (_IDENTITY_KEY, offered),
    )
    row = connection.execute(
        "SELECT value FROM settings WHERE name = %s", (_IDENTITY_KEY,)
    ).fetchone()
    assert row is not None, "the setting was just written"
    return bytes(row[0])


def _derive(key: bytes, purpose: str) -> bytes:
    info = f"duecourse/v1/{purpose}".encode()
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(key)


def _framed(*parts: str) -> bytes:
    """The parts, each with its length, so that no two lists of parts look alike."""
    encoded = [part.encode() for part in parts]
    return b"".join(len(part).to_bytes(8, "big") + part for part in encoded)
