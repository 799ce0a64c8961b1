"""Finding the cases of somebody who writes back without saying to what: mostly to say stop."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

import msgspec

from duecourse.case.state import Case
from duecourse.case.words import PointKind, point_kind
from duecourse.store.database import Connection, Database
from duecourse.store.vault import Vault

MOST_CASES: Final = 5_000


class ContactAddress(msgspec.Struct, frozen=True):
    case_id: UUID
    point_id: str


class Addresses:
    """No address is stored: each stands under a pseudonym that only the vault can make."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def replace(self, connection: Connection, cases: Mapping[UUID, Case]) -> None:
        """Make the rows of these cases be exactly their contact points; the caller commits."""
        rows = [
            (self._pseudonym(point.kind, point.address), case_id, point.point_id)
            for case_id, case in cases.items()
            for point in case.points.values()
            if point.address
        ]
        connection.execute("DELETE FROM contact_addresses WHERE case_id = ANY(%s)", (list(cases),))
        connection.execute(
            "INSERT INTO contact_addresses"
            " SELECT * FROM unnest(%s::uuid[], %s::uuid[], %s::text[])",
            [[row[column] for row in rows] for column in range(3)],
        )

    def find(self, channel: str, sender: str) -> list[ContactAddress]:
        """The cases that have `sender` among their addresses for `channel`, at most 5,000."""
        address_id = self._pseudonym(point_kind(channel), sender)
        rows = self._database.run(
            lambda connection: connection.execute(
                "SELECT case_id, point_id FROM contact_addresses WHERE address_id = %s"
                " ORDER BY case_id, point_id LIMIT %s",
                (address_id, MOST_CASES),
            ).fetchall()
        )
        return [ContactAddress(case_id, point_id) for case_id, point_id in rows]

    def _pseudonym(self, kind: PointKind, address: str) -> UUID:
        # Capitals and blanks do not make another address.
        return self._vault.pseudonym("address", kind, "".join(address.split()).casefold())
