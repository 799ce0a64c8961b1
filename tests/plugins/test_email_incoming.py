"""What arrives in the mailbox is taken in once, told apart, and never stops the rest."""

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from duecourse import OptOut, Polled, Receipt, Reply, Secret, Signal, Transient
from duecourse.case.opt_outs import left_by
from duecourse.channels import ChannelError, Permanent
from duecourse_email import EmailChannel, EmailConfig, MailboxConfig
from duecourse_email.box import MOST_BATCH_BYTES, MOST_MAILS, MOST_READ, Arrived
from duecourse_email.incoming import Puzzling, Reader
from duecourse_email.message_ids import MessageIds
from duecourse_email.tokens import Marker

AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
KEY = "6f1d8a52-0000-4000-8000-000000000001"
OTHER = "6f1d8a52-0000-4000-8000-000000000002"
SECRET = Secret("a secret of the test for links")
MARKER = Marker(SECRET)
IDS = MessageIds("creditor.example.com", MARKER)
OURS = f"<{IDS.make(KEY)}>"

NOTICE = """\
Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@mx.example.com>
To: service@creditor.example.com
Subject: Undelivered Mail Returned to Sender
Message-ID: <1@mx.example.com>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I could not deliver to lin@example.com: no such user.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com

Final-Recipient: rfc822; lin@example.com
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <lin@example.com>: no such user

--b
Content-Type: text/rfc822-headers

From: service@creditor.example.com
Message-ID: {ours}
Subject: A reminder

--b--
""".replace("{ours}", OURS)

COMPLAINT = """\
From: fbl@provider.example.com
To: service@creditor.example.com
Subject: A complaint
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

This is a complaint.
--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: Some/1
Version: 1

--b
Content-Type: message/rfc822

From: service@creditor.example.com
Message-ID: {ours}

Hello
--b--
""".replace("{ours}", OURS)

QMAIL = """\
Return-Path: <>
From: MAILER-DAEMON@mx.example.com
To: service@creditor.example.com
Subject: failure notice

Hi. This is the qmail-send program at mx.example.com.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<lin@example.com>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

Return-Path: <service@creditor.example.com>
Message-ID: {ours}
Subject: A reminder

Hello
""".replace("{ours}", OURS)

REPLY = """\
From: Lin <Lin@Example.COM>
To: help@creditor.example.com
Subject: Re: A reminder
Message-ID: <2@example.com>
In-Reply-To: {ours}
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

我下周一还款。
STOP calling me at work, please.

> Dear Lin, you owe
""".replace("{ours}", OURS)


