"""One connection to an SMSC: frames out and in, within time and size."""

import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from smpplib import consts  # type: ignore[import-untyped]
from smpplib.smpp import make_pdu  # type: ignore[import-untyped]

from duecourse import Secret, Transient
from duecourse_sms.statuses import bind_refusal

Role = Literal["bind_transmitter", "bind_receiver"]
MOST_FRAME: Final = 70_000
_HEAD: Final = 16
_LAST_SEQUENCE: Final = 0x7FFFFFFF
_RESPONSE: Final = 0x80000000
GENERIC_NACK: Final = 0x80000000
DELIVER_SM: Final = 0x00000005
_ENQUIRE_LINK: Final = 0x00000015
_UNBIND: Final = 0x00000006


class LinkLost(Exception):
    """The connection is gone, silent or out of step. What was written may have arrived."""


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """Where the SMSC is, and as whom we come."""

    host: str
    port: int
    system_id: str
    password: Secret
    system_type: str
    timeout: float
    tls: bool
    ca_file: Path | None


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    command: int
    status: int
    sequence: int
    body: bytes


class Link:
    """A bound session, for one thread at a time.

    What the SMSC asks in between is answered whenever we read; what it delivers goes to `deliver`.
    """

    def __init__(self, connection: socket.socket, timeout: float) -> None:
        self.deliver: Callable[[Frame], None] = self.refuse
        self.used_at = time.monotonic()
        self._socket = connection
        self._timeout = timeout
        self._buffer = bytearray()
        self._sequence = 0

    def ask(self, command: str, **fields: Any) -> Frame:  # noqa: ANN401 - the fields of the PDU
        """Send a request and wait for its answer. Raises LinkLost."""
        self._sequence = self._sequence % _LAST_SEQUENCE + 1
        self._write(command, self._sequence, fields)
        deadline = time.monotonic() + self._timeout
        while (frame := self._read(deadline)) is not None:
            if frame.command & _RESPONSE and frame.sequence == self._sequence:
                self.used_at = time.monotonic()
                return frame
            self._serve(frame)
        raise LinkLost("the SMSC did not answer in time")

    def answer(self, command: str, sequence: int, status: int = consts.SMPP_ESME_ROK) -> None:
        self._write(command, sequence, {"status": status})

    def refuse(self, frame: Frame, status: int = consts.SMPP_ESME_RX_T_APPN) -> None:
        """Leave a delivery with the SMSC; by `status` it tries again later, or not at all."""
        self.answer("deliver_sm_resp", frame.sequence, status)

    def drain(self, most: int = 1000) -> None:
        """Serve what has already arrived, without waiting. Raises LinkLost."""
        for _ in range(most):
            frame = self._read(0.0)
            if frame is None:
                return
            self._serve(frame)

    def close(self) -> None:
        """Say goodbye without waiting for an answer."""
        try:
            self._write("unbind", self._sequence % _LAST_SEQUENCE + 1, {})
        except LinkLost:
            pass
        finally:
            self._socket.close()

    def _serve(self, frame: Frame) -> None:
        match frame.command:
            case command if command == _ENQUIRE_LINK:
                self.answer("enquire_link_resp", frame.sequence)
            case command if command == _UNBIND:
                self.answer("unbind_resp", frame.sequence)
                raise LinkLost("the SMSC ended the session")
            case command if command == DELIVER_SM:
                self.deliver(frame)
            case command if command & _RESPONSE:
                pass  # to something that we no longer wait for
            case _:
                self.answer("generic_nack", frame.sequence, consts.SMPP_ESME_RINVCMDID)

    def _write(self, command: str, sequence: int, fields: dict[str, Any]) -> None:
        pdu = make_pdu(command, sequence=sequence, **fields)
        pdu.sequence, pdu.status = sequence, fields.get("status", consts.SMPP_ESME_ROK)
        try:
            self._socket.settimeout(self._timeout)
            self._socket.sendall(pdu.generate())
        except OSError as error:
            raise LinkLost(f"the connection broke ({type(error).__name__})") from None

    def _read(self, deadline: float) -> Frame | None:
        """The next frame, or None when none is complete by then; what came of it is kept."""
        while (frame := self._take()) is None:
            left = deadline - time.monotonic()
            try:
                self._socket.settimeout(max(left, 0.0))
                received = self._socket.recv(65_536)
            except (TimeoutError, BlockingIOError, ssl.SSLWantReadError):
                if left <= 0:
                    return None
                continue
            except OSError as error:
                raise LinkLost(f"the connection broke ({type(error).__name__})") from None
            if not received:
                raise LinkLost("the SMSC hung up")
            self._buffer += received
        return frame

    def _take(self) -> Frame | None:
        if len(self._buffer) < _HEAD:
            return None
        length, command, status, sequence = (
            int.from_bytes(self._buffer[at : at + 4]) for at in range(0, _HEAD, 4)
        )
        if not _HEAD <= length <= MOST_FRAME:
            raise LinkLost("the SMSC sent no frame of SMPP")
        if len(self._buffer) < length:
            return None
        body = bytes(self._buffer[_HEAD:length])
        del self._buffer[:length]
        return Frame(command=command, status=status, sequence=sequence, body=body)


def open_link(peer: Peer, role: Role) -> Link:
    """Connect and bind. Raises Transient or Permanent: nothing is sent yet."""
    link = Link(_connect(peer), peer.timeout)
    try:
        answer = link.ask(
            role,
            system_id=peer.system_id,
            password=peer.password.reveal(),
            system_type=peer.system_type,
        )
    except LinkLost as lost:
        link.close()
        raise Transient(f"the SMSC did not bind us: {lost}") from None
    if answer.status != consts.SMPP_ESME_ROK or answer.command == GENERIC_NACK:
        link.close()
        raise bind_refusal(answer.status)
    return link


def _connect(peer: Peer) -> socket.socket:
    try:
        plain = socket.create_connection((peer.host, peer.port), timeout=peer.timeout)
    except OSError as error:
        raise Transient(f"the SMSC was not reached ({type(error).__name__})") from None
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not peer.tls:
        return plain
    try:
        context = ssl.create_default_context(cafile=peer.ca_file)
        return context.wrap_socket(plain, server_hostname=peer.host)
    except OSError as error:
        plain.close()
        raise Transient(f"no TLS with the SMSC ({type(error).__name__})") from None
