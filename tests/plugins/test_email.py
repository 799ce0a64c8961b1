"""The e-mail plugin against a real mail server, and against ones that break off."""

import base64
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from duecourse import ChannelError, Outbound, Permanent, Secret, Transient
from duecourse.peers.mailbox import Mailbox
from duecourse_email import EmailChannel, EmailConfig
from duecourse_email.mail import Letterhead, build

AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
PASSWORD = "a-password-that-must-not-show"


def channel(port: int, timeout: float = 5) -> EmailChannel:
    return EmailChannel(
        EmailConfig(
            host="127.0.0.1",
            port=port,
            security="none",
            timeout=timeout,
            sender="service@creditor.example.com",
            unsubscribe="stop@creditor.example.com",
            reply_to="help@creditor.example.com",
        )
    )


def outbound() -> Outbound:
    key = uuid4()
    return Outbound(
        key=str(key),
        contact_id=key,
        case_id=uuid4(),
        to="lin@example.com",
        to_name="林晓样",
        subject="关于您尾号4321账户的还款提醒",
        body="尊敬的林晓样：\n\n- 分期 <b>&\n- 延期\n\n.\n\n编号：DC-1\n联系：400",
        language="zh",
        sender_name="示例消费金融",
        at=AT,
        expires_at=AT + timedelta(hours=2),
    )


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[Mailbox]:
    with Mailbox(tmp_path / "mail") as started:
        yield started


def sent(mailbox: Mailbox, message: Outbound) -> EmailMessage:
    channel(mailbox.port).send(message)
    (mail,) = mailbox.messages()
    return mail


def part(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    assert isinstance(found, EmailMessage)
    content = found.get_content()
    assert isinstance(content, str)
    return content


def test_names_and_texts_arrive_as_they_were_written(mailbox: Mailbox) -> None:
    message = outbound()
    mail = sent(mailbox, message)
    assert mail["Subject"] == message.subject
    assert mail["To"].addresses[0].display_name == "林晓样"
    assert mail["From"].addresses[0].display_name == "示例消费金融"
    assert part(mail, "plain").splitlines() == message.body.splitlines()
    assert mail.get_content_type() == "multipart/alternative"
    assert not mail.defects


def test_the_headers_of_an_honest_automatic_mail_are_there(mailbox: Mailbox) -> None:
    message = outbound()
    mail = sent(mailbox, message)
    assert mail["Date"].datetime == AT
    assert mail["Message-ID"] == f"<{message.key}@creditor.example.com>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Reply-To"].addresses[0].addr_spec == "help@creditor.example.com"
    assert mail["List-Unsubscribe"].startswith("<mailto:stop@creditor.example.com?subject=")


def test_the_reference_is_the_message_id(mailbox: Mailbox) -> None:
    accepted = channel(mailbox.port).send(outbound())
    assert [entry["message_id"] for entry in mailbox.entries()] == [accepted.reference]


def test_the_page_says_what_the_text_says_and_everything_is_escaped(mailbox: Mailbox) -> None:
    page = part(sent(mailbox, outbound()), "html").replace("\r\n", "\n")
    assert '<html lang="zh-Hans">' in page
    assert "<li>分期 &lt;b&gt;&amp;</li>" in page
    assert "编号：DC-1<br>\n联系：400" in page
    assert "<b>" not in page


def test_the_same_message_is_the_same_bytes() -> None:
    message = outbound()
    ours = Letterhead(
        sender="b@x.example.com",
        message_id="1@x.example.com",
        unsubscribe="c@x.example.com",
        unsubscribe_subject="unsubscribe-1",
    )
    first, second = (build(message, "a@example.com", ours) for _ in "12")
    assert first == second
    assert max(len(line) for line in first.split(b"\r\n")) <= 998
    assert first.isascii()


@pytest.mark.parametrize("subject", ["Hi\r\nBcc: x@example.com", "Hi\nX: y", "a\u202eb", "", "x\0"])
def test_a_subject_that_could_be_another_header_is_not_sent(mailbox: Mailbox, subject: str) -> None:
    with pytest.raises(Permanent):
        channel(mailbox.port).send(replace(outbound(), subject=subject))
    assert not mailbox.entries()


@pytest.mark.parametrize(
    "name", ["Lin\r\nBcc: x@example.com", 'Lin" <x@example.com>, "', "L\u202e"]
)
def test_a_name_cannot_add_a_recipient_or_a_header(mailbox: Mailbox, name: str) -> None:
    mail = sent(mailbox, replace(outbound(), to_name=name, sender_name=name))
    assert mail["Bcc"] is None
    assert [each.addr_spec for each in mail["To"].addresses] == ["lin@example.com"]
    assert [each.addr_spec for each in mail["From"].addresses] == ["service@creditor.example.com"]
    assert mailbox.entries()[0]["to"] == ["lin@example.com"]


