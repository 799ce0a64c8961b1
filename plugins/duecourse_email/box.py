"""A mailbox, whatever it is: mails that nobody has taken in yet, and which ones are done."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, Protocol

import msgspec

MOST_READ: Final = 512 * 1024
"""How much of a mail is looked at. Texts and notices come first, pictures after them."""
MOST_MAILS: Final = 200
MOST_BATCH_SECONDS: Final = 10.0
"""Well below the time after which the core gives a call up: each poll gets on."""
MOST_BATCH_BYTES: Final = 16 * 1024 * 1024


class Arrived(msgspec.Struct, frozen=True, kw_only=True):
    """A mail as far as it is looked at. `arrived_at` is by the mailbox, not by who sent it."""

    id: bytes
    content: bytes
    arrived_at: datetime


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What one poll took in, remembered in the cursor until the next one may mark it.

    `aside` are the mails that only a person can make sense of. `series` is what the ids are good
    for: an IMAP server that renumbers its mails says another one.
    """

    series: bytes = b""
    done: tuple[bytes, ...] = ()
    aside: tuple[bytes, ...] = ()


class Box(Protocol):
    series: bytes

    def new(self) -> Iterator[Arrived]:
        """Mails not marked yet, the oldest first. One that cannot be read has no content."""
        ...

    def mark(self, ids: Sequence[bytes], *, flagged: bool) -> None:
        """Mark mails as read, and as wanting a person's eye. Those that are gone are passed by."""
        ...
