"""Files that go with a mail: harmless names, honest types, bounded sizes."""

import re
import unicodedata
from email.message import EmailMessage
from typing import Final

from duecourse import Attachment, Permanent

MOST_FILES: Final = 20
MOST_BYTES: Final = 10_000_000
MOST_FILE_NAME: Final = 100
_MEDIA_TYPE: Final = re.compile(
    r"(application|audio|font|image|text|video)/([a-z0-9][a-z0-9!#$&^_.+-]{0,99})", re.ASCII
)


def attach(mail: EmailMessage, files: tuple[Attachment, ...]) -> None:
    """Add `files` to `mail`. Raises Permanent when they are too many or too large."""
    if len(files) > MOST_FILES:
        raise Permanent(f"more than {MOST_FILES} attachments")
    if sum(len(file.content) for file in files) > MOST_BYTES:
        raise Permanent(f"the attachments are larger than {MOST_BYTES} bytes together")
    for file in files:
        main, sub = _media_type(file.media_type)
        name = file_name(file.name)
        mail.add_attachment(file.content, maintype=main, subtype=sub, filename=name, cte="base64")


def _media_type(text: str) -> tuple[str, str]:
    """The two parts of a type; whatever a mail program would take apart is bytes to us."""
    found = _MEDIA_TYPE.fullmatch(text.lower())
    return (found[1], found[2]) if found else ("application", "octet-stream")


def file_name(text: str) -> str:
    """`text` without folders, invisible or hidden-file marks, short, its ending kept."""
    last = re.split(r"[/\\:]", text)[-1]
    plain = "".join(
        each for each in last if unicodedata.category(each)[0] not in "CZ" or each == " "
    )
    name = re.sub(r'[<>"|?*;]', "_", plain).strip(" .")
    if len(name) > MOST_FILE_NAME:
        ending = re.search(r"\.[^.]{1,10}$", name)
        kept = ending[0] if ending else ""
        name = name[: MOST_FILE_NAME - len(kept)] + kept
    return name or "attachment"
