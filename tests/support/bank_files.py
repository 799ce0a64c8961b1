"""Writes bank files as banks write them, by hand. Everybody in them is fictional."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

OURS = "DE02120300000000202051"
PAYER = "DE02500105170137075030"
OTHER_PAYER = "DE88100900001234567892"


def tag(name: str, *inside: str) -> str:
    text = "".join(inside)
    return f"<{name}>{text}</{name}>" if text else ""


def money(minor: int, currency: str = "EUR", name: str = "Amt") -> str:
    return f'<{name} Ccy="{currency}">{minor // 100}.{minor % 100:02}</{name}>'


def detail(
    minor: int | None = None,
    *,
    text: str | Sequence[str] = "",
    structured: str = "",
    e2e: str = "NOTPROVIDED",
    ref: str = "",
    payer: str = PAYER,
    name: str = "Sample Testperson",
    returned: str = "",
    original: int | None = None,
    direction: str = "",
    version: int = 8,
    currency: str = "EUR",
) -> str:
    """A `TxDtls`, with its amount where its version has it."""
    lines = [text] if isinstance(text, str) else text
    old = version < 4
    amounts = [money(original, currency)] if original is not None else []
    party = tag("Nm", name) if version < 8 else tag("Pty", tag("Nm", name))
    return tag(
        "TxDtls",
        tag("Refs", tag("AcctSvcrRef", ref), tag("EndToEndId", e2e)),
        money(minor, currency) if minor is not None and not old else "",
        tag("CdtDbtInd", direction),
        tag("AmtDtls", tag("InstdAmt", *amounts))
        + (
            tag("AmtDtls", tag("TxAmt", money(minor, currency)))
            if minor is not None and old
            else ""
        ),
        tag("RltdPties", tag("Dbtr", party), tag("DbtrAcct", tag("Id", tag("IBAN", payer)))),
        tag(
            "RmtInf",
            *(tag("Ustrd", escape(line)) for line in lines),
            tag(
                "Strd",
                tag(
                    "CdtrRefInf",
                    tag("Tp", tag("CdOrPrtry", tag("Cd", "SCOR"))),
                    tag("Ref", structured),
                ),
            )
            if structured
            else "",
        ),
        tag("RtrInf", tag("Rsn", tag("Cd", returned))) if returned else "",
    )


def entry(
    minor: int,
    *details: str,
    ref: str = "",
    credit: bool = True,
    reversal: bool = False,
    booked: str = "2026-03-02",
    value: str = "2026-03-02",
    status: str = "BOOK",
    version: int = 8,
    currency: str = "EUR",
    info: str = "",
) -> str:
    return tag(
        "Ntry",
        money(minor, currency),
        tag("CdtDbtInd", "CRDT" if credit else "DBIT"),
        tag("RvslInd", "true") if reversal else "",
        tag("Sts", status if version < 5 else tag("Cd", status)),
        tag("BookgDt", tag("Dt", booked)) if booked else "",
        tag("ValDt", tag("Dt", value)) if value else "",
        tag("AcctSvcrRef", ref),
        tag("BkTxCd", tag("Domn", tag("Cd", "PMNT"))),
        tag("NtryDtls", *details),
        tag("AddtlNtryInf", info),
    )


def balance(code: str, minor: int, currency: str = "EUR") -> str:
    return tag(
        "Bal",
        tag("Tp", tag("CdOrPrtry", tag("Cd", code))),
        money(abs(minor), currency),
        tag("CdtDbtInd", "CRDT" if minor >= 0 else "DBIT"),
        tag("Dt", tag("Dt", "2026-03-02")),
    )


def statement(
    *entries: str,
    number: str = "S-1",
    account: str = OURS,
    opening: int | None = None,
    closing: int | None = None,
    summary: str = "",
) -> str:
    return "".join(
        (
            tag("Id", number),
            tag("CreDtTm", "2026-03-02T18:00:00+01:00"),
            tag("Acct", tag("Id", tag("IBAN", account)), tag("Ccy", "EUR")),
            balance("OPBD", opening) if opening is not None else "",
            balance("CLBD", closing) if closing is not None else "",
            summary,
            *entries,
        )
    )


def file(*statements: str, version: int = 8, message: str = "053", prefix: str = "") -> bytes:
    outer, inner = (
        ("BkToCstmrStmt", "Stmt") if message == "053" else ("BkToCstmrDbtCdtNtfctn", "Ntfctn")
    )
    body = "\n".join(tag(inner, each) for each in statements)
    namespace = f"urn:iso:std:iso:20022:tech:xsd:camt.{message}.001.{version:02}"
    inside = tag(outer, tag("GrpHdr", tag("MsgId", "M-1")), body)
    if prefix:
        inside = inside.replace("</", f"</{prefix}:").replace("<", f"<{prefix}:")
        inside = inside.replace(f"<{prefix}:/{prefix}:", f"</{prefix}:")
        head, tail = f'<{prefix}:Document xmlns:{prefix}="{namespace}">', f"</{prefix}:Document>"
    else:
        head, tail = f'<Document xmlns="{namespace}">', "</Document>"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}\n{inside}\n{tail}\n'.encode()
