"""The mailbox: every mail it took is a file and a line in the ledger."""

import smtplib
from pathlib import Path

import pytest

from duecourse.peers.mailbox import Mailbox

MAIL = b"Message-ID: <%s>\r\nSubject: Hello\r\n\r\nBody\r\n"


def send(
    mailbox: Mailbox, message_id: bytes = b"a-1@example.com", to: str = "b@example.com"
) -> None:
    with smtplib.SMTP(mailbox.host, mailbox.port, timeout=10) as client:
        client.sendmail("a@example.com", [to], MAIL % message_id)


def test_a_mail_is_kept_under_its_message_id(tmp_path: Path) -> None:
    with Mailbox(tmp_path) as mailbox:
        send(mailbox)
        assert (tmp_path / "a-1@example.com.eml").read_bytes() == MAIL % b"a-1@example.com"
        (entry,) = mailbox.entries()
        assert (entry["message_id"], entry["to"]) == ("a-1@example.com", ["b@example.com"])
        assert [mail["Subject"] for mail in mailbox.messages()] == ["Hello"]


def test_a_mail_that_comes_twice_is_in_the_ledger_twice(tmp_path: Path) -> None:
    with Mailbox(tmp_path) as mailbox:
        send(mailbox)
        send(mailbox)
    assert [entry["message_id"] for entry in mailbox.entries()] == ["a-1@example.com"] * 2


@pytest.mark.parametrize("message_id", [b"../../evil@x", b".hidden@x", b"", b"a/b@x", b"x" * 400])
def test_a_message_id_cannot_choose_another_folder(tmp_path: Path, message_id: bytes) -> None:
    with Mailbox(tmp_path / "mail") as mailbox:
        send(mailbox, message_id)
    assert [path.name for path in tmp_path.iterdir()] == ["mail"]
    assert len(list((tmp_path / "mail").glob("*.eml"))) == 1


def test_the_ledger_goes_on_after_a_restart(tmp_path: Path) -> None:
    for _ in range(2):
        with Mailbox(tmp_path) as mailbox:
            send(mailbox)
    assert len(mailbox.entries()) == 2


def test_a_recipient_is_refused_as_the_test_says(tmp_path: Path) -> None:
    with Mailbox(tmp_path, {"b@example.com": "550 5.1.1 nobody"}) as mailbox:
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            send(mailbox)
        send(mailbox, to="c@example.com")
    assert [entry["to"] for entry in mailbox.entries()] == [["c@example.com"]]
