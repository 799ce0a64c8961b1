"""A follower that writes down each event it is given, in a table of the test's own."""

import uuid
from collections.abc import Callable, Sequence
from uuid import UUID

from duecourse.store.database import Connection
from duecourse.store.engine import Recorded
from duecourse.store.follower import Tables

TABLE = """
CREATE TABLE seen (
    follower text, position bigint, case_id uuid, version bigint,
    place bigint GENERATED ALWAYS AS IDENTITY);
GRANT SELECT, INSERT ON seen TO duecourse_app;
"""


class Counter:
    """`fault` is what an event makes it raise, after it was written down."""

    def __init__(self, name: str = "counter", *, parts: int = 1, outside: bool = False) -> None:
        self.name = f"{name}-{uuid.uuid4()}"
        self.parts = parts
        self.outside = outside
        self.tables: Tables = {}
        self.largest = 0
        self.given: list[Recorded] = []
        self.fault: Callable[[Recorded], Exception | None] = lambda _: None

    def apply(self, connection: Connection, batch: Sequence[Recorded]) -> None:
        self.largest = max(self.largest, len(batch))
        self.given += batch
        for each in batch:
            connection.execute(
                "INSERT INTO seen (follower, position, case_id, version) VALUES (%s, %s, %s, %s)",
                (self.name, each.position, each.case_id, each.version),
            )
            if (fault := self.fault(each)) is not None:
                raise fault

    def fail_at(self, case_id: UUID, version: int = 1) -> None:
        """Be poisoned by this event, with words about a person."""
        wrong = ValueError("words about Fictional Person")
        self.fault = lambda each: (
            wrong if (each.case_id, each.version) == (case_id, version) else None
        )

    def mend(self) -> None:
        self.fault = lambda _: None
