"""Letters as PDF/A: into a spool folder for a print house, or to a printer by IPP.

Each fits one window envelope (setting `window`), and nothing but the address shows through it.

`letter-spool`: the folder is the whole protocol.

- A letter appears in the folder complete or not at all, as `KEY.pdf`. Hidden `.part` files are
  what a crash left over.
- Whoever takes it moves it to the folder `collected` inside, and may work on it there. That is
  the receipt `sent`.
- A letter that came back is said by a file `KEY.pdf`, or any other ending (a scan of the cover),
  in the folder `returned`, moved there from `collected` or new. That is the receipt `returned`.
- As long as it lies in one of the three the same message makes no second letter, so it may be
  removed from there a day after it was made at the earliest. What is in them is a person's
  letter, so it is removed `keep_days` after its receipt was recorded: from `collected` the PDF,
  from `returned` all that is called `KEY`. What is not called like a letter of ours stays.
- The hidden folder `.recorded` is ours: an empty file for each receipt that is written down,
  removed once the letter is.

`letter-ipp` prints at once, with the key as the job's name and nothing else of the message; the
states of the jobs are the receipts: see `duecourse_letter.printing`.
"""

from collections.abc import Sequence
from typing import Any

from duecourse import Channel, hookimpl
from duecourse_letter.address import PostalAddress
from duecourse_letter.channel import LetterConfig, LetterSpool
from duecourse_letter.printing import LetterPrinter, PrinterConfig

__all__ = [
    "LetterConfig",
    "LetterPrinter",
    "LetterSpool",
    "PostalAddress",
    "PrinterConfig",
    "channels",
]


@hookimpl
def channels() -> Sequence[type[Channel[Any]]]:
    return [LetterSpool, LetterPrinter]
