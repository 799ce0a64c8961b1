"""The sessions by which we send: kept open, looked after, opened again when they were lost."""

import queue
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from smpplib import consts  # type: ignore[import-untyped]

from duecourse import Transient
from duecourse_sms.link import GENERIC_NACK, Link, LinkLost, Peer, open_link
from duecourse_sms.statuses import UnclearAnswer, refusal

IDLE_SECONDS: Final = 20.0


class Transmitter:
    """One session, for one thread at a time."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._link: Link | None = None

    def get_ready(self) -> None:
        """Have a session that is alive. Raises Transient or Permanent; nothing is sent."""
        try:
            self.look_after()
        except LinkLost:
            self.close()
        if self._link is None:
            self._link = open_link(self._peer, "bind_transmitter")

    def look_after(self) -> None:
        """Answer what the SMSC asked meanwhile, and ask it when it was silent for long."""
        if self._link is None:
            return
        self._link.drain()
        if time.monotonic() - self._link.used_at > IDLE_SECONDS:
            self._link.ask("enquire_link")

    def submit(self, **fields: Any) -> str:  # noqa: ANN401 - the fields of the PDU
        """Hand over one part; returns the SMSC's id of it.

        Transient and Permanent say that it was not taken; whatever else is raised, nothing.
        """
        assert self._link is not None, "get_ready comes first"
        try:
            answer = self._link.ask("submit_sm", **fields)
        except BaseException:
            # A late answer must not be taken for that of the next message.
            self.close()
            raise
        if answer.status != consts.SMPP_ESME_ROK:
            if answer.status == consts.SMPP_ESME_RINVBNDSTS:
                self.close()
            raise refusal(answer.status)
        if answer.command == GENERIC_NACK:
            raise UnclearAnswer("the SMSC answered neither yes nor no")
        return answer.body.partition(b"\0")[0].decode("latin-1")

    def close(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            link.close()


class Transmitters:
    """A few sessions for many threads."""

    def __init__(self, peer: Peer, sessions: int) -> None:
        self._sessions = sessions
        self._patience = peer.timeout
        # The one used last is used next, so that those too many fall idle.
        self._free: queue.LifoQueue[Transmitter] = queue.LifoQueue()
        for _ in range(sessions):
            self._free.put(Transmitter(peer))

    @contextmanager
    def borrow(self) -> Iterator[Transmitter]:
        """A session for this thread alone. Raises Transient when none is free in time."""
        try:
            transmitter = self._free.get(timeout=self._patience)
        except queue.Empty:
            raise Transient("all sessions with the SMSC are busy") from None
        try:
            yield transmitter
        finally:
            self._free.put(transmitter)

    def look_after(self) -> None:
        """Keep idle sessions alive; those in use look after themselves."""
        for transmitter in self._take(wait=0.0):
            try:
                transmitter.look_after()
            except LinkLost:
                transmitter.close()

    def close(self) -> None:
        """Close all; those in use are waited for, but not longer than an answer may take."""
        for transmitter in self._take(wait=self._patience):
            transmitter.close()

    def _take(self, wait: float) -> Iterator[Transmitter]:
        """Each session once, as far as it gets free; they go back together."""
        taken: list[Transmitter] = []
        try:
            while len(taken) < self._sessions:
                taken.append(self._free.get(timeout=wait) if wait else self._free.get_nowait())
                yield taken[-1]
        except queue.Empty:
            return
        finally:
            for transmitter in taken:
                self._free.put(transmitter)
