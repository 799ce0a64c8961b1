"""The account of a case on the terminal: its statement on a day, and where a payment went."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final, get_args
from uuid import UUID

import msgspec
import rich_click as click

from duecourse.case.errors import CaseError, CaseNotFound
from duecourse.case.events import Event
from duecourse.case.evolve import fold
from duecourse.case.words import Language
from duecourse.cli.cases import no_such_case
from duecourse.cli.papers import PdfFile, write_pdf
from duecourse.cli.settings import ReadSettings
from duecourse.cli.tables import show as show_table
from duecourse.flow.counterfactual import OrderResult, PaymentAllocation, payment_allocation
from duecourse.flow.house import House
from duecourse.flow.statement import DebtStatement, Statement
from duecourse.flow.statement import statement as state_account
from duecourse.money.account_terms import Change
from duecourse.money.amounts import Buckets, format_minor
from duecourse.papers.form import letterhead_of
from duecourse.papers.statement import statement_paper

_HEADS: Final = ("costs", "fees", "penalty", "interest", "principal")


@click.command()
@click.argument("case_id", type=click.UUID)
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="Default: today, for the debtor.")
@click.option("--language", type=click.Choice(get_args(Language)), help="Default: the debtor's.")
@click.option("--pdf", "file", type=PdfFile, help="Write it to this file as PDF/A instead.")
@click.option("--json", "as_json", is_flag=True, help="For programs, with every part.")
@click.pass_obj
def statement(
    settings: ReadSettings,
    case_id: UUID,
    on: datetime | None,
    language: Language | None,
    file: Path | None,
    *,
    as_json: bool,
) -> None:
    """Print what is owed on a day, and every line that it came from.

    A day to come is as it will be if nothing happens until then.
    """
    if file is not None and as_json:
        raise click.UsageError("--pdf and --json are two forms of it; give one of them")
    events, now = _history(settings, case_id)
    case = fold(events)
    assert case is not None, "a case has a history"
    day = case.today(max(now, case.at)) if on is None else on.date()
    try:
        found = state_account(case_id, events, day, language or case.debtor.language)
    except CaseError as wrong:
        raise click.UsageError(f"--{wrong.field}: {wrong}") from wrong
    if file is not None:
        details = settings().creditors.get(case.creditor)
        write_pdf(file, lambda: statement_paper(found, letterhead_of(case_id, case, details)))
        return
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    _show(found)


@click.command()
@click.argument("case_id", type=click.UUID)
@click.argument("payment_id")
@click.option("--profile", help="An order of payment to compare with: cn-561, de-497, us, …")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def allocation(
    settings: ReadSettings, case_id: UUID, payment_id: str, profile: str | None, *, as_json: bool
) -> None:
    """Print where a payment went and by which law, or where it would have gone by another one."""
    events, _ = _history(settings, case_id)
    try:
        found = payment_allocation(events, payment_id, profile)
    except CaseError as wrong:
        raise click.UsageError(f"{wrong.field}: {wrong}") from wrong
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    for each in filter(None, (found.as_it_was, found.otherwise)):
        click.echo(f"{each.profile}: {each.citation}")
        show_table(("debt", *_HEADS, "profile"), _parts(found, each), ids=("debt",))


def _parts(found: PaymentAllocation, order: OrderResult) -> Iterator[tuple[str, ...]]:
    for part in order.parts:
        yield part.debt_id, *_amounts(part.paid, found.currency), part.profile
    if order.unallocated_minor:
        yield "unallocated", format_minor(order.unallocated_minor, found.currency), *[""] * 5


def _history(settings: ReadSettings, case_id: UUID) -> tuple[list[Event], datetime]:
    try:
        with House.open(settings()) as house:
            history = house.engine.history(case_id)
            return [each.event for each in history], house.clock()
    except CaseNotFound as missing:
        raise no_such_case(case_id) from missing


def _show(found: Statement) -> None:
    words = found.words
    click.echo(f"{words['statement']} {found.on}: {found.creditor_name}")
    for debt in found.debts:
        click.echo(f"\n{debt.account} ({debt.product})")
        headers = [words[name] for name in ("value_on", "booked_on")]
        heads = [words[name] for name in (*_HEADS, "balance")]
        show_table((*headers, "", *heads), _rows(debt, words["opening"]))
        for line in debt.lines:
            if line.interest:
                click.echo(f"  {line.value_on} {line.says}")
        if debt.capped.total:
            amount = format_minor(debt.capped.total, debt.currency)
            click.echo(f"  {words['capped']}: {amount} {debt.currency}; {debt.cap_citation}")
        if debt.frozen.total:
            amount = format_minor(debt.frozen.total, debt.currency)
            click.echo(f"  {words['frozen']}: {amount} {debt.currency}")
    for total in found.totals:
        amount = format_minor(total.total_minor, total.currency)
        per_day = format_minor(total.per_day_minor, total.currency)
        held = format_minor(total.held_minor, total.currency)
        click.echo(
            f"\n{words['total']}: {amount} {total.currency}; {words['per_day']}: {per_day};"
            f" {words['held']}: {held}"
        )


def _rows(debt: DebtStatement, opening: str) -> Iterable[tuple[str, ...]]:
    balance = format_minor(debt.opening.total, debt.currency)
    yield "", "", opening, *_amounts(debt.opening, debt.currency), balance
    for line in debt.lines:
        says = line.says if not line.interest else line.what
        booked = "" if line.booked_on is None else str(line.booked_on)
        balance = format_minor(line.balance.total, debt.currency)
        yield str(line.value_on), booked, says, *_amounts(line.change, debt.currency), balance


def _amounts(heads: Buckets | Change, currency: str) -> list[str]:
    amounts = [getattr(heads, name) for name in _HEADS]
    return [format_minor(each, currency) if each else "" for each in amounts]
