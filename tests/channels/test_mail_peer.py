"""The e-mail plugin with real servers: TLS and passwords, a bounce of Exim, a mailbox of Dovecot."""

import base64
import os
import pwd
import shutil
import smtplib
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Literal
from uuid import uuid4

import dkim  # type: ignore[import-untyped]
import msgspec
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key
from msgspec.structs import replace
from waiting import until

from duecourse import (
    ChannelError,
    OptOut,
    Outbound,
    Permanent,
    Receipt,
    Reply,
    Secret,
    Signal,
    Transient,
)
from duecourse_email import EmailChannel, EmailConfig, MailboxConfig

HOST = "127.0.0.1"
USER, PASSWORD = "creditor", "a-password-that-must-not-show"
PATIENCE = 20.0
Security = Literal["starttls", "tls"]
EXIM = shutil.which("exim4", path="/usr/sbin:/usr/bin")
DOVECOT = shutil.which("dovecot", path="/usr/sbin:/usr/bin")
AS_ROOT = os.geteuid() == 0

needs_exim = pytest.mark.skipif(
    not (EXIM and AS_ROOT), reason="needs root and Debian's exim4-daemon-light: a real mail server"
)
needs_dovecot = pytest.mark.skipif(
    not (DOVECOT and AS_ROOT), reason="needs root and Debian's dovecot-imapd: a real mailbox"
)


def outbound(to: str = "lin@debtor.example.com") -> Outbound:
    key, now = uuid4(), datetime.now(UTC)
    return Outbound(
        key=str(key),
        contact_id=key,
        case_id=uuid4(),
        to=to,
        to_name="林晓样",
        subject="还款提醒",
        body="尊敬的林晓样：\n\n请联系我们。",
        language="zh",
        sender_name="示例消费金融",
        at=now,
        expires_at=now + timedelta(hours=2),
    )