# RFC 2047: text that the email package decodes, also where we hand it over as plain text.
ENCODED = [
    "=?utf-8?Q?A=0D=0AReply-To:_thief@evil.example=0D=0A=0D=0AWire_money?=",
    "=?utf-8?Q?X=22_=3Cevil=40x.example=3E?=",
    "=?utf-8?b?QQ0KQmNjOiB4QGV2aWwuZXhhbXBsZQ==?=",
    "Lin =\u200b?utf-8?Q?A=0D=0ABcc:_x@evil.example?=",
    "==??utf-8?Q?=0D=0A=0D=0AWire?=",
]
LETTERHEAD = Letterhead(
    sender="b@x.example.com",
    message_id="1@x.example.com",
    reply_to="help@x.example.com",
    unsubscribe="c@x.example.com",
    unsubscribe_subject="unsubscribe-1",
)
HEADERS = sorted([
    "Message-ID", "List-Unsubscribe", "From", "To", "Subject", "Date", "Reply-To",
    "Auto-Submitted", "Content-Language", "MIME-Version", "Content-Type",
])  # fmt: skip


@pytest.mark.parametrize("name", ENCODED)
def test_an_encoded_word_in_a_name_stays_a_name(mailbox: Mailbox, name: str) -> None:
    message = replace(outbound(), to_name=name, sender_name=name)
    made = message_from_bytes(build(message, "lin@example.com", LETTERHEAD), policy=policy.SMTP)
    assert sorted(made.keys()) == HEADERS
    mail = sent(mailbox, message)
    assert [each.addr_spec for each in mail["Reply-To"].addresses] == ["help@creditor.example.com"]
    assert [each.addr_spec for each in mail["To"].addresses] == ["lin@example.com"]
    (sender,) = mail["From"].addresses
    assert sender.addr_spec == "service@creditor.example.com"
    assert not {"\r", "\n", "<", '"'} & set(sender.display_name)
    assert part(mail, "plain").splitlines() == message.body.splitlines()


@pytest.mark.parametrize("subject", ENCODED)
def test_an_encoded_word_in_a_subject_is_not_sent(mailbox: Mailbox, subject: str) -> None:
    with pytest.raises(Permanent):
        channel(mailbox.port).send(replace(outbound(), subject=subject))
    assert not mailbox.entries()


@pytest.mark.parametrize("field", ["to_name", "sender_name", "subject"])
@pytest.mark.parametrize("text", ENCODED[:3])
def test_headers_that_say_what_was_not_meant_are_not_sent(
    monkeypatch: pytest.MonkeyPatch, field: str, text: str
) -> None:
    # As if an encoded word had another beginning that we do not know of.
    monkeypatch.setattr("duecourse_email.mail._ENCODED", "=!")
    with pytest.raises(Permanent, match="cannot be made") as raised:
        build(replace(outbound(), **{field: text}), "lin@example.com", LETTERHEAD)
    assert "evil" not in str(raised.value)


@given(st.text(st.sampled_from("ab zÄ林\"\\()<>@,;:.[]=?_'&/-\t😀"), max_size=220))
def test_any_name_can_be_sent_and_adds_nothing(name: str) -> None:
    message = replace(outbound(), to_name=name, sender_name=name)
    head = message_from_bytes(build(message, "lin@example.com", LETTERHEAD), policy=policy.SMTP)
    assert sorted(head.keys()) == HEADERS


@pytest.mark.parametrize(
    "address",
    ["", "lin", "lin@", "lin@example.com\r\nRCPT TO:<x@example.com>", "a@b.example.com>,<c@d.com"],
)
def test_what_is_no_address_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(Permanent, match="not an e-mail address") as raised:
        channel(9).normalise(address)
    assert not address or address not in str(raised.value)


def test_an_address_is_stored_with_an_ascii_domain() -> None:
    assert channel(9).normalise("Lin@例子.中国") == "Lin@xn--fsqu00a.xn--fiqs8s"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("450 4.2.1 mailbox busy", Transient),
        ("421 4.3.2 closing", Transient),
        ("550 5.1.1 no lin here", Permanent),
        ("553 5.1.3 bad", Permanent),
    ],
)
def test_what_the_server_says_of_the_recipient_decides(
    mailbox: Mailbox, answer: str, kind: type[ChannelError]
) -> None:
    mailbox.answers["lin@example.com"] = answer
    with pytest.raises(kind) as raised:
        channel(mailbox.port).send(outbound())
    assert "lin" not in str(raised.value)
    assert not mailbox.entries()


def test_an_expired_message_is_not_sent(mailbox: Mailbox) -> None:
    with pytest.raises(Permanent):
        channel(mailbox.port).send(replace(outbound(), expires_at=AT))
    assert not mailbox.entries()


