"""A statement of account as a paper."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

import msgspec

from duecourse.case.interest_terms import InterestLine
from duecourse.case.words import ERASED
from duecourse.flow.statement import CurrencyTotal, DebtStatement, Statement, StatementLine
from duecourse.money.figures import Refused, posted
from duecourse.money.legal_orders import within_order
from duecourse.papers.form import (
    HEADS,
    Letterhead,
    PaperProblem,
    ending,
    figure,
    heads_of,
    money,
    one_line,
    print_paper,
    written,
)
from duecourse.papers.words import Words

MOST_LINES: Final = 5_000
MOST_PARTS: Final = 10_000
_MOST_NOTES: Final = 8
_MOST_TOGETHER: Final = 600
_COLUMNS: Final = ("value_on", "booked_on", "what", "amount", "balance")

Rows = list[tuple[str, str]]


class _Sums(msgspec.Struct, frozen=True, kw_only=True):
    caption: str
    rows: Rows
    total: tuple[str, str]
    notes: list[str]


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    """`breakable`: too long to be kept on one page."""

    value_on: str
    booked_on: str
    what: str
    notes: list[str]
    amount: str
    balance: str
    breakable: bool


class _Debt(msgspec.Struct, frozen=True, kw_only=True):
    caption: str
    facts: Rows
    columns: list[str]
    opening: tuple[str, str]
    lines: list[_Line]
    closing: tuple[str, str]
    notes: list[str]


class _Section(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    paragraphs: list[str]


def statement_paper(found: Statement, head: Letterhead) -> bytes:
    """PDF/A-2b in the language of the statement; equal statements give equal bytes.

    Raises PaperProblem, or DocumentError where it cannot be typeset.
    """
    _check_length(found)
    say = Words("statement", found.language)
    on = written(found.on, found.language)
    return print_paper(
        "statement",
        {
            "title": say("title"),
            "language": found.language,
            "dated": found.on,
            "creditor": head.creditor_name,
            "footer": {"left": f"{say('reference')} {head.reference}", "right": on},
            "parties": [
                (say("creditor"), head.creditor_name),
                (say("debtor"), head.debtor_name),
                (say("reference"), head.reference),
                (say("of"), say("of_day", on=on)),
            ],
            "sums": [_sums(each, say) for each in found.totals],
            "debts": [_debt(each, on, say) for each in found.debts],
            "closing": list(_closing(found, head, say)),
        },
    )


def _check_length(found: Statement) -> None:
    lines = [each for debt in found.debts for each in debt.lines]
    if len(lines) > MOST_LINES or sum(len(each.interest) for each in lines) > MOST_PARTS:
        raise PaperProblem(
            f"the statement has more than {MOST_LINES} lines or {MOST_PARTS} parts of interest; "
            "give an earlier day, or take it as JSON"
        )


def _sums(total: CurrencyTotal, say: Words) -> _Sums:
    currency = total.currency
    notes = [say("by_value" if total.order == "value" else "by_booking")]
    if total.per_day_minor:
        per_day = money(total.per_day_minor, currency, say.language)
        notes.insert(0, say("per_day", amount=per_day))
    else:
        notes.insert(0, say("nothing_added"))
    if total.held_minor:
        held = money(total.held_minor, currency, say.language)
        notes.insert(0, say("held", amount=held))
    return _Sums(
        caption=say("owed", currency=currency),
        rows=[(say(each), figure(getattr(total.owed, each), currency)) for each in HEADS],
        total=(say("total"), money(total.total_minor, currency, say.language)),
        notes=notes,
    )


def _debt(debt: DebtStatement, on: str, say: Words) -> _Debt:
    currency = debt.currency
    return _Debt(
        caption=say("debt", product=one_line("product", debt.product),
            ending=ending(debt.account),
        ),
        facts=list(_facts(debt, say)),
        columns=[say(each) for each in _COLUMNS],
        opening=(say("opening"), figure(debt.opening.total, currency)),
        lines=[_line(each, debt, say) for each in debt.lines],
        closing=(say("closing", on=on), figure(debt.total_minor, currency)),
        notes=list(_notes(debt, say)),
    )  # fmt: skip


def _facts(debt: DebtStatement, say: Words) -> Iterator[tuple[str, str]]:
    yield say("due_on"), written(debt.due_on, say.language)
    yield say("currency"), debt.currency
    if debt.accrual_citation:
        rule = say("day_count", citation=debt.accrual_citation, day_count=debt.day_count
        )  # fmt: skip
        yield say("accrual"), rule
    if debt.cap_citation:
        yield say("cap"), debt.cap_citation


def _notes(debt: DebtStatement, say: Words) -> Iterator[str]:
    if debt.withdrawn:
        yield say("withdrawn")
    parts = _parts(list(heads_of(debt.balance)), debt.currency, say)
    if parts:
        yield say("made_of", parts=parts)
    for code, heads in (("all_frozen", debt.frozen), ("all_not_accrued", debt.not_accrued)):
        if heads.total:
            yield say(code, amount=money(heads.total, debt.currency, say.language))
    if debt.capped.total:
        yield say(
            "all_capped",
            amount=money(debt.capped.total, debt.currency, say.language),
            citation=debt.cap_citation,
        )


def _line(line: StatementLine, debt: DebtStatement, say: Words) -> _Line:
    what, notes = _what(line, say), list(_line_notes(line, debt, say))
    return _Line(
        value_on=written(line.value_on, say.language),
        booked_on=written(line.booked_on, say.language) if line.booked_on else "",
        what=what,
        notes=notes,
        amount=figure(line.change.total, debt.currency),
        balance=figure(line.balance.total, debt.currency),
        breakable=len(notes) > _MOST_NOTES or len("".join((what, *notes))) > _MOST_TOGETHER,
    )


def _what(line: StatementLine, say: Words) -> str:
    """What an interest line `says` is its parts, which stand below it here."""
    heads = dict.fromkeys(each.head for each in line.interest)
    if not heads:
        return one_line("what", line.says or line.what)
    return ("、" if say.language == "zh" else ", ").join(say(each) for each in heads)


def _line_notes(line: StatementLine, debt: DebtStatement, say: Words) -> Iterator[str]:
    several = len({each.head for each in line.interest}) > 1
    for each in line.interest:
        yield _interest(each, debt, say, several=several)
    if line.capped_minor > 0:
        yield say(
            "capped",
            amount=figure(line.capped_minor, debt.currency),
            citation=debt.cap_citation,
        )
    if line.interest:
        return
    parts = list(heads_of(line.change))
    if len(parts) != 1 or say(parts[0][0]) != line.says:
        yield _parts(parts, debt.currency, say)
    if line.basis and line.basis != ERASED:
        yield say("cites", citation=line.basis)
    if line.citation:
        yield say("cites", citation=_source_of(line.citation))


def _interest(part: InterestLine, debt: DebtStatement, say: Words, *, several: bool) -> str:
    chinese = say.language == "zh"
    held = "" if part.state == "accrued" else say(part.state)
    if held and part.authority:
        held += f"（{part.authority}）" if chinese else f" ({part.authority})"
    head = say(part.head) + ("：" if chinese else ": ") if several else ""
    return say(
        "interest_line",
        head=head,
        days=str(part.days),
        unit="day" if part.days == 1 else "days",
        since=written(part.from_on, say.language),
        per=say(part.per),
        percent=part.percent,
        balance=figure(part.balance_minor, debt.currency),
        day_count=debt.day_count,
        amount=figure(posted(Fraction(part.amount), "half_even"), debt.currency),
        held=held,
    )


def _parts(heads: list[tuple[str, int]], currency: str, say: Words) -> str:
    said = (f"{say(head)} {figure(minor, currency)}" for head, minor in heads)
    return ("；" if say.language == "zh" else "; ").join(said)


def _source_of(citation: str) -> str:
    """A payment names the order by which it was set against the debts."""
    try:
        return within_order(citation).citation
    except Refused:
        return citation


def _closing(found: Statement, head: Letterhead, say: Words) -> Iterator[_Section]:
    if any(each.total_minor for each in found.totals):
        reference = say("give_reference", reference=head.reference)
        yield _Section(title=say("to_pay"), paragraphs=[head.ways_to_pay, reference])
    yield _Section(
        title=say("to_ask"),
        paragraphs=[head.contact_line, say("may_ask"), say("hard")],
    )
    yield _Section(
        title=say("to_dispute"),
        paragraphs=[say("dispute"), say("complain")],
    )
