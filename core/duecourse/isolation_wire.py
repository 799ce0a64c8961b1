"""What goes between the program and the process of an isolated channel.

Frames over two pipes: a length of four bytes, then so much MessagePack. Both sides are of one
version, for each process is started by the program that talks to it.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any, Final, Literal

import msgspec

from duecourse.channels import Capabilities, Secret
from duecourse.guarded import Method
from duecourse.loading import Source

MOST_BYTES: Final = 64 * 1024 * 1024
"""Of one frame: a message with its attachments, or the signals of one poll."""

_LENGTH: Final = 4
_CHUNK: Final = 1024 * 1024

Outcome = Literal[
    "answer",
    "transient",
    "permanent",
    "forbidden",
    "channel",
    "value",
    "unwritten",
    "nonsense",
    "failed",
]


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """The first request: which channel to be, and with which settings (secrets in clear)."""

    source: Source
    plugin: str
    config: msgspec.Raw
    memory_mb: int


class Started(msgspec.Struct, frozen=True, kw_only=True):
    capabilities: Capabilities
    written: frozenset[str]


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """`number` comes back with the answer; answers come in any order.

    `start` makes the channel (see Start), and `try_out` only loads the plugin of a Source.
    """

    number: int
    method: Method | Literal["start", "try_out"]
    argument: msgspec.Raw


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """How a call ended: `body` where it was answered, else the words of what was raised."""

    number: int
    outcome: Outcome
    body: msgspec.Raw = msgspec.Raw(b"\xc0")
    words: str = ""
    retry_after: float | None = None


def _encode_more(value: object) -> object:
    match value:
        case Secret():
            return value.reveal()
        case PurePath():
            return str(value)
        case Mapping():
            return dict(value)
    raise NotImplementedError(f"a {type(value).__name__} cannot be handed over")


def _decode_more(kind: type, value: Any) -> Any:  # noqa: ANN401 - msgspec's own signature
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    if issubclass(kind, PurePath) and isinstance(value, str):
        return kind(value)
    raise NotImplementedError(f"a {kind.__name__} cannot be taken over")


def encode(value: object) -> bytes:
    return msgspec.msgpack.encode(value, enc_hook=_encode_more)


def decode(raw: bytes | msgspec.Raw, kind: Any) -> Any:  # noqa: ANN401 - any type of the contract
    """Raises msgspec.DecodeError or ValidationError."""
    return msgspec.msgpack.decode(raw, type=kind, dec_hook=_decode_more)


def frame(value: Call | Answer) -> bytes:
    """Raises ValueError on what is too large."""
    body = encode(value)
    if len(body) > MOST_BYTES:
        raise ValueError(f"it is larger than {MOST_BYTES} bytes")
    return len(body).to_bytes(_LENGTH) + body


def read_frame(read: Callable[[int], bytes]) -> bytes | None:
    """One frame by `read`, which gives some of the bytes asked for; None where the pipe ends.

    Raises ValueError on a frame that is too large to be one.
    """
    length = _read_exactly(read, _LENGTH)
    if length is None:
        return None
    size = int.from_bytes(length)
    if size > MOST_BYTES:
        raise ValueError("not a frame")
    return _read_exactly(read, size)


def _read_exactly(read: Callable[[int], bytes], size: int) -> bytes | None:
    parts: list[bytes] = []
    while size:
        part = read(min(size, _CHUNK))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def write_all(pipe: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(pipe, view) :]