class Office:
    """A Maildir, and a channel that polls it as the core does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "Maildir"
        for each in ("new", "cur", "tmp"):
            (self.folder / each).mkdir(parents=True)
        config = EmailConfig(
            host="127.0.0.1",
            security="none",
            timeout=5,
            sender="service@creditor.example.com",
            unsubscribe="stop@creditor.example.com",
            reply_to="help@creditor.example.com",
            link_secret=SECRET,
            reply_tokens=True,
            mailbox=MailboxConfig(maildir=self.folder),
        )
        self.channel = EmailChannel(config)
        self.cursor = b""

    def put(self, mail: str | bytes, name: str = "") -> str:
        name = name or f"{1_800_000_000 + len(list(self.folder.glob('*/*')))}.M1P1.mx"
        content = mail.encode() if isinstance(mail, str) else mail
        path = self.folder / "new" / name
        path.write_bytes(content)
        os.utime(path, (AT.timestamp(), AT.timestamp()))
        return name

    def poll(self) -> tuple[Signal, ...]:
        polled = self.channel.poll(self.cursor)
        assert isinstance(polled, Polled)
        self.cursor = polled.cursor
        return polled.signals

    def names(self, folder: str) -> set[str]:
        return {path.name for path in (self.folder / folder).iterdir()}


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def told(mail: str | bytes) -> Signal | None:
    content = mail.encode() if isinstance(mail, str) else mail
    reader = Reader(IDS, "help@creditor.example.com", MARKER)
    return reader.read(Arrived(id=b"1", content=content[:MOST_READ], arrived_at=AT))


def receipt(mail: str) -> Receipt:
    found = told(mail)
    assert isinstance(found, Receipt)
    return found


def reply(mail: str | bytes) -> Reply:
    found = told(mail)
    assert isinstance(found, Reply)
    return found


# Notices


def test_a_bounce_is_told_of_our_key_by_its_code_alone(office: Office) -> None:
    office.put(NOTICE)
    (found,) = office.poll()
    assert isinstance(found, Receipt)
    assert (found.reference, found.status, found.detail) == (KEY, "bounced", "5.1.1")
    assert found.occurred_at == AT
    assert "lin" not in repr(found)


@pytest.mark.parametrize(
    ("action", "status"),
    [
        ("failed", "bounced"),
        ("Failed (permanently)", "bounced"),
        ("error", "bounced"),
        ("delayed", "deferred"),
        ("delivered", "delivered"),
        ("relayed", "sent"),
        ("expanded", "sent"),
    ],
)
def test_each_action_has_its_status(action: str, status: str) -> None:
    assert receipt(NOTICE.replace("Action: failed", f"Action: {action}")).status == status


def test_of_several_recipients_the_worst_is_told() -> None:
    good = "Final-Recipient: rfc822; a@example.com\nAction: delivered\nStatus: 2.0.0\n\n"
    mail = NOTICE.replace("Final-Recipient: rfc822; lin", good + "Final-Recipient: rfc822; lin")
    assert (receipt(mail).status, receipt(mail).detail) == ("bounced", "5.1.1")


@pytest.mark.parametrize(
    "change",
    [
        lambda mail: mail.replace("text/rfc822-headers", "message/rfc822"),
        lambda mail: mail.replace("text/rfc822-headers", "message/rfc822-headers"),
        lambda mail: mail.replace("text/rfc822-headers", "message/global-headers").replace(
            "message/delivery-status", "message/global-delivery-status"
        ),
        lambda mail: mail.replace(OURS, "").replace(
            "Reporting-MTA", f"Original-Envelope-Id: {IDS.name(KEY)}\nReporting-MTA"
        ),
        lambda mail: mail.replace(OURS, "").replace(
            "Subject: U", f"References: {OURS}\nSubject: U"
        ),
        lambda mail: mail.replace(
            OURS, OURS.replace("creditor.example.com", "Creditor.Example.COM")
        ),
        lambda mail: mail.replace("\n", "\r\n"),
    ],
)
def test_the_key_is_found_wherever_servers_put_it(change: Callable[[str], str]) -> None:
    found = receipt(change(NOTICE))
    assert (found.reference, found.status) == (KEY, "bounced")


def test_a_bounce_from_before_the_standard_is_understood() -> None:
    assert (receipt(QMAIL).reference, receipt(QMAIL).status) == (KEY, "bounced")


@pytest.mark.parametrize("theirs", ["<k@other.example.com>", "<a b@creditor.example.com>", ""])
def test_a_bounce_of_no_mail_of_ours_is_set_aside(office: Office, theirs: str) -> None:
    name = office.put(NOTICE.replace(OURS, theirs))
    assert office.poll() == ()
    office.poll()
    assert office.names("cur") == {f"{name}:2,FS"}


def test_a_bounce_that_a_person_forwards_is_a_reply() -> None:
    inside = NOTICE.replace('boundary="b"', 'boundary="c"').replace("--b", "--c")
    mail = (
        "From: lin@example.com\nSubject: Fwd: returned\nMIME-Version: 1.0\n"
        'Content-Type: multipart/mixed; boundary="b"\n\n--b\n\nWhat is this?\n'
        f"--b\nContent-Type: message/rfc822\n\n{inside}\n--b--\n"
    )
    assert reply(mail).text.strip() == "What is this?"


def test_a_notice_that_a_person_attaches_is_a_reply() -> None:
    mail = NOTICE.replace("Return-Path: <>\n", "").replace("MAILER-DAEMON@mx", "lin@mx")
    assert isinstance(told(mail.replace("multipart/report", "multipart/mixed")), Reply)


def test_a_complaint_is_told_of_our_key() -> None:
    found = receipt(COMPLAINT)
    assert (found.reference, found.status, found.detail) == (KEY, "complained", "")


def test_a_report_that_all_is_well_is_no_complaint() -> None:
    assert told(COMPLAINT.replace("abuse", "not-spam")) is None


def test_a_notice_is_the_same_receipt_however_often_it_is_read() -> None:
    again = receipt("Received: from elsewhere\n" + NOTICE)
    later = receipt(NOTICE.replace("failed", "delayed"))
    assert receipt(NOTICE).receipt_id == again.receipt_id
    assert receipt(NOTICE).receipt_id != later.receipt_id


# Replies


def test_a_reply_is_told_word_for_word_of_our_key() -> None:
    found = reply(REPLY)
    assert found.text == "我下周一还款。\nSTOP calling me at work, please.\n\n> Dear Lin, you owe\n"
    assert (found.reference, found.sender, found.occurred_at) == (KEY, "Lin@example.com", AT)


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied (vacation)",
        "Auto-Submitted: auto-generated",
        "Precedence: bulk",
        "Precedence: auto_reply",
        "X-Autoreply: yes",
        "Return-Path: <>",
    ],
)
def test_what_a_machine_answers_is_no_reply(office: Office, header: str) -> None:
    name = office.put(f"{header}\n{REPLY}")
    assert office.poll() == ()
    office.poll()
    assert office.names("cur") == {f"{name}:2,S"}


@pytest.mark.parametrize("subject", ["自动回复: A reminder", "Automatic reply: A", "Out of Office"])
def test_a_vacation_notice_is_known_by_its_subject(subject: str) -> None:
    assert told(REPLY.replace("Re: A reminder", subject)) is None


@pytest.mark.parametrize("header", ["Auto-Submitted: no", "Precedence: first-class", "X-Other: 1"])
def test_what_a_person_writes_is_a_reply(header: str) -> None:
    assert reply(f"{header}\n{REPLY}").reference == KEY


def test_a_mark_in_the_address_is_believed_before_any_message_id() -> None:
    address = MARKER.reply_address(OTHER, "help@creditor.example.com")
    for to in (address, address.upper(), f'"Help" <{address}>'):
        mail = REPLY.replace("To: help@creditor.example.com", f"To: {to}")
        assert reply(mail).reference == OTHER


def test_a_mark_that_we_did_not_make_is_nothing() -> None:
    address = MARKER.reply_address(OTHER, "help@creditor.example.com")
    forged = address.replace(OTHER, KEY)
    swapped = Marker(Secret("another secret of the test")).reply_address(
        OTHER, "help@creditor.example.com"
    )
    for to in (forged, swapped, f"help+{OTHER}@creditor.example.com"):
        mail = re.sub("In-Reply-To.*\n", "", REPLY).replace("help@creditor.example.com", to)
        assert reply(mail).reference == ""


def test_a_mail_goes_out_with_the_mark_that_comes_back(office: Office) -> None:
    ours = office.channel._letterhead(OTHER)
    mail = REPLY.replace("To: help@creditor.example.com", f"To: {ours.reply_to}")
    assert reply(mail).reference == OTHER
    assert len(ours.reply_to.partition("@")[0]) <= 64


def test_a_strangers_mail_is_a_reply_to_nothing() -> None:
    mail = re.sub("In-Reply-To.*\n", "", REPLY)
    assert (reply(mail).reference, reply(mail).sender) == ("", "Lin@example.com")


def test_the_last_of_our_mails_in_a_thread_is_the_one_answered() -> None:
    older = f"<{IDS.make(OTHER)}>"
    mail = REPLY.replace(f"In-Reply-To: {OURS}", f"References: {older} {OURS} <x@example.com>")
    assert reply(mail).reference == KEY


@pytest.mark.parametrize("name", [OTHER, f"{OTHER}.{'a' * 16}", MARKER.mark("reply", OTHER)])
def test_a_message_id_that_we_did_not_make_is_nothing(name: str) -> None:
    made_up = f"<{name}@creditor.example.com>"
    assert reply(REPLY.replace(OURS, made_up)).reference == ""
    with pytest.raises(Puzzling):
        told(NOTICE.replace(OURS, made_up))


def test_what_an_older_secret_made_is_still_known(office: Office) -> None:
    new = Secret("the next secret of the test")
    config = replace(office.channel.config, link_secret=new, old_link_secrets=(SECRET,))
    office.channel = EmailChannel(config)
    office.put(REPLY)
    office.put(NOTICE)
    assert [each.reference for each in office.poll()] == [KEY, KEY]
    assert MARKER.read("message", office.channel._ids.name(KEY)) is None, "new mail has the new one"


def test_without_a_secret_a_message_id_is_the_key(office: Office) -> None:
    config = replace(office.channel.config, link_secret=None, reply_tokens=False)
    office.channel = EmailChannel(config)
    for mail in (REPLY, NOTICE):
        office.put(mail.replace(OURS, f"<{KEY}@creditor.example.com>"))
    assert [each.reference for each in office.poll()] == [KEY, KEY]


def test_a_page_is_told_as_its_words() -> None:
    page = (
        "<html><head><title>T</title><style>p{}</style></head><body><p>我下周&nbsp;还款。<br>"
        "Thank <b>you</b> &amp; bye</p><script>evil()</script><div>Lin</div></body></html>"
    )
    mail = REPLY.replace("text/plain", "text/html").split("\n\n")[0] + "\n\n" + page
    assert reply(mail).text == "我下周 还款。\nThank you & bye\n\nLin"


def test_words_are_read_in_the_letters_they_were_written_in() -> None:
    head = REPLY.split("\n\n", maxsplit=1)[0].replace("utf-8", "gb2312").encode()
    assert reply(head + b"\n\n" + "请停止，龑㐂".encode("gb18030")).text == "请停止，龑㐂"


def test_the_words_come_before_the_files_that_go_with_them() -> None:
    mail = (
        REPLY.split("Content-Type")[0] + 'Content-Type: multipart/mixed; boundary="b"\n\n'
        '--b\nContent-Type: text/plain; name="notes.txt"\nContent-Disposition: attachment\n\nNo\n'
        '--b\nContent-Type: multipart/alternative; boundary="c"\n\n'
        "--c\nContent-Type: text/html\n\n<p>Page</p>\n--c\nContent-Type: text/plain\n\nYes\n--c--\n"
        "--b--\n"
    )
    assert reply(mail).text.strip() == "Yes"


@pytest.mark.parametrize(
    ("subject", "body", "text"),
    [
        ("STOP", "", "STOP"),
        ("Re: STOP", "", "STOP"),
        ("Re: A reminder", "Stop", "Stop"),
        ("回复：A reminder", "好", "好"),
        ("=?utf-8?b?6YCA6K6i?=", "Sent from a phone", "退订\n\nSent from a phone"),
    ],
)
def test_what_is_said_in_the_subject_alone_is_not_lost(subject: str, body: str, text: str) -> None:
    head = REPLY.split("\n\n", maxsplit=1)[0].replace("Re: A reminder", subject)
    assert reply(f"{head}\n\n{body}").text == text


@pytest.mark.parametrize(
    "subject",
    [
        "[EXTERN] Re: A reminder", "Antwort: A reminder", "WG: A reminder", "TR: A reminder",
        "RV: A reminder", "Odp: A reminder", "*** SPAM *** Re: A reminder", "R: A reminder",
        "EXTERNAL: AW: A reminder", "Balance", "(no subject)", "Your account is overdue",
    ],
)  # fmt: skip
@pytest.mark.parametrize("words", ["STOP", "Cancel", "Guten Tag\n\nAbmelden", "退订"])
def test_a_stop_is_heard_whatever_the_subject_is(subject: str, words: str) -> None:
    head = REPLY.split("\n\n", maxsplit=1)[0].replace("Re: A reminder", subject)
    for body in (words, f"{words}\n\n> Dear Lin, you owe\n"):
        assert left_by(reply(f"{head}\n\n{body}").text, "email") == "email"


def test_a_subject_that_is_no_answer_comes_after_the_text() -> None:
    head = REPLY.split("\n\n", maxsplit=1)[0].replace("Re: A reminder", "My balance")
    assert reply(f"{head}\n\nI paid.\n").text == "I paid.\n\nMy balance"
    long = reply(f"{head}\n\n{'x' * 3000}").text
    assert (len(long), long[-12:]) == (2000, "\n\nMy balance")


def test_a_subject_of_many_marks_is_read_quickly() -> None:
    head = REPLY.split("\n\n", maxsplit=1)[0]
    for piece in ("***a", "[a]", "spam:", "* "):
        assert reply(head.replace("Re: A reminder", piece * 400) + "\n\nHello").text


def test_a_long_reply_is_bounded_and_a_huge_one_is_still_heard(office: Office) -> None:
    text = "\n".join(["Stop.", "x" * 70] * 20_000)
    office.put(REPLY.split("\n\n", maxsplit=1)[0] + "\n\n" + text + "y" * 5_000_000)
    (found,) = office.poll()
    assert isinstance(found, Reply)
    assert found.text == text[:2000]


def test_the_mail_that_a_mail_program_sends_to_unsubscribe_is_an_opt_out(office: Office) -> None:
    subject = office.channel._letterhead(KEY).unsubscribe_subject
    mail = f"From: lin@example.com\nAuto-Submitted: auto-generated\nSubject: {subject}\n\n"
    found = told(mail)
    assert isinstance(found, OptOut)
    assert (found.reference, found.opt_out_id) == (KEY, f"unsubscribe-{KEY}")
    forged = told(mail.replace(KEY, OTHER).replace("Auto-Submitted: auto-generated\n", ""))
    assert isinstance(forged, Reply), "what we did not make is what somebody wrote"


def test_two_copies_of_a_reply_are_one_and_two_replies_are_two() -> None:
    copy = reply("Received: from elsewhere\n" + REPLY)
    assert copy.reply_id == reply(REPLY).reply_id
    assert reply(REPLY + "PS").reply_id != copy.reply_id


# The mailbox


def test_a_mail_is_marked_only_once_it_is_recorded(office: Office) -> None:
    name = office.put(REPLY)
    first = office.poll()
    assert office.names("new") == {name}, "the answer may still be lost"
    assert office.poll() == ()
    assert (office.names("new"), office.names("cur")) == (set(), {f"{name}:2,S"})
    assert len(first) == 1


def test_after_a_crash_the_same_mail_is_told_again_with_the_same_ids(office: Office) -> None:
    office.put(REPLY)
    office.put(NOTICE)
    before = office.channel.poll(b"").signals
    assert office.channel.poll(b"").signals == before
    assert len(before) == 2


def test_an_older_cursor_loses_nothing(office: Office) -> None:
    office.put(REPLY)
    office.poll()
    older = office.cursor
    office.poll()
    office.put(NOTICE)
    office.cursor = older
    assert [type(each) for each in office.poll()] == [Receipt]


@pytest.mark.parametrize("cursor", [b"garbage", b"\x00", b"\x80", b"\xff" * 100])
def test_a_cursor_that_is_none_of_ours_marks_nothing(office: Office, cursor: bytes) -> None:
    name = office.put(REPLY)
    assert len(office.channel.poll(cursor).signals) == 1
    assert office.names("new") == {name}


def test_a_full_mailbox_comes_in_portions_and_in_order(office: Office) -> None:
    total = MOST_MAILS + 5
    for number in range(total):
        office.put(REPLY.replace("<2@", f"<{number}@") + f"n{number}", f"1{number:06}.mx")
    texts = [each.text.rpartition("\n")[2] for _ in "123" for each in office.poll()]  # type: ignore[union-attr]
    assert texts == [f"n{number}" for number in range(total)]


def test_large_mails_come_in_smaller_portions(office: Office) -> None:
    filler = "\n" + "x" * (MOST_READ - 1)
    for _ in range(MOST_BATCH_BYTES // MOST_READ + 3):
        office.put(REPLY + filler)
    assert len(office.poll()) == MOST_BATCH_BYTES // MOST_READ + 1
    assert len(office.poll()) == 2


def test_mails_that_take_long_come_in_smaller_portions(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter(range(0, 1000, 4))
    monkeypatch.setattr("duecourse_email.channel.monotonic", lambda: next(ticks))
    for number in range(5):
        office.put(REPLY + str(number))
    assert [len(office.poll()) for _ in "123"] == [3, 2, 0]


def nested(depth: int) -> str:
    opened = "".join(
        f'Content-Type: multipart/mixed; boundary="{n}"\n\n--{n}\n' for n in range(depth)
    )
    return f"From: a@example.com\nMIME-Version: 1.0\n{opened}\nHi\n"


BROKEN: dict[str, bytes] = {
    "empty": b"",
    "no header": b"\n\n\n",
    "noise": bytes(range(256)) * 100,
    "nested": nested(400).encode(),
    "parts": b'From: a@x.com\nContent-Type: multipart/mixed; boundary="b"\n\n'
    + b"--b\n\n" * 60_000,
    "parameters": b"From: a@x.com\nContent-Type: multipart/mixed; " + b"a=b;" * 100_000 + b"\n\nHi",
    "mails": b"From: a@x.com\n" + b"Content-Type: message/rfc822\n\n" * 10_000,
    "headers": b"".join(b"X-%d: y\n" % n for n in range(40_000)) + b"\nHi",
    "no sender": b"Subject: Re: x\n\nHi",
    "sender": b"From: <" + b"(" * 5000 + b"\nSubject: x\n\nHi",
    "no words": b"From: a@example.com\nSubject: Re:\n\n",
    "picture": b"From: a@example.com\nContent-Type: image/png\n\n\x89PNG",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_mail_that_cannot_be_read_is_set_aside_and_the_next_one_is_heard(
    office: Office, kind: str
) -> None:
    broken = office.put(BROKEN[kind])
    office.put(REPLY)
    assert [type(each) for each in office.poll()] == [Reply]
    assert office.poll() == ()
    assert f"{broken}:2,FS" in office.names("cur")


@pytest.mark.parametrize(
    "charset", ["punycode", "idna", "rot13", "zlib", "unicode_escape", "nothing", "undefined"]
)
def test_a_charset_that_is_none_is_read_as_utf8(charset: str) -> None:
    assert reply(REPLY.replace("utf-8", charset)).text.startswith("我下周一还款。")


def test_a_subject_in_no_letters_and_a_body_with_nul_do_no_harm() -> None:
    mail = REPLY.replace("Re: A reminder", "=?punycode?q?a?= =?x?b?!?=") + "\0"
    assert "\0" not in reply(mail).text


def test_what_is_no_file_in_the_maildir_is_set_aside(office: Office, tmp_path: Path) -> None:
    (tmp_path / "private").write_text(REPLY)
    (office.folder / "new" / "1.link").symlink_to(tmp_path / "private")
    (office.folder / "new" / "2.folder").mkdir()
    os.mkfifo(office.folder / "new" / "3.pipe")
    office.put(REPLY, "4.mail")
    assert len(office.poll()) == 1
    office.poll()
    assert office.names("new") == set()


def test_a_mail_that_somebody_took_away_is_passed_by(office: Office) -> None:
    name = office.put(REPLY)
    office.poll()
    (office.folder / "new" / name).unlink()
    assert office.poll() == ()


def test_without_a_mailbox_there_is_nothing_to_ask(office: Office) -> None:
    plain = EmailChannel(replace(office.channel.config, mailbox=None))
    assert plain.poll(b"") == Polled()
    assert (plain.capabilities.receipts, plain.capabilities.inbound) == ("none", False)
    asked = office.channel.capabilities
    assert (asked.receipts, asked.inbound) == ("poll", True)


def test_a_maildir_that_is_not_there_is_said_without_its_name(tmp_path: Path) -> None:
    channel = Office(tmp_path).channel
    (tmp_path / "Maildir" / "new").rmdir()
    with pytest.raises(ChannelError) as raised:
        channel.poll(b"")
    assert isinstance(raised.value, Permanent | Transient)
    assert str(tmp_path) not in str(raised.value)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"mailbox": MailboxConfig()}, "either maildir or host"),
        ({"mailbox": MailboxConfig(maildir=Path("x"), host="localhost")}, "either maildir"),
        ({"mailbox": MailboxConfig(host="localhost")}, "username and password"),
        ({"mailbox": MailboxConfig(maildir=Path("x"), username="u")}, "belong to host"),
        (
            {"mailbox": MailboxConfig(host="x.example.com", security="none")},
            "mailbox security none",
        ),
        (
            {"mailbox": MailboxConfig(host="x", username="u", password=SECRET, folder="a\r\nb")},
            "folder",
        ),
        ({"reply_to": ""}, "reply_to"),
        ({"reply_to": "a-long-name@creditor.example.com"}, "10 characters"),
        ({"link_secret": None}, "link_secret"),
    ],
)
def test_settings_that_cannot_be_are_refused_naming_the_field(
    office: Office, changes: dict[str, object], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        EmailChannel(replace(office.channel.config, **changes))


@given(st.data())
def test_whatever_arrives_is_read_or_set_aside(data: st.DataObject) -> None:
    mail = bytearray(data.draw(st.sampled_from([NOTICE, COMPLAINT, QMAIL, REPLY])).encode())
    for _ in range(data.draw(st.integers(0, 6))):
        start = data.draw(st.integers(0, len(mail)))
        end = data.draw(st.integers(start, min(start + 40, len(mail))))
        mail[start:end] = data.draw(st.binary(max_size=20))
    try:
        found = told(bytes(mail))
    except Puzzling:
        return
    assert found is None or isinstance(found, Receipt | Reply | OptOut)
