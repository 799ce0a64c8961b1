"""The messages of the Internet Printing Protocol (RFC 8010), written and read.

They are written by the library `aioipp`. Its reader is not used: it takes lengths for signed, and
so reads a malicious answer for ever.
"""

import struct
from collections.abc import Mapping
from typing import Any, Final

from pyipp.enums import IppOperation, IppTag
from pyipp.serializer import construct_attribute

MOST_VALUES: Final = 100_000
_VERSION: Final = (1, 1)
_FIRST_VALUE_TAG: Final = 0x10
# Groups of attributes (RFC 8010, 3.5.1) that we read.
_GROUPS: Final = {0x02: "job", 0x04: "printer"}

Attributes = dict[str, list[Any]]


class UnclearAnswer(Exception):
    """The printer may or may not have the letter."""


def write_request(
    operation: IppOperation,
    attributes: Mapping[str, Any],
    template: Mapping[str, str],
    document: bytes,
) -> bytes:
    """`attributes` are the operation's in their order, `template` those of the job to be."""
    parts = [
        struct.pack(">BBHI", *_VERSION, operation, 1),
        bytes([IppTag.OPERATION]),
        _attribute("attributes-charset", "utf-8"),
        _attribute("attributes-natural-language", "en"),
        *(_attribute(name, value) for name, value in attributes.items()),
    ]
    if template:
        parts.append(bytes([IppTag.JOB]))
        parts += [_attribute(name, value) for name, value in template.items()]
    return b"".join([*parts, bytes([IppTag.END]), document])


def _attribute(name: str, value: Any) -> bytes:  # noqa: ANN401 - text, number or list of texts
    # The library does not know the type of this one, and would leave it out.
    return construct_attribute(name, value, IppTag.INTEGER if name == "limit" else None)


def read_answer(body: bytes) -> tuple[int, list[tuple[str, Attributes]]]:
    """The status, and the groups in their order (RFC 8010, 3.1). Raises UnclearAnswer.

    Members of a collection end up in the list of the collection, which nobody here asks for.
    """
    try:
        return struct.unpack_from(">H", body, 2)[0], _groups(body)
    except (struct.error, IndexError, UnicodeDecodeError):
        raise UnclearAnswer("an answer that is no IPP") from None


def _groups(body: bytes) -> list[tuple[str, Attributes]]:
    groups: list[tuple[str, Attributes]] = []
    at, last, seen = 8, "", 0
    while (tag := body[at]) != IppTag.END:
        at += 1
        if tag < _FIRST_VALUE_TAG:
            groups.append((_GROUPS.get(tag, ""), {}))
            last = ""
            continue
        name, at = _counted(body, at)
        value, at = _counted(body, at)
        last = name.decode() or last
        seen += 1
        if not groups or seen > MOST_VALUES:
            raise UnclearAnswer("an answer that is no IPP")
        groups[-1][1].setdefault(last, []).append(_value(tag, value))
    return groups


def _counted(body: bytes, at: int) -> tuple[bytes, int]:
    (length,) = struct.unpack_from(">H", body, at)
    end = at + 2 + length
    if end > len(body):
        raise IndexError
    return body[at + 2 : end], end


def _value(tag: int, value: bytes) -> int | bool | str | None:
    match tag:
        case IppTag.INTEGER | IppTag.ENUM:
            return int(struct.unpack(">i", value)[0])
        case IppTag.BOOLEAN:
            return bool(struct.unpack(">?", value)[0])
        case IppTag.TEXT_LANG | IppTag.NAME_LANG:
            _, at = _counted(value, 0)
            return _counted(value, at)[0].decode()
        case _ if tag >= IppTag.TEXT:
            return value.decode("utf-8", "replace")
        case _:
            return None
