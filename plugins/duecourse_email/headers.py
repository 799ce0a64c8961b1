"""Reading mails that strangers wrote: bounded, and without believing their form."""

import re
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr
from itertools import islice
from typing import Final

from duecourse import Permanent
from duecourse_email.settings import address

MOST_HEADER: Final = 2000
MOST_SENDER: Final = 320
MOST_PLAIN: Final = 64 * 1024


def header(mail: Message, name: str) -> str:
    """The first header `name`, as it stands; empty when there is none."""
    return next(_values(mail, name), "").strip()


def headers(mail: Message, *names: str) -> str:
    """All headers with one of `names`, on lines of their own."""
    return "\n".join(value for name in names for value in islice(_values(mail, name), 20))


def _values(mail: Message, name: str) -> Iterator[str]:
    """Headers as they came: some mail programs write letters that are not ASCII as they are."""
    for each, value in mail.raw_items():
        if each.lower() == name.lower():
            raw = str(value)[:MOST_HEADER].encode("utf-8", "surrogateescape")
            try:
                yield raw.decode()
            except UnicodeDecodeError:
                yield raw.decode("gb18030", "replace")


def inside(mail: Message) -> list[Message]:
    """The parts of a multipart, or the mail in a part that is one."""
    found = mail.get_payload()
    return [each for each in found if isinstance(each, Message)] if isinstance(found, list) else []


def plain(part: Message) -> str:
    """The beginning of a part without parts, for reading what is in ASCII."""
    found = part.get_payload(decode=True)
    return found[:MOST_PLAIN].decode("utf-8", "replace") if isinstance(found, bytes) else ""


def subject(mail: Message) -> str:
    """The subject in letters, on one line."""
    raw = header(mail, "Subject")
    try:
        text = str(make_header(decode_header(raw)))
    except (HeaderParseError, LookupError, ValueError):
        text = raw
    return " ".join(text.split())


def sender(mail: Message) -> str:
    """Who wrote, in the form in which addresses are stored; empty when that is no address."""
    written = parseaddr(header(mail, "From"))[1]
    try:
        return address(written)[:MOST_SENDER]
    except Permanent:
        return ""


def is_automatic(mail: Message) -> bool:
    """Whether a machine wrote: a vacation notice, a list, a system. In doubt a person did."""
    submitted = header(mail, "Auto-Submitted").lower()
    return (
        (bool(submitted) and not submitted.startswith("no"))
        or header(mail, "Precedence").lower() in {"bulk", "junk", "list", "auto_reply"}
        or any(name in mail for name in ("X-Autoreply", "X-Autorespond", "X-Autoresponder"))
        or header(mail, "Return-Path") == "<>"
        or mail.get_content_type() == "multipart/report"
        or _VACATION.match(subject(mail)) is not None
    )


_VACATION: Final = re.compile(
    r"(自动回复|自動回覆|automatic reply|auto[- ]?reply|out of (the )?office)\s*([:：]|$)",
    re.IGNORECASE,
)
