"""Money that came in and fits no case: what waits, and what a person says it is."""

from uuid import UUID

import msgspec
import rich_click as click

from duecourse.case.context import Actor
from duecourse.case.errors import CaseError, CaseNotFound
from duecourse.cli.settings import ReadSettings
from duecourse.cli.tables import show
from duecourse.flow.house import House
from duecourse.intake.posting import Bank, Choice, match_by_person
from duecourse.money.amounts import format_minor
from duecourse.store.bank_entries import MAX_PAGE, Waiting

PERSON = Actor("cli", "operator")


@click.group()
def payments() -> None:
    """Look after payments that fit no case."""


@payments.command()
@click.option("--limit", default=MAX_PAGE, show_default=True, type=click.IntRange(1, MAX_PAGE))
@click.option("--texts", is_flag=True, help="With name, account and words of the payer.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def unmatched(settings: ReadSettings, limit: int, *, texts: bool, as_json: bool) -> None:
    """List what bank files said and no rule was sure about, longest waiting first."""
    with House.open(settings()) as house:
        rows = Bank(house.engine, house.database, house.vault).entries.waiting(limit)
    if as_json:
        for row in rows:
            plain = msgspec.to_builtins(row)
            if not texts:
                del plain["remitter"]
            click.echo(msgspec.json.encode(plain))
        return
    headers = ("entry", "what", "value", "amount", "reason", "candidates")
    more = ("payer", "account", "text") if texts else ()
    show((*headers, *more), [_row(row, texts=texts) for row in rows], ids=("entry",))


def _row(row: Waiting, *, texts: bool) -> tuple[str, ...]:
    cells = (
        str(row.entry_id),
        row.what,
        row.value_on.isoformat(),
        f"{format_minor(row.amount_minor, row.currency)} {row.currency}",
        row.reason,
        " ".join(map(str, row.candidates)),
    )
    payer = row.remitter
    return (*cells, payer.name, payer.account, payer.text) if texts else cells


@payments.command()
@click.argument("entry_id", metavar="ENTRY", type=click.UUID)
@click.argument("case_id", metavar="CASE", type=click.UUID)
@click.option("--debt", "debt_id", type=click.UUID, help="The debt that the payer meant.")
@click.option("--payment", "payment_id", default="", help="Of a return: the payment it takes back.")
@click.option("--refund", "refund_id", default="", help="Of our own money: the refund it was.")
@click.pass_obj
def match(
    settings: ReadSettings,
    *,
    entry_id: UUID,
    case_id: UUID,
    debt_id: UUID | None,
    payment_id: str,
    refund_id: str,
) -> None:
    """Say that ENTRY of the queue belongs to CASE, and post it. Again changes nothing."""
    choice = Choice(case_id=case_id, debt_id=debt_id, payment_id=payment_id, refund_id=refund_id)
    with House.open(settings()) as house:
        bank = Bank(house.engine, house.database, house.vault)
        try:
            done = match_by_person(bank, PERSON, entry_id, choice)
        except CaseNotFound as missing:
            words = f"there is no case {case_id}; `duecourse case list` has them"
            raise click.ClickException(words) from missing
        except CaseError as refused:
            raise click.ClickException(
                f"{refused}; see `duecourse payments unmatched`"
            ) from refused
    click.echo("posted" if done.events else "it was posted already")