class Authority:
    """A certificate that vouches for itself, and for this machine."""

    def __init__(self, folder: Path, name: str = HOST) -> None:
        self.certificate = folder / f"{name}.pem"
        self.key = folder / f"{name}.key"
        key = generate_private_key(SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
        named: x509.GeneralName = (
            x509.IPAddress(ip_address(name)) if name == HOST else x509.DNSName(name)
        )
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([named]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        self.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.certificate, self.key)
        return context


def free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


# A server that wants TLS and a password


class Keeper:
    """Takes mail only of who knows the password, and only under TLS."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.asked = 0

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
    ) -> AuthResult:
        self.asked += 1
        assert isinstance(data, LoginPassword)
        right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=right)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert session.authenticated
        assert server.transport is not None
        assert server.transport.get_extra_info("ssl_object") is not None
        self.mails.append(envelope.original_content or b"")
        return "250 2.0.0 kept"


@contextmanager
def smtp_server(keeper: Keeper, authority: Authority, security: Security) -> Iterator[int]:
    context = authority.context()
    controller = Controller(
        keeper,
        hostname=HOST,
        port=free_port(),
        ssl_context=context if security == "tls" else None,
        authenticator=keeper.authenticate,
        # Of TLS from the first byte on aiosmtpd does not know; the keeper looks for it.
        auth_required=security == "starttls",
        auth_require_tls=security == "starttls",
        tls_context=context if security == "starttls" else None,
        require_starttls=security == "starttls",
    )
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def secure(port: int, security: Security, ca_file: Path | None, **changes: object) -> EmailChannel:
    config = EmailConfig(
        host=HOST,
        port=port,
        security=security,
        timeout=5,
        sender="service@creditor.example.com",
        unsubscribe="stop@creditor.example.com",
        username=USER,
        password=Secret(PASSWORD),
        ca_file=ca_file,
    )
    return EmailChannel(replace(config, **changes))


SECURITY = pytest.mark.parametrize("security", ["starttls", "tls"])


@SECURITY
def test_mail_goes_out_under_tls_with_a_password(tmp_path: Path, security: Security) -> None:
    authority, keeper = Authority(tmp_path), Keeper()
    with smtp_server(keeper, authority, security) as port:
        channel = secure(port, security, authority.certificate)
        channel.check()
        channel.send(outbound())
    assert len(keeper.mails) == 1


@SECURITY
def test_a_wrong_password_is_permanent_and_not_shown(tmp_path: Path, security: Security) -> None:
    authority, keeper = Authority(tmp_path), Keeper()
    wrong = Secret("another-" + PASSWORD)
    with smtp_server(keeper, authority, security) as port, pytest.raises(Permanent) as raised:
        secure(port, security, authority.certificate, password=wrong).send(outbound())
    assert keeper.asked
    assert "must-not-show" not in f"{raised.value!r}"
    assert not keeper.mails


@SECURITY
@pytest.mark.parametrize("which", ["unknown", "other name"])
def test_a_server_that_is_not_trusted_hears_no_password(
    tmp_path: Path, security: Security, which: str
) -> None:
    keeper = Keeper()
    there = Authority(tmp_path, "other.example.com" if which == "other name" else HOST)
    trusted = there.certificate if which == "other name" else None
    with (
        smtp_server(keeper, there, security) as port,
        pytest.raises(Transient, match="ca_file") as raised,
    ):
        secure(port, security, trusted).send(outbound())
    assert not keeper.asked
    assert str(tmp_path) not in str(raised.value)


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_certificates_that_cannot_be_read_are_said_to_be_so(
    tmp_path: Path, content: bytes | None
) -> None:
    authority, keeper = Authority(tmp_path), Keeper()
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with smtp_server(keeper, authority, "tls") as port, pytest.raises(Permanent, match="ca_file"):
        secure(port, "tls", file).send(outbound())
    assert not keeper.mails


# Exim: what a real mail server says of what it could not deliver

EXIM_CONF = """
primary_hostname = mx.creditor.example.com
spool_directory = {folder}/spool
log_file_path = {folder}/%slog
pid_file_path = {folder}/exim.pid
local_interfaces = <; 127.0.0.1
daemon_smtp_ports = {port}
tls_advertise_hosts =
dsn_advertise_hosts = *
keep_environment =
acl_smtp_rcpt = all
begin acl
all:
  accept
begin routers
ours:
  driver = accept
  domains = creditor.example.com
  local_part_suffix = +*
  local_part_suffix_optional
  transport = ours
theirs:
  driver = accept
  domains = debtor.example.com
  local_parts = lin
  transport = theirs
begin transports
ours:
  driver = appendfile
  maildir_format
  directory = {folder}/ours
  return_path_add
  envelope_to_add
  user = {user}
theirs:
  driver = appendfile
  maildir_format
  directory = {folder}/theirs
  user = {user}
"""


class MailHost:
    """A folder for real servers, which change their user, with two mailboxes in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        folder.chmod(0o755)
        for box in ("ours", "theirs", "spool"):
            (folder / box).mkdir()
        for box in ("ours", "theirs"):
            for each in ("new", "cur", "tmp"):
                (folder / box / each).mkdir()

    def belongs_to(self, user: str) -> None:
        found = pwd.getpwnam(user)
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, found.pw_uid, found.pw_gid)

    def empty(self) -> None:
        for path in self.folder.glob("*s/[nc]*/*"):
            path.unlink()

    def mails(self, box: str) -> list[Path]:
        return sorted((self.folder / box / "new").iterdir())

    def channel(self, **changes: object) -> EmailChannel:
        config = EmailConfig(
            host=HOST,
            port=self.port,
            security="none",
            timeout=10,
            sender="service@creditor.example.com",
            unsubscribe="stop@creditor.example.com",
            reply_to="help@creditor.example.com",
            link_secret=Secret("a secret of the test for links"),
            reply_tokens=True,
            mailbox=MailboxConfig(maildir=self.folder / "ours"),
        )
        return EmailChannel(replace(config, **changes))


@pytest.fixture(scope="module")
def mail_host() -> Iterator[Callable[[], MailHost]]:
    # Not below pytest's own folder, which other users may not enter.
    with ExitStack() as stack:

        def make() -> MailHost:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="duecourse-mail-"))
            return MailHost(Path(folder))

        yield make


