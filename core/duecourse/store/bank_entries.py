"""What bank files said, and what became of each entry. The queue of those that fit no case."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag

from duecourse.case.words import ERASED, PersonalText
from duecourse.chance import random_bytes
from duecourse.store.database import Connection, Database
from duecourse.store.errors import SealBroken
from duecourse.store.vault import Vault

MAX_PAGE: Final = 200
_NONCE_BYTES: Final = 12
What = Literal["credit", "return", "own_return"]
State = Literal["posting", "posted", "unmatched", "set_aside"]
Place = tuple[datetime, UUID]
"""Of an entry in the queue: since when, and which."""


class Remitter(msgspec.Struct, frozen=True, kw_only=True):
    """What a person needs to see of an unmatched entry. Sealed in the row, and nowhere else."""

    name: PersonalText = ""
    account: PersonalText = ""
    text: PersonalText = ""

    def __repr__(self) -> str:
        return "Remitter()"


class BankEntry(msgspec.Struct, frozen=True, kw_only=True):
    """`rule` says by what it was matched, `reason` why it was not."""

    entry_id: UUID
    statement_id: UUID
    message: str
    what: What
    state: State
    currency: str
    amount_minor: int
    booked_on: date | None
    value_on: date
    batch: UUID | None = None
    is_whole: bool = True
    payer: UUID | None = None
    end_to_end: UUID | None = None
    rule: str = ""
    reason: str = ""
    candidates: tuple[UUID, ...] = ()
    case_id: UUID | None = None
    debt_id: UUID | None = None
    payment_id: str = ""
    settled_by: str = ""


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the queue, since `received_at`, with what its payer wrote."""

    entry_id: UUID
    what: What
    currency: str
    amount_minor: int
    booked_on: date | None
    value_on: date
    reason: str
    candidates: tuple[UUID, ...]
    received_at: datetime
    remitter: Remitter


_FIELDS: Final = BankEntry.__struct_fields__


def _query(text: str) -> bytes:
    """With the columns of an entry written out, and a value for each."""
    values = ", ".join(f"%({name})s" for name in _FIELDS)
    return text.replace("ITS_COLUMNS", ", ".join(_FIELDS)).replace("ITS_VALUES", values).encode()


# One that waits may be decided anew; what is decided stays as it is, whoever else comes with it.
_OFFER: Final = _query("""
INSERT INTO bank_entries (ITS_COLUMNS, subject_id, key_id, sealed)
VALUES (ITS_VALUES, %(subject_id)s, %(key_id)s, %(sealed)s)
ON CONFLICT (entry_id) DO UPDATE SET
    state = EXCLUDED.state, rule = EXCLUDED.rule, reason = EXCLUDED.reason,
    candidates = EXCLUDED.candidates, case_id = EXCLUDED.case_id, debt_id = EXCLUDED.debt_id,
    payment_id = EXCLUDED.payment_id, subject_id = EXCLUDED.subject_id,
    key_id = EXCLUDED.key_id, sealed = EXCLUDED.sealed, currency = EXCLUDED.currency,
    amount_minor = EXCLUDED.amount_minor, booked_on = EXCLUDED.booked_on,
    value_on = EXCLUDED.value_on
 WHERE bank_entries.state = 'unmatched'
""")
_GET: Final = _query("SELECT ITS_COLUMNS FROM bank_entries WHERE entry_id = ANY(%s)")
_POSTED: Final = """
UPDATE bank_entries SET state = 'posted', settled_by = %s, reason = '', candidates = '{}',
       subject_id = NULL, key_id = NULL, sealed = NULL
 WHERE entry_id = ANY(%s) AND state = 'posting'
"""
_REFUSED: Final = """
UPDATE bank_entries
   SET state = 'unmatched', reason = %s, case_id = NULL, debt_id = NULL, payment_id = '', rule = ''
 WHERE entry_id = %s AND state = 'posting'
"""
_CLAIM: Final = """
UPDATE bank_entries
   SET state = 'posting', case_id = %(case_id)s, debt_id = %(debt_id)s, rule = %(rule)s,
       payment_id = %(payment_id)s
 WHERE entry_id = %(entry_id)s AND state = 'unmatched'
"""
_SET_ASIDE: Final = """
UPDATE bank_entries
   SET state = 'set_aside', reason = %s, settled_by = %s, candidates = '{}',
       subject_id = NULL, key_id = NULL, sealed = NULL
 WHERE entry_id = ANY(%s) AND state = 'unmatched'
"""
_WAITING: Final = """
SELECT entry_id, what, currency, amount_minor, booked_on, value_on, reason, candidates,
       received_at, key_id, sealed
  FROM bank_entries
 WHERE (state = 'unmatched' OR (state = 'posting' AND entry_id = %(only)s::uuid))
   AND (%(since)s::timestamptz IS NULL
        OR (received_at, entry_id) > (%(since)s::timestamptz, %(after)s::uuid))
   AND (%(only)s::uuid IS NULL OR entry_id = %(only)s::uuid)
 ORDER BY received_at, entry_id
 LIMIT %(limit)s
"""
_UNDER_WAY: Final = _query(
    "SELECT ITS_COLUMNS FROM bank_entries WHERE state = 'posting' ORDER BY entry_id LIMIT %s"
)
_OF_PAYERS: Final = """
SELECT DISTINCT payer, case_id FROM bank_entries
 WHERE payer = ANY(%s) AND what = 'credit' AND state = 'posted'
"""
_TO_TAKE_BACK: Final = _query("""
SELECT ITS_COLUMNS FROM bank_entries
 WHERE end_to_end = ANY(%s) AND what IN ('credit', 'return') AND state IN ('posting', 'posted')
""")
_OF_BATCHES: Final = _query("SELECT ITS_COLUMNS FROM bank_entries WHERE batch = ANY(%s)")
_OF_STATEMENT: Final = _query("SELECT ITS_COLUMNS FROM bank_entries WHERE statement_id = %s")


