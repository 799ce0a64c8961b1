"""The message as it goes on the wire. The same Outbound always gives the same bytes."""

import hashlib
import unicodedata
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
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
        mail["Content-Language"] = message.language
        mail.set_content(message.body)
        page = html_page(message.subject, message.body, message.language)
        mail.add_alternative(page, subtype="html")
        attach(mail, message.attachments)
    except (ValueError, LookupError) as error:
        raise Permanent(f"the mail cannot be made: {type(error).__name__}") from None
    _set_boundaries(mail, message.key)
    return _by_hand(ours) + mail.as_bytes()


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
    """A display name on one line, without invisible marks; the address carries the mail."""
    return "".join(each for each in " ".join(text.split()) if _shows(each))[:MOST_NAME]


def _subject(text: str) -> str:
    if not text.strip() or len(text) > MOST_SUBJECT:
        raise Permanent(f"the subject is empty or longer than {MOST_SUBJECT} characters")
    if not all(_shows(each) for each in text):
        raise Permanent("the subject holds a line break, a control or a direction mark")
    return text


def _shows(character: str) -> bool:
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
