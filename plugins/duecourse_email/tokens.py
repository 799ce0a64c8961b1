"""Marks that come back: in the address of a reply, and in the link of an unsubscription.

A mark is our key and a MAC of it, so that nobody can make one for a message they did not get.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final, Literal

from duecourse import Secret

Purpose = Literal["message", "reply", "unsubscribe"]

LEAST_SECRET: Final = 16
MOST_LOCAL: Final = 10
"""What RFC 5321's 64 octets before the @ leave in front of a mark with the longest key."""

# Small letters only, and 16 of them (80 bits): servers on the way may change the case of an
# address, and what is before the @ is short.
_MAC_BYTES: Final = 10
_REPLY_KEY: Final = re.compile(r"[a-z0-9-]{1,36}", re.ASCII)
_MARK: Final = re.compile(r"(?P<key>[A-Za-z0-9-]{1,64})\.(?P<mac>[a-z2-7]{16})", re.ASCII)


class Marker:
    """Makes marks with `secret`, and reads those of `older` ones too.

    Raises ValueError when one is too short.
    """

    def __init__(self, secret: Secret, older: Sequence[Secret] = ()) -> None:
        self._secrets = [each.reveal().encode() for each in (secret, *older)]
        if min(map(len, self._secrets)) < LEAST_SECRET:
            raise ValueError(f"a link_secret has at least {LEAST_SECRET} characters")

    def mark(self, purpose: Purpose, key: str) -> str:
        return f"{key}.{_mac(self._secrets[0], purpose, key)}"

    def read(self, purpose: Purpose, mark: str) -> str | None:
        """The key in `mark`; None when it is none of ours or was made for something else."""
        found = _MARK.fullmatch(mark)
        if found is None:
            return None
        # Every secret is tried, so that the time taken says nothing.
        expected = [_mac(secret, purpose, found["key"]) for secret in self._secrets]
        matches = [hmac.compare_digest(each, found["mac"]) for each in expected]
        return found["key"] if any(matches) else None

    def reply_address(self, key: str, address: str) -> str:
        """`address` with the mark of `key` in it; unchanged when the key does not fit in one."""
        local, _, domain = address.rpartition("@")
        if not _REPLY_KEY.fullmatch(key):
            return address
        return f"{local}+{self.mark('reply', key)}@{domain}"

    def read_reply_address(self, address: str) -> str | None:
        """The key in an address that `reply_address` made."""
        return self.read("reply", address.rpartition("@")[0].partition("+")[2].lower())


def _mac(secret: bytes, purpose: Purpose, key: str) -> str:
    digest = hmac.digest(secret, f"{purpose}\0{key}".encode(), hashlib.sha256)
    return base64.b32encode(digest[:_MAC_BYTES]).decode().lower()
