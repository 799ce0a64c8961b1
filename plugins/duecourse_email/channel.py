"""The channel: mail out by SMTP; bounces, replies and unsubscriptions back in."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import monotonic

import msgspec
from msgspec.structs import replace

from duecourse import (
    Accepted,
    Capabilities,
    Channel,
    Measure,
    Outbound,
    Permanent,
    Polled,
    Signal,
    WebhookRequest,
)
from duecourse_email.box import MOST_BATCH_BYTES, MOST_BATCH_SECONDS, Batch, Box
from duecourse_email.imap import opened_imap
from duecourse_email.incoming import Puzzling, Reader
from duecourse_email.mail import Letterhead, build
from duecourse_email.maildir import opened_maildir
from duecourse_email.message_ids import MOST_DOMAIN, MessageIds
from duecourse_email.server import connected, hand_over
from duecourse_email.settings import (
    EmailConfig,
    MailboxConfig,
    address,
    check_settings,
    own_address,
    own_domain,
    own_link,
)
from duecourse_email.signing import Signer
from duecourse_email.tokens import Marker
from duecourse_email.unsubscription import read_one_click


class EmailChannel(Channel[EmailConfig]):
    """SMTP has no key to deduplicate by, so what gets lost after DATA stays unknown."""

    name = "smtp"
    config_class = EmailConfig
    capabilities = Capabilities(
        medium="email", guarantee="opaque", receipts="none", attachments=True, poll_seconds=10.0
    )
    # Nobody listens at the port for discarding.
    example = {  # noqa: RUF012 - a mapping that the contract calls by this name
        "host": "127.0.0.1",
        "port": 9,
        "security": "none",
        "timeout": 5,
        "sender": "service@creditor.example.com",
        "unsubscribe": "stop@creditor.example.com",
        "reply_to": "help@creditor.example.com",
        "link_secret": "an example of a secret for links",
        "reply_tokens": True,
        "mailbox": {"maildir": "no-such-maildir"},
    }

    def __init__(self, config: EmailConfig) -> None:
        super().__init__(config)
        check_settings(config)
        if config.relay_deduplicates:
            self.capabilities = replace(self.capabilities, guarantee="idempotent")
        if config.mailbox is not None:
            self.capabilities = replace(self.capabilities, receipts="poll", inbound=True)
        elif config.unsubscribe_url:
            self.capabilities = replace(self.capabilities, inbound=True)
        self._sender = own_address("sender", config.sender)
        domain = self._sender.rpartition("@")[2]
        if len(domain) > MOST_DOMAIN:
            raise ValueError(f"sender has a domain of more than {MOST_DOMAIN} characters")
        self._unsubscribe = own_address("unsubscribe", config.unsubscribe)
        self._reply_to = own_address("reply_to", config.reply_to) if config.reply_to else ""
        url = config.unsubscribe_url
        self._link = own_link("unsubscribe_url", url) if url else ""
        self._marker = (
            Marker(config.link_secret, config.old_link_secrets) if config.link_secret else None
        )
        self._ids = MessageIds(domain, self._marker)
        self._signer = _signer(config)
        self._reader = Reader(self._ids, self._reply_to, self._marker)

    def check(self) -> None:
        with connected(self.config) as server:
            server.noop()
        if self.config.mailbox is not None:
            with self._opened(self.config.mailbox):
                pass

    def normalise(self, address: str) -> str:
        """The address with an ASCII domain. The message of Permanent does not repeat it."""
        return _normalised(address)

    def measure(self, message: Outbound) -> Measure:
        self._made(message)
        return Measure(units=1, unit="message")

    def send(self, message: Outbound) -> Accepted:
        if message.at >= message.expires_at:
            raise Permanent("the permission had expired")
        to = address(message.to)
        mail = self._made(message)
        notices = self._ids.name(message.key) if self.config.mailbox is not None else ""
        with connected(self.config) as server:
            hand_over(server, self._sender, to, mail, ask_for_notices=notices)
        return Accepted(reference=self._ids.make(message.key))

    def receive(self, request: WebhookRequest) -> Iterable[Signal]:
        return read_one_click(request, self._marker)

    def poll(self, cursor: bytes) -> Polled:
        """Take in what is new in the mailbox; mark there what the last answer brought."""
        if self.config.mailbox is None:
            return Polled()
        with self._opened(self.config.mailbox) as box:
            _mark(box, cursor)
            return self._taken_in(box)

    def _made(self, message: Outbound) -> bytes:
        mail = build(message, address(message.to), self._letterhead(message.key))
        if self._signer is not None:
            return self._signer.sign(mail, int(message.at.timestamp()))
        return mail

    def _letterhead(self, key: str) -> Letterhead:
        message_id, mark, reply_to = self._ids.make(key), key, self._reply_to
        if self._marker is not None:
            mark = self._marker.mark("unsubscribe", key)
            if self.config.reply_tokens:
                reply_to = self._marker.reply_address(key, reply_to)
        return Letterhead(
            sender=self._sender,
            message_id=message_id,
            reply_to=reply_to,
            unsubscribe=self._unsubscribe,
            unsubscribe_subject=f"unsubscribe-{mark}",
            unsubscribe_link=self._link + mark if self._link else "",
        )

    @contextmanager
    def _opened(self, mailbox: MailboxConfig) -> Iterator[Box]:
        if mailbox.maildir is not None:
            with opened_maildir(mailbox.maildir) as maildir:
                yield maildir
        else:
            with opened_imap(mailbox, self.config.timeout, self.config.ca_file) as imap:
                yield imap

    def _taken_in(self, box: Box) -> Polled:
        signals: list[Signal] = []
        done: list[bytes] = []
        aside: list[bytes] = []
        read, until = 0, monotonic() + MOST_BATCH_SECONDS
        for mail in box.new():
            try:
                signal = self._reader.read(mail)
            except Puzzling:
                aside.append(mail.id)
            else:
                done.append(mail.id)
                signals += [signal] if signal is not None else []
            read += len(mail.content)
            if read > MOST_BATCH_BYTES or monotonic() > until:
                break
        batch = Batch(series=box.series, done=tuple(done), aside=tuple(aside))
        return Polled(signals=tuple(signals), cursor=msgspec.msgpack.encode(batch))


def _normalised(text: str) -> str:
    return address(text)


def _signer(config: EmailConfig) -> Signer | None:
    if config.dkim_key is None:
        return None
    domain = own_domain("dkim_domain", config.dkim_domain)
    return Signer(config.dkim_selector, domain, config.dkim_key)


def _mark(box: Box, cursor: bytes) -> None:
    """Mark the mails that `cursor` remembers: by now their signals are recorded."""
    if not cursor:
        return
    try:
        batch = msgspec.msgpack.decode(cursor, type=Batch)
    except msgspec.MsgspecError:
        # Not ours. Taking the same mails in again does no harm.
        return
    if batch.series == box.series:
        box.mark(batch.done, flagged=False)
        box.mark(batch.aside, flagged=True)
