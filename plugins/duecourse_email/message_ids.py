"""Message-IDs of ours: made from a key, and read back from what others quote."""

import re
from typing import Final

from duecourse import Permanent
from duecourse_email.tokens import Marker

MOST_DOMAIN: Final = 110
"""With the longest key, a reference that a case can keep."""
_KEY: Final = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)


class MessageIds:
    """With a marker only those count that we made: what others make up is told apart at once."""

    def __init__(self, domain: str, marker: Marker | None) -> None:
        self._domain = domain
        self._marker = marker
        self._pattern = re.compile(
            rf"<([A-Za-z0-9.-]{{1,81}})@{re.escape(domain)}>", re.ASCII | re.IGNORECASE
        )

    def name(self, key: str) -> str:
        """What stands before the @ for the message with `key`."""
        if not _KEY.fullmatch(key):
            raise Permanent("the key cannot be part of a Message-ID")
        return self._marker.mark("message", key) if self._marker else key

    def make(self, key: str) -> str:
        """The Message-ID, without its angle brackets."""
        return f"{self.name(key)}@{self._domain}"

    def key(self, name: str) -> str:
        """The key in a `name` of ours, or nothing."""
        if self._marker is not None:
            return self._marker.read("message", name) or ""
        return name if _KEY.fullmatch(name) else ""

    def find(self, text: str) -> list[str]:
        """The keys of all Message-IDs of ours in `text`."""
        return list(filter(None, map(self.key, self._pattern.findall(text))))