@contextmanager
def running(command: list[str], answers: Callable[[], bool]) -> Iterator[None]:
    """A program in the foreground, from when it answers until the end."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as program:
        try:
            until(lambda: program.poll() is not None or answers())
            assert program.poll() is None, program.stdout and program.stdout.read().decode()
            yield
        finally:
            program.terminate()
            program.wait(PATIENCE)


def listens(port: int) -> bool:
    with socket.socket() as line:
        return line.connect_ex((HOST, port)) == 0


@pytest.fixture(scope="module")
def running_exim(mail_host: Callable[[], MailHost]) -> Iterator[MailHost]:
    assert EXIM is not None
    host = mail_host()
    config = host.folder / "exim.conf"
    text = EXIM_CONF.format(folder=host.folder, port=host.port, user="Debian-exim")
    config.write_text(text)
    host.belongs_to("Debian-exim")
    os.chown(config, 0, 0)
    config.chmod(0o644)
    with running([EXIM, "-C", str(config), "-bdf"], lambda: listens(host.port)):
        yield host


@pytest.fixture
def exim(running_exim: MailHost) -> MailHost:
    running_exim.empty()
    return running_exim


def polled(host: MailHost, channel: EmailChannel) -> Signal:
    until(lambda: bool(host.mails("ours")))
    first = channel.poll(b"")
    (signal,) = first.signals
    assert channel.poll(first.cursor).signals == ()
    assert host.mails("ours") == []
    return signal


@needs_exim
def test_mail_to_nobody_comes_back_as_a_bounce_of_our_key(exim: MailHost) -> None:
    message = outbound("nobody-of-that-name@debtor.example.com")
    exim.channel().send(message)
    until(lambda: bool(exim.mails("ours")))
    named = f"Original-Envelope-ID: {exim.channel()._ids.name(message.key)}".lower()
    assert named in exim.mails("ours")[0].read_text().lower()
    signal = polled(exim, exim.channel())
    assert isinstance(signal, Receipt)
    assert (signal.reference, signal.status) == (message.key, "bounced")
    assert signal.detail[:1] in {"5", ""}
    assert "nobody" not in repr(signal)


@needs_exim
def test_mail_to_somebody_comes_back_as_delivered(exim: MailHost) -> None:
    message = outbound()
    exim.channel().send(message)
    signal = polled(exim, exim.channel())
    assert isinstance(signal, Receipt)
    assert (signal.reference, signal.status) == (message.key, "delivered")
    assert len(exim.mails("theirs")) == 1


@needs_exim
def test_a_bounce_is_known_by_the_mail_in_it_where_nobody_asked_for_notices(
    exim: MailHost,
) -> None:
    message = outbound("nobody-of-that-name@debtor.example.com")
    exim.channel(mailbox=None).send(message)
    signal = polled(exim, exim.channel())
    assert isinstance(signal, Receipt)
    assert (signal.reference, signal.status) == (message.key, "bounced")


@needs_exim
def test_a_signed_mail_arrives_with_its_signature_whole(exim: MailHost) -> None:
    key = generate_rsa()
    channel = exim.channel(
        mailbox=None, dkim_selector="s1", dkim_domain="creditor.example.com", dkim_key=key.secret
    )
    channel.send(outbound())
    until(lambda: bool(exim.mails("theirs")))
    raw = exim.mails("theirs")[0].read_bytes()
    assert dkim.verify(raw, dnsfunc=lambda name, timeout=5: key.record)
    changed = raw.replace(base64.b64encode("尊敬".encode()), base64.b64encode("尊贵".encode()))
    assert changed != raw
    assert not dkim.verify(changed, dnsfunc=lambda name, timeout=5: key.record)


class RsaKey(msgspec.Struct):
    secret: Secret
    record: bytes


def generate_rsa() -> RsaKey:
    key = generate_rsa_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    record = b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)
    return RsaKey(Secret(private.decode()), record)


def answer(host: MailHost, to: str, subject: str, text: str) -> None:
    mail = EmailMessage()
    mail["From"] = "Lin <lin@debtor.example.com>"
    mail["To"] = to
    mail["Subject"] = subject
    mail.set_content(text)
    with smtplib.SMTP(HOST, host.port, timeout=10) as server:
        server.send_message(mail)


@needs_exim
def test_an_answer_comes_back_by_the_mark_in_its_address(exim: MailHost) -> None:
    message, channel = outbound(), exim.channel()
    reply_to = channel._letterhead(message.key).reply_to
    answer(exim, reply_to, "about my debt", "请停止\n")
    signal = polled(exim, channel)
    assert isinstance(signal, Reply)
    assert (signal.reference, signal.sender) == (message.key, "lin@debtor.example.com")
    assert signal.text == "请停止\n\nabout my debt"


@needs_exim
def test_the_mail_that_unsubscribes_comes_back_as_an_opt_out(exim: MailHost) -> None:
    message, channel = outbound(), exim.channel()
    ours = channel._letterhead(message.key)
    answer(exim, ours.unsubscribe, ours.unsubscribe_subject, "")
    signal = polled(exim, channel)
    assert isinstance(signal, OptOut)
    assert signal.reference == message.key


# Dovecot: the mailbox as others have it

DOVECOT_CONF = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <{certificate}
ssl_key = <{key}
auth_mechanisms = plain
auth_failure_delay = 0
mail_location = maildir:{folder}/ours
passdb {{
  driver = passwd-file
  args = scheme=plain username_format=%u {folder}/passwd
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={folder}
}}
first_valid_uid = 1
first_valid_gid = 1
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
"""


