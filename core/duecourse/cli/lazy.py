"""Commands that are imported when they are asked for, so that starting costs what is used."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import rich_click as click
from click.exceptions import NoSuchCommand


class LazyGroup(click.RichGroup):
    """A group that knows where its commands are: `lazy` has `module:attribute` by their names."""

    def __init__(self, *given: Any, lazy: Mapping[str, str], **named: Any) -> None:  # noqa: ANN401 - the library's
        super().__init__(*given, **named)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self._lazy})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._lazy:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = self._lazy[cmd_name].partition(":")
        found: click.Command = getattr(import_module(f"duecourse.cli.{module}"), attribute)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Raises NoSuchCommand, which says what may have been meant."""
        try:
            return super().resolve_command(ctx, args)
        except NoSuchCommand as unknown:
            known = self.list_commands(ctx)
            raise NoSuchCommand(unknown.command_name, possibilities=known, ctx=ctx) from None
