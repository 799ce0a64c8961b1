"""Keys of the HTTP API: who may use it, and as what."""

from typing import get_args

import rich_click as click
from rich.console import Console
from rich.table import Table

from duecourse.case.words import Role
from duecourse.cli.settings import ReadSettings
from duecourse.flow.house import House
from duecourse.store.api_keys import ApiKeys

ROLES = [role for role in get_args(Role) if role != "system"]


@click.group()
def keys() -> None:
    """Make, list and revoke keys of the HTTP API."""


@keys.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True)
@click.pass_obj
def create(settings: ReadSettings, name: str, role: Role) -> None:
    """Make a key for NAME and print it. It is shown once; only its hash is kept."""
    with House.open(settings()) as house:
        click.echo(ApiKeys(house.database).create(name, role))


@keys.command("list")
@click.pass_obj
def list_(settings: ReadSettings) -> None:
    """List the keys, without their secrets."""
    table = Table("key", "name", "role", "created", "revoked")
    with House.open(settings()) as house:
        for key in ApiKeys(house.database).list():
            revoked = key.revoked_at.isoformat() if key.revoked_at else ""
            table.add_row(key.key_id, key.name, key.role, key.created_at.isoformat(), revoked)
    Console().print(table)


@keys.command()
@click.argument("key_id")
@click.pass_obj
def revoke(settings: ReadSettings, key_id: str) -> None:
    """Make a key useless, at once and for good."""
    with House.open(settings()) as house:
        if not ApiKeys(house.database).revoke(key_id):
            raise click.ClickException(f"there is no key {key_id} in use")
