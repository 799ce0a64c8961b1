"""DKIM (RFC 6376, RFC 8463): dkimpy brings mail into its canonical form, cryptography signs it.

dkimpy's own `sign` takes the time from the clock and needs a further library for Ed25519; here
the same mail always gets the same signature.
"""

import base64
import hashlib
import re
from typing import Final

import dkim  # type: ignore[import-untyped]
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from dkim.canonicalization import (  # type: ignore[import-untyped]
    CanonicalizationPolicy,
)

from duecourse import Secret

LEAST_RSA_BITS: Final = 2048
# RFC 8058 wants the two List- headers signed; the rest is what a reader sees or acts on.
SIGNED: Final[tuple[bytes, ...]] = (
    b"from",
    b"to",
    b"subject",
    b"date",
    b"message-id",
    b"reply-to",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
    b"mime-version",
    b"content-type",
    b"content-transfer-encoding",
    b"auto-submitted",
    b"content-language",
)
_LINE: Final = 70


class Signer:
    """One key under its name in the DNS. Raises ValueError when the settings are no such thing."""

    def __init__(self, selector: str, domain: str, key: Secret) -> None:
        if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?", selector, re.ASCII):
            raise ValueError("dkim_selector is written as in the DNS: letters, digits, hyphens")
        self._selector = selector
        self._domain = domain
        self._key = _read_key(key)

    def sign(self, mail: bytes, at: int) -> bytes:
        """`mail` with its signature in front, made at the moment `at` in Unix seconds."""
        headers, body = dkim.rfc822_parse(mail)
        policy = CanonicalizationPolicy.from_c_value(b"relaxed/relaxed")
        names = _names(headers)
        body_hash = hashlib.sha256(policy.canonicalize_body(body)).digest()
        value = self._tags(names, body_hash, at)
        digest = hashlib.sha256()
        canonical = policy.canonicalize_headers(headers)
        dkim.hash_headers(digest, policy, canonical, names, (b"DKIM-Signature", value), {})
        signature = _folded(base64.b64encode(self._raw(digest.digest())))
        return b"DKIM-Signature:" + value + signature + b"\r\n" + mail

    def _tags(self, names: list[bytes], body_hash: bytes, at: int) -> bytes:
        kind = b"rsa-sha256" if isinstance(self._key, RSAPrivateKey) else b"ed25519-sha256"
        return b"\r\n ".join(
            [
                b" v=1; a=" + kind + b"; c=relaxed/relaxed; t=" + str(at).encode() + b";",
                b"d=" + self._domain.encode() + b";",
                b"s=" + self._selector.encode() + b";",
                b"h=" + b":\r\n  ".join(names) + b";",
                b"bh=" + base64.b64encode(body_hash) + b";",
                b"b=",
            ]
        )

    def _raw(self, digest: bytes) -> bytes:
        if isinstance(self._key, RSAPrivateKey):
            return self._key.sign(digest, PKCS1v15(), Prehashed(SHA256()))
        return self._key.sign(digest)


def _names(headers: list[tuple[bytes, bytes]]) -> list[bytes]:
    """Each header that is there, and once more: so none can be added without being noticed."""
    there = {name.lower() for name, _ in headers}
    return [name for name in SIGNED if name in there] + list(SIGNED)


def _folded(text: bytes) -> bytes:
    return b"".join(b"\r\n  " + text[start : start + _LINE] for start in range(0, len(text), _LINE))


def _read_key(secret: Secret) -> RSAPrivateKey | Ed25519PrivateKey:
    """The key in the PEM; the error does not show it."""
    try:
        key = load_pem_private_key(secret.reveal().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("dkim_key is not a private key in PEM without a passphrase") from None
    if isinstance(key, RSAPrivateKey) and key.key_size >= LEAST_RSA_BITS:
        return key
    if isinstance(key, Ed25519PrivateKey):
        return key
    raise ValueError(f"dkim_key must be Ed25519, or RSA of at least {LEAST_RSA_BITS} bits")
