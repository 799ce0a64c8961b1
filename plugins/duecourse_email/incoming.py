"""A mail that came in, and the one thing that it tells: a notice, an unsubscription, a reply."""

import hashlib
import re
from email import message_from_bytes, policy
from email.message import Message
from typing import Final

from duecourse import OptOut, Receipt, Reply, Signal
from duecourse_email.box import Arrived
from duecourse_email.headers import header, headers, is_automatic, sender, subject
from duecourse_email.message_ids import MessageIds
from duecourse_email.notices import Notice, read_notice
from duecourse_email.replies import read_text
from duecourse_email.tokens import Marker
from duecourse_email.unsubscription import HOW, opt_out_id

# More is no mail of a person or a server, but one that is made to be costly to read.
MOST_BOUNDARIES: Final = 500
MOST_HEADER_LINES: Final = 2000
MOST_NESTED: Final = 40
MOST_PARAMETERS: Final = 2000
_STRUCTURE: Final = re.compile(
    rb"^content-(type|disposition)[ \t]*:(?:[^\n]*\n[ \t])*[^\n]*", re.IGNORECASE | re.MULTILINE
)


class Puzzling(Exception):
    """A mail that only a person can make sense of."""


class Reader:
    """Reads the mails that come in for one channel."""

    def __init__(self, ids: MessageIds, reply_to: str, marker: Marker | None) -> None:
        self._ids = ids
        local, _, domain = reply_to.rpartition("@")
        self._marked = re.compile(
            rf"{re.escape(local)}\+[A-Za-z0-9.-]{{1,60}}@{re.escape(domain)}",
            re.ASCII | re.IGNORECASE,
        )
        self._marker = marker

    def read(self, arrived: Arrived) -> Signal | None:
        """What the mail tells; None when it tells nothing. Raises Puzzling, and nothing else."""
        try:
            return self._read(_parsed(arrived.content), arrived)
        except Puzzling:
            raise
        except Exception:  # noqa: BLE001 - a hostile mail finds ways to break a parser
            raise Puzzling from None

    def _read(self, mail: Message, arrived: Arrived) -> Signal | None:
        notice = read_notice(mail, arrived.content, self._ids)
        if notice is not None:
            return _receipt(notice, mail, arrived)
        opt_out = self._opt_out(mail, arrived)
        if opt_out is not None or is_automatic(mail):
            return opt_out
        return self._reply(mail, arrived)

    def _opt_out(self, mail: Message, arrived: Arrived) -> OptOut | None:
        """What a mail program sends by itself to the mailto of List-Unsubscribe."""
        found = re.fullmatch(r"unsubscribe-([A-Za-z0-9.-]{1,100})", subject(mail), re.ASCII)
        if found is None:
            return None
        key = self._marker.read("unsubscribe", found[1]) if self._marker else found[1]
        if key is None or not re.fullmatch(r"[A-Za-z0-9-]{1,64}", key, re.ASCII):
            return None
        return OptOut(
            reference=key,
            opt_out_id=opt_out_id(key),
            occurred_at=arrived.arrived_at,
            sender=sender(mail),
            how=HOW,
        )

    def _reply(self, mail: Message, arrived: Arrived) -> Reply:
        who, text = sender(mail), read_text(mail)
        if not who or not text.strip():
            raise Puzzling
        return Reply(
            sender=who,
            reply_id=_id("reply", mail, who, text),
            text=text,
            occurred_at=arrived.arrived_at,
            reference=self._answered(mail),
        )

    def _answered(self, mail: Message) -> str:
        """The key of the mail that this one answers: by its mark, else by the Message-ID."""
        to = headers(mail, "To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To")
        for marked in self._marked.findall(to)[:20] if self._marker else []:
            key = self._marker.read_reply_address(marked) if self._marker else None
            if key is not None:
                return key
        quoted = headers(mail, "References") + header(mail, "In-Reply-To")
        return next(reversed(self._ids.find(quoted)), "")


def _parsed(content: bytes) -> Message:
    """The mail, when reading it takes no more than a moment: parsers can be led to count for hours."""
    head = re.split(rb"\r?\n\r?\n", content, maxsplit=1)[0]
    too_much = (
        content.count(b"\n--") > MOST_BOUNDARIES
        or content.lower().count(b"boundary") > MOST_NESTED
        or head.count(b"\n") > MOST_HEADER_LINES
        or any(len(each[0]) > MOST_PARAMETERS for each in _STRUCTURE.finditer(content))
    )
    if too_much or not content:
        raise Puzzling
    return message_from_bytes(content, policy=policy.compat32)


def _receipt(notice: Notice, mail: Message, arrived: Arrived) -> Receipt:
    if not notice.key:
        raise Puzzling
    return Receipt(
        reference=notice.key,
        receipt_id=_id("notice", mail, notice.key, notice.outcome, notice.code),
        status=notice.outcome,
        occurred_at=arrived.arrived_at,
        detail=notice.code,
    )


def _id(kind: str, mail: Message, *said: str) -> str:
    """The same for every copy of one mail, and another one for any that says something else."""
    told = (header(mail, "Message-ID"), header(mail, "Date"), *said)
    return f"{kind}-{hashlib.sha256(chr(0).join(told).encode('utf-8', 'replace')).hexdigest()[:40]}"
