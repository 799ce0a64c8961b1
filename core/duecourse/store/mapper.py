"""Events to rows and back: fixed names, msgspec JSON, personal texts sealed."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any, Final, cast
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Mapper as LibraryMapper
from eventsourcing.persistence import StoredEvent, Transcoder

from duecourse.case.events import EVENT_CLASSES, CaseOpened, Event
from duecourse.store.errors import StateUnreadable, UnknownTopic
from duecourse.store.sealing import (
    Marks,
    Place,
    key_ids,
    mapped,
    marks_from_paths,
    marks_of,
    seal,
    unseal,
)
from duecourse.store.vault import SubjectKey, Vault

MAX_STATE_BYTES: Final = 1_000_000

Plain = dict[str, Any]
"""An event as plain data, as JSON has it."""


class Upcaster(msgspec.Struct, frozen=True, kw_only=True):
    """Turns version `version` of the event `name` into the next one.

    `personal` says where that old version held personal texts, as `contact_points/*/address`;
    they are opened before `change` sees the data.
    """

    name: str
    version: int
    change: Callable[[Plain], Plain]
    personal: tuple[str, ...] = ()


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """An event with its place in a stream, as the library wants to see it."""

    originator_id: UUID
    originator_version: int
    event: Event
    subject_id: UUID | None = None


class _Shape(msgspec.Struct, frozen=True):
    """One stored form of an event: the current one has a class, older ones an upcaster.

    `texts` are the personal texts that are fields of the event itself, as most are; `deeper` is
    where the others are.
    """

    cls: type[Event]
    marks: Marks
    decoder: msgspec.json.Decoder[Event] | None
    upcasters: tuple[Upcaster, ...] = ()
    texts: tuple[str, ...] = ()
    deeper: Marks = {}


class Mapper(LibraryMapper[UUID]):
    """`seal` before writing, `open` after reading; both are pure but for the nonces."""

    def __init__(
        self,
        vault: Vault,
        classes: Sequence[type[Event]] = EVENT_CLASSES,
        upcasters: Sequence[Upcaster] = (),
    ) -> None:
        super().__init__(_NoTranscoder())
        self._vault = vault
        self._encoder = msgspec.json.Encoder()
        self._topics: dict[type[Event], str] = {}
        self._shapes: dict[str, _Shape] = {}
        self._plain: msgspec.json.Decoder[list[Event]] = msgspec.json.Decoder(
            list[reduce(or_, classes)]  # type: ignore[misc]
        )
        for cls in classes:
            self._register(cls, [each for each in upcasters if each.name == _name(cls)])

    def _register(self, cls: type[Event], upcasters: list[Upcaster]) -> None:
        name = _name(cls)
        chain = sorted(upcasters, key=lambda each: each.version)
        if [each.version for each in chain] != list(range(1, len(chain) + 1)):
            raise TypeError(f"the upcasters of {name} do not lead from version 1 step by step")
        for number, each in enumerate(chain):
            marks = marks_from_paths(each.personal)
            self._shapes[_topic(name, each.version)] = _Shape(cls, marks, None, (*chain[number:],))
        topic = _topic(name, len(chain) + 1)
        self._topics[cls] = topic
        marks = marks_of(cls)
        self._shapes[topic] = _Shape(
            cls,
            marks,
            msgspec.json.Decoder(cls),
            texts=tuple(name for name, below in marks.items() if below is None),
            deeper={name: below for name, below in marks.items() if below is not None},
        )

    def seal(self, case_id: UUID, version: int, event: Event, key: SubjectKey) -> tuple[str, bytes]:
        """The topic and the state to write. Raises ValueError for what could not be read again.

        Structs are not checked when they are made, and what a plugin returned may be in one.
        """
        topic = self._topics[type(event)]
        shape = self._shapes[topic]
        try:
            if shape.marks:
                plain = msgspec.to_builtins(event)
                msgspec.convert(plain, shape.cls)
                state = self._encoder.encode(
                    _sealed(plain, shape, Place(case_id, version, topic), key)
                )
            else:
                state = self._encoder.encode(event)
                assert shape.decoder is not None, "what is written has the form of today"
                shape.decoder.decode(state)
        except msgspec.ValidationError as error:
            raise ValueError(f"{topic} holds what it must not: {error}") from None
        if len(state) > MAX_STATE_BYTES:
            raise ValueError(f"an event of {len(state)} bytes is too large: {MAX_STATE_BYTES}")
        return topic, state

    def class_of(self, topic: str) -> type[Event] | None:
        """What the states of a topic are read as, sealed texts and all; None for an old form."""
        shape = self._shapes.get(topic)
        return None if shape is None or shape.decoder is None else shape.cls

    def plain_class(self, topic: bytes) -> type[Event] | None:
        """What the states of a topic are read as, if nothing in them is sealed or of an old form."""
        shape = self._shapes.get(topic.decode())
        if shape is None or shape.decoder is None or shape.marks:
            return None
        return shape.cls

    def open_plain(self, states: Sequence[bytes]) -> list[Event]:
        """The events of states of plain topics, all in one go. Raises MsgspecError."""
        return self._plain.decode(b"[" + b",".join(states) + b"]")

    def open(
        self, case_id: UUID, version: int, topic: str, state: bytes, keys: Mapping[int, AESGCM]
    ) -> Event:
        """The event as it is today, its texts opened with `keys` or read as ERASED.

        Raises UnknownTopic, SealBroken or StateUnreadable; none of them quotes a text.
        """
        shape = self._shapes.get(topic)
        if shape is None:
            raise UnknownTopic(
                f"case {case_id} version {version} is a {topic!r}, which this code does not know;"
                " upgrade Duecourse"
            )
        try:
            if shape.decoder is not None and not shape.marks:
                return shape.decoder.decode(state)
            place = Place(case_id, version, topic)
            plain = mapped(
                msgspec.json.decode(state),
                shape.marks,
                lambda path, text: unseal(text, place, path, keys),
            )
            for upcaster in shape.upcasters:
                plain = upcaster.change(cast(Plain, plain))
            return msgspec.convert(plain, shape.cls)
        except msgspec.MsgspecError as error:
            raise StateUnreadable(
                f"case {case_id} version {version} ({topic}) cannot be read: {error}"
            ) from None

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        envelope = cast(Envelope, domain_event)
        subject_id = envelope.subject_id
        if isinstance(envelope.event, CaseOpened):
            subject_id = envelope.event.subject_id
        if subject_id is None:
            raise ValueError("an envelope to be stored needs its subject_id")
        case_id, version = envelope.originator_id, envelope.originator_version
        key = self._vault.ensure([subject_id])[subject_id]
        topic, state = self.seal(case_id, version, envelope.event, key)
        return StoredEvent(case_id, version, topic, state)

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        case_id = cast(UUID, stored_event.originator_id)
        version, state = stored_event.originator_version, stored_event.state
        keys = self._vault.keys(key_ids(state))
        event = self.open(case_id, version, stored_event.topic, state, keys)
        return Envelope(originator_id=case_id, originator_version=version, event=event)


def _sealed(plain: Plain, shape: _Shape, place: Place, key: SubjectKey) -> object:
    """The plain data, of which this is the only user, with its personal texts sealed."""
    key_id, cipher = key.key_id, key.cipher
    for name in shape.texts:
        if text := plain.get(name):
            plain[name] = seal(text, place, name, key_id, cipher)
    if not shape.deeper:
        return plain
    return mapped(plain, shape.deeper, lambda path, text: seal(text, place, path, key_id, cipher))


class _NoTranscoder(Transcoder):
    """The library asks for one; this mapper needs none."""

    def encode(self, obj: object) -> bytes:
        raise NotImplementedError(type(obj).__name__)

    def decode(self, data: bytes) -> object:
        raise NotImplementedError(len(data))


_VERSIONED: Final = re.compile(r"[A-Za-z]+")


def _name(cls: type[Event]) -> str:
    """The tag, so that a class may be renamed and keep its name in the log."""
    name = cls.__struct_config__.tag
    if not isinstance(name, str) or _VERSIONED.fullmatch(name) is None:
        raise TypeError(f"{cls.__name__} needs a tag of letters to be stored under")
    return name


def _topic(name: str, version: int) -> str:
    return name if version == 1 else f"{name}.v{version}"
