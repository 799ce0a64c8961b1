"""One click, and no more is sent; but never because somebody only looked at the link."""

import email
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from msgspec.structs import replace

from duecourse import Forbidden, OptOut, Outbound, Secret, Signal, WebhookRequest
from duecourse_email import EmailChannel, EmailConfig

AT = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
KEY = "6f1d8a52-0000-4000-8000-000000000001"
CONFIG = EmailConfig(
    host="127.0.0.1",
    security="none",
    timeout=5,
    sender="service@creditor.example.com",
    unsubscribe="stop@creditor.example.com",
    unsubscribe_url="https://mail.creditor.example.com/out?list=1",
    link_secret=Secret("a secret of the test for links"),
)
MESSAGE = Outbound(
    key=KEY,
    contact_id=UUID(int=1),
    case_id=UUID(int=2),
    to="lin@example.com",
    to_name="Lin",
    subject="A reminder",
    body="Hello",
    language="en",
    sender_name="Creditor",
    at=AT,
    expires_at=AT + timedelta(hours=2),
)
ONE_CLICK = b"List-Unsubscribe=One-Click"
FORM = {"content-type": "application/x-www-form-urlencoded"}
MULTIPART = (
    b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
)


def header(name: str, config: EmailConfig = CONFIG) -> str:
    raw = EmailChannel(config)._made(MESSAGE)
    return re.sub(r"\s+", " ", str(email.message_from_bytes(raw)[name]))


def link(config: EmailConfig = CONFIG) -> str:
    return str(re.findall(r"<(https:[^>]*)>", header("List-Unsubscribe", config))[0])


def token(config: EmailConfig = CONFIG) -> str:
    return parse_qs(urlsplit(link(config)).query)["token"][0]


def request(**changes: object) -> WebhookRequest:
    made = WebhookRequest(
        body=ONE_CLICK, headers=FORM, query={"list": "1", "token": token()}, received_at=AT
    )
    return replace(made, **changes)


def received(**changes: object) -> list[Signal]:
    return list(EmailChannel(CONFIG).receive(request(**changes)))


def test_a_mail_says_where_to_post_and_where_to_write() -> None:
    https, mailto = re.findall(r"<([^>]*)>", header("List-Unsubscribe"))
    assert https.startswith("https://mail.creditor.example.com/out?list=1&token=")
    assert mailto == f"mailto:stop@creditor.example.com?subject=unsubscribe-{token()}"
    assert header("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click"


def test_without_a_link_there_is_no_one_click() -> None:
    plain = replace(CONFIG, unsubscribe_url="", link_secret=None)
    assert header("List-Unsubscribe", plain) == (
        f"<mailto:stop@creditor.example.com?subject=unsubscribe-{KEY}>"
    )
    assert header("List-Unsubscribe-Post", plain) == "None"


def test_a_message_id_is_on_the_line_of_its_name() -> None:
    """Some servers lose one that is not."""
    raw = EmailChannel(CONFIG)._made(MESSAGE)
    assert re.search(rb"^Message-ID: <[^>\s]+@creditor\.example\.com>\r\n", raw, re.MULTILINE)


def test_a_long_link_arrives_as_it_was_written() -> None:
    long = replace(CONFIG, unsubscribe_url="https://creditor.example.com/" + "a/" * 200)
    assert link(long).startswith(long.unsubscribe_url)


def test_one_click_is_an_opt_out_of_the_one_who_got_the_mail() -> None:
    assert received() == [
        OptOut(
            reference=KEY,
            opt_out_id=f"unsubscribe-{KEY}",
            occurred_at=AT,
            how="list-unsubscribe",
        )
    ]


def test_a_mail_program_may_write_the_form_in_either_way() -> None:
    headers = {"content-type": "multipart/form-data; boundary=x"}
    assert received(body=MULTIPART, headers=headers) == received()


def test_a_click_that_comes_twice_is_one_opt_out() -> None:
    first, second = received()[0], received(received_at=AT + timedelta(days=1))[0]
    assert isinstance(first, OptOut)
    assert isinstance(second, OptOut)
    assert first.opt_out_id == second.opt_out_id


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "get", "post"])
def test_looking_at_the_link_opts_nobody_out(method: str) -> None:
    assert received(method=method) == []
    assert received(method=method, body=b"") == []


@pytest.mark.parametrize(
    "body", [b"", b"List-Unsubscribe=", b"x" * 5000, b"\xff\xfe", b"One-Click"]
)
def test_a_post_of_anything_else_is_not_a_click(body: bytes) -> None:
    with pytest.raises((Forbidden, ValueError), match="body"):
        received(body=body)


def forgeries() -> list[str]:
    good = token()
    other = token(replace(CONFIG, link_secret=Secret("another secret of the test")))
    reply = EmailChannel(CONFIG)._marker.mark("reply", KEY)  # type: ignore[union-attr]
    key, _, mac = good.partition(".")
    return [
        "", KEY, key + ".", "." + mac, key[:-1] + "2." + mac, other, reply, good + "a",
        good.upper(), good + "\n", "\u0661" + good, f"{key}.{'a' * 16}", "x" * 100_000,
    ]  # fmt: skip


@pytest.mark.parametrize("forged", forgeries())
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_link_that_we_did_not_make_is_forbidden(forged: str, method: str) -> None:
    with pytest.raises(Forbidden):
        received(query={"token": forged}, method=method)


def test_without_a_secret_nothing_is_believed() -> None:
    plain = EmailChannel(replace(CONFIG, unsubscribe_url="", link_secret=None))
    with pytest.raises(Forbidden):
        plain.receive(request())


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"unsubscribe_url": "http://creditor.example.com/out"}, "unsubscribe_url"),
        ({"unsubscribe_url": "https://"}, "unsubscribe_url"),
        ({"unsubscribe_url": "https://u:p@creditor.example.com/"}, "unsubscribe_url"),
        ({"unsubscribe_url": "https://creditor.example.com/\r\nBcc: x"}, "unsubscribe_url"),
        ({"unsubscribe_url": "https://creditor.example.com/>,<mailto:x@y"}, "unsubscribe_url"),
        ({"unsubscribe_url": "https://creditor.example.com/\u202e"}, "unsubscribe_url"),
        ({"unsubscribe_url": "https://creditor.example.com/退订"}, "unsubscribe_url"),
        ({"unsubscribe_url": "https://creditor.example.com/#a"}, "unsubscribe_url"),
        ({"unsubscribe_url": "https://creditor.example.com:99999/"}, "unsubscribe_url"),
        ({"unsubscribe_url": "https://[::1"}, "unsubscribe_url"),
        ({"link_secret": None}, "link_secret"),
        ({"link_secret": Secret("short-one")}, "link_secret"),
    ],
)
def test_a_link_that_cannot_be_is_refused_naming_the_field(
    changes: dict[str, object], says: str
) -> None:
    with pytest.raises(ValueError, match=says) as raised:
        EmailChannel(replace(CONFIG, **changes))
    assert "short-one" not in str(raised.value)


def test_a_link_may_have_a_host_in_other_letters() -> None:
    there = replace(CONFIG, unsubscribe_url="https://例子.中国/out")
    assert link(there).startswith("https://xn--fsqu00a.xn--fiqs8s/out?token=")
