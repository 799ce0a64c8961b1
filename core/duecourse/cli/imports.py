"""Taking in portfolios and payments from files."""

import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from duecourse.case.context import Actor
from duecourse.cli.settings import ReadSettings
from duecourse.flow.house import House
from duecourse.intake.importer import import_payments, import_portfolio
from duecourse.intake.mapping import MappingError, load_mapping
from duecourse.intake.report import ImportReport

IMPORTER = Actor("import", "operator")


@click.group("import")
def import_() -> None:
    """Take in a lender's files. A bad row is reported and the good ones are kept."""


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False)),
        click.option(
            "--mapping",
            help="For foreign headers: a TOML file, or the name of a packaged mapping.",
        ),
        click.option(
            "--errors",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Where bad rows are reported. Default: FILE.errors.csv beside FILE.",
        ),
        click.option(
            "--as-of",
            type=click.DateTime(["%Y-%m-%d"]),
            help="The day of the import. Default: today.",
        ),
        click.option("--delimiter", default=",", show_default=True),
        click.pass_obj,
    ):
        command = option(command)
    return command


@import_.command()
@_options
def portfolio(settings: ReadSettings, **options: Any) -> None:  # noqa: ANN401 - click's own
    """Open a case for every borrower in FILE (CSV or JSON lines; columns: docs/import.md)."""
    _run(settings, import_portfolio, **options)


@import_.command()
@_options
def payments(settings: ReadSettings, **options: Any) -> None:  # noqa: ANN401 - click's own
    """Record every payment in FILE on its case."""
    _run(settings, import_payments, **options)


def _run(
    settings: ReadSettings,
    take_in: Callable[..., ImportReport],
    *,
    file: Path,
    mapping: str | None,
    errors: Path | None,
    as_of: datetime | None,
    delimiter: str,
) -> None:
    try:
        found = load_mapping(mapping) if mapping else None
    except MappingError as wrong:
        raise click.ClickException(str(wrong)) from wrong
    with House.open(settings(), upgrade=True) as house, _bar() as bar:
        today: date = house.clock().astimezone().date()
        task = bar.add_task(file.name, total=file.stat().st_size)
        try:
            report = take_in(
                file,
                house.engine,
                house.vault,
                IMPORTER,
                as_of=as_of.date() if as_of else today,
                errors_path=errors or file.with_name(f"{file.name}.errors.csv"),
                mapping=found,
                delimiter=delimiter,
                progress=lambda done, size: bar.update(task, completed=done, total=size),
            )
        except (MappingError, ValueError, OSError) as wrong:
            raise click.ClickException(str(wrong)) from wrong
    _show(report)
    sys.exit(1 if report.refused else 0)


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def _show(report: ImportReport) -> None:
    for problem in report.refused:
        click.echo(f"refused: {problem.problem} {problem.fix}", err=True)
    click.echo(f"rows read          {report.rows_read}")
    click.echo(f"processed          {report.processed}")
    click.echo(f"  accepted         {report.accepted} ({report.unchanged} unchanged)")
    for reason, count in sorted(report.skipped.items()):
        click.echo(f"  skipped          {count} ({reason})")
    click.echo(f"rejected           {report.rejected}")
    click.echo(f"cases opened       {report.cases_opened}")
    click.echo(f"debts placed       {report.debts_placed}")
    click.echo(f"payments recorded  {report.payments_recorded}")
    click.echo(f"changes            {report.changes}")
    for warning, count in sorted(report.warnings.items()):
        click.echo(f"warning            {count}: {warning}")
    if report.problems:
        click.echo(f"problems           {report.problems}, each with its fix: {report.errors_path}")
    click.echo(f"seconds            {report.seconds:.1f}")