class Dovecot:
    def __init__(self, host: MailHost, authority: Authority) -> None:
        self.host = host
        self.authority = authority
        self.ports = {"starttls": free_port(), "tls": free_port()}
        self._put = 0

    def config(self) -> str:
        found = pwd.getpwnam("dovecot")
        return DOVECOT_CONF.format(
            folder=self.host.folder,
            certificate=self.authority.certificate,
            key=self.authority.key,
            user=found.pw_uid,
            group=found.pw_gid,
            port=self.ports["starttls"],
            tls_port=self.ports["tls"],
        )

    def channel(self, security: Security = "tls", **changes: object) -> EmailChannel:
        mailbox = MailboxConfig(
            host=HOST,
            port=self.ports[security],
            security=security,
            username=USER,
            password=Secret(PASSWORD),
        )
        return self.host.channel(
            mailbox=replace(mailbox, **changes), ca_file=self.authority.certificate
        )

    def put(self, text: str | bytes) -> None:
        """Deliver a mail into the Maildir that Dovecot serves, as a mail server does."""
        content = text.encode() if isinstance(text, str) else text
        self._put += 1
        name = f"{self._put:06}.M1P1.mx"
        path = self.host.folder / "ours" / "tmp" / name
        path.write_bytes(content)
        found = pwd.getpwnam("dovecot")
        os.chown(path, found.pw_uid, found.pw_gid)
        path.rename(self.host.folder / "ours" / "new" / name)

    def flags(self) -> list[str]:
        """The flags of all mails, in their order, as the Maildir has them."""
        paths = sorted((self.host.folder / "ours").glob("[nc]*/[0-9]*"))
        ordered = sorted(paths, key=lambda path: path.name)
        return [path.name.partition(":2,")[2] for path in ordered]


@pytest.fixture(scope="module")
def running_dovecot(mail_host: Callable[[], MailHost]) -> Iterator[Dovecot]:
    assert DOVECOT is not None
    host = mail_host()
    made = Dovecot(host, Authority(host.folder))
    (host.folder / "passwd").write_text(f"{USER}:{PASSWORD}\n")
    config = host.folder / "dovecot.conf"
    config.write_text(made.config())
    host.belongs_to("dovecot")
    with running([DOVECOT, "-F", "-c", str(config)], lambda: listens(made.ports["tls"])):
        yield made


@pytest.fixture
def dovecot(running_dovecot: Dovecot) -> Dovecot:
    running_dovecot.host.empty()
    return running_dovecot


def written(subject: str = "Re: A reminder", text: str = "I will pay.\n", key: str = "") -> str:
    return (
        f"From: lin@debtor.example.com\nTo: {key or 'help@creditor.example.com'}\n"
        f"Subject: {subject}\nMessage-ID: <{uuid4()}@debtor.example.com>\n"
        f"Date: Mon, 23 Nov 2026 10:00:00 +0800\n\n{text}"
    )


@needs_dovecot
@SECURITY
def test_a_mailbox_is_read_by_imap_and_marked_once_it_is_recorded(
    dovecot: Dovecot, security: Security
) -> None:
    channel, message = dovecot.channel(security), outbound()
    dovecot.put(written(key=channel._letterhead(message.key).reply_to))
    dovecot.put("\n\nno mail at all")
    dovecot.put(written(text="Second.\n"))
    first = channel.poll(b"")
    assert [each.text for each in first.signals if isinstance(each, Reply)] == [
        "I will pay.\n",
        "Second.\n",
    ]
    assert first.signals[0].reference == message.key
    assert first.signals[0].occurred_at.tzinfo is not None
    assert channel.poll(b"").signals == first.signals, "nothing is marked before it is recorded"
    assert channel.poll(first.cursor).signals == ()
    assert dovecot.flags() == ["S", "FS", "S"]


@needs_dovecot
def test_the_numbers_of_another_mailbox_mark_nothing(dovecot: Dovecot) -> None:
    channel = dovecot.channel()
    dovecot.put(written())
    cursor = channel.poll(b"").cursor
    series = channel_series(cursor)
    assert series.isdigit()
    assert len(channel.poll(cursor.replace(series, b"9" * len(series))).signals) == 1
    assert channel.poll(cursor).signals == ()


def channel_series(cursor: bytes) -> bytes:
    decoded = msgspec.msgpack.decode(cursor)
    series: bytes = decoded["series"]
    return series


@needs_dovecot
def test_a_huge_mail_is_read_at_its_beginning_only(dovecot: Dovecot) -> None:
    dovecot.put(written(text="Stop.\n" + "x" * 3_000_000))
    (signal,) = dovecot.channel().poll(b"").signals
    assert isinstance(signal, Reply)
    assert signal.text.startswith("Stop.\nxxx")


@needs_dovecot
@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"password": Secret("another-" + PASSWORD)}, Permanent),
        ({"folder": "No such"}, Permanent),
        ({"port": 1}, Transient),
        ({"host": "localhost"}, Transient),
    ],
)
def test_a_mailbox_that_cannot_be_read_says_so_without_naming_anybody(
    dovecot: Dovecot, changes: dict[str, object], kind: type[ChannelError]
) -> None:
    with pytest.raises(kind) as raised:
        dovecot.channel("tls", **changes).poll(b"")
    assert USER not in str(raised.value)
    assert "must-not-show" not in str(raised.value)
