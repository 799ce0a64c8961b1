"""What the SMSC delivers to us, acknowledged only once it is recorded.

A delivery is held unanswered until the poll after the one that told of it brings back its cursor,
the proof that its signal is recorded. Then it is answered, and forgotten as soon as the SMSC has
answered something that we asked after that. Until then the cursor carries its fingerprint: should
the answer be lost, the SMSC delivers it again on the next connection, and it is answered at once
and not told twice. What the cursor carries is no text and no number.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Final
from uuid import uuid4

import msgspec
from smpplib import consts  # type: ignore[import-untyped]

from duecourse import Polled, Signal, Transient
from duecourse_sms.assembly import Assembly, Whole
from duecourse_sms.deliveries import fingerprint, read_delivery
from duecourse_sms.link import Frame, Link, LinkLost, Peer, open_link

# Together they fit into a cursor of 64 KiB.
MOST_HELD: Final = 300
MOST_AWAITED: Final = 600
AWAIT_SECONDS: Final = 86_400

logger = logging.getLogger(__name__)


class Recorded(msgspec.Struct, frozen=True, array_like=True):
    """A delivery whose signal is recorded, and whose answer may not have arrived."""

    name: str
    fingerprint: bytes
    since: int


class _Held(msgspec.Struct, frozen=True):
    """A delivery that the SMSC waits to be answered for."""

    sequence: int
    fingerprint: bytes


class _Told(msgspec.Struct, frozen=True):
    """What was made of some deliveries; None when there is nothing to tell of them."""

    names: tuple[str, ...]
    signal: Signal | None


class Inbox:
    """One receiving session. `read` makes a signal of a message that is whole."""

    def __init__(self, peer: Peer, read: Callable[[Whole], Signal | None], rest: float) -> None:
        self._peer = peer
        self._read = read
        self._rest = rest
        self._lock = threading.Lock()
        self._link: Link | None = None
        self._watch: threading.Timer | None = None
        self._held: dict[str, _Held] = {}
        self._told: list[_Told] = []
        self._answered: set[str] = set()
        self._awaited: list[Recorded] = []
        self._assembly = Assembly()

    def poll(self, cursor: bytes) -> Polled:
        """Answer what the cursor proves recorded, and tell what is not. Raises ChannelError."""
        with self._lock:
            link = self._open()
            self._awaited = [each for each in _read_cursor(cursor) if _is_fresh(each)]
            try:
                self._answer_recorded(link)
                self._make_sure(link)
                link.drain()
            except LinkLost as lost:
                self._drop()
                raise Transient(f"the receiving session was lost: {lost}") from None
            for whole in self._assembly.overdue(time.monotonic()):
                self._tell(whole)
            self._watch_over()
            return Polled(
                signals=tuple(told.signal for told in self._told if told.signal is not None),
                cursor=msgspec.msgpack.encode(self._to_be_recorded()),
            )

    def close(self) -> None:
        """Let go of the session; what is held comes again in the next one."""
        with self._lock:
            self._drop()

    def _open(self) -> Link:
        if self._link is None:
            self._forget()
            self._link = open_link(self._peer, "bind_receiver")
            self._link.deliver = self._take
        return self._link

    def _drop(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        link, self._link = self._link, None
        if link is not None:
            link.close()
        self._forget()

    def _forget(self) -> None:
        """The SMSC delivers all that it has no answer for on the next connection."""
        self._held = {}
        self._told = []
        self._answered = set()
        self._assembly = Assembly()

    def _watch_over(self) -> None:
        """Should nobody poll any more, another one's session must get what this one holds."""
        if self._watch is not None:
            self._watch.cancel()
        self._watch = threading.Timer(self._rest, self.close)
        self._watch.daemon = True
        self._watch.start()

    def _answer_recorded(self, link: Link) -> None:
        recorded = {each.name for each in self._awaited}
        for name in recorded & self._held.keys():
            link.answer("deliver_sm_resp", self._held.pop(name).sequence)
            self._answered.add(name)
        self._told = [told for told in self._told if not recorded.issuperset(told.names)]

    def _make_sure(self, link: Link) -> None:
        """Whoever answers this has read everything that we wrote before."""
        arrived = set(self._answered)
        link.ask("enquire_link")
        self._awaited = [each for each in self._awaited if each.name not in arrived]
        self._answered -= arrived

    def _take(self, frame: Frame) -> None:
        """A delivery has come."""
        assert self._link is not None, "frames come over a link"
        known = fingerprint(frame.body)
        again = (
            each.name
            for each in self._awaited
            if each.fingerprint == known and each.name not in self._answered
        )
        if (name := next(again, None)) is not None:
            self._link.answer("deliver_sm_resp", frame.sequence)
            self._answered.add(name)
            return
        if len(self._held) >= MOST_HELD:
            self._link.refuse(frame)
            return
        try:
            delivery = read_delivery(frame.body)
        except ValueError:
            logger.warning("the SMSC delivered what is no deliver_sm")
            self._link.refuse(frame, consts.SMPP_ESME_RX_P_APPN)
            return
        name = uuid4().hex
        self._held[name] = _Held(frame.sequence, known)
        whole = self._assembly.add(delivery, name, time.monotonic())
        if whole is not None:
            self._tell(whole)

    def _tell(self, whole: Whole) -> None:
        signal = self._read(whole)
        if signal is None:
            logger.warning("the SMSC delivered a receipt that says nothing")
        self._told.append(_Told(whole.names, signal))

    def _to_be_recorded(self) -> list[Recorded]:
        now = int(time.time())
        told = [
            Recorded(name, self._held[name].fingerprint, now)
            for each in self._told
            for name in each.names
        ]
        return [*self._awaited[-MOST_AWAITED:], *told]


def _read_cursor(cursor: bytes) -> Iterable[Recorded]:
    """What cannot be read proves nothing: then all that is held is told once more."""
    if not cursor:
        return []
    try:
        return msgspec.msgpack.decode(cursor, type=list[Recorded])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return []


def _is_fresh(recorded: Recorded) -> bool:
    return time.time() - recorded.since < AWAIT_SECONDS