class BankEntries:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def offer(self, entries: Sequence[tuple[BankEntry, Remitter]]) -> dict[UUID, BankEntry]:
        """Keep these decisions where there are none yet; returns those that hold.

        Safe to repeat, and beside another process that has the same file.
        """
        if not entries:
            return {}
        rows = self._rows(entries)

        def work(connection: Connection) -> list[tuple[Any, ...]]:
            with connection.transaction(), connection.cursor() as cursor:
                cursor.executemany(_OFFER, rows)
                ids = [each.entry_id for each, _ in entries]
                return cursor.execute(_GET, (ids,)).fetchall()

        found = map(_entry, self._database.run(work))
        return {each.entry_id: each for each in found}

    def _rows(self, entries: Sequence[tuple[BankEntry, Remitter]]) -> list[dict[str, object]]:
        """The texts of those that wait, each under the key of its payer, or its own."""
        waiting = [each for each, _ in entries if each.state == "unmatched"]
        keys = self._vault.ensure({_subject(each) for each in waiting}) if waiting else {}
        rows = []
        for entry, remitter in sorted(entries, key=lambda each: each[0].entry_id):
            row: dict[str, object] = {name: getattr(entry, name) for name in _FIELDS}
            row |= {"subject_id": None, "key_id": None, "sealed": None}
            row["candidates"] = list(entry.candidates)
            if entry.state == "unmatched":
                key = keys[_subject(entry)]
                nonce = random_bytes(_NONCE_BYTES)
                text = msgspec.json.encode(remitter)
                sealed = nonce + key.cipher.encrypt(nonce, text, _bound(entry.entry_id))
                row |= {"subject_id": _subject(entry), "key_id": key.key_id, "sealed": sealed}
            rows.append(row)
        return rows

    def get(self, entry_ids: Collection[UUID]) -> dict[UUID, BankEntry]:
        return {each.entry_id: each for each in self._select(_GET, entry_ids)}

    def of_batches(self, batches: Collection[UUID]) -> list[BankEntry]:
        return self._select(_OF_BATCHES, batches)

    def to_take_back(self, end_to_end: Collection[UUID]) -> list[BankEntry]:
        """The credits under these end-to-end ids, and what was taken back of them."""
        return self._select(_TO_TAKE_BACK, end_to_end)

    def of_statement(self, statement_id: UUID) -> list[BankEntry]:
        rows = self._database.run(lambda it: it.execute(_OF_STATEMENT, (statement_id,)).fetchall())
        return [_entry(row) for row in rows]

    def cases_of_payers(self, payers: Collection[UUID]) -> dict[UUID, set[UUID]]:
        """The cases that each of these accounts has paid into before."""
        if not payers:
            return {}
        rows = self._database.run(lambda it: it.execute(_OF_PAYERS, (list(payers),)).fetchall())
        cases: dict[UUID, set[UUID]] = {}
        for payer, case_id in rows:
            cases.setdefault(payer, set()).add(case_id)
        return cases

    def _select(self, query: bytes, ids: Collection[UUID]) -> list[BankEntry]:
        if not ids:
            return []
        rows = self._database.run(lambda it: it.execute(query, (list(ids),)).fetchall())
        return [_entry(row) for row in rows]

    def under_way(self, limit: int) -> list[BankEntry]:
        """Decisions that nobody has said to be carried out."""
        rows = self._database.run(lambda it: it.execute(_UNDER_WAY, (limit,)).fetchall())
        return [_entry(row) for row in rows]

    def posted(self, entry_ids: Iterable[UUID], by: str) -> None:
        """Say that the decisions were carried out; what was sealed is gone with it."""
        ids = sorted(entry_ids)
        if ids:
            self._database.run(lambda it: it.execute(_POSTED, (by, ids)))

    def refused(self, entry_id: UUID, reason: str) -> None:
        """The case did not take it: it waits for a person again."""
        self._database.run(lambda it: it.execute(_REFUSED, (reason, entry_id)))

    def claim(self, entry_id: UUID, case_id: UUID, debt_id: UUID | None, payment_id: str) -> bool:
        """Decide about one that waits. False: somebody else has decided meanwhile."""
        asked = {
            "entry_id": entry_id,
            "case_id": case_id,
            "debt_id": debt_id,
            "payment_id": payment_id,
            "rule": "person",
        }
        done = self._database.run(lambda it: it.execute(_CLAIM, asked).rowcount)
        return done == 1

    def set_aside(self, entry_ids: Iterable[UUID], reason: str, by: str) -> int:
        """Take entries out of the queue that are no payment into any case."""
        ids = sorted(entry_ids)
        return self._database.run(lambda it: it.execute(_SET_ASIDE, (reason, by, ids)).rowcount)

    def waiting(
        self, limit: int, after: Place | None = None, only: UUID | None = None
    ) -> list[Waiting]:
        """Up to `limit` entries of the queue beyond a place in it, the longest waiting first.

        `only` asks for one, also if it was decided and not carried out.
        """
        if not 1 <= limit <= MAX_PAGE:
            raise ValueError(f"limit must be from 1 to {MAX_PAGE}")
        since, entry_id = after or (None, None)
        asked = {"since": since, "after": entry_id, "only": only, "limit": limit}
        rows = self._database.run(lambda it: it.execute(_WAITING, asked).fetchall())
        keys = self._vault.keys({row[-2] for row in rows if row[-2] is not None})
        return [
            Waiting(
                entry_id=row[0],
                what=row[1],
                currency=row[2],
                amount_minor=row[3],
                booked_on=row[4],
                value_on=row[5],
                reason=row[6],
                candidates=tuple(row[7]),
                received_at=row[8],
                remitter=_unsealed(row[0], keys.get(row[-2]), row[-1]),
            )
            for row in rows
        ]


def _subject(entry: BankEntry) -> UUID:
    """Whose key seals the texts: to destroy a payer's key erases all that waits of them."""
    return entry.payer or entry.entry_id


def _bound(entry_id: UUID) -> bytes:
    return b"duecourse/v1|bank-entry|" + entry_id.bytes


def _unsealed(entry_id: UUID, cipher: Any, sealed: bytes | None) -> Remitter:  # noqa: ANN401
    if cipher is None or sealed is None:
        return Remitter(name=ERASED, account=ERASED, text=ERASED)
    try:
        text = cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bound(entry_id))
    except InvalidTag:
        raise SealBroken(f"the texts of bank entry {entry_id} were altered or moved") from None
    return msgspec.json.decode(text, type=Remitter)


def _entry(row: tuple[Any, ...]) -> BankEntry:
    values = dict(zip(_FIELDS, row, strict=True))
    values["candidates"] = tuple(values["candidates"])
    return BankEntry(**values)
