"""Taking in portfolios and payments from files."""

import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, get_args

import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from duecourse.case.context import Actor
from duecourse.cli.bank_summary import bank_lines
from duecourse.cli.settings import ReadSettings
from duecourse.flow.house import House
from duecourse.intake.bank import CamtSource, import_bank
from duecourse.intake.bank_csv import CsvSource
from duecourse.intake.bank_report import BankReport
from duecourse.intake.importer import import_payments, import_portfolio
from duecourse.intake.mapping import (
    Kind,
    MappingError,
    MappingKind,
    MappingNotFound,
    check_kind,
    load_mapping,
)
from duecourse.intake.mapping import Mapping as FileMapping
from duecourse.intake.posting import Bank
from duecourse.intake.report import ImportReport
from duecourse.intake.rows import Delimiter, form_of

IMPORTER: Final = Actor("import", "operator")
MOST_SHOWN: Final = 20
SOME_REJECTED: Final = 3
"""With --strict, the exit code when the good rows were taken in and there were bad ones."""
TAKE_IN: Final[Mapping[Kind, Callable[..., ImportReport]]] = {
    "portfolio": import_portfolio,
    "payments": import_payments,
}


@click.group("import")
def import_() -> None:
    """Take in a lender's files. A bad row is reported, and the good ones are kept."""


def _delimiter(_context: click.Context, _option: click.Parameter, given: str | None) -> str | None:
    if given in {"tab", "\\t"}:
        return "\t"
    if given is not None and given not in get_args(Delimiter):
        raise click.BadParameter(f"{given[:9]!r} is no delimiter; use a comma, ; | or tab")
    return given


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
        click.option(
            "--delimiter",
            callback=_delimiter,
            help="A comma, ; | or tab. It wins over the mapping's. Default: the mapping's, or a comma.",
        ),
        click.option("--strict", is_flag=True, help="For scripts: exit with 3 if rows were bad."),
        click.pass_obj,
    ):
        command = option(command)
    return command


@import_.command()
@_options
def portfolio(settings: ReadSettings, **options: Any) -> None:  # noqa: ANN401 - click's own
    """Open a case for every borrower in FILE (CSV or JSON lines; columns: docs/import.md)."""
    _run(settings, "portfolio", **options)


@import_.command()
@_options
def payments(settings: ReadSettings, **options: Any) -> None:  # noqa: ANN401 - click's own
    """Record every payment in FILE on its case."""
    _run(settings, "payments", **options)


@import_.command()
@_options
def bank(
    settings: ReadSettings,
    *,
    file: Path,
    mapping: str | None,
    errors: Path | None,
    as_of: datetime | None,
    delimiter: Delimiter | None,
    strict: bool,
) -> None:
    """Post what FILE says came in or went back: camt.053, camt.054, or CSV with columns of a bank.

    A --mapping or a --delimiter says that it is CSV. What fits no case for certain waits: see
    `duecourse payments unmatched`.
    """
    is_csv = bool(mapping or delimiter) or file.suffix.lower() == ".csv"
    found = _mapping(mapping, "bank") if mapping else None
    errors_path = _errors_path(file, errors)
    with House.open(settings.anew(), upgrade=True) as house, _bar() as bar:
        house.runner().catch_up()
        today: date = house.clock().astimezone().date()
        as_csv = partial(
            CsvSource,
            mapping=found,
            delimiter=delimiter,
            as_of=as_of.date() if as_of else today,
        )
        task = bar.add_task(file.name, total=file.stat().st_size)
        report = import_bank(
            file,
            Bank(house.engine, house.database, house.vault),
            IMPORTER,
            errors_path=errors_path,
            source=as_csv if is_csv else CamtSource,
            progress=lambda done, size: bar.update(task, completed=done, total=size),
        )
    if report.refused:
        raise click.ClickException(_refusal(file, report))
    for line in bank_lines(report):
        click.echo(line)
    _exit(report.fate("rejected").count, strict=strict)


def _run(
    settings: ReadSettings,
    kind: Kind,
    *,
    file: Path,
    mapping: str | None,
    errors: Path | None,
    as_of: datetime | None,
    delimiter: str | None,
    strict: bool,
) -> None:
    if delimiter is not None and form_of(file) == "json-lines":
        raise click.BadParameter("JSON lines have none; leave it out", param_hint="--delimiter")
    found = _mapping(mapping, kind) if mapping else None
    errors_path = _errors_path(file, errors)
    with House.open(settings.anew(), upgrade=True) as house, _bar() as bar:
        today: date = house.clock().astimezone().date()
        task = bar.add_task(file.name, total=file.stat().st_size)
        report = TAKE_IN[kind](
            file,
            house.engine,
            house.vault,
            IMPORTER,
            as_of=as_of.date() if as_of else today,
            errors_path=errors_path,
            mapping=found,
            delimiter=delimiter,
            progress=lambda done, size: bar.update(task, completed=done, total=size),
        )
    if report.refused:
        raise click.ClickException(_refusal(file, report))
    _show(report)
    _exit(report.rejected, strict=strict)


def _exit(rejected: int, *, strict: bool) -> None:
    """A script that asks for it sees that not all of the file was taken in."""
    if rejected and strict:
        sys.exit(SOME_REJECTED)


def _errors_path(file: Path, errors: Path | None) -> Path:
    errors_path = errors or file.with_name(f"{file.name}.errors.csv")
    if errors_path.exists() and errors_path.samefile(file):
        words = f"{errors_path} is the file to import; name another one for its errors"
        raise click.BadParameter(words, param_hint="--errors")
    return errors_path


def _mapping(name: str, kind: MappingKind) -> FileMapping:
    """Load it before anything else is begun."""
    try:
        mapping = load_mapping(name)
        check_kind(mapping, kind)
    except MappingNotFound as missing:
        raise click.BadParameter(str(missing), param_hint="--mapping") from missing
    except MappingError as wrong:
        words = str(wrong) if "; " in str(wrong) else f"{wrong}; docs/import.md shows the form"
        raise click.ClickException(f"the mapping {name}, {words}") from wrong
    return mapping


def _refusal(file: Path, report: ImportReport | BankReport) -> str:
    """One thing that is wrong on one line; more of them below it."""
    if len(report.refused) == 1:
        (only,) = report.refused
        # A field in brackets is no column but the whole of the file or its header.
        where = f"{file}" if only.field.startswith("(") else f"{file}, column {only.field}"
        return f"{where}: {only.problem}; {only.fix}"
    count = len(report.refused)
    what = f"{file}: {count} things are wrong with its header"
    fix = "mend them or give a --mapping (docs/import.md lists the columns)"
    lines = [f"  {each.field}: {each.problem}; {each.fix}" for each in report.refused[:MOST_SHOWN]]
    if count > MOST_SHOWN:
        lines.append(f"  and {count - MOST_SHOWN} more, in {report.errors_path}")
    return "\n".join((f"{what}; {fix}", *lines))


def _bar() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def _show(report: ImportReport) -> None:
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
