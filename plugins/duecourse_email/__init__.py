"""E-mail through a mail server: the channel plugin `smtp`."""

from duecourse import hookimpl
from duecourse_email.channel import EmailChannel
from duecourse_email.settings import EmailConfig, MailboxConfig

__all__ = ["EmailChannel", "EmailConfig", "MailboxConfig", "channels"]


@hookimpl
def channels() -> list[type[EmailChannel]]:
    return [EmailChannel]
