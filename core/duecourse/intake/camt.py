"""ISO 20022 camt.053 and camt.054, in versions 02 to 13, as transactions one at a time.

Only what is asked for here is read: the few elements that say how much came from whom, and what
for. Their names have been the same since version 2; where a version moved one, both places are
looked at. The details of a batch entry leave as they come, so memory does not grow with it.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping
from typing import BinaryIO, Final

import msgspec

from duecourse.intake.camt_balances import Sums
from duecourse.intake.camt_entries import (
    Entry,
    head_of,
    own_amount,
    reference_of,
    signed,
    transaction,
    written_amount,
)
from duecourse.intake.camt_values import account_of
from duecourse.intake.problems import Problem, Refused, shown
from duecourse.intake.transactions import (
    Message,
    Statement,
    StatementEnd,
    Transaction,
)
from duecourse.intake.xml_stream import (
    CHUNK,
    Listener,
    Node,
    XmlRefused,
    XmlStream,
    check_beginning,
)

_MESSAGES: Final[Mapping[str, Message]] = {
    "BkToCstmrStmt": "053",
    "BkToCstmrDbtCdtNtfctn": "054",
}
_STATEMENTS: Final = frozenset({"Stmt", "Ntfctn"})
_HEADER: Final = frozenset(
    {"Id", "ElctrncSeqNb", "StmtPgntn", "NtfctnPgntn", "Acct", "Bal", "TxsSummry"}
)
_VERSION: Final = re.compile(r"camt\.(05[34])\.001\.(\d{2})", re.ASCII)
FIRST_VERSION: Final = 2
LAST_VERSION: Final = 13
_DETAILS: Final = ("Ntry", "NtryDtls")

Item = Statement | Transaction | StatementEnd | Problem | list[Problem]


class Survey(msgspec.Struct):
    """What a first reading found: entries to be taken as one, and why; how much there is."""

    whole: dict[int, str] = {}
    entries: int = 0
    versions: tuple[str, ...] = ()


def survey(stream: BinaryIO) -> Survey:
    """Read the file to its end before anything is done with it. Raises XmlRefused."""
    reader = _Reader({}, checking=True)
    for _ in _items(stream, reader):
        pass
    return Survey(reader.doubts, reader.number, tuple(sorted(reader.versions)))


def read_camt(stream: BinaryIO, found: Survey) -> Iterator[Item]:
    """The statements, each with its transactions after it and its sums at the end."""
    return _items(stream, _Reader(found.whole))


def _items(stream: BinaryIO, reader: "_Reader") -> Iterator[Item]:
    xml = XmlStream(reader)
    data = stream.read(CHUNK)
    check_beginning(data[:1000])
    while data:
        xml.feed(data)
        while reader.items:
            yield reader.items.popleft()
        data = stream.read(CHUNK)
    xml.close()
    yield from reader.items
    if not reader.versions:
        raise XmlRefused(1, *_no_statement(reader.root))


def _no_statement(root: str) -> tuple[str, str]:
    if root == "BkToCstmrAcctRpt":
        return (
            "this is a camt.052 report, of entries that may still change",
            "use the statement, camt.053, or the notification, camt.054",
        )
    return "no bank statement is in it", "camt.053 and camt.054 are read"


class _Reader(Listener):
    """With `checking` the details are only added up, and nothing is made of them."""

    def __init__(self, whole: Mapping[int, str], *, checking: bool = False) -> None:
        self.items: deque[Item] = deque()
        self.number = 0
        self.doubts: dict[int, str] = {}
        self.versions: set[str] = set()
        self.root = ""
        self._whole = whole
        self._checking = checking
        self._message: Message | None = None
        self._depth = 0
        self._statement: Statement | None = None
        self._begun = 0
        self._texts: dict[str, str] = {}
        self._sums = Sums()
        self._entry: Entry | None = None
        self._refused: Problem | None = None
        self._statements = 0
        self._entries = 0
        self._parts = 0
        self._parts_minor = 0
        self._nameless = 0
        self._part_credit = False
        self._held: Transaction | None = None

    # --- where we are ----------------------------------------------------------------------------

    def wants(self, path: list[str], namespace: str) -> bool:
        name = path[-1]
        if self._depth:
            return len(path) == self._depth + 1 and (name == "Ntry" or name in _HEADER)
        if self._message is None:
            if name in _MESSAGES:
                self._message = _MESSAGES[name]
                self.versions.add(_version(self._message, namespace, self.line))
            elif name not in {"Document", "BizMsgEnvlp", "AppHdr"} and len(path) <= 3:  # noqa: PLR2004
                self.root = self.root or name
        elif name in _STATEMENTS and path[-2] in _MESSAGES:
            self._depth, self._begun = len(path), self.line
            self._statements, self._entries = self._statements + 1, 0
            self._texts, self._sums, self._statement = {}, Sums(), None
        return False

    def left(self, path: list[str]) -> None:
        if len(path) == self._depth and path[-1] in _STATEMENTS:
            self._opened()
            self._depth = 0
            self.items.append(self._sums.end(self.line))
        elif path[-1] in _MESSAGES:
            self._message = None

    def ended(self, node: Node, within: list[Node]) -> bool:
        if not within:
            if node.name == "Ntry":
                self._entry_ended(node)
            else:
                self._header(node)
            return False
        if node.name != "TxDtls" or tuple(each.name for each in within) != _DETAILS:
            return False
        self._detail(within[0], node)
        return True

    # --- the statement -----------------------------------------------------------------------------

    def _header(self, node: Node) -> None:
        match node.name:
            case "Id" | "ElctrncSeqNb":
                self._texts[node.name] = node.text.strip()
            case "StmtPgntn" | "NtfctnPgntn":
                self._texts["page"] = node.value("PgNb")
            case "Acct":
                self._texts["account"] = account_of(node)
                self._sums.currency = node.value("Ccy")
            case _:
                self._sums.add_header(node)

    def _opened(self) -> Statement:
        """Said once, before the first entry: what stands above it is known by then."""
        if self._statement is None:
            assert self._message is not None, "a statement is inside a message"
            self._statement = Statement(
                line=self._begun,
                message=self._message,
                statement_id="/".join(
                    self._texts.get(each, "") for each in ("Id", "ElctrncSeqNb", "page")
                ),
                account=self._texts.get("account", ""),
                version=max(self.versions),
            )
            self.items.append(self._statement)
        return self._statement

    # --- entries and their details -----------------------------------------------------------------

    def _begin(self, node: Node) -> None:
        """Read the head of an entry, once."""
        if self._entry is not None or self._refused is not None:
            return
        self._opened()
        self.number += 1
        self._entries += 1
        self._parts = self._parts_minor = self._nameless = 0
        self._part_credit = False
        try:
            self._entry = head_of(node, self.number)
        except Refused as refused:
            self._refused = self._unreadable(node, refused)
            self.items.append(self._refused)

    def _unreadable(self, node: Node, refused: Refused) -> Problem:
        """Named so that it is found in a file of one line, too: by its place and what it says."""
        statement = self._texts.get("Id") or f"no. {self._statements} of the file"
        reference = reference_of(node)
        where = f"entry {self._entries} of statement {shown(statement)}"
        return Problem(
            line=node.line,
            field="Ntry",
            problem=f"{refused.problem}, in {where}{f' ({reference})' if reference else ''}",
            fix=refused.fix,
            value=shown(written_amount(node)),
        )

    def _detail(self, entry_node: Node, node: Node) -> None:
        self._begin(entry_node)
        entry = self._entry
        if entry is None or entry.number in self._whole:
            return
        self._parts += 1
        try:
            own = own_amount(entry, node)
        except Refused as refused:
            self._doubt(entry, f"its detail {self._parts}: {refused.problem}")
            return
        if own is None:
            # With one detail the entry itself says how much it is.
            own = entry.amount_minor, entry.credit
            self._nameless += 1
        minor, self._part_credit = own
        self._parts_minor += signed(minor, credit=self._part_credit)
        if not self._checking:
            self._let_go()
            self._held = transaction(entry, node, minor, credit=self._part_credit)

    def _let_go(self) -> None:
        """Pass the detail before this one on: there are several, so each counts for itself."""
        if self._held is not None:
            self.items.append(msgspec.structs.replace(self._held, is_whole=False))
            self._held = None

    def _entry_ended(self, node: Node) -> None:
        self._begin(node)
        entry, self._entry = self._entry, None
        refused, self._refused = self._refused, None
        held, self._held = self._held, None
        if refused is not None or entry is None:
            return
        if not entry.pending:
            self._sums.book(entry.currency, signed(entry.amount_minor, credit=entry.credit))
        if self._checking:
            self._check(entry)
        elif held is None:
            doubt = self._whole.get(entry.number, "")
            found = transaction(entry, node, entry.amount_minor, credit=entry.credit, doubt=doubt)
            self.items.append(found)
        elif self._parts == 1:
            # After charges or in another currency, what was booked is what came in.
            self.items.append(msgspec.structs.replace(held, amount_minor=entry.amount_minor))
        else:
            self.items.append(msgspec.structs.replace(held, is_whole=False))

    def _check(self, entry: Entry) -> None:
        """Whether the details may be believed, each for itself."""
        if self._parts == 1 and self._part_credit != entry.credit:
            self._doubt(entry, "its detail goes the other way")
        elif self._parts > 1 and self._nameless:
            self._doubt(entry, "its details do not say how much each of them is")
        elif self._parts > 1 and self._parts_minor != signed(
            entry.amount_minor, credit=entry.credit
        ):
            self._doubt(entry, "its details do not add up to it")

    def _doubt(self, entry: Entry, why: str) -> None:
        self.doubts.setdefault(entry.number, why)


def _version(message: Message, namespace: str, line: int) -> str:
    found = _VERSION.search(namespace)
    if found is None or found[1] != message or not FIRST_VERSION <= int(found[2]) <= LAST_VERSION:
        first, last = f"camt.{message}.001.{FIRST_VERSION:02}", LAST_VERSION
        raise XmlRefused(
            line,
            f"its namespace is not that of a {first} to {last}",
            f"ask the bank for camt.{message} in a version from 02 to {last}",
        )
    return f"camt.{message}.001.{found[2]}"
