"""The `duecourse` command."""

import logging
import sys
from importlib.metadata import version
from pathlib import Path

import rich_click as click

from duecourse.cli import cases, imports, keys, operations, tryout
from duecourse.cli.settings import read
from duecourse.demo.errors import DemoFailed
from duecourse.settings import SettingsError
from duecourse.store.embedded import EmbeddedError
from duecourse.store.errors import StoreError

EXPECTED = (SettingsError, StoreError, EmbeddedError, DemoFailed)
"""What an operator can mend: shown as one line, without a traceback."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("duecourse"))
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Settings in TOML. Default: $DUECOURSE_CONFIG, else duecourse.toml if it is there.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the embedded database and the master key. Default: data.",
)
@click.option("-v", "--verbose", is_flag=True, help="Log what is done, not only what went wrong.")
@click.pass_context
def duecourse(
    context: click.Context, config: Path | None, data: Path | None, *, verbose: bool
) -> None:
    """Case management for overdue debts: fair, lawful and provable."""
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    context.obj = lambda: read(config, data)


duecourse.add_command(tryout.demo)
duecourse.add_command(operations.serve)
duecourse.add_command(operations.worker)
duecourse.add_command(operations.migrate)
duecourse.add_command(operations.doctor)
duecourse.add_command(operations.plugins)
duecourse.add_command(operations.rules)
duecourse.add_command(keys.keys)
duecourse.add_command(imports.import_)
duecourse.add_command(cases.case)


def main() -> None:
    try:
        duecourse()
    except EXPECTED as trouble:
        click.echo(f"duecourse: {trouble}", err=True)
        sys.exit(1)
