"""What the store may report."""

import traceback
from typing import Final

from duecourse.case.errors import CaseError


class StoreError(Exception):
    """The store cannot do its work; the message says what to mend."""


class DatabaseUnavailable(StoreError):
    """The server cannot be reached, or went away for longer than the store is willing to wait."""


class SchemaMismatch(StoreError):
    """The tables are not the ones that this code was written for."""


class WrongMasterKey(StoreError):
    """The master key is missing, malformed, or not the one this database was made with."""


class UnknownTopic(StoreError):
    """The log holds an event that this code does not know: it is older than the database."""


class StateUnreadable(StoreError):
    """A stored event does not have the fields that its name promises."""


class HistoryBroken(StoreError):
    """Events of a case are not in the log any more: somebody took them out."""


class SealBroken(StoreError):
    """A sealed text was altered, moved to another place, or never sealed."""


OF_A_CASE: Final = (UnknownTopic, StateUnreadable, HistoryBroken, SealBroken, WrongMasterKey)
"""Why one case cannot be read; the others go on."""


class UnsafeSetting(StoreError):
    """A setting is on that is known to lose events."""


class CommandIdReused(CaseError):
    """The command id was used before for something else. Use a new id for a new command."""


class CaseMoved(CaseError):
    """The case is no longer at the version that the command was meant for."""


class CaseBusy(CaseError):
    """Others kept changing the case while this command was decided. Try again."""


class DecisionFailed(CaseError):
    """A defect in the code that decides; nothing was recorded. The cause is in the log."""


def origin(error: BaseException) -> str:
    """The kind of an error and the line it came from. Its words may quote a person's data."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
