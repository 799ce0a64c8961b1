"""What follows the log, and what it says of itself."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import msgspec

from duecourse.store.database import Connection
from duecourse.store.errors import StoreError
from duecourse.store.log import Recorded

BATCH: Final = 5_000

Tables = Mapping[str, tuple[str, ...]]
"""Tables by name, each with the columns that others write: leases, not what events say."""


class Follower(Protocol):
    """Keeps something in the database in step with the log.

    `apply` writes through the connection it is given; what it writes and its new position are
    committed together, so every event counts once. The events of a case come in their order.
    Part of a batch may be taken back and given again, alone, when another part of it fails.

    Three attributes are optional:

    - `parts: int`: into how many slices of the cases the work is cut, for as many workers;
    - `outside: bool`: it has effects elsewhere. It then starts at the end of the log and sees
      only what is durable; an event may be given to it again after a failure, so what it does
      must be known by case and version;
    - `tables: Tables`: what it writes, all of it, so that it can be rebuilt beside the live rows.
    """

    @property
    def name(self) -> str: ...

    def apply(self, connection: Connection, batch: Sequence[Recorded]) -> None: ...


class NotNow(StoreError):
    """Raised by `apply`: no event is to blame, and the whole batch is to be tried again later."""


class Traits(msgspec.Struct, frozen=True):
    """The optional attributes of a follower."""

    parts: int
    outside: bool
    tables: Tables


def traits_of(follower: Follower) -> Traits:
    traits = Traits(
        parts=getattr(follower, "parts", 1),
        outside=getattr(follower, "outside", False),
        tables=getattr(follower, "tables", {}),
    )
    if traits.parts < 1:
        raise ValueError(f"the follower {follower.name} has {traits.parts} parts")
    return traits
