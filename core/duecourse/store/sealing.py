"""Finds the personal texts of a structure and turns each into something only its key can read."""

import binascii
import re
from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import inspect

from duecourse.case.words import ERASED
from duecourse.chance import random_bytes
from duecourse.store.errors import SealBroken

Marks = Mapping[str, "Marks | None"]
"""Where the personal texts are: names to further marks, or to None at a text itself."""

EACH: Final = "*"
_NONCE_BYTES: Final = 12
_OVERHEAD: Final = _NONCE_BYTES + 16  # the tag
_TO_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_FROM_URL_SAFE: Final = str.maketrans("-_", "+/")
_KEY_ID_IN_STATE: Final = re.compile(rb'"~1\.([1-9][0-9]{0,17})\.')


class Place:
    """The event that a text belongs to. A sealed text cannot be read anywhere else."""

    __slots__ = ("_event", "case_id", "topic", "version")

    def __init__(self, case_id: UUID, version: int, topic: str) -> None:
        self.case_id = case_id
        self.version = version
        self.topic = topic
        # The same text as str() makes, several times sooner.
        case: str = msgspec.to_builtins(case_id)
        self._event = f"duecourse/v1|{case}|{version}|{topic}|"

    def bound(self, path: str) -> bytes:
        return f"{self._event}{path}".encode()


def seal(text: str, place: Place, path: str, key_id: int, cipher: AESGCM) -> str:
    """`~1.<key id>.<base64url of nonce and ciphertext>`; 1 is the version of this form."""
    nonce = random_bytes(_NONCE_BYTES)
    sealed = nonce + cipher.encrypt(nonce, text.encode(), place.bound(path))
    return f"~1.{key_id}.{_encode(sealed)}"


def unseal(text: str, place: Place, path: str, keys: Mapping[int, AESGCM]) -> str:
    """The text, or ERASED if its key is gone. Raises SealBroken if anything about it is off."""
    key_id, sealed = _taken_apart(text, place, path)
    cipher = keys.get(key_id)
    if cipher is None:
        return ERASED
    nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        return cipher.decrypt(nonce, ciphertext, place.bound(path)).decode()
    except InvalidTag:
        raise SealBroken(f"{_where(place, path)} was altered or moved") from None


def _taken_apart(text: str, place: Place, path: str) -> tuple[int, bytes]:
    """The key id and the sealed bytes of a text that is in its one true form."""
    try:
        _, number, body = text.split(".")
        key_id = int(number)
        sealed = binascii.a2b_base64(body.translate(_FROM_URL_SAFE) + "==")
    except ValueError:
        raise SealBroken(f"{_where(place, path)} is not sealed") from None
    if len(sealed) <= _OVERHEAD or key_id < 1 or f"~1.{key_id}.{_encode(sealed)}" != text:
        raise SealBroken(f"{_where(place, path)} is not sealed, or not in its one true form")
    return key_id, sealed


def key_ids(state: bytes) -> set[int]:
    """The keys that the sealed texts of an encoded event ask for."""
    return {int(each) for each in _KEY_ID_IN_STATE.findall(state)}


def marks_of(cls: type) -> Marks:
    """Where `cls` and what it holds carry `Meta(extra={"personal": True})`."""
    found = _marks(inspect.type_info(cls), personal=False, within=())
    if found is None:
        raise TypeError(f"{cls.__name__} is a text, not a structure")
    return found


def marks_from_paths(paths: tuple[str, ...]) -> Marks:
    """Marks written by hand, such as `debtor/name` or `contact_points/*/address`."""
    marks: dict[str, Marks | None] = {}
    for path in paths:
        branch: Marks | None = None
        for name in reversed(path.split("/")):
            branch = {name: branch}
        _merge(marks, branch or {})
    return marks


def mapped(node: object, marks: Marks | None, change: Callable[[str, str], str]) -> object:
    """A copy of plain data with `change(path, text)` in the place of each marked text."""
    return _mapped(node, marks, "", change)


def _mapped(
    node: object, marks: Marks | None, path: str, change: Callable[[str, str], str]
) -> object:
    if marks is None:
        # An empty text says nothing about anybody.
        return change(path, node) if isinstance(node, str) and node else node
    if isinstance(node, dict):
        marked = dict.fromkeys(node, marks[EACH]) if EACH in marks else marks
        copy = dict(node)
        for name, below in marked.items():
            if name in copy:
                at = f"{path}/{name}" if path else name
                copy[name] = _mapped(copy[name], below, at, change)
        return copy
    if isinstance(node, list | tuple):
        return [
            _mapped(value, marks[mark], f"{path}/{number}", change)
            if (mark := EACH if EACH in marks else str(number)) in marks
            else value
            for number, value in enumerate(node)
        ]
    return node


def _marks(info: inspect.Type, *, personal: bool, within: tuple[type, ...]) -> Marks | None:
    """Marks below `info`: {} for nothing personal, None for a personal text."""
    match info:
        case inspect.Metadata():
            marked = bool((info.extra or {}).get("personal"))
            return _marks(info.type, personal=personal or marked, within=within)
        case inspect.UnionType():
            options = [each for each in info.types if not isinstance(each, inspect.NoneType)]
            return _union([_marks(each, personal=personal, within=within) for each in options])
        case inspect.StrType() if personal:
            return None
        case _ if personal:
            raise TypeError(f"only a text can be marked personal, not {type(info).__name__}")
        case _:
            return _branch(*_parts(info, within))


def _parts(
    info: inspect.Type, within: tuple[type, ...]
) -> tuple[dict[str, inspect.Type], tuple[type, ...]]:
    """What `info` is made of, and the structures that we are then inside of."""
    match info:
        case inspect.StructType():
            if info.cls in within:
                raise TypeError(f"{info.cls.__name__} holds itself; its texts cannot be found")
            return {each.encode_name: each.type for each in info.fields}, (*within, info.cls)
        case inspect.VarTupleType() | inspect.ListType():
            return {EACH: info.item_type}, within
        case inspect.DictType():
            return {EACH: info.value_type}, within
        case inspect.TupleType():
            return {str(at): each for at, each in enumerate(info.item_types)}, within
        case _:
            return {}, within


def _branch(parts: Mapping[str, inspect.Type], within: tuple[type, ...]) -> Marks:
    found = {name: _marks(part, personal=False, within=within) for name, part in parts.items()}
    return {name: marks for name, marks in found.items() if marks is None or marks}


def _union(options: list[Marks | None]) -> Marks | None:
    if all(each is None for each in options):
        return None
    together: dict[str, Marks | None] = {}
    for each in options:
        if each is None:
            raise TypeError("a personal text cannot share a field with something else")
        _merge(together, each)
    return together


def _merge(into: dict[str, Marks | None], other: Marks) -> None:
    for name, marks in other.items():
        if name not in into:
            into[name] = marks
            continue
        known = into[name]
        if (known is None) != (marks is None):
            raise TypeError(f"{name} is a personal text in one shape and not in another")
        if known is not None and marks is not None:
            both = dict(known)
            _merge(both, marks)
            into[name] = both


def _encode(sealed: bytes) -> str:
    encoded = binascii.b2a_base64(sealed, newline=False)
    return encoded.translate(_TO_URL_SAFE, b"=").decode()


def _where(place: Place, path: str) -> str:
    return f"{path} of {place.topic}, version {place.version} of case {place.case_id},"
