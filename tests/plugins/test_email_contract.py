"""The e-mail channel keeps the contract, with a real mail server and a Maildir as its peers."""

import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any, ClassVar

from duecourse import WebhookRequest
from duecourse.peers.mailbox import Mailbox
from duecourse.testing.contract import ChannelContract
from duecourse.testing.peer import Arrival, Peer, Trouble
from duecourse_email import EmailChannel
from duecourse_email.tokens import Marker

# What a mail server says where one of HTTP says the number; it quotes the address too.
ANSWERS: dict[Trouble, str] = {
    "429": "450 4.7.1 too many mails to",
    "500": "451 4.3.0 cannot look up",
    "503": "421 4.3.2 not now for",
    "401": "550 5.7.1 you may not write to",
    "403": "554 5.7.1 you may not write to",
}
NOTICE = """\
From: MAILER-DAEMON@mx.example.com
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Original-Envelope-Id: {name}

Final-Recipient: rfc822; lin@example.com
Action: failed
Status: 5.1.1

--b--
"""


class TestEmail(ChannelContract):
    channel = EmailChannel

    @contextmanager
    def peer(self) -> Iterator[Peer]:
        with tempfile.TemporaryDirectory() as folder:
            maildir = _maildir(Path(folder), [self._notice(), self._notice()])
            with Mailbox(Path(folder) / "sent", deduplicates=self.deduplicates) as mailbox:
                yield Peer(
                    settings={
                        "port": mailbox.port,
                        "mailbox": {"maildir": str(maildir)},
                        "relay_deduplicates": self.deduplicates,
                    },
                    arrived=lambda: [_arrival(mail) for mail in mailbox.messages()],
                )

    deduplicates = False

    @contextmanager
    def hostile(self, trouble: Trouble) -> Iterator[Mapping[str, Any]]:
        if trouble not in ANSWERS:
            with super().hostile(trouble) as settings:
                yield settings
            return
        to = self.message().to
        with (
            tempfile.TemporaryDirectory() as folder,
            Mailbox(Path(folder), {to: f"{ANSWERS[trouble]} <{to}>"}) as mailbox,
            _silent("mail.log"),
        ):
            yield {"port": mailbox.port}

    def sign(self, body: bytes) -> WebhookRequest:
        token = self._marker().mark("unsubscribe", self.message().key)
        return WebhookRequest(
            body=body, headers={}, query={"token": token}, received_at=self.message().at
        )

    def receipts(self) -> Sequence[WebhookRequest]:
        return [self.sign(b"List-Unsubscribe=One-Click")]

    def _notice(self) -> str:
        return NOTICE.format(name=self._marker().mark("message", self.message().key))

    def _marker(self) -> Marker:
        with self.made() as channel:
            assert isinstance(channel, EmailChannel)
            assert channel.config.link_secret is not None
            return Marker(channel.config.link_secret)


class TestEmailThroughARelayThatDeduplicates(TestEmail):
    deduplicates = True
    config: ClassVar[Mapping[str, Any]] = {**EmailChannel.example, "relay_deduplicates": True}


@contextmanager
def _silent(name: str) -> Iterator[None]:
    """Without what our own mail server logs in this process: it names the recipient."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _maildir(folder: Path, mails: list[str]) -> Path:
    maildir = folder / "Maildir"
    for each in ("new", "cur", "tmp"):
        (maildir / each).mkdir(parents=True)
    for number, mail in enumerate(mails):
        (maildir / "new" / f"{number}.mx").write_text(mail)
    return maildir


def _arrival(mail: EmailMessage) -> Arrival:
    body = mail.get_body(("plain",))
    assert isinstance(body, EmailMessage)
    return Arrival(content=body.get_content(), reference=mail["Message-ID"].strip("<>"))
