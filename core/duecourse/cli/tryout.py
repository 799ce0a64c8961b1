"""`duecourse demo`: the whole thing on this machine, in about a minute."""

import json
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import rich_click as click
from rich.console import Console
from rich.panel import Panel

from duecourse.cli.backtest_text import Asked, headline, markdown
from duecourse.cli.plugin_settings import own_plugins
from duecourse.cli.rules import book_of
from duecourse.flow.backtest import Backtest, Question
from duecourse.store.histories import histories_of

if TYPE_CHECKING:
    from duecourse.demo.drive import Demo

_SHOWN_RULES: Final = 4


@click.command()
@click.option("--once", is_flag=True, help="Tell the story, print the summary, and exit.")
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".demo"),
    show_default=True,
    help="Folder of the demo; delete it to begin anew.",
)
@click.option("--borrowers", default=500, show_default=True, type=click.IntRange(0, 100_000))
@click.option(
    "--real-accounts",
    default=1_000,
    show_default=True,
    type=click.IntRange(0, 20_000),
    help="Accounts of the UCI credit-card file, where it lies beside the project.",
)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--channel",
    "own",
    multiple=True,
    metavar="MEDIUM=PLUGIN",
    help="Send sms, email or letter through this installed plugin, not through ours. Repeatable.",
)
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="MEDIUM.KEY=VALUE",
    help="A setting of such a plugin. Repeatable.",
)
def demo(
    *,
    once: bool,
    data: Path,
    borrowers: int,
    real_accounts: int,
    port: int,
    own: Sequence[str],
    changes: Sequence[str],
) -> None:
    """Import fictional borrowers, remind them within the rules, and tell eight stories.

    Everything runs on this machine: an embedded PostgreSQL, an SMS gateway, a mail sink, the
    API and the worker. A second run on the same data repeats nothing.
    """
    try:
        from duecourse.demo.drive import Options, running  # noqa: PLC0415 - needs an extra
        from duecourse.demo.setting import OwnPlugin  # noqa: PLC0415 - as above
    except ModuleNotFoundError as missing:
        raise click.ClickException(f"{missing}; install duecourse[demo]") from missing
    console = Console(soft_wrap=True)
    options = Options(
        data=data,
        borrowers=borrowers,
        real_accounts=real_accounts,
        api_port=port,
        own={
            medium: OwnPlugin(use, table)
            for medium, (use, table) in own_plugins(own, changes).items()
        },
    )
    console.print(
        Panel(
            "DEMO: every person in it is fictional; it listens on 127.0.0.1 only.\n"
            f"Data in {data} (delete it to begin anew).",
            expand=False,
        )
    )
    with running(options, console) as started:
        _run(started, console)
        if not once:
            _go_on(started, console)


def _run(started: "Demo", console: Console) -> None:
    for report in started.take_in():
        console.print(
            f"imported: {report.processed} rows, {report.cases_opened} cases opened,"
            f" {report.unchanged} unchanged, {report.rejected} rejected"
        )
    with console.status("") as status:
        started.play(lambda now: status.update(f"{now:%d %b %Y %H:%M} UTC"))
        status.update("waiting for the last receipts")
        started.until_receipts_are_in()
    from duecourse.demo.summary import show  # noqa: PLC0415 - as above

    summary = started.summary()
    show(summary, console, started.sent_by_own(summary))
    judged_again = _back_test(started, console)
    config, case_id = started.setting.config, started.case_id("plan-kept")
    console.print("\nLook at a case:")
    for what in ("timeline", "replay", "show"):
        console.print(f"  .venv/bin/duecourse --config {config} case {what} {case_id}")
    console.print(f"\nThe whole back-test is in {judged_again}; make it yourself:")
    console.print(
        f"  .venv/bin/duecourse --config {config} rules backtest --baseline cn --pack us --place US"
    )


def _back_test(started: "Demo", console: Console) -> Path:
    """Ask the American rules about every contact of the demo, beside the Chinese ones.

    Returns the file of the whole report.
    """
    house = started.house
    cn, us = (book_of((name,), house.rules) for name in ("cn", "us"))
    question = Question(book=us, baseline=cn, place="US")
    with histories_of(house.engine.log) as histories:
        report = Backtest(question).run(histories.read())
    asked = Asked.of(question, histories.position, as_if_in_force=False)
    file = started.setting.folder / "backtest-cn-us.md"
    file.write_text(markdown(asked, report), encoding="utf-8")
    console.print(
        f"\nThe US pack beside the China pack, as if all of them lived there:\n  {headline(report.total)}"
    )
    refusing = [group for group in report.by_rule if group.counts.newly_refused]
    for group in refusing[:_SHOWN_RULES]:
        console.print(f"  {group.counts.newly_refused:6,} by {group.name}: {group.says}")
    return file


def _go_on(started: "Demo", console: Console) -> None:
    """Serve until interrupted; a minute of the demo's clock passes every second."""
    setting = started.setting
    keys: dict[str, str] = json.loads(setting.keys.read_text())
    case_id = started.case_id("plan-kept")
    console.print(f"\nAPI       {setting.api_url}")
    console.print(f"OpenAPI   {setting.api_url}/schema/openapi.json")
    for role, key in keys.items():
        console.print(f"key       {role:10} {key}")
    console.print("\nAsk the API:")
    console.print(
        f"  curl -s -H 'Authorization: Bearer {keys['collector']}' {setting.api_url}/cases?limit=5"
    )
    console.print(
        f"  curl -s -H 'Authorization: Bearer {keys['collector']}'"
        f" '{setting.api_url}/cases/{case_id}/contact-permission?channel=call'"
    )
    console.print("\nA minute of the demo passes every second. Stop with Ctrl-C.")
    try:
        while True:
            time.sleep(1)
            started.keep_alive()
            started.clock.advance(started.clock() + timedelta(minutes=1))
    except KeyboardInterrupt:
        console.print("stopping")
