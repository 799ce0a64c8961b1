"""A mail server that keeps every message in a folder and delivers none."""

import hashlib
import os
import re
import socket
from asyncio import AbstractServer
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Final, Self

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from duecourse.peers.ledger import Entry, Ledger, read_ledger

HOST: Final = "127.0.0.1"
MOST_BYTES: Final = 1_000_000
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9._@-]{1,150}", re.ASCII)


class Mailbox:
    """Listens on this machine, on any free port, while it is entered.

    `answers` gives the reply to RCPT for some recipients, such as `450 4.2.1 busy`; it may be
    changed at any time. A message that comes twice is in the ledger twice, unless the mailbox
    `deduplicates`: then it is kept once per Message-ID.
    """

    def __init__(
        self, folder: Path, answers: Mapping[str, str] | None = None, *, deduplicates: bool = False
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.answers = dict(answers or {})
        self.host = HOST
        self.port = 0
        self._deduplicates = deduplicates
        self._path = folder / "ledger.jsonl"
        self._running: tuple[_Controller, Ledger] | None = None

    def start(self) -> Self:
        ledger = Ledger(self._path)
        controller = _Controller(
            _Keeper(self.folder, self.answers, ledger, deduplicates=self._deduplicates)
        )
        controller.start()
        self.port = controller.port
        self._running = controller, ledger
        return self

    def stop(self) -> None:
        if self._running is not None:
            controller, ledger = self._running
            self._running = None
            controller.stop()
            ledger.close()

    def entries(self) -> list[Entry]:
        return read_ledger(self._path)

    def messages(self) -> list[EmailMessage]:
        """Every message kept, in the order of arrival."""
        return [
            message_from_bytes((self.folder / entry["file"]).read_bytes(), policy=policy.default)
            for entry in self.entries()
        ]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Controller(Controller):
    """Listens on a socket that is already bound, so that its port is known from the start."""

    def __init__(self, keeper: "_Keeper") -> None:
        self._socket = socket.create_server((HOST, 0))
        port = self._socket.getsockname()[1]
        super().__init__(keeper, hostname=HOST, port=port, data_size_limit=MOST_BYTES)

    def _create_server(self) -> Awaitable[AbstractServer]:
        return self.loop.create_server(self._factory_invoker, sock=self._socket)


class _Keeper:
    """What aiosmtpd asks at each step."""

    def __init__(
        self, folder: Path, answers: Mapping[str, str], ledger: Ledger, *, deduplicates: bool
    ) -> None:
        self._known = {entry["message_id"] for entry in ledger.entries} if deduplicates else None
        self._folder = folder
        self._answers = answers
        self._ledger = ledger

    async def handle_RCPT(  # noqa: N802 - the name aiosmtpd calls
        self,
        server: SMTP,  # noqa: ARG002 - its signature
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],  # noqa: ARG002
    ) -> str:
        if address in self._answers:
            return self._answers[address]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802 - the name aiosmtpd calls
        self,
        server: SMTP,  # noqa: ARG002 - its signature
        session: Session,  # noqa: ARG002
        envelope: Envelope,
    ) -> str:
        content = envelope.original_content or b""
        # The older policy hands the header over as it stands; the newer one stumbles on oddities.
        parsed = message_from_bytes(content, policy=policy.compat32)
        message_id = str(parsed["Message-ID"] or "").strip().strip("<>")
        if self._known is not None:
            if message_id in self._known:
                return "250 2.0.0 kept before"
            self._known.add(message_id)
        name = self._write(message_id, content)
        self._ledger.append(
            {
                "entry": "mail",
                "message_id": message_id,
                "to": envelope.rcpt_tos,
                "file": name,
                "sha256": hashlib.sha256(content).hexdigest(),
                "accepted_at": datetime.now(UTC).isoformat(),
            }
        )
        return "250 2.0.0 kept"

    def _write(self, message_id: str, content: bytes) -> str:
        """Name the file after the Message-ID; on the disk before the mail is answered for."""
        usable = _FILE_NAME.fullmatch(message_id) and not message_id.startswith(".")
        stem = message_id if usable else hashlib.sha256(content).hexdigest()
        fresh = self._folder / f".{stem}.new"
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._folder / f"{stem}.eml")
        return f"{stem}.eml"
