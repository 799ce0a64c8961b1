"""The message as it goes on the wire. The same Outbound always gives the same bytes."""

import hashlib
import unicodedata
from email import policy
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage, Message
from email.parser import BytesHeaderParser
from email.utils import format_datetime
from typing import Final

import msgspec

from duecourse import Outbound, Permanent
from duecourse_email.attachments import attach
from duecourse_email.page import html_page

# Seven bits: no server on the way has to convert anything, and lines stay short.
_POLICY: Final = policy.SMTP.clone(cte_type="7bit")
MOST_SUBJECT: Final = 300
MOST_NAME: Final = 200
_ENCODED: Final = "=?"
"""How an encoded word begins (RFC 2047). The email package decodes it also in what we hand it as text."""
_ALWAYS: Final = (
    "message-id",
    "list-unsubscribe",
    "from",
    "to",
    "subject",
    "date",
    "auto-submitted",
    "content-language",
    "mime-version",
    "content-type",
)


class Letterhead(msgspec.Struct, frozen=True, kw_only=True):
    """What is ours on a mail: its name, addresses, and where to go to hear no more.

    `unsubscribe_link` is an https address for one message, or empty.
    """

    sender: str
    message_id: str
    reply_to: str = ""
    unsubscribe: str
    unsubscribe_subject: str
    unsubscribe_link: str = ""


def build(message: Outbound, to: str, ours: Letterhead) -> bytes:
    """Make the mail. Raises Permanent when subject, text or attachments cannot be mailed."""
    mail = EmailMessage(policy=_POLICY)
    try:
        mail["From"] = Address(_name(message.sender_name), addr_spec=ours.sender)
        mail["To"] = Address(_name(message.to_name), addr_spec=to)
        mail["Subject"] = _subject(message.subject)
        mail["Date"] = format_datetime(message.at)
        if ours.reply_to:
            mail["Reply-To"] = ours.reply_to
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.body)
        page = html_page(message.subject, message.body, message.language)
        mail.add_alternative(page, subtype="html")
        attach(mail, message.attachments)
        # After the content, which clears what says something of content.
        mail["Content-Language"] = message.language
        _set_boundaries(mail, message.key)
        made = _by_hand(ours) + mail.as_bytes()
        told = _says_what_was_meant(made, message, to, ours)
    except (ValueError, LookupError, MessageError) as error:
        raise Permanent(f"the mail cannot be made: {type(error).__name__}") from None
    if not told:
        raise Permanent(
            "the mail cannot be made: a name, the subject or an address is no plain text"
        )
    return made


def _says_what_was_meant(made: bytes, message: Outbound, to: str, ours: Letterhead) -> bool:
    """Whether a reader finds the headers that we set, each once, and in them what we put there."""
    head = BytesHeaderParser(policy=_POLICY).parsebytes(made)
    answers = [("", ours.reply_to)] if ours.reply_to else []
    return (
        sorted(name.lower() for name in head.keys()) == _names(ours)  # noqa: SIM118 - with repeats
        and _addresses(head, "From") == [(_solid(_name(message.sender_name)), ours.sender)]
        and _addresses(head, "To") == [(_solid(_name(message.to_name)), to)]
        and _addresses(head, "Reply-To") == answers
        and _solid(str(head["Subject"])) == _solid(message.subject)
        and str(head["Content-Language"]) == message.language
    )


def _names(ours: Letterhead) -> list[str]:
    optional = (
        *(("reply-to",) if ours.reply_to else ()),
        *(("list-unsubscribe-post",) if ours.unsubscribe_link else ()),
    )
    return sorted((*_ALWAYS, *optional))


def _addresses(head: Message, name: str) -> list[tuple[str, str]]:
    found = getattr(head[name], "addresses", ())
    return [(_solid(each.display_name), each.addr_spec) for each in found]


def _solid(text: str) -> str:
    """Without blanks: folding a long line may add some."""
    return "".join(text.split())


def _by_hand(ours: Letterhead) -> bytes:
    """Headers whose long words the email package would break or encode (RFC 5322, 2369, 8058).

    Everything in them was checked when the settings were read, or is our key and its mark.
    """
    links = f"<mailto:{ours.unsubscribe}?subject={ours.unsubscribe_subject}>"
    post = ""
    if ours.unsubscribe_link:
        links = f"<{ours.unsubscribe_link}>,\r\n {links}"
        post = "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    names = f"Message-ID: <{ours.message_id}>\r\nList-Unsubscribe: {links}\r\n{post}"
    return names.encode("ascii")


def _set_boundaries(mail: EmailMessage, key: str) -> None:
    """Boundaries that follow from the key; the email package would draw them by lot."""
    digest = hashlib.sha256(key.encode()).hexdigest()[:32]
    parts = [part for part in mail.walk() if part.is_multipart()]
    for depth, part in enumerate(parts):
        part.set_boundary(f"=_{digest}" if depth == 0 else f"=_{digest}_{depth}")


def _name(text: str) -> str:
    """A display name on one line, without invisible marks or encoded words; the address carries the mail."""
    shown = "".join(each for each in " ".join(text.split()) if _shows(each))
    return shown.replace(_ENCODED, "= ?")[:MOST_NAME]


def _subject(text: str) -> str:
    if not text.strip() or len(text) > MOST_SUBJECT:
        raise Permanent(f"the subject is empty or longer than {MOST_SUBJECT} characters")
    if not all(_shows(each) for each in text):
        raise Permanent("the subject holds a line break, a control or a direction mark")
    if _ENCODED in text:
        raise Permanent("the subject holds =?, with which an encoded word begins")
    return text


def _shows(character: str) -> bool:
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
