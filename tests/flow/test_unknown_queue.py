"""The queue of unknown outcomes follows the log, and can be built anew from it."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace
from office import Ledger, Office

from duecourse.case import commands as c
from duecourse.store.database import Database
from duecourse.store.rebuild import Rebuild, Rebuilt
from duecourse.store.unknown import UnknownContacts


@pytest.fixture
def office(new_office: Callable[..., Office], ledger: Ledger) -> Office:
    ledger.capabilities = replace(ledger.capabilities, guarantee="opaque")
    return new_office({"sms": ledger, "email": ledger, "letter": ledger})


@pytest.fixture
def lost(office: Office, ledger: Ledger) -> tuple[UUID, UUID]:
    """The first message of the schedule, after which the gateway broke off."""
    case_id = office.open()
    ledger.before = RuntimeError("broken off")
    office.pass_days(1)
    ledger.before = None
    ((contact_id, contact),) = office.case(case_id).contacts.items()
    assert contact.status == "unknown"
    return case_id, contact_id


def rows(database: Database) -> list[tuple[UUID, UUID]]:
    return [(row.case_id, row.contact_id) for row in UnknownContacts(database).page(200)]


def rebuilt(office: Office, database: Database) -> Rebuilt:
    projector = office.runner.named("views")
    return Rebuild(database, office.engine.log, office.runner, projector).run(switch=True)


def test_a_broken_off_message_waits_in_the_queue_and_is_never_sent_again_by_itself(
    office: Office, lost: tuple[UUID, UUID], ledger: Ledger, database: Database
) -> None:
    (row,) = [each for each in UnknownContacts(database).page(200) if each.contact_id == lost[1]]
    assert (row.case_id, row.channel, row.plugin) == (lost[0], "sms", "ledger")
    assert row.since == office.case(lost[0]).contacts[lost[1]].unknown_at
    office.pass_days(2)
    assert str(lost[1]) not in {each.key for each in ledger.taken}
    assert lost in rows(database)


def test_once_it_is_known_not_to_have_left_the_schedule_goes_on(
    office: Office, lost: tuple[UUID, UUID], ledger: Ledger, database: Database
) -> None:
    found = c.ReconcileContact(contact_id=lost[1], outcome="not_sent", evidence="not in the log")
    office.ask(lost[0], found)
    office.now += timedelta(hours=1)
    office.work()
    assert lost not in rows(database)
    case = office.case(lost[0])
    assert [contact.status for contact in case.contacts.values()] == ["rejected", "accepted"]
    assert {contact.step for contact in case.contacts.values()} == {"first-reminder"}
    assert len([each for each in ledger.taken if each.case_id == lost[0]]) == 1


def test_once_it_is_known_to_have_left_its_step_is_not_taken_again(
    office: Office, lost: tuple[UUID, UUID], ledger: Ledger
) -> None:
    found = c.ReconcileContact(contact_id=lost[1], outcome="sent", evidence="in the log")
    office.ask(lost[0], found)
    office.now += timedelta(hours=1)
    office.work()
    assert not [each for each in ledger.taken if each.case_id == lost[0]]


def test_the_queue_built_anew_is_the_live_one_and_a_lost_row_comes_back(
    office: Office, lost: tuple[UUID, UUID], database: Database
) -> None:
    rebuilt(office, database)
    where = "WHERE contact_id = %s"
    database.run(
        lambda it: it.execute(f"DELETE FROM unknown_contacts {where}".encode(), (lost[1],))
    )
    assert lost not in rows(database)
    (found,) = [
        each for each in rebuilt(office, database).tables if each.table == "unknown_contacts"
    ]
    assert (found.missing, found.surplus, found.changed) == (1, 0, 0)
    assert lost in rows(database)
