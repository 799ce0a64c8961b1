"""One case on the terminal: its state, its timeline, its replay, and whether it may be contacted."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import takewhile
from typing import Final, get_args
from uuid import UUID

import msgspec
import rich_click as click

from duecourse.case.arrears import options
from duecourse.case.context import SYSTEM
from duecourse.case.errors import CaseNotFound, Unknown
from duecourse.case.evolve import evolve, fold
from duecourse.case.state import Case
from duecourse.case.words import MANUAL_CHANNELS, Language, Stage
from duecourse.cli.lazy import LazyGroup
from duecourse.cli.rules import NOT_PERMITTED, read_moment
from duecourse.cli.settings import ReadSettings
from duecourse.cli.tables import show as show_table
from duecourse.flow.house import House
from duecourse.flow.permission import NoSuchMoment, Permission, Question, answer
from duecourse.money.amounts import format_minor
from duecourse.rules.gate import RuleBook
from duecourse.rules.vocabulary import Both
from duecourse.store.engine import Recorded
from duecourse.store.worklist import Filters, Worklist
from duecourse.views.breaches import breaches
from duecourse.views.worklist import WorklistRow

MOST_WORDS: Final = 40
MOST_FIELDS: Final = 30


@click.group(
    cls=LazyGroup,
    lazy={
        "agreement": "papers:agreement",
        "allocation": "statement:allocation",
        "limitation": "case_protection:limitation",
        "options": "case_protection:options",
        "plan-preview": "plan_preview:plan_preview",
        "statement": "statement:statement",
    },
)
def case() -> None:
    """Look at one case."""


@case.command("list")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 200))
@click.option("--stage", type=click.Choice(get_args(Stage)))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def list_(settings: ReadSettings, limit: int, stage: Stage | None, *, as_json: bool) -> None:
    """List the worklist: no names, only what there is to do."""
    with House.open(settings()) as house:
        house.runner().catch_up()
        rows = Worklist(house.database).page(Filters(stage=stage), limit)
    if as_json:
        for row in rows:
            click.echo(msgspec.json.encode(row))
        return
    headers = ("case", "creditor", "stage", "outstanding", "next step", "attention")
    show_table(headers, map(_line, rows), ids=("case", "creditor"))


def _line(row: WorklistRow) -> tuple[str, ...]:
    amount = f"{format_minor(row.outstanding_minor, row.currency)} {row.currency}"
    step = f"{row.next_step} {row.next_step_at:%Y-%m-%d}" if row.next_step_at else ""
    return str(row.case_id), row.creditor, row.stage, amount, step, ", ".join(row.attention)


@case.command()
@click.argument("case_id", type=click.UUID)
@click.option("--version", type=click.IntRange(min=1), help="As it was after this event.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]), help="As it was then.")
@click.pass_obj
def show(
    settings: ReadSettings, case_id: UUID, version: int | None, as_of: datetime | None
) -> None:
    """Print the state of a case as JSON, now or as it was, with its breaches and what may help."""
    history, rules = _read(settings, case_id, version)
    if as_of is not None:
        history = list(takewhile(lambda each: each.event.at <= as_of, history))
    state = fold(each.event for each in history)
    if state is None:
        raise click.ClickException("the case had not been opened by then; give a later --as-of")
    found = breaches(((each.event, each.actor.id) for each in history), rules)
    seen = {**msgspec.to_builtins(state), "breaches": found, "options": options(state)}
    click.echo(_pretty(seen))


@case.command()
@click.argument("case_id", type=click.UUID)
@click.pass_obj
def timeline(settings: ReadSettings, case_id: UUID) -> None:
    """Print what happened, one line an event."""
    rows = (
        (
            str(recorded.version),
            recorded.event.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M"),
            type(recorded.event).__name__,
            recorded.actor.id,
            _gist(recorded.event),
        )
        for recorded, _ in _replayed(settings, case_id, None)
    )
    show_table(("#", "when (UTC)", "what", "who", "details"), rows, ids=("#",))


@case.command()
@click.argument("case_id", type=click.UUID)
@click.option("--version", type=click.IntRange(min=1), help="Stop after this event.")
@click.pass_obj
def replay(settings: ReadSettings, case_id: UUID, version: int | None) -> None:
    """Print each event and the state of the case after it, as JSON lines.

    Nothing is sent and nothing is written: the state is computed from the events alone.
    """
    for recorded, state in _replayed(settings, case_id, version):
        line = {
            "version": recorded.version,
            "recorded_at": recorded.recorded_at,
            "actor": recorded.actor,
            "command_id": recorded.command_id,
            "causation": recorded.causation,
            "event": recorded.event,
            "case": state,
        }
        click.echo(msgspec.json.encode(line))


@case.command("may-contact")
@click.argument("case_id", type=click.UUID)
@click.option("--channel", required=True, help="call, sms, email, letter, visit, …")
@click.option("--at", metavar="RFC3339", help="2026-03-02T21:00:00+08:00. Default: now.")
@click.option("--point-id", default="", help="The address. Default: the first usable one.")
@click.option(
    "--language", type=click.Choice(get_args(Language)), help="Default: the debtor's own."
)
@click.option(
    "--debt",
    "debts",
    type=click.UUID,
    multiple=True,
    help="What it is about; may be given again. Default: all debts of the case.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def may_contact(
    settings: ReadSettings,
    *,
    case_id: UUID,
    channel: str,
    at: str | None,
    point_id: str,
    language: Language | None,
    debts: tuple[UUID, ...],
    as_json: bool,
) -> None:
    """May this contact be made? Exits with 0 when it may, with 3 when not. Records nothing.

    A moment to come is asked of the case as it is now; one that is past, of the case as it was.
    """
    question = Question(
        channel=channel,
        at=None if at is None else read_moment(at),
        point_id=point_id,
        language=language,
        debts=debts,
    )
    try:
        with House.open(settings()) as house:
            _require_channel(channel, house)
            context_for = partial(house.context_for, SYSTEM)
            permission = answer(house.engine, case_id, question, context_for, house.clock())
    except CaseNotFound as missing:
        raise no_such_case(case_id) from missing
    except NoSuchMoment as wrong:
        raise click.UsageError(f"--at: {wrong}") from wrong
    except Unknown as wrong:
        raise click.UsageError(f"--debt: {wrong}") from wrong
    if as_json:
        click.echo(msgspec.json.encode(permission))
    else:
        for line in _in_words(permission):
            click.echo(line)
    sys.exit(0 if permission.permitted else NOT_PERMITTED)


def _require_channel(channel: str, house: House) -> None:
    known = sorted(house.plugins.channels.keys() | MANUAL_CHANNELS)
    if channel not in known:
        raise click.UsageError(
            f"--channel: no such channel is configured; there are: {', '.join(known)}"
        )


def _in_words(permission: Permission) -> Iterator[str]:
    """What the collector reads, and below it what the debtor may be told."""
    collector, borrower = permission.for_collector, permission.for_borrower
    yield collector.summary
    about = ", ".join(map(str, permission.debts)) or Both("none", "无").into(permission.language)
    yield Both(f"About the debts: {about}.", f"涉及的债务：{about}。").into(permission.language)
    for reason in collector.reasons:
        yield f"  {reason.rule} ({reason.outcome}): {reason.says}"
        for line in (reason.saw, reason.source, reason.until):
            if line:
                yield f"    {line}"
    if collector.next_moment:
        yield collector.next_moment
    yield ""
    yield Both("To the debtor:", "可以这样告诉债务人：").into(permission.language)
    for line in (borrower.summary, *borrower.reasons, borrower.next_moment):
        if line:
            yield f"  {line}"


def _replayed(
    settings: ReadSettings, case_id: UUID, version: int | None
) -> Iterator[tuple[Recorded, Case]]:
    history, _ = _read(settings, case_id, version)
    state: Case | None = None
    for recorded in history:
        state = evolve(state, recorded.event)
        yield recorded, state


def _read(
    settings: ReadSettings, case_id: UUID, version: int | None
) -> tuple[list[Recorded], RuleBook]:
    """The history of a case, and the rules of this house."""
    try:
        with House.open(settings()) as house:
            history, rules = house.engine.history(case_id, until_version=version), house.rules
    except CaseNotFound as missing:
        raise no_such_case(case_id) from missing
    if version is not None and history[-1].version < version:
        raise click.ClickException(
            f"the case has no version {version}; give one from 1 to {history[-1].version}"
        )
    return history, rules


def no_such_case(case_id: UUID) -> click.ClickException:
    return click.ClickException(
        f"there is no case {case_id}; `duecourse case list` has those that there are"
    )


def _pretty(state: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(state), indent=2)


def _gist(event: object) -> str:
    """The fields of an event on one line; words are cut short, a code or an id never is."""
    fields = [
        f"{path}={_short(str(value))}"
        for path, value in _leaves(msgspec.to_builtins(event))
        if path not in {"type", "at"} and value not in (None, "")
    ]
    if left_out := fields[MOST_FIELDS:]:
        fields[MOST_FIELDS:] = [f"and {len(left_out)} more, which `duecourse case replay` prints"]
    return ", ".join(fields)


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """What has no parts, each by its path: `debts.0.balance.principal`."""
    match value:
        case dict():
            parts = list(value.items())
        case list():
            parts = list(enumerate(value))
        case _:
            yield path, value
            return
    for key, part in parts:
        yield from _leaves(part, f"{path}.{key}" if path else str(key))


def _short(text: str) -> str:
    is_code = text.isascii() and " " not in text
    return text if is_code or len(text) <= MOST_WORDS else f"{text[:MOST_WORDS]}..."
