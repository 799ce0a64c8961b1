"""What protects a debtor, on the terminal: until when a court may be asked, and what may help."""

from collections.abc import Iterator
from datetime import date, datetime
from uuid import UUID

import msgspec
import rich_click as click

from duecourse.case.arrears import options as options_of
from duecourse.case.errors import CaseNotFound
from duecourse.cli.cases import no_such_case
from duecourse.cli.settings import ReadSettings
from duecourse.cli.tables import show as show_table
from duecourse.flow.house import House
from duecourse.views.limitation import DebtLimitation, debt_limitations


@click.command()
@click.argument("case_id", type=click.UUID)
@click.option(
    "--on",
    type=click.DateTime(["%Y-%m-%d"]),
    help="As it stands on this day. Default: today on the debtor's clock.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a debt.")
@click.pass_obj
def limitation(
    settings: ReadSettings, case_id: UUID, on: datetime | None, *, as_json: bool
) -> None:
    """Until when each debt can be taken to court, by which law, and what moved that day."""
    try:
        with House.open(settings()) as house:
            history = [each.event for each in house.engine.history(case_id)]
            state = house.engine.load(case_id).case
            now = house.clock()
    except CaseNotFound as missing:
        raise no_such_case(case_id) from missing
    today = state.today(max(now, state.at)) if on is None else on.date()
    language = state.debtor.language
    for number, each in enumerate(debt_limitations(history, today)):
        if as_json:
            click.echo(msgspec.json.encode(each))
            continue
        if number:
            click.echo("")
        for line in _in_words(each):
            click.echo(line)
        click.echo(f"  {each.for_borrower.into(language)}")


def _in_words(found: DebtLimitation) -> Iterator[str]:
    status = found.status or "not known"
    until = f", last day {_day(found.expires_on)}" if found.status else ""
    yield f"debt {found.debt_id}: {status}{until}"
    if found.recorded_on is not None:
        yield f"  recorded by the creditor: {found.recorded_on}"
    clock = found.clock
    if clock is None:
        yield "  no law of limitation is recorded for this place; the terms of the debt can name one"
        return
    yield f"  {clock.title} ({clock.citation}), since {clock.began_on}"
    for step in clock.steps:
        versions = [f"event {n}" for key in step.evidence for n in found.evidence.get(key, ())]
        proof = f" [{', '.join(versions)}]" if versions else ""
        act = step.act.replace("_", " ")
        yield f"  {step.on} {act}: {step.says} ({step.citation}){proof}"
    for would in clock.would_restart:
        yield f"  careful: {would.says} ({would.citation})"
    if found.next_warning_on is not None:
        yield f"  next warning on {found.next_warning_on}"


def _day(day: date | None) -> str:
    return "open" if day is None else day.isoformat()


@click.command()
@click.argument("case_id", type=click.UUID)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a suggestion.")
@click.pass_obj
def options(settings: ReadSettings, case_id: UUID, *, as_json: bool) -> None:
    """What may help this debtor, by the reasons they gave. Suggestions; a person decides."""
    try:
        with House.open(settings()) as house:
            state = house.engine.load(case_id).case
    except CaseNotFound as missing:
        raise no_such_case(case_id) from missing
    found = options_of(state)
    if as_json:
        for each in found:
            click.echo(msgspec.json.encode(each))
        return
    chinese = state.debtor.language == "zh"
    rows = (
        (
            each.do + (" (under way)" if each.is_done else ""),
            each.reason.replace("_", " "),
            each.zh if chinese else each.en,
            each.source,
        )
        for each in found
    )
    show_table(("option", "reason given", "what it is", "source"), rows)
