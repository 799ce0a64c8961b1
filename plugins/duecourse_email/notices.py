"""What mail servers report: delivery notices (RFC 3464), old-style bounces, complaints (RFC 5965).

Of a notice only the outcome and the status code are kept; its words name people.
"""

import re
from collections.abc import Iterator
from email import message_from_bytes, message_from_string, policy
from email.message import Message
from typing import Final, Literal

import msgspec
from flufl.bounce import all_failures

from duecourse_email.headers import header, headers, inside, plain, sender
from duecourse_email.message_ids import MessageIds

Outcome = Literal["bounced", "deferred", "delivered", "sent", "complained"]
_BY_ACTION: Final[dict[str, Outcome]] = {
    "failed": "bounced",
    # What OpenSMTPD writes.
    "error": "bounced",
    "delayed": "deferred",
    "delivered": "delivered",
    # Handed on to a server, or to several people, of which nothing more will be heard.
    "relayed": "sent",
    "expanded": "sent",
}
# When a mail went to several people by the recipient's own doing, the worst is what we tell.
_WORST_FIRST: Final[tuple[Outcome, ...]] = ("bounced", "deferred", "delivered", "sent")
_STATUS: Final = re.compile(r"\b([245]\.[0-9]{1,3}\.[0-9]{1,3})\b", re.ASCII)
_LINES: Final = re.IGNORECASE | re.MULTILINE
# An abuse report; the other kinds say something of a server, or that all is well.
_COMPLAINTS: Final = frozenset({"abuse", "fraud", "virus", "other"})
MOST_BLOCKS: Final = 50
MOST_SCANNED: Final = 16 * 1024


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """`key` is of the mail that it is about; empty when that cannot be told."""

    outcome: Outcome
    code: str = ""
    key: str


def read_notice(mail: Message, content: bytes, ids: MessageIds) -> Notice | None:
    """The notice in `mail`, which is what was parsed of `content`, when it is one."""
    complaint = _part(mail, "message/feedback-report")
    if complaint is not None:
        return _complaint(mail, complaint, ids)
    report = _part(mail, "message/delivery-status") or _part(mail, "message/global-delivery-status")
    blocks = _blocks(report) if report is not None else []
    outcome, code = _told(blocks)
    if not outcome and (report is not None or _comes_from_a_server(mail)):
        outcome = _by_library(content)
    if not outcome:
        return None
    return Notice(outcome=outcome, code=code, key=_envelope_key(blocks, ids) or _key(mail, ids))


def _part(mail: Message, kind: str) -> Message | None:
    """A part of `mail` itself; what a person forwards, deeper inside, is not a notice to us."""
    return next((each for each in _parts(mail) if each.get_content_type() == kind), None)


def _parts(mail: Message) -> list[Message]:
    return inside(mail) if mail.get_content_type() == "multipart/report" else []


def _blocks(report: Message) -> list[Message]:
    """The groups of fields in a report: one for the message, then one for each recipient."""
    blocks: list[Message] = []
    for block in inside(report)[:MOST_BLOCKS]:
        blocks.append(block)
        # Of the kinds that the email package does not know it takes the first group for a header.
        groups = re.split(r"(?:\r?\n){2,}", plain(block).strip())[:MOST_BLOCKS]
        blocks += [message_from_string(each, policy=policy.compat32) for each in groups]
    return blocks


def _told(blocks: list[Message]) -> tuple[Outcome | None, str]:
    """The worst outcome that the fields tell, and its status code."""
    found: dict[Outcome, str] = {}
    for block in blocks:
        action = re.match(r"[a-z]*", header(block, "Action").lower())
        outcome = _BY_ACTION.get(action[0]) if action else None
        if outcome:
            code = _STATUS.search(header(block, "Status"))
            found.setdefault(outcome, code[1] if code else "")
    worst = next((each for each in _WORST_FIRST if each in found), None)
    return (worst, found[worst]) if worst else (None, "")


def _comes_from_a_server(mail: Message) -> bool:
    name = sender(mail).partition("@")[0].lower()
    return (
        "X-Failed-Recipients" in mail
        or header(mail, "Return-Path") == "<>"
        or name in {"mailer-daemon", "postmaster"}
    )


def _by_library(content: bytes) -> Outcome | None:
    """What flufl.bounce makes of the many forms from before, and beside, the standard.

    It tries some hundred patterns on every line, so it is given the beginning only.
    """
    beginning = message_from_bytes(content[:MOST_SCANNED], policy=policy.compat32)
    temporary, permanent = all_failures(beginning)
    if permanent:
        return "bounced"
    return "deferred" if temporary else None


def _complaint(mail: Message, report: Message, ids: MessageIds) -> Notice | None:
    kinds = {header(block, "Feedback-Type").lower() for block in _blocks(report)}
    if not kinds & _COMPLAINTS:
        return None
    return Notice(outcome="complained", key=_key(mail, ids))


def _envelope_key(blocks: list[Message], ids: MessageIds) -> str:
    return ids.key(header(blocks[0], "Original-Envelope-Id")) if blocks else ""


def _key(mail: Message, ids: MessageIds) -> str:
    """Our key in the Message-ID of the mail that is returned, or that is answered."""
    return next((key for text in _quotations(mail) for key in ids.find(text)), "")


def _quotations(mail: Message) -> Iterator[str]:
    for part in _parts(mail):
        kind = part.get_content_type()
        if kind in {"message/rfc822", "message/global"}:
            yield from (header(each, "Message-ID") for each in inside(part)[:1])
        elif kind in {"text/rfc822-headers", "message/rfc822-headers", "message/global-headers"}:
            yield _message_id_line(part)
    yield headers(mail, "In-Reply-To", "References")
    if not mail.is_multipart():
        # Old bounces copy the mail below their words.
        yield _message_id_line(mail)


def _message_id_line(part: Message) -> str:
    if part.is_multipart():
        return "".join(header(each, "Message-ID") for each in inside(part)[:1])
    found = re.search(r"^[ >\t]*Message-ID:(.{0,400}(?:\n[ \t].{0,400})?)", plain(part), _LINES)
    return found[1] if found else ""
