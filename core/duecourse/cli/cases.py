"""One case on the terminal: its state, its timeline, and its replay."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, get_args
from uuid import UUID

import msgspec
import rich_click as click

from duecourse.case.errors import CaseNotFound
from duecourse.case.evolve import evolve
from duecourse.case.state import Case
from duecourse.case.words import Stage
from duecourse.cli.settings import ReadSettings
from duecourse.cli.tables import show as show_table
from duecourse.flow.house import House
from duecourse.money.amounts import format_minor
from duecourse.store.engine import Recorded
from duecourse.store.worklist import Filters, Worklist
from duecourse.views.worklist import WorklistRow

MOST_WORDS: Final = 40


@click.group()
def case() -> None:
    """Look at one case."""


@case.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 200))
@click.option("--stage", type=click.Choice(get_args(Stage)))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def list_(settings: ReadSettings, limit: int, stage: Stage | None, *, as_json: bool) -> None:
    """List the worklist: no names, only what there is to do."""
    with House.open(settings()) as house:
        house.runner().catch_up()
        rows = Worklist(house.database).page(Filters(stage=stage), limit)
    if as_json:
        for row in rows:
            click.echo(msgspec.json.encode(row))
        return
    headers = ("case", "creditor", "stage", "outstanding", "next step", "attention")
    show_table(headers, map(_line, rows), ids=("case", "creditor"))


def _line(row: WorklistRow) -> tuple[str, ...]:
    amount = f"{format_minor(row.outstanding_minor, row.currency)} {row.currency}"
    step = f"{row.next_step} {row.next_step_at:%Y-%m-%d}" if row.next_step_at else ""
    return str(row.case_id), row.creditor, row.stage, amount, step, ", ".join(row.attention)


@case.command()
@click.argument("case_id", type=click.UUID)
@click.option("--version", type=click.IntRange(min=1), help="As it was after this event.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]), help="As it was then.")
@click.pass_obj
def show(
    settings: ReadSettings, case_id: UUID, version: int | None, as_of: datetime | None
) -> None:
    """Print the state of a case as JSON, now or as it was."""
    state: Case | None = None
    for recorded, after in _replayed(settings, case_id, version):
        if as_of is not None and recorded.event.at > as_of:
            break
        state = after
    if state is None:
        raise click.ClickException("the case had not been opened by then; give a later --as-of")
    click.echo(_pretty(state))


@case.command()
@click.argument("case_id", type=click.UUID)
@click.pass_obj
def timeline(settings: ReadSettings, case_id: UUID) -> None:
    """Print what happened, one line an event."""
    rows = (
        (
            str(recorded.version),
            recorded.event.at.strftime("%Y-%m-%d %H:%M"),
            type(recorded.event).__name__,
            recorded.actor.id,
            _gist(recorded.event),
        )
        for recorded, _ in _replayed(settings, case_id, None)
    )
    show_table(("#", "when", "what", "who", "details"), rows, ids=("#",))


@case.command()
@click.argument("case_id", type=click.UUID)
@click.option("--version", type=click.IntRange(min=1), help="Stop after this event.")
@click.pass_obj
def replay(settings: ReadSettings, case_id: UUID, version: int | None) -> None:
    """Print each event and the state of the case after it, as JSON lines.

    Nothing is sent and nothing is written: the state is computed from the events alone.
    """
    for recorded, state in _replayed(settings, case_id, version):
        line = {
            "version": recorded.version,
            "recorded_at": recorded.recorded_at,
            "actor": recorded.actor,
            "command_id": recorded.command_id,
            "causation": recorded.causation,
            "event": recorded.event,
            "case": state,
        }
        click.echo(msgspec.json.encode(line))


def _replayed(
    settings: ReadSettings, case_id: UUID, version: int | None
) -> Iterator[tuple[Recorded, Case]]:
    try:
        with House.open(settings()) as house:
            history = house.engine.history(case_id, until_version=version)
    except CaseNotFound as missing:
        raise click.ClickException(
            f"there is no case {case_id}; `duecourse case list` has those that there are"
        ) from missing
    if version is not None and history[-1].version < version:
        raise click.ClickException(
            f"the case has no version {version}; give one from 1 to {history[-1].version}"
        )
    state: Case | None = None
    for recorded in history:
        state = evolve(state, recorded.event)
        yield recorded, state


def _pretty(state: Case) -> bytes:
    return msgspec.json.format(msgspec.json.encode(state), indent=2)


def _gist(event: object) -> str:
    """The fields of an event on one line; words are cut short, a code or an id never is."""
    fields = msgspec.to_builtins(event)
    shown = {
        key: value
        for key, value in fields.items()
        if key not in {"type", "at"} and isinstance(value, str | int | bool) and value != ""
    }
    return ", ".join(f"{key}={_short(str(value))}" for key, value in shown.items())


def _short(text: str) -> str:
    is_code = text.isascii() and " " not in text
    return text if is_code or len(text) <= MOST_WORDS else f"{text[:MOST_WORDS]}..."
