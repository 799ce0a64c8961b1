"""`duecourse rules backtest`: the past contact decisions under other rules."""

import re
from datetime import datetime
from pathlib import Path
from typing import Final, NoReturn

import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from duecourse.cli.backtest_text import Asked, as_text, headline, markdown
from duecourse.cli.rules import book_of, rulebook
from duecourse.cli.settings import ReadSettings
from duecourse.flow.backtest import Backtest, Question
from duecourse.flow.house import House
from duecourse.rules.backtest import Report, as_if_always
from duecourse.rules.clock import find_zone
from duecourse.rules.pack import EVERYWHERE, RuleBook
from duecourse.rules.toml_files import BadFile
from duecourse.settings import Settings
from duecourse.store.histories import histories_of

RECORDED: Final = "recorded"
_PLACE: Final = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")
_MOST_NAMED: Final = 10
_DAY: Final = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option(
    "--pack",
    "packs",
    multiple=True,
    metavar="NAME|FILE",
    help="The rules to ask: a pack that is installed, or one of your own. May be given again."
    " They take the place of the whole book but its core. Default: all installed.",
)
@click.option(
    "--baseline",
    "baselines",
    multiple=True,
    metavar="recorded|NAME|FILE",
    help="What to compare with: the answers that were given then (the default), or those of"
    " other packs. May be given again.",
)
@click.option("--since", type=_DAY, metavar="DATE", help="From this day on: 2026-03-02.")
@click.option("--until", type=_DAY, metavar="DATE", help="Up to and including this day.")
@click.option("--creditor", default="", metavar="NAME", help="Only the cases of this creditor.")
@click.option(
    "--place",
    default="",
    metavar="ISO3166",
    help="Ask --pack as if every debtor lived there: US, US-MA. The clock stays their own.",
)
@click.option(
    "--tz",
    "time_zone",
    default="",
    metavar="ZONE",
    help="And by this clock: America/New_York. The moments stay, so noon may become midnight.",
)
@click.option(
    "--as-if-in-force",
    is_flag=True,
    help="Ask the packs also about days on which they were not in force.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs; with every case.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the report to this file. Default: to standard output.",
)
@click.pass_obj
def backtest(
    settings: ReadSettings,
    *,
    packs: tuple[str, ...],
    baselines: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    creditor: str,
    place: str,
    time_zone: str,
    as_if_in_force: bool,
    as_json: bool,
    out: Path | None,
) -> None:
    """Ask other rules about every contact that was ever asked for.

    Each is judged on what was known at its moment, whatever came later. Nothing is written and
    nobody contacted; a worker may run meanwhile. docs/rules.md says how to read the report.
    """
    _check_days(since, until)
    _check_file(out)
    try:
        question = Question(
            book=_book(settings, packs, "--pack", is_dated=not as_if_in_force),
            baseline=_baseline(settings, baselines, is_dated=not as_if_in_force),
            since=since.date() if since else None,
            until=until.date() if until else None,
            creditor=creditor,
            place=place,
            time_zone=time_zone,
        )
    except BadFile as bad:
        raise click.UsageError(str(bad)) from bad
    _check_place(question)
    report, position = _run(settings(), question)
    asked = Asked.of(question, position, as_if_in_force=as_if_in_force)
    text = as_text(asked, report) if as_json else markdown(asked, report)
    if out is None:
        click.echo(text)
    else:
        out.write_text(f"{text}\n", encoding="utf-8")
        click.echo(f"{headline(report.total)} The report is in {out}.")


def _book(
    settings: ReadSettings, names: tuple[str, ...], option: str, *, is_dated: bool
) -> RuleBook:
    book = book_of(names, rulebook(settings), option)
    return book if is_dated else as_if_always(book)


def _baseline(settings: ReadSettings, names: tuple[str, ...], *, is_dated: bool) -> RuleBook | None:
    """The packs to compare with; None for what was recorded."""
    if set(names) <= {RECORDED}:
        return None
    if RECORDED in names:
        _wrong("--baseline", "both the record and packs are named", "choose the one or the others")
    return _book(settings, names, "--baseline", is_dated=is_dated)


def _check_days(since: datetime | None, until: datetime | None) -> None:
    if since is not None and until is not None and until < since:
        _wrong("--until", "is before --since", "name the later day")


def _check_file(out: Path | None) -> None:
    """Before the work, not after it."""
    if out is not None and not out.parent.is_dir():
        _wrong("--out", f"there is no folder {str(out.parent)!r}", "make it, or name another one")


def _check_place(question: Question) -> None:
    place, time_zone = question.place, question.time_zone
    if place and not _PLACE.fullmatch(place):
        _wrong("--place", f"{place!r} is no place", "write it as ISO 3166 does: US, or US-MA")
    if place and not question.book.law_of(place):
        known = sorted({p.jurisdiction for p in question.book.packs} - {EVERYWHERE})
        _wrong(
            "--place",
            f"none of the packs asked is the law of {place}",
            f"add its --pack, or take one of {', '.join(known) or 'no place at all'}",
        )
    if time_zone and find_zone(time_zone) is None:
        _wrong(
            "--tz",
            f"there is no time zone {time_zone!r}",
            "use an IANA name, such as America/New_York",
        )


def _run(settings: Settings, question: Question) -> tuple[Report, int]:
    test = Backtest(question)
    with House.open(settings) as house, histories_of(house.engine.log) as histories, _bar() as bar:
        task = bar.add_task("events", total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        report = test.run(histories.read(None if bar.disable else show))
        position = histories.position
    if question.creditor and question.creditor not in test.creditors:
        known = sorted(test.creditors)[:_MOST_NAMED]
        _wrong(
            "--creditor",
            f"no case is of {question.creditor!r}",
            f"there are {', '.join(known)}" if known else "there are no cases at all",
        )
    return report, position


def _bar() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )


def _wrong(field: str, what: str, fix: str) -> NoReturn:
    raise click.UsageError(f"{field}: {what}; {fix}")
