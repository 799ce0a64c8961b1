"""Keeps the read models: each row is a function of the state its case is in."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from uuid import UUID

from duecourse.case import events as e
from duecourse.case.state import Case
from duecourse.case.timers import timers_of
from duecourse.flow.quoted import quoted
from duecourse.rules.treatment import Treatment
from duecourse.store import references, unknown, worklist
from duecourse.store.addresses import Addresses
from duecourse.store.database import Connection
from duecourse.store.engine import Engine, Recorded
from duecourse.store.follower import Tables
from duecourse.store.payment_keys import PaymentKeys
from duecourse.store.references import ContactReference
from duecourse.store.timers import Timers
from duecourse.views.unknown import unknown_contacts
from duecourse.views.worklist import worklist_row

_REFERENCES_CHANGED: Final = (e.CaseOpened, e.DebtPlaced)
_ADDRESSES_CHANGED: Final = (e.CaseOpened, e.ContactPointAdded, e.ContactPointRetired)


class Projector:
    """A follower. Rows are made from the state as it is now, so a batch may be applied again."""

    name: Final = "views"
    tables: Final[Tables] = {
        "worklist": (),
        "timers": ("lease_until", "claim"),
        "contact_references": (),
        "contact_addresses": (),
        "unknown_contacts": (),
        "payment_keys": (),
    }

    def __init__(
        self, engine: Engine, timers: Timers, addresses: Addresses, treatment: Treatment
    ) -> None:
        self._engine = engine
        self._timers = timers
        self._addresses = addresses
        self._treatment = treatment
        self._payment_keys = PaymentKeys(engine.log.vault)

    def apply(self, connection: Connection, batch: Sequence[Recorded]) -> None:
        loaded = self._engine.load_many({each.case_id for each in batch})
        cases = {case_id: found.case for case_id, found in loaded.items()}
        worklist.replace_rows(
            connection,
            [worklist_row(case_id, case, self._treatment) for case_id, case in cases.items()],
        )
        self._timers.replace(
            connection,
            {case_id: timers_of(case, self._treatment) for case_id, case in cases.items()},
        )
        unknown.replace_rows(
            connection,
            {case_id: list(unknown_contacts(case_id, case)) for case_id, case in cases.items()},
        )
        references.replace_rows(connection, list(_references(batch, cases)))
        moved = {each.case_id for each in batch if isinstance(each.event, _ADDRESSES_CHANGED)}
        self._addresses.replace(connection, {case_id: cases[case_id] for case_id in moved})
        named = {each.case_id for each in batch if isinstance(each.event, _REFERENCES_CHANGED)}
        by_case = {case_id: quoted(case_id, cases[case_id]) for case_id in named}
        self._payment_keys.replace(connection, by_case)


def _references(
    batch: Sequence[Recorded], cases: Mapping[UUID, Case]
) -> Iterator[ContactReference]:
    """The names under which a channel may speak of a contact: our key, and its own reference."""
    for recorded in batch:
        match recorded.event:
            case e.ContactDispatching(contact_id=contact_id, key=name):
                pass
            case e.ContactAccepted(contact_id=contact_id, reference=name):
                pass
            case _:
                continue
        yield ContactReference(
            channel=cases[recorded.case_id].contacts[contact_id].channel,
            reference=name,
            case_id=recorded.case_id,
            contact_id=contact_id,
            since=recorded.event.at,
        )
