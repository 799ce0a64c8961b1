"""The channel: its settings, one SMTP conversation per message, and what the replies prove."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, Final, Literal

import msgspec
from email_validator import EmailNotValidError, validate_email
from msgspec.structs import replace

from duecourse import (
    Accepted,
    Capabilities,
    Channel,
    Config,
    Outbound,
    Permanent,
    Secret,
    Transient,
)
from duecourse_email.mail import build, message_id

OK: Final = 250
OK_FORWARDED: Final = 251
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class EmailConfig(Config, kw_only=True):
    """`timeout` is in seconds, for each step. `security` none is for this machine only.

    `sender` is the address mails come from; people who unsubscribe write to `unsubscribe`.
    Say `relay_deduplicates` only of a relay that takes each Message-ID once, for good: a mail
    whose fate a crash left open is then sent to it again.
    """

    host: Annotated[str, msgspec.Meta(min_length=1, max_length=253)]
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 587
    security: Literal["starttls", "tls", "none"]
    timeout: Annotated[float, msgspec.Meta(gt=0, le=60)]
    sender: str
    unsubscribe: str
    reply_to: str = ""
    username: str = ""
    password: Secret | None = None
    relay_deduplicates: bool = False


class EmailChannel(Channel[EmailConfig]):
    """SMTP has no key to deduplicate by, so what gets lost after DATA stays unknown."""

    name = "smtp"
    config_class = EmailConfig
    capabilities = Capabilities(medium="email", guarantee="opaque", receipts="none")

    def __init__(self, config: EmailConfig) -> None:
        super().__init__(config)
        if config.relay_deduplicates:
            self.capabilities = replace(self.capabilities, guarantee="idempotent")
        if config.security == "none" and config.host not in LOOPBACK:
            raise ValueError("security none is for this machine only; use starttls or tls")
        if config.security == "none" and config.username:
            raise ValueError("a password needs security starttls or tls")
        if bool(config.username) != (config.password is not None):
            raise ValueError("username and password belong together")
        self._sender = _own_address("sender", config.sender)
        self._unsubscribe = _own_address("unsubscribe", config.unsubscribe)
        self._reply_to = _own_address("reply_to", config.reply_to) if config.reply_to else ""

    def check(self) -> None:
        with self._connected() as server:
            server.noop()

    def normalise(self, address: str) -> str:
        """The address with an ASCII domain. The message of Permanent does not repeat it."""
        return _address(address)

    def send(self, message: Outbound) -> Accepted:
        if message.at >= message.expires_at:
            raise Permanent("the permission had expired")
        to = _address(message.to)
        mail = build(message, to, self._sender, self._reply_to, self._unsubscribe)
        reference = message_id(message.key, self._sender.rpartition("@")[2])
        with self._connected() as server:
            _envelope(server, self._sender, to)
            _hand_over(server, mail)
        return Accepted(reference=reference)

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        """A server that greeted us and knows us. Nothing has been sent while this may fail."""
        try:
            server = self._connect()
        except smtplib.SMTPResponseException as refusal:
            raise _refused("connection", refusal.smtp_code) from None
        except smtplib.SMTPNotSupportedError:
            raise Permanent("the mail server does not offer what `security` asks for") from None
        except OSError as error:
            raise Transient(f"the mail server was not reached ({type(error).__name__})") from None
        try:
            yield server
        finally:
            _leave(server)

    def _connect(self) -> smtplib.SMTP:
        config = self.config
        if config.security == "tls":
            context = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                config.host, config.port, timeout=config.timeout, context=context
            )
        else:
            server = smtplib.SMTP(config.host, config.port, timeout=config.timeout)
        try:
            if config.security == "starttls":
                server.starttls(context=ssl.create_default_context())
            if config.password is not None:
                server.login(config.username, config.password.reveal())
        except BaseException:
            server.close()
            raise
        return server


def _envelope(server: smtplib.SMTP, sender: str, to: str) -> None:
    """Name sender and recipient. A failure here, of whatever kind, sends nothing."""
    try:
        server.ehlo_or_helo_if_needed()
        code, _ = server.mail(sender)
        if code != OK:
            raise _refused("sender", code)
        code, _ = server.rcpt(to)
        if code not in {OK, OK_FORWARDED}:
            raise _refused("recipient", code)
    except OSError as error:
        raise Transient(f"the mail server went away ({type(error).__name__})") from None


def _hand_over(server: smtplib.SMTP, mail: bytes) -> None:
    """Send the content. A connection lost in here leaves the outcome open, and is let through."""
    try:
        code, _ = server.data(mail)
    except smtplib.SMTPDataError as refusal:
        raise _refused("content", refusal.smtp_code) from None
    if code != OK:
        raise _refused("content", code)


def _leave(server: smtplib.SMTP) -> None:
    # The mail is taken or refused by now; a server that is rude at the end changes nothing.
    with suppress(OSError):
        server.quit()
    server.close()


def _refused(step: str, code: int) -> Permanent | Transient:
    """By RFC 5321 a 4xx may work later and a 5xx never will; the server's words may name people."""
    if 400 <= code < 500:  # noqa: PLR2004 - the class of an SMTP reply
        return Transient(f"the mail server puts off the {step} ({code})")
    return Permanent(f"the mail server refuses the {step} ({code})")


def _address(address: str) -> str:
    try:
        found = validate_email(address, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        raise Permanent("not an e-mail address") from None
    assert found.ascii_email is not None, "without SMTPUTF8 there is an ASCII form"
    return found.ascii_email


def _own_address(field: str, address: str) -> str:
    try:
        return _address(address)
    except Permanent:
        raise ValueError(f"{field} is not an e-mail address") from None
