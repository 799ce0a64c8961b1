"""The message as it goes on the wire. The same Outbound always gives the same bytes."""

import hashlib
import re
import unicodedata
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

from duecourse import Outbound, Permanent
from duecourse_email.page import html_page

# Seven bits: no server on the way has to convert anything, and lines stay short.
_POLICY: Final = policy.SMTP.clone(cte_type="7bit")
_KEY: Final = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)
MOST_SUBJECT: Final = 300
MOST_NAME: Final = 200


def message_id(key: str, domain: str) -> str:
    """The Message-ID of the message with `key`, without its angle brackets."""
    if not _KEY.fullmatch(key):
        raise Permanent("the key cannot be part of a Message-ID")
    return f"{key}@{domain}"


def build(message: Outbound, to: str, sender: str, reply_to: str, unsubscribe: str) -> bytes:
    """Make the mail. Raises Permanent when the subject or the text cannot be mailed."""
    mail = EmailMessage(policy=_POLICY)
    try:
        mail["From"] = Address(_name(message.sender_name), addr_spec=sender)
        mail["To"] = Address(_name(message.to_name), addr_spec=to)
        mail["Subject"] = _subject(message.subject)
        mail["Date"] = format_datetime(message.at)
        mail["Message-ID"] = f"<{message_id(message.key, sender.rpartition('@')[2])}>"
        if reply_to:
            mail["Reply-To"] = reply_to
        mail["List-Unsubscribe"] = f"<mailto:{unsubscribe}?subject=unsubscribe-{message.key}>"
        mail["Auto-Submitted"] = "auto-generated"
        mail["Content-Language"] = message.language
        mail.set_content(message.body)
        page = html_page(message.subject, message.body, message.language)
        mail.add_alternative(page, subtype="html")
    except (ValueError, LookupError) as error:
        raise Permanent(f"the mail cannot be made: {type(error).__name__}") from None
    digest = hashlib.sha256(message.key.encode()).hexdigest()
    mail.set_boundary(f"=_{digest[:32]}")
    return mail.as_bytes()


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
