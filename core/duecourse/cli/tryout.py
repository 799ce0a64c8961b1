"""`duecourse demo`: the whole thing on this machine, in about a minute."""

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click
from rich.console import Console
from rich.panel import Panel

if TYPE_CHECKING:
    from duecourse.demo.drive import Demo


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
def demo(*, once: bool, data: Path, borrowers: int, real_accounts: int, port: int) -> None:
    """Import fictional borrowers, remind them within the rules, and tell six stories.

    Everything runs on this machine: an embedded PostgreSQL, an SMS gateway, a mail sink, the
    API and the worker. A second run on the same data repeats nothing.
    """
    try:
        from duecourse.demo.drive import Options, running  # noqa: PLC0415 - needs an extra
    except ModuleNotFoundError as missing:
        raise click.ClickException(f"{missing}; install duecourse[demo]") from missing
    console = Console(soft_wrap=True)
    options = Options(data=data, borrowers=borrowers, real_accounts=real_accounts, api_port=port)
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

    show(started.summary(), console)
    config, case_id = started.setting.config, started.case_id("plan-kept")
    console.print("\nLook at a case:")
    for what in ("timeline", "replay", "show"):
        console.print(f"  .venv/bin/duecourse --config {config} case {what} {case_id}")


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
