"""What every letter channel does before the letter goes anywhere: typeset it, and count its pages."""

import functools
import re
from collections.abc import Callable
from typing import Annotated, Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from duecourse import (
    Channel,
    Config,
    DocumentError,
    DoesNotFit,
    GlyphMissing,
    Measure,
    Outbound,
    Permanent,
    Transient,
    page_count,
    typeset,
)
from duecourse_letter import page
from duecourse_letter.address import MAX_LINE, MAX_LINES, PostalAddress
from duecourse_letter.envelope import ENVELOPES, WindowName
from duecourse_letter.names import stem

MAX_BODY: Final = 20_000
MAX_NAME: Final = 100
# What is read from outside must not tell whom a creditor is after. Not the law's own list (there
# is none): a guard against a letterhead put into the wrong setting.
_TELLING: Final = re.compile(
    r"debt|\bcollect(?:ion|or)s?\b|overdue|arrears|inkasso|mahnung|mahnwesen|forderung"
    r"|催|债|債|欠|逾期|讨账|清收|不良资产|失信",
    re.IGNORECASE,
)

SenderLine = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_LINE)]


class StationeryConfig(Config):
    """`time_zone` is the sender's: letters are dated by its calendar.

    `window` is the envelope: `din-b`, `dl-uk`, `us-10` or `cn-zl`. `return_line` stands above the
    address where the standard has a place for it (`din-b`) and is read from outside.
    """

    sender_address: Annotated[tuple[SenderLine, ...], msgspec.Meta(max_length=MAX_LINES)] = ()
    sender_phone: Annotated[str, msgspec.Meta(max_length=MAX_LINE)] = ""
    time_zone: str = "UTC"
    max_pages: Annotated[int, msgspec.Meta(ge=1, le=20)] = 4
    window: WindowName = "din-b"
    return_line: Annotated[str, msgspec.Meta(max_length=90)] = ""


S = TypeVar("S", bound=StationeryConfig)


class LetterChannel(Channel[S]):
    """A channel whose `units` are pages. Subclasses take the letter on its way."""

    def __init__(self, config: S) -> None:
        super().__init__(config)
        self.envelope = envelope = ENVELOPES[config.window]
        if config.return_line and not envelope.has_return_line:
            raise ValueError(f"return_line has no place in window {config.window}; leave it out")
        if _TELLING.search(config.return_line):
            raise ValueError(
                "return_line is read from outside and tells what the letter is about; "
                "give the plain name or the address only"
            )
        self.capabilities = msgspec.structs.replace(
            type(self).capabilities, max_units=config.max_pages
        )
        self._stationery = page.Stationery(
            envelope=envelope,
            sender_lines=(*config.sender_address, config.sender_phone),
            return_line=config.return_line.strip(),
        )

    def normalise(self, address: str) -> str:
        """Trim the lines of a postal address; 1 to 8 of them, at most 60 characters each."""
        return str(PostalAddress.parse(address))

    def measure(self, message: Outbound) -> Measure:
        """Its pages, by typesetting it. A letter of too many is measured all the same."""
        return Measure(units=page_count(self._typeset(message)), unit="page")

    def reference(self, message: Outbound) -> str:
        """How the peer and its receipts name the letter: nobody's name, nothing owed."""
        return stem(message.key)

    def letter(self, message: Outbound) -> bytes:
        """The letter as PDF/A-2b, the same for the same message. Raises Permanent, Transient."""
        letter = self._typeset(message)
        if (pages := page_count(letter)) > self.config.max_pages:
            raise Permanent(f"the letter has {pages} pages; max_pages is {self.config.max_pages}")
        return letter

    def check_stationery(self) -> None:
        """Typeset a letter to nobody. Raises ChannelError."""
        _refused_as(_typeset, page.specimen(self._stationery))
        self._zone()

    def _typeset(self, message: Outbound) -> bytes:
        address = PostalAddress.parse(message.to)
        if not 1 <= len(message.to_name.strip()) <= MAX_NAME:
            raise Permanent(f"to_name has 1 to {MAX_NAME} characters; name the addressee")
        if not 1 <= len(message.body.strip()) <= MAX_BODY:
            raise Permanent(f"the body of a letter has 1 to {MAX_BODY} characters")
        dated = message.at.astimezone(self._zone()).date()
        data = page.letter(message, address, dated=dated, stationery=self._stationery)
        return _refused_as(_remembered, data)

    def _zone(self) -> ZoneInfo:
        try:
            return ZoneInfo(self.config.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise Permanent(
                f"time_zone {self.config.time_zone!r} is not an IANA zone; try Asia/Shanghai"
            ) from None


def check_unexpired(message: Outbound) -> None:
    if message.at >= message.expires_at:
        raise Permanent("the permission to send this letter has expired; ask for a new one")


def _refused_as(make: Callable[[page.Page], bytes], data: page.Page) -> bytes:
    try:
        return make(data)
    except (GlyphMissing, DoesNotFit) as refusal:
        raise Permanent(str(refusal)) from None
    except DocumentError as refusal:
        # A font or a library is missing here: the letter may go once it is installed.
        raise Transient(str(refusal)) from None


def _typeset(data: page.Page) -> bytes:
    return typeset(page.TEMPLATE, msgspec.to_builtins(data))


# A letter is measured and then sent: the second time it need not be made again.
_remembered = functools.lru_cache(maxsize=64)(_typeset)
