"""What the operator decides, and what of it cannot be."""

import re
import ssl
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec
from email_validator import EmailNotValidError, validate_email

from duecourse import Config, Permanent, Secret
from duecourse_email.tokens import MOST_LOCAL

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
MOST_LINK: Final = 500
_LINK: Final = re.compile(r"[A-Za-z0-9/?&=%~._+:@-]*", re.ASCII)

Host = Annotated[str, msgspec.Meta(min_length=1, max_length=253)]
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=60)]
Security = Literal["starttls", "tls", "none"]


class MailboxConfig(Config, kw_only=True):
    """Where bounces and replies arrive: a `maildir` on this machine, or an IMAP server's `host`.

    Use a mailbox that nobody else reads: what has been opened there counts as done.
    """

    maildir: Path | None = None
    host: Annotated[str, msgspec.Meta(max_length=253)] = ""
    port: Port = 993
    security: Security = "tls"
    username: str = ""
    password: Secret | None = None
    folder: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] = "INBOX"


class EmailConfig(Config, kw_only=True):
    """`timeout` is in seconds, for each step. `security` none is for this machine only.

    `sender` is the address mails come from, and where bounces go; people who unsubscribe write to
    `unsubscribe`, or have their mail program post to `unsubscribe_url`. `link_secret` makes links,
    reply addresses and Message-IDs that nobody else can make; those of `old_link_secrets` are still
    read. With `reply_tokens` every mail has a reply address of its own, in which a mark follows a
    plus sign after what `reply_to` has before the @.

    Say `relay_deduplicates` only of a relay that takes each Message-ID once, for good: a mail
    whose fate a crash left open is then sent to it again. `ca_file` names the certificates to
    trust instead of the system's.
    """

    host: Host
    port: Port = 587
    security: Security
    timeout: Seconds
    sender: str
    unsubscribe: str
    reply_to: str = ""
    username: str = ""
    password: Secret | None = None
    ca_file: Path | None = None
    relay_deduplicates: bool = False
    unsubscribe_url: str = ""
    link_secret: Secret | None = None
    old_link_secrets: tuple[Secret, ...] = ()
    reply_tokens: bool = False
    dkim_selector: str = ""
    dkim_domain: str = ""
    dkim_key: Secret | None = None
    mailbox: MailboxConfig | None = None


def check_settings(config: EmailConfig) -> None:
    """Raise ValueError, naming the field, for settings that contradict each other."""
    _check_security(config.host, config.security, config.username, config.password)
    if config.mailbox is not None:
        _check_mailbox(config.mailbox)
    if config.link_secret is None and (
        config.unsubscribe_url or config.reply_tokens or config.old_link_secrets
    ):
        raise ValueError("unsubscribe_url, reply_tokens, old_link_secrets need a link_secret")
    if config.reply_tokens and not config.reply_to:
        raise ValueError("reply_tokens needs reply_to, the address that the marks are put in")
    if config.reply_tokens and len(config.reply_to.rpartition("@")[0]) > MOST_LOCAL:
        raise ValueError(f"reply_tokens leaves {MOST_LOCAL} characters before the @ of reply_to")
    dkim = (bool(config.dkim_selector), bool(config.dkim_domain), config.dkim_key is not None)
    if any(dkim) and not all(dkim):
        raise ValueError("dkim_selector, dkim_domain and dkim_key belong together")


def _check_mailbox(mailbox: MailboxConfig) -> None:
    if (mailbox.maildir is None) == (not mailbox.host):
        raise ValueError("mailbox needs either maildir or host")
    if mailbox.host:
        _check_security(mailbox.host, mailbox.security, "", None, where="mailbox ")
        if not mailbox.username or mailbox.password is None:
            raise ValueError("mailbox needs username and password")
    elif mailbox.username or mailbox.password is not None:
        raise ValueError("mailbox: username and password belong to host, not to maildir")
    if not mailbox.folder.isprintable() or not mailbox.folder.isascii():
        raise ValueError("mailbox folder is written as IMAP does, in ASCII")


def _check_security(
    host: str, security: Security, username: str, password: Secret | None, where: str = ""
) -> None:
    if security == "none" and host not in LOOPBACK:
        raise ValueError(f"{where}security none is for this machine only; use starttls or tls")
    if security == "none" and username:
        raise ValueError("a password needs security starttls or tls")
    if bool(username) != (password is not None):
        raise ValueError("username and password belong together")


def address(text: str) -> str:
    """`text` as an address with an ASCII domain. The message of Permanent does not repeat it."""
    try:
        found = validate_email(text, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        raise Permanent("not an e-mail address") from None
    assert found.ascii_email is not None, "without SMTPUTF8 there is an ASCII form"
    return found.ascii_email


def own_address(field: str, text: str) -> str:
    try:
        return address(text)
    except Permanent:
        raise ValueError(f"{field} is not an e-mail address") from None


def own_domain(field: str, text: str) -> str:
    """`text` as an ASCII domain."""
    try:
        return address(f"x@{text}").rpartition("@")[2]
    except Permanent:
        raise ValueError(f"{field} is not a domain") from None


def own_link(field: str, text: str) -> str:
    """`text` as an https address in ASCII, to which `token=` can be added."""
    try:
        parts = urlsplit(text)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        raise ValueError(f"{field} is not an address of the web") from None
    if parts.scheme != "https" or not parts.hostname or parts.username is not None:
        raise ValueError(f"{field} must start with https:// and a host")
    rest = parts.path + parts.query
    if parts.fragment or len(text) > MOST_LINK or not _LINK.fullmatch(rest):
        raise ValueError(f"{field} must be a plain address; write other characters as %20")
    host = own_domain(field, parts.hostname)
    query = f"?{parts.query}&" if parts.query else "?"
    return f"https://{host}{port}{parts.path or '/'}{query}token="


def tls_context(ca_file: Path | None) -> ssl.SSLContext:
    """Certificates are always checked, and the host's name against them."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError:
        # ssl's errors are OSErrors too; neither says more than the path, which is the operator's.
        raise Permanent("ca_file cannot be read or holds no certificates") from None
