"""Given some events, when a command, then these events. For our tests, and for yours.

given(*opened()).when(c.PlaceHold(...), at=NOON).then(e.HoldPlaced(...))

`ChannelContract` is the conformance kit for channels (see `duecourse.testing.contract`), and
`FilingContract` that for filing adapters.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Self, TypeVar

from duecourse.case.commands import Command
from duecourse.case.context import Actor, Context
from duecourse.case.decide import decide
from duecourse.case.errors import CaseError
from duecourse.case.events import Event
from duecourse.case.evolve import fold
from duecourse.case.state import Case
from duecourse.money.legal_places import AgreedOrder
from duecourse.rules.gate import RuleBook, load_rulebook
from duecourse.rules.treatment import Treatment, load_treatment
from duecourse.testing.contract import ChannelContract
from duecourse.testing.filing_contract import FilingContract
from duecourse.testing.kit import ContractWarning, NotChecked
from duecourse.testing.peer import Answer, Arrival, Peer, Request

__all__ = [
    "COLLECTOR",
    "LEGAL",
    "NOON",
    "Answer",
    "Arrival",
    "ChannelContract",
    "ContractWarning",
    "FilingContract",
    "NotChecked",
    "Peer",
    "Request",
    "given",
]

E = TypeVar("E", bound=Event)

COLLECTOR = Actor("collector-1", "collector")
LEGAL = Actor("legal-1", "legal")
NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
"""Monday 2 March 2026, 12:00 in Shanghai."""

_RULES = load_rulebook()
_TREATMENT = load_treatment()


class given:  # noqa: N801 - reads as a sentence
    """A case as its history left it."""

    def __init__(
        self,
        *events: Event,
        rules: RuleBook = _RULES,
        treatment: Treatment = _TREATMENT,
        licences: Mapping[str, str] = {},
        contents: Mapping[tuple[str, str, str], tuple[str, ...]] = {},
        media: Mapping[str, str] = {},
        orders: Mapping[str, AgreedOrder] = {},
    ) -> None:
        self._history = list(events)
        self._rules = rules
        self._treatment = treatment
        self._licences = licences
        self._contents = contents
        self._media = media
        self._orders = orders
        self._result: Sequence[Event] | CaseError = ()

    @property
    def case(self) -> Case | None:
        return fold(self._history)

    @property
    def events(self) -> list[Event]:
        """What the last command made happen."""
        if isinstance(self._result, CaseError):
            raise self._result
        return list(self._result)

    def when(self, command: Command, at: datetime = NOON, actor: Actor = COLLECTOR) -> Self:
        """Decide, and go on from there: `when` may follow `when`."""
        context = Context(
            at=at,
            actor=actor,
            rules=self._rules,
            treatment=self._treatment,
            licences=self._licences,
            contents=self._contents,
            media=self._media,
            orders=self._orders,
        )
        try:
            self._result = decide(self.case, command, context)
        except CaseError as error:
            self._result = error
        else:
            self._history += self._result
        return self

    def then(self, *expected: Event) -> Self:
        assert self.events == list(expected), self._result
        return self

    def then_nothing(self) -> Self:
        return self.then()

    def then_raises(self, expected: type[CaseError], field: str | None = None) -> Self:
        assert type(self._result) is expected, self._result
        assert field is None or self._result.field == field, self._result.field
        return self

    def then_one(self, kind: type[E], check: Callable[[E], bool] = lambda _: True) -> E:
        """The one event of a kind among those that happened; it must pass `check`."""
        found = [event for event in self.events if isinstance(event, kind)]
        assert len(found) == 1, self.events
        assert check(found[0]), found[0]
        return found[0]
