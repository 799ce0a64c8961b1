"""A row of text read field by field, so that one row tells all that is wrong with it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar
from uuid import UUID

import msgspec

from duecourse.case.commands import OpenCase, RecordPayment
from duecourse.intake.columns import Column
from duecourse.intake.problems import Problem, Refused, shape, shown

T = TypeVar("T")


class Pseudonyms(Protocol):
    """Keyed, deterministic ids; the vault is one."""

    def pseudonym(self, kind: str, *parts: str) -> UUID: ...


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A good row: what to ask of which case."""

    line: int
    case_id: UUID
    command: OpenCase | RecordPayment
    warnings: tuple[str, ...] = ()


class Fields:
    """The values of one row. `labels` names a column as the file does, where that differs."""

    def __init__(
        self,
        line: int,
        values: Mapping[str, str],
        columns: Sequence[Column],
        labels: Mapping[str, str],
    ) -> None:
        self._line = line
        self._values = values
        self._columns = {column.name: column for column in columns}
        self._labels = labels
        self.problems: list[Problem] = []

    def take(self, name: str, check: Callable[[str], T], otherwise: T) -> T:
        """Return the checked value, or note the problem and return `otherwise`."""
        column = self._columns[name]
        if column.is_required and not self.has(name):
            self.note(name, Refused("is empty", f"fill it in: {column.form}"))
            return otherwise
        try:
            return check(self._values.get(name, ""))
        except Refused as refused:
            self.note(name, refused)
            return otherwise

    def has(self, name: str) -> bool:
        return bool(self._values.get(name, "").strip())

    def note(self, name: str, refused: Refused) -> None:
        show = shape if self._columns[name].is_personal else shown
        self.problems.append(
            Problem(
                line=self._line,
                field=self._labels.get(name, name),
                problem=refused.problem,
                fix=refused.fix,
                value=show(self._values.get(name, "")),
            )
        )
