"""Papers of a case as PDF files."""

from collections.abc import Callable
from pathlib import Path
from typing import get_args
from uuid import UUID

import rich_click as click

from duecourse.case.errors import CaseNotFound, Unknown
from duecourse.case.words import Language
from duecourse.cli.cases import no_such_case
from duecourse.cli.settings import ReadSettings
from duecourse.documents import DocumentError, page_count
from duecourse.flow.house import House
from duecourse.papers.agreement import print_agreement
from duecourse.papers.form import PaperProblem

PdfFile = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("case_id", type=click.UUID)
@click.argument("plan_id", type=click.UUID)
@click.option("--pdf", "file", type=PdfFile, required=True, help="Where to write it.")
@click.option("--language", type=click.Choice(get_args(Language)), help="Default: the debtor's.")
@click.pass_obj
def agreement(
    settings: ReadSettings, case_id: UUID, plan_id: UUID, file: Path, language: Language | None
) -> None:
    """Write the agreement of a plan, or the offer of it, as PDF/A to be signed."""
    try:
        with House.open(settings()) as house:
            case = house.engine.load(case_id).case
            details = house.settings.creditors.get(case.creditor)
            treatment, now = house.treatment, max(house.clock(), case.at)
    except CaseNotFound as missing:
        raise no_such_case(case_id) from missing
    try:
        write_pdf(
            file,
            lambda: print_agreement(
                case_id,
                case,
                plan_id,
                treatment,
                details=details,
                language=language,
                on=case.today(now),
            ),
        )
    except Unknown as missing:
        raise click.ClickException(f"PLAN_ID: {missing}; `duecourse case show` has them") from None


def write_pdf(file: Path, made: Callable[[], bytes]) -> None:
    """Nothing is written where the paper cannot be made. A new file is its owner's alone."""
    try:
        pdf = made()
    except (PaperProblem, DocumentError) as wrong:
        raise click.ClickException(str(wrong)) from wrong
    try:
        file.touch(mode=0o600)
        file.write_bytes(pdf)
    except OSError as wrong:
        raise click.ClickException(
            f"--pdf: {file} cannot be written: {wrong.strerror}; name another file"
        ) from wrong
    pages = page_count(pdf)
    click.echo(f"{file}: {pages} page{'s' if pages > 1 else ''}")
