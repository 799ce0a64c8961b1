"""What an import did, in figures."""

from pathlib import Path

import msgspec

from duecourse.intake.mapping import Kind
from duecourse.intake.problems import Problem


class ImportReport(msgspec.Struct, kw_only=True):
    """Every row read is accepted, skipped or rejected; `skipped` and `warnings` say why.

    An accepted row opened a case, placed a debt, recorded a payment, or was `unchanged` because
    an earlier import had done all it asks. `refused` is why the file as a whole could not be read.
    """

    kind: Kind
    errors_path: Path
    rows_read: int = 0
    accepted: int = 0
    rejected: int = 0
    skipped: dict[str, int] = msgspec.field(default_factory=dict)
    cases_opened: int = 0
    debts_placed: int = 0
    payments_recorded: int = 0
    unchanged: int = 0
    warnings: dict[str, int] = msgspec.field(default_factory=dict)
    problems: int = 0
    refused: tuple[Problem, ...] = ()
    seconds: float = 0.0

    @property
    def processed(self) -> int:
        return self.accepted + sum(self.skipped.values())

    @property
    def changes(self) -> int:
        """How many accepted rows changed a case."""
        return self.accepted - self.unchanged
