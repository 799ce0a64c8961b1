"""Files go with a mail as they are, under names that harm nobody."""

import email
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from uuid import UUID

import pytest
from msgspec.structs import replace

from duecourse import Attachment, Measure, Outbound, Permanent
from duecourse.settings import convert
from duecourse_email import EmailChannel, EmailConfig
from duecourse_email.attachments import MOST_BYTES, MOST_FILES, file_name

AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
FILE = Attachment(name="账单.pdf", media_type="application/pdf", content=bytes(range(256)) * 40)
MESSAGE = Outbound(
    key="6f1d8a52-0000-4000-8000-000000000001",
    contact_id=UUID(int=1),
    case_id=UUID(int=2),
    to="lin@例子.中国",
    to_name="林晓样",
    subject="您的账单",
    body="见附件。",
    language="zh",
    sender_name="示例消费金融",
    at=AT,
    expires_at=AT + timedelta(hours=2),
    attachments=(FILE, replace(FILE, name="note.txt", media_type="text/plain", content=b"a\nb")),
)
CHANNEL = EmailChannel(
    EmailConfig(
        host="127.0.0.1",
        security="none",
        timeout=5,
        sender="service@例子.中国",
        unsubscribe="stop@creditor.example.com",
        reply_to="help@creditor.example.com",
    )
)


def made(*files: Attachment) -> EmailMessage:
    raw = CHANNEL._made(replace(MESSAGE, attachments=files or MESSAGE.attachments))
    assert raw.isascii()
    mail = email.message_from_bytes(raw, policy=policy.default)
    assert not any(part.defects for part in mail.walk())
    return mail


def test_files_arrive_as_they_were_given() -> None:
    mail = made()
    assert [
        (part.get_filename(), part.get_content_type(), part.get_payload(decode=True))
        for part in mail.iter_attachments()
    ] == [("账单.pdf", "application/pdf", FILE.content), ("note.txt", "text/plain", b"a\nb")]


def test_the_text_is_still_the_first_thing_to_be_read() -> None:
    body = made().get_body(("plain",))
    assert isinstance(body, EmailMessage)
    assert body.get_content().strip() == "见附件。"
    assert made().get_content_type() == "multipart/mixed"


def test_the_same_files_are_the_same_bytes() -> None:
    assert CHANNEL._made(MESSAGE) == CHANNEL._made(MESSAGE)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\a.exe", "a.exe"),
        ("a\r\nBcc: x@example.com", "x@example.com"),
        ("bill\u202efdp.exe", "billfdp.exe"),
        ("=?utf-8?Q?A=0D=0AX:_y?=", "_y_="),
        ("=?utf-8?Q?A=0D=0AX-Y?=", "=_utf-8_Q_A=0D=0AX-Y_="),
        ('a"; filename="b.exe', "a__ filename=_b.exe"),
        (".hidden", "hidden"),
        ("a\0b\x7f.pdf", "ab.pdf"),
        ("", "attachment"),
        ("..", "attachment"),
        ("\u2028\u200b", "attachment"),
        ("长" * 300 + ".pdf", "长" * 96 + ".pdf"),
        ("x" * 300, "x" * 100),
        ("a." + "y" * 300, "a." + "y" * 98),
    ],
)
def test_a_name_is_a_plain_file_name_and_nothing_else(given: str, name: str) -> None:
    assert file_name(given) == name
    mail = made(replace(FILE, name=given))
    assert [part.get_filename() for part in mail.iter_attachments()] == [name]
    assert mail["Bcc"] is None


@pytest.mark.parametrize(
    "media_type",
    ["message/rfc822", "multipart/mixed", "application/pdf\r\nX: y", "pdf", "a/b; c=d", ""],
)
def test_a_type_that_a_mail_program_would_unpack_is_plain_bytes(media_type: str) -> None:
    (part,) = made(replace(FILE, media_type=media_type)).iter_attachments()
    assert part.get_content_type() == "application/octet-stream"
    assert part.get_payload(decode=True) == FILE.content


@pytest.mark.parametrize(
    "files",
    [(replace(FILE, content=b"x" * (MOST_BYTES // 2 + 1)),) * 2, (FILE,) * (MOST_FILES + 1)],
)
def test_too_much_is_refused_before_anything_is_sent(files: tuple[Attachment, ...]) -> None:
    message = replace(MESSAGE, attachments=files)
    with pytest.raises(Permanent, match="attachments"):
        CHANNEL.measure(message)
    with pytest.raises(Permanent, match="attachments"):
        CHANNEL.send(message)


def test_a_mail_is_one_message_whatever_goes_with_it() -> None:
    assert CHANNEL.measure(MESSAGE) == Measure(units=1, unit="message")
    assert CHANNEL.capabilities.attachments


@pytest.mark.parametrize(
    "changes", [{"subject": ""}, {"subject": "a\nb"}, {"to": "nobody"}, {"key": "a b"}]
)
def test_what_cannot_be_sent_cannot_be_measured(changes: dict[str, object]) -> None:
    with pytest.raises(Permanent):
        CHANNEL.measure(replace(MESSAGE, **changes))


def test_addresses_in_other_letters_go_out_in_ascii() -> None:
    mail = made()
    assert mail["To"].addresses[0].addr_spec == "lin@xn--fsqu00a.xn--fiqs8s"
    assert mail["From"].addresses[0].addr_spec == "service@xn--fsqu00a.xn--fiqs8s"
    assert mail["Message-ID"] == f"<{MESSAGE.key}@xn--fsqu00a.xn--fiqs8s>"


def test_the_example_is_enough_to_make_a_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINKS", str(EmailChannel.example["link_secret"]))
    table = {**EmailChannel.example, "link_secret": {"env": "LINKS"}}
    channel = EmailChannel(convert(table, EmailConfig, where="test"))
    assert channel.measure(MESSAGE).units == 1
