"""The channel `letter-spool`."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, ClassVar

import msgspec

from duecourse import Accepted, Capabilities, Outbound, Polled, page_count
from duecourse_letter.letters import LetterChannel, StationeryConfig, check_unexpired
from duecourse_letter.spool import Spool


class LetterConfig(StationeryConfig, kw_only=True):
    """`folder` must exist; the print house, or a person, takes the letters from it.

    `keep_days` is how long a letter stays in `collected` and in `returned` after its receipt was
    recorded; then it is removed, for it is personal. 0 keeps them for ever.
    """

    folder: Annotated[str, msgspec.Meta(min_length=1)]
    keep_days: Annotated[int, msgspec.Meta(ge=0, le=36_500)] = 90


class LetterSpool(LetterChannel[LetterConfig]):
    """Lays each letter into the spool folder; what becomes of it is read from its folders."""

    name = "letter-spool"
    config_class = LetterConfig
    example: ClassVar[Mapping[str, Any]] = {"folder": "letters"}
    capabilities = Capabilities(medium="letter", guarantee="idempotent", receipts="poll")

    def check(self) -> None:
        self._spool.check()
        self.check_stationery()

    def send(self, message: Outbound) -> Accepted:
        check_unexpired(message)
        reference = self.reference(message)
        letter = self._spool.find(reference)
        if letter is None:
            letter = self.letter(message)
            # What came back as a scan only went out all the same.
            if not self._spool.has_come_back(reference):
                self._spool.put(reference, letter)
        return Accepted(reference=reference, units=page_count(letter))

    def poll(self, cursor: bytes) -> Polled:
        return self._spool.poll(cursor)

    @property
    def _spool(self) -> Spool:
        days = self.config.keep_days
        return Spool(self.config.folder, timedelta(days=days) if days else None)
