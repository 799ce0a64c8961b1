"""One conversation with the mail server, and what its replies prove."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from duecourse import Permanent, Transient
from duecourse_email.settings import EmailConfig, tls_context

OK: Final = 250
OK_FORWARDED: Final = 251


class UnclearReply(Exception):
    """The server has the whole mail, and says neither that it took it nor that it did not."""


@contextmanager
def connected(config: EmailConfig) -> Iterator[smtplib.SMTP]:
    """A server that greeted us and knows us. Nothing has been sent while this may fail."""
    try:
        server = _connect(config)
    except smtplib.SMTPResponseException as refusal:
        raise _refused("connection", refusal.smtp_code) from None
    except smtplib.SMTPNotSupportedError:
        raise Permanent("the mail server does not offer what `security` asks for") from None
    except ssl.SSLCertVerificationError:
        raise Transient("the mail server's certificate is not trusted; see `ca_file`") from None
    except (OSError, smtplib.SMTPException) as error:
        raise Transient(f"the mail server was not reached ({type(error).__name__})") from None
    try:
        yield server
    finally:
        _leave(server)


def _connect(config: EmailConfig) -> smtplib.SMTP:
    if config.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            config.host, config.port, timeout=config.timeout, context=tls_context(config.ca_file)
        )
    else:
        server = smtplib.SMTP(config.host, config.port, timeout=config.timeout)
    try:
        if config.security == "starttls":
            server.starttls(context=tls_context(config.ca_file))
        if config.password is not None:
            server.login(config.username, config.password.reveal())
    except BaseException:
        server.close()
        raise
    return server


def hand_over(
    server: smtplib.SMTP, sender: str, to: str, mail: bytes, *, ask_for_notices: str
) -> None:
    """Send `mail`. `ask_for_notices` is the key that delivery notices are to name, or empty."""
    _envelope(server, sender, to, ask_for_notices)
    _content(server, mail)


def _envelope(server: smtplib.SMTP, sender: str, to: str, notices: str) -> None:
    """Name sender and recipient. A failure here, of whatever kind, sends nothing."""
    try:
        server.ehlo_or_helo_if_needed()
        knows_notices = bool(notices) and server.has_extn("dsn")
        # RFC 3461: without the text of our mail, which nobody on the way needs to have again.
        options = ["RET=HDRS", f"ENVID={notices}"] if knows_notices else []
        code, _ = server.mail(sender, options)
        if code != OK:
            raise _refused("sender", code)
        code, _ = server.rcpt(to, ["NOTIFY=SUCCESS,FAILURE,DELAY"] if knows_notices else [])
        if code not in {OK, OK_FORWARDED}:
            raise _refused("recipient", code)
    except OSError as error:
        raise Transient(f"the mail server went away ({type(error).__name__})") from None


def _content(server: smtplib.SMTP, mail: bytes) -> None:
    """Send the content. A connection lost in here leaves the outcome open, and is let through."""
    try:
        code, _ = server.data(mail)
    except smtplib.SMTPDataError as refusal:
        raise _refused("content", refusal.smtp_code) from None
    if code != OK:
        raise _refused("content", code) if 400 <= code < 600 else UnclearReply(code)  # noqa: PLR2004


def _leave(server: smtplib.SMTP) -> None:
    # The mail is taken or refused by now; a server that is rude at the end changes nothing.
    with suppress(OSError):
        server.quit()
    server.close()


def _refused(step: str, code: int) -> Permanent | Transient:
    """By RFC 5321 a 4xx may work later and a 5xx never will; the server's words may name people."""
    if 500 <= code < 600:  # noqa: PLR2004 - the class of an SMTP reply
        return Permanent(f"the mail server refuses the {step} ({code})")
    if 400 <= code < 500:  # noqa: PLR2004
        return Transient(f"the mail server puts off the {step} ({code})")
    return Transient(f"what answers for the {step} is no mail server")
