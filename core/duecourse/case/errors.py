"""An ask that makes no sense for the case as it stands.

    CaseError
    ├── CaseNotFound
    ├── NotAllowed          the actor may not do this
    ├── Unknown             the ask names something the case does not have
    ├── Invalid             a field is wrong in itself or against the case
    └── WrongState          not now
        ├── CaseIsClosed
        ├── Contradiction   the same thing was recorded before, but differently
        ├── StageNotReady
        └── TooEarly

What a rule forbids is not here: it is an event, `ContactRefused`.
"""


class CaseError(Exception):
    """The ask cannot be carried out. `field` names the part of it that is wrong, if one is."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class CaseNotFound(CaseError):
    """There is no such case."""


class NotAllowed(CaseError):
    """The actor may not do this."""


class Unknown(CaseError):
    """The ask names something that the case does not have."""


class Invalid(CaseError):
    """A field is wrong in itself or against the case."""


class WrongState(CaseError):
    """Not while the case is as it is."""


class CaseIsClosed(WrongState):
    """A closed case takes reports only; reopen it first."""


class Contradiction(WrongState):
    """It was recorded before, under the same id, and differently."""


class StageNotReady(WrongState):
    """The stage's conditions are not met; the message lists what is missing."""


class TooEarly(WrongState):
    """The day has not come yet."""
