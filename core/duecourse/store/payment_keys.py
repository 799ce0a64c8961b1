"""Which case, and which debt of it, a reference in a payer's words belongs to.

No reference is stored: each stands under a pseudonym that only the vault can make.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final, Literal
from uuid import UUID

import msgspec

from duecourse.store.database import Connection, Database
from duecourse.store.vault import Vault

WHOLE_CASE: Final = UUID(int=0)
KeyKind = Literal["reference", "borrower", "account"]
_INSERT: Final = "INSERT INTO payment_keys (key_id, case_id, debt_id, kind) VALUES (%s, %s, %s, %s)"
_FIND: Final = "SELECT key_id, case_id, debt_id, kind FROM payment_keys WHERE key_id = ANY(%s)"


class Quoted(msgspec.Struct, frozen=True):
    """A reference of a case, or of a debt of it."""

    reference: str
    debt_id: UUID
    kind: KeyKind


class PaymentKey(msgspec.Struct, frozen=True):
    """`debt_id` is None where the reference is that of the whole case."""

    case_id: UUID
    debt_id: UUID | None
    kind: KeyKind


def bare(reference: str) -> str:
    """A reference as it is compared: capitals, blanks and signs make no other one."""
    return "".join(each for each in reference if each.isalnum()).casefold()


class PaymentKeys:
    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def key(self, bare_reference: str) -> UUID:
        return self._vault.pseudonym("payment-key", bare_reference)

    def replace(self, connection: Connection, cases: Mapping[UUID, Iterable[Quoted]]) -> None:
        """Make the rows of these cases be exactly their references; the caller commits."""
        rows = {
            (self.key(name), case_id, each.debt_id, each.kind)
            for case_id, references in cases.items()
            for each in references
            if (name := bare(each.reference))
        }
        connection.execute("DELETE FROM payment_keys WHERE case_id = ANY(%s)", (list(cases),))
        with connection.cursor() as cursor:
            cursor.executemany(_INSERT, sorted(rows))

    def find(
        self, database: Database, references: Collection[str]
    ) -> dict[str, tuple[PaymentKey, ...]]:
        """Those of the bare references that are known, with what each belongs to."""
        names = {self.key(each): each for each in references}
        if not names:
            return {}
        rows = database.run(lambda connection: connection.execute(_FIND, (list(names),)).fetchall())
        found: dict[str, tuple[PaymentKey, ...]] = {}
        for key_id, case_id, debt_id, kind in rows:
            key = PaymentKey(case_id, None if debt_id == WHOLE_CASE else debt_id, kind)
            found[names[key_id]] = (*found.get(names[key_id], ()), key)
        return found
