"""What both papers share: who writes to whom, dates and sums as they are printed, the templates."""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Final
from uuid import UUID

import msgspec

from duecourse.case.state import Case
from duecourse.case.words import ERASED, Language
from duecourse.documents import typeset
from duecourse.flow.facts import SHOWN_OF_ACCOUNT, reference_of
from duecourse.money.account_terms import Change
from duecourse.money.amounts import Buckets, format_minor
from duecourse.settings import CreditorDetails

MOST_TEXT: Final = 2_000
HEADS: Final = ("costs", "fees", "penalty", "interest", "principal")
_MINUS: Final = "\u2212"
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


class PaperProblem(ValueError):
    """The paper cannot be made. Says which fact is missing or wrong, never the fact itself."""


class Letterhead(msgspec.Struct, frozen=True, kw_only=True):
    """Who writes to whom, how to pay, and whom to ask."""

    creditor_name: str
    debtor_name: str
    reference: str
    ways_to_pay: str
    contact_line: str


def letterhead_of(case_id: UUID, case: Case, details: CreditorDetails | None) -> Letterhead:
    """Raises PaperProblem for a person who was erased, or a creditor without its settings."""
    if details is None or not details.ways_to_pay.strip() or not details.contact_line.strip():
        raise PaperProblem(
            f"the settings need [creditors.{case.creditor}] with ways_to_pay and contact_line"
        )
    if case.debtor.name == ERASED:
        raise PaperProblem("the debtor has been erased; nothing is written to an erased person")
    return Letterhead(
        creditor_name=one_line("creditor_name", case.creditor_name),
        debtor_name=one_line("debtor_name", case.debtor.name),
        reference=reference_of(case_id),
        ways_to_pay=one_line("ways_to_pay", details.ways_to_pay),
        contact_line=one_line("contact_line", details.contact_line),
    )


def one_line(field: str, text: str) -> str:
    """Breaks become spaces. Nothing else is taken out: what cannot be printed is refused."""
    line = " ".join(text.split())
    if not line:
        raise PaperProblem(f"{field} is empty; give it first")
    if len(line) > MOST_TEXT:
        raise PaperProblem(f"{field} is longer than {MOST_TEXT} characters; shorten it")
    return line


def print_paper(template: str, data: Mapping[str, object]) -> bytes:
    """Raises DocumentError."""
    return typeset(_source(template), data)


@cache
def _source(name: str) -> str:
    folder = files("duecourse") / "papers"
    return "".join(
        folder.joinpath(each).read_text(encoding="utf-8") for each in ("page.typ", f"{name}.typ")
    )


def written(day: date, language: Language) -> str:
    if language == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def figure(minor: int, currency: str) -> str:
    """A sum where the currency is said elsewhere."""
    return format_minor(minor, currency).replace("-", _MINUS)


def money(minor: int, currency: str, language: Language) -> str:
    amount = figure(minor, currency)
    return f"{amount}元" if (language, currency) == ("zh", "CNY") else f"{currency} {amount}"


def heads_of(parts: Buckets | Change) -> Iterator[tuple[str, int]]:
    """Each head that is not zero."""
    for head in HEADS:
        minor: int = getattr(parts, head)
        if minor:
            yield head, minor


def ending(account: str) -> str:
    """What is shown of an account number: a paper can be found by others."""
    if account == ERASED:
        raise PaperProblem("the debtor has been erased; nothing is written to an erased person")
    return one_line("account", account)[-SHOWN_OF_ACCOUNT:]
