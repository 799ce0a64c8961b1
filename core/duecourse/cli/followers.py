"""What follows the log: how far it is, what it could not follow, and building it anew."""

import sys
from uuid import UUID

import msgspec
import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from duecourse.cli.settings import ReadSettings
from duecourse.cli.tables import show
from duecourse.flow.house import House
from duecourse.store.lag import Lag
from duecourse.store.parking import Parked
from duecourse.store.rebuild import Difference, Rebuilt
from duecourse.store.runner import Retried, Skipped

_SHOWN = 10


@click.group()
def followers() -> None:
    """Look after the followers of the log: views, timers and the like."""


@followers.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def list_(settings: ReadSettings, *, as_json: bool) -> None:
    """List how far each follower is behind, and what it has parked.

    A parked case is one that could not be followed; it is tried again by itself.
    """
    with House.open(settings()) as house:
        lags = house.runner().lag()
    if as_json:
        click.echo(msgspec.json.encode(lags))
        return
    headers = ("follower", "part", "position", "events behind", "seconds", "parked", "last error")
    show(headers, map(_lag_row, lags), ids=("follower",))


def _lag_row(lag: Lag) -> tuple[str, ...]:
    return (
        lag.name,
        f"{lag.part + 1} of {lag.parts}",
        str(lag.position),
        str(lag.events),
        f"{lag.seconds:.1f}",
        f"{lag.parked}, for {lag.parked_seconds:.0f} s" if lag.parked else "0",
        lag.last_error,
    )


@followers.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def parked(settings: ReadSettings, name: str, *, as_json: bool) -> None:
    """List the cases that NAME has parked, the one that waits longest first."""
    with House.open(settings()) as house:
        found = house.runner().parked(name)
    if as_json:
        for each in found:
            click.echo(msgspec.json.encode(each))
        return
    headers = ("case", "from version", "position", "attempts", "next try", "error")
    show(headers, map(_parked_row, found), ids=("case",))


def _parked_row(parked: Parked) -> tuple[str, ...]:
    return (
        str(parked.case_id),
        str(parked.version),
        str(parked.position),
        str(parked.attempts),
        parked.next_try_at.isoformat(timespec="seconds"),
        parked.error,
    )


@followers.command()
@click.argument("name")
@click.argument("case_id", type=click.UUID, required=False)
@click.pass_obj
def retry(settings: ReadSettings, name: str, case_id: UUID | None) -> None:
    """Try a parked case of NAME again now, or all of them. Exits with 1 if one fails again."""
    with House.open(settings()) as house:
        tried = house.runner().retry(name, case_id)
    for each in tried:
        click.echo(_said(each))
    if not tried:
        click.echo("nothing is parked")
    sys.exit(1 if any(each.failure for each in tried) else 0)


def _said(tried: Retried) -> str:
    if tried.failure is None:
        return f"case {tried.case_id}: caught up, {tried.events} events"
    return (
        f"case {tried.case_id}: still parked at version {tried.failure.version},"
        f" {tried.failure.error}"
    )


@followers.command()
@click.argument("name")
@click.argument("case_id", type=click.UUID)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def skip(settings: ReadSettings, name: str, case_id: UUID, *, yes: bool) -> None:
    """Give up what NAME has not followed of a parked case, up to now.

    The events stay in the log; only NAME will not have seen them. Better mend the cause and retry.
    """
    with House.open(settings()) as house:
        runner = house.runner()
        _show_skipped(name, runner.skipping(name, case_id))
        if not yes:
            click.confirm("Skip them?", abort=True)
        done = runner.skip(name, case_id)
    click.echo(f"skipped {len(done.versions)} events up to position {done.position}")


def _show_skipped(name: str, skipped: Skipped) -> None:
    click.echo(f"{name} will never see these events of case {skipped.case_id}:")
    pairs = list(zip(skipped.versions, skipped.topics, strict=True))
    for version, topic in pairs[:_SHOWN]:
        click.echo(f"  version {version}  {topic}")
    if len(pairs) > _SHOWN:
        click.echo(f"  and {len(pairs) - _SHOWN} more, up to version {skipped.versions[-1]}")


@followers.command()
@click.argument("name")
@click.option("--from-start", is_flag=True, required=True, help="From the first event on.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def restart(settings: ReadSettings, name: str, *, from_start: bool, yes: bool) -> None:
    """Let NAME follow the whole history again; effects it has outside are repeated."""
    assert from_start, "click requires the option"
    if not yes:
        click.confirm(f"Give {name} every event since the first one again?", abort=True)
    with House.open(settings()) as house:
        house.runner().restart(name)
    click.echo(f"{name} begins again with the first event")


@followers.command()
@click.argument("name")
@click.option("--switch", is_flag=True, help="Make the live rows what the replay made.")
@click.pass_obj
def rebuild(settings: ReadSettings, name: str, *, switch: bool) -> None:
    """Build the tables of NAME anew beside the live ones, and compare.

    The live tables are served and followed meanwhile. Exits with 1 if they differ and were not
    switched.
    """
    with House.open(settings()) as house, _bar() as bar:
        task = bar.add_task(name, total=None)
        built = house.rebuild(name).run(
            switch=switch, progress=lambda at, end: bar.update(task, completed=at, total=end)
        )
    _show_rebuilt(built)
    differs = bool(built.failures) or any(each.total for each in built.tables)
    sys.exit(1 if differs and not built.switched else 0)


def _show_rebuilt(built: Rebuilt) -> None:
    headers = ("table", "rows", "missing", "surplus", "changed", "for example")
    show(headers, map(_difference_row, built.tables), ids=("table",))
    for failure in built.failures[:_SHOWN]:
        click.echo(f"case {failure.case_id} version {failure.version}: {failure.error}", err=True)
    if built.failures:
        click.echo(f"{len(built.failures)} cases cannot be replayed", err=True)
    click.echo(
        f"compared at position {built.position};"
        f" {'the live rows were switched' if built.switched else 'nothing was switched'}"
    )


def _difference_row(each: Difference) -> tuple[str, ...]:
    counts = (each.rows, each.missing, each.surplus, each.changed)
    return (each.table, *map(str, counts), ", ".join(each.keys))


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
