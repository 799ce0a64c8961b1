"""What an entry of a statement says, and each of its details, as transactions."""

from collections.abc import Iterator
from datetime import date
from typing import Final

import msgspec

from duecourse.intake.camt_values import (
    account_of,
    amount_of,
    day_of,
    is_credit,
    is_true,
    reference,
    words,
)
from duecourse.intake.problems import Refused, shown
from duecourse.intake.transactions import Kind, Transaction
from duecourse.intake.xml_stream import Node

# Sub-families of bank transaction codes that say: an earlier credit was taken back.
_UNPAID: Final = frozenset({"UPDD", "PRDD"})


class Entry(msgspec.Struct):
    """What an `Ntry` says of itself, before its details."""

    number: int
    line: int
    currency: str
    amount_minor: int
    credit: bool
    reversal: bool
    pending: bool
    booked_on: date | None
    value_on: date
    ref: str
    unpaid: bool


def head_of(node: Node, number: int) -> Entry:
    currency, minor = amount_of(node.find("Amt"))
    status = node.value("Sts/Cd", "Sts/Prtry", "Sts")
    booked_on, value_on = day_of(node.find("BookgDt")), day_of(node.find("ValDt"))
    found = value_on or booked_on
    if found is None:
        raise Refused("neither ValDt nor BookgDt says when", "ask the bank for the file again")
    return Entry(
        number=number,
        line=node.line,
        currency=currency,
        amount_minor=minor,
        credit=is_credit(node),
        reversal=is_true(node.value("RvslInd")),
        pending=status != "BOOK",
        booked_on=booked_on,
        value_on=found,
        ref=reference(node.value("AcctSvcrRef")),
        unpaid=node.value("BkTxCd/Domn/Fmly/SubFmlyCd") in _UNPAID,
    )


def reference_of(node: Node) -> str:
    """What the bank knows an entry by, if it says: `AcctSvcrRef 2026030200012`."""
    for name in ("AcctSvcrRef", "NtryRef"):
        if found := reference(node.value(name)):
            return f"{name} {shown(found)}"
    return ""


def written_amount(node: Node) -> str:
    """The amount of an entry as it stands there, whatever it is."""
    found = node.find("Amt")
    return f"{found.text.strip()} {found.currency}".strip() if found is not None else ""


def own_amount(entry: Entry, node: Node) -> tuple[int, bool] | None:
    """What a detail says it is, and whether it came in; None without an amount in the currency."""
    for path in ("Amt", "AmtDtls/TxAmt/Amt"):
        found = node.find(path)
        if found is not None and found.currency == entry.currency:
            _, minor = amount_of(found)
            return minor, is_credit(node) if node.find("CdtDbtInd") else entry.credit
    return None


def transaction(
    entry: Entry, node: Node, minor: int, *, credit: bool, doubt: str = ""
) -> Transaction:
    """From a detail, or from the entry itself, where what only details have is not found."""
    is_detail = node.name == "TxDtls"
    returned = "" if not is_detail else node.value("RtrInf/Rsn/Cd", "RtrInf/Rsn/Prtry")
    is_return = bool(returned) or node.find("RtrInf") is not None
    unpaid = entry.unpaid or node.value("BkTxCd/Domn/Fmly/SubFmlyCd") in _UNPAID
    bank, others = _references(node) if is_detail else ((), ())
    return Transaction(
        line=node.line,
        kind=_kind(credit=credit, taken_back=entry.reversal or is_return or unpaid),
        currency=entry.currency,
        amount_minor=minor,
        booked_on=entry.booked_on,
        value_on=entry.value_on,
        pending=entry.pending,
        entry_ref=entry.ref,
        bank_refs=bank,
        end_to_end_id=reference(node.value("Refs/EndToEndId")),
        others=others,
        structured=tuple(_structured(node)),
        text=words([each.text for each in node.all("RmtInf/Ustrd")] or _additional(node)),
        payer_name=words([node.value("RltdPties/Dbtr/Nm", "RltdPties/Dbtr/Pty/Nm")]),
        payer_account=account_of(node.find("RltdPties/DbtrAcct")),
        return_code=returned[:35] or ("reversal" if entry.reversal else ""),
        original_minor=_original(entry, node),
        doubt=doubt,
    )


def _kind(*, credit: bool, taken_back: bool) -> Kind:
    if credit:
        return "own_return" if taken_back else "credit"
    return "return" if taken_back else "debit"


def signed(minor: int, *, credit: bool) -> int:
    return minor if credit else -minor


def _references(node: Node) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The bank's own, and those that travel with the payment besides the end-to-end id."""
    bank = ("Refs/AcctSvcrRef", "Refs/ClrSysRef", "Refs/UETR")
    others = ("Refs/TxId", "Refs/InstrId", "Refs/MndtId", "Refs/ChqNb")
    return _found(node, bank), _found(node, others)


def _found(node: Node, paths: tuple[str, ...]) -> tuple[str, ...]:
    found = (reference(node.value(path)) for path in paths)
    return tuple(each for each in found if each)


def _structured(node: Node) -> Iterator[str]:
    for each in node.all("RmtInf/Strd"):
        found = reference(each.value("CdtrRefInf/Ref", "CdtrRefInf/CdtrRef"))
        if found:
            yield found


def _additional(node: Node) -> list[str]:
    """Some banks put the payer's words here, where an entry has no details."""
    return [node.value("AddtlTxInf", "AddtlNtryInf")]


def _original(entry: Entry, node: Node) -> int | None:
    """What was first paid, where a return also takes charges."""
    for path in ("AmtDtls/InstdAmt/Amt", "AmtDtls/TxAmt/Amt"):
        found = node.find(path)
        if found is not None and found.currency == entry.currency:
            try:
                return amount_of(found)[1]
            except Refused:
                return None
    return None
