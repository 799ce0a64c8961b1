"""The `duecourse` command."""

import logging
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Final, NoReturn

import rich_click as click

from duecourse.cli.lazy import LazyGroup
from duecourse.cli.settings import ReadSettings
from duecourse.demo.errors import DemoFailed
from duecourse.rules.toml_files import BadFile
from duecourse.settings import SettingsError
from duecourse.store.embedded.errors import EmbeddedError
from duecourse.store.errors import DatabaseUnavailable, StoreError

EXPECTED: Final[Mapping[type[Exception], str]] = {
    SettingsError: "correct the settings",
    BadFile: "correct the file",
    DatabaseUnavailable: "see that it runs and that DATABASE_URL is right",
    StoreError: "see `duecourse doctor`",
    EmbeddedError: "see `duecourse doctor`",
    DemoFailed: "run it again, or delete its folder to begin anew",
    OSError: "mend that, then run it again",
}
"""What an operator can mend, and how where the error does not say: told without a traceback."""

COMMANDS: Final[Mapping[str, str]] = {
    "calc": "calc:calc",
    "case": "cases:case",
    "channels": "channels:channels",
    "contacts": "contacts:contacts",
    "demo": "tryout:demo",
    "doctor": "doctor:doctor",
    "followers": "followers:followers",
    "import": "imports:import_",
    "keys": "keys:keys",
    "lint": "lint:lint",
    "migrate": "operations:migrate",
    "payments": "payments:payments",
    "plugins": "plugins:plugins",
    "rules": "rules:rules",
    "serve": "operations:serve",
    "signals": "contacts:signals",
    "worker": "operations:worker",
}


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("duecourse"))
@click.option(
    "--config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
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
    context.obj = ReadSettings(config, data)


def main() -> None:
    """Whatever goes wrong is told as `Error: <what>; <the fix>`: 2 for the command line, else 1."""
    try:
        sys.exit(duecourse.main(standalone_mode=False))
    except click.UsageError as wrong:
        path = wrong.ctx.command_path if wrong.ctx else "duecourse"
        _fail(_one_line(wrong.format_message(), f"see `{path} --help`"), wrong.exit_code)
    except click.ClickException as failed:
        _fail(failed.format_message(), failed.exit_code)
    except click.Abort:
        _fail("stopped before the end; run it again to go on", 1)
    except tuple(EXPECTED) as trouble:
        fix = next(fix for kind, fix in EXPECTED.items() if isinstance(trouble, kind))
        _fail(_one_line(_words(trouble), fix), 1)


def _words(trouble: Exception) -> str:
    if isinstance(trouble, OSError) and trouble.filename:
        return f"{trouble.filename}: {trouble.strerror}"
    return str(trouble)


def _one_line(words: str, fix: str) -> str:
    line = " ".join(words.split()).rstrip(".?")
    return line if "; " in line else f"{line}; {fix}"


def _fail(words: str, code: int) -> NoReturn:
    click.echo(f"Error: {words}", err=True)
    sys.exit(code)
