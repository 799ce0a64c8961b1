"""An engine in memory that decides for real, and files of people who do not exist."""

import csv
import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest

from duecourse.case.context import Actor, Context
from duecourse.case.decide import decide
from duecourse.case.errors import CaseError
from duecourse.case.evolve import evolve
from duecourse.case.state import Case
from duecourse.intake.columns import PORTFOLIO
from duecourse.intake.importer import import_portfolio
from duecourse.intake.mapping import Mapping
from duecourse.intake.report import ImportReport
from duecourse.rules.gate import load_rulebook
from duecourse.rules.treatment import load_treatment
from duecourse.store.engine import Outcome, Request

AS_OF = date(2026, 3, 2)
OPERATOR = Actor("operator-1", "operator")
GOOD = {column.name: column.example for column in PORTFOLIO} | {"due_on": "2026-02-01"}

Problems = list[dict[str, str]]
Importing = Callable[..., tuple[ImportReport, Problems]]


class PlainIds:
    """Like the vault's pseudonyms, with the key left out."""

    def pseudonym(self, kind: str, *parts: str) -> UUID:
        framed = "".join(f"{len(part)}:{part}" for part in (kind, *parts))
        return UUID(bytes=hashlib.blake2b(framed.encode(), digest_size=16).digest())


class EngineInMemory:
    def __init__(self) -> None:
        self.cases: dict[UUID, Case] = {}
        self.answered: dict[UUID, Outcome] = {}
        self.batches: list[int] = []
        self.dies_after = 10**9
        self._rules, self._treatment = load_rulebook(), load_treatment()

    def execute_batch(self, requests: Sequence[Request]) -> list[Outcome | CaseError]:
        self.batches.append(len(requests))
        if len(self.batches) > self.dies_after:
            raise ConnectionError("the store is gone")
        return [self._execute(request) for request in requests]

    def _execute(self, request: Request) -> Outcome | CaseError:
        if (first := self.answered.get(request.command_id)) is not None:
            return Outcome(
                case_id=first.case_id, version=0, events=first.events, position=1, repeated=True
            )
        at = datetime(2026, 3, 2, 4, tzinfo=UTC)
        context = Context(at=at, actor=request.actor, rules=self._rules, treatment=self._treatment)
        case = self.cases.get(request.case_id)
        try:
            events = tuple(decide(case, request.command, context))
        except CaseError as no:
            return no
        for event in events:
            case = evolve(case, event)
        if case is not None:
            self.cases[request.case_id] = case
        outcome = Outcome(
            case_id=request.case_id, version=0, events=events, position=1, repeated=False
        )
        if events:
            self.answered[request.command_id] = outcome
        return outcome


@pytest.fixture
def ids() -> PlainIds:
    return PlainIds()


@pytest.fixture
def engine() -> EngineInMemory:
    return EngineInMemory()


@pytest.fixture
def good() -> Callable[..., dict[str, str]]:
    """Makes a row of a number in our columns, with nothing wrong in it but what is asked for."""

    def row(number: int = 1, **changes: str) -> dict[str, str]:
        named = {"borrower_ref": f"B-{number}", "account": f"A-{number}"}
        return GOOD | named | changes

    return row


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    """Writes rows as a CSV file of a name."""

    def write(rows: Iterable[dict[str, str]], name: str = "rows.csv") -> Path:
        path = tmp_path / name
        rows = list(rows)
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        return path

    return write


@pytest.fixture
def importing(tmp_path: Path, engine: EngineInMemory, ids: PlainIds) -> Importing:
    """Imports a file; returns the report and the lines of the errors file."""

    def run(
        path: Path,
        into: EngineInMemory = engine,
        actor: Actor = OPERATOR,
        mapping: Mapping | None = None,
        reader: Callable[..., ImportReport] = import_portfolio,
    ) -> tuple[ImportReport, Problems]:
        errors = tmp_path / "errors.csv"
        report = reader(path, into, ids, actor, as_of=AS_OF, errors_path=errors, mapping=mapping)
        return report, problems_in(errors)

    return run


def problems_in(path: Path) -> Problems:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
