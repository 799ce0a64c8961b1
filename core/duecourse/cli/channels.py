"""Channels in use: whether they take messages, what waits for them, and why they rest."""

import sys
from datetime import UTC, datetime
from typing import Any

import msgspec
import rich_click as click

from duecourse.channels import Channel, ChannelError
from duecourse.cli.settings import ReadSettings
from duecourse.cli.tables import show
from duecourse.flow.channel_states import ChannelState, states_of
from duecourse.flow.house import House
from duecourse.plugins import Plugins
from duecourse.redaction import ANYTHING, contained, explain, secrets_of, spoken
from duecourse.store.rests import ChannelEvent

_SHOWN = 100


@click.group()
def channels() -> None:
    """Look after the channels in use: sms, email, letter and others."""


@channels.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def list_(settings: ReadSettings, *, as_json: bool) -> None:
    """List the channels in use, what is due to leave by each, and which of them rest.

    A channel rests after messages in a row that could not be handed over; it is tried again by
    itself. Exits with 1 if one rests.
    """
    with House.open(settings()) as house:
        states = states_of(house.plugins.channels, house.timers, house.rests, house.clock())
    if as_json:
        click.echo(msgspec.json.encode(states))
    else:
        headers = (
            "channel",
            "plugin",
            "medium",
            "guarantee",
            "receipts",
            "due",
            "rests until",
            "reason",
        )
        show(headers, map(_row, states), ids=("channel",))
    sys.exit(1 if any(each.rests_until for each in states) else 0)


def _row(state: ChannelState) -> tuple[str, ...]:
    return (
        state.channel,
        state.plugin,
        state.medium,
        state.guarantee,
        state.receipts,
        str(state.due),
        _moment(state.rests_until),
        state.reason,
    )


@channels.command()
@click.argument("name", default="")
@click.pass_obj
def check(settings: ReadSettings, name: str) -> None:
    """Try the credentials of a channel, or of each of them, and whether it can be reached.

    Nothing is sent and no database is needed. Exits with 1 if one of them cannot be used.
    """
    read = settings.without_data()
    plugins = Plugins.discover(read.plugin_tables, read.plugins, folder=read.plugin_folder)
    try:
        lines = (line for line in plugins.listing if line.kind == "channel" and line.instance)
        found = {line.instance: line for line in lines}
        if name and name not in found:
            known = ", ".join(sorted(found))
            raise click.UsageError(
                f"no channel {name!r} is configured; there are {known or 'none'}"
            )
        rows = [
            (each, found[each].name, found[each].reason or _trouble_with(plugins.channels[each]))
            for each in ([name] if name else sorted(found))
        ]
    finally:
        plugins.close()
    show(
        ("channel", "plugin", "what is wrong"),
        [(channel, plugin, trouble or "-") for channel, plugin, trouble in rows],
        ids=("channel",),
    )
    sys.exit(1 if any(trouble for _, _, trouble in rows) else 0)


def _trouble_with(channel: Channel[Any]) -> str:
    try:
        with contained():
            channel.check()
    except ChannelError as wrong:
        return spoken(wrong, secrets_of(channel.config)) or type(wrong).__name__
    except ANYTHING as wrong:
        return explain(wrong, secrets_of(channel.config))
    return ""


@channels.command()
@click.argument("name", default="")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def events(settings: ReadSettings, name: str, *, as_json: bool) -> None:
    """List when a channel, or each of them, was suspended and resumed, the newest first."""
    with House.open(settings()) as house:
        found = house.rests.events(name, _SHOWN)
    if as_json:
        for each in found:
            click.echo(msgspec.json.encode(each))
        return
    headers = ("at", "channel", "what", "until", "reason", "by")
    show(headers, map(_event_row, found), ids=("at", "channel"))


def _event_row(event: ChannelEvent) -> tuple[str, ...]:
    until = _moment(event.until)
    return (_moment(event.at), event.channel, event.kind, until, event.reason, event.actor)


@channels.command()
@click.argument("name")
@click.option("--reason", required=True, help="Why it is thought to work again.")
@click.pass_obj
def resume(settings: ReadSettings, name: str, reason: str) -> None:
    """End the rest of a channel now, because its cause is mended."""
    with House.open(settings()) as house:
        was_resting = house.rests.resume(name, reason, "operator")
    click.echo(f"{name} takes messages again" if was_resting else f"{name} does not rest")


def _moment(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(UTC).isoformat(timespec="seconds")
