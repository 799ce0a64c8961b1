"""Window envelopes: where the address must stand, and what must never be seen.

A sheet slips inside its envelope, by the difference of their sizes. So there is what *always*
shows through the window, where the address stands with some clear space around it, and what *may*
show, where nothing else stands: what is seen from outside must not tell what the letter is about.
All measures are millimetres, from the upper left corner of the sheet or of the envelope.

`din-b`  DIN 5008:2020 form B on A4 in a DL envelope by DIN 680: window 90 x 45, 20 from the left
         and 15 from the bottom edge; address field 85 x 45 at 20/45 of the sheet, text from 25 on;
         folds at 105 and 210, hole mark at 148.5; the return line is part of the field.
`dl-uk`  A4 in a DL envelope with the trade's usual window 90 x 35, 20 from the left, 18 from the
         bottom, which is the least that Royal Mail takes (Premier Customer Guide, "Barcode is read
         through a window": 18 from the bottom, 15 elsewhere, 2 clear). Folded like DIN's sheet.
`us-10`  US letter in a No. 10 envelope (4 1/8 x 9 1/2 in), window 1 1/8 x 4 1/2 in, 7/8 in from
         the left and 1/2 in from the bottom, as USPS recommends. The address keeps 1/8 in clear
         wherever the insert slips (Domestic Mail Manual 601.6.3, the "tap test"). Folded at 4 and
         8 in rather than in thirds, so that the sheet fills the envelope and hardly slips.
`cn-zl`  A4 in a ZL envelope (230 x 120) by GB/T 1416-2003, annex A: window 100 x 40 or 100 x 50,
         25 +-2 from the left, 30 +-1.5 from the top. The boxes of the postcode are printed on the
         envelope. Folded at 115 and 230, so that the sheet fills the envelope.
"""

from typing import Final, Literal

import msgspec

WindowName = Literal["din-b", "dl-uk", "us-10", "cn-zl"]
TEXT_LEFT: Final = 25.0
"""Where the text of a letter begins, and the address too unless the window is further right."""
INCH: Final = 25.4
A4: Final = (210.0, 297.0)
US_LETTER: Final = (215.9, 279.4)


class Box(msgspec.Struct, frozen=True):
    left: float
    top: float
    right: float
    bottom: float


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """`window` is the smallest that the standard allows, `largest` the largest.

    `tolerance` is how far a window may be off its place, `clear` the space around the address.
    The sheet is folded at `folds`, its first panel being the tallest.
    """

    paper: Literal["a4", "us-letter"]
    width: float
    height: float
    window: Box
    largest: Box
    tolerance: float
    clear: float
    folds: tuple[float, float]
    hole: float | None = None
    has_return_line: bool = False

    @property
    def sheet(self) -> tuple[float, float]:
        return A4 if self.paper == "a4" else US_LETTER

    @property
    def slip(self) -> tuple[float, float]:
        """How far the sheet may move to the right, and down, from the upper left corner."""
        return self.width - self.sheet[0], self.height - self.folds[0]

    @property
    def always(self) -> Box:
        """What of the sheet shows through the window however it lies."""
        right, down = self.slip
        return Box(
            self.window.left + self.tolerance,
            self.window.top + self.tolerance,
            self.window.right - right - self.tolerance,
            self.window.bottom - down - self.tolerance,
        )

    @property
    def ever(self) -> Box:
        """What of the sheet may show through the window."""
        right, down = self.slip
        return Box(
            self.largest.left - right - self.tolerance,
            self.largest.top - down - self.tolerance,
            self.largest.right + self.tolerance,
            self.largest.bottom + self.tolerance,
        )

    @property
    def address(self) -> Box:
        """Where the address stands, and the return line above it."""
        seen = self.always
        return Box(
            max(TEXT_LEFT, seen.left + self.clear),
            seen.top + self.clear,
            seen.right - self.clear,
            seen.bottom - self.clear,
        )


_DIN_WINDOW: Final = Box(20.0, 50.0, 110.0, 95.0)
_UK_WINDOW: Final = Box(20.0, 57.0, 110.0, 92.0)
_US_WINDOW: Final = Box(0.875 * INCH, 2.5 * INCH, 5.375 * INCH, 3.625 * INCH)

ENVELOPES: Final[dict[WindowName, Envelope]] = {
    "din-b": Envelope(
        paper="a4",
        width=220.0,
        height=110.0,
        window=_DIN_WINDOW,
        largest=_DIN_WINDOW,
        tolerance=1.0,
        clear=2.0,
        folds=(105.0, 210.0),
        hole=148.5,
        has_return_line=True,
    ),
    "dl-uk": Envelope(
        paper="a4",
        width=220.0,
        height=110.0,
        window=_UK_WINDOW,
        largest=_UK_WINDOW,
        tolerance=1.0,
        clear=2.0,
        folds=(105.0, 210.0),
    ),
    "us-10": Envelope(
        paper="us-letter",
        width=9.5 * INCH,
        height=4.125 * INCH,
        window=_US_WINDOW,
        largest=_US_WINDOW,
        tolerance=INCH / 32,
        clear=INCH / 8,
        folds=(4 * INCH, 8 * INCH),
    ),
    "cn-zl": Envelope(
        paper="a4",
        width=230.0,
        height=120.0,
        window=Box(25.0, 30.0, 125.0, 70.0),
        largest=Box(25.0, 30.0, 125.0, 80.0),
        tolerance=2.0,
        clear=2.0,
        folds=(115.0, 230.0),
    ),
}
