"""Letters as PDF/A in a spool folder, for a printer or a print house to take.

The folder is the whole protocol. A letter appears in it complete or not at all, named for its
message. Whoever takes it moves it to the folder `collected` inside: as long as it lies in either
place the same message makes no second letter. Hidden `.part` files are what a crash left over.
"""

from collections.abc import Sequence

from duecourse import hookimpl
from duecourse_letter.channel import LetterConfig, LetterSpool

__all__ = ["LetterConfig", "LetterSpool", "channels"]


@hookimpl
def channels() -> Sequence[type[LetterSpool]]:
    return [LetterSpool]
