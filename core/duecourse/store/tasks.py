"""A command on its way through the engine."""

from uuid import UUID

import msgspec

from duecourse.case.commands import Command
from duecourse.case.context import Actor
from duecourse.store.answers import Receiver

MAX_LABEL = 500


class Request(msgspec.Struct, frozen=True):
    """A command for a case. `causation` says what led to it, such as `timer:reminder`.

    With `expected_version` it is meant for that version only, and CaseMoved at any other.
    Neither it nor the actor's id may tell anything about the debtor: they are stored in clear.
    """

    case_id: UUID
    command: Command
    command_id: UUID
    actor: Actor
    causation: str = ""
    expected_version: int | None = None

    def __post_init__(self) -> None:
        for name, text in (("actor.id", self.actor.id), ("causation", self.causation)):
            if len(text) > MAX_LABEL or not text.isprintable():
                raise ValueError(f"{name} must be at most {MAX_LABEL} printable characters")


class Task(msgspec.Struct, eq=False):
    """A request with the way back to whoever made it.

    `number` is its place among all, from 1 on. `verified`: decided on a state read from the log,
    not on a kept one. `subject_id`: whose key has to be at hand before it can be written. `alone`:
    in no batch with others, one of which the server would not take. `has_turn`: others for its
    case wait for it. `attempts` were in vain for a conflict, `losses` for a lost connection.
    """

    request: Request
    fingerprint: bytes
    receiver: Receiver
    token: object
    number: int = 0
    attempts: int = 0
    losses: int = 0
    has_turn: bool = False
    verified: bool = False
    alone: bool = False
    subject_id: UUID | None = None
