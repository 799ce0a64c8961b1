"""Writing, trying and listing what is plugged in."""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
import rich_click as click

from duecourse.channels import Channel
from duecourse.cli.plugin_settings import catalogue_of, plugin_called, split, typed
from duecourse.cli.settings import ReadSettings
from duecourse.cli.tables import show
from duecourse.contract import RESERVED, Plugin
from duecourse.loading import Role
from duecourse.plugins import Plugins
from duecourse.scaffold import CannotWrite, Plan, write
from duecourse.settings import Settings, Table


@click.group()
def plugins() -> None:
    """Channels and filing adapters."""


@plugins.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def list_plugins(settings: ReadSettings, *, as_json: bool) -> None:
    """List what is installed, what is in use, and what is broken and why: then it exits with 1."""
    read = settings.without_data()
    found = Plugins.discover(read.plugin_tables, read.plugins, folder=read.plugin_folder)
    listing = found.listing
    found.close()
    if as_json:
        click.echo(msgspec.json.encode(listing))
    else:
        rows = (
            (
                line.name,
                line.kind,
                line.instance,
                line.state,
                "isolated" if line.isolated else "",
                line.version,
                line.reason,
            )
            for line in listing
        )
        headers = ("plugin", "kind", "used as", "state", "runs", "version", "reason")
        show(headers, rows, ids=("plugin", "used as"))
    sys.exit(1 if any(line.state == "broken" for line in listing) else 0)


@plugins.command("check")
@click.argument("name")
@click.option(
    "--set",
    "changes",
    metavar="KEY=VALUE",
    multiple=True,
    help="A setting over those of the settings file, or of the plugin's `example`. Repeatable.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def check_plugin(
    settings: ReadSettings, name: str, changes: Sequence[str], *, as_json: bool
) -> None:
    """Try a channel or a filing adapter against its contract.

    NAME is one of the settings file, or a plugin's own name. It is run before peers and folders on
    this machine, and reaches nobody else: nothing is sent and nothing is filed. Exits with 1 on a
    failure.
    """
    from duecourse.testing.contract import check  # noqa: PLC0415 - only this command needs the kit

    read = settings.without_data()
    plugin, table = _named(read, name)
    for change in changes:
        key, text = split("--set", change)
        table[key] = typed(plugin.config_class, key, text)
    outcomes = []
    for outcome in check(plugin, table):
        outcomes.append(outcome)
        if not as_json:
            why = f": {outcome.why}" if outcome.why else ""
            colour = {"failed": "red", "warning": "yellow"}.get(outcome.state)
            click.secho(f"{outcome.state:12} {outcome.check}{why}", fg=colour)
    if as_json:
        click.echo(msgspec.json.encode(outcomes))
    else:
        counts = Counter(outcome.state for outcome in outcomes)
        click.echo(", ".join(f"{count} {state}" for state, count in counts.items()))
        if counts["not checked"]:
            page = "channel-contract.md" if issubclass(plugin, Channel) else "filing.md"
            click.echo(f"What is not checked needs to know more: see docs/{page}, Hooks.")
    sys.exit(1 if any(outcome.state == "failed" for outcome in outcomes) else 0)


def _named(read: Settings, name: str) -> tuple[Plugin, Table]:
    """The class, and the settings it is to be tried with."""
    catalogue = catalogue_of(read)
    tables: dict[Role, dict[str, Table]] = {"channel": read.channels, "filing": read.filings}
    for role, many in tables.items():
        if (table := many.get(name)) is not None:
            plugin = plugin_called(role, name, str(table.get("use", "?")), catalogue)
            return plugin, {key: table[key] for key in table if key not in RESERVED[role]}
    plugin = plugin_called(None, name, name, catalogue)
    return plugin, dict(plugin.example)


@plugins.command("new")
@click.argument("name")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to write it: a folder that is not there yet. Default: duecourse-NAME.",
)
@click.option("--filing", is_flag=True, help="An adapter for a court, in place of a channel.")
def new_plugin(name: str, folder: Path | None, *, filing: bool) -> None:
    """Write a package with a plugin that works: NAME is such as sms-foo, letter-bar or chat."""
    try:
        plan = Plan.of(name, "filing" if filing else "channel")
        target = folder or plan.folder
        written = write(plan, target)
    except CannotWrite as refused:
        raise click.ClickException(str(refused)) from None
    for file in written:
        click.echo(f"wrote {file}")
    click.echo(
        f"\nNext:\n  pip install -e '{target}[test]'\n  pytest {target}\n"
        f"  duecourse plugins check {name}\n"
        f"Then make it yours: {target / plan.module / '__init__.py'}"
    )
