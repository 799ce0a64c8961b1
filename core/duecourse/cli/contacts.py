"""What waits for a person: contacts of which nobody knows whether they left, signals without a case."""

from typing import Literal
from uuid import UUID

import msgspec
import rich_click as click

from duecourse.case import commands as c
from duecourse.case.context import Actor
from duecourse.case.errors import CaseError, CaseNotFound
from duecourse.case.words import PersonalText
from duecourse.chance import new_id
from duecourse.cli.settings import ReadSettings
from duecourse.cli.tables import show
from duecourse.flow.house import House
from duecourse.store.engine import Request
from duecourse.store.references import UnmatchedSignal
from duecourse.store.unknown import MAX_PAGE, UnknownContacts
from duecourse.views.unknown import UnknownContact

PERSON = Actor("cli", "operator")


@click.group()
def contacts() -> None:
    """Find out about contacts of which nobody knows whether they left."""


@contacts.command()
@click.option("--channel", help="Only of this channel.")
@click.option("--limit", default=MAX_PAGE, show_default=True, type=click.IntRange(1, MAX_PAGE))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def unknown(settings: ReadSettings, channel: str | None, limit: int, *, as_json: bool) -> None:
    """List them, those that wait longest first.

    A channel had each under the id of the contact as its key. Look there, then `reconcile`.
    """
    with House.open(settings()) as house:
        house.runner().catch_up()
        rows = UnknownContacts(house.database).page(limit, channel=channel)
    if as_json:
        for row in rows:
            click.echo(msgspec.json.encode(row))
        return
    show(
        ("case", "contact", "channel", "plugin", "since"), map(_row, rows), ids=("case", "contact")
    )


def _row(row: UnknownContact) -> tuple[str, ...]:
    since = row.since.isoformat(timespec="seconds")
    return str(row.case_id), str(row.contact_id), row.channel, row.plugin, since


@contacts.command()
@click.argument("case_id", metavar="CASE", type=click.UUID)
@click.argument("contact_id", metavar="CONTACT", type=click.UUID)
@click.option("--outcome", required=True, type=click.Choice(["sent", "not-sent"]))
@click.option("--evidence", required=True, help="How it is known. Sealed in the case.")
@click.pass_obj
def reconcile(
    settings: ReadSettings,
    *,
    case_id: UUID,
    contact_id: UUID,
    outcome: Literal["sent", "not-sent"],
    evidence: str,
) -> None:
    """Say whether CONTACT of CASE left.

    One that did not no longer counts under the caps, and its step of the schedule is due again.
    """
    command = c.ReconcileContact(
        contact_id=contact_id,
        outcome="sent" if outcome == "sent" else "not_sent",
        evidence=_evidence(evidence),
    )
    with House.open(settings()) as house:
        try:
            done = house.engine.execute_sync(
                Request(case_id, command, new_id(), PERSON, causation="cli")
            )
        except CaseNotFound as missing:
            raise click.ClickException(
                f"there is no case {case_id}; `duecourse contacts unknown` has those that wait"
            ) from missing
        except CaseError as refused:
            raise click.ClickException(f"{refused}; see `duecourse contacts unknown`") from refused
    click.echo(f"{outcome} is on record" if done.events else f"{outcome} was on record already")


def _evidence(given: str) -> str:
    try:
        text = msgspec.convert(given.strip(), PersonalText)
    except msgspec.ValidationError:
        raise click.BadParameter(
            "it is longer than 2000 characters", param_hint="--evidence"
        ) from None
    if not text:
        raise click.BadParameter("it is blank; say how it is known", param_hint="--evidence")
    return text


@click.group()
def signals() -> None:
    """Look at what channels reported."""


@signals.command()
@click.option("--channel", default="", help="Only of this channel.")
@click.option("--limit", default=200, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def unmatched(settings: ReadSettings, channel: str, limit: int, *, as_json: bool) -> None:
    """List receipts, replies and opt-outs that fit no contact and no address, newest first.

    What they said is not kept, as there is no case to keep it in; the channel has it by this id.
    """
    with House.open(settings()) as house:
        rows = house.references.unmatched(channel, limit)
    if as_json:
        for row in rows:
            click.echo(msgspec.json.encode(row))
        return
    headers = ("received", "channel", "kind", "id", "reference")
    show(headers, map(_signal_row, rows), ids=("id", "reference"))


def _signal_row(row: UnmatchedSignal) -> tuple[str, ...]:
    received = row.received_at.isoformat(timespec="seconds")
    return received, row.channel, row.kind, row.signal_id, row.reference
