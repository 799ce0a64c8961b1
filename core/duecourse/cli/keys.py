"""Keys of the HTTP API: who may use it, and as what."""

from datetime import datetime
from typing import get_args

import msgspec
import rich_click as click

from duecourse.case.words import Name, Role
from duecourse.cli.settings import ReadSettings
from duecourse.cli.tables import show
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
    try:
        msgspec.convert(name, Name)
    except msgspec.ValidationError:
        words = f"{name!r} is no name for a key; use letters, digits and . _ : - without blanks"
        raise click.BadParameter(words, param_hint="NAME") from None
    with House.open(settings(first_key=True)) as house:
        click.echo(ApiKeys(house.database).create(name, role))


@keys.command("list")
@click.pass_obj
def list_(settings: ReadSettings) -> None:
    """List the keys, without their secrets."""
    with House.open(settings()) as house:
        found = ApiKeys(house.database).list()
    rows = (
        (key.key_id, key.name, key.role, _moment(key.created_at), _moment(key.revoked_at))
        for key in found
    )
    show(("key", "name", "role", "created", "revoked"), rows, ids=("key", "name"))


def _moment(at: datetime | None) -> str:
    return at.isoformat(timespec="seconds") if at else ""


@keys.command()
@click.argument("key_id")
@click.pass_obj
def revoke(settings: ReadSettings, key_id: str) -> None:
    """Make a key useless, at once and for good."""
    with House.open(settings()) as house:
        if not ApiKeys(house.database).revoke(key_id):
            raise click.ClickException(
                f"there is no key {key_id} in use; `duecourse keys list` has those that there are"
            )
