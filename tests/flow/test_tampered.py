"""A case that somebody took events out of harms itself only."""

from collections.abc import Callable
from uuid import UUID

import psycopg
import pytest
from office import Ledger, Office

Take = Callable[[UUID], None]


@pytest.fixture
def take_out(migrated_dsn: str) -> Take:
    """Deletes the first event of a case, as only an administrator can."""

    def take(case_id: UUID) -> None:
        with psycopg.connect(migrated_dsn) as owner:
            owner.execute("ALTER TABLE case_events DISABLE TRIGGER ALL")
            first = "DELETE FROM case_events WHERE (originator_id, originator_version) = (%s, 1)"
            owner.execute(first, (case_id,))
            owner.execute("ALTER TABLE case_events ENABLE ALWAYS TRIGGER case_events_append_only")

    return take


def statuses(office: Office, cases: list[UUID]) -> set[str]:
    return {each.status for case_id in cases for each in office.case(case_id).contacts.values()}


def test_the_views_go_on_without_it(
    new_office: Callable[..., Office], ledger: Ledger, take_out: Take
) -> None:
    office = new_office({"sms": ledger})
    first, bad, last = (office.open() for _ in range(3))
    take_out(bad)
    office.engine._states.forget()
    office.work()
    assert statuses(office, [first, last]) == {"accepted"}
    assert len(ledger.taken) == 2


def test_the_messages_of_others_go_out(
    new_office: Callable[..., Office], ledger: Ledger, take_out: Take
) -> None:
    office = new_office({"sms": ledger})
    first, bad, last = (office.open() for _ in range(3))
    office.runner.catch_up()
    office.work_decisions()
    take_out(bad)
    office.engine._states.forget()
    office.work()
    assert statuses(office, [first, last]) == {"accepted"}
    assert len(ledger.taken) == 2
    assert office.timers.begun("sms", 9) == [bad], "it waits, and is not forgotten"
