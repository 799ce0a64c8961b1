"""`duecourse case plan-preview`: a plan as it would be offered, or two beside each other."""

import io
from collections.abc import Iterator
from datetime import date
from typing import Any, Final
from uuid import UUID, uuid5

import msgspec
import rich_click as click

from duecourse.case import commands as c
from duecourse.case.context import SYSTEM, Context
from duecourse.case.decide import decide
from duecourse.case.errors import CaseError, CaseNotFound
from duecourse.case.events import Instalment
from duecourse.case.plan_preview import PlanPreview, PlansCompared, compared, preview_in
from duecourse.case.plan_terms import EarlyPayment, GraceDays, PlanTerms, Waive
from duecourse.case.state import Case
from duecourse.case.words import PlanKind
from duecourse.cli.settings import ReadSettings
from duecourse.cli.tables import show as show_table
from duecourse.flow.house import House
from duecourse.input_words import misfit
from duecourse.money.amounts import Currency, Minor, format_minor

MAX_INPUT_BYTES: Final = 1_000_000
_PREVIEWS: Final = UUID("6f6c1d0e-4f0b-5c86-9d53-0a6d6c706c61")
_NOT_RECORDED: Final = "to look at"
HELP: Final = """Show a plan as it would be offered: each instalment, what it costs, whether it fits.

FILE (- is standard input) is a plan in JSON, or {"a": ..., "b": ...} to compare two. Records nothing.

\b
{"kind": "instalments", "currency": "CNY", "expires_on": "2026-03-16",
 "terms": {"schedule": "annuity", "count": 6, "percent": "6", "first_on": "2026-03-31"}}
"""


class PlanAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As the API takes a plan."""

    kind: PlanKind
    currency: Currency
    expires_on: date
    instalments: tuple[Instalment, ...] = ()
    terms: PlanTerms | None = None
    waived_minor: Minor = 0
    waive: Waive = "on_completion"
    early_payment: EarlyPayment = "ahead"
    grace_days: GraceDays | None = None


class TwoAsked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    a: PlanAsked
    b: PlanAsked


@click.command("plan-preview", help=HELP)
@click.argument("case_id", type=click.UUID)
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.pass_obj
def plan_preview(
    settings: ReadSettings, case_id: UUID, file: io.BufferedReader, *, as_json: bool
) -> None:
    asked = _read(file)
    try:
        with House.open(settings()) as house:
            case = house.engine.load(case_id).case
            context = house.context_for(SYSTEM, max(house.clock(), case.at))
    except CaseNotFound as missing:
        raise click.ClickException(
            f"there is no case {case_id}; `duecourse case list` has those that there are"
        ) from missing
    answer = _answer(asked, case, context)
    if as_json:
        click.echo(msgspec.json.encode(answer))
        return
    for line in _in_words(answer):
        click.echo(line)
    if isinstance(answer, PlanPreview):
        _show_schedule(answer)


def _read(file: io.BufferedReader) -> PlanAsked | TwoAsked:
    raw = file.read(MAX_INPUT_BYTES + 1)
    if len(raw) > MAX_INPUT_BYTES:
        raise click.UsageError(f"FILE is larger than {MAX_INPUT_BYTES} bytes; it is one plan")
    kind: type[PlanAsked | TwoAsked] = PlanAsked
    try:
        plain: Any = msgspec.json.decode(raw)
        if isinstance(plain, dict) and "a" in plain:
            kind = TwoAsked
        return msgspec.convert(plain, kind)
    except msgspec.ValidationError as error:
        raise click.UsageError(f"FILE: {misfit(error, kind)}; see docs/plans.md") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise click.UsageError("FILE: it is not JSON; see docs/plans.md") from error


def _answer(
    asked: PlanAsked | TwoAsked, case: Case, context: Context
) -> PlanPreview | PlansCompared:
    if isinstance(asked, PlanAsked):
        return _previewed(asked, case, context, "")
    a, b = _previewed(asked.a, case, context, "a."), _previewed(asked.b, case, context, "b.")
    try:
        return compared(a, b)
    except ValueError as wrong:
        raise click.UsageError(f"b.currency: {wrong}") from wrong


def _previewed(asked: PlanAsked, case: Case, context: Context, name: str) -> PlanPreview:
    command = c.OfferPlan(
        **msgspec.structs.asdict(asked),
        plan_id=uuid5(_PREVIEWS, name),
        # What needs another person is shown as well, and says so.
        override=_NOT_RECORDED,
    )
    try:
        events = decide(case, command, context)
    except CaseError as wrong:
        where = f"{name}{wrong.field}: " if wrong.field else ""
        raise click.UsageError(f"{where}{wrong}") from wrong
    preview = preview_in(events, context.rules, case.debtor.jurisdiction)
    assert preview is not None, "no plan of the case has this id"
    return preview


def _in_words(answer: PlanPreview | PlansCompared) -> Iterator[str]:
    if isinstance(answer, PlansCompared):
        for name, plan in (("a", answer.a), ("b", answer.b)):
            yield f"{name}: {_gist(plan)}"
        yield f"cheaper: {answer.cheaper}, sooner over: {answer.sooner}, lighter: {answer.lighter}"
        return
    yield _gist(answer)
    yield f"fits: {_fit(answer)}"
    for need in answer.needs:
        yield f"needs another person: {need}"
    for debt_id in answer.cap_unknown:
        yield f"no cap is known of debt {debt_id}: give its interest terms a `cap`"


def _gist(plan: PlanPreview) -> str:
    parts = [f"{plan.count} instalments, {plan.first_on} to {plan.last_on}", f"{plan.total} in all"]
    for words, minor in (
        ("interest", plan.cost_minor),
        ("forgiven", plan.waived_minor),
        ("frozen", plan.frozen_minor),
    ):
        if minor:
            parts.append(f"{format_minor(minor, plan.currency)} {words}")
    return ", ".join(parts)


def _fit(plan: PlanPreview) -> str:
    asked = format_minor(plan.fit.per_month_minor, plan.currency)
    if plan.fit.verdict == "unknown":
        return f"unknown, as there is no form; it asks for {asked} {plan.currency} a month"
    left = format_minor(plan.fit.available_minor, plan.currency)
    answer = "yes" if plan.fit.verdict == "fits" else "no"
    return f"{answer}; it asks for {asked} {plan.currency} a month, and {left} is left"


def _show_schedule(plan: PlanPreview) -> None:
    headers = ("#", "due on", "amount", "interest", "forgiven", "left")
    rows = (
        (
            str(line.number),
            line.due_on.isoformat(),
            line.amount,
            format_minor(line.interest_minor, plan.currency),
            format_minor(line.waived_minor, plan.currency),
            format_minor(line.left_minor, plan.currency),
        )
        for line in plan.schedule
    )
    show_table(headers, rows, ids=("#",))
