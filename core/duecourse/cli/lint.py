"""`duecourse lint`: what may not be said, before it is sent."""

import io
import re
from typing import Final, Literal, get_args

import rich_click as click

from duecourse.case.words import Stage
from duecourse.cli.tables import show
from duecourse.rules.lint import LintFacts, LintLanguage
from duecourse.rules.lint import lint as read
from duecourse.rules.lint_text import is_han

_DECIMAL: Final = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,4})?", re.ASCII)


def _decimals(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    for each in given:
        if not _DECIMAL.fullmatch(each):
            raise click.BadParameter(f"{each!r} is not an amount; write it like 1250.00")
    return given


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option(
    "--language",
    type=click.Choice(["zh", "en"]),
    help="Whose findings come first; both are looked for. Default: zh where there are Han letters.",
)
@click.option("--stage", type=click.Choice(get_args(Stage)), help="Where the case stands.")
@click.option(
    "--referral",
    type=click.Choice(["none", "proposed", "approved", "filed"]),
    default="none",
    show_default=True,
    help="How far its legal referral is.",
)
@click.option("--time-barred", is_flag=True, help="The debt is time-barred.")
@click.option(
    "--amount",
    "amounts",
    multiple=True,
    metavar="DECIMAL",
    callback=_decimals,
    help="An amount of the case, such as 1250.00; any other is then a finding. Repeatable.",
)
@click.pass_context
def lint(
    context: click.Context,
    file: io.BufferedReader,
    *,
    language: LintLanguage | None,
    stage: str | None,
    referral: Literal["none", "proposed", "approved", "filed"],
    amounts: tuple[str, ...],
    time_barred: bool,
) -> None:
    """Read the message in FILE (- is standard input) and list what it must not say.

    Exits with 1 when there is anything.
    """
    text = file.read().decode("utf-8", "replace")
    facts = LintFacts(
        stage=stage or "",
        referral=referral,
        time_barred=time_barred,
        amounts=frozenset(amounts) or None,
    )
    found = read(text, language or ("zh" if any(map(is_han, text)) else "en"), facts)
    if not found:
        click.echo("nothing found")
        return
    rows = (
        (
            each.id,
            each.kind,
            f"{each.where[0]}-{each.where[1]}",
            each.quote,
            each.says,
            each.citation,
            each.confidence,
        )
        for each in found
    )
    headers = ("rule", "kind", "where", "quote", "says", "citation", "confidence")
    show(headers, rows, ids=("rule",))
    context.exit(1)
