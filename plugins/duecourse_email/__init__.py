"""E-mail through a mail server: the channel plugin `smtp`."""

from duecourse import hookimpl
from duecourse_email.channel import EmailChannel, EmailConfig

__all__ = ["EmailChannel", "EmailConfig", "channels"]


@hookimpl
def channels() -> list[type[EmailChannel]]:
    return [EmailChannel]
