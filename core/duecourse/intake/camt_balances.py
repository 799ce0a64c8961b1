"""What a statement adds up to, by its own word and by its entries."""

from typing import Final

from duecourse.intake.camt_values import amount_of, is_credit
from duecourse.intake.problems import Refused
from duecourse.intake.transactions import StatementEnd
from duecourse.intake.xml_stream import Node

# Booked balances only: what is available is another sum.
_OPENING: Final = ("OPBD", "PRCD")
_CLOSING: Final = ("CLBD",)


class Sums:
    def __init__(self) -> None:
        self.currency = ""
        self._balances: dict[str, tuple[str, int]] = {}
        self._said: tuple[int | None, int | None] = (None, None)
        self._said_text: tuple[str, str] = ("", "")
        self._booked = 0
        self._credits = 0
        self._credit_minor = 0

    def add_header(self, node: Node) -> None:
        """Take a balance or the summary; one that cannot be read is one that is not there."""
        if node.name == "TxsSummry":
            self._said_text = (
                node.value("TtlCdtNtries/NbOfNtries"),
                node.value("TtlCdtNtries/Sum"),
            )
            return
        try:
            currency, minor = amount_of(node.find("Amt"))
            signed = minor if is_credit(node) else -minor
        except Refused:
            return
        self._balances.setdefault(node.value("Tp/CdOrPrtry/Cd"), (currency, signed))

    def book(self, currency: str, signed_minor: int) -> None:
        self.currency = self.currency or currency
        self._booked += signed_minor
        if signed_minor > 0:
            self._credits += 1
            self._credit_minor += signed_minor

    def end(self, line: int) -> StatementEnd:
        opening, closing = self._balance(_OPENING), self._balance(_CLOSING)
        currency = next((each[0] for each in self._balances.values()), self.currency)
        count, total = self._said_text
        return StatementEnd(
            line=line,
            currency=currency,
            opening_minor=opening,
            closing_minor=closing,
            booked_minor=self._booked,
            credit_count=self._credits,
            credit_minor=self._credit_minor,
            said_credit_count=int(count) if count.isascii() and count.isdigit() else None,
            said_credit_minor=_sum(total, currency),
        )

    def _balance(self, codes: tuple[str, ...]) -> int | None:
        found = (self._balances.get(code) for code in codes)
        return next((minor for _, minor in filter(None, found)), None)


def _sum(text: str, currency: str) -> int | None:
    node = Node("Amt", 0, currency)
    node.text = text
    try:
        return amount_of(node)[1] if text and currency else None
    except Refused:
        return None