def test_a_working_server_passes_the_check(mailbox: Mailbox) -> None:
    channel(mailbox.port).check()


class Scripted:
    """A mail server that says its lines in turn, one per command, and hangs up after the last."""

    def __init__(self, lines: list[str]) -> None:
        self.heard: list[str] = []
        self._lines = lines
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        connection, _ = self._listener.accept()
        with connection, connection.makefile("rwb") as stream:
            for line in self._lines:
                stream.write(line.encode() + b"\r\n")
                stream.flush()
                self._hear(stream.readline, until_dot=line.startswith("354"))

    def _hear(self, readline: Callable[[], bytes], *, until_dot: bool) -> None:
        while heard := readline():
            self.heard.append(heard.decode().rstrip())
            if not until_dot or heard == b".\r\n":
                return

    def close(self) -> None:
        self._thread.join()
        self._listener.close()


@pytest.fixture
def server() -> Iterator[Callable[..., Scripted]]:
    with ExitStack() as stack:

        def start(*lines: str) -> Scripted:
            made = Scripted(list(lines))
            stack.callback(made.close)
            return made

        yield start


ENVELOPE = ("220 hello", "250 hello", "250 sender", "250 recipient")


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        (("421 not now",), Transient),
        (("554 no service",), Permanent),
        (("220 hello", "250 hello", "451 later"), Transient),
        (("220 hello", "250 hello", "550 not you"), Permanent),
        (("220 hello", "250 hello", "250 sender"), Transient),
        ((*ENVELOPE, "451 later"), Transient),
        ((*ENVELOPE, "554 no"), Permanent),
        ((*ENVELOPE, "354 go on", "452 full"), Transient),
        ((*ENVELOPE, "354 go on", "554 spam"), Permanent),
    ],
)
def test_a_reply_before_the_mail_is_taken_proves_that_it_was_not(
    server: Callable[..., Scripted], lines: tuple[str, ...], kind: type[ChannelError]
) -> None:
    with pytest.raises(kind):
        channel(server(*lines).port).send(outbound())


def test_a_sender_that_is_refused_ends_the_conversation(server: Callable[..., Scripted]) -> None:
    peer = server("220 hello", "250 hello", "550 not you", "221 bye")
    with pytest.raises(Permanent):
        channel(peer.port).send(outbound())
    assert not [line for line in peer.heard if line.upper().startswith("RCPT")]


def test_a_connection_lost_after_the_mail_leaves_the_outcome_unknown(
    server: Callable[..., Scripted],
) -> None:
    with pytest.raises(Exception) as raised:  # noqa: PT011 - that it is no ChannelError
        channel(server(*ENVELOPE, "354 go on").port).send(outbound())
    assert not isinstance(raised.value, ChannelError)


def test_a_server_that_hangs_up_after_taking_the_mail_has_taken_it(
    server: Callable[..., Scripted],
) -> None:
    peer = server(*ENVELOPE, "354 go on", "250 taken")
    assert channel(peer.port).send(outbound()).reference


def test_a_line_of_one_dot_does_not_end_the_mail(server: Callable[..., Scripted]) -> None:
    peer = server(*ENVELOPE, "354 go on", "250 taken", "221 bye")
    message = replace(outbound(), body="one\n.\ntwo", subject="x", to_name="", sender_name="C")
    channel(peer.port).send(message)
    assert ".." in peer.heard
    assert "two" in peer.heard


def test_a_refused_connection_is_transient() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Transient):
        channel(port).send(outbound())


def test_a_server_without_starttls_gets_no_password(server: Callable[..., Scripted]) -> None:
    peer = server("220 hello", "250 hello", "221 bye")
    config = EmailConfig(
        host="127.0.0.1",
        port=peer.port,
        security="starttls",
        timeout=5,
        sender="a@example.com",
        unsubscribe="b@example.com",
        username="user",
        password=Secret(PASSWORD),
    )
    with pytest.raises(Permanent) as raised:
        EmailChannel(config).send(outbound())
    spoken = base64.b64encode(PASSWORD.encode()).decode()
    shown = repr(config) + str(raised.value) + "".join(peer.heard)
    assert PASSWORD not in shown
    assert spoken not in shown


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"host": "mail.example.com"}, "security"),
        ({"username": "user", "password": Secret(PASSWORD)}, "security"),
        ({"security": "tls", "username": "user"}, "belong together"),
        ({"sender": "nobody"}, "sender"),
        ({"unsubscribe": "nobody"}, "unsubscribe"),
    ],
)
def test_unsafe_settings_are_refused_naming_the_field(
    changes: dict[str, object], says: str
) -> None:
    with pytest.raises(ValueError, match=says) as raised:
        EmailChannel(replace(channel(9).config, **changes))
    assert PASSWORD not in str(raised.value)
