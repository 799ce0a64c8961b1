"""The channel `letter-spool`."""

import re
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from duecourse import (
    Accepted,
    Capabilities,
    Channel,
    Config,
    DocumentError,
    DoesNotFit,
    GlyphMissing,
    Outbound,
    Permanent,
    Transient,
    page_count,
    typeset,
)
from duecourse_letter import page
from duecourse_letter.spool import Spool

MAX_LINES: Final = 8
MAX_LINE: Final = 60
MAX_BODY: Final = 20_000
MAX_NAME: Final = 100
# Controls, and what turns the direction of writing.
_NOT_POSTAL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")

SenderLine = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_LINE)]


class LetterConfig(Config):
    """`folder` must exist. `time_zone` is the sender's: letters are dated by its calendar."""

    folder: Annotated[str, msgspec.Meta(min_length=1)]
    sender_address: Annotated[tuple[SenderLine, ...], msgspec.Meta(max_length=MAX_LINES)] = ()
    sender_phone: Annotated[str, msgspec.Meta(max_length=MAX_LINE)] = ""
    time_zone: str = "UTC"
    max_pages: Annotated[int, msgspec.Meta(ge=1, le=20)] = 4


class LetterSpool(Channel[LetterConfig]):
    """Typesets a letter and lays it into the spool folder; `units` are its pages."""

    name = "letter-spool"
    config_class = LetterConfig
    capabilities = Capabilities(medium="letter", guarantee="idempotent", receipts="none")

    def check(self) -> None:
        self._spool.check()
        self._typeset(page.specimen(self.config.sender_address, self.config.sender_phone))
        self._zone()

    def normalise(self, address: str) -> str:
        """Trim the lines of a postal address; 1 to 8 of them, at most 60 characters each."""
        raw = address.replace("\r\n", "\n").split("\n")
        lines = [line for line in (each.strip(" \t\u3000") for each in raw) if line]
        if not 1 <= len(lines) <= MAX_LINES:
            raise Permanent(f"a postal address has 1 to {MAX_LINES} lines; this has {len(lines)}")
        for number, line in enumerate(lines, start=1):
            if len(line) > MAX_LINE:
                raise Permanent(
                    f"line {number} of the postal address has {len(line)} characters; "
                    f"at most {MAX_LINE} fit, break it in two"
                )
            if _NOT_POSTAL.search(line):
                raise Permanent(
                    f"line {number} of the postal address holds a control character; type it anew"
                )
        return "\n".join(lines)

    def send(self, message: Outbound) -> Accepted:
        if message.at >= message.expires_at:
            raise Permanent("the permission to send this letter has expired; ask for a new one")
        reference = self._spool.stem(message.key)
        letter = self._spool.find(reference)
        if letter is None:
            letter = self._letter(message)
            self._spool.put(reference, letter)
        return Accepted(reference=reference, units=page_count(letter))

    @property
    def _spool(self) -> Spool:
        return Spool(self.config.folder)

    def _letter(self, message: Outbound) -> bytes:
        address = self.normalise(message.to)
        if not 1 <= len(message.to_name.strip()) <= MAX_NAME:
            raise Permanent(f"to_name has 1 to {MAX_NAME} characters; name the addressee")
        if not 1 <= len(message.body.strip()) <= MAX_BODY:
            raise Permanent(f"the body of a letter has 1 to {MAX_BODY} characters")
        letter = self._typeset(
            page.letter(
                message,
                address.split("\n"),
                dated=message.at.astimezone(self._zone()).date(),
                sender_lines=(*self.config.sender_address, self.config.sender_phone),
            )
        )
        if (pages := page_count(letter)) > self.config.max_pages:
            raise Permanent(f"the letter has {pages} pages; max_pages is {self.config.max_pages}")
        return letter

    def _typeset(self, data: page.Page) -> bytes:
        try:
            return typeset(page.TEMPLATE, msgspec.structs.asdict(data))
        except (GlyphMissing, DoesNotFit) as refusal:
            raise Permanent(str(refusal)) from None
        except DocumentError as refusal:
            # A font or a library is missing here: the letter may go once it is installed.
            raise Transient(str(refusal)) from None

    def _zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.config.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise Permanent(
                f"time_zone {self.config.time_zone!r} is not an IANA zone; try Asia/Shanghai"
            ) from None
