"""A folder of an IMAP server: what is not seen is new."""

import imaplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final

from duecourse import Permanent, Transient
from duecourse_email.box import MOST_MAILS, MOST_READ, Arrived
from duecourse_email.settings import MailboxConfig, tls_context

# imaplib takes an answer of a million bytes for an attack; so much of a full folder is asked for.
WINDOW: Final = 10_000
_LONG_AGO: Final = datetime.fromtimestamp(0, tz=UTC)


class Imap:
    """A selected folder. Unique ids mean something within one `series`, its UIDVALIDITY."""

    def __init__(self, server: imaplib.IMAP4, folder: str) -> None:
        self._server = server
        status, found = server.select(_quoted(folder))
        if status != "OK":
            raise Permanent("the mailbox has no such folder")
        self._mails = int(found[0] or 0)
        self.series = _untagged(server, "UIDVALIDITY")

    def new(self) -> Iterator[Arrived]:
        for uid in self._unseen():
            yield self._fetch(uid)

    def mark(self, ids: Sequence[bytes], *, flagged: bool) -> None:
        flags = r"(\Seen \Flagged)" if flagged else r"(\Seen)"
        uids = [each.decode() for each in ids if each.isdigit()]
        for start in range(0, len(uids), MOST_MAILS):
            some = ",".join(uids[start : start + MOST_MAILS])
            status, _ = self._server.uid("STORE", some, "+FLAGS.SILENT", flags)
            if status != "OK":
                raise Transient("the mail server does not mark mails as read")

    def _unseen(self) -> list[bytes]:
        found: list[bytes] = []
        for first in range(1, self._mails + 1, WINDOW):
            last = min(first + WINDOW - 1, self._mails)
            status, answer = self._server.uid("SEARCH", f"{first}:{last}", "UNSEEN")
            if status != "OK":
                raise Transient("the mail server does not search the mailbox")
            found += (answer[0] or b"").split()
            if len(found) >= MOST_MAILS:
                break
        return found[:MOST_MAILS]

    def _fetch(self, uid: bytes) -> Arrived:
        items = f"(INTERNALDATE BODY.PEEK[]<0.{MOST_READ}>)"
        status, answer = self._server.uid("FETCH", uid.decode(), items)
        parts: list[Any] = [each for each in answer if isinstance(each, tuple)]
        said, content = parts[0] if parts else (b"", b"")
        rest = [each for each in answer if isinstance(each, bytes)]
        arrived_at = _arrival([said, *rest])
        if status != "OK" or arrived_at is None:
            return Arrived(id=uid, content=b"", arrived_at=_LONG_AGO)
        return Arrived(id=uid, content=content[:MOST_READ], arrived_at=arrived_at)


@contextmanager
def opened_imap(config: MailboxConfig, timeout: float, ca_file: Path | None) -> Iterator[Imap]:
    """A folder of a server that knows us. What the server says is never quoted."""
    server = _connect(config, timeout, ca_file)
    try:
        _log_in(server, config)
        yield Imap(server, config.folder)
    except (OSError, imaplib.IMAP4.error) as error:
        raise Transient(f"the mailbox was lost ({type(error).__name__})") from None
    finally:
        with suppress(OSError, imaplib.IMAP4.error):
            server.logout()


def _connect(config: MailboxConfig, timeout: float, ca_file: Path | None) -> imaplib.IMAP4:
    try:
        if config.security == "tls":
            context = tls_context(ca_file)
            return imaplib.IMAP4_SSL(config.host, config.port, ssl_context=context, timeout=timeout)
        server = imaplib.IMAP4(config.host, config.port, timeout=timeout)
    except ssl.SSLCertVerificationError:
        raise Transient("the mailbox's certificate is not trusted; see `ca_file`") from None
    except (OSError, imaplib.IMAP4.error) as error:
        raise Transient(f"the mailbox was not reached ({type(error).__name__})") from None
    if config.security == "starttls":
        _start_tls(server, ca_file)
    return server


def _start_tls(server: imaplib.IMAP4, ca_file: Path | None) -> None:
    try:
        server.starttls(tls_context(ca_file))
    except (OSError, imaplib.IMAP4.error) as error:
        server.shutdown()
        raise Transient(f"the mailbox offers no good TLS ({type(error).__name__})") from None
    except BaseException:
        server.shutdown()
        raise


def _log_in(server: imaplib.IMAP4, config: MailboxConfig) -> None:
    assert config.password is not None, "checked with the settings"
    try:
        server.login(config.username, config.password.reveal())
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error:
        raise Permanent("the mailbox refuses our name and password") from None


def _untagged(server: imaplib.IMAP4, name: str) -> bytes:
    _, found = server.response(name)
    return bytes(found[0] or b"") if found else b""


def _quoted(folder: str) -> str:
    escaped = folder.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _arrival(said: list[bytes]) -> datetime | None:
    """INTERNALDATE, which the server wrote down when it took the mail in."""
    for each in said:
        _, found, rest = each.partition(b'INTERNALDATE "')
        if found:
            date = rest.partition(b'"')[0].decode("ascii", "replace").replace("-", " ", 2)
            with suppress(ValueError):
                return parsedate_to_datetime(date).astimezone(UTC)
    return None
