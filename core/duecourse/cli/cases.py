"""One case on the terminal: its state, its timeline, and its replay."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

import msgspec
import rich_click as click
from rich.console import Console
from rich.table import Table

from duecourse.case.evolve import evolve
from duecourse.case.state import Case
from duecourse.cli.settings import ReadSettings
from duecourse.flow.house import House
from duecourse.store.engine import Recorded


@click.group()
def case() -> None:
    """Look at one case."""


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
        raise click.ClickException("the case had not been opened by then")
    click.echo(_pretty(state))


@case.command()
@click.argument("case_id", type=click.UUID)
@click.pass_obj
def timeline(settings: ReadSettings, case_id: UUID) -> None:
    """Print what happened, one line an event."""
    table = Table("#", "when", "what", "who", "details", show_edge=False)
    for recorded, _ in _replayed(settings, case_id, None):
        event = recorded.event
        table.add_row(
            str(recorded.version),
            event.at.strftime("%Y-%m-%d %H:%M"),
            type(event).__name__,
            recorded.actor.id,
            _gist(event),
        )
    Console().print(table)


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
    with House.open(settings()) as house:
        history = house.engine.history(case_id, until_version=version)
    if not history:
        raise click.ClickException(f"there is no case {case_id}")
    state: Case | None = None
    for recorded in history:
        state = evolve(state, recorded.event)
        yield recorded, state


def _pretty(state: Case) -> bytes:
    return msgspec.json.format(msgspec.json.encode(state), indent=2)


def _gist(event: object) -> str:
    """The fields of an event on one line, short values only."""
    fields = msgspec.to_builtins(event)
    shown = {
        key: value
        for key, value in fields.items()
        if key not in {"type", "at"} and isinstance(value, str | int | bool) and value != ""
    }
    return ", ".join(f"{key}={str(value)[:40]}" for key, value in shown.items())
